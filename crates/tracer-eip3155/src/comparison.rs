//! Compares two traces on every field that both know.

use std::{collections::VecDeque, fmt, io::BufRead};

use crate::{Client, HaltKind, ReadError, Record, Step, TraceEnd, TraceReader};

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
    /// The line of each side that says what differs; of a side that is at its end, its last step. 0 for none.
    pub lines: [u64; 2],
    /// The last steps that agreed, oldest first.
    pub recent: Vec<Step>,
}

/// Two traces that agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceAgreement {
    /// Steps compared.
    pub steps: u64,
    /// Fields that were compared nowhere, as one side never says them: what the agreement is silent about.
    pub unknown: Vec<&'static str>,
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
        let end = std::mem::take(&mut left.end);
        if let Some(difference) = comparison.step_behind(end, step).map_err(|error| (false, error))? {
            return Ok(Err(difference));
        }
    }
    comparison.finish(left.end).map_err(|error| (false, error))
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
    /// What the left side said since its last step that was compared.
    left_end: TraceEnd,
    steps: u64,
    /// The last lines that were compared.
    lines: [u64; 2],
    recent: VecDeque<Step>,
    /// Which of [`OPTIONAL`] and [`OPTIONAL_ENDS`] both sides have said.
    said: [bool; OPTIONAL.len()],
    said_at_end: [bool; OPTIONAL_ENDS.len()],
    /// A side has spoken of state gas that is not nothing.
    has_state_gas: bool,
}

impl<R: BufRead> TraceComparison<R> {
    /// Compares what `left_client` would write with the trace `right`.
    pub fn new(left_client: Client, right: TraceReader<R>) -> Self {
        Self {
            left_client,
            right: Side { reader: right, end: TraceEnd::default() },
            due: None,
            left_end: TraceEnd::default(),
            steps: 0,
            lines: [0; 2],
            recent: VecDeque::with_capacity(RECENT + 1),
            said: Default::default(),
            said_at_end: Default::default(),
            has_state_gas: false,
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
        self.step_behind(TraceEnd::default(), left)
    }

    /// What the left side says between its last step and the next: the end of a frame, which some clients write.
    pub fn say(&mut self, end: TraceEnd) {
        self.left_end.add(end);
    }

    /// Compares the left side's next step, and `end`, which it said since the step before: a file may hold several
    /// transactions.
    fn step_behind(&mut self, end: TraceEnd, left: Step) -> Result<Option<Box<TraceDifference>>, ReadError> {
        self.say(end);
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
            let lines = self.lines_of([&left, &right]);
            let difference = self.ends().or_else(|| {
                let difference = match (&left, &right) {
                    (Some(left), Some(right)) => step_difference(left, right),
                    _ => Some(("length", "a step".to_owned(), "the end".to_owned())),
                };
                Some((difference?, lines))
            });
            if let Some(difference) = difference {
                return Ok(Some(self.difference(difference, [left, right])));
            }
            self.lines = lines;
            for ((_, says), said) in OPTIONAL.iter().zip(&mut self.said) {
                *said |= left.as_ref().is_some_and(says) && right.as_ref().is_some_and(says);
            }
            self.has_state_gas |= [&left, &right].into_iter().flatten().any(Step::has_state_gas);
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
        left: TraceEnd,
    ) -> Result<Result<TraceAgreement, Box<TraceDifference>>, ReadError> {
        self.say(left);
        let right_client = self.right.reader.client();
        loop {
            self.due()?;
            let right = self.due.take().flatten();
            if is_unpaired_stop((&right, right_client), (&None, self.left_client)) {
                continue;
            }
            let difference = self.ends().or_else(|| {
                let lines = self.lines_of([&None, &right]);
                right.is_some().then(|| (("length", "the end".to_owned(), "a step".to_owned()), lines))
            });
            return Ok(match difference {
                Some(difference) => Err(self.difference(difference, [None, right])),
                None => Ok(TraceAgreement { steps: self.steps, unknown: self.unknown() }),
            });
        }
    }

    /// Whether the trace has said the state after the transaction, and yet has a step due: it is of more than one.
    ///
    /// # Errors
    ///
    /// Those of reading the trace.
    pub fn has_another_transaction(&mut self) -> Result<bool, ReadError> {
        Ok(self.due()?.is_some() && self.right.end.state_root.is_some())
    }

    /// Compares what both sides said since the last step; with the lines that differ.
    fn ends(&mut self) -> Option<Found> {
        let [left, right] = [&mut self.left_end, &mut self.right.end].map(std::mem::take);
        for ((_, says), said) in OPTIONAL_ENDS.iter().zip(&mut self.said_at_end) {
            *said |= says(&left, &right);
        }
        let difference = end_difference(&left, &right)?;
        let of_the_rest = usize::from(difference.0 != "stateRoot");
        Some((difference, [left.lines[of_the_rest], right.lines[of_the_rest]]))
    }

    /// Where two steps stand; for what is at its end, where its last one did.
    fn lines_of(&self, steps: [&Option<Step>; 2]) -> [u64; 2] {
        let [left, right] = steps;
        let line = |step: &Option<Step>, last| step.as_ref().map_or(last, |step| step.line);
        [line(left, self.lines[0]), line(right, self.lines[1])]
    }

    fn unknown(&self) -> Vec<&'static str> {
        let steps = OPTIONAL
            .iter()
            .zip(&self.said)
            .filter(|(_, said)| self.steps > 0 && !**said)
            .map(|(field, _)| field.0)
            .filter(|name| self.has_state_gas || ![RESERVOIR, STATE_GAS_COST].contains(name));
        let ends =
            OPTIONAL_ENDS.iter().zip(&self.said_at_end).filter(|(_, said)| !**said).map(|(field, _)| field.0);
        steps.chain(ends).collect()
    }

