//! Hooks that find out by what is shown of a transaction alone which accounts and slots it looks at (EIP-7928).

use std::collections::{BTreeMap, BTreeSet};

use parallax_hooks::{Hooks, MessagePhase, Start, StepControl, StepEnd, StepView};
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{
    Address, FrameStatus, Halt, Mark, Message, Opcode, Rules, Subject, Transaction, U256, keccak256,
};

/// What a transaction was seen to look at.
pub(crate) struct Observer<'a> {
    pre: &'a MemoryDatabase,
    rules: Rules,
    pub(crate) seen: BTreeMap<Address, BTreeSet<U256>>,
    /// Where it failed between its authorizations, nobody shows how many of them it has come to: these it may have looked at.
    pub(crate) perhaps: BTreeSet<Address>,
    nonces: BTreeMap<Address, u64>,
    /// What accounts delegate to since this transaction.
    delegates: BTreeMap<Address, Option<Address>>,
    authorities: BTreeSet<Address>,
    payers: BTreeSet<Address>,
    /// The nonces before each open message.
    saved: Vec<BTreeMap<Address, u64>>,
    /// What the opcode looks at if it does not fail.
    pending: Option<(Address, Option<U256>)>,
    /// Where the creation goes that the opcode sends.
    created: Option<Address>,
    steps: u64,
}

impl<'a> Observer<'a> {
    pub(crate) fn new(pre: &'a MemoryDatabase, rules: Rules) -> Self {
        Self {
            pre,
            rules,
            seen: BTreeMap::new(),
            perhaps: BTreeSet::new(),
            nonces: BTreeMap::new(),
            delegates: BTreeMap::new(),
            authorities: BTreeSet::new(),
            payers: BTreeSet::new(),
            saved: Vec::new(),
            pending: None,
            created: None,
            steps: 0,
        }
    }

    fn see(&mut self, address: Address) {
        self.seen.entry(address).or_default();
    }

    fn see_slot(&mut self, address: Address, slot: U256) {
        self.seen.entry(address).or_default().insert(slot);
    }

    fn nonce(&self, address: Address) -> u64 {
        let before = || self.pre.accounts.get(&address).map_or(0, |account| account.nonce);
        self.nonces.get(&address).copied().unwrap_or_else(before)
    }

    fn delegate(&self, address: Address) -> Option<Address> {
        let before = || self.pre.accounts.get(&address)?.code.delegation();
        self.delegates.get(&address).copied().unwrap_or_else(before)
    }

    /// EIP-7702: which authorities are looked at, and what those whose tuples are good delegate to.
    fn authorize(&mut self, transaction: &Transaction, chain_id: u64) {
        for tuple in &transaction.authorizations {
            let is_here = tuple.chain_id.is_zero() || tuple.chain_id == U256::from(chain_id);
            let Some(authority) = tuple.authority.filter(|_| is_here && tuple.nonce != u64::MAX) else {
                continue;
            };
            self.authorities.insert(authority);
            let code = self.pre.accounts.get(&authority).map(|account| account.code.bytes().len());
            let has_code = code.is_some_and(|size| size > 0) && self.delegate(authority).is_none();
            if self.nonce(authority) == tuple.nonce && (!has_code || self.delegates.contains_key(&authority))
            {
                self.nonces.insert(authority, tuple.nonce + 1);
                let delegate = (!tuple.address.is_zero()).then_some(tuple.address);
                self.delegates.insert(authority, delegate);
            }
        }
    }

    /// CALL and its like: the target once it and what is known is paid for, and then its delegate.
    fn call(&mut self, step: &StepView<'_>, has_value: bool) {
        let at = |place: usize| step.stack[step.stack.len() - 1 - place];
        let places = if has_value { 3 } else { 2 };
        if step.stack.len() < places + 4 {
            return;
        }
        let (target, value) = (address(at(1)), if has_value { at(2) } else { U256::ZERO });
        if step.opcode == Opcode::CALL && step.message.is_static && !value.is_zero() {
            return;
        }
        let prices = self.rules.gas();
        let regions = [(at(places), at(places + 1)), (at(places + 2), at(places + 3))];
        let mut needed = self.base(step).saturating_add(growth(step.memory.len(), &regions));
        if !value.is_zero() {
            needed = needed.saturating_add(prices.call_value);
        }
        if is_cold(step, target) {
            needed = needed.saturating_add(prices.cold_account);
        }
        if step.gas < needed {
            return;
        }
        self.see(target);
        let Some(delegate) = self.delegate(target) else { return };
        needed += prices.warm_access;
        if delegate != target && is_cold(step, delegate) {
            needed += prices.cold_account;
        }
        if step.gas >= needed {
            self.see(delegate);
        }
    }

    fn base(&self, step: &StepView<'_>) -> u64 {
        u64::from(self.rules.opcodes()[usize::from(step.opcode.0)].gas)
    }

