//! What is done in a block, and in which order, as EELS's `fork.py` has it. What is run there is handed out here: so `apply_body` is a list
//! of steps, and functions are cut where they run something.

use std::{collections::VecDeque, mem};

use parallax_block_data::{
    BlockError, Bloom, Body, BodyResult, BodyRun, OnRejection, Part, Receipt, ReceiptOutcome,
    TransactionError,
};
use parallax_engine_interface::{Execution, Job};
use parallax_primitives::{
    Address, BlockEnv, BlockRules, Bytes, Eip, FrameStatus, GasSchedule, Message, Rejection, StateGas,
    Subject, Transaction, TransactionType, TxEnv, TxOutcome, U256,
};

use crate::{
    block_access_lists::{BlockAccessListBuilder, validate_block_access_list_gas_limit},
    bloom::logs_bloom,
    dao::apply_dao,
    requests::parse_deposit_requests,
    state::{create_ether, has_code, increase_balance, modify_state},
};

/// One step of a block.
enum Step {
    ApplyDao,
    UncheckedSystemTransaction { target: Address, data: Bytes },
    Transaction(usize),
    PayRewards(u64),
    PostExecution,
    Withdrawals,
    DepositRequests,
    CheckedSystemTransaction { target: Address, request_type: u8 },
    BuildBlockAccessList,
}

/// What is handed out, and not answered yet.
enum Pending {
    /// With the type of the requests that it answers, if it is checked.
    SystemTransaction { message: Message, tx_env: TxEnv, request_type: Option<u8> },
    /// With the block as it is shown, and the blobs that it has room for.
    Transaction { index: usize, block_env: BlockEnv, blobs_left: u64 },
}

/// A block whose body is being applied.
pub(crate) struct ApplyBody {
    body: Body,
    steps: VecDeque<Step>,
    pending: Option<Pending>,
    /// Execution gas of the transactions (EIP-8037).
    block_execution_gas_used: u64,
    /// State gas of the transactions (EIP-8037).
    block_state_gas_used: u64,
    /// What the transactions paid for, as receipts say it.
    cumulative_gas_used: u64,
    /// Where the rules ask for it (EIP-7928).
    block_access_list_builder: Option<BlockAccessListBuilder>,
    block_output: BodyResult,
}

/// The steps of a block in their order. Which of rewards, withdrawals and requests there are the rules say.
///
/// EELS: `fork.py`, `apply_body`; `dao_fork/fork.py`, `apply_fork`.
fn apply_body(body: &Body) -> VecDeque<Step> {
    let rules = &body.rules;
    let mut steps = VecDeque::new();
    if body.is_dao_fork {
        steps.push_back(Step::ApplyDao);
    }
    if let (true, Some(root)) = (rules.beacon_roots, body.parent_beacon_root) {
        let (target, data) = (BlockRules::BEACON_ROOTS_ADDRESS, Bytes::copy_from_slice(root.as_slice()));
        steps.push_back(Step::UncheckedSystemTransaction { target, data });
    }
    if rules.history {
        let (target, data) =
            (BlockRules::HISTORY_ADDRESS, Bytes::copy_from_slice(body.parent_hash.as_slice()));
        steps.push_back(Step::UncheckedSystemTransaction { target, data });
    }
    steps.extend((0..body.transactions.len()).map(Step::Transaction));
    if rules.access_list {
        steps.push_back(Step::PostExecution);
    }
    let block_reward = body.reward.unwrap_or(rules.work.map(|work| work.reward));
    steps.extend(block_reward.map(Step::PayRewards));
    if rules.withdrawals {
        steps.push_back(Step::Withdrawals);
    }
    if rules.requests {
        steps.extend(process_general_purpose_requests(rules));
    }
    if rules.access_list {
        steps.push_back(Step::BuildBlockAccessList);
    }
    steps
}

/// Requests are in the order of their types.
///
/// EELS: `fork.py`, `process_general_purpose_requests`.
fn process_general_purpose_requests(rules: &BlockRules) -> Vec<Step> {
    let mut contracts = vec![
        (BlockRules::WITHDRAWAL_REQUESTS_ADDRESS, BlockRules::WITHDRAWAL_REQUEST),
        (BlockRules::CONSOLIDATION_REQUESTS_ADDRESS, BlockRules::CONSOLIDATION_REQUEST),
    ];
    if rules.builder_requests {
        // EIP-8282
        contracts.push((BlockRules::BUILDER_DEPOSITS_ADDRESS, BlockRules::BUILDER_DEPOSIT_REQUEST));
        contracts.push((BlockRules::BUILDER_EXITS_ADDRESS, BlockRules::BUILDER_EXIT_REQUEST));
    }
    let calls = contracts
        .into_iter()
        .map(|(target, request_type)| Step::CheckedSystemTransaction { target, request_type });
    [Step::DepositRequests].into_iter().chain(calls).collect()
}

