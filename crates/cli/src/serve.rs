//! `parallax serve`: the devtool in a browser.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, Result};
use parallax_devtool::{Config, Engines, Server};

use crate::{arguments::ServeArguments, libraries::needs_steps, report::Status};

pub(crate) fn run(arguments: &ServeArguments) -> Result<Status> {
    let folder = arguments.path.as_ref().map(PathBuf::from);
    let mut engines = Engines::default();
    for engine in &arguments.engines {
        needs_steps("--engine", *engine)?;
        if engines.names().all(|name| name != engine.name()) {
            // For as long as the process lives, as the server.
            engines = engines.with(Box::leak(Box::new(*engine)));
        }
    }
    let config = Config { folder, port: arguments.port, engines, ..Config::default() };
    let server = Server::start(config).with_context(|| match &arguments.path {
        Some(path) => format!("cannot serve {path} on port {}", arguments.port),
        None => format!("cannot serve on port {}", arguments.port),
    })?;
    // Whatever the engines are at: nothing is to be kept.
    ctrlc::set_handler(|| std::process::exit(130)).context("cannot watch for interrupts")?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", server.url())?;
    out.flush()?;
    drop(out);
    server.wait();
    Ok(Status::Well)
}
