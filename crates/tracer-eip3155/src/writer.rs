use std::{fs::File, io, path::Path};

use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::{
    Class, Effect, Eip, FrameOutcome, FrameStatus, Halt, Message, Opcode, Rules, StateGas,
};
use parallax_trace_output::Output;
use parallax_tracer_core::Tracer;

use crate::{Dialect, Summary, halt, memory, stack_text::StackText, summary::Closing, text};

/// What a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whose lines to write.
    pub dialect: Dialect,
    /// Whether to write the stack (default: yes). Where not, the field is left out.
    pub stack: bool,
    /// Whether to write return data (default: yes; geth leaves it out unless asked, see [`Options::new`]).
    pub return_data: bool,
    /// Whether to write the whole memory on every line (default: no).
    pub memory: bool,
    /// Whether SSTORE's line has a `storage` object with the slot it wrote (default: no).
    pub storage: bool,
    /// Whether the STOP that code implies at its end has a line (default: yes; evmone's has none).
    pub implied_stop: bool,
}

impl Options {
    /// The defaults of a dialect.
    pub const fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            stack: true,
            return_data: !matches!(dialect, Dialect::Geth),
            memory: false,
            storage: false,
            implied_stop: !matches!(dialect, Dialect::Evmone),
        }
    }
}

/// Writes one line per opcode to any writer, in large pieces and without an allocation per step. Of several runs, one after the
/// other, it writes several traces: a start begins a new one.
///
/// A writer that fails ends the trace, not the execution: [`Eip3155Tracer::failed`] tells at once, [`Eip3155Tracer::finish`] at the
/// end. Lines are handed over when there are enough of them, at a [`flush`](Eip3155Tracer::flush), and when the tracer is dropped.
pub struct Eip3155Tracer<W: io::Write> {
    output: Output<W>,
    options: Options,
    /// What the closing line of the run says.
    closing: Closing,
    /// Depth of the outermost frame.
    outermost: u16,
    steps: u64,
    /// The index of the step that has begun and not ended. Other hooks may see its end, and then these the end of another one.
    begun: Option<u64>,
    /// The index of the step that is to come next.
    next: u64,
    missing: u64,
    /// Text of the error on the last line, which is also what its frame ended with; empty if it had none.
    fault: Vec<u8>,
    /// Text of the code that init code has just returned, which an outcome does not carry.
    created: Vec<u8>,
    /// Text of the stack of every open frame, by depth.
    stacks: Vec<StackText>,
    /// Refund counter at the start of every open frame, by depth.
    refunds: Vec<i64>,
    pending: Pending,
    /// Where in the text the charge of a creation goes that has charged nothing: see [`Eip3155Tracer::settle_creation`].
    free_creation: Option<usize>,
}

/// What is known of the step that has begun.
#[derive(Default)]
struct Pending {
    depth: usize,
    opcode: Option<Opcode>,
    gas: u64,
    state_gas: StateGas,
    refund: i64,
    memory_size: u64,
    /// Text of the memory, if wanted.
    memory: Vec<u8>,
    /// What [`halt::geth_fails_inside`] says, in geth's dialect.
    fails_inside: bool,
    /// Offset and length of what a RETURN of init code is about to return.
    returns: Option<(usize, usize)>,
    /// Text of the return data; kept as long as no message has come between.
    return_data: Vec<u8>,
}

impl Pending {
    /// Goes on to where geth writes its second line: the memory has grown, and return data is not at hand there.
    fn run_on(&mut self, step: &StepView<'_>) {
        let grown = memory::needed(step);
        let digits = 2 * (grown - self.memory_size.min(grown));
        self.memory.extend((0..digits).map(|_| b'0'));
        self.memory_size = grown;
        self.return_data.clear();
    }
}

/// What came of a trace.
#[derive(Debug)]
#[must_use = "it has the writer's error"]
pub struct Finished<W> {
    /// The writer, or its first error.
    pub out: io::Result<W>,
    /// Step lines, the lost ones included.
    pub steps: u64,
    /// Lines, not of steps alone, that the writer did not take to their end because it has failed.
    pub lost: u64,
    /// Steps that ran before the last one of the trace and have no line, as the tracer was not shown them.
    pub missing: u64,
}

