//! The accepted blocks of a test, on one chain or on several, each with the state behind it.

use std::{collections::BTreeMap, sync::Arc};

use parallax_block_data::{Block, BlockError, ChainPlace};
use parallax_memory_database::{BlockHashes, MemoryDatabase};
use parallax_primitives::{B256, BlockRules, U256};

use crate::Network;

/// A block that was taken.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The block.
    pub block: Block,
    /// The state behind it.
    pub state: Arc<MemoryDatabase>,
    /// The difficulty of the chain up to it, itself included.
    pub total_difficulty: U256,
    /// Whether it was mined (before Paris).
    is_mined: bool,
}

/// A tree of blocks.
#[derive(Clone, Debug)]
pub struct Chain {
    network: Network,
    accepted: BTreeMap<B256, Accepted>,
    head: B256,
}

/// How many hashes BLOCKHASH can ask for.
const HASHES: usize = 256;
/// How many ancestors the rules of ommers look at.
const ANCESTORS: usize = 7;

impl Chain {
    /// A chain of one block.
    pub fn new(network: Network, genesis: Block, state: Arc<MemoryDatabase>) -> Self {
        let header = &genesis.header;
        let (head, total_difficulty) = (header.hash(), header.difficulty);
        let is_mined = network.rules(header.number, header.timestamp, total_difficulty).work.is_some();
        let first = Accepted { block: genesis, state, total_difficulty, is_mined };
        Self { network, accepted: BTreeMap::from([(head, first)]), head }
    }

    /// The block that the chain ends with: from Paris on the last one taken, before that the one of the heaviest chain.
    pub fn head(&self) -> B256 {
        self.head
    }

    /// That block, and the state behind it.
    pub fn head_block(&self) -> &Accepted {
        &self.accepted[&self.head]
    }

    /// A block by its hash.
    pub fn get(&self, hash: B256) -> Option<&Accepted> {
        self.accepted.get(&hash)
    }

    /// The parent of a block.
    pub fn parent(&self, block: &Block) -> Result<&Accepted, BlockError> {
        let hash = block.header.parent_hash;
        self.get(hash).ok_or(BlockError::UnknownParent(hash))
    }

    /// The rules of a block behind `parent`.
    pub fn rules(&self, parent: &Accepted, block: &Block) -> &BlockRules {
        self.network.rules(block.header.number, block.header.timestamp, parent.total_difficulty)
    }

    /// The ancestors of a block that its rules may look at, its parent first, and the rules of each.
    pub fn ancestors(&self, block: &Block) -> (Vec<&Block>, Vec<&BlockRules>) {
        let near = self.before(block).take(ANCESTORS);
        near.map(|(_, Accepted { block, total_difficulty, .. })| {
            let before = total_difficulty.saturating_sub(block.header.difficulty);
            (block, self.network.rules(block.header.number, block.header.timestamp, before))
        })
        .unzip()
    }

    /// The place of a block with these rules and these ancestors.
    pub fn place<'a>(
        &self,
        rules: &'a BlockRules,
        ancestors: &'a [&'a Block],
        ancestor_rules: &'a [&'a BlockRules],
    ) -> ChainPlace<'a> {
        ChainPlace { rules, ancestors, ancestor_rules, dao_fork: self.network.dao_fork }
    }

    /// The state that a block starts from, which answers BLOCKHASH for it.
    pub fn state_for(&self, parent: &Accepted, block: &Block) -> MemoryDatabase {
        let hashes = self.before(block).take(HASHES);
        let hashes = hashes.map(|(hash, accepted)| (accepted.block.header.number, hash)).collect();
        MemoryDatabase { accounts: parent.state.accounts.clone(), block_hashes: BlockHashes::Known(hashes) }
    }

    /// Takes a valid block.
    pub fn accept(&mut self, block: Block, state: MemoryDatabase) {
        let Ok(parent) = self.parent(&block) else { return };
        let is_mined = self.rules(parent, &block).work.is_some();
        let total_difficulty = parent.total_difficulty.saturating_add(block.header.difficulty);
        let hash = block.header.hash();
        let head = self.head_block();
        let is_heavier = total_difficulty > head.total_difficulty;
        let becomes_head = !is_mined || (head.is_mined && is_heavier);
        self.accepted.insert(hash, Accepted { block, state: Arc::new(state), total_difficulty, is_mined });
        if becomes_head {
            self.head = hash;
        }
    }

    /// What is before a block, its parent first.
    fn before(&self, block: &Block) -> impl Iterator<Item = (B256, &Accepted)> {
        let mut next = block.header.parent_hash;
        std::iter::from_fn(move || {
            let hash = next;
            let accepted = self.get(hash)?;
            next = accepted.block.header.parent_hash;
            Some((hash, accepted))
        })
    }
}
