#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod case;
mod chain;
mod names;
mod network;
mod payload;
mod refusal;
mod run;

pub use case::{BlockCase, CaseBlock, ExpectedRefusal, PostState};
pub use chain::{Accepted, Chain};
pub use network::Network;
pub use refusal::Refusal;
pub use run::{At, BlockReport, CaseEnd, CaseReport, Execute, Failure, process, run};
