//! A small world: a rich sender, accounts from assembly, one transaction, one block.

use parallax_assembly::assemble_for;
use parallax_engine_interface::{EngineError, Execution, Interpreter, Job, Progress, Stepper};
use parallax_hooks::{Hooks, Interest, MessagePhase, NoHooks, StepControl};
use parallax_host_interface::AccountChange;
use parallax_machine::{Machine, validate};
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_mini_interpreter::Mini;
use parallax_primary_interpreter::Primary;
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Fork, FrameOutcome, Message, Rules, Subject, Transaction, TransactionType,
    TxEnv, TxOutcome, U256, address,
};
use parallax_state::State;

pub(crate) const SENDER: Address = address!("00000000000000000000000000000000000f0001");
pub(crate) const TARGET: Address = address!("00000000000000000000000000000000000f0002");
pub(crate) const OTHER: Address = address!("00000000000000000000000000000000000f0003");
pub(crate) const COINBASE: Address = address!("00000000000000000000000000000000000f0004");
/// What the sender starts with, in wei.
pub(crate) const RICHES: u64 = 1 << 60;

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) fork: Fork,
    pub(crate) block: BlockEnv,
    pub(crate) transaction: Transaction,
    pub(crate) database: MemoryDatabase,
}

impl World {
    /// A transaction of type 0 from [`SENDER`] to [`TARGET`], which has no code, with a gas price of 10 wei and, from London
    /// on, a base fee of 7.
    pub(crate) fn new(fork: Fork) -> Self {
        let mut database = MemoryDatabase::default();
        let sender = Account { balance: U256::from(RICHES), ..Account::default() };
        database.accounts.insert(SENDER, sender);
        Self {
            fork,
            block: BlockEnv {
                number: 1,
                coinbase: COINBASE,
                base_fee: if fork >= Fork::London { 7 } else { 0 },
                blobs: Rules::of(fork).blobs(),
                ..BlockEnv::default()
            },
            transaction: Transaction {
                sender: SENDER,
                to: Some(TARGET),
                gas_limit: 1_000_000,
                max_fee_per_gas: U256::from(10),
                max_priority_fee_per_gas: U256::from(10),
                ..Transaction::default()
            },
            database,
        }
    }

    pub(crate) fn kind(mut self, kind: TransactionType) -> Self {
        self.transaction.kind = kind;
        self.transaction.max_priority_fee_per_gas = U256::from(2);
        self
    }

    /// Gives `address` code; its balance and nonce stay as they are.
    #[track_caller]
    pub(crate) fn code(mut self, address: Address, source: &str) -> Self {
        let code = assemble_for(source, self.fork).unwrap();
        self.database.accounts.entry(address).or_default().code = Bytecode::new(code);
        self
    }

    /// Makes the transaction a creation with this init code.
    #[track_caller]
    pub(crate) fn creating(mut self, source: &str) -> Self {
        self.transaction.to = None;
        self.transaction.input = assemble_for(source, self.fork).unwrap();
        self
    }

    pub(crate) fn account(mut self, address: Address, change: impl FnOnce(&mut Account)) -> Self {
        change(self.database.accounts.entry(address).or_default());
        self
    }

    pub(crate) fn transaction(mut self, change: impl FnOnce(&mut Transaction)) -> Self {
        change(&mut self.transaction);
        self
    }

    pub(crate) fn block(mut self, change: impl FnOnce(&mut BlockEnv)) -> Self {
        change(&mut self.block);
        self
    }

