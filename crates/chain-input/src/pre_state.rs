//! Accounts before a transaction, in any form that tools write. The form is known by its fields.

use std::{collections::BTreeMap, io::Read, sync::Arc};

use flate2::read::GzDecoder;
use parallax_memory_database::{Accounts, BlockHashes, MemoryDatabase};
use parallax_primitives::{Address, B256, Bytecode, KECCAK256_EMPTY, U256};
use parallax_state_tests::{FixtureError, Node, Problem, accounts_with_zeros, storage};
use serde_json::{Value, json};

use crate::{ChainState, MAX_BYTES, answer, answer::is_answer, hashes_of_blocks, parse};

/// Accounts before a transaction, and hashes of blocks where the file has some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreState {
    /// The accounts. A slot that the file says is zero is there, unlike one of which it says nothing.
    pub accounts: Accounts,
    /// Hashes of blocks by number.
    pub block_hashes: BTreeMap<u64, B256>,
    /// The form that it was in.
    pub form: PreStateForm,
}

/// The form of a pre-state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PreStateForm {
    /// An object of accounts by address: an alloc, the `pre` of a state test, an answer of `prestateTracer`.
    #[default]
    Accounts,
    /// A genesis file, or the whole input of a transition tool: the accounts are in `alloc`.
    Genesis,
    /// The cache that foundry keeps of a node's answers.
    Foundry,
    /// What anvil dumps.
    Anvil,
    /// Our own cache of a node's answers.
    ChainState,
}

/// Which of several pre-states is meant: the one of this transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// By its hash.
    Hash(B256),
    /// By its place, from 0.
    Index(usize),
}

impl std::str::FromStr for Pick {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let index = text.parse().map(Pick::Index).ok();
        let hash = || text.parse().map(Pick::Hash).ok().filter(|_| text.len() == 66);
        index.or_else(hash).ok_or("expected a number from 0, or the hash of a transaction")
    }
}

impl PreState {
    /// Reads a file; `name` is what errors call it. Of several pre-states `pick` says which one is meant.
    ///
    /// # Errors
    ///
    /// The place that is not as it should be; or that there are several, and which.
    pub fn read(name: &str, text: &[u8], pick: Option<Pick>) -> Result<Self, FixtureError> {
        let value = parse(name, text)?;
        let file: Arc<str> = name.into();
        Self::of(&Node::test(&file, "", &value), pick)
    }

    /// The accounts as a state that is whole, where a slot that is zero is no slot.
    pub fn into_state(mut self) -> MemoryDatabase {
        self.accounts.values_mut().for_each(|account| account.storage.retain(|_, value| !value.is_zero()));
        MemoryDatabase { accounts: self.accounts, ..MemoryDatabase::default() }
    }

    /// As [`PreState::read`], of JSON that is somewhere in a file.
    ///
    /// # Errors
    ///
    /// As [`PreState::read`].
    pub fn of(node: &Node<'_>, pick: Option<Pick>) -> Result<Self, FixtureError> {
        match node.value() {
            Value::Array(items) => listed(node, items, pick),
            Value::String(_) => packed(node, pick),
            Value::Object(fields) => {
                let has = |key: &str| fields.contains_key(key);
                let within = |key: &str, form| {
                    let accounts = accounts_with_zeros(&node.get(key))?.accounts;
                    Ok(Self { accounts, block_hashes: BTreeMap::new(), form })
                };
                match () {
                    () if is_answer(fields) => answer(node, |result| Self::of(result, pick)),
                    () if has("pre") && has("post") => Err(node.unexpected(
                        "every account that the transaction touched",
                        "pre and post of diffMode, which have no more than what changed and are not enough to run",
                    )),
                    () if has("structLogs") || has("calls") || has("from") && has("gasUsed") => Err(node
                        .unexpected("the answer of prestateTracer", "that of another tracer")),
                    () if has("alloc") => within("alloc", PreStateForm::Genesis),
                    () if has(ChainState::MARK) => ChainState::of(node).map(Into::into),
                    () if has("accounts") && has("storage") => foundry(node),
                    () if has("accounts") && has("block") => within("accounts", PreStateForm::Anvil),
                    () => of_accounts(node),
                }
            }
            _ => Err(node.wrong("accounts")),
        }
    }

