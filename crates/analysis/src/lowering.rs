//! Which way an opcode goes in the fast form.

use parallax_primitives::{Class, Opcode, OpcodeInfo, OpcodeRow, Operation, Reach, Rules};

use crate::{
    code::PaddedCode,
    form::{HEAVY_OPERANDS, Op},
};

/// What an opcode becomes in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The exact form runs it, and what is behind it is reached by jumps alone.
    Ends,
    /// The exact form runs it, and goes on behind it.
    Leaves,
    Jump,
    JumpIf,
    /// Of a constant that stands in the code, or is known from it.
    Push,
    Pop,
    /// A copy of this item comes on top, which is 1.
    Copy(u8),
    /// These two items change places; the second one is the deeper one.
    Exchange(u8, u8),
    /// One of these two, or it fails: the byte behind it says what ([`form_at`]).
    Deep,
    Pc,
    CodeSize,
    /// It stands at a block's start and does nothing.
    JumpDest,
    Gas,
    /// MLOAD, MSTORE, MSTORE8.
    Memory,
    CallDataLoad,
    /// One operand: this instruction.
    Unary(Op),
    /// Two operands: instructions of [`fold::forms`](crate::fold::forms).
    Binary,
    /// ADDMOD, MULMOD.
    Modular,
    /// [`Op::Heavy`].
    Heavy,
}

/// What `opcode` becomes under `rules`. What has no instruction of its own runs out of the loop's line, if it can: what an EIP or an
/// author adds needs nothing here.
#[inline]
pub(crate) fn form(rules: Rules, opcode: Opcode) -> Form {
    match rules.opcodes()[usize::from(opcode.0)].operation {
        Operation::Undefined => Form::Ends,
        Operation::Custom => custom(rules, opcode),
        _ => NATIVE[usize::from(opcode.0)],
    }
}

/// [`form`] of the opcode at `pc`. One whose immediate byte names no items always fails: that is left to the exact form.
#[inline]
pub(crate) fn form_at(rules: Rules, code: &PaddedCode, pc: usize) -> Form {
    let opcode = Opcode(code.bytes()[pc]);
    match form(rules, opcode) {
        Form::Deep => match Reach::of(opcode, code.bytes()[pc + 1]) {
            Some(Reach::Copy(item)) => Form::Copy(item),
            Some(Reach::Exchange(upper, lower)) => Form::Exchange(upper, lower),
            None => Form::Ends,
        },
        form => form,
    }
}

/// Bytes behind an opcode that a block passes over. Those of an author's own are not here: such an opcode leaves its block.
#[inline]
pub(crate) fn bytes_behind(opcode: Opcode) -> usize {
    match opcode {
        // No destination is hidden by it: the bytes that a destination depends on are no immediates (EIP-8024).
        Opcode::DUPN | Opcode::SWAPN | Opcode::EXCHANGE => 1,
        _ => opcode.push_data(),
    }
}

impl Form {
    /// Items that an opcode of this form takes and leaves, where its row alone does not say it.
    #[inline]
    pub(crate) fn items(self, row: &OpcodeRow) -> (i16, i16) {
        match self {
            Form::Copy(item) => (item.into(), i16::from(item) + 1),
            Form::Exchange(_, lower) => (lower.into(), lower.into()),
            _ => (row.inputs.into(), row.outputs.into()),
        }
    }
}

/// [`form`] of every opcode of an EIP (SELFDESTRUCT, the last one, ends as it begins): it is asked for each byte of a code that is translated.
static NATIVE: [Form; 256] = {
    let mut forms = [Form::Ends; 256];
    let mut opcode = Opcode(0);
    while opcode.0 < u8::MAX {
        if let Some(info) = opcode.info() {
            forms[opcode.0 as usize] = native(opcode, info);
        }
        opcode.0 += 1;
    }
    forms
};

const fn native(opcode: Opcode, info: &OpcodeInfo) -> Form {
    match (info.class, opcode) {
        (Class::Push, _) => Form::Push,
        (Class::Pop, _) => Form::Pop,
        (Class::Dup, _) => Form::Copy(deepest(info)),
        (Class::Swap, _) => Form::Exchange(1, deepest(info)),
        (Class::Deep, _) => Form::Deep,
        (Class::Halt, _) => Form::Ends,
        (_, Opcode::JUMP) => Form::Jump,
        (_, Opcode::JUMPI) => Form::JumpIf,
        (_, Opcode::JUMPDEST) => Form::JumpDest,
        (_, Opcode::PC) => Form::Pc,
        (_, Opcode::CODESIZE) => Form::CodeSize,
        (_, Opcode::GAS) => Form::Gas,
        (_, Opcode::MLOAD | Opcode::MSTORE | Opcode::MSTORE8) => Form::Memory,
        (_, Opcode::CALLDATALOAD) => Form::CallDataLoad,
        (_, Opcode::ISZERO) => Form::Unary(Op::IsZero),
        (_, Opcode::NOT) => Form::Unary(Op::Not),
        (_, Opcode::CLZ) => Form::Unary(Op::Clz),
        (_, Opcode::ADDMOD | Opcode::MULMOD) => Form::Modular,
        (_, Opcode::ADD | Opcode::MUL | Opcode::SUB | Opcode::DIV | Opcode::SDIV | Opcode::MOD) => {
            Form::Binary
        }
        (_, Opcode::SMOD | Opcode::SIGNEXTEND | Opcode::LT | Opcode::GT | Opcode::SLT | Opcode::SGT) => {
            Form::Binary
        }
        (_, Opcode::EQ | Opcode::AND | Opcode::OR | Opcode::XOR | Opcode::BYTE) => Form::Binary,
        (_, Opcode::SHL | Opcode::SHR | Opcode::SAR) => Form::Binary,
        (Class::Message | Class::Flow, _) => Form::Leaves,
        _ => out_of_line(info),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "at most 17 items")]
const fn deepest(info: &OpcodeInfo) -> u8 {
    info.inputs.len() as u8
}

/// [`form`] of an author's opcode.
#[cold]
fn custom(rules: Rules, opcode: Opcode) -> Form {
    match rules.custom_opcode(opcode) {
        Some(own) if own.is_local() => out_of_line(own.info()),
        _ => Form::Leaves,
    }
}

const fn out_of_line(info: &OpcodeInfo) -> Form {
    if info.immediate > 0 || info.inputs.len() > HEAVY_OPERANDS { Form::Leaves } else { Form::Heavy }
}
