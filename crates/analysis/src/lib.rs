#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod code;
mod fold;
mod form;
mod translate;

pub use code::{CODE_PADDING, PaddedCode};
pub use form::{FastCode, Instr, Op, Place, Recovery, TEMPORARIES};
pub use translate::{recover, translate};
