use std::{fmt, str::FromStr};

use crate::{Address, B256, BlobSchedule, Eip, Fork, Rules, RulesError, address, b256};

/// What depends on the fork in a block around its transactions: whoever runs blocks asks these, never a fork.
///
/// Forks of mainnet that changed nothing else than this (DAO, Muir Glacier, Arrow Glacier, Gray Glacier) are no [`Fork`], and are
/// here: [`FromStr`] knows their names and all those of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRules {
    /// What reports call them.
    pub name: &'static str,
    /// The rules of its transactions.
    pub rules: Rules,
    /// The blob parameters (EIP-7840): those of `rules`, unless a chain says otherwise.
    pub blobs: BlobSchedule,
    /// Proof of work, until Paris (EIP-3675).
    pub work: Option<WorkRules>,
    /// Whether a legacy transaction may name its chain (EIP-155).
    pub replay_protection: bool,
    /// Whether a receipt says if its transaction succeeded (EIP-658), and not the root of the state behind it.
    pub receipt_status: bool,
    /// Whether there are withdrawals (EIP-4895).
    pub withdrawals: bool,
    /// Whether the root of the beacon chain's parent block is stored (EIP-4788).
    pub beacon_roots: bool,
    /// Whether the price of blob gas follows the base fee where blobs are cheap (EIP-7918).
    pub blob_reserve_price: bool,
    /// Whether the parent's hash is stored (EIP-2935).
    pub history: bool,
    /// Whether there are requests to the consensus layer (EIP-7685): deposits, withdrawals and consolidations.
    pub requests: bool,
    /// Whether there are requests of builders among them (EIP-8282).
    pub builder_requests: bool,
    /// Most bytes of a block's RLP (EIP-7934).
    pub max_size: Option<usize>,
    /// Whether a block has a list of what it accesses (EIP-7928).
    pub access_list: bool,
    /// State gas that a system call is given besides its gas (EIP-8037).
    pub system_call_state_gas: u64,
}

/// What depends on the fork where blocks are mined (Yellow Paper, sections 4.3.4 and 11.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkRules {
    /// Reward of a block's miner, in wei (EIP-649, EIP-1234).
    pub reward: u64,
    /// How the difficulty follows that of the parent.
    pub difficulty: DifficultyRule,
    /// By how many blocks the bomb is put off (EIP-649, EIP-1234, EIP-2384, EIP-3554, EIP-4345, EIP-5133).
    pub bomb_delay: u64,
}

/// How the difficulty follows that of the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifficultyRule {
    /// Up or down by a 2048th, below or above 13 seconds.
    Frontier,
    /// By the seconds in tens (EIP-2).
    Homestead,
    /// By the seconds in nines, and whether the parent has ommers (EIP-100).
    Byzantium,
}

impl BlockRules {
    /// A gas limit is less than a part of its parent's away from it: the parent's divided by this.
    pub const GAS_LIMIT_DIVISOR: u64 = 1024;
    /// The least gas limit.
    pub const GAS_LIMIT_MINIMUM: u64 = 5000;
    /// Most bytes of extra data.
    pub const MAX_EXTRA_DATA: usize = 32;
    /// The least difficulty.
    pub const DIFFICULTY_MINIMUM: u64 = 131_072;
    /// The difficulty moves in parts of the parent's: the parent's divided by this.
    pub const DIFFICULTY_DIVISOR: u64 = 2048;
    /// The bomb doubles every so many blocks.
    pub const BOMB_PERIOD: u64 = 100_000;
    /// Most ommers of a block.
    pub const MAX_OMMERS: usize = 2;
    /// By how many blocks an ommer may be older than the block.
    pub const MAX_OMMER_DEPTH: u64 = 6;
    /// The base fee of the first block that has one, in wei (EIP-1559).
    pub const INITIAL_BASE_FEE: u64 = 1_000_000_000;
    /// The base fee moves by at most a part of the parent's: the parent's divided by this.
    pub const BASE_FEE_CHANGE_DENOMINATOR: u64 = 8;
    /// A block aims at its gas limit divided by this; in the fork block the parent's limit counts as often.
    pub const BASE_FEE_ELASTICITY: u64 = 2;
    /// Gas of execution that a blob costs as much as at least (EIP-7918).
    pub const BLOB_BASE_COST: u64 = 8192;
    /// Wei in a unit of a withdrawal's amount (EIP-4895).
    pub const WITHDRAWAL_UNIT: u64 = 1_000_000_000;
    /// Who sends system calls (EIP-4788).
    pub const SYSTEM_ADDRESS: Address = address!("fffffffffffffffffffffffffffffffffffffffe");
    /// Gas of a system call (EIP-4788).
    pub const SYSTEM_CALL_GAS: u64 = 30_000_000;
    /// Where roots of the beacon chain are stored (EIP-4788).
    pub const BEACON_ROOTS_ADDRESS: Address = address!("000f3df6d732807ef1319fb7b8bb8522d0beac02");
    /// Where hashes of blocks are stored (EIP-2935).
    pub const HISTORY_ADDRESS: Address = address!("0000f90827f1c53a10cb7a02335b175320002935");
    /// Where withdrawals are asked for (EIP-7002).
    pub const WITHDRAWAL_REQUESTS_ADDRESS: Address = address!("00000961ef480eb55e80d19ad83579a64c007002");
    /// Where consolidations are asked for (EIP-7251).
    pub const CONSOLIDATION_REQUESTS_ADDRESS: Address = address!("0000bbddc7ce488642fb579f8b00f3a590007251");
    /// Where builders make deposits (EIP-8282).
    pub const BUILDER_DEPOSITS_ADDRESS: Address = address!("0000bff46984e3725691fa540a8c7589300d8282");
    /// Where builders ask to go (EIP-8282).
    pub const BUILDER_EXITS_ADDRESS: Address = address!("000064d678505ad48f8ccb093bc65613800e8282");
    /// Where deposits are made (EIP-6110).
    pub const DEPOSIT_ADDRESS: Address = address!("00000000219ab540356cbb839cbe05303d7705fa");
    /// First topic of a deposit's log (EIP-6110).
    pub const DEPOSIT_TOPIC: B256 = b256!("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");
    /// The type byte of deposits among the requests (EIP-6110).
    pub const DEPOSIT_REQUEST: u8 = 0;
    /// The type byte of withdrawals among the requests (EIP-7002).
    pub const WITHDRAWAL_REQUEST: u8 = 1;
    /// The type byte of consolidations among the requests (EIP-7251).
    pub const CONSOLIDATION_REQUEST: u8 = 2;
    /// The type byte of deposits of builders among the requests (EIP-8282).
    pub const BUILDER_DEPOSIT_REQUEST: u8 = 3;
    /// The type byte of builders that ask to go among the requests (EIP-8282).
    pub const BUILDER_EXIT_REQUEST: u8 = 4;

