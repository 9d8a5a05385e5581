//! Programs to measure with: each does one thing many times, and what it answers is worked out here a second time.

use std::collections::BTreeMap;

use parallax_assembly::{AssemblyError, assemble};
use parallax_engine_interface::{EngineError, Execution, Job};
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, BlockEnv, Bytecode, Fork, Rules, Transaction, U256, keccak256};

/// A transaction that is long enough to be timed, with its world and its answer.
#[derive(Clone, Debug)]
pub struct Workload {
    /// What it does.
    pub name: &'static str,
    /// Opcodes that it runs.
    pub steps: u64,
    /// Gas that the transaction takes, refunds taken off.
    pub gas_used: u64,
    /// The word that it returns.
    pub answer: U256,
    database: MemoryDatabase,
    block: BlockEnv,
    transaction: Transaction,
}

/// Counts down the word on top of the stack, and back to `again` until it is zero.
const COUNT_DOWN: &str = "PUSH 1 SWAP1 SUB DUP1 @again JUMPI";
/// Returns the word on top of the stack.
const RETURN: &str = "PUSH 0 MSTORE PUSH 0x20 PUSH 0 RETURN";

/// Multiplier and increment of the generator in `arithmetic`.
const MULTIPLIER: u64 = 6_364_136_223_846_793_005;
const INCREMENT: u64 = 1_442_695_040_888_963_407;

const TARGET: Address = Address::repeat_byte(0x22);
const CALLEE: Address = Address::repeat_byte(0x33);

impl Workload {
    /// All of them, always the same ones.
    ///
    /// # Errors
    ///
    /// None: their assembly is tested.
    pub fn all() -> Result<Vec<Self>, AssemblyError> {
        Ok(vec![Self::arithmetic()?, Self::hashing()?, Self::memory()?, Self::storage()?, Self::calls()?])
    }

