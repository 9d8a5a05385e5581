//! One generated transaction on both sides, and on revm where it has the rules.

use parallax_campaign::{compare_job, config, engines};
use parallax_engine_interface::Engine;
use parallax_generator::Scenario;
use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl};
use parallax_primitives::{Message, MessageKind};
use parallax_shadow_diff::{ShadowMode, Verdict};

use super::check::Counts;

/// Runs and compares: per step and in the fast forms, as `parallax diff` does, and at each message beside revm.
///
/// # Errors
///
/// The first difference.
pub(super) fn check(scenario: &Scenario, counts: &mut Counts) -> Result<(), String> {
    let Scenario { fork, block, transaction, .. } = scenario;
    let verdict = compare(scenario, "primary", "mini", ShadowMode::All)?;
    counts.add("transactions", 1);
    counts.add(&format!("type {}", transaction.kind.byte()), 1);
    counts.add(&format!("fork {fork}"), 1);
    counts.add(&format!("verdict {}", verdict.name()), 1);
    if let Verdict::Limit(_) = verdict {
        return Ok(());
    }
    let mut seen = Messages { counts };
    match engines::mini().execute(&scenario.job(), &mut seen) {
        Ok(execution) => {
            let outcome = execution.outcome.ok_or("aborted")?;
            counts.add(&format!("end {}", outcome.status), 1);
            counts.add("authorizations", transaction.authorizations.len() as u64);
        }
        Err(_) => counts.add("end rejected", 1),
    }
    if engines::revm().unsupported((*fork).into(), block).is_none() {
        let verdict = compare(scenario, "mini", "revm", ShadowMode::PerCall)?;
        counts.add("beside revm", u64::from(!matches!(verdict, Verdict::Limit(_))));
    }
    Ok(())
}

/// The verdict, if it is no finding.
fn compare(scenario: &Scenario, left: &str, right: &str, mode: ShadowMode) -> Result<Verdict, String> {
    let source = |name| engines::source(name).map_err(|error| error.to_string());
    let sources = [source(left)?, source(right)?];
    let config = config(&*sources[0], &*sources[1], mode);
    let (outcome, _) = compare_job(&scenario.job(), &*sources[0], &*sources[1], &config);
    match outcome.verdict {
        Verdict::Diverge(divergence) => Err(format!("{left} and {right}: {divergence}")),
        verdict @ (Verdict::Agree | Verdict::Rejected(_) | Verdict::Limit(_)) => Ok(verdict),
        other => Err(format!("{left} and {right}: {}: {}", other.name(), other.reason().unwrap_or_default())),
    }
}

/// Counts messages, and those that fail by their depth.
struct Messages<'a> {
    counts: &'a mut Counts,
}

impl Hooks for Messages<'_> {
    fn interest(&self) -> Interest {
        Interest::Messages
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        let MessagePhase::After(outcome) = phase else { return StepControl::Continue };
        self.counts.add("messages", 1);
        if matches!(message.kind, MessageKind::Create | MessageKind::Create2) {
            self.counts.add("creations", 1);
        }
        if !outcome.status.is_success() {
            let depth = match message.depth {
                depth @ 0..9 => depth.to_string(),
                9..1024 => "9 to 1,023".to_owned(),
                _ => "1,024".to_owned(),
            };
            self.counts.add(&format!("failures at depth {depth}"), 1);
        }
        StepControl::Continue
    }
}

#[cfg(test)]
mod tests {
    use parallax_primitives::Fork;

    use super::*;

    /// Amsterdam has more to go wrong: two gases, with a reservoir and without.
    #[test]
    fn a_batch_of_amsterdam() {
        let mut counts = Counts::default();
        for seed in 0..400 {
            let scenario = Scenario::of(seed, Fork::Amsterdam);
            check(&scenario, &mut counts).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
        }
        let count = |what: &str| counts.0.get(what).copied().unwrap_or(0);
        assert_eq!((count("transactions"), count("beside revm")), (400, 400), "{counts:?}");
        assert!(count("end success") > 150 && count("creations") > 60, "{counts:?}");
    }

    /// A batch differs nowhere, and reaches what it is made for.
    #[test]
    fn a_batch_of_transactions() {
        let mut counts = Counts::default();
        for seed in 0..600 {
            check(&Scenario::new(seed), &mut counts).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
        }
        let count = |what: &str| counts.0.get(what).copied().unwrap_or(0);
        assert_eq!(count("transactions"), 600);
        assert!((20..90).contains(&count("end rejected")), "{counts:?}");
        assert!(count("end success") > 200 && count("messages") > 2000, "{counts:?}");
        assert!(count("creations") > 60 && count("authorizations") > 60, "{counts:?}");
        for depth in 0..8 {
            assert!(count(&format!("failures at depth {depth}")) > 0, "{depth}: {counts:?}");
        }
        assert!(count("failures at depth 1,024") + count("failures at depth 9 to 1,023") > 0, "{counts:?}");
    }
}
