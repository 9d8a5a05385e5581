//! Whether a transaction can be in a block at all, and what it costs before its first opcode.
//!
//! Reads only, and looks at the state last. The order of the checks is that of `validate_transaction` and
//! `check_transaction` of the executable specification: where several rules are broken, the first one is reported.

use parallax_engine_interface::{EngineError, Job};
use parallax_host_interface::{
    CustomTransactions, Funds, HostError, Terms, TermsError, TransactionContext, TransactionRules, TxEnv,
    Waived,
};
use parallax_primitives::{
    Address, BlockEnv, Eip, GasSchedule, Halt, KECCAK256_EMPTY, Rejection, Rules, Subject, Transaction,
    TransactionType, U256,
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
    /// On which terms it is in the block.
    pub terms: Terms,
    /// How its message is refused, if it breaks a rule and its terms let it fail for that.
    pub failure: Option<Halt>,
}

/// What the message of no transaction costs.
const FREE: Validated = Validated {
    transaction: TxEnv { origin: Address::ZERO, gas_price: U256::ZERO, blob_hashes: Vec::new(), chain_id: 0 },
    intrinsic_gas: 0,
    floor_gas: 0,
    blob_fee: U256::ZERO,
    terms: Terms::ETHEREUM,
    failure: None,
};

/// Checks the transaction of `job` against its block and the state before it. A bare message is not checked.
///
/// # Errors
///
/// [`EngineError::Rejected`] with the first broken rule; [`EngineError::Host`] if the state cannot be read.
pub fn validate(job: &Job<'_>) -> Result<Validated, EngineError> {
    let transaction = match job.subject {
        Subject::Transaction(transaction) => transaction,
        Subject::Message { environment, .. } | Subject::SystemCall { environment, .. } => {
            return Ok(Validated {
                transaction: TxEnv { chain_id: job.chain_id, ..environment.clone() },
                ..FREE
            });
        }
    };
    check_kind(job.rules, transaction)?;
    let terms = match CustomTransactions::fast(job.rules) {
        Some(own) => own_terms(own, job, transaction)?,
        None => Terms::ETHEREUM,
    };
    match (check(job, transaction, &terms), terms.fails_as) {
        (Ok(validated), _) => Ok(Validated { terms, ..validated }),
        // A sender whose nonce cannot go up has no transaction at all.
        (Err(EngineError::Rejected(rejection)), Some(halt)) if rejection != Rejection::NonceIsMax => {
            let gas_price = terms.gas_price.unwrap_or(transaction.max_fee_per_gas);
            let environment = environment(job, transaction, gas_price);
            let (intrinsic_gas, failure) = (transaction.gas_limit, Some(halt));
            Ok(Validated { transaction: environment, intrinsic_gas, terms, failure, ..FREE })
        }
        (Err(error), _) => Err(error),
    }
}

/// What the chain says of the transaction.
fn own_terms(
    own: &dyn TransactionRules,
    job: &Job<'_>,
    transaction: &Transaction,
) -> Result<Terms, EngineError> {
    if let TransactionType::Custom(byte) = transaction.kind {
        let read = own.decode(&transaction.envelope);
        let wrong = match read {
            Ok(read) if read == *transaction => None,
            Ok(_) => Some("is not what its envelope says".to_owned()),
            Err(reason) => Some(format!("has an envelope that is none: {reason}")),
        };
        if let Some(wrong) = wrong {
            return Err(HostError::new(format!("the transaction of type {byte:#04x} {wrong}")).into());
        }
    }
    own.terms(&context(job, transaction)).map_err(|error| match error {
        TermsError::Rejected(rejection) => rejection.into(),
        TermsError::Host(error) => error.into(),
    })
}

/// What the chain's own rules are told.
pub(crate) fn context<'a>(job: &Job<'a>, transaction: &'a Transaction) -> TransactionContext<'a> {
    let Job { rules, chain_id, block, database, .. } = *job;
    TransactionContext { rules, chain_id, block, transaction, database }
}

