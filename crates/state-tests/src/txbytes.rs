//! Strict reading of a signed transaction's bytes, as far as its fields cannot say it: whether it is well-formed at all, and
//! which chain it was signed for. Invariant: bytes that the specification's decoder refuses are refused here.

use parallax_primitives::U256;

/// What a transaction's bytes say beyond its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SignedTransaction {
    /// The chain it was signed for (EIP-155); `None` for a legacy transaction without replay protection.
    pub(crate) chain_id: Option<u64>,
}

/// Reads the bytes of one transaction (EIP-2718). The error says what is wrong with them.
pub(crate) fn decode(bytes: &[u8]) -> Result<SignedTransaction, String> {
    let (&first, payload) = bytes.split_first().ok_or("no bytes")?;
    let (fields, body): (&[Field], _) = match first {
        0xc0.. => (&LEGACY, bytes),
        1 => (&ACCESS_LIST, payload),
        2 => (&DYNAMIC_FEE, payload),
        3 => (&BLOB, payload),
        4 => (&SET_CODE, payload),
        _ => return Err(format!("unknown transaction type {first}")),
    };
    let mut rest = body;
    let mut list = rlp_list(&mut rest)?;
    if !rest.is_empty() {
        return Err(format!("{} bytes behind the transaction", rest.len()));
    }
    let mut chain_id = None;
    for (index, field) in fields.iter().enumerate() {
        field.kind.read(&mut list).map_err(|reason| format!("{}: {reason}", field.name)).map(|value| {
            // A typed transaction begins with its chain; a legacy one hides it in `v`.
            match (first, index, value) {
                (1..=4, 0, Some(value)) => chain_id = u64::try_from(value).ok(),
                (0xc0.., 6, Some(v)) if v >= U256::from(35) => {
                    chain_id = u64::try_from((v - U256::from(35)) >> 1).ok();
                }
                _ => {}
            }
        })?;
    }
    if !list.is_empty() {
        return Err("more fields than the type has".to_owned());
    }
    Ok(SignedTransaction { chain_id })
}

struct Field {
    name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// An integer of at most so many bytes, without leading zeros.
    Integer(usize),
    /// Any bytes.
    Bytes,
    /// 20 bytes.
    Address,
    /// 20 bytes, or none to create.
    Target,
    /// 32 bytes.
    Hash,
    /// Any number of items.
    ListOf(&'static Kind),
    /// Exactly these items.
    Tuple(&'static [Kind]),
}

const U64: Kind = Kind::Integer(8);
const WORD: Kind = Kind::Integer(32);
const ACCESSES: Kind = Kind::ListOf(&Kind::Tuple(&[Kind::Address, Kind::ListOf(&Kind::Hash)]));
const AUTHORIZATIONS: Kind =
    Kind::ListOf(&Kind::Tuple(&[WORD, Kind::Address, U64, Kind::Integer(1), WORD, WORD]));

macro_rules! fields {
    ($($name:literal $kind:expr),+ $(,)?) => { [$(Field { name: $name, kind: $kind }),+] };
}

static LEGACY: [Field; 9] = fields![
    "nonce" U64, "gasPrice" WORD, "gasLimit" U64, "to" Kind::Target, "value" WORD, "data" Kind::Bytes, "v" WORD, "r" WORD,
    "s" WORD,
];
static ACCESS_LIST: [Field; 11] = fields![
    "chainId" U64, "nonce" U64, "gasPrice" WORD, "gasLimit" U64, "to" Kind::Target, "value" WORD, "data" Kind::Bytes,
    "accessList" ACCESSES, "yParity" WORD, "r" WORD, "s" WORD,
];
static DYNAMIC_FEE: [Field; 12] = fields![
    "chainId" U64, "nonce" U64, "maxPriorityFeePerGas" WORD, "maxFeePerGas" WORD, "gasLimit" U64, "to" Kind::Target,
    "value" WORD, "data" Kind::Bytes, "accessList" ACCESSES, "yParity" WORD, "r" WORD, "s" WORD,
];
// The specification lets a type 3 or 4 transaction without a target decode, and rejects it later.
static BLOB: [Field; 14] = fields![
    "chainId" U64, "nonce" U64, "maxPriorityFeePerGas" WORD, "maxFeePerGas" WORD, "gasLimit" U64, "to" Kind::Target,
    "value" WORD, "data" Kind::Bytes, "accessList" ACCESSES, "maxFeePerBlobGas" WORD,
    "blobVersionedHashes" Kind::ListOf(&Kind::Hash), "yParity" WORD, "r" WORD, "s" WORD,
];
static SET_CODE: [Field; 13] = fields![
    "chainId" U64, "nonce" U64, "maxPriorityFeePerGas" WORD, "maxFeePerGas" WORD, "gasLimit" U64, "to" Kind::Target,
    "value" WORD, "data" Kind::Bytes, "accessList" ACCESSES, "authorizationList" AUTHORIZATIONS, "yParity" WORD, "r" WORD,
    "s" WORD,
];

impl Kind {
    /// Takes one item off `input`; the value of an integer.
    fn read(self, input: &mut &[u8]) -> Result<Option<U256>, String> {
        let sized = |bytes: &[u8], sizes: &[usize]| match sizes.contains(&bytes.len()) {
            true => Ok(None),
            false => Err(format!("{} bytes", bytes.len())),
        };
        match self {
            Kind::Integer(limit) => match rlp_bytes(input)? {
                [0, ..] => Err("leading zero".to_owned()),
                bytes if bytes.len() > limit => Err(format!("an integer of {} bytes", bytes.len())),
                bytes => Ok(U256::try_from_be_slice(bytes)),
            },
            Kind::Bytes => rlp_bytes(input).map(|_| None),
            Kind::Address => sized(rlp_bytes(input)?, &[20]),
            Kind::Target => sized(rlp_bytes(input)?, &[0, 20]),
            Kind::Hash => sized(rlp_bytes(input)?, &[32]),
            Kind::ListOf(kind) => {
                let mut list = rlp_list(input)?;
                while !list.is_empty() {
                    kind.read(&mut list)?;
                }
                Ok(None)
            }
            Kind::Tuple(kinds) => {
                let mut list = rlp_list(input)?;
                for kind in kinds {
                    kind.read(&mut list)?;
                }
                if list.is_empty() { Ok(None) } else { Err("too many items in a tuple".to_owned()) }
            }
        }
    }
}

fn rlp_list<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], String> {
    alloy_rlp::Header::decode_bytes(input, true).map_err(|error| error.to_string())
}

fn rlp_bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], String> {
    alloy_rlp::Header::decode_bytes(input, false).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use parallax_primitives::hex;

    use super::*;

    /// The example of EIP-155.
    const PROTECTED: &str = "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";

    #[test]
    fn the_example_of_eip_155_is_for_chain_1() {
        let bytes = hex::decode(PROTECTED).unwrap();
        assert_eq!(decode(&bytes), Ok(SignedTransaction { chain_id: Some(1) }));
    }

    #[test]
    fn what_is_cut_or_added_or_padded_is_refused() {
        let bytes = hex::decode(PROTECTED).unwrap();
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        assert!(decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        assert!(decode(&[&[5], bytes.as_slice()].concat()).is_err());
        // The same transaction with its nonce 9 as 0x8109, which is not minimal.
        let padded = hex::decode(PROTECTED.replacen("f86c09", "f86d8109", 1)).unwrap();
        assert!(decode(&padded).is_err());
    }
}
