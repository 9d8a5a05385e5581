#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod code;

pub use code::{CODE_PADDING, PaddedCode};

/// Slots of the fast form behind the highest stack, relative to a block's entry.
pub const TEMPORARIES: std::ops::Range<i16> = 1061..1317;
