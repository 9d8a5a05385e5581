//! Every official state test on revm: exception, state root and logs hash are as the file has them, plain and watched.
#![allow(clippy::unwrap_used, reason = "a test: its helpers may panic as it may")]

mod cases;

use parallax_engine_revm::Revm;
use parallax_hooks::{Hooks, Interest, NoHooks};
use parallax_primitives::Fork;
use parallax_state_tests::{Case, run};

/// Has revm take the way through its inspector.
struct Watching(Interest);

impl Hooks for Watching {
    fn interest(&self) -> Interest {
        self.0
    }
}

#[derive(Default)]
struct Count {
    passed: usize,
    lacking: usize,
    failures: Vec<String>,
}

fn check(case: &Case, count: &mut Count) {
    let results = [
        run(case, &Revm, &mut NoHooks),
        run(case, &Revm, &mut Watching(Interest::Messages)),
        run(case, &Revm, &mut Watching(Interest::Steps)),
    ];
    let [plain, watched, stepped] = &results;
    if case.rules == Fork::Constantinople && case.job().is_ok() {
        assert!(results.iter().all(|result| result.execution.is_none() && result.error.is_some()));
        count.lacking += 1;
    } else if plain.pass && plain == watched && plain == stepped {
        count.passed += 1;
    } else {
        let Case { file, name, rules, d, g, v, .. } = case;
        let errors = results.map(|result| result.error.unwrap_or_default());
        count.failures.push(format!("{file} {name} {rules} {d} {g} {v}: {errors:?}"));
    }
}

#[test]
fn revm_passes_every_official_state_test() {
    let Some(folder) = cases::official_tests() else { return };
    let total: Count = cases::count(&folder, check, |total: &mut Count, count: Count| {
        total.passed += count.passed;
        total.lacking += count.lacking;
        total.failures.extend(count.failures);
    });
    eprintln!("{} passed, {} of Constantinople, which revm lacks", total.passed, total.lacking);
    let shown = total.failures.iter().take(20).map(String::as_str).collect::<Vec<_>>();
    assert!(shown.is_empty(), "{} failed:\n{}", total.failures.len(), shown.join("\n"));
    assert!(total.passed > 10_000, "only {} cases found", total.passed);
}
