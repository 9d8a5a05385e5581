//! Logs hashes against values written out by hand.

use parallax_primitives::{Address, B256, Bytes, Log, b256, keccak256};
use parallax_roots::logs_hash;

#[test]
fn logs_are_hashed_as_a_list() {
    let empty = b256!("0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
    assert_eq!(logs_hash(&[]), empty);

    // Written out by hand: one log of one topic and two bytes.
    let log = Log {
        address: Address::repeat_byte(0x22),
        topics: vec![B256::repeat_byte(0x33)],
        data: Bytes::from_static(&[0xaa, 0xbb]),
    };
    let topics = [&[0xe1, 0xa0][..], &[0x33; 32]].concat();
    let body = [&[0x94][..], &[0x22; 20], &topics, &[0x82, 0xaa, 0xbb]].concat();
    let encoded = [&[0xf8, 0x3c, 0xf8, 0x3a][..], &body].concat();
    assert_eq!(body.len(), 0x3a);
    assert_eq!(logs_hash(&[log]), keccak256(encoded));
}
