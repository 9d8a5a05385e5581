//! A child process with a library in it.

use std::{
    env,
    ffi::OsString,
    io::{self, BufReader, Read},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt},
    },
    path::PathBuf,
    process::{Child, ChildStderr, Command, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::{Duration, Instant},
};

use parallax_host_interface::{HostError, HostErrorKind};

use crate::{
    configuration::Configuration,
    protocol::{Heard, Said, answer, hear, order},
};

/// Bytes that are kept of what a library says on its standard error, the last ones.
const LAST_WORDS: usize = 4096;
/// How long its last words are waited for once it is gone: somebody that it has started may hold its standard error open.
const PATIENCE: Duration = Duration::from_secs(1);

/// The program that is started for each library, and is to call [`child_main`](crate::child_main).
#[derive(Clone, Debug)]
pub struct ChildProgram {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl ChildProgram {
    /// This program again, with these arguments.
    ///
    /// # Errors
    ///
    /// If it is not known where it is.
    pub fn of_this_program(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> io::Result<Self> {
        // The same program even where another one has been put in its place since.
        let program = match PathBuf::from("/proc/self/exe") {
            link if link.exists() => link,
            _ => env::current_exe()?,
        };
        Ok(Self { program, arguments: arguments.into_iter().map(Into::into).collect() })
    }
}

/// What a library may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of time, for one transaction; `None`: whoever runs this process watches the clock.
    pub time: Option<Duration>,
    /// Of address space, all that its process holds included, in MiB; `None`: as much as this process.
    pub memory: Option<u64>,
}

/// A child process, and what is said to it and heard from it.
#[derive(Debug)]
pub(crate) struct Lane {
    child: Child,
    stream: BufReader<UnixStream>,
    last_words: Receiver<Vec<u8>>,
    limit: Option<Duration>,
    deadline: Option<Instant>,
    pub(crate) said: Said,
    pub(crate) heard: Vec<u8>,
    /// Whether the child knows block and transaction.
    pub(crate) has_begun: bool,
    /// Executions that are not over.
    pub(crate) open: usize,
    /// Nothing more can be said to it.
    is_lost: bool,
}

impl Lane {
    /// Starts a child and has it load a library; what that calls itself, and its version.
    pub(crate) fn start(
        program: &ChildProgram,
        configuration: &Configuration,
        limits: Limits,
    ) -> Result<(Self, [String; 2]), HostError> {
        let mut lane = Self::spawn(program, limits).map_err(|error| {
            HostError::with_source(format!("its process cannot be started: {error}"), error)
        })?;
        let path = configuration.path.as_os_str().as_encoded_bytes();
        let memory = limits.memory.map_or(-1, |memory| i64::try_from(memory).unwrap_or(i64::MAX));
        let count = configuration.options.len();
        let mut load = lane.said.begin(order::LOAD).int(memory).bytes(path).int(count as i64);
        for (name, value) in &configuration.options {
            load = load.bytes(name.as_bytes()).bytes(value.as_bytes());
        }
        drop(load);
        lane.deadline = limits.time.map(|limit| Instant::now() + limit);
        lane.exchange()?;
        let mut heard = Heard::new(&lane.heard);
        let texts = match heard.byte() {
            Some(answer::LOADED) => heard.text().zip(heard.text()),
            Some(answer::REFUSED) => return Err(HostError::new(heard.text().unwrap_or_default())),
            _ => None,
        };
        let Some((name, version)) = texts else {
            return Err(lane.makes_no_sense("it does not say what it is"));
        };
        Ok((lane, [name, version]))
    }

    fn spawn(program: &ChildProgram, limits: Limits) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(limits.time)?;
        ours.set_write_timeout(limits.time)?;
        let mut command = Command::new(&program.program);
        command.args(&program.arguments).env("RUST_BACKTRACE", "0");
        // An interrupt at the terminal is the campaign's alone.
        command.process_group(0);
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        // The other end is the child's alone from here on, so that its end is heard.
        drop(command);
        let (sender, last_words) = sync_channel(1);
        if let Some(errors) = child.stderr.take() {
            thread::Builder::new().spawn(move || {
                // Nobody may wait for it any more.
                let _ = sender.send(last_bytes(errors));
            })?;
        }
        Ok(Self {
            child,
            stream: BufReader::with_capacity(1 << 16, ours),
            last_words,
            limit: limits.time,
            deadline: None,
            said: Said::default(),
            heard: Vec::new(),
            has_begun: false,
            open: 0,
            is_lost: false,
        })
    }

    /// Another transaction: the clock starts anew.
    pub(crate) fn begin(&mut self) {
        self.deadline = self.limit.map(|limit| Instant::now() + limit);
        self.has_begun = false;
        self.said.clear();
    }

    /// Whether another transaction can be run.
    pub(crate) fn is_idle(&self) -> bool {
        self.open == 0 && !self.is_lost
    }

    /// Says what there is to say and hears what comes then.
    pub(crate) fn exchange(&mut self) -> Result<(), HostError> {
        let exchanged =
            self.said.send(self.stream.get_mut()).and_then(|()| hear(&mut self.stream, &mut self.heard));
        match exchanged {
            Ok(()) if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) => Err(self.late()),
            Ok(()) => Ok(()),
            Err(error) => Err(match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => self.late(),
                io::ErrorKind::InvalidData => self.makes_no_sense(&error.to_string()),
                _ => self.gone(),
            }),
        }
    }

    /// What it said makes no sense: it is ended.
    pub(crate) fn makes_no_sense(&mut self, what: &str) -> HostError {
        self.end();
        HostError::new(format!("its process says what makes no sense: {what}"))
            .of_kind(HostErrorKind::Crashed)
    }

    fn late(&mut self) -> HostError {
        self.end();
        let limit = self.limit.unwrap_or_default().as_secs_f64();
        HostError::new(format!("not over after {limit} s")).of_kind(HostErrorKind::TimedOut)
    }

    /// It has come to its end: how, and what it said last.
    fn gone(&mut self) -> HostError {
        let status = match self.end() {
            Some(status) => status,
            None => "its process is gone".to_owned(),
        };
        let words = self.last_words.recv_timeout(PATIENCE).unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        let last = words.lines().map(str::trim).rfind(|line| !line.is_empty());
        let text = last.map_or(status.clone(), |last| format!("{status}: {last}"));
        HostError::new(text).of_kind(HostErrorKind::Crashed)
    }

    fn end(&mut self) -> Option<String> {
        if std::mem::replace(&mut self.is_lost, true) {
            return None;
        }
        // One that has ended by itself has its own status all the same.
        let _ = self.child.kill();
        Some(self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string()))
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reads to the end and keeps the last bytes.
fn last_bytes(mut errors: ChildStderr) -> Vec<u8> {
    let (mut kept, mut bytes) = (Vec::new(), [0; LAST_WORDS]);
    loop {
        match errors.read(&mut bytes) {
            Ok(count @ 1..) => {
                kept.extend_from_slice(&bytes[..count]);
                let surplus = kept.len().saturating_sub(LAST_WORDS);
                kept.drain(..surplus);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return kept,
        }
    }
}
