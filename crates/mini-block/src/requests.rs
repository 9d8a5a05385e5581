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

#[cfg(test)]
mod tests {
    use parallax_block_data::{Bloom, ReceiptOutcome};
    use parallax_primitives::{Address, Log, hex};

    use super::*;

    /// The data of a deposit's log, in which the first part is ones, the second twos and so on.
    fn deposit_event() -> Vec<u8> {
        let mut data = vec![0; DEPOSIT_EVENT_LENGTH];
        for (index, (offset, size)) in DEPOSIT_PARTS.into_iter().enumerate() {
            data[index * 32 + 30..index * 32 + 32]
                .copy_from_slice(&u16::try_from(offset).unwrap().to_be_bytes());
            data[offset + 31] = u8::try_from(size).unwrap();
            data[offset + 32..offset + 32 + size].fill(u8::try_from(index + 1).unwrap());
        }
        data
    }

    fn receipt(logs: Vec<Log>) -> Receipt {
        let outcome = ReceiptOutcome::Status(true);
        Receipt { kind: 0, outcome, cumulative_gas: 0, bloom: Bloom::ZERO, logs }
    }

    fn deposit(data: Vec<u8>) -> Log {
        let topics = vec![BlockRules::DEPOSIT_TOPIC];
        Log { address: BlockRules::DEPOSIT_ADDRESS, topics, data: data.into() }
    }

    #[test]
    fn deposits_are_put_one_behind_the_other() {
        // By EELS's `extract_deposit_data`.
        let expected = ["01".repeat(48), "02".repeat(32), "03".repeat(8), "04".repeat(96), "05".repeat(8)];
        let expected = hex::decode(expected.concat()).unwrap();
        let mut other = deposit(vec![1]);
        other.topics.clear();
        let elsewhere = Log { address: Address::ZERO, ..deposit(vec![2]) };
        let second_topic = Log { topics: vec![B256::ZERO, BlockRules::DEPOSIT_TOPIC], ..deposit(vec![3]) };
        let receipts = [
            receipt(vec![other, deposit(deposit_event())]),
            receipt(vec![]),
            receipt(vec![elsewhere, deposit(deposit_event()), second_topic]),
        ];
        assert_eq!(parse_deposit_requests(&receipts), Ok([expected.clone(), expected].concat()));
    }

    #[test]
    fn a_deposit_of_another_layout_is_refused() {
        let event = deposit_event();
        let refused = |data: Vec<u8>| {
            assert_eq!(
                parse_deposit_requests(&[receipt(vec![deposit(data)])]),
                Err(BlockError::DepositLayout)
            );
        };
        refused(Vec::new());
        refused(event[..575].to_vec());
        refused([event.as_slice(), &[0]].concat());
        // Any byte of an offset and of a size; what is between the parts is not looked at.
        let sizes = DEPOSIT_PARTS.into_iter().flat_map(|(offset, _)| offset..offset + 32);
        for place in (0..160).chain(sizes) {
            let mut data = event.clone();
            data[place] ^= 1;
            refused(data);
        }
        let mut padded = event.clone();
        padded[575] = 9;
        assert!(parse_deposit_requests(&[receipt(vec![deposit(padded)])]).is_ok());
    }

    /// By EELS's `compute_requests_hash`.
    #[track_caller]
    fn check(requests: &[&[u8]], expected: &str) {
        let requests: Vec<Bytes> = requests.iter().map(|request| Bytes::copy_from_slice(request)).collect();
        assert_eq!(hex::encode(compute_requests_hash(&requests)), expected);
    }

    #[test]
    fn hashes_of_requests_are_those_of_the_specification() {
        check(&[], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let deposit = [vec![0], vec![1; 192]].concat();
        check(&[&deposit], "b1fe3b9c6a3960003ee15b39f5281050a850da8cc93580c1358ed9de321146f4");
        let all: [&[u8]; 3] = [&[0, 1], &[1, 2, 3], &[2, 4]];
        check(&all, "c4c80255cfd5f38082becebac8ccb15c86a349077bdfb39f666d9b645a70e016");
    }
}
