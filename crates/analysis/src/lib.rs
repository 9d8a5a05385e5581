#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod code;
mod fast_code;
mod fold;
mod form;
mod listing;
mod lowering;
#[cfg(feature = "validate")]
mod tampered;
mod translate;
#[cfg(feature = "validate")]
mod validate;
mod verify;

pub use code::{CODE_PADDING, PaddedCode};
pub use fast_code::FastCode;
pub use form::{Field, Immediate, Instr, MAX_TRANSLATED, Op, Place, Recovery, Shape, TEMPORARIES};
pub use listing::{Line, listing};
#[cfg(feature = "validate")]
pub use tampered::verify_tampered;
pub use translate::{recover, translate};
#[cfg(feature = "validate")]
pub use validate::{Invalid, Validated, What, validate};
pub use verify::{Fault, Malformed};
