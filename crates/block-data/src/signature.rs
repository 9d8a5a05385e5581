//! Who signed: senders from secret keys and signatures, authorities from EIP-7702 signatures. Over the library that the precompiled
//! contracts use.

use alloy_rlp::Encodable;
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use parallax_primitives::{Address, B256, U256, keccak256};

/// Half the order of secp256k1, rounded down: the largest `s` that a signature may have (EIP-2).
const HALF_ORDER: U256 = U256::from_limbs([
    0xdfe9_2f46_681b_20a0,
    0x5d57_6e73_57a4_501d,
    0xffff_ffff_ffff_ffff,
    0x7fff_ffff_ffff_ffff,
]);

/// The account of a secret key; `None` for zero and for numbers that are not below the curve's order.
pub fn address_of(secret: U256) -> Option<Address> {
    let key = SigningKey::from_slice(&secret.to_be_bytes::<32>()).ok()?;
    Some(address(key.verifying_key()))
}

/// Who signed an authorization (EIP-7702); `None` if the signature is not valid.
pub fn authority(
    chain_id: U256,
    delegate: Address,
    nonce: u64,
    y_parity: U256,
    r: U256,
    s: U256,
) -> Option<Address> {
    if y_parity > U256::ONE || s > HALF_ORDER {
        return None;
    }
    recover(authorization_hash(chain_id, delegate, nonce), y_parity == U256::ONE, r, s, false)
}

/// What is signed of an authorization (EIP-7702).
pub(crate) fn authorization_hash(chain_id: U256, delegate: Address, nonce: u64) -> B256 {
    let mut fields = Vec::new();
    minimal(&chain_id.to_be_bytes::<32>()).encode(&mut fields);
    delegate.as_slice().encode(&mut fields);
    nonce.encode(&mut fields);
    // Below 56 bytes the header of a list is one byte; chain id, address and nonce are more.
    let mut signed = vec![0x05];
    alloy_rlp::Header { list: true, payload_length: fields.len() }.encode(&mut signed);
    signed.extend_from_slice(&fields);
    keccak256(signed)
}

/// Signs `hash` (RFC 6979): whether `y` is odd, `r` and `s`, which is low; `None` for a number that is no secret key.
pub fn sign(hash: B256, secret: U256) -> Option<(bool, U256, U256)> {
    let key = SigningKey::from_slice(&secret.to_be_bytes::<32>()).ok()?;
    let (signature, id) = key.sign_prehash_recoverable(hash.as_slice()).ok()?;
    let (r, s) = signature.split_bytes();
    Some((id.is_y_odd(), U256::from_be_slice(&r), U256::from_be_slice(&s)))
}

/// Who signed `hash`; `None` if the signature is not valid. A high `s` is not, unless it `may_be_high`: then it is another way to write
/// a low one.
pub(crate) fn recover(hash: B256, odd: bool, r: U256, s: U256, may_be_high: bool) -> Option<Address> {
    let is_high = s > HALF_ORDER;
    if is_high && !may_be_high {
        return None;
    }
    // Refuses zero and what is not below the order; recovery refuses points off the curve.
    let signature = Signature::from_scalars(r.to_be_bytes::<32>(), s.to_be_bytes::<32>()).ok()?;
    let signature = signature.normalize_s().unwrap_or(signature);
    let id = RecoveryId::new(odd != is_high, false);
    let key = VerifyingKey::recover_from_prehash(hash.as_slice(), &signature, id);
    Some(address(&key.ok()?))
}

fn address(key: &VerifyingKey) -> Address {
    Address::from_raw_public_key(&key.to_encoded_point(false).as_bytes()[1..])
}

fn minimal(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

#[cfg(test)]
mod tests {
    use parallax_primitives::address;

    use super::*;

    fn word(text: &str) -> U256 {
        text.parse().unwrap()
    }

    #[test]
    fn the_well_known_key_has_the_well_known_address() {
        let secret = word("0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8");
        assert_eq!(address_of(secret), Some(address!("a94f5374fce5edbc8e2a8697c15331677e6ebf0b")));
        assert_eq!(address_of(U256::ZERO), None);
        assert_eq!(address_of(U256::MAX), None);
    }

    #[test]
    fn an_official_authorization_is_recovered_and_a_broken_one_is_not() {
        // test_set_code_type_tx_pre_fork of execution-spec-tests.
        let delegate = address!("d35fa212abd4a782f7cfd3b639e1fd4f4717e576");
        let r = word("0xc1b744eb9285ca049ebd83efce5ebd43a93ea87bcadcc7894c84b1ccd509c2c8");
        let s = word("0x5cd5db1b823b6d653e331237e761054361bdaa990c49258442f2c027f3bca709");
        let signer =
            |nonce, parity: u64, r, s| authority(U256::ZERO, delegate, nonce, U256::from(parity), r, s);
        assert_eq!(signer(1, 1, r, s), Some(address!("5ad9cd7b31e43c9dd0b1c13cda97e21a7b9df772")));
        assert_ne!(signer(2, 1, r, s), signer(1, 1, r, s));
        assert_ne!(signer(1, 0, r, s), signer(1, 1, r, s));
        let order = HALF_ORDER * U256::from(2) + U256::ONE;
        for (parity, r, s) in [
            (2, r, s),
            (27, r, s),
            (1, U256::ZERO, s),
            (1, r, U256::ZERO),
            (1, order, s),
            (1, U256::MAX, s),
            (1, r, HALF_ORDER + U256::ONE),
            // The same signature with the high `s`.
            (0, r, order - s),
        ] {
            assert_eq!(signer(1, parity, r, s), None, "{parity} {r} {s}");
        }
    }
}
