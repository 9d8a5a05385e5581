//! What a transaction must be by itself, whatever the state, as EELS's `transactions.py` has it.

use parallax_host_interface::Terms;
use parallax_primitives::{Eip, Rejection, Rules, Transaction, TransactionType};

use crate::gas::init_code_cost;

/// The first byte of a blob's hash (EIP-4844).
const VERSIONED_HASH_VERSION_KZG: u8 = 1;

/// Gas that is needed before the first opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IntrinsicCost {
    /// Charged at the beginning.
    pub(crate) intrinsic_gas: u64,
    /// The least that is paid for in the end (EIP-7623); zero before Prague.
    pub(crate) calldata_floor_gas_cost: u64,
}

/// Whether the rules have the type at all: the specification cannot even decode the others.
///
/// EELS: `transactions.py`, `decode_transaction`.
pub(crate) fn check_type(rules: Rules, transaction: &Transaction) -> Result<(), Rejection> {
    let eip = match transaction.kind {
        TransactionType::Legacy => return Ok(()),
        // EIP-2930
        TransactionType::AccessList => Eip::AccessLists2930,
        // EIP-1559
        TransactionType::DynamicFee => Eip::DynamicFee1559,
        // EIP-4844
        TransactionType::Blob => Eip::Blobs4844,
        // EIP-7702
        TransactionType::SetCode => Eip::SetCode7702,
        TransactionType::Custom(byte) => {
            let Some(chain) = rules.custom_transactions() else {
                return Err(Rejection::TypeNotSupported(byte));
            };
            let is_known = chain.types().contains(&byte);
            return if is_known { Ok(()) } else { Err(Rejection::TypeNotSupported(byte)) };
        }
    };
    if rules.has(eip) { Ok(()) } else { Err(Rejection::TypeNotSupported(transaction.kind.byte())) }
}

/// EELS: `transactions.py`, `validate_transaction`.
pub(crate) fn validate_transaction(
    rules: Rules,
    transaction: &Transaction,
    terms: &Terms,
) -> Result<IntrinsicCost, Rejection> {
    let gas = rules.gas();
    let mut cost = calculate_intrinsic_cost(rules, transaction);
    if let Some(own) = terms.intrinsic_gas {
        cost.intrinsic_gas = own;
    }
    if let Some(own) = terms.floor_gas {
        cost.calldata_floor_gas_cost = own;
    }
    let is_content_first = rules.has(Eip::IntrinsicParts2780);
    if is_content_first {
        check_content(rules, transaction, terms)?;
    }
    let limit = transaction.gas_limit;
    if cost.intrinsic_gas > limit {
        return Err(Rejection::IntrinsicGas { limit, intrinsic: cost.intrinsic_gas });
    }
    if cost.calldata_floor_gas_cost > limit {
        // EIP-7623
        return Err(Rejection::CalldataFloor { limit, floor: cost.calldata_floor_gas_cost });
    }
    if !is_content_first {
        check_nonce_and_init_code(rules, transaction, terms)?;
    }
    if terms.waived.gas_limits {
        return Ok(cost);
    }
    let cap = gas.tx_gas_cap;
    if rules.has(Eip::StateGas8037) {
        // EIP-8037: it is a cap of execution gas, of which only these are known to be needed.
        let needed = cost.intrinsic_gas.max(cost.calldata_floor_gas_cost);
        if needed > cap {
            return Err(Rejection::IntrinsicGasAboveCap { needed, cap });
        }
    } else if limit > cap {
        // EIP-7825
        return Err(Rejection::GasAboveCap { limit, cap });
    }
    Ok(cost)
}

/// What the specification looks at before the gas from EIP-2780 on.
fn check_content(rules: Rules, transaction: &Transaction, terms: &Terms) -> Result<(), Rejection> {
    check_nonce_and_init_code(rules, transaction, terms)?;
    if !terms.waived.fees {
        check_priority_fee(transaction)?;
    }
    if transaction.kind == TransactionType::Blob {
        check_blob_hashes(rules, transaction)?;
    }
    match (transaction.kind, transaction.to) {
        (TransactionType::Blob, None) => Err(Rejection::BlobCreate),
        (TransactionType::SetCode, None) => Err(Rejection::SetCodeCreate),
        (TransactionType::SetCode, Some(_)) if transaction.authorizations.is_empty() => {
            Err(Rejection::NoAuthorizations)
        }
        _ => Ok(()),
    }
}

