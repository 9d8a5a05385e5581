//! Traces in the dialect of the executable specification have the bytes that the specification itself wrote, on both
//! engines, for every case of its index.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufRead, BufReader},
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::AtomicBool,
};

use flate2::read::GzDecoder;
use parallax_campaign::{
    Campaign, Delivered, Selection, TestOutcome, TraceOptions, TraceSink, engines, shared_folder,
    statetest_with,
};
use parallax_engine_interface::Engine;
use parallax_primitives::hex;
use parallax_state_tests::{Case, run};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// One line of the index.
#[derive(Deserialize)]
struct Reference {
    file: String,
    key: String,
    steps: u64,
    sha256: String,
    trace: Option<String>,
}

/// The first line that differs, for the message; the whole reference trace is there for some cases only.
fn explain(engine: &dyn Engine, case: &Case, reference: &Reference) -> String {
    let mut tracer = Eip3155Tracer::new(Vec::new(), Options::new(Dialect::Eels));
    let _ = run(case, engine, &mut Traced(&mut tracer));
    let ours = tracer.finish(None).out.unwrap();
    let Some(name) = &reference.trace else {
        let last = ours.len().saturating_sub(600);
        return format!("no reference lines; ours ends {}", String::from_utf8_lossy(&ours[last..]));
    };
    let path = shared_folder().unwrap().join("eels-traces").join(name);
    let theirs = BufReader::new(GzDecoder::new(File::open(path).unwrap()));
    let theirs = theirs.lines().map(Result::unwrap).chain([String::from("(end)")]);
    for (ours, theirs) in ours.lines().map(Result::unwrap).chain([String::from("(end)")]).zip(theirs) {
        if ours != theirs {
            return format!("\n  ours   {ours}\n  theirs {theirs}");
        }
    }
    "lengths differ".into()
}

/// A set of traces below the shared folder.
struct Traces {
    index: &'static str,
    /// Where the cases are: a folder, or an archive and what stands before a file's name in it.
    cases: &'static str,
    /// Whether all cases are in the index.
    is_whole: bool,
    /// See [`has_price_floor`].
    with_price_floor: usize,
}

const FORKS_BEFORE: Traces =
    Traces { index: "eels-traces/index.jsonl.gz", cases: "eest/", is_whole: false, with_price_floor: 0 };
const AMSTERDAM: Traces = Traces {
    index: "amsterdam/eels-index.jsonl.gz",
    cases: "amsterdam/state_tests.tar.gz:state_tests/",
    is_whole: true,
    with_price_floor: 5,
};

/// Whether the trace is that of a block in which a blob gas costs 10^9 wei. The specification that wrote the traces of Amsterdam, of April
/// 2026, let it cost no less, which is in no EIP of the fork; BLOBBASEFEE shows it.
fn has_price_floor(engine: &dyn Engine, case: &Case, reference: &Reference) -> bool {
    let mut case = case.clone();
    // e^20.72 is 10^9.
    (case.block.blobs.update_fraction, case.block.excess_blob_gas) = (10u64.pow(15), 20_723_265_836_947_412);
    assert_eq!(case.block.blob_base_fee().to_string(), "1000000000");
    let mut tracer = Eip3155Tracer::new(Vec::new(), Options::new(Dialect::Eels));
    let _ = run(&case, engine, &mut Traced(&mut tracer));
    let lines = tracer.finish(None).out.unwrap();
    let mut digest = Sha256::new();
    for line in lines.split_inclusive(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"pc\"")) {
        digest.update(line);
    }
    hex::encode(digest.finalize()) == reference.sha256
}

fn check(engine: &dyn Engine, traces: &Traces) {
    let Some(shared) = shared_folder().filter(|folder| folder.join(traces.index).is_file()) else {
        eprintln!("left out: no reference traces beside the repository, nor in PARALLAX_SHARED");
        return;
    };
    let cases = format!("{}/{}", shared.display(), traces.cases);
    let index = BufReader::new(GzDecoder::new(File::open(shared.join(traces.index)).unwrap()));
    let references: BTreeMap<(String, String), Reference> = index
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .map(|reference: Reference| ((reference.file.clone(), reference.key.clone()), reference))
        .collect();
    let files: BTreeSet<PathBuf> = if traces.is_whole {
        BTreeSet::from([PathBuf::from(cases.trim_end_matches('/'))])
    } else {
        references.keys().map(|(file, _)| format!("{cases}{file}").into()).collect()
    };
    let files: Vec<_> = files.into_iter().collect();
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &files, selection: &selection, jobs: 0, cancel: &cancel };
    let (mut same, mut with_floor, mut wrong) = (0, 0, Vec::new());
    let tracing = TraceSink::Digests(TraceOptions::lines(Dialect::Eels));
    let summary = statetest_with(&campaign, engine, Some(&tracing), |delivered, _| {
        let Delivered::Case(case, TestOutcome::Ran(_, Some(digest))) = delivered else {
            panic!("{delivered:?}")
        };
        let file = case.file.strip_prefix(&*cases).unwrap().to_owned();
        if let Some(reference) = references.get(&(file, case.name.to_string())) {
            if hex::encode(digest.sha256) == reference.sha256 && digest.steps == reference.steps {
                same += 1;
            } else if has_price_floor(engine, case, reference) {
                with_floor += 1;
            } else {
                wrong.push(format!(
                    "{} {}: {}",
                    reference.file,
                    reference.key,
                    explain(engine, case, reference)
                ));
            }
        }
        ControlFlow::Continue(())
    });
    assert!(summary.unwrap().is_success());
    for wrong in wrong.iter().take(20) {
        eprintln!("{wrong}");
    }
    assert_eq!((wrong.len(), same + with_floor), (0, references.len()), "by {}", engine.name());
    assert_eq!(with_floor, traces.with_price_floor, "by {}", engine.name());
    eprintln!("{}: {same} of {} traces have the reference digest", engine.name(), references.len());
}

#[test]
fn mini_writes_the_specifications_traces() {
    check(engines::mini(), &FORKS_BEFORE);
}

#[test]
fn primary_writes_the_specifications_traces() {
    check(&engines::primary(), &FORKS_BEFORE);
}

#[test]
fn mini_writes_the_specifications_traces_of_amsterdam() {
    check(engines::mini(), &AMSTERDAM);
}

#[test]
fn primary_writes_the_specifications_traces_of_amsterdam() {
    check(&engines::primary(), &AMSTERDAM);
}
