//! Numbers as people type them: one reader for every option.

use parallax_primitives::U256;

/// The most cases at a time: each has a thread, and where it is isolated a process.
pub(crate) const MAX_JOBS: usize = 1024;

/// Reads `10000`, `10_000`, `0x2710` or `1e4`, of a type that has room for it.
pub(crate) fn number<T: TryFrom<U256>>(text: &str) -> Result<T, String> {
    let number =
        digits(text, 0).ok_or_else(|| "expected a number such as 10000, 10_000, 0x2710 or 1e4".to_owned())?;
    T::try_from(number)
        .map_err(|_| format!("expected a number below 2^{}, found {number}", 8 * size_of::<T>()))
}

/// Reads a number above zero.
pub(crate) fn positive<T: TryFrom<U256> + Default + PartialEq>(text: &str) -> Result<T, String> {
    let found = number(text)?;
    if found == T::default() { Err("expected a number above 0".to_owned()) } else { Ok(found) }
}

/// Reads a number of cases at a time.
pub(crate) fn jobs(text: &str) -> Result<usize, String> {
    let jobs = positive(text)?;
    if jobs > MAX_JOBS { Err(format!("expected at most {MAX_JOBS}")) } else { Ok(jobs) }
}

/// Reads an amount of wei, with a unit behind it where one likes: `1.5ether`, `30 gwei`.
pub(crate) fn wei(text: &str) -> Result<U256, String> {
    let units = [("ether", 18), ("eth", 18), ("gwei", 9), ("wei", 0)];
    let unit = units.iter().find_map(|(unit, decimals)| Some((text.strip_suffix(unit)?, *decimals)));
    let (amount, decimals) = unit.unwrap_or((text, 0));
    digits(amount.trim_end(), decimals).ok_or_else(|| {
        "expected an amount of wei below 2^256 such as 10000, 0x2710, 1e18, 30gwei or 1.5ether".to_owned()
    })
}

/// The number that the text writes, times 10^`decimals`; `None` if it writes none, or one that is not whole or not below 2^256.
fn digits(text: &str, decimals: usize) -> Option<U256> {
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let factor = U256::from(10).checked_pow(U256::from(decimals))?;
        return places(hex, 16)?.checked_mul(factor);
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<u8>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let zeros = (usize::from(exponent) + decimals).checked_sub(fraction.len())?;
    let factor = U256::from(10).checked_pow(U256::from(zeros))?;
    if whole.is_empty() || whole.starts_with('_') || mantissa.ends_with('.') {
        return None;
    }
    places(&format!("{whole}{fraction}"), 10)?.checked_mul(factor)
}

/// Digits, between which may be lines.
fn places(text: &str, radix: u64) -> Option<U256> {
    let digits = text.chars().filter(|digit| *digit != '_').collect::<String>();
    let is_number = !digits.is_empty() && !text.starts_with('_') && !text.ends_with('_');
    is_number.then(|| U256::from_str_radix(&digits, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_in_every_form() {
        for text in ["50000", "50_000", "0xc350", "0xC350", "5e4", "50.0e3", "0x_c350"] {
            let expected = if text.contains("x_") { None } else { Some(50_000) };
            assert_eq!(number::<u64>(text).ok(), expected, "{text}");
        }
        for wrong in
            ["", "x", "-1", "1.5", "0x", "_1", "1_", "1e", "e1", ".5e1", "1.", "1e999", "0b1", " 1", "1ether"]
        {
            assert!(number::<u64>(wrong).is_err(), "{wrong}");
        }
        let most = U256::from(u64::MAX);
        assert_eq!(number::<u64>(&most.to_string()), Ok(u64::MAX));
        let error = number::<u64>(&(most + U256::ONE).to_string());
        assert_eq!(error, Err("expected a number below 2^64, found 18446744073709551616".to_owned()));
        assert_eq!(number::<u16>("1024"), Ok(1024));
        assert!(number::<u16>("65536").is_err());
        assert_eq!(positive::<u64>("0"), Err("expected a number above 0".to_owned()));
        assert_eq!((jobs("1024"), jobs("1025").is_err()), (Ok(1024), true));
    }

    #[test]
    fn an_amount_of_wei_has_a_unit() {
        let ether = U256::from(1_000_000_000_000_000_000_u64);
        for text in ["1ether", "1 ether", "1eth", "1e18", "1.0ether", "1000000000gwei", "1e9gwei", "0x1ether"]
        {
            assert_eq!(wei(text), Ok(ether), "{text}");
        }
        assert_eq!(wei("1.5gwei"), Ok(U256::from(1_500_000_000)));
        assert_eq!(wei(&U256::MAX.to_string()), Ok(U256::MAX));
        for wrong in ["", "ether", "1.5wei", "1finney", "1e78", "0.0000000000000000001ether", "1e60ether"] {
            assert!(wei(wrong).is_err(), "{wrong}");
        }
    }
}
