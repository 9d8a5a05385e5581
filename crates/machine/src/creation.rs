//! What becomes of a creation around its init code: its address before, the deposit of its code after.

use parallax_host_interface::{HostError, Journal};
use parallax_primitives::{Address, Bytecode, Bytes, Eip, Halt, Message, MessageKind, Rules, StateGas};

/// Where a creation puts its account: CREATE by the creator's nonce before it is bumped (Yellow Paper, section 7),
/// CREATE2 by salt and init code (EIP-1014).
pub(crate) fn address(message: &Message, nonce: u64, init_code: &Bytecode) -> Address {
    match message.kind {
        MessageKind::Create2 => message.caller.create2(message.salt.to_be_bytes::<32>(), init_code.hash()),
        _ => message.caller.create(nonce),
    }
}

/// A deposit that was paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deposit {
    /// Gas left after it.
    pub(crate) gas_left: u64,
    /// State gas after it.
    pub(crate) state_gas: StateGas,
    /// The code that the account has now.
    pub(crate) code: Bytes,
}

/// Checks, pays for and writes the code that init code returned. The inner error ends the creation and takes all its gas.
pub(crate) fn deposit(
    rules: Rules,
    address: Address,
    (gas, state_gas): (u64, StateGas),
    code: Bytes,
    journal: &mut dyn Journal,
) -> Result<Result<Deposit, Halt>, HostError> {
    // EIP-3541
    if rules.has(Eip::RejectEf3541) && code.first() == Some(&0xef) {
        return Ok(Err(Halt::CodeStartsWithEf));
    }
    let schedule = rules.gas();
    // With EIP-8037 what is too large is refused before its hash is paid for.
    if rules.has(Eip::StateGas8037) && code.len() > schedule.max_code_size {
        return Ok(Err(Halt::CodeTooLarge));
    }
    let size = u64::try_from(code.len()).unwrap_or(u64::MAX);
    let cost = size
        .saturating_mul(schedule.code_deposit_byte)
        .saturating_add(size.div_ceil(32).saturating_mul(schedule.code_deposit_word));
    let state_cost = size.saturating_mul(schedule.state_code_byte);
    let spilled = state_cost.saturating_sub(state_gas.reservoir);
    let Some(gas_left) = gas.checked_sub(cost.saturating_add(spilled)) else {
        // EIP-2: before it, the account stays and has no code.
        return Ok(if rules.has(Eip::Creation2) {
            Err(Halt::DepositOutOfGas)
        } else {
            Ok(Deposit { gas_left: gas, state_gas, code: Bytes::new() })
        });
    };
    // EIP-170
    if code.len() > schedule.max_code_size {
        return Ok(Err(Halt::CodeTooLarge));
    }
    journal.set_code(address, Bytecode::new(code.clone()))?;
    let state_gas = StateGas {
        reservoir: state_gas.reservoir - (state_cost - spilled),
        spilled: state_gas.spilled + spilled,
        ..state_gas
    };
    Ok(Ok(Deposit { gas_left, state_gas, code }))
}
