//! What is in a block, part by part: system calls, transactions, rewards, withdrawals, requests.

use std::collections::VecDeque;

use parallax_block_data::{
    BlockError, Bloom, Body, BodyResult, BodyRun, OnRejection, Part, Receipt, ReceiptOutcome,
    TransactionError,
};
use parallax_engine_interface::{Execution, Job};
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{
    Address, BlockEnv, BlockRules, Bytes, DAO_ACCOUNTS, DAO_RECOVERY, Eip, FrameStatus, GasSchedule, Log,
    Message, MessageKind, Rejection, StateGas, Subject, Transaction, TransactionType, TxEnv, TxOutcome, U256,
    keccak256,
};

use crate::{
    access_list::{self, AccessList, Accessed},
    requests,
};

/// A block in progress.
pub(crate) struct Run {
    body: Body,
    /// What is still to be executed.
    parts: VecDeque<Part>,
    /// What is being executed.
    current: Option<(Part, Prepared)>,
    /// Whether what stands between the transactions and the last system calls is done.
    is_closed: bool,
    gas: Gas,
    /// Where the rules ask for it (EIP-7928).
    access_list: Option<AccessList>,
    result: BodyResult,
}

/// What a part runs with.
enum Prepared {
    SystemCall {
        message: Message,
        environment: TxEnv,
    },
    /// The block as the transaction sees it: one that is beyond what is left of its gas or its blobs finds no more than that.
    Transaction {
        block: BlockEnv,
        blobs_left: u64,
    },
}

/// Gas of the transactions so far.
#[derive(Default)]
struct Gas {
    execution: u64,
    state: u64,
    paid: u64,
}

impl Run {
    pub(crate) fn new(mut body: Body) -> Self {
        let rules = &body.rules;
        let before = [
            (rules.beacon_roots, BlockRules::BEACON_ROOTS_ADDRESS),
            (rules.history, BlockRules::HISTORY_ADDRESS),
        ];
        let after = [
            (rules.requests, BlockRules::WITHDRAWAL_REQUESTS_ADDRESS),
            (rules.requests, BlockRules::CONSOLIDATION_REQUESTS_ADDRESS),
            (rules.requests && rules.builder_requests, BlockRules::BUILDER_DEPOSITS_ADDRESS),
            (rules.requests && rules.builder_requests, BlockRules::BUILDER_EXITS_ADDRESS),
        ];
        let call = |(is_due, address): (bool, Address)| is_due.then_some(Part::SystemCall(address));
        let parts = before
            .into_iter()
            .filter_map(call)
            .chain((0..body.transactions.len()).map(Part::Transaction))
            .chain(after.into_iter().filter_map(call))
            .collect();
        let mut state = std::mem::take(&mut body.state);
        if body.is_dao_fork {
            move_dao_balances(&mut state);
        }
        let result = BodyResult {
            state,
            included: Vec::new(),
            receipts: Vec::new(),
            gas_used: 0,
            gas_used_each: Vec::new(),
            blob_gas_used: 0,
            logs_bloom: Bloom::ZERO,
            requests: Vec::new(),
            access_list: None,
            rejected: Vec::new(),
        };
        let access_list = body.rules.access_list.then(AccessList::default);
        let gas = Gas::default();
        Self { body, parts, current: None, is_closed: false, gas, access_list, result }
    }

