//! Integers of up to 64 bits and a sign: JSON numbers where every reader holds them, text behind `0x` above that.

use std::fmt;

use serde::{Deserializer, Serializer, de, de::Visitor};

/// The largest integer that a double holds with all below it.
const SAFE: u128 = (1 << 53) - 1;

/// An index of a step, a block entry or a depth as it is told: from 1, as traces number them (EIP-3155).
pub(crate) fn from_one(index: u64) -> u64 {
    index.saturating_add(1)
}

pub(crate) fn serialize<T: Copy + Into<i128>, S: Serializer>(
    number: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let number: i128 = (*number).into();
    match i64::try_from(number) {
        Ok(small) if number.unsigned_abs() <= SAFE => serializer.serialize_i64(small),
        _ => {
            let sign = if number < 0 { "-" } else { "" };
            serializer.collect_str(&format_args!("{sign}{:#x}", number.unsigned_abs()))
        }
    }
}

pub(crate) fn deserialize<'de, T: TryFrom<i128>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(Integer).and_then(fit)
}

fn fit<T: TryFrom<i128>, E: de::Error>(number: i128) -> Result<T, E> {
    T::try_from(number).map_err(|_| E::custom(format_args!("the integer {number} is out of range")))
}

struct Integer;

impl Visitor<'_> for Integer {
    type Value = i128;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer, or its digits behind 0x")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<i128, E> {
        Ok(number.into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<i128, E> {
        Ok(number.into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<i128, E> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let number = digits.strip_prefix("0x").and_then(|digits| i128::from_str_radix(digits, 16).ok());
        // A second sign is none.
        let number = number.filter(|number| *number >= 0 && !digits.contains(['+', '-']));
        number.map(|number| sign * number).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// The same for what may not be known.
pub(crate) mod known {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(bound(serialize = "T: Copy + Into<i128>", deserialize = "T: TryFrom<i128>"))]
    struct Number<T>(#[serde(with = "super")] T);

    pub(crate) fn serialize<T: Copy + Into<i128>, S: Serializer>(
        number: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        number.map(Number).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: TryFrom<i128>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        Ok(Option::<Number<T>>::deserialize(deserializer)?.map(|Number(number)| number))
    }
}

/// The same for two sides.
pub(crate) mod pair {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Number(#[serde(with = "super")] u64);

    pub(crate) fn serialize<S: Serializer>(pair: &[u64; 2], serializer: S) -> Result<S::Ok, S::Error> {
        pair.map(Number).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u64; 2], D::Error> {
        Ok(<[Number; 2]>::deserialize(deserializer)?.map(|Number(number)| number))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Gas(#[serde(with = "super")] u64);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Delta(#[serde(with = "super")] i128);

    #[test]
    fn an_integer_that_a_double_cannot_hold_is_text() {
        let rows: [(i128, &str); 7] = [
            (0, "0"),
            (-1, "-1"),
            ((1 << 53) - 1, "9007199254740991"),
            (1 << 53, "\"0x20000000000000\""),
            (-(1 << 53), "\"-0x20000000000000\""),
            (u64::MAX.into(), "\"0xffffffffffffffff\""),
            (-i128::from(u64::MAX), "\"-0xffffffffffffffff\""),
        ];
        for (number, text) in rows {
            assert_eq!(serde_json::to_string(&Delta(number)).unwrap(), text);
            assert_eq!(serde_json::from_str::<Delta>(text).unwrap(), Delta(number));
            let gas = serde_json::from_str::<Gas>(text).ok();
            assert_eq!(gas, u64::try_from(number).ok().map(Gas), "{text}");
        }
        // A number that another writer did not turn into text is read all the same.
        assert_eq!(serde_json::from_str::<Gas>("18446744073709551615").unwrap(), Gas(u64::MAX));
        for wrong in ["1.5", "\"12\"", "\"0x\"", "\"0x-1\"", "\"--0x1\"", "\"0x+1\"", "true", "null"] {
            assert!(serde_json::from_str::<Delta>(wrong).is_err(), "{wrong}");
        }
    }
}
