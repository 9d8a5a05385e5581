use std::{fmt, str::FromStr};

/// A set of rules of Ethereum mainnet, ordered by activation.
///
/// Forks that changed no rule of execution (DAO, Muir Glacier, Arrow Glacier, Gray Glacier) are spellings of the fork
/// before them. The blob-parameter-only forks (EIP-7892) differ from Osaka in the blob schedule alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Fork {
    /// July 2015.
    Frontier,
    /// EIP-2, EIP-7.
    Homestead,
    /// EIP-150.
    TangerineWhistle,
    /// EIP-160, EIP-161, EIP-170.
    SpuriousDragon,
    /// EIP-140, EIP-196, EIP-197, EIP-198, EIP-211, EIP-214.
    Byzantium,
    /// EIP-145, EIP-1014, EIP-1052, EIP-1283. Never active without Petersburg on mainnet; official tests have it.
    Constantinople,
    /// EIP-1716: Constantinople without EIP-1283.
    Petersburg,
    /// EIP-152, EIP-1108, EIP-1344, EIP-1884, EIP-2028, EIP-2200.
    Istanbul,
    /// EIP-2565, EIP-2718, EIP-2929, EIP-2930.
    Berlin,
    /// EIP-1559, EIP-3198, EIP-3529, EIP-3541.
    London,
    /// EIP-3675, EIP-4399.
    Paris,
    /// EIP-3651, EIP-3855, EIP-3860.
    Shanghai,
    /// EIP-1153, EIP-4844, EIP-5656, EIP-6780, EIP-7516.
    Cancun,
    /// EIP-2537, EIP-2935, EIP-7623, EIP-7691, EIP-7702.
    Prague,
    /// EIP-7594, EIP-7823, EIP-7825, EIP-7883, EIP-7918, EIP-7939, EIP-7951.
    Osaka,
    /// Blob parameters only (EIP-7892).
    Bpo1,
    /// Blob parameters only (EIP-7892).
    Bpo2,
    /// Blob parameters only (EIP-7892).
    Bpo3,
    /// Blob parameters only (EIP-7892).
    Bpo4,
    /// Blob parameters only (EIP-7892).
    Bpo5,
}

impl Fork {
    /// Every fork, oldest first.
    pub const ALL: [Fork; 20] = [
        Fork::Frontier,
        Fork::Homestead,
        Fork::TangerineWhistle,
        Fork::SpuriousDragon,
        Fork::Byzantium,
        Fork::Constantinople,
        Fork::Petersburg,
        Fork::Istanbul,
        Fork::Berlin,
        Fork::London,
        Fork::Paris,
        Fork::Shanghai,
        Fork::Cancun,
        Fork::Prague,
        Fork::Osaka,
        Fork::Bpo1,
        Fork::Bpo2,
        Fork::Bpo3,
        Fork::Bpo4,
        Fork::Bpo5,
    ];

    /// The newest fork whose rules are final.
    pub const LATEST: Fork = Fork::Osaka;

    /// Whether the rules that `fork` brought are active.
    pub const fn has(self, fork: Fork) -> bool {
        self as u8 >= fork as u8
    }

    /// The name that this project prints.
    pub const fn name(self) -> &'static str {
        match self {
            Fork::Frontier => "Frontier",
            Fork::Homestead => "Homestead",
            Fork::TangerineWhistle => "TangerineWhistle",
            Fork::SpuriousDragon => "SpuriousDragon",
            Fork::Byzantium => "Byzantium",
            Fork::Constantinople => "Constantinople",
            Fork::Petersburg => "Petersburg",
            Fork::Istanbul => "Istanbul",
            Fork::Berlin => "Berlin",
            Fork::London => "London",
            Fork::Paris => "Paris",
            Fork::Shanghai => "Shanghai",
            Fork::Cancun => "Cancun",
            Fork::Prague => "Prague",
            Fork::Osaka => "Osaka",
            Fork::Bpo1 => "BPO1",
            Fork::Bpo2 => "BPO2",
            Fork::Bpo3 => "BPO3",
            Fork::Bpo4 => "BPO4",
            Fork::Bpo5 => "BPO5",
        }
    }
}

/// Other spellings of official tests and their tools, in lower case without separators.
const OTHER_SPELLINGS: [(&str, Fork); 13] = [
    ("dao", Fork::Homestead),
    ("daofork", Fork::Homestead),
    ("eip150", Fork::TangerineWhistle),
    ("tangerine", Fork::TangerineWhistle),
    ("eip158", Fork::SpuriousDragon),
    ("spurious", Fork::SpuriousDragon),
    ("constantinoplefix", Fork::Petersburg),
    ("muirglacier", Fork::Istanbul),
    ("arrowglacier", Fork::London),
    ("grayglacier", Fork::London),
    ("merge", Fork::Paris),
    ("eip150fork", Fork::TangerineWhistle),
    ("eip158fork", Fork::SpuriousDragon),
];

impl FromStr for Fork {
    type Err = UnknownFork;

    /// Parses a name without regard to case, spaces, `_` and `-`.
    fn from_str(text: &str) -> Result<Self, UnknownFork> {
        let plain: String =
            text.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).map(|c| c.to_ascii_lowercase()).collect();
        Fork::ALL
            .into_iter()
            .find(|fork| fork.name().eq_ignore_ascii_case(&plain))
            .or_else(|| {
                OTHER_SPELLINGS.iter().find(|(spelling, _)| *spelling == plain).map(|(_, fork)| *fork)
            })
            .ok_or_else(|| UnknownFork(text.chars().take(64).collect()))
    }
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no fork has; at most its first 64 characters are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFork(pub String);

impl fmt::Display for UnknownFork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown fork {:?}, expected one of", self.0)?;
        for fork in Fork::ALL {
            write!(f, " {fork}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownFork {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_spelling_parses() {
        for fork in Fork::ALL {
            assert_eq!(fork.name().parse(), Ok(fork));
            assert_eq!(fork.name().to_uppercase().parse(), Ok(fork));
        }
        for (spelling, fork) in OTHER_SPELLINGS {
            assert_eq!(spelling.parse(), Ok(fork));
        }
        assert_eq!("Tangerine Whistle".parse(), Ok(Fork::TangerineWhistle));
        assert_eq!("Berlinn".parse::<Fork>(), Err(UnknownFork("Berlinn".into())));
    }

    #[test]
    fn forks_are_ordered_by_activation() {
        assert!(Fork::ALL.windows(2).all(|pair| pair[0] < pair[1] && pair[1].has(pair[0])));
    }
}