    /// Prepares a system call; `None` if there is nobody to call and nobody asks.
    fn prepare_call(&mut self, address: Address) -> Result<Option<Prepared>, BlockError> {
        let account = self.result.state.accounts.get(&address);
        if account.is_none_or(|account| account.code.bytes().is_empty()) {
            return if is_checked(address) {
                Err(BlockError::SystemContractEmpty(address))
            } else {
                self.look_at(address);
                Ok(None)
            };
        }
        let input = match address {
            BlockRules::BEACON_ROOTS_ADDRESS => {
                Bytes::copy_from_slice(self.body.parent_beacon_root.unwrap_or_default().as_slice())
            }
            BlockRules::HISTORY_ADDRESS => Bytes::copy_from_slice(self.body.parent_hash.as_slice()),
            _ => Bytes::new(),
        };
        let message = Message {
            kind: MessageKind::Call,
            depth: 0,
            is_static: false,
            gas: BlockRules::SYSTEM_CALL_GAS,
            state_gas: StateGas::of(self.body.rules.system_call_state_gas),
            caller: BlockRules::SYSTEM_ADDRESS,
            address,
            code_address: address,
            is_delegated: false,
            value: U256::ZERO,
            input,
            salt: U256::ZERO,
        };
        let environment = TxEnv {
            origin: BlockRules::SYSTEM_ADDRESS,
            gas_price: U256::from(self.body.block.base_fee),
            blob_hashes: Vec::new(),
            chain_id: self.body.chain_id,
        };
        Ok(Some(Prepared::SystemCall { message, environment }))
    }

    /// Prepares a transaction; `None` if it is none and was left out.
    fn prepare_transaction(&mut self, index: usize) -> Result<Option<Prepared>, BlockError> {
        let transaction = match &self.body.transactions[index] {
            Ok(transaction) => transaction,
            Err(reason) => {
                let reason = reason.clone();
                return self.reject(index, reason).map(|()| None);
            }
        };
        let mut block = self.body.block.clone();
        if let Some(gas_left) = self.gas_left_below(transaction) {
            block.gas_limit = gas_left;
        }
        let used = self.result.blob_gas_used / GasSchedule::GAS_PER_BLOB;
        let blobs_left = block.blobs.max.saturating_sub(used);
        if blob_count(transaction) > blobs_left {
            block.blobs.max = blobs_left;
        }
        Ok(Some(Prepared::Transaction { block, blobs_left }))
    }

    /// What is left of the block's gas, if that is less than the transaction may need (EIP-8037: of either gas).
    fn gas_left_below(&self, transaction: &Transaction) -> Option<u64> {
        let (limit, rules) = (self.body.block.gas_limit, self.body.rules.rules);
        let execution_left = limit.saturating_sub(self.gas.execution);
        if !rules.has(Eip::StateGas8037) {
            return (transaction.gas_limit > execution_left).then_some(execution_left);
        }
        let state_left = limit.saturating_sub(self.gas.state);
        if transaction.gas_limit.min(rules.gas().tx_gas_cap) > execution_left {
            return Some(execution_left);
        }
        (transaction.gas_limit > state_left).then_some(state_left)
    }

    fn reject(&mut self, index: usize, reason: TransactionError) -> Result<(), BlockError> {
        match self.body.on_rejection {
            OnRejection::Invalid => Err(BlockError::Transaction { index, reason }),
            OnRejection::LeaveOut => {
                self.result.rejected.push((index, reason));
                Ok(())
            }
        }
    }

    /// What stands between the transactions and the last system calls.
    fn close(&mut self) -> Result<(), BlockError> {
        if std::mem::replace(&mut self.is_closed, true) {
            return Ok(());
        }
        self.pay_rewards();
        self.next_part();
        for withdrawal in std::mem::take(&mut self.body.withdrawals) {
            self.look_at(withdrawal.address);
            let wei = U256::from(withdrawal.amount) * U256::from(BlockRules::WITHDRAWAL_UNIT);
            credit(&mut self.result.state, withdrawal.address, wei);
            remove_if_empty(&mut self.result.state, withdrawal.address);
            self.record(&only(withdrawal.address));
        }
        if self.body.rules.requests {
            let mut deposits = vec![BlockRules::DEPOSIT_REQUEST];
            for log in self.result.receipts.iter().flat_map(|receipt| &receipt.logs) {
                deposits.extend(requests::deposit(log)?.unwrap_or_default());
            }
            self.request(deposits);
        }
        Ok(())
    }

    /// Notes for the access list an account that the block itself looks at.
    fn look_at(&mut self, address: Address) {
        if let Some(list) = &mut self.access_list {
            list.look_at(&self.result.state, &only(address));
        }
    }

    /// Notes for the access list what became of accounts that were looked at.
    fn record(&mut self, accessed: &Accessed) {
        if let Some(list) = &mut self.access_list {
            list.record(&self.result.state, accessed);
        }
    }

