//! `cargo xtask diff`: pairs of engines over the fixtures, each engine on its own state, as a table with one line per pair.

use std::{
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use parallax_campaign::{
    Campaign, DiffSummary, DiffTask, Form, Isolation, Limits, Selection, Workers, diff_isolated, discover,
    engines::EngineName, shared_folder,
};

use parallax_shadow_diff::ShadowMode;

use crate::fixtures;

/// Divergences that are printed in full; the others are counted.
const SHOWN: usize = 5;

/// What `cargo xtask diff` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// State tests: files, folders, or - for a list of them on standard input. Without: the fixtures.
    paths: Vec<PathBuf>,
    /// The official state tests too, if `../shared` is there.
    #[arg(long)]
    eest: bool,
    /// The engine on the left.
    #[arg(long, default_value = "primary")]
    left: EngineName,
    /// The engine on the right.
    #[arg(long, default_value = "mini")]
    right: EngineName,
    /// Compare the left engine with these, too; revm is one.
    #[arg(long, value_name = "ENGINE")]
    also: Vec<EngineName>,
    /// How often the engines are compared: all (per step, and the fast form per block), per-step, per-block or per-call.
    #[arg(long, default_value = "all", value_parser = mode)]
    mode: ShadowMode,
    /// Workers; all cores if zero.
    #[arg(long, default_value_t = 0)]
    jobs: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut paths = arguments.paths.clone();
    if paths.is_empty() {
        paths = fixture_paths();
    }
    match (arguments.eest, official()) {
        (true, Some(folder)) => paths.push(folder),
        (_, None) => println!("left out: the official state tests, as there is no ../shared/eest"),
        (false, Some(_)) => println!("--eest adds the official state tests"),
    }
    let mut table = Table::default();
    for right in std::iter::once(&arguments.right).chain(&arguments.also) {
        table.add(compare(&paths, [arguments.left, *right], arguments.mode, arguments.jobs)?);
    }
    table.finish()
}

/// The fixtures, and the regressions if there are any.
pub(crate) fn fixture_paths() -> Vec<PathBuf> {
    let regressions = fixtures::regressions::folder();
    let folders = std::iter::once(fixtures::folder()).chain(regressions.is_dir().then_some(regressions));
    // Reports print commands with these paths: short ones if they can be.
    let here = std::env::current_dir().unwrap_or_default();
    folders.map(|folder| folder.strip_prefix(&here).map(PathBuf::from).unwrap_or(folder)).collect()
}

/// The official state tests, if they are there.
pub(crate) fn official() -> Option<PathBuf> {
    shared_folder().map(|folder| folder.join("eest")).filter(|folder| folder.is_dir())
}

fn mode(text: &str) -> Result<ShadowMode, String> {
    let modes = [ShadowMode::PerCall, ShadowMode::PerBlock, ShadowMode::PerStep, ShadowMode::All];
    let mode = modes.into_iter().find(|mode| mode.name() == text);
    mode.ok_or_else(|| "expected all, per-step, per-block or per-call".to_owned())
}

/// One line of the table.
pub(crate) struct Line {
    sides: [EngineName; 2],
    mode: ShadowMode,
    summary: DiffSummary,
    /// Opcodes, block entries or messages.
    steps: u64,
    /// Of each engine apart, all workers together.
    times: [Duration; 2],
    time: Duration,
}

