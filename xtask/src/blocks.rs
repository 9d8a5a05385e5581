//! The official benchmark blocks on the three engines, tree by tree: of at most ten million gas with the other tests, all of them with
//! `cargo xtask test --long`.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use parallax_campaign::{
    BlockSummary, BlockTask, Campaign, Isolation, Limits, Selection, Workers, blocktest_isolated, discover,
    engines::EngineName, shared_folder,
};
use regex::Regex;

use crate::{parts::Parts, workspace};

/// The archive beside the repository.
pub(crate) const ARCHIVE: &str = "eest-benchmark.tar.gz";

const TREES: [&str; 3] = ["blockchain_tests", "blockchain_tests_engine", "blockchain_tests_engine_x"];
const ENGINES: [EngineName; 3] = [EngineName::Primary, EngineName::Mini, EngineName::Revm];

/// Cases of at most ten million gas, by their names.
const SMALL: &str = r"value_(1|5|10)M\]";
/// What a case of 150 million gas may take on the plain engine.
const CASE_TIMEOUT: Duration = Duration::from_secs(600);
/// Failures that are printed; the others are counted.
const SHOWN: usize = 5;
/// How many of them each tree of the archive has.
const SMALL_CASES: [u64; 3] = [96, 63, 654];
/// How the error of a test ends whose shared state is the one that the archive does not have.
const NO_STATE: &str = "0xa9149b4b29ac0473.json beside the folder of the test, found none";

/// The archive, if it is there.
pub(crate) fn archive() -> Option<PathBuf> {
    shared_folder().map(|folder| folder.join(ARCHIVE)).filter(|archive| archive.is_file())
}

/// All cases, in the build that users get.
pub(crate) fn long(path: Option<&Path>) -> Result<()> {
    let path = match path {
        Some(path) => path.to_owned(),
        None => archive().with_context(|| format!("no ../shared/{ARCHIVE} (set PARALLAX_SHARED)"))?,
    };
    if cfg!(debug_assertions) {
        return workspace::run_optimised();
    }
    let mut parts = Parts::default();
    run(&mut parts, &path, &Selection::default(), [None; 3], "benchmark blocks");
    parts.finish()
}

/// Those of at most ten million gas.
pub(crate) fn small(parts: &mut Parts, path: &Path) -> Result<()> {
    let selection = Selection { filter: Some(Regex::new(SMALL)?), ..Selection::default() };
    run(parts, path, &selection, SMALL_CASES.map(Some), "benchmark blocks of at most 10 Mgas");
    Ok(())
}

/// `counts` are the cases of each tree, where that is known.
fn run(parts: &mut Parts, path: &Path, selection: &Selection, counts: [Option<u64>; 3], what: &str) {
    for engine in ENGINES {
        parts.run(&format!("{what} on {}", engine.name()), || {
            let trees = TREES.iter().zip(counts);
            trees.into_iter().try_for_each(|(tree, count)| run_tree(path, tree, selection, count, engine))
        });
    }
}

fn run_tree(
    path: &Path,
    tree: &str,
    selection: &Selection,
    count: Option<u64>,
    engine: EngineName,
) -> Result<()> {
    let below = format!("fixtures/{tree}");
    let part =
        if path.is_dir() { path.join(below) } else { PathBuf::from(format!("{}:{below}", path.display())) };
    let files = discover(&[part], &mut std::io::empty())?;
    let cancel = AtomicBool::new(false);
    let campaign = Campaign { files: &files, selection, jobs: 0, cancel: &cancel };
    let engine = engine.name();
    let command = format!("parallax blocktest --engine {engine}");
    let task = BlockTask { engine: engine.to_owned(), command, max_steps: None };
    let limits = Limits { case_timeout: CASE_TIMEOUT, ..Limits::default() };
    let workers = Workers::of_this_program(["worker"], limits)?;
    let (mut shown, mut without_state) = (0, 0);
    let summary = blocktest_isolated(&campaign, &task, Isolation::Workers(&workers), |report, _| {
        let text = report.text.as_deref().unwrap_or_default();
        if text.ends_with(NO_STATE) {
            without_state += 1;
        } else if shown < SHOWN && !text.is_empty() {
            shown += 1;
            println!("{text}");
        }
        ControlFlow::Continue(())
    })?;
    println!("{tree}: {}", summary.text(engine));
    if without_state > 0 {
        println!("left out: {without_state} cases of {tree} name a state in pre_alloc that is not there");
    }
    let cases = summary.cases();
    ensure!(count.is_none_or(|count| count == cases), "{tree}: {cases} cases, expected {count:?}");
    check(&summary, without_state, tree)
}

/// Whether all passed but those whose state is not there.
fn check(summary: &BlockSummary, without_state: u64, tree: &str) -> Result<()> {
    let known = BlockSummary { unreadable: summary.unreadable.saturating_sub(without_state), ..*summary };
    ensure!(known.is_success(), "{tree}: {} of {} cases passed", known.passed, known.cases());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cases_without_their_state_may_be_left_out() {
        let summary = BlockSummary { passed: 3, unreadable: 2, complete: true, ..BlockSummary::default() };
        assert!(check(&summary, 2, "tree").is_ok());
        assert!(check(&summary, 1, "tree").is_err());
        assert!(check(&BlockSummary { passed: 0, ..summary }, 2, "tree").is_err());
        assert!(check(&BlockSummary { failed: 1, ..summary }, 2, "tree").is_err());
        assert!(check(&BlockSummary { unsupported: 1, ..summary }, 2, "tree").is_err());
    }
}
