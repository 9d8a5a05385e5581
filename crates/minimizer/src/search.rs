//! The smallest case so far, and the tries that look for a smaller one.

use std::time::{Duration, Instant};

use crate::{Case, Record, Size};

/// What a minimiser asks. A closure over a case is one that knows no more than to answer.
pub trait Question {
    /// Whether a case still shows the finding. The same case must get the same answer.
    fn is_same(&mut self, case: &Case) -> bool;

    /// What ran in a case that shows it.
    fn record(&mut self, _case: &Case) -> Record {
        Record::default()
    }
}

impl<F: FnMut(&Case) -> bool> Question for F {
    fn is_same(&mut self, case: &Case) -> bool {
        self(case)
    }
}

/// How long is looked for a smaller case.
pub struct Budget<'b> {
    /// Most questions.
    pub tries: u64,
    /// Most time. Where it is met, two runs may end with different cases.
    pub time: Duration,
    /// Whether it is to end now.
    pub is_stopped: &'b dyn Fn() -> bool,
}

/// Why it ended before nothing more could be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The tries are used up.
    Tries,
    /// The time is.
    Time,
    /// It was told to end.
    Stopped,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Minimized {
    /// The smallest case that was found.
    pub case: Case,
    /// Questions asked.
    pub tries: u64,
    /// How often the passes went over the case; of the last round nothing came, unless a limit was met.
    pub rounds: u32,
    /// The limit that was met, if one was.
    pub limit: Option<Limit>,
    /// Time taken.
    pub time: Duration,
}

/// The smallest case so far. It only ever becomes smaller.
pub struct Search<'s> {
    best: Case,
    size: Size,
    question: &'s mut dyn Question,
    budget: &'s Budget<'s>,
    start: Instant,
    tries: u64,
    limit: Option<Limit>,
}

impl<'s> Search<'s> {
    /// Begins with `case`, which shows the finding.
    pub fn new(case: Case, question: &'s mut dyn Question, budget: &'s Budget<'s>) -> Self {
        let size = case.size();
        Self { best: case, size, question, budget, start: Instant::now(), tries: 0, limit: None }
    }

    /// The smallest case so far.
    pub fn best(&self) -> &Case {
        &self.best
    }

    /// How large it is.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Takes `case` if it is smaller and shows the finding.
    pub fn accepts(&mut self, case: Case) -> bool {
        let size = case.size();
        if size >= self.size || !self.shows(&case) {
            return false;
        }
        (self.best, self.size) = (case, size);
        true
    }

    /// Takes the first that is accepted.
    pub fn accepts_one(&mut self, cases: impl IntoIterator<Item = Case>) -> bool {
        cases.into_iter().any(|case| self.accepts(case))
    }

    /// Takes what a change of the smallest case makes of it, if that is accepted.
    pub fn changes(&mut self, change: impl FnOnce(&mut Case)) -> bool {
        let mut case = self.best.clone();
        change(&mut case);
        self.accepts(case)
    }

    /// Goes on from a larger case, lets `shrink` look for a smaller one, and takes what comes of it if it is smaller than what there was.
    pub fn detour(&mut self, case: Case, shrink: impl FnOnce(&mut Self)) -> bool {
        if !self.shows(&case) {
            return false;
        }
        let before = (std::mem::replace(&mut self.best, case), self.size);
        self.size = self.best.size();
        shrink(self);
        let is_smaller = self.size < before.1;
        if !is_smaller {
            (self.best, self.size) = before;
        }
        is_smaller
    }

    /// Whether nothing more is tried.
    pub fn is_over(&mut self) -> bool {
        if self.limit.is_none() {
            self.limit = if (self.budget.is_stopped)() {
                Some(Limit::Stopped)
            } else if self.tries >= self.budget.tries {
                Some(Limit::Tries)
            } else {
                (self.start.elapsed() >= self.budget.time).then_some(Limit::Time)
            };
        }
        self.limit.is_some()
    }

    /// What ran in the smallest case.
    pub(crate) fn record(&mut self) -> Record {
        if self.is_over() { Record::default() } else { self.question.record(&self.best) }
    }

    /// What came of it.
    pub(crate) fn end(self, rounds: u32) -> Minimized {
        let Self { best: case, tries, limit, start, .. } = self;
        Minimized { case, tries, rounds, limit, time: start.elapsed() }
    }

    fn shows(&mut self, case: &Case) -> bool {
        if self.is_over() {
            return false;
        }
        self.tries += 1;
        self.question.is_same(case)
    }
}
