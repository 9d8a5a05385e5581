//! The state over the database, and everything that is done to it by name: EELS's `state.py`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use parallax_host_interface::{Accesses, AccountInfo, Database, HostError, PrecompileSet, TxEnv};
use parallax_primitives::{Address, B256, BlockEnv, Bytecode, Eip, KECCAK256_EMPTY, Log, Rules, U256};

use crate::{
    gas::calculate_blob_gas_price,
    map::Map,
    state::{Key, State},
};

/// A transaction's world.
pub(crate) struct World<'a> {
    pub(crate) rules: Rules,
    pub(crate) precompiles: &'a dyn PrecompileSet,
    pub(crate) block: BlockEnv,
    pub(crate) transaction: TxEnv,
    /// In wei; zero before Cancun.
    pub(crate) blob_gas_price: U256,
    pub(crate) state: State,
    /// Logs so far; those behind [`State::log_count`] were rolled back.
    pub(crate) logs: Vec<Log>,
    database: &'a dyn Database,
    /// What the database has answered. It answers the same always, so no rollback is of any concern to these.
    accounts: HashMap<Address, Option<AccountInfo>>,
    pub(crate) slots: HashMap<Key, U256>,
    /// Accounts that were read, which no rollback forgets (EIP-7928).
    account_reads: HashSet<Address>,
    /// Slots that were read, likewise.
    storage_reads: HashSet<Key>,
    /// Codes by their hash: the database's, and those that were set.
    codes: HashMap<B256, Bytecode>,
}

impl<'a> World<'a> {
    /// A world in which nothing was changed yet.
    pub(crate) fn new(
        database: &'a dyn Database,
        precompiles: &'a dyn PrecompileSet,
        rules: Rules,
        block: BlockEnv,
        transaction: TxEnv,
    ) -> Self {
        let blob_gas_price = if rules.has(Eip::Blobs4844) {
            calculate_blob_gas_price(block.excess_blob_gas, &block.blobs)
        } else {
            U256::ZERO
        };
        Self {
            rules,
            precompiles,
            block,
            transaction,
            blob_gas_price,
            state: State::default(),
            logs: Vec::new(),
            database,
            accounts: HashMap::new(),
            slots: HashMap::new(),
            account_reads: HashSet::new(),
            storage_reads: HashSet::new(),
            codes: HashMap::new(),
        }
    }

    /// Goes back to `state`, a copy made earlier.
    ///
    /// EELS: `state.py`, `rollback_transaction`.
    pub(crate) fn rollback(&mut self, state: State) {
        self.logs.truncate(state.log_count);
        self.state = state;
    }

    /// The account as it was before the transaction, if that was asked for.
    pub(crate) fn known_account(&self, address: Address) -> Option<&Option<AccountInfo>> {
        self.accounts.get(&address)
    }

    /// The account as it was before the transaction.
    pub(crate) fn original_account(&mut self, address: Address) -> Result<Option<AccountInfo>, HostError> {
        if let Some(account) = self.accounts.get(&address) {
            return Ok(*account);
        }
        let account = self.database.account(address)?;
        self.accounts.insert(address, account);
        Ok(account)
    }

    /// EELS: `state.py`, `get_account_optional`.
    pub(crate) fn get_account_optional(
        &mut self,
        address: Address,
    ) -> Result<Option<AccountInfo>, HostError> {
        if self.rules.has(Eip::BlockAccessLists7928) {
            self.account_reads.insert(address);
        }
        match self.state.accounts.get(&address) {
            Some(account) => Ok(*account),
            None => self.original_account(address),
        }
    }

    /// The account, or an empty one if there is none.
    ///
    /// EELS: `state.py`, `get_account`.
    pub(crate) fn get_account(&mut self, address: Address) -> Result<AccountInfo, HostError> {
        Ok(self.get_account_optional(address)?.unwrap_or_default())
    }

