//! RIPEMD-160 ([`ripemd160.py`]), written out from Dobbertin, Bosselaers, Preneel: *RIPEMD-160, a strengthened version of
//! RIPEMD*, 1996, appendix A.
//!
//! [`ripemd160.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/frontier/vm/precompiled_contracts/ripemd160.py

use parallax_primitives::Bytes;

use crate::{
    evm::{Evm, per_word},
    hash_blocks::for_each_block,
    outcome::PrecompileHalt,
};

/// The RIPEMD-160 hash of the input, behind 12 zeros.
pub(crate) fn ripemd160(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    let prices = evm.rules.gas();
    evm.charge_gas(per_word(prices.precompile_ripemd160, prices.precompile_ripemd160_word, evm.data))?;
    let mut padded_hash = [0; 32];
    padded_hash[12..].copy_from_slice(&digest(evm.data));
    Ok(Bytes::copy_from_slice(&padded_hash))
}

const INITIAL: [u32; 5] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];

/// One of the two lines that work on a block: for each step the word that it takes and how far it rotates; for each round
/// of 16 steps the constant that it adds, and its function (0 is the paper's f for steps 0 to 15).
struct Line {
    words: [usize; 80],
    rotations: [u32; 80],
    constants: [u32; 5],
    functions: [u32; 5],
}

#[rustfmt::skip]
const LEFT: Line = Line {
    words: [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8,
        3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12,
        1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2,
        4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13,
    ],
    rotations: [
        11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8,
        7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12,
        11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5,
        11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12,
        9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6,
    ],
    constants: [0, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e],
    functions: [0, 1, 2, 3, 4],
};

#[rustfmt::skip]
const RIGHT: Line = Line {
    words: [
        5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12,
        6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2,
        15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13,
        8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14,
        12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11,
    ],
    rotations: [
        8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6,
        9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11,
        9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5,
        15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8,
        8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11,
    ],
    constants: [0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0],
    functions: [4, 3, 2, 1, 0],
};

fn digest(data: &[u8]) -> [u8; 20] {
    let mut state = INITIAL;
    let bits = (data.len() as u64).wrapping_mul(8);
    for_each_block(data, bits.to_le_bytes(), |block| compress(&mut state, block));
    let mut hash = [0; 20];
    for (bytes, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
    hash
}

/// Takes one block into the state.
fn compress(state: &mut [u32; 5], block: &[u8; 64]) {
    let mut words = [0_u32; 16];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let left = run_line(&LEFT, *state, &words);
    let right = run_line(&RIGHT, *state, &words);
    let sum = |i: usize| {
        let [a, b, c] = [(i + 1) % 5, (i + 2) % 5, (i + 3) % 5];
        state[a].wrapping_add(left[b]).wrapping_add(right[c])
    };
    *state = [sum(0), sum(1), sum(2), sum(3), sum(4)];
}

fn run_line(line: &Line, state: [u32; 5], words: &[u32; 16]) -> [u32; 5] {
    let [mut a, mut b, mut c, mut d, mut e] = state;
    for step in 0..80 {
        let mixed = match line.functions[step / 16] {
            0 => b ^ c ^ d,
            1 => (b & c) | (!b & d),
            2 => (b | !c) ^ d,
            3 => (b & d) | (c & !d),
            _ => b ^ (c | !d),
        };
        let sum = a
            .wrapping_add(mixed)
            .wrapping_add(words[line.words[step]])
            .wrapping_add(line.constants[step / 16]);
        let turned = sum.rotate_left(line.rotations[step]).wrapping_add(e);
        (a, e, d, c, b) = (e, d, c.rotate_left(10), b, turned);
    }
    [a, b, c, d, e]
}
