//! The operands of an opcode, by what they mean.

use parallax_primitives::{Class, Eip, Opcode, OpcodeInfo, PrecompileId, Reach, Role, U256};

use super::{
    init::{in_the_way, init, limit},
    precompiles,
    stage::{OUTER, SUBJECT, Stage},
    words::{far, length, offset, word},
};

/// An operand as it is pushed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    Word(U256),
    /// A place behind the opcode: its JUMPDEST, or a byte of push data that looks like one; so much on top of it.
    Behind {
        in_data: bool,
        more: U256,
    },
}

/// What an opcode is given.
#[derive(Default)]
pub(super) struct Operands {
    /// The topmost first.
    pub(super) items: Vec<Operand>,
    /// What is to be in memory from its beginning.
    pub(super) data: Vec<u8>,
    /// Bytes behind the opcode.
    pub(super) immediate: Vec<u8>,
}

/// Drawn for an opcode, be it one that the rules lack.
pub(super) fn of(stage: &mut Stage, opcode: Opcode) -> Operands {
    let Some(info) = stage.rules.info(opcode) else { return Operands::default() };
    let mut operands = match (info.class, opcode) {
        (_, Opcode::CREATE | Opcode::CREATE2) if !stage.random.once_in(8) => creation(stage, opcode),
        (Class::Message, _) if !matches!(opcode, Opcode::CREATE | Opcode::CREATE2) => message(stage, info),
        (Class::Deep, _) => deep(stage, opcode),
        _ => by_role(stage, info),
    };
    if info.class == Class::Push {
        let random = &mut stage.random;
        let byte = random.pick(&[0, 1, 0x5b, 0x7f, 0x80, 0xff]);
        operands.immediate = vec![byte; info.immediate.into()];
        if let Some(first) = operands.immediate.first_mut().filter(|_| random.once_in(2)) {
            *first = random.byte();
        }
    }
    operands
}

fn words(words: impl IntoIterator<Item = U256>) -> Vec<Operand> {
    words.into_iter().map(Operand::Word).collect()
}

fn by_role(stage: &mut Stage, info: &OpcodeInfo) -> Operands {
    let mut items = Vec::with_capacity(info.inputs.len());
    for operand in info.inputs {
        let random = &mut stage.random;
        let value = match operand.role {
            Role::Value | Role::Topic | Role::Salt | Role::Exponent => word(random),
            Role::Flag => U256::from(random.below(2)) << (255 * random.below(2)),
            Role::Shift => {
                if random.once_in(4) {
                    far(random)
                } else {
                    U256::from(random.pick(&[0, 1, 8, 128, 254, 255, 256, 257]))
                }
            }
            Role::Index => {
                if random.once_in(4) {
                    far(random)
                } else {
                    U256::from(random.pick(&[0, 1, 15, 29, 30, 31, 32, 33]))
                }
            }
            Role::Gas => gas(stage),
            Role::Amount => amount(stage),
            Role::Address => stage.address_word(),
            Role::BlockNumber => match random.below(4) {
                0 => far(random),
                _ => U256::from(random.pick(&[
                    0u64,
                    1,
                    254,
                    255,
                    256,
                    257,
                    (1 << 40) - 257,
                    (1 << 40) - 256,
                    (1 << 40) - 1,
                    1 << 40,
                ])),
            },
            Role::StorageKey | Role::TransientKey => stage.key(),
            Role::Length => length(random),
            Role::JumpDestination => {
                items.push(destination(stage));
                continue;
            }
            _ => offset(random),
        };
        items.push(Operand::Word(value));
    }
    Operands { items, ..Operands::default() }
}

/// Where a jump goes: mostly to where it may.
fn destination(stage: &mut Stage) -> Operand {
    let random = &mut stage.random;
    let high = [U256::ZERO, U256::from(1), U256::from(1) << 32, U256::from(1) << 64, U256::from(1) << 255];
    match random.below(8) {
        0 => Operand::Word(word(random)),
        1 => Operand::Behind { in_data: true, more: U256::ZERO },
        2 | 3 => Operand::Behind { in_data: false, more: random.pick(&high) },
        _ => Operand::Behind { in_data: false, more: U256::ZERO },
    }
}

