//! What can be seen of a session: steps, timelines, calls, gas, code. All of it is read from the records.

use std::sync::Arc;

use parallax_assembly::disassemble;
use parallax_primitives::{Bytes, MessageKind, Opcode, hex};
use parallax_tracer_standard::Call;

use crate::{
    error::ApiError,
    index::Index,
    model::{self, DATA_SHOWN, SideName},
    pair::mismatches,
    report::Report,
    side::{Recording, Side},
};

/// The records of a session at one time.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    pub(crate) sides: [Option<Arc<Side>>; 2],
    pub(crate) index: Arc<Index>,
    /// The divergence that the comparison found.
    pub(crate) first: Option<model::Divergence>,
    /// What the report of the comparison is made of.
    pub(crate) report: Option<Arc<Report>>,
}

impl Records {
    pub(crate) fn sides(&self) -> [Option<&Side>; 2] {
        [self.sides[0].as_deref(), self.sides[1].as_deref()]
    }

    /// Steps of the longer side.
    pub(crate) fn total(&self) -> u64 {
        self.sides().into_iter().flatten().map(Side::len).max().unwrap_or(0)
    }

    /// The left side, or the right one where only that has this step.
    pub(crate) fn leading(&self, step: u64) -> Option<&Side> {
        self.sides().into_iter().flatten().find(|side| step < side.len())
    }

    /// Whether the sides begin to differ here. The end counts if what differs belongs to no step.
    pub(crate) fn is_divergence(&self, step: u64) -> bool {
        self.index.news_from(step).first().is_some_and(|news| news.0 == step)
            || (self.differs_at_end() && step == self.total())
    }

    fn differs_at_end(&self) -> bool {
        self.first.as_ref().is_some_and(|first| first.step_index.is_none())
    }

    pub(crate) fn divergence_after(&self, step: u64) -> Option<u64> {
        let next = self.index.news_from(step.saturating_add(1)).first();
        let at_end = || (self.differs_at_end() && step < self.total()).then(|| self.total());
        next.map(|news| news.0).or_else(at_end)
    }

    pub(crate) fn divergence_before(&self, step: u64) -> Option<u64> {
        let later = self.index.news_from(step).len();
        Some(self.index.news[..self.index.news.len() - later].last()?.0)
    }

    pub(crate) fn rows(&self, from: u64, count: usize) -> Vec<model::StepRow> {
        let total = self.total();
        let count = usize::try_from(total.saturating_sub(from)).unwrap_or(usize::MAX).min(count);
        let [left, right] = self.sides().map(|side| side.map_or(Vec::new(), |side| side.rows(from, count)));
        let mut found = match (self.sides(), self.index.compares) {
            ([Some(left), Some(right)], Some(compares)) => mismatches([left, right], compares, from, count),
            _ => vec![None; count],
        };
        // Where they begin to differ, what is new says more than what has differed before.
        for (step, mismatch) in self.index.news_from(from) {
            match usize::try_from(step - from).ok().and_then(|at| found.get_mut(at)) {
                Some(place) => *place = Some(mismatch.clone()),
                None => break,
            }
        }
        let (mut left, mut right) = (left.into_iter(), right.into_iter());
        (from..)
            .zip(found)
            .map(|(step_index, mismatch)| model::StepRow {
                step_index,
                left: left.next(),
                right: right.next(),
                mismatch,
            })
            .collect()
    }

    /// A step, or the end, which has no sides.
    pub(crate) fn row(&self, step: u64) -> model::StepRow {
        let at_end = || {
            let first = self.first.as_ref().filter(|first| first.step_index.is_none());
            let mismatch = first.map(|first| first.mismatch.clone());
            model::StepRow { step_index: self.total(), left: None, right: None, mismatch }
        };
        self.rows(step, 1).pop().unwrap_or_else(at_end)
    }

    pub(crate) fn divergences(&self, offset: usize, limit: usize) -> model::Divergences {
        let at_end = self.first.as_ref().filter(|first| first.step_index.is_none());
        let total = self.index.news.len() + usize::from(at_end.is_some());
        let shown = self.index.news.iter().skip(offset).take(limit);
        let mut divergences: Vec<_> = shown
            .map(|(step, mismatch)| model::Divergence {
                step_index: Some(*step),
                mismatch: mismatch.clone(),
                lines: None,
            })
            .collect();
        if offset + limit > self.index.news.len() && divergences.len() < limit {
            divergences.extend(at_end.cloned());
        }
        model::Divergences { divergences, offset, total, truncated: self.index.truncated }
    }

    pub(crate) fn timeline(&self, from: u64, to: u64, buckets: u64, page: usize) -> model::Timeline {
        let to = to.min(self.total());
        self.index.timeline(self.sides(), (from.min(to), to), buckets, page)
    }

