//! Accounts that have storage, and neither code nor a nonce: what becomes of a creation there, which revm leaves out. No such account can
//! come to be any more; tests have them.
//!
//! With EIP-7610 the creation collides. Without it the storage stays, and its slots count as zero at the start of the transaction, like
//! those of any account that the transaction has created; revm takes them for empty.

use parallax_host_interface::{Database, HostError};
use parallax_primitives::{Address, Eip, Rules, U256};
use revm::{context_interface::JournalTr, primitives::hash_map::Entry, state::EvmStorageSlot};

use crate::context::JobContext;

/// Whether a creation collides with nothing but storage.
pub(crate) fn collides(rules: Rules) -> bool {
    rules.has(Eip::CreateCollision7610)
}

/// Has revm find what a created account keeps in a slot that it is about to read or write.
///
/// # Errors
///
/// Those of the database.
pub(crate) fn keep<'a, C: JobContext<'a>>(
    context: &mut C,
    database: &dyn Database,
    address: Address,
    key: U256,
) -> Result<(), HostError> {
    let Some(account) = context.journal_mut().evm_state_mut().get_mut(&address) else { return Ok(()) };
    if !account.is_created() || !database.has_storage(address)? {
        return Ok(());
    }
    if let Entry::Vacant(vacant) = account.storage.entry(key) {
        let kept = database.storage(address, key)?;
        let mut slot = EvmStorageSlot::new_changed(U256::ZERO, kept, account.transaction_id);
        slot.mark_cold();
        vacant.insert(slot);
    }
    Ok(())
}
