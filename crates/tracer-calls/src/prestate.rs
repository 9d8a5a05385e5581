use std::collections::{BTreeMap, BTreeSet};

use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_host_interface::{AccountChange, Database, StateChanges};
use parallax_primitives::{Address, Eip, Message, Opcode, Rules, Subject, U256};
use parallax_tracer_core::{Tracer, Wants};
use parallax_tracer_eip3155::GethWords;

use crate::{
    TracerError,
    called::sends_to,
    error::LIMIT,
    json,
    state_rows::{Account, Code, Row, code_of, rows},
};

/// What is kept of an account or a slot, roughly.
const ENTRY_BYTES: usize = 128;

/// What `prestateTracer` may be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrestateTracerConfig {
    /// What has changed, before and after, in place of all that was looked at.
    pub diff_mode: bool,
    /// Without codes; their hashes stay.
    pub disable_code: bool,
    /// Without storage.
    pub disable_storage: bool,
    /// With accounts that were empty.
    pub include_empty: bool,
}

/// go-ethereum's `prestateTracer`: the state that a transaction has looked at, as it was before it, or what it has changed.
///
/// It notes what is looked at. What is there it reads of the state before the run and of what the run has changed.
#[derive(Debug)]
pub struct PrestateTracer {
    config: PrestateTracerConfig,
    rules: Option<Rules>,
    /// Accounts, each with its slots.
    seen: BTreeMap<Address, BTreeSet<U256>>,
    /// Accounts that somebody has wanted to create.
    created: BTreeSet<Address>,
    /// Accounts that go-ethereum takes for gone: it forgets neither of the two where a frame fails.
    deleted: BTreeSet<Address>,
    /// The target of the transaction: go-ethereum looks where it delegates to before the transaction's own delegations.
    target: Option<Address>,
    /// Entries kept, or that there was no room for.
    entries: usize,
    pending: Option<Access>,
    is_over: bool,
}

/// What the opcode that runs looks at.
#[derive(Clone, Copy, Debug)]
enum Access {
    Slot(U256),
    Account(Address),
    Destruction(Address),
}

impl PrestateTracer {
    /// One that has seen nothing.
    ///
    /// # Errors
    ///
    /// `diff_mode` and `include_empty` exclude each other.
    pub fn new(config: PrestateTracerConfig) -> Result<Self, TracerError> {
        if config.diff_mode && config.include_empty {
            return Err(TracerError::Config {
                tracer: "prestateTracer".to_owned(),
                problem: "diffMode and includeEmpty exclude each other".to_owned(),
            });
        }
        Ok(Self::empty(config))
    }

    fn empty(config: PrestateTracerConfig) -> Self {
        Self {
            config,
            rules: None,
            seen: BTreeMap::new(),
            created: BTreeSet::new(),
            deleted: BTreeSet::new(),
            target: None,
            entries: 0,
            pending: None,
            is_over: false,
        }
    }

    /// The state as JSON, on one line: by address, or as `post` and `pre`. `before` is the state before the run and `changes` what the run
    /// has changed.
    ///
    /// # Errors
    ///
    /// No run was traced to its end, it was too large, or the state failed.
    pub fn result(&self, before: &dyn Database, changes: &StateChanges) -> Result<String, TracerError> {
        if self.entries > LIMIT / ENTRY_BYTES {
            return Err(TracerError::TooLarge);
        }
        if !self.is_over {
            return Err(TracerError::NotTraced);
        }
        let mut seen = self.seen.clone();
        if let Some(delegate) = self.delegate_of_target(before)? {
            seen.entry(delegate).or_default();
        }
        let (mut pre, mut post) = (BTreeMap::new(), BTreeMap::new());
        let mut bytes = 0;
        for (address, slots) in &seen {
            let account = Account::read(before, *address, slots)?;
            bytes += account.code.len();
            if bytes > LIMIT {
                return Err(TracerError::TooLarge);
            }
            let is_empty = account.is_empty();
            let mut row = account.row(!self.config.disable_code, !self.config.disable_storage);
            if self.config.diff_mode && !self.deleted.contains(address) {
                let change = changes.accounts.get(address);
                let Some(after) = self.difference(&account, &mut row, change) else { continue };
                post.insert(*address, after);
            }
            if self.config.include_empty || !is_empty {
                pre.insert(*address, row);
            }
        }
        let mut out = String::new();
        if self.config.diff_mode {
            out.push_str("{\"post\":");
            json::push(&mut out, &rows(&post));
            out.push_str(",\"pre\":");
            json::push(&mut out, &rows(&pre));
            out.push('}');
        } else {
            json::push(&mut out, &rows(&pre));
        }
        Ok(out)
    }

