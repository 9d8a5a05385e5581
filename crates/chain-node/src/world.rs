//! The state of a chain before a block, asked of a node as it is needed, and kept.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use parallax_block_data::Block;
use parallax_chain_input::{ChainBlock, ChainReceipt, ChainState, InBlock};
use parallax_host_interface::{AccountInfo, Database, HostError};
use parallax_memory_database::Account;
use parallax_primitives::{Address, B256, Bytecode, Bytes, KECCAK256_EMPTY, U256};
use parallax_state_tests::{FixtureError, Node};
use serde_json::{Value, json};

use crate::{NodeClient, NodeError};

/// The state before a block. What was asked for once is not asked for again; without a node, what is not kept is an error.
#[derive(Debug)]
pub struct ChainWorld {
    node: Option<NodeClient>,
    kept: Mutex<ChainState>,
    /// The block whose state it is: the parent.
    number: u64,
}

impl ChainWorld {
    /// Asks a node for the block of a transaction: its state is that before this block.
    ///
    /// # Errors
    ///
    /// The node has none, failed, or answered with a block that is not what it says.
    pub fn ask(node: NodeClient, transaction: B256, checks_hash: bool) -> Result<Self, NodeError> {
        const CHAIN: &str = "eth_chainId";
        const TRANSACTION: &str = "eth_getTransactionByHash";
        const BLOCK: &str = "eth_getBlockByHash";
        let chain_id = read(&node, CHAIN, &node.call(CHAIN, &json!([]))?, integer)?;
        let found = node.call(TRANSACTION, &json!([transaction.to_string()]))?;
        if found.is_null() {
            return Err(node.wrong(TRANSACTION, format_args!("the node does not have {transaction}")));
        }
        let hash = read(&node, TRANSACTION, &found, |found| {
            let hash = found.get("blockHash");
            if hash.is_null() { Ok(None) } else { hash.b256().map(Some) }
        })?;
        let hash =
            hash.ok_or_else(|| node.wrong(TRANSACTION, format_args!("{transaction} is in no block yet")))?;
        let block = node.call(BLOCK, &json!([hash.to_string(), true]))?;
        let read_block = read(&node, BLOCK, &block, ChainBlock::of)?;
        check_block(&read_block, hash, transaction, checks_hash)
            .map_err(|reason| node.wrong(BLOCK, reason))?;
        let number = read_block.header.number.checked_sub(1);
        let number = number.ok_or_else(|| node.wrong(BLOCK, "the first block has no transactions"))?;
        let kept = ChainState {
            chain_id,
            host: node.host().to_owned(),
            block,
            block_hashes: [(number, read_block.header.parent_hash)].into(),
            ..ChainState::default()
        };
        Ok(Self { node: Some(node), kept: Mutex::new(kept), number })
    }

    /// Goes on with what was kept; `name` is what errors call it. With a node, what is missing is asked for.
    ///
    /// # Errors
    ///
    /// What was kept is of another chain than the node's, or has no block.
    pub fn kept(node: Option<NodeClient>, mut kept: ChainState, name: &str) -> Result<Self, String> {
        if let Some(node) = &node {
            let answer = node.call("eth_chainId", &json!([])).map_err(|error| error.to_string())?;
            let chain_id = read(node, "eth_chainId", &answer, integer).map_err(|error| error.to_string())?;
            if chain_id != kept.chain_id {
                return Err(format!(
                    "{name}: it is of chain {}, and {} is of chain {chain_id}",
                    kept.chain_id,
                    node.host()
                ));
            }
        }
        let file: Arc<str> = name.into();
        let block =
            ChainBlock::of(&Node::test(&file, "block", &kept.block)).map_err(|error| error.to_string())?;
        let number = block.header.number.checked_sub(1);
        let number = number.ok_or_else(|| format!("{name}: the first block has no transactions"))?;
        kept.block_hashes.insert(number, block.header.parent_hash);
        Ok(Self { node, kept: Mutex::new(kept), number })
    }

