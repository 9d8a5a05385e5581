//! Parts of a campaign, for machines that share nothing but the files.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One of so many parts of a campaign. Of the selected tests, in their order, the first goes to the first part, the second to the
/// second, and so on, round and round: every process that is given the same files and the same selection counts alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    number: u64,
    of: u64,
}

impl Shard {
    /// Which one, from 1.
    pub const fn number(self) -> u64 {
        self.number
    }

    /// How many there are.
    pub const fn of(self) -> u64 {
        self.of
    }

    /// Whether a test is in it, by its number from 0.
    pub const fn has(self, test: u64) -> bool {
        test % self.of == self.number - 1
    }
}

/// Words that name no shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoShard(String);

impl fmt::Display for NoShard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected I/N, the I-th of N shards, from 1/N to N/N, found {:?}", self.0)
    }
}

impl std::error::Error for NoShard {}

impl FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Self, NoShard> {
        let numbers =
            text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err(NoShard(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Shard {
    type Error = NoShard;

    fn try_from(text: String) -> Result<Self, NoShard> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// The selected tests of all shards: what each shard has counted, though it runs its own alone. Shards that have counted otherwise were not
/// given the same tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CountedTests {
    /// How many.
    pub count: u64,
    /// The first bytes of a SHA-256 over their names, each with a zero byte behind it.
    pub digest: u64,
}

impl fmt::Display for CountedTests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tests whose names have the digest {:016x}", self.count, self.digest)
    }
}

impl TryFrom<String> for CountedTests {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts = text.split_once(':').and_then(|(count, digest)| {
            Some(Self { count: count.parse().ok()?, digest: u64::from_str_radix(digest, 16).ok()? })
        });
        parts.ok_or_else(|| format!("expected COUNT:DIGEST, found {text:?}"))
    }
}

impl From<CountedTests> for String {
    fn from(CountedTests { count, digest }: CountedTests) -> Self {
        format!("{count}:{digest:016x}")
    }
}

/// Counts tests.
#[derive(Default)]
pub(crate) struct TestCounter {
    count: u64,
    names: Sha256,
}

impl TestCounter {
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// One more; of what could not be read, the name is empty.
    pub(crate) fn add(&mut self, name: &str) {
        self.count += 1;
        self.names.update(name);
        self.names.update([0]);
    }

    pub(crate) fn counted(&self) -> CountedTests {
        let bytes = self.names.clone().finalize();
        let digest = bytes.iter().take(8).fold(0, |digest, byte| digest << 8 | u64::from(*byte));
        CountedTests { count: self.count, digest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_their_order_count() {
        let counted = |names: &[&str]| {
            let mut counter = TestCounter::default();
            names.iter().for_each(|name| counter.add(name));
            counter.counted()
        };
        let two = counted(&["a", "b"]);
        assert_eq!(CountedTests::try_from(String::from(two)), Ok(two));
        assert_eq!(two.count, 2);
        for other in [&["b", "a"][..], &["ab"], &["a", "b", ""], &["", "ab"]] {
            assert_ne!(two.digest, counted(other).digest);
        }
    }

    #[test]
    fn every_test_is_in_one() {
        let shards: Vec<Shard> = ["1/3", "2/3", "3/3"].iter().map(|text| text.parse().unwrap()).collect();
        for test in 0..10 {
            assert_eq!(shards.iter().filter(|shard| shard.has(test)).count(), 1);
        }
        assert_eq!(shards[1].to_string(), "2/3");
        for wrong in ["", "1", "0/3", "4/3", "1/0", "-1/3", "a/b", "1/3/3"] {
            let error = wrong.parse::<Shard>().unwrap_err().to_string();
            assert!(
                error.starts_with("expected I/N") && error.ends_with(&format!("found {wrong:?}")),
                "{error}"
            );
        }
    }
}
