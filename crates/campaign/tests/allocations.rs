//! Neither engine allocates per opcode, watched or not, and a tracer that writes allocates nothing per line: a loop that
//! runs twice as long takes as many allocations.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{alloc::System, io};

use parallax_assembly::assemble;
use parallax_campaign::engines;
use parallax_engine_interface::Job;
use parallax_hooks::{Hooks, NoHooks};
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, BlockEnv, Bytecode, Fork, FrameStatus, Transaction, U256};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SENDER: Address = Address::repeat_byte(0x11);
const CONTRACT: Address = Address::repeat_byte(0xc0);

/// What the rounds of a loop do, with the number of rounds left on the stack; and how many more allocations twice the rounds may
/// take.
const BODIES: [(&str, usize); 3] = [
    // The stack, and numbers of all sizes.
    ("DUP1 DUP1 DUP1 MUL PUSH -1 MULMOD NOT POP", 0),
    // Memory, once it is there.
    ("DUP1 PUSH 32 MSTORE PUSH 64 PUSH 0 KECCAK256 PUSH 64 MSTORE PUSH 0 MLOAD POP", 0),
    // Storage, warm and dirty. The journal notes every write, in a list that doubles when it is full.
    ("DUP1 PUSH 1 SSTORE PUSH 1 SLOAD POP DUP1 PUSH 1 TSTORE PUSH 1 TLOAD POP", 2),
];

/// Allocations and growths of a run.
fn allocations(engine: &str, body: &str, rounds: u64, hooks: &mut dyn Hooks) -> usize {
    let source =
        format!("PUSH3 {rounds} again: {body} PUSH 1 SWAP1 SUB DUP1 PUSH 1 PUSH 0 MSTORE @again JUMPI");
    let code = Bytecode::new(assemble(&source).unwrap());
    let mut database = MemoryDatabase::default();
    database.accounts.insert(CONTRACT, Account { nonce: 1, code, ..Account::default() });
    let transaction = Transaction {
        sender: SENDER,
        to: Some(CONTRACT),
        gas_limit: 16_000_000,
        max_fee_per_gas: U256::ZERO,
        ..Transaction::default()
    };
    let block = BlockEnv::default();
    let job = Job {
        rules: Fork::Osaka.into(),
        chain_id: 1,
        block: &block,
        subject: (&transaction).into(),
        database: &database,
    };
    let engine = engines::by_name(engine).unwrap();
    // The first run fills caches of analysed code.
    engine.execute(&job, &mut NoHooks).unwrap();
    let region = Region::new(ALLOCATOR);
    let execution = engine.execute(&job, hooks).unwrap();
    let change = region.change();
    assert_eq!(execution.outcome.unwrap().status, FrameStatus::Success);
    change.allocations + change.reallocations
}

/// The one test of this binary: the count is of the whole process.
#[test]
fn nothing_is_allocated_per_step() {
    for engine in ["mini", "primary"] {
        for (body, growths) in BODIES {
            let check = |what: &str, allocations: &mut dyn FnMut(u64) -> usize| {
                // The least of three runs: the thread of the test harness may allocate meanwhile.
                let mut least = |rounds| (0..3).map(|_| allocations(rounds)).min().unwrap();
                let (once, twice) = (least(1000), least(2000));
                assert!(
                    (once..=once + growths).contains(&twice),
                    "{once}, {twice} {what} on {engine}: {body}"
                );
            };
            check("unhooked", &mut |rounds| allocations(engine, body, rounds, &mut NoHooks));
            for dialect in Dialect::ALL {
                for memory in [false, true] {
                    let mut options = Options::new(dialect);
                    options.memory = memory;
                    options.storage = memory;
                    check(&format!("{dialect}"), &mut |rounds| {
                        let mut tracer = Eip3155Tracer::new(io::sink(), options);
                        let count = allocations(engine, body, rounds, &mut Traced(&mut tracer));
                        assert!(tracer.finish(None).steps > 8 * rounds);
                        count
                    });
                }
            }
        }
    }
}
