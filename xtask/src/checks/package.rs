//! `cargo xtask package`: every crate can be packed for the registry as it stands, each against the packed ones below it.

use anyhow::{Result, ensure};

use crate::workspace;

/// What `cargo xtask package` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Build each package as well, from what was packed alone.
    #[arg(long)]
    verify: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut command = workspace::cargo();
    // Changes that are not committed are packed too; nothing is uploaded.
    command.args(["package", "--workspace", "--exclude", "xtask", "--allow-dirty", "--quiet"]);
    if !arguments.verify {
        command.arg("--no-verify");
    }
    ensure!(command.status()?.success(), "not every crate can be packed");
    println!("every crate can be packed");
    Ok(())
}
