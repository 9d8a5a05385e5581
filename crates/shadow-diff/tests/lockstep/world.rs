//! A transaction to a code, and what is asked of comparisons.

use parallax_assembly::assemble;
use parallax_campaign::engines::{self, LocalEngine};
use parallax_engine_interface::{Engine, Job};
use parallax_memory_database::MemoryDatabase;
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini};
use parallax_primitives::{Address, BlockEnv, Bytecode, Fork, Opcode, Transaction, U256};
use parallax_shadow_diff::{Compared, Divergence, Place, ShadowConfig, ShadowMode, Verdict};

pub(crate) const CONTRACT: Address = Address::repeat_byte(0x22);

/// A transaction to `code`.
pub(crate) struct World {
    pub(crate) database: MemoryDatabase,
    pub(crate) block: BlockEnv,
    pub(crate) transaction: Transaction,
}

impl World {
    pub(crate) fn new(code: &str) -> Self {
        let mut database = MemoryDatabase::default();
        let account = database.accounts.entry(CONTRACT).or_default();
        account.code = Bytecode::new(assemble(code).unwrap());
        account.storage.insert(U256::ONE, U256::from(5));
        let transaction = Transaction { to: Some(CONTRACT), gas_limit: 10_000_000, ..Transaction::default() };
        Self { database, block: BlockEnv::default(), transaction }
    }

    pub(crate) fn job(&self) -> Job<'_> {
        let Self { database, block, transaction } = self;
        Job { rules: Fork::Osaka.into(), chain_id: 1, block, subject: transaction.into(), database }
    }
}

pub(crate) fn config(mode: ShadowMode) -> ShadowConfig {
    ShadowConfig { mode, skip_identical_steps: false, ..ShadowConfig::default() }
}

pub(crate) fn faulty(fault: Fault, opcode: Opcode) -> LocalEngine<FaultyMini> {
    engines::local("faulty", FaultyMini::new(FaultPlan::new(fault, opcode)))
}

#[track_caller]
pub(crate) fn divergence(compared: Compared) -> Divergence {
    match compared.verdict {
        Verdict::Diverge(divergence) => *divergence,
        verdict => panic!("{verdict:?}"),
    }
}

#[track_caller]
pub(crate) fn step_of(divergence: &Divergence) -> (u64, Opcode, bool) {
    match &divergence.place {
        Place::Step { index, step, is_over, .. } => (*index, step.opcode, *is_over),
        place => panic!("{place:?}"),
    }
}

/// The fast engine, for as long as the tests run: how hot its code is matters to none of them.
pub(crate) fn primary() -> &'static dyn Engine {
    Box::leak(Box::new(engines::primary()))
}

/// Seven steps in; the memory has one word, the stack one item, and a callee has returned data.
pub(crate) const TELLING: &str = "PUSH 0xff PUSH 0 MSTORE
    PUSH 0 PUSH 0 PUSH 1 PUSH 0 PUSH 0 PUSH 4 GAS CALL
    PUSH 1 SLOAD POP POP PUSH 3 POP STOP";
