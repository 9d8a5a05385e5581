//! EELS: `requests.py`.

use parallax_block_data::{BlockError, Receipt};
use parallax_primitives::{B256, BlockRules, Bytes, U256};
use sha2::{Digest, Sha256};

/// Bytes of a deposit's log.
const DEPOSIT_EVENT_LENGTH: usize = 576;

/// Where each part of a deposit stands in its log, its size before it, and how many bytes it has: key, credentials, amount, signature,
/// index.
const DEPOSIT_PARTS: [(usize, usize); 5] = [(160, 48), (256, 32), (320, 8), (384, 96), (512, 8)];

/// The deposit in the data of a log, which are encoded as the deposit contract does, and in no other way.
///
/// EELS: `requests.py`, `extract_deposit_data`.
fn extract_deposit_data(data: &[u8]) -> Result<Vec<u8>, BlockError> {
    if data.len() != DEPOSIT_EVENT_LENGTH {
        return Err(BlockError::DepositLayout);
    }
    let number_at = |place: usize| U256::from_be_slice(&data[place..place + 32]);
    for (index, (offset, _)) in DEPOSIT_PARTS.into_iter().enumerate() {
        if number_at(index * 32) != U256::from(offset) {
            return Err(BlockError::DepositLayout);
        }
    }
    let mut deposit = Vec::with_capacity(192);
    for (offset, size) in DEPOSIT_PARTS {
        if number_at(offset) != U256::from(size) {
            return Err(BlockError::DepositLayout);
        }
        deposit.extend_from_slice(&data[offset + 32..offset + 32 + size]);
    }
    Ok(deposit)
}

/// All deposits that are in the logs of these receipts, one behind the other (EIP-6110).
///
/// EELS: `requests.py`, `parse_deposit_requests`.
///
/// # Errors
///
/// A log of the deposit contract is no deposit's ([`BlockError::DepositLayout`]).
pub fn parse_deposit_requests(receipts: &[Receipt]) -> Result<Vec<u8>, BlockError> {
    let mut deposit_requests = Vec::new();
    for log in receipts.iter().flat_map(|receipt| &receipt.logs) {
        if log.address == BlockRules::DEPOSIT_ADDRESS
            && log.topics.first() == Some(&BlockRules::DEPOSIT_TOPIC)
        {
            deposit_requests.extend(extract_deposit_data(&log.data)?);
        }
    }
    Ok(deposit_requests)
}

/// SHA-256 of the SHA-256 of each (EIP-7685).
///
/// EELS: `requests.py`, `compute_requests_hash`.
pub fn compute_requests_hash(requests: &[Bytes]) -> B256 {
    let mut hasher = Sha256::new();
    for request in requests {
        hasher.update(Sha256::digest(request));
    }
    B256::from(<[u8; 32]>::from(hasher.finalize()))
}
