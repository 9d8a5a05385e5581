//! What gas costs, towards nothing: then the sender need own nothing.

use parallax_primitives::{TransactionType, U256};

use crate::{Case, Search, values::plain};

pub(crate) fn run(search: &mut Search<'_>) {
    search.changes(|case| {
        case.block.base_fee = 0;
        set(case, U256::ZERO);
    });
    plain(search, |case| case.transaction.max_fee_per_gas, set);
    if search.best().transaction.kind >= TransactionType::DynamicFee {
        let transaction = |case: &Case| case.transaction.max_priority_fee_per_gas;
        plain(search, transaction, |case, word| case.transaction.max_priority_fee_per_gas = word);
        let transaction = |case: &Case| case.transaction.max_fee_per_blob_gas;
        plain(search, transaction, |case, word| case.transaction.max_fee_per_blob_gas = word);
    }
}

fn set(case: &mut Case, price: U256) {
    case.transaction.max_fee_per_gas = price;
    let priority = &mut case.transaction.max_priority_fee_per_gas;
    // The two are one in the types that have no priority fee.
    *priority =
        if case.transaction.kind < TransactionType::DynamicFee { price } else { (*priority).min(price) };
}
