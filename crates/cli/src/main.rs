//! The `parallax` command: thin argument parsing over the libraries.
//!
//! Results go to standard output, everything else to standard error. Exit status: 0 all well, 1 a failure or a divergence was
//! found, 2 the command or its input was wrong, 130 interrupted (by INT, TERM or HUP). Nothing here panics on input.
#![forbid(unsafe_code)]

mod arguments;
mod assembly;
mod blocktest;
mod case_arguments;
mod colour;
mod compare;
mod compared_fields;
mod diff;
mod diff_items;
mod diff_reports;
mod engine_parser;
mod evm;
mod fuzz;
mod input;
mod libraries;
mod logging;
mod message;
mod minimize;
mod minimize_arguments;
mod number;
mod outcome;
mod outputs;
mod path_lines;
mod prestate;
mod report;
mod report_merge;
mod results;
mod revert_reason;
mod right_trace;
mod rules;
mod rules_argument;
mod run;
mod seconds;
mod selection;
mod serve;
mod shell;
mod sides;
mod state_test;
mod statetest;
mod steps;
mod store;
mod store_arguments;
mod t8n;
mod t8n_arguments;
mod t8n_call_frames;
mod t8n_server;
mod trace_arguments;
mod traced_cases;
mod traces;
mod tx;
mod version;
mod watch;
mod world;

use std::{
    io,
    process::{self, ExitCode},
};

use clap::{
    CommandFactory, Parser,
    error::{ContextKind, ErrorKind},
};
use parallax_campaign::{engines, worker_main};

use crate::{
    arguments::{Arguments, Command},
    report::{Status, complain},
};

fn main() -> ExitCode {
    if let Some(words) = evm::own_words() {
        return evm::main(&words);
    }
    let Arguments { command, log, evm_version, .. } =
        Arguments::try_parse().unwrap_or_else(|error| refuse(&error));
    let command = match (command, evm_version) {
        (Some(command), false) => command,
        (None, true) => return evm::main(&["-v".into()]),
        (Some(_), true) => wrong(ErrorKind::ArgumentConflict, "-v stands alone"),
        (None, false) => wrong(ErrorKind::MissingSubcommand, "expected a command: see parallax --help"),
    };
    if let Err(error) = log.begin(matches!(command, Command::Worker)) {
        complain(&format!("{error:#}"));
        return Status::WrongInput.into();
    }
    let result = match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Statetest(arguments) => statetest::run(&arguments),
        Command::Blocktest(arguments) => blocktest::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Minimize(arguments) => minimize::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Report(arguments) => report_merge::run(&arguments),
        Command::Store(arguments) => store::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Asm(arguments) => assembly::assemble(&arguments),
        Command::Disasm(arguments) => assembly::disassemble(&arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Completions(arguments) => shell::completions(&arguments, Arguments::command()),
        Command::Man(arguments) => shell::man(&arguments, Arguments::command()),
        Command::Tx(arguments) => tx::run(&arguments),
        Command::T8n(arguments) => return t8n::run(&arguments),
        Command::T8nServer(arguments) => t8n_server::run(&arguments),
        Command::Evm { words } => return evm::main(&words),
        Command::Worker => return worker_main(engines::source),
        #[cfg(unix)]
        Command::EvmcChild => return parallax_campaign::child_main(),
    };
    let status = result.unwrap_or_else(|error| {
        // Whoever read our output has read enough.
        let closed = error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe);
        if closed {
            return Status::Well;
        }
        complain(&format!("{error:#}"));
        Status::WrongInput
    });
    status.into()
}

/// Prints what is wrong with the command, or the help that was asked for, and ends the process.
fn refuse(error: &clap::Error) -> ! {
    // If that cannot be printed, the exit status has to do.
    let _ = error.print();
    let word = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    if error.kind() == ErrorKind::UnknownArgument && evm::has_word(&word) {
        complain(&format!(
            "{word} is a word of go-ethereum's evm: parallax evm speaks them, see parallax evm --help"
        ));
    }
    process::exit(error.exit_code())
}

/// Ends the process.
fn wrong(kind: ErrorKind, text: &str) -> ! {
    Arguments::command().error(kind, text).exit()
}