    /// The code with this hash.
    pub(crate) fn get_code(&mut self, hash: B256) -> Result<Bytecode, HostError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        if let Some(code) = self.codes.get(&hash) {
            return Ok(code.clone());
        }
        let code = self.database.code(hash)?;
        self.codes.insert(hash, code.clone());
        Ok(code)
    }

    /// EELS: `state.py`, `set_account`.
    fn set_account(&mut self, address: Address, account: Option<AccountInfo>) {
        self.state.accounts.insert(address, account);
    }

    /// Appends a log.
    pub(crate) fn log(&mut self, log: Log) {
        self.logs.push(log);
        self.state.log_count = self.logs.len();
    }

    /// Takes all of the account away but its balance: nonce, code and storage (EIP-8246).
    ///
    /// EELS: `fork.py`, the end of `process_transaction`.
    pub(crate) fn clear_account_preserving_balance(&mut self, address: Address) -> Result<(), HostError> {
        let AccountInfo { balance, .. } = self.get_account(address)?;
        self.destroy_account(address);
        if !balance.is_zero() {
            self.set_account_balance(address, balance)?;
        }
        Ok(())
    }

    /// Takes the account away, and all of its storage.
    ///
    /// EELS: `state.py`, `destroy_account`.
    pub(crate) fn destroy_account(&mut self, address: Address) {
        self.state.storage.insert(address, Map::default());
        self.state.destroyed_storage.add(address);
        self.set_account(address, None);
    }

    /// EELS: `state.py`, `get_storage`.
    pub(crate) fn get_storage(&mut self, address: Address, key: U256) -> Result<U256, HostError> {
        if self.rules.has(Eip::BlockAccessLists7928) {
            self.storage_reads.insert((address, key));
        }
        match self.state.storage.get(&address).and_then(|storage| storage.get(&key)) {
            Some(value) => Ok(*value),
            None => self.get_storage_original(address, key),
        }
    }

    /// The slot as it was before the transaction, whosever it was then. To an account that was created in it, it is zero: see where it is
    /// loaded.
    ///
    /// EELS: `state.py`, `get_storage_original`.
    pub(crate) fn get_storage_original(&mut self, address: Address, key: U256) -> Result<U256, HostError> {
        if let Some(value) = self.slots.get(&(address, key)) {
            return Ok(*value);
        }
        let value = self.database.storage(address, key)?;
        self.slots.insert((address, key), value);
        Ok(value)
    }

    /// EELS: `state.py`, `set_storage`.
    pub(crate) fn set_storage(&mut self, address: Address, key: U256, value: U256) -> Result<(), HostError> {
        let original = self.get_storage_original(address, key)?;
        self.state.set_storage(address, key, value, original);
        Ok(())
    }

    /// EELS: `state.py`, `account_exists`.
    pub(crate) fn account_exists(&mut self, address: Address) -> Result<bool, HostError> {
        Ok(self.get_account_optional(address)?.is_some())
    }

    /// EELS: `state.py`, `account_has_code_or_nonce`.
    pub(crate) fn account_has_code_or_nonce(&mut self, address: Address) -> Result<bool, HostError> {
        let account = self.get_account(address)?;
        Ok(account.nonce != 0 || account.code_hash != KECCAK256_EMPTY)
    }

    /// Whether any slot is not zero now. What the database has of an account that may be created nobody can have cleared.
    ///
    /// EELS: `state.py`, `account_has_storage`.
    pub(crate) fn account_has_storage(&mut self, address: Address) -> Result<bool, HostError> {
        let written = self.state.storage.get(&address);
        let has_written = written.is_some_and(|storage| storage.iter().any(|(_, value)| !value.is_zero()));
        Ok(has_written || self.database.has_storage(address)?)
    }

    /// Whether it had storage before the transaction, and none of that is left.
    ///
    /// EELS: `state.py`, the storage tries that `destroy_storage` leaves out of the root.
    pub(crate) fn lost_its_storage(&self, address: Address) -> Result<bool, HostError> {
        Ok(self.state.destroyed_storage.contains(&address) && self.database.has_storage(address)?)
    }

    /// EELS: `state.py`, `account_exists_and_is_empty`.
    pub(crate) fn account_exists_and_is_empty(&mut self, address: Address) -> Result<bool, HostError> {
        Ok(self.get_account_optional(address)?.is_some_and(|account| account.is_empty()))
    }

    /// EELS: `state.py`, `is_account_alive`.
    pub(crate) fn is_account_alive(&mut self, address: Address) -> Result<bool, HostError> {
        Ok(self.get_account_optional(address)?.is_some_and(|account| !account.is_empty()))
    }

    /// Makes an account that does not exist an empty one that does.
    ///
    /// EELS: `state.py`, `touch_account`; gone from Paris on, where no account is empty between two transactions (EIP-7523).
    pub(crate) fn touch_account(&mut self, address: Address) -> Result<(), HostError> {
        if !self.account_exists(address)? {
            self.set_account(address, Some(AccountInfo::default()));
        }
        Ok(())
    }

    /// Remembers an account that exists and is empty: it goes at the end if it still is (EIP-161). Nothing before
    /// Spurious Dragon.
    ///
    /// EELS: the lines on `touched_accounts` in `vm/__init__.py`, `vm/interpreter.py` and `vm/instructions/system.py`, up to
    /// London. From Paris on it has none, as no account is empty there (EIP-7523); EIP-161 still says what were to
    /// become of one.
    pub(crate) fn touch_if_empty(&mut self, address: Address) -> Result<(), HostError> {
        if self.rules.has(Eip::StateClearing161) && self.account_exists_and_is_empty(address)? {
            self.state.touched_accounts.add(address);
        }
        Ok(())
    }

    /// Takes from one balance and adds to another. The caller has checked that it is there.
    ///
    /// EELS: `state.py`, `move_ether`.
    pub(crate) fn move_ether(
        &mut self,
        sender: Address,
        recipient: Address,
        amount: U256,
    ) -> Result<(), HostError> {
        let balance = self.get_account(sender)?.balance;
        let Some(left) = balance.checked_sub(amount) else {
            return Err(HostError::new(format!("{sender} has {balance} wei and is to send {amount}")));
        };
        self.set_account_balance(sender, left)?;
        // The source of a transfer is touched as well (EIP-161): in a transaction it has a nonce or code, below a bare message it need not.
        self.touch_if_empty(sender)?;
        self.add_to_balance(recipient, amount)
    }

    /// Adds to a balance. No more than 2^256 - 1 wei are in any one: the specification has no answer to that either.
    pub(crate) fn add_to_balance(&mut self, address: Address, amount: U256) -> Result<(), HostError> {
        let balance = self.get_account(address)?.balance;
        match balance.checked_add(amount) {
            Some(sum) => self.set_account_balance(address, sum),
            None => Err(HostError::new(format!("{address} has {balance} wei and is to be sent {amount}"))),
        }
    }

    /// EELS: `state.py`, `set_account_balance`.
    pub(crate) fn set_account_balance(&mut self, address: Address, balance: U256) -> Result<(), HostError> {
        let account = self.get_account(address)?;
        self.set_account(address, Some(AccountInfo { balance, ..account }));
        Ok(())
    }

    /// EELS: `state.py`, `increment_nonce`. The caller has checked that it is below 2^64 - 1 (EIP-2681).
    pub(crate) fn increment_nonce(&mut self, address: Address) -> Result<(), HostError> {
        let account = self.get_account(address)?;
        let nonce = account.nonce.saturating_add(1);
        self.set_account(address, Some(AccountInfo { nonce, ..account }));
        Ok(())
    }

    /// EELS: `state.py`, `set_code`.
    pub(crate) fn set_code(&mut self, address: Address, code: Bytecode) -> Result<(), HostError> {
        let account = self.get_account(address)?;
        let code_hash = code.hash();
        self.codes.insert(code_hash, code);
        self.set_account(address, Some(AccountInfo { code_hash, ..account }));
        Ok(())
    }

    /// What was looked at, if the rules ask for it.
    ///
    /// EELS: `state_tracker.py`, the reads of a `TransactionState`.
    pub(crate) fn accesses(&self) -> Option<Accesses> {
        if !self.rules.has(Eip::BlockAccessLists7928) {
            return None;
        }
        let untouched = self.account_reads.iter().map(|address| (*address, BTreeSet::new()));
        let mut accounts: BTreeMap<Address, BTreeSet<U256>> = untouched.collect();
        for (address, key) in &self.storage_reads {
            accounts.entry(*address).or_default().insert(*key);
        }
        Some(Accesses { accounts })
    }

    /// Hash of block `number`, as the database has it.
    pub(crate) fn database_block_hash(&self, number: u64) -> Result<B256, HostError> {
        self.database.block_hash(number)
    }
}
