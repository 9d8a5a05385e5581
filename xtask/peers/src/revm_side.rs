//! The same programs on revm under an inspector: as a transaction, whose gas is the frame's and the intrinsic gas.

use anyhow::{Result, ensure};
use parallax_primitives::{Fork, U256};
use revm::{
    Context, InspectEvm, Inspector, MainBuilder, MainContext,
    bytecode::Bytecode,
    context::{BlockEnv, CfgEnv, TxEnv},
    database::{CacheDB, EmptyDB},
    handler::MainnetContext,
    interpreter::interpreter::EthInterpreter,
    primitives::{B256, TxKind, hardfork::SpecId},
    state::AccountInfo,
};

use crate::program::{Answer, COINBASE, Program, SENDER, TARGET};

/// What an inspector sees around it.
pub type RevmContext = MainnetContext<CacheDB<EmptyDB>>;

/// A program on revm.
pub struct RevmProgram<'p> {
    program: &'p Program,
    database: CacheDB<EmptyDB>,
}

impl<'p> RevmProgram<'p> {
    /// Prepares the world; the code is analysed here, once.
    pub fn new(program: &'p Program) -> Result<Self> {
        ensure!(program.fork == Fork::Cancun, "{}: no program of Cancun", program.name);
        let mut database = CacheDB::new(EmptyDB::default());
        let code = Bytecode::new_raw(program.code.clone());
        database.insert_account_info(TARGET, AccountInfo::new(U256::ZERO, 1, code.hash_slow(), code));
        database.insert_account_info(SENDER, AccountInfo::from_balance(U256::from(10).pow(U256::from(24))));
        for (key, value) in &program.storage {
            database.insert_account_storage(TARGET, *key, *value)?;
        }
        Ok(Self { program, database })
    }

    /// One run under `inspector`.
    pub fn run<N: Inspector<RevmContext, EthInterpreter>>(&self, inspector: N) -> Result<(Answer, N)> {
        let zeros = self.program.input.iter().filter(|byte| **byte == 0).count() as u64;
        let intrinsic = 21_000 + 4 * zeros + 16 * (self.program.input.len() as u64 - zeros);
        let block = BlockEnv {
            number: U256::from(1),
            timestamp: U256::from(1),
            gas_limit: i64::MAX.unsigned_abs(),
            beneficiary: COINBASE,
            prevrandao: Some(B256::with_last_byte(1)),
            ..BlockEnv::default()
        };
        let transaction = TxEnv {
            caller: SENDER,
            kind: TxKind::Call(TARGET),
            data: self.program.input.clone(),
            gas_limit: self.program.gas + intrinsic,
            chain_id: Some(1),
            ..TxEnv::default()
        };
        let mut evm = Context::mainnet()
            .with_db(self.database.clone())
            .with_cfg(CfgEnv::new_with_spec(SpecId::CANCUN))
            .with_block(block)
            .build_mainnet_with_inspector(inspector);
        let result = evm.inspect_one_tx(transaction)?;
        let answer = Answer {
            success: result.is_success(),
            gas_used: result.gas().total_gas_spent() - intrinsic,
            output: result.output().cloned().unwrap_or_default(),
        };
        self.program.check(&answer)?;
        Ok((answer, evm.inspector))
    }
}
