//! Which way an opcode goes in the fast form.

use parallax_primitives::{Class, Opcode, OpcodeInfo, Operation, Rules};

use crate::form::{HEAVY_OPERANDS, Op};

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
    Dup,
    Swap,
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
        (Class::Dup, _) => Form::Dup,
        (Class::Swap, _) => Form::Swap,
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
