//! What a client writes of one case.
//!
//! Invariant: at most what one read gave, and the beginning of a line of each stream, are held.

use std::{
    io::{self, BufRead, Read},
    process::ExitStatus,
    time::Instant,
};

use crate::{
    limits::{Limits, Protocol},
    running::{Chunk, Running, Stream, TimedOut},
};

/// Bytes of a line that are looked at to tell what it is.
const LOOKED_AT: usize = 16 << 10;
/// Bytes of the stream without the trace that are kept, the last ones.
const LAST_WORDS: usize = 2048;
/// Bytes that a stream may say before it says a line of a trace.
const TALK: usize = 1 << 20;

/// How a case ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was read to its end, and the client ended well or is ready for the next.
    Complete,
    /// The reader gave up before the end; the client was ended.
    GivenUp,
    /// The client ended before the case did, or not well.
    Exited {
        /// With this status.
        status: ExitStatus,
        /// What it said last beside the trace.
        said: String,
    },
    /// It took longer than [`Limits::time`].
    TimedOut,
    /// It wrote more than [`Limits::output`] bytes.
    TooMuch,
}

/// A reader of what a client writes of one case. Its errors of kind [`io::ErrorKind::TimedOut`] and
/// [`io::ErrorKind::FileTooLarge`] are limits that were met; [`Output::end`] says so too.
#[derive(Debug)]
pub struct Output<'c> {
    home: &'c mut Option<Running>,
    running: Option<Running>,
    protocol: Protocol,
    deadline: Instant,
    limits: Limits,
    read: u64,
    /// The stream that has the trace, once it is known.
    trace: Option<Stream>,
    streams: [Lines; 2],
    /// What is to be read, from `at` on.
    ready: Vec<u8>,
    at: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Going,
    /// The case is over.
    Over,
    TimedOut,
    TooMuch,
}

/// One stream, line by line.
#[derive(Debug, Default)]
struct Lines {
    /// The beginning of the line that is not over.
    line: Vec<u8>,
    /// All of what came before it is known which stream has the trace; then the last words of the other one.
    held: Vec<u8>,
}

impl<'c> Output<'c> {
    pub(crate) fn new(
        home: &'c mut Option<Running>,
        running: Running,
        protocol: Protocol,
        limits: Limits,
    ) -> Self {
        Self {
            home,
            trace: running.trace,
            running: Some(running),
            protocol,
            deadline: Instant::now() + limits.time,
            limits,
            read: 0,
            streams: Default::default(),
            ready: Vec::new(),
            at: 0,
            state: State::Going,
        }
    }

    /// Ends the case: a client that has more to say of it is ended, and one that has not is kept where it can run another.
    pub fn end(mut self) -> Ending {
        let Some(mut running) = self.running.take() else { return Ending::GivenUp };
        match self.state {
            State::TimedOut => {
                running.kill();
                return Ending::TimedOut;
            }
            State::TooMuch => {
                running.kill();
                return Ending::TooMuch;
            }
            State::Going => {
                running.kill();
                return Ending::GivenUp;
            }
            State::Over if self.protocol == Protocol::Batch && running.is_ready() => {
                *self.home = Some(running);
                return Ending::Complete;
            }
            State::Over => {}
        }
        // The case is over; what else the client says is of no use, but it is to end well.
        loop {
            match running.next(self.deadline) {
                Ok(Some(chunk)) => self.keep(&chunk),
                Ok(None) => break,
                Err(TimedOut) => {
                    running.kill();
                    return Ending::TimedOut;
                }
            }
        }
        match running.wait(self.deadline) {
            Ok(status) if status.success() && self.protocol == Protocol::Command => Ending::Complete,
            Ok(status) => Ending::Exited { status, said: self.said() },
            Err(TimedOut) => Ending::TimedOut,
        }
    }

    fn said(&self) -> String {
        let other = match self.trace {
            Some(Stream::Error) => &self.streams[0],
            _ => &self.streams[1],
        };
        let text = if other.held.is_empty() { &self.streams[0].held } else { &other.held };
        let from = text.len().saturating_sub(LAST_WORDS);
        String::from_utf8_lossy(&text[from..]).trim().to_owned()
    }

