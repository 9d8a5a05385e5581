//! Callees in place of who calls them: their message as the transaction, or their code in the account that it goes to.

use parallax_primitives::Message;

use crate::{Case, Search};

/// Most messages that are looked at, the last ones.
const MOST: usize = 64;

pub(crate) fn run(search: &mut Search<'_>) {
    let messages = search.record().messages;
    for message in messages.iter().skip(1).rev().take(MOST) {
        if search.is_over() {
            return;
        }
        let cases = [direct(search.best(), message), inlined(search.best(), message)].concat();
        if search.accepts_one(cases) {
            return;
        }
    }
}

/// The message as the transaction's own, and who the transaction went to is gone.
fn direct(case: &Case, message: &Message) -> Vec<Case> {
    let mut sent = case.clone();
    sent.transaction.input = message.input.clone();
    sent.transaction.value = message.value;
    sent.transaction.to = (!message.kind.is_create()).then_some(message.address);
    let mut alone = sent.clone();
    if let Some(to) = case.transaction.to.filter(|to| *to != message.address && *to != message.code_address) {
        alone.pre.accounts.remove(&to);
    }
    vec![alone, sent]
}

/// The code that the message runs, in the account that the transaction goes to.
fn inlined(case: &Case, message: &Message) -> Vec<Case> {
    let Some(to) = case.transaction.to.filter(|_| !message.kind.is_create()) else { return Vec::new() };
    let Some(code) = case.pre.accounts.get(&message.code_address).map(|account| account.code.clone()) else {
        return Vec::new();
    };
    let storage = case.pre.accounts.get(&message.address).map(|account| account.storage.clone());
    let mut with_code = case.clone();
    let account = with_code.pre.accounts.entry(to).or_default();
    account.code = code;
    account.storage = storage.unwrap_or_default();
    with_code.transaction.input = message.input.clone();
    let mut alone = with_code.clone();
    if message.code_address != to {
        alone.pre.accounts.remove(&message.code_address);
    }
    vec![alone, with_code]
}
