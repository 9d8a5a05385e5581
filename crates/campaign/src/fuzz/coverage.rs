//! What the runs came to: a counter for each rules, opcode and halt, kept by hooks, and what is possible and was never reached.

use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl, StepEnd, StepView};
use parallax_primitives::{FrameStatus, Halt, Message, Rules};
use serde::Serialize;

use super::possible::{Subject, is_of_message, is_possible};

/// No halt, and each of them.
const ENDS: usize = 1 + Halt::ALL.len();
/// Each opcode, and the transaction.
const SUBJECTS: usize = 257;

/// How often each opcode came to each end, by rules.
#[derive(Clone, Debug, Default)]
pub struct Coverage(Vec<OfRules>);

#[derive(Clone, Debug)]
struct OfRules {
    rules: Rules,
    /// By subject, then by end.
    counts: Vec<u64>,
}

/// What is possible, and what of it was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// Of what is possible: how much was reached.
    pub reached: usize,
    /// How much is possible.
    pub possible: usize,
}

impl Coverage {
    /// One that has a place for each of `rules`, and nothing reached.
    pub fn of(rules: &[Rules]) -> Self {
        let mut coverage = Self::default();
        for rules in rules {
            coverage.place(*rules);
        }
        coverage
    }

    /// Where the counters of `rules` are.
    fn place(&mut self, rules: Rules) -> usize {
        self.0.iter().position(|of| of.rules == rules).unwrap_or_else(|| {
            self.0.push(OfRules { rules, counts: vec![0; SUBJECTS * ENDS] });
            self.0.len() - 1
        })
    }

    /// Adds the counts of other runs.
    pub fn add(&mut self, other: &Self) {
        for OfRules { rules, counts } in &other.0 {
            let place = self.place(*rules);
            self.0[place].counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }

    /// Every set of rules, subject and end that is possible, with how often it was reached; in the order of the rules.
    pub fn rows(&self) -> impl Iterator<Item = (Rules, Subject, Option<Halt>, u64)> {
        self.0.iter().flat_map(|OfRules { rules, counts }| {
            let rules = *rules;
            Subject::all().flat_map(move |subject| {
                let ends = std::iter::once(None).chain(Halt::ALL.map(Some));
                ends.filter(move |halt| is_possible(rules, subject, *halt))
                    .map(move |halt| (rules, subject, halt, counts[index(subject, halt)]))
            })
        })
    }

    /// What was reached and is said to be impossible: a mistake in one or the other.
    pub fn impossible(&self) -> Vec<(Rules, Subject, Option<Halt>)> {
        let all = self.0.iter().flat_map(|OfRules { rules, counts }| {
            Subject::all().flat_map(move |subject| {
                let ends = std::iter::once(None).chain(Halt::ALL.map(Some));
                ends.map(move |halt| (*rules, subject, halt, counts[index(subject, halt)]))
            })
        });
        all.filter(|(rules, subject, halt, count)| *count > 0 && !is_possible(*rules, *subject, *halt))
            .map(|(rules, subject, halt, _)| (rules, subject, halt))
            .collect()
    }

    /// How much of what is possible was reached.
    pub fn covered(&self) -> Covered {
        self.rows().fold(Covered::default(), |sum, (.., count)| Covered {
            reached: sum.reached + usize::from(count > 0),
            possible: sum.possible + 1,
        })
    }
}

fn index(subject: Subject, halt: Option<Halt>) -> usize {
    let subject = match subject {
        Subject::Opcode(opcode) => usize::from(opcode.0),
        Subject::Transaction => SUBJECTS - 1,
    };
    subject * ENDS + halt.map_or(0, |halt| 1 + halt as usize)
}

/// Counts what one side of a case comes to, and ends a run whose frames hold too much memory.
pub(super) struct Watch {
    pub(super) coverage: Coverage,
    /// Where the counters of the case's rules are.
    place: usize,
    /// Most bytes of memory of one frame.
    max_memory: usize,
    /// Whether that was met.
    pub(super) is_too_large: bool,
}

impl Watch {
    pub(super) fn new(coverage: Coverage, max_memory: usize) -> Self {
        Self { coverage, place: 0, max_memory, is_too_large: false }
    }

    /// From here on a case of `rules` runs.
    pub(super) fn begin(&mut self, rules: Rules) {
        self.place = self.coverage.place(rules);
        self.is_too_large = false;
    }

    fn count(&mut self, subject: Subject, halt: Option<Halt>) {
        self.coverage.0[self.place].counts[index(subject, halt)] += 1;
    }

    fn control(&mut self, view: &StepView<'_>) -> StepControl {
        if view.memory.len() > self.max_memory {
            self.is_too_large = true;
            return StepControl::Abort;
        }
        StepControl::Continue
    }
}

impl Hooks for Watch {
    /// It sees what others ask for.
    fn interest(&self) -> Interest {
        Interest::Nothing
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.control(step)
    }

    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.control(entry)
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.count(Subject::Opcode(step.opcode), end.halt);
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        let MessagePhase::After(outcome) = phase else { return StepControl::Continue };
        let halt = match outcome.status {
            FrameStatus::Halt(halt) => Some(halt).filter(|halt| is_of_message(*halt)),
            _ => None,
        };
        // Every other end of a message is its last opcode's.
        if halt.is_some() || message.depth == 0 {
            self.count(Subject::of_message(message.kind, message.depth), halt);
        }
        StepControl::Continue
    }
}

/// One row of what was never reached, as programs read it.
#[derive(Debug, Serialize)]
pub(super) struct Missing<'a> {
    pub(super) rules: &'a str,
    pub(super) opcode: String,
    pub(super) halt: &'static str,
}

impl Coverage {
    /// What is possible and was never reached.
    pub(super) fn missing(&self) -> Vec<Missing<'_>> {
        let missing = self.rows().filter(|(.., count)| *count == 0);
        let row = |(rules, subject, halt, _): (Rules, Subject, Option<Halt>, u64)| Missing {
            // A handle to a set that lives as long as the program.
            rules: self.0.iter().find(|of| of.rules == rules).map_or("", |of| of.rules.name()),
            opcode: subject.name(rules),
            halt: halt.map_or("none", Halt::name),
        };
        missing.map(row).collect()
    }

    /// As a table of text: a line for each set of rules and opcode, with what it came to and how often, and what it never came to.
    pub fn text(&self) -> String {
        let Covered { reached, possible } = self.covered();
        let mut text =
            format!("# {reached} of {possible} (rules, opcode, halt) that are possible were reached\n");
        text.push_str("rules\topcode\treached\tnever\n");
        for OfRules { rules, counts } in &self.0 {
            for subject in Subject::all() {
                let ends = std::iter::once(None).chain(Halt::ALL.map(Some));
                let ends = ends.filter(|halt| is_possible(*rules, subject, *halt));
                let (mut reached, mut never) = (Vec::new(), Vec::new());
                for halt in ends {
                    let name = halt.map_or("none", Halt::name);
                    match counts[index(subject, halt)] {
                        0 => never.push(name.to_owned()),
                        count => reached.push(format!("{name} {count}")),
                    }
                }
                let row = [rules.name(), &subject.name(*rules), &reached.join(", "), &never.join(", ")];
                text.push_str(&row.join("\t"));
                text.push('\n');
            }
        }
        text
    }
}
