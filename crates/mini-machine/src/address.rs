//! Addresses of new accounts, as EELS's `utils/address.py` has them.

use parallax_primitives::{Address, U256, keccak256};

/// Where CREATE, or a transaction without a target, puts the account: the end of the hash of the RLP of creator and nonce.
///
/// EELS: `utils/address.py`, `compute_contract_address`.
pub(crate) fn compute_contract_address(creator: Address, nonce: u64) -> Address {
    // A number in RLP is its bytes without leading zeros.
    let nonce = nonce.to_be_bytes();
    let digits = &nonce[nonce.iter().take_while(|byte| **byte == 0).count()..];
    let items = [rlp_bytes(creator.as_slice()), rlp_bytes(digits)].concat();
    last_20_bytes(&[&[0xc0 + length(&items)], items.as_slice()].concat())
}

/// The RLP of fewer than 56 bytes (Yellow Paper, appendix B): one below 0x80 stands for itself.
fn rlp_bytes(bytes: &[u8]) -> Vec<u8> {
    match bytes {
        [0..=0x7f] => bytes.to_vec(),
        _ => [&[0x80 + length(bytes)], bytes].concat(),
    }
}

fn length(bytes: &[u8]) -> u8 {
    let [.., length] = bytes.len().to_be_bytes();
    length
}

/// Where CREATE2 puts the account (EIP-1014).
///
/// EELS: `utils/address.py`, `compute_create2_contract_address`.
pub(crate) fn compute_create2_contract_address(creator: Address, salt: U256, init_code: &[u8]) -> Address {
    let salt: [u8; 32] = salt.to_be_bytes();
    let hash = keccak256(init_code);
    last_20_bytes(&[&[0xff], creator.as_slice(), &salt, hash.as_slice()].concat())
}

fn last_20_bytes(preimage: &[u8]) -> Address {
    Address::from_slice(&keccak256(preimage)[12..])
}

#[cfg(test)]
mod tests {
    use parallax_primitives::{Address, U256, address, hex};

    use super::*;

    #[test]
    fn a_creation_is_where_the_specification_puts_it() {
        // By EELS's `compute_contract_address`.
        let creator = address!("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0");
        for (nonce, expected) in [
            (0, address!("cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d")),
            (1, address!("343c43a37d37dff08ae8c4a11544c718abb4fcf8")),
            (0x7f, address!("06d9a77f5e4b311bae8d559db9cdb4df94104aa0")),
            (0x80, address!("08e190dcb7b73f5fcdabb43e102215c83659a76d")),
            (0xff, address!("3ef7c1a519e4b4431e317d7839340e3139b03c65")),
            (0x100, address!("3837c1ae70354f670550c746580199ac6a73cb0a")),
            (1 << 32, address!("f4bf328880432064068338f915c49f817dc4ce18")),
            (u64::MAX, address!("9bc924993b60399df164c3763a964301d3db95ca")),
        ] {
            assert_eq!(compute_contract_address(creator, nonce), expected, "nonce {nonce}");
        }
        let zero = address!("bd770416a3345f91e4b34576cb804a576fa48eb1");
        assert_eq!(compute_contract_address(Address::ZERO, 0), zero);
        // EIP-1014, its fifth example.
        assert_eq!(
            compute_create2_contract_address(
                address!("00000000000000000000000000000000deadbeef"),
                U256::from(0xcafe_babe_u64),
                &hex!("deadbeef")
            ),
            address!("60f3f640a8508fc6a86d45df051962668e1e8ac7")
        );
    }
}
