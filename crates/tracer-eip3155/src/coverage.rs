//! Counts what has been compared.

use crate::{Coverage, Field, Fields, HaltKind, Step, TraceEnd, terms};

/// What anyone expects to have been compared of steps, said or not.
const OF_STEPS: Fields = Fields::of(&[
    Field::GasCost,
    Field::Stack,
    Field::MemSize,
    Field::Memory,
    Field::ReturnData,
    Field::Refund,
    Field::Error,
]);
/// The same of what is said behind them.
const OF_ENDS: Fields = Fields::of(&[Field::StateRoot, Field::Output, Field::GasUsed]);
/// Where there is no state gas, nobody misses them.
const OF_STATE_GAS: Fields = Fields::of(&[Field::Reservoir, Field::StateGas, Field::StateGasCost]);
const FIELDS: usize = Field::ALL.len();

/// How often each field was said, and compared, of one kind of line.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    lines: u64,
    compared: [u64; FIELDS],
    /// Of lines that are counted field by field, those that have it and were not compared.
    missed: [u64; FIELDS],
    said: Fields,
}

impl Default for Counts {
    fn default() -> Self {
        Self { lines: 0, compared: [0; FIELDS], missed: [0; FIELDS], said: Fields::NONE }
    }
}

impl Counts {
    pub(crate) fn note(&mut self, said: Fields, compared: Fields) {
        self.lines += 1;
        self.said = self.said.or(said);
        for (count, field) in self.compared.iter_mut().zip(Field::ALL) {
            *count += u64::from(compared.has(field));
        }
    }

    /// Of so many lines alike, where all that was said was compared.
    pub(crate) fn note_equal(&mut self, lines: u64, said: Fields) {
        self.lines += lines;
        self.said = self.said.or(said);
        for (count, field) in self.compared.iter_mut().zip(Field::ALL) {
            *count += if said.has(field) { lines } else { 0 };
        }
    }

    /// What is said on a line of its own kind: of a field, only the lines that have it count.
    pub(crate) fn note_apart(&mut self, said: Fields, compared: Fields) {
        self.lines = 1;
        self.said = self.said.or(said);
        for (at, field) in Field::ALL.into_iter().enumerate() {
            self.compared[at] += u64::from(compared.has(field));
            self.missed[at] += u64::from(said.has(field) && !compared.has(field));
        }
    }

    /// What was compared on a line at least.
    pub(crate) fn compared(&self) -> Fields {
        let compared = Field::ALL.into_iter().zip(self.compared).filter(|(_, count)| *count > 0);
        compared.fold(Fields::NONE, |fields, (field, _)| fields.or(Fields::of(&[field])))
    }

    /// What was not compared on all steps.
    pub(crate) fn step_gaps(&self) -> Vec<Coverage> {
        self.gaps(if self.lines > 0 { OF_STEPS } else { Fields::NONE }, |field| field.to_string())
    }

    /// What was not compared behind all transactions.
    pub(crate) fn end_gaps(&self) -> Vec<Coverage> {
        self.gaps(OF_ENDS, |field| match field {
            Field::Error => "error of the transaction".to_owned(),
            _ => field.to_string(),
        })
    }

    /// What of the fields that were said, or that anyone expects, was not compared on all lines.
    fn gaps(&self, expected: Fields, name: impl Fn(Field) -> String) -> Vec<Coverage> {
        let gap = |field: Field| {
            let (compared, missed) = (self.compared[field as usize], self.missed[field as usize]);
            let of = self.lines.max(compared + missed);
            let is_gap = compared == 0 || compared < of;
            is_gap.then(|| Coverage { field: name(field), compared, of })
        };
        self.said.or(expected).iter().filter_map(gap).collect()
    }
}

/// Keys of a trace that nobody is known to write.
#[derive(Clone, Debug, Default)]
pub(crate) struct OtherKeys(Vec<String>);

/// Most of them that are named.
const MOST_NAMED: usize = 8;

impl OtherKeys {
    pub(crate) fn note(&mut self, key: &str) {
        if self.0.len() <= MOST_NAMED && !self.0.iter().any(|known| known == key) {
            self.0.push(key.to_owned());
        }
    }

    /// Of two clients they are compared nowhere.
    pub(crate) fn gaps(&self, steps: u64) -> impl Iterator<Item = Coverage> {
        let name = |(at, key): (usize, &String)| match at {
            MOST_NAMED => "other keys".to_owned(),
            _ => format!("{key:?}"),
        };
        self.0.iter().enumerate().map(name).map(move |field| Coverage { field, compared: 0, of: steps })
    }
}

/// What has been compared of two traces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Covered {
    steps: Counts,
    frames: Counts,
    ends: Counts,
    second_lines: u64,
    /// Errors that both sides have, each in its own words.
    errors_by_kind: u64,
    has_state_gas: bool,
}

impl Covered {
    pub(crate) fn steps(&mut self, left: &Step, right: &Step, fields: Fields) {
        self.has_state_gas |= left.has_state_gas() || right.has_state_gas();
        let compared = terms::both_know(left, right).and(fields);
        self.steps.note(left.said.or(right.said), compared);
        self.error(&left.halt, &right.halt);
        self.second_lines += u64::from(right.second_line.is_some() || left.second_line.is_some());
    }

    fn error(&mut self, left: &Option<HaltKind>, right: &Option<HaltKind>) {
        let has = |halt: &Option<HaltKind>| halt.is_some_and(|halt| halt != HaltKind::None);
        self.errors_by_kind += u64::from(has(left) && has(right));
    }

    pub(crate) fn ends(&mut self, left: &TraceEnd, right: &TraceEnd, fields: Fields) {
        self.error(&left.halt, &right.halt);
        self.ends.note(left.said.or(right.said), terms::comparable(left, right).and(fields));
    }

    pub(crate) fn frames(&mut self, left: &TraceEnd, right: &TraceEnd, fields: Fields) {
        self.error(&left.halt, &right.halt);
        self.frames.note(left.said.or(right.said), terms::comparable(left, right).and(fields));
    }

    /// The end of a frame that only one side tells.
    pub(crate) fn frame_alone(&mut self, end: &TraceEnd) {
        self.frames.note(end.said, Fields::NONE);
    }

    /// Errors that were compared by what they mean.
    pub(crate) fn errors_by_kind(&self) -> u64 {
        self.errors_by_kind
    }

    /// What was compared somewhere.
    pub(crate) fn compared(&self) -> Fields {
        self.steps.compared().or(self.frames.compared()).or(self.ends.compared())
    }

    /// What was not compared everywhere.
    pub(crate) fn gaps(&self) -> Vec<Coverage> {
        let unmissed = if self.has_state_gas { Fields::NONE } else { OF_STATE_GAS };
        let mut steps = self.steps.clone();
        steps.said = steps.said.without(unmissed);
        let frames = self.frames.gaps(Fields::NONE, |field| format!("{field} of frames"));
        let second = (self.second_lines > 0).then(|| Coverage {
            field: "second lines of opcodes that fail".to_owned(),
            compared: 0,
            of: self.second_lines,
        });
        steps.step_gaps().into_iter().chain(frames).chain(self.ends.end_gaps()).chain(second).collect()
    }
}
