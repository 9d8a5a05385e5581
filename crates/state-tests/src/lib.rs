#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]
//!
//! It reads and checks; it does not choose engines, find files or run in parallel: that is `parallax-campaign`.

mod case;
mod environment;
mod error;
mod exception;
mod file;
mod node;
mod run;
mod transaction;
mod written;

pub use case::{Case, Expected, cases, cases_of};
pub use environment::{accounts, accounts_with_zeros, chain_id, storage};
pub use error::{FixtureError, Problem};
pub use exception::{ExpectedException, Raised};
pub use file::{FixtureFile, MAX_FILE_BYTES, MAX_NESTING, TestText};
pub use node::Node;
pub use run::{CaseResult, difference, run};
