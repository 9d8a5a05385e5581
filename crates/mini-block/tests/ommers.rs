//! Which ommers a block may have (Yellow Paper, section 11.1).

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod chain;

use chain::{child, first_block, set_difficulty};
use parallax_block_data::{Block, BlockError, BlockProcessor, ChainPlace, Header, OmmerError};
use parallax_mini_block::MiniBlocks;
use parallax_primitives::{Address, B256, BlockRules, U256};

/// Eight blocks, the last one first: it stands on seven.
struct Chain {
    rules: BlockRules,
    blocks: Vec<Block>,
}

impl Chain {
    fn new(name: &str) -> Self {
        let rules = name.parse().unwrap();
        let mut blocks = vec![first_block(&rules)];
        for _ in 0..7 {
            blocks.insert(0, child(&rules, &blocks[0]));
        }
        Self { rules, blocks }
    }

    /// An ommer of this age, as a miner would have made it.
    fn ommer(&self, age: usize) -> Header {
        Header { coinbase: Address::repeat_byte(7), ..child(&self.rules, &self.blocks[age]).header }
    }

    /// What a block behind them with these ommers is.
    fn validate(&self, ommers: Vec<Header>) -> Result<(), BlockError> {
        let mut block = child(&self.rules, &self.blocks[0]);
        block.ommers = ommers;
        block.header.ommers_hash = block.ommers_hash();
        let ancestors: Vec<&Block> = self.blocks.iter().take(7).collect();
        let place =
            ChainPlace { rules: &self.rules, ancestors: &ancestors, ancestor_rules: &[], dao_fork: None };
        MiniBlocks.validate(&place, &block)
    }

    #[track_caller]
    fn check(&self, ommer: Header, expected: OmmerError) {
        assert_eq!(self.validate(vec![ommer]), Err(BlockError::Ommer(0, expected)));
    }
}

#[test]
fn what_an_ommer_must_not_be() {
    for name in ["Frontier", "Byzantium", "London"] {
        let chain = Chain::new(name);
        let ommer = chain.ommer(2);
        assert_eq!(chain.validate(vec![ommer.clone()]), Ok(()));
        assert_eq!(chain.validate(vec![ommer.clone(), chain.ommer(6)]), Ok(()));
        let known = Err(BlockError::Ommer(1, OmmerError::Known));
        assert_eq!(chain.validate(vec![ommer.clone(), ommer.clone()]), known);
        let too_many = Err(BlockError::TooManyOmmers(3));
        assert_eq!(chain.validate(vec![ommer.clone(), ommer.clone(), ommer.clone()]), too_many);

        chain.check(chain.blocks[2].header.clone(), OmmerError::IsAncestor);
        chain.check(chain.ommer(0), OmmerError::IsBrother);
        chain.check(chain.ommer(7), OmmerError::UnknownParent);
        chain.check(Header { parent_hash: B256::ZERO, ..ommer.clone() }, OmmerError::UnknownParent);
        let header = |error| OmmerError::Header(Box::new(error));
        for found in [0, ommer.number - 1, ommer.number + 1, u64::MAX] {
            let number = BlockError::Number { found, expected: ommer.number };
            chain.check(Header { number: found, ..ommer.clone() }, header(number));
        }
        let difficulty = ommer.difficulty + U256::ONE;
        let wrong = BlockError::Difficulty { found: difficulty, expected: ommer.difficulty };
        chain.check(Header { difficulty, ..ommer.clone() }, header(wrong));
        let requests = BlockError::Field { name: "requestsHash", is_there: true };
        chain.check(Header { requests_hash: Some(B256::ZERO), ..ommer.clone() }, header(requests));
        // The second one's fault is the second one's.
        let second = Header { extra_data: vec![0; 33].into(), ..chain.ommer(1) };
        let wrong = Err(BlockError::Ommer(1, header(BlockError::ExtraData(33))));
        assert_eq!(chain.validate(vec![ommer, second]), wrong);
    }
}

#[test]
fn an_ommer_of_the_last_seven_blocks_is_known() {
    let mut chain = Chain::new("Istanbul");
    let ommer = chain.ommer(5);
    assert_eq!(chain.validate(vec![ommer.clone()]), Ok(()));
    // Ommers are no part of a header but by their hash, which no block before them need say.
    for place in 0..7 {
        chain.blocks[place].ommers = vec![ommer.clone()];
        chain.check(ommer.clone(), OmmerError::Known);
        chain.blocks[place].ommers.clear();
    }
    assert_eq!(chain.validate(vec![ommer]), Ok(()));
}

#[test]
fn the_header_has_their_hash() {
    let chain = Chain::new("Berlin");
    let mut block = child(&chain.rules, &chain.blocks[0]);
    block.ommers = vec![chain.ommer(1)];
    let found = block.header.ommers_hash;
    let place = ChainPlace {
        rules: &chain.rules,
        ancestors: &[&chain.blocks[0]],
        ancestor_rules: &[],
        dao_fork: None,
    };
    let expected = block.ommers_hash();
    assert_eq!(MiniBlocks.validate(&place, &block), Err(BlockError::OmmersHash { found, expected }));
}

/// An ommer from before the fork in a block behind it has no base fee, and one from behind it has.
#[test]
fn ommers_of_both_sides_of_london() {
    let berlin: BlockRules = "Berlin".parse().unwrap();
    let london: BlockRules = "London".parse().unwrap();
    let mut blocks = vec![first_block(&berlin)];
    for _ in 0..2 {
        blocks.insert(0, child(&berlin, &blocks[0]));
    }
    let first_london = |parent: &Block, miner| {
        let mut block = child(&london, parent);
        (block.header.coinbase, block.header.gas_limit) = (Address::repeat_byte(miner), 60_000_000);
        block.header.gas_used = 30_000_000;
        set_difficulty(&london, &parent.header, &mut block.header);
        block
    };
    let last_berlin = blocks[0].clone();
    blocks.insert(0, first_london(&last_berlin, 1));
    let ancestors: Vec<&Block> = blocks.iter().collect();
    let place = ChainPlace { rules: &london, ancestors: &ancestors, ancestor_rules: &[], dao_fork: None };
    let check = |ommer: Header| {
        let mut block = child(&london, ancestors[0]);
        block.ommers = vec![ommer];
        block.header.ommers_hash = block.ommers_hash();
        MiniBlocks.validate(&place, &block)
    };
    let old = Header { coinbase: Address::repeat_byte(2), ..child(&berlin, ancestors[2]).header };
    assert_eq!(check(old.clone()), Ok(()));
    let new = first_london(&last_berlin, 2).header;
    assert_eq!(check(new.clone()), Ok(()));
    let field = |is_there| {
        let field = BlockError::Field { name: "baseFeePerGas", is_there };
        Err(BlockError::Ommer(0, OmmerError::Header(Box::new(field))))
    };
    assert_eq!(check(Header { base_fee: Some(1_000_000_000), ..old }), field(true));
    assert_eq!(check(Header { base_fee: None, ..new }), field(false));
}
