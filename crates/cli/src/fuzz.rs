//! `parallax fuzz`: generated cases on two sides or more, as many and as long as is wished.

pub(crate) mod arguments;
mod case_file;
mod interrupts;
mod metamorphic;
mod stored;

use std::{
    fs::File,
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, Write},
    sync::atomic::Ordering,
    thread,
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parallax_campaign::{
    DiffOutcome, DiffSetup, DiffSummary, Ended, Finding, Fuzz, FuzzProgress, FuzzSummary, FuzzTold, Group,
    Pair, Program, config, engines::EngineName, program_json, program_text, shell_word,
};
use parallax_generator::{Draw, Kind};
use parallax_primitives::Rules;
use parallax_shadow_diff::{ShadowConfig, ShadowMode, Verdict};
use parallax_store::{First, Found, Sort as StoredSort};

use self::{
    arguments::FuzzArguments,
    stored::{Keeper, Resumed},
};
use crate::{
    case_arguments::Mode,
    colour,
    diff_reports::Reports,
    libraries::load,
    outputs::Outputs,
    report::{Status, complain},
};

/// Why a block has no state test.
const NO_TRANSACTION: &str =
    "the sides part in no transaction of the block, and the form of state tests has no place for a block";

pub(crate) fn run(arguments: &FuzzArguments) -> Result<Status> {
    match stored::resumed(arguments)? {
        Some((then, resumed)) => fuzz(&then, Some(resumed)),
        None => fuzz(arguments, None),
    }
}

fn fuzz(arguments: &FuzzArguments, resumed: Option<Resumed>) -> Result<Status> {
    let sides = [&[arguments.left, arguments.right], &*arguments.also].concat();
    sides.iter().try_for_each(|side| load(*side))?;
    let seed = arguments.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let rules = stored::rules_of(arguments);
    if let Some(engine) = arguments.metamorphic {
        return metamorphic::run(arguments, engine, seed, &rules);
    }
    let pairs = pairs(arguments)?;
    let fuzz = Fuzz {
        seed,
        draw: Draw { rules: &rules, kinds: &arguments.kind },
        pairs: pairs.iter().map(|(left, right, config)| Pair { left, right, config: *config }).collect(),
        max_gas: arguments.max_gas,
        max_memory: usize::try_from(arguments.max_memory).unwrap_or(usize::MAX).saturating_mul(1 << 20),
        jobs: arguments.jobs.unwrap_or(0),
        first: arguments.first,
        programs: arguments.programs,
        time: arguments.time,
        until_coverage: arguments.until_coverage,
        fail_fast: arguments.fail_fast,
    };
    for name in &arguments.kind {
        let lacks = |rules: &&Rules| Kind::named(name).is_some_and(|kind| !kind.fits(**rules));
        if let Some(rules) = rules.iter().find(lacks) {
            bail!(
                "--kind {name}: its opcodes are of EIPs that {rules} lacks, expected --rules that have them"
            );
        }
    }
    ensure!(
        fuzz.counts_opcodes() || !arguments.until_coverage && arguments.coverage.is_none(),
        "--coverage and --until-coverage: opcodes are counted where they are compared, expected --mode per-step or all"
    );
    ensure!(
        arguments.first.checked_add(arguments.programs.unwrap_or(0)).is_some(),
        "--first {}: numbers end at 2^64 - 1",
        arguments.first
    );
    let told = Telling { arguments, seed, setups: setups(arguments, &pairs) };
    match arguments.case {
        Some(number) => told.one(&fuzz, number),
        None => {
            let setup = &told.setups[0];
            let command = (&*setup.command, setup.mode.name());
            told.all(&fuzz, Keeper::begin(arguments, seed, command, &rules, resumed)?)
        }
    }
}

/// The sides that are compared, and how.
fn pairs(arguments: &FuzzArguments) -> Result<Vec<(EngineName, EngineName, ShadowConfig)>> {
    let FuzzArguments { left, right, .. } = *arguments;
    let first = mode(arguments.mode, left, right)?;
    let mut pairs = vec![(left, right, first)];
    for also in &arguments.also {
        // As often as that side can be compared.
        let modes = [arguments.mode, Mode::PerStep, Mode::PerCall];
        let mode = modes.into_iter().find_map(|asked| mode(asked, right, *also).ok());
        pairs.push((right, *also, mode.unwrap_or(ShadowMode::PerCall)));
    }
    let config = |(left, right, mode): (EngineName, EngineName, ShadowMode)| {
        let config = ShadowConfig { max_steps: arguments.max_steps, ..config(&left, &right, mode) };
        (left, right, config)
    };
    Ok(pairs.into_iter().map(config).collect())
}

