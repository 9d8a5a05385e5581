use parallax_engine_interface::{Execution, Job};
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{Address, B256, BlockEnv, BlockRules, Bytes, Rejection, Transaction};

use crate::{Block, BlockAccessList, BlockError, Bloom, Receipt, TransactionError, Withdrawal};

/// The rules of blocks as one side has them. They run nothing: what is to be executed they hand out, so that whoever drives them may
/// run it on any engine, watch it, or hold two sides beside each other.
pub trait BlockProcessor: Sync {
    /// What reports call it.
    fn name(&self) -> &'static str;

    /// The facts of the block for its transactions. What a valid header must have and this one lacks is zero.
    fn environment(&self, place: &ChainPlace<'_>, block: &Block) -> BlockEnv;

    /// Whether the header, the ommers and what else can be seen without running anything are valid behind their ancestors.
    fn validate(&self, place: &ChainPlace<'_>, block: &Block) -> Result<(), BlockError>;

    /// Begins to process what is in a block.
    fn begin(&self, body: Body) -> Box<dyn BodyRun>;

    /// Whether the header says what the block came to.
    fn check(&self, rules: &BlockRules, block: &Block, result: &BodyResult) -> Result<(), BlockError>;
}

/// Where a block stands.
#[derive(Clone, Copy, Debug)]
pub struct ChainPlace<'a> {
    /// The rules of the block.
    pub rules: &'a BlockRules,
    /// The blocks before it, its parent first; at least as many as there are, up to seven.
    pub ancestors: &'a [&'a Block],
    /// The rules of each of those. An ommer has the rules of the ancestor with its number.
    pub ancestor_rules: &'a [&'a BlockRules],
    /// The number of the block of the DAO fork, on a chain that has it (EIP-779).
    pub dao_fork: Option<u64>,
}

/// What is in a block, and what it stands on.
#[derive(Clone, Debug)]
pub struct Body {
    /// The rules of the block.
    pub rules: BlockRules,
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// The facts of the block for its transactions.
    pub block: BlockEnv,
    /// Hash of the block before it (EIP-2935).
    pub parent_hash: B256,
    /// Root of the beacon chain's parent block (EIP-4788).
    pub parent_beacon_root: Option<B256>,
    /// Whether it is the block of the DAO fork (EIP-779).
    pub is_dao_fork: bool,
    /// Its transactions with their senders, each with its envelope; or why it is none.
    pub transactions: Vec<Result<Transaction, TransactionError>>,
    /// Miners of its ommers, and how many blocks before it each would have been.
    pub ommers: Vec<(u64, Address)>,
    /// What comes from the beacon chain (EIP-4895).
    pub withdrawals: Vec<Withdrawal>,
    /// The reward of the miner in wei in place of the rules' own; `Some(None)` for none, which touches no account.
    pub reward: Option<Option<u64>>,
    /// What a transaction that cannot be in the block does.
    pub on_rejection: OnRejection,
    /// The state before it; block hashes are answered from it.
    pub state: MemoryDatabase,
}

/// What a transaction that cannot be in the block does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRejection {
    /// The block is not valid.
    Invalid,
    /// It is left out, and the next one is tried: how blocks are built.
    LeaveOut,
}

/// A block that is being processed. Its driver calls [`BodyRun::advance`], runs the job if there is one, and answers it, until there is
/// none.
pub trait BodyRun {
    /// Goes on to what is to be executed next; `None` where nothing is left.
    fn advance(&mut self) -> Result<Option<Part>, BlockError>;

    /// What is to be executed: the part that [`BodyRun::advance`] answered last.
    fn job(&self) -> Option<Job<'_>>;

    /// Takes what came of it.
    fn answer(&mut self, answer: Result<Execution, Rejection>) -> Result<(), BlockError>;

    /// What the block came to.
    fn finish(self: Box<Self>) -> BodyResult;
}

/// What is executed in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A system call to this contract (EIP-4788, EIP-2935, EIP-7002, EIP-7251).
    SystemCall(Address),
    /// The transaction with this index.
    Transaction(usize),
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SystemCall(address) => write!(f, "system call of {address}"),
            Self::Transaction(index) => write!(f, "transaction {index}"),
        }
    }
}

/// What a block came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyResult {
    /// The state behind it.
    pub state: MemoryDatabase,
    /// The transactions that are in it, by their index.
    pub included: Vec<usize>,
    /// A receipt for each of those.
    pub receipts: Vec<Receipt>,
    /// Gas that counts for the block's limit. From EIP-7778 on it is more than the receipts say.
    pub gas_used: u64,
    /// Gas paid for by each transaction that is in it.
    pub gas_used_each: Vec<u64>,
    /// Blob gas (EIP-4844).
    pub blob_gas_used: u64,
    /// The union of the receipts' blooms.
    pub logs_bloom: Bloom,
    /// Requests to the consensus layer that are not empty, by type, each behind its type byte (EIP-7685).
    pub requests: Vec<Bytes>,
    /// What it accesses, where the rules ask for it (EIP-7928).
    pub access_list: Option<BlockAccessList>,
    /// The transactions that are not in it, and why.
    pub rejected: Vec<(usize, TransactionError)>,
}