    /// The transaction in its world.
    pub fn job(&self) -> Job<'_> {
        let Self { database, block, transaction, .. } = self;
        Job { rules: Rules::of(Fork::Osaka), chain_id: 1, block, subject: transaction.into(), database }
    }

    /// Fails, with what is wrong, unless this is what the workload comes to.
    ///
    /// # Errors
    ///
    /// For any other status, answer or gas.
    pub fn check(&self, result: &Result<Execution, EngineError>) -> Result<(), String> {
        let name = self.name;
        let execution = result.as_ref().map_err(|error| format!("{name}: {error}"))?;
        let Some(outcome) = &execution.outcome else { return Err(format!("{name}: it was aborted")) };
        let found = (outcome.status.is_success(), outcome.gas_used, U256::try_from_be_slice(&outcome.output));
        let expected = (true, self.gas_used, Some(self.answer));
        if found == expected { Ok(()) } else { Err(format!("{name}: {found:?}, expected {expected:?}")) }
    }

    /// Products, sums and quotients of a linear congruence.
    fn arithmetic() -> Result<Self, AssemblyError> {
        let code = format!(
            "PUSH 0 PUSH 1 PUSH 1000
            again:
                SWAP1 PUSH {MULTIPLIER} MUL PUSH {INCREMENT} ADD
                DUP2 DUP2 DIV DUP4 XOR SWAP3 POP
                SWAP1 {COUNT_DOWN}
            POP POP {RETURN}"
        );
        let (mut sum, mut value) = (U256::ZERO, U256::from(1));
        for count in (1..=1000).rev() {
            value = value.wrapping_mul(U256::from(MULTIPLIER)).wrapping_add(U256::from(INCREMENT));
            sum ^= value / U256::from(count);
        }
        Self::new("arithmetic", &code, sum, 20_010, 89_025)
    }

    /// Each hash is of the one before and a counter, as keys of mappings are.
    fn hashing() -> Result<Self, AssemblyError> {
        let code = format!(
            "PUSH 0 PUSH 1000
            again:
                SWAP1 PUSH 0 MSTORE DUP1 PUSH 0x20 MSTORE PUSH 0x40 PUSH 0 KECCAK256
                SWAP1 {COUNT_DOWN}
            POP {RETURN}"
        );
        let mut hash = U256::ZERO;
        for count in (1..=1000).rev() {
            let input = [hash, U256::from(count)].map(|word| word.to_be_bytes::<32>());
            hash = keccak256(input.as_flattened()).into();
        }
        Self::new("hashing", &code, hash, 17_008, 114_023)
    }

    /// Squares, written to memory, copied, and summed up.
    fn memory() -> Result<Self, AssemblyError> {
        let code = format!(
            "PUSH 256
            fill:
                DUP1 DUP1 MUL DUP2 PUSH 5 SHL MSTORE
                PUSH 1 SWAP1 SUB DUP1 @fill JUMPI
            PUSH 0x2000 PUSH 0x20 PUSH 0x4000 MCOPY
            PUSH 256
            again:
                DUP1 PUSH 5 SHL PUSH 0x3fe0 ADD MLOAD DUP3 ADD SWAP2 POP
                {COUNT_DOWN}
            POP {RETURN}"
        );
        Self::new("memory", &code, (1..=256u64).map(|count| U256::from(count * count)).sum(), 7_948, 51_878)
    }

    /// Reads and writes of 64 slots, cold ones first.
    fn storage() -> Result<Self, AssemblyError> {
        let code = format!(
            "PUSH 0 PUSH 640
            again:
                DUP1 PUSH 0x3f AND DUP1 SLOAD DUP3 ADD DUP1 DUP3 SSTORE
                SWAP1 POP DUP3 XOR SWAP2 POP
                {COUNT_DOWN}
            POP {RETURN}"
        );
        let (mut slots, mut answer) = ([0u64; 64], 0);
        for count in (1..=640usize).rev() {
            let slot = &mut slots[count % 64];
            *slot += count as u64;
            answer ^= *slot;
        }
        Self::new("storage", &code, U256::from(answer), 14_728, 1_592_860)
    }

    /// Static calls of an account that squares its input.
    fn calls() -> Result<Self, AssemblyError> {
        let code = format!(
            "PUSH 0 PUSH 500
            again:
                DUP1 PUSH 0 MSTORE
                PUSH 0x20 PUSH 0x20 PUSH 0x20 PUSH 0 PUSH {CALLEE} GAS STATICCALL
                PUSH 0x20 MLOAD MUL DUP3 ADD SWAP2 POP
                {COUNT_DOWN}
            POP {RETURN}"
        );
        Self::new("calls", &code, (1..=500u64).map(|count| U256::from(count * count)).sum(), 16_508, 122_523)
    }

    fn new(
        name: &'static str,
        code: &str,
        answer: U256,
        steps: u64,
        gas_used: u64,
    ) -> Result<Self, AssemblyError> {
        let account = |code: &str| {
            let code = Bytecode::new(assemble(code)?);
            Ok(Account { nonce: 1, code, ..Account::default() })
        };
        let callee = account("PUSH 0 CALLDATALOAD DUP1 MUL PUSH 0 MSTORE PUSH 0x20 PUSH 0 RETURN")?;
        let accounts = BTreeMap::from([(TARGET, account(code)?), (CALLEE, callee)]);
        let gas_limit = 10_000_000;
        Ok(Self {
            name,
            steps,
            gas_used,
            answer,
            database: MemoryDatabase { accounts: accounts.into(), ..MemoryDatabase::default() },
            block: BlockEnv { number: 1, gas_limit, ..BlockEnv::default() },
            transaction: Transaction { to: Some(TARGET), gas_limit, ..Transaction::default() },
        })
    }
}

#[cfg(test)]
mod tests {
    use parallax_engine_interface::Engine;
    use parallax_hooks::on_step_end;
    use parallax_mini_interpreter::Mini;
    use parallax_mini_machine::MiniEngine;

    use super::*;

    #[test]
    fn workloads_come_to_their_answers() {
        for workload in Workload::all().unwrap() {
            let mut steps = 0;
            let mut count = on_step_end(|_, _| steps += 1);
            let result = MiniEngine::new("mini", Mini, &parallax_mini_precompiles::Contracts)
                .execute(&workload.job(), &mut count);
            drop(count);
            assert_eq!(workload.check(&result), Ok(()));
            assert_eq!(steps, workload.steps, "{}", workload.name);
        }
    }
}
