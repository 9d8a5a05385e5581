//! Access lists, authorizations and blobs, and with them the transaction's type.

use parallax_primitives::{Transaction, TransactionType, U256};

use crate::{Case, Search, chunks::take_away};

pub(crate) fn run(search: &mut Search<'_>) {
    kinds(search);
    list(search, |transaction| &mut transaction.access_list, |transaction| transaction.access_list.len());
    list(
        search,
        |transaction| &mut transaction.authorizations,
        |transaction| transaction.authorizations.len(),
    );
    list(search, |transaction| &mut transaction.blob_hashes, |transaction| transaction.blob_hashes.len());
    for entry in 0..search.best().transaction.access_list.len() {
        let keys =
            |case: &Case| case.transaction.access_list.get(entry).map_or(0, |entry| entry.storage_keys.len());
        take_away(search, keys, |case, run| {
            let mut without = case.clone();
            without.transaction.access_list[entry].storage_keys.drain(run);
            vec![without]
        });
    }
}

/// The plainest type that shows it, without what it lacks.
fn kinds(search: &mut Search<'_>) {
    use TransactionType::{AccessList, DynamicFee, Legacy};
    for kind in [Legacy, AccessList, DynamicFee] {
        if kind < search.best().transaction.kind
            && search.changes(|case| become_kind(&mut case.transaction, kind))
        {
            return;
        }
    }
}

fn become_kind(transaction: &mut Transaction, kind: TransactionType) {
    transaction.kind = kind;
    transaction.authorizations.clear();
    transaction.blob_hashes.clear();
    transaction.max_fee_per_blob_gas = U256::ZERO;
    if kind < TransactionType::DynamicFee {
        transaction.max_priority_fee_per_gas = transaction.max_fee_per_gas;
    }
    if kind < TransactionType::AccessList {
        transaction.access_list.clear();
    }
}

fn list<T>(
    search: &mut Search<'_>,
    list: impl Fn(&mut Transaction) -> &mut Vec<T>,
    count: impl Fn(&Transaction) -> usize,
) {
    take_away(
        search,
        |case| count(&case.transaction),
        |case, run| {
            let mut without = case.clone();
            list(&mut without.transaction).drain(run);
            vec![without]
        },
    );
}
