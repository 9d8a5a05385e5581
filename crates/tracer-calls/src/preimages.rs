use std::collections::BTreeMap;

use parallax_hooks::{End, Start, StepEnd, StepView};
use parallax_primitives::{B256, Bytes, Opcode, keccak256};
use parallax_tracer_core::{Tracer, Wants};

use crate::{TracerError, error::LIMIT, json};

/// What is kept of a hash besides its bytes, roughly.
const ENTRY_BYTES: usize = 128;

/// go-ethereum's `keccak256PreimageTracer`: what KECCAK256 has hashed, by hash.
#[derive(Debug, Default)]
pub struct PreimageTracer {
    region: Option<(usize, usize)>,
    preimages: BTreeMap<B256, Bytes>,
    bytes: usize,
    is_over: bool,
}

impl PreimageTracer {
    /// The preimages as JSON, on one line.
    ///
    /// # Errors
    ///
    /// No run was traced to its end, or it was too large.
    pub fn result(&self) -> Result<String, TracerError> {
        if self.bytes > LIMIT {
            return Err(TracerError::TooLarge);
        }
        if !self.is_over {
            return Err(TracerError::NotTraced);
        }
        let rows = self.preimages.iter().map(|(hash, preimage)| (hash.to_string(), preimage.to_string()));
        let mut out = String::new();
        json::push(&mut out, &rows.collect::<BTreeMap<_, _>>());
        Ok(out)
    }
}

impl Tracer for PreimageTracer {
    fn start(&mut self, _: &Start<'_>) {
        *self = Self::default();
    }

    fn end(&mut self, end: &End<'_>) {
        self.is_over = matches!(end, End::Outcome(_));
    }

    fn wants(&self) -> Wants {
        Wants::Steps
    }

    fn step(&mut self, step: &StepView<'_>) {
        self.region = match step.stack {
            [.., length, offset] if step.opcode == Opcode::KECCAK256 => {
                Some((offset.saturating_to(), length.saturating_to()))
            }
            _ => None,
        };
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let Some((offset, length)) = self.region.take().filter(|_| end.halt.is_none()) else { return };
        // The memory has grown by then; nothing has no place.
        let preimage = step.memory.get(offset..).and_then(|memory| memory.get(..length)).unwrap_or_default();
        self.bytes = self.bytes.saturating_add(ENTRY_BYTES + preimage.len());
        if self.bytes <= LIMIT {
            self.preimages.insert(keccak256(preimage), Bytes::copy_from_slice(preimage));
        }
    }
}
