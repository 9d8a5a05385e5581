//! How often engines are compared, as users type it.

use clap::ValueEnum;

/// How often two engines are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(clippy::enum_variant_names, reason = "users type them so")]
pub(crate) enum Mode {
    /// After every message, and the state after the transaction
    PerCall,
    /// At every entry of a basic block too: the left engine's fast form against the right engine, stepped there
    PerBlock,
    /// Before and after every opcode too
    PerStep,
    /// As per-step, and the fast form at every entry of a basic block: one verdict
    All,
}
