//! Every official state test on revm: exception, state root and logs hash are as the file has them, plain and watched.
#![allow(clippy::unwrap_used, reason = "a test: its helpers may panic as it may")]

use std::{
    env,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use parallax_engine_revm::Revm;
use parallax_hooks::{Hooks, Interest, NoHooks};
use parallax_primitives::Fork;
use parallax_state_tests::{Case, cases, run};

/// Has revm take the way through its inspector.
struct Watching;

impl Hooks for Watching {
    fn interest(&self) -> Interest {
        Interest::Messages
    }
}

#[derive(Default)]
struct Count {
    passed: usize,
    lacking: usize,
    failures: Vec<String>,
}

fn official_tests() -> Option<PathBuf> {
    let shared = env::var_os("PARALLAX_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    Some(shared.join("eest")).filter(|folder| folder.is_dir())
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

fn check(case: &Case, count: &mut Count) {
    let results = [run(case, &Revm, &mut NoHooks), run(case, &Revm, &mut Watching)];
    let [plain, watched] = &results;
    if case.fork == Fork::Constantinople && case.job().is_ok() {
        assert!(results.iter().all(|result| result.execution.is_none() && result.error.is_some()));
        count.lacking += 1;
    } else if plain.pass && plain == watched {
        count.passed += 1;
    } else {
        let Case { file, name, fork, d, g, v, .. } = case;
        let errors = results.map(|result| result.error.unwrap_or_default());
        count.failures.push(format!("{file} {name} {fork} {d} {g} {v}: {errors:?}"));
    }
}

#[test]
fn revm_passes_every_official_state_test() {
    let Some(folder) = official_tests() else {
        eprintln!("left out: no official tests (set PARALLAX_SHARED)");
        return;
    };
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    paths.sort();
    let (next, total) = (AtomicUsize::new(0), Mutex::new(Count::default()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut count = Count::default();
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for case in cases(path).unwrap() {
                        check(&case.unwrap(), &mut count);
                    }
                }
                let mut total = total.lock().unwrap();
                total.passed += count.passed;
                total.lacking += count.lacking;
                total.failures.extend(count.failures);
            });
        }
    });
    let total = total.into_inner().unwrap();
    eprintln!("{} passed, {} of Constantinople, which revm lacks", total.passed, total.lacking);
    let shown = total.failures.iter().take(20).map(String::as_str).collect::<Vec<_>>();
    assert!(shown.is_empty(), "{} failed:\n{}", total.failures.len(), shown.join("\n"));
    assert!(total.passed > 10_000, "only {} cases found", total.passed);
}
