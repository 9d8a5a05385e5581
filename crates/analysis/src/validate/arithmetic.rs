//! What opcodes make of constants: a second time, in the plainest way, so that a mistake in the first one shows.
//!
//! Only what translation may fold is here. Of all other opcodes a result is what it is, constant operands or not.

use parallax_primitives::{Opcode, U256};

type Limbs = [u64; 4];

/// The result of a binary opcode, the topmost operand first; `None` if it is not folded.
pub(super) fn binary(opcode: Opcode, a: U256, b: U256) -> Option<U256> {
    let (x, y) = (a.into_limbs(), b.into_limbs());
    let each = |f: fn(u64, u64) -> u64| std::array::from_fn(|i| f(x[i], y[i]));
    Some(U256::from_limbs(match opcode {
        Opcode::ADD => add(x, y),
        Opcode::MUL => multiply(x, y),
        Opcode::SUB => subtract(x, y),
        Opcode::DIV => divide(x, y).0,
        Opcode::MOD => divide(x, y).1,
        Opcode::EXP => power(x, y),
        Opcode::LT => flag(is_less(x, y)),
        Opcode::GT => flag(is_less(y, x)),
        Opcode::EQ => flag(x == y),
        Opcode::AND => each(|x, y| x & y),
        Opcode::OR => each(|x, y| x | y),
        Opcode::XOR => each(|x, y| x ^ y),
        Opcode::SHL => shift(x, y, |value| doubled(value).0),
        Opcode::SHR => shift(x, y, halved),
        _ => return None,
    }))
}

/// The result of a unary opcode; `None` if it is not folded.
pub(super) fn unary(opcode: Opcode, a: U256) -> Option<U256> {
    let x = a.into_limbs();
    Some(U256::from_limbs(match opcode {
        Opcode::ISZERO => flag(x == [0; 4]),
        Opcode::NOT => x.map(|limb| !limb),
        Opcode::CLZ => [(0..256).rev().take_while(|i| !bit(x, *i)).count() as u64, 0, 0, 0],
        _ => return None,
    }))
}

/// `n`, if the value is 2 to the power of `n`.
pub(super) fn exponent_of_two(value: U256) -> Option<u64> {
    let limbs = value.into_limbs();
    let mut bits = (0..256u64).filter(|i| bit(limbs, *i));
    let first = bits.next()?;
    bits.next().is_none().then_some(first)
}

/// Bytes of a number without its leading zeros: what EXP pays for (EIP-160).
pub(super) fn bytes(value: U256) -> u64 {
    let limbs = value.into_limbs();
    (0..256u64).rev().find(|i| bit(limbs, *i)).map_or(0, |highest| highest / 8 + 1)
}

fn flag(value: bool) -> Limbs {
    [u64::from(value), 0, 0, 0]
}

fn bit(value: Limbs, index: u64) -> bool {
    value.iter().zip(0u64..).any(|(limb, i)| i == index / 64 && limb >> (index % 64) & 1 == 1)
}

fn add(a: Limbs, b: Limbs) -> Limbs {
    add_carry(a, b, false)
}

fn add_carry(a: Limbs, b: Limbs, mut carry: bool) -> Limbs {
    std::array::from_fn(|i| {
        let (sum, over) = a[i].overflowing_add(b[i]);
        let (sum, again) = sum.overflowing_add(u64::from(carry));
        carry = over || again;
        sum
    })
}

/// `a + !b + 1`: two's complement.
fn subtract(a: Limbs, b: Limbs) -> Limbs {
    add_carry(a, b.map(|limb| !limb), true)
}

fn is_less(a: Limbs, b: Limbs) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// Twice the value, and the bit that left it.
fn doubled(value: Limbs) -> (Limbs, bool) {
    (add(value, value), bit(value, 255))
}

fn halved(value: Limbs) -> Limbs {
    std::array::from_fn(|i| value[i] >> 1 | value.get(i + 1).map_or(0, |higher| higher << 63))
}

/// One step for each bit; 256 of them leave nothing.
fn shift(by: Limbs, value: Limbs, step: fn(Limbs) -> Limbs) -> Limbs {
    let steps = if by[1..] == [0; 3] { by[0].min(256) } else { 256 };
    (0..steps).fold(value, |value, _| step(value))
}

