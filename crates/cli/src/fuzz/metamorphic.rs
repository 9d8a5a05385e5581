//! `parallax fuzz --metamorphic`: one engine against itself.

use std::io::{self, Write};

use anyhow::{Result, ensure};
use parallax_campaign::{Metamorphic, TwinFinding, TwinSummary, engines::EngineName, shell_word};
use parallax_generator::{Draw, Kind, Twins};
use parallax_primitives::Rules;

use super::{arguments::FuzzArguments, interrupts};
use crate::{
    libraries::load,
    report::{Status, complain},
};

/// Most block entries of a run that are compared, but for what --max-steps says.
const ENTRIES: u64 = 1 << 20;

pub(super) fn run(
    arguments: &FuzzArguments,
    engine: EngineName,
    seed: u64,
    rules: &[Rules],
) -> Result<Status> {
    load(engine)?;
    for name in &arguments.kind {
        let fits = |rules: &Rules| Kind::named(name).is_some_and(|kind| kind.fits(*rules));
        ensure!(
            Twins::are_of(name) && rules.iter().all(fits),
            "--kind {name}: no twins are made of it, expected a kind of programs that does not look at its own code, under rules that have it"
        );
    }
    let twins = Metamorphic {
        seed,
        draw: Draw { rules, kinds: &arguments.kind },
        engine: &engine,
        max_gas: arguments.max_gas,
        max_entries: usize::try_from(arguments.max_steps.min(ENTRIES)).unwrap_or(usize::MAX),
        jobs: arguments.jobs.unwrap_or(0),
        first: arguments.first,
        programs: arguments.programs,
        time: arguments.time,
        fail_fast: arguments.fail_fast,
    };
    let told = Told { arguments, engine, seed };
    if let Some(number) = arguments.case {
        let Some(finding) = twins.one(number) else {
            writeln!(
                io::stdout().lock(),
                "case {number} of seed {seed}: the twins come to the same on {engine}"
            )?;
            return Ok(Status::Well);
        };
        told.print(&finding)?;
        return Ok(Status::Failure);
    }
    if !arguments.json {
        writeln!(io::stdout().lock(), "seed {seed}")?;
    }
    let cancel = interrupts::watch()?;
    let summary = twins.run(cancel, |finding| {
        let TwinFinding { number, form, what, .. } = finding;
        complain(&format!("found in case {number} of seed {seed}, {form}: {what}"));
    })?;
    for finding in &summary.findings {
        told.print(finding)?;
    }
    told.sum(&summary)?;
    Ok(match summary {
        TwinSummary { is_interrupted: true, .. } => Status::Interrupted,
        TwinSummary { count: 0, .. } => Status::Well,
        _ => Status::Failure,
    })
}

struct Told<'a> {
    arguments: &'a FuzzArguments,
    engine: EngineName,
    seed: u64,
}

impl Told<'_> {
    fn again(&self, number: u64) -> String {
        let mut command = format!("parallax fuzz --metamorphic {}", shell_word(self.engine.name()));
        for given in &self.arguments.rules {
            command.push_str(&format!(" --rules {}", shell_word(&given.text)));
        }
        self.arguments.kind.iter().for_each(|kind| command.push_str(&format!(" --kind {kind}")));
        if self.arguments.max_gas != 1 << 40 {
            command.push_str(&format!(" --max-gas {}", self.arguments.max_gas));
        }
        format!("{command} --seed {} --case {number}", self.seed)
    }

    fn print(&self, finding: &TwinFinding) -> io::Result<()> {
        let TwinFinding { number, kind, rules, form, what } = finding;
        let (seed, again) = (self.seed, self.again(*number));
        if self.arguments.json {
            let line = serde_json::json!({
                "case": number, "seed": seed, "kind": kind, "rules": rules.name(), "form": form, "what": what, "again": again,
            });
            return writeln!(io::stdout().lock(), "{line}");
        }
        writeln!(
            io::stdout().lock(),
            "DIVERGE case {number} of seed {seed}, {kind}, fork {rules}\n  {form}, {what}\n  again: {again}"
        )
    }

    fn sum(&self, summary: &TwinSummary) -> io::Result<()> {
        let TwinSummary { programs, told_apart, time, count, .. } = summary;
        let seconds = time.as_secs_f64();
        if self.arguments.json {
            let line = serde_json::json!({
                "seed": self.seed, "programs": programs, "toldApart": told_apart, "seconds": seconds, "findings": count,
            });
            return writeln!(io::stdout().lock(), "{line}");
        }
        let rate = if seconds > 0.0 { *programs as f64 / seconds } else { 0.0 };
        writeln!(
            io::stdout().lock(),
            "{programs} twins on {} in {seconds:.1} s: {rate:.0} a second; {told_apart} see their no-ops\nfindings: {}",
            self.engine,
            if *count == 0 { "none".to_owned() } else { count.to_string() }
        )
    }
}
