//! Code as an interpreter reads it: the exact form. One instruction per opcode, its index is the pc.
//!
//! Invariant: behind the code stand [`CODE_PADDING`] zero bytes. So an opcode and its push data can be read at every pc an
//! execution reaches: at most the code's length, or, behind a PUSH whose data is cut off, 32 more. So the immediate byte of a DUPN in the last
//! byte is zero, as it is to be (EIP-8024).

use std::sync::OnceLock;

use parallax_primitives::Opcode;

/// Zero bytes behind the code: the data of a PUSH32 in the last byte, and the STOP that follows it.
pub const CODE_PADDING: usize = 33;

/// Code with its padding and its jump destinations, which are looked for when the first one is asked for.
#[derive(Debug)]
pub struct PaddedCode {
    bytes: Box<[u8]>,
    len: usize,
    jumpdests: OnceLock<Box<[u64]>>,
}

impl PaddedCode {
    /// Copies and pads `code`.
    pub fn new(code: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(code.len() + CODE_PADDING);
        bytes.extend_from_slice(code);
        bytes.resize(code.len() + CODE_PADDING, 0);
        Self { bytes: bytes.into_boxed_slice(), len: code.len(), jumpdests: OnceLock::new() }
    }

    /// The code and its padding.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Length of the code in bytes, without the padding.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no code.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a jump may go to `pc`: a JUMPDEST that is no push data (Yellow Paper, section 9.4.3), be it behind a DUPN (EIP-8024).
    #[inline]
    pub fn is_jumpdest(&self, pc: usize) -> bool {
        let words = self.jumpdests.get_or_init(|| jumpdests(&self.bytes[..self.len]));
        words.get(pc / 64).is_some_and(|word| word >> (pc % 64) & 1 == 1)
    }
}

fn jumpdests(code: &[u8]) -> Box<[u64]> {
    let mut words = vec![0u64; code.len().div_ceil(64)].into_boxed_slice();
    let mut pc = 0;
    while pc < code.len() {
        let opcode = Opcode(code[pc]);
        if opcode == Opcode::JUMPDEST {
            words[pc / 64] |= 1 << (pc % 64);
        }
        pc += 1 + opcode.push_data();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &[u8], expected: &[usize]) {
        let padded = PaddedCode::new(code);
        let found: Vec<usize> = (0..code.len() + CODE_PADDING).filter(|pc| padded.is_jumpdest(*pc)).collect();
        assert_eq!(found, expected);
        assert_eq!(padded.bytes().len(), padded.len() + CODE_PADDING);
    }

    #[test]
    fn jump_destinations_are_not_in_push_data() {
        check(&[], &[]);
        check(&[0x5b], &[0]);
        check(&[0x60, 0x5b, 0x5b], &[2]);
        check(&[0x61, 0x5b], &[]);
        check(&[0x5f, 0x5b], &[1]);
        check(&[0xe6, 0x5b, 0xe8, 0x60, 0x5b, 0xe7, 0x5b], &[1, 6]);
        check(&[&[0x7f][..], &[0x5b; 33]].concat(), &[33]);
        check(&[0x5b; 130], &(0..130).collect::<Vec<_>>());
    }
}
