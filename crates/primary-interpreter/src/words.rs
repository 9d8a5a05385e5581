//! 256-bit arithmetic with short ways for short numbers.

use parallax_primitives::U256;

/// The number, if it fits 64 bits.
#[inline(always)]
pub(crate) fn short(value: &U256) -> Option<u64> {
    let limbs = value.as_limbs();
    (limbs[1] | limbs[2] | limbs[3] == 0).then_some(limbs[0])
}

#[inline(always)]
pub(crate) fn add(a: U256, b: U256) -> U256 {
    let (a, b) = (a.as_limbs(), b.as_limbs());
    let (r0, c) = a[0].overflowing_add(b[0]);
    let (r1, c) = a[1].carrying_add(b[1], c);
    let (r2, c) = a[2].carrying_add(b[2], c);
    let (r3, _) = a[3].carrying_add(b[3], c);
    U256::from_limbs([r0, r1, r2, r3])
}

#[inline(always)]
pub(crate) fn sub(a: U256, b: U256) -> U256 {
    let (a, b) = (a.as_limbs(), b.as_limbs());
    let (r0, c) = a[0].overflowing_sub(b[0]);
    let (r1, c) = a[1].borrowing_sub(b[1], c);
    let (r2, c) = a[2].borrowing_sub(b[2], c);
    let (r3, _) = a[3].borrowing_sub(b[3], c);
    U256::from_limbs([r0, r1, r2, r3])
}

#[inline(always)]
pub(crate) fn less(a: U256, b: U256) -> bool {
    let (a, b) = (a.as_limbs(), b.as_limbs());
    let (_, c) = a[0].overflowing_sub(b[0]);
    let (_, c) = a[1].borrowing_sub(b[1], c);
    let (_, c) = a[2].borrowing_sub(b[2], c);
    a[3].borrowing_sub(b[3], c).1
}

/// Two's complement.
#[inline(always)]
pub(crate) fn signed_less(a: U256, b: U256) -> bool {
    const SIGN: u64 = 1 << 63;
    let flip = |value: U256| {
        let limbs = value.as_limbs();
        U256::from_limbs([limbs[0], limbs[1], limbs[2], limbs[3] ^ SIGN])
    };
    less(flip(a), flip(b))
}

#[inline(always)]
pub(crate) fn equal(a: U256, b: U256) -> bool {
    let (a, b) = (a.as_limbs(), b.as_limbs());
    (a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) == 0
}

#[inline(always)]
pub(crate) fn is_zero(a: U256) -> bool {
    let a = a.as_limbs();
    a[0] | a[1] | a[2] | a[3] == 0
}

#[inline(always)]
pub(crate) fn flag(value: bool) -> U256 {
    U256::from_limbs([u64::from(value), 0, 0, 0])
}

#[inline(always)]
pub(crate) fn bitwise(a: U256, b: U256, f: impl Fn(u64, u64) -> u64) -> U256 {
    let (a, b) = (a.as_limbs(), b.as_limbs());
    U256::from_limbs([f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])])
}

#[inline(always)]
pub(crate) fn not(a: U256) -> U256 {
    let a = a.as_limbs();
    U256::from_limbs([!a[0], !a[1], !a[2], !a[3]])
}

#[inline(always)]
pub(crate) fn mul(a: U256, b: U256) -> U256 {
    if let (Some(x), Some(y)) = (short(&a), short(&b)) {
        let (low, high) = x.carrying_mul(y, 0);
        return U256::from_limbs([low, high, 0, 0]);
    }
    mul_long(a, b)
}

#[inline]
fn mul_long(a: U256, b: U256) -> U256 {
    let (a, b) = (a.as_limbs(), b.as_limbs());
    let (r0, c) = a[0].carrying_mul(b[0], 0);
    let (r1, c) = a[0].carrying_mul(b[1], c);
    let (r2, c) = a[0].carrying_mul(b[2], c);
    let r3 = a[0].wrapping_mul(b[3]).wrapping_add(c);
    let (r1, c) = a[1].carrying_mul_add(b[0], r1, 0);
    let (r2, c) = a[1].carrying_mul_add(b[1], r2, c);
    let r3 = a[1].wrapping_mul(b[2]).wrapping_add(r3).wrapping_add(c);
    let (r2, c) = a[2].carrying_mul_add(b[0], r2, 0);
    let r3 = a[2].wrapping_mul(b[1]).wrapping_add(r3).wrapping_add(c);
    let r3 = a[3].wrapping_mul(b[0]).wrapping_add(r3);
    U256::from_limbs([r0, r1, r2, r3])
}

