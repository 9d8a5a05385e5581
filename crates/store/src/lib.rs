#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod collection;
mod error;
mod export;
mod merge;
mod records;
mod schema;
mod store;
mod text;
mod writer;

pub use collection::Collected;
pub use error::StoreError;
pub use export::{verdicts_json, verdicts_parquet};
pub use merge::Merged;
pub use records::{
    Batch, Campaign, CaseKey, Covered, Finding, First, Found, Kind, NewCampaign, Sort, Verdict,
};
pub use store::{Limits, Store};
pub use text::{digest, sha256};
pub use writer::Writer;
