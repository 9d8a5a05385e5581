//! `parallax report`: what is done with reports that are written.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::{Args, Subcommand};
use parallax_campaign::{ItemAnswers, ShardReports};

use crate::{
    outputs::Outputs,
    report::{Status, complain},
    selection::NOTHING_COMPARED,
};

#[derive(Args, Debug)]
pub(crate) struct ReportArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Puts the JSON reports of all shards of a comparison together, or the answers to all its items: the whole is, byte for byte, what
    /// one process would have written
    #[command(after_help = "Examples:
  parallax diff tests --shard 1/2 --report json=1.json
  parallax diff tests --shard 2/2 --report json=2.json
  parallax report merge 1.json 2.json --out all.json
  parallax diff tests --list | parallax diff --pipe > answers.jsonl; parallax report merge answers.jsonl --out all.json

Each shard must be there once, finished, and asked for alike; a file may hold several reports, one behind the other. Of items each must \
have been run, asked for alike; the same answer twice counts once. The exit status is that of the whole: 1 if sides part somewhere.")]
    Merge(MergeArguments),
}

#[derive(Args, Debug)]
struct MergeArguments {
    /// Reports of shards, as --shard I/N --report json=FILE writes them, or answers, as --pipe writes them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Where the whole is written; - is standard output, and the sum goes to standard error then
    #[arg(long, value_name = "FILE")]
    out: String,
}

/// Writes the whole to where it is wanted.
fn write(
    out: &str,
    outputs: &mut Outputs,
    write: impl FnOnce(&mut dyn Write, &Path) -> Result<()>,
) -> Result<()> {
    if out == "-" {
        return write(&mut BufWriter::new(io::stdout().lock()), Path::new("standard output"));
    }
    let file = outputs.open(out, "report", |path| File::create(path))?;
    write(&mut BufWriter::new(file), Path::new(out))
}

pub(crate) fn run(arguments: &ReportArguments) -> Result<Status> {
    let What::Merge(MergeArguments { files, out }) = &arguments.what;
    let mut outputs = Outputs::beside(files);
    let (summary, [left, right]) = if files.iter().any(|file| ItemAnswers::are_in(file)) {
        let answers = ItemAnswers::read(files)?;
        write(out, &mut outputs, |to, name| Ok(answers.write(to, name)?))?;
        (answers.summary, answers.engines)
    } else {
        let reports = ShardReports::read(files)?;
        write(out, &mut outputs, |to, name| Ok(reports.write(to, name)?))?;
        (reports.summary, reports.engines)
    };
    let fast = summary.fast_text().map_or(String::new(), |text| format!("\n  {text}"));
    let text = summary.text(&left, &right) + &fast;
    match out.as_str() {
        "-" => eprintln!("{text}"),
        _ => println!("{text}"),
    }
    if summary.is_success() && summary.is_about_nothing() {
        complain(&NOTHING_COMPARED);
        return Ok(Status::WrongInput);
    }
    Ok(if summary.is_success() { Status::Well } else { Status::Failure })
}
