//! Strict reading of RLP (Yellow Paper, appendix B): what the specification's decoder refuses is refused here.

use alloy_rlp::{Encodable, Header};
use parallax_primitives::{Address, B256, Bytes, U256};

/// Why bytes are not the RLP of what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct RlpError {
    /// The field, as the specification calls it.
    pub place: &'static str,
    /// What stands there, or what is wrong with it.
    pub reason: String,
}

impl RlpError {
    pub(crate) fn new(place: &'static str, reason: impl Into<String>) -> Self {
        Self { place, reason: reason.into() }
    }
}

/// Reads the items of one list in their order.
#[derive(Clone, Copy)]
pub(crate) struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Items<'a> {
    /// The items of the list that is all of `bytes`.
    pub(crate) fn whole(bytes: &'a [u8], place: &'static str) -> Result<Self, RlpError> {
        let mut all = Self { rest: bytes };
        let list = all.list(place)?;
        match all.rest.len() {
            0 => Ok(list),
            more => Err(RlpError::new(place, format!("{more} bytes behind it"))),
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What was not read yet.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// That nothing is left.
    pub(crate) fn end(self, place: &'static str) -> Result<(), RlpError> {
        if self.is_empty() { Ok(()) } else { Err(RlpError::new(place, "more items than it has")) }
    }

    pub(crate) fn list(&mut self, place: &'static str) -> Result<Self, RlpError> {
        self.take(place, true).map(|rest| Self { rest })
    }

    pub(crate) fn bytes(&mut self, place: &'static str) -> Result<&'a [u8], RlpError> {
        self.take(place, false)
    }

    /// The next item as it is encoded, whatever it is; and whether it is a list.
    pub(crate) fn raw(&mut self, place: &'static str) -> Result<(&'a [u8], bool), RlpError> {
        let start = self.rest;
        let header =
            Header::decode(&mut self.rest).map_err(|error| RlpError::new(place, error.to_string()))?;
        self.rest = &self.rest[header.payload_length..];
        Ok((&start[..start.len() - self.rest.len()], header.list))
    }

    pub(crate) fn word(&mut self, place: &'static str) -> Result<U256, RlpError> {
        self.integer(place, 32).map(U256::from_be_slice)
    }

    pub(crate) fn u64(&mut self, place: &'static str) -> Result<u64, RlpError> {
        Ok(self.integer(place, 8)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// An integer of one byte at most.
    pub(crate) fn u8(&mut self, place: &'static str) -> Result<u8, RlpError> {
        Ok(self.integer(place, 1)?.first().copied().unwrap_or_default())
    }

    /// An integer of at most `limit` bytes, without leading zeros.
    fn integer(&mut self, place: &'static str, limit: usize) -> Result<&'a [u8], RlpError> {
        match self.bytes(place)? {
            [0, ..] => Err(RlpError::new(place, "leading zero")),
            bytes if bytes.len() > limit => {
                Err(RlpError::new(place, format!("an integer of {} bytes", bytes.len())))
            }
            bytes => Ok(bytes),
        }
    }

    pub(crate) fn address(&mut self, place: &'static str) -> Result<Address, RlpError> {
        self.fixed::<20>(place).map(Address::from)
    }

    /// An address, or nothing to create.
    pub(crate) fn target(&mut self, place: &'static str) -> Result<Option<Address>, RlpError> {
        let bytes = self.bytes(place)?;
        match bytes.len() {
            0 => Ok(None),
            _ => sized(bytes, place).map(Address::from).map(Some),
        }
    }

    pub(crate) fn hash(&mut self, place: &'static str) -> Result<B256, RlpError> {
        self.fixed::<32>(place).map(B256::from)
    }

    pub(crate) fn fixed<const N: usize>(&mut self, place: &'static str) -> Result<[u8; N], RlpError> {
        sized(self.bytes(place)?, place)
    }

    fn take(&mut self, place: &'static str, is_list: bool) -> Result<&'a [u8], RlpError> {
        Header::decode_bytes(&mut self.rest, is_list).map_err(|error| RlpError::new(place, error.to_string()))
    }
}

fn sized<const N: usize>(bytes: &[u8], place: &'static str) -> Result<[u8; N], RlpError> {
    bytes.try_into().map_err(|_| RlpError::new(place, format!("{} bytes", bytes.len())))
}

/// A list of what is encoded already.
pub(crate) fn list_of(payload: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(payload.len() + 9);
    Header { list: true, payload_length: payload.len() }.encode(&mut encoded);
    encoded.extend_from_slice(payload);
    encoded
}

/// An integer without leading zeros.
pub(crate) fn put_word(value: U256, out: &mut Vec<u8>) {
    let bytes = value.to_be_bytes::<32>();
    bytes[value.leading_zeros() / 8..].encode(out);
}

/// A byte string.
pub(crate) fn put_bytes(value: &[u8], out: &mut Vec<u8>) {
    value.encode(out);
}

/// The RLP of a byte string: what a typed transaction is inside of a block.
pub(crate) fn string_of(value: &Bytes) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 9);
    put_bytes(value, &mut out);
    out
}
