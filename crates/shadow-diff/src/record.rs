//! A bounded record of both sides, step by step.

use crate::{Field, Mismatch, StepSide, Value};

/// One step of two sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideBySideStep {
    /// Its number on both sides: opcodes are counted over all frames, from 0.
    pub index: u64,
    /// The left side; `None` if it is over.
    pub left: Option<StepSide>,
    /// The right side; `None` if it is over.
    pub right: Option<StepSide>,
    /// What differs first, before the opcode or behind it, and what each side has there; `None` only where nothing differs. What
    /// is new comes before what is only carried on.
    pub mismatch: Option<Box<Mismatch>>,
    /// Whether all that differs here differed at the step before it: the same two values, of gas and refund the same distance.
    pub is_carried: bool,
}

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) steps: Vec<SideBySideStep>,
    /// Steps that the bound has left out.
    pub(crate) dropped: u64,
    /// Steps of each side.
    pub(crate) totals: [u64; 2],
    pub(crate) diverged_at: Option<u64>,
    limit: usize,
    skips_identical: bool,
    /// All that differs at the step that has begun.
    differences: Vec<Mismatch>,
    /// All that differed at the step before it.
    earlier: Vec<Mismatch>,
}

impl Record {
    pub(crate) fn new(limit: usize, skips_identical: bool) -> Self {
        Self {
            steps: Vec::new(),
            dropped: 0,
            totals: [0; 2],
            diverged_at: None,
            limit,
            skips_identical,
            differences: Vec::new(),
            earlier: Vec::new(),
        }
    }

    /// Of a run that was not recorded.
    pub(crate) fn only_totals(totals: [u64; 2]) -> Self {
        Self { totals, ..Self::new(0, false) }
    }

    /// Where what differs at the step that has begun is put.
    pub(crate) fn differences(&mut self) -> &mut Vec<Mismatch> {
        &mut self.differences
    }

    /// The step that has begun differs in this.
    pub(crate) fn differ(&mut self, mismatch: Mismatch) {
        self.differences.push(mismatch);
    }

    /// The step that has begun is over.
    pub(crate) fn push(&mut self, index: u64, sides: [Option<StepSide>; 2]) {
        for (total, side) in self.totals.iter_mut().zip(&sides) {
            *total += u64::from(side.is_some());
        }
        let is_new = |mismatch: &&Mismatch| !self.earlier.iter().any(|earlier| is_carried(earlier, mismatch));
        let new = self.differences.iter().find(is_new);
        let is_carried = new.is_none() && !self.differences.is_empty();
        let mismatch = new.or(self.differences.first()).cloned().map(Box::new);
        std::mem::swap(&mut self.earlier, &mut self.differences);
        self.differences.clear();
        if mismatch.is_some() && self.diverged_at.is_none() {
            self.diverged_at = Some(index);
        }
        if self.skips_identical && mismatch.is_none() {
            return;
        }
        if self.steps.len() >= self.limit {
            self.dropped += 1;
            return;
        }
        let [left, right] = sides;
        self.steps.push(SideBySideStep { index, left, right, mismatch, is_carried });
    }
}

/// Whether a difference is one of a step before, in the same kind of place: an item of the stack moves with what is pushed on it.
fn is_carried(earlier: &Mismatch, now: &Mismatch) -> bool {
    if std::mem::discriminant(&earlier.field) != std::mem::discriminant(&now.field) {
        return false;
    }
    match now.field {
        Field::Gas | Field::Refund | Field::Reservoir | Field::SpilledStateGas => {
            distance(earlier) == distance(now)
        }
        _ => earlier.left == now.left && earlier.right == now.right,
    }
}

/// How far apart two counters are; `None` if these are none.
fn distance(mismatch: &Mismatch) -> Option<i128> {
    let number = |value: &Value| match value {
        Value::Count(count) => Some(i128::from(*count)),
        Value::Signed(number) => Some(i128::from(*number)),
        _ => None,
    };
    Some(number(&mismatch.left)? - number(&mismatch.right)?)
}
