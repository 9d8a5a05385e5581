//! A block: what nodes answer, the header of a test, or its bytes.

use std::sync::Arc;

use parallax_block_data::{Block, Bloom, Header};
use parallax_primitives::B256;
use parallax_state_tests::{FixtureError, Node};
use serde_json::Value;

use crate::{
    ChainTransaction, answer,
    fields::{address, bytes, hash, integer, or_none, word},
    parse,
};

/// A block of a chain as far as a file or a node tells it.
#[derive(Clone, Debug)]
pub struct ChainBlock {
    /// Its header. What was not said is zero.
    pub header: Header,
    /// Its hash as it was said.
    pub hash: Option<B256>,
    /// Its transactions.
    pub transactions: InBlock,
    /// Fields of the header that were not said, of those that every block has.
    pub missing: Vec<&'static str>,
    /// Fields that no block of Ethereum has: other chains add some.
    pub foreign: Vec<String>,
}

/// The transactions of a block.
#[derive(Clone, Debug)]
pub enum InBlock {
    /// Nothing is said of them.
    Unknown,
    /// Their hashes alone.
    Hashes(Vec<B256>),
    /// They themselves, or why one cannot be read.
    Whole(Vec<Result<ChainTransaction, FixtureError>>),
}

/// What nodes say of a block besides its header, and fields of headers that are read under other names too.
const KNOWN: [&str; 40] = [
    "hash",
    "parentHash",
    "sha3Uncles",
    "uncleHash",
    "ommersHash",
    "miner",
    "coinbase",
    "stateRoot",
    "transactionsRoot",
    "transactionsTrie",
    "receiptsRoot",
    "receiptTrie",
    "receiptsTrie",
    "logsBloom",
    "bloom",
    "difficulty",
    "number",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "extraData",
    "mixHash",
    "nonce",
    "baseFeePerGas",
    "withdrawalsRoot",
    "blobGasUsed",
    "excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash",
    "blockAccessListHash",
    "slotNumber",
    "size",
    "totalDifficulty",
    "uncles",
    "withdrawals",
    "transactions",
    "prevRandao",
    "beneficiary",
    "author",
    "sealFields",
];

impl ChainBlock {
    /// Reads a file: JSON as `eth_getBlockByNumber` answers it, a whole answer, the header of a test, or the bytes of a block or a header
    /// in hexadecimal. `name` is what errors call the file.
    ///
    /// # Errors
    ///
    /// The place that is not as it should be.
    pub fn read(name: &str, text: &[u8]) -> Result<Self, FixtureError> {
        let value = parse(name, text)?;
        let file: Arc<str> = name.into();
        Self::of(&Node::test(&file, "", &value))
    }

    /// As [`ChainBlock::read`], of JSON that is somewhere in a file.
    ///
    /// # Errors
    ///
    /// As [`ChainBlock::read`].
    pub fn of(node: &Node<'_>) -> Result<Self, FixtureError> {
        answer(node, |node| match node.value() {
            Value::String(_) => of_bytes(node),
            Value::Object(_) => of_fields(node),
            _ => Err(node.wrong("a block or its header")),
        })
    }

    /// That its fields have the hash that was said, where one was.
    ///
    /// # Errors
    ///
    /// Both hashes, and what may be why.
    pub fn check_hash(&self) -> Result<(), String> {
        let found = self.header.hash();
        let Some(said) = self.hash.filter(|said| *said != found) else { return Ok(()) };
        let mut text = format!(
            "block {}: its fields have the hash {found}, and it says {said}: one is lost, changed, or not the chain's",
            self.header.number
        );
        for (why, fields) in
            [("not said", self.missing.join(" ")), ("not Ethereum's", self.foreign.join(" "))]
        {
            if !fields.is_empty() {
                text += &format!("; {why}: {fields}");
            }
        }
        Err(text)
    }
}

fn of_bytes(node: &Node<'_>) -> Result<ChainBlock, FixtureError> {
    let bytes = node.bytes()?;
    let length_bytes = bytes.first().map_or(0, |first| usize::from(first.saturating_sub(0xf7)));
    // The first item of a block is a list, that of a header a hash.
    let is_block = bytes.get(1 + length_bytes).is_some_and(|first| *first >= 0xc0);
    let block = if is_block {
        Block::decode(&bytes)
    } else {
        Header::decode(&bytes).map(|header| Block { header, ..Block::default() })
    };
    let block =
        block.map_err(|error| node.unexpected("the RLP of a block or a header", error.to_string()))?;
    let file = node.file().clone();
    let transactions = block.transactions.iter().enumerate().map(|(index, bytes)| {
        let value = Value::String(bytes.to_string());
        ChainTransaction::of(&Node::test(&file, &format!("transaction {index}"), &value))
    });
    let transactions = if is_block { InBlock::Whole(transactions.collect()) } else { InBlock::Unknown };
    Ok(ChainBlock {
        header: block.header,
        hash: None,
        transactions,
        missing: Vec::new(),
        foreign: Vec::new(),
    })
}

