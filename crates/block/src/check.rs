//! Whether a header says what its block came to.

use parallax_block_data::{
    AccessDifference, AccessListError, Block, BlockAccessList, BlockError, BodyResult, RootName,
    receipts_root,
};
use parallax_primitives::{B256, BlockRules, GasSchedule};

use crate::requests;

pub(crate) fn header(rules: &BlockRules, block: &Block, result: &BodyResult) -> Result<(), BlockError> {
    let header = &block.header;
    if header.gas_used != result.gas_used {
        return Err(BlockError::GasUsed { found: header.gas_used, expected: result.gas_used });
    }
    root(RootName::Transactions, header.transactions_root, block.transactions_root())?;
    root(RootName::State, header.state_root, result.state.state_root())?;
    root(RootName::Receipts, header.receipts_root, receipts_root(&result.receipts))?;
    if header.logs_bloom != result.logs_bloom {
        return Err(BlockError::LogsBloom);
    }
    if rules.withdrawals {
        let found = header.withdrawals_root.unwrap_or_default();
        root(RootName::Withdrawals, found, block.withdrawals_root())?;
    }
    if let Some(found) = header.blob_gas_used
        && found != result.blob_gas_used
    {
        // The transactions were held against the limit one by one.
        let limit = rules.blobs.max.saturating_mul(GasSchedule::GAS_PER_BLOB);
        let (used, expected) = (found, result.blob_gas_used);
        return Err(match used > limit {
            true => BlockError::BlobGasAboveLimit { used, limit },
            false => BlockError::BlobGasUsed { found, expected },
        });
    }
    if rules.requests {
        let found = header.requests_hash.unwrap_or_default();
        root(RootName::Requests, found, requests::hash(&result.requests))?;
    }
    if let Some(expected) = &result.access_list {
        access_list(block, expected)?;
    }
    Ok(())
}

fn root(name: RootName, found: B256, expected: B256) -> Result<(), BlockError> {
    if found == expected { Ok(()) } else { Err(BlockError::Root { name, found, expected }) }
}

/// What came with the block tells more than the hash of its header.
fn access_list(block: &Block, expected: &BlockAccessList) -> Result<(), BlockError> {
    if let Some(bytes) = &block.access_list {
        let found = BlockAccessList::decode(bytes).map_err(AccessListError::from)?;
        found.validate(block.transactions.len())?;
        if let Some(difference) = AccessDifference::between(&found, expected) {
            return Err(BlockError::AccessList(Box::new(difference)));
        }
    }
    let found = block.header.access_list_hash.unwrap_or_default();
    root(RootName::AccessList, found, expected.hash())
}
