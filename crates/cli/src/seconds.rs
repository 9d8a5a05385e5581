//! A time as users type it.

use std::time::Duration;

/// Reads a number of seconds above zero.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let duration = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // A clock that has begun an age ago ends somewhere.
    let duration =
        duration.filter(|duration| !duration.is_zero() && duration.as_secs() <= u64::from(u32::MAX));
    duration.ok_or_else(|| "expected a number of seconds above 0".to_owned())
}