    fn delegate_of_target(&self, before: &dyn Database) -> Result<Option<Address>, TracerError> {
        let delegates = self.rules.is_some_and(|rules| rules.has(Eip::SetCode7702));
        match self.target.filter(|_| delegates) {
            Some(target) => Ok(code_of(before, target)?.delegation()),
            None => Ok(None),
        }
    }

    /// What has changed of an account, and out of `row` what has not; `None` if nothing has.
    fn difference(&self, account: &Account, row: &mut Row, change: Option<&AccountChange>) -> Option<Row> {
        let after = account.after(change);
        let mut post = Row::default();
        let mut is_modified = false;
        let mut tell = |differs: bool| {
            is_modified |= differs;
            differs
        };
        post.balance = tell(after.balance != account.balance).then_some(after.balance);
        post.nonce = if tell(after.nonce != account.nonce) { after.nonce } else { 0 };
        // A codeless account has, before, the hash of no code; after, one that is not there has none.
        if tell(after.code_hash() != account.code_hash_or_empty()) {
            post.code_hash = Some(after.code_hash());
        }
        if !self.config.disable_code && tell(after.code != account.code) {
            post.code = Some(Code(after.code.clone()));
        }
        if !self.config.disable_storage {
            for (key, value) in &account.storage {
                let new = after.storage.get(key).copied().unwrap_or_default();
                if value.is_zero() || *value == new {
                    row.storage.remove(key);
                }
                if tell(*value != new) && !new.is_zero() {
                    post.storage.insert(*key, new);
                }
            }
        }
        is_modified.then_some(post)
    }

    fn see(&mut self, address: Address) -> Option<&mut BTreeSet<U256>> {
        if !self.seen.contains_key(&address) {
            self.entries += 1;
        }
        if self.entries > LIMIT / ENTRY_BYTES {
            return None;
        }
        Some(self.seen.entry(address).or_default())
    }

    fn look(&mut self, step: &StepView<'_>, look: Access) {
        let account = step.message.address;
        match look {
            Access::Slot(key) if !self.config.disable_storage => {
                if self.see(account).is_some_and(|slots| slots.insert(key)) {
                    self.entries += 1;
                }
            }
            Access::Slot(_) => {}
            Access::Account(address) => drop(self.see(address)),
            Access::Destruction(beneficiary) => {
                self.see(beneficiary);
                if !step.rules.has(Eip::SelfDestruct6780) || self.created.contains(&account) {
                    self.deleted.insert(account);
                }
            }
        }
    }
}

impl Tracer for PrestateTracer {
    fn start(&mut self, start: &Start<'_>) {
        *self = Self::empty(self.config);
        self.rules = Some(start.rules);
        self.see(start.block.coinbase);
        let Subject::Transaction(transaction) = start.subject else { return };
        self.see(transaction.sender);
        self.target = transaction.to;
        for authority in transaction.authorizations.iter().filter_map(|signed| signed.authority) {
            self.see(authority);
        }
    }

    fn end(&mut self, end: &End<'_>) {
        self.is_over = matches!(end, End::Outcome(_));
    }

    fn wants(&self) -> Wants {
        Wants::Steps
    }

    fn step(&mut self, step: &StepView<'_>) {
        let Some(top) = step.stack.last().copied() else {
            self.pending = None;
            return;
        };
        let account = Address::from_word(top.into());
        self.pending = match step.opcode {
            Opcode::SLOAD | Opcode::SSTORE => Some(Access::Slot(top)),
            Opcode::EXTCODECOPY | Opcode::EXTCODEHASH | Opcode::EXTCODESIZE | Opcode::BALANCE => {
                Some(Access::Account(account))
            }
            Opcode::SELFDESTRUCT => Some(Access::Destruction(account)),
            Opcode::CALL | Opcode::CALLCODE | Opcode::DELEGATECALL | Opcode::STATICCALL => {
                Some(Access::Account(sends_to(step)))
            }
            _ => None,
        };
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        if let Some(look) = self.pending.take().filter(|_| GethWords::is_shown(step, end)) {
            self.look(step, look);
        }
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        if !matches!(phase, MessagePhase::Before) {
            return;
        }
        if message.kind.is_create() {
            self.created.insert(message.address);
            self.see(message.address);
        } else if message.depth == 0 {
            // Where it delegates to by then may be the transaction's own doing.
            self.see(message.address);
        } else if message.is_delegated {
            self.see(message.code_address);
        }
    }
}
