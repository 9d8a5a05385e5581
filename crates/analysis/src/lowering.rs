//! Which way an opcode goes in the fast form.

use parallax_primitives::{Class, Opcode, Operation, Rules};

use crate::{
    fold::forms,
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
    /// It moves items or puts constants there, which costs nothing.
    Moves,
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
pub(crate) fn form(rules: Rules, opcode: Opcode) -> Form {
    use Operation as O;

    let operation = rules.opcodes()[usize::from(opcode.0)].operation;
    let Some(info) = rules.info(opcode).filter(|_| operation != O::Undefined) else { return Form::Ends };
    match (info.class, operation) {
        (Class::Push | Class::Pop | Class::Dup | Class::Swap, _) => Form::Moves,
        (Class::Halt, _) => Form::Ends,
        (_, O::JUMP) => Form::Jump,
        (_, O::JUMPI) => Form::JumpIf,
        (_, O::JUMPDEST | O::PC | O::CODESIZE) => Form::Moves,
        (_, O::GAS) => Form::Gas,
        (_, O::MLOAD | O::MSTORE | O::MSTORE8) => Form::Memory,
        (_, O::CALLDATALOAD) => Form::CallDataLoad,
        (_, O::ISZERO) => Form::Unary(Op::IsZero),
        (_, O::NOT) => Form::Unary(Op::Not),
        (_, O::CLZ) => Form::Unary(Op::Clz),
        (_, O::ADDMOD | O::MULMOD) => Form::Modular,
        (_, O::GT | O::SGT) => Form::Binary,
        (Class::Arithmetic | Class::Compare | Class::Bitwise, _) if forms(opcode).is_some() => Form::Binary,
        (Class::Message | Class::Flow, _) => Form::Leaves,
        _ if info.immediate > 0 || info.inputs.len() > HEAVY_OPERANDS => Form::Leaves,
        (_, O::Custom) if rules.custom_opcode(opcode).is_none_or(|own| !own.is_local()) => Form::Leaves,
        _ => Form::Heavy,
    }
}
