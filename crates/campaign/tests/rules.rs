//! Both engines by rules that no fork has: each EIP that can be switched, on every fixture, and generated rules.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{collections::BTreeMap, path::PathBuf};

use parallax_campaign::{
    compare_case, config, discover,
    engines::{EngineName, Ruled},
};
use parallax_generator::rules;
use parallax_primitives::{Eip, EipSet, Fork, Rules};
use parallax_shadow_diff::{ShadowMode, Verdict};
use parallax_state_tests::{Case, cases};
use rayon::prelude::*;

/// Differences that a failure shows.
const TOLD: usize = 40;

/// Each program of the fixtures once, under the newest fork that it has.
fn newest() -> Vec<Case> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    let mut newest: BTreeMap<_, Case> = BTreeMap::new();
    for file in discover(&[folder], &mut std::io::empty()).unwrap() {
        for case in cases(&file).unwrap() {
            let case = case.unwrap();
            let key = (case.file.to_string(), case.name.to_string(), [case.d, case.g, case.v]);
            if newest.get(&key).is_none_or(|other| other.rules.base() < case.rules.base()) {
                newest.insert(key, case);
            }
        }
    }
    newest.into_values().collect()
}

/// Compares the default pair on `cases` by `rules`; what differs, and how many ran.
fn compare(cases: &[&Case], rules: Rules, mode: ShadowMode) -> (Vec<String>, usize) {
    let side = |source| Ruled { source, rules: Some(rules) };
    let (left, right) = (side(&EngineName::Primary), side(&EngineName::Mini));
    let config = config(&EngineName::Primary, &EngineName::Mini, mode);
    let mut told = Vec::new();
    let mut ran = 0;
    for case in cases {
        match compare_case(case, &left, &right, &config).verdict {
            Verdict::Agree => ran += 1,
            Verdict::Rejected(_) => {}
            other => {
                let Case { name, d, g, v, .. } = case;
                let what = match &other {
                    Verdict::Diverge(divergence) => divergence.one_line(300),
                    other => format!("{} {:?}", other.name(), other.reason()),
                };
                told.push(format!("{rules}: {name} {d},{g},{v}: {what}"));
            }
        }
    }
    (told, ran)
}

fn with_needs(eips: EipSet, eip: Eip) -> EipSet {
    eip.changes().needs.iter().fold(eips.with(eip), |eips, needed| with_needs(eips, *needed))
}

#[test]
fn each_eip_that_can_be_switched_is_the_same_on_both_sides() {
    let cases = newest();
    let all: Vec<&Case> = cases.iter().collect();
    let osaka = Fork::Osaka.eips();
    // One that goes takes with it what is built on it, one that comes brings what it is built on.
    let switched = |eip| match osaka.has(eip) {
        true => osaka.without(eip).consistent(),
        false => with_needs(osaka, eip),
    };
    let of = |eip: &Eip| Rules::builder(Fork::Osaka).eips(switched(*eip)).build().unwrap();
    let sets: Vec<Rules> = Eip::ALL.iter().map(of).collect();
    let results: Vec<_> = sets.par_iter().map(|rules| compare(&all, *rules, ShadowMode::All)).collect();
    let told: Vec<_> = results.iter().flat_map(|(told, _)| told).collect();
    let ran: usize = results.iter().map(|(_, ran)| ran).sum();
    eprintln!("{} sets of rules, {} programs, {ran} runs that agree", sets.len(), all.len());
    assert!(told.is_empty(), "{} differ, the first: {:#?}", told.len(), &told[..told.len().min(TOLD)]);
    assert!(ran > 20_000, "{ran}");
}

#[test]
fn generated_rules_are_the_same_on_both_sides() {
    let cases = newest();
    let seeds = std::env::var("PARALLAX_RULES").map_or(96, |count| count.parse().unwrap());
    let results: Vec<_> = (0..seeds)
        .into_par_iter()
        .map(|seed| {
            // A sixth of the programs each: another one for each seed.
            let skipped = usize::try_from(seed % 6).unwrap();
            let some: Vec<&Case> = cases.iter().skip(skipped).step_by(6).collect();
            compare(&some, rules(seed), ShadowMode::All)
        })
        .collect();
    let told: Vec<_> = results.iter().flat_map(|(told, _)| told).collect();
    let ran: usize = results.iter().map(|(_, ran)| ran).sum();
    eprintln!("{seeds} sets of generated rules, {ran} runs that agree");
    assert!(told.is_empty(), "{} differ, the first: {:#?}", told.len(), &told[..told.len().min(TOLD)]);
    assert!(ran as u64 > 50 * seeds, "{ran}");
}
