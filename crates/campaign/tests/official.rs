//! Every official case passes on every engine of our own, with no skip list, and the engines agree on every message of it.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{ops::ControlFlow, path::PathBuf, sync::atomic::AtomicBool};

use parallax_campaign::{
    Campaign, DiffSetup, Selection, config, diff, diff_text, discover, engines, shared_folder, statetest,
    test_text,
};
use parallax_shadow_diff::ShadowMode;

/// The official files, or `None` with a word on it where they are not.
fn files() -> Option<Vec<PathBuf>> {
    let Some(folder) = shared_folder().map(|folder| folder.join("eest")).filter(|folder| folder.is_dir())
    else {
        eprintln!("left out: no official state tests beside the repository, nor in PARALLAX_SHARED");
        return None;
    };
    Some(discover(&[folder], &mut std::io::empty()).unwrap())
}

#[track_caller]
fn all_pass(engine: &str) {
    let Some(files) = files() else { return };
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &files, selection: &selection, jobs: 0, cancel: &cancel };
    let summary = statetest(&campaign, &*engines::by_name(engine).unwrap(), |delivered, _| {
        if let Some(text) = test_text(delivered, engine) {
            eprintln!("{text}");
        }
        ControlFlow::Continue(())
    });
    let summary = summary.unwrap();
    assert!(summary.is_success(), "{}", summary.text(engine));
    eprintln!("{}", summary.text(engine));
}

#[test]
fn every_case_passes_on_mini() {
    all_pass("mini");
}

#[test]
fn every_case_passes_on_primary() {
    all_pass("primary");
}

#[test]
fn primary_and_mini_agree_on_every_message() {
    let Some(files) = files() else { return };
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &files, selection: &selection, jobs: 0, cancel: &cancel };
    let setup = DiffSetup::new(
        "primary",
        "mini",
        &config(&engines::EngineName::Primary, &engines::EngineName::Mini, ShadowMode::PerCall),
    );
    let summary =
        diff(&campaign, &engines::primary(), engines::mini(), ShadowMode::PerCall, |delivered, _| {
            if let Some(text) = diff_text(delivered, &setup) {
                eprintln!("{text}");
            }
            ControlFlow::Continue(())
        });
    let summary = summary.unwrap();
    assert!(summary.is_success(), "{}", summary.text("primary", "mini"));
    eprintln!("{}", summary.text("primary", "mini"));
}
