//! The case of a finding, run again.

use std::{
    io::{self, Write},
    thread,
};

use anyhow::{Context, Result, bail};
use clap::Parser;
use parallax_campaign::{
    DiffOutcome, Finding as Found, Program, compare_case,
    engines::{EngineName, Ruled},
    program_text, shell_word,
};
use parallax_hooks::NoHooks;
use parallax_shadow_diff::Verdict;
use parallax_state_tests::{Case, cases_of};
use parallax_store::{Finding, Sort, Store};

use crate::{
    arguments::{Arguments, Command, DiffArguments},
    colour, diff, fuzz,
    libraries::load,
    report::Status,
    sides,
};

/// Runs it, and says whether it is still there.
pub(super) fn run(store: &Store, finding: &Finding) -> Result<Status> {
    let id = finding.id;
    let Some(text) = store.case(finding)? else {
        // A number makes the case again.
        let Command::Fuzz(arguments) = command(&finding.words)? else {
            bail!("finding {id} has no case; its command is: {}", finding.command);
        };
        let status = fuzz::run(&arguments)?;
        let still =
            if status == Status::Failure { "its sides still part" } else { "its sides do not part any more" };
        writeln!(io::stdout().lock(), "finding {id}: {still}")?;
        return Ok(status);
    };
    let Some(case) = cases_of(&finding.title, text.into_bytes())?.next() else {
        bail!("finding {id}: its test has no case; its command is: {}", finding.command);
    };
    let case = case.with_context(|| format!("finding {id}; its command is: {}", finding.command))?;
    let words = match finding.words.first().map(String::as_str) {
        Some("fuzz") => {
            let [left, right] = &finding.sort.sides[..] else { bail!("finding {id}: expected two sides") };
            let words = ["diff".to_owned(), format!("--mode={}", finding.mode), format!("--left={left}")];
            [&words[..], &[format!("--right={right}"), "case".to_owned()]].concat()
        }
        _ => [&finding.words[..], &["case".to_owned()]].concat(),
    };
    match command(&words)? {
        Command::Diff(arguments) => compared(store, finding, &case, &arguments),
        Command::Statetest(arguments) => tested(finding, &case, arguments.engine),
        _ => bail!("finding {id}: its command is: {}", finding.command),
    }
}

/// Reads the words of a command, behind the name of the program.
fn command(words: &[String]) -> Result<Command> {
    let words = std::iter::once("parallax").chain(words.iter().map(String::as_str));
    let parsed = Arguments::try_parse_from(words.clone()).ok().and_then(|arguments| arguments.command);
    parsed.with_context(|| {
        let words: Vec<_> = words.collect();
        format!("these words of another build are none of this one: {}", words.join(" "))
    })
}

/// On two sides or more.
fn compared(store: &Store, finding: &Finding, case: &Case, arguments: &DiffArguments) -> Result<Status> {
    let id = finding.id;
    let (outcome, mut setup) = if sides::options(arguments).are_asked_for() {
        let (sides, _) = sides::options(arguments).sides(arguments.mode)?;
        (sides.compare(case), sides::setup(&sides))
    } else {
        let engines = [arguments.left, arguments.right()];
        diff::check_sides(arguments.mode, engines)?;
        let task = diff::task(arguments);
        let [left_rules, right_rules] = task.rules;
        let left = Ruled { source: &engines[0], rules: left_rules };
        let right = Ruled { source: &engines[1], rules: right_rules };
        let config = task.config(&left, &right);
        // In a thread of its own a panic ends nothing.
        let compare = || compare_case(case, &left, &right, &config);
        let outcome = thread::scope(|scope| scope.spawn(compare).join());
        let outcome = outcome.unwrap_or_else(|_| Verdict::Crashed("an engine panicked".to_owned()).into());
        (outcome, task.setup(&config))
    };
    setup.command = "parallax store rerun".to_owned();
    let options = format!("{} {id}", shell_word(&store.path().display().to_string()));
    let program = Program { title: finding.title.clone(), rules: case.rules, options };
    let mut out = io::stdout().lock();
    if let Some(text) = program_text(&program, &outcome, &setup) {
        writeln!(out, "{}", colour::painted(text))?;
    }
    let is_failure = outcome.verdict.is_failure();
    let found = sort(finding, case, outcome);
    let what = |sort: &Sort| {
        let Sort { outcome, place, field, .. } = sort;
        [outcome, place, field]
            .into_iter()
            .filter(|word| !word.is_empty())
            .cloned()
            .collect::<Vec<_>>()
            .join(", ")
    };
    match is_failure {
        true if what(&found) == what(&finding.sort) => writeln!(out, "finding {id}: it is still there")?,
        true => {
            let (then, now) = (what(&finding.sort), what(&found));
            writeln!(out, "finding {id}: it is another one now: {now}, and was {then}")?;
        }
        false => writeln!(out, "finding {id}: it is not there any more: {}", found.outcome)?,
    }
    Ok(if is_failure { Status::Failure } else { Status::Well })
}

/// What an outcome has in common with others of its sort.
fn sort(finding: &Finding, case: &Case, outcome: DiffOutcome) -> Sort {
    let found =
        Found { number: finding.number, turn: finding.number, kind: "", rules: case.rules, pair: 0, outcome };
    let sort = found.sort();
    Sort {
        outcome: sort.verdict.to_owned(),
        place: sort.place,
        field: sort.field,
        cause: sort.cause,
        ..finding.sort.clone()
    }
}

/// On one engine, against what the test expects.
fn tested(finding: &Finding, case: &Case, engine: EngineName) -> Result<Status> {
    load(engine)?;
    let id = finding.id;
    let result = parallax_state_tests::run(case, &*engine.engine(), &mut NoHooks);
    let mut out = io::stdout().lock();
    if result.pass {
        writeln!(out, "finding {id}: it is not there any more: the test passes")?;
        return Ok(Status::Well);
    }
    writeln!(out, "finding {id}: it is still there: {}", result.error.unwrap_or_default())?;
    Ok(Status::Failure)
}
