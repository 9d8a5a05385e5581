use parallax_block_data::{Block, BlockError, BlockProcessor, Body, BodyResult, BodyRun, ChainPlace};
use parallax_primitives::{B256, BlockEnv, BlockRules, U256};

use crate::{body::ApplyBody, fork};

/// The plain processor of blocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct MiniBlocks;

impl BlockProcessor for MiniBlocks {
    fn name(&self) -> &'static str {
        "mini-block"
    }

    /// EELS: `fork.py`, `state_transition`, its `BlockEnvironment`.
    fn environment(&self, place: &ChainPlace<'_>, block: &Block) -> BlockEnv {
        let header = &block.header;
        // EIP-4399: one stands in the other's place.
        let (difficulty, prevrandao) = match place.rules.work {
            Some(_) => (header.difficulty, B256::ZERO),
            None => (U256::ZERO, header.prev_randao),
        };
        BlockEnv {
            number: header.number,
            timestamp: header.timestamp,
            gas_limit: header.gas_limit,
            coinbase: header.coinbase,
            difficulty,
            prevrandao,
            base_fee: header.base_fee.unwrap_or_default(),
            excess_blob_gas: header.excess_blob_gas.unwrap_or_default(),
            blobs: place.rules.blobs,
            slot_number: header.slot_number.unwrap_or_default(),
        }
    }

    fn validate(&self, place: &ChainPlace<'_>, block: &Block) -> Result<(), BlockError> {
        fork::validate(place, block)
    }

    fn begin(&self, body: Body) -> Box<dyn BodyRun> {
        Box::new(ApplyBody::new(body))
    }

    fn check(&self, rules: &BlockRules, block: &Block, result: &BodyResult) -> Result<(), BlockError> {
        fork::check(rules, block, result)
    }
}