    fn difference(
        &mut self,
        ((field, left, right), lines): Found,
        [left_step, right_step]: [Option<Step>; 2],
    ) -> Box<TraceDifference> {
        let (step, recent) = (self.steps, std::mem::take(&mut self.recent).into());
        Box::new(TraceDifference { step, field, left, right, left_step, right_step, lines, recent })
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
                Record::FrameExit(end) | Record::End(end) => self.end.add(end),
            }
        }
        Ok(None)
    }
}

type SaidOfStep = fn(&Step) -> bool;
type SaidOfEnds = fn(&TraceEnd, &TraceEnd) -> bool;

/// What a step need not say, and whether it does.
const OPTIONAL: [(&str, SaidOfStep); 9] = [
    ("gasCost", |step| step.gas_cost.is_some()),
    ("stack", |step| step.stack.is_some()),
    ("memSize", |step| step.memory_size.is_some()),
    ("memory", |step| step.memory.is_some()),
    ("returnData", |step| step.return_data.is_some()),
    ("refund", |step| step.refund.is_some()),
    ("error", |step| step.halt.is_some()),
    (RESERVOIR, |step| step.reservoir.is_some()),
    (STATE_GAS_COST, |step| step.state_gas_cost.is_some()),
];

/// Where there is no state gas, nobody misses them.
const RESERVOIR: &str = "reservoir";
const STATE_GAS_COST: &str = "stateGasCost";

/// What the lines behind the steps need not say, and whether both sides do.
const OPTIONAL_ENDS: [(&str, SaidOfEnds); 3] = [
    ("stateRoot", |a, b| a.state_root.is_some() && b.state_root.is_some()),
    ("output", |a, b| a.output.is_some() && b.output.is_some()),
    ("gasUsed", |a, b| {
        let of_both = |gas: fn(&TraceEnd) -> Option<u64>| gas(a).is_some() && gas(b).is_some();
        of_both(|end| end.gas_used) || of_both(|end| end.frame_gas)
    }),
];

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

/// Name of the field, and both values.
type Difference = Option<(&'static str, String, String)>;

/// A difference and the lines of it.
type Found = ((&'static str, String, String), [u64; 2]);

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
        .or_else(|| differ("reservoir", &a.reservoir, &b.reservoir, hex))
        .or_else(|| differ("stateGas", &a.state_gas_spent, &b.state_gas_spent, hex))
        .or_else(|| differ("stack", &a.stack, &b.stack, |stack| show_stack(stack)))
        .or_else(|| differ("memSize", &a.memory_size, &b.memory_size, number))
        .or_else(|| differ("memory", &a.memory, &b.memory, ToString::to_string))
        .or_else(|| differ("returnData", &a.return_data, &b.return_data, ToString::to_string))
        .or_else(|| differ("refund", &a.refund, &b.refund, ToString::to_string))
        .or_else(|| differ("refundAfter", &a.refund_after, &b.refund_after, ToString::to_string))
        .or_else(|| halt_difference(a, b))
        .or_else(|| {
            let failed = |step: &Step| !matches!(step.halt, None | Some(HaltKind::None | HaltKind::Revert));
            if failed(a) || failed(b) {
                return None;
            }
            let charged = [a, b].map(|step| step.state_gas_cost.map(|cost| cost.max(0)));
            differ("gasCost", &a.gas_cost, &b.gas_cost, hex)
                .filter(|_| !is_spilled(a, b) && !is_spilled(b, a))
                .or_else(|| differ("stateGasCost", &charged[0], &charged[1], |cost| format!("{cost:#x}")))
        })
}

/// Whether the cost that `other` says may have in it what was taken from execution gas for state gas, or given back, which it does not
/// say: revm's of an opcode behind which its frame does not go on at once.
fn is_spilled(step: &Step, other: &Step) -> bool {
    let (Some(state), None) = (step.state_gas_cost, other.state_gas_cost) else { return false };
    let (Some(cost), Some(more)) = (step.gas_cost, other.gas_cost) else { return false };
    let (least, most) = match u64::try_from(state) {
        Ok(charged) => (cost, cost.saturating_add(charged)),
        Err(_) => (cost.saturating_sub(state.unsigned_abs()), cost),
    };
    other.state_gas_spent.is_some() && (least..=most).contains(&more)
}

fn halt_difference(a: &Step, b: &Step) -> Difference {
    match (a.halt, b.halt) {
        // A word that nobody else uses says that it failed, not how.
        (Some(HaltKind::Other), Some(other)) | (Some(other), Some(HaltKind::Other))
            if other != HaltKind::None =>
        {
            None
        }
        _ => differ("error", &a.halt, &b.halt, |halt| format!("{halt:?}")),
    }
}

fn end_difference(a: &TraceEnd, b: &TraceEnd) -> Difference {
    differ("stateRoot", &a.state_root, &b.state_root, ToString::to_string)
        .or_else(|| differ("output", &a.output, &b.output, ToString::to_string))
        .or_else(|| differ("gasUsed", &a.gas_used, &b.gas_used, |gas| format!("{gas:#x}")))
        .or_else(|| differ("gasUsed of the frame", &a.frame_gas, &b.frame_gas, |gas| format!("{gas:#x}")))
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
        writeln!(f, "first difference at step {}: {}", self.step + 1, self.field)?;
        // Steps have their lines above.
        let line = |line: u64| match OPTIONAL_ENDS.iter().any(|(name, _)| self.field.starts_with(name)) {
            true => format!("line {line}: "),
            false => String::new(),
        };
        writeln!(f, "  left  {}{}", line(self.lines[0]), self.left)?;
        write!(f, "  right {}{}", line(self.lines[1]), self.right)
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
