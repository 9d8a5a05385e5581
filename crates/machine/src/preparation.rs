//! What a transaction pays for behind its intrinsic gas and before its first opcode, because it depends on the state: authorizations,
//! the account that it brings to life, the code that its recipient delegates to (EIP-2780, EIP-8037).
//!
//! If it cannot pay, all of this is undone, and the transaction has failed before its message.

use std::collections::BTreeSet;

use parallax_engine_interface::Job;
use parallax_host_interface::{HostError, Journal};
use parallax_primitives::{
    Address, Authorization, Bytecode, Eip, GasSchedule, Halt, Message, StateGas, Transaction,
};

use crate::authorization::authority_of;

/// The two gases of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Purse {
    pub(crate) gas: u64,
    pub(crate) state: StateGas,
}

impl Purse {
    /// What is above the cap is for state gas alone (EIP-8037).
    pub(crate) fn of(job: &Job<'_>, limit: u64, intrinsic: u64) -> Self {
        let rest = limit - intrinsic;
        if !job.rules.has(Eip::StateGas8037) {
            return Self { gas: rest, state: StateGas::NONE };
        }
        let gas = rest.min(job.rules.gas().tx_gas_cap.saturating_sub(intrinsic));
        Self { gas, state: StateGas::of(rest - gas) }
    }

    fn pay(&mut self, amount: u64) -> Result<(), Short> {
        self.gas = self.gas.checked_sub(amount).ok_or(Short)?;
        Ok(())
    }

    fn pay_state(&mut self, amount: u64) -> Result<(), Short> {
        let from_reservoir = amount.min(self.state.reservoir);
        self.pay(amount - from_reservoir)?;
        self.state.reservoir -= from_reservoir;
        self.state.spilled += amount - from_reservoir;
        Ok(())
    }
}

/// A charge that could not be paid.
#[derive(Debug)]
struct Short;

/// Why a preparation did not come to its end.
enum Stop {
    Short,
    Host(HostError),
}

impl From<Short> for Stop {
    fn from(_: Short) -> Self {
        Stop::Short
    }
}

impl From<HostError> for Stop {
    fn from(error: HostError) -> Self {
        Stop::Host(error)
    }
}

/// Prepares the transaction's message, which has `purse` to begin with. Answers what the authorizations have spilled, which no failure of
/// the message gives back, or how the message is refused.
pub(crate) fn prepare(
    journal: &mut dyn Journal,
    job: &Job<'_>,
    transaction: &Transaction,
    message: &mut Message,
    purse: Purse,
) -> Result<Result<u64, Halt>, HostError> {
    journal.checkpoint();
    let mut own = purse;
    let done = pay(journal, job, transaction, message, &mut own);
    let committed = match done {
        Ok(committed) => committed,
        Err(Stop::Host(error)) => return Err(error),
        Err(Stop::Short) => {
            journal.revert();
            (message.gas, message.state_gas) = (purse.gas, purse.state);
            return Ok(Err(Halt::OutOfGas));
        }
    };
    journal.commit();
    (message.gas, message.state_gas) = (own.gas, own.state);
    Ok(Ok(committed))
}

fn pay(
    journal: &mut dyn Journal,
    job: &Job<'_>,
    transaction: &Transaction,
    message: &mut Message,
    purse: &mut Purse,
) -> Result<u64, Stop> {
    let schedule = job.rules.gas();
    if transaction.to.is_some() && job.rules.has(Eip::SetCode7702) {
        let mut authorities = Authorities::new(transaction);
        for authorization in &transaction.authorizations {
            authorities.set(journal, job, authorization, purse)?;
        }
    }
    // What the delegations cost stays spent, as they stay in force.
    let committed = std::mem::take(&mut purse.state.spilled);
    purse.state.baseline = purse.state.reservoir;

    let brings_to_life = message.kind.is_create() || !message.value.is_zero();
    if brings_to_life && journal.is_dead(message.address)? {
        purse.pay_state(schedule.state_new_account)?;
    }
    let target = message.address;
    if !message.kind.is_create()
        && let Some(delegate) = journal.code(target)?.delegation()
    {
        let is_cold = journal.warm_account(delegate);
        purse.pay(schedule.warm_access + if is_cold { schedule.cold_account } else { 0 })?;
        // Looked at although it may be a precompiled contract, whose code does not run (EIP-7928).
        journal.code(delegate)?;
        message.code_address = delegate;
        message.is_delegated = true;
    }
    Ok(committed)
}

/// What the tuples of a transaction have come across.
struct Authorities {
    /// Accounts that are written to anyway, so that a delegation's write is paid for.
    written: BTreeSet<Address>,
    /// Accounts that have delegated, before the transaction or by an earlier tuple, whatever they do now.
    delegated: BTreeSet<Address>,
}

impl Authorities {
    fn new(transaction: &Transaction) -> Self {
        let recipient = transaction.to.filter(|_| !transaction.value.is_zero());
        let written = recipient.into_iter().chain([transaction.sender]).collect();
        Self { written, delegated: BTreeSet::new() }
    }

    /// One tuple (EIP-7702): one that breaks a rule is skipped, and has cost no more than its intrinsic gas.
    fn set(
        &mut self,
        journal: &mut dyn Journal,
        job: &Job<'_>,
        authorization: &Authorization,
        purse: &mut Purse,
    ) -> Result<(), Stop> {
        let schedule: &GasSchedule = job.rules.gas();
        let Some(authority) = authority_of(journal, job.chain_id, authorization)? else { return Ok(()) };
        if journal.is_dead(authority)? {
            purse.pay_state(schedule.state_new_account)?;
        }
        if self.written.insert(authority) {
            purse.pay(schedule.tx_authority_write)?;
        }
        if journal.code(authority)?.delegation().is_some() {
            self.delegated.insert(authority);
        }
        let sets = !authorization.address.is_zero();
        if sets && self.delegated.insert(authority) {
            purse.pay_state(schedule.state_delegation)?;
        }
        let code = if sets { Bytecode::delegating_to(authorization.address) } else { Bytecode::default() };
        journal.set_code(authority, code)?;
        journal.bump_nonce(authority)?;
        Ok(())
    }
}