impl ApplyBody {
    pub(crate) fn new(mut body: Body) -> Self {
        let block_output = BodyResult {
            state: mem::take(&mut body.state),
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
        let block_access_list_builder = body.rules.access_list.then(BlockAccessListBuilder::default);
        Self {
            steps: apply_body(&body),
            body,
            pending: None,
            block_execution_gas_used: 0,
            block_state_gas_used: 0,
            cumulative_gas_used: 0,
            block_access_list_builder,
            block_output,
        }
    }

    /// Does one step, up to what is to be executed in it.
    fn begin_step(&mut self, step: Step) -> Result<Option<Pending>, BlockError> {
        match step {
            Step::ApplyDao => apply_dao(&mut self.block_output.state),
            Step::UncheckedSystemTransaction { target, data } => {
                // Without code nothing could happen, but that it is looked at.
                let is_there = has_code(&self.block_output.state, target);
                if !is_there {
                    self.track_address(target);
                }
                return Ok(is_there.then(|| self.process_system_transaction(target, data, None)));
            }
            Step::Transaction(index) => return self.begin_transaction(index),
            Step::PayRewards(block_reward) => self.pay_rewards(U256::from(block_reward)),
            Step::PostExecution => self.next_block_access_index(),
            Step::Withdrawals => self.process_withdrawals(),
            Step::DepositRequests => {
                let deposit_requests = parse_deposit_requests(&self.block_output.receipts)?;
                self.append_request(BlockRules::DEPOSIT_REQUEST, &deposit_requests);
            }
            Step::CheckedSystemTransaction { target, request_type } => {
                if !has_code(&self.block_output.state, target) {
                    return Err(BlockError::SystemContractEmpty(target));
                }
                return Ok(Some(self.process_system_transaction(target, Bytes::new(), Some(request_type))));
            }
            Step::BuildBlockAccessList => self.build_block_access_list()?,
        }
        Ok(None)
    }

    /// EELS: `fork.py`, `process_system_transaction`, up to its message.
    fn process_system_transaction(
        &self,
        target_address: Address,
        data: Bytes,
        request_type: Option<u8>,
    ) -> Pending {
        let caller = BlockRules::SYSTEM_ADDRESS;
        let tx_env = TxEnv {
            origin: caller,
            gas_price: U256::from(self.body.block.base_fee),
            blob_hashes: Vec::new(),
            chain_id: self.body.chain_id,
        };
        let message = Message {
            state_gas: StateGas::of(self.body.rules.system_call_state_gas),
            ..Message::call(caller, target_address).gas(BlockRules::SYSTEM_CALL_GAS).input(data)
        };
        Pending::SystemTransaction { message, tx_env, request_type }
    }

    /// Its logs are nobody's, and its gas is not the block's.
    ///
    /// EELS: `fork.py`, `process_unchecked_system_transaction`, `process_checked_system_transaction`, behind the message.
    fn end_system_transaction(
        &mut self,
        address: Address,
        request_type: Option<u8>,
        outcome: Option<TxOutcome>,
    ) -> Result<(), BlockError> {
        let Some(request_type) = request_type else { return Ok(()) };
        // One that was refused, which no engine does, has failed and changed nothing.
        let (status, output) =
            outcome.map_or((FrameStatus::Revert, Bytes::new()), |outcome| (outcome.status, outcome.output));
        if !status.is_success() {
            return Err(BlockError::SystemCallFailed { address, status });
        }
        self.append_request(request_type, &output);
        Ok(())
    }

    /// Requests that are empty are left out (EIP-7685).
    fn append_request(&mut self, request_type: u8, request: &[u8]) {
        if !request.is_empty() {
            self.block_output.requests.push([&[request_type], request].concat().into());
        }
    }

    /// EELS: `fork.py`, `process_transaction`, up to `check_transaction`.
    fn begin_transaction(&mut self, index: usize) -> Result<Option<Pending>, BlockError> {
        match &self.body.transactions[index] {
            Ok(transaction) => Ok(Some(self.check_transaction(index, transaction))),
            Err(reason) => {
                let reason = reason.clone();
                self.reject(index, reason).map(|()| None)
            }
        }
    }

    /// Whether the block has room for the transaction. What else is asked of it, and in which order, its engine knows: so what has no
    /// room is handed out with the block that has too little, and is refused where the specification refuses it. What has room sees
    /// the block as it is.
    ///
    /// EELS: `fork.py`, `check_transaction`, its beginning.
    fn check_transaction(&self, index: usize, tx: &Transaction) -> Pending {
        let mut block_env = self.body.block.clone();
        let gas_available = |used: u64| self.body.block.gas_limit.saturating_sub(used);
        let limits = if self.body.rules.rules.has(Eip::StateGas8037) {
            // Execution gas is capped, state gas may be all of it.
            let tx_gas_cap = self.body.rules.rules.gas().tx_gas_cap;
            [
                (tx.gas_limit.min(tx_gas_cap), gas_available(self.block_execution_gas_used)),
                (tx.gas_limit, gas_available(self.block_state_gas_used)),
            ]
        } else {
            [(tx.gas_limit, gas_available(self.block_output.gas_used)); 2]
        };
        if let Some((_, available)) = limits.into_iter().find(|(needed, available)| needed > available) {
            block_env.gas_limit = available;
        }
        let blobs_used = self.block_output.blob_gas_used / GasSchedule::GAS_PER_BLOB;
        let blobs_left = self.body.block.blobs.max.saturating_sub(blobs_used);
        if count_blobs(tx) > blobs_left {
            block_env.blobs.max = blobs_left;
        }
        Pending::Transaction { index, block_env, blobs_left }
    }

    /// The block is not valid, or goes on without it.
    fn reject(&mut self, index: usize, reason: TransactionError) -> Result<(), BlockError> {
        match self.body.on_rejection {
            OnRejection::Invalid => Err(BlockError::Transaction { index, reason }),
            OnRejection::LeaveOut => {
                self.block_output.rejected.push((index, reason));
                Ok(())
            }
        }
    }

    /// EELS: `fork.py`, `process_transaction`, behind its message.
    fn end_transaction(&mut self, index: usize, outcome: TxOutcome) {
        let Ok(tx) = &self.body.transactions[index] else { return };
        let (kind, blobs) = (tx.kind, count_blobs(tx));
        self.block_execution_gas_used = self.block_execution_gas_used.saturating_add(outcome.execution_gas);
        self.block_state_gas_used = self.block_state_gas_used.saturating_add(outcome.state_gas);
        self.cumulative_gas_used = self.cumulative_gas_used.saturating_add(outcome.gas_used);
        self.block_output.gas_used = if self.body.rules.rules.has(Eip::StateGas8037) {
            self.block_execution_gas_used.max(self.block_state_gas_used)
        } else {
            self.cumulative_gas_used
        };
        self.block_output.blob_gas_used += blobs * GasSchedule::GAS_PER_BLOB;
        self.block_output.gas_used_each.push(outcome.gas_used);
        self.block_output.included.push(index);
        let receipt = self.make_receipt(kind, outcome);
        self.block_output.receipts.push(receipt);
    }

    /// EELS: `fork.py`, `make_receipt`.
    fn make_receipt(&self, kind: TransactionType, outcome: TxOutcome) -> Receipt {
        Receipt {
            kind: kind.byte(),
            // EIP-658
            outcome: if self.body.rules.receipt_status {
                ReceiptOutcome::Status(outcome.status.is_success())
            } else {
                ReceiptOutcome::Root(self.block_output.state.state_root())
            },
            cumulative_gas: self.cumulative_gas_used,
            bloom: logs_bloom(&outcome.logs),
            logs: outcome.logs,
        }
    }

    /// The miner gets a 32nd more for each ommer, an ommer's miner an eighth less for each block that it is older.
    ///
    /// EELS: `fork.py`, `pay_rewards`.
    fn pay_rewards(&mut self, block_reward: U256) {
        let (rules, state) = (&self.body.rules, &mut self.block_output.state);
        let ommer_count = U256::from(self.body.ommers.len());
        let miner_reward = block_reward + ommer_count * (block_reward / U256::from(32));
        create_ether(rules, state, self.body.block.coinbase, miner_reward);
        for &(ommer_age, coinbase) in &self.body.ommers {
            let eighths = U256::from(8_u64.saturating_sub(ommer_age));
            create_ether(rules, state, coinbase, eighths * block_reward / U256::from(8));
        }
    }

    /// EELS: `fork.py`, `process_withdrawals`.
    fn process_withdrawals(&mut self) {
        for withdrawal in mem::take(&mut self.body.withdrawals) {
            self.track_address(withdrawal.address);
            let amount = U256::from(withdrawal.amount) * U256::from(BlockRules::WITHDRAWAL_UNIT);
            modify_state(&mut self.block_output.state, withdrawal.address, |account| {
                increase_balance(account, amount);
            });
        }
    }
}

impl ApplyBody {
    /// An account that is looked at in no execution.
    fn track_address(&mut self, address: Address) {
        if let Some(builder) = &mut self.block_access_list_builder {
            builder.track_address(&self.block_output.state, address);
        }
    }

