//! `parallax compare`: two trace files.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

use anyhow::{Context, Error, Result, bail};
use parallax_tracer_eip3155::{Client, Step, TraceDifference, TraceReader, compare_traces, detect};
use serde_json::{Value, json};

use crate::{arguments::CompareArguments, colour::painted, report::Status};

pub(crate) fn run(arguments: &CompareArguments) -> Result<Status> {
    if arguments.left == "-" {
        bail!("LEFT is -, expected a file: standard input may be the right side only");
    }
    let left = open(&arguments.left, arguments.left_client)?;
    let right = open(&arguments.right, arguments.right_client)?;
    let clients = [left.client(), right.client()];
    let answer = compare_traces(left, right).map_err(|(is_left, error)| {
        Error::new(error).context(if is_left { arguments.left.clone() } else { arguments.right.clone() })
    })?;
    let mut out = io::stdout().lock();
    match &answer {
        _ if arguments.json => writeln!(out, "{}", as_json(&answer, clients))?,
        Ok(agreement) => {
            let [left, right] = clients;
            writeln!(out, "{} steps agree ({left} and {right})", agreement.steps)?;
            if !agreement.unknown.is_empty() {
                writeln!(out, "  not compared: {}: not in both traces", agreement.unknown.join(", "))?;
            }
        }
        Err(difference) => writeln!(out, "{}", painted(difference.to_string()).trim_end())?,
    }
    Ok(if answer.is_ok() { Status::Well } else { Status::Failure })
}

/// Opens a trace, and reads it once before if its client is to be found out.
pub(crate) fn open(path: &str, client: Option<Client>) -> Result<TraceReader<Box<dyn BufRead>>> {
    if path == "-" {
        let client = client.context("standard input: expected --right-client")?;
        return Ok(TraceReader::new(Box::new(io::stdin().lock()), client));
    }
    if Path::new(path).is_dir() {
        bail!("{path}: expected a file, found a folder");
    }
    let file = || -> Result<BufReader<File>> {
        Ok(BufReader::new(File::open(path).with_context(|| format!("{path}: cannot read the trace"))?))
    };
    let client = match client {
        Some(client) => client,
        None => detect(file()?).with_context(|| path.to_owned())?,
    };
    Ok(TraceReader::new(Box::new(file()?), client))
}

type Answer = std::result::Result<parallax_tracer_eip3155::TraceAgreement, Box<TraceDifference>>;

fn as_json(answer: &Answer, [left, right]: [Client; 2]) -> Value {
    let place = |step: &Option<Step>| {
        step.as_ref().map(|step| {
            json!({ "line": step.line, "pc": step.pc, "op": step.opcode.0, "depth": step.depth, "gas": format!("{:#x}", step.gas) })
        })
    };
    let line = |line| (line > 0).then_some(line);
    match answer {
        Ok(agreement) => json!({
            "verdict": "agree",
            "steps": agreement.steps,
            "leftClient": left.name(),
            "rightClient": right.name(),
            "notCompared": agreement.unknown,
        }),
        Err(difference) => json!({
            "verdict": "diverge",
            "steps": difference.step,
            "leftClient": left.name(),
            "rightClient": right.name(),
            "field": difference.field,
            "left": difference.left,
            "right": difference.right,
            "leftLine": line(difference.lines[0]),
            "rightLine": line(difference.lines[1]),
            "leftStep": place(&difference.left_step),
            "rightStep": place(&difference.right_step),
        }),
    }
}
