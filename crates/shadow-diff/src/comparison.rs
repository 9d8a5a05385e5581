//! Compares two finished runs message by message, in the order things happened, then the outcome, then the state.
//!
//! Invariant: `Agree` is answered only if both records are whole and nothing differs. What is not known is another verdict.

use parallax_engine_interface::{EngineError, Execution};

use crate::{
    Earlier, Field, MessageLog, Mismatch, PathItem, Place, Recorded, ShadowConfig, Side, Value, Verdict,
    log::{Event, Fault},
    outcome::{self, Stop, differs},
};

/// One engine's run of a transaction, on its own state.
#[derive(Clone, Copy, Debug)]
pub struct SideRun<'a> {
    /// The engine's name.
    pub engine: &'a str,
    /// What it answered.
    pub result: &'a Result<Execution, EngineError>,
    /// The hooks it was run with.
    pub messages: &'a MessageLog,
}

/// Compares what every message came to, nested ones included, the outcome, and the state after.
pub fn compare_call_results(left: &SideRun<'_>, right: &SideRun<'_>, config: &ShadowConfig) -> Verdict {
    let comparison = Comparison { left, right, config };
    let names = [left.engine, right.engine];
    let mut events_before = 0;
    let compared = outcome::answers(names, [left.result, right.result], config, || {
        events_before = left.messages.events().len();
        comparison.messages().map_err(|(at, stop)| {
            events_before = at;
            stop
        })
    });
    outcome::verdict(compared, names, || recent(left.messages, events_before), config)
}

struct Comparison<'c, 'a> {
    left: &'c SideRun<'a>,
    right: &'c SideRun<'a>,
    config: &'c ShadowConfig,
}

impl Comparison<'_, '_> {
    /// A difference in what both records have is one, even where one of them is cut off later.
    fn messages(&self) -> Result<(), (usize, Stop)> {
        let (left, right) = (self.left.messages, self.right.messages);
        for (at, pair) in left.events().iter().zip(right.events()).enumerate() {
            let difference = match (*pair.0, *pair.1) {
                (Event::Begin(l), Event::Begin(r)) => self.message(l, r),
                (Event::End(l), Event::End(r)) => self.message_outcome(l, r),
                (Event::Begin(l), Event::End(_)) => return self.extra(Side::Left, l, at),
                (Event::End(_), Event::Begin(r)) => return self.extra(Side::Right, r, at),
            };
            if let Some(difference) = difference {
                return Err((at, Stop::differ(place(left, *pair.0), difference)));
            }
        }
        for side in [self.left, self.right] {
            if let Some(verdict) = incomplete(side) {
                return Err((left.events().len(), Stop::Other(verdict)));
            }
        }
        let both = left.events().len().min(right.events().len());
        for (which, log) in [(Side::Left, left), (Side::Right, right)] {
            if let Some(Event::Begin(number) | Event::End(number)) = log.events().get(both) {
                return self.extra(which, *number, both);
            }
        }
        Ok(())
    }

    /// A message that only one side sent.
    fn extra(&self, which: Side, number: usize, at: usize) -> Result<(), (usize, Stop)> {
        let (log, left, right) = match which {
            Side::Left => (self.left.messages, Value::Present, Value::Absent),
            Side::Right => (self.right.messages, Value::Absent, Value::Present),
        };
        let mismatch = Mismatch { field: Field::Message, left, right };
        Err((at, Stop::differ(place(log, Event::Begin(number)), mismatch)))
    }

    fn message(&self, left_number: usize, right_number: usize) -> Option<Mismatch> {
        let (left_log, right_log) = (self.left.messages, self.right.messages);
        let (left, right) = (&left_log.messages()[left_number], &right_log.messages()[right_number]);
        // Packed inputs are equal exactly if the inputs are: all before them were.
        outcome::message(&left.message, &right.message, self.config)
            .or_else(|| {
                (left.input != right.input).then(|| Mismatch {
                    field: Field::Input,
                    left: left_log.input(left_number).map_or(Value::Absent, Value::Bytes),
                    right: right_log.input(right_number).map_or(Value::Absent, Value::Bytes),
                })
            })
            .or_else(|| differs(Field::Gas, left.message.gas, right.message.gas))
    }

    fn message_outcome(&self, left_number: usize, right_number: usize) -> Option<Mismatch> {
        let (left_log, right_log) = (self.left.messages, self.right.messages);
        let (left, right) = (&left_log.messages()[left_number], &right_log.messages()[right_number]);
        let (l, r) = (left.outcome.as_ref()?, right.outcome.as_ref()?);
        outcome::status(l.status, r.status, self.config)
            .or_else(|| differs(Field::GasLeft, l.gas_left, r.gas_left))
            .or_else(|| {
                (left.output != right.output).then(|| Mismatch {
                    field: Field::Output,
                    left: left_log.output(left_number).map_or(Value::Absent, Value::Bytes),
                    right: right_log.output(right_number).map_or(Value::Absent, Value::Bytes),
                })
            })
            .or_else(|| differs(Field::Created, l.created, r.created))
    }
}

/// Why the record of an executed transaction does not say all.
fn incomplete(side: &SideRun<'_>) -> Option<Verdict> {
    let log = side.messages;
    let told = |reason: &str| format!("{}: the record of messages is not complete: {reason}", side.engine);
    match log.fault() {
        Some(Fault::Limit(limit)) => Some(Verdict::Limit(told(limit))),
        Some(Fault::Unpaired) => Some(Verdict::Poisoned(told("a message ended that had not begun"))),
        None if log.messages().is_empty() => {
            Some(Verdict::NotCompared(told("no message was recorded, not even the transaction's own")))
        }
        None if log.is_open() => Some(Verdict::Poisoned(told("a message has no outcome"))),
        None => None,
    }
}

fn place(log: &MessageLog, event: Event) -> Place {
    let (index, is_over) = match event {
        Event::Begin(number) => (number, false),
        Event::End(number) => (number, true),
    };
    let mut path = Vec::new();
    let mut at = Some(index);
    while let Some(number) = at {
        let Recorded { message, parent, .. } = &log.messages()[number];
        path.push(PathItem::new(number, message));
        at = *parent;
    }
    path.reverse();
    Place::Message { index, is_over, path }
}

/// How many events before a divergence a report shows.
const RECENT: usize = 4;

fn recent(log: &MessageLog, events_before: usize) -> Vec<Earlier> {
    let events = &log.events()[..events_before];
    let line = |event: &Event| match *event {
        Event::Begin(number) => {
            let Recorded { message, input, .. } = &log.messages()[number];
            let (kind, gas, size) = (message.kind.name(), message.gas, input.length);
            let target = if message.kind.is_create() { message.address } else { message.code_address };
            format!("#{number} begins: {kind} {target:#x}, gas {gas}, {size} bytes of input")
        }
        Event::End(number) => {
            let Recorded { outcome, output, .. } = &log.messages()[number];
            let (status, gas) =
                outcome.as_ref().map_or((String::new(), 0), |end| (end.status.to_string(), end.gas_left));
            format!("#{number} ends: {status}, gas left {gas}, {} bytes of output", output.length)
        }
    };
    events.iter().skip(events.len().saturating_sub(RECENT)).map(line).map(Earlier::Message).collect()
}
