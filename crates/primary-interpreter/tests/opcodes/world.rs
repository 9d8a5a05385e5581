//! A world of plain maps, for one frame. It is all that the opcodes under test may ask, and remembers all they did.

use std::collections::{BTreeMap, BTreeSet};

use parallax_host_interface::{Host, HostError, SelfDestruct, Slot, TxEnv};
use parallax_primitives::{
    Address, B256, BlockEnv, Bytecode, Fork, JournalView, Log, Message, U256, keccak256,
};

/// What there is, and what became of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct World {
    pub(crate) block: BlockEnv,
    pub(crate) transaction: TxEnv,
    pub(crate) accounts: BTreeMap<Address, Stub>,
    /// Value now and at the start of the transaction.
    pub(crate) slots: BTreeMap<(Address, U256), (U256, U256)>,
    pub(crate) transient: BTreeMap<(Address, U256), U256>,
    pub(crate) warm_accounts: BTreeSet<Address>,
    pub(crate) warm_slots: BTreeSet<(Address, U256)>,
    pub(crate) refund: i64,
    pub(crate) logs: Vec<Log>,
    /// Who destroyed itself in whose favour.
    pub(crate) destroyed: Vec<(Address, Address)>,
    /// Decides what a dead account is (EIP-161).
    pub(crate) empty_is_dead: bool,
}

/// An account that exists.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stub {
    pub(crate) balance: U256,
    pub(crate) code: Bytecode,
    pub(crate) nonce: u64,
}

impl World {
    pub(crate) fn of(fork: Fork) -> Self {
        Self { empty_is_dead: (fork >= Fork::SpuriousDragon), ..Self::default() }
    }

    fn alive(&self, address: Address) -> Option<&Stub> {
        self.accounts.get(&address).filter(|stub| !self.empty_is_dead || **stub != Stub::default())
    }
}

impl Host for World {
    fn block(&self) -> &BlockEnv {
        &self.block
    }

    fn transaction(&self) -> &TxEnv {
        &self.transaction
    }

    fn journal_view(&self) -> &dyn JournalView {
        self
    }

    fn warm_account(&mut self, address: Address) -> bool {
        self.warm_accounts.insert(address)
    }

    fn warm_slot(&mut self, address: Address, key: U256) -> bool {
        self.warm_slots.insert((address, key))
    }

    fn nonce(&mut self, _: Address) -> Result<u64, HostError> {
        Ok(0)
    }

    fn created_address(&mut self, creation: &Message) -> Result<Address, HostError> {
        Ok(creation.caller.create(0))
    }

    fn balance(&mut self, address: Address) -> Result<U256, HostError> {
        Ok(self.accounts.get(&address).map_or(U256::ZERO, |stub| stub.balance))
    }

    fn code(&mut self, address: Address) -> Result<Bytecode, HostError> {
        Ok(self.accounts.get(&address).map_or_else(Bytecode::default, |stub| stub.code.clone()))
    }

    fn code_hash(&mut self, address: Address) -> Result<Option<B256>, HostError> {
        Ok(self.alive(address).map(|stub| stub.code.hash()))
    }

    fn is_dead(&mut self, address: Address) -> Result<bool, HostError> {
        Ok(self.alive(address).is_none())
    }

    fn load_slot(&mut self, address: Address, key: U256) -> Result<Slot, HostError> {
        let (current, original) = self.slots.get(&(address, key)).copied().unwrap_or_default();
        Ok(Slot { current, original, was_cold: self.warm_slots.insert((address, key)) })
    }

    fn store_slot(&mut self, address: Address, key: U256, value: U256) -> Result<(), HostError> {
        assert!(self.warm_slots.contains(&(address, key)), "a slot is loaded before it is stored");
        self.slots.entry((address, key)).or_default().0 = value;
        Ok(())
    }

    fn load_transient(&mut self, address: Address, key: U256) -> U256 {
        self.transient.get(&(address, key)).copied().unwrap_or_default()
    }

    fn store_transient(&mut self, address: Address, key: U256, value: U256) {
        self.transient.insert((address, key), value);
    }

    fn add_refund(&mut self, delta: i64) {
        self.refund += delta;
    }

    fn log(&mut self, log: Log) {
        self.logs.push(log);
    }

    fn self_destruct(&mut self, address: Address, beneficiary: Address) -> Result<SelfDestruct, HostError> {
        let was_marked = self.destroyed.iter().any(|(marked, _)| *marked == address);
        self.destroyed.push((address, beneficiary));
        Ok(SelfDestruct { was_marked })
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, HostError> {
        let known = number < self.block.number && self.block.number - number <= 256;
        Ok(if known { keccak256(number.to_be_bytes()) } else { B256::ZERO })
    }
}

impl JournalView for World {
    fn refund(&self) -> i64 {
        self.refund
    }

    fn storage(&self, address: Address, key: U256) -> Option<U256> {
        self.slots.get(&(address, key)).map(|slot| slot.0)
    }

    fn original_storage(&self, address: Address, key: U256) -> Option<U256> {
        self.slots.get(&(address, key)).map(|slot| slot.1)
    }

    fn transient_storage(&self, address: Address, key: U256) -> U256 {
        self.transient.get(&(address, key)).copied().unwrap_or_default()
    }

    fn logs(&self) -> &[Log] {
        &self.logs
    }
}
