//! What a chain says that a transaction came to.

use std::sync::Arc;

use parallax_primitives::{Address, B256, Log, TxOutcome};
use parallax_state_tests::{FixtureError, Node};

use crate::{
    answer,
    fields::{address, hash, integer, or_none},
    parse,
};

/// What `eth_getTransactionReceipt` answers, as far as a run can be held against it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainReceipt {
    /// Whether it succeeded; before Byzantium it is not said (EIP-658).
    pub status: Option<bool>,
    /// Gas paid for.
    pub gas_used: Option<u64>,
    /// Its logs.
    pub logs: Vec<Log>,
    /// The transaction.
    pub transaction: Option<B256>,
    /// The account that it created.
    pub created: Option<Address>,
}

impl ChainReceipt {
    /// Reads a file: JSON as `eth_getTransactionReceipt` answers it, or a whole answer. `name` is what errors call the file.
    ///
    /// # Errors
    ///
    /// The place that is not as it should be.
    pub fn read(name: &str, text: &[u8]) -> Result<Self, FixtureError> {
        let value = parse(name, text)?;
        let file: Arc<str> = name.into();
        Self::of(&Node::test(&file, "", &value))
    }

    /// As [`ChainReceipt::read`], of JSON that is somewhere in a file.
    ///
    /// # Errors
    ///
    /// As [`ChainReceipt::read`].
    pub fn of(node: &Node<'_>) -> Result<Self, FixtureError> {
        answer(node, |node| {
            node.object()?;
            Ok(Self {
                status: or_none(node, "status", |status| match status.u64()? {
                    0 => Ok(false),
                    1 => Ok(true),
                    _ => Err(status.wrong("a status, 0 or 1")),
                })?,
                gas_used: or_none(node, "gasUsed", integer)?,
                logs: node.get("logs").map(log)?,
                transaction: or_none(node, "transactionHash", hash)?,
                created: or_none(node, "contractAddress", address)?,
            })
        })
    }

    /// What `outcome` has otherwise, a line each.
    pub fn differences(&self, outcome: &TxOutcome) -> Vec<String> {
        let mut lines = Vec::new();
        let mut hold = |what: &str, found: String, said: String| {
            if found != said {
                lines.push(format!("{what} {found}, the receipt says {said}"));
            }
        };
        let word = |success| if success { "success" } else { "failure" };
        if let Some(status) = self.status {
            hold("status", word(outcome.status.is_success()).to_owned(), word(status).to_owned());
        }
        if let Some(gas_used) = self.gas_used {
            hold("gas used", outcome.gas_used.to_string(), gas_used.to_string());
        }
        if let (Some(said), Some(found)) = (self.created, outcome.created) {
            hold("created", found.to_string(), said.to_string());
        }
        hold("logs", outcome.logs.len().to_string(), self.logs.len().to_string());
        for (index, (found, said)) in outcome.logs.iter().zip(&self.logs).enumerate() {
            hold(&format!("log {index}"), log_text(found), log_text(said));
        }
        lines
    }
}

fn log(node: &Node<'_>) -> Result<Log, FixtureError> {
    Ok(Log {
        address: node.get("address").address()?,
        topics: node.get("topics").map(hash)?,
        data: node.get("data").bytes()?,
    })
}

fn log_text(log: &Log) -> String {
    let topics: String = log.topics.iter().map(|topic| format!(" {topic}")).collect();
    format!("{:#x}{topics} {}", log.address, log.data)
}
