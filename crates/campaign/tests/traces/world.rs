//! The world that the programs run in.

use std::collections::BTreeMap;

use parallax_assembly::assemble_for;
use parallax_campaign::engines;
use parallax_engine_interface::{Execution, Job};
use parallax_hooks::Hooks;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, B256, BlockEnv, Bytecode, Transaction, U256, address};

use crate::programs::Program;

pub(crate) const CONTRACT: Address = address!("0x00000000000000000000000000000000000000c0");
pub(crate) const SENDER: Address = address!("0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b");

/// A program and everything it needs.
pub(crate) struct World {
    pub(crate) program: &'static Program,
    pub(crate) database: MemoryDatabase,
    pub(crate) block: BlockEnv,
    pub(crate) transaction: Transaction,
}

impl World {
    pub(crate) fn of(program: &'static Program) -> Self {
        let rules = program.rules();
        let code = assemble_for(program.code, rules).unwrap();
        let mut database = MemoryDatabase::default();
        let funded = Account { balance: U256::from(1_000_000_000_u64), ..Account::default() };
        database.accounts.insert(SENDER, funded.clone());
        for (last, source) in program.others {
            let code = Bytecode::new(assemble_for(source, rules).unwrap());
            let address = Address::with_last_byte(*last);
            database.accounts.insert(address, Account { nonce: 1, code, ..Account::default() });
        }
        let storage = BTreeMap::from([(U256::from(1), U256::from(5))]);
        let contract = Account { nonce: 1, code: Bytecode::new(code.clone()), storage, ..funded };
        if !program.creates {
            database.accounts.insert(CONTRACT, contract);
        }
        let transaction = Transaction {
            sender: SENDER,
            to: (!program.creates).then_some(CONTRACT),
            gas_limit: program.gas,
            max_fee_per_gas: U256::from(10),
            max_priority_fee_per_gas: U256::from(10),
            input: if program.creates { code } else { Default::default() },
            ..Transaction::default()
        };
        let block = BlockEnv {
            number: 1,
            timestamp: 1000,
            coinbase: Address::with_last_byte(0xfe),
            difficulty: U256::from(0x20000),
            prevrandao: U256::from(0x20000).into(),
            base_fee: 7,
            ..BlockEnv::default()
        };
        Self { program, database, block, transaction }
    }

    pub(crate) fn run(&self, engine: &str, hooks: &mut dyn Hooks) -> Execution {
        let Self { program, database, block, transaction } = self;
        let job = Job { rules: program.rules(), chain_id: 1, block, subject: transaction.into(), database };
        engines::by_name(engine).unwrap().execute(&job, hooks).unwrap()
    }

    pub(crate) fn state_root(&self, execution: &Execution) -> B256 {
        let mut database = self.database.clone();
        database.apply(&execution.changes);
        database.state_root()
    }
}
