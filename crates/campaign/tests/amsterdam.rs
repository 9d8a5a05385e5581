//! The state tests of Amsterdam, out of their archive: every case passes on every engine, the engines agree at every step, and in every
//! frame both gases add up.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod books;

use std::{ops::ControlFlow, path::PathBuf, sync::atomic::AtomicBool};

use books::Books;
use parallax_campaign::{
    Campaign, DiffSetup, Selection, config, diff, diff_text, engines, shared_folder, statetest, test_text,
};
use parallax_engine_interface::{Engine, EngineError, Execution, Job, Stepper};
use parallax_hooks::Hooks;
use parallax_shadow_diff::ShadowMode;

/// The archive, or `None` with a word on it where it is not.
fn files() -> Option<Vec<PathBuf>> {
    let archive = shared_folder().map(|folder| folder.join("amsterdam/state_tests.tar.gz"));
    let Some(archive) = archive.filter(|archive| archive.is_file()) else {
        eprintln!("left out: no state tests of Amsterdam beside the repository, nor in PARALLAX_SHARED");
        return None;
    };
    Some(vec![archive])
}

/// Cases in the archive.
const CASES: u64 = 3767;

#[track_caller]
fn all_pass(engine: &dyn Engine) {
    let Some(files) = files() else { return };
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &files, selection: &selection, jobs: 0, cancel: &cancel };
    let mut cases = 0;
    let summary = statetest(&campaign, engine, |delivered, _| {
        cases += 1;
        if let Some(text) = test_text(delivered, engine.name()) {
            eprintln!("{text}");
        }
        ControlFlow::Continue(())
    });
    let summary = summary.unwrap();
    assert!(summary.is_success(), "{}", summary.text(engine.name()));
    assert_eq!(cases, CASES);
    eprintln!("{}", summary.text(engine.name()));
}

#[test]
fn every_case_passes_on_primary_and_its_gas_adds_up() {
    all_pass(&Audited(&engines::primary()));
    all_pass(&engines::primary());
}

#[test]
fn every_case_passes_on_mini_and_its_gas_adds_up() {
    all_pass(&Audited(engines::mini()));
}

#[test]
fn every_case_passes_on_revm_and_its_gas_adds_up() {
    all_pass(&Audited(&*engines::by_name("revm").unwrap()));
}

#[track_caller]
fn agree(left: &str, right: &str) {
    let Some(files) = files() else { return };
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &files, selection: &selection, jobs: 0, cancel: &cancel };
    let names: [engines::EngineName; 2] = [left, right].map(|name| name.parse().unwrap());
    let setup = DiffSetup::new(left, right, &config(&names[0], &names[1], ShadowMode::PerStep));
    let summary = diff(&campaign, &names[0], &names[1], ShadowMode::PerStep, |delivered, _| {
        if let Some(text) = diff_text(delivered, &setup) {
            eprintln!("{text}");
        }
        ControlFlow::Continue(())
    });
    let summary = summary.unwrap();
    assert!(summary.is_success(), "{}", summary.text(left, right));
    eprintln!("{}", summary.text(left, right));
}

#[test]
fn primary_and_mini_agree_at_every_step() {
    agree("primary", "mini");
}

#[test]
fn primary_and_revm_agree_at_every_step() {
    agree("primary", "revm");
}

#[test]
fn mini_and_revm_agree_at_every_step() {
    agree("mini", "revm");
}

/// An engine whose gas is looked after.
struct Audited<'e>(&'e dyn Engine);

impl Engine for Audited<'_> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        self.0.start(job)
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        let mut books = Books::new(job.rules);
        let execution = self.0.execute(job, &mut (&mut books, hooks));
        assert!(books.are_closed());
        execution
    }
}
