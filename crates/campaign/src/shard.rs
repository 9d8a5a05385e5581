//! Parts of a campaign, for machines that share nothing but the files.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

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

#[cfg(test)]
mod tests {
    use super::*;

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
