//! What each opcode does: one function per opcode, in the files and in the order of the executable specification, each in
//! four paragraphs: stack, gas, operation, program counter.
//!
//! `base` is always the opcode's static gas. What the table of opcodes says (defined, stack bounds, static
//! calls) is checked before an instruction is called.

pub(crate) mod arithmetic;
pub(crate) mod bitwise;
pub(crate) mod block;
pub(crate) mod comparison;
pub(crate) mod control_flow;
pub(crate) mod custom;
pub(crate) mod environment;
pub(crate) mod keccak;
pub(crate) mod log;
pub(crate) mod memory;
pub(crate) mod stack;
pub(crate) mod storage;
pub(crate) mod system;
