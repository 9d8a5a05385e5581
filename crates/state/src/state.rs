//! The journaled state: what an interpreter asks of it. Invariant: every change has its record in the undo log, so that any
//! checkpoint can be returned to; nothing of it reaches the database.

use std::cell::OnceCell;

use parallax_host_interface::{AccountInfo, Database, Host, HostError, Journal, SelfDestruct, Slot, TxEnv};
use parallax_primitives::{
    Address, B256, BlockEnv, Bytecode, Eip, JournalView, KECCAK256_EMPTY, Log, Mark, Message, MessageKind,
    Rules, U256, address,
    alloy_primitives::map::{AddressMap, HashMap},
    b256,
};

use crate::{
    entry::{AccountEntry, Origin, RIPEMD160, SlotEntry, TransientEntry},
    undo::{Checkpoint, Undo},
};

/// Blocks back that BLOCKHASH reaches (Yellow Paper, appendix H).
const BLOCK_HASH_WINDOW: u64 = 256;

/// Who logs transfers of value (EIP-7708).
const SYSTEM: Address = address!("0xfffffffffffffffffffffffffffffffffffffffe");

/// Keccak-256 of `Transfer(address,address,uint256)` (EIP-7708).
const TRANSFER: B256 = b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// The world as one transaction sees it, over a database that it only reads.
#[derive(Clone)]
pub struct State<'a> {
    pub(crate) database: &'a dyn Database,
    pub(crate) rules: Rules,
    block: BlockEnv,
    /// Worked out when it is first asked for: a great price takes hundreds of long divisions, BLOBBASEFEE 2 gas.
    blob_base_fee: OnceCell<U256>,
    transaction: TxEnv,
    pub(crate) accounts: Vec<AccountEntry>,
    places: AddressMap<usize>,
    pub(crate) slots: Vec<SlotEntry>,
    /// Account asked for last: opcodes ask for the same one again and again.
    last_account: usize,
    /// Slot asked for last: an SSTORE loads before it stores.
    last_slot: usize,
    /// Where each transient slot is in `transient`.
    transient_places: HashMap<(Address, U256), usize>,
    /// Transient slot written last, and its place: an observer reads back what was written.
    last_transient: Option<((Address, U256), usize)>,
    pub(crate) transient: Vec<TransientEntry>,
    pub(crate) logs: Vec<Log>,
    pub(crate) refund: i64,
    pub(crate) undo: Vec<Undo>,
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// Where the touch of RIPEMD-160's account stands in `undo`, until the frame is over in which it happened.
    pub(crate) pending_touch: Option<usize>,
    /// Whether that touch outlives the frames around it, should they fail.
    pub(crate) keeps_touch: bool,
    /// See [`JournalView::marks_digest`].
    marks: u64,
}

impl<'a> State<'a> {
    /// A state in which nothing has happened yet.
    pub fn new(
        database: &'a dyn Database,
        rules: impl Into<Rules>,
        block: BlockEnv,
        transaction: TxEnv,
    ) -> Self {
        Self {
            database,
            rules: rules.into(),
            block,
            blob_base_fee: OnceCell::new(),
            transaction,
            accounts: Vec::new(),
            places: AddressMap::default(),
            slots: Vec::new(),
            last_account: 0,
            last_slot: 0,
            transient_places: HashMap::default(),
            last_transient: None,
            transient: Vec::new(),
            logs: Vec::new(),
            refund: 0,
            undo: Vec::new(),
            checkpoints: Vec::new(),
            pending_touch: None,
            keeps_touch: false,
            marks: 0,
        }
    }

    /// The place of an account, known or not; the database is not asked.
    pub(crate) fn place(&mut self, address: Address) -> usize {
        if self.accounts.get(self.last_account).is_some_and(|entry| entry.address == address) {
            return self.last_account;
        }
        let next = self.accounts.len();
        let place = *self.places.entry(address).or_insert(next);
        if place == next {
            self.accounts.push(AccountEntry::unread(address));
        }
        self.last_account = place;
        place
    }

