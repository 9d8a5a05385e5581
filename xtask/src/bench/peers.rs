//! What `xtask/peers` measures: tracing against the tracers of others, and what tracers cost that are off. A package of its
//! own, outside the workspace: it drags in what we do not ship, and "without tracers" must mean without them in the graph.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use parallax_campaign::shared_folder;

use crate::workspace;

/// Program, the gas its lines are cut at, and its records. revm-inspectors copies the memory at nearly every store: its record
/// of 1.2 million steps of snailtracer did not fit 24 GB.
const TRACED: [(&str, &str, &str); 2] = [
    ("evmbench__erc20-transfer.json", "14000000", "14000000"),
    ("main__snailtracer__benchmark.json", "14000000", "6000000"),
];
/// The program whose instructions are counted, besides the one that is always there.
const COUNTED: &str = "main__sha1_shifts__5311.json";
/// The share of instructions that a tracer may cost that is off.
const FREE: f64 = 0.005;

pub(super) fn tracing(rounds: u32) -> Result<()> {
    let shared = shared_folder().context("no ../shared folder (set PARALLAX_SHARED)")?;
    let built = build(&["--features", "peers", "--bin", "lines-and-records", "--bin", "bytes-held"])?;
    let mut speed = Command::new(built.join("lines-and-records"));
    let mut bytes = Command::new(built.join("bytes-held"));
    speed.arg(rounds.to_string());
    for (program, lines_cap, records_cap) in TRACED {
        let path = shared.join("bench").join(program);
        speed.arg(&path).args([lines_cap, records_cap]);
        bytes.arg(&path).arg(records_cap);
    }
    for mut command in [speed, bytes] {
        let status = command.status()?;
        ensure!(status.success(), "{command:?}: {status}");
    }
    Ok(())
}

/// Instructions of a run with tracers and a comparison that are off, against one in an executable that has none.
pub(super) fn free_when_off() -> Result<()> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        bail!("no valgrind to count instructions with (Debian's package: valgrind)");
    }
    let built = build(&["--bin", "off-without"])?;
    build(&["--features", "tracers", "--bin", "off-with"])?;
    let (without, with) = (built.join("off-without"), built.join("off-with"));
    let shared = shared_folder().map(|shared| shared.join("bench").join(COUNTED));
    if shared.is_none() {
        eprintln!("left out: {COUNTED}, for want of a ../shared folder (set PARALLAX_SHARED)");
    }
    println!("{:34}{:>16}{:>10}", "instructions a run", "", "more");
    let mut costly = Vec::new();
    for program in [None, shared.as_deref()].into_iter().take(1 + usize::from(shared.is_some())) {
        let name = program.map_or("embedded", |_| "sha1_shifts");
        for engine in ["primary", "mini"] {
            let base = instructions(&without, engine, "plain", program)?;
            println!("{:34}{base:>16}", format!("{name}, {engine}, no tracers linked"));
            for (binary, way) in [
                (&without, "no-hooks"),
                (&with, "plain"),
                (&with, "absent"),
                (&with, "inactive"),
                (&with, "shadow-off"),
            ] {
                let count = instructions(binary, engine, way, program)?;
                let more = share_above(count, base);
                let title = format!("{name}, {engine}, {way}");
                println!("{title:34}{count:>16}{:>9.3}%", 100.0 * more);
                if more.abs() > FREE {
                    costly.push(title);
                }
            }
        }
    }
    // If tracers that are on cost nothing either, what was counted is not the run.
    let base = instructions(&without, "primary", "plain", None)?;
    let traced = instructions(&with, "primary", "tracing", None)?;
    ensure!(
        share_above(traced, base) > FREE,
        "tracing itself shows no cost: {traced} instructions, {base} off"
    );
    ensure!(costly.is_empty(), "not free: {}", costly.join("; "));
    Ok(())
}

/// Builds executables of the package and answers where they are.
fn build(arguments: &[&str]) -> Result<PathBuf> {
    let target = workspace::target().join("peers");
    let mut cargo = workspace::cargo();
    cargo
        .args(["build", "--quiet", "--release", "--manifest-path", "xtask/peers/Cargo.toml", "--target-dir"])
        .arg(&target)
        .args(arguments);
    let status = cargo.status()?;
    ensure!(status.success(), "{cargo:?}: {status}");
    Ok(target.join("release"))
}

/// Instructions of one run, when caches are warm: start and end of the process cancel out.
fn instructions(binary: &Path, engine: &str, way: &str, program: Option<&Path>) -> Result<u64> {
    let counts = ["2", "3"].map(|runs| {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        valgrind.arg(binary).args([engine, way, runs]).args(program);
        let output = valgrind.output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{valgrind:?}: {text}");
        let collected = text.lines().find_map(|line| line.split_once("Collected : ")).context("no count")?;
        Ok(collected.1.trim().parse::<u64>()?)
    });
    let [few, more] = counts;
    Ok(more?.saturating_sub(few?))
}

/// How much more `count` is than `base`, as a share of it.
fn share_above(count: u64, base: u64) -> f64 {
    // Far below 2^52.
    #[allow(clippy::cast_precision_loss)]
    let [count, base] = [count, base.max(1)].map(|count| count as f64);
    count / base - 1.0
}
