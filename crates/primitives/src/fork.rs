use std::{fmt, str::FromStr};

use crate::{
    BlobSchedule, Eip, EipSet,
    PrecompileId::{self, *},
};

/// What a fork of mainnet makes of the one before it.
#[derive(Clone, Copy, Debug)]
pub struct ForkChanges {
    /// EIPs that it brings.
    pub eips: &'static [Eip],
    /// EIPs that it takes back.
    pub without: &'static [Eip],
    /// Blob parameters that it sets beyond what its EIPs say (EIP-7892).
    pub blobs: Option<BlobSchedule>,
    /// Precompiled contracts that it brings: those of its EIPs, said once more, so that none is forgotten.
    pub precompiles: &'static [PrecompileId],
}

macro_rules! forks {
    ($($(#[$doc:meta])* $fork:ident $name:literal [$($spelling:literal),*] { $($field:ident: $value:expr),* $(,)? })*) => {
        /// A fork of Ethereum mainnet, ordered by activation: the name of a set of rules ([`Rules::of`](crate::Rules::of)).
        ///
        /// Forks that changed no rule of execution (DAO, Muir Glacier, Arrow Glacier, Gray Glacier) are spellings of the fork
        /// before them. The blob-parameter-only forks (EIP-7892) differ from Osaka in the blob schedule alone.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Fork { $($(#[$doc])* $fork,)* }

        impl Fork {
            /// Every fork, oldest first.
            pub const ALL: [Fork; [$($name),*].len()] = [$(Fork::$fork,)*];

            /// The name that this project prints.
            pub const fn name(self) -> &'static str {
                match self { $(Fork::$fork => $name,)* }
            }

            /// Other spellings of official tests and their tools, in lower case without separators.
            const fn spellings(self) -> &'static [&'static str] {
                match self { $(Fork::$fork => &[$($spelling),*],)* }
            }

            /// What it makes of the fork before it.
            pub const fn changes(self) -> &'static ForkChanges {
                match self { $(Fork::$fork => &ForkChanges { $($field: $value,)* },)* }
            }
        }
    };
}

