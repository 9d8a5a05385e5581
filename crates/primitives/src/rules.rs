//! Rules as a value: what depends on the chain and the block's fork, as data.

mod builder;
mod difference;
mod set;
mod spelling;

pub use builder::{RulesBuilder, RulesError};
pub use difference::{RulesDifference, Subject as RulesSubject};
pub use set::{Rules, ShownOpcode};
