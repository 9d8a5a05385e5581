//! A program, its world, and a run of it on an engine of ours.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use parallax_engine_interface::{Interpreter, Job, Progress, Stepper};
use parallax_hooks::{Hooks, NoHooks};
use parallax_machine::{Machine, validate};
use parallax_primitives::{
    Address, B256, BlockEnv, Bytecode, Bytes, Fork, Message, MessageKind, Subject, TxEnv, TxOutcome, U256,
    address,
};
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_state::State;
use serde_json::Value;

/// The caller and origin.
pub const SENDER: Address = address!("0x1000000000000000000000000000000000000001");
/// The account whose code runs.
pub const TARGET: Address = address!("0x2000000000000000000000000000000000000002");
/// The block's beneficiary.
pub const COINBASE: Address = address!("0xc0000000000000000000000000000000000000c0");
const GAS: u64 = 1_000_000_000_000;

/// Copies, a log, and a loop of arithmetic, memory and hashing, for where the shared programs are not there.
const LOOP: &str = "
    PUSH 40 PUSH 0 PUSH 0x200 CALLDATACOPY
    PUSH 64 PUSH 0x300 LOG0
    PUSH 32 PUSH 0 PUSH 0x400 MCOPY
    PUSH 10000
again:
    DUP1 PUSH 0x40 MSTORE
    PUSH 0x20 PUSH 0x40 KECCAK256
    DUP2 PUSH 7 MUL ADD PUSH 0x60 MSTORE
    PUSH 1 SWAP1 SUB
    DUP1 @again JUMPI
    POP PUSH 0x60 MLOAD PUSH 0 MSTORE PUSH 0x20 PUSH 0 RETURN
";

/// A program and what is there before it runs.
#[derive(Clone, Debug)]
pub struct Program {
    /// As reports call it.
    pub name: String,
    /// Its rules; before Osaka, whose transactions cannot have the gas.
    pub fork: Fork,
    /// The target's code.
    pub code: Bytes,
    /// Calldata.
    pub input: Bytes,
    /// The target's storage.
    pub storage: BTreeMap<U256, U256>,
    /// Gas of the frame.
    pub gas: u64,
    /// What should come of it, if it is known.
    pub expected: Option<Answer>,
    database: MemoryDatabase,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the frame ended well.
    pub success: bool,
    /// What it used, before refunds.
    pub gas_used: u64,
    /// What it returned.
    pub output: Bytes,
}

impl Program {
    /// Reads a file of the shared benchmark programs.
    pub fn read(path: &Path) -> Result<Self> {
        let json: Value = serde_json::from_slice(&fs::read(path)?)?;
        let text = |key: &str| json[key].as_str().with_context(|| format!("{key} is no string"));
        let mut storage = BTreeMap::new();
        for (key, value) in json["storage"].as_object().context("storage is no object")? {
            let value = value.as_str().context("a slot is no string")?;
            storage.insert(key.parse()?, value.parse()?);
        }
        let gas_used = json["gas_used"].as_u64().context("gas_used is no number")?;
        let expected = Answer { success: true, gas_used, output: text("output")?.parse()? };
        let mut program = Self::new(text("name")?, text("code")?.parse()?, storage);
        program.fork = text("fork")?.parse()?;
        program.input = text("input")?.parse()?;
        program.expected = Some(expected);
        Ok(program)
    }

    /// The program that is always there.
    pub fn embedded() -> Result<Self> {
        Ok(Self::new("embedded loop", parallax_assembly::assemble(LOOP)?, BTreeMap::new()))
    }

    fn new(name: &str, code: Bytes, storage: BTreeMap<U256, U256>) -> Self {
        let target = Account {
            nonce: 1,
            code: Bytecode::new(code.clone()),
            storage: storage.clone(),
            ..Account::default()
        };
        let sender = Account { balance: U256::from(10).pow(U256::from(24)), ..Account::default() };
        let accounts = BTreeMap::from([(SENDER, sender), (TARGET, target)]);
        Self {
            name: name.to_owned(),
            fork: Fork::Cancun,
            code,
            input: Bytes::new(),
            storage,
            gas: GAS,
            expected: None,
            database: MemoryDatabase { accounts, ..MemoryDatabase::default() },
        }
    }

    /// Gives the frame at most so much gas. A program that needs more runs out of it, and what is expected then is that
    /// every side agrees.
    pub fn cap(&mut self, gas: u64) {
        self.gas = gas;
    }

    /// Whether it ends before its end.
    pub fn is_cut(&self) -> bool {
        self.expected.as_ref().is_some_and(|expected| expected.gas_used > self.gas)
    }

    /// One run. `hooks`: `None` does not even ask.
    pub fn run<I: Interpreter>(&self, interpreter: &I, hooks: Option<&mut dyn Hooks>) -> Result<Answer> {
        let block = BlockEnv {
            number: 1,
            timestamp: 1,
            gas_limit: i64::MAX.unsigned_abs(),
            coinbase: COINBASE,
            prevrandao: B256::with_last_byte(1),
            ..BlockEnv::default()
        };
        let environment = TxEnv { origin: SENDER, ..TxEnv::default() };
        let message = Message {
            kind: MessageKind::Call,
            depth: 0,
            is_static: false,
            gas: self.gas,
            caller: SENDER,
            address: TARGET,
            code_address: TARGET,
            is_delegated: false,
            value: U256::ZERO,
            input: self.input.clone(),
            state_gas: Default::default(),
            salt: U256::ZERO,
        };
        let subject = Subject::Message { message: &message, environment: &environment };
        let job = Job { rules: self.fork.into(), chain_id: 1, block: &block, subject, database: &self.database };
        let validated = validate(&job)?;
        let journal = Box::new(State::new(job.database, job.rules, block.clone(), validated.transaction.clone()));
        let mut machine = Box::new(Machine::new(interpreter, &parallax_precompiles::Contracts, &job, validated, journal)?);
        match hooks {
            Some(hooks) => while machine.run(hooks)? == Progress::Paused {},
            None => _ = machine.run(&mut NoHooks)?,
        }
        let outcome = machine.finish()?.outcome.context("the run came to no end")?;
        let TxOutcome { status, gas_used, output, .. } = outcome;
        let answer = Answer { success: status.is_success(), gas_used, output };
        self.check(&answer)?;
        Ok(answer)
    }

    /// Whether an answer is the one that the program's file has.
    pub fn check(&self, answer: &Answer) -> Result<()> {
        if let (Some(expected), false) = (&self.expected, self.is_cut()) {
            ensure!(answer == expected, "{}: {answer:?} is not the answer, {expected:?} is", self.name);
        }
        Ok(())
    }
}
