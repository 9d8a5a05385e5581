//! Documents that are whole at any time.

use std::io::{self, Seek, SeekFrom, Write};

/// Closes a document for the time being: what comes next is written over `end`. So it is a whole one even if nobody is left to
/// finish it. Where there is no going back (a pipe) it is closed at its end alone.
pub(crate) fn close_for_now(out: &mut (impl Write + Seek), end: &[u8]) -> io::Result<()> {
    let Ok(place) = out.stream_position() else { return Ok(()) };
    out.write_all(end)?;
    // A buffer is written out before the place is changed.
    out.seek(SeekFrom::Start(place)).map(|_| ())
}