    /// A side, whether it is there and recorded or not.
    fn recording(&self, side: SideName) -> Option<&Recording> {
        let number = usize::from(side == SideName::Right);
        self.sides[number].as_ref()?.recording()
    }

    pub(crate) fn calls(&self, side: SideName, offset: usize, limit: usize) -> model::Calls {
        let Some(recording) = self.recording(side) else {
            return model::Calls { side, calls: Vec::new(), offset, total: 0 };
        };
        let all = recording.trace.calls();
        let shown = all.iter().enumerate().skip(offset).take(limit);
        let calls = shown.map(|(number, call)| call_of(recording, number, call)).collect();
        model::Calls { side, calls, offset, total: all.len() }
    }

    pub(crate) fn gas(&self) -> model::GasByOpcode {
        let of = |side: SideName| {
            let trace = &self.recording(side)?.trace;
            let has_state_gas = trace.has_state_gas();
            let counts = trace.opcode_counts().into_iter();
            Some(
                counts
                    .map(|count| model::OpcodeGas {
                        opcode: count.opcode.0,
                        op_name: count.op_name,
                        count: count.count,
                        gas: count.gas,
                        state_gas: has_state_gas.then_some(count.state_gas),
                    })
                    .collect(),
            )
        };
        model::GasByOpcode { left: of(SideName::Left), right: of(SideName::Right) }
    }

    pub(crate) fn code(
        &self,
        side: SideName,
        number: usize,
        offset: usize,
        limit: usize,
    ) -> Result<model::Code, ApiError> {
        let recording =
            self.recording(side).ok_or_else(|| ApiError::not_found("code: the side has no record"))?;
        let call = recording.trace.calls().get(number).ok_or_else(|| ApiError::not_found("call"))?;
        let code = recording.trace.code_of(call);
        let disassembly = disassemble(code, recording.rules);
        let mut blocks: Vec<[usize; 2]> = Vec::new();
        let mut instructions = Vec::new();
        for (at, instruction) in disassembly.instructions.iter().enumerate() {
            if instruction.starts_block {
                blocks.push([instruction.offset, instruction.offset]);
            }
            if let Some([_, end]) = blocks.last_mut() {
                *end = instruction.offset + 1 + instruction.data.len();
            }
            if at < offset || instructions.len() >= limit {
                continue;
            }
            instructions.push(model::Instruction {
                pc: instruction.offset,
                opcode: instruction.opcode.0,
                op_name: instruction.name.unwrap_or("INVALID"),
                data: (instruction.opcode.push_data() > 0 || !instruction.data.is_empty())
                    .then(|| hex::encode_prefixed(instruction.data)),
                gas: instruction.is_defined.then_some(instruction.gas),
                block: blocks.len().saturating_sub(1),
                is_jump_destination: instruction.opcode == Opcode::JUMPDEST,
                is_defined: instruction.is_defined,
            });
        }
        let message = &call.message;
        let address = if message.kind.is_create() { message.address } else { message.code_address };
        Ok(model::Code {
            side,
            call: number,
            address: Some(model::address(&address)),
            size: code.len(),
            instructions,
            offset,
            total: disassembly.instructions.len(),
            jump_destinations: disassembly.jump_destinations().collect(),
            blocks,
        })
    }
}

fn call_of(recording: &Recording, index: usize, call: &Call) -> model::Call {
    let message = &call.message;
    let outcome = call.outcome.as_ref();
    let steps = recording.trace.steps_of(call);
    let shown = |bytes: &Bytes| model::cut(bytes, DATA_SHOWN);
    let runs_other_code = !message.kind.is_create() && message.code_address != message.address;
    model::Call {
        index,
        parent: call.parent,
        kind: MessageKind::name(message.kind),
        depth: message.depth,
        from: model::address(&message.caller),
        to: model::address(&message.address),
        code_address: runs_other_code.then(|| model::address(&message.code_address)),
        value: model::word(&message.value),
        gas: message.gas,
        gas_used: call.gas_used(),
        state_gas: if recording.trace.has_state_gas() {
            model::CallStateGas {
                reservoir: Some(message.state_gas.reservoir),
                reservoir_left: outcome.map(|outcome| outcome.state_gas.reservoir),
                state_gas_used: call.state_gas_used(),
                state_gas_spilled: call.state_gas_spilled(),
            }
        } else {
            model::CallStateGas::default()
        },
        status: outcome.map(|outcome| outcome.status.to_string()),
        input: shown(&message.input),
        input_length: message.input.len(),
        output: outcome.map(|outcome| shown(&outcome.output)),
        output_length: outcome.map(|outcome| outcome.output.len()),
        first_step: steps.start,
        end_step: steps.end,
        created: outcome.and_then(|outcome| outcome.created.as_ref()).map(model::address),
    }
}
