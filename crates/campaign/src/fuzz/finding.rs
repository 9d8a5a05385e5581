//! What a fuzz run found, grouped.

use std::collections::BTreeMap;

use parallax_primitives::Rules;
use parallax_shadow_diff::{Divergence, Place, Verdict};

use crate::DiffOutcome;

/// Most groups that are kept; what is found beyond them is counted.
pub(super) const GROUPS: usize = 1000;

/// A case on which two sides part, or one of them panics or contradicts itself.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The case's number.
    pub number: u64,
    /// When it was run: by its number, but in a run until all is covered.
    pub turn: u64,
    /// What it is: a kind of program, or `scenario`.
    pub kind: &'static str,
    /// Its rules.
    pub rules: Rules,
    /// Which of the pairs of sides, by its position.
    pub pair: usize,
    /// What came of it.
    pub outcome: DiffOutcome,
}

/// What findings have in common that are told as one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sort {
    /// [`Finding::pair`].
    pub pair: usize,
    /// The verdict's name.
    pub verdict: &'static str,
    /// The rules' name.
    pub rules: &'static str,
    /// The opcode, the message or the part of the transaction where it shows; empty where that is not known.
    pub place: String,
    /// In what it shows; of a panic its words, without where the engine stood, and without numbers.
    pub field: String,
    /// What kind of fault it looks like, as reports name it; empty of what is no divergence.
    pub cause: String,
}

/// Findings of one sort: the first of them, and how many there are.
#[derive(Clone, Debug)]
pub struct Group {
    /// What they have in common.
    pub sort: Sort,
    /// The one with the lowest number.
    pub first: Finding,
    /// How many there are.
    pub count: u64,
}

impl Finding {
    /// Which findings it is told with.
    pub fn sort(&self) -> Sort {
        let (place, field, cause) = match &self.outcome.verdict {
            Verdict::Diverge(divergence) => {
                (place(divergence), divergence.field.name().to_owned(), divergence.cause.to_string())
            }
            other => (String::new(), without_numbers(other.reason().unwrap_or_default()), String::new()),
        };
        let (verdict, rules) = (self.outcome.verdict.name(), self.rules.name());
        Sort { pair: self.pair, verdict, rules, place, field, cause }
    }
}

/// Whether a case is one that somebody has to look at.
pub(super) const fn is_finding(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Diverge(_) | Verdict::Crashed(_) | Verdict::Poisoned(_))
}

/// The words of a panic, or of a side that contradicts itself, as far as others of its sort have them too.
fn without_numbers(reason: &str) -> String {
    let words =
        reason.strip_suffix(')').and_then(|text| text.rsplit_once(" (")).map_or(reason, |(words, _)| words);
    let mut text = String::new();
    for character in words.chars() {
        match character.is_ascii_digit() {
            true if text.ends_with('#') => {}
            true => text.push('#'),
            false => text.push(character),
        }
    }
    text
}

fn place(divergence: &Divergence) -> String {
    match &divergence.place {
        Place::Step { step, .. } => step.rules.show(step.opcode).to_string(),
        Place::Block { suspect: Some(suspect), .. } => suspect.rules.show(suspect.opcode).to_string(),
        Place::Block { suspect: None, .. } => "block entry".to_owned(),
        Place::Message { path, .. } => {
            path.last().map_or_else(|| "message".to_owned(), |item| item.kind.name().to_owned())
        }
        Place::BlockRules => "block".to_owned(),
        Place::PostState => "post-state".to_owned(),
        _ => "transaction".to_owned(),
    }
}

/// Findings by their sort. What is kept does not depend on the order in which they come.
#[derive(Debug, Default)]
pub(super) struct Findings {
    groups: BTreeMap<Sort, Group>,
    /// All findings.
    pub(super) count: u64,
}

impl Findings {
    /// Adds one. True if nothing of its sort was there.
    pub(super) fn add(&mut self, finding: Finding) -> bool {
        self.count += 1;
        let sort = finding.sort();
        if let Some(group) = self.groups.get_mut(&sort) {
            group.count += 1;
            if finding.number < group.first.number {
                group.first = finding;
            }
            return false;
        }
        self.groups.insert(sort.clone(), Group { sort, first: finding, count: 1 });
        // The one that was found last goes: a group that is among the first in the end was so all the time.
        let last = self.groups.values().max_by_key(|group| group.first.number);
        if let Some(sort) = last.filter(|_| self.groups.len() > GROUPS).map(|group| group.sort.clone()) {
            self.groups.remove(&sort);
        }
        true
    }

    /// The groups by the number of their first case; and how many findings are in none of them.
    pub(super) fn into_groups(self) -> (Vec<Group>, u64) {
        let mut groups: Vec<_> = self.groups.into_values().collect();
        groups.sort_by(|one, other| (one.first.number, &one.sort).cmp(&(other.first.number, &other.sort)));
        let kept: u64 = groups.iter().map(|group| group.count).sum();
        (groups, self.count - kept)
    }
}
