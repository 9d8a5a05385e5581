//! Every official case passes on the fast engine in each of its forms: all translated, none, what is hot, and all translated
//! with the fast form made to give up over and over.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{ops::ControlFlow, sync::atomic::AtomicBool};

use parallax_campaign::{Campaign, Selection, discover, engines, shared_folder, statetest, test_text};
use parallax_primary_interpreter::{Primary, Tiering};

#[track_caller]
fn check(name: &'static str, tiering: Tiering) {
    let Some(folder) = shared_folder().map(|folder| folder.join("eest")).filter(|folder| folder.is_dir())
    else {
        eprintln!("left out: no official state tests beside the repository, nor in PARALLAX_SHARED");
        return;
    };
    let files = discover(&[folder], &mut std::io::empty()).unwrap();
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &files, selection: &selection, jobs: 0, cancel: &cancel };
    let engine = engines::local(name, Primary::with_tiering(tiering));
    let summary = statetest(&campaign, &engine, |delivered, _| {
        if let Some(text) = test_text(delivered, name) {
            eprintln!("{text}");
        }
        ControlFlow::Continue(())
    });
    let summary = summary.unwrap();
    assert!(summary.is_success(), "{}", summary.text(name));
}

#[test]
fn all_translated() {
    check("primary, always translated", Tiering::Always);
}

#[test]
fn all_translated_and_recovered_from() {
    check("primary, made to recover", Tiering::AlwaysRecover);
}

#[test]
fn none_translated() {
    check("primary, never translated", Tiering::Never);
}

#[test]
fn the_hot_translated() {
    check("primary, translated when hot", Tiering::WhenHot);
}