/// Compares two engines on every case below `paths` and prints the first divergences.
pub(crate) fn compare(
    paths: &[PathBuf],
    sides: [EngineName; 2],
    mode: ShadowMode,
    jobs: usize,
) -> Result<Line> {
    let start = Instant::now();
    let files = discover(paths, &mut std::io::stdin().lock())?;
    let selection = Selection::default();
    let cancel = AtomicBool::new(false);
    let campaign = Campaign { files: &files, selection: &selection, jobs, cancel: &cancel };
    let [left, right] = sides.map(EngineName::name);
    let task = DiffTask {
        left: left.to_owned(),
        right: right.to_owned(),
        rules: [None; 2],
        mode,
        exact_halts: false,
        measure_time: true,
        max_steps: None,
        command: format!("parallax diff --mode {} --left {left} --right {right}", mode.name()),
        forms: vec![Form::Text],
    };
    let workers = Workers::of_this_program(["worker"], Limits::default())?;
    let (mut steps, mut times, mut shown) = (0, [Duration::ZERO; 2], 0);
    let summary = diff_isolated(&campaign, &task, Isolation::Workers(&workers), |report, _| {
        steps += report.steps;
        times[0] += report.times[0];
        times[1] += report.times[1];
        // What was not compared is in the table, and no fault.
        let is_fault = report.sum.diverged + report.sum.errors() > 0;
        if let (true, Some(text)) = (is_fault && shown < SHOWN, &report.told.text) {
            shown += 1;
            println!("{text}");
        }
        ControlFlow::Continue(())
    })
    .context("the campaign did not come to its end")?;
    Ok(Line { sides, mode, summary, steps, times, time: start.elapsed() })
}

impl Line {
    /// Steps a second of one engine, by its own time.
    fn rate(&self, side: usize) -> String {
        let seconds = self.times[side].as_secs_f64();
        if seconds == 0.0 || !matches!(self.mode, ShadowMode::PerStep | ShadowMode::All) {
            return "-".to_owned();
        }
        // A count of steps is far below 2^52.
        #[allow(clippy::cast_precision_loss)]
        let millions = self.steps as f64 / seconds / 1e6;
        format!("{millions:.2} M")
    }
}

/// Lines under one another.
#[derive(Default)]
pub(crate) struct Table(Vec<Line>);

impl Table {
    pub(crate) fn add(&mut self, line: Line) {
        self.0.push(line);
    }

    fn text(&self) -> String {
        // The verdicts that hardly ever come are columns only where one came.
        let counts =
            |summary: &DiffSummary| summary.counts().into_iter().chain([("unreadable", summary.unreadable)]);
        let is_shown = |verdict: &str| {
            let came = |line: &Line| counts(&line.summary).any(|(name, count)| name == verdict && count > 0);
            ["agree", "rejected", "diverge", "poisoned"].contains(&verdict) || self.0.iter().any(came)
        };
        let names = self.0.iter().flat_map(|line| line.sides.map(EngineName::name));
        let width = names.map(str::len).max().unwrap_or(0);
        let mut text = format!("{:width$} {:width$} {:9} {:>8}", "left", "right", "mode", "cases");
        for (name, _) in counts(&DiffSummary::default()).filter(|(name, _)| is_shown(name)) {
            text.push_str(&format!(" {name:>8}"));
        }
        text.push_str("      steps     time  steps/s left, right\n");
        // Behind all lines, what was run in the fast form on each.
        let mut fast = String::new();
        for line in &self.0 {
            let Line { sides: [left, right], mode, steps, time, summary, .. } = line;
            let (left, right) = (left.name(), right.name());
            let (mode, cases, seconds) = (mode.name(), summary.cases(), time.as_secs_f64());
            text.push_str(&format!("{left:width$} {right:width$} {mode:9} {cases:8}"));
            for (name, count) in counts(summary).filter(|(name, _)| is_shown(name)) {
                text.push_str(&format!(" {count:>width$}", width = name.len().max(8)));
            }
            let rates = [0, 1].map(|side| line.rate(side)).join(", ");
            text.push_str(&format!(" {steps:10} {seconds:6.1} s  {rates}\n"));
            if let Some(line) = summary.fast_text() {
                fast.push_str(&format!("{left} and {right}, {mode}: {line}\n"));
            }
        }
        text + &fast
    }

    /// Prints the table; an error if a pair does not agree.
    pub(crate) fn finish(&self) -> Result<()> {
        print!("{}", self.text());
        if !self.0.iter().all(|line| line.summary.is_success()) {
            bail!("the engines do not agree");
        }
        if self.0.iter().any(|line| line.summary.is_about_nothing()) {
            bail!("nothing was compared: no case has anything that both sides run and tell");
        }
        Ok(())
    }
}
