//! Compares two traces on every field that both know.

use std::{collections::VecDeque, fmt, io::BufRead};

use crate::{Client, Failure, ReadError, Record, Step, TraceEnd, TraceReader};

/// The first place where two traces part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceDifference {
    /// Steps that agreed before it.
    pub step: u64,
    /// The field.
    pub field: &'static str,
    /// What the left trace says.
    pub left: String,
    /// What the right trace says.
    pub right: String,
    /// The left step, or `None` if the left trace is at its end.
    pub left_step: Option<Step>,
    /// The right step, or `None` if the right trace is at its end.
    pub right_step: Option<Step>,
    /// The last steps that agreed, oldest first.
    pub recent: Vec<Step>,
}

/// Two traces that agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceAgreement {
    /// Steps compared.
    pub steps: u64,
}

/// How many agreeing steps a difference shows.
const RECENT: usize = 5;

/// Compares two traces in one pass, in memory that does not grow with their length.
///
/// # Errors
///
/// Those of reading either trace; the flag says whether it was the left one.
pub fn compare_traces<L: BufRead, R: BufRead>(
    left: TraceReader<L>,
    right: TraceReader<R>,
) -> Result<Result<TraceAgreement, Box<TraceDifference>>, (bool, ReadError)> {
    let mut comparison = TraceComparison::new(left.client(), right);
    let mut left = Side { reader: left, end: TraceEnd::default() };
    while let Some(step) = left.step().map_err(|error| (true, error))? {
        if let Some(difference) = comparison.step(step).map_err(|error| (false, error))? {
            return Ok(Err(difference));
        }
    }
    comparison.finish(&left.end).map_err(|error| (false, error))
}

/// Compares steps with a trace as they come, in memory that does not grow with their number: what [`compare_traces`] does,
/// for a left side that is still running.
///
/// After a difference or an error there is nothing more to compare.
pub struct TraceComparison<R> {
    left_client: Client,
    right: Side<R>,
    /// The right step that is due; the outer `None` if it has not been read.
    due: Option<Option<Step>>,
    steps: u64,
    recent: VecDeque<Step>,
}

impl<R: BufRead> TraceComparison<R> {
    /// Compares what `left_client` would write with the trace `right`.
    pub fn new(left_client: Client, right: TraceReader<R>) -> Self {
        Self {
            left_client,
            right: Side { reader: right, end: TraceEnd::default() },
            due: None,
            steps: 0,
            recent: VecDeque::with_capacity(RECENT + 1),
        }
    }

    /// The trace's next step, so that a left side need not gather what it will not be asked for; `None` at the trace's end.
    ///
    /// # Errors
    ///
    /// Those of reading the trace.
    pub fn due(&mut self) -> Result<Option<&Step>, ReadError> {
        if self.due.is_none() {
            self.due = Some(self.right.step()?);
        }
        Ok(self.due.as_ref().and_then(Option::as_ref))
    }

    /// Compares the left side's next step.
    ///
    /// # Errors
    ///
    /// Those of reading the trace.
    pub fn step(&mut self, left: Step) -> Result<Option<Box<TraceDifference>>, ReadError> {
        let left = Some(left);
        loop {
            self.due()?;
            let right = self.due.take().flatten();
            let (left_client, right_client) = (self.left_client, self.right.reader.client());
            if is_unpaired_stop((&left, left_client), (&right, right_client)) {
                self.due = Some(right);
                return Ok(None);
            }
            if is_unpaired_stop((&right, right_client), (&left, left_client)) {
                continue;
            }
            let difference = match (&left, &right) {
                (Some(left), Some(right)) => step_difference(left, right),
                _ => Some(("length", "a step".to_owned(), "the end".to_owned())),
            };
            if let Some(difference) = difference {
                return Ok(Some(self.difference(difference, left, right)));
            }
            self.steps += 1;
            self.recent.extend(left);
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
            return Ok(None);
        }
    }

    /// Compares what follows the left side's last step.
    ///
    /// # Errors
    ///
    /// Those of reading the rest of the trace.
    pub fn finish(
        mut self,
        left: &TraceEnd,
    ) -> Result<Result<TraceAgreement, Box<TraceDifference>>, ReadError> {
        let right_client = self.right.reader.client();
        loop {
            self.due()?;
            let right = self.due.take().flatten();
            if is_unpaired_stop((&right, right_client), (&None, self.left_client)) {
                continue;
            }
            let difference = match &right {
                Some(_) => Some(("length", "the end".to_owned(), "a step".to_owned())),
                None => end_difference(left, &self.right.end),
            };
            return Ok(match difference {
                Some(difference) => Err(self.difference(difference, None, right)),
                None => Ok(TraceAgreement { steps: self.steps }),
            });
        }
    }

