//! The addresses that mean something in a scenario.

use parallax_primitives::{Address, U256};

use crate::random::Random;

/// Who sends the transaction.
pub(super) const SENDER: Address = Address::repeat_byte(0x11);
/// Accounts with code of their own.
pub(super) const CONTRACTS: [Address; 6] = [
    Address::repeat_byte(0xc0),
    Address::repeat_byte(0xc1),
    Address::repeat_byte(0xc2),
    Address::repeat_byte(0xc3),
    Address::repeat_byte(0xc4),
    Address::repeat_byte(0xc5),
];
/// Accounts without code, or with a delegation: of keys, so that they can sign authorizations.
pub(super) const SIGNERS: [Address; 3] =
    [Address::repeat_byte(0xe0), Address::repeat_byte(0xe1), Address::repeat_byte(0xe2)];
/// There at first in some scenarios alone: with a balance, or as an account that is empty.
pub(super) const FRESH: [Address; 2] = [Address::repeat_byte(0xf0), Address::repeat_byte(0xf1)];

/// Any address that means something in a scenario.
pub(super) fn any(random: &mut Random) -> Address {
    match random.below(16) {
        0..=6 => random.pick(&CONTRACTS),
        7..=9 => random.pick(&SIGNERS),
        10 | 11 => random.pick(&FRESH),
        12 => SENDER,
        13 => Address::ZERO,
        // Precompiled contracts of every fork, and what is behind the last one but P256VERIFY.
        14 => Address::with_last_byte(u8::try_from(random.between(1, 0x12)).unwrap_or(1)),
        _ if random.once_in(4) => Address::from_word(U256::from(0x100).into()),
        // An account that a contract creates, if its first creation succeeds.
        _ => random.pick(&CONTRACTS).create(1),
    }
}
