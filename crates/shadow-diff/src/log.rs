//! Records what happened to every message of one run, to be compared with another run.
//!
//! Memory is bounded; a run that goes beyond the bound is marked, and no comparison calls it agreement. Inputs and outputs
//! are kept as what they differ in from the last of their length, since loops of calls send nearly the same bytes: exact,
//! and small. Invariant: what is kept is a function of what was seen, so two logs that saw the same keep the same.

use std::collections::BTreeMap;

use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl};
use parallax_primitives::{Bytes, FrameOutcome, FrameStatus, Message};

/// How much of one run is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Most messages.
    pub messages: usize,
    /// Most bytes of inputs and outputs, of which what repeats the last of the same length is not counted.
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
    history: History,
    fault: Option<Fault>,
    leaves_out_refused: bool,
    /// The last bytes of the length of the last input, before it.
    replaced: Option<Bytes>,
}

/// Why a log is not the whole run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This bound was met.
    Limit(String),
    /// A message ended that had not begun.
    Unpaired,
}

/// One message of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The message; its input is left empty here: [`MessageLog::input`] has it.
    pub message: Message,
    /// What it came to; `None` if the run ended before. Its output is left empty here: [`MessageLog::output`] has it.
    pub outcome: Option<FrameOutcome>,
    /// The message whose frame sent it, by number; `None` for the transaction's own.
    pub parent: Option<usize>,
    pub(crate) input: Packed,
    pub(crate) output: Packed,
}

/// What was seen, in order; the number is the message's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Begin(usize),
    End(usize),
}

/// Bytes as what they differ in from the last bytes of the same length in the same log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) length: usize,
    /// As many bytes at the start are those of the last.
    prefix: usize,
    /// What follows; behind it, the bytes are those of the last again.
    middle: Bytes,
}

/// The last bytes of every length.
#[derive(Debug, Default)]
struct History(BTreeMap<usize, Bytes>);

/// Bytes compared at once.
const CHUNK: usize = 256;

/// How many bytes the pairs of chunks have, up to the first pair that differs.
fn same<'b>(new: impl Iterator<Item = &'b [u8]>, old: impl Iterator<Item = &'b [u8]>) -> usize {
    new.zip(old).take_while(|(new, old)| new == old).map(|(new, _)| new.len()).sum()
}

impl History {
    fn pack(&mut self, bytes: &Bytes) -> Packed {
        let length = bytes.len();
        let (mut prefix, mut end) = (0, length);
        if let Some(last) = self.0.get(&length) {
            prefix = same(bytes.chunks(CHUNK), last.chunks(CHUNK));
            prefix += same(bytes[prefix..].chunks(1), last[prefix..].chunks(1));
            // Whole chunks first, from the end of what is left.
            end -= same(bytes[prefix..].rchunks(CHUNK), last[prefix..].rchunks(CHUNK));
            end -= same(bytes[prefix..end].rchunks(1), last[prefix..end].rchunks(1));
        }
        self.0.insert(length, bytes.clone());
        // A slice would keep the whole alive.
        Packed { length, prefix, middle: Bytes::copy_from_slice(&bytes[prefix..end]) }
    }

    fn unpack(&mut self, packed: &Packed) -> Bytes {
        let Packed { length, prefix, middle } = packed;
        let mut bytes = self.0.get(length).map_or_else(|| vec![0; *length], |last| last.to_vec());
        bytes[*prefix..prefix + middle.len()].copy_from_slice(middle);
        let bytes = Bytes::from(bytes);
        self.0.insert(*length, bytes.clone());
        bytes
    }
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

    /// Input of message `number`; rebuilt from the start of the log, so for reports only.
    pub fn input(&self, number: usize) -> Option<Bytes> {
        self.rebuild(Event::Begin(number))
    }

    /// Output of message `number`, if it ended; rebuilt as [`MessageLog::input`] is.
    pub fn output(&self, number: usize) -> Option<Bytes> {
        self.rebuild(Event::End(number))
    }

