//! What is told of a test.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use anyhow::Result;
use parallax_primitives::B256;
use serde::Serialize;

use super::dump::Dump;

/// What came of one case.
#[derive(Debug, Serialize)]
pub(super) struct TestResult {
    pub(super) name: String,
    pub(super) pass: bool,
    #[serde(rename = "stateRoot", skip_serializing_if = "Option::is_none")]
    pub(super) root: Option<String>,
    pub(super) fork: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<Dump>,
    #[serde(rename = "benchStats", skip_serializing_if = "Option::is_none")]
    pub(super) bench: Option<BenchStats>,
}

/// Mean of many runs.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BenchStats {
    /// In nanoseconds.
    pub(super) time: u64,
    pub(super) gas_used: u64,
}

impl TestResult {
    /// That of what was not run.
    pub(super) fn unread(name: &str, fork: &str, error: String) -> Self {
        let (name, fork) = (name.to_owned(), fork.to_owned());
        Self { name, pass: false, root: None, fork, error: Some(error), state: None, bench: None }
    }
}

/// Says the root of one case where harnesses wait for it; zeros, which no state has, if there is none.
pub(super) fn tell_root(root: Option<B256>) -> Result<()> {
    let mut err = io::stderr().lock();
    writeln!(err, "{{\"stateRoot\": \"{}\"}}", root.unwrap_or_default())?;
    Ok(err.flush()?)
}

/// Prints the results at once.
pub(super) fn report(results: &[TestResult], for_people: bool) -> Result<()> {
    let text = if for_people { lines(results)? } else { serde_json::to_string_pretty(results)? };
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

fn lines(results: &[TestResult]) -> Result<String> {
    let mut text = String::new();
    for TestResult { name, pass, fork, error, state, .. } in results {
        match error {
            None => writeln!(text, "[PASS] {name}")?,
            Some(error) => writeln!(text, "[FAIL] {name}, err={error}, fork={fork}")?,
        }
        if let Some(state) = state {
            writeln!(text, "{}", serde_json::to_string_pretty(state)?)?;
        }
        debug_assert_eq!(*pass, error.is_none(), "what did not pass has an error");
    }
    let passed = results.iter().filter(|result| result.pass).count();
    write!(text, "--\n{passed} tests passed, {} tests failed.", results.len() - passed)?;
    Ok(text)
}
