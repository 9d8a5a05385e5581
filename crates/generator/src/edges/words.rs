//! Words where operands have an edge.

use parallax_primitives::U256;

use crate::random::Random;

/// A number that no memory holds: where counters of 32 and 64 bits end, and beyond them with low limbs that look small.
pub(super) fn far(random: &mut Random) -> U256 {
    let low = U256::from(random.below(70));
    let around = |bits: usize, random: &mut Random| {
        (U256::from(1) << bits) - U256::from(1) + U256::from(random.below(3))
    };
    match random.below(8) {
        0 => around(32, random),
        1 => around(63, random),
        2 => around(64, random),
        3 => (U256::from(1) << 32) + low,
        4 => (U256::from(1) << 64) + low,
        5 => (U256::from(1) << random.pick(&[65, 128, 192])) + low,
        6 => (U256::from(1) << 255) + low,
        _ => !low,
    }
}

/// Where something begins: near the edge of a word of memory, now and then [`far`].
pub(super) fn offset(random: &mut Random) -> U256 {
    if random.once_in(16) {
        return far(random);
    }
    U256::from(random.pick(&[0, 0, 0, 1, 31, 32, 33, 63, 64, 65, 95, 300]))
}

/// How long something is.
pub(super) fn length(random: &mut Random) -> U256 {
    if random.once_in(16) {
        return far(random);
    }
    U256::from(random.pick(&[0, 0, 0, 1, 2, 31, 32, 33, 64, 65]))
}

/// A word of any kind.
pub(super) fn word(random: &mut Random) -> U256 {
    match random.below(8) {
        0 => far(random),
        1 => U256::from(random.below(3)),
        2 => (U256::from(1) << random.below(256)) + U256::from(1),
        _ => random.word(),
    }
}
