//! Compares two traces of one client: every key of every line, in the client's own terms.

use std::{collections::VecDeque, io::BufRead};

use serde_json::Value;

use crate::{
    Client, Field, Fields, ReadError, Step, TraceReader, What,
    answer::{CompareOptions, Found, Gathered, RECENT, TraceAnswer},
    coverage::Counts,
    difference::{TraceAgreement, TraceDifference},
    line::{Kind, Line, malformed, string},
    lines::{Lines, pass_alike},
    reader::{self, Profile},
    terms::NOT_WRITTEN,
};

/// No two runs take the same time.
const NEVER_COMPARED: Fields = Fields::of(&[Field::Time]);

pub(crate) fn compare<L: BufRead, R: BufRead>(
    left: TraceReader<L>,
    right: TraceReader<R>,
    options: CompareOptions,
) -> Result<TraceAnswer, (bool, ReadError)> {
    let client = left.client();
    let mut exact = Exact {
        client,
        profiles: [left.profile(), right.profile()],
        options,
        written: written(client, [left.profile(), right.profile()]),
        steps: 0,
        lines: [0; 2],
        recent: VecDeque::with_capacity(2 * RECENT),
        ended: [None; 2],
        said: [Fields::NONE; 2],
        of_steps: Counts::default(),
        of_ends: Counts::default(),
        is_empty: true,
        gathered: Gathered::default(),
    };
    exact.run(left.into_lines(), right.into_lines())
}

/// What a client writes on its steps, asked for or not, so that what is absent says something.
fn written(client: Client, profiles: [Profile; 2]) -> Fields {
    let facts = client.facts();
    let mut written = Fields::NONE;
    for key in facts.steps.iter().chain(facts.others.iter().flat_map(|keys| keys.iter())) {
        let is_asked_for = profiles.iter().all(|profile| profile.on_steps.has(key.field));
        if is_asked_for || !key.presence.is_on_demand() && facts.steps.contains(key) {
            written.add(key.field);
        }
    }
    written
}

struct Exact {
    client: Client,
    profiles: [Profile; 2],
    options: CompareOptions,
    written: Fields,
    steps: u64,
    lines: [u64; 2],
    /// The last steps that agreed, with their lines on the left side.
    recent: VecDeque<(u64, Vec<u8>)>,
    /// Line of the end of the last transaction, as long as no other one has begun.
    ended: [Option<u64>; 2],
    /// What has been said of the end of the transaction.
    said: [Fields; 2],
    of_steps: Counts,
    of_ends: Counts,
    is_empty: bool,
    gathered: Gathered,
}

impl Exact {
    fn run<L: BufRead, R: BufRead>(
        &mut self,
        mut left: Lines<L>,
        mut right: Lines<R>,
    ) -> Result<TraceAnswer, (bool, ReadError)> {
        loop {
            if self.ended == [None; 2] {
                self.pass_alike(&mut left, &mut right)?;
            }
            let a = next(&mut left).map_err(|error| (true, error))?;
            let b = next(&mut right).map_err(|error| (false, error))?;
            if self.is_empty && (a.is_none() || b.is_none()) {
                let is_left = a.is_none();
                drop((a, b));
                let error = if is_left { left.not_a_trace() } else { right.not_a_trace() };
                return Err((is_left, error));
            }
            self.is_empty = false;
            let sides = [&a, &b].map(Option::as_ref);
            for (at, side) in sides.into_iter().enumerate() {
                self.check(at, side).map_err(|error| (at == 0, error))?;
            }
            let ended = match sides {
                [None, None] => return Ok(self.answer(Ok(self.agreement()))),
                [Some((Kind::Step, a)), Some((Kind::Step, b))] => self.steps(sides, a, b),
                [Some((Kind::End, a)), Some((Kind::End, b))] => self.ends(sides, a, b),
                [Some((Kind::End, end)), None] if self.may_lack(end) && self.is_first(0, end) => {
                    self.of_ends.note_apart(end.said, Fields::NONE);
                    None
                }
                [None, Some((Kind::End, end))] if self.may_lack(end) && self.is_first(1, end) => {
                    self.of_ends.note_apart(end.said, Fields::NONE);
                    None
                }
                _ => {
                    let found = (What::Length, says(sides[0]), says(sides[1]), self.lines_of(sides));
                    Some(self.difference(found, sides))
                }
            };
            self.lines = self.lines_of(sides);
            for (said, side) in self.said.iter_mut().zip(sides) {
                *said = match side {
                    Some((Kind::End, line)) => said.or(line.said),
                    _ => Fields::NONE,
                };
            }
            if let Some(difference) = ended {
                return Ok(self.answer(Err(difference)));
            }
        }
    }

