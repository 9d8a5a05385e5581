//! What a revert says, where it says it in the two forms that Solidity's own checks have.

use parallax_primitives::{U256, hex};

/// `Error(string)`.
const ERROR: [u8; 4] = hex!("08c379a0");
/// `Panic(uint256)`.
const PANIC: [u8; 4] = hex!("4e487b71");

/// The reason in words, if the output of a revert is one of the two.
pub(crate) fn revert_reason(output: &[u8]) -> Option<String> {
    let (selector, arguments) = output.split_first_chunk::<4>()?;
    match *selector {
        ERROR => {
            let length_at = usize::try_from(word(arguments, 0)?).ok()?;
            let length = usize::try_from(word(arguments, length_at)?).ok()?;
            let from = length_at.checked_add(32)?;
            let text = arguments.get(from..from.checked_add(length)?)?;
            Some(format!("Error({:?})", String::from_utf8_lossy(text)))
        }
        PANIC if arguments.len() == 32 => {
            let code = word(arguments, 0)?;
            let meaning = u64::try_from(code).ok().and_then(panic_meaning);
            Some(format!(
                "Panic({code:#x}){}",
                meaning.map_or(String::new(), |meaning| format!(": {meaning}"))
            ))
        }
        _ => None,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<U256> {
    Some(U256::from_be_slice(bytes.get(at..at.checked_add(32)?)?))
}

/// What Solidity's documentation says that a panic means.
const fn panic_meaning(code: u64) -> Option<&'static str> {
    Some(match code {
        0x01 => "an assertion failed",
        0x11 => "overflow or underflow",
        0x12 => "division by zero",
        0x21 => "no value of the enum",
        0x22 => "a storage byte array that is wrongly encoded",
        0x31 => "pop of an empty array",
        0x32 => "an index out of bounds",
        0x41 => "too much memory",
        0x51 => "a call of a function variable that is zero",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(output: &str, expected: Option<&str>) {
        assert_eq!(revert_reason(&hex::decode(output).unwrap()).as_deref(), expected);
    }

    #[test]
    fn a_reason_is_read_if_it_is_one() {
        let word = |value: u64| format!("{value:064x}");
        let text = format!("08c379a0{}{}6e6f0a{}", word(32), word(3), "00".repeat(29));
        check(&text, Some(r#"Error("no\n")"#));
        check(&text[..text.len() - 60], None);
        check(&format!("08c379a0{}", "ff".repeat(32)), None);
        check(&format!("08c379a0{}{}", word(32), "ff".repeat(32)), None);
        check(&format!("4e487b71{}", word(0x11)), Some("Panic(0x11): overflow or underflow"));
        check(&format!("4e487b71{}", word(0x99)), Some("Panic(0x99)"));
        check("4e487b71", None);
        check("cf479181", None);
        check("", None);
    }
}