    /// Where a creation goes. Memory that does not fit into any gas is not read.
    fn creation(&self, step: &StepView<'_>) -> Option<Address> {
        let creator = step.message.address;
        if step.opcode == Opcode::CREATE {
            return Some(creator.create(self.nonce(creator)));
        }
        let [.., salt, size, offset, _] = step.stack else { return None };
        let size = usize::try_from(*size).ok().filter(|size| *size < 1 << 20)?;
        let offset = usize::try_from(*offset).unwrap_or(usize::MAX);
        let mut code = step.memory.get(offset..).unwrap_or_default().to_vec();
        code.resize(size, 0);
        Some(creator.create2(salt.to_be_bytes::<32>(), keccak256(code)))
    }
}

fn address(word: U256) -> Address {
    Address::from_word(word.into())
}

fn is_cold(step: &StepView<'_>, address: Address) -> bool {
    !step.journal.marks().contains(&Mark::WarmAccount(address))
}

/// What it costs to make the memory so large.
fn growth(size: usize, regions: &[(U256, U256)]) -> u64 {
    let price = |words: u128| 3 * words + words * words / 512;
    let before = size as u128 / 32;
    let mut after = before;
    for (offset, size) in regions.iter().filter(|(_, size)| !size.is_zero()) {
        match offset.checked_add(*size).filter(|end| *end < U256::from(1_u64 << 40)) {
            Some(end) => after = after.max(end.to::<u128>().div_ceil(32)),
            None => return u64::MAX,
        }
    }
    u64::try_from(price(after) - price(before)).unwrap()
}

impl Hooks for Observer<'_> {
    fn on_start(&mut self, start: &Start<'_>) {
        let Subject::Transaction(transaction) = start.subject else { return };
        self.payers = BTreeSet::from([transaction.sender, start.block.coinbase]);
        self.payers.clone().into_iter().for_each(|payer| self.see(payer));
        self.nonces.insert(transaction.sender, transaction.nonce + 1);
        self.authorize(transaction, start.chain_id);
        self.authorities.clone().into_iter().for_each(|authority| self.see(authority));
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.steps += 1;
        (self.pending, self.created) = (None, None);
        let own = step.message.address;
        let prices = self.rules.gas();
        match (step.opcode, step.stack) {
            (
                Opcode::BALANCE | Opcode::EXTCODESIZE | Opcode::EXTCODEHASH | Opcode::EXTCODECOPY,
                [.., account],
            ) => self.pending = Some((address(*account), None)),
            (Opcode::SLOAD, [.., key]) => self.pending = Some((own, Some(*key))),
            (Opcode::SSTORE, [.., _, key]) if !step.message.is_static => {
                let is_warm = step.journal.marks().contains(&Mark::WarmSlot(own, *key));
                let cold = if is_warm { 0 } else { prices.cold_slot_store };
                let needed = self.base(step) + prices.sstore_dirty + cold;
                if step.gas > prices.call_stipend && step.gas >= needed {
                    self.see_slot(own, *key);
                }
            }
            (Opcode::SELFDESTRUCT, [.., account]) if !step.message.is_static => {
                let beneficiary = address(*account);
                let cold = prices.cold_account + prices.warm_access;
                let cost = self.base(step) + if is_cold(step, beneficiary) { cold } else { 0 };
                if step.gas >= cost {
                    self.see(beneficiary);
                }
            }
            (Opcode::CALL | Opcode::CALLCODE, _) => self.call(step, true),
            (Opcode::DELEGATECALL | Opcode::STATICCALL, _) => self.call(step, false),
            (Opcode::CREATE | Opcode::CREATE2, _) => self.created = self.creation(step),
            _ => {}
        }
        StepControl::Continue
    }

    fn on_step_end(&mut self, _: &StepView<'_>, end: &StepEnd<'_>) {
        if let (None, Some((address, slot))) = (end.halt, self.pending.take()) {
            self.see(address);
            slot.into_iter().for_each(|slot| self.see_slot(address, slot));
        }
        // What it cannot pay for is the account, which it has looked at to know.
        if let (Some(Halt::OutOfGas), Some(created)) = (end.halt, self.created.take())
            && end.state_gas_cost > 0
        {
            self.see(created);
        }
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        let bumps = message.depth > 0 && message.kind.is_create();
        let MessagePhase::After(outcome) = phase else {
            self.saved.push(self.nonces.clone());
            if bumps {
                self.nonces.insert(message.caller, self.nonce(message.caller).saturating_add(1));
            }
            if message.kind.is_create() {
                self.nonces.insert(message.address, 1);
            }
            if message.depth == 0 {
                self.see(message.address);
                if message.is_delegated {
                    self.see(message.code_address);
                }
            }
            return StepControl::Continue;
        };
        let before = self.saved.pop().unwrap();
        let is_refused = matches!(outcome.status, FrameStatus::Halt(halt) if halt.keeps_gas());
        if bumps && !is_refused {
            self.see(message.address);
        }
        if outcome.status != FrameStatus::Success {
            self.nonces = before;
            if bumps && !is_refused {
                self.nonces.insert(message.caller, self.nonce(message.caller).saturating_add(1));
            }
        }
        let is_before_frame = outcome.status == FrameStatus::Halt(Halt::OutOfGas) && self.steps == 0;
        if message.depth == 0 && is_before_frame && !self.authorities.is_empty() {
            self.perhaps = std::mem::take(&mut self.seen).into_keys().collect();
            self.payers.clone().into_iter().for_each(|payer| self.see(payer));
        }
        StepControl::Continue
    }
}
