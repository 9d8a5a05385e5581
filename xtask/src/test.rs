//! `cargo xtask test`: everything that must hold, one part after the other. A part that fails does not stop the next.

use std::{
    env,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::AtomicBool,
};

use anyhow::{Result, bail, ensure};
use parallax_campaign::{
    Campaign, Isolation, Limits, Selection, TestTask, TestVerdict, Workers, discover, engines::EngineName,
    shared_folder, statetest_isolated,
};
use parallax_shadow_diff::ShadowMode;

use crate::{
    blocks,
    checks::sanitize,
    diff::{self, Table},
    fixtures::{self, snapshots},
    mutants,
    parts::Parts,
    release, ui, validate, workspace,
};

/// Failures that are printed; the others are counted.
const SHOWN: usize = 5;

/// What `cargo xtask test` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only what needs no other folder: no official data, in the tests of the crates neither.
    #[arg(long)]
    own: bool,
    /// Instead: Miri over the fast engine and the analysis, in both aliasing models. Needs nightly, brings its own parts.
    #[arg(long, conflicts_with_all = ["own", "asan"])]
    miri: bool,
    /// Instead: the address sanitizer over the fast engine and the official cases, in every tiering. Needs nightly.
    #[arg(long, conflicts_with = "own")]
    asan: bool,
    /// Instead: the build that users get, on the fixtures, on the official tests and in the fast engine's own tests.
    #[arg(long, conflicts_with_all = ["miri", "asan"])]
    release: bool,
    /// Instead: all benchmark blocks on primary, mini and revm, in the build that users get. The archive beside the repository, or
    /// another one, or a folder that one was unpacked into. The other tests run those of at most 10 Mgas.
    #[arg(long, value_name = "PATH", num_args = 0..=1, conflicts_with_all = ["own", "miri", "asan", "release"])]
    long: Option<Option<PathBuf>>,
}

/// The official data that tests use, by folder or archive.
const OFFICIAL: [(&str, &str); 5] = [
    ("eest", "the official state tests"),
    ("eels-traces", "the specification's traces"),
    ("client-traces", "the clients' traces"),
    ("bench", "the benchmark programs"),
    (blocks::ARCHIVE, "the benchmark blocks"),
];

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.miri {
        return sanitize::miri();
    }
    if arguments.asan {
        return sanitize::asan();
    }
    if arguments.release {
        return release::run(arguments.own);
    }
    if let Some(path) = &arguments.long {
        return blocks::long(path.as_deref());
    }
    let official = diff::official().filter(|_| !arguments.own);
    let mut parts = Parts::default();
    parts.run("cargo test --workspace --profile checked --no-fail-fast", || cargo_test(arguments.own));
    parts.run("cargo xtask fixtures --check", || {
        fixtures::run(&fixtures::Arguments { check: true, snapshots_are_checked: true })
    });
    parts.run("planted faults, a drawn sample", mutants::sample);
    parts.run("cargo xtask validate --quick", || validate::run(&validate::Arguments::quick(arguments.own)));
    parts.run("pairs of engines on the fixtures, in every mode", || compare(&diff::fixture_paths()));
    if let Some(folder) = &official {
        for engine in [EngineName::Primary, EngineName::Mini, EngineName::Revm] {
            parts.run(&format!("official state tests on {}", engine.name()), || state_tests(folder, engine));
        }
        parts.run("pairs of engines on the official state tests", || compare(std::slice::from_ref(folder)));
    }
    if let Some(archive) = blocks::archive().filter(|_| !arguments.own) {
        blocks::small(&mut parts, &archive)?;
    }
    let absent = ui::missing();
    if absent.is_empty() || env::var_os("CI").is_some() {
        let page = |check| ui::Arguments { check, test: !check, bench: false };
        parts.run("cargo xtask ui --check", || ui::run(&page(true)));
        parts.run("cargo xtask ui --test", || ui::run(&page(false)));
    }
    let shared = shared_folder().filter(|_| !arguments.own);
    let is_there = |folder| shared.as_ref().is_some_and(|shared| shared.join(folder).exists());
    let missing: Vec<_> =
        OFFICIAL.iter().filter(|(folder, _)| !is_there(folder)).map(|(_, data)| *data).collect();
    if !missing.is_empty() {
        let reason = if arguments.own { "--own" } else { "not in ../shared, nor in PARALLAX_SHARED" };
        println!("left out: {} ({reason})", missing.join(", "));
    }
    if !absent.is_empty() {
        println!("left out: the devtool's page in a browser (apt-get install {})", absent.join(" "));
    }
    let venv = ["-c", "import ensurepip, venv"];
    if !Command::new("python3").args(venv).output().is_ok_and(|output| output.status.success()) {
        println!("left out: DuckDB on traces, and Spark (apt-get install python3 python3-venv)");
    } else if !Command::new("java").arg("-version").output().is_ok_and(|output| output.status.success()) {
        println!("left out: Spark (apt-get install default-jre-headless)");
    }
    parts.finish()
}

fn cargo_test(own: bool) -> Result<()> {
    let mut command = workspace::cargo();
    if own {
        // No folder has this name.
        command.env("PARALLAX_SHARED", "");
    }
    command.args(["test", "--workspace", "--profile", "checked", "--no-fail-fast", "--quiet"]);
    let (variable, references) = snapshots::references();
    snapshots::forget(&references)?;
    ensure!(command.env(variable, &references).status()?.success(), "tests failed");
    snapshots::check(&references)
}

/// The fast engine against the plain one and against revm: what all three share cannot hide behind two that agree.
fn compare(paths: &[PathBuf]) -> Result<()> {
    let mut table = Table::default();
    let mini = EngineName::Mini;
    let pairs = [
        (EngineName::Primary, mini, ShadowMode::All),
        (EngineName::PrimaryRecover, mini, ShadowMode::PerBlock),
        (EngineName::Primary, EngineName::Revm, ShadowMode::All),
    ];
    for (left, right, mode) in pairs {
        table.add(diff::compare(paths, [left, right], mode, 0)?);
    }
    table.finish()
}

fn state_tests(folder: &Path, engine: EngineName) -> Result<()> {
    let files = discover(&[folder.to_owned()], &mut std::io::empty())?;
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &files, selection: &selection, jobs: 0, cancel: &cancel };
    let engine = engine.name();
    let command = format!("parallax statetest --engine {engine}");
    let task = TestTask { engine: engine.to_owned(), command, json: false, digest: None, max_steps: None };
    let workers = Workers::of_this_program(["worker"], Limits::default())?;
    let mut shown = 0;
    let summary = statetest_isolated(&campaign, &task, Isolation::Workers(&workers), |report, _| {
        let known = report.verdict != TestVerdict::Unsupported;
        if let (true, Some(text)) = (known && shown < SHOWN, &report.text) {
            shown += 1;
            println!("{text}");
        }
        ControlFlow::Continue(())
    })?;
    println!("{}", summary.text(engine));
    if summary.passed == 0 || summary.failures() > 0 || !summary.complete {
        bail!("{} of the official state tests failed", summary.failures());
    }
    Ok(())
}
