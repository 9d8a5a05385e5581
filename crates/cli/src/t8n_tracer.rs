//! The tracer that users name, made anew for each transaction.

use parallax_tracer_calls::NamedTracer;
use serde_json::Value;

use crate::t8n_arguments::T8nTraceArguments;

/// A tracer's name and its options, which have been looked at.
pub(crate) struct NamedTrace {
    name: String,
    options: Value,
}

impl NamedTrace {
    /// The one that was asked for, if one was; or what is wrong with that.
    pub(crate) fn new(arguments: &T8nTraceArguments) -> Result<Option<Self>, String> {
        let Some(name) = arguments.trace_tracer.clone() else { return Ok(None) };
        let options = serde_json::from_str(&arguments.trace_jsonconfig);
        let options = options.map_err(|error| format!("--trace.jsonconfig: expected JSON: {error}"))?;
        match NamedTracer::new(&name, &options, 0) {
            Ok(_) => Ok(Some(Self { name, options })),
            Err(error) => Err(format!("--trace.tracer: {error}")),
        }
    }

    /// One for a transaction that has so many logs before it in its block.
    pub(crate) fn of(&self, logs_before: u64) -> Option<NamedTracer> {
        NamedTracer::new(&self.name, &self.options, logs_before).ok()
    }
}
