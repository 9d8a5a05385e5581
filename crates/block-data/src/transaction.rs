//! A signed transaction from its bytes (EIP-2718), strictly. Invariant: bytes that the specification's decoder refuses are refused
//! here; what it lets decode and rejects later decodes.

use parallax_primitives::{
    AccessListEntry, Address, Authorization, B256, BlockRules, Bytes, Eip, Transaction, TransactionType,
    U256, keccak256,
};

use crate::{
    RlpError,
    rlp::{Items, list_of, put_bytes, put_word},
    signature,
};

/// A transaction as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    /// Its fields. The sender is not in them: [`SignedTransaction::recover`] works it out.
    pub transaction: Transaction,
    /// Its authorizations as they were signed (EIP-7702).
    pub authorizations: Vec<SignedAuthorization>,
    /// `v` of a legacy transaction, the parity of `y` of others.
    pub v: U256,
    /// The first half of the signature.
    pub r: U256,
    /// The second half of the signature.
    pub s: U256,
    /// What was signed.
    pub signing_hash: B256,
}

/// Why a transaction has no sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid signature")]
pub struct SignatureError;

impl SignedTransaction {
    /// Reads the bytes of one transaction, and nothing behind it.
    pub fn decode(bytes: &[u8]) -> Result<Self, RlpError> {
        let (&first, payload) =
            bytes.split_first().ok_or_else(|| RlpError::new("transaction", "no bytes"))?;
        let (kind, body) = match first {
            0xc0.. => (TransactionType::Legacy, bytes),
            1 => (TransactionType::AccessList, payload),
            2 => (TransactionType::DynamicFee, payload),
            3 => (TransactionType::Blob, payload),
            4 => (TransactionType::SetCode, payload),
            _ => return Err(RlpError::new("transaction", format!("unknown transaction type {first}"))),
        };
        let items = Items::whole(body, "transaction")?;
        let mut signed = if kind == TransactionType::Legacy { legacy(items) } else { typed(kind, items) }?;
        signed.transaction.envelope = Bytes::copy_from_slice(bytes);
        Ok(signed)
    }

    /// The sender, by the rules of a block: a high `s` is none from EIP-2 on, and a legacy transaction may name its chain from EIP-155
    /// on.
    pub fn recover(&self, rules: &BlockRules) -> Result<Address, SignatureError> {
        let odd = match self.transaction.kind {
            TransactionType::Legacy => {
                if self.transaction.chain_id.is_some() && !rules.replay_protection {
                    return Err(SignatureError);
                }
                let parity =
                    if self.v >= PROTECTED { self.v - PROTECTED } else { self.v.wrapping_sub(UNPROTECTED) };
                if self.v < PROTECTED && parity > U256::ONE {
                    return Err(SignatureError);
                }
                parity.bit(0)
            }
            _ if self.v > U256::ONE => return Err(SignatureError),
            _ => self.v == U256::ONE,
        };
        let may_be_high =
            self.transaction.kind == TransactionType::Legacy && !rules.rules.has(Eip::Creation2);
        signature::recover(self.signing_hash, odd, self.r, self.s, may_be_high).ok_or(SignatureError)
    }
}

/// An authorization as it was signed (EIP-7702).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedAuthorization {
    /// The chain it is for; zero for any.
    pub chain_id: U256,
    /// What to delegate to.
    pub address: Address,
    /// The authority's nonce.
    pub nonce: u64,
    /// The parity of `y`.
    pub y_parity: U256,
    /// The first half of the signature.
    pub r: U256,
    /// The second half of the signature.
    pub s: U256,
}

/// The bytes of a transaction without what a blob transaction carries over the network beside it (EIP-4844, EIP-7594): its blobs,
/// commitments and proofs. Of any other they are what they were.
pub fn without_sidecar(bytes: &[u8]) -> Result<Bytes, RlpError> {
    if let Some((&kind, payload)) = bytes.split_first()
        && kind == TransactionType::Blob.byte()
    {
        let (first, is_list) = Items::whole(payload, "transaction")?.raw("transaction")?;
        if is_list {
            return Ok([&[kind], first].concat().into());
        }
    }
    Ok(Bytes::copy_from_slice(bytes))
}

impl SignedAuthorization {
    /// Signed with a secret key; `None` for a number that is none.
    pub fn by(chain_id: U256, address: Address, nonce: u64, secret: U256) -> Option<Self> {
        let (is_odd, r, s) =
            signature::sign(signature::authorization_hash(chain_id, address, nonce), secret)?;
        Some(Self { chain_id, address, nonce, y_parity: U256::from(u8::from(is_odd)), r, s })
    }

