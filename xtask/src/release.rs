//! `cargo xtask test --release`: the build that users get. It has one codegen unit, link-time optimisation over all crates, and neither
//! assertions nor overflow checks: what those would have stopped goes on here, and only answers tell. So it is the binary itself
//! that runs the fixtures and the official tests in every form of the fast engine, whose unsafe code the optimiser sees whole, and
//! that engine's own tests.

use std::{path::Path, process::Command};

use anyhow::{Result, ensure};

use crate::{
    diff, fixtures,
    parts::Parts,
    workspace::{self, target},
};

const FIXTURES: &str = "fixtures/state-tests";

/// What each part runs of the binary on the fixtures.
const ON_FIXTURES: [&[&str]; 8] = [
    &["statetest", "--engine", "primary"],
    &["statetest", "--engine", "primary-always"],
    &["statetest", "--engine", "primary-recover"],
    &["statetest", "--engine", "primary-exact"],
    &["statetest", "--engine", "mini"],
    &["diff"],
    &["diff", "--mode", "per-block", "--left", "primary-recover"],
    &["diff", "--right", "revm"],
];

/// What runs on the official tests: each form of the fast engine that has code of its own.
const ON_OFFICIAL: [&[&str]; 3] = [
    &["statetest", "--engine", "primary"],
    &["statetest", "--engine", "primary-always"],
    &["statetest", "--engine", "primary-exact"],
];

pub(crate) fn run(own: bool) -> Result<()> {
    let mut parts = Parts::default();
    let build = ["build", "--release", "--quiet", "--package", "parallax-cli"];
    parts.run(&format!("cargo {}", build.join(" ")), || succeed(workspace::cargo().args(build)));
    let binary = target().join("release/parallax");
    for arguments in ON_FIXTURES {
        part(&mut parts, &binary, arguments, Path::new(FIXTURES));
    }
    for engine in ["primary", "mini"] {
        parts.run(&format!("traces of {engine} against fixtures/traces.txt"), || {
            fixtures::digests::check_binary(&binary, engine, FIXTURES)
        });
    }
    let official = diff::official().filter(|_| !own);
    match &official {
        Some(folder) => ON_OFFICIAL.iter().for_each(|arguments| part(&mut parts, &binary, arguments, folder)),
        None => println!("left out: the official state tests"),
    }
    let tests = ["test", "--release", "--quiet", "--package", "parallax-primary-interpreter"];
    parts.run(&format!("cargo {}", tests.join(" ")), || succeed(workspace::cargo().args(tests)));
    parts.finish()
}

fn part(parts: &mut Parts, binary: &Path, arguments: &[&str], path: &Path) {
    let mut command = Command::new(binary);
    command.current_dir(workspace::root()).args(arguments).arg(path);
    parts.run(&format!("parallax {} {}", arguments.join(" "), workspace::shown(path)), || {
        succeed(&mut command)
    });
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    ensure!(status.success(), "{status}");
    Ok(())
}
