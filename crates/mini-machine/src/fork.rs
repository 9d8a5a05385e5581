//! The beginning and the end of a transaction, as EELS's `fork.py` has them.

use parallax_engine_interface::{EngineError, Job};
use parallax_host_interface::{
    AccountInfo, CustomTransactions, Funds, HostError, MessageEnd, Settlement, Terms, TermsError,
    TransactionContext, TxEnv,
};
use parallax_primitives::{
    Address, BlockEnv, Eip, FrameOutcome, GasSchedule, Halt, KECCAK256_EMPTY, Rejection, Rules, StateGas,
    Transaction, TransactionType, TxOutcome, U256,
};

use crate::{
    eoa_delegation::is_valid_delegation,
    gas::{GasMeter, calculate_blob_gas_price, calculate_data_fee, calculate_total_blob_gas},
    message::Prelude,
    transactions::{
        IntrinsicCost, check_blob_hashes, check_priority_fee, check_type, has_priority_fee, too_many_blobs,
        validate_transaction,
    },
    world::World,
};

/// What is known of a transaction once it may be in the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validated {
    /// Gas that is charged before the first opcode.
    pub intrinsic_gas: u64,
    /// The least gas that is paid for in the end (EIP-7623); zero before Prague.
    pub calldata_floor: u64,
    /// What a gas costs the sender, in wei (EIP-1559).
    pub effective_gas_price: U256,
    /// The terms of the chain's own rules; Ethereum's where it has none.
    pub terms: Terms,
    /// How its message is refused, where the terms let it fail for a rule that it breaks.
    pub failure: Option<Halt>,
}

/// Checks the transaction as the specification does, in its order, in the block and on the state of `job`; the first reason is the
/// answer.
///
/// EELS: `fork.py`, `process_transaction`, up to where the sender pays.
///
/// # Errors
///
/// The one [`Rejection`] that comes first, or that the world failed.
pub fn validate(job: &Job<'_>, transaction: &Transaction) -> Result<Validated, EngineError> {
    check_type(job.rules, transaction)?;
    let terms = terms_of_chain(job, transaction)?;
    let result = check(job, transaction, &terms);
    if let (Err(EngineError::Rejected(reason)), Some(halt)) = (&result, terms.fails_as)
        && !matches!(reason, Rejection::NonceIsMax)
    {
        // All of its gas is gone before its message, which nobody gets to see the beginning of.
        return Ok(Validated {
            intrinsic_gas: transaction.gas_limit,
            calldata_floor: 0,
            effective_gas_price: terms.gas_price.unwrap_or(transaction.max_fee_per_gas),
            failure: Some(halt),
            terms,
        });
    }
    let (IntrinsicCost { intrinsic_gas, calldata_floor_gas_cost }, effective_gas_price) = result?;
    let calldata_floor = calldata_floor_gas_cost;
    Ok(Validated { intrinsic_gas, calldata_floor, effective_gas_price, terms, failure: None })
}

fn check(
    job: &Job<'_>,
    transaction: &Transaction,
    terms: &Terms,
) -> Result<(IntrinsicCost, U256), EngineError> {
    let cost = validate_transaction(job.rules, transaction, terms)?;
    let effective_gas_price = check_transaction(job, transaction, terms)?;
    Ok((cost, effective_gas_price))
}

/// What the chain's own rules say of the transaction, if there are any. It is of a type of the chain's own only if its bytes are.
fn terms_of_chain(job: &Job<'_>, transaction: &Transaction) -> Result<Terms, EngineError> {
    let Some(chain) = CustomTransactions::plain(job.rules) else { return Ok(Terms::default()) };
    if let TransactionType::Custom(byte) = transaction.kind {
        let decoded = chain.decode(&transaction.envelope).map_err(|reason| {
            HostError::new(format!("the envelope of the transaction of type {byte:#04x}: {reason}"))
        })?;
        if decoded != *transaction {
            return Err(HostError::new(format!(
                "the transaction of type {byte:#04x} has the envelope of another one"
            ))
            .into());
        }
    }
    match chain.terms(&around(job, transaction)) {
        Ok(terms) => Ok(terms),
        Err(TermsError::Rejected(rejection)) => Err(EngineError::Rejected(rejection)),
        Err(TermsError::Host(error)) => Err(EngineError::Host(error)),
    }
}

