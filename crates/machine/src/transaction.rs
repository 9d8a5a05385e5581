//! What stands around a transaction's own message: what is paid before, and what is settled after it.
//!
//! The journal has no open checkpoint here, so nothing of this module is undone when the message fails: the sender's
//! nonce, the fees and the delegations stay.

use parallax_engine_interface::Job;
use parallax_host_interface::{
    CustomTransactions, HostError, Journal, MessageEnd, Settlement, Terms, TransactionContext,
};
use parallax_primitives::{
    Address, Authorization, Bytecode, ContractDefinition, Eip, FrameOutcome, GasSchedule, Halt, Message,
    MessageKind, PrecompileId, Rules, StateGas, Transaction, TransactionType, U256,
};

use crate::{
    Validated,
    authorization::authority_of,
    preparation::{Purse, prepare},
    validate::context,
};

/// What has to be known once the transaction's own message is over.
pub(crate) struct Unsettled<'a> {
    around: TransactionContext<'a>,
    terms: Terms,
    floor_gas: u64,
    /// Refund of the delegations (EIP-7702): kept even if the message fails.
    authorization_refund: u64,
    /// State gas in the reservoir at the beginning.
    reservoir: u64,
    /// State gas that authorizations have taken from execution gas: no failure of the message gives it back.
    committed_spill: u64,
    /// Wei that the sender paid for each gas.
    gas_price: U256,
}

/// A transaction before its own message.
pub(crate) struct Opened<'a> {
    pub(crate) message: Message,
    pub(crate) unsettled: Unsettled<'a>,
    /// How the message is refused, if the transaction fails before it begins.
    pub(crate) failure: Option<Halt>,
}

/// Gas of a settled transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) gas_used: u64,
    pub(crate) gas_refunded: u64,
    /// See [`parallax_primitives::TxOutcome::execution_gas`].
    pub(crate) execution_gas: u64,
    /// See [`parallax_primitives::TxOutcome::state_gas`].
    pub(crate) state_gas: u64,
}

/// Buys the gas, bumps the nonce, warms what is warm from the start and sets the delegations. Answers the transaction's
/// own message.
pub(crate) fn open<'a>(
    job: &Job<'a>,
    transaction: &'a Transaction,
    validated: &Validated,
    journal: &mut dyn Journal,
) -> Result<Opened<'a>, HostError> {
    let rules = job.rules;
    let terms = &validated.terms;
    let gas_price = validated.transaction.gas_price;
    if !terms.mint.is_zero() {
        journal.credit(transaction.sender, terms.mint)?;
    }
    let nonce = if terms.waived.nonce { journal.nonce(transaction.sender)? } else { transaction.nonce };
    journal.bump_nonce(transaction.sender)?;
    if validated.failure.is_none() {
        let gas_fee = gas_price.saturating_mul(U256::from(transaction.gas_limit));
        let fee = gas_fee.saturating_add(validated.blob_fee).saturating_add(terms.extra_fee);
        if !journal.debit(transaction.sender, fee)? {
            return Err(HostError::new("the journal's sender has less than the database's"));
        }
    }

    let address = transaction.to.unwrap_or_else(|| transaction.sender.create(nonce));
    warm_up(journal, rules, transaction.sender, address, job.block.coinbase);
    if transaction.kind >= TransactionType::AccessList {
        for entry in &transaction.access_list {
            journal.warm_account(entry.address);
            for key in &entry.storage_keys {
                journal.warm_slot(entry.address, U256::from_be_bytes(key.0));
            }
        }
    }
    let mut message = Message {
        kind: if transaction.to.is_some() { MessageKind::Call } else { MessageKind::Create },
        depth: 0,
        is_static: false,
        gas: transaction.gas_limit - validated.intrinsic_gas,
        caller: transaction.sender,
        address,
        code_address: transaction.to.unwrap_or_default(),
        is_delegated: false,
        value: transaction.value,
        input: transaction.input.clone(),
        state_gas: StateGas::NONE,
        salt: U256::ZERO,
    };
    let mut unsettled = Unsettled {
        around: context(job, transaction),
        terms: terms.clone(),
        floor_gas: validated.floor_gas,
        authorization_refund: 0,
        reservoir: 0,
        committed_spill: 0,
        gas_price,
    };
    if rules.has(Eip::IntrinsicParts2780) && validated.failure.is_none() {
        let purse = Purse::of(job, transaction.gas_limit, validated.intrinsic_gas);
        unsettled.reservoir = purse.state.reservoir;
        let failure = match prepare(journal, job, transaction, &mut message, purse)? {
            Ok(committed_spill) => {
                unsettled.committed_spill = committed_spill;
                None
            }
            Err(halt) => Some(halt),
        };
        return Ok(Opened { message, unsettled, failure });
    }
    let sets_code = transaction.kind >= TransactionType::SetCode && rules.has(Eip::SetCode7702);
    if sets_code && transaction.to.is_some() && validated.failure.is_none() {
        for authorization in &transaction.authorizations {
            unsettled.authorization_refund +=
                set_delegation(journal, rules.gas(), job.chain_id, authorization)?;
        }
    }
    // EIP-7702: the transaction follows the delegation of its target as a call does, and pays nothing for it.
    if rules.has(Eip::SetCode7702)
        && let Some(target) = transaction.to
        && let Some(delegate) = journal.code(target)?.delegation()
    {
        journal.warm_account(delegate);
        if rules.has(Eip::BlockAccessLists7928) {
            journal.code(delegate)?;
        }
        message.code_address = delegate;
        message.is_delegated = true;
    }
    Ok(Opened { message, unsettled, failure: validated.failure })
}