// A block per fork: name, other spellings, what it changes.
forks! {
    /// July 2015.
    Frontier "Frontier" [] {
        eips: &[Eip::CreateCollision7610],
        without: &[],
        blobs: None,
        precompiles: &[EcRecover, Sha256, Ripemd160, Identity],
    }
    /// March 2016.
    Homestead "Homestead" ["dao", "daofork"] {
        eips: &[Eip::Creation2, Eip::DelegateCall7],
        without: &[],
        blobs: None,
        precompiles: &[],
    }
    /// October 2016.
    TangerineWhistle "TangerineWhistle" ["eip150", "tangerine", "eip150fork"] {
        eips: &[Eip::StatePrices150],
        without: &[],
        blobs: None,
        precompiles: &[],
    }
    /// November 2016.
    SpuriousDragon "SpuriousDragon" ["eip158", "spurious", "eip158fork"] {
        eips: &[Eip::Exp160, Eip::StateClearing161, Eip::CodeSize170],
        without: &[],
        blobs: None,
        precompiles: &[],
    }
    /// October 2017.
    Byzantium "Byzantium" [] {
        eips: &[
            Eip::Revert140,
            Eip::Bn254Curve196,
            Eip::Bn254Pairing197,
            Eip::Modexp198,
            Eip::ReturnData211,
            Eip::StaticCall214,
        ],
        without: &[],
        blobs: None,
        precompiles: &[Modexp, Bn254Add, Bn254Mul, Bn254Pairing],
    }
    /// Never active without Petersburg on mainnet; official tests have it.
    Constantinople "Constantinople" [] {
        eips: &[Eip::Shifts145, Eip::Create2By1014, Eip::ExtCodeHash1052, Eip::NetMetering1283],
        without: &[],
        blobs: None,
        precompiles: &[],
    }
    /// February 2019 (EIP-1716).
    Petersburg "Petersburg" ["constantinoplefix"] {
        eips: &[],
        without: &[Eip::NetMetering1283],
        blobs: None,
        precompiles: &[],
    }
    /// December 2019.
    Istanbul "Istanbul" ["muirglacier"] {
        eips: &[
            Eip::Blake2By152,
            Eip::Bn254Prices1108,
            Eip::ChainId1344,
            Eip::TriePrices1884,
            Eip::Calldata2028,
            Eip::NetMetering2200,
        ],
        without: &[],
        blobs: None,
        precompiles: &[Blake2F],
    }
    /// April 2021.
    Berlin "Berlin" [] {
        eips: &[Eip::ModexpPrice2565, Eip::WarmAccess2929, Eip::AccessLists2930],
        without: &[],
        blobs: None,
        precompiles: &[],
    }
    /// August 2021.
    London "London" ["arrowglacier", "grayglacier"] {
        eips: &[Eip::DynamicFee1559, Eip::BaseFee3198, Eip::Refunds3529, Eip::RejectEf3541],
        without: &[],
        blobs: None,
        precompiles: &[],
    }
    /// September 2022.
    Paris "Paris" ["merge"] {
        eips: &[Eip::PrevRandao4399],
        without: &[],
        blobs: None,
        precompiles: &[],
    }
    /// April 2023.
    Shanghai "Shanghai" [] {
        eips: &[Eip::WarmCoinbase3651, Eip::PushZero3855, Eip::InitCode3860],
        without: &[],
        blobs: None,
        precompiles: &[],
    }
    /// March 2024.
    Cancun "Cancun" [] {
        eips: &[
            Eip::TransientStorage1153,
            Eip::Blobs4844,
            Eip::MemoryCopy5656,
            Eip::SelfDestruct6780,
            Eip::BlobBaseFee7516,
        ],
        without: &[],
        blobs: None,
        precompiles: &[KzgPointEvaluation],
    }
    /// May 2025.
    Prague "Prague" [] {
        eips: &[Eip::Bls12By2537, Eip::CalldataFloor7623, Eip::MoreBlobs7691, Eip::SetCode7702],
        without: &[],
        blobs: None,
        precompiles: &[
            Bls12G1Add,
            Bls12G1Msm,
            Bls12G2Add,
            Bls12G2Msm,
            Bls12Pairing,
            Bls12MapFpToG1,
            Bls12MapFp2ToG2,
        ],
    }
    /// December 2025.
    Osaka "Osaka" [] {
        eips: &[
            Eip::BlobLimit7594,
            Eip::ModexpLimit7823,
            Eip::GasCap7825,
            Eip::ModexpPrice7883,
            Eip::CountZeros7939,
            Eip::P256Verify7951,
        ],
        without: &[],
        blobs: None,
        precompiles: &[P256Verify],
    }
    /// Blob parameters only.
    Bpo1 "BPO1" [] {
        eips: &[],
        without: &[],
        blobs: Some(BlobSchedule { target: 10, max: 15, update_fraction: 8_346_193 }),
        precompiles: &[],
    }
    /// Blob parameters only.
    Bpo2 "BPO2" [] {
        eips: &[],
        without: &[],
        blobs: Some(BlobSchedule { target: 14, max: 21, update_fraction: 11_684_671 }),
        precompiles: &[],
    }
    /// Blob parameters only. Not on mainnet, as the two behind it: they are those of the specification's test package,
    /// `execution_testing/forks/forks/forks.py`, whose BPO5 is BPO4 unchanged.
    Bpo3 "BPO3" [] {
        eips: &[],
        without: &[],
        blobs: Some(BlobSchedule { target: 21, max: 32, update_fraction: 20_609_697 }),
        precompiles: &[],
    }
    /// Blob parameters only.
    Bpo4 "BPO4" [] {
        eips: &[],
        without: &[],
        blobs: Some(BlobSchedule { target: 14, max: 21, update_fraction: 13_739_630 }),
        precompiles: &[],
    }
    /// Blob parameters only.
    Bpo5 "BPO5" [] {
        eips: &[],
        without: &[],
        blobs: None,
        precompiles: &[],
    }
    /// The execution half of Glamsterdam (EIP-7773). On Sepolia since October 2026, on mainnet without a date. Its blob parameters are those
    /// of BPO2, the last such fork on mainnet.
    Amsterdam "Amsterdam" [] {
        eips: &[
            Eip::SlotNumber7843,
            Eip::LargerCode7954,
            Eip::CalldataFloor7976,
            Eip::AccessListBytes7981,
            Eip::DeepStack8024,
            Eip::TransferLogs7708,
            Eip::KeptBalance8246,
            Eip::AccessPrices8038,
            Eip::IntrinsicParts2780,
            Eip::StateGas8037,
            Eip::BlockAccessLists7928,
        ],
        without: &[Eip::CreateCollision7610],
        blobs: Some(BlobSchedule { target: 14, max: 21, update_fraction: 11_684_671 }),
        precompiles: &[],
    }
}

