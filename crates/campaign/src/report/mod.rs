//! Answers as people read them and as programs do: text, lines of JSON, and the report files of a comparison.
//!
//! Names of files and tests are anyone's: no form lets them be more than text. Every limit that is met is said in the report.

mod html;
mod json;
mod junit;
mod printable;
mod text;

use std::io::{self, Seek, SeekFrom, Write};

use parallax_primitives::Fork;
use parallax_shadow_diff::{ShadowConfig, ShadowMode};
use parallax_state_tests::FixtureError;
use serde::{Deserialize, Serialize};

use crate::{CaseName, Delivered, DiffOutcome, DiffSummary, tolerated};

pub use html::{HtmlReport, PageLimits, html_of_run};
pub use json::{JsonReport, diff_json, program_json, test_json};
pub(crate) use json::{outcome_json, unreadable_json};
pub use junit::JunitReport;
pub use printable::shell_word;
pub(crate) use text::outcome_text;
pub use text::{diff_text, program_text, rerun, test_text, title};
use text::{rerun_of, title_of};

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

    /// Adds one case of which all that this report's form needs is told.
    pub fn told(&mut self, told: &Told) -> io::Result<()> {
        let Told { json, junit, html, .. } = told;
        match self {
            Report::Html(page, _) => {
                html.iter().for_each(|piece| page.put(piece));
                Ok(())
            }
            Report::Json(report, _) => json.as_ref().map_or(Ok(()), |line| report.case(line)),
            Report::Junit(report) => junit.as_ref().map_or(Ok(()), |element| report.put(element)),
        }
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
                (Form::Text, Answer::Unreadable(error)) => told.text = Some(error.to_string()),
                (Form::Text, _) => told.text = text::text(answer, command),
                (Form::Json, _) => told.json = Some(json::answer(answer)),
                (Form::Junit, _) => told.junit = Some(junit::element(answer, command)),
                (Form::Html, _) => told.html = Some(html::Piece::of(answer, command)),
            }
        }
        told
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
pub(crate) enum Subject<'a> {
    Case(CaseName<'a>),
    Program(&'a Program),
}

impl<'a> Subject<'a> {
    fn title(self) -> String {
        match self {
            Subject::Case(case) => title_of(&case),
            Subject::Program(Program { fork, .. }) => format!("a program, fork {fork}"),
        }
    }

    /// The command line that runs it again, to be pasted into a shell.
    fn again(self, command: &str) -> String {
        match self {
            Subject::Case(case) => rerun_of(&case, command),
            Subject::Program(Program { fork, options }) => format!("{command} --fork {fork} {options}"),
        }
    }

    fn origin(self) -> Origin<'a> {
        match self {
            Subject::Case(case) => Origin::of(&case),
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
    fn of(case: &CaseName<'a>) -> Self {
        let CaseName { file, name, fork, index } = *case;
        let [d, g, v] = index.map(|number| fork.map(|_| number));
        Self { file, name, fork: fork.map(|(_, name)| name), d, g, v }
    }

    fn of_error(error: &'a FixtureError) -> Self {
        Self { file: &error.file, name: &error.path, fork: None, d: None, g: None, v: None }
    }
}

/// What came of one comparison, as every report takes it.
pub(crate) enum Answer<'a> {
    Outcome(Subject<'a>, &'a DiffOutcome),
    Unreadable(&'a FixtureError),
}

impl<'a> Answer<'a> {
    fn of(delivered: &'a Delivered<DiffOutcome>) -> Self {
        match delivered {
            Delivered::Case(case, outcome) => Answer::Outcome(Subject::Case(CaseName::of(case)), outcome),
            Delivered::Unreadable(error) => Answer::Unreadable(error),
        }
    }
}

/// Closes a document for the time being: what comes next is written over `end`. So it is a whole one even if nobody is left to
/// finish it. Where there is no going back (a pipe) it is closed at its end alone.
fn close_for_now(out: &mut (impl Write + Seek), end: &[u8]) -> io::Result<()> {
    let Ok(place) = out.stream_position() else { return Ok(()) };
    out.write_all(end)?;
    // A buffer is written out before the place is changed.
    out.seek(SeekFrom::Start(place)).map(|_| ())
}
