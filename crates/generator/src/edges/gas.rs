//! What an opcode is charged, as the tables have it: near enough to hit the edge of each charge, and worked out by no engine.

use parallax_primitives::{Class, Eip, Opcode, Role, Rules, U256};

use crate::random::Random;

/// Most bytes of memory that are worked out; nobody pays for more.
const MOST: u64 = 1 << 32;

/// So many words of memory.
pub(super) fn of_memory(rules: Rules, words: u64) -> u64 {
    let gas = rules.gas();
    gas.memory_word * words / gas.memory_word_divisor + words * words / gas.memory_quadratic_divisor
}

/// What it costs on top of its static gas in any case, with these operands and so many words of memory paid for.
pub(super) fn surely(rules: Rules, opcode: Opcode, operands: &[U256], paid: u64) -> u64 {
    let Some(info) = rules.info(opcode) else { return 0 };
    let prices = rules.gas();
    let of = |role: Role| {
        let value = info.inputs.iter().zip(operands).find(|(operand, _)| operand.role == role);
        value.map_or(0, |(_, value)| value.saturating_to::<u64>().min(MOST))
    };
    let words = words(info.inputs.iter().map(|operand| operand.role), operands);
    let mut gas = of_memory(rules, words.max(paid)) - of_memory(rules, paid);
    let length = of(Role::Length);
    match opcode {
        Opcode::EXP => {
            let exponent = operands.get(1).map_or(0, U256::byte_len);
            gas += prices.exp_byte * exponent as u64;
        }
        Opcode::KECCAK256 => gas += prices.keccak_word * length.div_ceil(32),
        Opcode::CREATE | Opcode::CREATE2 => {
            gas += prices.initcode_word * length.div_ceil(32);
            if opcode == Opcode::CREATE2 {
                gas += prices.keccak_word * length.div_ceil(32);
            }
        }
        _ if info.class == Class::Log => {
            gas += prices.log_topic * u64::from(opcode.0 - Opcode::LOG0.0) + prices.log_byte * length;
        }
        _ if info.class == Class::Memory => gas += prices.copy_word * length.div_ceil(32),
        _ => {}
    }
    gas
}

/// Words of memory that the operands reach.
fn words(roles: impl Iterator<Item = Role> + Clone, operands: &[U256]) -> u64 {
    let mut all = 0;
    for (at, (role, offset)) in roles.clone().zip(operands).enumerate() {
        let length = match role {
            Role::ReadWord | Role::WriteWord => U256::from(32),
            Role::WriteByte => U256::from(1),
            Role::ReadOffset | Role::WriteOffset | Role::OutputOffset => {
                let mut rest = roles.clone().zip(operands).skip(at + 1);
                rest.find(|(role, _)| *role == Role::Length).map_or(U256::ZERO, |(_, length)| *length)
            }
            _ => U256::ZERO,
        };
        if !length.is_zero() {
            all = all.max(offset.saturating_add(length).saturating_to::<u64>().min(MOST).div_ceil(32));
        }
    }
    all
}

/// Some of what it may cost besides, as the state is, added up.
pub(super) fn maybe(random: &mut Random, rules: Rules, opcode: Opcode) -> u64 {
    let Some(info) = rules.info(opcode) else { return 0 };
    let prices = rules.gas();
    let account = [prices.cold_account, prices.new_account, prices.state_new_account];
    let charges: &[u64] = match (info.class, opcode) {
        (_, Opcode::SLOAD) => &[prices.cold_slot_load],
        (_, Opcode::SSTORE) => &[
            if rules.has(Eip::NetMetering2200) { prices.sstore_sentry } else { 0 },
            prices.sstore_set,
            prices.sstore_reset,
            prices.sstore_dirty,
            prices.cold_slot_store,
            prices.state_new_slot,
        ],
        (Class::Message, Opcode::CALL | Opcode::CALLCODE) => {
            &[account[0], account[1], account[2], prices.call_value, 2 * prices.call_value / 3]
        }
        (Class::Message, _) => &account[..],
        (_, Opcode::SELFDESTRUCT) => &[account[0], account[1], account[2], prices.selfdestruct_new_account],
        _ if info.inputs.iter().any(|operand| operand.role == Role::Address) => &account[..1],
        _ => &[],
    };
    charges.iter().filter(|_| random.once_in(2)).sum()
}