fn environment(job: &Job<'_>, transaction: &Transaction, gas_price: U256) -> TxEnv {
    TxEnv { origin: transaction.sender, gas_price, blob_hashes: Vec::new(), chain_id: job.chain_id }
}

/// All rules but the first and the chain's own.
fn check(job: &Job<'_>, transaction: &Transaction, terms: &Terms) -> Result<Validated, EngineError> {
    let block = job.block;
    if job.rules.has(Eip::IntrinsicParts2780) {
        check_form(job.rules, transaction, terms)?;
    }
    let (intrinsic_gas, floor_gas) = check_gas(job.rules, block, transaction, terms)?;
    if transaction.kind == TransactionType::Blob {
        check_blob_count(transaction, block.blobs.max)?;
    }
    if let Some(chain_id) = transaction.chain_id
        && chain_id != job.chain_id
    {
        return Err(Rejection::WrongChainId { transaction: chain_id, chain: job.chain_id }.into());
    }
    let gas_price = gas_price(job.rules, block, transaction, terms)?;
    let mut max_cost = transaction.max_fee_per_gas.checked_mul(U256::from(transaction.gas_limit));
    let mut blob_fee = U256::ZERO;
    let mut environment = environment(job, transaction, gas_price);
    if transaction.kind == TransactionType::Blob {
        check_blobs(job.rules, transaction)?;
        let blob_gas = check_blob_fee(block, transaction)?;
        max_cost = transaction
            .max_fee_per_blob_gas
            .checked_mul(blob_gas)
            .and_then(|blobs| max_cost?.checked_add(blobs));
        blob_fee = blob_gas.saturating_mul(block.blob_base_fee());
        environment.blob_hashes.clone_from(&transaction.blob_hashes);
    }
    check_target(transaction)?;
    let needed = match terms.funds {
        Funds::Most => max_cost.and_then(|cost| cost.checked_add(transaction.value)),
        Funds::Taken => gas_price
            .checked_mul(U256::from(transaction.gas_limit))
            .and_then(|gas_fee| gas_fee.checked_add(blob_fee)),
    };
    let needed = needed.and_then(|needed| needed.checked_add(terms.extra_fee));
    check_sender(job, transaction, needed, terms)?;
    Ok(Validated { transaction: environment, intrinsic_gas, floor_gas, blob_fee, ..FREE })
}

fn check_kind(rules: Rules, transaction: &Transaction) -> Result<(), Rejection> {
    let eip = match transaction.kind {
        TransactionType::Legacy => return Ok(()),
        TransactionType::AccessList => Eip::AccessLists2930,
        TransactionType::DynamicFee => Eip::DynamicFee1559,
        TransactionType::Blob => Eip::Blobs4844,
        TransactionType::SetCode => Eip::SetCode7702,
        TransactionType::Custom(byte) => {
            let own = rules.custom_transactions().is_some_and(|own| own.types().contains(&byte));
            return if own { Ok(()) } else { Err(Rejection::TypeNotSupported(byte)) };
        }
    };
    if rules.has(eip) { Ok(()) } else { Err(Rejection::TypeNotSupported(transaction.kind.byte())) }
}

/// What the transaction says of itself alone. From EIP-2780 on that is looked at before its gas; until then each where the specification
/// had it, and there they are looked at once more.
fn check_form(rules: Rules, transaction: &Transaction, terms: &Terms) -> Result<(), Rejection> {
    check_nonce_and_size(rules, transaction, terms)?;
    if !terms.waived.fees {
        check_priority(transaction)?;
    }
    if transaction.kind == TransactionType::Blob {
        check_blobs(rules, transaction)?;
    }
    check_target(transaction)
}