    /// What was done is behind it: what follows has an index of its own.
    fn next_block_access_index(&mut self) {
        if let Some(builder) = &mut self.block_access_list_builder {
            builder.next_index(&self.block_output.state);
        }
    }

    /// EELS: `block_access_lists.py`, `build_block_access_list`; `fork.py`, the end of `apply_body`.
    fn build_block_access_list(&mut self) -> Result<(), BlockError> {
        let Some(builder) = self.block_access_list_builder.take() else { return Ok(()) };
        let list = self.block_output.access_list.insert(builder.build(&self.block_output.state));
        validate_block_access_list_gas_limit(list, self.body.block.gas_limit)
    }

    /// EELS: `state_tracker.py`, `incorporate_tx_into_block`.
    fn incorporate(&mut self, execution: &Execution, is_transaction: bool) {
        if is_transaction {
            self.next_block_access_index();
        }
        if let (Some(builder), Some(accesses)) = (&mut self.block_access_list_builder, &execution.accesses) {
            builder.track(&self.block_output.state, &accesses.accounts);
        }
        self.block_output.state.apply(&execution.changes);
    }
}

/// EELS: `vm/gas.py`, `calculate_total_blob_gas`, in blobs.
fn count_blobs(tx: &Transaction) -> u64 {
    match tx.kind {
        TransactionType::Blob => tx.blob_hashes.len().try_into().unwrap_or(u64::MAX),
        _ => 0,
    }
}

impl BodyRun for ApplyBody {
    fn advance(&mut self) -> Result<Option<Part>, BlockError> {
        while self.pending.is_none() {
            let Some(step) = self.steps.pop_front() else { break };
            self.pending = self.begin_step(step)?;
        }
        Ok(self.pending.as_ref().map(|pending| match pending {
            Pending::SystemTransaction { message, .. } => Part::SystemCall(message.address),
            Pending::Transaction { index, .. } => Part::Transaction(*index),
        }))
    }

