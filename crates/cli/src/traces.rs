//! From the options of traces to what writes them.

use std::{
    fs::File,
    io::{self, Write},
};

use anyhow::{Error, Result, anyhow, bail, ensure};
use parallax_campaign::{NamedTrace, TraceBounds, TraceFiles, TraceFormat, TraceLoss, TraceOptions};
use parallax_trace_output::{Background, Losses, WhenFull, append};
use parallax_tracer_eip3155::Dialect;

use crate::{
    outputs::Outputs,
    report::complain,
    trace_arguments::{self, TraceArguments},
};

/// How many pieces of text may wait to be written where lines are dropped rather than waited for.
const PIECES: usize = 16;

/// The traces of a command, open.
pub(crate) struct Traces {
    pub(crate) files: TraceFiles,
    places: Vec<Place>,
}

/// Where a trace goes.
struct Place {
    name: String,
    /// Where lines are dropped.
    losses: Option<Losses>,
}

impl TraceArguments {
    /// What each trace holds. Without `--trace`: the lines that a digest is made of.
    pub(crate) fn options(&self) -> Result<Vec<TraceOptions>> {
        let trace_arguments::BoundArguments {
            stack_items,
            memory_bytes,
            log_bytes,
            trace_bytes,
            trace_limit: steps,
            bounded,
        } = self.bounds;
        let bounds = TraceBounds { stack_items, memory_bytes, log_bytes, trace_bytes, steps };
        let bounds = if bounded { bounds.or_default() } else { bounds };
        let has_struct = self.trace.contains(&trace_arguments::TraceFormat::Struct);
        ensure!(
            has_struct || bounds == TraceBounds::default(),
            "--stack-items, --memory-bytes, --log-bytes, --trace-bytes, --trace-limit and --bounded are of struct logs: expected --trace struct"
        );
        let lines =
            self.trace.iter().filter(|format| **format == trace_arguments::TraceFormat::Eip3155).count();
        ensure!(
            lines > 0 || self.trace.is_empty() || self.dialect.is_empty(),
            "--dialect is of EIP-3155 lines: expected --trace eip3155"
        );
        let tracers = self.trace.iter().filter(|format| format.tracer().is_some()).count();
        ensure!(
            tracers > 0 || self.trace_config.is_empty(),
            "--trace-config is of tracers: expected --trace call or another one"
        );
        // A digest is of lines where nothing is traced.
        let mut dialects =
            each(&self.dialect, lines.max(1), Dialect::Eip3155, ["--dialect", "--trace eip3155"])?;
        let no_options = "null".to_owned();
        let mut configs =
            each(&self.trace_config, tracers, no_options, ["--trace-config", "--trace of a tracer"])?;
        let formats = match &self.trace[..] {
            [] => &[trace_arguments::TraceFormat::Eip3155],
            formats => formats,
        };
        let formats = formats.iter().map(|format| match (format, format.tracer()) {
            (_, Some(name)) => {
                let config = configs.next().unwrap_or_default();
                let config = serde_json::from_str(&config)
                    .map_err(|error| anyhow!("--trace-config {config:?}: expected JSON: {error}"))?;
                let named = NamedTrace::new(name, config);
                named.map(TraceFormat::Named).map_err(|error| anyhow!("--trace {name}: {error}"))
            }
            (trace_arguments::TraceFormat::Struct, _) => Ok(TraceFormat::StructLogs),
            (trace_arguments::TraceFormat::Parquet, _) => Ok(TraceFormat::Parquet),
            (_, None) => Ok(TraceFormat::Lines(dialects.next().unwrap_or_default())),
        });
        let formats = formats.collect::<Result<Vec<_>>>()?.into_iter();
        let options = formats.map(|format| TraceOptions {
            format,
            memory: self.trace_memory,
            storage: on_or_off(self.trace_storage, self.no_storage),
            no_stack: self.no_stack,
            return_data: on_or_off(self.trace_return_data, self.no_return_data),
            time: self.trace_time,
            bounds,
        });
        Ok(options.collect())
    }

    /// Refuses what says how to trace where nothing is traced, or nothing that has steps.
    pub(crate) fn check_use(&self) -> Result<()> {
        let asked = [
            ("--dialect", !self.dialect.is_empty()),
            ("--trace-memory", self.trace_memory),
            ("--trace-storage", self.trace_storage),
            ("--trace-return-data", self.trace_return_data),
            ("--no-stack", self.no_stack),
            ("--no-storage", self.no_storage),
            ("--no-return-data", self.no_return_data),
        ];
        match asked.iter().find(|(_, is_asked)| *is_asked) {
            Some((option, _)) if self.trace.is_empty() => {
                bail!("{option}: nothing is traced, expected --trace as well")
            }
            Some((option, _)) if self.trace.iter().all(|format| format.tracer().is_some()) => {
                bail!("{option}: a tracer shows no steps, expected --trace eip3155 or --trace struct as well")
            }
            _ => Ok(()),
        }
    }

