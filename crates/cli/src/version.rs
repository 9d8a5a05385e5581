//! What this program is, to the commit.

use parallax_primitives::Fork;

/// The version of the crate.
pub(crate) const SHORT: &str = env!("CARGO_PKG_VERSION");

/// The version with the commit and what else decides what a run comes to, as far as it was known where this was built.
pub(crate) fn long() -> String {
    let commit = option_env!("PARALLAX_COMMIT").map_or(String::new(), |commit| format!(" ({commit})"));
    let revm = option_env!("PARALLAX_REVM").map_or(String::new(), |version| format!("\nrevm {version}"));
    format!("{SHORT}{commit}{revm}\nforks {}", Fork::ALL.map(Fork::name).join(" "))
}