/// How often two sides are compared; an error if they cannot be.
fn mode(asked: Mode, left: EngineName, right: EngineName) -> Result<ShadowMode> {
    let sides = [left, right];
    let can = sides.map(|side| side.engine().capabilities());
    if asked == Mode::PerCall {
        return Ok(ShadowMode::PerCall);
    }
    if !can.iter().any(|can| can.pauses) {
        bail!(
            "{left} and {right}: neither can be stepped, expected primary or mini on one side, or --mode per-call"
        );
    }
    let (lacks, what, mode): (fn(bool, bool) -> bool, _, _) = match asked {
        Mode::PerBlock => (|_, blocks| !blocks, "blocks", ShadowMode::PerBlock),
        Mode::All => (|steps, _| !steps, "steps", ShadowMode::All),
        _ => (|steps, _| !steps, "steps", ShadowMode::PerStep),
    };
    let without = sides.into_iter().zip(can).find(|(_, can)| lacks(can.steps, can.blocks));
    if let Some((side, _)) = without {
        bail!("--mode {}: {side} shows no {what}, expected per-call", mode.name());
    }
    Ok(mode)
}

/// How each pair was asked for, for its reports. The command that runs a case again has all of them.
fn setups(arguments: &FuzzArguments, pairs: &[(EngineName, EngineName, ShadowConfig)]) -> Vec<DiffSetup> {
    let FuzzArguments { left, right, also, max_gas, max_steps, max_memory, .. } = arguments;
    let mode = clap::ValueEnum::to_possible_value(&arguments.mode);
    let mode = mode.as_ref().map_or("all", |mode| mode.get_name());
    let mut command = format!("parallax fuzz --mode {mode} --left {left} --right {right}");
    also.iter().for_each(|also| command.push_str(&format!(" --also {also}")));
    arguments
        .rules
        .iter()
        .for_each(|given| command.push_str(&format!(" --rules {}", shell_word(&given.text))));
    arguments.kind.iter().for_each(|kind| command.push_str(&format!(" --kind {kind}")));
    for (option, value, default) in [
        ("max-gas", *max_gas, 1 << 40),
        ("max-steps", *max_steps, 10_000_000),
        ("max-memory", u64::from(*max_memory), 64),
    ] {
        if value != default {
            command.push_str(&format!(" --{option} {value}"));
        }
    }
    let setup = |(left, right, config): &(EngineName, EngineName, ShadowConfig)| DiffSetup {
        command: command.clone(),
        ..DiffSetup::new(left.name(), right.name(), config)
    };
    pairs.iter().map(setup).collect()
}

/// How what is found is told.
struct Telling<'a> {
    arguments: &'a FuzzArguments,
    seed: u64,
    setups: Vec<DiffSetup>,
}

