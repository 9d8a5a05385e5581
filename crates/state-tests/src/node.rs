//! A JSON value that knows where it stands, so that every error names the place. Invariant: each reader answers either the
//! value exactly as written or an error; nothing is cut, wrapped or defaulted.

use std::{fmt::Write as _, sync::Arc};

use parallax_primitives::{Address, B256, Bytes, U256, hex};
use serde_json::{Map, Value};

use crate::{FixtureError, Problem, error::shorten};

/// A value and the way to it from the root of its test.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    value: &'a Value,
    place: Place<'a>,
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Test { file: &'a Arc<str>, name: &'a str },
    Field { parent: &'a Node<'a>, key: &'a str },
    Item { parent: &'a Node<'a>, index: usize },
}

static NULL: Value = Value::Null;

impl<'a> Node<'a> {
    /// The root of a test.
    pub fn test(file: &'a Arc<str>, name: &'a str, value: &'a Value) -> Self {
        Self { value, place: Place::Test { file, name } }
    }

    /// What errors call the file.
    pub fn file(&self) -> &'a Arc<str> {
        match self.place {
            Place::Test { file, .. } => file,
            Place::Field { parent, .. } | Place::Item { parent, .. } => parent.file(),
        }
    }

    /// What stands here.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// A field; JSON's null where it is missing.
    pub fn get(&'a self, key: &'a str) -> Node<'a> {
        let value = self.value.get(key).unwrap_or(&NULL);
        Node { value, place: Place::Field { parent: self, key } }
    }

    /// An item of a list.
    pub fn item(&'a self, index: usize) -> Result<Node<'a>, FixtureError> {
        let items = self.items()?;
        let value = items.get(index).ok_or_else(|| {
            self.unexpected(format!("a list with an item {index}"), format!("{} items", items.len()))
        })?;
        Ok(Node { value, place: Place::Item { parent: self, index } })
    }

    /// The items of a list.
    pub fn items(&self) -> Result<&'a [Value], FixtureError> {
        match self.value {
            Value::Array(items) => Ok(items),
            _ => Err(self.wrong("a list")),
        }
    }

    /// Every item of a list, read by `read`.
    pub fn map<T>(
        &self,
        read: impl Fn(&Node<'_>) -> Result<T, FixtureError>,
    ) -> Result<Vec<T>, FixtureError> {
        let each = |(index, value)| read(&Node { value, place: Place::Item { parent: self, index } });
        self.items()?.iter().enumerate().map(each).collect()
    }

    /// The fields of an object.
    pub fn object(&self) -> Result<&'a Map<String, Value>, FixtureError> {
        match self.value {
            Value::Object(map) => Ok(map),
            _ => Err(self.wrong("an object")),
        }
    }

    /// Whether nothing stands here, or JSON's null.
    pub fn is_null(&self) -> bool {
        self.value.is_null()
    }

    /// A string; `expected` is what it should say.
    pub fn text(&self, expected: &'static str) -> Result<&'a str, FixtureError> {
        match self.value {
            Value::String(text) => Ok(text),
            _ => Err(self.wrong(expected)),
        }
    }

    /// An integer below 2^256: hexadecimal with `0x`, decimal, or a JSON number; no digits at all are zero.
    pub fn u256(&self) -> Result<U256, FixtureError> {
        const EXPECTED: &str = "an integer below 2^256";
        if let Value::Number(number) = self.value {
            return number.as_u64().map(U256::from).ok_or_else(|| self.wrong(EXPECTED));
        }
        let text = self.text(EXPECTED)?;
        // The fillers' prefix for an integer that is kept as it was written.
        let plain = text.strip_prefix("0x:bigint ").unwrap_or(text);
        let (digits, radix) = match plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
            Some(digits) => (digits, 16),
            None => (plain, 10),
        };
        if digits.is_empty() {
            return Ok(U256::ZERO);
        }
        // `from_str_radix` lets underscores pass.
        if !digits.chars().all(|c| c.is_digit(radix)) {
            return Err(self.wrong(EXPECTED));
        }
        U256::from_str_radix(digits, u64::from(radix)).map_err(|_| self.wrong(EXPECTED))
    }

    /// An integer below 2^64, in any of the forms of [`Node::u256`].
    pub fn u64(&self) -> Result<u64, FixtureError> {
        const EXPECTED: &str = "an integer below 2^64";
        match self.u256() {
            Ok(value) => u64::try_from(value).map_err(|_| self.wrong(EXPECTED)),
            Err(_) => Err(self.wrong(EXPECTED)),
        }
    }

    /// Bytes in hexadecimal.
    pub fn bytes(&self) -> Result<Bytes, FixtureError> {
        const EXPECTED: &str = "bytes in hexadecimal, two digits each";
        let text = self.text(EXPECTED)?;
        hex::decode(text).map(Bytes::from).map_err(|_| self.wrong(EXPECTED))
    }

    /// An address in hexadecimal.
    pub fn address(&self) -> Result<Address, FixtureError> {
        const EXPECTED: &str = "an address: 20 bytes in hexadecimal";
        let bytes = hex::decode(self.text(EXPECTED)?).map_err(|_| self.wrong(EXPECTED))?;
        Address::try_from(bytes.as_slice()).map_err(|_| self.wrong(EXPECTED))
    }

    /// 32 bytes in hexadecimal.
    pub fn b256(&self) -> Result<B256, FixtureError> {
        const EXPECTED: &str = "a hash: 32 bytes in hexadecimal";
        let bytes = hex::decode(self.text(EXPECTED)?).map_err(|_| self.wrong(EXPECTED))?;
        B256::try_from(bytes.as_slice()).map_err(|_| self.wrong(EXPECTED))
    }

    /// The error that something other than `expected` stands here, or nothing at all.
    pub fn wrong(&self, expected: &'static str) -> FixtureError {
        match self.value {
            Value::Null => self.error(Problem::Missing { expected }),
            Value::Array(items) => self.unexpected(expected, format!("a list of {}", items.len())),
            Value::Object(fields) => {
                self.unexpected(expected, format!("an object with {} fields", fields.len()))
            }
            Value::String(text) => self.unexpected(expected, format!("\"{}\"", shorten(text))),
            Value::Bool(_) | Value::Number(_) => self.unexpected(expected, self.value.to_string()),
        }
    }

    /// The error that `found` stands here, and not `expected`.
    pub fn unexpected(&self, expected: impl Into<String>, found: impl Into<String>) -> FixtureError {
        self.error(Problem::Unexpected { expected: expected.into(), found: found.into() })
    }

    /// The error that this is wrong here.
    pub fn error(&self, problem: Problem) -> FixtureError {
        let mut path = String::new();
        let (file, test) = self.write_path(&mut path);
        FixtureError { file: file.clone(), test: test.into(), path, problem }
    }

    /// The way from the test, and the file and the name of that.
    fn write_path(&self, path: &mut String) -> (&'a Arc<str>, &'a str) {
        // Writing to a string does not fail.
        match self.place {
            Place::Test { file, name } => (file, name),
            Place::Field { parent, key } => {
                let test = parent.write_path(path);
                let dot = if path.is_empty() { "" } else { "." };
                let _ = write!(path, "{dot}{key}");
                test
            }
            Place::Item { parent, index } => {
                let test = parent.write_path(path);
                let _ = write!(path, "[{index}]");
                test
            }
        }
    }
}
