//! What opcodes may ask of the world.

use parallax_host_interface::{Host, HostError, SelfDestruct, Slot, TxEnv};
use parallax_primitives::{Address, B256, BlockEnv, Bytecode, Eip, JournalView, Log, Mark, Message, U256};

use crate::{
    eoa_delegation::get_delegated_code_address,
    interpreter::{Sender, address_creation, emit_transfer_log},
    world::World,
};

impl JournalView for World<'_> {
    fn refund(&self) -> i64 {
        self.state.refund_counter
    }

    fn storage(&self, address: Address, key: U256) -> Option<U256> {
        let written = self.state.storage.get(&address).and_then(|storage| storage.get(&key));
        written.copied().or_else(|| self.original_storage(address, key))
    }

    fn original_storage(&self, address: Address, key: U256) -> Option<U256> {
        self.slots.get(&(address, key)).copied()
    }

    fn transient_storage(&self, address: Address, key: U256) -> U256 {
        self.state.get_transient_storage(address, key)
    }

    fn logs(&self) -> &[Log] {
        &self.logs
    }

    fn balance(&self, address: Address) -> Option<U256> {
        let account = self.state.accounts.get(&address).or_else(|| self.known_account(address))?;
        Some(account.unwrap_or_default().balance)
    }

    fn marks_digest(&self) -> Option<u64> {
        Some(self.state.marks_digest)
    }

    fn marks(&self) -> Vec<Mark> {
        let mut marks = self.state.marks();
        for (address, slots) in self.state.storage.iter() {
            let changed =
                slots.iter().filter(|(key, value)| self.slots.get(&(*address, **key)) != Some(*value));
            marks.extend(changed.map(|(key, value)| Mark::Storage(*address, *key, *value)));
        }
        marks
    }
}

impl Host for World<'_> {
    fn block(&self) -> &BlockEnv {
        &self.block
    }

    fn transaction(&self) -> &TxEnv {
        &self.transaction
    }

    fn journal_view(&self) -> &dyn JournalView {
        self
    }

    fn blob_base_fee(&self) -> U256 {
        self.blob_gas_price
    }

    fn warm_account(&mut self, address: Address) -> bool {
        self.rules.has(Eip::WarmAccess2929) && self.state.access_address(address)
    }

    fn warm_slot(&mut self, address: Address, key: U256) -> bool {
        self.rules.has(Eip::WarmAccess2929) && self.state.access_storage_key(address, key)
    }

    fn nonce(&mut self, address: Address) -> Result<u64, HostError> {
        Ok(self.get_account(address)?.nonce)
    }

    fn created_address(&mut self, creation: &Message) -> Result<Address, HostError> {
        let mut creation = creation.clone();
        address_creation(self, &mut creation, Sender::Opcode)?;
        Ok(creation.address)
    }

    fn balance(&mut self, address: Address) -> Result<U256, HostError> {
        Ok(self.get_account(address)?.balance)
    }

    fn code(&mut self, address: Address) -> Result<Bytecode, HostError> {
        let account = self.get_account(address)?;
        self.get_code(account.code_hash)
    }

    fn delegate(&mut self, address: Address) -> Result<Option<Address>, HostError> {
        Ok(get_delegated_code_address(self.code(address)?.bytes()))
    }

    fn code_hash(&mut self, address: Address) -> Result<Option<B256>, HostError> {
        let is_dead = self.is_dead(address)?;
        Ok(if is_dead { None } else { Some(self.get_account(address)?.code_hash) })
    }

    fn is_dead(&mut self, address: Address) -> Result<bool, HostError> {
        if self.rules.has(Eip::StateClearing161) {
            // EIP-161
            Ok(!self.is_account_alive(address)?)
        } else {
            Ok(!self.account_exists(address)?)
        }
    }

    fn load_slot(&mut self, address: Address, key: U256) -> Result<Slot, HostError> {
        let mut original = self.get_storage_original(address, key)?;
        if !original.is_zero() && self.state.created_accounts.contains(&address) {
            // Whatever lay where the account was created was not its own.
            original = U256::ZERO;
        }
        let current = self.get_storage(address, key)?;
        let was_cold = self.rules.has(Eip::WarmAccess2929) && self.state.access_storage_key(address, key);
        Ok(Slot { current, original, was_cold })
    }

    fn store_slot(&mut self, address: Address, key: U256, value: U256) -> Result<(), HostError> {
        self.set_storage(address, key, value)
    }

    fn load_transient(&mut self, address: Address, key: U256) -> U256 {
        self.state.get_transient_storage(address, key)
    }

    fn store_transient(&mut self, address: Address, key: U256, value: U256) {
        self.state.set_transient_storage(address, key, value);
    }

    fn add_refund(&mut self, delta: i64) {
        self.state.refund_counter += delta;
    }

    fn log(&mut self, log: Log) {
        World::log(self, log);
    }

    /// EELS: `vm/instructions/system.py`, `selfdestruct`, what is behind its charge.
    fn self_destruct(&mut self, address: Address, beneficiary: Address) -> Result<SelfDestruct, HostError> {
        let was_marked = self.state.accounts_to_delete.contains(&address);
        let balance = self.get_account(address)?.balance;
        if self.rules.has(Eip::SelfDestruct6780) {
            // EIP-6780: it only sends its balance, to itself in vain, unless it was created in this transaction.
            self.move_ether(address, beneficiary, balance)?;
            if self.state.created_accounts.contains(&address) {
                if !self.rules.has(Eip::KeptBalance8246) {
                    self.set_account_balance(address, U256::ZERO)?;
                }
                self.state.delete_at_end(address);
            }
        } else {
            // What it sends to itself is burnt.
            self.set_account_balance(address, U256::ZERO)?;
            if beneficiary != address {
                self.add_to_balance(beneficiary, balance)?;
            }
            self.state.delete_at_end(address);
        }
        emit_transfer_log(self, address, beneficiary, balance);
        self.touch_if_empty(beneficiary)?;
        Ok(SelfDestruct { was_marked })
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, HostError> {
        let current = self.block.number;
        if number < current && current - number <= 256 {
            self.database_block_hash(number)
        } else {
            Ok(B256::ZERO)
        }
    }
}