    fn keep(&mut self, chunk: &Chunk) {
        let held = &mut self.streams[chunk.stream as usize].held;
        held.extend_from_slice(&chunk.bytes);
        if held.len() > 2 * LAST_WORDS {
            held.drain(..held.len() - LAST_WORDS);
        }
    }

    /// Reads on until there is something to hand over, or the case is over.
    fn fill(&mut self) -> io::Result<()> {
        while self.at == self.ready.len() && self.state == State::Going {
            let Some(running) = &mut self.running else { return Ok(()) };
            let chunk = match running.next(self.deadline) {
                Ok(Some(chunk)) => chunk,
                Ok(None) => {
                    self.state = State::Over;
                    // What has no line of a trace is handed over as it is: its reader says what is wrong with it.
                    if self.trace.is_none() {
                        self.ready = std::mem::take(&mut self.streams[0].held);
                        self.at = 0;
                    }
                    return Ok(());
                }
                Err(TimedOut) => {
                    self.state = State::TimedOut;
                    return Err(io::ErrorKind::TimedOut.into());
                }
            };
            self.read += chunk.bytes.len() as u64;
            if self.read > self.limits.output {
                self.state = State::TooMuch;
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            self.take(chunk);
        }
        Ok(())
    }

    fn take(&mut self, chunk: Chunk) {
        match self.trace {
            Some(trace) if trace != chunk.stream => self.keep(&chunk),
            Some(_) => {
                let end = self.look(chunk.stream, &chunk.bytes);
                (self.ready, self.at) = (chunk.bytes, 0);
                if let Some(end) = end {
                    self.ready.truncate(end);
                    self.state = State::Over;
                }
            }
            None => {
                let found = self.look_for_trace(chunk.stream, &chunk.bytes);
                self.streams[chunk.stream as usize].held.extend_from_slice(&chunk.bytes);
                if found {
                    self.trace = Some(chunk.stream);
                    if let Some(running) = &mut self.running {
                        running.trace = self.trace;
                    }
                    let lines = &mut self.streams[chunk.stream as usize];
                    let held = std::mem::take(&mut lines.held);
                    lines.line.clear();
                    self.take(Chunk { stream: chunk.stream, bytes: held });
                } else if self.streams[chunk.stream as usize].held.len() > TALK {
                    self.keep(&Chunk { stream: chunk.stream, bytes: Vec::new() });
                }
            }
        }
    }

    /// Whether one of the lines that end in `bytes` is of a trace.
    fn look_for_trace(&mut self, stream: Stream, bytes: &[u8]) -> bool {
        let lines = &mut self.streams[stream as usize];
        lines.ends(bytes, is_of_trace).is_some()
    }

    /// Where in `bytes` the case is over, if it is.
    fn look(&mut self, stream: Stream, bytes: &[u8]) -> Option<usize> {
        if self.protocol == Protocol::Command {
            return None;
        }
        self.streams[stream as usize].ends(bytes, |line| is_of_trace(line) && has(line, b"\"stateRoot\""))
    }
}

impl Lines {
    /// The place behind the first line that ends in `bytes` and is one that is looked for.
    fn ends(&mut self, bytes: &[u8], is_it: impl Fn(&[u8]) -> bool) -> Option<usize> {
        let mut from = 0;
        while let Some(length) = bytes[from..].iter().position(|byte| *byte == b'\n') {
            self.begin(&bytes[from..from + length]);
            from += length + 1;
            let found = is_it(&self.line);
            self.line.clear();
            if found {
                return Some(from);
            }
        }
        self.begin(&bytes[from..]);
        None
    }

    fn begin(&mut self, bytes: &[u8]) {
        let room = LOOKED_AT.saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// Whether a line is an object of a trace: one of a step, or what is said at the end.
fn is_of_trace(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    line.starts_with(b"{\"")
        && [&b"\"pc\":"[..], b"\"stateRoot\"", b"\"gasUsed\""].iter().any(|key| has(line, key))
}

fn has(line: &[u8], key: &[u8]) -> bool {
    line.windows(key.len()).any(|window| window == key)
}

impl BufRead for Output<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.fill()?;
        Ok(&self.ready[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at = (self.at + amount).min(self.ready.len());
    }
}

impl Read for Output<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}
