//! One line of a trace: its keys in order, and the text of each value, which nobody has looked into yet.

use std::{borrow::Cow, fmt};

use parallax_primitives::{B256, Bytes, U256};
use serde::{Deserializer as _, de};
use serde_json::value::RawValue;

use crate::{Field, Fields, ReadError};

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An opcode.
    Step,
    /// The end of a frame or of the transaction.
    End,
    /// Something else, which is passed over.
    Talk,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    /// The field; of a key that nobody knows its text.
    pub(crate) name: Result<Field, Cow<'a, str>>,
    /// The value, as it stands.
    pub(crate) raw: &'a str,
}

/// A line that is a JSON object.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) number: u64,
    text: &'a [u8],
    pub(crate) entries: Vec<Entry<'a>>,
    /// The fields that it says. What is `null` is not said.
    pub(crate) said: Fields,
}

/// What only steps have, besides where the opcode is.
const OF_STEPS: Fields = Fields::of(&[Field::Op, Field::Depth, Field::GasCost]);
/// What only ends have.
const OF_ENDS: Fields = Fields::of(&[Field::StateRoot, Field::Output, Field::GasUsed, Field::Pass]);

impl<'a> Line<'a> {
    /// # Errors
    ///
    /// What is no JSON object, or says a field twice.
    pub(crate) fn parse(number: u64, text: &'a [u8]) -> Result<Self, ReadError> {
        let mut line = Line { number, text, entries: Vec::with_capacity(16), said: Fields::NONE };
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let parsed = deserializer.deserialize_map(Entries(&mut line)).and_then(|()| deserializer.end());
        match parsed {
            Ok(()) => Ok(line),
            // A line of its own: what the parser calls line 1 is this one.
            Err(error) => Err(malformed(number, format!("{error}, expected a trace line"))),
        }
    }

    /// # Errors
    ///
    /// If it has what only steps have, but does not say where the opcode is.
    pub(crate) fn kind(&self) -> Result<Kind, ReadError> {
        if self.said.has(Field::Pc) {
            return Ok(Kind::Step);
        }
        if OF_STEPS.iter().any(|field| self.said.has(field)) {
            return Err(self.malformed("no pc, expected a number"));
        }
        let others = self.entries.iter().filter(|entry| entry.name.is_err()).count();
        let known = self.entries.len() - others;
        let is_end = OF_ENDS.iter().any(|field| self.said.has(field));
        // What a client logs as JSON may have one of these words by chance.
        Ok(if is_end && (others == 0 || known > others) { Kind::End } else { Kind::Talk })
    }

