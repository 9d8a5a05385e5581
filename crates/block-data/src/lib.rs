#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod access_difference;
mod access_list;
mod block;
mod error;
mod header;
mod processor;
mod receipt;
mod rlp;
pub mod signature;
mod transaction;

pub use access_difference::{AccessDifference, AccessEntry, AccessKind, AccessValue};
pub use access_list::{AccessListError, AccountAccess, BlockAccessList, Change, SlotChanges};
pub use block::{
    Block, Withdrawal, decode_transactions, encode_transactions, requests_hash, withdrawals_root,
};
pub use error::{BlockError, OmmerError, RootName, TransactionError};
pub use header::{Bloom, Header, NO_OMMERS_HASH};
pub use processor::{BlockProcessor, Body, BodyResult, BodyRun, ChainPlace, OnRejection, Part};
pub use receipt::{Receipt, ReceiptOutcome, receipts_root};
pub use rlp::RlpError;
pub use transaction::{
    SignatureError, SignedAuthorization, SignedTransaction, encode_signed, sign, signing_hash,
    without_sidecar,
};