    fn difference(
        &mut self,
        (field, left, right): (&'static str, String, String),
        left_step: Option<Step>,
        right_step: Option<Step>,
    ) -> Box<TraceDifference> {
        let recent = std::mem::take(&mut self.recent).into();
        Box::new(TraceDifference { step: self.steps, field, left, right, left_step, right_step, recent })
    }
}

struct Side<R> {
    reader: TraceReader<R>,
    end: TraceEnd,
}

impl<R: BufRead> Side<R> {
    /// The next step; what else stands between is gathered into the end.
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        for record in self.reader.by_ref() {
            match record? {
                Record::Step(step) => return Ok(Some(step)),
                Record::FrameExit => {}
                Record::End(end) => {
                    self.end.state_root = end.state_root.or(self.end.state_root);
                    self.end.output = end.output.or(self.end.output.take());
                }
            }
        }
        Ok(None)
    }
}

/// Whether `step` is a STOP that the other client would not have written: one that the code implied, or revm's of init code
/// without a byte. Whoever puts two traces side by side passes over it.
pub fn is_unpaired_stop(
    (step, client): (&Option<Step>, Client),
    (other, other_client): (&Option<Step>, Client),
) -> bool {
    let Some(step) = step else { return false };
    let paired = other.as_ref().is_some_and(|other| (other.pc, other.depth) == (step.pc, step.depth));
    let of_no_code = client == Client::Revm && step.pc == 0;
    step.opcode.0 == 0 && (of_no_code || !other_client.writes_implied_stop()) && !paired
}

type Difference = Option<(&'static str, String, String)>;

fn differ<T: PartialEq>(
    field: &'static str,
    a: &Option<T>,
    b: &Option<T>,
    show: impl Fn(&T) -> String,
) -> Difference {
    match (a, b) {
        (Some(a), Some(b)) if a != b => Some((field, show(a), show(b))),
        _ => None,
    }
}

fn step_difference(a: &Step, b: &Step) -> Difference {
    let number = |value: &u64| value.to_string();
    let hex = |value: &u64| format!("{value:#x}");
    differ("depth", &Some(a.depth), &Some(b.depth), number)
        .or_else(|| differ("pc", &Some(a.pc), &Some(b.pc), number))
        .or_else(|| differ("op", &Some(a.opcode), &Some(b.opcode), ToString::to_string))
        .or_else(|| differ("gas", &Some(a.gas), &Some(b.gas), hex))
        .or_else(|| differ("stack", &a.stack, &b.stack, |stack| show_stack(stack)))
        .or_else(|| differ("memSize", &a.memory_size, &b.memory_size, number))
        .or_else(|| differ("memory", &a.memory, &b.memory, ToString::to_string))
        .or_else(|| differ("returnData", &a.return_data, &b.return_data, ToString::to_string))
        .or_else(|| differ("refund", &a.refund, &b.refund, ToString::to_string))
        .or_else(|| failure_difference(a, b))
        .or_else(|| {
            let failed = |step: &Step| !matches!(step.failure, None | Some(Failure::None | Failure::Revert));
            if failed(a) || failed(b) { None } else { differ("gasCost", &a.gas_cost, &b.gas_cost, hex) }
        })
}

fn failure_difference(a: &Step, b: &Step) -> Difference {
    match (a.failure, b.failure) {
        // A word that nobody else uses says that it failed, not how.
        (Some(Failure::Other), Some(other)) | (Some(other), Some(Failure::Other))
            if other != Failure::None =>
        {
            None
        }
        _ => differ("error", &a.failure, &b.failure, |failure| format!("{failure:?}")),
    }
}

fn end_difference(a: &TraceEnd, b: &TraceEnd) -> Difference {
    differ("stateRoot", &a.state_root, &b.state_root, ToString::to_string)
        .or_else(|| differ("output", &a.output, &b.output, ToString::to_string))
}

fn show_stack(stack: &[parallax_primitives::U256]) -> String {
    let items: Vec<String> = stack.iter().map(|item| format!("{item:#x}")).collect();
    format!("[{}]", items.join(" "))
}

impl fmt::Display for TraceDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.recent {
            write_step(f, "  ", step)?;
        }
        for (mark, step) in [("< ", &self.left_step), ("> ", &self.right_step)] {
            match step {
                Some(step) => write_step(f, mark, step)?,
                None => writeln!(f, "{mark}(end of the trace)")?,
            }
        }
        writeln!(f, "first difference at step {}: {}", self.step, self.field)?;
        writeln!(f, "  left  {}", self.left)?;
        write!(f, "  right {}", self.right)
    }
}

fn write_step(f: &mut fmt::Formatter<'_>, mark: &str, step: &Step) -> fmt::Result {
    let top = step.stack.as_ref().map_or(String::new(), |stack| {
        let shown: Vec<String> = stack.iter().rev().take(3).map(|item| format!("{item:#x}")).collect();
        format!("  top {}", shown.join(" "))
    });
    let Step { line, depth, pc, opcode, gas, .. } = step;
    writeln!(f, "{mark}line {line:<6} depth {depth:<4} pc {pc:<5} {opcode:<14} gas {gas:#x}{top}")
}
