//! What the items are called that an opcode takes from the stack.

use parallax_primitives::Opcode;

/// The names of what `opcode` takes from the stack, the top first, as the Yellow Paper and the EIPs use them. Empty where it
/// takes nothing, and for DUP and SWAP, whose items have no meaning of their own.
pub const fn input_names(opcode: Opcode) -> &'static [&'static str] {
    match opcode {
        Opcode::ADD | Opcode::MUL | Opcode::SUB | Opcode::DIV | Opcode::SDIV | Opcode::MOD | Opcode::SMOD => {
            &["a", "b"]
        }
        Opcode::LT | Opcode::GT | Opcode::SLT | Opcode::SGT | Opcode::EQ => &["a", "b"],
        Opcode::AND | Opcode::OR | Opcode::XOR => &["a", "b"],
        Opcode::ADDMOD | Opcode::MULMOD => &["a", "b", "modulus"],
        Opcode::EXP => &["base", "exponent"],
        Opcode::SIGNEXTEND => &["byte", "value"],
        Opcode::ISZERO | Opcode::NOT | Opcode::CLZ => &["a"],
        Opcode::BYTE => &["index", "value"],
        Opcode::SHL | Opcode::SHR | Opcode::SAR => &["shift", "value"],
        Opcode::KECCAK256 | Opcode::RETURN | Opcode::REVERT | Opcode::LOG0 => &["offset", "size"],
        Opcode::BALANCE | Opcode::EXTCODESIZE | Opcode::EXTCODEHASH => &["address"],
        Opcode::CALLDATALOAD | Opcode::MLOAD => &["offset"],
        Opcode::CALLDATACOPY | Opcode::CODECOPY | Opcode::RETURNDATACOPY | Opcode::MCOPY => {
            &["target", "source", "size"]
        }
        Opcode::EXTCODECOPY => &["address", "target", "source", "size"],
        Opcode::BLOCKHASH => &["number"],
        Opcode::BLOBHASH => &["index"],
        Opcode::POP => &["value"],
        Opcode::MSTORE | Opcode::MSTORE8 => &["offset", "value"],
        Opcode::SLOAD | Opcode::TLOAD => &["key"],
        Opcode::SSTORE | Opcode::TSTORE => &["key", "value"],
        Opcode::JUMP => &["target"],
        Opcode::JUMPI => &["target", "condition"],
        Opcode::LOG1 => &["offset", "size", "topic 0"],
        Opcode::LOG2 => &["offset", "size", "topic 0", "topic 1"],
        Opcode::LOG3 => &["offset", "size", "topic 0", "topic 1", "topic 2"],
        Opcode::LOG4 => &["offset", "size", "topic 0", "topic 1", "topic 2", "topic 3"],
        Opcode::CREATE => &["value", "offset", "size"],
        Opcode::CREATE2 => &["value", "offset", "size", "salt"],
        Opcode::CALL | Opcode::CALLCODE => {
            &["gas", "address", "value", "input at", "input size", "output at", "output size"]
        }
        Opcode::DELEGATECALL | Opcode::STATICCALL => {
            &["gas", "address", "input at", "input size", "output at", "output size"]
        }
        Opcode::SELFDESTRUCT => &["beneficiary"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_of_every_opcode_has_a_name() {
        for byte in 0..=255 {
            let opcode = Opcode(byte);
            let inputs = match byte {
                0x80..=0x9f => 0,
                _ => opcode.info().map_or(0, |info| usize::from(info.inputs)),
            };
            assert_eq!(input_names(opcode).len(), inputs, "{opcode}");
        }
    }
}
