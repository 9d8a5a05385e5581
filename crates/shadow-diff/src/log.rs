//! Records what happened to every message of one run, to be compared with another run.
//!
//! Memory is bounded; a run that goes beyond the bound is marked, and no comparison calls it agreement.

use parallax_hooks::{Hooks, Interest, MessagePhase};
use parallax_primitives::{Bytes, FrameOutcome, Message};

/// How much of one run is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Most messages.
    pub messages: usize,
    /// Most bytes of inputs and outputs; equal ones in a row count once.
    pub bytes: usize,
}

impl Default for Bounds {
    /// A million messages and 256 MiB: more than any transaction of the official tests has.
    fn default() -> Self {
        Self { messages: 1 << 20, bytes: 1 << 28 }
    }
}

/// Every message of one run with its outcome, in order. Give it to an engine as its hooks.
#[derive(Debug, Default)]
pub struct MessageLog {
    bounds: Bounds,
    messages: Vec<Recorded>,
    events: Vec<Event>,
    open: Vec<usize>,
    bytes: usize,
    last_input: Bytes,
    last_output: Bytes,
    fault: Option<String>,
}

/// One message of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The message.
    pub message: Message,
    /// What it came to; `None` if the run ended before.
    pub outcome: Option<FrameOutcome>,
    /// The message whose frame sent it, by number; `None` for the transaction's own.
    pub parent: Option<usize>,
}

/// What was seen, in order; the number is the message's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Begin(usize),
    End(usize),
}

impl MessageLog {
    /// An empty log.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// The messages in the order they began; a message's number is its place here.
    pub fn messages(&self) -> &[Recorded] {
        &self.messages
    }

    /// Why this is not the whole run: a bound was met, or the calls of the hooks did not pair up.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    /// Whether a message began and did not end.
    pub(crate) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    fn begin(&mut self, message: &Message) {
        if self.messages.len() >= self.bounds.messages {
            self.fault = Some(format!("more than {} messages", self.bounds.messages));
            return;
        }
        let mut message = message.clone();
        message.input = share(message.input, &mut self.last_input, &mut self.bytes);
        let number = self.messages.len();
        self.messages.push(Recorded { message, outcome: None, parent: self.open.last().copied() });
        self.events.push(Event::Begin(number));
        self.open.push(number);
    }

    fn end(&mut self, outcome: &FrameOutcome) {
        let Some(number) = self.open.pop() else {
            self.fault = Some("a message ended that had not begun".to_owned());
            return;
        };
        let mut outcome = outcome.clone();
        outcome.output = share(outcome.output, &mut self.last_output, &mut self.bytes);
        self.messages[number].outcome = Some(outcome);
        self.events.push(Event::End(number));
    }
}

/// Keeps one copy of bytes that come again: loops of calls send and get the same.
fn share(bytes: Bytes, last: &mut Bytes, total: &mut usize) -> Bytes {
    if bytes == *last {
        return last.clone();
    }
    *total = total.saturating_add(bytes.len());
    *last = bytes.clone();
    bytes
}

impl Hooks for MessageLog {
    fn interest(&self) -> Interest {
        Interest::Messages
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        if self.fault.is_some() {
            return;
        }
        match phase {
            MessagePhase::Before => self.begin(message),
            MessagePhase::After(outcome) => self.end(outcome),
        }
        if self.bytes > self.bounds.bytes {
            self.fault = Some(format!("more than {} bytes of inputs and outputs", self.bounds.bytes));
        }
    }
}
