//! What a transaction came to.

use parallax_primitives::{Address, B256, Bytes, TxOutcome};
use serde::{Deserialize, Serialize};

use crate::{hex::Hex, number};

/// What a transaction came to on one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// `success`, `revert`, or a halt's name.
    pub status: String,
    /// Gas paid for.
    #[serde(with = "number")]
    pub gas_used: u64,
    /// Refund granted, in gas.
    #[serde(with = "number")]
    pub gas_refunded: u64,
    /// What it counts for in its block's state gas (EIP-8037), if that is not nothing.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub state_gas: u64,
    /// Output of the transaction's own frame.
    pub output: Hex<Bytes>,
    /// Logs of every frame that was not undone, in order.
    pub logs: Vec<Log>,
    /// The new account of a successful creation.
    pub created: Option<Hex<Address>>,
}

/// One record of LOG0 to LOG4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// The account that logged.
    pub address: Hex<Address>,
    /// At most four.
    pub topics: Vec<Hex<B256>>,
    /// The data, or its first bytes.
    pub data: Hex<Bytes>,
    /// Bytes of the whole data.
    #[serde(with = "number")]
    pub data_length: u64,
}

impl From<&TxOutcome> for Outcome {
    fn from(outcome: &TxOutcome) -> Self {
        let TxOutcome { status, gas_used, gas_refunded, state_gas, output, logs, created, .. } = outcome;
        let log = |log: &parallax_primitives::Log| Log {
            address: Hex(log.address),
            topics: log.topics.iter().copied().map(Hex).collect(),
            data: Hex(log.data.clone()),
            data_length: log.data.len() as u64,
        };
        Self {
            status: status.to_string(),
            gas_used: *gas_used,
            gas_refunded: *gas_refunded,
            state_gas: *state_gas,
            output: Hex(output.clone()),
            logs: logs.iter().map(log).collect(),
            created: created.map(Hex),
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(gas: &u64) -> bool {
    *gas == 0
}
