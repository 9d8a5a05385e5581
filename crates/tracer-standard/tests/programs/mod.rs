//! Runs a transaction, or a bare program, on the plain engine under a tracer.

// No test file uses all of it.
#![allow(dead_code)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use parallax_engine_interface::{EngineError, Job, Progress, Stepper};
use parallax_hooks::{Hooks, MessagePhase, StepControl, StepEnd, StepView};
use parallax_machine::{Machine, validate};
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_mini_interpreter::Mini;
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Bytes, Fork, Message, MessageKind, Subject, TxEnv, TxOutcome, U256, address,
};
use parallax_state::State;

pub(crate) fn execute(job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Option<TxOutcome>, EngineError> {
    let validated = validate(job)?;
    let state = State::new(job.database, job.rules, job.block.clone(), validated.transaction.clone());
    let mut machine =
        Box::new(Machine::new(&Mini, &parallax_precompiles::Contracts, job, validated, Box::new(state))?);
    while machine.run(hooks)? == Progress::Paused {}
    Ok(machine.finish()?.outcome)
}

/// A program and what is there before it.
pub(crate) struct Program {
    pub(crate) fork: Fork,
    pub(crate) code: Bytes,
    pub(crate) input: Bytes,
    pub(crate) storage: BTreeMap<U256, U256>,
    pub(crate) gas: u64,
}

const SENDER: Address = address!("1000000000000000000000000000000000000001");
pub(crate) const TARGET: Address = address!("2000000000000000000000000000000000000002");

impl Program {
    /// Runs as a bare message, as the benchmarks' README has it.
    pub(crate) fn run(&self, hooks: &mut dyn Hooks) -> Option<TxOutcome> {
        let mut database = MemoryDatabase::default();
        let code = Bytecode::new(self.code.clone());
        let target = Account { nonce: 1, code, storage: self.storage.clone(), ..Account::default() };
        database.accounts.insert(TARGET, target);
        let balance = U256::from(10).pow(U256::from(24));
        database.accounts.insert(SENDER, Account { balance, ..Account::default() });
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
        let (block, environment) = (BlockEnv::default(), TxEnv::default());
        let subject = Subject::Message { message: &message, environment: &environment };
        let job = Job { rules: self.fork.into(), chain_id: 1, block: &block, subject, database: &database };
        execute(&job, hooks).unwrap()
    }

    /// A benchmark program.
    pub(crate) fn read(path: &Path) -> Self {
        let json: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let bytes = |name: &str| json[name].as_str().unwrap().parse::<Bytes>().unwrap();
        let word = |text: &str| text.parse::<U256>().unwrap();
        let storage = json["storage"].as_object().unwrap().iter();
        Self {
            fork: json["fork"].as_str().unwrap().parse().unwrap(),
            code: bytes("code"),
            input: bytes("input"),
            storage: storage.map(|(key, value)| (word(key), word(value.as_str().unwrap()))).collect(),
            gas: 1_000_000_000_000,
        }
    }
}

/// A folder of the official data; `None`, and a line on stderr, if it is not there.
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("PARALLAX_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = shared.join(folder);
    if !path.is_dir() {
        eprintln!("left out: no folder {folder} beside the repository or in PARALLAX_SHARED");
        return None;
    }
    Some(path)
}

/// Every JSON file in a folder, ordered.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder.to_path_buf()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Ends a run when it has shown so many steps.
pub(crate) struct Limited<H> {
    pub(crate) hooks: H,
    pub(crate) left: u64,
}

impl<H: Hooks> Hooks for Limited<H> {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if self.left == 0 {
            return StepControl::Abort;
        }
        self.left -= 1;
        self.hooks.on_step(step)
    }
    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.hooks.on_step_end(step, end);
    }
    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.hooks.on_message(message, phase)
    }
}
