//! A run of a program on any interpreter, and everything that can be seen of it.

use std::fmt;

use parallax_engine_interface::{EngineError, Execution, Interpreter, Job, Progress, Stepper};
use parallax_hooks::{Hooks, Interest, NoHooks, StepControl, StepView};
use parallax_host_interface::{HostError, StateChanges};
use parallax_machine::{Machine, validate};
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_mini_machine::MiniMachine;
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Fork, Message, MessageKind, Rules, Subject, TxEnv, TxOutcome, U256,
};
use parallax_state::State;

use crate::{Program, random::Random};

/// The accounts that a program finds.
#[derive(Clone, Debug)]
pub struct World {
    /// The sender, and the account with the program's code.
    pub database: MemoryDatabase,
    program: Program,
}

/// How a run is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Not at all: only what it comes to is seen.
    Unwatched,
    /// At every block entry.
    Watched,
    /// At every block entry, with a pause before every third one.
    Paused,
}

/// Everything that can be seen of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What the message came to.
    pub outcome: TxOutcome,
    /// What it changed.
    pub changes: StateChanges,
    /// The entries of blocks, if it was watched.
    pub entries: Vec<Entry>,
}

/// One entry of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Position among all entries.
    pub index: u64,
    /// Depth of the frame.
    pub depth: u16,
    /// The opcode's place in the code.
    pub pc: usize,
    /// Gas left.
    pub gas: u64,
    /// The refund counter.
    pub refund: i64,
    /// Items on the stack.
    pub height: usize,
    /// A digest of 64 bits of the whole stack.
    pub stack: u64,
    /// Bytes of memory.
    pub memory_size: usize,
    /// A digest of 64 bits of the whole memory.
    pub memory: u64,
}

impl World {
    /// The account that has the code.
    pub const TARGET: Address = Address::repeat_byte(0x22);
    /// The account that sends the message.
    pub const SENDER: Address = Address::repeat_byte(0x11);

