use parallax_primitives::Bytes;

/// Why a text is not bytes in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// Neither a digit nor white space.
    #[error("line {line}, column {column}: expected a hex digit, found {found:?}")]
    NotADigit {
        /// Line of the text, from 1.
        line: usize,
        /// Character of the line, from 1.
        column: usize,
        /// What stands there.
        found: char,
    },
    /// Half a byte is left over.
    #[error("expected an even number of hex digits, found {0}")]
    OddDigits(usize),
}

/// Bytes as people paste them: hex digits, with or without 0x before them, white space anywhere between.
pub fn parse_hex(text: &str) -> Result<Bytes, HexError> {
    let mut digits = Vec::with_capacity(text.len());
    let mut is_prefixed = false;
    for (line, content) in text.lines().enumerate() {
        for (column, found) in content.chars().enumerate() {
            match found.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) {
                Some(digit) => digits.push(digit),
                None if found.is_whitespace() => {}
                None if digits == [0] && !is_prefixed && matches!(found, 'x' | 'X') => {
                    digits.clear();
                    is_prefixed = true;
                }
                None => return Err(HexError::NotADigit { line: line + 1, column: column + 1, found }),
            }
        }
    }
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(HexError::OddDigits(digits.len()));
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect::<Vec<u8>>().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&[u8], HexError>) {
        assert_eq!(parse_hex(text).map(Vec::from), expected.map(<[u8]>::to_vec), "{text:?}");
    }

    #[test]
    fn digits_and_white_space_are_bytes_and_all_else_is_named() {
        let wrong = |line, column, found| Err(HexError::NotADigit { line, column, found });
        check("", Ok(&[]));
        check("0x", Ok(&[]));
        check("0X60fF", Ok(&[0x60, 0xff]));
        check(" 0x6\n0 0\t1\r\n", Ok(&[0x60, 0x01]));
        check("000x", wrong(1, 4, 'x'));
        check("0x0x00", wrong(1, 4, 'x'));
        check("60\n6\u{e9}", wrong(2, 2, '\u{e9}'));
        check("0x600", Err(HexError::OddDigits(3)));
    }
}
