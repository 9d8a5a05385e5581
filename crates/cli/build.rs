//! Notes what the version says: the commit, and the version of revm.

use std::{env, fs, path::Path, process::Command};

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../..");
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(&root).output().ok()?;
        let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
        Some(text.trim().to_owned())
    };
    // A copy of the sources need not be a repository, and then has no commit to name.
    if let Some(commit) = git(&["log", "-1", "--format=%h %cs"]) {
        println!("cargo::rustc-env=PARALLAX_COMMIT={commit}");
    }
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--path-format=absolute", "--git-path", file]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let lock = root.join("Cargo.lock");
    if let Some(version) = fs::read_to_string(&lock).ok().as_deref().and_then(revm) {
        println!("cargo::rustc-env=PARALLAX_REVM={version}");
        println!("cargo::rerun-if-changed={}", lock.display());
    }
    println!("cargo::rerun-if-changed=build.rs");
}

/// The version of revm in a Cargo.lock.
fn revm(lock: &str) -> Option<&str> {
    let (_, rest) = lock.split_once("\nname = \"revm\"\nversion = \"")?;
    rest.split('"').next()
}