    /// It with the account that signed it, if the signature is valid.
    pub fn recover(&self) -> Authorization {
        let Self { chain_id, address, nonce, y_parity, r, s } = *self;
        let authority = signature::authority(chain_id, address, nonce, y_parity, r, s);
        Authorization { chain_id, address, nonce, authority }
    }
}

/// What is signed of a transaction: that of a legacy one is for its chain if it names one (EIP-155). Its authorizations are taken from
/// `authorizations`, with their signatures.
pub fn signing_hash(transaction: &Transaction, authorizations: &[SignedAuthorization]) -> B256 {
    let mut fields = fields(transaction, authorizations);
    if transaction.kind != TransactionType::Legacy {
        return keccak256([&[transaction.kind.byte()], list_of(&fields).as_slice()].concat());
    }
    if let Some(chain_id) = transaction.chain_id {
        put_word(U256::from(chain_id), &mut fields);
        fields.extend([0x80, 0x80]);
    }
    keccak256(list_of(&fields))
}

/// The bytes of a transaction with this signature, `v` first.
pub fn encode_signed(
    transaction: &Transaction,
    authorizations: &[SignedAuthorization],
    signature: [U256; 3],
) -> Vec<u8> {
    let mut fields = fields(transaction, authorizations);
    for word in signature {
        put_word(word, &mut fields);
    }
    let list = list_of(&fields);
    match transaction.kind {
        TransactionType::Legacy => list,
        kind => [&[kind.byte()], list.as_slice()].concat(),
    }
}

/// Signs a transaction with a secret key; `None` if that is none.
pub fn sign(
    transaction: &Transaction,
    authorizations: &[SignedAuthorization],
    secret: U256,
) -> Option<Vec<u8>> {
    let (odd, r, s) = signature::sign(signing_hash(transaction, authorizations), secret)?;
    let parity = U256::from(u8::from(odd));
    let v = match (transaction.kind, transaction.chain_id) {
        (TransactionType::Legacy, None) => UNPROTECTED + parity,
        (TransactionType::Legacy, Some(chain_id)) => {
            U256::from(chain_id).saturating_mul(U256::from(2)).saturating_add(PROTECTED + parity)
        }
        _ => parity,
    };
    Some(encode_signed(transaction, authorizations, [v, r, s]))
}

/// The fields of a transaction in their order, without its signature.
fn fields(transaction: &Transaction, authorizations: &[SignedAuthorization]) -> Vec<u8> {
    let mut out = Vec::with_capacity(200 + transaction.input.len());
    let word = |word, out: &mut Vec<u8>| put_word(word, out);
    let kind = transaction.kind;
    if kind != TransactionType::Legacy {
        word(U256::from(transaction.chain_id.unwrap_or_default()), &mut out);
    }
    word(U256::from(transaction.nonce), &mut out);
    if kind >= TransactionType::DynamicFee {
        word(transaction.max_priority_fee_per_gas, &mut out);
    }
    word(transaction.max_fee_per_gas, &mut out);
    word(U256::from(transaction.gas_limit), &mut out);
    put_bytes(transaction.to.as_ref().map_or(&[], |to| to.as_slice()), &mut out);
    word(transaction.value, &mut out);
    put_bytes(&transaction.input, &mut out);
    if kind == TransactionType::Legacy {
        return out;
    }
    let mut entries = Vec::new();
    for entry in &transaction.access_list {
        let mut keys = Vec::new();
        entry.storage_keys.iter().for_each(|key| put_bytes(key.as_slice(), &mut keys));
        let mut fields = Vec::new();
        put_bytes(entry.address.as_slice(), &mut fields);
        fields.extend(list_of(&keys));
        entries.extend(list_of(&fields));
    }
    out.extend(list_of(&entries));
    match kind {
        TransactionType::Blob => {
            word(transaction.max_fee_per_blob_gas, &mut out);
            let mut hashes = Vec::new();
            transaction.blob_hashes.iter().for_each(|hash| put_bytes(hash.as_slice(), &mut hashes));
            out.extend(list_of(&hashes));
        }
        TransactionType::SetCode => {
            let mut items = Vec::new();
            for authorization in authorizations {
                let SignedAuthorization { chain_id, address, nonce, y_parity, r, s } = *authorization;
                let mut item = Vec::new();
                word(chain_id, &mut item);
                put_bytes(address.as_slice(), &mut item);
                [U256::from(nonce), y_parity, r, s].into_iter().for_each(|number| word(number, &mut item));
                items.extend(list_of(&item));
            }
            out.extend(list_of(&items));
        }
        _ => {}
    }
    out
}