pub(crate) fn around<'a>(job: &Job<'a>, transaction: &'a Transaction) -> TransactionContext<'a> {
    TransactionContext {
        rules: job.rules,
        chain_id: job.chain_id,
        block: job.block,
        transaction,
        database: job.database,
    }
}

/// What depends on the block and on the sender; the effective price of a gas.
///
/// EELS: `fork.py`, `check_transaction`. It has the block to itself: no gas of it is used yet.
fn check_transaction(job: &Job<'_>, transaction: &Transaction, terms: &Terms) -> Result<U256, EngineError> {
    let Job { rules, block, .. } = *job;
    if transaction.gas_limit > block.gas_limit && !terms.waived.gas_limits {
        let limits = Rejection::GasAboveBlock { transaction: transaction.gas_limit, block: block.gas_limit };
        return Err(limits.into());
    }
    let blob_count = transaction.blob_hashes.len();
    if calculate_total_blob_gas(transaction) > block.blobs.max.saturating_mul(GasSchedule::GAS_PER_BLOB) {
        return Err(too_many_blobs(blob_count, block.blobs.max.try_into().unwrap_or(usize::MAX)).into());
    }
    // Where the specification recovers the sender (EIP-155).
    if let Some(chain_id) = transaction.chain_id.filter(|chain_id| *chain_id != job.chain_id) {
        return Err(Rejection::WrongChainId { transaction: chain_id, chain: job.chain_id }.into());
    }

    let mut effective_gas_price = if terms.waived.fees {
        transaction.max_fee_per_gas
    } else {
        effective_gas_price(rules, block, transaction)?
    };
    if let Some(gas_price) = terms.gas_price {
        effective_gas_price = gas_price;
    }
    if transaction.kind == TransactionType::Blob {
        check_blobs(rules, block, transaction)?;
    }
    // Before Prague the type 3 was looked at first: see there.
    if transaction.to.is_none() {
        match transaction.kind {
            TransactionType::Blob => return Err(Rejection::BlobCreate.into()),
            TransactionType::SetCode => return Err(Rejection::SetCodeCreate.into()),
            _ => {}
        }
    }
    if transaction.kind == TransactionType::SetCode && transaction.authorizations.is_empty() {
        // EIP-7702
        return Err(Rejection::NoAuthorizations.into());
    }
    let needed = match terms.funds {
        Funds::Most => most_it_costs(transaction),
        Funds::Taken => taken_before(block, transaction, effective_gas_price),
    };
    check_sender(job, transaction, terms, needed.and_then(|needed| needed.checked_add(terms.extra_fee)))?;
    Ok(effective_gas_price)
}

/// What a gas costs the sender, in wei. From London on a part of it is burnt (EIP-1559).
fn effective_gas_price(rules: Rules, block: &BlockEnv, transaction: &Transaction) -> Result<U256, Rejection> {
    let max_fee = transaction.max_fee_per_gas;
    if !rules.has(Eip::DynamicFee1559) {
        return Ok(max_fee);
    }
    check_priority_fee(transaction)?;
    let base_fee = U256::from(block.base_fee);
    let Some(above_base_fee) = max_fee.checked_sub(base_fee) else {
        return Err(Rejection::FeeBelowBaseFee { max_fee, base_fee: block.base_fee });
    };
    let priority = transaction.max_priority_fee_per_gas;
    Ok(if has_priority_fee(transaction) { base_fee + above_base_fee.min(priority) } else { max_fee })
}

