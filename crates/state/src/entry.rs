//! What the journal keeps of one account and of one slot. Plain records: which change is undone how is in `undo`.

use parallax_host_interface::AccountInfo;
use parallax_primitives::{
    Address, Bytecode, Eip, Mark, Rules, U256, address, alloy_primitives::map::HashMap,
};

/// The precompiled contract whose touch outlives the failure of a nested frame: at block 2,675,119 clients agreed on
/// deleting it after its call had run out of gas, and the specification follows them (`incorporate_child_on_error`).
pub(crate) const RIPEMD160: Address = address!("0x0000000000000000000000000000000000000003");

/// What the database said of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It has not been asked yet: only warmth and slots are known.
    Unread,
    /// It does not exist.
    Absent,
    /// It exists.
    Present(AccountInfo),
}

/// An account as the transaction sees it.
#[derive(Clone, Debug)]
pub(crate) struct AccountEntry {
    pub(crate) address: Address,
    pub(crate) origin: Origin,
    /// As it is now. Of no meaning while `origin` is unread.
    pub(crate) info: AccountInfo,
    /// The code with the hash `info.code_hash`, once somebody asked for it.
    pub(crate) code: Option<Bytecode>,
    /// In the accessed addresses (EIP-2929).
    pub(crate) is_warm: bool,
    /// Changed, or sent nothing (EIP-161). Before Spurious Dragon this alone makes an account exist.
    pub(crate) is_touched: bool,
    /// Created by this transaction (EIP-6780).
    pub(crate) is_created: bool,
    /// To be deleted at the end of the transaction.
    pub(crate) is_destroyed: bool,
    /// Where each of its known slots is in the journal's list of slots.
    pub(crate) slots: HashMap<U256, usize>,
}

impl AccountEntry {
    pub(crate) fn unread(address: Address) -> Self {
        Self {
            address,
            origin: Origin::Unread,
            info: AccountInfo::default(),
            code: None,
            is_warm: false,
            is_touched: false,
            is_created: false,
            is_destroyed: false,
            slots: HashMap::default(),
        }
    }

    /// Whether it does not exist or, from Spurious Dragon on, is empty (EIP-161).
    pub(crate) fn is_dead(&self, rules: Rules) -> bool {
        if rules.has(Eip::StateClearing161) {
            self.info.is_empty()
        } else {
            self.origin == Origin::Absent && !self.is_touched
        }
    }

    /// Whether it exists once the transaction is over. An empty account from before Spurious Dragon stays until it is
    /// touched (EIP-161).
    pub(crate) fn survives(&self, rules: Rules) -> bool {
        let is_left_alone = !self.is_touched && matches!(self.origin, Origin::Present(_));
        !self.is_destroyed && (is_left_alone || !self.is_dead(rules))
    }
}

/// A storage slot as the transaction sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotEntry {
    /// Where its account is in the journal's list of accounts.
    pub(crate) account: usize,
    pub(crate) key: U256,
    /// As the database has it.
    pub(crate) original: U256,
    pub(crate) current: U256,
    /// In the accessed storage keys (EIP-2929).
    pub(crate) is_warm: bool,
    /// Whether the values are known; an access list warms a slot without reading it (EIP-2930).
    pub(crate) is_read: bool,
}

impl SlotEntry {
    /// What an observer may see of it: a value other than that before the transaction.
    pub(crate) fn mark(&self, address: Address) -> Option<Mark> {
        (self.current != self.original).then_some(Mark::Storage(address, self.key, self.current))
    }
}

/// A transient slot (EIP-1153).
#[derive(Clone, Copy, Debug)]
pub(crate) struct TransientEntry {
    pub(crate) address: Address,
    pub(crate) key: U256,
    pub(crate) value: U256,
}

impl TransientEntry {
    pub(crate) fn mark(&self) -> Option<Mark> {
        (!self.value.is_zero()).then_some(Mark::TransientStorage(self.address, self.key, self.value))
    }
}
