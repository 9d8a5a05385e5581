//! No-ops between the opcodes of a program: for each place some that cost as much gas as they have bytes, and in their place as many
//! JUMPDESTs, which cost and take the same. So programs come to be that are the same in every pc, jump and gas, and that a translator cuts
//! into other blocks, with other constants and items in them.

use parallax_primitives::{Opcode, OpcodeTable, U256};

use crate::random::Random;

/// What stands at the places of the no-ops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Opcodes that are in a block with those around them.
    Whole,
    /// JUMPDESTs, at each of which a block begins.
    Split,
    /// One or the other.
    Mixed,
}

/// Writes no-ops. What it draws does not depend on its form, but for which places are split.
pub(crate) struct Pads {
    form: Form,
    random: Random,
    /// One place in so many has a no-op.
    once_in: usize,
    /// Where the opcode behind what was written so far begins, as far as that was looked at.
    next: usize,
}

impl Pads {
    pub(crate) fn new(form: Form, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let once_in = random.pick(&[1, 2, 2, 3, 4, 8, 24]);
        Self { form, random, once_in, next: 0 }
    }

    /// Writes a no-op or none, on a stack of which so many items may be used.
    pub(crate) fn write(&mut self, code: &mut Vec<u8>, table: &OpcodeTable, usable: usize) {
        while let Some(byte) = code.get(self.next) {
            self.next += 1 + Opcode(*byte).push_data();
        }
        // Inside the data of a PUSH that lacks some it would be data.
        if !self.random.once_in(self.once_in) || self.next != code.len() {
            return;
        }
        let start = code.len();
        let is_split = self.random.once_in(2);
        no_op(&mut self.random, code, usable);
        // Something that is pushed and dropped makes bytes and gas the same, by its width.
        let gas = static_gas(table, &code[start..]) + static_gas(table, &[Opcode::PUSH1.0, 0, Opcode::POP.0]);
        let bytes = code.len() - start + 2;
        let width = gas.checked_sub(bytes as u64).and_then(|width| usize::try_from(width).ok());
        let is_possible = static_gas(table, &[Opcode::JUMPDEST.0]) == 1;
        let Some(width) = width.filter(|width| (1..=32).contains(width) && is_possible) else {
            return code.truncate(start);
        };
        let data = self.random.word();
        push(code, width, data);
        code.push(Opcode::POP.0);
        if self.form == Form::Split || self.form == Form::Mixed && is_split {
            code[start..].fill(Opcode::JUMPDEST.0);
        }
    }
}

/// What leaves the stack as it was: nothing at all, a step aside and back, or arithmetic that changes nothing.
fn no_op(random: &mut Random, code: &mut Vec<u8>, usable: usize) {
    let ops = |code: &mut Vec<u8>, opcodes: &[Opcode]| code.extend(opcodes.iter().map(|opcode| opcode.0));
    let (zero, one) = (U256::ZERO, U256::from(1));
    match random.below(12) {
        0 if usable > 0 => ops(code, &[Opcode::NOT, Opcode::NOT]),
        1 if usable > 1 => ops(code, &[Opcode::SWAP1, Opcode::SWAP1]),
        2 if usable > 2 => ops(code, &[Opcode::SWAP2, Opcode::SWAP2]),
        3 if usable > 0 => ops(code, &[Opcode::DUP1, Opcode::POP]),
        4 if usable > 0 => ops(code, &[Opcode::DUP1, Opcode::SWAP1, Opcode::POP]),
        5 if usable > 0 => {
            push(code, 1, zero);
            let opcode = random.pick(&[Opcode::ADD, Opcode::XOR, Opcode::OR]);
            ops(code, &[opcode]);
        }
        6 if usable > 0 => {
            push(code, 1, zero);
            ops(code, &[Opcode::SWAP1, Opcode::SUB]);
        }
        7 if usable > 0 => {
            push(code, 1, one);
            let opcode = random.pick(&[Opcode::DIV, Opcode::SDIV]);
            ops(code, &[Opcode::SWAP1, opcode]);
        }
        8 if usable > 0 => {
            push(code, 1, one);
            ops(code, &[Opcode::MUL]);
        }
        9 if usable > 1 => {
            ops(code, &[Opcode::DUP2, Opcode::ADD, Opcode::DUP2, Opcode::SWAP1, Opcode::SUB]);
        }
        _ => {}
    }
}

fn push(code: &mut Vec<u8>, width: usize, value: U256) {
    code.push(Opcode::PUSH0.0 + u8::try_from(width).unwrap_or(0));
    code.extend(&value.to_be_bytes::<32>()[32 - width..]);
}

/// Static gas of code that runs straight on.
pub(crate) fn static_gas(table: &OpcodeTable, code: &[u8]) -> u64 {
    let (mut pc, mut gas) = (0, 0);
    while let Some(byte) = code.get(pc) {
        gas += u64::from(table[usize::from(*byte)].gas);
        pc += 1 + Opcode(*byte).push_data();
    }
    gas
}
