#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod code;
mod fold;
mod form;
mod translate;
mod verify;

pub use code::{CODE_PADDING, PaddedCode};
pub use form::{FastCode, Field, Immediate, Instr, Op, Place, Recovery, Shape, TEMPORARIES};
pub use translate::{MAX_TRANSLATED, recover, translate};
pub use verify::{Fault, Malformed};
