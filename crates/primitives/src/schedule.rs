use crate::{BlockRules, Fork};

/// From when on a chain has a fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// From the block with this number on.
    Block(u64),
    /// From the first block on that is not older than this, in seconds since 1970.
    Time(u64),
}

/// The forks of Ethereum mainnet by the names of [`BlockRules`], oldest first. The last of them that is active is the fork of a block.
pub const MAINNET_SCHEDULE: [(&str, Activation); 20] = [
    ("Frontier", Activation::Block(0)),
    ("Homestead", Activation::Block(1_150_000)),
    ("DAO", Activation::Block(1_920_000)),
    ("TangerineWhistle", Activation::Block(2_463_000)),
    ("SpuriousDragon", Activation::Block(2_675_000)),
    ("Byzantium", Activation::Block(4_370_000)),
    ("Petersburg", Activation::Block(7_280_000)),
    ("Istanbul", Activation::Block(9_069_000)),
    ("MuirGlacier", Activation::Block(9_200_000)),
    ("Berlin", Activation::Block(12_244_000)),
    ("London", Activation::Block(12_965_000)),
    ("ArrowGlacier", Activation::Block(13_773_000)),
    ("GrayGlacier", Activation::Block(15_050_000)),
    ("Paris", Activation::Block(15_537_394)),
    ("Shanghai", Activation::Time(1_681_338_455)),
    ("Cancun", Activation::Time(1_710_338_135)),
    ("Prague", Activation::Time(1_746_612_311)),
    ("Osaka", Activation::Time(1_764_798_551)),
    ("BPO1", Activation::Time(1_765_290_071)),
    ("BPO2", Activation::Time(1_767_747_671)),
];

impl BlockRules {
    /// Those of a block of mainnet.
    pub fn mainnet(number: u64, timestamp: u64) -> Self {
        let is_active = |activation| match activation {
            Activation::Block(first) => number >= first,
            Activation::Time(first) => timestamp >= first,
        };
        let last = MAINNET_SCHEDULE.iter().rev().find(|(_, activation)| is_active(*activation));
        // Every name is one of a fork, as the test below says.
        last.and_then(|(name, _)| name.parse().ok()).unwrap_or_else(|| Self::of(Fork::Frontier))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_begins_at_its_block_or_its_time_and_not_before() {
        for (index, (name, activation)) in MAINNET_SCHEDULE.into_iter().enumerate() {
            let last_time = 1_681_338_454;
            let (at, before) = match activation {
                Activation::Block(number) => ((number, last_time), (number.saturating_sub(1), last_time)),
                Activation::Time(time) => ((25_000_000, time), (25_000_000, time - 1)),
            };
            assert_eq!(BlockRules::mainnet(at.0, at.1).name, name);
            let (previous, _) = MAINNET_SCHEDULE[index.saturating_sub(1)];
            assert_eq!(BlockRules::mainnet(before.0, before.1).name, previous);
        }
    }
}
