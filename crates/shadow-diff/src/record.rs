//! A bounded record of both sides, step by step.

use crate::{Field, StepSide};

/// One step of two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideBySideStep {
    /// Its number on both sides: opcodes are counted over all frames, from 0.
    pub index: u64,
    /// The left side; `None` if it is over.
    pub left: Option<StepSide>,
    /// The right side; `None` if it is over.
    pub right: Option<StepSide>,
    /// What differs first, if anything does. Past the first divergence, [`Field::Step`] says that the sides differ in
    /// something that is kept here.
    pub mismatch: Option<Field>,
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
}

impl Record {
    pub(crate) fn new(limit: usize, skips_identical: bool) -> Self {
        Self { steps: Vec::new(), dropped: 0, totals: [0; 2], diverged_at: None, limit, skips_identical }
    }

    /// Of a run that was not recorded.
    pub(crate) fn only_totals(totals: [u64; 2]) -> Self {
        Self { totals, ..Self::new(0, false) }
    }

    pub(crate) fn push(&mut self, index: u64, sides: [Option<StepSide>; 2], mismatch: Option<Field>) {
        for (total, side) in self.totals.iter_mut().zip(&sides) {
            *total += u64::from(side.is_some());
        }
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
        self.steps.push(SideBySideStep { index, left, right, mismatch });
    }
}