    /// The place of an account whose nonce, balance and code hash are known.
    pub(crate) fn read(&mut self, address: Address) -> Result<usize, HostError> {
        let place = self.place(address);
        let entry = &mut self.accounts[place];
        if entry.origin == Origin::Unread {
            (entry.origin, entry.info) = match self.database.account(address)? {
                Some(info) => (Origin::Present(info), info),
                None => (Origin::Absent, AccountInfo::default()),
            };
        }
        Ok(place)
    }

    /// The place of a slot, read or not; the database is not asked.
    pub(crate) fn slot_place(&mut self, address: Address, key: U256) -> usize {
        let account = self.place(address);
        if self.slots.get(self.last_slot).is_some_and(|slot| slot.account == account && slot.key == key) {
            return self.last_slot;
        }
        let next = self.slots.len();
        let place = *self.accounts[account].slots.entry(key).or_insert(next);
        if place == next {
            self.slots.push(SlotEntry {
                account,
                key,
                original: U256::ZERO,
                current: U256::ZERO,
                is_warm: false,
                is_read: false,
            });
        }
        self.last_slot = place;
        place
    }

    /// The place of a slot whose values are known. An account of this transaction's making had no storage before, so the
    /// database is not asked for it, unless it may have been created over some (without EIP-7610).
    fn read_slot(&mut self, address: Address, key: U256) -> Result<usize, HostError> {
        let place = self.slot_place(address, key);
        let slot = &mut self.slots[place];
        if !slot.is_read {
            if !(self.accounts[slot.account].is_created && self.rules.has(Eip::CreateCollision7610)) {
                slot.original = self.database.storage(address, key)?;
                slot.current = slot.original;
            }
            slot.is_read = true;
        }
        Ok(place)
    }

    /// Warms a slot; true if it was cold.
    pub(crate) fn warm_slot_at(&mut self, place: usize) -> bool {
        if !self.rules.has(Eip::WarmAccess2929) {
            return false;
        }
        let was_cold = !std::mem::replace(&mut self.slots[place].is_warm, true);
        if was_cold {
            self.mark(self.warm_slot_mark(place));
            self.undo.push(Undo::WarmedSlot { slot: place });
        }
        was_cold
    }

    pub(crate) fn warm_slot_mark(&self, place: usize) -> Mark {
        let SlotEntry { account, key, .. } = self.slots[place];
        Mark::WarmSlot(self.accounts[account].address, key)
    }

    /// Writes a slot; answers what was there.
    pub(crate) fn set_slot(&mut self, place: usize, current: U256) -> U256 {
        let before = self.slots[place];
        if before.current != current {
            let after = SlotEntry { current, ..before };
            self.slots[place] = after;
            let address = self.accounts[before.account].address;
            self.replace_mark(before.mark(address), after.mark(address));
        }
        before.current
    }

    /// Writes a transient slot; answers what was there.
    pub(crate) fn set_transient(&mut self, slot: usize, value: U256) -> U256 {
        let before = self.transient[slot];
        if before.value != value {
            let after = TransientEntry { value, ..before };
            self.transient[slot] = after;
            self.replace_mark(before.mark(), after.mark());
        }
        before.value
    }

    fn replace_mark(&mut self, before: Option<Mark>, after: Option<Mark>) {
        if let Some(mark) = before {
            self.unmark(mark);
        }
        if let Some(mark) = after {
            self.mark(mark);
        }
    }

    pub(crate) fn mark(&mut self, mark: Mark) {
        self.marks = self.marks.wrapping_add(mark.digest());
    }

    pub(crate) fn unmark(&mut self, mark: Mark) {
        self.marks = self.marks.wrapping_sub(mark.digest());
    }

    /// Marks an account as touched (EIP-161).
    pub(crate) fn touch(&mut self, account: usize) {
        if !std::mem::replace(&mut self.accounts[account].is_touched, true) {
            if self.accounts[account].address == RIPEMD160 {
                self.pending_touch = Some(self.undo.len());
            }
            self.undo.push(Undo::Touched { account });
        }
    }

