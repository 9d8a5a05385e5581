//! Whether a transaction can be in a block at all, and what it costs before its first opcode.
//!
//! Reads only, and looks at the state last. The order of the checks is that of `validate_transaction` and
//! `check_transaction` of the executable specification: where several rules are broken, the first one is reported.

use parallax_engine_interface::{EngineError, Job};
use parallax_host_interface::TxEnv;
use parallax_primitives::{
    BlockEnv, Eip, GasSchedule, KECCAK256_EMPTY, Rejection, Rules, Subject, Transaction, TransactionType,
    U256,
};

/// First byte of a versioned hash of a KZG commitment (EIP-4844).
const BLOB_VERSION_KZG: u8 = 1;

/// A transaction that can be in its block, or a bare message, which has nothing to be checked. Only [`validate`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Validated {
    /// What it answers to opcodes; its gas price is the effective one, in wei (EIP-1559).
    pub transaction: TxEnv,
    /// Gas taken before the first opcode.
    pub intrinsic_gas: u64,
    /// Least gas it pays for, from Prague on (EIP-7623); zero before.
    pub floor_gas: u64,
    /// What its blobs cost, in wei (EIP-4844).
    pub blob_fee: U256,
}

/// Checks the transaction of `job` against its block and the state before it. A bare message is not checked.
///
/// # Errors
///
/// [`EngineError::Rejected`] with the first broken rule; [`EngineError::Host`] if the state cannot be read.
pub fn validate(job: &Job<'_>) -> Result<Validated, EngineError> {
    let transaction = match job.subject {
        Subject::Transaction(transaction) => transaction,
        Subject::Message { environment, .. } => {
            let transaction = TxEnv { chain_id: job.chain_id, ..environment.clone() };
            return Ok(Validated { transaction, intrinsic_gas: 0, floor_gas: 0, blob_fee: U256::ZERO });
        }
    };
    let block = job.block;
    check_kind(job.rules, transaction)?;
    let (intrinsic_gas, floor_gas) = check_gas(job.rules, block, transaction)?;
    if transaction.kind == TransactionType::Blob {
        check_blob_count(transaction, block.blobs.max)?;
    }
    if let Some(chain_id) = transaction.chain_id
        && chain_id != job.chain_id
    {
        return Err(Rejection::WrongChainId { transaction: chain_id, chain: job.chain_id }.into());
    }
    let gas_price = effective_price(job.rules, block, transaction)?;
    let mut max_cost = transaction.max_fee_per_gas.checked_mul(U256::from(transaction.gas_limit));
    let mut blob_fee = U256::ZERO;
    let mut blob_hashes = Vec::new();
    if transaction.kind == TransactionType::Blob {
        let blob_gas = check_blobs(job.rules, block, transaction)?;
        max_cost = transaction
            .max_fee_per_blob_gas
            .checked_mul(blob_gas)
            .and_then(|blobs| max_cost?.checked_add(blobs));
        blob_fee = blob_gas.saturating_mul(block.blob_base_fee());
        blob_hashes.clone_from(&transaction.blob_hashes);
    }
    check_target(transaction)?;
    let needed = max_cost.and_then(|cost| cost.checked_add(transaction.value));
    check_sender(job, transaction, needed)?;
    Ok(Validated {
        transaction: TxEnv { origin: transaction.sender, gas_price, blob_hashes, chain_id: job.chain_id },
        intrinsic_gas,
        floor_gas,
        blob_fee,
    })
}

fn check_kind(rules: Rules, transaction: &Transaction) -> Result<(), Rejection> {
    let eip = match transaction.kind {
        TransactionType::Legacy => return Ok(()),
        TransactionType::AccessList => Eip::AccessLists2930,
        TransactionType::DynamicFee => Eip::DynamicFee1559,
        TransactionType::Blob => Eip::Blobs4844,
        TransactionType::SetCode => Eip::SetCode7702,
    };
    if rules.has(eip) { Ok(()) } else { Err(Rejection::TypeNotSupported(transaction.kind as u8)) }
}

/// The rules that only the transaction and the block's gas limit decide. Answers the intrinsic gas and the floor.
fn check_gas(rules: Rules, block: &BlockEnv, transaction: &Transaction) -> Result<(u64, u64), Rejection> {
    let schedule = rules.gas();
    let limit = transaction.gas_limit;
    let (intrinsic, floor) = intrinsic_gas(rules, transaction);
    if intrinsic > limit {
        return Err(Rejection::IntrinsicGas { limit, intrinsic });
    }
    if floor > limit {
        return Err(Rejection::CalldataFloor { limit, floor });
    }
    if transaction.nonce == u64::MAX {
        return Err(Rejection::NonceIsMax);
    }
    let size = transaction.input.len();
    if transaction.to.is_none() && size > schedule.max_initcode_size {
        return Err(Rejection::InitcodeTooLarge { size, limit: schedule.max_initcode_size });
    }
    if limit > schedule.tx_gas_cap {
        return Err(Rejection::GasAboveCap { limit, cap: schedule.tx_gas_cap });
    }
    if limit > block.gas_limit {
        return Err(Rejection::GasAboveBlock { transaction: limit, block: block.gas_limit });
    }
    Ok((intrinsic, floor))
}