    /// The chain.
    pub fn chain_id(&self) -> u64 {
        self.lock().chain_id
    }

    /// The block.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn block(&self) -> Result<ChainBlock, FixtureError> {
        let kept = self.lock();
        let file: Arc<str> = kept.host.as_str().into();
        ChainBlock::of(&Node::test(&file, "block", &kept.block))
    }

    /// The receipt of a transaction of the block.
    ///
    /// # Errors
    ///
    /// The node failed or answered with what is none; there is no node, and none was kept.
    pub fn receipt(&self, transaction: B256) -> Result<ChainReceipt, HostError> {
        const METHOD: &str = "eth_getTransactionReceipt";
        let known = self.lock().receipts.get(&transaction).cloned();
        let receipt = match known {
            Some(receipt) => receipt,
            None => self
                .node(|| format!("the receipt of {transaction}"))?
                .call(METHOD, &json!([transaction.to_string()]))?,
        };
        let file: Arc<str> = METHOD.into();
        let read = ChainReceipt::of(&Node::test(&file, "", &receipt))
            .map_err(|error| HostError::new(error.to_string()))?;
        self.lock().receipts.insert(transaction, receipt);
        Ok(read)
    }

    /// All that was asked for so far.
    pub fn state(&self) -> ChainState {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, ChainState> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn node(&self, what: impl FnOnce() -> String) -> Result<&NodeClient, HostError> {
        self.node
            .as_ref()
            .ok_or_else(|| HostError::new(format!("{} was not kept, and there is no node to ask", what())))
    }

    fn value<T>(
        &self,
        method: &'static str,
        parameters: &Value,
        what: impl FnOnce() -> String,
        as_value: impl Fn(&Node<'_>) -> Result<T, FixtureError>,
    ) -> Result<T, HostError> {
        let node = self.node(what)?;
        let answer = node.call(method, parameters)?;
        Ok(read(node, method, &answer, as_value)?)
    }

    /// The account as it was kept, or as the node says it.
    fn with_account<T>(
        &self,
        address: Address,
        look: impl FnOnce(Option<&Account>) -> T,
    ) -> Result<T, HostError> {
        if let Some(known) = self.lock().accounts.get(&address) {
            return Ok(look(known.as_ref()));
        }
        let what = || format!("account {address:#x}");
        let at = json!([format!("{address:#x}"), format!("{:#x}", self.number)]);
        let account = Account {
            balance: self.value("eth_getBalance", &at, what, word)?,
            nonce: self.value("eth_getTransactionCount", &at, what, integer)?,
            code: Bytecode::new(self.value("eth_getCode", &at, what, bytes)?),
            storage: BTreeMap::new(),
        };
        // A node does not say whether an account is there, and one without anything is none since Spurious Dragon.
        let account = (account != Account::default()).then_some(account);
        let answer = look(account.as_ref());
        self.lock().accounts.insert(address, account);
        Ok(answer)
    }
}

/// That a block is the one asked for, and its transactions are those of its header.
fn check_block(block: &ChainBlock, hash: B256, transaction: B256, checks_hash: bool) -> Result<(), String> {
    if block.hash != Some(hash) {
        let said = block.hash.map_or_else(|| "none".to_owned(), |said| said.to_string());
        return Err(format!("the answer is another block: its hash is {said}, and {hash} was asked for"));
    }
    if checks_hash {
        block.check_hash()?;
    }
    let InBlock::Whole(list) = &block.transactions else {
        return Err("the block has no whole transactions".to_owned());
    };
    let read: Vec<_> = list.iter().flatten().collect();
    if !read.iter().any(|read| read.hash == transaction) {
        let broken = list.iter().find_map(|read| read.as_ref().err());
        let why = broken.map_or(String::new(), |error| format!(": {error}"));
        return Err(format!("the block does not have transaction {transaction}{why}"));
    }
    if checks_hash && read.len() == list.len() {
        let transactions = read.iter().map(|read| read.signed.transaction.envelope.clone()).collect();
        let root = Block { transactions, ..Block::default() }.transactions_root();
        if root != block.header.transactions_root {
            return Err(format!(
                "the root of its transactions is {root}, and the block says {}",
                block.header.transactions_root
            ));
        }
    }
    Ok(())
}

fn read<T>(
    client: &NodeClient,
    method: &'static str,
    answer: &Value,
    as_value: impl FnOnce(&Node<'_>) -> Result<T, FixtureError>,
) -> Result<T, NodeError> {
    let file: Arc<str> = method.into();
    as_value(&Node::test(&file, "", answer)).map_err(|FixtureError { path, problem, .. }| {
        let at = if path.is_empty() { String::new() } else { format!("at {path}: ") };
        client.wrong(method, format_args!("{at}{problem}"))
    })
}

fn integer(node: &Node<'_>) -> Result<u64, FixtureError> {
    node.u64()
}

fn word(node: &Node<'_>) -> Result<U256, FixtureError> {
    node.u256()
}

fn bytes(node: &Node<'_>) -> Result<Bytes, FixtureError> {
    node.bytes()
}

impl Database for ChainWorld {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, HostError> {
        self.with_account(address, |account| {
            account.map(|account| AccountInfo {
                nonce: account.nonce,
                balance: account.balance,
                code_hash: account.code.hash(),
            })
        })
    }

    fn code(&self, hash: B256) -> Result<Bytecode, HostError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        let kept = self.lock();
        let found = kept.accounts.values().flatten().find(|account| account.code.hash() == hash);
        let code = found.map(|account| account.code.clone());
        code.ok_or_else(|| HostError::new(format!("no account that was asked for has code with hash {hash}")))
    }

    fn storage(&self, address: Address, key: U256) -> Result<U256, HostError> {
        let known = self.with_account(address, |account| match account {
            // Nothing is there.
            None => Some(U256::ZERO),
            Some(account) => account.storage.get(&key).copied(),
        })?;
        if let Some(value) = known {
            return Ok(value);
        }
        let at = json!([format!("{address:#x}"), format!("{key:#x}"), format!("{:#x}", self.number)]);
        let what = || format!("slot {key:#x} of account {address:#x}");
        let value = self.value("eth_getStorageAt", &at, what, word)?;
        if let Some(Some(account)) = self.lock().accounts.get_mut(&address) {
            account.storage.insert(key, value);
        }
        Ok(value)
    }

    /// No node can be asked whether there are slots: what is known of them counts. An account that has slots and neither a nonce nor
    /// code, of which alone this is asked, is none that a chain could make since Spurious Dragon (EIP-7610).
    fn has_storage(&self, address: Address) -> Result<bool, HostError> {
        self.with_account(address, |account| {
            account.is_some_and(|account| account.storage.values().any(|value| !value.is_zero()))
        })
    }

    fn block_hash(&self, number: u64) -> Result<B256, HostError> {
        const METHOD: &str = "eth_getBlockByNumber";
        let known = self.lock().block_hashes.get(&number).copied();
        if let Some(hash) = known {
            return Ok(hash);
        }
        let what = || format!("the hash of block {number}");
        let block = self.value(METHOD, &json!([format!("{number:#x}"), false]), what, ChainBlock::of)?;
        let hash = block.hash.unwrap_or_else(|| block.header.hash());
        if block.header.number != number {
            let reason = format!("the answer is block {}, and {number} was asked for", block.header.number);
            return Err(self.node(what)?.wrong(METHOD, reason).into());
        }
        if let Err(reason) = block.check_hash() {
            return Err(self.node(what)?.wrong(METHOD, reason).into());
        }
        self.lock().block_hashes.insert(number, hash);
        Ok(hash)
    }
}
