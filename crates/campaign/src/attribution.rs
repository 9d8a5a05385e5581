//! Which EIP makes two sets of rules part where they do.

use std::{cmp::Reverse, collections::BTreeMap, fmt::Write};

use parallax_engine_interface::Job;
use parallax_primitives::{Eip, Rules};
use parallax_shadow_diff::{Divergence, Place, ShadowConfig, Verdict, compare_engines};
use serde::{Deserialize, Serialize};

use crate::engines::EngineSource;

/// Why the rules of two sides part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parting {
    /// The names of the rules of the left and of the right side.
    pub rules: [String; 2],
    /// Numbers of the EIPs each of which makes the same first difference by itself, switched in the left side's rules; none where it
    /// takes several, or where it is a number that an author changed.
    pub eips: Vec<u32>,
    /// What it shows in: the opcode or the rule, and the field.
    pub shows_in: String,
}

impl Parting {
    /// Tries each EIP that one side alone has: the left engine by its rules against the right engine by the same rules with that EIP
    /// switched, and with what it is built on. What parts at the same place and in the same field is the reason.
    pub(crate) fn of(
        divergence: &Divergence,
        job: &Job<'_>,
        (left, right): (&(impl EngineSource + ?Sized), &(impl EngineSource + ?Sized)),
        [before, after]: [Rules; 2],
        config: &ShadowConfig,
    ) -> Self {
        let config = ShadowConfig { enable_detailed_diffs: false, ..*config };
        let is_reason = |eip: &Eip| {
            let Some(switched) = switched(before, after, *eip) else { return false };
            let (left, right) = (left.make_under(before), right.make_under(switched));
            match compare_engines(&*left, &*right, job, &config).verdict {
                Verdict::Diverge(other) => other.place == divergence.place && other.field == divergence.field,
                _ => false,
            }
        };
        let differing = Eip::ALL.iter().filter(|eip| before.has(**eip) != after.has(**eip));
        let eips = differing.filter(|eip| is_reason(eip)).map(|eip| eip.number()).collect();
        let place = match &divergence.place {
            Place::Step { step, .. } => step.rules.show(step.opcode).to_string(),
            Place::Message { path, .. } => {
                path.last().map_or("message".into(), |item| item.kind.name().to_owned())
            }
            Place::Block { .. } => "block entry".into(),
            Place::PostState => "post-state".into(),
            _ => "transaction".into(),
        };
        let rules = [before, after].map(|rules| rules.name().to_owned());
        Self { rules, eips, shows_in: format!("{place}, {}", divergence.field.name()) }
    }

    /// One line for a person.
    pub fn text(&self) -> String {
        let [left, right] = &self.rules;
        format!("rules {left} and {right}, parted by {}", titles(&self.eips))
    }
}

fn titles(eips: &[u32]) -> String {
    if eips.is_empty() {
        return "no EIP by itself".to_owned();
    }
    let title = |number: &u32| match Eip::of_number(*number) {
        Some(eip) => format!("{eip} {}", eip.title()),
        None => format!("EIP-{number}"),
    };
    eips.iter().map(title).collect::<Vec<_>>().join(", ")
}

/// `before` with `eip` as `after` has it, and with what that takes: what a new one is built on, or what is built on one that goes.
fn switched(before: Rules, after: Rules, eip: Eip) -> Option<Rules> {
    let mut eips = before.eips();
    eips = if after.has(eip) { eips.with(eip) } else { eips.without(eip) };
    for other in Eip::ALL.iter().rev() {
        if after.has(eip) && eips.has(*other) {
            eips = other.changes().needs.iter().fold(eips, |eips, needed| eips.with(*needed));
        }
    }
    before.with_eips(eips.consistent()).ok()
}

/// How many cases part by which EIP.
#[derive(Clone, Debug, Default)]
pub struct Partings(BTreeMap<Vec<u32>, BTreeMap<String, u64>>);

impl Partings {
    /// Counts one case.
    pub fn add(&mut self, parting: &Parting) {
        let shown = self.0.entry(parting.eips.clone()).or_default();
        *shown.entry(parting.shows_in.clone()).or_default() += 1;
    }

    /// A line for each EIP, the commonest first: how many cases first part by it, and what that shows in. Nothing if none did.
    pub fn text(&self) -> String {
        let sum = |(eips, shown)| (BTreeMap::values(shown).sum::<u64>(), eips, shown);
        let mut rows: Vec<_> = self.0.iter().map(sum).collect();
        rows.sort_by_key(|(count, eips, _)| (Reverse(*count), *eips));
        let mut text = String::new();
        for (count, eips, shown) in rows {
            let mut places: Vec<_> = shown.iter().collect();
            places.sort_by_key(|(place, count)| (Reverse(**count), *place));
            let _ = write!(text, "  {count} first part by {}:", titles(eips));
            for (place, count) in places.iter().take(4) {
                let _ = write!(text, " {count} at {place};");
            }
            if places.len() > 4 {
                let _ = write!(text, " {} other places;", places.len() - 4);
            }
            text.pop();
            text.push('\n');
        }
        text
    }
}
