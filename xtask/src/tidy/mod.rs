//! `cargo xtask tidy`: the rules of the repository that no other tool checks. It prints `file:line: what` per finding.

mod circles;
mod edges;
mod finding;
mod modules;
mod opcodes;
mod packages;
mod source;

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use anyhow::{Result, bail};

use crate::workspace;

pub(crate) use modules::words;

pub(crate) fn run() -> Result<()> {
    let root = workspace::root();
    let metadata =
        workspace::output(workspace::cargo().args(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata = serde_json::from_str(&metadata)?;
    let packages = packages::read(&metadata)?;
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md"))?;
    let mut findings = edges::check(&architecture, &packages);
    findings.extend(packages::check(&root, &packages));
    let files = files(&root)?;
    let mut rust = BTreeMap::new();
    for file in &files {
        // What is not text is not ours to read.
        if let Ok(text) = fs::read_to_string(root.join(file)) {
            findings.extend(source::check(file, &text));
            if file.ends_with(".rs") {
                rust.insert(file.clone(), text);
            }
        }
    }
    findings.extend(circles::check(&rust));
    findings.extend(opcodes::check(&root)?);
    findings.sort();
    for finding in &findings {
        match finding.line {
            0 => println!("{}: {}", finding.file, finding.what),
            line => println!("{}:{line}: {}", finding.file, finding.what),
        }
    }
    if !findings.is_empty() {
        bail!("{} findings", findings.len());
    }
    println!("tidy: {} files, {} packages", files.len(), packages.len());
    Ok(())
}

/// Every file of the repository that exists, tracked or about to be.
pub(crate) fn files(root: &Path) -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let list = workspace::output(&mut git)?;
    Ok(list.split('\0').filter(|file| root.join(file).is_file()).map(str::to_owned).collect())
}