    /// Logs a transfer of value as the system's address, where the rules have it (EIP-7708).
    pub(crate) fn log_transfer(&mut self, from: Address, to: Address, amount: U256) {
        if self.rules.has(Eip::TransferLogs7708) && from != to && !amount.is_zero() {
            self.logs.push(Log {
                address: SYSTEM,
                topics: vec![TRANSFER, from.into_word(), to.into_word()],
                data: amount.to_be_bytes::<32>().into(),
            });
        }
    }

    /// Replaces a balance and touches its account.
    pub(crate) fn set_balance(&mut self, account: usize, balance: U256) {
        self.touch(account);
        let previous = std::mem::replace(&mut self.accounts[account].info.balance, balance);
        if previous != balance {
            self.undo.push(Undo::Balance { account, previous });
        }
    }
}

impl Host for State<'_> {
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
        *self.blob_base_fee.get_or_init(|| self.block.blob_base_fee())
    }

    fn warm_account(&mut self, address: Address) -> bool {
        if !self.rules.has(Eip::WarmAccess2929) {
            return false;
        }
        let account = self.place(address);
        let was_cold = !std::mem::replace(&mut self.accounts[account].is_warm, true);
        if was_cold {
            self.mark(Mark::WarmAccount(address));
            self.undo.push(Undo::WarmedAccount { account });
        }
        was_cold
    }

    fn warm_slot(&mut self, address: Address, key: U256) -> bool {
        let place = self.slot_place(address, key);
        self.warm_slot_at(place)
    }

    fn nonce(&mut self, address: Address) -> Result<u64, HostError> {
        let account = self.read(address)?;
        Ok(self.accounts[account].info.nonce)
    }

    fn created_address(&mut self, creation: &Message) -> Result<Address, HostError> {
        let creator = creation.caller;
        Ok(match creation.kind {
            MessageKind::Create2 => {
                creator.create2_from_code(creation.salt.to_be_bytes::<32>(), &creation.input)
            }
            _ => creator.create(self.nonce(creator)?),
        })
    }

    fn balance(&mut self, address: Address) -> Result<U256, HostError> {
        let account = self.read(address)?;
        Ok(self.accounts[account].info.balance)
    }

    fn code(&mut self, address: Address) -> Result<Bytecode, HostError> {
        let account = self.read(address)?;
        let entry = &mut self.accounts[account];
        if let Some(code) = &entry.code {
            return Ok(code.clone());
        }
        let expected = entry.info.code_hash;
        let code =
            if expected == KECCAK256_EMPTY { Bytecode::default() } else { self.database.code(expected)? };
        if code.hash() != expected {
            let found = code.hash();
            return Err(HostError::new(format!(
                "the database gave code {found} of {address} for {expected}"
            )));
        }
        entry.code = Some(code.clone());
        Ok(code)
    }

    fn code_hash(&mut self, address: Address) -> Result<Option<B256>, HostError> {
        let account = self.read(address)?;
        let entry = &self.accounts[account];
        Ok((!entry.is_dead(self.rules)).then_some(entry.info.code_hash))
    }

    fn is_dead(&mut self, address: Address) -> Result<bool, HostError> {
        let account = self.read(address)?;
        Ok(self.accounts[account].is_dead(self.rules))
    }

    #[inline(always)] // into `load_slot_to_store`, which each SSTORE asks
    fn load_slot(&mut self, address: Address, key: U256) -> Result<Slot, HostError> {
        let place = self.read_slot(address, key)?;
        let was_cold = self.warm_slot_at(place);
        let SlotEntry { account, original, current, .. } = self.slots[place];
        let mut slot = Slot { current, original, was_cold };
        if self.accounts[account].is_created {
            // Whatever it was created over, nothing of it is its own.
            slot.original = U256::ZERO;
        }
        Ok(slot)
    }

    fn store_slot(&mut self, address: Address, key: U256, value: U256) -> Result<(), HostError> {
        self.read(address)?;
        let place = self.read_slot(address, key)?;
        let previous = self.set_slot(place, value);
        if previous != value {
            self.undo.push(Undo::Stored { slot: place, previous });
        }
        Ok(())
    }

    fn load_transient(&mut self, address: Address, key: U256) -> U256 {
        self.transient_storage(address, key)
    }

    fn store_transient(&mut self, address: Address, key: U256, value: U256) {
        let next = self.transient.len();
        let slot = *self.transient_places.entry((address, key)).or_insert(next);
        if slot == next {
            self.transient.push(TransientEntry { address, key, value: U256::ZERO });
        }
        self.last_transient = Some(((address, key), slot));
        let previous = self.set_transient(slot, value);
        if previous != value {
            self.undo.push(Undo::StoredTransient { slot, previous });
        }
    }

    fn add_refund(&mut self, delta: i64) {
        self.refund = self.refund.saturating_add(delta);
    }

    fn log(&mut self, log: Log) {
        self.logs.push(log);
    }

    fn self_destruct(&mut self, address: Address, beneficiary: Address) -> Result<SelfDestruct, HostError> {
        let account = self.read(address)?;
        let balance = self.accounts[account].info.balance;
        let is_deleted = !self.rules.has(Eip::SelfDestruct6780) || self.accounts[account].is_created;
        // Where the account names itself, what it has is burnt if it is deleted, and stays where it is if not. Nothing is burnt by
        // EIP-8246.
        if address != beneficiary {
            self.set_balance(account, U256::ZERO);
            self.credit(beneficiary, balance)?;
            self.log_transfer(address, beneficiary, balance);
        } else if is_deleted && !self.rules.has(Eip::KeptBalance8246) {
            self.set_balance(account, U256::ZERO);
        }
        let was_marked = self.accounts[account].is_destroyed;
        if is_deleted && !was_marked {
            self.accounts[account].is_destroyed = true;
            self.mark(Mark::Destroyed(address));
            self.undo.push(Undo::Destroyed { account });
        }
        Ok(SelfDestruct { was_marked })
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, HostError> {
        match self.block.number.checked_sub(number) {
            Some(1..=BLOCK_HASH_WINDOW) => self.database.block_hash(number),
            _ => Ok(B256::ZERO),
        }
    }
}

