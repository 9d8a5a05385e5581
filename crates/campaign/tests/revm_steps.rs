//! revm step by step over the fixtures, on either side: it agrees but for what its tables name, and every entry is needed.
#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::path::Path;

use parallax_campaign::{DiffOutcome, compare_case, config, discover, engines, tolerated};
use parallax_engine_interface::Engine;
use parallax_shadow_diff::{Divergence, Field, Halts, ShadowConfig, ShadowMode, Verdict};
use parallax_state_tests::{Case, cases};

fn fixtures() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    let files = discover(&[folder], &mut std::io::empty()).unwrap();
    let all = files.iter().flat_map(|file| cases(file).unwrap().map(Result::unwrap).collect::<Vec<_>>());
    all.filter(|case| engines::revm().unsupported(case.rules, &case.block).is_none()).collect()
}

/// The first divergence of each case that has one.
#[track_caller]
fn divergences(cases: &[Case], sides: [&str; 2], config: &ShadowConfig) -> Vec<Divergence> {
    let [left, right] = sides.map(|name| engines::by_name(name).unwrap());
    let mut found = Vec::new();
    let mut steps = 0;
    for case in cases {
        match compare_case(case, &*left, &*right, config) {
            DiffOutcome { verdict: Verdict::Agree, steps: more, .. } => steps += more,
            DiffOutcome { verdict: Verdict::Diverge(divergence), .. } => found.push(*divergence),
            DiffOutcome { verdict: Verdict::Rejected(_) | Verdict::NotCompared(_), .. } => {}
            other => panic!("{} {}: {other:?}", case.file, case.name),
        }
    }
    assert!(steps > 50_000, "only {steps} steps");
    found
}

fn of(sides: [&str; 2], mode: ShadowMode) -> ShadowConfig {
    let [left, right] = sides.map(|name| engines::source(name).unwrap());
    config(&*left, &*right, mode)
}

#[test]
fn revm_agrees_step_by_step_on_either_side() {
    let cases = fixtures();
    for sides in [["primary", "revm"], ["revm", "primary"], ["mini", "revm"], ["revm", "mini"]] {
        let config = of(sides, ShadowMode::PerStep);
        assert_eq!(divergences(&cases, sides, &config), [], "{sides:?}");
    }
}

#[test]
fn every_tolerance_of_a_cost_is_needed_and_covers_nothing_else() {
    let cases = fixtures();
    let usual = of(["mini", "revm"], ShadowMode::PerStep);
    for tolerance in usual.costs {
        let others: Vec<_> = usual.costs.iter().copied().filter(|other| other != tolerance).collect();
        let config = ShadowConfig { costs: others.leak(), ..usual };
        let found = divergences(&cases, ["mini", "revm"], &config);
        assert!(!found.is_empty(), "{} is not needed", tolerance.name);
        assert!(found.iter().all(|divergence| divergence.field == Field::GasCost));
    }
}

#[test]
fn exact_halts_differ_in_the_halt_alone() {
    let config = ShadowConfig { halts: Halts::Exact, ..of(["mini", "revm"], ShadowMode::PerStep) };
    let found = divergences(&fixtures(), ["mini", "revm"], &config);
    assert!(!found.is_empty());
    assert!(found.iter().all(|divergence| matches!(divergence.field, Field::Halt | Field::Status)));
}

#[test]
fn what_is_tolerated_can_be_listed() {
    assert_eq!(tolerated(&of(["primary", "mini"], ShadowMode::PerStep)), [""; 0]);
    let config = of(["primary", "revm"], ShadowMode::PerStep);
    let (lines, costs) = (tolerated(&config), config.costs);
    assert!(!costs.is_empty());
    for name in costs.iter().map(|tolerance| tolerance.name) {
        assert_eq!(lines.iter().filter(|line| line.contains(name)).count(), 1, "{name} in {lines:?}");
    }
    assert!(lines.len() > costs.len() && lines.iter().all(|line| line.contains(": ")));
}