impl Eip3155Tracer<File> {
    /// Starts a trace in a file of its own; what was in the file is gone.
    pub fn create(path: impl AsRef<Path>, options: Options) -> io::Result<Self> {
        Ok(Self::new(File::create(path)?, options))
    }

    /// Starts a trace behind what is in the file, if there is one, on a line of its own.
    pub fn append(path: impl AsRef<Path>, options: Options) -> io::Result<Self> {
        Ok(Self::new(parallax_trace_output::append(path)?, options))
    }
}

impl<W: io::Write> Eip3155Tracer<W> {
    /// Starts a trace.
    pub fn new(out: W, options: Options) -> Self {
        Self {
            output: Output::new(out),
            options,
            closing: Closing::default(),
            outermost: 0,
            steps: 0,
            begun: None,
            next: 0,
            missing: 0,
            fault: Vec::new(),
            created: Vec::new(),
            stacks: Vec::new(),
            refunds: Vec::new(),
            pending: Pending::default(),
            free_creation: None,
        }
    }

    /// Hands over what is gathered and has the writer flush, as where a run pauses. What goes wrong is told by
    /// [`Eip3155Tracer::failed`].
    pub fn flush(&mut self) {
        self.free_creation = None;
        self.output.flush();
    }

    /// The writer's first error. The lines from there on are lost, and counted.
    pub fn failed(&self) -> Option<&io::Error> {
        self.output.failed()
    }

    /// Lines lost so far: see [`Finished::lost`].
    pub fn lost(&self) -> u64 {
        self.output.lost()
    }

    /// Steps missing so far: see [`Finished::missing`].
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Writes the closing line of the run that is over: what it came to, and what only the caller knows. Behind an abort, a rejection or
    /// a failure it has passed nothing and used no gas.
    pub fn close(&mut self, summary: &Summary) {
        summary.write(self.options.dialect, &self.closing, self.output.text());
    }

    /// Ends the trace, with a [closing line](Self::close) if a summary is given, and says what went wrong while writing.
    pub fn finish(mut self, summary: Option<&Summary>) -> Finished<W> {
        if let Some(summary) = summary {
            self.close(summary);
        }
        self.output.flush();
        let Self { output, steps, missing, .. } = self;
        let lost = output.lost();
        Finished { out: output.finish(), steps, lost, missing }
    }

    /// Steps have run that it was not shown: what it keeps from one step to the next may have changed there.
    #[cold]
    fn notice_gap(&mut self, step: &StepView<'_>) {
        // A lower index is a run that has begun anew, whose start was told to others.
        self.missing += step.index.checked_sub(self.next).unwrap_or(step.index);
        self.next = step.index;
        self.stacks.iter_mut().for_each(StackText::clear);
        self.pending.return_data.clear();
        if self.options.return_data {
            text::hex_bytes(&mut self.pending.return_data, step.return_data);
        }
    }

    /// Refund of the transaction, or of the frame alone for the clients that count so.
    fn frame_refund(&self) -> i64 {
        self.pending.refund - self.refunds[self.pending.depth]
    }

