//! What needs more than the pinned toolchain and cargo: sanitizers, advisories, coverage, packages. What cannot be had here
//! is [`Unavailable`]: that is no failure of the project.

pub(crate) mod api;
pub(crate) mod audit;
pub(crate) mod coverage;
pub(crate) mod package;
pub(crate) mod sanitize;

use std::{ffi::OsStr, process::Command};

use anyhow::Result;

use crate::workspace;

/// What a task needs and this machine does not have or may not fetch.
#[derive(Debug)]
pub(crate) struct Unavailable(String);

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unavailable {}

/// Adds components to a toolchain, which rustup does only for those that are not there yet.
fn add_components(toolchain: &str, components: &[&str]) -> Result<()> {
    let mut rustup = Command::new("rustup");
    rustup.args(["component", "add", "--toolchain", toolchain]).args(components);
    fetch(&mut rustup)
}

/// Runs what fetches something, quiet unless it fails: then it is refused here.
fn fetch(command: &mut Command) -> Result<()> {
    let why = match command.output() {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            text.lines().rfind(|line| !line.is_empty()).unwrap_or("no reason given").to_owned()
        }
        Err(error) => error.to_string(),
    };
    Err(Unavailable(format!("{command:?} was refused: {why}")).into())
}

/// Cargo of the machine's nightly toolchain, run in the root.
fn nightly_cargo(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new("rustup");
    command.current_dir(workspace::root()).args(["run", "nightly", "cargo"]).args(arguments);
    // Those of the toolchain that runs us.
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    command
}
