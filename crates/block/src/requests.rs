//! Requests to the consensus layer (EIP-7685).

use std::ops::Range;

use parallax_block_data::BlockError;
use parallax_primitives::{Address, B256, BlockRules, Bytes, Log, U256};
use sha2::{Digest, Sha256};

/// Bytes of a deposit's log.
const DEPOSIT_LOG_SIZE: usize = 576;
/// Of each field of a deposit's log: the word that points at it, what that must say, and how many bytes the field has: public key,
/// withdrawal credentials, amount, signature, index.
const DEPOSIT_FIELDS: [(usize, usize, usize); 5] =
    [(0, 160, 48), (32, 256, 32), (64, 320, 8), (96, 384, 96), (128, 512, 8)];

/// The type byte of the requests that a contract answers, if it does (EIP-7002, EIP-7251, EIP-8282).
pub(crate) fn kind_of(contract: Address) -> Option<u8> {
    Some(match contract {
        BlockRules::WITHDRAWAL_REQUESTS_ADDRESS => BlockRules::WITHDRAWAL_REQUEST,
        BlockRules::CONSOLIDATION_REQUESTS_ADDRESS => BlockRules::CONSOLIDATION_REQUEST,
        BlockRules::BUILDER_DEPOSITS_ADDRESS => BlockRules::BUILDER_DEPOSIT_REQUEST,
        BlockRules::BUILDER_EXITS_ADDRESS => BlockRules::BUILDER_EXIT_REQUEST,
        _ => return None,
    })
}

/// What a log asks for if it is a deposit (EIP-6110).
pub(crate) fn deposit(log: &Log) -> Result<Option<Vec<u8>>, BlockError> {
    let is_deposit =
        log.address == BlockRules::DEPOSIT_ADDRESS && log.topics.first() == Some(&BlockRules::DEPOSIT_TOPIC);
    if !is_deposit {
        return Ok(None);
    }
    if log.data.len() != DEPOSIT_LOG_SIZE {
        return Err(BlockError::DepositLayout);
    }
    let mut request = Vec::with_capacity(192);
    for (pointer, offset, size) in DEPOSIT_FIELDS {
        if word(&log.data, pointer) != U256::from(offset) || word(&log.data, offset) != U256::from(size) {
            return Err(BlockError::DepositLayout);
        }
        let Range { start, end } = offset + 32..offset + 32 + size;
        request.extend_from_slice(&log.data[start..end]);
    }
    Ok(Some(request))
}

fn word(data: &[u8], at: usize) -> U256 {
    U256::from_be_slice(&data[at..at + 32])
}

/// The hash of requests that are not empty, each behind its type byte.
pub(crate) fn hash(requests: &[Bytes]) -> B256 {
    let mut outer = Sha256::new();
    for request in requests {
        outer.update(Sha256::digest(request));
    }
    B256::from_slice(&outer.finalize())
}