    fn line(&mut self, step: &StepView<'_>, end: &StepEnd<'_>, taken: usize, with_error: bool) {
        let dialect = self.options.dialect;
        let gas_cost = halt::gas_cost(dialect, self.pending.gas, self.pending.fails_inside, step, end);
        let line = self.output.text();
        line.extend_from_slice(b"{\"pc\":");
        text::decimal(line, step.pc as u64);
        if dialect == Dialect::Revm {
            depth(line, step);
            op_name(line, dialect, step.rules, step.opcode);
        }
        line.extend_from_slice(b",\"op\":");
        text::decimal(line, u64::from(step.opcode.0));
        line.extend_from_slice(b",\"gas\":\"");
        text::hex(line, self.pending.gas);
        line.push(b'"');
        if dialect == Dialect::Revm {
            line.extend_from_slice(b",\"reservoir\":\"");
            text::hex(line, self.pending.state_gas.reservoir);
            // What the frame has spent of it so far: not what EELS calls so.
            line.extend_from_slice(b"\",\"stateGas\":\"");
            text::hex(line, halt::revm_state_gas(step.message.state_gas, self.pending.state_gas));
            line.push(b'"');
        }
        if let Some(cost) = gas_cost {
            line.extend_from_slice(b",\"gasCost\":\"");
            text::hex(line, cost);
            line.push(b'"');
        }
        // Where memory stands: before its size, or behind everything (EIP-3155).
        let early_memory = matches!(dialect, Dialect::Geth | Dialect::Eels);
        if early_memory && self.options.memory && self.pending.memory_size > 0 {
            memory_text(line, &self.pending.memory);
        }
        if dialect != Dialect::Revm {
            line.extend_from_slice(b",\"memSize\":");
            text::decimal(line, self.pending.memory_size);
        }
        if self.options.stack {
            line.extend_from_slice(b",\"stack\":[");
            line.extend_from_slice(self.stacks[self.pending.depth].items(taken));
            line.push(b']');
        }
        self.counters(step, end);
        let line = self.output.text();
        if dialect != Dialect::Revm {
            op_name(line, dialect, step.rules, step.opcode);
        }
        if dialect == Dialect::Eels {
            eels_state_gas(line, step, end, self.pending.state_gas);
        }
        if with_error {
            let before = line.len();
            line.extend_from_slice(b",\"error\":");
            let head = line.len();
            halt::error(dialect, self.pending.fails_inside, step, end, line);
            self.fault.clear();
            self.fault.extend_from_slice(&line[head..]);
            if line.len() == head {
                line.truncate(before);
            }
        }
        if !early_memory && self.options.memory {
            memory_text(line, &self.pending.memory);
        }
        if let (true, Effect::Storage(change)) = (self.options.storage, end.effect) {
            line.extend_from_slice(b",\"storage\":{\"");
            text::hex_word(line, &change.key);
            line.extend_from_slice(b"\":\"");
            text::hex_word(line, &change.new);
            line.extend_from_slice(b"\"}");
        }
        line.extend_from_slice(b"}\n");
        self.steps += 1;
    }

    /// Depth, return data and refund, in the order and the terms of the dialect.
    fn counters(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let dialect = self.options.dialect;
        let frame_refund = self.frame_refund();
        let line = self.output.text();
        match dialect {
            Dialect::Eip3155 => {
                depth(line, step);
                return_data(line, self.options, step.rules, &self.pending);
                refund(line, self.pending.refund.max(0));
            }
            Dialect::Geth | Dialect::Eels => {
                let eels = dialect == Dialect::Eels;
                let uncounted = if eels { halt::eels_refund_of_halt(step, end) } else { 0 };
                return_data(line, self.options, step.rules, &self.pending);
                depth(line, step);
                refund(line, step.refund + uncounted);
            }
            Dialect::Evmone => {
                return_data(line, self.options, step.rules, &self.pending);
                depth(line, step);
                refund(line, frame_refund);
            }
            Dialect::Revm => {
                line.extend_from_slice(b",\"returnData\":\"0x\",\"refund\":\"");
                text::hex(line, frame_refund.cast_unsigned());
                line.extend_from_slice(b"\",\"memSize\":\"");
                text::hex(line, self.pending.memory_size);
                line.push(b'"');
            }
        }
    }

    /// The specification's tracer adds what the deposit of code costs to the line that it wrote last: to that of a creation without init
    /// code nothing, which it then says. Whether there is such a deposit shows behind the creation's line.
    fn settle_creation(&mut self, has_deposit: bool) {
        if let Some(at) = self.free_creation.take() {
            if has_deposit {
                self.output.text().splice(at..at, *b",\"stateGasCost\":\"0x0\"");
            }
            self.output.end_line();
        }
    }

    /// revm runs init code without a byte.
    fn stop_of_empty_init_code(&mut self, message: &Message) {
        if !self.options.implied_stop {
            return;
        }
        let line = self.output.text();
        line.extend_from_slice(b"{\"pc\":0,\"depth\":");
        text::decimal(line, u64::from(message.depth) + 1);
        line.extend_from_slice(b",\"opName\":\"STOP\",\"op\":0,\"gas\":\"");
        text::hex(line, message.gas);
        line.extend_from_slice(b"\",\"reservoir\":\"");
        text::hex(line, message.state_gas.reservoir);
        line.extend_from_slice(b"\",\"stateGas\":\"0x0\",\"gasCost\":\"0x0\"");
        line.extend_from_slice(if self.options.stack { b",\"stack\":[]".as_slice() } else { b"" });
        line.extend_from_slice(
            b",\"returnData\":\"0x\",\"refund\":\"0x0\",\"memSize\":\"0x0\",\"error\":\"Stop\"",
        );
        if self.options.memory {
            memory_text(line, b"0x");
        }
        line.extend_from_slice(b"}\n");
        self.steps += 1;
    }

