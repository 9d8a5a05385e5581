#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod access_list;
mod check;
mod expected;
mod header;
mod ommers;
mod requests;
mod run;

use parallax_block_data::{Block, BlockError, BlockProcessor, Body, BodyResult, BodyRun, ChainPlace};
use parallax_primitives::{BlockEnv, BlockRules, U256};

pub use expected::{base_fee, difficulty, excess_blob_gas};

/// The rules of blocks, for any engine: the processor `block`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Blocks;

impl BlockProcessor for Blocks {
    fn name(&self) -> &'static str {
        "block"
    }

    fn environment(&self, place: &ChainPlace<'_>, block: &Block) -> BlockEnv {
        let header = &block.header;
        let mined = place.rules.work.is_some();
        BlockEnv {
            number: header.number,
            timestamp: header.timestamp,
            gas_limit: header.gas_limit,
            coinbase: header.coinbase,
            difficulty: if mined { header.difficulty } else { U256::ZERO },
            prevrandao: if mined { Default::default() } else { header.prev_randao },
            base_fee: header.base_fee.unwrap_or_default(),
            excess_blob_gas: header.excess_blob_gas.unwrap_or_default(),
            blobs: place.rules.blobs,
            slot_number: header.slot_number.unwrap_or_default(),
        }
    }

    fn validate(&self, place: &ChainPlace<'_>, block: &Block) -> Result<(), BlockError> {
        // What has other parts is no block, whatever its size.
        header::fields(place.rules, &block.header)?;
        let (name, is_there) = ("withdrawals", block.withdrawals.is_some());
        if is_there != place.rules.withdrawals {
            return Err(BlockError::Field { name, is_there });
        }
        if let Some(limit) = place.rules.max_size
            && block.size > limit
        {
            return Err(BlockError::SizeAboveLimit { size: block.size, limit });
        }
        // Where there are ommers that may not be, it is not their hash that is wrong.
        let ommers = |error| match error {
            BlockError::OmmersHash { .. } if !block.ommers.is_empty() => BlockError::OmmersAfterParis,
            error => error,
        };
        header::behind(place, block.header.parent_hash, &block.header).map_err(ommers)?;
        ommers::validate(place, block)
    }

    fn begin(&self, body: Body) -> Box<dyn BodyRun> {
        Box::new(run::Run::new(body))
    }

    fn check(&self, rules: &BlockRules, block: &Block, result: &BodyResult) -> Result<(), BlockError> {
        check::header(rules, block, result)
    }
}
