//! A copy of the tree with every fault of the catalogue in it, and what is built there.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::catalogue::Catalogue;
use crate::workspace;

/// Says which fault is on.
pub(super) const VARIABLE: &str = "PARALLAX_PLANTED_FAULT";

/// The file of `primitives` that gets the switch.
const SWITCHES: &str = "crates/primitives/src/lib.rs";

const SWITCH: &str = r#"
/// Whether the planted fault with this number is on.
pub fn planted(number: u32) -> bool {
    static ON: std::sync::LazyLock<u32> =
        std::sync::LazyLock::new(|| std::env::var("VARIABLE").ok().and_then(|on| on.parse().ok()).unwrap_or(0));
    *ON == number
}
"#;

/// What is built of the copy.
pub(super) struct Scratch {
    /// The `parallax` binary, under a name of its own: the folder that is built in has the sound one as well.
    pub(super) parallax: PathBuf,
    /// Tests that are the witness of a layer, by the layer's name.
    pub(super) witnesses: BTreeMap<&'static str, PathBuf>,
    /// Where it was built.
    pub(super) tree: PathBuf,
}

/// A test that looks at what the comparison cannot: the layer, the package, the feature it needs, the test.
type Witness = (&'static str, &'static str, Option<&'static str>, &'static str);

const WITNESSES: [Witness; 2] = [
    // Both sides have their numbers from here.
    ("facts", "parallax-primitives", None, "facts_witness"),
    // It proves of each translation what a run may not meet.
    ("translator", "parallax-analysis", Some("parallax-analysis/validate"), "validation"),
];

/// Copies the tree, plants all faults in the copy and builds it; with the witnesses of these layers.
pub(super) fn build(catalogue: &Catalogue, layers: &[&str]) -> Result<Scratch> {
    let target = target();
    let tree = target.join("mutants/tree");
    write(&tree, catalogue.planted()?)?;
    let parallax = compile(&tree, &target, &["--package", "parallax-cli", "--bin", "parallax-planted"])?;
    let mut witnesses = BTreeMap::new();
    for (layer, package, feature, test) in WITNESSES.into_iter().filter(|witness| layers.contains(&witness.0))
    {
        let mut arguments = vec!["--package", package, "--test", test];
        arguments.extend(feature.into_iter().flat_map(|feature| ["--features", feature]));
        witnesses.insert(layer, compile(&tree, &target, &arguments)?);
    }
    Ok(Scratch { parallax, witnesses, tree })
}

/// Where cargo builds: what is from the registry need not be built again for the copy.
fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace::root().join("target"), PathBuf::from)
}

/// Writes what git knows, and what is new, with the planted sources in place of the others.
fn write(tree: &Path, mut planted: BTreeMap<String, String>) -> Result<()> {
    let mut git = Command::new("git");
    git.current_dir(workspace::root()).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let files = workspace::output(&mut git)?;
    let known: BTreeSet<_> = files.lines().map(|file| tree.join(file)).collect();
    remove_others(tree, &known)?;
    for file in files.lines() {
        let (from, to) = (workspace::root().join(file), tree.join(file));
        // Deleted, and git was not told.
        if !from.is_file() {
            continue;
        }
        let mut bytes = match planted.remove(file) {
            Some(text) => text.into_bytes(),
            None => fs::read(&from).with_context(|| format!("cannot read {file}"))?,
        };
        if file == SWITCHES {
            bytes.extend(SWITCH.replace("VARIABLE", VARIABLE).bytes());
        }
        if let "Cargo.toml" | "Cargo.lock" = file {
            let text = String::from_utf8(bytes)?;
            let other = renumbered(&text);
            ensure!(other != text, "{file}: the packages of the workspace have no version");
            bytes = other.into_bytes();
        }
        // What is as it was is not built again.
        if fs::read(&to).is_ok_and(|there| there == bytes) {
            continue;
        }
        fs::create_dir_all(to.parent().unwrap_or(tree))?;
        fs::write(&to, bytes).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}

/// The manifest or the lock file of the workspace, its packages with a version of their own: what cargo has built of the copy is then
/// never taken for what it has built of the tree, nor the other way round.
fn renumbered(text: &str) -> String {
    // What is from a registry says so.
    let is_ours = |part: &str| {
        let is_package = part.starts_with("workspace.package]") || part.starts_with("[package]]");
        is_package && !part.contains("\nsource = ")
    };
    let number = |part: &str| {
        let (before, rest) = part.split_once("version = \"")?;
        let (version, after) = rest.split_once('"')?;
        Some(format!("{before}version = \"{version}+planted\"{after}"))
    };
    let part = |part: &str| is_ours(part).then(|| number(part)).flatten().unwrap_or_else(|| part.to_owned());
    text.split("\n[").map(part).collect::<Vec<_>>().join("\n[")
}

/// Takes away what an earlier copy had: a crate that is left behind would still be one of the workspace.
fn remove_others(folder: &Path, known: &BTreeSet<PathBuf>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            remove_others(&path, known)?;
            // Only if nothing is left in it.
            let _ = fs::remove_dir(&path);
        } else if !known.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Builds one program and answers where it is.
fn compile(tree: &Path, target: &Path, arguments: &[&str]) -> Result<PathBuf> {
    let mut cargo = workspace::cargo();
    cargo.current_dir(tree).env("CARGO_TARGET_DIR", target);
    let is_test = arguments.contains(&"--test");
    cargo.args([if is_test { "test" } else { "build" }, "--locked", "--profile", "checked"]);
    cargo.args(["--message-format", "json-render-diagnostics"]).args(arguments);
    if is_test {
        cargo.arg("--no-run");
    }
    let output = cargo.stdin(Stdio::null()).output().with_context(|| format!("cannot run {cargo:?}"))?;
    ensure!(
        output.status.success(),
        "the planted tree does not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    programs.next_back().context("cargo built no program")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_has_versions_of_its_own() {
        let manifest = "[workspace]\n\n[workspace.package]\nversion = \"0.1.0\"\n\n[workspace.dependencies]\nours = { version = \"0.1.0\" }\n";
        assert_eq!(renumbered(manifest), manifest.replacen("0.1.0", "0.1.0+planted", 1));
        let ours = "[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n";
        let lock = format!(
            "version = 4\n\n{ours}\n[[package]]\nname = \"other\"\nversion = \"0.1.0\"\nsource = \"registry\"\n"
        );
        assert_eq!(renumbered(&lock), lock.replacen("0.1.0", "0.1.0+planted", 1));
    }
}