    /// geth's line for a frame that ends; eels writes one for the outermost.
    fn frame_exit(&mut self, message: &Message, outcome: &FrameOutcome) {
        let line = self.output.text();
        line.extend_from_slice(b"{\"output\":\"");
        let at = line.len();
        text::hex_bytes(line, &outcome.output);
        // geth shows the code that it refuses, too.
        let failed = outcome.status != FrameStatus::Success;
        if message.kind.is_create() && !(failed && self.options.dialect == Dialect::Eels) {
            line.extend_from_slice(self.created.get(b"0x".len()..).unwrap_or_default());
        }
        self.created.clear();
        line.drain(at..at + 2);
        line.extend_from_slice(b"\",\"gasUsed\":\"");
        text::hex(line, message.gas.saturating_sub(outcome.gas_left));
        line.push(b'"');
        if failed {
            line.extend_from_slice(b",\"error\":");
        }
        match outcome.status {
            _ if failed && !self.fault.is_empty() => line.extend_from_slice(&self.fault),
            FrameStatus::Halt(halt) => {
                text::string(line, halt::message_error(self.options.dialect, halt));
            }
            FrameStatus::Success | FrameStatus::Revert => {}
        }
        self.fault.clear();
        line.extend_from_slice(b"}\n");
    }
}

impl<W: io::Write> Tracer for Eip3155Tracer<W> {
    fn start(&mut self, start: &Start<'_>) {
        self.closing = Closing { rules: Some(start.rules), ..Closing::default() };
        self.outermost = start.subject.depth();
        (self.begun, self.next, self.pending) = (None, 0, Pending::default());
        self.free_creation = None;
        self.fault.clear();
        self.created.clear();
    }

    fn end(&mut self, end: &End<'_>) {
        if let End::Outcome(outcome) = end {
            self.closing.output = outcome.output.clone();
            self.closing.gas_used = outcome.gas_used;
            self.closing.status = Some(outcome.status);
        }
    }

    fn step(&mut self, step: &StepView<'_>) {
        self.settle_creation(false);
        let depth = usize::from(step.depth);
        let last = self.pending.opcode.map(|_| self.pending.depth);
        if last.is_none_or(|last| last < depth) {
            if self.stacks.len() <= depth {
                self.stacks.resize_with(depth + 1, StackText::default);
                self.refunds.resize(depth + 1, 0);
            }
            self.stacks[depth].clear();
            self.refunds[depth] = step.refund;
        }
        if step.index != self.next {
            self.notice_gap(step);
        }
        self.begun = Some(step.index);
        if self.options.stack {
            self.stacks[depth].update(step.stack, step.rules.info(step.opcode), step.immediate());
        }
        let pending = &mut self.pending;
        // Only a message replaces return data: behind what sends one or ends a frame.
        let replaces = |opcode: Opcode| {
            opcode.info().is_some_and(|info| matches!(info.class, Class::Message | Class::Halt))
        };
        let may_differ = last != Some(depth) || pending.opcode.is_some_and(replaces);
        if self.options.return_data && may_differ {
            pending.return_data.clear();
            text::hex_bytes(&mut pending.return_data, step.return_data);
        }
        if self.options.memory {
            pending.memory.clear();
            text::hex_bytes(&mut pending.memory, step.memory);
        }
        let returns_code = step.opcode == Opcode::RETURN && step.message.kind.is_create();
        pending.returns = match step.stack {
            [.., length, offset] if returns_code => Some((offset.saturating_to(), length.saturating_to())),
            _ => None,
        };
        pending.fails_inside = self.options.dialect == Dialect::Geth && halt::geth_fails_inside(step);
        pending.depth = depth;
        pending.opcode = Some(step.opcode);
        pending.gas = step.gas;
        pending.state_gas = step.state_gas;
        pending.refund = step.refund;
        pending.memory_size = step.memory.len() as u64;
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        if self.begun.take() != Some(step.index) {
            return;
        }
        self.next = step.index.saturating_add(1);
        if !self.options.implied_stop && step.pc >= step.code.len() {
            return;
        }
        self.created.clear();
        if let (Some((offset, length)), None) = (self.pending.returns, end.halt) {
            let code = step.memory.get(offset..).and_then(|from| from.get(..length));
            text::hex_bytes(&mut self.created, code.unwrap_or_default());
        }
        let taken = match self.options.dialect {
            Dialect::Geth => halt::geth_taken(step, end),
            _ => None,
        };
        if taken.is_some() {
            self.line(step, end, 0, false);
            self.pending.run_on(step);
        }
        self.line(step, end, taken.unwrap_or(0), true);
        let is_free = end.halt.is_none() && end.state_gas_cost == 0;
        if self.options.dialect == Dialect::Eels
            && is_free
            && step.rules.has(Eip::StateGas8037)
            && matches!(step.opcode, Opcode::CREATE | Opcode::CREATE2)
        {
            self.free_creation = Some(self.output.text().len() - "}\n".len());
        } else {
            self.output.end_line();
        }
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        if let MessagePhase::After(outcome) = phase {
            let is_empty = message.kind.is_create() && message.input.is_empty();
            self.settle_creation(is_empty && outcome.status.is_success());
            let writes = match self.options.dialect {
                Dialect::Geth => true,
                Dialect::Eels => message.depth == self.outermost,
                _ => false,
            };
            if writes {
                self.frame_exit(message, outcome);
            }
            if self.options.dialect == Dialect::Revm && is_empty && outcome.status == FrameStatus::Success {
                self.stop_of_empty_init_code(message);
            }
        }
    }
}

