//! Finds out whose a trace is.

use std::io::BufRead;

use crate::{
    Client, ReadError,
    reader::{About, Lines, RawLine},
};

/// Finds out who wrote a trace by reading all of it: clients whose lines look alike differ in their last ones.
///
/// # Errors
///
/// Those of reading, and a trace without any step or end.
pub fn detect(input: impl BufRead) -> Result<Client, ReadError> {
    let mut lines = Lines::new(input);
    let mut seen = Tells::default();
    while let Some((number, line)) = lines.next_object()? {
        let line = RawLine::parse(number, line)?;
        seen.note(&line, line.about()?);
    }
    seen.client().ok_or_else(|| ReadError::NotATrace { lines: lines.number() })
}

/// What tells clients apart.
#[derive(Default)]
struct Tells {
    steps: u64,
    ends: u64,
    reservoir: bool,
    state_gas: bool,
    memory_before_stack: bool,
    names: bool,
    depth_before_return_data: bool,
    return_data_empty: bool,
    nimbus_words: bool,
    exception_names: bool,
    end_with_pass: bool,
    end_with_test: bool,
    /// Ours, which says the test too.
    end_with_root_first: bool,
    end_with_logs_hash: bool,
    end_with_fork: bool,
    end_with_output: bool,
}

impl Tells {
    fn note(&mut self, line: &RawLine<'_>, about: About) {
        if about == About::Else {
            return;
        }
        if about == About::Step {
            self.steps += 1;
            self.reservoir |= line.reservoir.is_some();
            self.state_gas |= line.state_gas.is_some();
            self.memory_before_stack |= line.memory.as_deref() == Some("0x") && line.return_data.is_some();
            self.names |= line.op_name.is_some();
            self.depth_before_return_data |= line.depth_before_return_data;
            self.return_data_empty |= line.return_data.as_deref() == Some("0x");
        } else {
            self.ends += 1;
            self.end_with_pass |= line.pass.is_some();
            self.end_with_test |= line.test;
            self.end_with_root_first |= line.test && line.root_first;
            self.end_with_logs_hash |= line.post_logs_hash;
            self.end_with_fork |= line.fork;
            self.end_with_output |= line.output.is_some();
        }
        if let Some(error) = line.error.as_deref() {
            self.nimbus_words |= error.starts_with("Opcode Dispatch Error");
            self.exception_names |=
                error.ends_with("Error") || error == "InvalidOpcode" || error == "OutOfBoundsRead";
        }
    }

    fn client(&self) -> Option<Client> {
        if self.steps + self.ends == 0 {
            return None;
        }
        Some(if self.reservoir {
            Client::Revm
        } else if self.state_gas {
            Client::Eels
        } else if self.memory_before_stack {
            Client::Erigon
        } else if self.steps > 0 && !self.names {
            Client::Nethermind
        } else if self.depth_before_return_data
            || self.end_with_root_first
            || (self.end_with_pass && self.end_with_fork && !self.end_with_test)
        {
            Client::Eip3155
        } else if self.nimbus_words {
            Client::Nimbus
        } else if self.end_with_test && self.end_with_logs_hash {
            Client::Besu
        } else if self.end_with_pass && (self.end_with_test || !self.end_with_output) {
            // evmone itself names no test and has no output there; `statetest` writes both behind lines like evmone's.
            Client::Evmone
        } else if self.exception_names || self.return_data_empty {
            Client::Eels
        } else {
            Client::Geth
        })
    }
}
