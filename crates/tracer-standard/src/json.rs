//! Values as JSON: quantities with the fewest digits, everything else as it displays itself.

use std::fmt::Display;

use parallax_primitives::U256;
use serde::Serializer;

pub(crate) fn display<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(crate) fn display_some<S: Serializer>(
    value: &Option<impl Display>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

/// `0x` and the fewest digits; zero is `0x0`.
pub(crate) fn word<S: Serializer>(word: &U256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{word:#x}"))
}