fn check_nonce_and_init_code(
    rules: Rules,
    transaction: &Transaction,
    terms: &Terms,
) -> Result<(), Rejection> {
    if !terms.waived.nonce && transaction.nonce == u64::MAX {
        // EIP-2681, for all blocks there ever were
        return Err(Rejection::NonceIsMax);
    }
    let (size, limit) = (transaction.input.len(), rules.gas().max_initcode_size);
    if transaction.to.is_none() && size > limit {
        // EIP-3860
        return Err(Rejection::InitcodeTooLarge { size, limit });
    }
    Ok(())
}

/// Whether the type has a priority fee of its own (EIP-1559).
pub(crate) fn has_priority_fee(transaction: &Transaction) -> bool {
    !matches!(transaction.kind, TransactionType::Legacy | TransactionType::AccessList)
}

/// EIP-1559.
pub(crate) fn check_priority_fee(transaction: &Transaction) -> Result<(), Rejection> {
    let (priority, max_fee) = (transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas);
    if has_priority_fee(transaction) && max_fee < priority {
        return Err(Rejection::PriorityAboveFee { priority, max_fee });
    }
    Ok(())
}

/// EIP-4844, EIP-7594.
pub(crate) fn check_blob_hashes(rules: Rules, transaction: &Transaction) -> Result<(), Rejection> {
    let count = transaction.blob_hashes.len();
    if count == 0 {
        return Err(Rejection::NoBlobs);
    }
    let limit = rules.gas().tx_max_blobs;
    if count > limit {
        // EIP-7594
        return Err(too_many_blobs(count, limit));
    }
    let mut hashes = transaction.blob_hashes.iter();
    if let Some(place) = hashes.position(|hash| hash[0] != VERSIONED_HASH_VERSION_KZG) {
        return Err(Rejection::BlobVersion(place));
    }
    Ok(())
}

pub(crate) fn too_many_blobs(count: usize, limit: usize) -> Rejection {
    Rejection::TooManyBlobs { count, limit }
}

/// EELS: `transactions.py`, `calculate_intrinsic_cost`.
pub(crate) fn calculate_intrinsic_cost(rules: Rules, transaction: &Transaction) -> IntrinsicCost {
    let gas = rules.gas();
    let zero_bytes = transaction.input.iter().filter(|byte| **byte == 0).count() as u64;
    let other_bytes = transaction.input.len() as u64 - zero_bytes;
    let data_cost = zero_bytes * gas.tx_data_zero + other_bytes * gas.tx_data_nonzero;

    // EIP-2780; before, neither the recipient nor the value costs anything.
    let recipient_cost = match transaction.to {
        Some(to) if to != transaction.sender => {
            gas.tx_recipient + if transaction.value.is_zero() { 0 } else { gas.tx_value }
        }
        _ => 0,
    };
    // EIP-2, from Homestead on; before, it charges zero.
    let create_cost = if transaction.to.is_none() { gas.tx_create } else { 0 };
    let base_cost = gas.tx_base + recipient_cost + create_cost;

    let calldata_floor_gas_cost = if rules.has(Eip::CalldataFloor7623) {
        // EIP-7623
        let tokens_in_calldata = zero_bytes
            .saturating_mul(gas.tx_tokens_zero)
            .saturating_add(other_bytes.saturating_mul(gas.tx_tokens_nonzero));
        // EIP-7981
        let mut floor_of_access_list = 0;
        for access in &transaction.access_list {
            floor_of_access_list += gas.tx_floor_access_list_address;
            floor_of_access_list += access.storage_keys.len() as u64 * gas.tx_floor_access_list_key;
        }
        let base_of_floor = if rules.has(Eip::IntrinsicParts2780) { base_cost } else { gas.tx_base };
        base_of_floor
            .saturating_add(tokens_in_calldata.saturating_mul(gas.tx_floor_token))
            .saturating_add(floor_of_access_list)
    } else {
        0
    };

    // EIP-3860, from Shanghai on; before, it charges zero.
    let init_code_gas =
        if transaction.to.is_none() { init_code_cost(gas, transaction.input.len()) } else { 0 };

    // EIP-2930
    let mut access_list_cost = 0;
    for access in &transaction.access_list {
        access_list_cost += gas.tx_access_list_address;
        access_list_cost += access.storage_keys.len() as u64 * gas.tx_access_list_key;
    }

    // EIP-7702
    let auth_cost = gas.tx_authorization * transaction.authorizations.len() as u64;

    IntrinsicCost {
        intrinsic_gas: base_cost + data_cost + init_code_gas + access_list_cost + auth_cost,
        calldata_floor_gas_cost,
    }
}

