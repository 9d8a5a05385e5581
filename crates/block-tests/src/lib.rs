#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod access_list;
mod case;
mod chain;
mod compare;
mod names;
mod network;
mod payload;
mod refusal;
mod run;
mod shared_state;

pub use case::{BlockCase, CaseBlock, PostState, is_block_test};
pub use chain::{Accepted, Chain};
pub use compare::{BothEnd, BothReport, ExecuteBoth, run_both, run_both_bodies};
pub use network::Network;
pub use refusal::{ExpectedRefusal, Refusal};
pub use run::{At, BlockReport, CaseEnd, CaseReport, Execute, NoResult, Order, process, run};
pub use shared_state::SharedState;
