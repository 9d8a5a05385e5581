//! `parallax completions` and `parallax man`: what shells and readers of manuals ask for, made from what the command reads.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::report::Status;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax completions bash > ~/.local/share/bash-completion/completions/parallax
  parallax completions zsh > \"${fpath[1]}/_parallax\"
  parallax completions fish > ~/.config/fish/completions/parallax.fish")]
pub(crate) struct CompletionsArguments {
    /// Whose
    shell: Shell,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax man diff | man -l -
  parallax man --out ~/.local/share/man/man1")]
pub(crate) struct ManArguments {
    /// Of which command; of parallax itself if none is named
    #[arg(conflicts_with = "out")]
    command: Option<String>,
    /// Write the pages of all commands into this folder, which is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// `all` is what the command reads.
pub(crate) fn completions(arguments: &CompletionsArguments, mut all: Command) -> Result<Status> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut all, "parallax", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Status::Well)
}

pub(crate) fn man(arguments: &ManArguments, mut all: Command) -> Result<Status> {
    all.build();
    let pages: Vec<_> = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    let Some(folder) = &arguments.out else {
        let page = match &arguments.command {
            None => page(all)?,
            Some(name) => match pages.into_iter().find(|command| command.get_name() == name) {
                Some(command) => page(titled(command))?,
                None => bail!("{name}: expected a command: see parallax --help"),
            },
        };
        io::stdout().lock().write_all(&page)?;
        return Ok(Status::Well);
    };
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot make the folder", folder.display()))?;
    for command in [all].into_iter().chain(pages.into_iter().map(titled)) {
        let path = folder.join(format!("{}.1", command.get_name()));
        fs::write(&path, page(command)?)
            .with_context(|| format!("{}: cannot write the page", path.display()))?;
    }
    Ok(Status::Well)
}

/// A command under the name that its page has: `parallax-diff`.
fn titled(command: Command) -> Command {
    let name = format!("parallax-{}", command.get_name());
    command.name(name)
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}
