//! go-ethereum's lines of call frames among those of opcodes, as its `--trace.callframes` has them: one where a message begins, and two
//! behind a SELFDESTRUCT. The line where a message ends is there without it.

use std::{
    cell::RefCell,
    io::{self, Write},
    rc::Rc,
};

use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::{Address, Message, MessageKind, Opcode, U256, hex};
use parallax_tracer_core::Tracer;
use parallax_tracer_eip3155::{Eip3155Tracer, Options};
use serde::Serialize;

/// Writes both, into memory.
pub(crate) struct WithCallFrames {
    lines: Eip3155Tracer<Shared>,
    text: Shared,
    with_input: bool,
    /// The topmost items before the opcode that has begun, where it is one that they tell something of.
    items: [Address; 2],
    /// What a SELFDESTRUCT that has begun gives away, if the engine tells.
    balance: Option<U256>,
}

/// What is written so far.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line, with its fields in go-ethereum's order.
#[derive(Serialize)]
struct Line<'a> {
    from: String,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    gas: String,
    value: Option<String>,
    #[serde(rename = "type")]
    kind: &'a str,
}

impl WithCallFrames {
    /// Where memory is asked for, the input of a frame is told as well.
    pub(crate) fn new(options: Options) -> Self {
        let text = Shared::default();
        let lines = Eip3155Tracer::new(text.clone(), options);
        Self { lines, text, with_input: options.memory, items: Default::default(), balance: None }
    }

    /// All that was written.
    pub(crate) fn finish(self) -> Vec<u8> {
        // Both write into memory, which does not fail.
        let _ = self.lines.finish(None);
        self.text.0.take()
    }

    fn write(&mut self, line: &Line<'_>) {
        // What stands before it.
        self.lines.flush();
        let _ = serde_json::to_writer(&mut self.text, line).map(|()| self.text.write(b"\n"));
    }

    fn begin(&mut self, message: &Message) {
        let is_borrowed = matches!(message.kind, MessageKind::CallCode | MessageKind::DelegateCall);
        let to = match (is_borrowed, message.is_delegated) {
            // It is not where that account delegates to (EIP-7702).
            (true, true) => self.items[1],
            (true, false) => message.code_address,
            (false, _) => message.address,
        };
        let is_delegate_call = message.kind == MessageKind::DelegateCall;
        let has_input = self.with_input && !message.input.is_empty();
        self.write(&Line {
            from: address(if is_delegate_call { message.address } else { message.caller }),
            to: address(to),
            input: has_input.then(|| hex::encode_prefixed(&message.input)),
            gas: format!("{:#x}", message.gas),
            value: (message.kind != MessageKind::StaticCall).then(|| format!("{:#x}", message.value)),
            kind: message.kind.name(),
        });
    }

    fn self_destruct(&mut self, step: &StepView<'_>) {
        self.write(&Line {
            from: address(step.message.address),
            to: address(self.items[0]),
            input: None,
            gas: "0x0".to_owned(),
            value: self.balance.map(|balance| format!("{balance:#x}")),
            kind: "SELFDESTRUCT",
        });
        let _ = self.text.write(b"{\"output\":\"\",\"gasUsed\":\"0x0\"}\n");
    }
}

/// In small letters, as go-ethereum writes it.
fn address(address: Address) -> String {
    hex::encode_prefixed(address)
}

impl Tracer for WithCallFrames {
    fn start(&mut self, start: &Start<'_>) {
        self.lines.start(start);
    }

    fn end(&mut self, end: &End<'_>) {
        self.lines.end(end);
    }

    fn step(&mut self, step: &StepView<'_>) {
        self.lines.step(step);
        let is_call = matches!(step.opcode, Opcode::CALLCODE | Opcode::DELEGATECALL);
        let is_end = step.opcode == Opcode::SELFDESTRUCT;
        if is_call || is_end {
            let item = |at| step.stack.iter().nth_back(at).copied().unwrap_or_default();
            self.items = [0, 1].map(|at| Address::from_word(item(at).into()));
        }
        self.balance = if is_end { step.journal.balance(step.message.address) } else { None };
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.lines.step_end(step, end);
        if step.opcode == Opcode::SELFDESTRUCT && end.halt.is_none() {
            self.self_destruct(step);
        }
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        self.lines.message(message, phase);
        if matches!(phase, MessagePhase::Before) {
            self.begin(message);
        }
    }
}
