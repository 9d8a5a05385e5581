use std::io;

use crate::pieces;

/// How much text is gathered before it is handed over.
const PIECE: usize = 1 << 16;

/// Gathers lines and hands them to a writer in pieces of whole lines, without an allocation per line.
///
/// A writer that fails is not asked again. What is said from then on is counted: see [`Output::lost`]. Dropped, it hands over what it
/// has.
#[derive(Debug)]
pub struct Output<W: io::Write> {
    /// Away while it writes: if it panics there, it is gone, and is not asked again while the panic goes up.
    out: Option<W>,
    text: Vec<u8>,
    failed: Option<io::Error>,
    lost: u64,
}

impl<W: io::Write> Output<W> {
    /// Before `out`.
    pub fn new(out: W) -> Self {
        Self { out: Some(out), text: Vec::with_capacity(2 * PIECE), failed: None, lost: 0 }
    }

    /// What is not yet handed over. Append to it.
    pub fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// To be called behind a line, or where much has been appended to one: hands the text over if it is enough for a piece.
    pub fn end_line(&mut self) {
        if self.text.len() >= PIECE {
            self.hand_over();
        }
    }

    /// Hands everything over and has the writer flush. What goes wrong is told by [`Output::failed`].
    pub fn flush(&mut self) {
        self.hand_over();
        if self.failed.is_none()
            && let Some(mut out) = self.out.take()
        {
            let flushed = out.flush();
            self.out = Some(out);
            self.note(flushed);
        }
    }

    /// The writer's first error.
    pub fn failed(&self) -> Option<&io::Error> {
        self.failed.as_ref()
    }

    /// Lines that the writer did not take, or not to their end, because it has failed.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Flushes, and gives the writer back, or its first error.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush();
        match (self.failed.take(), self.out.take()) {
            (Some(error), _) => Err(error),
            (None, Some(out)) => Ok(out),
            (None, None) => Err(io::Error::other("the writer has panicked")),
        }
    }

    /// Remembers the writer's first error, and says it once.
    fn note(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            tracing::warn!(%error, "a writer has failed: what it is given from here on is lost");
            self.failed = Some(error);
        }
    }

    fn hand_over(&mut self) {
        let mut taken = 0;
        if self.failed.is_none()
            && let Some(mut out) = self.out.take()
        {
            let written;
            (taken, written) = pieces::write(&mut out, &self.text);
            self.out = Some(out);
            self.note(written);
        }
        self.lost += pieces::lines(&self.text[taken..]);
        self.text.clear();
    }
}

impl<W: io::Write> Drop for Output<W> {
    fn drop(&mut self) {
        if self.out.is_some() {
            self.flush();
        }
    }
}
