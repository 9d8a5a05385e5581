//! From the options of a trace to what writes it.

use std::{
    fs::File,
    io::{self, Write},
};

use anyhow::{Context, Result};
use parallax_campaign::{TraceFormat, TraceOptions};

use crate::arguments::{self, TraceArguments};

impl TraceArguments {
    /// What the trace holds. Without `--trace`: the lines that a digest is made of.
    pub(crate) fn options(&self) -> TraceOptions {
        TraceOptions {
            format: match self.trace {
                Some(arguments::TraceFormat::Struct) => TraceFormat::StructLogs,
                Some(arguments::TraceFormat::Eip3155) | None => TraceFormat::Lines(self.dialect),
            },
            memory: self.trace_memory,
            storage: self.trace_storage,
            no_stack: self.no_stack,
            no_return_data: self.no_return_data,
        }
    }

    /// Where the trace goes, if there is to be one.
    pub(crate) fn open(&self) -> Result<Option<Box<dyn Write + Send>>> {
        Ok(match (self.trace, &self.trace_out) {
            (None, _) => None,
            (Some(_), None) => Some(Box::new(io::stderr())),
            (Some(_), Some(path)) => {
                Some(Box::new(File::create(path).with_context(|| format!("{path}: cannot write the trace"))?))
            }
        })
    }

    /// Names what could not be written.
    pub(crate) fn check(&self, written: io::Result<()>) -> Result<()> {
        let place = self.trace_out.as_deref().unwrap_or("standard error");
        written.with_context(|| format!("{place}: cannot write the trace"))
    }
}