/// Gas that a call asks for.
fn gas(stage: &mut Stage) -> U256 {
    let random = &mut stage.random;
    match random.below(8) {
        0 => U256::from(random.pick(&[0, 1, 2299, 2300, 2301])),
        1 => far(random),
        2 => U256::MAX,
        _ => U256::from(random.pick(&[30_000, 60_000, 100_000])),
    }
}

/// Wei: none, what there is, one more, and far more.
fn amount(stage: &mut Stage) -> U256 {
    let random = &mut stage.random;
    match random.below(8) {
        0 => far(random),
        1 => U256::from(1001),
        2 | 3 => U256::from(random.pick(&[1, 2, 1000])),
        _ => U256::ZERO,
    }
}

/// A call to an account, or to a precompiled contract with what it takes.
fn message(stage: &mut Stage, info: &OpcodeInfo) -> Operands {
    let contract = stage.random.once_in(3).then(|| stage.precompile());
    let data = contract.map_or(Vec::new(), |contract| precompiles::input(&mut stage.random, contract));
    let mut operands = by_role(stage, info);
    for (operand, item) in info.inputs.iter().zip(&mut operands.items) {
        let value = match (operand.role, contract) {
            (Role::Gas, Some(contract)) => {
                U256::from(precompiles::gas(&mut stage.random, stage.rules, contract))
            }
            (Role::Address, Some(contract)) => word_of(contract),
            (Role::ReadOffset, Some(_)) => U256::ZERO,
            (Role::Length, Some(_)) if operand.name == "input size" => U256::from(data.len()),
            _ => continue,
        };
        *item = Operand::Word(value);
    }
    if let Some(contract) = contract
        && stage.random.once_in(2)
    {
        stage.named.push(contract.address());
    }
    Operands { data, ..operands }
}

fn word_of(contract: PrecompileId) -> U256 {
    U256::from(contract.number())
}

/// A creation by init code that fails late, or onto an account; or by too much of it.
fn creation(stage: &mut Stage, opcode: Opcode) -> Operands {
    let data = init(stage);
    let value = amount(stage);
    let mut size = U256::from(data.len());
    if stage.random.once_in(8) {
        let limit = limit(stage.rules.gas().max_initcode_size, 49_152);
        size = U256::from(limit + stage.random.pick(&[0, 1, 1]));
    }
    let salt = U256::from(stage.random.below(2));
    if stage.random.once_in(4) {
        let creator = stage.random.pick(&[SUBJECT, SUBJECT, OUTER]);
        // The nonce of a contract begins at 1, by EIP-161 of a new one too.
        let at = match opcode {
            Opcode::CREATE2 => creator.create2_from_code(salt.to_be_bytes::<32>(), &data),
            _ => creator.create(1),
        };
        in_the_way(stage, at);
    } else if stage.rules.has(Eip::StateClearing161) || stage.random.once_in(2) {
        stage.named.push(SUBJECT.create(1));
    }
    let mut items = words([value, U256::ZERO, size]);
    if opcode == Opcode::CREATE2 {
        items.push(Operand::Word(salt));
    }
    Operands { items, data, ..Operands::default() }
}

/// As many items as the immediate byte names; any byte, most of those that name some.
fn deep(stage: &mut Stage, opcode: Opcode) -> Operands {
    let mut byte = stage.random.byte();
    if !stage.random.once_in(4) {
        // Not too deep mostly: each item is a step.
        let near = |byte: u8| Reach::of(opcode, byte).is_some_and(|reach| reach.items() < 40);
        byte = (0..=255).map(|more| byte.wrapping_add(more)).find(|byte| near(*byte)).unwrap_or(byte);
    }
    let items = Reach::of(opcode, byte).map_or(20, Reach::items);
    let items = words((0..items).map(U256::from));
    Operands { items, immediate: vec![byte], ..Operands::default() }
}