    pub(crate) fn job(&self) -> Job<'_> {
        Job {
            rules: self.fork.into(),
            chain_id: 1,
            block: &self.block,
            subject: (&self.transaction).into(),
            database: &self.database,
        }
    }

    pub(crate) fn machine<'a, I: Interpreter>(
        &'a self,
        interpreter: &'a I,
    ) -> Result<Machine<'a, I>, EngineError> {
        let job = self.job();
        let validated = validate(&job)?;
        let transaction = validated.transaction.clone();
        let state = State::new(&self.database, self.fork, self.block.clone(), transaction);
        Ok(Machine::new(interpreter, &parallax_precompiles::Contracts, &job, validated, Box::new(state))?)
    }

    /// Runs on both engines, at once and stepped.
    #[track_caller]
    pub(crate) fn run(&self) -> Ran {
        let mini = Mini;
        let primary = Primary::new();
        let ran = self.messages(&mini);
        assert_eq!(self.messages(&primary), ran, "primary against mini");
        assert_eq!(self.stepped(&mini), ran.execution, "stepping against running, mini");
        assert_eq!(self.stepped(&primary), ran.execution, "stepping against running, primary");
        let mut unobserved: Box<dyn Stepper + '_> = Box::new(self.machine(&primary).unwrap());
        assert_eq!(unobserved.run(&mut NoHooks).unwrap(), Progress::Done);
        assert_eq!(unobserved.finish().unwrap(), ran.execution, "unobserved against observed, primary");
        ran
    }

    #[track_caller]
    fn messages<I: Interpreter>(&self, interpreter: &I) -> Ran {
        let mut machine: Box<dyn Stepper + '_> = Box::new(self.machine(interpreter).unwrap());
        let mut messages = Messages::default();
        assert_eq!(machine.run(&mut messages).unwrap(), Progress::Done);
        assert!(machine.view().is_none(), "nothing to see after the end");
        assert!(messages.open.is_empty(), "every message ends");
        Ran { execution: machine.finish().unwrap(), messages: messages.ended }
    }

    #[track_caller]
    fn stepped<I: Interpreter>(&self, interpreter: &I) -> Execution {
        let mut machine: Box<dyn Stepper + '_> = Box::new(self.machine(interpreter).unwrap());
        while machine.step(&mut NoHooks).unwrap() == Progress::Paused {}
        machine.finish().unwrap()
    }

    /// Runs `message` with no transaction around it, on both interpreters.
    #[track_caller]
    pub(crate) fn bare(&self, message: &Message) -> TxOutcome {
        let environment = TxEnv::default();
        let job = Job { subject: Subject::Message { message, environment: &environment }, ..self.job() };
        let (on_mini, on_primary) = (run_bare(&Mini, &job), run_bare(&Primary::new(), &job));
        assert_eq!(on_mini, on_primary);
        on_mini
    }
}

#[track_caller]
fn run_bare(interpreter: &impl Interpreter, job: &Job<'_>) -> TxOutcome {
    let validated = validate(job).unwrap();
    let state = State::new(job.database, job.rules, job.block.clone(), validated.transaction.clone());
    let mut machine = Box::new(
        Machine::new(interpreter, &parallax_precompiles::Contracts, job, validated, Box::new(state)).unwrap(),
    );
    assert_eq!(machine.run(&mut NoHooks).unwrap(), Progress::Done);
    machine.finish().unwrap().outcome.unwrap()
}

/// A run and its messages, in the order of their ends.
#[derive(Debug, PartialEq)]
pub(crate) struct Ran {
    pub(crate) execution: Execution,
    pub(crate) messages: Vec<(Message, FrameOutcome)>,
}

impl Ran {
    #[track_caller]
    pub(crate) fn outcome(&self) -> &TxOutcome {
        self.execution.outcome.as_ref().unwrap()
    }

    /// The outcome of the first message of the transaction's own frame.
    #[track_caller]
    pub(crate) fn inner(&self) -> &FrameOutcome {
        &self.messages.iter().find(|(message, _)| message.depth == 1).expect("a nested message").1
    }

    /// Nonce, balance, code and value of slot 0, if the account changed and exists.
    pub(crate) fn changed(&self, address: Address) -> Option<(u64, U256, Option<Bytecode>, U256)> {
        match self.execution.changes.accounts.get(&address)? {
            AccountChange::Deleted => None,
            AccountChange::Changed { nonce, balance, code, storage, .. } => {
                let slot = storage.get(&U256::ZERO).copied().unwrap_or_default();
                Some((*nonce, *balance, code.clone(), slot))
            }
        }
    }

    /// Slot 0 of an account after the run, if it changed.
    pub(crate) fn slot(&self, address: Address) -> u64 {
        self.changed(address).map_or(0, |(_, _, _, slot)| slot.saturating_to())
    }
}

/// Pairs the starts and the ends of messages.
#[derive(Default)]
struct Messages {
    open: Vec<Message>,
    ended: Vec<(Message, FrameOutcome)>,
}

impl Hooks for Messages {
    fn interest(&self) -> Interest {
        Interest::Messages
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        match phase {
            MessagePhase::Before => {
                assert_eq!(usize::from(message.depth), self.open.len(), "depth counts open messages");
                self.open.push(message.clone());
            }
            MessagePhase::After(outcome) => {
                assert_eq!(self.open.pop().as_ref(), Some(message), "the newest message ends first");
                self.ended.push((message.clone(), outcome.clone()));
            }
        }
        StepControl::Continue
    }
}
