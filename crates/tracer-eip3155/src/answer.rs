//! What comes of comparing two traces: one answer, or all differences by kind.

use std::collections::BTreeMap;

use parallax_primitives::Opcode;

use crate::{Fields, TraceAgreement, TraceDifference, What};

/// How many agreeing steps a difference shows.
pub(crate) const RECENT: usize = 5;

/// How two traces are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompareOptions {
    /// What is compared of steps.
    pub steps: Fields,
    /// What is compared of what is said of frames and transactions that are over. Where that is nothing, neither is whether it is there.
    pub ends: Fields,
    /// Whether to go on behind a difference, as long as both traces are at the same opcode.
    pub all: bool,
}

impl CompareOptions {
    /// Compares these fields, wherever they stand.
    pub const fn of(fields: Fields) -> Self {
        Self { steps: fields, ends: fields, all: false }
    }
}

impl Default for CompareOptions {
    fn default() -> Self {
        Self::of(Fields::ALL)
    }
}

/// What came of comparing two traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceAnswer {
    /// That they agree, or where they part first.
    pub outcome: Result<TraceAgreement, Box<TraceDifference>>,
    /// If all were asked for: every kind of difference, in the order of its first place.
    pub groups: Vec<DifferenceGroup>,
    /// Differences of more kinds than are kept.
    pub more: u64,
    /// If all were asked for: steps compared, and behind what it could not go on.
    pub all: Option<(u64, Option<Box<TraceDifference>>)>,
}

/// Differences of one field at one opcode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DifferenceGroup {
    /// What differs.
    pub what: What,
    /// At which opcode; `None` behind the steps.
    pub opcode: Option<Opcode>,
    /// How often.
    pub count: u64,
    /// The lines of the first one.
    pub lines: [u64; 2],
    /// What both traces say there.
    pub values: [String; 2],
}

/// A difference and the lines of it.
pub(crate) type Found = (What, String, String, [u64; 2]);

/// The kinds of difference so far.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    groups: BTreeMap<(What, Option<u8>), DifferenceGroup>,
    pub(crate) first: Option<Box<TraceDifference>>,
    more: u64,
}

/// Kinds of difference that are kept; there are no more of known fields. The others are counted.
const MOST_GROUPS: usize = 31 * 257;

impl Gathered {
    /// Notes a difference; whether it is the first one.
    pub(crate) fn note(&mut self, (what, left, right, lines): &Found, opcode: Option<Opcode>) -> bool {
        let key = (what.clone(), opcode.map(|opcode| opcode.0));
        if self.groups.len() < MOST_GROUPS || self.groups.contains_key(&key) {
            let values = || [left.clone(), right.clone()];
            let group = self.groups.entry(key).or_insert_with(|| DifferenceGroup {
                what: what.clone(),
                opcode,
                count: 0,
                lines: *lines,
                values: values(),
            });
            group.count += 1;
        } else {
            self.more += 1;
        }
        self.first.is_none()
    }

    pub(crate) fn answer(self, outcome: Result<TraceAgreement, Box<TraceDifference>>) -> TraceAnswer {
        let Some(first) = self.first else {
            return TraceAnswer { outcome, groups: Vec::new(), more: 0, all: None };
        };
        let mut groups: Vec<DifferenceGroup> = self.groups.into_values().collect();
        groups.sort_by_key(|group| group.lines);
        let all = match outcome {
            Ok(agreement) => (agreement.steps, None),
            Err(last) => (last.step, Some(last)),
        };
        TraceAnswer { outcome: Err(first), groups, more: self.more, all: Some(all) }
    }
}
