//! What parent and child say to each other, in turns: orders and answers, each a length and so many bytes. Whoever has spoken listens,
//! so neither ever waits for room in a pipe that the other does not empty. What needs no answer goes with the next question.

use std::io::{self, Read, Write};

use parallax_primitives::{Address, B256, Bytes, U256};

/// Bytes of one order or answer: more than any gas pays for.
const LONGEST: u32 = 1 << 30;

/// What the parent says first in what it says.
pub(crate) mod order {
    /// Load a library: see [`super::Said`]. Answered with [`super::answer::LOADED`] or [`super::answer::REFUSED`].
    pub(crate) const LOAD: u8 = 1;
    /// Another transaction: block and transaction. Not answered; an order to execute follows.
    pub(crate) const BEGIN: u8 = 2;
    /// Run a message.
    pub(crate) const EXECUTE: u8 = 3;
    /// What the host answers.
    pub(crate) const ANSWER: u8 = 4;
    /// What a message came to.
    pub(crate) const DELIVER: u8 = 5;
}

/// What the child says first in what it says.
pub(crate) mod answer {
    /// The library is loaded: name, version.
    pub(crate) const LOADED: u8 = 1;
    /// It is not: why.
    pub(crate) const REFUSED: u8 = 2;
    /// What an execution came to.
    pub(crate) const DONE: u8 = 3;
    /// It cannot go on: why.
    pub(crate) const LOST: u8 = 4;

    pub(crate) const ACCOUNT_EXISTS: u8 = 16;
    pub(crate) const GET_STORAGE: u8 = 17;
    pub(crate) const SET_STORAGE: u8 = 18;
    pub(crate) const GET_BALANCE: u8 = 19;
    pub(crate) const GET_CODE_SIZE: u8 = 20;
    pub(crate) const GET_CODE_HASH: u8 = 21;
    pub(crate) const COPY_CODE: u8 = 22;
    pub(crate) const SELFDESTRUCT: u8 = 23;
    pub(crate) const CALL: u8 = 24;
    pub(crate) const GET_BLOCK_HASH: u8 = 25;
    pub(crate) const EMIT_LOG: u8 = 26;
    pub(crate) const ACCESS_ACCOUNT: u8 = 27;
    pub(crate) const ACCESS_STORAGE: u8 = 28;
    pub(crate) const GET_TRANSIENT: u8 = 29;
    pub(crate) const SET_TRANSIENT: u8 = 30;
}

/// What is about to be said. It is written at once.
#[derive(Debug, Default)]
pub(crate) struct Said(Vec<u8>);

impl Said {
    /// Begins; what is not sent yet goes first.
    pub(crate) fn begin(&mut self, first: u8) -> Saying<'_> {
        let at = self.0.len();
        self.0.extend_from_slice(&[0; 4]);
        self.0.push(first);
        Saying { said: &mut self.0, at }
    }

    /// Bytes that are not sent.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets what is not sent.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Sends all that was said.
    pub(crate) fn send(&mut self, to: &mut impl Write) -> io::Result<()> {
        let sent = to.write_all(&self.0);
        self.0.clear();
        sent
    }
}

/// One order or answer that is being said: it is whole when this is dropped.
pub(crate) struct Saying<'s> {
    said: &'s mut Vec<u8>,
    at: usize,
}

impl Saying<'_> {
    pub(crate) fn byte(self, byte: u8) -> Self {
        self.said.push(byte);
        self
    }

    pub(crate) fn int(self, number: i64) -> Self {
        self.said.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub(crate) fn address(self, address: Address) -> Self {
        self.said.extend_from_slice(address.as_slice());
        self
    }

    pub(crate) fn word(self, word: [u8; 32]) -> Self {
        self.said.extend_from_slice(&word);
        self
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        // What is longer than can be said is said to be too long where the whole is measured.
        self.said.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.said.extend_from_slice(bytes);
        self
    }
}

impl Drop for Saying<'_> {
    fn drop(&mut self) {
        let length = self.said.len() - self.at - 4;
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        self.said[self.at..self.at + 4].copy_from_slice(&length.to_le_bytes());
    }
}

/// Hears the next order or answer, in place of what is in `heard`.
///
/// # Errors
///
/// At the end of the stream, too, and where it is longer than any is.
pub(crate) fn hear(from: &mut impl Read, heard: &mut Vec<u8>) -> io::Result<()> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length == 0 || length > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it says {length} bytes")));
    }
    heard.clear();
    if from.take(length.into()).read_to_end(heard)? < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// What was heard, part by part. A part that is not there is `None`.
pub(crate) struct Heard<'h>(&'h [u8]);

impl<'h> Heard<'h> {
    pub(crate) fn new(heard: &'h [u8]) -> Self {
        Self(heard)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub(crate) fn bool(&mut self) -> Option<bool> {
        Some(self.byte()? != 0)
    }

    pub(crate) fn int(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn address(&mut self) -> Option<Address> {
        self.array().map(Address::new)
    }

    pub(crate) fn word(&mut self) -> Option<[u8; 32]> {
        self.array()
    }

    pub(crate) fn number(&mut self) -> Option<U256> {
        self.word().map(U256::from_be_bytes)
    }

    pub(crate) fn hash(&mut self) -> Option<B256> {
        self.word().map(B256::new)
    }

    pub(crate) fn slice(&mut self) -> Option<&'h [u8]> {
        let length = usize::try_from(u64::from_le_bytes(self.array()?)).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(crate) fn bytes(&mut self) -> Option<Bytes> {
        self.slice().map(Bytes::copy_from_slice)
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        self.slice().map(|text| String::from_utf8_lossy(text).into_owned())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let mut said = Said::default();
        let address = Address::repeat_byte(7);
        said.begin(9).byte(1).int(-5).address(address).word([3; 32]).bytes(b"four");
        said.begin(8).bytes(b"");
        let mut stream = Vec::new();
        said.send(&mut stream).unwrap();
        let (mut stream, mut heard) = (&stream[..], Vec::new());
        hear(&mut stream, &mut heard).unwrap();
        let mut first = Heard::new(&heard);
        assert_eq!((first.byte(), first.bool(), first.int()), (Some(9), Some(true), Some(-5)));
        assert_eq!((first.address(), first.number()), (Some(address), Some(U256::from_be_bytes([3; 32]))));
        assert_eq!((first.text().as_deref(), first.byte()), (Some("four"), None));
        hear(&mut stream, &mut heard).unwrap();
        let mut second = Heard::new(&heard);
        assert_eq!((second.byte(), second.bytes(), second.int()), (Some(8), Some(Bytes::new()), None));
        assert_eq!(hear(&mut stream, &mut heard).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_makes_no_sense_is_an_error_and_takes_no_memory() {
        let mut heard = Vec::new();
        for garbage in [&[0; 4][..], &[0xff; 8], b"text that is no length"] {
            assert_eq!(hear(&mut &garbage[..], &mut heard).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
        assert!(hear(&mut &[9, 0, 0, 0, 1][..], &mut heard).is_err());
        // A length that is longer than what holds it.
        assert_eq!(Heard::new(&[0xff; 9]).slice(), None);
    }
}
