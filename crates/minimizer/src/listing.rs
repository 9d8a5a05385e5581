//! Code as its instructions, and code without some of them.

use std::ops::Range;

use parallax_primitives::{Opcode, U256};

/// One instruction: an opcode and its push data, as much of it as is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instruction<'c> {
    /// Offset of the opcode.
    pub(crate) at: usize,
    pub(crate) opcode: Opcode,
    pub(crate) data: &'c [u8],
}

impl Instruction<'_> {
    /// Offset of what stands behind it.
    pub(crate) const fn end(&self) -> usize {
        self.at + 1 + self.data.len()
    }

    /// The word that it pushes.
    pub(crate) fn value(&self) -> U256 {
        // Data that the end of the code cuts off has zeros behind it; here only its size matters.
        U256::try_from_be_slice(self.data).unwrap_or_default()
    }
}

/// The instructions of a code, in order.
pub(crate) fn instructions(code: &[u8]) -> impl Iterator<Item = Instruction<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let opcode = Opcode(*code.get(at)?);
        let end = code.len().min(at + 1 + opcode.push_data());
        let instruction = Instruction { at, opcode, data: &code[at + 1..end] };
        at = end;
        Some(instruction)
    })
}

/// Which constants name places in the code, and move with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moves {
    /// Every PUSH of a number that a JUMPDEST stands at.
    All,
    /// Those directly before a JUMP or JUMPI.
    BeforeJumps,
    /// Every PUSH of a number that is an offset behind what is replaced: data that is copied moves as well.
    Offsets,
    /// None.
    None,
}

/// `code` with `new` in place of `replaced`, in each way in which its jumps may go on: as many codes as differ.
pub(crate) fn spliced(code: &[u8], replaced: Range<usize>, new: &[u8]) -> Vec<Vec<u8>> {
    let mut codes = Vec::new();
    for moves in [Moves::All, Moves::BeforeJumps, Moves::None, Moves::Offsets] {
        let other = splice(code, replaced.clone(), new, moves);
        if !codes.contains(&other) {
            codes.push(other);
        }
    }
    codes
}

/// `code` with `new` in place of `replaced`. What is pushed to be jumped to moves, as far as its bytes have room.
fn splice(code: &[u8], replaced: Range<usize>, new: &[u8], moves: Moves) -> Vec<u8> {
    let mut moved = code.to_vec();
    if moves != Moves::None && replaced.len() != new.len() {
        let all: Vec<_> = instructions(code).collect();
        let is_destination = |offset: usize| {
            let found = all.binary_search_by_key(&offset, |instruction| instruction.at);
            found.is_ok_and(|index| all[index].opcode == Opcode::JUMPDEST)
        };
        for (index, push) in all.iter().enumerate().filter(|(_, push)| (1..=8).contains(&push.data.len())) {
            let jumps =
                all.get(index + 1).is_some_and(|next| matches!(next.opcode, Opcode::JUMP | Opcode::JUMPI));
            let Ok(to) = usize::try_from(push.value()) else { continue };
            let is_moved = match moves {
                Moves::All => is_destination(to),
                Moves::BeforeJumps => is_destination(to) && jumps,
                Moves::Offsets => to <= code.len(),
                Moves::None => false,
            };
            if !is_moved || to < replaced.end {
                continue;
            }
            let bytes = (to - replaced.len() + new.len()).to_be_bytes();
            let (high, low) = bytes.split_at(bytes.len() - push.data.len());
            if high.iter().all(|byte| *byte == 0) {
                moved[push.at + 1..push.end()].copy_from_slice(low);
            }
        }
    }
    moved.splice(replaced, new.iter().copied());
    moved
}

/// The shortest PUSH of a word, without PUSH0, which older rules lack.
pub(crate) fn push(word: U256) -> Vec<u8> {
    let bytes = word.to_be_bytes::<32>();
    let length = word.byte_len().max(1);
    let mut code = vec![Opcode::PUSH1.0];
    // 1 to 32.
    code[0] += u8::try_from(length - 1).unwrap_or_default();
    code.extend(&bytes[32 - length..]);
    code
}

#[cfg(test)]
mod tests {
    use parallax_primitives::hex;

    use super::*;

    #[track_caller]
    fn check(code: &[u8], replaced: Range<usize>, new: &[u8], expected: &[&[u8]]) {
        assert_eq!(
            spliced(code, replaced, new),
            expected.iter().map(|code| code.to_vec()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn destinations_move_with_what_they_name() {
        // Three opcodes, PUSH1 6, JUMP, JUMPDEST: without two of the first, it stands at 4. Or 6 is no destination.
        let code = hex!("30 30 30 6006 56 5b");
        check(&code, 0..2, &[], &[&hex!("30 6004 56 5b"), &hex!("30 6006 56 5b")]);
        // A number that is not jumped to may be one that happens to be equal.
        let code = hex!("30 6005 50 00 5b");
        check(&code, 0..1, &[], &[&hex!("6004 50 00 5b"), &hex!("6005 50 00 5b")]);
        // What is copied from behind it is no destination.
        check(&hex!("30 6004 50 fe"), 0..1, &[], &[&hex!("6004 50 fe"), &hex!("6003 50 fe")]);
        // Nothing moves that stands before what is taken out, or is not a destination.
        check(&hex!("5b 6000 56 30"), 4..5, &[], &[&hex!("5b 6000 56")]);
        check(&hex!("30 6003 56"), 0..1, &[], &[&hex!("6003 56"), &hex!("6002 56")]);
        // To the back as well, where there is room for it.
        check(&hex!("6003 56 5b"), 0..0, &[0x30], &[&hex!("30 6004 56 5b"), &hex!("30 6003 56 5b")]);
    }

    #[test]
    fn words_are_pushed_by_as_many_bytes_as_they_have() {
        assert_eq!(push(U256::ZERO), hex!("6000"));
        assert_eq!(push(U256::from(256)), hex!("610100"));
        assert_eq!(push(U256::MAX), [&[0x7f][..], &[0xff; 32]].concat());
    }
}
