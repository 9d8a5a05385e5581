//! A block as the consensus layer hands it over: a call of `engine_newPayload` (Engine API, `ExecutionPayload`).

use parallax_block_data::{
    Block, Bloom, Header, NO_OMMERS_HASH, SignedTransaction, Withdrawal, requests_hash,
};
use parallax_primitives::{B256, Bytes, TransactionType, keccak256};
use parallax_state_tests::{FixtureError, Node};

use crate::Refusal;

/// JSON-RPC's code for parameters that are none.
const INVALID_PARAMS: i64 = -32602;

/// A block, and what comes with it.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    block: Block,
    /// What it is called by.
    hash: B256,
    versioned_hashes: Option<Vec<B256>>,
    requests: Option<Vec<Bytes>>,
}

impl Payload {
    /// Reads one of `engineNewPayloads`.
    pub(crate) fn read(node: &Node<'_>) -> Result<Self, FixtureError> {
        let params = node.get("params");
        let count = params.items()?.len();
        let fields = params.item(0)?;
        let transactions = fields.get("transactions").map(bytes)?;
        let or_none = |key| {
            let field = fields.get(key);
            if field.is_null() { Ok(None) } else { field.u64().map(Some) }
        };
        let withdrawals = match fields.get("withdrawals") {
            list if list.is_null() => None,
            list => Some(list.map(withdrawal)?),
        };
        let versioned_hashes = if count > 1 { Some(params.item(1)?.map(hash)?) } else { None };
        let parent_beacon_root = if count > 2 { Some(params.item(2)?.b256()?) } else { None };
        let requests = if count > 3 { Some(params.item(3)?.map(bytes)?) } else { None };
        let bloom = fields.get("logsBloom").bytes()?;
        let bloom = Bloom::try_from(bloom.as_ref())
            .map_err(|_| fields.get("logsBloom").wrong("256 bytes in hexadecimal"))?;
        let access_list = match fields.get("blockAccessList") {
            list if list.is_null() => None,
            list => Some(list.bytes()?),
        };
        let mut block = Block { transactions, withdrawals, access_list, ..Block::default() };
        block.header = Header {
            parent_hash: fields.get("parentHash").b256()?,
            ommers_hash: NO_OMMERS_HASH,
            coinbase: fields.get("feeRecipient").address()?,
            state_root: fields.get("stateRoot").b256()?,
            transactions_root: block.transactions_root(),
            receipts_root: fields.get("receiptsRoot").b256()?,
            logs_bloom: bloom,
            number: fields.get("blockNumber").u64()?,
            gas_limit: fields.get("gasLimit").u64()?,
            gas_used: fields.get("gasUsed").u64()?,
            timestamp: fields.get("timestamp").u64()?,
            extra_data: fields.get("extraData").bytes()?,
            prev_randao: fields.get("prevRandao").b256()?,
            base_fee: Some(fields.get("baseFeePerGas").u64()?),
            withdrawals_root: block.withdrawals.is_some().then(|| block.withdrawals_root()),
            blob_gas_used: or_none("blobGasUsed")?,
            excess_blob_gas: or_none("excessBlobGas")?,
            parent_beacon_root,
            requests_hash: requests.as_deref().map(requests_hash),
            access_list_hash: block.access_list.as_ref().map(keccak256),
            slot_number: or_none("slotNumber")?,
            ..Header::default()
        };
        block.size = block.encode().len();
        Ok(Self { block, hash: fields.get("blockHash").b256()?, versioned_hashes, requests })
    }

    /// The block, unless what comes with it does not belong to it.
    pub(crate) fn block(&self) -> Result<Block, Refusal> {
        if let Some(requests) = &self.requests {
            check_requests(requests)?;
        }
        let (named, found) = (self.hash, self.block.header.hash());
        if named != found {
            return Err(Refusal::Hash { named, found });
        }
        if let Some(hashes) = &self.versioned_hashes
            && *hashes != versioned_hashes(&self.block)
        {
            return Err(Refusal::VersionedHashes);
        }
        Ok(self.block.clone())
    }
}

/// Requests are not empty, and in the order of their types (EIP-7685).
fn check_requests(requests: &[Bytes]) -> Result<(), Refusal> {
    let refused = |reason| Err(Refusal::Call { code: INVALID_PARAMS, reason });
    if requests.iter().any(|request| request.len() < 2) {
        return refused("a request without data");
    }
    if requests.windows(2).any(|pair| pair[0][0] >= pair[1][0]) {
        return refused("requests are not in the order of their types");
    }
    Ok(())
}

/// Those of all blob transactions, in order; what is no transaction has none.
fn versioned_hashes(block: &Block) -> Vec<B256> {
    let read = block.transactions.iter().filter_map(|bytes| SignedTransaction::decode(bytes).ok());
    read.filter(|signed| signed.transaction.kind == TransactionType::Blob)
        .flat_map(|signed| signed.transaction.blob_hashes)
        .collect()
}

fn bytes(node: &Node<'_>) -> Result<Bytes, FixtureError> {
    node.bytes()
}

fn hash(node: &Node<'_>) -> Result<B256, FixtureError> {
    node.b256()
}

fn withdrawal(node: &Node<'_>) -> Result<Withdrawal, FixtureError> {
    Ok(Withdrawal {
        index: node.get("index").u64()?,
        validator_index: node.get("validatorIndex").u64()?,
        address: node.get("address").address()?,
        amount: node.get("amount").u64()?,
    })
}