/// Zero for a divisor of zero.
#[inline(always)]
pub(crate) fn div(a: U256, b: U256) -> U256 {
    if let (Some(x), Some(y)) = (short(&a), short(&b)) {
        return U256::from_limbs([x.checked_div(y).unwrap_or(0), 0, 0, 0]);
    }
    div_long(a, b)
}

#[inline(never)]
fn div_long(a: U256, b: U256) -> U256 {
    if is_zero(b) {
        return U256::ZERO;
    }
    let limbs = b.as_limbs();
    // A power of two is common: selectors and packed words.
    if limbs.iter().map(|limb| limb.count_ones()).sum::<u32>() == 1 {
        return shr_by(a, b.trailing_zeros() as u64);
    }
    if let (Some(x), Some(y)) = (medium(&a), medium(&b)) {
        return U256::from(x / y);
    }
    a.wrapping_div(b)
}

/// The number, if it fits 128 bits.
#[inline(always)]
fn medium(value: &U256) -> Option<u128> {
    let limbs = value.as_limbs();
    (limbs[2] | limbs[3] == 0).then_some(u128::from(limbs[0]) | u128::from(limbs[1]) << 64)
}

/// Zero for a divisor of zero.
#[inline(always)]
pub(crate) fn rem(a: U256, b: U256) -> U256 {
    if let (Some(x), Some(y)) = (short(&a), short(&b)) {
        return U256::from_limbs([x.checked_rem(y).unwrap_or(0), 0, 0, 0]);
    }
    rem_long(a, b)
}

#[inline(never)]
fn rem_long(a: U256, b: U256) -> U256 {
    if is_zero(b) {
        return U256::ZERO;
    }
    let limbs = b.as_limbs();
    if limbs.iter().map(|limb| limb.count_ones()).sum::<u32>() == 1 {
        return bitwise(a, sub(b, U256::ONE), |x, y| x & y);
    }
    if let (Some(x), Some(y)) = (medium(&a), medium(&b)) {
        return U256::from(x % y);
    }
    a.wrapping_rem(b)
}

fn negative(a: U256) -> bool {
    a.as_limbs()[3] >> 63 == 1
}

fn magnitude(a: U256) -> U256 {
    if negative(a) { sub(U256::ZERO, a) } else { a }
}

#[inline(never)]
pub(crate) fn sdiv(a: U256, b: U256) -> U256 {
    let quotient = div(magnitude(a), magnitude(b));
    if negative(a) == negative(b) { quotient } else { sub(U256::ZERO, quotient) }
}

#[inline(never)]
pub(crate) fn smod(a: U256, b: U256) -> U256 {
    let rest = rem(magnitude(a), magnitude(b));
    if negative(a) { sub(U256::ZERO, rest) } else { rest }
}

#[inline(never)]
pub(crate) fn addmod(a: U256, b: U256, modulus: U256) -> U256 {
    if let (Some(x), Some(y), Some(m)) = (short(&a), short(&b), short(&modulus)) {
        let Some(rest) = (u128::from(x) + u128::from(y)).checked_rem(u128::from(m)) else {
            return U256::ZERO;
        };
        return U256::from(rest);
    }
    if is_zero(modulus) {
        return U256::ZERO;
    }
    // Field arithmetic: both below a large modulus.
    if less(a, modulus) && less(b, modulus) {
        let sum = add(a, b);
        return if less(sum, a) || !less(sum, modulus) { sub(sum, modulus) } else { sum };
    }
    a.add_mod(b, modulus)
}

#[inline(never)]
pub(crate) fn mulmod(a: U256, b: U256, modulus: U256) -> U256 {
    if let (Some(x), Some(y), Some(m)) = (short(&a), short(&b), short(&modulus)) {
        let Some(rest) = (u128::from(x) * u128::from(y)).checked_rem(u128::from(m)) else {
            return U256::ZERO;
        };
        return U256::from(rest);
    }
    if is_zero(modulus) {
        return U256::ZERO;
    }
    a.mul_mod(b, modulus)
}