/// EIP-4844. The specification asks for a target first up to Cancun, and last from Prague on.
fn check_blobs(rules: Rules, block: &BlockEnv, transaction: &Transaction) -> Result<(), Rejection> {
    if !rules.has(Eip::SetCode7702) && transaction.to.is_none() {
        return Err(Rejection::BlobCreate);
    }
    check_blob_hashes(rules, transaction)?;
    let (max_fee, base_fee) =
        (transaction.max_fee_per_blob_gas, calculate_blob_gas_price(block.excess_blob_gas, &block.blobs));
    if max_fee < base_fee || base_fee == U256::MAX {
        return Err(Rejection::BlobFeeBelowBaseFee { max_fee, base_fee });
    }
    Ok(())
}

/// Its nonce, what it has, and whether it is an account that sends transactions.
fn check_sender(
    job: &Job<'_>,
    transaction: &Transaction,
    terms: &Terms,
    needed: Option<U256>,
) -> Result<(), EngineError> {
    let sender = job.database.account(transaction.sender)?.unwrap_or_default();
    // Where the nonce is waived it is the sender's own.
    let nonce = if terms.waived.nonce { sender.nonce } else { transaction.nonce };
    if terms.waived.nonce && nonce == u64::MAX {
        // EIP-2681, which else was looked at before.
        return Err(Rejection::NonceIsMax.into());
    }
    let nonces = (nonce, sender.nonce);
    if sender.nonce > nonce {
        return Err(Rejection::NonceTooLow { transaction: nonces.0, sender: nonces.1 }.into());
    }
    if sender.nonce < nonce {
        return Err(Rejection::NonceTooHigh { transaction: nonces.0, sender: nonces.1 }.into());
    }
    let balance = sender.balance.saturating_add(terms.mint);
    if needed.is_none_or(|needed| balance < needed) {
        let needed = needed.unwrap_or(U256::MAX);
        return Err(Rejection::InsufficientFunds { balance, needed }.into());
    }
    if sender.code_hash != KECCAK256_EMPTY && !terms.waived.sender_code {
        // EIP-3607, and EIP-7702 from Prague on
        let code = job.database.code(sender.code_hash)?;
        if !job.rules.has(Eip::SetCode7702) || !is_valid_delegation(code.bytes()) {
            return Err(Rejection::SenderHasCode.into());
        }
    }
    Ok(())
}

/// The most that the transaction takes from its sender, in wei; `None` if that is above 2^256 - 1, which nobody has.
fn most_it_costs(transaction: &Transaction) -> Option<U256> {
    let gas_fee = U256::from(transaction.gas_limit).checked_mul(transaction.max_fee_per_gas)?;
    let blob_gas = U256::from(calculate_total_blob_gas(transaction));
    let blob_fee = blob_gas.checked_mul(transaction.max_fee_per_blob_gas)?;
    gas_fee.checked_add(blob_fee)?.checked_add(transaction.value)
}

/// What it takes from its sender before its message, in wei, at the block's prices.
fn taken_before(block: &BlockEnv, transaction: &Transaction, gas_price: U256) -> Option<U256> {
    let gas_fee = U256::from(transaction.gas_limit).checked_mul(gas_price)?;
    let blob_price = calculate_blob_gas_price(block.excess_blob_gas, &block.blobs);
    gas_fee.checked_add(calculate_data_fee(blob_price, transaction))
}

/// Pays for the gas and the blobs, and counts the nonce. It is checked that the sender has it.
///
/// EELS: `fork.py`, `process_transaction`, up to its message.
pub(crate) fn buy_gas(
    world: &mut World<'_>,
    validated: &Validated,
    transaction: &Transaction,
) -> Result<(), HostError> {
    let sender = transaction.sender;
    world.increment_nonce(sender)?;
    world.add_to_balance(sender, validated.terms.mint)?;
    if validated.failure.is_some() {
        return Ok(());
    }
    let effective_gas_fee = U256::from(transaction.gas_limit).saturating_mul(validated.effective_gas_price);
    let blob_gas_fee = calculate_data_fee(world.blob_gas_price, transaction);
    let AccountInfo { balance, .. } = world.get_account(sender)?;
    let fees = effective_gas_fee.saturating_add(blob_gas_fee).saturating_add(validated.terms.extra_fee);
    // A chain's price may be above the fee that was checked.
    let Some(balance) = balance.checked_sub(fees) else {
        return Err(HostError::new(format!("{sender} has {balance} wei and is to pay {fees}")));
    };
    world.set_account_balance(sender, balance)
}