/// Limb by limb, as on paper.
fn multiply(a: Limbs, b: Limbs) -> Limbs {
    let mut product = [0; 4];
    for i in 0..4 {
        let mut carry = 0;
        for j in 0..4 - i {
            (product[i + j], carry) = a[i].carrying_mul_add(b[j], product[i + j], carry);
        }
    }
    product
}

/// Squares and multiplies.
fn power(base: Limbs, exponent: Limbs) -> Limbs {
    let highest = (0..256).rev().skip_while(|i| !bit(exponent, *i));
    highest.fold(flag(true), |power, i| {
        let square = multiply(power, power);
        if bit(exponent, i) { multiply(square, base) } else { square }
    })
}

/// Quotient and remainder, bit by bit; both are zero if the divisor is.
fn divide(a: Limbs, b: Limbs) -> (Limbs, Limbs) {
    let (mut quotient, mut rest) = ([0; 4], [0; 4]);
    if b == [0; 4] {
        return (quotient, rest);
    }
    for i in (0..256).rev() {
        let (twice, over) = doubled(rest);
        rest = add(twice, flag(bit(a, i)));
        quotient = doubled(quotient).0;
        if over || !is_less(rest, b) {
            rest = subtract(rest, b);
            quotient = add(quotient, flag(true));
        }
    }
    (quotient, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers at the edges, of each other and of themselves.
    fn numbers() -> Vec<U256> {
        let edges = [0usize, 1, 2, 63, 64, 127, 128, 192, 254, 255].map(|n| U256::ONE << n);
        let mut all = vec![U256::ZERO, U256::MAX, U256::from(7), U256::from(256), U256::from(257)];
        for edge in edges {
            all.extend([edge, edge - U256::ONE, edge + U256::ONE, !edge]);
        }
        all.push(U256::from_limbs([0x0123_4567_89ab_cdef, 0xfedc_ba98, 0x5555_5555_5555_5555, 3]));
        all
    }

    #[track_caller]
    fn check(opcode: Opcode, expected: impl Fn(U256, U256) -> U256) {
        for a in numbers() {
            for b in numbers() {
                assert_eq!(binary(opcode, a, b), Some(expected(a, b)), "{opcode} {a:#x} {b:#x}");
            }
        }
    }

    /// Beside the integer library.
    #[test]
    fn constants_are_what_the_library_makes_of_them() {
        let flag = |value| U256::from(u64::from(value));
        check(Opcode::ADD, U256::wrapping_add);
        check(Opcode::MUL, U256::wrapping_mul);
        check(Opcode::SUB, U256::wrapping_sub);
        check(Opcode::DIV, |a, b| a.checked_div(b).unwrap_or_default());
        check(Opcode::MOD, |a, b| a.checked_rem(b).unwrap_or_default());
        check(Opcode::EXP, U256::wrapping_pow);
        check(Opcode::LT, |a, b| flag(a < b));
        check(Opcode::GT, |a, b| flag(a > b));
        check(Opcode::EQ, |a, b| flag(a == b));
        check(Opcode::AND, |a, b| a & b);
        check(Opcode::OR, |a, b| a | b);
        check(Opcode::XOR, |a, b| a ^ b);
        check(Opcode::SHL, |a, b| if a < U256::from(256) { b << a.to::<usize>() } else { U256::ZERO });
        check(Opcode::SHR, |a, b| if a < U256::from(256) { b >> a.to::<usize>() } else { U256::ZERO });
        for a in numbers() {
            assert_eq!(unary(Opcode::ISZERO, a), Some(flag(a.is_zero())));
            assert_eq!(unary(Opcode::NOT, a), Some(!a));
            assert_eq!(unary(Opcode::CLZ, a), Some(U256::from(a.leading_zeros())));
            assert_eq!(bytes(a), a.byte_len() as u64);
            let power = (a.count_ones() == 1).then(|| a.trailing_zeros() as u64);
            assert_eq!(exponent_of_two(a), power);
        }
        assert_eq!(binary(Opcode::SDIV, U256::ONE, U256::ONE), None);
        assert_eq!(unary(Opcode::MLOAD, U256::ONE), None);
    }
}
