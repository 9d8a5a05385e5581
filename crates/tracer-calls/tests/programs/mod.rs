//! Small programs, run on both engines.

// No test file uses all of it.
#![allow(dead_code)]

use parallax_assembly::assemble;
use parallax_engine_interface::{Engine, Execution, Job};
use parallax_local_engine::LocalEngine;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;
use parallax_primary_interpreter::Primary;
use parallax_primitives::{Address, BlockEnv, Bytecode, Bytes, Fork, Rules, Subject, Transaction, U256};
use parallax_tracer_core::{Traced, Tracer};

pub(crate) const SENDER: Address = Address::repeat_byte(0x11);
pub(crate) const TARGET: Address = Address::repeat_byte(0x22);
pub(crate) const OTHER: Address = Address::repeat_byte(0x33);
pub(crate) const COINBASE: Address = Address::repeat_byte(0x44);

/// What is there before a transaction, and the transaction.
pub(crate) struct Scene {
    pub(crate) fork: Fork,
    pub(crate) before: MemoryDatabase,
    pub(crate) transaction: Transaction,
}

impl Scene {
    /// A transaction of 1,000,000 gas at 1 wei from an account that has 2,000,000 to one with this code.
    pub(crate) fn new(fork: Fork, code: &str) -> Self {
        let transaction = Transaction {
            sender: SENDER,
            to: Some(TARGET),
            gas_limit: 1_000_000,
            max_fee_per_gas: U256::from(1),
            max_priority_fee_per_gas: U256::from(1),
            ..Transaction::default()
        };
        let scene = Self { fork, before: MemoryDatabase::default(), transaction };
        scene.account(SENDER, 2_000_000, "").account(TARGET, 100, code)
    }

    /// With one more account.
    pub(crate) fn account(mut self, address: Address, balance: u64, code: &str) -> Self {
        let code = Bytecode::new(program(code));
        let account = Account { balance: U256::from(balance), code, ..Account::default() };
        self.before.accounts.insert(address, account);
        self
    }

    /// With a slot of an account that is there.
    pub(crate) fn slot(mut self, address: Address, key: u64, value: u64) -> Self {
        let account = self.before.accounts.get_mut(&address).unwrap();
        account.storage.insert(U256::from(key), U256::from(value));
        self
    }

    pub(crate) fn transaction(mut self, change: impl FnOnce(&mut Transaction)) -> Self {
        change(&mut self.transaction);
        self
    }

    /// Runs it on both engines, each with a tracer of its own, and answers what both tracers say.
    pub(crate) fn trace<T: Tracer>(
        &self,
        make: impl Fn() -> T,
        result: impl Fn(&T, &MemoryDatabase, &Execution) -> String,
    ) -> String {
        let engines: [Box<dyn Engine>; 2] = [
            Box::new(LocalEngine::new("primary", Primary::new(), &parallax_precompiles::Contracts)),
            Box::new(MiniEngine::new("mini", Mini, &parallax_mini_precompiles::Contracts)),
        ];
        let block =
            BlockEnv { coinbase: COINBASE, blobs: Rules::of(self.fork).blobs(), ..BlockEnv::default() };
        let job = Job {
            rules: self.fork.into(),
            chain_id: 1,
            block: &block,
            subject: Subject::Transaction(&self.transaction),
            database: &self.before,
        };
        let [primary, mini] = engines.map(|engine| {
            let mut tracer = make();
            let execution = engine.execute(&job, &mut Traced(&mut tracer)).unwrap();
            result(&tracer, &self.before, &execution)
        });
        assert_eq!(primary, mini);
        primary
    }
}

pub(crate) fn program(code: &str) -> Bytes {
    assemble(code).unwrap()
}

/// A text without the white space that is there for people.
pub(crate) fn line(text: &str) -> String {
    text.lines().map(str::trim).collect()
}