/// EIP-2681, EIP-3860.
fn check_nonce_and_size(rules: Rules, transaction: &Transaction, terms: &Terms) -> Result<(), Rejection> {
    if transaction.nonce == u64::MAX && !terms.waived.nonce {
        return Err(Rejection::NonceIsMax);
    }
    let (size, limit) = (transaction.input.len(), rules.gas().max_initcode_size);
    if transaction.to.is_none() && size > limit {
        return Err(Rejection::InitcodeTooLarge { size, limit });
    }
    Ok(())
}

/// The rules that only the transaction and the block's gas limit decide. Answers the intrinsic gas and the floor.
fn check_gas(
    rules: Rules,
    block: &BlockEnv,
    transaction: &Transaction,
    terms: &Terms,
) -> Result<(u64, u64), Rejection> {
    let schedule = rules.gas();
    let limit = transaction.gas_limit;
    let (intrinsic, floor) = intrinsic_gas(rules, transaction);
    let (intrinsic, floor) = (terms.intrinsic_gas.unwrap_or(intrinsic), terms.floor_gas.unwrap_or(floor));
    if intrinsic > limit {
        return Err(Rejection::IntrinsicGas { limit, intrinsic });
    }
    if floor > limit {
        return Err(Rejection::CalldataFloor { limit, floor });
    }
    check_nonce_and_size(rules, transaction, terms)?;
    let is_limited = !terms.waived.gas_limits;
    let (cap, needed) = (schedule.tx_gas_cap, intrinsic.max(floor));
    if rules.has(Eip::StateGas8037) {
        // What is above the cap is for state gas. Where limits are waived, what cannot be split has no execution gas.
        if needed > cap && is_limited {
            return Err(Rejection::IntrinsicGasAboveCap { needed, cap });
        }
    } else if limit > cap && is_limited {
        return Err(Rejection::GasAboveCap { limit, cap });
    }
    if limit > block.gas_limit && is_limited {
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
    // What is sent, and to whom. From EIP-2780 on it is in the floor as well.
    let part = part_of_recipient(schedule, transaction);
    gas += part;
    if transaction.to.is_none() {
        gas += count(transaction.input.len().div_ceil(32)) * schedule.initcode_word;
    }
    let mut access_list_floor = 0;
    if transaction.kind >= TransactionType::AccessList {
        for entry in &transaction.access_list {
            let keys = count(entry.storage_keys.len());
            gas += schedule.tx_access_list_address + keys * schedule.tx_access_list_key;
            access_list_floor +=
                schedule.tx_floor_access_list_address + keys * schedule.tx_floor_access_list_key;
        }
    }
    if transaction.kind >= TransactionType::SetCode {
        gas += count(transaction.authorizations.len()) * schedule.tx_authorization;
    }

    let floor = if rules.has(Eip::CalldataFloor7623) {
        let of_zeros = zeros.saturating_mul(schedule.tx_tokens_zero);
        let tokens = of_zeros.saturating_add(nonzeros.saturating_mul(schedule.tx_tokens_nonzero));
        let base = schedule.tx_base + if rules.has(Eip::IntrinsicParts2780) { part } else { 0 };
        let of_data = base.saturating_add(schedule.tx_floor_token.saturating_mul(tokens));
        of_data.saturating_add(access_list_floor)
    } else {
        0
    };
    (gas, floor)
}

/// What the transaction pays for its recipient: an account of its own making, another account, or itself, which is nothing (EIP-2780).
fn part_of_recipient(schedule: &GasSchedule, transaction: &Transaction) -> u64 {
    match transaction.to {
        None => schedule.tx_create,
        Some(recipient) if recipient == transaction.sender => 0,
        Some(_) if transaction.value.is_zero() => schedule.tx_recipient,
        Some(_) => schedule.tx_recipient + schedule.tx_value,
    }
}

/// What one gas costs, in wei: what the chain says, or the effective price.
fn gas_price(
    rules: Rules,
    block: &BlockEnv,
    transaction: &Transaction,
    terms: &Terms,
) -> Result<U256, Rejection> {
    let effective = if terms.waived.fees {
        transaction.max_fee_per_gas
    } else {
        effective_price(rules, block, transaction)?
    };
    Ok(terms.gas_price.unwrap_or(effective))
}

/// What one gas costs, in wei (EIP-1559).
fn effective_price(rules: Rules, block: &BlockEnv, transaction: &Transaction) -> Result<U256, Rejection> {
    let max_fee = transaction.max_fee_per_gas;
    if !rules.has(Eip::DynamicFee1559) {
        return Ok(max_fee);
    }
    check_priority(transaction)?;
    let (priority, has_priority) = (transaction.max_priority_fee_per_gas, has_priority(transaction));
    let Some(above_base) = max_fee.checked_sub(U256::from(block.base_fee)) else {
        return Err(Rejection::FeeBelowBaseFee { max_fee, base_fee: block.base_fee });
    };
    if has_priority { Ok(U256::from(block.base_fee) + priority.min(above_base)) } else { Ok(max_fee) }
}

fn has_priority(transaction: &Transaction) -> bool {
    transaction.kind >= TransactionType::DynamicFee
}

/// EIP-1559.
fn check_priority(transaction: &Transaction) -> Result<(), Rejection> {
    let (priority, max_fee) = (transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas);
    if has_priority(transaction) && priority > max_fee {
        return Err(Rejection::PriorityAboveFee { priority, max_fee });
    }
    Ok(())
}

fn check_blob_count(transaction: &Transaction, limit: u64) -> Result<(), Rejection> {
    let count = transaction.blob_hashes.len();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if count > limit { Err(Rejection::TooManyBlobs { count, limit }) } else { Ok(()) }
}

/// The rules of EIP-4844 and EIP-7594 about what is in the transaction.
fn check_blobs(rules: Rules, transaction: &Transaction) -> Result<(), Rejection> {
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
    Ok(())
}

/// Whether it pays for its blobs what the block asks (EIP-4844). Answers its blob gas.
fn check_blob_fee(block: &BlockEnv, transaction: &Transaction) -> Result<U256, Rejection> {
    let (max_fee, base_fee) = (transaction.max_fee_per_blob_gas, block.blob_base_fee());
    // A price of 2^256 - 1 stands for any from there on: no transaction offers that much.
    if max_fee < base_fee || base_fee == U256::MAX {
        return Err(Rejection::BlobFeeBelowBaseFee { max_fee, base_fee });
    }
    Ok(U256::from(transaction.blob_hashes.len()) * U256::from(GasSchedule::GAS_PER_BLOB))
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
fn check_sender(
    job: &Job<'_>,
    transaction: &Transaction,
    needed: Option<U256>,
    terms: &Terms,
) -> Result<(), EngineError> {
    let Waived { nonce: is_any_nonce, sender_code: may_have_code, .. } = terms.waived;
    let sender = job.database.account(transaction.sender)?.unwrap_or_default();
    if is_any_nonce {
        if sender.nonce == u64::MAX {
            return Err(Rejection::NonceIsMax.into());
        }
    } else if transaction.nonce < sender.nonce {
        return Err(Rejection::NonceTooLow { transaction: transaction.nonce, sender: sender.nonce }.into());
    } else if transaction.nonce > sender.nonce {
        return Err(Rejection::NonceTooHigh { transaction: transaction.nonce, sender: sender.nonce }.into());
    }
    let balance = sender.balance.saturating_add(terms.mint);
    if needed.is_none_or(|needed| balance < needed) {
        let needed = needed.unwrap_or(U256::MAX);
        return Err(Rejection::InsufficientFunds { balance, needed }.into());
    }
    // EIP-3607, which the specification applies to every fork; EIP-7702 lets delegated accounts send.
    if sender.code_hash != KECCAK256_EMPTY && !may_have_code {
        let code = job.database.code(sender.code_hash)?;
        if !job.rules.has(Eip::SetCode7702) || code.delegation().is_none() {
            return Err(Rejection::SenderHasCode.into());
        }
    }
    Ok(())
}