fn depth(line: &mut Vec<u8>, step: &StepView<'_>) {
    line.extend_from_slice(b",\"depth\":");
    text::decimal(line, u64::from(step.depth) + 1);
}

fn op_name(line: &mut Vec<u8>, dialect: Dialect, rules: Rules, opcode: Opcode) {
    let name = dialect.opcode_name(opcode, rules);
    if name.is_none() && dialect == Dialect::Revm {
        return;
    }
    line.extend_from_slice(b",\"opName\":\"");
    match name {
        Some(name) => line.extend_from_slice(name.as_bytes()),
        None if dialect == Dialect::Geth => halt::geth_opcode_name(opcode, line),
        None => text::hex_bytes(line, &[opcode.0]),
    }
    line.push(b'"');
}

/// The reservoir before the step, and the state gas that it was charged; what it gave back is not shown (EIP-8037). An opcode that is
/// none has neither. Behind the end of init code the specification's tracer stands at the implied STOP when code is deposited, which is
/// none there.
fn eels_state_gas(line: &mut Vec<u8>, step: &StepView<'_>, end: &StepEnd<'_>, before: StateGas) {
    let is_none = matches!(end.halt, Some(Halt::InvalidOpcode | Halt::UndefinedOpcode));
    if !step.rules.has(Eip::StateGas8037) || is_none {
        return;
    }
    line.extend_from_slice(b",\"stateGas\":\"");
    text::hex(line, before.reservoir);
    line.push(b'"');
    let has_deposit = step.pc >= step.code.len() && step.message.kind.is_create();
    if let Ok(cost) = u64::try_from(end.state_gas_cost)
        && (cost > 0 || has_deposit)
    {
        line.extend_from_slice(b",\"stateGasCost\":\"");
        text::hex(line, cost);
        line.push(b'"');
    }
}

fn refund(line: &mut Vec<u8>, value: i64) {
    line.extend_from_slice(b",\"refund\":");
    text::signed(line, value);
}

fn memory_text(line: &mut Vec<u8>, memory: &[u8]) {
    line.extend_from_slice(b",\"memory\":\"");
    line.extend_from_slice(memory);
    line.push(b'"');
}

fn return_data(line: &mut Vec<u8>, options: Options, rules: Rules, pending: &Pending) {
    let absent = match options.dialect {
        Dialect::Geth | Dialect::Evmone => pending.return_data.len() <= "0x".len(),
        // Before EIP-211 the specification's frames have no return data.
        Dialect::Eels => !rules.has(Eip::ReturnData211),
        Dialect::Eip3155 | Dialect::Revm => false,
    };
    if options.return_data && !absent {
        line.extend_from_slice(b",\"returnData\":\"");
        line.extend_from_slice(&pending.return_data);
        line.push(b'"');
    }
}