    fn next_part(&mut self) {
        if let Some(list) = &mut self.access_list {
            list.next_part();
        }
    }

    /// Changes the state as an execution did.
    fn apply(&mut self, execution: &Execution) {
        let accessed = execution.accesses.as_ref().map(|accesses| &accesses.accounts);
        let (Some(list), Some(accessed)) = (&mut self.access_list, accessed) else {
            return self.result.state.apply(&execution.changes);
        };
        list.look_at(&self.result.state, accessed);
        self.result.state.apply(&execution.changes);
        list.record(&self.result.state, accessed);
    }

    /// Pays the miner, and the miners of ommers (Yellow Paper, section 11.3).
    fn pay_rewards(&mut self) {
        let of_rules = self.body.rules.work.map(|work| work.reward);
        let Some(reward) = self.body.reward.unwrap_or(of_rules).map(U256::from) else { return };
        let of_ommer = |age: u64| U256::from(8_u64.saturating_sub(age)) * reward / U256::from(8);
        let inclusion = reward / U256::from(32) * U256::from(self.body.ommers.len());
        let state = &mut self.result.state;
        let miners = self.body.ommers.iter().map(|&(age, miner)| (miner, of_ommer(age)));
        for (miner, wei) in [(self.body.block.coinbase, reward + inclusion)].into_iter().chain(miners) {
            credit(state, miner, wei);
            if self.body.rules.rules.has(Eip::StateClearing161) {
                remove_if_empty(state, miner);
            }
        }
    }

    /// Keeps a request, unless it is nothing but its type byte.
    fn request(&mut self, request: Vec<u8>) {
        if request.len() > 1 {
            self.result.requests.push(request.into());
        }
    }

    fn answer_call(&mut self, address: Address, outcome: &TxOutcome) -> Result<(), BlockError> {
        if is_checked(address) && outcome.status != FrameStatus::Success {
            return Err(BlockError::SystemCallFailed { address, status: outcome.status });
        }
        if let Some(kind) = requests::kind_of(address) {
            self.request([&[kind], outcome.output.as_ref()].concat());
        }
        Ok(())
    }

    fn include(&mut self, index: usize, outcome: TxOutcome) {
        let Ok(transaction) = &self.body.transactions[index] else { return };
        self.gas.execution = self.gas.execution.saturating_add(outcome.execution_gas);
        self.gas.state = self.gas.state.saturating_add(outcome.state_gas);
        self.gas.paid = self.gas.paid.saturating_add(outcome.gas_used);
        let result = &mut self.result;
        result.gas_used = self.gas.execution.max(self.gas.state);
        result.gas_used_each.push(outcome.gas_used);
        result.blob_gas_used += blob_count(transaction) * GasSchedule::GAS_PER_BLOB;
        let bloom = bloom(&outcome.logs);
        result.logs_bloom |= bloom;
        result.included.push(index);
        result.receipts.push(Receipt {
            kind: transaction.kind.byte(),
            outcome: if self.body.rules.receipt_status {
                ReceiptOutcome::Status(outcome.status.is_success())
            } else {
                ReceiptOutcome::Root(result.state.state_root())
            },
            cumulative_gas: self.gas.paid,
            bloom,
            logs: outcome.logs,
        });
    }
}

impl BodyRun for Run {
    fn advance(&mut self) -> Result<Option<Part>, BlockError> {
        while let Some(part) = self.parts.pop_front() {
            let prepared = match part {
                Part::SystemCall(address) => {
                    if is_checked(address) {
                        self.close()?;
                    }
                    self.prepare_call(address)?
                }
                Part::Transaction(index) => self.prepare_transaction(index)?,
            };
            if let Some(prepared) = prepared {
                self.current = Some((part, prepared));
                return Ok(Some(part));
            }
        }
        self.current = None;
        self.close()?;
        if let Some(list) = self.access_list.take() {
            let list = self.result.access_list.insert(list.finish());
            access_list::check_size(list, self.body.block.gas_limit)?;
        }
        Ok(None)
    }

