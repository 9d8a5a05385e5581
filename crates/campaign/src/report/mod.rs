//! Answers as people read them and as programs do: text, lines of JSON, and the report files of a comparison.
//!
//! Names of files and tests are anyone's: no form lets them be more than text. Every limit that is met is said in the report.

mod answer;
mod document;
mod html;
mod items;
mod json;
mod junit;
mod merge;
mod printable;
mod text;

use std::io::{self, Seek, Write};

use serde::{Deserialize, Serialize};

use crate::{Delivered, DiffOutcome, DiffSummary};

pub(crate) use answer::{Answer, Subject};
pub use answer::{DiffSetup, Program, rerun, rerun_of, rules_word, title, title_of};
pub use html::{HtmlReport, PageLimits, html_of_run};
pub use items::{ItemAnswer, ItemAnswers, ItemsError};
pub use json::{JsonReport, diff_json, program_json, test_json};
pub(crate) use json::{outcome_json, unreadable_json};
pub use junit::JunitReport;
pub use merge::{MergeError, ShardReports};
pub use printable::{printable, shell_word};
pub(crate) use text::outcome_text;
pub use text::{diff_text, program_text, test_text};

/// The form of a report file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// One self-contained page.
    Html,
    /// One object: every case, the sum and how it was asked for.
    Json,
    /// What continuous integration reads.
    Junit,
}

impl ReportFormat {
    /// The format that users call `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "html" => Some(ReportFormat::Html),
            "json" => Some(ReportFormat::Json),
            "junit" => Some(ReportFormat::Junit),
            _ => None,
        }
    }
}

/// A report file of any form. Whenever it is finished it is a complete document, the campaign at its end or not.
pub enum Report<W: Write + Seek> {
    /// Of the form HTML; written at the end.
    Html(Box<HtmlReport>, W),
    /// Of the form JSON, written as the campaign goes.
    Json(JsonReport<W>, DiffSetup),
    /// Of the form JUnit, written as the campaign goes.
    Junit(JunitReport<W>),
}

impl<W: Write + Seek> Report<W> {
    /// Begins a report.
    pub fn new(format: ReportFormat, out: W, setup: &DiffSetup) -> io::Result<Self> {
        Ok(match format {
            ReportFormat::Html => Report::Html(Box::new(HtmlReport::new(setup.clone())), out),
            ReportFormat::Json => Report::Json(JsonReport::new(out)?, setup.clone()),
            ReportFormat::Junit => Report::Junit(JunitReport::new(out, setup.clone())?),
        })
    }

    /// Adds one case, of the test with this number: [`Progress::test`](crate::Progress::test).
    pub fn case(&mut self, delivered: &Delivered<DiffOutcome>, test: u64) -> io::Result<()> {
        self.add(&Answer::of(delivered), test)
    }

    /// Adds one case of which all that this report's form needs is told.
    pub fn told(&mut self, told: &Told, test: u64) -> io::Result<()> {
        let Told { json, junit, html, .. } = told;
        match self {
            Report::Html(page, _) => {
                html.iter().for_each(|piece| page.put(piece));
                Ok(())
            }
            Report::Json(report, setup) => {
                json.as_ref().map_or(Ok(()), |line| line_of(report, setup, test, line))
            }
            Report::Junit(report) => junit.as_ref().map_or(Ok(()), |element| report.put(element)),
        }
    }

    /// Adds a program.
    pub fn program(&mut self, program: &Program, outcome: &DiffOutcome) -> io::Result<()> {
        self.add(&Answer::Outcome(Subject::Program(program), outcome), 0)
    }

    fn add(&mut self, answer: &Answer<'_>, test: u64) -> io::Result<()> {
        match self {
            Report::Html(page, _) => {
                page.add(answer);
                Ok(())
            }
            Report::Json(report, setup) => line_of(report, setup, test, &json::answer(answer)),
            Report::Junit(report) => report.add(answer),
        }
    }

    /// Ends it with the sum and the time it took, if that is of interest.
    pub fn finish(self, summary: &DiffSummary, time: Option<std::time::Duration>) -> io::Result<()> {
        match self {
            Report::Html(page, mut out) => {
                out.write_all(page.render(summary, time).as_bytes())?;
                out.flush()
            }
            Report::Json(report, setup) => report.finish(summary, Some(&setup)),
            Report::Junit(report) => report.finish(summary, time),
        }
    }
}

/// Writes a case's line; of a shard with the number of its test, by which [`ShardReports`] puts it into its place.
fn line_of<W: Write + Seek>(
    report: &mut JsonReport<W>,
    setup: &DiffSetup,
    test: u64,
    line: &str,
) -> io::Result<()> {
    match setup.shard {
        Some(_) => report.case(&merge::numbered(test, line)),
        None => report.case(line),
    }
}

/// A form in which a case of a comparison can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// For people, where there is something to say.
    Text,
    /// A line of JSON.
    Json,
    /// An element of a JUnit report.
    Junit,
    /// A piece of the page.
    Html,
}

impl From<ReportFormat> for Form {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Html => Form::Html,
            ReportFormat::Json => Form::Json,
            ReportFormat::Junit => Form::Junit,
        }
    }
}

/// One case of a comparison in the forms that were asked for: what a worker process says of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Told {
    /// What [`diff_text`] says, or the error of what could not be read.
    pub text: Option<String>,
    /// What [`diff_json`] says.
    pub json: Option<String>,
    junit: Option<String>,
    html: Option<html::Piece>,
}

impl Told {
    /// `command` runs it again, together with what selects the case.
    pub(crate) fn of(answer: &Answer<'_>, forms: &[Form], command: &str) -> Self {
        let mut told = Self::default();
        for form in forms {
            match (form, answer) {
                (Form::Text, Answer::Unreadable(error)) => {
                    told.text = Some(printable(&error.to_string()).into_owned());
                }
                (Form::Text, _) => told.text = text::text(answer, command),
                (Form::Json, _) => told.json = Some(json::answer(answer)),
                (Form::Junit, _) => told.junit = Some(junit::element(answer, command)),
                (Form::Html, _) => told.html = Some(html::Piece::of(answer, command)),
            }
        }
        told
    }
}
