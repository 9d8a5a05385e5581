//! One generated transaction on both sides, and on revm where it has the rules.

use std::fmt::Display;

use parallax_campaign::{compare_job, config, engines};
use parallax_engine_interface::Engine;
use parallax_generator::Scenario;
use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl, StepEnd, StepView};
use parallax_primitives::{Fork, Halt, Message, MessageKind, Opcode, Rules};
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
    let limits = Limits::of(*fork);
    if transaction.to.is_none() {
        limits.count(counts, "init code of a transaction", transaction.input.len(), verdict.name());
    }
    let mut seen = Messages { counts, limits, operand: None, size: 0 };
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

/// The greatest sizes of code and init code, where there are any.
#[derive(Clone, Copy)]
struct Limits([usize; 2]);

impl Limits {
    fn of(fork: Fork) -> Self {
        let gas = Rules::of(fork).gas();
        Self([gas.max_code_size, gas.max_initcode_size])
    }

    /// Counts what is as large as is allowed, or larger by one.
    fn count(self, counts: &mut Counts, what: &str, size: usize, end: impl Display) {
        if self.0.into_iter().any(|limit| size == limit || size == limit.saturating_add(1)) {
            counts.add(&format!("{size} bytes of {what}: {end}"), 1);
        }
    }
}

/// Counts messages, those that fail by their depth, and creations at the limits.
struct Messages<'a> {
    counts: &'a mut Counts,
    limits: Limits,
    /// The size that the opcode is given which is about to run.
    operand: Option<usize>,
    /// Of the code that the last opcode has returned.
    size: usize,
}

impl Hooks for Messages<'_> {
    fn interest(&self) -> Interest {
        Interest::Steps
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.size = 0;
        // What fails for want of gas is not asked for its size.
        let ends_by_size = matches!(end.halt, None | Some(Halt::InitcodeTooLarge));
        let Some(size) = self.operand.take().filter(|_| ends_by_size) else { return };
        match step.opcode {
            Opcode::RETURN => self.size = size,
            opcode => {
                let end = end.halt.map_or("sent", Halt::name);
                self.limits.count(self.counts, &format!("init code by {opcode}"), size, end);
            }
        }
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        let is_creation = matches!(step.message.kind, MessageKind::Create | MessageKind::Create2);
        let depth = match step.opcode {
            Opcode::CREATE | Opcode::CREATE2 => Some(2),
            Opcode::RETURN if is_creation => Some(1),
            _ => None,
        };
        self.operand = depth.and_then(|depth| Some(step.stack.iter().rev().nth(depth)?.saturating_to()));
        StepControl::Continue
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        let MessagePhase::After(outcome) = phase else { return StepControl::Continue };
        self.counts.add("messages", 1);
        if matches!(message.kind, MessageKind::Create | MessageKind::Create2) {
            self.counts.add("creations", 1);
            let by = if message.depth == 0 { "a transaction" } else { message.kind.name() };
            let size = std::mem::take(&mut self.size);
            self.limits.count(self.counts, &format!("code by {by}"), size, outcome.status);
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
    use super::*;

    /// Amsterdam has more to go wrong: two gases, with a reservoir and without, and more room for code.
    #[test]
    fn a_batch_of_amsterdam() {
        let mut counts = Counts::default();
        for seed in 0..2000 {
            let scenario = Scenario::of(seed, Fork::Amsterdam);
            check(&scenario, &mut counts).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
        }
        let count = |what: &str| counts.0.get(what).copied().unwrap_or(0);
        assert_eq!((count("transactions"), count("beside revm")), (2000, 2000), "{counts:?}");
        assert!(count("end success") > 750 && count("creations") > 300, "{counts:?}");
        for by in ["a transaction", "CREATE", "CREATE2"] {
            for what in [
                format!("65536 bytes of code by {by}: success"),
                format!("65537 bytes of code by {by}: CodeTooLarge"),
            ] {
                assert!(count(&what) > 0, "{what}: {counts:?}");
            }
        }
        for what in [
            "131072 bytes of init code of a transaction: agree",
            "131073 bytes of init code of a transaction: rejected",
            "131072 bytes of init code by CREATE: sent",
            "131073 bytes of init code by CREATE: InitcodeTooLarge",
            "131072 bytes of init code by CREATE2: sent",
            "131073 bytes of init code by CREATE2: InitcodeTooLarge",
        ] {
            assert!(count(what) > 0, "{what}: {counts:?}");
        }
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
