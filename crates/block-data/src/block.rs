use alloy_rlp::Encodable;
use parallax_primitives::{Address, B256, Bytes, keccak256};
use parallax_roots::ordered_root;
use sha2::{Digest, Sha256};

use crate::{
    Header, RlpError,
    rlp::{Items, list_of, string_of},
};

/// A block (Yellow Paper, section 4.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Its header.
    pub header: Header,
    /// Its transactions: the RLP of a legacy one, type and payload of others (EIP-2718).
    pub transactions: Vec<Bytes>,
    /// Headers of blocks that were found beside its ancestors; none from Paris on.
    pub ommers: Vec<Header>,
    /// What comes from the beacon chain (EIP-4895); absent before Shanghai.
    pub withdrawals: Option<Vec<Withdrawal>>,
    /// Bytes of its RLP.
    pub size: usize,
    /// The RLP of the list of what it accesses (EIP-7928), if that came with it: it is no part of the block, whose header has its hash.
    pub access_list: Option<Bytes>,
}

/// What a validator takes out of the beacon chain (EIP-4895).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Withdrawal {
    /// Its number among all of them.
    pub index: u64,
    /// Whose it is.
    pub validator_index: u64,
    /// Who gets it.
    pub address: Address,
    /// How much, in gwei.
    pub amount: u64,
}

impl Block {
    /// Reads the RLP of a block, and nothing behind it. Its transactions are cut out and not read: see
    /// [`SignedTransaction`](crate::SignedTransaction).
    pub fn decode(bytes: &[u8]) -> Result<Self, RlpError> {
        let mut items = Items::whole(bytes, "block")?;
        let header = Header::read(items.list("header")?)?;
        let mut list = items.list("transactions")?;
        let mut transactions = Vec::new();
        while !list.is_empty() {
            transactions.push(read_transaction(&mut list)?);
        }
        let mut list = items.list("ommers")?;
        let mut ommers = Vec::new();
        while !list.is_empty() {
            ommers.push(Header::read(list.list("ommer")?)?);
        }
        let withdrawals = if items.is_empty() { None } else { Some(read_withdrawals(&mut items)?) };
        items.end("block")?;
        Ok(Self { header, transactions, ommers, withdrawals, size: bytes.len(), access_list: None })
    }

    /// Its RLP.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.header.encode();
        out.extend(encode_transactions(&self.transactions));
        out.extend(encode_headers(&self.ommers));
        if let Some(withdrawals) = &self.withdrawals {
            let items: Vec<u8> = withdrawals.iter().flat_map(Withdrawal::encode).collect();
            out.extend(list_of(&items));
        }
        list_of(&out)
    }

    /// Root of its transactions.
    pub fn transactions_root(&self) -> B256 {
        ordered_root(&self.transactions)
    }

    /// Root of its withdrawals; that of none where they are absent.
    pub fn withdrawals_root(&self) -> B256 {
        withdrawals_root(self.withdrawals.as_deref().unwrap_or_default())
    }

    /// Keccak-256 of the RLP of its ommers.
    pub fn ommers_hash(&self) -> B256 {
        keccak256(encode_headers(&self.ommers))
    }
}

impl Withdrawal {
    /// Its RLP.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(48);
        self.index.encode(&mut out);
        self.validator_index.encode(&mut out);
        self.address.encode(&mut out);
        self.amount.encode(&mut out);
        list_of(&out)
    }
}

/// The root of withdrawals (EIP-4895).
pub fn withdrawals_root(withdrawals: &[Withdrawal]) -> B256 {
    ordered_root(&withdrawals.iter().map(Withdrawal::encode).collect::<Vec<_>>())
}

/// The hash of requests to the consensus layer, each behind its type byte and none empty (EIP-7685).
pub fn requests_hash(requests: &[Bytes]) -> B256 {
    let mut hashes = Sha256::new();
    for request in requests {
        hashes.update(Sha256::digest(request));
    }
    B256::from_slice(&hashes.finalize())
}

/// The RLP of a list of transactions as a block has it: a legacy one as the list that it is, others as byte strings.
pub fn encode_transactions(transactions: &[Bytes]) -> Vec<u8> {
    let mut items = Vec::new();
    for envelope in transactions {
        match envelope.first() {
            Some(0xc0..) => items.extend_from_slice(envelope),
            _ => items.extend(string_of(envelope)),
        }
    }
    list_of(&items)
}

/// Cuts the RLP of a list of transactions, and nothing behind it, into its transactions.
pub fn decode_transactions(bytes: &[u8]) -> Result<Vec<Bytes>, RlpError> {
    let mut list = Items::whole(bytes, "transactions")?;
    let mut transactions = Vec::new();
    while !list.is_empty() {
        transactions.push(read_transaction(&mut list)?);
    }
    Ok(transactions)
}

fn encode_headers(headers: &[Header]) -> Vec<u8> {
    list_of(&headers.iter().flat_map(Header::encode).collect::<Vec<_>>())
}

fn read_transaction(list: &mut Items<'_>) -> Result<Bytes, RlpError> {
    let mut ahead = *list;
    let (raw, is_list) = ahead.raw("transaction")?;
    let envelope = if is_list { raw } else { list.bytes("transaction")? };
    if !is_list && envelope.first().is_some_and(|first| *first >= 0xc0) {
        // Else it would be read as the list that it holds, which has the same place in the trie.
        return Err(RlpError::new(
            "transaction",
            "a byte string with a list in it, expected a type before it",
        ));
    }
    *list = ahead;
    Ok(Bytes::copy_from_slice(envelope))
}

fn read_withdrawals(items: &mut Items<'_>) -> Result<Vec<Withdrawal>, RlpError> {
    let mut list = items.list("withdrawals")?;
    let mut withdrawals = Vec::new();
    while !list.is_empty() {
        let mut item = list.list("withdrawal")?;
        withdrawals.push(Withdrawal {
            index: item.u64("index")?,
            validator_index: item.u64("validatorIndex")?,
            address: item.address("address")?,
            amount: item.u64("amount")?,
        });
        item.end("withdrawal")?;
    }
    Ok(withdrawals)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]
mod tests {
    use super::*;

    /// Found by the target `block_rlp` of `fuzz/`.
    #[test]
    fn a_transaction_is_a_list_or_a_byte_string_with_a_type() {
        let (list, typed) = (Bytes::from_static(&[0xc2, 1, 2]), Bytes::from_static(&[2, 0xc0]));
        let both = encode_transactions(&[list.clone(), typed.clone()]);
        assert_eq!(decode_transactions(&both), Ok(vec![list.clone(), typed]));
        // As a byte string it would be the same transaction, in another block.
        let wrapped = list_of(&string_of(&list));
        let error = decode_transactions(&wrapped).unwrap_err().to_string();
        assert_eq!(error, "transaction: a byte string with a list in it, expected a type before it");
    }
}
