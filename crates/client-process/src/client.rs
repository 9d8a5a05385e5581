use std::{io, path::Path};

use crate::{
    limits::{Limits, Protocol},
    output::Output,
    running::Running,
};

/// Why a command is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Nothing was named.
    #[error("the command is empty, expected a program and its arguments")]
    Empty,
    /// Its words cannot be told apart.
    #[error("{0:?}: a quote without its end")]
    Quotes(String),
}

/// A client: its command, and its process while there is one.
#[derive(Debug)]
pub struct Client {
    words: Vec<String>,
    protocol: Protocol,
    limits: Limits,
    running: Option<Running>,
}

impl Client {
    /// A client that is started when it is needed.
    ///
    /// # Errors
    ///
    /// [`CommandError`]: whether there is such a program is found when it is started.
    pub fn new(command: &str, protocol: Protocol, limits: Limits) -> Result<Self, CommandError> {
        let words = shlex::split(command).ok_or_else(|| CommandError::Quotes(command.to_owned()))?;
        if words.is_empty() {
            return Err(CommandError::Empty);
        }
        Ok(Self { words, protocol, limits, running: None })
    }

    /// Lets it run a file; what it writes is read from the answer.
    ///
    /// # Errors
    ///
    /// If there is no such program, or it takes no input.
    pub fn run(&mut self, file: &Path) -> io::Result<Output<'_>> {
        let is_kept = self.protocol == Protocol::Batch;
        let mut running = match self.running.take().filter(Running::is_ready) {
            Some(running) => running,
            None => Running::start(&self.command(file), is_kept, self.limits.memory)?,
        };
        if is_kept {
            running.send(file)?;
        }
        Ok(Output::new(&mut self.running, running, self.protocol, self.limits))
    }

    /// The words that are started for a file.
    fn command(&self, file: &Path) -> Vec<String> {
        let mut words = self.words.clone();
        if self.protocol == Protocol::Command {
            let path = file.to_string_lossy();
            let mut is_placed = false;
            for word in &mut words {
                if word.contains("{}") {
                    *word = word.replace("{}", &path);
                    is_placed = true;
                }
            }
            if !is_placed {
                words.push(path.into_owned());
            }
        }
        words
    }
}