    /// The world that `program` runs in.
    pub fn new(program: &Program) -> Self {
        let mut database = MemoryDatabase::default();
        let code = Bytecode::new(program.code.clone().into());
        let storage = [(U256::from(1), U256::from(7)), (U256::from(2), U256::from(1))].into();
        let account = Account { nonce: 1, balance: U256::from(1000), code, storage };
        database.accounts.insert(Self::TARGET, account);
        // Enough for any transaction, if one is made of the message.
        let balance = U256::from(1) << 128;
        database.accounts.insert(Self::SENDER, Account { balance, ..Account::default() });
        Self { database, program: program.clone() }
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The block that programs are run in.
    pub fn block(fork: Fork) -> BlockEnv {
        BlockEnv { number: 300, gas_limit: 1 << 62, blobs: Rules::of(fork).blobs(), ..BlockEnv::default() }
    }

    /// The same world, and its program with other gas.
    pub fn with_gas(&self, gas: u64) -> Self {
        let program = Program { gas, ..self.program.clone() };
        Self { database: self.database.clone(), program }
    }

    /// Gas with which a run like the one that was `seen` has next to nothing left where it enters one of its blocks.
    pub fn edge(&self, seen: &Seen) -> Option<u64> {
        let mut random = Random::new(self.program.seed);
        let outermost: Vec<&Entry> = seen.entries.iter().filter(|entry| entry.depth == 0).collect();
        let entry = outermost.get(random.below(outermost.len().max(1)))?;
        Some(self.program.gas - entry.gas + random.below(3) as u64)
    }

    /// Runs the program on `interpreter`, in the first machine and its state.
    ///
    /// # Errors
    ///
    /// If the world fails, which this one does not.
    pub fn run(&self, interpreter: &impl Interpreter, watch: Watch) -> Result<Seen, HostError> {
        let (block, environment, message) =
            (Self::block(self.program.rules.base()), Self::environment(), self.message());
        let job = self.job(&block, &environment, &message);
        let validated = validate(&job).map_err(failed)?;
        let state = State::new(&self.database, job.rules, block.clone(), validated.transaction.clone());
        seen(
            Box::new(Machine::new(
                interpreter,
                &parallax_precompiles::Contracts,
                &job,
                validated,
                Box::new(state),
            )?),
            watch,
        )
    }

    /// Runs the program on `interpreter`, in the plain machine.
    ///
    /// # Errors
    ///
    /// If the world fails, which this one does not.
    pub fn run_plain(&self, interpreter: &impl Interpreter, watch: Watch) -> Result<Seen, HostError> {
        let (block, environment, message) =
            (Self::block(self.program.rules.base()), Self::environment(), self.message());
        let job = self.job(&block, &environment, &message);
        seen(
            Box::new(
                MiniMachine::new(interpreter, &parallax_mini_precompiles::Contracts, &job).map_err(failed)?,
            ),
            watch,
        )
    }

    fn job<'a>(&'a self, block: &'a BlockEnv, environment: &'a TxEnv, message: &'a Message) -> Job<'a> {
        let (rules, subject) = (self.program.rules, Subject::Message { message, environment });
        Job { rules, chain_id: 1, block, subject, database: &self.database }
    }

    fn environment() -> TxEnv {
        TxEnv { origin: Self::SENDER, gas_price: U256::from(3), ..TxEnv::default() }
    }

    fn message(&self) -> Message {
        Message {
            kind: MessageKind::Call,
            depth: 0,
            is_static: self.program.is_static,
            gas: self.program.gas,
            caller: Self::SENDER,
            address: Self::TARGET,
            code_address: Self::TARGET,
            is_delegated: false,
            value: U256::ZERO,
            input: self.program.input.clone().into(),
            state_gas: Default::default(),
            salt: U256::ZERO,
        }
    }

    /// Runs the program on `interpreter` as often as `watches` has entries, and compares each time with what is `expected`.
    ///
    /// # Errors
    ///
    /// The first difference, as a line for people.
    pub fn compare(
        &self,
        interpreter: &impl Interpreter,
        watches: &[Watch],
        expected: &Seen,
    ) -> Result<(), String> {
        for (run, watch) in watches.iter().enumerate() {
            let seen = self.run(interpreter, *watch).map_err(|error| error.to_string())?;
            if let Some(difference) = expected.difference(&seen, *watch) {
                return Err(format!("run {run}, {watch:?}: {difference}"));
            }
        }
        Ok(())
    }
}

impl Seen {
    /// The first thing that `other`, a run looked at by `watch`, has not as this one, which was watched.
    pub fn difference(&self, other: &Self, watch: Watch) -> Option<String> {
        let line = |what: &str, expected: &dyn fmt::Debug, seen: &dyn fmt::Debug| {
            Some(format!("{what}: expected {expected:?}, seen {seen:?}"))
        };
        if watch != Watch::Unwatched && self.entries != other.entries {
            let same =
                self.entries.iter().zip(&other.entries).take_while(|(one, other)| one == other).count();
            return line("block entry", &self.entries.get(same), &other.entries.get(same));
        }
        if self.outcome != other.outcome {
            return line("outcome", &self.outcome, &other.outcome);
        }
        if self.changes != other.changes {
            return line("changes", &self.changes, &other.changes);
        }
        None
    }
}

/// What is seen of a run to its end; entries of blocks only if somebody watches.
fn seen(mut machine: Box<dyn Stepper + '_>, watch: Watch) -> Result<Seen, HostError> {
    let mut recorder = Recorder { entries: Vec::new(), pauses: watch == Watch::Paused };
    if watch == Watch::Unwatched {
        machine.run(&mut NoHooks)?;
    } else {
        while machine.run(&mut recorder)? == Progress::Paused {}
    }
    let Execution { outcome: Some(outcome), changes, .. } = machine.finish()? else {
        return Err(HostError::new("the run came to no end"));
    };
    Ok(Seen { outcome, changes, entries: recorder.entries })
}

/// A bare message is not rejected.
fn failed(error: EngineError) -> HostError {
    match error {
        EngineError::Host(error) => error,
        EngineError::Rejected(rejection) => HostError::new(rejection.to_string()),
    }
}

/// Records block entries, and pauses at some.
struct Recorder {
    entries: Vec<Entry>,
    pauses: bool,
}

impl Hooks for Recorder {
    fn interest(&self) -> Interest {
        Interest::Blocks
    }

    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.entries.push(Entry {
            index: entry.index,
            depth: entry.depth,
            pc: entry.pc,
            gas: entry.gas,
            refund: entry.refund,
            height: entry.stack.len(),
            stack: digest(entry.stack.iter().flat_map(|item| *item.as_limbs())),
            memory_size: entry.memory.len(),
            memory: digest(
                entry
                    .memory
                    .chunks_exact(8)
                    .map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap_or_default())),
            ),
        });
        if self.pauses && self.entries.len().is_multiple_of(3) {
            StepControl::Pause
        } else {
            StepControl::Continue
        }
    }
}

/// Each step is a bijection, so that one word that differs is never lost.
fn digest(words: impl Iterator<Item = u64>) -> u64 {
    words.fold(0x243f_6a88_85a3_08d3, |digest, word| {
        let mixed = (digest ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 32)
    })
}
