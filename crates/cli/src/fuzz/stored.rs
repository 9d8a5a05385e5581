//! A fuzz run that is kept in a store, and one that goes on from there.
//!
//! Invariant: what is acknowledged are whole cases. A finding is written together with the number below which all cases are finished, so a
//! run that goes on from that number counts no finding twice and leaves none out.

use std::{
    collections::BTreeMap,
    env,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use clap::{CommandFactory, Parser, ValueEnum, parser::ValueSource};
use parallax_campaign::{Finding, FuzzSummary, FuzzTold, Sort};
use parallax_generator::default_rules;
use parallax_primitives::Rules;
use parallax_store::{Batch, Campaign, Covered, Found, Kind, NewCampaign, Store, StoreError, Writer};

use super::arguments::FuzzArguments;
use crate::{
    arguments::{Arguments, Command},
    report::complain,
    store_arguments::build,
};

/// How often it is written: what is lost at most, of what was done.
const PAUSE: Duration = Duration::from_millis(500);
/// Sorts of which the lowest number is remembered; of others the store is asked.
const SORTS: usize = 10_000;

/// What is kept of findings of one sort: of so many, and of this one whether it is the first.
type Describe<'a> = &'a dyn Fn(&Finding, u64, bool) -> Found;

/// What says which cases they are, and what they are run on.
const ASKED: [&str; 10] =
    ["seed", "first", "mode", "left", "right", "also", "rules", "kind", "max_gas", "max_steps"];

/// A run that is being kept.
pub(super) struct Keeper {
    writer: Writer,
    /// What was found, until all cases up to there are finished.
    waiting: BTreeMap<Sort, Waiting>,
    /// The lowest number of each sort that is written.
    kept: BTreeMap<Sort, u64>,
    /// Below this number all cases are finished.
    finished: u64,
    /// What is written of it.
    acknowledged: u64,
    steps: u64,
    steps_written: u64,
    written: Instant,
    failure: Option<StoreError>,
}

/// Findings of one sort that are not written: the turns in which they were found, of which there are no more than threads find while one is at its case.
struct Waiting {
    turns: Vec<u64>,
    lowest: Finding,
}

impl Keeper {
    /// Begins a campaign, or goes on with one.
    pub(super) fn begin(
        arguments: &FuzzArguments,
        seed: u64,
        (command, mode): (&str, &str),
        rules: &[Rules],
        resumed: Option<Resumed>,
    ) -> Result<Option<Self>> {
        let first = arguments.first;
        let writer = match resumed {
            Some(Resumed { store, campaign }) => store.resume(campaign)?,
            None => {
                let Some(store) = arguments.store.create()? else { return Ok(None) };
                let mut options = vec![digest(rules)];
                options.extend(words(arguments, seed));
                options.push(format!("--first={first}"));
                options.extend(arguments.programs.map(|programs| format!("--programs={programs}")));
                let sides =
                    [arguments.left, arguments.right].into_iter().chain(arguments.also.iter().copied());
                store.begin(&NewCampaign {
                    kind: Kind::Fuzz,
                    command: format!("{command} --seed {seed}"),
                    options,
                    sides: sides.map(|side| side.name().to_owned()).collect(),
                    mode: mode.to_owned(),
                    build: build(),
                    seed: Some(seed),
                    first,
                })?
            }
        };
        Ok(Some(Self {
            writer,
            waiting: BTreeMap::new(),
            kept: BTreeMap::new(),
            finished: first,
            acknowledged: first,
            steps: 0,
            steps_written: 0,
            written: Instant::now(),
            failure: None,
        }))
    }

    /// The campaign's number.
    pub(super) const fn campaign(&self) -> u64 {
        self.writer.campaign()
    }

    /// Whether it cannot be kept any more.
    pub(super) const fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Hears what happens, and writes it now and then: the first findings of their sorts that are written by that. `found` says what is
    /// kept of one, and of how many.
    pub(super) fn hear(&mut self, told: &FuzzTold<'_>, found: Describe<'_>) -> Vec<Finding> {
        match told {
            FuzzTold::Finding(finding) | FuzzTold::Again(finding) => {
                let waiting = self.waiting.entry(finding.sort());
                let waiting =
                    waiting.or_insert_with(|| Waiting { turns: Vec::new(), lowest: (*finding).clone() });
                waiting.turns.push(finding.turn);
                if finding.number < waiting.lowest.number {
                    waiting.lowest = (*finding).clone();
                }
            }
            FuzzTold::Progress(progress) => self.steps = progress.steps,
            FuzzTold::Finished(finished) => {
                self.finished = *finished;
                if self.written.elapsed() >= PAUSE && self.finished > self.acknowledged {
                    return self.write(Batch::default(), found);
                }
            }
        }
        Vec::new()
    }

    /// Writes what the whole run came to.
    pub(super) fn finish(
        mut self,
        summary: &FuzzSummary,
        found: Describe<'_>,
    ) -> (Vec<Finding>, Result<(), StoreError>) {
        self.steps = summary.done.steps;
        let rows = summary.coverage.iter().flat_map(parallax_campaign::Coverage::rows);
        let coverage = rows.filter(|(.., count)| *count > 0).map(|(rules, subject, halt, count)| Covered {
            rules: rules.name().to_owned(),
            opcode: subject.name(rules),
            halt: halt.map_or("none", |halt| halt.name()).to_owned(),
            count,
        });
        let coverage = coverage.collect();
        let ended = Some(summary.ended.name().to_owned());
        let new = match self.failure {
            Some(_) => Vec::new(),
            None => self.write(Batch { coverage, ended, ..Batch::default() }, found),
        };
        (new, self.failure.map_or(Ok(()), Err))
    }

    /// Writes all that is found in finished cases, with their number.
    fn write(&mut self, batch: Batch, found: Describe<'_>) -> Vec<Finding> {
        self.written = Instant::now();
        let (mut new, mut findings, mut lowest) = (Vec::new(), Vec::new(), Vec::new());
        for (sort, waiting) in &self.waiting {
            let count = waiting.turns.iter().filter(|turn| **turn < self.finished).count() as u64;
            if count == 0 {
                continue;
            }
            let first = waiting.lowest.number;
            let is_first = self.kept.get(sort).is_none_or(|kept| first < *kept);
            if is_first {
                lowest.push((sort.clone(), first));
                new.extend((!self.kept.contains_key(sort)).then(|| waiting.lowest.clone()));
            }
            findings.push(found(&waiting.lowest, count, is_first));
        }
        let steps = self.steps - self.steps_written;
        let batch = Batch { findings, next: Some(self.finished), steps, ..batch };
        if let Err(error) = self.writer.write(&batch) {
            self.failure = Some(error);
            return Vec::new();
        }
        tracing::info!(campaign = self.campaign(), next = self.finished, "stored");
        (self.acknowledged, self.steps_written) = (self.finished, self.steps);
        for (sort, first) in lowest {
            if self.kept.len() < SORTS || self.kept.contains_key(&sort) {
                self.kept.insert(sort, first);
            }
        }
        for waiting in self.waiting.values_mut() {
            waiting.turns.retain(|turn| *turn >= self.finished);
        }
        self.waiting.retain(|_, waiting| !waiting.turns.is_empty());
        new
    }
}

/// The words that say which cases they are and what they are run on, without where they begin and end.
pub(super) fn words(arguments: &FuzzArguments, seed: u64) -> Vec<String> {
    let FuzzArguments { mode, left, right, also, rules, kind, max_gas, max_steps, max_memory, .. } =
        arguments;
    let mode = mode.to_possible_value();
    let mode = mode.as_ref().map_or("all", |mode| mode.get_name());
    let mut words = vec![
        format!("--seed={seed}"),
        format!("--mode={mode}"),
        format!("--left={left}"),
        format!("--right={right}"),
        format!("--max-gas={max_gas}"),
        format!("--max-steps={max_steps}"),
        format!("--max-memory={max_memory}"),
    ];
    words.extend(also.iter().map(|also| format!("--also={also}")));
    words.extend(rules.iter().map(|given| format!("--rules={}", given.text)));
    words.extend(kind.iter().map(|kind| format!("--kind={kind}")));
    words
}

/// The rules that cases are drawn by.
pub(super) fn rules_of(arguments: &FuzzArguments) -> Vec<Rules> {
    match &arguments.rules[..] {
        [] => default_rules(),
        given => given.iter().map(|given| given.rules).collect(),
    }
}

/// What the rules are, those of files too: the same text only where all numbers are the same.
fn digest(rules: &[Rules]) -> String {
    let texts: String = rules.iter().map(|rules| parallax_rules_file::write(*rules)).collect();
    format!("rules {}", parallax_store::digest(&texts))
}

/// A campaign that is gone on with.
pub(super) struct Resumed {
    store: Store,
    campaign: u64,
}

/// What a run that goes on is to do, and with which campaign; `None` where nothing is gone on with.
pub(super) fn resumed(given: &FuzzArguments) -> Result<Option<(FuzzArguments, Resumed)>> {
    let (Some(id), Some(path)) = (given.resume, &given.store.store) else { return Ok(None) };
    let store = Store::open(path, given.store.limits())?;
    let path = path.display();
    let campaign = match id {
        Some(id) => store.campaign(id)?,
        None => {
            let last = store.campaigns()?.into_iter().rfind(|campaign| campaign.kind == Kind::Fuzz);
            last.with_context(|| format!("{path}: no campaign of parallax fuzz to go on with"))?
        }
    };
    let Campaign { id, kind, build: of_then, options, first, next, .. } = &campaign;
    ensure!(*kind == Kind::Fuzz, "{path}: campaign {id} is one of parallax {}, expected fuzz", kind.name());
    let now = build();
    if *of_then != now {
        let what = format!("{path}: campaign {id} was run by parallax {of_then}, and this is {now}");
        ensure!(given.other_build, "{what}: its cases may be others now, expected --other-build");
        complain(&format!("{what}: cases from number {next} on are those of this one"));
    }
    let (rules, words) =
        options.split_first().with_context(|| format!("{path}: campaign {id} has no options"))?;
    let parsed =
        Arguments::try_parse_from(["parallax", "fuzz"].into_iter().chain(words.iter().map(String::as_str)));
    let Ok(Some(Command::Fuzz(then))) = parsed.map(|all| all.command) else {
        bail!("{path}: the options of campaign {id} are none of this parallax: {}", words.join(" "));
    };
    let mut then = *then;
    let drawn = rules_of(&then);
    ensure!(
        *rules == digest(&drawn) || *of_then != now,
        "{path}: the rules of campaign {id} are others than they were: a file of rules has changed"
    );
    differs(given, words).map_or(Ok(()), |(then, found)| {
        bail!(
            "{path}: campaign {id} has {then}, found {found}: expected none of what says the cases and sides"
        )
    })?;
    let rest = then.programs.map(|programs| first.saturating_add(programs).saturating_sub(*next));
    if rest == Some(0) && given.programs.is_none() {
        bail!(
            "{path}: all cases of campaign {id} are run, up to number {next}: expected --programs with how many more"
        );
    }
    then.programs = given.programs.or(rest);
    then.first = *next;
    (then.time, then.jobs, then.fail_fast, then.json) = (given.time, given.jobs, given.fail_fast, given.json);
    (then.report, then.coverage) = (given.report.clone(), given.coverage.clone());
    then.until_coverage = given.until_coverage;
    then.store = given.store.clone();
    let campaign = *id;
    Ok(Some((then, Resumed { store, campaign })))
}

/// What was asked for now, and is not as it was: as it was, and as it is asked for.
fn differs(given: &FuzzArguments, then: &[String]) -> Option<(String, String)> {
    let matches = Arguments::command().try_get_matches_from(env::args_os()).ok()?;
    let matches = matches.subcommand_matches("fuzz")?;
    let mut now = words(given, given.seed.unwrap_or_default());
    now.push(format!("--first={}", given.first));
    let asked = ASKED.into_iter().chain(["max_memory"]);
    asked.filter(|id| matches.value_source(id) == Some(ValueSource::CommandLine)).find_map(|id| {
        let option = format!("--{}=", id.replace('_', "-"));
        let of = |words: &[String]| {
            let words: Vec<_> = words.iter().filter(|word| word.starts_with(&option)).cloned().collect();
            if words.is_empty() { format!("no {}", option.trim_end_matches('=')) } else { words.join(" ") }
        };
        let (then, now) = (of(then), of(&now));
        (then != now).then_some((then, now))
    })
}
