//! Rules by their spelling: a fork, then EIPs that are switched on and off, `Cancun+7939-5656`.

use std::str::FromStr;

use super::{builder::RulesError, set::Rules};
use crate::{Eip, Fork};

impl FromStr for Rules {
    type Err = RulesError;

    /// A fork's name, followed by `+` or `-` and the number of an EIP as often as one likes; `EIP` may stand before a number.
    fn from_str(text: &str) -> Result<Self, RulesError> {
        let mut parts = Vec::new();
        let mut rest = text;
        // From behind: a fork's name may have a `-` in it.
        while let Some((before, on, eip)) = last_switch(rest)? {
            parts.push((on, eip));
            rest = before;
        }
        let base = rest.parse::<Fork>()?;
        let mut builder = Rules::builder(base);
        for (on, eip) in parts.into_iter().rev() {
            builder = if on { builder.with(eip) } else { builder.without(eip) };
        }
        builder.build()
    }
}

/// What stands before the last switch of `text`, whether it is on, and its EIP; `None` if there is no switch.
fn last_switch(text: &str) -> Result<Option<(&str, bool, Eip)>, RulesError> {
    let digits = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (before, number) = text.split_at(text.len() - digits);
    let cut = before.len().saturating_sub(3);
    let before = match before.get(cut..) {
        Some(prefix) if prefix.eq_ignore_ascii_case("eip") => &before[..cut],
        _ => before,
    };
    let (before, on) = match before.as_bytes().last() {
        Some(b'+') => (&before[..before.len() - 1], true),
        Some(b'-') if !number.is_empty() => (&before[..before.len() - 1], false),
        _ => return Ok(None),
    };
    let eip = number.parse().ok().and_then(Eip::of_number);
    let eip = eip.ok_or_else(|| RulesError::Eip(number.chars().take(16).collect()))?;
    Ok(Some((before, on, eip)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let rules = text.parse::<Rules>();
        assert_eq!(rules.as_ref().map(|rules| rules.name()).map_err(ToString::to_string), {
            expected.map_err(ToOwned::to_owned)
        });
        if let Ok(rules) = rules {
            assert_eq!(rules.name().parse(), Ok(rules), "its name is a spelling of it");
        }
    }

    #[test]
    fn spellings() {
        check("Osaka", Ok("Osaka"));
        check("osaka", Ok("Osaka"));
        check("Tangerine-Whistle", Ok("TangerineWhistle"));
        check("EIP158-161", Ok("SpuriousDragon-161"));
        check("Cancun+7939", Ok("Cancun+7939"));
        check("cancun+eip7939", Ok("Cancun+7939"));
        check("Osaka-7939-7623", Ok("Osaka-7623-7939"));
        check("Prague-7623+7939", Ok("Prague+7939-7623"));
        check("Petersburg+1283", Ok("Petersburg+1283"));
        check("Osaka-7939+7939", Err("EIP-7939 is on in Osaka already"));
        check("Osaka+7939", Err("EIP-7939 is on in Osaka already"));
        check("Prague-7939", Err("EIP-7939 is not on in Prague"));
        check("Cancun-7516-7516", Err("EIP-7516 is not on in Cancun"));
        check(
            "Cancun-4844",
            Err(
                "EIP-7516 (BLOBBASEFEE) needs EIP-4844 (transactions with blobs, BLOBHASH, the point evaluation)",
            ),
        );
        check("Cancun-4844-7516", Ok("Cancun-4844-7516"));
    }

    #[test]
    fn what_is_no_spelling_is_told() {
        for (text, expected) in [
            ("Berlinn", "unknown fork \"Berlinn\", expected one of Frontier"),
            ("", "unknown fork \"\", expected"),
            ("+1283", "unknown fork \"\", expected"),
            ("Osaka+", "no EIP \"\" that changes an execution, expected one of 7610 2 7 150"),
            ("Osaka+9999999999999999999", "no EIP \"9999999999999999\" that"),
            ("Osaka+99", "no EIP \"99\" that changes an execution, expected one of 7610 2 7"),
            ("é+1283", "unknown fork \"é\""),
        ] {
            let error = text.parse::<Rules>().map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|error| error.starts_with(expected)), "{text}: {error:?}");
        }
    }
}