    /// Refuses what a Parquet file cannot be, or does not have.
    fn check_parquet(&self) -> Result<()> {
        let count =
            self.trace.iter().filter(|format| **format == trace_arguments::TraceFormat::Parquet).count();
        if count == 0 {
            return Ok(());
        }
        ensure!(
            !self.trace_out.is_empty(),
            "--trace parquet: nobody reads it on standard error, expected --trace-out FILE"
        );
        let cannot = [
            (
                self.trace_append,
                "--trace-append: a Parquet file ends with its table of contents, nothing stands behind it",
            ),
            (self.trace_drop, "--trace-drop drops lines, and a Parquet file has none"),
        ];
        if let Some((_, why)) = cannot.into_iter().find(|(is_asked, _)| *is_asked) {
            bail!("{why}: expected it without --trace parquet");
        }
        let lacks = [
            ("--trace-memory", self.trace_memory),
            ("--trace-storage", self.trace_storage),
            ("--trace-time", self.trace_time),
            ("--no-return-data", self.no_return_data),
        ];
        match lacks.into_iter().find(|(_, is_asked)| *is_asked && count == self.trace.len()) {
            Some((option, _)) => {
                bail!("{option}: a Parquet file has no such column, expected another --trace as well")
            }
            None => Ok(()),
        }
    }

    /// Opens what the traces go to, if there are to be any: one of the outputs of the command.
    pub(crate) fn open(&self, outputs: &mut Outputs) -> Result<Option<Traces>> {
        let (options, outs) = (self.options()?, &self.trace_out);
        if self.trace.is_empty() {
            return Ok(None);
        }
        self.check_parquet()?;
        ensure!(
            outs.len() == options.len() || outs.is_empty() && options.len() == 1,
            "{} --trace and {} --trace-out: expected one of each",
            options.len(),
            outs.len()
        );
        let mut opened = Vec::new();
        match &outs[..] {
            [] => opened.push(self.place("standard error", Box::new(io::stderr()))?),
            paths => {
                for path in paths {
                    let file = outputs.open(path, "trace", |path| match self.trace_append {
                        true => append(path),
                        false => File::create(path),
                    })?;
                    opened.push(self.place(path, Box::new(file))?);
                }
            }
        }
        let (places, writers): (Vec<_>, Vec<_>) = opened.into_iter().unzip();
        Ok(Some(Traces { files: TraceFiles::new(options.into_iter().zip(writers)), places }))
    }

    fn place(&self, name: &str, out: Box<dyn Write + Send>) -> Result<(Place, Box<dyn Write + Send>)> {
        let name = name.to_owned();
        if !self.trace_drop {
            return Ok((Place { name, losses: None }, out));
        }
        let background = Background::new(out, WhenFull::Drop, PIECES)?;
        Ok((Place { name, losses: Some(background.losses()) }, Box::new(background)))
    }
}

/// One of what was given for each of so many: all that was given, or one for all of them.
fn each<T: Clone>(
    given: &[T],
    count: usize,
    default: T,
    [option, of]: [&str; 2],
) -> Result<std::vec::IntoIter<T>> {
    let each = match given {
        [] => vec![default; count],
        [one] => vec![one.clone(); count],
        given => {
            let named = given.len();
            ensure!(
                named == count,
                "{named} {option} and {count} {of}: expected one of each, or one {option}"
            );
            given.to_vec()
        }
    };
    Ok(each.into_iter())
}

/// What is said of a part of a trace, if anything is.
fn on_or_off(on: bool, off: bool) -> Option<bool> {
    (on || off).then_some(on)
}

impl Traces {
    /// Ends them, and names what did not reach one. Fails if one could not be written.
    pub(crate) fn finish(self) -> Result<()> {
        let mut failures = Vec::new();
        for (Place { name, losses }, loss) in self.places.into_iter().zip(self.files.finish()) {
            let TraceLoss { error, lines, missing } = loss;
            let lines = lines + losses.as_ref().map_or(0, Losses::lines);
            if missing != 0 {
                complain(&format!("{name}: the trace lacks {missing} steps that were not shown to it"));
            }
            match error.or_else(|| losses?.error()) {
                Some(error) => {
                    let what = format!("{name}: cannot write the trace, {lines} lines of it are lost");
                    failures.push(Error::new(error).context(what));
                }
                None if lines != 0 => {
                    complain(&format!(
                        "{name}: {lines} lines of the trace are lost, as it is written too slowly"
                    ));
                }
                None => {}
            }
        }
        let mut failures = failures.into_iter();
        let Some(first) = failures.next() else {
            return Ok(());
        };
        failures.for_each(|failure| complain(&format!("{failure:#}")));
        Err(first)
    }
}