    fn pass_alike<L: BufRead, R: BufRead>(
        &mut self,
        left: &mut Lines<L>,
        right: &mut Lines<R>,
    ) -> Result<(), (bool, ReadError)> {
        loop {
            let alike = pass_alike(left, right, RECENT)?;
            if alike.steps == 0 {
                return Ok(());
            }
            self.steps += alike.steps;
            self.lines = alike.lines;
            self.of_steps.note_equal(alike.steps, self.written);
            self.recent.extend(alike.recent);
            while self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
    }

    /// Whether a line is what it should be, alike or not.
    fn check(&mut self, at: usize, side: Option<&(Kind, Line<'_>)>) -> Result<(), ReadError> {
        match side {
            Some((Kind::Step, line)) => {
                let step = reader::step(line, self.client, self.profiles[at])?;
                let begins = step.pc == 0 && step.depth == 1;
                match self.ended[at].take() {
                    Some(_) if !begins => Err(malformed(line.number, reader::BEHIND_THE_END.to_owned())),
                    _ => Ok(()),
                }
            }
            Some((_, line)) => {
                reader::end(line, self.client)?;
                if !reader::is_exit(line, self.client) {
                    self.ended[at] = Some(line.number);
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn steps(&mut self, sides: Sides<'_, '_>, a: &Line<'_>, b: &Line<'_>) -> Option<Box<TraceDifference>> {
        let (differences, apart) = self.differences(a, b, true);
        let said = a.said.or(b.said);
        self.of_steps.note(said, self.written.or(a.said.and(b.said)).without(apart));
        let ended = self.take(differences, sides, reader::opcode(a).ok());
        if ended.is_none() {
            self.steps += 1;
            self.recent.push_back((a.number, a.text().to_vec()));
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
        ended
    }

    fn ends(&mut self, sides: Sides<'_, '_>, a: &Line<'_>, b: &Line<'_>) -> Option<Box<TraceDifference>> {
        let (differences, apart) = self.differences(a, b, false);
        self.of_ends.note_apart(a.said.or(b.said), a.said.and(b.said).without(apart));
        self.take(differences, sides, None)
    }

    /// The first difference, or where all are wanted the first behind which nothing can be compared.
    fn take(
        &mut self,
        differences: Vec<(What, String, String)>,
        sides: Sides<'_, '_>,
        opcode: Option<parallax_primitives::Opcode>,
    ) -> Option<Box<TraceDifference>> {
        let lines = self.lines_of(sides);
        for (what, left, right) in differences {
            let found = (what, left, right, lines);
            if !self.options.all || !found.0.leaves_in_step() {
                return Some(self.difference(found, sides));
            }
            if self.gathered.note(&found, opcode) {
                let first = self.difference(found, sides);
                self.gathered.first = Some(first);
            }
        }
        None
    }

    /// Whether the side has not said any of it before of the same transaction.
    fn is_first(&self, at: usize, end: &Line<'_>) -> bool {
        self.said[at].and(end.said).is_empty()
    }

    /// Whether a trace may come without such a line.
    fn may_lack(&self, end: &Line<'_>) -> bool {
        let facts = self.client.facts();
        let is_on_demand = |field| facts.closing_key(field).is_some_and(|key| key.presence.is_on_demand());
        self.options.ends.is_empty() || facts.may_lack_closing || end.said.iter().all(is_on_demand)
    }

    /// What two lines of one kind differ in, and what only one of them was asked to write.
    fn differences(
        &self,
        a: &Line<'_>,
        b: &Line<'_>,
        is_step: bool,
    ) -> (Vec<(What, String, String)>, Fields) {
        let mut found = Vec::new();
        let mut apart = NEVER_COMPARED;
        if a.text() == b.text() {
            return (found, apart);
        }
        let facts = self.client.facts();
        let fields = if is_step { self.options.steps } else { self.options.ends };
        let what = |field| {
            if is_step {
                What::Step(field)
            } else if reader::is_exit(a, self.client) {
                What::Frame(field)
            } else {
                What::End(field)
            }
        };
        // Where lines are out of step, their depth says most.
        let rest = Field::ALL.into_iter().filter(|field| *field != Field::Depth);
        for field in std::iter::once(Field::Depth).chain(rest) {
            let (left, right) = (a.raw(field), b.raw(field));
            let key = if is_step { facts.step_key(field) } else { facts.closing_key(field) };
            let is_on_demand = key.is_some_and(|key| key.presence.is_on_demand());
            // Of ends there is no more than the one to tell what was asked for.
            let lacks = |at: usize| !is_step || !self.profiles[at].on_steps.has(field);
            let skipped = apart.has(field) || !fields.has(field);
            match (left, right) {
                _ if skipped => {}
                (Some(left), Some(right)) if is_same(left, right) => {}
                (Some(left), Some(right)) => found.push((what(field), show(left), show(right))),
                (Some(_), None) if is_on_demand && lacks(1) => apart.add(field),
                (None, Some(_)) if is_on_demand && lacks(0) => apart.add(field),
                (Some(left), None) => found.push((what(field), show(left), NOT_WRITTEN.to_owned())),
                (None, Some(right)) => found.push((what(field), NOT_WRITTEN.to_owned(), show(right))),
                (None, None) => {}
            }
            if !self.options.all && !found.is_empty() {
                return (found, apart);
            }
        }
        if fields.has_others() {
            found.extend(other_differences(a, b));
        }
        (found, apart)
    }

    fn lines_of(&self, sides: Sides<'_, '_>) -> [u64; 2] {
        [0, 1].map(|at| sides[at].map_or(self.lines[at], |(_, line)| line.number))
    }

    fn difference(&self, (what, left, right, lines): Found, sides: Sides<'_, '_>) -> Box<TraceDifference> {
        let step = |at: usize| {
            let (_, line) = sides[at].filter(|(kind, _)| *kind == Kind::Step)?;
            reader::step(line, self.client, self.profiles[at]).ok()
        };
        let recent = self.recent.iter().filter_map(|(number, text)| self.parsed(*number, text)).collect();
        let (left_step, right_step) = (step(0), step(1));
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

    fn parsed(&self, number: u64, text: &[u8]) -> Option<Step> {
        reader::step(&Line::parse(number, text).ok()?, self.client, self.profiles[0]).ok()
    }

    fn agreement(&self) -> TraceAgreement {
        let gaps = self.of_steps.step_gaps().into_iter().chain(self.of_ends.end_gaps()).collect();
        let CompareOptions { steps, ends, .. } = self.options;
        let compared = self.of_steps.compared().and(steps).or(self.of_ends.compared().and(ends));
        TraceAgreement { steps: self.steps, compared, gaps, ..TraceAgreement::default() }
    }

    fn answer(&mut self, outcome: Result<TraceAgreement, Box<TraceDifference>>) -> TraceAnswer {
        std::mem::take(&mut self.gathered).answer(outcome)
    }
}

type Sides<'s, 'l> = [Option<&'s (Kind, Line<'l>)>; 2];

/// The next step or end.
fn next<R: BufRead>(lines: &mut Lines<R>) -> Result<Option<(Kind, Line<'_>)>, ReadError> {
    loop {
        let Some((number, text)) = lines.next_object()? else { return Ok(None) };
        // The borrow of a line that is talk must not outlive the turn.
        let kind = Line::parse(number, text)?.kind()?;
        if kind != Kind::Talk {
            let (number, text) = lines.again();
            return Ok(Some((kind, Line::parse(number, text)?)));
        }
    }
}

fn says(side: Option<&(Kind, Line<'_>)>) -> String {
    match side {
        Some((Kind::Step, _)) => "a step",
        Some(_) => "the end of a frame or of the transaction",
        None => "the end of the trace",
    }
    .to_owned()
}

/// Keys that nobody is known to write.
fn other_differences(a: &Line<'_>, b: &Line<'_>) -> Vec<(What, String, String)> {
    let other = |line: &Line<'_>, wanted: &str| {
        line.entries
            .iter()
            .find(|entry| entry.name.as_ref().is_err_and(|name| name == wanted))
            .map(|entry| entry.raw.to_owned())
    };
    let mut found: Vec<(What, String, String)> = Vec::new();
    for entry in a.entries.iter().chain(&b.entries) {
        let Err(name) = &entry.name else { continue };
        let (left, right) = (other(a, name), other(b, name));
        let is_new = || !found.iter().any(|(what, ..)| what.name() == name);
        if left != right && is_new() {
            let text = |raw: Option<String>| raw.map_or(NOT_WRITTEN.to_owned(), |raw| show(&raw));
            found.push((What::Key(name.to_string()), text(left), text(right)));
        }
    }
    found
}

/// Whether two values of one field are the same, however their numbers and strings are written.
fn is_same(left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    let parsed = [left, right].map(|raw| serde_json::from_str::<Value>(raw).ok());
    matches!(&parsed, [Some(left), Some(right)] if is_same_value(left, right))
}

fn is_same_value(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| is_same_value(left, right))
        }
        (Value::String(left), Value::String(right)) => {
            left == right || hex(left).zip(hex(right)).is_some_and(|(left, right)| left == right)
        }
        (Value::String(text), Value::Number(number)) | (Value::Number(number), Value::String(text)) => {
            let value = text.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
            value.is_some() && value == number.as_u64()
        }
        _ => left == right,
    }
}

/// The digits of a hexadecimal number, however many zeros it begins with.
fn hex(text: &str) -> Option<String> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| digits.trim_start_matches('0').to_ascii_lowercase())
}

/// A value as people read it.
fn show(raw: &str) -> String {
    if let Some(text) = string(raw) {
        return text.into_owned();
    }
    match serde_json::from_str::<Vec<String>>(raw) {
        Ok(items) => format!("[{}]", items.join(" ")),
        Err(_) => raw.to_owned(),
    }
}
