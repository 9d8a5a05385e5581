//! How two runs are compared, and what they may differ in without that being a divergence. By default: nothing.

use parallax_engine_interface::{
    CostTolerance, Engine, HaltPair, MessageTolerance, Tolerances, UntoldMessage,
};
use parallax_primitives::{FrameStatus, Halt, Opcode};

use crate::{Field, Mismatch};

/// How often two engines are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShadowMode {
    /// Never: only one engine runs.
    Off,
    /// The outcome of every message, nested ones included, and the post-state.
    PerCall,
    /// The state at every entry of a basic block too: the watched engine keeps running its fast form.
    PerBlock,
    /// The state before and after every opcode too.
    PerStep,
    /// As per step; and then every other form of an engine's as per block ([`crate::compare_engines_in_forms`]).
    All,
}

impl ShadowMode {
    /// As users type it.
    pub const fn name(self) -> &'static str {
        match self {
            ShadowMode::Off => "off",
            ShadowMode::PerCall => "per-call",
            ShadowMode::PerBlock => "per-block",
            ShadowMode::PerStep => "per-step",
            ShadowMode::All => "all",
        }
    }
}

/// How two sides are compared. The limits bound what is shown, never what is compared.
#[derive(Clone, Copy, Debug)]
pub struct ShadowConfig {
    /// How often.
    pub mode: ShadowMode,
    /// Most items of a stack that a report shows, from the top.
    pub stack_compare_limit: usize,
    /// Most bytes of a memory that a report shows, round the first difference.
    pub memory_window: usize,
    /// Most storage slots that a report shows, the last touched.
    pub storage_key_limit: usize,
    /// Whether a divergence carries [`crate::Detail`].
    pub enable_detailed_diffs: bool,
    /// Whether a [`crate::SideBySideRun`] leaves out steps in which both sides are the same: kept are those that differ.
    pub skip_identical_steps: bool,
    /// Most characters of one value in a report.
    pub max_summary_length: usize,
    /// Whether the time of each engine is measured apart; it costs a look at the clock at every callback.
    pub measure_time: bool,
    /// Most steps, or block entries, of a run; one that has more ends there with that verdict, unless it has diverged before. Not
    /// kept where only messages are compared.
    pub max_steps: u64,
    /// Whether halts must have the same name.
    pub halts: Halts,
    /// Whether rejections must have the same reason.
    pub rejections: Rejections,
    /// Opcodes that fail, whose cost is not compared.
    pub costs: &'static [CostTolerance],
    /// What the left side does not tell of messages, and what the right one does not.
    pub messages: [&'static [MessageTolerance]; 2],
    /// Other differences between steps that count as none.
    pub tolerances: &'static [Tolerance],
}

impl ShadowConfig {
    /// The default one in `mode`, where it counts as no difference what one of two engines has otherwise by its design
    /// ([`Engine::tolerances`]). Two engines that both have are compared exactly, in what both tell.
    pub fn between(left: &dyn Engine, right: &dyn Engine, mode: ShadowMode) -> Self {
        let (of_left, of_right) = (left.tolerances(), right.tolerances());
        let exact = Self { mode, messages: [of_left.messages, of_right.messages], ..Self::default() };
        let is_exact = [of_left, of_right].map(|tolerances| tolerances == Tolerances::NONE);
        let (foreign, Tolerances { halts, rejections, costs, .. }) = match is_exact {
            [false, true] => (Side::Left, of_left),
            [true, false] => (Side::Right, of_right),
            _ => return exact,
        };
        Self {
            halts: Halts::Mapped { table: halts, foreign },
            rejections: rejections.map_or(Rejections::Exact, |reason| Rejections::Any { reason }),
            costs,
            ..exact
        }
    }

    /// Whether one of the sides does not tell this of messages.
    pub fn is_untold(&self, what: UntoldMessage) -> bool {
        self.messages.iter().copied().flatten().any(|message| message.untold == what)
    }

    /// Whether a difference between two steps counts as none.
    pub fn tolerates(&self, step: &StepMismatch<'_>) -> bool {
        let has_failed = step.halts.iter().all(Option::is_some);
        let is_cost = matches!(step.mismatch.field, Field::GasCost | Field::StateGasCost) && has_failed;
        let is_named = |cost: &CostTolerance| step.halts.contains(&Some(cost.halt));
        is_cost && self.costs.iter().any(is_named)
            || self.tolerances.iter().any(|tolerance| (tolerance.covers)(step))
    }
}

impl Default for ShadowConfig {
    fn default() -> Self {
        Self {
            mode: ShadowMode::PerCall,
            stack_compare_limit: 64,
            memory_window: 256,
            storage_key_limit: 32,
            enable_detailed_diffs: true,
            skip_identical_steps: true,
            max_summary_length: 512,
            measure_time: false,
            max_steps: u64::MAX,
            halts: Halts::Exact,
            rejections: Rejections::Exact,
            costs: &[],
            messages: [&[]; 2],
            tolerances: &[],
        }
    }
}

/// One named difference between two steps that counts as none. Reports print the name and the reason.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// What users call it.
    pub name: &'static str,
    /// Why it is no fault.
    pub reason: &'static str,
    /// Whether it covers a difference.
    pub covers: fn(&StepMismatch<'_>) -> bool,
}

/// A difference between two steps, and the step.
#[derive(Clone, Copy, Debug)]
pub struct StepMismatch<'a> {
    /// What differs.
    pub mismatch: &'a Mismatch,
    /// The opcode, of the left side.
    pub opcode: Opcode,
    /// Why the opcode failed on the left and on the right; `None` as well before it has run.
    pub halts: [Option<Halt>; 2],
}

/// Which halts count as the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halts {
    /// Only equal ones: both engines check in the specification's order.
    Exact,
    /// Equal ones, and the pairs of a table whose second halt the foreign side reported.
    Mapped {
        /// The allowed pairs.
        table: &'static [HaltPair],
        /// The side whose checks have another order.
        foreign: Side,
    },
}

impl Halts {
    /// Whether two statuses count as the same.
    pub fn agree(self, left: FrameStatus, right: FrameStatus) -> bool {
        if left == right {
            return true;
        }
        let Halts::Mapped { table, foreign } = self else { return false };
        let (specified, other) = match foreign {
            Side::Left => (right, left),
            Side::Right => (left, right),
        };
        let (FrameStatus::Halt(specified), FrameStatus::Halt(other)) = (specified, other) else {
            return false;
        };
        table.iter().any(|pair| (pair.0, pair.1) == (specified, other))
    }
}

/// Which rejections count as the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejections {
    /// Only equal ones, their data included.
    Exact,
    /// Any two: an engine that checks in another order names another of several broken rules.
    Any {
        /// Why that is no fault. Reports print it.
        reason: &'static str,
    },
}

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first.
    Left,
    /// The second.
    Right,
}
