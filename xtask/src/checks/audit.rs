//! `cargo xtask audit`: known advisories against what we depend on. Their database is a git repository on GitHub.

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::Unavailable;
use crate::workspace;

const DATABASE: &str = "https://github.com/RustSec/advisory-db";
/// How long its host may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run() -> Result<()> {
    if !answers()? {
        return Err(Unavailable(format!("the database of advisories cannot be reached ({DATABASE})")).into());
    }
    let installed = workspace::output(workspace::cargo().args(["deny", "--version"])).is_ok();
    ensure!(installed, "cargo-deny is not installed: cargo install cargo-deny --locked");
    let status = workspace::cargo().args(["deny", "check", "advisories"]).status()?;
    ensure!(status.success(), "there are advisories");
    Ok(())
}

/// Whether the database's host serves it.
fn answers() -> Result<bool> {
    let mut git = Command::new("git")
        .args(["ls-remote", "--exit-code", DATABASE, "HEAD"])
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let start = Instant::now();
    loop {
        if let Some(status) = git.try_wait()? {
            return Ok(status.success());
        }
        if start.elapsed() > PATIENCE {
            git.kill()?;
            git.wait()?;
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(100));
    }
}
