//! Answers as people read them and as programs do: text, lines of JSON, and the report files of a comparison.
//!
//! Names of files and tests are anyone's: no form lets them be more than text. Every limit that is met is said in the report.

mod html;
mod json;
mod junit;
mod printable;
mod text;

use std::io::{self, Seek, Write};

use parallax_primitives::Fork;
use parallax_shadow_diff::{ShadowConfig, ShadowMode};
use parallax_state_tests::{Case, FixtureError};
use serde::Serialize;

use crate::{Delivered, DiffOutcome, DiffSummary, tolerated};

pub use html::{HtmlReport, PageLimits, html_of_run};
pub use json::{JsonReport, diff_json, program_json, test_json};
pub use junit::JunitReport;
pub use printable::shell_word;
pub use text::{diff_text, program_text, rerun, test_text, title};

/// How a comparison was asked for: what its reports say besides the cases.
#[derive(Clone, Debug)]
pub struct DiffSetup {
    /// Names of the engines, left and right.
    pub engines: [String; 2],
    /// How often they are compared.
    pub mode: ShadowMode,
    /// The command and its options, without what selects cases.
    pub command: String,
    /// What counts as no difference, each with its reason.
    pub tolerances: Vec<String>,
}

impl DiffSetup {
    /// That of `parallax diff` with these engines.
    pub fn new(left: &str, right: &str, config: &ShadowConfig) -> Self {
        let mode = config.mode;
        Self {
            engines: [left, right].map(str::to_owned),
            mode,
            command: format!("parallax diff --mode {} --left {left} --right {right}", mode.name()),
            tolerances: tolerated(config),
        }
    }

    /// With one more option of the command.
    #[must_use]
    pub fn with_option(mut self, option: &str) -> Self {
        self.command = format!("{} {option}", self.command);
        self
    }
}

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

    /// Adds one case.
    pub fn case(&mut self, delivered: &Delivered<DiffOutcome>) -> io::Result<()> {
        self.add(&Answer::of(delivered))
    }

    /// Adds a program.
    pub fn program(&mut self, program: &Program, outcome: &DiffOutcome) -> io::Result<()> {
        self.add(&Answer::Outcome(Subject::Program(program), outcome))
    }

    fn add(&mut self, answer: &Answer<'_>) -> io::Result<()> {
        match self {
            Report::Html(page, _) => {
                page.add(answer);
                Ok(())
            }
            Report::Json(report, _) => report.case(&json::answer(answer)),
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

/// A program that no file of tests holds.
#[derive(Clone, Debug)]
pub struct Program {
    /// The rules it is run by.
    pub fork: Fork,
    /// The options of the command that give it again.
    pub options: String,
}

/// What two sides are compared on.
#[derive(Clone, Copy)]
enum Subject<'a> {
    Case(&'a Case),
    Program(&'a Program),
}

impl<'a> Subject<'a> {
    fn title(self) -> String {
        match self {
            Subject::Case(case) => title(case),
            Subject::Program(Program { fork, .. }) => format!("a program, fork {fork}"),
        }
    }

    /// The command line that runs it again, to be pasted into a shell.
    fn again(self, setup: &DiffSetup) -> String {
        match self {
            Subject::Case(case) => rerun(case, &setup.command),
            Subject::Program(Program { fork, options }) => {
                format!("{} --fork {fork} {options}", setup.command)
            }
        }
    }

    fn origin(self) -> Origin<'a> {
        match self {
            Subject::Case(Case { file, name, fork_name, d, g, v, .. }) => {
                Origin { file, name, fork: Some(fork_name), d: Some(*d), g: Some(*g), v: Some(*v) }
            }
            Subject::Program(Program { fork, .. }) => {
                Origin { file: "", name: "", fork: Some(fork.name()), d: None, g: None, v: None }
            }
        }
    }
}

/// Where a case is from. What could not be read has only a place in its file.
#[derive(Serialize)]
struct Origin<'a> {
    file: &'a str,
    name: &'a str,
    fork: Option<&'a str>,
    d: Option<usize>,
    g: Option<usize>,
    v: Option<usize>,
}

impl<'a> Origin<'a> {
    fn of_error(error: &'a FixtureError) -> Self {
        Self { file: &error.file, name: &error.path, fork: None, d: None, g: None, v: None }
    }
}

/// What came of one comparison, as every report takes it.
enum Answer<'a> {
    Outcome(Subject<'a>, &'a DiffOutcome),
    Unreadable(&'a FixtureError),
}

impl<'a> Answer<'a> {
    fn of(delivered: &'a Delivered<DiffOutcome>) -> Self {
        match delivered {
            Delivered::Case(case, outcome) => Answer::Outcome(Subject::Case(case), outcome),
            Delivered::Unreadable(error) => Answer::Unreadable(error),
        }
    }
}
