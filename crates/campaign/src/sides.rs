//! Any number of sides on each case: engines, and clients' commands.
//!
//! Each is compared with the first, the pivot, which can be stepped. Where sides part, the earliest place counts: who stands there with
//! what is a group, and who has not parted yet stands with the pivot.

use std::{collections::BTreeMap, ops::ControlFlow};

use parallax_shadow_diff::{Earlier, Place, ShadowConfig, Verdict};
use parallax_state_tests::Case;

use crate::{
    Campaign, ClientSide, Delivered, DiffOutcome, DiffSummary, Loss, Progress, SideGroup, SideGroups,
    WorkersError, compare_case, diff::no_transaction, engines::EngineSource,
};

/// A side besides the pivot, and what the two may differ in.
pub enum Side {
    /// An engine.
    Engine(Box<dyn EngineSource>, ShadowConfig),
    /// A client's command.
    Client(ClientSide, ShadowConfig),
}

/// The sides of a comparison.
pub struct Sides {
    /// The one that all others are compared with: an engine that can be stepped.
    pub pivot: Box<dyn EngineSource>,
    /// The others.
    pub others: Vec<Side>,
}

impl Side {
    /// What reports call it.
    pub fn name(&self) -> &str {
        match self {
            Side::Engine(source, _) => source.name(),
            Side::Client(client, _) => client.name(),
        }
    }
}

impl Sides {
    /// Runs each case on all sides and hands what came of it to `deliver`, in order.
    ///
    /// # Errors
    ///
    /// If there are no threads.
    pub fn diff(
        &self,
        campaign: &Campaign<'_>,
        mut deliver: impl FnMut(&Delivered<DiffOutcome>, Progress) -> ControlFlow<()> + Send,
    ) -> Result<DiffSummary, WorkersError> {
        let mut summary = DiffSummary::default();
        let panicked = |_: &Case, message: String| Loss::panicked(message).into();
        summary.complete = campaign.run(
            |case| self.compare(case),
            panicked,
            |delivered, progress| {
                match &delivered {
                    Delivered::Case(case, outcome) => summary.count_case(case, outcome),
                    Delivered::Unreadable(error) => summary.count_error(error),
                }
                deliver(&delivered, progress)
            },
        )?;
        Ok(summary)
    }

    /// One case on all sides.
    pub fn compare(&self, case: &Case) -> DiffOutcome {
        if let Err(reason) = case.job() {
            return Verdict::NotCompared(no_transaction(reason)).into();
        }
        let outcomes = self.others.iter().map(|side| {
            let outcome = match side {
                Side::Engine(source, config) => compare_case(case, &*self.pivot, &**source, config),
                Side::Client(client, config) => {
                    let pivot = self.pivot.make();
                    match pivot.unsupported(case.rules, &case.block) {
                        Some(reason) => Verdict::Unsupported(reason).into(),
                        None => client.compare(case, &*pivot, config),
                    }
                }
            };
            (side.name().to_owned(), outcome)
        });
        together(self.pivot.name(), outcomes.collect())
    }
}

/// What several comparisons with one side come to.
fn together(pivot: &str, outcomes: Vec<(String, DiffOutcome)>) -> DiffOutcome {
    let places = outcomes.iter().filter_map(|(_, outcome)| order_of(&outcome.verdict));
    let earliest = places.min();
    let count = outcomes.len();
    let (mut with_pivot, mut without) = (vec![pivot.to_owned()], Vec::new());
    let mut apart: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let mut first: Option<DiffOutcome> = None;
    let mut pivots: Option<(String, String)> = None;
    let (mut whole, mut failed, mut passed_over) = (None, None, None);
    for (name, outcome) in outcomes {
        match &outcome.verdict {
            Verdict::Diverge(divergence) if order_of(&outcome.verdict) == earliest => {
                let field = divergence.field.to_string();
                pivots.get_or_insert_with(|| (field.clone(), divergence.left.to_string()));
                apart.entry((field, divergence.right.to_string())).or_default().push(name);
                first.get_or_insert(outcome);
            }
            // It parts later: until here it is as the pivot.
            Verdict::Diverge(_) | Verdict::Agree | Verdict::Rejected(_) => {
                with_pivot.push(name);
                whole.get_or_insert(outcome);
            }
            other => {
                let reason = other.reason().unwrap_or_default().to_owned();
                without.push((name, other.name(), reason));
                let kept = if other.is_failure() { &mut failed } else { &mut passed_over };
                kept.get_or_insert(outcome);
            }
        }
    }
    let is_apart = first.is_some();
    let Some(mut outcome) = first.or(failed).or(whole).or(passed_over) else {
        return Verdict::NotCompared("there is one side".into()).into();
    };
    if count == 1 {
        return outcome;
    }
    if !is_apart {
        outcome.sides =
            (!without.is_empty()).then(|| SideGroups { groups: Vec::new(), alone: None, without });
        return outcome;
    }
    let (field, value) = pivots.unwrap_or_default();
    let mut groups = vec![SideGroup { sides: with_pivot, field, value }];
    groups.extend(apart.into_iter().map(|((field, value), sides)| SideGroup { sides, field, value }));
    let mut single = groups.iter().filter(|group| group.sides.len() == 1);
    let alone = match (single.next(), single.next()) {
        (Some(group), None) => group.sides.first().cloned(),
        _ => None,
    };
    outcome.sides = Some(SideGroups { groups, alone, without });
    outcome
}

/// Where in a run sides part: the step, or behind all of them.
fn order_of(verdict: &Verdict) -> Option<(u64, u8)> {
    let Verdict::Diverge(divergence) = verdict else { return None };
    let behind = || {
        let last = divergence.recent.iter().rev().find_map(|earlier| match earlier {
            Earlier::Step { index, .. } => Some(*index),
            _ => None,
        });
        last.map_or(0, |index| index + 1)
    };
    Some(match &divergence.place {
        // What an opcode left is what the next one finds: a trace says it there alone.
        Place::Step { index, is_over, .. } => (index + u64::from(*is_over), 0),
        Place::Message { .. } | Place::Block { .. } => (behind(), 0),
        Place::Transaction => (u64::MAX, 0),
        _ => (u64::MAX, 1),
    })
}
