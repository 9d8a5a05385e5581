//! What two runs may differ in without that being a divergence. By default: nothing.

use parallax_primitives::{FrameStatus, Halt};

/// How two sides are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whether halts must have the same name.
    pub halts: Halts,
    /// Whether rejections must have the same reason.
    pub rejections: Rejections,
    /// Most characters of one value in a report. Bounds what is displayed, never what is compared.
    pub max_summary_length: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { halts: Halts::Exact, rejections: Rejections::Exact, max_summary_length: 512 }
    }
}

/// The halt by the specification, what a foreign engine may call it, and why it does.
pub type HaltPair = (Halt, Halt, &'static str);

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
        foreign: Which,
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
            Which::Left => (right, left),
            Which::Right => (left, right),
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
    Any,
}

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first.
    Left,
    /// The second.
    Right,
}