/// What the transaction's message may use: as much execution gas as the cap (EIP-7825) leaves, and the rest in the reservoir
/// (EIP-8037).
///
/// EELS: `fork.py`, `process_transaction`.
pub(crate) fn gas_of_message(rules: Rules, transaction: &Transaction, validated: &Validated) -> GasMeter {
    let gas = transaction.gas_limit - validated.intrinsic_gas;
    if !rules.has(Eip::StateGas8037) {
        return GasMeter { gas_left: gas, state_gas: StateGas::NONE };
    }
    let gas_left = gas.min(rules.gas().tx_gas_cap.saturating_sub(validated.intrinsic_gas));
    GasMeter { gas_left, state_gas: StateGas::of(gas - gas_left) }
}

/// What the transaction answers to opcodes.
pub(crate) fn transaction_environment(
    job: &Job<'_>,
    transaction: &Transaction,
    validated: &Validated,
) -> TxEnv {
    TxEnv {
        origin: transaction.sender,
        gas_price: validated.effective_gas_price,
        blob_hashes: match transaction.kind {
            TransactionType::Blob => transaction.blob_hashes.clone(),
            _ => Vec::new(),
        },
        chain_id: job.chain_id,
    }
}

/// Gives back what is left, pays the coinbase, and takes away the accounts that end with the transaction. `outcome` is its
/// message's, `prelude` what came before that.
///
/// EELS: `fork.py`, `process_transaction`, from the end of its message on.
pub(crate) fn settle(
    world: &mut World<'_>,
    validated: &Validated,
    around: &TransactionContext<'_>,
    prelude: &Prelude,
    outcome: &FrameOutcome,
) -> Result<TxOutcome, HostError> {
    let transaction = around.transaction;
    // What a failed message has refunded was rolled back with it.
    let refund_counter = prelude.delegation_refund.saturating_add_signed(world.state.refund_counter);
    let gas_left = outcome.gas_left.saturating_add(outcome.state_gas.reservoir);
    let gas_used_before_refund = transaction.gas_limit.saturating_sub(gas_left);
    // EIP-3529: a fifth at the most from London on, and half before.
    let refund_quotient = world.rules.gas().refund_quotient;
    let gas_refund = refund_counter.min(gas_used_before_refund / refund_quotient);
    let gas_used_after_refund = gas_used_before_refund - gas_refund;
    // EIP-7623: who pays the floor is refunded nothing.
    let (gas_used, gas_refunded) = if gas_used_after_refund < validated.calldata_floor {
        (validated.calldata_floor, 0)
    } else {
        (gas_used_after_refund, gas_refund)
    };

    let gas_left = U256::from(transaction.gas_limit - gas_used);
    let mut settlement = Settlement {
        gas_used,
        gas_refunded,
        returned: gas_left.saturating_mul(validated.effective_gas_price),
        paid: vec![(world.block.coinbase, fee_of_coinbase(world, validated.effective_gas_price, gas_used))],
    };
    if let Some(chain) = CustomTransactions::plain(world.rules) {
        let end = MessageEnd {
            status: outcome.status,
            gas_spent: gas_used_before_refund,
            refund: refund_counter,
            gas_price: validated.effective_gas_price,
            terms: &validated.terms,
        };
        settlement = chain.settle(around, &end, settlement)?;
    }
    world.add_to_balance(transaction.sender, settlement.returned)?;
    for (receiver, wei) in settlement.paid {
        pay(world, receiver, wei)?;
    }
    let begun = gas_of_message(world.rules, transaction, validated);
    let state_gas = state_gas_used(begun.state_gas.reservoir + prelude.committed_spill, outcome);
    let execution_gas = if world.rules.has(Eip::StateGas8037) {
        // EIP-7778, EIP-8037
        gas_used_before_refund.saturating_sub(state_gas).max(validated.calldata_floor)
    } else {
        settlement.gas_used
    };
    let Settlement { gas_used, gas_refunded, .. } = settlement;
    finish(world, outcome, &GasUsed { gas_used, gas_refunded, execution_gas, state_gas })
}

