//! JUnit XML: what continuous integration reads. One suite, one test case a case: a divergence is a failure, what came to no
//! end an error, what was not compared is skipped.
//!
//! Written as the campaign goes, and closed after each case. The counts stand at the start of such a file, so room is left for them and filled at the
//! end; where there is no going back (a pipe), they are left out.

use std::{
    io::{self, Seek, SeekFrom, Write},
    time::Duration,
};

use parallax_shadow_diff::Verdict;

use super::{
    answer::{Answer, DiffSetup, Origin},
    document::close_for_now,
    printable::escaped,
};
use crate::{Delivered, DiffOutcome, DiffSummary};

/// What closes the document.
const END: &[u8] = b"</testsuite>\n</testsuites>\n";

/// Bytes left for the counts: five numbers of 20 digits with their names, and a time.
const ROOM: usize = 200;

/// A JUnit file that is being written.
pub struct JunitReport<W: Write + Seek> {
    out: W,
    setup: DiffSetup,
    /// Where the room for the counts begins in each element; `None` in a pipe.
    rooms: Option<[u64; 2]>,
}

impl<W: Write + Seek> JunitReport<W> {
    /// Begins the report.
    pub fn new(mut out: W, setup: DiffSetup) -> io::Result<Self> {
        let room = " ".repeat(ROOM);
        let name = escaped(&format!("{} and {}, {}", setup.engines[0], setup.engines[1], setup.mode.name()));
        out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"parallax diff\"")?;
        let first = out.stream_position();
        write!(out, "{room}>\n<testsuite name=\"{name}\"")?;
        let second = out.stream_position();
        writeln!(out, "{room}>\n<properties>")?;
        let rooms = first.ok().zip(second.ok()).map(|(first, second)| [first, second]);
        let mut property = |name: &str, value: &str| {
            writeln!(out, "<property name=\"{name}\" value=\"{}\"/>", escaped(value))
        };
        property("command", &setup.command)?;
        for tolerance in &setup.tolerances {
            property("tolerance", tolerance)?;
        }
        out.write_all(b"</properties>\n")?;
        Ok(Self { out, setup, rooms })
    }

    /// Adds one case.
    pub fn case(&mut self, delivered: &Delivered<DiffOutcome>) -> io::Result<()> {
        self.add(&Answer::of(delivered))
    }

    pub(super) fn add(&mut self, answer: &Answer<'_>) -> io::Result<()> {
        self.put(&element(answer, &self.setup.command))
    }

    /// Adds the element of one case.
    pub(super) fn put(&mut self, element: &str) -> io::Result<()> {
        self.out.write_all(element.as_bytes())?;
        close_for_now(&mut self.out, END)
    }

    /// Ends it with the counts.
    pub fn finish(mut self, summary: &DiffSummary, time: Option<Duration>) -> io::Result<()> {
        if !summary.complete {
            self.out.write_all(b"<system-err>stopped before the end</system-err>\n")?;
        }
        self.out.write_all(END)?;
        if let Some(rooms) = self.rooms {
            let (tests, diverged, errors) = (summary.cases(), summary.diverged, summary.errors());
            let skipped = summary.unsupported + summary.not_compared;
            let time = time.map_or(String::new(), |time| format!(" time=\"{:.3}\"", time.as_secs_f64()));
            let counts = format!(
                " tests=\"{tests}\" failures=\"{diverged}\" errors=\"{errors}\" skipped=\"{skipped}\"{time}"
            );
            for room in rooms {
                self.out.seek(SeekFrom::Start(room))?;
                self.out.write_all(counts.as_bytes())?;
            }
        }
        self.out.flush()
    }
}

/// The element of one case.
pub(super) fn element(answer: &Answer<'_>, command: &str) -> String {
    let (Origin { file, name, fork, d, g, v, .. }, content) = match answer {
        Answer::Outcome(subject, outcome) => (subject.origin(), content(outcome, || subject.again(command))),
        Answer::Unreadable(error) => {
            (Origin::of_error(error), Some(problem("error", "unreadable", &error.to_string(), "")))
        }
    };
    let which = [("fork ", fork.map(str::to_owned)), ("d", text(d)), ("g", text(g)), ("v", text(v))];
    let which: String =
        which.iter().filter_map(|(name, value)| Some(format!(" {name}{}", value.as_ref()?))).collect();
    // A program has no file and no name.
    let name = if file.is_empty() { "a program" } else { name };
    let (file, name) = (escaped(file), escaped(&format!("{name}{which}")));
    let begin = format!("<testcase classname=\"{file}\" name=\"{}\"", name.trim_start());
    match content {
        Some(content) => format!("{begin}>{content}</testcase>\n"),
        None => format!("{begin}/>\n"),
    }
}

/// What stands in the element of a case; nothing in that of one that passed.
fn content(outcome: &DiffOutcome, again: impl Fn() -> String) -> Option<String> {
    let verdict = &outcome.verdict;
    match verdict {
        Verdict::Agree | Verdict::Rejected(_) => None,
        Verdict::Diverge(divergence) => {
            let title = format!("{} differs {}", divergence.field, divergence.place);
            let aside = outcome.aside().map_or(String::new(), |aside| format!("{aside}\n"));
            let text = format!("{aside}{divergence}\nagain: {}", again());
            Some(problem("failure", divergence.cause.name(), &title, &text))
        }
        Verdict::Crashed(reason)
        | Verdict::TimedOut(reason)
        | Verdict::Limit(reason)
        | Verdict::Poisoned(reason) => {
            Some(problem("error", verdict.name(), reason, &format!("again: {}", again())))
        }
        Verdict::Unsupported(reason) | Verdict::NotCompared(reason) => {
            Some(format!("<skipped message=\"{}: {}\"/>", verdict.name(), escaped(reason)))
        }
    }
}

fn problem(element: &str, kind: &str, message: &str, text: &str) -> String {
    // Lines of an attribute are read as one.
    let (message, text) = (escaped(message).replace('\n', " "), escaped(text));
    format!("<{element} type=\"{kind}\" message=\"{message}\">{text}</{element}>")
}

fn text(number: Option<usize>) -> Option<String> {
    number.map(|number| number.to_string())
}
