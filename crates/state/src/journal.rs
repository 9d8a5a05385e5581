//! The journaled state: what the machine asks of it on top. Invariant: `finish` answers in a normal form that depends on
//! what became of the accounts alone, not on the way there.

use std::collections::{BTreeMap, BTreeSet};

use parallax_host_interface::{Accesses, AccountChange, AccountInfo, Host, HostError, Journal, StateChanges};
use parallax_primitives::{Address, Bytecode, Eip, Halt, KECCAK256_EMPTY, Log, Mark, U256};

use crate::{
    State,
    entry::{AccountEntry, Origin, RIPEMD160},
    undo::{Checkpoint, Undo},
};

impl State<'_> {
    /// Puts back what one change replaced.
    fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Balance { account, previous } => self.accounts[account].info.balance = previous,
            Undo::Nonce { account, previous } => self.accounts[account].info.nonce = previous,
            Undo::Code { account, previous } => {
                let entry = &mut self.accounts[account];
                (entry.info.code_hash, entry.code) = *previous;
            }
            Undo::WarmedAccount { account } => {
                self.accounts[account].is_warm = false;
                self.unmark(Mark::WarmAccount(self.accounts[account].address));
            }
            Undo::Touched { account } => self.accounts[account].is_touched = false,
            Undo::Created { account } => {
                self.accounts[account].is_created = false;
                self.unmark(Mark::Created(self.accounts[account].address));
            }
            Undo::Destroyed { account } => {
                self.accounts[account].is_destroyed = false;
                self.unmark(Mark::Destroyed(self.accounts[account].address));
            }
            Undo::WarmedSlot { slot } => {
                self.slots[slot].is_warm = false;
                self.unmark(self.warm_slot_mark(slot));
            }
            Undo::Stored { slot, previous } => {
                self.set_slot(slot, previous);
            }
            Undo::StoredTransient { slot, previous } => {
                self.set_transient(slot, previous);
            }
        }
    }

    /// Whether any slot of the account is not zero, which keeps it from being created (EIP-7610). Slots of the database that the
    /// transaction has set to zero still count: no account without code and nonce can have done so.
    fn has_colliding_storage(&self, account: usize) -> Result<bool, HostError> {
        if !self.rules.has(Eip::CreateCollision7610) {
            return Ok(false);
        }
        let entry = &self.accounts[account];
        if entry.slots.values().any(|&slot| !self.slots[slot].current.is_zero()) {
            return Ok(true);
        }
        Ok(!entry.is_created && self.database.has_storage(entry.address)?)
    }

    /// What became of an account whose slots with other values than before are `storage`, if anything did. No storage is cleared but with its account: what one is created over (not with
    /// EIP-7610) stays until it destroys itself, and a deleted one does not come back.
    fn change(
        &self,
        entry: &AccountEntry,
        storage: BTreeMap<U256, U256>,
    ) -> Result<Option<AccountChange>, HostError> {
        let (before, code_before) = match entry.origin {
            Origin::Unread => return Ok(None),
            Origin::Absent => (None, KECCAK256_EMPTY),
            Origin::Present(info) => (Some(info), info.code_hash),
        };
        if entry.is_destroyed && self.rules.has(Eip::KeptBalance8246) {
            return self.remainder(entry, before);
        }
        if !entry.survives(self.rules) {
            return Ok(before.map(|_| AccountChange::Deleted));
        }
        if before == Some(entry.info) && storage.is_empty() {
            return Ok(None);
        }
        let AccountInfo { nonce, balance, code_hash } = entry.info;
        let code = (code_hash != code_before).then(|| entry.code.clone()).flatten();
        Ok(Some(AccountChange::Changed { nonce, balance, code, storage, clears_storage: false }))
    }

    /// What is left of an account that has destroyed what it was: what it has in wei it keeps (EIP-8246).
    fn remainder(
        &self,
        entry: &AccountEntry,
        before: Option<AccountInfo>,
    ) -> Result<Option<AccountChange>, HostError> {
        let info = AccountInfo { balance: entry.info.balance, ..AccountInfo::default() };
        let left = AccountEntry { info, code: None, is_destroyed: false, ..entry.clone() };
        if !left.survives(self.rules) {
            return Ok(before.map(|_| AccountChange::Deleted));
        }
        let clears_storage = self.database.has_storage(entry.address)?;
        if before == Some(info) && !clears_storage {
            return Ok(None);
        }
        let had_code = before.is_some_and(|before| before.code_hash != KECCAK256_EMPTY);
        let (nonce, balance, code) = (0, info.balance, had_code.then(Bytecode::default));
        Ok(Some(AccountChange::Changed { nonce, balance, code, storage: BTreeMap::new(), clears_storage }))
    }
}

