//! RLP of blocks and what is in them: what is read is written as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_block_data::{
    Block, BlockAccessList, Header, SignedTransaction, decode_transactions, encode_transactions, without_sidecar,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 5 {
        0 => {
            let Ok(block) = Block::decode(bytes) else { return };
            assert_eq!(block.encode(), bytes);
            let _ = (block.transactions_root(), block.withdrawals_root(), block.ommers_hash(), block.header.hash());
            for transaction in &block.transactions {
                let _ = SignedTransaction::decode(transaction);
            }
        }
        1 => {
            if let Ok(header) = Header::decode(bytes) {
                assert_eq!(header.encode(), bytes);
            }
        }
        2 => {
            let _ = (SignedTransaction::decode(bytes), without_sidecar(bytes));
        }
        3 => {
            let Ok(list) = BlockAccessList::decode(bytes) else { return };
            assert_eq!(list.encode(), bytes);
            let _ = (list.hash(), list.item_count(), list.validate(3));
        }
        _ => {
            if let Ok(transactions) = decode_transactions(bytes) {
                assert_eq!(encode_transactions(&transactions), bytes);
            }
        }
    }
});
