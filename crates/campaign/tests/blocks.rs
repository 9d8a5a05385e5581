//! Official block tests, out of their archive: every case passes on every engine, and two engines agree at every step of everything
//! that is in the blocks, each with its own rules of blocks around it.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{ops::ControlFlow, path::PathBuf, sync::atomic::AtomicBool};

use parallax_campaign::{
    BlockCounts, BlockSummary, BlockTask, Campaign, DiffSummary, DiffTask, Form, Isolation, Selection,
    blocktest_isolated, diff_isolated, shared_folder,
};
use parallax_shadow_diff::ShadowMode;

/// The archive, or `None` with a word on it where it is not.
fn archive() -> Option<Vec<PathBuf>> {
    let archive = shared_folder().map(|folder| folder.join("eest-blocks.tar.gz"));
    let Some(archive) = archive.filter(|archive| archive.is_file()) else {
        eprintln!("left out: no eest-blocks.tar.gz beside the repository, nor in PARALLAX_SHARED");
        return None;
    };
    Some(vec![archive])
}

/// Cases in the archive; of them, those with a block whose proof of work is wrong; its blocks.
const CASES: u64 = 5391;
const PROOF_OF_WORK: u64 = 14;
const BLOCKS: u64 = 10_486;

fn campaign<T>(files: &[PathBuf], then: impl FnOnce(&Campaign<'_>) -> T) -> T {
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    then(&Campaign { files, selection: &selection, jobs: 0, cancel: &cancel })
}

fn run(files: &[PathBuf], engine: &str) -> BlockSummary {
    let task = BlockTask { engine: engine.to_owned(), command: String::new(), max_steps: None };
    let summary = campaign(files, |campaign| {
        blocktest_isolated(campaign, &task, Isolation::InProcess, |report, _| {
            if let Some(text) = &report.text {
                eprintln!("{text}");
            }
            ControlFlow::Continue(())
        })
    });
    let summary = summary.unwrap();
    eprintln!("{}", summary.text(engine));
    summary
}

#[track_caller]
fn all_pass(engine: &str) {
    let Some(files) = archive() else { return };
    let summary = run(&files, engine);
    assert!(summary.is_success());
    assert_eq!((summary.passed, summary.proof_of_work), (CASES - PROOF_OF_WORK, PROOF_OF_WORK));
    assert_eq!((summary.blocks, summary.renamed), (BLOCKS, 0), "by the names of the rules that they break");
}

#[test]
fn every_case_passes_on_primary() {
    all_pass("primary");
}

#[test]
fn every_case_passes_on_mini() {
    all_pass("mini");
}

/// It has no Constantinople before Petersburg, and checks transactions in an order of its own.
#[test]
fn every_case_passes_on_revm_where_it_knows_the_fork() {
    let Some(files) = archive() else { return };
    let summary = run(&files, "revm");
    assert_eq!((summary.failed, summary.crashed, summary.unreadable), (0, 0, 0));
    assert_eq!((summary.passed, summary.proof_of_work, summary.unsupported), (5288, 12, 91));
    assert_eq!(summary.renamed, 10);
}

#[track_caller]
fn compare(files: &[PathBuf], left: &str, right: &str, mode: ShadowMode) -> DiffSummary {
    let task = DiffTask {
        left: left.to_owned(),
        right: right.to_owned(),
        rules: [None, None],
        mode,
        exact_halts: false,
        measure_time: false,
        max_steps: None,
        command: String::new(),
        forms: vec![Form::Text],
    };
    let summary = campaign(files, |campaign| {
        diff_isolated(campaign, &task, Isolation::InProcess, |report, _| {
            if let Some(text) = &report.told.text {
                eprintln!("{text}");
            }
            ControlFlow::Continue(())
        })
    });
    let summary = summary.unwrap();
    eprintln!("{}", summary.text(left, right));
    summary
}

#[test]
fn primary_and_mini_agree_at_every_step_of_every_block() {
    let Some(files) = archive() else { return };
    let summary = compare(&files, "primary", "mini", ShadowMode::PerStep);
    assert!(summary.is_success());
    // Of some, every block is refused by both; of others, none can be decoded.
    assert_eq!((summary.agreed, summary.rejected, summary.not_compared), (4945, 295, 151));
    assert_eq!(summary.cases(), CASES);
    assert_eq!(summary.blocks, Some(BlockCounts { blocks: BLOCKS, parts: 21_398 }));
}

#[test]
fn mini_and_revm_agree_at_every_step_of_every_block() {
    let Some(files) = archive() else { return };
    let summary = compare(&files, "mini", "revm", ShadowMode::PerStep);
    assert!(summary.is_success());
    let same = summary.agreed + summary.rejected + summary.not_compared;
    assert_eq!((same, summary.unsupported), (CASES - 91, 91));
}
