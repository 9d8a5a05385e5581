//! What eight clients wrote for the same cases says what we write: read in whatever dialect and compared field by field,
//! and, for geth and revm, line by line in theirs.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{fs, path::PathBuf};

use parallax_campaign::{engines, shared_folder};
use parallax_state_tests::{Case, cases, run};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{
    CompareOptions, Dialect, Eip3155Tracer, Options, Summary, TraceReader, compare_traces, recognise,
};

/// Differences that are the client's own: case, client, field, and why.
const DEFECTS: &[(&str, &str, &str, &str)] = &[];

fn folder() -> Option<PathBuf> {
    let folder = shared_folder().map(|folder| folder.join("client-traces")).filter(|folder| folder.is_dir());
    if folder.is_none() {
        eprintln!("left out: no client traces beside the repository, nor in PARALLAX_SHARED");
    }
    folder
}

/// Every case, with its file's name.
fn all_cases(folder: &std::path::Path) -> Vec<(String, Case)> {
    let mut files: Vec<_> =
        fs::read_dir(folder.join("cases")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .flat_map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            cases(path).unwrap().map(move |case| (name.clone(), case.unwrap())).collect::<Vec<_>>()
        })
        .collect()
}

fn our_trace(case: &Case, engine: &str, dialect: Dialect) -> Vec<u8> {
    let mut tracer = Eip3155Tracer::new(Vec::new(), Options::new(dialect));
    let result = run(case, &*engines::by_name(engine).unwrap(), &mut Traced(&mut tracer));
    let summary = Summary { state_root: result.state_root, ..Summary::default() };
    tracer.finish(Some(&summary)).out.unwrap()
}

#[test]
fn every_client_says_what_we_say() {
    let Some(folder) = folder() else { return };
    let mut compared = 0;
    let mut differences = Vec::new();
    for (name, case) in all_cases(&folder) {
        for engine in ["primary", "mini"] {
            let ours = our_trace(&case, engine, Dialect::Eip3155);
            for client in ["besu", "eels", "erigon", "evmone", "geth", "nethermind", "nimbus", "revm"] {
                let theirs = ["stdout", "stderr"]
                    .iter()
                    .filter_map(|stream| {
                        fs::read(folder.join(format!("traces/{name}.{client}.{stream}.txt"))).ok()
                    })
                    .find(|text| text.windows(6).any(|window| window == b"{\"pc\":"))
                    .unwrap();
                let [left, right] = [&ours, &theirs].map(|text| {
                    let found = recognise(&text[..]).unwrap();
                    TraceReader::new(&text[..], found.client).with_profile(found.profile)
                });
                let answer = compare_traces(left, right, CompareOptions::default()).unwrap();
                compared += 1;
                match answer.outcome {
                    Ok(agreement) => assert!(agreement.steps > 0),
                    Err(difference) => {
                        let known = DEFECTS.iter().any(|(case, who, field, _)| {
                            (*case, *who, *field) == (name.as_str(), client, difference.what.name())
                        });
                        if !known {
                            differences.push(format!("{name} {engine} {client}\n{difference}"));
                        }
                    }
                }
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    assert_eq!(compared, 64);
}

#[track_caller]
fn writes_the_lines_of(client: &str, dialect: Dialect) {
    let Some(folder) = folder() else { return };
    for (name, case) in all_cases(&folder) {
        let theirs = fs::read(folder.join(format!("traces/{name}.{client}.stderr.txt"))).unwrap();
        let steps = |text: &[u8]| -> Vec<String> {
            let lines = text.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"pc\":"));
            lines.map(|line| String::from_utf8(line.to_vec()).unwrap()).collect()
        };
        for engine in ["primary", "mini"] {
            let (ours, theirs) = (steps(&our_trace(&case, engine, dialect)), steps(&theirs));
            for (ours, theirs) in ours.iter().zip(&theirs) {
                assert_eq!(ours, theirs, "{name} on {engine}");
            }
            assert_eq!(ours.len(), theirs.len(), "{name} on {engine}");
        }
    }
}

#[test]
fn our_geth_is_geths() {
    writes_the_lines_of("geth", Dialect::Geth);
}

#[test]
fn our_revm_is_revms() {
    writes_the_lines_of("revm", Dialect::Revm);
}
