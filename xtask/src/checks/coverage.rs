//! `cargo xtask coverage`: which lines of each crate its own tests and those of the others run.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{add_components, api};
use crate::workspace;

/// What `cargo xtask coverage` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Instead: which public items no test, example, bench or documentation names. Runs nothing.
    #[arg(long)]
    api: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.api {
        return api::run();
    }
    let installed = workspace::output(workspace::cargo().args(["llvm-cov", "--version"])).is_ok();
    ensure!(installed, "cargo-llvm-cov is not installed: cargo install cargo-llvm-cov --locked");
    let toolchain = std::env::var("RUSTUP_TOOLCHAIN").context("run it as `cargo xtask coverage`")?;
    add_components(&toolchain, &["llvm-tools"])?;
    let output = workspace::root().join("target/coverage.json");
    let mut command = workspace::cargo();
    command.args(["llvm-cov", "--workspace", "--profile", "checked", "--quiet", "--json", "--summary-only"]);
    // No folder has this name: the project's own tests alone.
    command.arg("--output-path").arg(&output).env("PARALLAX_SHARED", "");
    ensure!(command.status()?.success(), "tests failed");
    let report = std::fs::read_to_string(&output).context("cargo-llvm-cov wrote no report")?;
    print!("{}", table(&serde_json::from_str(&report)?, &workspace::root().display().to_string()));
    Ok(())
}

/// Lines and covered lines of each crate.
fn table(report: &Value, root: &str) -> String {
    let mut crates: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let files = report["data"][0]["files"].as_array().map_or(&[][..], Vec::as_slice);
    for file in files {
        let lines = |name: &str| file["summary"]["lines"][name].as_u64().unwrap_or(0);
        let Some(path) = file["filename"].as_str().and_then(|path| path.strip_prefix(root)) else { continue };
        let path = path.trim_start_matches('/');
        let name = path.strip_prefix("crates/").unwrap_or(path).split('/').next().unwrap_or(path);
        for key in [name, "all"] {
            let (count, covered) = crates.entry(key).or_default();
            (*count, *covered) = (*count + lines("count"), *covered + lines("covered"));
        }
    }
    let mut text = format!("{:<24}{:>8}{:>9}{:>9}\n", "crate", "lines", "covered", "");
    for (name, (count, covered)) in crates {
        let tenths = covered * 1000 / count.max(1);
        text += &format!("{name:<24}{count:>8}{covered:>9}{:>7}.{} %\n", tenths / 10, tenths % 10);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_summed_by_crate() {
        let file = |name: &str, count: u64, covered: u64| json!({"filename": name, "summary": {"lines": {"count": count, "covered": covered}}});
        let report = json!({"data": [{"files": [
            file("/r/crates/a/src/lib.rs", 10, 9),
            file("/r/crates/a/src/b.rs", 90, 90),
            file("/r/xtask/src/main.rs", 100, 0),
            file("/elsewhere/lib.rs", 7, 7),
        ]}]});
        let expected = [
            ["a", "100", "99", "99.0", "%"],
            ["all", "200", "99", "49.5", "%"],
            ["xtask", "100", "0", "0.0", "%"],
        ];
        let found = table(&report, "/r");
        let found: Vec<Vec<&str>> =
            found.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(found, expected);
    }
}