    /// Keys that nobody is known to write.
    pub(crate) fn other_names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| entry.name.as_ref().err()).map(|name| &**name)
    }

    /// The whole of it.
    pub(crate) fn text(&self) -> &'a [u8] {
        self.text
    }

    pub(crate) fn malformed(&self, reason: impl Into<String>) -> ReadError {
        malformed(self.number, reason.into())
    }

    /// The value's text as it stands, if it is there and not `null`.
    pub(crate) fn raw(&self, field: Field) -> Option<&'a str> {
        if !self.said.has(field) {
            return None;
        }
        self.entries.iter().find(|entry| entry.name == Ok(field)).map(|entry| entry.raw)
    }

    fn wrong(&self, field: Field, raw: &str, expected: &str) -> ReadError {
        // The value is a part of the line's text.
        let column = (raw.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize).wrapping_add(1);
        let shown: String = raw.chars().take(80).collect();
        self.malformed(format!("{field} is {shown}, expected {expected}, at column {column}"))
    }

    /// A number of 64 bits that is not below zero.
    pub(crate) fn number(&self, field: Field) -> Result<Option<u64>, ReadError> {
        let Some(raw) = self.raw(field) else { return Ok(None) };
        let value = match integer(raw) {
            Some(Integer::Fits(value)) => u64::try_from(value).ok(),
            _ => None,
        };
        value.map(Some).ok_or_else(|| self.wrong(field, raw, NUMBER))
    }

    /// The same, of a line that is nothing without it.
    pub(crate) fn need(&self, field: Field) -> Result<u64, ReadError> {
        self.number(field)?.ok_or_else(|| self.malformed(format!("no {field}, expected a number")))
    }

    /// A cost: what no gas can pay for counts as the most there is.
    pub(crate) fn cost(&self, field: Field) -> Result<Option<u64>, ReadError> {
        let Some(raw) = self.raw(field) else { return Ok(None) };
        match integer(raw) {
            Some(Integer::Fits(value)) if value >= 0 => Ok(Some(u64::try_from(value).unwrap_or(u64::MAX))),
            Some(Integer::Beyond) => Ok(Some(u64::MAX)),
            _ => Err(self.wrong(field, raw, NUMBER)),
        }
    }

    /// A counter that may be below zero, or has wrapped round 64 bits.
    pub(crate) fn signed(&self, field: Field) -> Result<Option<i64>, ReadError> {
        let Some(raw) = self.raw(field) else { return Ok(None) };
        let value = match integer(raw) {
            Some(Integer::Fits(value)) => {
                i64::try_from(value).ok().or_else(|| u64::try_from(value).ok().map(u64::cast_signed))
            }
            _ => None,
        };
        value.map(Some).ok_or_else(|| self.wrong(field, raw, NUMBER))
    }

    /// A string.
    pub(crate) fn string(&self, field: Field) -> Result<Option<Cow<'a, str>>, ReadError> {
        let Some(raw) = self.raw(field) else { return Ok(None) };
        string(raw).map(Some).ok_or_else(|| self.wrong(field, raw, "a string"))
    }

    /// `true` or `false`; the EIP's own sample has them in quotes.
    pub(crate) fn truth(&self, field: Field) -> Result<Option<bool>, ReadError> {
        match self.raw(field) {
            None => Ok(None),
            Some("true" | "\"true\"") => Ok(Some(true)),
            Some("false" | "\"false\"") => Ok(Some(false)),
            Some(raw) => Err(self.wrong(field, raw, "true or false")),
        }
    }

    /// Bytes as one string, or as the EIP has it as strings of which each is a part.
    pub(crate) fn bytes(&self, field: Field) -> Result<Option<Bytes>, ReadError> {
        let Some(raw) = self.raw(field) else { return Ok(None) };
        let wrong = || self.wrong(field, raw, "hexadecimal bytes");
        if raw.starts_with('[') {
            let parts: Vec<Cow<'_, str>> = serde_json::from_str(raw).map_err(|_| wrong())?;
            let mut bytes = Vec::new();
            for part in parts {
                bytes.extend(parallax_primitives::hex::decode(&*part).map_err(|_| wrong())?);
            }
            return Ok(Some(bytes.into()));
        }
        let text = string(raw).ok_or_else(wrong)?;
        parallax_primitives::hex::decode(&*text).map(|bytes| Some(bytes.into())).map_err(|_| wrong())
    }

    /// A hash.
    pub(crate) fn hash(&self, field: Field) -> Result<Option<B256>, ReadError> {
        let Some(raw) = self.raw(field) else { return Ok(None) };
        let hash = string(raw).and_then(|text| text.parse().ok());
        hash.map(Some).ok_or_else(|| self.wrong(field, raw, "0x and 64 hexadecimal digits"))
    }

    /// The words of a stack, bottom first.
    pub(crate) fn words(&self, field: Field) -> Result<Option<Vec<U256>>, ReadError> {
        let Some(raw) = self.raw(field) else { return Ok(None) };
        let items: Vec<Cow<'_, str>> = serde_json::from_str::<Vec<Item<'_>>>(raw)
            .map(|items| items.into_iter().map(|item| item.0).collect())
            .map_err(|_| self.wrong(field, raw, "an array of strings"))?;
        items.iter().map(|item| self.word(item)).collect::<Result<_, _>>().map(Some)
    }

    fn word(&self, item: &str) -> Result<U256, ReadError> {
        word(item).ok_or_else(|| {
            let shown: String = item.chars().take(80).collect();
            self.malformed(format!("stack item {shown:?}, expected a hexadecimal word of at most 32 bytes"))
        })
    }

    /// Slots and what is in them, in the order of the line.
    pub(crate) fn slots(&self, field: Field) -> Result<Option<Vec<(U256, U256)>>, ReadError> {
        let Some(raw) = self.raw(field) else { return Ok(None) };
        let wrong = || self.wrong(field, raw, "an object of slots and words");
        let slots: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(raw).map_err(|_| wrong())?;
        let slots = slots.iter().map(|(key, value)| Some((word(key)?, word(value.as_str()?)?)));
        slots.collect::<Option<_>>().map(Some).ok_or_else(wrong)
    }
}

/// What a number may be.
const NUMBER: &str = "a number of 64 bits such as 1 or \"0x1\"";

pub(crate) fn malformed(line: u64, reason: String) -> ReadError {
    ReadError::Malformed { line, reason }
}

/// A word in hexadecimal digits, `0x` before them or not.
fn word(text: &str) -> Option<U256> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.is_empty() { None } else { U256::from_str_radix(digits, 16).ok() }
}

/// The text of a JSON string, without a copy where it has no escapes.
pub(crate) fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inside))
    }
}

/// What a text says as a number.
enum Integer {
    Fits(i128),
    /// Hexadecimal of more than 64 bits.
    Beyond,
}

/// A JSON number without a fraction, or a string of `0x` and digits. Digits alone in a string are neither: some tools mean decimal ones
/// by them, others hexadecimal ones.
fn integer(raw: &str) -> Option<Integer> {
    let Some(text) = raw.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        let value = raw.parse::<i128>().ok()?;
        let fits = i128::from(i64::MIN)..=i128::from(u64::MAX);
        return fits.contains(&value).then_some(Integer::Fits(value));
    };
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some(u64::from_str_radix(digits, 16).map_or(Integer::Beyond, |value| Integer::Fits(value.into())))
}

/// An item of a stack.
struct Item<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Item<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Item<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Item<'de>, E> {
                Ok(Item(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Item<'de>, E> {
                Ok(Item(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// Gathers the entries of an object.
struct Entries<'l, 'a>(&'l mut Line<'a>);

impl<'de> de::Visitor<'de> for Entries<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let line = self.0;
        while let Some(Item(key)) = map.next_key()? {
            let raw = map.next_value::<&RawValue>()?.get();
            let name = Field::of_key(&key).ok_or(key);
            if let Ok(field) = name {
                if line.entries.iter().any(|entry| entry.name == Ok(field)) {
                    return Err(de::Error::custom(format!("duplicate field `{field}`")));
                }
                if raw != "null" {
                    line.said.add(field);
                }
            }
            line.entries.push(Entry { name, raw });
        }
        Ok(())
    }
}
