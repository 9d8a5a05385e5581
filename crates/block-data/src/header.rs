use alloy_rlp::Encodable;
use parallax_primitives::{Address, B256, Bytes, U256, alloy_primitives::FixedBytes, b256, keccak256};

use crate::rlp::{Items, RlpError, list_of, put_bytes, put_word};

/// 2,048 bits that say which addresses and topics are in logs (Yellow Paper, section 4.3.1).
pub type Bloom = FixedBytes<256>;

/// Keccak-256 of the RLP of no ommers.
pub const NO_OMMERS_HASH: B256 = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");

/// A block's header (Yellow Paper, section 4.3). What came with a fork is absent in blocks before it; a field is never there
/// without those before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Hash of the header of the block before it.
    pub parent_hash: B256,
    /// Keccak-256 of the RLP of its ommers.
    pub ommers_hash: B256,
    /// Who gets the fees.
    pub coinbase: Address,
    /// Root of the state behind it.
    pub state_root: B256,
    /// Root of its transactions.
    pub transactions_root: B256,
    /// Root of its receipts.
    pub receipts_root: B256,
    /// The union of its receipts' blooms.
    pub logs_bloom: Bloom,
    /// How hard it was to find; zero from Paris on.
    pub difficulty: U256,
    /// How many blocks are before it.
    pub number: u64,
    /// Most gas of its transactions.
    pub gas_limit: u64,
    /// Gas of its transactions.
    pub gas_used: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Any bytes.
    pub extra_data: Bytes,
    /// From Paris on the beacon chain's randomness (EIP-4399); before that a part of the proof of work.
    pub prev_randao: B256,
    /// A part of the proof of work; zero from Paris on.
    pub nonce: [u8; 8],
    /// In wei (EIP-1559).
    pub base_fee: Option<u64>,
    /// Root of its withdrawals (EIP-4895).
    pub withdrawals_root: Option<B256>,
    /// Blob gas of its transactions (EIP-4844).
    pub blob_gas_used: Option<u64>,
    /// How much more blob gas than aimed at was used until it (EIP-4844).
    pub excess_blob_gas: Option<u64>,
    /// Root of the beacon chain's parent block (EIP-4788).
    pub parent_beacon_root: Option<B256>,
    /// Hash of its requests to the consensus layer (EIP-7685).
    pub requests_hash: Option<B256>,
    /// Hash of the list of what it accesses (EIP-7928).
    pub access_list_hash: Option<B256>,
    /// The beacon chain's slot that it is for (EIP-7843).
    pub slot_number: Option<u64>,
}

impl Header {
    /// Reads the RLP of a header, and nothing behind it.
    pub fn decode(bytes: &[u8]) -> Result<Self, RlpError> {
        Self::read(Items::whole(bytes, "header")?)
    }

    pub(crate) fn read(mut items: Items<'_>) -> Result<Self, RlpError> {
        let mut header = Self {
            parent_hash: items.hash("parentHash")?,
            ommers_hash: items.hash("ommersHash")?,
            coinbase: items.address("coinbase")?,
            state_root: items.hash("stateRoot")?,
            transactions_root: items.hash("transactionsRoot")?,
            receipts_root: items.hash("receiptsRoot")?,
            logs_bloom: Bloom::from(items.fixed::<256>("logsBloom")?),
            difficulty: items.word("difficulty")?,
            number: items.u64("number")?,
            gas_limit: items.u64("gasLimit")?,
            gas_used: items.u64("gasUsed")?,
            timestamp: items.u64("timestamp")?,
            extra_data: Bytes::copy_from_slice(items.bytes("extraData")?),
            prev_randao: items.hash("mixHash")?,
            nonce: items.fixed::<8>("nonce")?,
            ..Self::default()
        };
        header.base_fee = optional(&mut items, |items| items.u64("baseFeePerGas"))?;
        header.withdrawals_root = optional(&mut items, |items| items.hash("withdrawalsRoot"))?;
        header.blob_gas_used = optional(&mut items, |items| items.u64("blobGasUsed"))?;
        header.excess_blob_gas = optional(&mut items, |items| items.u64("excessBlobGas"))?;
        header.parent_beacon_root = optional(&mut items, |items| items.hash("parentBeaconBlockRoot"))?;
        header.requests_hash = optional(&mut items, |items| items.hash("requestsHash"))?;
        header.access_list_hash = optional(&mut items, |items| items.hash("blockAccessListHash"))?;
        header.slot_number = optional(&mut items, |items| items.u64("slotNumber"))?;
        items.end("header")?;
        Ok(header)
    }

    /// Its RLP. A field that is absent ends it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(640);
        self.parent_hash.encode(&mut out);
        self.ommers_hash.encode(&mut out);
        self.coinbase.encode(&mut out);
        self.state_root.encode(&mut out);
        self.transactions_root.encode(&mut out);
        self.receipts_root.encode(&mut out);
        self.logs_bloom.encode(&mut out);
        put_word(self.difficulty, &mut out);
        self.number.encode(&mut out);
        self.gas_limit.encode(&mut out);
        self.gas_used.encode(&mut out);
        self.timestamp.encode(&mut out);
        put_bytes(&self.extra_data, &mut out);
        self.prev_randao.encode(&mut out);
        put_bytes(&self.nonce, &mut out);
        self.encode_optional(&mut out);
        list_of(&out)
    }

    fn encode_optional(&self, out: &mut Vec<u8>) {
        let Some(base_fee) = self.base_fee else { return };
        base_fee.encode(out);
        let Some(withdrawals_root) = self.withdrawals_root else { return };
        withdrawals_root.encode(out);
        let Some(blob_gas_used) = self.blob_gas_used else { return };
        blob_gas_used.encode(out);
        let Some(excess_blob_gas) = self.excess_blob_gas else { return };
        excess_blob_gas.encode(out);
        let Some(parent_beacon_root) = self.parent_beacon_root else { return };
        parent_beacon_root.encode(out);
        let Some(requests_hash) = self.requests_hash else { return };
        requests_hash.encode(out);
        let Some(access_list_hash) = self.access_list_hash else { return };
        access_list_hash.encode(out);
        let Some(slot_number) = self.slot_number else { return };
        slot_number.encode(out);
    }

    /// Keccak-256 of its RLP: the block's hash.
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}

/// The next field, unless the header ends before it.
fn optional<'a, T>(
    items: &mut Items<'a>,
    read: impl FnOnce(&mut Items<'a>) -> Result<T, RlpError>,
) -> Result<Option<T>, RlpError> {
    if items.is_empty() { Ok(None) } else { read(items).map(Some) }
}
