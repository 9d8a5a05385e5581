//! ECRECOVER ([`ecrecover.py`]); the curve is libsecp256k1's.
//!
//! [`ecrecover.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/frontier/vm/precompiled_contracts/ecrecover.py

use parallax_primitives::{Bytes, U256, keccak256};
use secp256k1::{
    Message, PublicKey, Secp256k1,
    ecdsa::{RecoverableSignature, RecoveryId},
};

use crate::{
    evm::{Evm, buffer_read},
    outcome::PrecompileHalt,
};

/// The order of the curve (SEC 2, 2.4.1).
const SECP256K1N: U256 =
    U256::from_limbs([0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, u64::MAX]);

/// The address whose key signed the hash, 32 bytes; nothing where no key did.
///
/// Input: the hash, v, r and s, 32 bytes each; what is missing is zero, what follows is ignored. v is 27 or 28 in all of its
/// 32 bytes. r and s are above 0 and below the curve's order; a high s is as good as a low one.
pub(crate) fn ecrecover(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    evm.charge_gas(evm.rules.gas().precompile_ecrecover)?;

    let hash = buffer_read(evm.data, 0);
    let v = U256::from_be_bytes(buffer_read::<32>(evm.data, 32));
    let r = U256::from_be_bytes(buffer_read::<32>(evm.data, 64));
    let s = U256::from_be_bytes(buffer_read::<32>(evm.data, 96));

    let parity = if v == U256::from(27) {
        RecoveryId::Zero
    } else if v == U256::from(28) {
        RecoveryId::One
    } else {
        return Ok(Bytes::new());
    };
    if r.is_zero() || r >= SECP256K1N {
        return Ok(Bytes::new());
    }
    if s.is_zero() || s >= SECP256K1N {
        return Ok(Bytes::new());
    }

    let Some(key) = secp256k1_recover(hash, parity, buffer_read(evm.data, 64)) else {
        return Ok(Bytes::new());
    };
    let mut padded_address = [0; 32];
    padded_address[12..].copy_from_slice(&keccak256(key)[12..]);
    Ok(Bytes::copy_from_slice(&padded_address))
}

/// The key that signed, x and y; none if r is no x of the curve, or the key would be the point at infinity.
fn secp256k1_recover(hash: [u8; 32], parity: RecoveryId, r_and_s: [u8; 64]) -> Option<[u8; 64]> {
    let signature = RecoverableSignature::from_compact(&r_and_s, parity).ok()?;
    let key: PublicKey =
        Secp256k1::verification_only().recover_ecdsa(Message::from_digest(hash), &signature).ok()?;
    let [_tag, x_and_y @ ..] = key.serialize_uncompressed();
    Some(x_and_y)
}
