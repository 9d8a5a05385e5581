//! Compares two traces on every field that both say in the same terms.

use std::{collections::VecDeque, io::BufRead};

use crate::{
    Client, Field, Fields, FrameExits, ReadError, Record, Step, TraceAgreement, TraceDifference, TraceEnd,
    TraceReader, What,
    answer::{CompareOptions, Found, Gathered, RECENT},
    coverage::{Covered, OtherKeys},
    terms::{end_difference, step_difference},
};

/// Most ends of frames between two steps: no frame is deeper than 1024.
const MOST_EXITS: usize = 1100;

/// Compares steps with a trace as they come, in memory that does not grow with their number: what [`crate::compare_traces`] does,
/// for a left side that is still running.
///
/// After a difference or an error there is nothing more to compare.
pub struct TraceComparison<R> {
    left: Told,
    right: Side<R>,
    options: CompareOptions,
    gathered: Gathered,
    /// The right record that is due; the outer `None` if it has not been read.
    due: Option<Option<Due>>,
    steps: u64,
    /// The last lines that were compared.
    lines: [u64; 2],
    recent: VecDeque<Step>,
    covered: Covered,
    stops_passed_over: u64,
}

/// What the left side says, and whose words it uses.
struct Told {
    client: Client,
    exits: FrameExits,
    /// Ends of frames since its last step.
    since: VecDeque<TraceEnd>,
}

/// A step, or what is said behind a transaction.
#[derive(Debug)]
enum Due {
    Step(Box<Step>),
    End(Box<TraceEnd>),
}

impl<R: BufRead> TraceComparison<R> {
    /// Compares what `left_client` would write with the trace `right`.
    pub fn new(left_client: Client, right: TraceReader<R>) -> Self {
        let left = Told { client: left_client, exits: left_client.facts().exits, since: VecDeque::new() };
        Self {
            left,
            right: Side { reader: right, since: VecDeque::new() },
            options: CompareOptions::default(),
            gathered: Gathered::default(),
            due: None,
            steps: 0,
            lines: [0; 2],
            recent: VecDeque::with_capacity(RECENT + 1),
            covered: Covered::default(),
            stops_passed_over: 0,
        }
    }

    /// The same of a left side that is a run: it tells of every frame when it is over, by [`TraceComparison::say`].
    pub fn of_run(right: TraceReader<R>) -> Self {
        let mut comparison = Self::new(Client::Eip3155, right);
        comparison.left.exits = FrameExits::Every;
        comparison
    }

    /// Compares by these options. Those of a run are told one difference, the first.
    #[must_use]
    pub fn with(self, options: CompareOptions) -> Self {
        Self { options, ..self }
    }

    /// The trace's next step, so that a left side need not gather what it will not be asked for; `None` at the transaction's end.
    ///
    /// # Errors
    ///
    /// Those of reading the trace.
    pub fn due(&mut self) -> Result<Option<&Step>, ReadError> {
        if self.due.is_none() {
            self.due = Some(self.right.next()?);
        }
        Ok(match &self.due {
            Some(Some(Due::Step(step))) => Some(step),
            _ => None,
        })
    }

    /// What the left side says between its last step and the next: the end of a frame.
    pub fn say(&mut self, end: TraceEnd) {
        self.left.since.push_back(end);
        if self.left.since.len() > MOST_EXITS {
            self.left.since.pop_front();
        }
    }

    /// Compares the left side's next step.
    ///
    /// # Errors
    ///
    /// Those of reading the trace.
    pub fn step(&mut self, left: Step) -> Result<Option<Box<TraceDifference>>, ReadError> {
        loop {
            self.due()?;
            let due = self.due.take().flatten();
            let right = due.as_ref().and_then(Due::step);
            let (left_client, right_client) = (self.left.client, self.right.reader.client());
            if is_unpaired_stop((Some(&left), left_client), (right, right_client)) {
                self.due = Some(due);
                self.stops_passed_over += 1;
                return Ok(None);
            }
            if is_unpaired_stop((right, right_client), (Some(&left), left_client)) {
                self.stops_passed_over += 1;
                continue;
            }
            let lines = [left.line, right.map_or(self.lines[1], |step| step.line)];
            if let Some(found) = self.exits(lines) {
                return Ok(Some(self.difference(found, [Some(left), due.and_then(Due::into_step)])));
            }
            let Some(right) = right else {
                let found = (What::Length, "a step".to_owned(), self.says(&due), lines);
                return Ok(Some(self.difference(found, [Some(left), None])));
            };
            let mut fields = self.options.steps;
            while let Some((field, of_left, of_right)) = step_difference(&left, right, fields) {
                let place = |step: &Step| (step.pc, step.opcode, step.gas, step.depth);
                let is_at_one_place = place(&left) == place(right);
                // What a second line says is told there.
                let at = |step: &Step| match step.second_line {
                    Some(second) if field == Field::Error => second.line,
                    Some(second) if second.odd == Some(field) && is_at_one_place => second.line,
                    _ => step.line,
                };
                let found = (What::Step(field), of_left, of_right, [at(&left), at(right)]);
                if !self.options.all || !found.0.leaves_in_step() {
                    return Ok(Some(self.difference(found, [Some(left), due.and_then(Due::into_step)])));
                }
                fields = fields.without(Fields::of(&[field]));
                if self.gathered.note(&found, Some(left.opcode)) {
                    let steps = [Some(left.clone()), Some(right.clone())];
                    self.gathered.first = Some(self.difference(found, steps));
                }
            }
            self.covered.steps(&left, right, self.options.steps);
            self.agree(left, lines);
            return Ok(None);
        }
    }