    /// Why this is not the whole run: a bound was met, or the calls of the hooks did not pair up.
    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    /// One that leaves out messages that fail before they have a frame ([`Halt::keeps_gas`]), as if they had not been sent.
    ///
    /// [`Halt::keeps_gas`]: parallax_primitives::Halt::keeps_gas
    #[must_use]
    pub fn without_refused(self) -> Self {
        Self { leaves_out_refused: true, ..self }
    }

    /// Whether a message began and did not end.
    pub(crate) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    fn rebuild(&self, wanted: Event) -> Option<Bytes> {
        let mut history = History::default();
        for event in &self.events {
            let bytes = history.unpack(match *event {
                Event::Begin(number) => &self.messages[number].input,
                Event::End(number) => &self.messages[number].output,
            });
            if *event == wanted {
                return Some(bytes);
            }
        }
        None
    }

    fn begin(&mut self, message: &Message) {
        if self.messages.len() >= self.bounds.messages {
            self.fault = Some(Fault::Limit(format!("more than {} messages", self.bounds.messages)));
            return;
        }
        let number = self.messages.len();
        self.replaced = self.history.0.get(&message.input.len()).cloned();
        let input = self.keep(&message.input);
        self.messages.push(Recorded {
            message: Message { input: Bytes::new(), ..message.clone() },
            outcome: None,
            parent: self.open.last().copied(),
            input,
            output: Packed::default(),
        });
        self.events.push(Event::Begin(number));
        self.open.push(number);
    }

    fn end(&mut self, outcome: &FrameOutcome) {
        let Some(number) = self.open.pop() else {
            self.fault = Some(Fault::Unpaired);
            return;
        };
        let is_refused = matches!(outcome.status, FrameStatus::Halt(halt) if halt.keeps_gas());
        // A message that has no frame sends none: it is the last one.
        if self.leaves_out_refused && is_refused && number + 1 == self.messages.len() && number > 0 {
            self.leave_out();
            return;
        }
        let output = self.keep(&outcome.output);
        let recorded = &mut self.messages[number];
        recorded.outcome = Some(FrameOutcome { output: Bytes::new(), ..outcome.clone() });
        recorded.output = output;
        self.events.push(Event::End(number));
    }

    /// Takes the last message back, with all that is known of it.
    fn leave_out(&mut self) {
        let Some(Recorded { input: Packed { length, middle, .. }, .. }) = self.messages.pop() else { return };
        self.events.pop();
        self.bytes = self.bytes.saturating_sub(middle.len());
        match self.replaced.take() {
            Some(last) => self.history.0.insert(length, last),
            None => self.history.0.remove(&length),
        };
    }

    fn keep(&mut self, bytes: &Bytes) -> Packed {
        let packed = self.history.pack(bytes);
        self.bytes = self.bytes.saturating_add(packed.middle.len());
        if self.bytes > self.bounds.bytes {
            let limit = format!("more than {} bytes of inputs and outputs", self.bounds.bytes);
            self.fault = Some(Fault::Limit(limit));
        }
        packed
    }
}

impl Hooks for MessageLog {
    fn interest(&self) -> Interest {
        Interest::Messages
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        if self.fault.is_some() {
            return StepControl::Continue;
        }
        match phase {
            MessagePhase::Before => self.begin(message),
            MessagePhase::After(outcome) => self.end(outcome),
        }
        StepControl::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_is_small() {
        let long = |at: usize, byte: u8| {
            let mut bytes = vec![7; 1000];
            bytes[at] = byte;
            Bytes::from(bytes)
        };
        let rows = [
            long(0, 7),
            long(999, 1),
            Bytes::new(),
            long(0, 2),
            long(0, 2),
            Bytes::from_static(&[1]),
            long(5, 7),
        ];
        let (mut packing, mut unpacking) = (History::default(), History::default());
        let packed: Vec<_> = rows.iter().map(|row| packing.pack(row)).collect();
        let back: Vec<_> = packed.iter().map(|packed| unpacking.unpack(packed)).collect();
        assert_eq!(back, rows);
        let kept: Vec<_> = packed.iter().map(|packed| packed.middle.len()).collect();
        assert_eq!(kept, [1000, 1, 0, 1000, 0, 1, 1]);
    }
}
