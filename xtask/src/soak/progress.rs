//! What is printed on the way and at the end.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use super::check::Counts;

/// How often a line is printed.
const EVERY: Duration = Duration::from_secs(10);

/// What was run so far.
pub(super) struct Progress {
    counts: Counts,
    /// What is counted: programs, or transactions.
    what: &'static str,
    wanted: u64,
    start: Instant,
    printed: Instant,
}

impl Progress {
    pub(super) fn new(what: &'static str, wanted: u64) -> Self {
        let now = Instant::now();
        Self { counts: Counts::default(), what, wanted, start: now, printed: now }
    }

    /// Adds a batch, and prints a line if it is time to.
    pub(super) fn add(&mut self, batch: &Counts) {
        for (what, count) in &batch.0 {
            self.counts.add(what, *count);
        }
        if self.printed.elapsed() >= EVERY {
            self.printed = Instant::now();
            self.say(&self.line());
        }
    }

    pub(super) fn say(&self, line: &str) {
        println!("[{:6.0} s] {line}", self.start.elapsed().as_secs_f64());
    }

    fn line(&self) -> String {
        let count = |what: &str| self.counts.0.get(what).copied().unwrap_or(0);
        let done = count(self.what);
        let seconds = self.start.elapsed().as_secs_f64();
        let cpu = Duration::from_nanos(count("cpu ns")).as_secs_f64();
        format!(
            "{done} of {} {}, {:.0} a second; {cpu:.0} s of processors, {:.2} ms each",
            self.wanted,
            self.what,
            done as f64 / seconds,
            1000.0 * cpu / done.max(1) as f64
        )
    }

    /// All that was run.
    pub(super) fn summary(&self) -> String {
        let mut text = self.line();
        for (what, count) in self.counts.0.iter().filter(|(what, _)| *what != "cpu ns") {
            // Writing to a string does not fail.
            let _ = write!(text, "\n{count:12} {what}");
        }
        text
    }
}