#[cfg(test)]
mod tests {
    use parallax_primitives::{AccessListEntry, Address, Authorization, B256, U256};

    use parallax_primitives::Fork;

    use super::*;

    /// `expected` is the intrinsic gas and the floor.
    #[track_caller]
    fn check(rules: impl Into<Rules>, transaction: &Transaction, expected: (u64, u64)) {
        let rules = rules.into();
        let cost = calculate_intrinsic_cost(rules, transaction);
        assert_eq!((cost.intrinsic_gas, cost.calldata_floor_gas_cost), expected, "{rules} {transaction:?}");
    }

    #[test]
    fn intrinsic_gas_follows_the_forks() {
        let call = Transaction { to: Some(Address::ZERO), ..Transaction::default() };
        // Three zeros, and five other bytes.
        let with_data = Transaction { input: [0, 0, 0, 1, 2, 3, 4, 5].into(), ..call.clone() };
        let create = Transaction { to: None, ..with_data.clone() };
        check(Fork::Frontier, &call, (21_000, 0));
        check(Fork::Frontier, &with_data, (21_000 + 12 + 5 * 68, 0));
        check(Fork::Frontier, &create, (21_000 + 12 + 5 * 68, 0));
        check(Fork::Homestead, &create, (53_000 + 12 + 5 * 68, 0));
        check(Fork::Istanbul, &with_data, (21_000 + 12 + 5 * 16, 0));
        check(Fork::Paris, &create, (53_000 + 12 + 5 * 16, 0));
        check(Fork::Shanghai, &create, (53_000 + 12 + 5 * 16 + 2, 0));
        check(Fork::Prague, &with_data, (21_000 + 12 + 5 * 16, 21_000 + 23 * 10));
        check(Fork::Prague, &call, (21_000, 21_000));

        let entry = |keys| AccessListEntry { address: Address::ZERO, storage_keys: vec![B256::ZERO; keys] };
        let listed = Transaction { access_list: vec![entry(0), entry(3)], ..call.clone() };
        check(Fork::Berlin, &listed, (21_000 + 2 * 2400 + 3 * 1900, 0));
        let authorization =
            Authorization { chain_id: U256::ZERO, address: Address::ZERO, nonce: 0, authority: None };
        let delegating = Transaction { authorizations: vec![authorization; 2], ..call.clone() };
        check(Fork::Prague, &delegating, (21_000 + 50_000, 21_000));
        // EIP-7976 and EIP-7981: a byte is a byte, and so are those of the access list.
        let bytes_pay: Rules = "Osaka+7976+7981".parse().unwrap();
        check(bytes_pay, &with_data, (21_000 + 12 + 5 * 16, 21_000 + 8 * 64));
        let bytes = 2 * 20 * 64 + 3 * 32 * 64;
        check(bytes_pay, &listed, (21_000 + 2 * 2400 + 3 * 1900 + bytes, 21_000 + bytes));
        // EIP-2780 and EIP-8038: 12,000 and what it does; the same is in the floor.
        let amsterdam = Fork::Amsterdam;
        let (sender, value) = (Address::repeat_byte(9), U256::from(1));
        let from = |transaction: &Transaction| Transaction { sender, ..transaction.clone() };
        let paying = |transaction: &Transaction| Transaction { value, ..from(transaction) };
        check(amsterdam, &from(&call), (15_000, 15_000));
        check(amsterdam, &paying(&call), (21_000, 21_000));
        check(amsterdam, &Transaction { to: Some(sender), ..paying(&call) }, (12_000, 12_000));
        check(amsterdam, &from(&with_data), (15_000 + 12 + 5 * 16, 15_000 + 8 * 64));
        check(amsterdam, &paying(&create), (24_000 + 12 + 5 * 16 + 2, 24_000 + 8 * 64));
        check(amsterdam, &from(&listed), (15_000 + 2 * 4180 + 3 * 4048, 15_000 + bytes));
        check(amsterdam, &from(&delegating), (15_000 + 2 * 7816, 15_000));
        let words = |bytes: usize| Transaction { input: vec![0; bytes].into(), ..Transaction::default() };
        check(Fork::Shanghai, &words(32), (53_000 + 32 * 4 + 2, 0));
        check(Fork::Shanghai, &words(33), (53_000 + 33 * 4 + 4, 0));
    }
}