impl Journal for State<'_> {
    fn checkpoint(&mut self) {
        self.checkpoints.push(Checkpoint {
            undo: self.undo.len(),
            logs: self.logs.len(),
            refund: self.refund,
        });
    }

    fn commit(&mut self) {
        let checkpoint = self.checkpoints.pop();
        debug_assert!(checkpoint.is_some(), "commit without a checkpoint");
        let begin = checkpoint.map_or(0, |checkpoint| checkpoint.undo);
        // What was sent something is not empty, and so was not touched, if its frame comes to an end (`incorporate_child_on_success`).
        if let Some(at) = self.pending_touch.take_if(|at| *at >= begin)
            && let Some(Undo::Touched { account }) = self.undo.get(at)
        {
            self.keeps_touch = self.accounts[*account].info.is_empty();
        }
    }

    fn revert(&mut self) {
        debug_assert!(!self.checkpoints.is_empty(), "revert without a checkpoint");
        let Some(checkpoint) = self.checkpoints.pop() else { return };
        let is_nested = !self.checkpoints.is_empty();
        // The frame that touched it fails itself: then it is as empty as it was.
        self.keeps_touch |= self.pending_touch.take_if(|at| *at >= checkpoint.undo).is_some();
        let mut kept = None;
        while self.undo.len() > checkpoint.undo {
            match self.undo.pop() {
                Some(Undo::Touched { account })
                    if is_nested
                        && self.rules.has(Eip::StateClearing161)
                        && self.keeps_touch
                        && self.accounts[account].address == RIPEMD160 =>
                {
                    kept = Some(account);
                }
                Some(undo) => self.undo(undo),
                None => break,
            }
        }
        self.undo.extend(kept.map(|account| Undo::Touched { account }));
        self.logs.truncate(checkpoint.logs);
        self.refund = checkpoint.refund;
    }

    fn as_host(&mut self) -> &mut dyn Host {
        self
    }

    fn bump_nonce(&mut self, address: Address) -> Result<(), HostError> {
        let account = self.read(address)?;
        let previous = self.accounts[account].info.nonce;
        let Some(next) = previous.checked_add(1) else {
            return Err(HostError::new(format!("the nonce of {address} is the largest there is (EIP-2681)")));
        };
        self.touch(account);
        self.undo.push(Undo::Nonce { account, previous });
        self.accounts[account].info.nonce = next;
        Ok(())
    }

    fn set_code(&mut self, address: Address, code: Bytecode) -> Result<(), HostError> {
        let account = self.read(address)?;
        self.touch(account);
        let entry = &mut self.accounts[account];
        let hash = std::mem::replace(&mut entry.info.code_hash, code.hash());
        let previous = Box::new((hash, entry.code.replace(code)));
        self.undo.push(Undo::Code { account, previous });
        Ok(())
    }

    fn credit(&mut self, address: Address, amount: U256) -> Result<(), HostError> {
        let account = self.read(address)?;
        let Some(balance) = self.accounts[account].info.balance.checked_add(amount) else {
            return Err(HostError::new(format!("the balance of {address} would not fit into 256 bits")));
        };
        self.set_balance(account, balance);
        Ok(())
    }

    fn debit(&mut self, address: Address, amount: U256) -> Result<bool, HostError> {
        if amount.is_zero() {
            return Ok(true);
        }
        let account = self.read(address)?;
        let Some(balance) = self.accounts[account].info.balance.checked_sub(amount) else { return Ok(false) };
        self.set_balance(account, balance);
        Ok(true)
    }

    fn transfer(&mut self, from: Address, to: Address, amount: U256) -> Result<bool, HostError> {
        let is_paid = self.debit(from, amount)?;
        if is_paid {
            self.credit(to, amount)?;
            self.log_transfer(from, to, amount);
        }
        Ok(is_paid)
    }

    fn create(
        &mut self,
        creator: Address,
        address: Address,
        value: U256,
    ) -> Result<Result<(), Halt>, HostError> {
        let account = self.read(address)?;
        let info = self.accounts[account].info;
        if info.nonce != 0 || info.code_hash != KECCAK256_EMPTY || self.has_colliding_storage(account)? {
            return Ok(Err(Halt::CreateCollision));
        }
        if !std::mem::replace(&mut self.accounts[account].is_created, true) {
            self.mark(Mark::Created(address));
            self.undo.push(Undo::Created { account });
        }
        if self.rules.has(Eip::StateClearing161) {
            self.bump_nonce(address)?;
        }
        if !self.transfer(creator, address, value)? {
            return Err(HostError::new(format!("{creator} cannot pay the endowment of {address}")));
        }
        Ok(Ok(()))
    }

    /// What the database was asked for: it is asked once, and no rollback forgets it.
    fn accesses(&self) -> Accesses {
        let mut accounts: BTreeMap<Address, BTreeSet<U256>> = BTreeMap::new();
        let read = self.accounts.iter().filter(|entry| entry.origin != Origin::Unread);
        accounts.extend(read.map(|entry| (entry.address, BTreeSet::new())));
        for slot in self.slots.iter().filter(|slot| slot.is_read) {
            accounts.entry(self.accounts[slot.account].address).or_default().insert(slot.key);
        }
        Accesses { accounts }
    }

    fn finish(&mut self) -> Result<(StateChanges, Vec<Log>), HostError> {
        let mut storage: Vec<BTreeMap<U256, U256>> = vec![BTreeMap::new(); self.accounts.len()];
        for slot in self.slots.iter().filter(|slot| slot.current != slot.original) {
            storage[slot.account].insert(slot.key, slot.current);
        }
        let mut accounts = BTreeMap::new();
        for (entry, storage) in self.accounts.iter().zip(storage) {
            if let Some(change) = self.change(entry, storage)? {
                accounts.insert(entry.address, change);
            }
        }
        let (block, transaction) = (self.block().clone(), self.transaction().clone());
        let logs = std::mem::take(&mut self.logs);
        *self = State::new(self.database, self.rules, block, transaction);
        Ok((StateChanges { accounts }, logs))
    }
}