    fn job(&self) -> Option<Job<'_>> {
        let (part, prepared) = self.current.as_ref()?;
        let (block, subject) = match (prepared, part) {
            (Prepared::SystemCall { message, environment }, _) => {
                (&self.body.block, Subject::SystemCall { message, environment })
            }
            (Prepared::Transaction { block, .. }, Part::Transaction(index)) => {
                (block, Subject::Transaction(self.body.transactions[*index].as_ref().ok()?))
            }
            (Prepared::Transaction { .. }, Part::SystemCall(_)) => return None,
        };
        let (rules, chain_id) = (self.body.rules.rules, self.body.chain_id);
        Some(Job { rules, chain_id, block, subject, database: &self.result.state })
    }

    fn answer(&mut self, answer: Result<Execution, Rejection>) -> Result<(), BlockError> {
        let Some((part, prepared)) = self.current.take() else { return Ok(()) };
        match (answer, part, prepared) {
            (Ok(mut execution), part, _) if execution.outcome.is_some() => {
                let Some(outcome) = execution.outcome.take() else { return Ok(()) };
                match part {
                    Part::SystemCall(address) => {
                        self.apply(&execution);
                        self.answer_call(address, &outcome)
                    }
                    Part::Transaction(index) => {
                        self.next_part();
                        self.apply(&execution);
                        self.include(index, outcome);
                        Ok(())
                    }
                }
            }
            (Err(reason), Part::Transaction(index), Prepared::Transaction { blobs_left, .. }) => {
                self.reject(index, of_block(reason, blobs_left))
            }
            // What a hook has ended has no outcome, and a system call is no transaction that is rejected.
            (Ok(_) | Err(_), ..) => Ok(()),
        }
    }

    fn finish(self: Box<Self>) -> BodyResult {
        self.result
    }
}

/// An account, and none of its slots.
fn only(address: Address) -> Accessed {
    [(address, Default::default())].into()
}

/// A rejection, where it is the block that has no room for as many blobs.
fn of_block(reason: Rejection, left: u64) -> TransactionError {
    match reason {
        Rejection::TooManyBlobs { count, .. } if count as u64 > left => {
            TransactionError::BlobsAboveBlock { count: count as u64, left }
        }
        reason => reason.into(),
    }
}

/// Whether the block asks that there is a contract, and how its call ended.
fn is_checked(contract: Address) -> bool {
    requests::kind_of(contract).is_some()
}

fn blob_count(transaction: &Transaction) -> u64 {
    if transaction.kind == TransactionType::Blob { transaction.blob_hashes.len() as u64 } else { 0 }
}

/// Gives wei to an account, which is there then.
fn credit(state: &mut MemoryDatabase, address: Address, wei: U256) {
    let account = state.accounts.entry(address).or_default();
    account.balance = account.balance.saturating_add(wei);
}

/// EIP-161.
fn remove_if_empty(state: &mut MemoryDatabase, address: Address) {
    let is_empty = |account: &parallax_memory_database::Account| {
        account.nonce == 0 && account.balance.is_zero() && account.code.bytes().is_empty()
    };
    if state.accounts.get(&address).is_some_and(is_empty) {
        state.accounts.remove(&address);
    }
}

/// EIP-779. All of these accounts are there then.
fn move_dao_balances(state: &mut MemoryDatabase) {
    for address in DAO_ACCOUNTS {
        let wei = std::mem::take(&mut state.accounts.entry(address).or_default().balance);
        credit(state, DAO_RECOVERY, wei);
    }
}

/// Which addresses and topics these logs have (Yellow Paper, section 4.3.1).
fn bloom(logs: &[Log]) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in logs {
        mark(&mut bloom, log.address.as_slice());
        for topic in &log.topics {
            mark(&mut bloom, topic.as_slice());
        }
    }
    bloom
}

fn mark(bloom: &mut Bloom, item: &[u8]) {
    let hash = keccak256(item);
    for pair in [0, 2, 4] {
        let bit = usize::from(u16::from_be_bytes([hash[pair], hash[pair + 1]])) % 2048;
        bloom.0[255 - bit / 8] |= 1 << (bit % 8);
    }
}
