//! EELS: `bloom.py`.

use parallax_block_data::Bloom;
use parallax_primitives::{Log, keccak256};

/// Sets the three bits of an entry: each is in the low 11 bits of one of the first three pairs of bytes of its hash, counted from the
/// last bit of the last byte.
///
/// EELS: `bloom.py`, `add_to_bloom`.
fn add_to_bloom(bloom: &mut Bloom, bloom_entry: &[u8]) {
    let hashed = keccak256(bloom_entry);
    for idx in [0, 2, 4] {
        let bit_to_set = usize::from(u16::from_be_bytes([hashed[idx], hashed[idx + 1]]) & 0x07ff);
        let bit_index = 0x07ff - bit_to_set;
        bloom[bit_index / 8] |= 1 << (7 - bit_index % 8);
    }
}

/// Which addresses and topics are in these logs.
///
/// EELS: `bloom.py`, `logs_bloom`.
pub fn logs_bloom<'a>(logs: impl IntoIterator<Item = &'a Log>) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in logs {
        add_to_bloom(&mut bloom, log.address.as_slice());
        for topic in &log.topics {
            add_to_bloom(&mut bloom, topic.as_slice());
        }
    }
    bloom
}

#[cfg(test)]
mod tests {
    use parallax_primitives::{Address, B256, BlockRules, Bytes};

    use super::*;

    /// By EELS's `logs_bloom`: the bits that are set, counted from the last one.
    #[track_caller]
    fn check(logs: &[(Address, &[B256])], expected: &[usize]) {
        let log = |&(address, topics): &(Address, &[B256])| Log {
            address,
            topics: topics.to_vec(),
            data: Bytes::from_static(b"in no bloom"),
        };
        let logs: Vec<Log> = logs.iter().map(log).collect();
        let bloom = logs_bloom(&logs);
        let set: Vec<usize> = (0..2048).filter(|bit| bloom[255 - bit / 8] >> (bit % 8) & 1 == 1).collect();
        assert_eq!(set, expected);
    }

    #[test]
    fn blooms_are_those_of_the_specification() {
        let (deposits, topic) = (BlockRules::DEPOSIT_ADDRESS, BlockRules::DEPOSIT_TOPIC);
        check(&[], &[]);
        check(&[(deposits, &[])], &[574, 1694, 1966]);
        check(&[(deposits, &[topic])], &[99, 574, 689, 790, 1694, 1966]);
        let (ones, twos) = (Address::repeat_byte(0x11), B256::repeat_byte(0x22));
        check(
            &[(ones, &[twos, B256::ZERO]), (Address::ZERO, &[])],
            &[193, 269, 327, 481, 704, 896, 1028, 1163, 1213, 1241, 1665, 1975],
        );
    }
}
