//! The first place where two runs part, as a value.

use crate::{Cause, Detail, Earlier, Field, Mismatch, Place, ShadowConfig, ShadowMode, Value, cause};

/// The first place where two runs part. Its `Display` is the report for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// Names of the engines, left and right.
    pub engines: [String; 2],
    /// Where.
    pub place: Place,
    /// In what.
    pub field: Field,
    /// What the left side has there.
    pub left: Value,
    /// What the right side has there.
    pub right: Value,
    /// What kind of fault this looks like.
    pub cause: Cause,
    /// The EIPs that touch the rule that may be wrong, ascending; none where no rule outside of the opcodes is known to be.
    pub eips: &'static [u16],
    /// The last things that both sides did alike before it, oldest first.
    pub recent: Vec<Earlier>,
    /// The state on both sides, where steps or blocks were compared and details were asked for.
    pub detail: Option<Box<Detail>>,
    /// Most characters of one value in the report.
    pub max_summary_length: usize,
}

impl Divergence {
    /// A divergence without detail; its cause follows from the place and the mismatch.
    pub fn new(
        engines: [String; 2],
        place: Place,
        mismatch: Mismatch,
        recent: Vec<Earlier>,
        config: &ShadowConfig,
    ) -> Self {
        let by_steps = matches!(config.mode, ShadowMode::PerStep | ShadowMode::All);
        let cause = Cause::of(&place, &mismatch, by_steps);
        let eips = cause::eips(&place, &mismatch, cause);
        let Mismatch { field, left, right } = mismatch;
        let max_summary_length = config.max_summary_length;
        Self { engines, place, field, left, right, cause, eips, recent, detail: None, max_summary_length }
    }
}