/// What came of a bare message, for which nobody is paid. `begun` is what it could use.
pub(crate) fn finish_message(
    world: &mut World<'_>,
    begun: GasMeter,
    outcome: &FrameOutcome,
) -> Result<TxOutcome, HostError> {
    let reservoir = begun.state_gas.reservoir;
    // One that begins with state gas that is spilled may end with more than it began with; nobody has looked at the sums, either.
    let gas_left = outcome.gas_left.saturating_add(outcome.state_gas.reservoir);
    let gas_used = begun.gas_left.saturating_add(reservoir).saturating_sub(gas_left);
    let state_gas = state_gas_used(reservoir, outcome);
    let execution_gas = gas_used.saturating_sub(state_gas);
    finish(world, outcome, &GasUsed { gas_used, gas_refunded: 0, execution_gas, state_gas })
}

/// State gas that was charged and not given back, of which `reservoir` was there (EIP-8037).
///
/// EELS: `fork.py`, `process_transaction`.
fn state_gas_used(reservoir: u64, outcome: &FrameOutcome) -> u64 {
    reservoir.saturating_add(outcome.state_gas.spilled).saturating_sub(outcome.state_gas.reservoir)
}

/// The numbers of a [`TxOutcome`].
struct GasUsed {
    gas_used: u64,
    gas_refunded: u64,
    execution_gas: u64,
    state_gas: u64,
}

/// Takes away the accounts that end with the transaction, or with the bare message, and says what that came to. The output of a
/// creation is the code.
fn finish(world: &mut World<'_>, outcome: &FrameOutcome, gas: &GasUsed) -> Result<TxOutcome, HostError> {
    let output = match outcome.created {
        Some(address) => {
            let account = world.get_account(address)?;
            world.get_code(account.code_hash)?.bytes().clone()
        }
        None => outcome.output.clone(),
    };
    end(world)?;
    Ok(TxOutcome {
        status: outcome.status,
        gas_used: gas.gas_used,
        gas_refunded: gas.gas_refunded,
        execution_gas: gas.execution_gas,
        state_gas: gas.state_gas,
        output,
        logs: std::mem::take(&mut world.logs),
        created: outcome.created,
    })
}

fn fee_of_coinbase(world: &World<'_>, effective_gas_price: U256, gas_used: u64) -> U256 {
    // EIP-1559: from London on the base fee is burnt. Where a chain asks for less, nothing is left.
    let base_fee =
        if world.rules.has(Eip::DynamicFee1559) { U256::from(world.block.base_fee) } else { U256::ZERO };
    U256::from(gas_used).saturating_mul(effective_gas_price.saturating_sub(base_fee))
}

fn pay(world: &mut World<'_>, receiver: Address, wei: U256) -> Result<(), HostError> {
    let has_any = !wei.is_zero() || !world.get_account(receiver)?.balance.is_zero();
    if has_any || !world.rules.has(Eip::StateClearing161) {
        // Before EIP-161 it came to be by being sent nothing.
        world.add_to_balance(receiver, wei)?;
    } else if world.account_exists_and_is_empty(receiver)? {
        world.destroy_account(receiver);
    }
    Ok(())
}

/// Takes away the accounts that destroyed themselves, all but what they have in wei with EIP-8246, and those that were touched and are
/// empty (EIP-161).
///
/// EELS: `fork.py`, the end of `process_transaction`; `state.py`, `destroy_touched_empty_accounts`.
fn end(world: &mut World<'_>) -> Result<(), HostError> {
    for (address, ()) in world.state.accounts_to_delete.clone().iter() {
        if world.rules.has(Eip::KeptBalance8246) {
            world.clear_account_preserving_balance(*address)?;
        } else {
            world.destroy_account(*address);
        }
    }
    for (address, ()) in world.state.touched_accounts.clone().iter() {
        if world.account_exists_and_is_empty(*address)? {
            world.destroy_account(*address);
        }
    }
    Ok(())
}
