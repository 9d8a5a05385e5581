#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod block_access_lists;
mod bloom;
mod body;
mod dao;
mod fork;
mod gas;
mod processor;
mod requests;
mod state;

pub use bloom::logs_bloom;
pub use fork::{calculate_base_fee_per_gas, calculate_block_difficulty, check_gas_limit};
pub use gas::calculate_excess_blob_gas;
pub use processor::MiniBlocks;
pub use requests::{compute_requests_hash, parse_deposit_requests};
