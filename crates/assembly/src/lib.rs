#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod assemble;
mod disassemble;
mod error;
mod hex;
mod items;

pub use assemble::{assemble, assemble_for};
pub use disassemble::{Disassembly, Instruction, disassemble};
pub use error::{AssemblyError, Problem};
pub use hex::{HexError, parse_hex};
