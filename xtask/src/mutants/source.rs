//! cargo-mutants over the fast engine: a seeded sample of changes of its source, each of which a test must notice.
//!
//! The sample does not depend on line numbers: the same seed draws the same mutants of functions that did not change.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::workspace;

/// The crates whose source is changed, and whose tests are run.
const PACKAGES: [&str; 2] = ["parallax-analysis", "parallax-primary-interpreter"];
/// Of a hundred viable mutants so many must be caught.
const PERCENT_CAUGHT: usize = 95;

/// Which mutants are tried.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Change the source of the fast engine too, and run the tests each time: about eight seconds each. Needs
    /// cargo-mutants.
    #[arg(long)]
    cargo_mutants: bool,
    /// How many mutants are drawn.
    #[arg(long, default_value_t = 220, requires = "cargo_mutants", value_parser = clap::value_parser!(u16).range(1..))]
    sample: u16,
    /// What the draw depends on.
    #[arg(long, default_value_t = 7, requires = "cargo_mutants")]
    seed: u64,
}

/// The mutants that a run tries.
pub(super) struct Drawn(Vec<String>);

impl Arguments {
    /// Draws, if that is asked for.
    pub(super) fn draw(&self) -> Result<Option<Drawn>> {
        if !self.cargo_mutants {
            return Ok(None);
        }
        let installed = workspace::output(workspace::cargo().args(["mutants", "--version"])).is_ok();
        ensure!(installed, "cargo-mutants is not installed: cargo install cargo-mutants --locked");
        let listed = list()?;
        let names = draw(&listed, self.sample.into(), self.seed);
        println!(
            "seed {}: {} of {} mutants; two idle cores need about {} minutes\n",
            self.seed,
            names.len(),
            listed.len(),
            3 + names.len() / 8
        );
        Ok(Some(Drawn(names)))
    }
}

impl Drawn {
    /// Runs the tests on each mutant, in a copy of the tree.
    pub(super) fn run(&self) -> Result<()> {
        let output = workspace::root().join("target/mutants");
        std::fs::create_dir_all(&output).with_context(|| format!("cannot make {}", output.display()))?;
        let mut command = workspace::cargo();
        command.args(["mutants", "--profile", "mutants", "--timeout", "60", "--build-timeout", "300"]);
        command.args(["--colors", "never"]).arg("--output").arg(&output);
        for name in &self.0 {
            command.arg(format!("--re=^{}$", regex::escape(name)));
        }
        for package in PACKAGES {
            command.args(["--package", package, "--test-package", package]);
        }
        // Examples in READMEs are compiled elsewhere.
        let status = command.args(["--", "--lib", "--tests"]).status()?;
        // All caught, some missed, some timed out: whether these are too many is decided below.
        ensure!(matches!(status.code(), Some(0 | 2 | 3)), "cargo-mutants did not get to its end: {status}");
        let folder = output.join("mutants.out");
        let outcomes = std::fs::read_to_string(folder.join("outcomes.json"))
            .with_context(|| format!("cannot read {}", folder.display()))?;
        let (text, is_enough) = score(&serde_json::from_str(&outcomes)?, self.0.len())?;
        print!("\n{text}logs: {}\n", workspace::shown(&folder));
        ensure!(is_enough, "at least {PERCENT_CAUGHT} % must be caught");
        Ok(())
    }
}

/// Every mutant that there is.
fn list() -> Result<Vec<Value>> {
    let mut command = workspace::cargo();
    command.args(["mutants", "--list", "--json"]);
    for package in PACKAGES {
        command.args(["--package", package]);
    }
    Ok(serde_json::from_str(&workspace::output(&mut command)?)?)
}

