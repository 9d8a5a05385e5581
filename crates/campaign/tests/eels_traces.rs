//! Traces in the dialect of the executable specification have the bytes that the specification itself wrote, on both
//! engines, for every case of its index.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Write},
};

use flate2::read::GzDecoder;
use parallax_campaign::{engines, shared_folder};
use parallax_engine_interface::Engine;
use parallax_state_tests::{Case, cases, run};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options};
use rayon::prelude::*;
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

/// Keeps the digest of the step lines alone: what the tool writes at the end of a frame is no step.
#[derive(Default)]
struct StepDigest(Sha256);

impl Write for StepDigest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"pc\"")) {
            self.0.update(line);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn trace<W: Write>(engine: &dyn Engine, case: &Case, out: W) -> (u64, W) {
    let mut tracer = Eip3155Tracer::new(out, Options::new(Dialect::Eels, case.fork));
    run(case, engine, &mut Traced(&mut tracer));
    let finished = tracer.finish(None).unwrap();
    (finished.steps, finished.out)
}

/// The first line that differs, for the message; the whole reference trace is there for some cases only.
fn explain(engine: &dyn Engine, case: &Case, reference: &Reference) -> String {
    let (_, ours) = trace(engine, case, Vec::new());
    let Some(name) = &reference.trace else {
        return format!(
            "no reference lines; ours ends {}",
            String::from_utf8_lossy(&ours[ours.len().saturating_sub(600)..])
        );
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

fn check(engine: &dyn Engine) {
    let Some(shared) = shared_folder().filter(|folder| folder.join("eels-traces/index.jsonl.gz").is_file())
    else {
        eprintln!("left out: no reference traces beside the repository, nor in PARALLAX_SHARED");
        return;
    };
    let index =
        BufReader::new(GzDecoder::new(File::open(shared.join("eels-traces/index.jsonl.gz")).unwrap()));
    let mut files: BTreeMap<String, Vec<Reference>> = BTreeMap::new();
    for line in index.lines() {
        let reference: Reference = serde_json::from_str(&line.unwrap()).unwrap();
        files.entry(reference.file.clone()).or_default().push(reference);
    }
    let total: usize = files.values().map(Vec::len).sum();
    let wrong: Vec<String> = files
        .into_par_iter()
        .flat_map_iter(|(file, references)| {
            let by_name: BTreeMap<_, _> = cases(&shared.join("eest").join(&file))
                .unwrap()
                .map(|case| case.unwrap())
                .map(|case| (case.name.to_string(), case))
                .collect();
            references.into_iter().filter_map(move |reference| {
                let case = &by_name[&reference.key];
                let (steps, digest) = trace(engine, case, StepDigest::default());
                let same = parallax_primitives::hex::encode(digest.0.finalize()) == reference.sha256
                    && steps == reference.steps;
                (!same).then(|| {
                    format!(
                        "{} {} steps {steps} of {}: {}",
                        file,
                        reference.key,
                        reference.steps,
                        explain(engine, case, &reference)
                    )
                })
            })
        })
        .collect();
    for wrong in wrong.iter().take(20) {
        eprintln!("{wrong}");
    }
    assert_eq!(wrong.len(), 0, "of {total} traces by {}", engine.name());
    eprintln!("{}: {total} of {total} traces have the reference digest", engine.name());
}

#[test]
fn mini_writes_the_specifications_traces() {
    check(engines::mini());
}

#[test]
fn primary_writes_the_specifications_traces() {
    check(engines::primary());
}
