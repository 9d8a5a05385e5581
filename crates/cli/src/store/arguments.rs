//! What `parallax store` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::number::{number, positive};

#[derive(Args, Debug)]
pub(crate) struct StoreCommand {
    #[command(subcommand)]
    pub(super) what: What,
}

#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Lists campaigns, and findings in groups: by sides, verdict, rules, opcode, field and cause
    #[command(after_help = "Examples:
  parallax store list night.store
  parallax store list night.store --json

With --json each campaign is a line with the fields: type (campaign) id uid kind command options sides mode build seed first next steps \
started written ended ungrouped dropped verdicts; each group of findings of a campaign is a line with the fields: type (finding) id campaign \
sides outcome rules place field cause count number title mode command, and sha256 of its case, or without: why there is none.")]
    List(ListArguments),
    /// Shows one finding: its case, its sides, where they part, the command that runs it
    #[command(after_help = "Examples:
  parallax store show night.store 3
  parallax store show night.store 3 --case > case.json")]
    Show(ShowArguments),
    /// Runs the case of a finding again on its sides, and says whether they still part
    #[command(after_help = "Example:
  parallax store rerun night.store 3

The exit status is 1 if they part, in the same way or another one, and 0 if they do not.")]
    Rerun(FindingArguments),
    /// Writes verdicts as Parquet or lines of JSON, and cases of findings as official state tests
    #[command(after_help = "Examples:
  parallax store export night.store --parquet verdicts.parquet
  parallax store export night.store --json - --cases cases

A verdict has the fields: campaign (its uid) number sides mode file test rules index outcome failed steps place field cause reason sha256.")]
    Export(ExportArguments),
    /// Puts other stores into one: a campaign that is there as far already changes nothing
    #[command(after_help = "Example:
  parallax store merge all.store monday.store tuesday.store")]
    Merge(MergeArguments),
    /// Drops verdicts that count against nothing and cases of no finding, and packs the file
    #[command(after_help = "Example:
  parallax store gc night.store

Findings, counters and how far campaigns are stay.")]
    Gc(FileArguments),
}

#[derive(Args, Debug)]
pub(super) struct FileArguments {
    /// The store
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct ListArguments {
    #[command(flatten)]
    pub(super) store: FileArguments,
    /// Print one JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct FindingArguments {
    #[command(flatten)]
    pub(super) store: FileArguments,
    /// The finding's number, as list tells it
    #[arg(value_name = "ID", value_parser = number::<u64>)]
    pub(super) id: u64,
}

#[derive(Args, Debug)]
pub(super) struct ShowArguments {
    #[command(flatten)]
    pub(super) finding: FindingArguments,
    /// Print the case alone, as the test that it is
    #[arg(long)]
    pub(super) case: bool,
}

#[derive(Args, Debug)]
pub(super) struct ExportArguments {
    #[command(flatten)]
    pub(super) store: FileArguments,
    /// Write every verdict as a row of this file
    #[arg(long, value_name = "FILE", required_unless_present_any = ["json", "cases"])]
    pub(super) parquet: Option<String>,
    /// Write every verdict as a line of this file; - is standard output
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<String>,
    /// Write the case of each finding into this folder, which is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    pub(super) cases: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct MergeArguments {
    /// The store that takes the others over; made if it is not there
    #[arg(value_name = "INTO")]
    pub(super) into: PathBuf,
    /// The others, which stay as they are
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Most MiB of the store
    #[arg(long, value_name = "MIB", value_parser = positive::<u32>, default_value_t = 16 << 10)]
    pub(super) store_limit: u32,
}