#[inline(never)]
pub(crate) fn exp(base: U256, exponent: U256) -> U256 {
    if equal(base, U256::from(2)) {
        return shl(exponent, U256::ONE);
    }
    let bits = exponent.bit_len();
    let mut result = U256::ONE;
    for bit in (0..bits).rev() {
        result = mul(result, result);
        if exponent.bit(bit) {
            result = mul(result, base);
        }
    }
    result
}

#[inline(always)]
pub(crate) fn sign_extend(index: U256, value: U256) -> U256 {
    match short(&index) {
        Some(index) if index < 31 => sign_extend_from(value, index),
        _ => value,
    }
}

/// Extends the sign bit of byte `index` (0 the lowest, at most 30).
#[inline(always)]
#[allow(clippy::cast_possible_wrap)] // the sign bit is the point
pub(crate) fn sign_extend_from(value: U256, index: u64) -> U256 {
    let [v0, v1, v2, v3] = *value.as_limbs();
    let shift = 56 - 8 * (index % 8);
    let extend = |limb: u64| ((limb << shift) as i64 >> shift) as u64;
    let sign = |limb: u64| (limb as i64 >> 63) as u64;
    match index / 8 {
        0 => {
            let r0 = extend(v0);
            U256::from_limbs([r0, sign(r0), sign(r0), sign(r0)])
        }
        1 => {
            let r1 = extend(v1);
            U256::from_limbs([v0, r1, sign(r1), sign(r1)])
        }
        2 => {
            let r2 = extend(v2);
            U256::from_limbs([v0, v1, r2, sign(r2)])
        }
        _ => U256::from_limbs([v0, v1, v2, extend(v3)]),
    }
}

#[inline(always)]
pub(crate) fn byte(index: U256, value: U256) -> U256 {
    match short(&index) {
        Some(index) if index < 32 => byte_at(value, index),
        _ => U256::ZERO,
    }
}

/// Byte `index` from the left, below 32.
#[inline(always)]
pub(crate) fn byte_at(value: U256, index: u64) -> U256 {
    #[allow(clippy::cast_possible_truncation)] // below 4
    let limb = (3 - index / 8) as usize & 3;
    U256::from_limbs([value.as_limbs()[limb] >> (56 - 8 * (index % 8)) & 0xff, 0, 0, 0])
}

#[inline(always)]
pub(crate) fn shl(shift: U256, value: U256) -> U256 {
    match short(&shift) {
        Some(shift) if shift < 256 => shl_by(value, shift),
        _ => U256::ZERO,
    }
}

#[inline(always)]
pub(crate) fn shr(shift: U256, value: U256) -> U256 {
    match short(&shift) {
        Some(shift) if shift < 256 => shr_by(value, shift),
        _ => U256::ZERO,
    }
}

/// `shift` below 256.
#[inline(always)]
pub(crate) fn shl_by(value: U256, shift: u64) -> U256 {
    let v = value.as_limbs();
    let bits = shift % 64;
    // The bits that a limb gets from the one below it; a shift by 64 would be undefined, so in two parts.
    let high = |x: u64, below: u64| x << bits | below >> 1 >> (63 - bits);
    match shift / 64 {
        0 => U256::from_limbs([v[0] << bits, high(v[1], v[0]), high(v[2], v[1]), high(v[3], v[2])]),
        1 => U256::from_limbs([0, v[0] << bits, high(v[1], v[0]), high(v[2], v[1])]),
        2 => U256::from_limbs([0, 0, v[0] << bits, high(v[1], v[0])]),
        _ => U256::from_limbs([0, 0, 0, v[0] << bits]),
    }
}

/// `shift` below 256.
#[inline(always)]
pub(crate) fn shr_by(value: U256, shift: u64) -> U256 {
    let v = value.as_limbs();
    let bits = shift % 64;
    let low = |x: u64, above: u64| x >> bits | above << 1 << (63 - bits);
    match shift / 64 {
        0 => U256::from_limbs([low(v[0], v[1]), low(v[1], v[2]), low(v[2], v[3]), v[3] >> bits]),
        1 => U256::from_limbs([low(v[1], v[2]), low(v[2], v[3]), v[3] >> bits, 0]),
        2 => U256::from_limbs([low(v[2], v[3]), v[3] >> bits, 0, 0]),
        _ => U256::from_limbs([v[3] >> bits, 0, 0, 0]),
    }
}