    fn agree(&mut self, step: Step, lines: [u64; 2]) {
        self.lines = lines;
        self.steps += 1;
        self.recent.push_back(step);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// Compares what is said behind the left side's transaction.
    ///
    /// # Errors
    ///
    /// Those of reading the trace.
    pub fn end(&mut self, mut left: TraceEnd) -> Result<Option<Box<TraceDifference>>, ReadError> {
        loop {
            self.due()?;
            let due = self.due.take().flatten();
            let right = due.as_ref().and_then(Due::step);
            if is_unpaired_stop((right, self.right.reader.client()), (None, self.left.client)) {
                self.stops_passed_over += 1;
                continue;
            }
            // The frame that is over last is the transaction's own.
            let whole = self.left.exits == FrameExits::Every && left.frame_gas.is_none();
            if let Some(last) = self.left.since.pop_back_if(|_| whole) {
                left.frame_gas = last.frame_gas;
            }
            let line = |end: &TraceEnd, before: u64| {
                end.lines.into_iter().max().filter(|line| *line > 0).unwrap_or(before)
            };
            let lines = [line(&left, self.lines[0]), self.lines[1]];
            if let Some(found) = self.exits(lines) {
                return Ok(Some(self.difference(found, [None, due.and_then(Due::into_step)])));
            }
            let Some(Due::End(right)) = due else {
                let lines = [lines[0], due.as_ref().map_or(lines[1], Due::line)];
                let found = (What::Length, "the end of the transaction".to_owned(), self.says(&due), lines);
                return Ok(Some(self.difference(found, [None, due.and_then(Due::into_step)])));
            };
            let mut fields = self.options.ends;
            while let Some((field, of_left, of_right)) = end_difference(&left, &right, fields) {
                let of_the_rest = usize::from(field != Field::StateRoot);
                let at = |end: &TraceEnd, side: usize| match end.lines[of_the_rest] {
                    0 => line(end, self.lines[side]),
                    said => said,
                };
                let found = (What::End(field), of_left, of_right, [at(&left, 0), at(&right, 1)]);
                if !self.options.all {
                    return Ok(Some(self.difference(found, [None, None])));
                }
                fields = fields.without(Fields::of(&[field]));
                if self.gathered.note(&found, None) {
                    self.gathered.first = Some(self.difference(found, [None, None]));
                }
            }
            self.covered.ends(&left, &right, self.options.ends);
            self.lines = [lines[0], line(&right, self.lines[1])];
            return Ok(None);
        }
    }

    /// Ends the comparison: the left side has nothing more.
    ///
    /// # Errors
    ///
    /// Those of reading the rest of the trace.
    pub fn finish(self) -> Result<Result<TraceAgreement, Box<TraceDifference>>, ReadError> {
        Ok(self.finish_all(&OtherKeys::default())?.0)
    }

    pub(crate) fn into_gathered(self) -> Gathered {
        self.gathered
    }

    pub(crate) fn finish_all(mut self, others: &OtherKeys) -> Result<(TraceOutcome, Gathered), ReadError> {
        self.due()?;
        let due = self.due.take().flatten();
        let outcome = match due {
            None => Ok(self.agreement(others)),
            Some(_) => {
                let lines = [self.lines[0], due.as_ref().map_or(0, Due::line)];
                let found = (What::Length, "the end of the trace".to_owned(), self.says(&due), lines);
                Err(self.difference(found, [None, due.and_then(Due::into_step)]))
            }
        };
        Ok((outcome, self.gathered))
    }

    /// Where the trace has more of a transaction behind its end, if it does.
    ///
    /// # Errors
    ///
    /// Those of reading the trace.
    pub fn line_behind_the_end(&mut self) -> Result<Option<u64>, ReadError> {
        self.due()?;
        Ok(self.due.as_ref().and_then(Option::as_ref).map(Due::line))
    }

    /// What has come of it so far, if nothing differed; `others` are the left side's keys that nobody is known to write.
    fn agreement(&self, others: &OtherKeys) -> TraceAgreement {
        let mut gaps = self.covered.gaps();
        gaps.extend(others.gaps(self.steps));
        gaps.extend(self.right.reader.other_keys().gaps(self.steps));
        TraceAgreement {
            steps: self.steps,
            compared: self.covered.compared(),
            gaps,
            errors_by_kind: self.covered.errors_by_kind(),
            stops_passed_over: self.stops_passed_over,
        }
    }

    fn says(&self, due: &Option<Due>) -> String {
        match due {
            Some(Due::Step(_)) => "a step",
            Some(Due::End(_)) => "the end of the transaction",
            None => "the end of the trace",
        }
        .to_owned()
    }

    /// Compares the ends of frames that both sides have told since the last step.
    fn exits(&mut self, lines: [u64; 2]) -> Option<Found> {
        let [mut left, mut right] = [&mut self.left.since, &mut self.right.since].map(std::mem::take);
        let both = self.left.exits == FrameExits::Every
            && self.right.reader.client().facts().exits == FrameExits::Every;
        if !both || self.options.ends.is_empty() {
            left.iter()
                .chain(&right)
                .filter(|end| !end.said.is_empty())
                .for_each(|end| self.covered.frame_alone(end));
            return None;
        }
        loop {
            match (left.pop_front(), right.pop_front()) {
                (None, None) => return None,
                (Some(left), Some(right)) => {
                    if let Some((field, of_left, of_right)) = end_difference(&left, &right, self.options.ends)
                    {
                        return Some((
                            What::Frame(field),
                            of_left,
                            of_right,
                            [left.lines[1], right.lines[1]],
                        ));
                    }
                    self.covered.frames(&left, &right, self.options.ends);
                }
                (left, right) => {
                    let says = |end: &Option<TraceEnd>| match end {
                        Some(_) => "the end of a frame".to_owned(),
                        None => "no end of a frame".to_owned(),
                    };
                    let line = |end: &Option<TraceEnd>, line| end.as_ref().map_or(line, |end| end.lines[1]);
                    let at = [line(&left, lines[0]), line(&right, lines[1])];
                    return Some((What::Length, says(&left), says(&right), at));
                }
            }
        }
    }

    fn difference(
        &mut self,
        (what, left, right, lines): Found,
        [left_step, right_step]: [Option<Step>; 2],
    ) -> Box<TraceDifference> {
        let recent = self.recent.iter().cloned().collect();
        Box::new(TraceDifference {
            step: self.steps,
            what,
            left,
            right,
            left_step,
            right_step,
            lines,
            recent,
        })
    }
}

type TraceOutcome = Result<TraceAgreement, Box<TraceDifference>>;

struct Side<R> {
    reader: TraceReader<R>,
    /// Ends of frames since its last step.
    since: VecDeque<TraceEnd>,
}

impl<R: BufRead> Side<R> {
    /// The next step, or the next end of a transaction; ends of frames before it are gathered.
    fn next(&mut self) -> Result<Option<Due>, ReadError> {
        for record in self.reader.by_ref() {
            match record? {
                Record::Step(step) => return Ok(Some(Due::Step(Box::new(step)))),
                Record::End(end) => return Ok(Some(Due::End(Box::new(end)))),
                Record::FrameExit(end) if self.since.len() < MOST_EXITS => self.since.push_back(end),
                Record::FrameExit(end) => {
                    let reason = format!("more than {MOST_EXITS} frames end between two steps");
                    return Err(crate::line::malformed(end.lines[1], reason));
                }
            }
        }
        Ok(None)
    }
}

impl Due {
    fn step(&self) -> Option<&Step> {
        if let Due::Step(step) = self { Some(step) } else { None }
    }

    fn into_step(self) -> Option<Step> {
        if let Due::Step(step) = self { Some(*step) } else { None }
    }

    fn line(&self) -> u64 {
        match self {
            Due::Step(step) => step.line,
            Due::End(end) => end.lines.into_iter().max().unwrap_or(0),
        }
    }
}

/// Whether `step` is a STOP that the other client would not have written: one that the code implied, or revm's of init code
/// without a byte. Whoever puts two traces side by side passes over it.
pub fn is_unpaired_stop(
    (step, client): (Option<&Step>, Client),
    (other, other_client): (Option<&Step>, Client),
) -> bool {
    let Some(step) = step else { return false };
    let paired = other.is_some_and(|other| (other.pc, other.depth) == (step.pc, step.depth));
    let of_no_code = client == Client::Revm && step.pc == 0;
    let may_be_implied = step.is_implied != Some(false) && !other_client.facts().implied_stop;
    step.opcode.0 == 0 && (of_no_code || may_be_implied) && !paired
}