    /// A world of these accounts, and of hashes of blocks that are known.
    pub fn database(self) -> MemoryDatabase {
        MemoryDatabase { accounts: self.accounts, block_hashes: BlockHashes::Known(self.block_hashes) }
    }
}

impl From<ChainState> for PreState {
    fn from(state: ChainState) -> Self {
        let known = state.accounts.into_iter();
        let accounts = known.filter_map(|(address, account)| Some((address, account?))).collect();
        Self { accounts, block_hashes: state.block_hashes, form: PreStateForm::ChainState }
    }
}

fn of_accounts(node: &Node<'_>) -> Result<PreState, FixtureError> {
    let accounts = accounts_with_zeros(node)?.accounts;
    for (key, account) in node.object()?.keys().map(|key| (key, node.get(key))) {
        // A tracer says both: what was cut out of a file is found so.
        let hash = account.get("codeHash");
        let found = key.parse::<Address>().ok().and_then(|address| accounts.get(&address));
        if let (false, Some(found)) = (hash.is_null(), found) {
            let (said, found) = (hash.b256()?, found.code.hash());
            let is_nothing = said.is_zero() && found == KECCAK256_EMPTY;
            if said != found && !is_nothing {
                return Err(
                    account.unexpected(format!("code with the hash {said}"), format!("code with {found}"))
                );
            }
        }
    }
    Ok(PreState { accounts, ..PreState::default() })
}

/// One of many: `[{txHash, result}]`, or several answers.
fn listed(node: &Node<'_>, items: &[Value], pick: Option<Pick>) -> Result<PreState, FixtureError> {
    let hash_of =
        |item: &Value| item.get("txHash").and_then(Value::as_str).and_then(|hash| hash.parse::<B256>().ok());
    let place = match pick {
        Some(Pick::Index(index)) if index < items.len() => Some(index),
        Some(Pick::Hash(hash)) => items.iter().position(|item| hash_of(item) == Some(hash)),
        None if items.len() == 1 => Some(0),
        _ => None,
    };
    let Some(place) = place else {
        let hashes: Vec<_> = items.iter().filter_map(hash_of).map(|hash| hash.to_string()).collect();
        let named = match &hashes[..] {
            [] => ", without their hashes: name one by its index".to_owned(),
            [first] => format!(": {first}"),
            [first, .., last] => format!(": {first} to {last}"),
        };
        let wanted = match pick {
            Some(Pick::Hash(hash)) => format!("that of transaction {hash}"),
            Some(Pick::Index(index)) => format!("that of transaction {index}"),
            None => "one pre-state, or the hash or index of one".to_owned(),
        };
        return Err(node.unexpected(wanted, format!("those of {} transactions{named}", items.len())));
    };
    PreState::of(&node.item(place)?, pick)
}

/// What anvil answers by RPC: hexadecimal of packed JSON.
fn packed(node: &Node<'_>, pick: Option<Pick>) -> Result<PreState, FixtureError> {
    const EXPECTED: &str = "accounts, or hexadecimal of packed ones";
    let bytes = node.bytes().map_err(|_| node.wrong(EXPECTED))?;
    let mut text = Vec::new();
    let read = GzDecoder::new(&bytes[..]).take(MAX_BYTES + 1).read_to_end(&mut text);
    read.map_err(|error| node.unexpected(EXPECTED, format!("no gzip: {error}")))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(node.error(Problem::FileTooLarge { limit: MAX_BYTES }));
    }
    let value = parse("", &text).map_err(|error| node.error(error.problem))?;
    let file = node.file().clone();
    match value {
        Value::String(_) => Err(node.unexpected(EXPECTED, "hexadecimal that is packed")),
        value => PreState::of(&Node::test(&file, "", &value), pick),
    }
}