impl Telling<'_> {
    fn program(&self, number: u64, kind: &str, rules: Rules) -> Program {
        let seed = self.seed;
        let title = format!("case {number} of seed {seed}, {kind}");
        Program { title, rules, options: format!("--seed {seed} --case {number}") }
    }

    fn names(&self) -> Vec<[&str; 2]> {
        self.setups.iter().map(|setup| setup.engines.each_ref().map(String::as_str)).collect()
    }

    /// One case alone.
    fn one(&self, fuzz: &Fuzz<'_>, number: u64) -> Result<Status> {
        let case = fuzz.case(number);
        let program = self.program(number, case.kind, case.rules);
        if let Some(path) = &self.arguments.write {
            let transaction = fuzz.transaction_of(number).context(NO_TRANSACTION).context("--write")?;
            case_file::write(&transaction, path, &program.title, self.arguments.right)?;
        }
        let outcomes = fuzz.run_case(number);
        let mut reports = Reports::begin(&self.arguments.report, &self.setups[0], &mut Outputs::default())?;
        let mut sum = DiffSummary { complete: true, ..DiffSummary::default() };
        let mut lines = Vec::new();
        for (outcome, setup) in outcomes.iter().zip(&self.setups) {
            sum.add(&DiffSummary::of(outcome));
            reports.program(&program, outcome);
            lines.push(match self.arguments.json {
                true => program_json(&program, outcome),
                false => program_text(&program, outcome, setup)
                    .map_or_else(|| self.well(&program, outcome, setup), colour::painted),
            });
        }
        reports.finish(&sum)?;
        let text = lines.join("\n");
        match self.arguments.write.as_deref() {
            Some("-") => writeln!(io::stderr().lock(), "{text}")?,
            _ => writeln!(io::stdout().lock(), "{text}")?,
        }
        let is_failure = outcomes.iter().any(|outcome| outcome.verdict.is_failure());
        Ok(if is_failure { Status::Failure } else { Status::Well })
    }

    /// What is said of a case on which sides do not part.
    fn well(&self, program: &Program, outcome: &DiffOutcome, setup: &DiffSetup) -> String {
        let [left, right] = &setup.engines;
        let reason = outcome.verdict.reason().map_or(String::new(), |reason| format!(", {reason}"));
        let Program { title, rules, .. } = program;
        let (verdict, steps) = (outcome.verdict.name(), outcome.steps);
        format!("{title}, fork {rules}: {left} and {right}: {verdict}{reason}, {steps} steps")
    }

    /// As many cases as is wished.
    fn all(&self, fuzz: &Fuzz<'_>, mut keeper: Option<Keeper>) -> Result<Status> {
        let FuzzArguments { json, report, coverage, .. } = self.arguments;
        let mut outputs = Outputs::beside(self.arguments.store.store.as_deref());
        let mut reports = Reports::begin(report, &self.setups[0], &mut outputs)?;
        let table = coverage.as_deref();
        let table = table
            .map(|path| {
                Ok::<_, anyhow::Error>((path, outputs.open(path, "coverage", |path| File::create(path))?))
            })
            .transpose()?;
        if !json {
            writeln!(io::stdout().lock(), "seed {}", self.seed)?;
            if let (Some(keeper), Some(path)) = (&keeper, &self.arguments.store.store) {
                let (id, path, first) = (keeper.campaign(), path.display(), self.arguments.first);
                writeln!(io::stdout().lock(), "campaign {id} of {path}, from case {first} on")?;
            }
        }
        let cancel = interrupts::watch()?;
        let mut live = Live::new();
        let kept = |finding: &Finding, count, is_first| self.kept(fuzz, finding, count, is_first);
        let summary = fuzz.run(cancel, |told| {
            if let FuzzTold::Progress(progress) = told {
                live.show(progress);
            }
            match (&mut keeper, &told) {
                // What is told is there.
                (Some(keeper), told) if !keeper.has_failed() => {
                    let new = keeper.hear(told, &kept);
                    new.iter().for_each(|finding| live.suspend(|| complain(&self.found(finding))));
                    if keeper.has_failed() {
                        cancel.store(true, Ordering::Relaxed);
                    }
                }
                (None, FuzzTold::Finding(finding)) => live.suspend(|| complain(&self.found(finding))),
                _ => {}
            }
        })?;
        live.bar.finish_and_clear();
        let (new, stored) = keeper.map_or((Vec::new(), Ok(())), |keeper| keeper.finish(&summary, &kept));
        new.iter().for_each(|finding| complain(&self.found(finding)));
        for Group { first, count, .. } in &summary.groups {
            let program = self.program(first.number, first.kind, first.rules);
            reports.program(&program, &first.outcome);
            let line = match json {
                true => self.json(first, &program, *count)?,
                false => {
                    let text = program_text(&program, &first.outcome, &self.setups[first.pair]);
                    let more = if *count == 1 {
                        String::new()
                    } else {
                        format!("\n  {count} findings are of this sort")
                    };
                    colour::painted(text.unwrap_or_default() + &more)
                }
            };
            writeln!(io::stdout().lock(), "{line}")?;
        }
        let names = self.names();
        let sum = if *json { summary.json(self.seed, &names) } else { summary.text(&names) };
        let printed = writeln!(io::stdout().lock(), "{sum}");
        if let (Some((path, mut file)), Some(coverage)) = (table, &summary.coverage) {
            let written = file.write_all(coverage.text().as_bytes());
            written.with_context(|| format!("{path}: cannot write the coverage"))?;
        }
        reports.finish(&total(&summary))?;
        printed?;
        stored?;
        Ok(if summary.ended == Ended::Interrupted {
            complain(&"interrupted: the results so far are above");
            Status::Interrupted
        } else if summary.is_clean() {
            Status::Well
        } else {
            Status::Failure
        })
    }

    /// What a store keeps of findings of one sort, and of this one, if it is the first.
    fn kept(&self, fuzz: &Fuzz<'_>, finding: &Finding, count: u64, is_first: bool) -> Found {
        let Finding { number, kind, rules, pair, outcome, .. } = finding;
        let (sort, setup) = (finding.sort(), &self.setups[*pair]);
        let first = is_first.then(|| {
            let program = self.program(*number, kind, *rules);
            let mut words = vec!["fuzz".to_owned()];
            words.extend(stored::words(self.arguments, self.seed));
            words.push(format!("--case={number}"));
            First {
                number: *number,
                mode: setup.mode.name().to_owned(),
                command: format!("{} {}", setup.command, program.options),
                words,
                report: program_text(&program, outcome, setup).unwrap_or_default(),
                case: self.test(fuzz, *number, &program.title),
                title: program.title,
            }
        });
        let sort = StoredSort {
            sides: setup.engines.to_vec(),
            outcome: sort.verdict.to_owned(),
            rules: sort.rules.to_owned(),
            place: sort.place,
            field: sort.field,
            cause: sort.cause,
        };
        Found { sort, count, first }
    }

    /// A case as an official state test, filled by the right side, or, where that panics, by the left one; or why there is none.
    fn test(&self, fuzz: &Fuzz<'_>, number: u64, title: &str) -> Result<String, String> {
        let FuzzArguments { left, right, .. } = *self.arguments;
        let by = |engine| {
            let text = || {
                let case = fuzz.transaction_of(number).ok_or_else(|| NO_TRANSACTION.to_owned())?;
                case_file::text(&case, title, title, engine).map_err(|error| format!("{error:#}"))
            };
            // In a thread of its own a panic says nothing and ends nothing.
            thread::scope(|scope| scope.spawn(text).join()).unwrap_or_else(|_| Err("it panics".to_owned()))
        };
        by(right).or_else(|why| by(left).map_err(|_| why))
    }

    /// A line on the first finding of its sort, as soon as it is there.
    fn found(&self, finding: &Finding) -> String {
        let Finding { number, kind, rules, outcome, .. } = finding;
        let what = match &outcome.verdict {
            Verdict::Diverge(divergence) => divergence.one_line(200),
            other => other.reason().unwrap_or_default().to_owned(),
        };
        let verdict = outcome.verdict.name();
        format!("found in case {number} of seed {}, {kind}, fork {rules}: {verdict}: {what}", self.seed)
    }

    /// The line of a case of `diff`, with which case it is, and how many there are of its sort.
    fn json(&self, first: &Finding, program: &Program, count: u64) -> Result<String> {
        let mut line: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&program_json(program, &first.outcome))?;
        let again = format!("{} {}", self.setups[first.pair].command, program.options);
        let own = [
            ("sides", self.setups[first.pair].engines.to_vec().into()),
            ("seed", self.seed.into()),
            ("case", first.number.into()),
            ("kind", first.kind.into()),
            ("count", count.into()),
            ("again", again.into()),
        ];
        line.extend(own.map(|(key, value): (&str, serde_json::Value)| (key.to_owned(), value)));
        Ok(serde_json::to_string(&line)?)
    }
}

/// The verdicts of all pairs.
fn total(summary: &FuzzSummary) -> DiffSummary {
    let mut total = DiffSummary { complete: summary.ended != Ended::Interrupted, ..DiffSummary::default() };
    summary.pairs.iter().for_each(|pair| total.add(pair));
    total
}

/// What is shown on a terminal while it goes on; nothing elsewhere.
struct Live {
    bar: ProgressBar,
    start: Instant,
}

impl Live {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // The template is this constant; one that does not parse would only look plain.
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self { bar, start: Instant::now() }
    }

    fn show(&mut self, progress: FuzzProgress) {
        let FuzzProgress { programs, steps, findings } = progress;
        let seconds = self.start.elapsed().as_secs_f64();
        let [programs_rate, steps_rate] = [programs, steps].map(|count| count as f64 / seconds);
        self.bar.set_message(format!(
            "{seconds:.0} s: {programs} programs, {programs_rate:.0} a second, {steps_rate:.0} steps a second, {findings} findings"
        ));
    }

    fn suspend(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }
}
