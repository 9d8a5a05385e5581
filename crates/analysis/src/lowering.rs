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
    /// A copy of the deepest of its items comes on top.
    Copy,
    /// This item, of which the top is 1, and the deepest of its items change places.
    Exchange(u8),
    /// One of these two, or it fails: the byte behind it says what ([`shape`]).
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

/// What an opcode is to its block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) form: Form,
    /// Items that it takes and leaves.
    pub(crate) inputs: u8,
    pub(crate) outputs: u8,
    /// Bytes behind it that a block passes over. Those of an author's own are not here: such an opcode leaves its block.
    pub(crate) behind: usize,
}

/// What the opcode at `pc` is.
#[inline]
pub(crate) fn shape(rules: Rules, code: &PaddedCode, pc: usize) -> Shape {
    let opcode = Opcode(code.bytes()[pc]);
    let form = form(rules, opcode);
    if form == Form::Deep {
        return deep(opcode, code.bytes()[pc + 1]);
    }
    let OpcodeRow { inputs, outputs, .. } = rules.opcodes()[usize::from(opcode.0)];
    Shape { form, inputs, outputs, behind: opcode.push_data() }
}

/// One whose immediate byte names no items always fails: that is left to the exact form. No destination is hidden by that byte: those that a
/// destination depends on are no immediates (EIP-8024). Apart from [`shape`], which is asked for each opcode of a code.
#[cold]
fn deep(opcode: Opcode, immediate: u8) -> Shape {
    let (form, inputs, outputs) = match Reach::of(opcode, immediate) {
        Some(Reach::Copy(item)) => (Form::Copy, item, item + 1),
        Some(Reach::Exchange(upper, lower)) => (Form::Exchange(upper), lower, lower),
        None => (Form::Ends, 0, 0),
    };
    Shape { form, inputs, outputs, behind: 1 }
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
        (Class::Dup, _) => Form::Copy,
        (Class::Swap, _) => Form::Exchange(1),
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
