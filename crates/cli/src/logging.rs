//! The log: what the libraries say of what they do, on standard error.

use std::{
    env,
    io::{self, Write},
    sync::OnceLock,
};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use parallax_campaign::LOG_MARK;
use tracing_subscriber::{
    Layer, filter::Targets, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt,
};

use crate::report::complain;

/// Whether and how to log.
#[derive(Args, Clone, Debug)]
pub(crate) struct LogArguments {
    /// Log to standard error: error, warn, info, debug or trace, or levels of crates, such as
    /// warn,parallax_shadow_diff=debug [default: RUST_LOG, or nothing]
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Log")]
    log: Option<String>,
    /// Lines for people, or one JSON object a line
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text, help_heading = "Log")]
    log_format: LogFormat,
}

// Values without a text of their own keep the help of every command short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// What worker processes are told, so that they log too.
static OF_WORKERS: OnceLock<Vec<String>> = OnceLock::new();

/// The options that a worker process is started with.
pub(crate) fn worker_options() -> Vec<String> {
    OF_WORKERS.get().cloned().unwrap_or_default()
}

impl LogArguments {
    /// Begins to log. A worker process marks its lines, so that its campaign passes them on.
    pub(crate) fn begin(&self, is_worker: bool) -> Result<()> {
        let asked = self.log.clone().map(|levels| ("--log", levels));
        let from_environment = || Some(("RUST_LOG", env::var("RUST_LOG").ok()?));
        let Some((name, levels)) = asked.or_else(from_environment).filter(|(_, levels)| !levels.is_empty())
        else {
            return Ok(());
        };
        let Ok(targets) = levels.parse::<Targets>() else {
            let expected = format!(
                "{name} {levels}: expected error, warn, info, debug, trace or off, or levels of crates, such as warn,parallax_campaign=debug"
            );
            ensure!(self.log.is_none(), "{expected}");
            // Whoever set it may have meant another program, whose filters have another form. Of a worker, its campaign has said it.
            if !is_worker {
                complain(&format!("{expected}; nothing is logged"));
            }
            return Ok(());
        };
        let format = match self.log_format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        };
        let _ = OF_WORKERS.set(["--log", &levels, "--log-format", format].map(str::to_owned).into());
        let layer = fmt::layer().with_ansi(false).with_writer(move || Lines { is_worker });
        let layer = match self.log_format {
            LogFormat::Text => layer.boxed(),
            LogFormat::Json => layer.json().boxed(),
        };
        registry().with(layer.with_filter(targets)).try_init()?;
        Ok(())
    }
}

/// Standard error, with each line marked in a worker process.
struct Lines {
    is_worker: bool,
}

impl Write for Lines {
    /// One event, whole.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let mut out = io::stderr().lock();
        if !self.is_worker {
            return out.write_all(event).map(|()| event.len());
        }
        let mut marked = Vec::with_capacity(event.len() + 1);
        for line in event.split_inclusive(|byte| *byte == b'\n') {
            marked.push(LOG_MARK);
            marked.extend_from_slice(line);
        }
        out.write_all(&marked).map(|()| event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
