//! What makes two findings one: the kind of place, the opcode or message, the field, what kind of values stand there, the cause.

use std::fmt;

use parallax_primitives::{Address, MessageKind, Opcode};
use parallax_shadow_diff::{Cause, Divergence, Earlier, Place, Value, Verdict};

/// A finding without what may be otherwise in another case that shows it: numbers of steps, offsets, accounts, amounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Two sides part.
    Parting(Parted),
    /// It cannot be said, as the world failed or a side contradicts itself: the reason, without its numbers.
    Poisoned(String),
    /// A side panicked: where in its source, and which engine it was, if it is known.
    Panic(String),
}

/// How two sides part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parted {
    /// The engines, or their forms, left and right.
    pub engines: [String; 2],
    /// The kind of place, as reports name it, and whether what is there is over.
    pub place: (&'static str, bool),
    /// The opcode that the difference comes from: the one that ran, or, where one finds what it should not, the one before it. Of a
    /// block entry the one that wrote the value, if that is known.
    pub opcode: Option<Opcode>,
    /// Of a message: what sent it, and, of a precompiled contract, its address.
    pub message: Option<(MessageKind, Option<Address>)>,
    /// What differs: without which log, account or slot.
    pub field: &'static str,
    /// Of halts, statuses, rejections, and of what is there on one side alone: which, left and right. Empty for other values.
    pub kinds: [String; 2],
    /// The cause.
    pub cause: Cause,
}

impl Identity {
    /// That of a verdict; `None` if it is no finding that can be found again. `panicked_at` is where the last panic was.
    pub(crate) fn of(verdict: &Verdict, panicked_at: Option<&str>) -> Option<Self> {
        match verdict {
            Verdict::Diverge(divergence) => Some(Identity::Parting(Parted::of(divergence))),
            Verdict::Poisoned(reason) => Some(Identity::Poisoned(without_numbers(reason))),
            Verdict::Crashed(_) => panicked_at.map(|at| Identity::Panic(at.to_owned())),
            _ => None,
        }
    }
}

impl Parted {
    fn of(divergence: &Divergence) -> Self {
        let Divergence { engines, place, field, left, right, cause, .. } = divergence;
        let message = match place {
            Place::Message { path, .. } => path.last().map(|item| (item.kind, precompiled(item.address))),
            _ => None,
        };
        Self {
            engines: engines.clone(),
            place: kind_of(place),
            opcode: opcode(divergence),
            message,
            field: field.name(),
            kinds: [left, right].map(kind_of_value),
            cause: *cause,
        }
    }
}

/// The number of the step that a divergence comes from, if it comes from one.
pub(crate) fn step_of(divergence: &Divergence) -> Option<u64> {
    match &divergence.place {
        Place::Step { index, is_over: true, .. } => Some(*index),
        Place::Block { suspect, .. } => suspect.map(|suspect| suspect.index),
        _ => last_step(divergence).map(|(index, _)| index),
    }
}

fn opcode(divergence: &Divergence) -> Option<Opcode> {
    match &divergence.place {
        Place::Step { is_over: true, step, .. } => Some(step.opcode),
        Place::Block { suspect, .. } => suspect.map(|suspect| suspect.opcode),
        Place::Step { is_over: false, .. } => last_step(divergence).map(|(_, opcode)| opcode),
        // It is no opcode's.
        _ => None,
    }
}

fn last_step(divergence: &Divergence) -> Option<(u64, Opcode)> {
    divergence.recent.iter().rev().find_map(|earlier| match earlier {
        Earlier::Step { index, step } => Some((*index, step.opcode)),
        _ => None,
    })
}

fn kind_of(place: &Place) -> (&'static str, bool) {
    match place {
        Place::Step { is_over, .. } => ("step", *is_over),
        Place::Message { is_over, .. } => ("message", *is_over),
        Place::Block { .. } => ("block entry", false),
        Place::Transaction => ("transaction", true),
        Place::PostState => ("post-state", true),
        _ => ("block", true),
    }
}

/// A contract at one of the first addresses.
fn precompiled(address: Address) -> Option<Address> {
    let (high, low) = address.as_slice().split_at(18);
    let is_low = high.iter().all(|byte| *byte == 0) && low.first().is_some_and(|byte| *byte < 2);
    is_low.then_some(address)
}

fn kind_of_value(value: &Value) -> String {
    match value {
        Value::Halt(_)
        | Value::Status(_)
        | Value::Absent
        | Value::Present
        | Value::Unchanged
        | Value::Changed
        | Value::Cleared
        | Value::Deleted => value.to_string(),
        // Its numbers are those of the case.
        Value::Rejection(rejection) => {
            let text = format!("{rejection:?}");
            text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
        }
        _ => String::new(),
    }
}

/// Words that have a digit are numbers: amounts, addresses, offsets.
fn without_numbers(text: &str) -> String {
    let word = |word: &str| match word.contains(|c: char| c.is_ascii_digit()) {
        true => "..".to_owned(),
        false => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// In a line.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parted { engines: [left, right], place, opcode, message, field, kinds, cause } = match self {
            Identity::Parting(parted) => parted,
            Identity::Poisoned(reason) => return write!(f, "it cannot be said, {reason}"),
            Identity::Panic(at) => return write!(f, "a panic, {at}"),
        };
        let when = match place {
            ("step", true) => "after",
            ("step", false) => "behind",
            ("message", true) => "at the end of a",
            ("message", false) => "at the start of a",
            _ => "at the",
        };
        write!(f, "{left} and {right} part {when} {}", if opcode.is_some() { "" } else { place.0 })?;
        if let Some(opcode) = opcode {
            write!(f, "{opcode}")?;
        }
        if let Some((kind, precompiled)) = message {
            write!(f, " {}", kind.name())?;
            if let Some(address) = precompiled {
                write!(f, " of {address:#x}")?;
            }
        }
        write!(f, ", field {field}")?;
        if kinds.iter().any(|kind| !kind.is_empty()) {
            write!(f, " ({} and {})", kinds[0], kinds[1])?;
        }
        write!(f, ", cause {cause}")
    }
}
