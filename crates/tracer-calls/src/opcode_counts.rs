use std::borrow::Cow;

use parallax_hooks::{End, Start, StepView};
use parallax_primitives::{Opcode, Rules};
use parallax_tracer_core::{Tracer, Wants};

use crate::{TracerError, json};

/// How often each opcode was run, by its name: what go-ethereum's `unigramTracer` answers. Every step counts, the one that fails and the STOP
/// that code implies at its end among them.
#[derive(Debug)]
pub struct OpcodeCounter {
    rules: Option<Rules>,
    counts: Box<[u64; 256]>,
    is_over: bool,
}

impl Default for OpcodeCounter {
    fn default() -> Self {
        Self { rules: None, counts: Box::new([0; 256]), is_over: false }
    }
}

impl OpcodeCounter {
    /// The counts as JSON, on one line, by name.
    ///
    /// # Errors
    ///
    /// No run was traced to its end.
    pub fn result(&self) -> Result<String, TracerError> {
        if !self.is_over {
            return Err(TracerError::NotTraced);
        }
        let counted = (0..=u8::MAX).map(Opcode).zip(*self.counts).filter(|(_, count)| *count != 0);
        let rows = counted.map(|(opcode, count)| (name(self.rules, opcode), count));
        let mut out = String::new();
        json::push(&mut out, &rows.collect::<std::collections::BTreeMap<_, _>>());
        Ok(out)
    }
}

/// The name of an opcode; every byte has one.
pub(crate) fn name(rules: Option<Rules>, opcode: Opcode) -> Cow<'static, str> {
    match rules.and_then(|rules| rules.info(opcode)) {
        Some(info) => info.name.into(),
        None => format!("opcode {:#x} not defined", opcode.0).into(),
    }
}

impl Tracer for OpcodeCounter {
    fn start(&mut self, start: &Start<'_>) {
        *self = Self { rules: Some(start.rules), ..Self::default() };
    }

    fn end(&mut self, end: &End<'_>) {
        self.is_over = matches!(end, End::Outcome(_));
    }

    fn wants(&self) -> Wants {
        Wants::Steps
    }

    fn step(&mut self, step: &StepView<'_>) {
        self.counts[usize::from(step.opcode.0)] += 1;
    }
}
