//! A transaction on two engines.

use std::{
    env,
    io::{self, Write as _},
};

use anyhow::Result;
use parallax_campaign::{
    DiffSetup, DiffSummary, Program, compare_job, config, engines::EngineName, program_json, program_text,
    shell_word,
};
use parallax_engine_interface::{Execution, Job};
use parallax_shadow_diff::{ShadowMode, Verdict};

use super::run::TxRun;
use crate::{
    colour,
    report::{Status, complain},
};

/// What a comparison came to.
pub(crate) enum Compared {
    /// What both sides came to, or why both refuse it.
    Agree(Result<Execution, String>),
    /// They part, or could not be compared; that is told.
    Parted(Status),
}

/// Compares, and tells where they part.
pub(crate) fn compare(run: &TxRun<'_>, right: EngineName, job: &Job<'_>) -> Result<Compared> {
    let left = run.arguments.engine;
    let has_steps = [left, right].iter().all(|side| side.engine().capabilities().steps);
    let mode = if has_steps { ShadowMode::All } else { ShadowMode::PerCall };
    let mut config = config(&left, &right, mode);
    config.max_steps = run.arguments.limits.max_steps().unwrap_or(u64::MAX);
    let mut setup = DiffSetup::new(left.name(), right.name(), &config);
    setup.command = "parallax tx".to_owned();
    let title = format!("transaction {}", run.subject.hash);
    let program = Program { title, rules: run.subject.rules.rules, options: again() };
    let (outcome, execution) = compare_job(job, &left, &right, &config);
    run.check_block_hashes()?;
    match (&outcome.verdict, execution) {
        (Verdict::Agree, Some(execution)) => {
            let fast =
                DiffSummary::of(&outcome).fast_text().map_or(String::new(), |text| format!("; {text}"));
            let counted = if has_steps { "steps" } else { "messages" };
            complain(&format!("{left} and {right} agree: {} {counted}{fast}", outcome.steps));
            Ok(Compared::Agree(Ok(execution)))
        }
        (Verdict::Rejected(rejection), _) => {
            complain(&format!("{left} and {right} refuse the transaction"));
            Ok(Compared::Agree(Err(rejection.clone())))
        }
        (verdict, _) => {
            let text = if run.arguments.json {
                Some(program_json(&program, &outcome))
            } else {
                program_text(&program, &outcome, &setup).map(colour::painted)
            };
            if let Some(text) = text {
                writeln!(io::stdout().lock(), "{text}")?;
            }
            Ok(Compared::Parted(if verdict.is_failure() { Status::Failure } else { Status::WrongInput }))
        }
    }
}

/// The options of this command, to be pasted into a shell; the URL of a node may have a key in it and is left to whoever pastes it.
fn again() -> String {
    let mut words = Vec::new();
    let mut is_url = false;
    for word in env::args_os().skip(2) {
        let word = word.to_string_lossy();
        words.push(match word.strip_prefix("--rpc=") {
            _ if is_url => "URL".to_owned(),
            Some(_) => "--rpc=URL".to_owned(),
            None => shell_word(&word),
        });
        is_url = word == "--rpc";
    }
    words.join(" ")
}