/// The names of the mutants whose hashes are lowest.
fn draw(mutants: &[Value], sample: usize, seed: u64) -> Vec<String> {
    let mut seen: HashMap<String, u64> = HashMap::new();
    let mut hashed: Vec<(u64, &str)> = mutants
        .iter()
        .filter_map(|mutant| {
            let name = mutant["name"].as_str()?;
            // file:line:column: what.
            let mut parts = name.splitn(4, ':');
            let (file, what) = (parts.next()?, parts.nth(2)?);
            let key = format!("{file}:{what}");
            let number = seen.entry(key.clone()).or_default();
            *number += 1;
            Some((hash(&format!("{seed}:{number}:{key}")), name))
        })
        .collect();
    hashed.sort_unstable();
    hashed.into_iter().take(sample).map(|(_, name)| name.to_owned()).collect()
}

/// FNV-1a, its bits mixed.
fn hash(text: &str) -> u64 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ hash >> 31
}

/// The report over what cargo-mutants wrote, and whether enough of the `drawn` mutants were caught.
fn score(outcomes: &Value, drawn: usize) -> Result<(String, bool)> {
    let count = |name: &str| outcomes[name].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let (caught, timeouts, missed, unviable) =
        (count("caught"), count("timeout"), count("missed"), count("unviable"));
    let tried = caught + timeouts + missed + unviable;
    ensure!(tried == drawn, "{tried} of {drawn} mutants were tried");
    let viable = tried - unviable;
    let mut text = format!(
        "{viable} viable: {caught} caught by a test, {timeouts} by the timeout, {missed} missed; {unviable} not compiled\n"
    );
    let of_mutants = outcomes["outcomes"].as_array().map_or(&[][..], Vec::as_slice);
    for outcome in of_mutants.iter().filter(|outcome| outcome["summary"] == "MissedMutant") {
        let name = outcome["scenario"]["Mutant"]["name"].as_str().unwrap_or("?");
        text += &format!("missed: {name}\n");
    }
    let tenths = (viable - missed) * 1000 / viable.max(1);
    text += &format!("{}.{} % of the viable ones are caught\n", tenths / 10, tenths % 10);
    Ok((text, tenths >= PERCENT_CAUGHT * 10))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_draw_depends_on_the_seed_and_not_on_lines() {
        let mutants = |line: u64| -> Vec<Value> {
            (0..100)
                .map(|i| json!({"name": format!("a.rs:{}:{}: replace + with - in f{}", line + i, i % 7, i % 50)}))
                .collect()
        };
        let columns = |names: Vec<String>| -> Vec<String> {
            names.iter().map(|name| name.rsplit(' ').next().unwrap_or("").to_owned()).collect()
        };
        let here = draw(&mutants(1), 10, 4);
        assert_eq!(here.len(), 10);
        assert_eq!(columns(draw(&mutants(901), 10, 4)), columns(here.clone()));
        assert_ne!(draw(&mutants(1), 10, 5), here);
        assert_eq!(draw(&mutants(1), 1000, 4).len(), 100);
    }

    #[test]
    fn a_run_that_tried_fewer_has_no_score() {
        let outcomes = |caught: u64, missed: u64| {
            json!({"caught": caught, "timeout": 1, "missed": missed, "unviable": 3, "outcomes": [
                {"summary": "MissedMutant", "scenario": {"Mutant": {"name": "a.rs:1:2: replace f"}}},
                {"summary": "CaughtMutant", "scenario": {"Mutant": {"name": "b.rs:1:2: replace g"}}},
            ]})
        };
        let expected = "20 viable: 18 caught by a test, 1 by the timeout, 1 missed; 3 not compiled\n\
                        missed: a.rs:1:2: replace f\n95.0 % of the viable ones are caught\n";
        assert_eq!(score(&outcomes(18, 1), 23).ok(), Some((expected.to_owned(), true)));
        assert!(score(&outcomes(17, 2), 23).is_ok_and(|(_, is_enough)| !is_enough));
        assert!(score(&outcomes(18, 1), 24).is_err());
        // Its own tests fail without any mutant.
        assert!(score(&json!({"outcomes": []}), 23).is_err());
    }
}
