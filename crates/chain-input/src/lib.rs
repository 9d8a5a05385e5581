#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod answer;
mod block;
mod chain_state;
mod fields;
mod json;
mod pre_state;
mod receipt;
mod transaction;

pub use answer::{answer, hashes_of_blocks};
pub use block::{ChainBlock, InBlock};
pub use chain_state::ChainState;
pub use json::{MAX_BYTES, parse};
pub use pre_state::{Pick, PreState, PreStateForm};
pub use receipt::ChainReceipt;
pub use transaction::{ChainTransaction, encode_transaction};
