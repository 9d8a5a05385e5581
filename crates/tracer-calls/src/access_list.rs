use std::collections::{BTreeMap, BTreeSet};

use parallax_hooks::{End, MessagePhase, Start, StepView};
use parallax_primitives::{Address, Message, Opcode, Rules, Subject, U256};
use parallax_tracer_core::{Tracer, Wants};
use serde::Serialize;

use crate::{TracerError, called::sends_to, error::LIMIT, json, precompiled};

/// What is kept of an entry, roughly.
const ENTRY_BYTES: usize = 128;

/// The access list (EIP-2930) of what a run has looked at, as `eth_createAccessList` has it: accounts that opcodes name and slots, without the
/// sender, the target, those who delegate in it and precompiled contracts, but where they have slots. The transaction's own list is in it.
///
/// `eth_createAccessList` runs with the list that came out, until it does not change any more, and tells the gas of the last run; this is
/// the first of these runs, which is the last one too unless code looks at its gas.
#[derive(Debug, Default)]
pub struct AccessListTracer {
    rules: Option<Rules>,
    /// Accounts that are there anyway.
    excluded: BTreeSet<Address>,
    list: BTreeMap<Address, BTreeSet<U256>>,
    entries: usize,
    is_over: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    address: String,
    storage_keys: Vec<String>,
}

impl AccessListTracer {
    /// The list as JSON, on one line, in order: `{"accessList": [{"address", "storageKeys"}]}`.
    ///
    /// # Errors
    ///
    /// No run was traced to its end, or it was too large.
    pub fn result(&self) -> Result<String, TracerError> {
        if self.entries > LIMIT / ENTRY_BYTES {
            return Err(TracerError::TooLarge);
        }
        if !self.is_over {
            return Err(TracerError::NotTraced);
        }
        let entries = self.list.iter().map(|(address, slots)| Entry {
            address: format!("{address:#x}"),
            storage_keys: slots.iter().map(|slot| format!("{slot:#066x}")).collect(),
        });
        let mut out = "{\"accessList\":".to_owned();
        json::push(&mut out, &entries.collect::<Vec<_>>());
        out.push('}');
        Ok(out)
    }

    fn exclude(&mut self, start: &Start<'_>) {
        let Subject::Transaction(transaction) = start.subject else { return };
        self.excluded.insert(transaction.sender);
        self.excluded.extend(transaction.to);
        let authorities = transaction.authorizations.iter().filter_map(|signed| signed.authority);
        self.excluded.extend(authorities);
        for entry in &transaction.access_list {
            if !self.excluded.contains(&entry.address) {
                self.add(entry.address, None);
                entry.storage_keys.iter().for_each(|key| self.add(entry.address, Some((*key).into())));
            }
        }
    }

    fn add(&mut self, address: Address, slot: Option<U256>) {
        let is_left_out = |rules: Rules| precompiled::contract_at(rules, &address).is_some();
        if slot.is_none() && (self.excluded.contains(&address) || self.rules.is_some_and(is_left_out)) {
            return;
        }
        if self.entries > LIMIT / ENTRY_BYTES {
            return;
        }
        let before = self.list.len();
        let slots = self.list.entry(address).or_default();
        self.entries += usize::from(slot.is_some_and(|slot| slots.insert(slot)));
        self.entries += self.list.len() - before;
    }
}

impl Tracer for AccessListTracer {
    fn start(&mut self, start: &Start<'_>) {
        *self = Self { rules: Some(start.rules), ..Self::default() };
        self.exclude(start);
    }

    fn end(&mut self, end: &End<'_>) {
        self.is_over = matches!(end, End::Outcome(_));
    }

    fn wants(&self) -> Wants {
        Wants::Steps
    }

    fn step(&mut self, step: &StepView<'_>) {
        let Some(top) = step.stack.last().copied() else { return };
        match step.opcode {
            Opcode::SLOAD | Opcode::SSTORE => self.add(step.message.address, Some(top)),
            Opcode::EXTCODECOPY
            | Opcode::EXTCODEHASH
            | Opcode::EXTCODESIZE
            | Opcode::BALANCE
            | Opcode::SELFDESTRUCT => self.add(Address::from_word(top.into()), None),
            Opcode::CALL | Opcode::CALLCODE | Opcode::DELEGATECALL | Opcode::STATICCALL
                if step.stack.len() >= 5 =>
            {
                self.add(sends_to(step), None);
            }
            _ => {}
        }
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        // The account of the transaction's own creation is its target.
        if message.depth == 0 && message.kind.is_create() && matches!(phase, MessagePhase::Before) {
            self.excluded.insert(message.address);
        }
    }
}
