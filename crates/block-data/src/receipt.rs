use alloy_rlp::Encodable;
use parallax_primitives::{B256, Log};
use parallax_roots::{encode_logs, ordered_root};

use crate::{
    Bloom,
    rlp::{list_of, put_bytes},
};

/// What a block keeps of a transaction (Yellow Paper, section 4.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The type byte of the transaction; 0 for a legacy one.
    pub kind: u8,
    /// How it ended.
    pub outcome: ReceiptOutcome,
    /// Gas paid for by it and those before it in its block.
    pub cumulative_gas: u64,
    /// Which addresses and topics its logs have.
    pub bloom: Bloom,
    /// Its logs.
    pub logs: Vec<Log>,
}

/// How a transaction ended, as its receipt says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptOutcome {
    /// The root of the state behind it, before EIP-658.
    Root(B256),
    /// Whether it succeeded.
    Status(bool),
}

impl Receipt {
    /// Its RLP, behind the type byte unless that is 0 (EIP-2718).
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(300);
        match &self.outcome {
            ReceiptOutcome::Root(root) => root.encode(&mut out),
            ReceiptOutcome::Status(success) => put_bytes(if *success { &[1] } else { &[] }, &mut out),
        }
        self.cumulative_gas.encode(&mut out);
        self.bloom.encode(&mut out);
        out.extend(encode_logs(&self.logs));
        let list = list_of(&out);
        if self.kind == 0 { list } else { [&[self.kind], list.as_slice()].concat() }
    }
}

/// The root of receipts.
pub fn receipts_root(receipts: &[Receipt]) -> B256 {
    ordered_root(&receipts.iter().map(Receipt::encode).collect::<Vec<_>>())
}
