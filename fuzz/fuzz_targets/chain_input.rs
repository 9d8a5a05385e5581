//! What nodes and tools write of a chain: states, transactions, blocks, receipts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_chain_input::{ChainBlock, ChainReceipt, ChainTransaction, PreState};

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, text)) = bytes.split_first() else { return };
    let error = match kind % 4 {
        0 => PreState::read("a.json", text, None).map(|state| drop(state.database())),
        1 => ChainTransaction::read("a.json", text).map(drop),
        2 => ChainBlock::read("a.json", text).map(|block| drop(block.check_hash())),
        _ => ChainReceipt::read("a.json", text).map(drop),
    };
    if let Err(error) = error {
        drop(error.to_string());
    }
});
