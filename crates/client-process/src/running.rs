//! A process and the two threads that read what it writes.

use std::{
    io::{self, Read, Write},
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;
/// Chunks that wait for their reader: a client that is faster waits, too.
const WAITING: usize = 16;

/// How often it is looked whether a client that says nothing more has ended.
const TICK: Duration = Duration::from_millis(2);

/// Where a client writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Output,
    Error,
}

/// What came from a client; without bytes, that the stream is over.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) stream: Stream,
    pub(crate) bytes: Vec<u8>,
}

/// A client's process.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    chunks: Receiver<Chunk>,
    /// Streams that are over.
    ended: usize,
    /// The stream that has traces, once one was seen.
    pub(crate) trace: Option<Stream>,
    /// Whether it has not been seen to end: its number is its own until then.
    is_alive: bool,
}

impl Running {
    pub(crate) fn start(words: &[String], takes_input: bool, memory: Option<u64>) -> io::Result<Self> {
        let mut command = match memory {
            // A shell can limit what it then becomes; nothing of the command is read by it.
            Some(mebibytes) if cfg!(unix) => {
                let mut shell = Command::new("sh");
                let limit = mebibytes.saturating_mul(1024).to_string();
                shell.args(["-c", "ulimit -v \"$0\" && exec \"$@\"", &limit]).args(words);
                shell
            }
            _ => {
                let mut command = Command::new(&words[0]);
                command.args(&words[1..]);
                command
            }
        };
        let input = if takes_input { Stdio::piped() } else { Stdio::null() };
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", words[0]));
        let mut child = command.spawn().map_err(named)?;
        let (sender, chunks) = sync_channel(WAITING);
        let input = child.stdin.take();
        if let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) {
            read(Stream::Output, output, sender.clone());
            read(Stream::Error, errors, sender);
        }
        Ok(Self { child, input, chunks, ended: 0, trace: None, is_alive: true })
    }

    /// Whether another file can be run.
    pub(crate) fn is_ready(&self) -> bool {
        self.input.is_some() && self.ended == 0
    }

    pub(crate) fn send(&mut self, file: &Path) -> io::Result<()> {
        let Some(input) = &mut self.input else { return Err(io::ErrorKind::BrokenPipe.into()) };
        input.write_all(format!("{}\n", file.display()).as_bytes())?;
        input.flush()
    }

    /// What comes next; `None` behind the end of both streams.
    pub(crate) fn next(&mut self, deadline: Instant) -> Result<Option<Chunk>, TimedOut> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.chunks.recv_timeout(left) {
            Ok(chunk) => {
                self.ended += usize::from(chunk.bytes.is_empty());
                Ok(Some(chunk))
            }
            Err(RecvTimeoutError::Timeout) => Err(TimedOut),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
        }
    }

    /// How it ended, once both of its streams have; one that does not end by then is ended.
    pub(crate) fn wait(mut self, deadline: Instant) -> Result<ExitStatus, TimedOut> {
        drop(self.input.take());
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    self.is_alive = false;
                    return Ok(status);
                }
                Ok(None) if Instant::now() < deadline => thread::sleep(TICK),
                _ => {
                    self.kill();
                    return Err(TimedOut);
                }
            }
        }
    }

    /// Ends it and all that it has started.
    pub(crate) fn kill(&mut self) {
        if !std::mem::take(&mut self.is_alive) {
            return;
        }
        #[cfg(unix)]
        if let Ok(id) = i32::try_from(self.child.id()) {
            let group = nix::unistd::Pid::from_raw(id);
            let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// There was no more time.
#[derive(Debug)]
pub(crate) struct TimedOut;

fn read(stream: Stream, mut from: impl Read + Send + 'static, to: SyncSender<Chunk>) {
    thread::spawn(move || {
        loop {
            let mut bytes = vec![0; CHUNK];
            let read = match from.read(&mut bytes) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            bytes.truncate(read);
            // Whoever has given up reads no more.
            if to.send(Chunk { stream, bytes }).is_err() || read == 0 {
                return;
            }
        }
    });
}
