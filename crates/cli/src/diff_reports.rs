//! The report files of `parallax diff`: any number of them, in any form, written while the campaign goes.
//!
//! Invariant: a file that can be written is a complete document when the command ends, interrupted or not. JSON and JUnit are so
//! after each case, should nobody be left to finish them; the page is written at the end.

use std::{
    fs::File,
    io::{self, BufWriter},
    time::Instant,
};

use anyhow::{Context, Result};
use parallax_campaign::{
    Delivered, DiffOutcome, DiffSetup, DiffSummary, Program, Report, ReportFormat, Told,
};

use crate::outputs::Outputs;

/// A form and a file, as a user asks for a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReportOption {
    format: ReportFormat,
    path: String,
}

impl ReportOption {
    pub(crate) const fn format(&self) -> ReportFormat {
        self.format
    }

    /// Reads `html=FILE` and the like.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // A dash is standard input or output everywhere else, and never a file.
        let option = text.split_once('=').filter(|(_, path)| !path.is_empty() && *path != "-");
        option
            .and_then(|(name, path)| {
                Some(Self { format: ReportFormat::by_name(name)?, path: path.to_owned() })
            })
            .ok_or_else(|| "expected html=FILE, json=FILE or junit=FILE".to_owned())
    }
}

/// The files that are being written.
pub(crate) struct Reports<'p> {
    files: Vec<(&'p str, Report<BufWriter<File>>)>,
    start: Instant,
    failure: Option<(&'p str, io::Error)>,
}

impl<'p> Reports<'p> {
    /// Creates every file, so that one that cannot be written is known before the work is done.
    pub(crate) fn begin(
        options: &'p [ReportOption],
        setup: &DiffSetup,
        outputs: &mut Outputs,
    ) -> Result<Self> {
        let mut files = Vec::with_capacity(options.len());
        for ReportOption { format, path } in options {
            let file = outputs.open(path, "report", |path| File::create(path))?;
            let begun = Report::new(*format, BufWriter::new(file), setup);
            files.push((path.as_str(), begun.with_context(|| unwritten(path))?));
        }
        Ok(Self { files, start: Instant::now(), failure: None })
    }

    /// Adds one case, of the test with this number, to each. False if one cannot be written any more.
    pub(crate) fn case(&mut self, delivered: &Delivered<DiffOutcome>, test: u64) -> bool {
        self.add(|report| report.case(delivered, test))
    }

    /// Adds one case that is told in the forms of all of them.
    pub(crate) fn told(&mut self, told: &Told, test: u64) -> bool {
        self.add(|report| report.told(told, test))
    }

    /// Adds one program to each. False if one cannot be written any more.
    pub(crate) fn program(&mut self, program: &Program, outcome: &DiffOutcome) -> bool {
        self.add(|report| report.program(program, outcome))
    }

    /// Writes all of them of one program.
    pub(crate) fn finish_with_program(mut self, program: &Program, outcome: &DiffOutcome) -> Result<()> {
        self.program(program, outcome);
        self.finish(&DiffSummary::of(outcome))
    }

    fn add(&mut self, mut add: impl FnMut(&mut Report<BufWriter<File>>) -> io::Result<()>) -> bool {
        for (path, report) in &mut self.files {
            if let Err(error) = add(report) {
                self.failure.get_or_insert((path, error));
            }
        }
        self.failure.is_none()
    }

    /// Ends all of them; the first failure, with its file.
    pub(crate) fn finish(self, summary: &DiffSummary) -> Result<()> {
        let time = self.start.elapsed();
        let mut failure = self.failure;
        for (path, report) in self.files {
            if let Err(error) = report.finish(summary, Some(time)) {
                failure.get_or_insert((path, error));
            }
        }
        match failure {
            Some((path, error)) => Err(error).with_context(|| unwritten(path)),
            None => Ok(()),
        }
    }
}

fn unwritten(path: &str) -> String {
    format!("{path}: cannot write the report")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_a_form_and_a_file() {
        let report = ReportOption::parse("junit=a=b.xml");
        assert_eq!(report, Ok(ReportOption { format: ReportFormat::Junit, path: "a=b.xml".to_owned() }));
        for wrong in ["", "html", "html=", "html=-", "pdf=x", "=x"] {
            assert!(ReportOption::parse(wrong).is_err(), "{wrong}");
        }
    }
}
