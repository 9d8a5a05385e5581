//! Numbers as JSON text, appended to a byte buffer: no `fmt`, no allocation beyond the buffer's own growth.

use parallax_primitives::U256;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Two hexadecimal digits for every byte.
const HEX_PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [HEX[byte >> 4], HEX[byte & 15]];
        byte += 1;
    }
    pairs
};

/// Two decimal digits for every number below 100.
const DECIMAL_PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [HEX[number / 10], HEX[number % 10]];
        number += 1;
    }
    pairs
};

/// Decimal digits, two at a time: most numbers of a line have no more.
pub(crate) fn decimal(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    while value >= 100 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&DECIMAL_PAIRS[(value % 100) as usize]);
        value /= 100;
    }
    at -= 2;
    digits[at..at + 2].copy_from_slice(&DECIMAL_PAIRS[usize::from(value.to_le_bytes()[0])]);
    at += usize::from(value < 10);
    out.extend_from_slice(&digits[at..]);
}

/// Decimal digits with a minus sign if need be.
pub(crate) fn signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    decimal(out, value.unsigned_abs());
}

/// `0x` and the fewest digits; zero is `0x0`.
pub(crate) fn hex(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(b"0x");
    minimal_limb(out, value);
}

/// `0x` and the fewest digits of a word; zero is `0x0`.
pub(crate) fn hex_word(out: &mut Vec<u8>, value: &U256) {
    out.extend_from_slice(b"0x");
    let limbs = value.as_limbs();
    let top = limbs.iter().rposition(|limb| *limb != 0).unwrap_or(0);
    minimal_limb(out, limbs[top]);
    for limb in limbs[..top].iter().rev() {
        for byte in limb.to_be_bytes() {
            out.extend_from_slice(&HEX_PAIRS[usize::from(byte)]);
        }
    }
}

/// `0x` and two digits a byte.
pub(crate) fn hex_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(b"0x");
    digits(out, bytes);
}

/// Two digits a byte.
pub(crate) fn digits(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(2 * bytes.len());
    for byte in bytes {
        out.extend_from_slice(&HEX_PAIRS[usize::from(*byte)]);
    }
}

/// A quoted JSON string (RFC 8259, section 7).
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..=0x1f => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&HEX_PAIRS[usize::from(byte)]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn minimal_limb(out: &mut Vec<u8>, value: u64) {
    let digits = (64 - value.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        out.push(HEX[(value >> (4 * digit) & 15) as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(write: impl Fn(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        let edges =
            [0, 1, 9, 10, 15, 16, 99, 100, 101, 255, 256, 999, 1000, 0xffff_ffff, 1 << 32, 1 << 63, u64::MAX];
        for value in edges {
            check(|out| decimal(out, value), &value.to_string());
            check(|out| hex(out, value), &format!("{value:#x}"));
            for shift in [0, 1, 63, 64, 127, 128, 192] {
                let word = U256::from(value) << shift;
                check(|out| hex_word(out, &word), &format!("{word:#x}"));
            }
        }
        check(|out| signed(out, i64::MIN), &i64::MIN.to_string());
        check(|out| signed(out, -4800), "-4800");
    }

    #[test]
    fn bytes_and_strings() {
        check(|out| hex_bytes(out, &[]), "0x");
        check(|out| hex_bytes(out, &[0, 0x0a, 0xff]), "0x000aff");
        check(|out| string(out, "a\"b\\c\n\u{1}é"), "\"a\\\"b\\\\c\\u000a\\u0001é\"");
    }
}
