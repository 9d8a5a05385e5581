//! From text to JSON in which nothing stands twice.

use std::fmt;

use parallax_state_tests::{FixtureError, Problem};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The largest file that is read, in bytes, unpacked where it was packed.
pub const MAX_BYTES: u64 = 1 << 30;

/// Reads JSON, or bytes in hexadecimal as the string that they are; `name` is what errors call the file.
///
/// # Errors
///
/// It is neither, a field stands twice in an object, or it is nested deeper than 128.
pub fn parse(name: &str, text: &[u8]) -> Result<Value, FixtureError> {
    let failed = |problem| FixtureError::of_file(name, problem);
    let text = std::str::from_utf8(text).map_err(|error| failed(Problem::NotUtf8(error.valid_up_to())))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with("0x") {
        return Ok(Value::String(text.to_owned()));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    if value.is_err() && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Value::String(format!("0x{text}")));
    }
    value.map_err(|error| {
        failed(Problem::Syntax { expected: "JSON, or 0x and hex digits", message: error.to_string() })
    })
}

/// Any value, without fields that stand twice.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            if object.contains_key(&key) {
                let key: String = key.chars().take(80).collect();
                return Err(A::Error::custom(format!("{key:?} stands twice")));
            }
            let value = fields.next_value_seed(Strict)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
