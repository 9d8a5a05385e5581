//! Struct logs written while the run goes on, so that however long it is, it takes the memory of one step.

use std::io;

use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::{Bytes, Effect, Eip, FrameStatus, Halt, Message, Opcode, Rules, U256, hex};
use parallax_trace_output::Output;
use parallax_tracer_core::{MemorySnapshot, StackSnapshot, StructLog, Tracer};

use crate::{
    StructLogOptions, TracerConfig,
    geth_row::{GethRows, op_name},
    memory::touched,
    struct_log::{MetSlots, Row},
    trace::Outcome,
};

/// How a line begins.
const HEAD: &[u8] = b"{\"structLogs\":[";

/// Writes the struct logs of a run as JSON on one line, each as soon as its opcode has run; of several runs, one line for each. The
/// fields are those of [`Trace::write_struct_logs`](crate::Trace::write_struct_logs); as nobody knows them before, the
/// transaction's own stand behind the steps.
///
/// A writer that fails ends the trace, not the execution. What has been written is handed over when it is enough, at a flush, and when
/// the writer of struct logs is dropped.
pub struct StructLogWriter<W: io::Write> {
    output: Output<W>,
    options: StructLogOptions,
    config: TracerConfig,
    run: Run,
    /// What the lines before have.
    written: Counts,
}

/// What is known of the run whose line is being written.
#[derive(Default)]
struct Run {
    is_begun: bool,
    storage: MetSlots,
    /// The index of the step that has begun and not ended. Other hooks may see its end, and then these the end of another one.
    begun: Option<u64>,
    /// What it found, unless it is not to be written, and its two topmost items.
    pending: Option<(StructLog, [U256; 2])>,
    /// Bytes written.
    bytes: u64,
    counts: Counts,
    /// The index of the step that is to come next.
    next: u64,
    /// Depth of the outermost message.
    outermost: u16,
    rules: Option<Rules>,
    rows: GethRows,
    /// What became of the transaction, or so far of its outermost message.
    outcome: Option<Outcome>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    steps: u64,
    dropped: u64,
    missing: u64,
}

/// What came of a trace.
#[derive(Debug)]
#[must_use = "it has the writer's error"]
pub struct WrittenStructLogs<W> {
    /// The writer, or its first error.
    pub out: io::Result<W>,
    /// Steps written.
    pub steps: u64,
    /// Steps that a bound left out.
    pub dropped: u64,
    /// Lines, one a transaction, that the writer did not take to their end because it has failed.
    pub lost: u64,
    /// Steps that ran before the last one and that it was not shown.
    pub missing: u64,
}

impl<W: io::Write> StructLogWriter<W> {
    /// Starts a trace. Of the bounds, `trace_max_bytes` is of the text of a run: once it is met, steps are counted and dropped.
    pub fn new(out: W, options: StructLogOptions, config: TracerConfig) -> Self {
        let mut output = Output::new(out);
        output.text().extend_from_slice(HEAD);
        Self { output, options, config, run: Run::default(), written: Counts::default() }
    }

    /// Hands over what is gathered and has the writer flush, as where a run pauses.
    pub fn flush(&mut self) {
        self.output.flush();
    }

    /// The writer's first error.
    pub fn failed(&self) -> Option<&io::Error> {
        self.output.failed()
    }

    /// Ends the trace with what became of the transaction, or, if its end was told to others, of the outermost message.
    pub fn finish(mut self) -> WrittenStructLogs<W> {
        self.end_line();
        self.output.flush();
        let Self { output, written: Counts { steps, dropped, missing }, .. } = self;
        let lost = output.lost();
        WrittenStructLogs { out: output.finish(), steps, dropped, lost, missing }
    }

    fn end_line(&mut self) {
        let Run { counts, outcome, .. } = std::mem::take(&mut self.run);
        let none = Outcome { gas_used: 0, gas_by_kind: None, failed: true, output: Bytes::new() };
        let Outcome { gas_used, gas_by_kind, failed, output } = outcome.unwrap_or(none);
        let mut end = format!("],\"gas\":{gas_used}");
        if let Some([execution, state]) = gas_by_kind {
            end.push_str(&format!(",\"regularGasUsed\":{execution},\"stateGasUsed\":{state}"));
        }
        let output = hex::encode_prefixed(&output);
        end.push_str(&format!(",\"failed\":{failed},\"returnValue\":\"{output}\""));
        for (name, count) in [("stepsDropped", counts.dropped), ("stepsMissing", counts.missing)] {
            if count != 0 {
                end.push_str(&format!(",\"{name}\":{count}"));
            }
        }
        end.push_str("}\n");
        self.output.text().extend_from_slice(end.as_bytes());
        let written = &mut self.written;
        written.steps += counts.steps;
        written.dropped += counts.dropped;
        written.missing += counts.missing;
    }