impl Fork {
    /// The newest fork whose rules are final.
    pub const LATEST: Fork = Fork::Osaka;

    /// All EIPs that it has.
    pub const fn eips(self) -> EipSet {
        let mut eips = EipSet::EMPTY;
        let mut i = 0;
        while i <= self as usize {
            let changes = Fork::ALL[i].changes();
            let mut k = 0;
            while k < changes.eips.len() {
                eips = eips.with(changes.eips[k]);
                k += 1;
            }
            let mut k = 0;
            while k < changes.without.len() {
                eips = eips.without(changes.without[k]);
                k += 1;
            }
            i += 1;
        }
        eips
    }
}

/// A fork brings the precompiled contracts of its EIPs, in their order; Frontier those that no EIP has.
const _: () = {
    let mut f = 1;
    while f < Fork::ALL.len() {
        let changes = Fork::ALL[f].changes();
        let mut seen = 0;
        let mut e = 0;
        while e < changes.eips.len() {
            let brought = changes.eips[e].changes().precompiles;
            let mut p = 0;
            while p < brought.len() {
                let mut is_named = false;
                let mut i = 0;
                while i < changes.precompiles.len() {
                    is_named |= changes.precompiles[i].number() == brought[p].number();
                    i += 1;
                }
                assert!(is_named, "a fork forgets a precompiled contract of its EIPs");
                seen += 1;
                p += 1;
            }
            e += 1;
        }
        assert!(seen == changes.precompiles.len(), "a fork names a precompiled contract of none of its EIPs");
        f += 1;
    }
};

impl Eip {
    /// The fork of mainnet that brought it.
    pub fn fork(self) -> Option<Fork> {
        Fork::ALL.into_iter().find(|fork| fork.changes().eips.contains(&self))
    }
}

impl FromStr for Fork {
    type Err = UnknownFork;

    /// Parses a name without regard to case, spaces, `_` and `-`.
    fn from_str(text: &str) -> Result<Self, UnknownFork> {
        let plain: String =
            text.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).map(|c| c.to_ascii_lowercase()).collect();
        let is_it = |fork: &Fork| {
            fork.name().eq_ignore_ascii_case(&plain) || fork.spellings().contains(&plain.as_str())
        };
        Fork::ALL.into_iter().find(is_it).ok_or_else(|| UnknownFork(text.chars().take(64).collect()))
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
            for spelling in fork.spellings() {
                assert_eq!(spelling.parse(), Ok(fork));
            }
        }
        assert_eq!("Tangerine Whistle".parse(), Ok(Fork::TangerineWhistle));
        assert_eq!("Berlinn".parse::<Fork>(), Err(UnknownFork("Berlinn".into())));
    }

    #[test]
    fn forks_are_ordered_by_activation() {
        assert!(Fork::ALL.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
