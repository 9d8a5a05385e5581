//! The part of a request behind the question mark.

use std::ops::RangeInclusive;

use crate::error::ApiError;

/// Names and values, decoded.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Only these names may stand in it, each once.
    pub(crate) fn new(text: Option<&str>, allowed: &[&str]) -> Result<Self, ApiError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in text.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(ApiError::bad("", "the query is not percent-encoded UTF-8"));
            };
            if !allowed.contains(&name.as_str()) {
                let message = format!("no parameter {name:?}: expected {}", allowed.join(", "));
                return Err(ApiError::bad("", message));
            }
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(ApiError::bad(&name, "expected once"));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    pub(crate) fn one_of(
        &self,
        name: &str,
        known: &[&'static str],
    ) -> Result<Option<&'static str>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let found = known.iter().find(|known| **known == value);
        found
            .copied()
            .map(Some)
            .ok_or_else(|| ApiError::bad(name, format!("expected {}", known.join(" or "))))
    }

    pub(crate) fn number(&self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.parse() {
            Ok(number) if range.contains(&number) && !value.starts_with('+') => Ok(Some(number)),
            _ => {
                let message = format!("expected a number from {} to {}", range.start(), range.end());
                Err(ApiError::bad(name, message))
            }
        }
    }

    pub(crate) fn size(&self, name: &str, range: RangeInclusive<usize>) -> Result<Option<usize>, ApiError> {
        let range = *range.start() as u64..=*range.end() as u64;
        Ok(self.number(name, range)?.and_then(|number| usize::try_from(number).ok()))
    }
}

/// Without its percent signs, if what they stand for is UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let query = Query::new(Some(text), &["a", "b"]);
        assert_eq!(query.ok().and_then(|query| query.text("a")).as_deref(), expected, "{text}");
    }

    #[test]
    fn names_and_values_are_decoded() {
        check("a=1&b=2", Some("1"));
        check("a=x%2Fy+z%C3%A9", Some("x/y z\u{e9}"));
        check("b=1", None);
        for wrong in ["c=1", "a=1&a=2", "a=%2", "a=%zz", "a=%ff", "a=%+1"] {
            assert!(Query::new(Some(wrong), &["a", "b"]).is_err(), "{wrong}");
        }
    }
}