/// `v` of a legacy transaction that names no chain, where `y` is even.
const UNPROTECTED: U256 = U256::from_limbs([27, 0, 0, 0]);
/// `v` of a legacy transaction for chain 0, where `y` is even (EIP-155).
const PROTECTED: U256 = U256::from_limbs([35, 0, 0, 0]);

fn legacy(mut items: Items<'_>) -> Result<SignedTransaction, RlpError> {
    let all = items.rest();
    let nonce = items.u64("nonce")?;
    let gas_price = items.word("gasPrice")?;
    let mut transaction = Transaction {
        kind: TransactionType::Legacy,
        nonce,
        gas_limit: items.u64("gasLimit")?,
        to: items.target("to")?,
        value: items.word("value")?,
        input: Bytes::copy_from_slice(items.bytes("data")?),
        max_fee_per_gas: gas_price,
        max_priority_fee_per_gas: gas_price,
        ..Transaction::default()
    };
    let mut signed = all[..all.len() - items.rest().len()].to_vec();
    let v = items.word("v")?;
    if v >= PROTECTED {
        let chain_id = (v - PROTECTED) >> 1_usize;
        // One that no chain here can have is that of another chain all the same.
        transaction.chain_id = Some(chain_id.saturating_to());
        put_word(chain_id, &mut signed);
        signed.extend([0x80, 0x80]);
    }
    finish(transaction, items, v, &list_of(&signed))
}

fn typed(kind: TransactionType, mut items: Items<'_>) -> Result<SignedTransaction, RlpError> {
    let all = items.rest();
    let mut transaction = Transaction {
        kind,
        chain_id: Some(items.u64("chainId")?),
        nonce: items.u64("nonce")?,
        ..Transaction::default()
    };
    if kind == TransactionType::AccessList {
        let gas_price = items.word("gasPrice")?;
        (transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas) = (gas_price, gas_price);
    } else {
        transaction.max_priority_fee_per_gas = items.word("maxPriorityFeePerGas")?;
        transaction.max_fee_per_gas = items.word("maxFeePerGas")?;
    }
    transaction.gas_limit = items.u64("gasLimit")?;
    // The specification lets a type 3 or 4 transaction without a target decode, and rejects it later.
    transaction.to = items.target("to")?;
    transaction.value = items.word("value")?;
    transaction.input = Bytes::copy_from_slice(items.bytes("data")?);
    transaction.access_list = access_list(&mut items)?;
    let mut signed_authorizations = Vec::new();
    match kind {
        TransactionType::Blob => {
            transaction.max_fee_per_blob_gas = items.word("maxFeePerBlobGas")?;
            let mut hashes = items.list("blobVersionedHashes")?;
            while !hashes.is_empty() {
                transaction.blob_hashes.push(hashes.hash("blobVersionedHashes")?);
            }
        }
        TransactionType::SetCode => signed_authorizations = authorizations(&mut items)?,
        _ => {}
    }
    transaction.authorizations = signed_authorizations.iter().map(SignedAuthorization::recover).collect();
    let fields = list_of(&all[..all.len() - items.rest().len()]);
    let v = items.word("yParity")?;
    let signed = finish(transaction, items, v, &[&[kind.byte()], fields.as_slice()].concat())?;
    Ok(SignedTransaction { authorizations: signed_authorizations, ..signed })
}

fn finish(
    transaction: Transaction,
    mut items: Items<'_>,
    v: U256,
    signed: &[u8],
) -> Result<SignedTransaction, RlpError> {
    let (r, s) = (items.word("r")?, items.word("s")?);
    items.end("transaction")?;
    let signing_hash = keccak256(signed);
    Ok(SignedTransaction { transaction, authorizations: Vec::new(), v, r, s, signing_hash })
}

fn access_list(items: &mut Items<'_>) -> Result<Vec<AccessListEntry>, RlpError> {
    let mut list = items.list("accessList")?;
    let mut entries = Vec::new();
    while !list.is_empty() {
        let mut entry = list.list("accessList")?;
        let address = entry.address("accessList")?;
        let mut keys = entry.list("accessList")?;
        let mut storage_keys = Vec::new();
        while !keys.is_empty() {
            storage_keys.push(keys.hash("accessList")?);
        }
        entry.end("accessList")?;
        entries.push(AccessListEntry { address, storage_keys });
    }
    Ok(entries)
}

fn authorizations(items: &mut Items<'_>) -> Result<Vec<SignedAuthorization>, RlpError> {
    let mut list = items.list("authorizationList")?;
    let mut authorizations = Vec::new();
    while !list.is_empty() {
        let mut item = list.list("authorizationList")?;
        authorizations.push(SignedAuthorization {
            chain_id: item.word("authorizationList")?,
            address: item.address("authorizationList")?,
            nonce: item.u64("authorizationList")?,
            y_parity: U256::from(item.u8("authorizationList")?),
            r: item.word("authorizationList")?,
            s: item.word("authorizationList")?,
        });
        item.end("authorizationList")?;
    }
    Ok(authorizations)
}

