//! A case: a chain's first block with its state, blocks to add to it, and what should come of each and of all.

use std::{borrow::Cow, sync::Arc};

use parallax_block_data::{Block, Bloom, Header};
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{B256, BlobSchedule, Bytes};
use parallax_state_tests::{FixtureError, Node, Problem, TestText, accounts, chain_id};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::{ExpectedRefusal, Network, SharedState, access_list, payload::Payload};

/// One official block test.
#[derive(Clone, Debug)]
pub struct BlockCase {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The test's key in the file.
    pub name: Arc<str>,
    /// The name of its rules, as the file has it.
    pub network_name: Arc<str>,
    /// Its rules.
    pub network: Network,
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// The first block.
    pub genesis: Block,
    /// The state behind it.
    pub pre: Arc<MemoryDatabase>,
    /// What is added to it, in order.
    pub blocks: Vec<CaseBlock>,
    /// Hash of the block that the chain ends with.
    pub last_hash: B256,
    /// The state behind that.
    pub post: PostState,
}

/// A block of a case.
#[derive(Clone, Debug)]
pub struct CaseBlock {
    pub(crate) source: Source,
    /// Why it must be refused, if it must.
    pub expected: Option<ExpectedRefusal>,
    /// The hash that the file says it has.
    pub(crate) hash: Option<B256>,
}

#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// With the list of what it accesses (EIP-7928), if that stands beside it.
    Rlp(Bytes, Option<Bytes>),
    Payload(Box<Payload>),
}

/// The state behind the last block.
#[derive(Clone, Debug)]
pub enum PostState {
    /// All of it.
    Whole(Box<MemoryDatabase>),
    /// Its root.
    Root(B256),
    /// The file does not say.
    Untold,
}

impl BlockCase {
    /// The number of its block with this index, if that is a block.
    pub fn number(&self, index: usize) -> Option<u64> {
        self.blocks.get(index)?.block().ok().map(|block| block.header.number)
    }

    /// Gas that the blocks which must be valid use, as their headers say.
    pub fn gas_used(&self) -> u64 {
        let valid = self.blocks.iter().filter(|block| block.expected.is_none());
        let used = valid.filter_map(|block| block.block().ok()).map(|block| block.header.gas_used);
        used.fold(0, u64::saturating_add)
    }

    /// Reads a test that has its state before it.
    ///
    /// # Errors
    ///
    /// The place in the file that is not as it should be.
    pub fn read(test: &TestText) -> Result<Self, FixtureError> {
        Self::read_with(test, None)
    }

    /// Reads a test; `shared` is the state that its `preHash` names, if it has one.
    ///
    /// # Errors
    ///
    /// As [`BlockCase::read`].
    pub fn read_with(test: &TestText, shared: Option<&SharedState>) -> Result<Self, FixtureError> {
        let (file, name) = (test.file(), test.name());
        let value: Value = serde_json::from_str(test.json()).map_err(|error| FixtureError {
            file: file.clone(),
            test: name.clone(),
            path: String::new(),
            problem: Problem::Syntax { expected: "a block test", message: error.to_string() },
        })?;
        let root = Node::test(file, name, &value);
        root.object()?;
        let node = root.get("network");
        let network_name = node.text("the name of a fork, or of two and where they change")?;
        let unknown = |_| node.error(Problem::UnknownFork(network_name.to_owned()));
        let mut network = Network::parse(network_name).map_err(unknown)?;
        set_blobs(&root, &mut network)?;
        let (genesis, pre) = genesis(&root, &network, shared)?;
        let blocks = blocks(&root, network_name)?;
        Ok(Self {
            file: file.clone(),
            name: name.clone(),
            network_name: network_name.into(),
            network,
            chain_id: chain_id(&root)?,
            genesis,
            pre,
            blocks,
            last_hash: root.get("lastblockhash").b256()?,
            post: post_state(&root)?,
        })
    }
}

fn set_blobs(root: &Node<'_>, network: &mut Network) -> Result<(), FixtureError> {
    let config = root.get("config");
    let schedules = config.get("blobSchedule");
    if schedules.is_null() {
        return Ok(());
    }
    for fork in schedules.object()?.keys() {
        let schedule = schedules.get(fork);
        let blobs = BlobSchedule {
            target: schedule.get("target").u64()?,
            max: schedule.get("max").u64()?,
            update_fraction: schedule.get("baseFeeUpdateFraction").u64()?,
        };
        network.set_blobs(fork, blobs);
    }
    Ok(())
}

/// The first block and its state, which belong together.
fn genesis(
    root: &Node<'_>,
    network: &Network,
    shared: Option<&SharedState>,
) -> Result<(Block, Arc<MemoryDatabase>), FixtureError> {
    let named = root.get("preHash");
    match shared {
        _ if named.is_null() => {}
        Some(shared) => return shared.genesis(network),
        None => return Err(named.unexpected("a test that is read with the state that it names", "none")),
    }
    let node = root.get("genesisBlockHeader");
    let header = header(&node)?;
    let (named, found) = (node.get("hash").b256()?, header.hash());
    if named != found {
        return Err(node
            .get("hash")
            .unexpected(format!("the hash of the header, {found}"), named.to_string()));
    }
    let pre = accounts(&root.get("pre"))?;
    let (named, found) = (header.state_root, pre.state_root());
    if named != found {
        let expected = format!("the root of the state in pre, {found}");
        return Err(node.get("stateRoot").unexpected(expected, named.to_string()));
    }
    let rlp = root.get("genesisRLP");
    if !rlp.is_null() {
        let block = Block::decode(&rlp.bytes()?)
            .map_err(|error| rlp.unexpected("the RLP of the first block", error.to_string()))?;
        if block.header != header {
            let expected = format!("the block with the hash {}", header.hash());
            return Err(rlp.unexpected(expected, block.header.hash().to_string()));
        }
    }
    Ok((Block { header, ..Block::default() }, Arc::new(pre)))
}

