//! Pieces of text: how they are written, and how many lines are in them.

use std::io::{self, Write};

/// Writes as much of `bytes` as `out` takes: how much that is, and why it is not all.
pub(crate) fn write(out: &mut impl Write, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut taken = 0;
    while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
        match out.write(rest) {
            Ok(0) => return (taken, Err(io::ErrorKind::WriteZero.into())),
            Ok(more) => taken += more.min(rest.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (taken, Err(error)),
        }
    }
    (taken, Ok(()))
}

/// How many lines end in `bytes`.
pub(crate) fn lines(bytes: &[u8]) -> u64 {
    // In counters of one byte, so that many bytes are looked at at a time.
    let few =
        |bytes: &[u8]| bytes.iter().fold(0_u8, |count, byte| count.wrapping_add(u8::from(*byte == b'\n')));
    bytes.chunks(usize::from(u8::MAX)).map(|bytes| u64::from(few(bytes))).sum()
}
