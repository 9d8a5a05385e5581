//! What a comparison of two engines leaves for its report.

use parallax_primitives::TxOutcome;
use parallax_shadow_diff::{ShadowConfig, Verdict};

/// What the report of a comparison is made of, besides the records.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) engines: [&'static str; 2],
    pub(crate) config: ShadowConfig,
    pub(crate) verdict: Verdict,
    pub(crate) outcomes: [Option<TxOutcome>; 2],
    /// What tells `parallax diff` to run the same.
    pub(crate) again: Option<String>,
}
