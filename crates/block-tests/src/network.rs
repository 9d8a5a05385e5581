//! Which rules a block of a test has, by its place in the chain.

use parallax_primitives::{BlobSchedule, BlockRules, U256};

/// The rules of a chain, which may change once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: BlockRules,
    change: Option<(Change, BlockRules)>,
    /// The number of the block of the DAO fork (EIP-779), if the chain has it.
    pub dao_fork: Option<u64>,
}

/// Where the rules change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// At the block with this number.
    Number(u64),
    /// From this time on.
    Time(u64),
    /// Behind the block with which the chain reaches this total difficulty (EIP-3675).
    TotalDifficulty(U256),
}

impl Network {
    /// Parses what official tests call it: rules, or two and where they change, as `FrontierToHomesteadAt5`, `CancunToPragueAtTime15k`,
    /// `ArrowGlacierToParisAtDiffC0000`. The error says what is not known.
    pub fn parse(name: &str) -> Result<Self, String> {
        let rules = |name: &str| name.parse::<BlockRules>().map_err(|error| error.to_string());
        let Some((first, rest)) = name.split_once("To") else {
            return Ok(Self { first: rules(name)?, change: None, dao_fork: None });
        };
        let unknown = || format!("unknown place of a change in {name:?}");
        let (second, place) = rest.rsplit_once("At").ok_or_else(unknown)?;
        let change = if let Some(time) = place.strip_prefix("Time") {
            let (digits, unit) = time.strip_suffix('k').map_or((time, 1), |digits| (digits, 1000));
            digits.parse::<u64>().ok().and_then(|time| time.checked_mul(unit)).map(Change::Time)
        } else if let Some(difficulty) = place.strip_prefix("Diff") {
            U256::from_str_radix(difficulty, 16).ok().map(Change::TotalDifficulty)
        } else {
            place.parse().ok().map(Change::Number)
        };
        let (change, second) = (change.ok_or_else(unknown)?, rules(second)?);
        let dao_fork = match change {
            Change::Number(number) if second.name == "DAO" => Some(number),
            _ => None,
        };
        Ok(Self { first: rules(first)?, change: Some((change, second)), dao_fork })
    }

    /// Puts other blob parameters in the place of the fork's own.
    pub(crate) fn set_blobs(&mut self, fork: &str, blobs: BlobSchedule) {
        let Ok(named) = fork.parse::<BlockRules>() else { return };
        let second = self.change.as_mut().map(|(_, rules)| rules);
        for rules in [Some(&mut self.first), second].into_iter().flatten() {
            if rules.rules == named.rules {
                rules.blobs = blobs;
            }
        }
    }

    /// The rules of a block. `total_difficulty` is that of the chain before it.
    pub fn rules(&self, number: u64, timestamp: u64, total_difficulty: U256) -> &BlockRules {
        let Some((change, second)) = &self.change else { return &self.first };
        let has_changed = match *change {
            Change::Number(at) => number >= at,
            Change::Time(at) => timestamp >= at,
            Change::TotalDifficulty(at) => total_difficulty >= at,
        };
        if has_changed { second } else { &self.first }
    }

    /// The rules that its blocks can have.
    pub fn all(&self) -> impl Iterator<Item = &BlockRules> {
        std::iter::once(&self.first).chain(self.change.as_ref().map(|(_, rules)| rules))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_change_at_a_number_a_time_or_a_difficulty() {
        let at = |name: &str, number, time, difficulty: u64| {
            Network::parse(name).unwrap().rules(number, time, U256::from(difficulty)).name
        };
        assert_eq!(at("Cancun", 0, 0, 0), "Cancun");
        assert_eq!(at("FrontierToHomesteadAt5", 4, 0, 0), "Frontier");
        assert_eq!(at("FrontierToHomesteadAt5", 5, 0, 0), "Homestead");
        assert_eq!(at("CancunToPragueAtTime15k", 0, 14_999, 0), "Cancun");
        assert_eq!(at("CancunToPragueAtTime15k", 0, 15_000, 0), "Prague");
        assert_eq!(at("ArrowGlacierToParisAtDiffC0000", 9, 9, 0xbffff), "ArrowGlacier");
        assert_eq!(at("ArrowGlacierToParisAtDiffC0000", 9, 9, 0xc0000), "Paris");
        assert_eq!(Network::parse("HomesteadToDaoAt5").unwrap().dao_fork, Some(5));
        for name in ["Nowhere", "FrontierToHomestead", "FrontierToHomesteadAtNoon", "FrontierToNowhereAt5"] {
            assert!(Network::parse(name).is_err(), "{name}");
        }
    }
}
