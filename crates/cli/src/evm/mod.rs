//! go-ethereum's words: `parallax evm …`, and this program where it is started under the name `evm`. Test frameworks and fuzzing
//! harnesses know how to ask a binary that speaks them.
//!
//! What they wait for is kept: the words, the outputs, on which stream each is, and the exit statuses (0 even where tests fail, 1 for what
//! cannot be read).

mod arguments;
mod blocktest;
mod dump;
mod files;
mod genesis;
mod results;
mod run;
mod statetest;
mod text_trace;
mod watch;

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::Result;
use clap::{CommandFactory, FromArgMatches, error::ErrorKind};

use self::arguments::{EvmArguments, EvmCommand};
use crate::{t8n, t8n_server};

/// What asks for the version, and is answered with it: the framework looks for these words.
pub(crate) fn version() -> String {
    format!("evm version {}-parallax", env!("CARGO_PKG_VERSION"))
}

/// Whether an option is one of these words.
pub(crate) fn has_word(option: &str) -> bool {
    let name = option.trim_start_matches('-').split('=').next().unwrap_or_default();
    let all = EvmArguments::command();
    let mut options = all.get_subcommands().flat_map(clap::Command::get_arguments);
    options.any(|option| {
        option.get_long() == Some(name) || option.get_all_aliases().is_some_and(|names| names.contains(&name))
    })
}

/// The words of a command line that is for here: the program's own name is `evm`.
pub(crate) fn own_words() -> Option<Vec<OsString>> {
    let mut words = env::args_os();
    let name = words.next()?;
    let is_evm = Path::new(&name).file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case("evm"));
    is_evm.then(|| words.collect())
}

/// Does what `words`, those behind the program's name, say.
pub(crate) fn main(words: &[OsString]) -> ExitCode {
    let parsed = EvmArguments::command()
        .try_get_matches_from([OsString::from("evm")].into_iter().chain(in_order(words)))
        .and_then(|matches| EvmArguments::from_arg_matches(&matches));
    let EvmArguments { version: is_version, command } = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            // The help that was asked for is no error.
            let is_well = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return ExitCode::from(u8::from(!is_well));
        }
    };
    let done = match command {
        _ if is_version => say(&version()),
        None => EvmArguments::command().print_help().map_err(Into::into),
        Some(EvmCommand::Run(words)) => run::run(&words),
        Some(EvmCommand::Statetest(arguments)) => statetest::run(&arguments),
        Some(EvmCommand::Blocktest(arguments)) => blocktest::run(&arguments),
        Some(EvmCommand::T8n(arguments)) => return t8n::run(&arguments),
        Some(EvmCommand::T8nServer(arguments)) => match t8n_server::run(&arguments) {
            Ok(status) => return status.into(),
            Err(error) => Err(error),
        },
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    // Whoever read our output has read enough.
    if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(io::stderr().lock(), "evm: {}", format!("{error:#}").replace('\n', " "));
    ExitCode::FAILURE
}

fn say(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// The words with the command first: its options may stand before it. An option with one dash is one with two, and `--verbosity N` means
/// nothing here.
fn in_order(words: &[OsString]) -> Vec<OsString> {
    let parser = EvmArguments::command();
    let is_command = |word: &OsStr| {
        let mut commands = parser.get_subcommands();
        commands
            .any(|command| command.get_name() == word || command.get_all_aliases().any(|name| name == word))
    };
    let mut ordered: Vec<OsString> = Vec::with_capacity(words.len());
    let mut has_command = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = word.to_str().unwrap_or_default();
        let long = text.trim_start_matches('-');
        let is_option =
            text.len() - long.len() == 1 && long.len() > 1 && long.starts_with(char::is_alphabetic);
        if long == "verbosity" && text != long {
            words.next();
        } else if long.starts_with("verbosity=") && text != long {
            // Nothing is said that it would ask for.
        } else if !has_command && is_command(word) {
            has_command = true;
            ordered.insert(0, word.clone());
        } else if is_option {
            ordered.push(format!("--{long}").into());
        } else {
            ordered.push(word.clone());
        }
    }
    ordered
}
