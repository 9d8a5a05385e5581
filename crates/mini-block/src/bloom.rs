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