fn header(node: &Node<'_>) -> Result<Header, FixtureError> {
    node.object()?;
    let or_none = |key| {
        let field = node.get(key);
        if field.is_null() { Ok(None) } else { field.u64().map(Some) }
    };
    let hash_or_none = |key| {
        let field = node.get(key);
        if field.is_null() { Ok(None) } else { field.b256().map(Some) }
    };
    let bloom = node.get("bloom").bytes()?;
    let nonce = node.get("nonce").bytes()?;
    Ok(Header {
        parent_hash: node.get("parentHash").b256()?,
        ommers_hash: node.get("uncleHash").b256()?,
        coinbase: node.get("coinbase").address()?,
        state_root: node.get("stateRoot").b256()?,
        transactions_root: node.get("transactionsTrie").b256()?,
        receipts_root: node.get("receiptTrie").b256()?,
        logs_bloom: Bloom::try_from(bloom.as_ref())
            .map_err(|_| node.get("bloom").wrong("256 bytes in hexadecimal"))?,
        difficulty: node.get("difficulty").u256()?,
        number: node.get("number").u64()?,
        gas_limit: node.get("gasLimit").u64()?,
        gas_used: node.get("gasUsed").u64()?,
        timestamp: node.get("timestamp").u64()?,
        extra_data: node.get("extraData").bytes()?,
        prev_randao: node.get("mixHash").b256()?,
        nonce: nonce.as_ref().try_into().map_err(|_| node.get("nonce").wrong("8 bytes in hexadecimal"))?,
        base_fee: or_none("baseFeePerGas")?,
        withdrawals_root: hash_or_none("withdrawalsRoot")?,
        blob_gas_used: or_none("blobGasUsed")?,
        excess_blob_gas: or_none("excessBlobGas")?,
        parent_beacon_root: hash_or_none("parentBeaconBlockRoot")?,
        requests_hash: hash_or_none("requestsHash")?,
        access_list_hash: hash_or_none("blockAccessListHash")?,
        slot_number: or_none("slotNumber")?,
    })
}

fn blocks(root: &Node<'_>, network: &str) -> Result<Vec<CaseBlock>, FixtureError> {
    let payloads = root.get("engineNewPayloads");
    if !payloads.is_null() {
        return payloads.map(payload);
    }
    root.get("blocks").map(|node| block(node, network))
}

fn block(node: &Node<'_>, network: &str) -> Result<CaseBlock, FixtureError> {
    let source = Source::Rlp(node.get("rlp").bytes()?, access_list(node)?);
    // What is no header marks a block that is not valid, whatever else is said.
    let header = node.get("blockHeader");
    if !header.is_null() {
        return Ok(CaseBlock { source, expected: None, hash: Some(header.get("hash").b256()?) });
    }
    let of_network = format!("expectException{network}");
    let mut names = Vec::new();
    for key in ["expectException", "expectExceptionALL", &of_network] {
        names.extend(expected_names(&node.get(key))?);
    }
    Ok(CaseBlock { source, expected: Some(ExpectedRefusal { names, code: None }), hash: None })
}

/// The RLP of the access list that stands beside a block; a block that is not valid has its own in `rlp_decoded`.
fn access_list(node: &Node<'_>) -> Result<Option<Bytes>, FixtureError> {
    let decoded = node.get("rlp_decoded");
    let lists = [node.get("blockAccessList"), decoded.get("blockAccessList")];
    let list = lists.iter().find(|list| !list.is_null());
    list.map(|list| access_list::read(list).map(|list| list.encode().into())).transpose()
}

fn payload(node: &Node<'_>) -> Result<CaseBlock, FixtureError> {
    let source = Source::Payload(Box::new(Payload::read(node)?));
    let names = expected_names(&node.get("validationError"))?;
    let error = node.get("errorCode");
    let code = if error.is_null() { None } else { Some(code(&error)?) };
    let expected = (code.is_some() || !names.is_empty()).then_some(ExpectedRefusal { names, code });
    Ok(CaseBlock { source, expected, hash: None })
}

fn code(node: &Node<'_>) -> Result<i64, FixtureError> {
    const EXPECTED: &str = "a JSON-RPC error code";
    node.text(EXPECTED)?.parse().map_err(|_| node.wrong(EXPECTED))
}

fn expected_names(node: &Node<'_>) -> Result<Vec<String>, FixtureError> {
    if node.is_null() {
        return Ok(Vec::new());
    }
    let text = node.text("the names of exceptions, separated by |")?;
    Ok(text.split('|').map(|name| name.trim().to_owned()).collect())
}

fn post_state(root: &Node<'_>) -> Result<PostState, FixtureError> {
    let (whole, hash) = (root.get("postState"), root.get("postStateHash"));
    if !whole.is_null() {
        return accounts(&whole).map(|state| PostState::Whole(Box::new(state)));
    }
    if hash.is_null() { Ok(PostState::Untold) } else { hash.b256().map(PostState::Root) }
}

/// Whether this is a block test: what stands there has `blocks` or `engineNewPayloads`.
pub fn is_block_test(test: &TestText) -> bool {
    const KEYS: [&str; 2] = ["blocks", "engineNewPayloads"];
    let json = test.json();
    // Most texts are of one kind: what has none of the words is not parsed.
    if !KEYS.iter().any(|key| json.contains(key)) {
        return false;
    }
    let keys = serde_json::from_str::<std::collections::BTreeMap<Cow<'_, str>, IgnoredAny>>(json);
    keys.is_ok_and(|keys| KEYS.iter().any(|key| keys.contains_key(*key)))
}
