//! EELS: `dao_fork/dao.py`.

use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{DAO_ACCOUNTS, DAO_RECOVERY};

use crate::state::{get_balance, move_ether};

/// Moves what those accounts have (EIP-779). An account that was not there is afterwards, as before EIP-161 every account that was
/// touched is.
///
/// EELS: `dao_fork/dao.py`, `apply_dao`.
pub(crate) fn apply_dao(state: &mut MemoryDatabase) {
    for address in DAO_ACCOUNTS {
        let balance = get_balance(state, address);
        move_ether(state, address, DAO_RECOVERY, balance);
    }
}