/// Warms what every transaction finds warm (EIP-2929, EIP-3651).
pub(crate) fn warm_up(
    journal: &mut dyn Journal,
    rules: Rules,
    sender: Address,
    target: Address,
    coinbase: Address,
) {
    if !rules.has(Eip::WarmAccess2929) {
        return;
    }
    journal.warm_account(sender);
    journal.warm_account(target);
    let contracts = rules.precompiles().map(PrecompileId::address);
    for address in contracts.chain(rules.custom_contracts().map(ContractDefinition::address)) {
        journal.warm_account(address);
    }
    if rules.has(Eip::WarmCoinbase3651) {
        journal.warm_account(coinbase);
    }
}

/// One tuple before EIP-2780: one that breaks a rule is skipped. Answers its refund, in gas.
fn set_delegation(
    journal: &mut dyn Journal,
    schedule: &GasSchedule,
    chain_id: u64,
    authorization: &Authorization,
) -> Result<u64, HostError> {
    let Some(authority) = authority_of(journal, chain_id, authorization)? else { return Ok(0) };
    let refund = if journal.is_dead(authority)? {
        0
    } else {
        schedule.tx_authorization.saturating_sub(schedule.tx_authorization_existing)
    };
    let code = if authorization.address.is_zero() {
        Bytecode::default()
    } else {
        Bytecode::delegating_to(authorization.address)
    };
    journal.set_code(authority, code)?;
    journal.bump_nonce(authority)?;
    Ok(refund)
}

impl Unsettled<'_> {
    /// Gives back to the sender what is its, and pays who is to be paid.
    pub(crate) fn settle(
        &self,
        outcome: &FrameOutcome,
        journal: &mut dyn Journal,
    ) -> Result<Settled, HostError> {
        let transaction = self.around.transaction;
        // A message that failed has taken its refunds back with everything else.
        let frame_refund = u64::try_from(journal.journal_view().refund()).unwrap_or(0);
        let end = MessageEnd {
            status: outcome.status,
            gas_spent: transaction.gas_limit.saturating_sub(outcome.gas_left + outcome.state_gas.reservoir),
            refund: self.authorization_refund + frame_refund,
            gas_price: self.gas_price,
            terms: &self.terms,
        };
        let mut settled = self.gas(&end);
        // More comes back than was charged only for storage that was there before its account was created.
        settled.state_gas = (self.reservoir + self.committed_spill + outcome.state_gas.spilled)
            .saturating_sub(outcome.state_gas.reservoir);
        let Settlement { gas_used, gas_refunded, returned, paid } =
            match CustomTransactions::fast(self.around.rules) {
                Some(own) => own.settle(&self.around, &end, self.fees(settled))?,
                None => self.fees(settled),
            };
        settled.execution_gas = if self.around.rules.has(Eip::StateGas8037) {
            end.gas_spent.saturating_sub(settled.state_gas).max(self.floor_gas)
        } else {
            gas_used
        };
        journal.credit(transaction.sender, returned)?;
        for (receiver, amount) in paid {
            journal.credit(receiver, amount)?;
        }
        Ok(Settled { gas_used, gas_refunded, ..settled })
    }

    /// The refund is capped (EIP-3529) and then the floor applied (EIP-7623); below the floor no refund is granted.
    fn gas(&self, end: &MessageEnd<'_>) -> Settled {
        let gas_refunded = end.refund.min(end.gas_spent / self.around.rules.gas().refund_quotient);
        let gas_used = end.gas_spent - gas_refunded;
        if gas_used < self.floor_gas {
            return Settled { gas_used: self.floor_gas, ..Settled::default() };
        }
        Settled { gas_used, gas_refunded, ..Settled::default() }
    }

    /// Unused gas goes back to the sender, the tip to the coinbase; the base fee is burned (EIP-1559).
    fn fees(&self, settled: Settled) -> Settlement {
        let TransactionContext { rules, block, transaction, .. } = self.around;
        let base_fee = if rules.has(Eip::DynamicFee1559) { U256::from(block.base_fee) } else { U256::ZERO };
        let tip = self.gas_price.saturating_sub(base_fee);
        let unused = U256::from(transaction.gas_limit - settled.gas_used);
        Settlement {
            gas_used: settled.gas_used,
            gas_refunded: settled.gas_refunded,
            returned: unused.saturating_mul(self.gas_price),
            paid: vec![(block.coinbase, U256::from(settled.gas_used).saturating_mul(tip))],
        }
    }
}
