//! Whether a block's ommers are valid (Yellow Paper, section 11.1).

use parallax_block_data::{Block, BlockError, ChainPlace, Header, OmmerError};
use parallax_primitives::{B256, BlockRules};

use crate::header;

pub(crate) fn validate(place: &ChainPlace<'_>, block: &Block) -> Result<(), BlockError> {
    if place.rules.work.is_none() {
        return if block.ommers.is_empty() { Ok(()) } else { Err(BlockError::OmmersAfterParis) };
    }
    let (found, expected) = (block.header.ommers_hash, block.ommers_hash());
    if found != expected {
        return Err(BlockError::OmmersHash { found, expected });
    }
    if block.ommers.len() > BlockRules::MAX_OMMERS {
        return Err(BlockError::TooManyOmmers(block.ommers.len()));
    }
    // One of six blocks before has a parent seven blocks before.
    let reach = usize::try_from(BlockRules::MAX_OMMER_DEPTH + 1).unwrap_or(usize::MAX);
    let ancestors = place.ancestors.get(..reach).unwrap_or(place.ancestors);
    let near = ChainPlace { ancestors, ..*place };
    let mut known: Vec<B256> = ancestors.iter().flat_map(|block| &block.ommers).map(Header::hash).collect();
    for (index, ommer) in block.ommers.iter().enumerate() {
        one(&near, block, ommer, &known).map_err(|error| BlockError::Ommer(index, error))?;
        known.push(ommer.hash());
    }
    Ok(())
}

fn one(place: &ChainPlace<'_>, block: &Block, ommer: &Header, known: &[B256]) -> Result<(), OmmerError> {
    let hash = ommer.hash();
    if known.contains(&hash) {
        return Err(OmmerError::Known);
    }
    if place.ancestors.iter().any(|ancestor| ancestor.header.hash() == hash) {
        return Err(OmmerError::IsAncestor);
    }
    if ommer.parent_hash == block.header.parent_hash {
        return Err(OmmerError::IsBrother);
    }
    // At a change of rules it may have those before it.
    let own = place.ancestors.iter().position(|ancestor| ancestor.header.number == ommer.number);
    let rules = own.and_then(|index| place.ancestor_rules.get(index)).copied().unwrap_or(place.rules);
    let place = ChainPlace { rules, ..*place };
    header::behind(&place, ommer.parent_hash, ommer).map_err(|error| match error {
        BlockError::UnknownParent(_) => OmmerError::UnknownParent,
        error => OmmerError::Header(Box::new(error)),
    })
}
