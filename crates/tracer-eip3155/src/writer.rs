use std::{fs::File, io, path::Path};

use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::{
    Class, Effect, Eip, FrameOutcome, FrameStatus, Halt, Message, Opcode, Rules, StateGas,
};
use parallax_trace_output::Output;
use parallax_tracer_core::Tracer;

use crate::{
    Dialect, Field, Form, FrameExits, Key, Presence, Summary, halt, memory,
    object::{number, object, quoted, signed},
    stack_text::StackText,
    summary::Closing,
    text,
};

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
            implied_stop: dialect.client().facts().implied_stop,
        }
    }

    /// The keys of a step's line. What was written to a slot stands last in a dialect that has no place for it.
    fn keys(&self) -> Vec<Key> {
        let is_wanted = |key: &Key| match key.field {
            Field::Stack => self.stack,
            Field::ReturnData => self.return_data || key.presence == Presence::Always,
            Field::Memory => self.memory,
            Field::Storage => self.storage,
            _ => true,
        };
        let facts = self.dialect.client().facts();
        let mut keys: Vec<_> = facts.steps.iter().copied().filter(is_wanted).collect();
        if self.storage && keys.iter().all(|key| key.field != Field::Storage) {
            keys.push(Key { field: Field::Storage, presence: Presence::Sometimes, form: Form::Object });
        }
        keys
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
    /// The keys of a step's line, in order: those of the client's that are wanted.
    keys: Vec<Key>,
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
            keys: options.keys(),
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

    /// Writes the line of a step: `taken` items of the stack are off it, and the error is that of the step.
    fn line(&mut self, step: &StepView<'_>, end: &StepEnd<'_>, taken: usize, with_error: bool) {
        let Self { options, keys, output, stacks, refunds, fault, pending, steps, .. } = self;
        let dialect = options.dialect;
        object(output.text(), keys, |key, out| match key.field {
            Field::Pc => number(out, key.form, step.pc as u64),
            Field::Depth => number(out, key.form, u64::from(step.depth) + 1),
            Field::Op => number(out, key.form, u64::from(step.opcode.0)),
            Field::OpName => op_name(out, dialect, step.rules, step.opcode),
            Field::Gas => number(out, key.form, pending.gas),
            Field::GasCost => halt::gas_cost(dialect, pending.gas, pending.fails_inside, step, end)
                .is_some_and(|cost| number(out, key.form, cost)),
            Field::Reservoir => number(out, key.form, pending.state_gas.reservoir),
            Field::StateGas => state_gas(dialect, step, end, pending.state_gas)
                .is_some_and(|state_gas| number(out, key.form, state_gas)),
            Field::StateGasCost => state_gas_cost(step, end).is_some_and(|cost| number(out, key.form, cost)),
            Field::MemSize => number(out, key.form, pending.memory_size),
            Field::Stack => {
                out.push(b'[');
                out.extend_from_slice(stacks[pending.depth].items(taken));
                out.push(b']');
                true
            }
            Field::ReturnData => return_data(out, dialect, key.presence, step.rules, pending),
            Field::Refund => {
                let value = match dialect {
                    Dialect::Eip3155 => pending.refund.max(0),
                    Dialect::Eels => step.refund + halt::eels_refund_of_halt(step, end),
                    Dialect::Geth => step.refund,
                    Dialect::Evmone | Dialect::Revm => pending.refund - refunds[pending.depth],
                };
                signed(out, key.form, value)
            }
            Field::Error => {
                if !with_error {
                    return false;
                }
                let head = out.len();
                halt::error(dialect, pending.fails_inside, step, end, out);
                fault.clear();
                fault.extend_from_slice(&out[head..]);
                !fault.is_empty()
            }
            Field::Memory => {
                let is_absent = key.presence == Presence::OnDemandNotEmpty && pending.memory_size == 0;
                !is_absent && quoted(out, &pending.memory)
            }
            Field::Storage => {
                let Effect::Storage(change) = end.effect else { return false };
                out.extend_from_slice(b"{\"");
                text::hex_word(out, &change.key);
                out.extend_from_slice(b"\":\"");
                text::hex_word(out, &change.new);
                out.extend_from_slice(b"\"}");
                true
            }
            _ => false,
        });
        *steps += 1;
    }

    /// The specification's tracer adds what the deposit of code costs to the line that it wrote last: to that of a creation without init
    /// code nothing, which it then says. Whether there is such a deposit shows behind the creation's line.
    fn settle_creation(&mut self, has_deposit: bool) {
        if let Some(at) = self.free_creation.take() {
            if has_deposit {
                let nothing = [Field::StateGasCost.prefix(), b"\"0x0\""].concat();
                self.output.text().splice(at..at, nothing);
            }
            self.output.end_line();
        }
    }

    /// revm runs init code without a byte.
    fn stop_of_empty_init_code(&mut self, message: &Message) {
        if !self.options.implied_stop {
            return;
        }
        object(self.output.text(), &self.keys, |key, out| match key.field {
            Field::Depth => number(out, key.form, u64::from(message.depth) + 1),
            Field::OpName => quoted(out, b"STOP"),
            Field::Gas => number(out, key.form, message.gas),
            Field::Reservoir => number(out, key.form, message.state_gas.reservoir),
            Field::Stack => {
                out.extend_from_slice(b"[]");
                true
            }
            Field::ReturnData | Field::Memory => quoted(out, b"0x"),
            Field::Error => quoted(out, b"Stop"),
            Field::Storage => false,
            _ => number(out, key.form, 0),
        });
        self.steps += 1;
    }

    /// geth's line for a frame that ends; eels writes one for the outermost.
    fn frame_exit(&mut self, message: &Message, outcome: &FrameOutcome) {
        let Self { options, output, created, fault, .. } = self;
        let [exit, ..] = options.dialect.client().facts().closing else { return };
        let failed = outcome.status != FrameStatus::Success;
        // geth shows the code that it refuses, too.
        let shows_code = message.kind.is_create() && !(failed && options.dialect == Dialect::Eels);
        object(output.text(), exit, |key, out| match key.field {
            Field::Output => {
                out.push(b'"');
                text::digits(out, &outcome.output);
                if shows_code {
                    out.extend_from_slice(created.get(b"0x".len()..).unwrap_or_default());
                }
                out.push(b'"');
                true
            }
            Field::GasUsed => number(out, key.form, message.gas.saturating_sub(outcome.gas_left)),
            Field::Error if failed && !fault.is_empty() => {
                out.extend_from_slice(fault);
                true
            }
            Field::Error => {
                let FrameStatus::Halt(halt) = outcome.status else { return false };
                text::string(out, halt::message_error(options.dialect, halt));
                true
            }
            _ => false,
        });
        self.created.clear();
        self.fault.clear();
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
        let has_second_line = self.options.dialect.client().facts().second_lines;
        let taken = if has_second_line { halt::geth_taken(step, end) } else { None };
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
            let writes = match self.options.dialect.client().facts().exits {
                FrameExits::Every => true,
                FrameExits::Outermost => message.depth == self.outermost,
                FrameExits::None => false,
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

/// The opcode's name; `false` where the client leaves it out.
fn op_name(out: &mut Vec<u8>, dialect: Dialect, rules: Rules, opcode: Opcode) -> bool {
    if let Some(name) = dialect.opcode_name(opcode, rules) {
        return quoted(out, name.as_bytes());
    }
    if dialect == Dialect::Revm {
        return false;
    }
    out.push(b'"');
    match dialect {
        Dialect::Geth => halt::geth_opcode_name(opcode, out),
        _ => text::hex_bytes(out, &[opcode.0]),
    }
    out.push(b'"');
    true
}

/// revm's is what the frame has spent so far, the specification's the reservoir before the step: not of an opcode that is none.
fn state_gas(dialect: Dialect, step: &StepView<'_>, end: &StepEnd<'_>, before: StateGas) -> Option<u64> {
    if dialect == Dialect::Revm {
        return Some(halt::revm_state_gas(step.message.state_gas, before));
    }
    has_state_gas(step, end).then_some(before.reservoir)
}

/// The state gas that the step was charged; what it gave back is not shown (EIP-8037). Behind the end of init code the specification's
/// tracer stands at the implied STOP when code is deposited, which is none there.
fn state_gas_cost(step: &StepView<'_>, end: &StepEnd<'_>) -> Option<u64> {
    let has_deposit = step.pc >= step.code.len() && step.message.kind.is_create();
    let cost = u64::try_from(end.state_gas_cost).ok()?;
    (has_state_gas(step, end) && (cost > 0 || has_deposit)).then_some(cost)
}

fn has_state_gas(step: &StepView<'_>, end: &StepEnd<'_>) -> bool {
    let is_none = matches!(end.halt, Some(Halt::InvalidOpcode | Halt::UndefinedOpcode));
    step.rules.has(Eip::StateGas8037) && !is_none
}

fn return_data(
    out: &mut Vec<u8>,
    dialect: Dialect,
    presence: Presence,
    rules: Rules,
    pending: &Pending,
) -> bool {
    let is_absent = match presence {
        Presence::NotEmpty | Presence::OnDemandNotEmpty => pending.return_data.len() <= "0x".len(),
        // Before EIP-211 the specification's frames have no return data.
        _ => dialect == Dialect::Eels && !rules.has(Eip::ReturnData211),
    };
    // revm's is always empty.
    let shown: &[u8] = if dialect == Dialect::Revm { b"0x" } else { &pending.return_data };
    !is_absent && quoted(out, shown)
}
