//! P256VERIFY ([`p256verify.py`], EIP-7951); the curve is `crrl`'s.
//!
//! [`p256verify.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/osaka/vm/precompiled_contracts/p256verify.py

use crrl::p256::PublicKey;
use parallax_primitives::{Bytes, U256};

use crate::{
    evm::{Evm, buffer_read},
    outcome::PrecompileHalt,
};

/// The order of the curve (SEC 2, 2.4.2).
const SECP256R1N: U256 =
    U256::from_limbs([0xf3b9cac2fc632551, 0xbce6faada7179e84, u64::MAX, 0xffffffff00000000]);
/// The modulus of its field.
const SECP256R1P: U256 = U256::from_limbs([u64::MAX, 0x00000000ffffffff, 0, 0xffffffff00000001]);

/// 1 in 32 bytes if the key has signed the hash, nothing if not or if the input is malformed.
///
/// Input, exactly 160 bytes: the hash, r, s, and the key's x and y, 32 bytes each. r and s are above 0 and below the curve's
/// order, x and y below the field's modulus; the key is a point of the curve. The hash is any number, and counts modulo the
/// order.
pub(crate) fn p256verify(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    evm.charge_gas(evm.rules.gas().precompile_p256verify)?;
    if evm.data.len() != 160 {
        return Ok(Bytes::new());
    }
    let value = |start| U256::from_be_bytes(buffer_read::<32>(evm.data, start));
    let (r, s, x, y) = (value(32), value(64), value(96), value(128));

    if r.is_zero() || r >= SECP256R1N {
        return Ok(Bytes::new());
    }
    if s.is_zero() || s >= SECP256R1N {
        return Ok(Bytes::new());
    }
    if x >= SECP256R1P || y >= SECP256R1P {
        return Ok(Bytes::new());
    }
    // (0, 0), which stands for infinity, is not on the curve: it is refused with all others that are not.
    let mut uncompressed = [4; 65];
    uncompressed[1..].copy_from_slice(&buffer_read::<64>(evm.data, 96));
    let Some(key) = PublicKey::decode(&uncompressed) else {
        return Ok(Bytes::new());
    };
    if !key.verify_hash(&buffer_read::<64>(evm.data, 32), &buffer_read::<32>(evm.data, 0)) {
        return Ok(Bytes::new());
    }
    Ok(Bytes::copy_from_slice(&U256::ONE.to_be_bytes::<32>()))
}