    fn is_full(&self) -> bool {
        self.run.bytes >= self.config.trace_max_bytes
            || self.options.limit != 0 && self.run.counts.steps >= self.options.limit
    }

    /// What a step found.
    fn begin(&self, step: &StepView<'_>) -> StructLog {
        let (options, config) = (self.options, self.config);
        let state_gas = step.rules.has(Eip::StateGas8037).then_some(step.state_gas);
        StructLog {
            pc: step.pc,
            opcode: step.opcode,
            op_name: op_name(Some(step.rules), step.opcode),
            gas: step.gas,
            gas_cost: 0,
            state_gas_cost: None,
            state_gas_reservoir: state_gas.map(|before| before.reservoir),
            depth: step.depth.saturating_add(1),
            refund: step.refund,
            stack: match options.disable_stack {
                true => StackSnapshot::default(),
                false => config.stack_snapshot(step.stack, step.stack.len()),
            },
            memory: match options.enable_memory {
                true => {
                    let info = step.rules.info(step.opcode);
                    let region = info.and_then(|info| touched(info, step.stack));
                    config.memory_snapshot(step.memory, step.memory.len(), region)
                }
                false => MemorySnapshot::default(),
            },
            return_data: match options.enable_return_data {
                true => Bytes::copy_from_slice(step.return_data),
                false => Bytes::new(),
            },
            storage: Vec::new(),
            logs: Vec::new(),
            error: None,
        }
    }
}

impl<W: io::Write> Tracer for StructLogWriter<W> {
    fn start(&mut self, start: &Start<'_>) {
        if self.run.is_begun {
            self.end_line();
            self.output.text().extend_from_slice(HEAD);
        }
        let rules = Some(start.rules);
        self.run = Run { is_begun: true, outermost: start.subject.depth(), rules, ..Run::default() };
    }

    fn end(&mut self, end: &End<'_>) {
        self.run.outcome = match end {
            End::Outcome(outcome) => Some(Outcome::of(outcome, self.run.rules, &self.run.rows)),
            End::Aborted | End::Rejected(_) | End::Failed(_) => None,
        };
    }

    fn step(&mut self, step: &StepView<'_>) {
        self.run.is_begun = true;
        self.run.rules = Some(step.rules);
        if step.index != self.run.next {
            // A lower index is a run that has begun anew, whose start was told to others.
            self.run.counts.missing += step.index.checked_sub(self.run.next).unwrap_or(step.index);
            self.run.next = step.index;
        }
        self.run.begun = Some(step.index);
        self.run.rows.step(step);
        let operand = |at: usize| step.stack.iter().nth_back(at).copied().unwrap_or_default();
        self.run.pending = (!self.is_full()).then(|| (self.begin(step), [operand(0), operand(1)]));
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        if self.run.begun.take() != Some(step.index) {
            return;
        }
        self.run.next = step.index.saturating_add(1);
        let fault = self.run.rows.step_end(step, end);
        let Some((mut log, [key, value])) = self.run.pending.take() else {
            self.run.counts.dropped += 1;
            return;
        };
        (log.gas_cost, log.refund) = (end.gas_cost, step.refund);
        log.state_gas_cost = log.state_gas_reservoir.map(|_| end.state_gas_cost);
        let met = match (step.opcode, &fault) {
            (Opcode::SLOAD, None) => step.stack.last().copied(),
            (Opcode::SLOAD, Some(fault)) => fault.slot,
            (Opcode::SSTORE, _) if end.halt != Some(Halt::StackUnderflow) => Some(value),
            _ => None,
        };
        if let Some(fault) = fault {
            log.gas_cost = fault.gas_cost;
            log.refund += fault.refund;
            log.error = fault.error;
        }
        if let (Some(value), false) = (met, self.options.disable_storage) {
            log.storage = self.run.storage.meet(step.message.address, key, value);
        }
        if let (Effect::Log(entry), true) = (end.effect, self.options.enable_logs) {
            log.logs.push(self.config.log_entry(entry));
        }
        let text = self.output.text();
        let before = text.len();
        if self.run.counts.steps != 0 {
            text.push(b',');
        }
        // Neither the text nor a record has a way to fail.
        let _ = serde_json::to_writer(&mut *text, &Row { log: &log, options: self.options });
        self.run.bytes += (text.len() - before) as u64;
        self.run.counts.steps += 1;
        self.output.end_line();
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        if let (MessagePhase::After(outcome), true) = (phase, message.depth == self.run.outermost) {
            self.run.outcome = Some(Outcome {
                gas_used: message.gas.saturating_sub(outcome.gas_left),
                gas_by_kind: None,
                failed: outcome.status != FrameStatus::Success,
                output: outcome.output.clone(),
            });
        }
    }
}