/// The fields of a header, by any of their names.
struct Fields<'a, 'n> {
    node: &'a Node<'n>,
    missing: Vec<&'static str>,
}

impl Fields<'_, '_> {
    fn optional<T>(
        &self,
        names: &[&'static str],
        read: impl Fn(&Node<'_>) -> Result<T, FixtureError>,
    ) -> Result<Option<T>, FixtureError> {
        let there = names.iter().find(|name| !self.node.get(name).is_null());
        there.map_or(Ok(None), |name| or_none(self.node, name, &read))
    }

    fn or_zero<T: Default>(
        &mut self,
        names: &[&'static str],
        read: impl Fn(&Node<'_>) -> Result<T, FixtureError>,
    ) -> Result<T, FixtureError> {
        let found = self.optional(names, read)?;
        if found.is_none() {
            self.missing.extend(names.first());
        }
        Ok(found.unwrap_or_default())
    }

    fn header(&mut self) -> Result<Header, FixtureError> {
        // Without these there is no block to run in.
        let needed = |name| self.node.get(name).u64();
        let (number, timestamp, gas_limit) = (needed("number")?, needed("timestamp")?, needed("gasLimit")?);
        Ok(Header {
            parent_hash: self.or_zero(&["parentHash"], hash)?,
            ommers_hash: self.or_zero(&["sha3Uncles", "uncleHash", "ommersHash"], hash)?,
            coinbase: self.or_zero(&["miner", "coinbase", "beneficiary", "author"], address)?,
            state_root: self.or_zero(&["stateRoot"], hash)?,
            transactions_root: self.or_zero(&["transactionsRoot", "transactionsTrie"], hash)?,
            receipts_root: self.or_zero(&["receiptsRoot", "receiptTrie", "receiptsTrie"], hash)?,
            logs_bloom: self.or_zero(&["logsBloom", "bloom"], bloom)?,
            difficulty: self.or_zero(&["difficulty"], word)?,
            number,
            gas_limit,
            gas_used: self.or_zero(&["gasUsed"], integer)?,
            timestamp,
            extra_data: self.or_zero(&["extraData"], bytes)?,
            prev_randao: self.or_zero(&["mixHash", "prevRandao"], hash)?,
            nonce: self.or_zero(&["nonce"], nonce)?,
            base_fee: self.optional(&["baseFeePerGas"], integer)?,
            withdrawals_root: self.optional(&["withdrawalsRoot"], hash)?,
            blob_gas_used: self.optional(&["blobGasUsed"], integer)?,
            excess_blob_gas: self.optional(&["excessBlobGas"], integer)?,
            parent_beacon_root: self.optional(&["parentBeaconBlockRoot"], hash)?,
            requests_hash: self.optional(&["requestsHash"], hash)?,
            access_list_hash: self.optional(&["blockAccessListHash"], hash)?,
            slot_number: self.optional(&["slotNumber"], integer)?,
        })
    }
}

fn of_fields(node: &Node<'_>) -> Result<ChainBlock, FixtureError> {
    let mut fields = Fields { node, missing: Vec::new() };
    let header = fields.header()?;
    let foreign = node.object()?.keys().filter(|key| !KNOWN.contains(&key.as_str())).cloned().collect();
    let transactions = node.get("transactions");
    let transactions = match transactions.value() {
        Value::Null => InBlock::Unknown,
        // Hashes are shorter than any transaction.
        Value::Array(items)
            if items.iter().all(|item| item.as_str().is_some_and(|text| text.len() == 66)) =>
        {
            if items.is_empty() {
                InBlock::Whole(Vec::new())
            } else {
                InBlock::Hashes(transactions.map(hash)?)
            }
        }
        _ => InBlock::Whole(transactions.map(|item| Ok(ChainTransaction::of(item)))?),
    };
    Ok(ChainBlock {
        header,
        hash: or_none(node, "hash", hash)?,
        transactions,
        missing: fields.missing,
        foreign,
    })
}

fn bloom(node: &Node<'_>) -> Result<Bloom, FixtureError> {
    Bloom::try_from(&node.bytes()?[..]).map_err(|_| node.wrong("256 bytes in hexadecimal"))
}

fn nonce(node: &Node<'_>) -> Result<[u8; 8], FixtureError> {
    <[u8; 8]>::try_from(&node.bytes()?[..]).map_err(|_| node.wrong("8 bytes in hexadecimal"))
}
