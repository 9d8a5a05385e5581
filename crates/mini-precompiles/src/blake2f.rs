//! BLAKE2F ([`blake2f.py`], EIP-152), written out from RFC 7693.
//!
//! [`blake2f.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/istanbul/vm/precompiled_contracts/blake2f.py

use parallax_primitives::Bytes;

use crate::{
    evm::{Evm, buffer_read},
    outcome::PrecompileHalt,
};

/// One run of BLAKE2b's compression function, 64 bytes.
///
/// Input, exactly 213 bytes: the rounds (4, big endian), the state (8 words of 8, little endian), the block (16 words), the
/// offset (2 words), and one byte that is 1 for the last block, 0 for any other.
pub(crate) fn blake2f(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    if evm.data.len() != 213 {
        return Err(PrecompileHalt::Refused("BLAKE2F: input is not 213 bytes long"));
    }
    let rounds = u32::from_be_bytes(buffer_read(evm.data, 0));
    evm.charge_gas(evm.rules.gas().precompile_blake2f_round * u64::from(rounds))?;
    let last = match evm.data[212] {
        0 => false,
        1 => true,
        _ => return Err(PrecompileHalt::Refused("BLAKE2F: the flag is neither 0 nor 1")),
    };

    let word = |start| u64::from_le_bytes(buffer_read(evm.data, start));
    let state = std::array::from_fn(|i| word(4 + 8 * i));
    let block = std::array::from_fn(|i| word(68 + 8 * i));
    let offset = [word(196), word(204)];

    let compressed = compress(rounds, state, block, offset, last);
    Ok(compressed.into_iter().flat_map(u64::to_le_bytes).collect())
}

/// The first 64 bits behind the point of the square roots of the first 8 primes (RFC 7693, 2.6).
const INITIAL: [u64; 8] = [
    0x6a09e667f3bcc908,
    0xbb67ae8584caa73b,
    0x3c6ef372fe94f82b,
    0xa54ff53a5f1d36f1,
    0x510e527fade682d1,
    0x9b05688c2b3e6c1f,
    0x1f83d9abfb41bd6b,
    0x5be0cd19137e2179,
];

/// The order of the block's words in each round (RFC 7693, 2.7); round 10 is as round 0.
#[rustfmt::skip]
const SIGMA: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/// Which words are mixed: the columns, then the diagonals (RFC 7693, 3.2).
const MIXED: [[usize; 4]; 8] = [
    [0, 4, 8, 12],
    [1, 5, 9, 13],
    [2, 6, 10, 14],
    [3, 7, 11, 15],
    [0, 5, 10, 15],
    [1, 6, 11, 12],
    [2, 7, 8, 13],
    [3, 4, 9, 14],
];

/// RFC 7693, 3.2.
fn compress(rounds: u32, state: [u64; 8], block: [u64; 16], offset: [u64; 2], last: bool) -> [u64; 8] {
    let mut v = [0; 16];
    v[..8].copy_from_slice(&state);
    v[8..].copy_from_slice(&INITIAL);
    v[12] ^= offset[0];
    v[13] ^= offset[1];
    if last {
        v[14] = !v[14];
    }
    for sigma in SIGMA.iter().cycle().take(rounds as usize) {
        for (words, pair) in MIXED.into_iter().zip(sigma.as_chunks::<2>().0) {
            mix(&mut v, words, block[pair[0]], block[pair[1]]);
        }
    }
    std::array::from_fn(|i| state[i] ^ v[i] ^ v[i + 8])
}

/// RFC 7693, 3.1.
fn mix(v: &mut [u64; 16], [a, b, c, d]: [usize; 4], x: u64, y: u64) {
    v[a] = v[a].wrapping_add(v[b]).wrapping_add(x);
    v[d] = (v[d] ^ v[a]).rotate_right(32);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(24);
    v[a] = v[a].wrapping_add(v[b]).wrapping_add(y);
    v[d] = (v[d] ^ v[a]).rotate_right(16);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(63);
}
