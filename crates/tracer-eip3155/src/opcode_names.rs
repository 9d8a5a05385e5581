//! The names that clients give to opcodes.

use parallax_primitives::Opcode;

/// Names besides the table's own.
const OTHERS: &[(u8, &str)] =
    &[(0x20, "SHA3"), (0x20, "KECCAK"), (0x44, "DIFFICULTY"), (0x44, "RANDOM"), (0xff, "SUICIDE")];

/// The opcode of a name, or of a byte in the words of a client that has no name for it.
pub(crate) fn opcode(name: &str) -> Option<Opcode> {
    let of_table = (0..=u8::MAX).map(Opcode).find(|opcode| opcode.name() == Some(name));
    let other = || OTHERS.iter().find(|(_, other)| *other == name).map(|(byte, _)| Opcode(*byte));
    of_table.or_else(other).or_else(|| byte_in_words(name))
}

/// Whether it is a name of the opcode, or what clients write for one that the rules do not define, which fails.
pub(crate) fn fits(name: &str, opcode: Opcode, failed: bool) -> bool {
    opcode.name() == Some(name)
        || OTHERS.contains(&(opcode.0, name))
        || failed && matches!(name, "INVALID" | "InvalidOpcode")
        || byte_in_words(name) == Some(opcode)
}

/// `opcode 0xc not defined` of geth, `0x0c` of evmone.
fn byte_in_words(name: &str) -> Option<Opcode> {
    let digits = match name.strip_prefix("opcode ") {
        Some(rest) => rest.strip_suffix(" not defined")?,
        None => name,
    };
    u8::from_str_radix(digits.strip_prefix("0x")?, 16).ok().map(Opcode)
}
