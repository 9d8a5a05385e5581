//! Every opcode, in every fork, on every engine and in every form: rows of programs and what they must come to.
//!
//! What must come out is a literal in the row, or a vector that the executable specification wrote (`vectors.py`); it is
//! never taken from an engine. Each program runs one frame against a world of plain maps (`world.rs`), so that nothing
//! but the opcodes is under test; `frame.rs` insists that all engines and forms agree on every step.

mod frame;
mod world;

mod calls;
mod control_flow;
mod creations;
mod data;
mod deep_stack;
mod environment;
mod facts;
mod logs;
mod stack;
mod storage;
mod values;
