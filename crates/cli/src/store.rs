//! `parallax store`: what commands with `--store` have kept.

pub(crate) mod arguments;
mod listing;
mod rerun;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use anyhow::{Context, Result};
use parallax_store::{Finding, Limits, Store, verdicts_json, verdicts_parquet};

use self::arguments::{ExportArguments, FileArguments, MergeArguments, StoreCommand, What};
use crate::{
    outputs::Outputs,
    report::{Status, complain},
};

pub(crate) fn run(command: &StoreCommand) -> Result<Status> {
    match &command.what {
        What::List(arguments) => listing::list(&open(&arguments.store.file)?, arguments.json),
        What::Show(arguments) => {
            let store = open(&arguments.finding.store.file)?;
            listing::show(&store, &store.finding(arguments.finding.id)?, arguments.case)
        }
        What::Rerun(arguments) => {
            let store = open(&arguments.store.file)?;
            rerun::run(&store, &store.finding(arguments.id)?)
        }
        What::Export(arguments) => export(arguments),
        What::Merge(arguments) => merge(arguments),
        What::Gc(arguments) => gc(arguments),
    }
}

fn open(file: &Path) -> Result<Store> {
    Ok(Store::open(file, Limits::default())?)
}

fn export(arguments: &ExportArguments) -> Result<Status> {
    let ExportArguments { store: FileArguments { file }, parquet, json, cases } = arguments;
    let store = open(file)?;
    let mut outputs = Outputs::beside([file]);
    // Standard output is for the lines, where they are asked for.
    let tell = |text: &str| match json.as_deref() {
        Some("-") => writeln!(io::stderr().lock(), "{text}"),
        _ => writeln!(io::stdout().lock(), "{text}"),
    };
    if let Some(path) = parquet {
        let out = outputs.open(path, "export", |path| File::create(path))?;
        let count = verdicts_parquet(&store, BufWriter::new(out)).with_context(|| path.clone())?;
        tell(&format!("{count} verdicts written to {path}"))?;
    }
    if let Some(path) = json {
        let count = match path.as_str() {
            "-" => verdicts_json(&store, BufWriter::new(io::stdout().lock()))?,
            path => {
                let out = outputs.open(path, "export", |path| File::create(path))?;
                verdicts_json(&store, BufWriter::new(out)).with_context(|| path.to_owned())?
            }
        };
        tell(&format!("{count} verdicts written to {path}"))?;
    }
    if let Some(folder) = cases {
        fs::create_dir_all(folder)
            .with_context(|| format!("{}: cannot make the folder", folder.display()))?;
        let (mut written, mut without) = (0, 0);
        for finding in store.findings()? {
            let Some(text) = store.case(&finding)? else {
                without += 1;
                continue;
            };
            let path = folder.join(file_name(&finding));
            outputs.check(&path, "case")?;
            fs::write(&path, text).with_context(|| format!("{}: cannot write the case", path.display()))?;
            written += 1;
        }
        let rest = if without == 0 { String::new() } else { format!(", {without} findings have none") };
        tell(&format!("{written} cases written to {}{rest}", folder.display()))?;
    }
    Ok(Status::Well)
}

/// What the case of a finding is called: its number first.
fn file_name(finding: &Finding) -> String {
    let Finding { id, sort, .. } = finding;
    let words = [&sort.rules, &sort.place, &sort.field].map(|word| {
        let word: String = word.chars().take(40).collect();
        word.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
    });
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    format!("{id}-{}.json", words.join("-"))
}

fn merge(arguments: &MergeArguments) -> Result<Status> {
    let MergeArguments { into, files, store_limit } = arguments;
    // Before anything is made.
    let others = files.iter().map(|file| open(file)).collect::<Result<Vec<_>>>()?;
    let limits = Limits { bytes: u64::from(*store_limit) << 20, ..Limits::default() };
    let mut store = Store::create(into, limits)?;
    for (file, other) in files.iter().zip(others) {
        let merged = store.merge(&other).with_context(|| file.display().to_string())?;
        writeln!(
            io::stdout().lock(),
            "{}: {} campaigns taken over, {} brought further, {} known",
            file.display(),
            merged.new,
            merged.further,
            merged.known
        )?;
    }
    Ok(Status::Well)
}

fn gc(arguments: &FileArguments) -> Result<Status> {
    let mut store = open(&arguments.file)?;
    let collected = store.gc()?;
    let [before, after] = collected.bytes;
    let running = store.campaigns()?.iter().filter(|campaign| campaign.ended.is_none()).count();
    writeln!(
        io::stdout().lock(),
        "{} verdicts and {} cases dropped, {before} bytes before, {after} after",
        collected.verdicts,
        collected.cases
    )?;
    if running > 0 {
        complain(&format!("{running} campaigns have not ended: verdicts that they write from here on stay"));
    }
    Ok(Status::Well)
}
