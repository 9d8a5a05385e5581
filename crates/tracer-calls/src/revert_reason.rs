//! Why Solidity says that it reverted: `Error(string)` and `Panic(uint256)`.

use parallax_primitives::U256;

const ERROR: &[u8] = &[0x08, 0xc3, 0x79, 0xa0];
const PANIC: &[u8] = &[0x4e, 0x48, 0x7b, 0x71];

/// The reason in the output of a REVERT, if it has one of these forms.
pub(crate) fn revert_reason(output: &[u8]) -> Option<String> {
    let (selector, data) = output.split_at_checked(4)?;
    match selector {
        ERROR => string(data).map(as_go_has_it),
        PANIC => Some(panic(U256::try_from_be_slice(data.get(..32)?)?)),
        _ => None,
    }
}

/// The one string that `data` is the ABI's encoding of.
fn string(data: &[u8]) -> Option<&[u8]> {
    let behind = data.get(length(data)?..)?;
    behind.get(32..)?.get(..length(behind)?)
}

fn length(data: &[u8]) -> Option<usize> {
    U256::try_from_be_slice(data.get(..32)?)?.try_into().ok()
}

/// Each byte that is no UTF-8 is one replacement character.
fn as_go_has_it(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    text
}

/// What the codes of Solidity's documentation stand for, in the words of ethers.js.
fn panic(code: U256) -> String {
    let known = match u64::try_from(code).unwrap_or(u64::MAX) {
        0x00 => "generic panic",
        0x01 => "assert(false)",
        0x11 => "arithmetic underflow or overflow",
        0x12 => "division or modulo by zero",
        0x21 => "enum overflow",
        0x22 => "invalid encoded storage byte array accessed",
        0x31 => "out-of-bounds array access; popping on an empty array",
        0x32 => "out-of-bounds access of an array or bytesN",
        0x41 => "out of memory",
        0x51 => "uninitialized function",
        _ => return format!("unknown panic code: {code:#x}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(selector: &[u8], words: &[U256], behind: &[u8]) -> Vec<u8> {
        let words = words.iter().flat_map(U256::to_be_bytes::<32>);
        selector.iter().copied().chain(words).chain(behind.iter().copied()).collect()
    }

    fn number(number: u64) -> U256 {
        U256::from(number)
    }

    #[test]
    fn a_string_need_not_be_padded_and_is_no_longer_than_its_data() {
        let of = |offset, length, text: &[u8]| {
            revert_reason(&words(ERROR, &[number(offset), number(length)], text))
        };
        assert_eq!(of(32, 2, b"no").as_deref(), Some("no"));
        assert_eq!(of(32, 1, b"no").as_deref(), Some("n"));
        assert_eq!(of(32, 3, b"no"), None);
        assert_eq!(of(33, 2, b"no"), None);
        assert_eq!(of(64, 2, &number(0).to_be_bytes::<32>()).as_deref(), Some(""));
        assert_eq!(of(32, 3, &[0xe2, 0x82, b'!']).as_deref(), Some("\u{fffd}\u{fffd}!"));
        assert_eq!(revert_reason(&words(ERROR, &[U256::MAX, number(1)], b"x")), None);
    }

    #[test]
    fn a_panic_has_a_code_and_nothing_else_a_reason() {
        assert_eq!(
            revert_reason(&words(PANIC, &[number(0x12)], b"")).as_deref(),
            Some("division or modulo by zero")
        );
        assert_eq!(
            revert_reason(&words(PANIC, &[number(0x99)], b"")).as_deref(),
            Some("unknown panic code: 0x99")
        );
        assert_eq!(revert_reason(&words(PANIC, &[], &[0; 31])), None);
        assert_eq!(revert_reason(&words(&[1, 2, 3, 4], &[number(1)], b"")), None);
        assert_eq!(revert_reason(&[8, 0xc3]), None);
    }
}