impl JournalView for State<'_> {
    fn refund(&self) -> i64 {
        self.refund
    }

    fn storage(&self, address: Address, key: U256) -> Option<U256> {
        let account = &self.accounts[*self.places.get(&address)?];
        let slot = &self.slots[*account.slots.get(&key)?];
        slot.is_read.then_some(slot.current)
    }

    fn original_storage(&self, address: Address, key: U256) -> Option<U256> {
        let account = &self.accounts[*self.places.get(&address)?];
        let slot = &self.slots[*account.slots.get(&key)?];
        let original = if account.is_created { U256::ZERO } else { slot.original };
        slot.is_read.then_some(original)
    }

    fn transient_storage(&self, address: Address, key: U256) -> U256 {
        match &self.last_transient {
            Some((last, slot)) if *last == (address, key) => self.transient[*slot].value,
            _ => {
                let slot = self.transient_places.get(&(address, key));
                slot.map_or(U256::ZERO, |&slot| self.transient[slot].value)
            }
        }
    }

    fn logs(&self) -> &[Log] {
        &self.logs
    }

    fn balance(&self, address: Address) -> Option<U256> {
        let account = &self.accounts[*self.places.get(&address)?];
        (account.origin != Origin::Unread).then_some(account.info.balance)
    }

    fn marks_digest(&self) -> Option<u64> {
        Some(self.marks)
    }

    fn marks(&self) -> Vec<Mark> {
        let accounts = self.accounts.iter().flat_map(|entry| {
            let AccountEntry { address, is_warm, is_created, is_destroyed, .. } = *entry;
            let marks = [
                is_warm.then_some(Mark::WarmAccount(address)),
                is_created.then_some(Mark::Created(address)),
                is_destroyed.then_some(Mark::Destroyed(address)),
            ];
            marks.into_iter().flatten()
        });
        let slots = (0..self.slots.len()).filter(|slot| self.slots[*slot].is_warm);
        let transient = self.transient.iter().filter_map(TransientEntry::mark);
        let stored = self.slots.iter().filter_map(|slot| slot.mark(self.accounts[slot.account].address));
        accounts.chain(slots.map(|slot| self.warm_slot_mark(slot))).chain(transient).chain(stored).collect()
    }
}
