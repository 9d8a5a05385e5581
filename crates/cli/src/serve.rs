//! `parallax serve`: the devtool in a browser.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, Result};
use parallax_campaign::engines::EngineName;
use parallax_devtool::{Config, Engines, Server};

use crate::{arguments::ServeArguments, libraries::needs_steps, report::Status};

pub(crate) fn run(arguments: &ServeArguments) -> Result<Status> {
    let folder = arguments.path.as_ref().map(PathBuf::from);
    arguments.engines.iter().try_for_each(|engine| needs_steps("--engine", *engine))?;
    let engines = choice(&arguments.engines);
    let config = Config { folder, port: arguments.port, engines, ..Config::default() };
    let server = Server::start(config).with_context(|| match &arguments.path {
        Some(path) => format!("cannot serve {path} on port {}", arguments.port),
        None => format!("cannot serve on port {}", arguments.port),
    })?;
    end_on_interrupt()?;
    let url = server.url();
    show(server, &url)
}

/// What can be chosen from: the engines that ship, and these.
pub(crate) fn choice(more: &[EngineName]) -> Engines {
    let mut engines = Engines::default();
    for engine in more {
        if engines.names().all(|name| name != engine.name()) {
            // For as long as the process lives, as the server.
            engines = engines.with(Box::leak(Box::new(*engine)));
        }
    }
    engines
}

/// From now on an interrupt ends the process, whatever the engines are at: nothing is to be kept.
pub(crate) fn end_on_interrupt() -> Result<()> {
    ctrlc::set_handler(|| std::process::exit(130)).context("cannot watch for interrupts")
}

/// Prints where the page is, and answers for as long as the process lives.
pub(crate) fn show(server: Server, url: &str) -> Result<Status> {
    let mut out = io::stdout().lock();
    writeln!(out, "{url}")?;
    out.flush()?;
    drop(out);
    server.wait();
    Ok(Status::Well)
}
