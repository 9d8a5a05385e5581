#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod code;
mod fast_code;
mod fold;
mod form;
mod translate;
mod verify;

pub use code::{CODE_PADDING, PaddedCode};
pub use fast_code::FastCode;
pub use form::{Field, Immediate, Instr, MAX_TRANSLATED, Op, Place, Recovery, Shape, TEMPORARIES};
pub use translate::{recover, translate};
pub use verify::{Fault, Malformed};