    fn job(&self) -> Option<Job<'_>> {
        let (block, subject) = match self.pending.as_ref()? {
            Pending::SystemTransaction { message, tx_env, .. } => {
                (&self.body.block, Subject::SystemCall { message, environment: tx_env })
            }
            Pending::Transaction { index, block_env, .. } => {
                let transaction = self.body.transactions[*index].as_ref().ok()?;
                (block_env, Subject::Transaction(transaction))
            }
        };
        Some(Job {
            rules: self.body.rules.rules,
            chain_id: self.body.chain_id,
            block,
            subject,
            database: &self.block_output.state,
        })
    }

    /// An execution that a hook aborted is no answer: its part is the next one again.
    fn answer(&mut self, answer: Result<Execution, Rejection>) -> Result<(), BlockError> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        let answer = match answer {
            Ok(mut execution) => {
                let Some(outcome) = execution.outcome.take() else {
                    self.pending = Some(pending);
                    return Ok(());
                };
                self.incorporate(&execution, matches!(pending, Pending::Transaction { .. }));
                Ok(outcome)
            }
            Err(rejection) => Err(rejection),
        };
        match (pending, answer) {
            (Pending::SystemTransaction { message, request_type, .. }, answer) => {
                self.end_system_transaction(message.address, request_type, answer.ok())
            }
            (Pending::Transaction { index, .. }, Ok(outcome)) => {
                self.end_transaction(index, outcome);
                Ok(())
            }
            (Pending::Transaction { index, blobs_left, .. }, Err(rejection)) => {
                self.reject(index, reason_of(rejection, blobs_left))
            }
        }
    }

    /// Behind an error it is what was done until then.
    fn finish(self: Box<Self>) -> BodyResult {
        let logs_bloom = logs_bloom(self.block_output.receipts.iter().flat_map(|receipt| &receipt.logs));
        BodyResult { logs_bloom, ..self.block_output }
    }
}

/// Too many blobs for what the block has left is another rule than too many for a transaction.
fn reason_of(rejection: Rejection, blobs_left: u64) -> TransactionError {
    if let Rejection::TooManyBlobs { count, .. } = rejection {
        let count = count.try_into().unwrap_or(u64::MAX);
        if count > blobs_left {
            return TransactionError::BlobsAboveBlock { count, left: blobs_left };
        }
    }
    TransactionError::Rejected(rejection)
}
