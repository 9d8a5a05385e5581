//! What `cargo metadata` says of the workspace's packages, and what each of them must have.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result};
use serde_json::Value;

use super::finding::Finding;
use crate::workspace;

/// The longest example of a crate's README, in lines.
const EXAMPLE_LINES: usize = 20;

/// One package of the workspace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its short name: without `parallax-`.
    pub(crate) name: String,
    /// Its folder, from the root on.
    pub(crate) folder: String,
    /// Packages of the workspace that it depends on, those for tests apart.
    pub(crate) edges: BTreeSet<String>,
    /// Packages of the registry that it depends on, those for tests apart.
    pub(crate) outside: BTreeSet<String>,
    /// Sources of dependencies that are neither: git, another registry.
    pub(crate) foreign: Vec<String>,
}

/// Reads the answer of `cargo metadata --no-deps`.
pub(crate) fn read(metadata: &Value) -> Result<Vec<Package>> {
    let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
    packages.iter().map(package).collect()
}

fn package(value: &Value) -> Result<Package> {
    let name = short(value["name"].as_str().context("a package without a name")?);
    let manifest = value["manifest_path"].as_str().context("a package without a manifest")?;
    let folder = Path::new(manifest).parent().map(workspace::shown).unwrap_or_default();
    let mut package =
        Package { name, folder, edges: BTreeSet::new(), outside: BTreeSet::new(), foreign: Vec::new() };
    for dependency in value["dependencies"].as_array().into_iter().flatten() {
        let name = dependency["name"].as_str().unwrap_or_default();
        let is_for_tests = dependency["kind"] == "dev";
        match dependency["source"].as_str() {
            None if !is_for_tests => drop(package.edges.insert(short(name))),
            Some("registry+https://github.com/rust-lang/crates.io-index") if !is_for_tests => {
                package.outside.insert(name.to_owned());
            }
            None | Some("registry+https://github.com/rust-lang/crates.io-index") => {}
            Some(source) => package.foreign.push(format!("{name} comes from {source}")),
        }
    }
    Ok(package)
}

/// A package's name as ARCHITECTURE.md has it.
fn short(name: &str) -> String {
    name.strip_prefix("parallax-").unwrap_or(name).to_owned()
}

/// Sources of dependencies; README with a compiled example; no unsafe code but where it is allowed.
pub(crate) fn check(root: &Path, packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let manifest = format!("{}/Cargo.toml", package.folder);
        findings.extend(package.foreign.iter().map(|what| Finding::new(&manifest, 0, what)));
        let read = |file: &str| fs::read_to_string(root.join(&package.folder).join(file)).ok();
        let (library, binary) = (read("src/lib.rs"), read("src/main.rs"));
        for (file, text) in [("src/lib.rs", &library), ("src/main.rs", &binary)] {
            let file = format!("{}/{file}", package.folder);
            if let Some(text) = text
                && !super::source::UNSAFE_CRATES.contains(&package.name.as_str())
                && !text.contains("#![forbid(unsafe_code)]")
            {
                findings.push(Finding::new(&file, 1, "no #![forbid(unsafe_code)]"));
            }
        }
        if let Some(library) = library {
            let file = format!("{}/src/lib.rs", package.folder);
            if !library.contains("#![doc = include_str!(\"../README.md\")]") {
                findings.push(Finding::new(&file, 1, "does not include its README as documentation"));
            }
            let readme = format!("{}/README.md", package.folder);
            findings.extend(check_readme(&readme, &read("README.md").unwrap_or_default()));
        }
    }
    findings
}

fn check_readme(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut examples = 0;
    let mut start = None;
    for (index, line) in text.lines().enumerate() {
        match start {
            None if line == "```rust" || line.starts_with("```rust,") => start = Some(index),
            Some(first) if line == "```" => {
                examples += 1;
                let length = index - first - 1;
                if length > EXAMPLE_LINES {
                    let what = format!("an example of {length} lines, {EXAMPLE_LINES} are allowed");
                    findings.push(Finding::new(file, first + 1, what));
                }
                start = None;
            }
            _ => {}
        }
    }
    if examples == 0 {
        findings.push(Finding::new(file, 0, "no example in Rust"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dependencies_are_sorted_by_where_they_come_from() {
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        let metadata = json!({ "packages": [{
            "name": "parallax-one",
            "manifest_path": workspace::root().join("crates/one/Cargo.toml"),
            "dependencies": [
                { "name": "parallax-two", "source": null, "kind": null },
                { "name": "parallax-three", "source": null, "kind": "dev" },
                { "name": "serde", "source": registry, "kind": null },
                { "name": "insta", "source": registry, "kind": "dev" },
                { "name": "evil", "source": "git+https://example.com/evil", "kind": "dev" },
            ],
        }] });
        let expected = Package {
            name: "one".into(),
            folder: "crates/one".into(),
            edges: ["two".to_owned()].into(),
            outside: ["serde".to_owned()].into(),
            foreign: vec!["evil comes from git+https://example.com/evil".into()],
        };
        assert_eq!(read(&metadata).unwrap(), [expected]);
    }

    #[test]
    fn examples_are_there_and_short() {
        assert_eq!(check_readme("R", "```rust\nlet a = 1;\n```\n"), []);
        assert_eq!(check_readme("R", "no code"), [Finding::new("R", 0, "no example in Rust")]);
        let long = format!("\n```rust\n{}```\n", "x\n".repeat(21));
        assert_eq!(
            check_readme("R", &long),
            [Finding::new("R", 2, "an example of 21 lines, 20 are allowed")]
        );
    }
}
