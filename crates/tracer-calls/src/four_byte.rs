use std::collections::BTreeMap;

use parallax_hooks::{End, MessagePhase, Start, StepView};
use parallax_primitives::{Address, Message, Opcode, Rules, hex};
use parallax_tracer_core::{Tracer, Wants};

use crate::{
    TracerError,
    called::{called, sends_to},
    error::LIMIT,
    json, precompiled,
};

/// What is kept of an entry, roughly.
const ENTRY_BYTES: usize = 128;

/// go-ethereum's `4byteTracer`: how often each function was called with so much data, as `0xSELECTOR-BYTES`. Creations, and calls of
/// precompiled contracts, are none.
#[derive(Debug, Default)]
pub struct FourByteTracer {
    rules: Option<Rules>,
    target: Address,
    counts: BTreeMap<String, u64>,
    is_full: bool,
    is_over: bool,
}

impl FourByteTracer {
    /// The counts as JSON, on one line.
    ///
    /// # Errors
    ///
    /// No run was traced to its end, or it was too large.
    pub fn result(&self) -> Result<String, TracerError> {
        match (self.is_full, self.is_over) {
            (true, _) => Err(TracerError::TooLarge),
            (false, false) => Err(TracerError::NotTraced),
            (false, true) => {
                let mut out = String::new();
                json::push(&mut out, &self.counts);
                Ok(out)
            }
        }
    }
}

impl Tracer for FourByteTracer {
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
        if let Opcode::CALLCODE | Opcode::DELEGATECALL = step.opcode {
            self.target = sends_to(step);
        }
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        let (MessagePhase::Before, false) = (phase, message.kind.is_create()) else { return };
        let Some((selector, data)) = message.input.split_at_checked(4) else { return };
        let to = called(message, self.target);
        if self.rules.is_some_and(|rules| precompiled::contract_at(rules, &to).is_some()) {
            return;
        }
        if self.counts.len() >= LIMIT / ENTRY_BYTES {
            self.is_full = true;
            return;
        }
        let key = format!("{}-{}", hex::encode_prefixed(selector), data.len());
        *self.counts.entry(key).or_default() += 1;
    }
}