/// `{accounts: {address: {balance, nonce, code_hash, code}}, storage: {address: {slot: value}}, block_hashes}`.
fn foundry(node: &Node<'_>) -> Result<PreState, FixtureError> {
    let listed = node.get("accounts");
    // Code is an object of the library that wrote it, which has the bytes and what was found out about them.
    let plain: serde_json::Map<_, _> = listed
        .object()?
        .iter()
        .map(|(address, account)| {
            let part = |key: &str| account.get(key).cloned().unwrap_or(Value::Null);
            (address.clone(), json!({ "balance": part("balance"), "nonce": part("nonce") }))
        })
        .collect();
    let file = node.file().clone();
    let mut accounts = accounts_with_zeros(&Node::test(&file, "accounts", &plain.into()))?.accounts;
    for (key, account) in listed.object()?.keys().map(|key| (key, listed.get(key))) {
        let hash = account.get("code_hash");
        let hash = if hash.is_null() { KECCAK256_EMPTY } else { hash.b256()? };
        let code = foundry_code(&account.get("code"), hash)?;
        if let Some(known) = key.parse::<Address>().ok().and_then(|address| accounts.get_mut(&address)) {
            known.code = code;
        }
    }
    let slots = node.get("storage");
    for key in slots.object()?.keys() {
        let of_account = slots.get(key);
        let address =
            key.parse().map_err(|_| of_account.unexpected("an address as the key", format!("{key:?}")))?;
        accounts.entry(address).or_default().storage = storage(&of_account)?;
    }
    let block_hashes = foundry_hashes(&node.get("block_hashes"))?;
    Ok(PreState { accounts, block_hashes, form: PreStateForm::Foundry })
}

/// The keys are words, and so may be any number.
fn foundry_hashes(node: &Node<'_>) -> Result<BTreeMap<u64, B256>, FixtureError> {
    let shortened: serde_json::Map<_, _> = match node.value() {
        Value::Object(hashes) => hashes
            .iter()
            .map(|(key, hash)| {
                let number = key.parse::<U256>().ok().and_then(|number| u64::try_from(number).ok());
                (number.map_or_else(|| key.clone(), |number| number.to_string()), hash.clone())
            })
            .collect(),
        _ => return Ok(BTreeMap::new()),
    };
    let file = node.file().clone();
    hashes_of_blocks(&Node::test(&file, "block_hashes", &shortened.into()))
}

/// Code as revm writes it: `"0x.."`, `{"LegacyAnalyzed": {"bytecode": "0x..", "original_len": N}}` and such. The hash decides which
/// of its bytes are the code's own.
fn foundry_code(node: &Node<'_>, hash: B256) -> Result<Bytecode, FixtureError> {
    if hash == KECCAK256_EMPTY || hash.is_zero() {
        return Ok(Bytecode::default());
    }
    let kind = node.value().as_object().and_then(|kinds| kinds.keys().next());
    let code = match kind {
        None => Bytecode::new(node.bytes()?),
        Some(kind) => {
            let of_kind = node.get(kind);
            let fields = ["bytecode", "original", "bytes", "delegated_address"];
            let field = fields.into_iter().find(|field| !of_kind.get(field).is_null());
            match field {
                Some("delegated_address") => {
                    let to = of_kind.get("delegated_address").address()?;
                    Bytecode::new([&[0xef, 0x01, 0x00], to.as_slice()].concat().into())
                }
                Some(field) => {
                    let bytes = of_kind.get(field).bytes()?;
                    let length = of_kind.get("original_len");
                    let length = if length.is_null() { bytes.len() as u64 } else { length.u64()? };
                    let length = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
                    Bytecode::new(bytes.slice(..length))
                }
                None => Bytecode::new(of_kind.bytes()?),
            }
        }
    };
    if code.hash() != hash {
        return Err(
            node.unexpected(format!("code with the hash {hash}"), format!("code with {}", code.hash()))
        );
    }
    Ok(code)
}
