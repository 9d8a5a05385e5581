//! The addresses that mean something in a scenario.

use parallax_primitives::{Address, U256, address};

use crate::random::Random;

/// Who sends the transaction.
pub(crate) const SENDER: Address = address!("252dae0a4b9d9b80f504f6418acd2d364c0c59cd");
/// Accounts with code of their own.
pub(crate) const CONTRACTS: [Address; 6] = [
    address!("cdef6f23a26f960b53468f497967ce74c026af52"),
    address!("0a2035683fe5587b0b09db0e757306ad729fe6c1"),
    address!("158cc083cfbcffb2f983a3aa8b027eb0711c9831"),
    address!("691cb1645a4f21d879973b3a3b98a714fc1970d6"),
    address!("754164c0cb85dda1b5b18e5b62adbb4d60c3efbf"),
    address!("556330e8d92912ccf133851ba03abd2db70da404"),
];
/// Accounts without code, or with a delegation.
pub(crate) const SIGNERS: [Address; 3] = [
    address!("f084bbaabee1a700a8faa404027db620a5aa0059"),
    address!("602d562b4ef2544f851587619b56f77a9d965d45"),
    address!("216faec139a61329ef8b31d982de427d9c007a9e"),
];
/// Never there at first, and yet it signs.
pub(crate) const NOBODY: Address = address!("c0af3981f9c0dfcb8955fea07a3e4f23806fab51");
/// The keys of all who sign authorizations, so that what they sign can be written as others read it (EIP-7702).
const SECRETS: [(Address, u64); 11] = [
    (SENDER, 0x11),
    (CONTRACTS[0], 0xc0),
    (CONTRACTS[1], 0xc1),
    (CONTRACTS[2], 0xc2),
    (CONTRACTS[3], 0xc3),
    (CONTRACTS[4], 0xc4),
    (CONTRACTS[5], 0xc5),
    (SIGNERS[0], 0xe0),
    (SIGNERS[1], 0xe1),
    (SIGNERS[2], 0xe2),
    (NOBODY, 0xf2),
];

/// The secret key of an account that may sign in a generated case; `None` of all others.
pub fn secret_of(address: Address) -> Option<U256> {
    SECRETS.iter().find(|(of, _)| *of == address).map(|(_, secret)| U256::from(*secret))
}

/// There at first in some scenarios alone: with a balance, or as an account that is empty.
pub(crate) const FRESH: [Address; 2] = [Address::repeat_byte(0xf0), Address::repeat_byte(0xf1)];

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