#[cfg(test)]
mod tests {
    use parallax_primitives::{Fork, address, hex};

    use super::*;

    /// The example of EIP-155.
    const PROTECTED: &str = "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";

    #[test]
    fn the_example_of_eip_155_is_for_chain_1() {
        let bytes = hex::decode(PROTECTED).unwrap();
        let signed = SignedTransaction::decode(&bytes).unwrap();
        assert_eq!(signed.transaction.chain_id, Some(1));
        let sender = address!("9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f");
        assert_eq!(signed.recover(&BlockRules::of(Fork::SpuriousDragon)), Ok(sender));
        assert_eq!(signed.recover(&BlockRules::of(Fork::TangerineWhistle)), Err(SignatureError));
    }

    #[test]
    fn a_sidecar_is_left_out() {
        let transaction = Transaction {
            kind: TransactionType::Blob,
            chain_id: Some(1),
            to: Some(Address::ZERO),
            blob_hashes: vec![B256::with_last_byte(1)],
            ..Transaction::default()
        };
        let bare = sign(&transaction, &[], U256::from(7)).unwrap();
        let network = [&[3], list_of(&[&bare[1..], &[0xc0, 0xc0, 0xc0]].concat()).as_slice()].concat();
        assert_eq!(without_sidecar(&network).unwrap(), bare);
        assert_eq!(without_sidecar(&bare).unwrap(), bare);
        assert!(SignedTransaction::decode(&network).is_err());
    }

    #[test]
    fn what_is_signed_here_is_read_as_it_was_with_its_sender() {
        let secret = U256::from(0x1234);
        let sender = signature::address_of(secret).unwrap();
        let authorization = SignedAuthorization {
            chain_id: U256::ZERO,
            address: sender,
            nonce: 7,
            y_parity: U256::ONE,
            r: U256::from(5),
            s: U256::from(6),
        };
        for kind in [
            TransactionType::Legacy,
            TransactionType::AccessList,
            TransactionType::DynamicFee,
            TransactionType::Blob,
            TransactionType::SetCode,
        ] {
            let fee = U256::from(1000);
            let is_typed = kind != TransactionType::Legacy;
            let transaction = Transaction {
                kind,
                chain_id: Some(1),
                nonce: 300,
                max_fee_per_gas: fee,
                max_priority_fee_per_gas: if kind >= TransactionType::DynamicFee {
                    U256::from(9)
                } else {
                    fee
                },
                gas_limit: 1 << 40,
                to: Some(sender),
                value: U256::MAX,
                input: Bytes::from_static(&[0; 60]),
                access_list: vec![
                    AccessListEntry { address: sender, storage_keys: vec![B256::ZERO; 2] };
                    usize::from(is_typed)
                ],
                blob_hashes: vec![B256::ZERO; usize::from(kind == TransactionType::Blob)],
                ..Transaction::default()
            };
            let bytes = sign(&transaction, &[authorization], secret).unwrap();
            let mut read = SignedTransaction::decode(&bytes).unwrap();
            assert_eq!(read.recover(&BlockRules::of(Fork::Prague)), Ok(sender), "{kind:?}");
            let set = usize::from(kind == TransactionType::SetCode);
            assert_eq!(std::mem::take(&mut read.transaction.authorizations).len(), set);
            assert_eq!(std::mem::take(&mut read.transaction.envelope), bytes);
            assert_eq!(read.transaction, transaction, "{kind:?}");
        }
        // The example of EIP-155 again.
        let example = SignedTransaction::decode(&hex::decode(PROTECTED).unwrap()).unwrap();
        let again = sign(&example.transaction, &[], U256::from_be_bytes([0x46; 32])).unwrap();
        assert_eq!(hex::encode(again), PROTECTED);
    }

    #[test]
    fn what_is_cut_or_added_or_padded_is_refused() {
        let bytes = hex::decode(PROTECTED).unwrap();
        for end in 0..bytes.len() {
            assert!(SignedTransaction::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        assert!(SignedTransaction::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        assert!(SignedTransaction::decode(&[&[5], bytes.as_slice()].concat()).is_err());
        // The same transaction with its nonce 9 as 0x8109, which is not minimal.
        let padded = hex::decode(PROTECTED.replacen("f86c09", "f86d8109", 1)).unwrap();
        assert!(SignedTransaction::decode(&padded).is_err());
    }
}
