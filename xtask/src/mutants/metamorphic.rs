//! Which faults of the translation one engine shows by itself: `parallax fuzz --metamorphic` on each, with no second engine.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    catalogue::{Catalogue, Fault},
    planted::{in_parallel, rank},
    scratch::{self, Scratch, VARIABLE},
};

/// Where the faults are that only code in its fast form has.
const LAYERS: [&str; 2] = ["translator", "fast-form"];
/// Forms of the engine, the plainer first.
const FORMS: [&str; 2] = ["primary-always", "primary-recover"];
/// How long each form is tried, in seconds.
const SECONDS: &str = "30";
/// How many are drawn.
const SAMPLE: usize = 10;

/// Plants them, and prints of each what was found. The seed decides which are drawn, and what is run.
pub(super) fn run(catalogue: &Catalogue, seed: u64) -> Result<()> {
    let scratch = scratch::build(catalogue, &[])?;
    for form in FORMS {
        let (_, found) = twins(&scratch, 0, form, seed)?;
        ensure!(found.is_none(), "with no fault on: {}", found.unwrap_or_default());
    }
    let has_effect = |fault: &&Fault| LAYERS.contains(&fault.layer) && fault.equivalent.is_empty();
    let faults: Vec<_> = catalogue.faults.iter().filter(has_effect).collect();
    let found = in_parallel(&faults, |fault| {
        for form in FORMS {
            if let (programs, Some(what)) = twins(&scratch, fault.number, form, seed)? {
                return Ok(Some(format!("{form}, {programs} programs | {what}")));
            }
        }
        Ok(None)
    })?;
    let mut drawn: Vec<_> = faults.iter().map(|fault| fault.name.as_str()).collect();
    drawn.sort_by_key(|name| rank(seed, name));
    drawn.truncate(SAMPLE);
    println!("| fault | what it does | drawn | on | first difference |\n|---|---|---|---|---|");
    for (fault, found) in faults.iter().zip(&found) {
        let is_drawn = if drawn.contains(&fault.name.as_str()) { "yes" } else { "" };
        let found = found.as_deref().unwrap_or("| not found").replace("\n", " ");
        println!("| {} | {} | {is_drawn} | {found} |", fault.name, fault.what);
    }
    let count = |names: &[&str]| {
        let is_found = |(fault, found): &(&&Fault, &Option<String>)| {
            found.is_some() && (names.is_empty() || names.contains(&fault.name.as_str()))
        };
        faults.iter().zip(&found).filter(is_found).count()
    };
    println!("{} of {} faults that have an effect are found", count(&[]), faults.len());
    println!("{} of {SAMPLE} that {seed} draws are found", count(&drawn));
    Ok(())
}

/// Twins on one form with this fault on: how many were run, and the first difference.
fn twins(scratch: &Scratch, number: usize, form: &str, seed: u64) -> Result<(u64, Option<String>)> {
    let mut command = Command::new(&scratch.parallax);
    command.env(VARIABLE, number.to_string()).args(["fuzz", "--metamorphic", form, "--json", "--fail-fast"]);
    command.args(["--jobs", "1", "--time", SECONDS, "--seed", &seed.to_string()]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let lines: Vec<Value> =
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("parallax fuzz --json")?;
    if lines.is_empty() {
        // A fault may end the process.
        return Ok((0, Some(format!("the whole process: {}", output.status))));
    }
    let programs = lines.iter().find_map(|line| line["programs"].as_u64()).unwrap_or_default();
    let found = lines.iter().find_map(|line| line["what"].as_str());
    Ok((programs, found.map(|what| what.chars().take(160).collect())))
}