#[inline(always)]
pub(crate) fn sar(shift: U256, value: U256) -> U256 {
    match short(&shift) {
        Some(shift) if shift < 256 => sar_by(value, shift),
        _ if negative(value) => U256::MAX,
        _ => U256::ZERO,
    }
}

/// `shift` below 256.
#[inline(always)]
pub(crate) fn sar_by(value: U256, shift: u64) -> U256 {
    let shifted = shr_by(value, shift);
    if negative(value) { bitwise(shifted, not(shr_by(U256::MAX, shift)), |x, y| x | y) } else { shifted }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<U256> {
        let mut seed = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        let mut all = vec![U256::ZERO, U256::ONE, U256::MAX, U256::from(u64::MAX), U256::ONE << 255];
        all.extend((0..9).map(|i| U256::from(i * 32)));
        // Equal limbs, which must not cancel each other.
        all.extend((1..16u64).map(|set| U256::from_limbs([set & 1, set >> 1 & 1, set >> 2 & 1, set >> 3])));
        for bits in [8, 64, 65, 130, 192, 256] {
            for _ in 0..2 {
                all.push(U256::from_limbs([next(), next(), next(), next()]) >> (256 - bits));
            }
        }
        all
    }

    /// Every short way against ruint's plain one.
    #[test]
    fn arithmetic_is_ruints() {
        let all = samples();
        for a in &all {
            assert_eq!(is_zero(*a), *a == U256::ZERO);
            for b in &all {
                let (a, b) = (*a, *b);
                assert_eq!(add(a, b), a.wrapping_add(b));
                assert_eq!(sub(a, b), a.wrapping_sub(b));
                assert_eq!(mul(a, b), a.wrapping_mul(b));
                assert_eq!(div(a, b), a.checked_div(b).unwrap_or_default());
                assert_eq!(rem(a, b), a.checked_rem(b).unwrap_or_default());
                assert_eq!(less(a, b), a < b);
                assert_eq!(equal(a, b), a == b);
                assert_eq!(exp(a, b), a.wrapping_pow(b));
                let shift = a.saturating_to::<usize>();
                assert_eq!(shl(a, b), if shift < 256 { b << shift } else { U256::ZERO });
                assert_eq!(shr(a, b), if shift < 256 { b >> shift } else { U256::ZERO });
                assert_eq!(sar(a, b), b.arithmetic_shr(shift.min(300)), "{b} >> {a}");
                assert_eq!(byte(a, b), if shift < 32 { U256::from(b.byte(31 - shift)) } else { U256::ZERO });
                for m in all.iter().step_by(7) {
                    assert_eq!(addmod(a, b, *m), a.add_mod(b, *m));
                    assert_eq!(mulmod(a, b, *m), a.mul_mod(b, *m));
                }
            }
        }
    }

    #[test]
    fn signs() {
        let minus = |x: u64| U256::ZERO.wrapping_sub(U256::from(x));
        let row = |x: u64| U256::from(x);
        assert_eq!(sdiv(minus(7), row(2)), minus(3));
        assert_eq!(sdiv(minus(7), minus(2)), row(3));
        assert_eq!(sdiv(U256::ONE << 255, minus(1)), U256::ONE << 255);
        assert_eq!(sdiv(minus(7), row(0)), row(0));
        assert_eq!(smod(minus(7), row(3)), minus(1));
        assert_eq!(smod(row(7), minus(3)), row(1));
        assert_eq!(smod(minus(7), row(0)), row(0));
        assert!(signed_less(minus(1), row(0)) && !signed_less(row(0), minus(1)));
        assert!(signed_less(minus(2), minus(1)) && signed_less(row(1), row(2)));
        assert_eq!(sign_extend(row(0), row(0xff)), minus(1));
        assert_eq!(sign_extend(row(0), row(0x17f)), row(0x7f));
        assert_eq!(sign_extend(row(7), row(1 << 63)), minus(1 << 63));
        assert_eq!(sign_extend(row(30), U256::ONE << 247), U256::MAX << 247);
        assert_eq!(sign_extend(row(31), U256::ONE << 255), U256::ONE << 255);
        assert_eq!(sign_extend(U256::MAX, row(0xff)), row(0xff));
    }
}