    /// Gas of the block's limit that an account or a slot in its access list stands for at least (EIP-7928).
    pub const ACCESS_LIST_ITEM_GAS: u64 = 2000;

    /// Those of a fork of mainnet.
    pub fn of(fork: Fork) -> Self {
        let rules = Rules::of(fork);
        let since = |first| fork >= first;
        let until_paris = WorkRules {
            reward: match fork {
                Fork::Frontier | Fork::Homestead | Fork::TangerineWhistle | Fork::SpuriousDragon => 5 * ETHER,
                Fork::Byzantium => 3 * ETHER,
                _ => 2 * ETHER,
            },
            difficulty: match fork {
                Fork::Frontier => DifficultyRule::Frontier,
                Fork::Homestead | Fork::TangerineWhistle | Fork::SpuriousDragon => DifficultyRule::Homestead,
                _ => DifficultyRule::Byzantium,
            },
            bomb_delay: match fork {
                Fork::Frontier | Fork::Homestead | Fork::TangerineWhistle | Fork::SpuriousDragon => 0,
                Fork::Byzantium => 3_000_000,
                Fork::Constantinople | Fork::Petersburg | Fork::Istanbul => 5_000_000,
                Fork::Berlin => 9_000_000,
                _ => 9_700_000,
            },
        };
        Self {
            name: fork.name(),
            rules,
            blobs: rules.blobs(),
            work: (!since(Fork::Paris)).then_some(until_paris),
            replay_protection: since(Fork::SpuriousDragon),
            receipt_status: since(Fork::Byzantium),
            withdrawals: since(Fork::Shanghai),
            beacon_roots: since(Fork::Cancun),
            blob_reserve_price: since(Fork::Osaka),
            history: since(Fork::Prague),
            requests: since(Fork::Prague),
            builder_requests: since(Fork::Amsterdam),
            max_size: since(Fork::Osaka).then_some(10_485_760 - 2_097_152),
            access_list: rules.has(Eip::BlockAccessLists7928),
            system_call_state_gas: if rules.has(Eip::StateGas8037) { 16 * 64 * 1530 } else { 0 },
        }
    }

    /// Those of a fork with another delay of the bomb, or only another name.
    fn glacier(name: &'static str, fork: Fork, bomb_delay: u64) -> Self {
        let rules = Self::of(fork);
        Self { name, work: rules.work.map(|work| WorkRules { bomb_delay, ..work }), ..rules }
    }
}

const ETHER: u64 = 1_000_000_000_000_000_000;

impl From<Rules> for BlockRules {
    /// A block of these rules: around its transactions it is one of the fork that they are made from.
    fn from(rules: Rules) -> Self {
        let access_list = rules.has(Eip::BlockAccessLists7928);
        Self { name: rules.name(), rules, blobs: rules.blobs(), access_list, ..Self::of(rules.base()) }
    }
}

impl FromStr for BlockRules {
    type Err = RulesError;

    fn from_str(name: &str) -> Result<Self, RulesError> {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        Ok(match plain.to_ascii_lowercase().as_str() {
            "dao" | "daofork" => Self::glacier("DAO", Fork::Homestead, 0),
            "muirglacier" => Self::glacier("MuirGlacier", Fork::Istanbul, 9_000_000),
            "arrowglacier" => Self::glacier("ArrowGlacier", Fork::London, 10_700_000),
            "grayglacier" => Self::glacier("GrayGlacier", Fork::London, 11_400_000),
            _ => name.parse::<Rules>()?.into(),
        })
    }
}

impl fmt::Display for BlockRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
