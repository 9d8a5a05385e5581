//! A writer before a slow one.
//!
//! Invariant: what the slow one is given is whole lines in their order, and the lines that it is not given, or did not take to their
//! end, are counted.

use std::{
    io::{self, Write},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread::{self, JoinHandle},
};

use crate::pieces;

/// What happens to lines for which there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Whoever writes them waits until there is.
    Wait,
    /// They are dropped, whole, and counted. Only the rest of a line that has begun is waited for.
    Drop,
}

/// Writes in a thread of its own, through a queue of so many pieces; a piece is what one call of `write` gave.
///
/// `flush`, told to wait, comes back when everything is written; told to drop, it comes back at once. An error of the writer is
/// given by every later call; what was in the queue is lost then, and counted. Dropped, it waits until the queue is written.
pub struct Background<W> {
    /// Until it ends.
    pieces: Option<SyncSender<Piece>>,
    thread: Option<JoinHandle<W>>,
    when_full: WhenFull,
    /// Whether the line that has begun and not ended is one that is kept.
    begun: Option<bool>,
    /// How many pieces may wait.
    room: usize,
    told: Arc<Told>,
}

enum Piece {
    Text(Vec<u8>),
    /// Flush, and answer.
    Flush(SyncSender<()>),
}

/// What both threads know.
#[derive(Debug, Default)]
struct Told {
    lost: AtomicU64,
    /// Pieces in the queue, or just taken out of it.
    waiting: AtomicUsize,
    failed: OnceLock<Arc<io::Error>>,
}

impl Told {
    fn lose(&self, bytes: &[u8]) {
        self.lost.fetch_add(pieces::lines(bytes), Ordering::Relaxed);
    }
}

/// What a [`Background`] has lost so far. To be asked at any time, from anywhere; it is final when the background is finished or
/// dropped.
#[derive(Clone, Debug)]
pub struct Losses(Arc<Told>);

impl Losses {
    /// Lines that were dropped, or that the writer did not take to their end.
    pub fn lines(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// The writer's first error.
    pub fn error(&self) -> Option<io::Error> {
        self.0.failed.get().map(|error| io::Error::new(error.kind(), Arc::clone(error)))
    }
}

impl<W: Write + Send + 'static> Background<W> {
    /// Starts the thread, behind a queue of `pieces`, one at least.
    ///
    /// Fails if the system has no thread left.
    pub fn new(out: W, when_full: WhenFull, pieces: usize) -> io::Result<Self> {
        let room = pieces.max(1);
        let (sender, receiver) = mpsc::sync_channel(room);
        let told = Arc::new(Told::default());
        let thread = {
            let told = Arc::clone(&told);
            thread::Builder::new().name("trace".into()).spawn(move || write_pieces(out, &receiver, &told))?
        };
        let (pieces, thread) = (Some(sender), Some(thread));
        Ok(Self { pieces, thread, when_full, begun: None, room, told })
    }

    /// Waits until the queue is written, and gives the writer back, or its first error.
    pub fn finish(mut self) -> io::Result<W> {
        let out = self.end().ok_or_else(panicked)?;
        self.check()?;
        Ok(out)
    }
}

impl<W> Background<W> {
    /// Counts what is lost, also after the end.
    pub fn losses(&self) -> Losses {
        Losses(Arc::clone(&self.told))
    }

    fn check(&self) -> io::Result<()> {
        self.losses().error().map_or(Ok(()), Err)
    }

    fn send(&self, piece: Piece) -> io::Result<()> {
        self.told.waiting.fetch_add(1, Ordering::Relaxed);
        let sent = self.pieces.as_ref().map(|pieces| pieces.send(piece));
        sent.and_then(Result::ok).ok_or_else(panicked)
    }

    /// Whether the next piece has not to wait: nobody else sends any.
    fn has_room(&self) -> bool {
        self.told.waiting.load(Ordering::Relaxed) < self.room
    }

    fn send_or_drop(&mut self, text: &[u8]) -> io::Result<()> {
        let end_of_line = || text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |end| end + 1);
        let (rest_of_line, lines) = text.split_at(self.begun.map_or(0, |_| end_of_line()));
        match self.begun {
            Some(true) => self.send(Piece::Text(rest_of_line.to_vec()))?,
            Some(false) => self.told.lose(rest_of_line),
            None => {}
        }
        let is_kept = if lines.is_empty() { self.begun == Some(true) } else { self.has_room() };
        if !is_kept {
            self.told.lose(lines);
        } else if !lines.is_empty() {
            self.send(Piece::Text(lines.to_vec()))?;
        }
        self.begun = (!text.ends_with(b"\n")).then_some(is_kept);
        Ok(())
    }

    /// The writer, unless it has panicked, or has been given back.
    fn end(&mut self) -> Option<W> {
        self.pieces = None;
        self.thread.take()?.join().ok()
    }
}

impl<W> Write for Background<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        match self.when_full {
            _ if bytes.is_empty() => {}
            WhenFull::Wait => self.send(Piece::Text(bytes.to_vec()))?,
            WhenFull::Drop => self.send_or_drop(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let (answer, answered) = mpsc::sync_channel(1);
        match self.when_full {
            WhenFull::Wait => {
                self.send(Piece::Flush(answer))?;
                answered.recv().map_err(|_| panicked())?;
            }
            WhenFull::Drop if self.has_room() => self.send(Piece::Flush(answer))?,
            WhenFull::Drop => {}
        }
        self.check()
    }
}

impl<W> Drop for Background<W> {
    fn drop(&mut self) {
        self.end();
    }
}

fn panicked() -> io::Error {
    io::Error::other("the writer has panicked")
}

fn write_pieces<W: Write>(mut out: W, pieces: &Receiver<Piece>, told: &Told) -> W {
    let note = |result: io::Result<()>| {
        if let Err(error) = result {
            // The first one stays.
            let _ = told.failed.set(Arc::new(error));
        }
    };
    for piece in pieces {
        told.waiting.fetch_sub(1, Ordering::Relaxed);
        let has_failed = told.failed.get().is_some();
        match piece {
            Piece::Text(text) => {
                let (taken, result) = if has_failed { (0, Ok(())) } else { pieces::write(&mut out, &text) };
                told.lose(&text[taken..]);
                note(result);
            }
            Piece::Flush(answer) => {
                note(if has_failed { Ok(()) } else { out.flush() });
                // Told to drop, nobody waits for it.
                let _ = answer.send(());
            }
        }
    }
    if told.failed.get().is_none() {
        note(out.flush());
    }
    out
}