/// Gas taken before the first opcode, and the least gas paid for (EIP-7623), zero where there is no such rule.
fn intrinsic_gas(rules: Rules, transaction: &Transaction) -> (u64, u64) {
    let schedule = rules.gas();
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let zeros = count(transaction.input.iter().filter(|&&byte| byte == 0).count());
    let nonzeros = count(transaction.input.len()) - zeros;

    let mut gas = schedule.tx_base + zeros * schedule.tx_data_zero + nonzeros * schedule.tx_data_nonzero;
    if transaction.to.is_none() {
        gas += schedule.tx_create + count(transaction.input.len().div_ceil(32)) * schedule.initcode_word;
    }
    if transaction.kind >= TransactionType::AccessList {
        for entry in &transaction.access_list {
            gas += schedule.tx_access_list_address
                + count(entry.storage_keys.len()) * schedule.tx_access_list_key;
        }
    }
    if transaction.kind == TransactionType::SetCode {
        gas += count(transaction.authorizations.len()) * schedule.tx_authorization;
    }

    let floor = if rules.has(Eip::CalldataFloor7623) {
        let tokens = zeros.saturating_add(nonzeros.saturating_mul(schedule.tx_tokens_nonzero));
        schedule.tx_base.saturating_add(schedule.tx_floor_token.saturating_mul(tokens))
    } else {
        0
    };
    (gas, floor)
}

/// What one gas costs, in wei (EIP-1559).
fn effective_price(rules: Rules, block: &BlockEnv, transaction: &Transaction) -> Result<U256, Rejection> {
    let max_fee = transaction.max_fee_per_gas;
    if !rules.has(Eip::DynamicFee1559) {
        return Ok(max_fee);
    }
    let priority = transaction.max_priority_fee_per_gas;
    let has_priority = transaction.kind >= TransactionType::DynamicFee;
    if has_priority && priority > max_fee {
        return Err(Rejection::PriorityAboveFee { priority, max_fee });
    }
    let Some(above_base) = max_fee.checked_sub(U256::from(block.base_fee)) else {
        return Err(Rejection::FeeBelowBaseFee { max_fee, base_fee: block.base_fee });
    };
    if has_priority { Ok(U256::from(block.base_fee) + priority.min(above_base)) } else { Ok(max_fee) }
}

fn check_blob_count(transaction: &Transaction, limit: u64) -> Result<(), Rejection> {
    let count = transaction.blob_hashes.len();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if count > limit { Err(Rejection::TooManyBlobs { count, limit }) } else { Ok(()) }
}

/// The rules of EIP-4844 and EIP-7594 about what is in the transaction. Answers its blob gas.
fn check_blobs(rules: Rules, block: &BlockEnv, transaction: &Transaction) -> Result<U256, Rejection> {
    if transaction.blob_hashes.is_empty() {
        return Err(Rejection::NoBlobs);
    }
    let (count, limit) = (transaction.blob_hashes.len(), rules.gas().tx_max_blobs);
    if count > limit {
        return Err(Rejection::TooManyBlobs { count, limit });
    }
    if let Some(index) = transaction.blob_hashes.iter().position(|hash| hash[0] != BLOB_VERSION_KZG) {
        return Err(Rejection::BlobVersion(index));
    }
    let (max_fee, base_fee) = (transaction.max_fee_per_blob_gas, block.blob_base_fee());
    // A price of 2^256 - 1 stands for any from there on: no transaction offers that much.
    if max_fee < base_fee || base_fee == U256::MAX {
        return Err(Rejection::BlobFeeBelowBaseFee { max_fee, base_fee });
    }
    Ok(U256::from(count) * U256::from(GasSchedule::GAS_PER_BLOB))
}

fn check_target(transaction: &Transaction) -> Result<(), Rejection> {
    match transaction.kind {
        TransactionType::Blob if transaction.to.is_none() => Err(Rejection::BlobCreate),
        TransactionType::SetCode if transaction.to.is_none() => Err(Rejection::SetCodeCreate),
        TransactionType::SetCode if transaction.authorizations.is_empty() => Err(Rejection::NoAuthorizations),
        _ => Ok(()),
    }
}

/// Nonce, balance and code of the sender. `needed` is the most the transaction may cost, in wei; `None` if that is above
/// 2^256 - 1.
fn check_sender(job: &Job<'_>, transaction: &Transaction, needed: Option<U256>) -> Result<(), EngineError> {
    let sender = job.database.account(transaction.sender)?.unwrap_or_default();
    if transaction.nonce < sender.nonce {
        return Err(Rejection::NonceTooLow { transaction: transaction.nonce, sender: sender.nonce }.into());
    }
    if transaction.nonce > sender.nonce {
        return Err(Rejection::NonceTooHigh { transaction: transaction.nonce, sender: sender.nonce }.into());
    }
    if needed.is_none_or(|needed| sender.balance < needed) {
        let needed = needed.unwrap_or(U256::MAX);
        return Err(Rejection::InsufficientFunds { balance: sender.balance, needed }.into());
    }
    // EIP-3607, which the specification applies to every fork; EIP-7702 lets delegated accounts send.
    if sender.code_hash != KECCAK256_EMPTY {
        let code = job.database.code(sender.code_hash)?;
        if !job.rules.has(Eip::SetCode7702) || code.delegation().is_none() {
            return Err(Rejection::SenderHasCode.into());
        }
    }
    Ok(())
}
