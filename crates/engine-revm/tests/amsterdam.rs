//! The fork Amsterdam on revm: two gases (EIP-8037), charges before the first frame (EIP-2780), logs of transfers (EIP-7708), kept balances
//! (EIP-8246). The numbers are the specification's.
#![allow(clippy::unwrap_used, reason = "a test: its helpers may panic as it may")]

use parallax_engine_interface::{Engine, EngineError, Execution, Job};
use parallax_engine_revm::Revm;
use parallax_hooks::{Hooks, Interest, MessagePhase, NoHooks, StepControl, StepEnd, StepView};
use parallax_host_interface::AccountChange;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{
    Address, Authorization, BlockEnv, Bytecode, Fork, Message, Opcode, StateGas, Transaction,
    TransactionType, U256, address, hex,
};

const SENDER: Address = address!("0x000000000000000000000000000000000000aaaa");
/// Where the code under test is.
const TARGET: Address = address!("0x000000000000000000000000000000000000c0de");
/// Whom it calls.
const CALLEE: Address = address!("0x00000000000000000000000000000000000000aa");
/// Whom it calls next.
const OTHER: Address = address!("0x00000000000000000000000000000000000000bb");
/// Where nothing is.
const NEW: Address = address!("0x00000000000000000000000000000000000e0a01");

/// A gas limit that leaves 222,784 to the reservoir.
const WITH_RESERVOIR: u64 = 17_000_000;

fn account(nonce: u64, balance: u64, code: &str) -> Account {
    let code = Bytecode::new(hex::decode(code).unwrap().into());
    Account { nonce, balance: U256::from(balance), code, ..Account::default() }
}

/// A rich sender, and the code under test.
fn world(code: &str) -> MemoryDatabase {
    with(with(MemoryDatabase::default(), SENDER, account(0, u64::MAX, "")), TARGET, account(1, 0, code))
}

fn with(mut world: MemoryDatabase, address: Address, account: Account) -> MemoryDatabase {
    world.accounts.insert(address, account);
    world
}

fn call(gas_limit: u64) -> Transaction {
    Transaction { sender: SENDER, to: Some(TARGET), gas_limit, ..Transaction::default() }
}

fn create(gas_limit: u64, init_code: &str) -> Transaction {
    Transaction { to: None, input: hex::decode(init_code).unwrap().into(), ..call(gas_limit) }
}

fn execute(
    world: &MemoryDatabase,
    transaction: &Transaction,
    hooks: &mut dyn Hooks,
) -> Result<Execution, EngineError> {
    let block = BlockEnv { gas_limit: 100_000_000, ..BlockEnv::default() };
    let (rules, subject) = (Fork::Amsterdam.into(), transaction.into());
    Revm.execute(&Job { rules, chain_id: 1, block: &block, subject, database: world }, hooks)
}

/// What hooks are shown of both gases, a line each: messages as `KIND DEPTH GAS RESERVOIR/SPILLED/BASELINE`, their outcomes as `= STATUS GAS
/// RESERVOIR/SPILLED/BASELINE`, and the opcodes that state gas is about as `PC OPCODE GAS RESERVOIR/SPILLED LOGS, COST STATE_COST, GAS
/// RESERVOIR/SPILLED LOGS`, before, of and after them.
#[derive(Default)]
struct Shown {
    lines: Vec<String>,
    before: String,
}

fn pools(view: &StepView<'_>) -> String {
    let StateGas { reservoir, spilled, baseline } = view.state_gas;
    assert_eq!(baseline, view.message.state_gas.baseline, "the baseline is the message's");
    format!("{} {reservoir}/{spilled} {}", view.gas, view.journal.logs().len())
}

fn of_state(StateGas { reservoir, spilled, baseline }: StateGas) -> String {
    format!("{reservoir}/{spilled}/{baseline}")
}

impl Hooks for Shown {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.before = pools(step);
        StepControl::Continue
    }
    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        const SHOWN: &[Opcode] = &[
            Opcode::SSTORE,
            Opcode::CALL,
            Opcode::DELEGATECALL,
            Opcode::CREATE,
            Opcode::SELFDESTRUCT,
            Opcode::GAS,
            Opcode::REVERT,
            Opcode::INVALID,
        ];
        if SHOWN.contains(&step.opcode) {
            let (pc, opcode, before, after) = (step.pc, step.opcode, &self.before, pools(step));
            let StepEnd { gas_cost, state_gas_cost, .. } = end;
            self.lines.push(format!("{pc} {opcode} {before}, {gas_cost} {state_gas_cost}, {after}"));
        }
    }
    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        let Message { kind, depth, gas, state_gas, .. } = message;
        self.lines.push(match phase {
            MessagePhase::Before => format!("{kind:?} {depth} {gas} {}", of_state(*state_gas)),
            MessagePhase::After(outcome) => {
                format!("= {} {} {}", outcome.status, outcome.gas_left, of_state(outcome.state_gas))
            }
        });
        StepControl::Continue
    }
}

/// Looks at messages alone.
#[derive(Default)]
struct Messages(Shown);

impl Hooks for Messages {
    fn interest(&self) -> Interest {
        Interest::Messages
    }
    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.0.on_message(message, phase)
    }
}

/// `paid`: what the sender pays for, and what the transaction counts for in its block's execution gas and state gas.
#[track_caller]
fn check(
    world: &MemoryDatabase,
    transaction: &Transaction,
    paid: (u64, u64, u64),
    lines: &[&str],
) -> Execution {
    let (mut shown, mut messages) = (Shown::default(), Messages::default());
    let execution = execute(world, transaction, &mut shown).unwrap();
    assert_eq!(execute(world, transaction, &mut NoHooks).unwrap(), execution, "whoever looks");
    assert_eq!(execute(world, transaction, &mut messages).unwrap(), execution, "whoever looks");
    assert_eq!(shown.lines, lines);
    let is_of_message = |line: &&str| line.starts_with(|first: char| !first.is_ascii_digit());
    assert_eq!(messages.0.lines, lines.iter().copied().filter(is_of_message).collect::<Vec<_>>());
    let outcome = execution.outcome.as_ref().unwrap();
    assert_eq!((outcome.gas_used, outcome.execution_gas, outcome.state_gas), paid);
    execution
}

#[test]
fn a_slot_is_paid_for_by_the_reservoir_or_by_gas() {
    let set = world("60015f55");
    check(
        &set,
        &call(200_000),
        (125_025, 27_105, 97_920),
        &[
            "Call 0 185000 0/0/0",
            "3 SSTORE 184995 0/0 0, 12100 97920, 74975 0/97920 0",
            "= success 74975 0/97920/0",
        ],
    );
    check(
        &set,
        &call(WITH_RESERVOIR),
        (125_025, 27_105, 97_920),
        &[
            "Call 0 16762216 222784/0/222784",
            "3 SSTORE 16762211 222784/0 0, 12100 97920, 16750111 124864/0 0",
            "= success 16750111 124864/0/222784",
        ],
    );
}

#[test]
fn what_is_given_back_goes_where_it_came_from() {
    let set_and_cleared = world("60015f555f5f55");
    check(
        &set_and_cleared,
        &call(200_000),
        (21_768, 27_209, 0),
        &[
            "Call 0 185000 0/0/0",
            "3 SSTORE 184995 0/0 0, 12100 97920, 74975 0/97920 0",
            "6 SSTORE 74971 0/97920 0, 100 -97920, 172791 0/0 0",
            "= success 172791 0/0/0",
        ],
    );
    check(
        &set_and_cleared,
        &call(WITH_RESERVOIR),
        (21_768, 27_209, 0),
        &[
            "Call 0 16762216 222784/0/222784",
            "3 SSTORE 16762211 222784/0 0, 12100 97920, 16750111 124864/0 0",
            "6 SSTORE 16750107 124864/0 0, 100 -97920, 16750007 222784/0 0",
            "= success 16750007 222784/0/222784",
        ],
    );
}

#[test]
fn a_frame_that_fails_falls_back_to_its_baseline() {
    check(
        &world("60015f555f5ffd"),
        &call(200_000),
        (27_109, 27_109, 0),
        &[
            "Call 0 185000 0/0/0",
            "3 SSTORE 184995 0/0 0, 12100 97920, 74975 0/97920 0",
            "6 REVERT 74971 0/97920 0, 0 0, 74971 0/97920 0",
            "= revert 172891 0/0/0",
        ],
    );
    check(
        &world("60015f55fe"),
        &call(200_000),
        (200_000, 200_000, 0),
        &[
            "Call 0 185000 0/0/0",
            "3 SSTORE 184995 0/0 0, 12100 97920, 74975 0/97920 0",
            "4 INVALID 74975 0/97920 0, 0 0, 74975 0/97920 0",
            "= InvalidOpcode 0 0/0/0",
        ],
    );
    check(
        &world("60015f55fe"),
        &call(WITH_RESERVOIR),
        (16_777_216, 16_777_216, 0),
        &[
            "Call 0 16762216 222784/0/222784",
            "3 SSTORE 16762211 222784/0 0, 12100 97920, 16750111 124864/0 0",
            "4 INVALID 16750111 124864/0 0, 0 0, 16750111 124864/0 0",
            "= InvalidOpcode 0 222784/0/222784",
        ],
    );
    // In a callee: a revert hands back what was spilled, and a halt does not.
    let calls = "5f5f5f5f5f60aa5af15a00";
    check(
        &with(world(calls), CALLEE, account(1, 0, "60015f555f5ffd")),
        &call(300_000),
        (30_126, 30_126, 0),
        &[
            "Call 0 285000 0/0/0",
            "7 GAS 284987 0/0 0, 2 0, 284985 0/0 0",
            "8 CALL 284985 0/0 0, 280579 0, 4406 0/0 0",
            "Call 1 277579 0/0/0",
            "3 SSTORE 277574 0/0 0, 12100 97920, 167554 0/97920 0",
            "6 REVERT 167550 0/97920 0, 0 0, 167550 0/97920 0",
            "= revert 265470 0/0/0",
            "9 GAS 269876 0/0 0, 2 0, 269874 0/0 0",
            "= success 269874 0/0/0",
        ],
    );
    check(
        &with(world(calls), CALLEE, account(1, 0, "60015f55fe")),
        &call(300_000),
        (295_596, 295_596, 0),
        &[
            "Call 0 285000 0/0/0",
            "7 GAS 284987 0/0 0, 2 0, 284985 0/0 0",
            "8 CALL 284985 0/0 0, 280579 0, 4406 0/0 0",
            "Call 1 277579 0/0/0",
            "3 SSTORE 277574 0/0 0, 12100 97920, 167554 0/97920 0",
            "4 INVALID 167554 0/97920 0, 0 0, 167554 0/97920 0",
            "= InvalidOpcode 0 0/0/0",
            "9 GAS 4406 0/0 0, 2 0, 4404 0/0 0",
            "= success 4404 0/0/0",
        ],
    );
}

#[test]
fn a_message_is_handed_the_whole_reservoir() {
    let calls = world("5f5f5f5f5f60aa5af15a00");
    check(
        &with(calls.clone(), CALLEE, account(1, 0, "60015f5500")),
        &call(WITH_RESERVOIR),
        (128_042, 30_122, 97_920),
        &[
            "Call 0 16762216 222784/0/222784",
            "7 GAS 16762203 222784/0 0, 2 0, 16762201 222784/0 0",
            "8 CALL 16762201 222784/0 0, 16500339 0, 261862 0/0 0",
            "Call 1 16497339 222784/0/222784",
            "3 SSTORE 16497334 222784/0 0, 12100 97920, 16485234 124864/0 0",
            "= success 16485234 124864/0/222784",
            "9 GAS 16747096 124864/0 0, 2 0, 16747094 124864/0 0",
            "= success 16747094 124864/0/222784",
        ],
    );
    // A halt takes what was spilled of gas, and nothing of the reservoir.
    check(
        &with(calls, CALLEE, account(1, 0, "60015f5560016001556001600255fe")),
        &call(WITH_RESERVOIR),
        (16_515_356, 16_515_356, 0),
        &[
            "Call 0 16762216 222784/0/222784",
            "7 GAS 16762203 222784/0 0, 2 0, 16762201 222784/0 0",
            "8 CALL 16762201 222784/0 0, 16500339 0, 261862 0/0 0",
            "Call 1 16497339 222784/0/222784",
            "3 SSTORE 16497334 222784/0 0, 12100 97920, 16485234 124864/0 0",
            "8 SSTORE 16485228 124864/0 0, 12100 97920, 16473128 26944/0 0",
            "13 SSTORE 16473122 26944/0 0, 12100 97920, 16390046 0/70976 0",
            "14 INVALID 16390046 0/70976 0, 0 0, 16390046 0/70976 0",
            "= InvalidOpcode 0 222784/0/222784",
            "9 GAS 261862 222784/0 0, 2 0, 261860 222784/0 0",
            "= success 261860 222784/0/222784",
        ],
    );
}

#[test]
fn a_new_account_is_paid_for_by_whoever_calls_it() {
    let sends = world("5f5f5f5f6001620e0a015af100");
    let mut can_pay = sends.clone();
    can_pay.accounts.get_mut(&TARGET).unwrap().balance = U256::from(5);
    let execution = check(
        &can_pay,
        &call(300_000),
        (210_616, 27_016, 183_600),
        &[
            "Call 0 285000 0/0/0",
            "10 GAS 284986 0/0 0, 2 0, 284984 0/0 0",
            "11 CALL 284984 0/0 0, 100024 183600, 1360 0/183600 0",
            "Call 1 88024 0/0/0",
            "= success 88024 0/0/0",
            "= success 89384 0/183600/0",
        ],
    );
    assert_eq!(execution.outcome.unwrap().logs.len(), 1);
    check(
        &sends,
        &call(300_000),
        (27_016, 27_016, 0),
        &[
            "Call 0 285000 0/0/0",
            "10 GAS 284986 0/0 0, 2 0, 284984 0/0 0",
            "11 CALL 284984 0/0 0, 100024 183600, 1360 0/183600 0",
            "Call 1 88024 0/0/0",
            "= InsufficientBalance 88024 0/0/0",
            "= success 272984 0/0/0",
        ],
    );
}

#[test]
fn what_a_callee_gives_back_repays_what_its_caller_has_spilled() {
    let code = "5f5f5f5f60aa5af45f5f5f5f60bb5af45a00";
    let world =
        with(with(world(code), CALLEE, account(1, 0, "60015f5500")), OTHER, account(1, 0, "5f5f5500"));
    check(
        &world,
        &call(300_000),
        (26_590, 33_237, 0),
        &[
            "Call 0 285000 0/0/0",
            "6 GAS 284989 0/0 0, 2 0, 284987 0/0 0",
            "7 DELEGATECALL 284987 0/0 0, 280581 0, 4406 0/0 0",
            "DelegateCall 1 277581 0/0/0",
            "3 SSTORE 277576 0/0 0, 12100 97920, 167556 0/97920 0",
            "= success 167556 0/97920/0",
            "14 GAS 171951 0/97920 0, 2 0, 171949 0/97920 0",
            "15 DELEGATECALL 171949 0/97920 0, 169310 0, 2639 0/97920 0",
            "DelegateCall 1 166310 0/0/0",
            "2 SSTORE 166306 0/0 0, 100 -97920, 166206 97920/0 0",
            "= success 166206 97920/0/0",
            "16 GAS 266765 0/0 0, 2 0, 266763 0/0 0",
            "= success 266763 0/0/0",
        ],
    );
}

#[test]
fn a_creation_that_fails_gives_the_account_back() {
    check(
        &world("5f5f5ff000"),
        &call(400_000),
        (210_606, 27_006, 183_600),
        &[
            "Call 0 385000 0/0/0",
            "3 CREATE 384994 0/0 0, 12000 183600, 189394 0/183600 0",
            "Create 1 186435 0/0/0",
            "= success 186435 0/0/0",
            "= success 189394 0/183600/0",
        ],
    );
    // Its endowment is not there: revm sends no message, and hooks are shown one all the same.
    check(
        &world("5f5f6001f05000"),
        &call(400_000),
        (27_009, 27_009, 0),
        &[
            "Call 0 385000 0/0/0",
            "4 CREATE 384993 0/0 0, 12000 0, 372993 0/0 0",
            "Create 1 367165 0/0/0",
            "= InsufficientBalance 367165 0/0/0",
            "= success 372991 0/0/0",
        ],
    );
    // Init code that reverts, and that halts.
    check(
        &world("635f5ffd005f526004601c5ff05000"),
        &call(400_000),
        (27_027, 27_027, 0),
        &[
            "Call 0 385000 0/0/0",
            "12 CREATE 384981 0/0 0, 12002 183600, 189379 0/183600 0",
            "Create 1 186420 0/0/0",
            "2 REVERT 186416 0/0 0, 0 0, 186416 0/0 0",
            "= revert 186416 0/0/0",
            "= success 372973 0/0/0",
        ],
    );
    check(
        &world("63fe0000005f526004601c5ff05000"),
        &call(400_000),
        (213_443, 213_443, 0),
        &[
            "Call 0 385000 0/0/0",
            "12 CREATE 384981 0/0 0, 12002 183600, 189379 0/183600 0",
            "Create 1 186420 0/0/0",
            "0 INVALID 186420 0/0 0, 0 0, 186420 0/0 0",
            "= InvalidOpcode 0 0/0/0",
            "= success 186557 0/0/0",
        ],
    );
    // One that succeeds pays for its code.
    check(
        &world("6360015ff35f526004601c5ff000"),
        &call(400_000),
        (212_165, 27_035, 185_130),
        &[
            "Call 0 385000 0/0/0",
            "12 CREATE 384981 0/0 0, 12002 183600, 189379 0/183600 0",
            "Create 1 186420 0/0/0",
            "= success 184876 0/1530/0",
            "= success 187835 0/185130/0",
        ],
    );
}

#[test]
fn a_creating_transaction_pays_for_its_account_before_its_frame() {
    check(
        &world(""),
        &create(400_000, "60205ff3"),
        (256_640, 24_256, 232_560),
        &["Create 0 192334 0/183600/0", "= success 143360 0/232560/0"],
    );
    check(
        &world(""),
        &create(WITH_RESERVOIR, "5f5ffd"),
        (24_192, 24_192, 0),
        &[
            "Create 0 16753166 39184/0/222784",
            "2 REVERT 16753162 39184/0 0, 0 0, 16753162 39184/0 0",
            "= revert 16753162 222784/0/222784",
        ],
    );
    // What was spilled for the account is gas again.
    check(
        &world(""),
        &create(400_000, "5f5ffd"),
        (24_192, 24_192, 0),
        &[
            "Create 0 192350 0/183600/0",
            "2 REVERT 192346 0/183600 0, 0 0, 192346 0/183600 0",
            "= revert 375946 0/0/0",
        ],
    );
    let created = SENDER.create(0);
    check(
        &with(world(""), created, account(1, 0, "")),
        &create(WITH_RESERVOIR, "60205ff3"),
        (16_777_216, 16_777_216, 0),
        &["Create 0 16753150 222784/0/222784", "= CreateCollision 0 222784/0/222784"],
    );
}

#[test]
fn a_transaction_that_cannot_pay_before_its_frame_is_shown_as_one_message() {
    let sends = |gas_limit| Transaction { to: Some(NEW), value: U256::ONE, ..call(gas_limit) };
    let failed = check(
        &world(""),
        &sends(204_599),
        (204_599, 204_599, 0),
        &["Call 0 183599 0/0/0", "= OutOfGas 0 0/0/0"],
    );
    assert_eq!(failed.outcome.unwrap().logs, []);
    let paid = check(
        &world(""),
        &sends(204_600),
        (204_600, 21_000, 183_600),
        &["Call 0 0 0/183600/0", "= success 0 0/183600/0"],
    );
    assert_eq!(paid.outcome.unwrap().logs.len(), 1);
    check(
        &world(""),
        &create(200_000, "00"),
        (200_000, 200_000, 0),
        &["Create 0 175994 0/0/0", "= OutOfGas 0 0/0/0"],
    );
}

/// A transaction with authorizations of accounts that do not exist.
fn delegating(gas_limit: u64, authorities: &[u8]) -> Transaction {
    let authorization = |&authority: &u8| Authorization {
        chain_id: U256::ZERO,
        address: TARGET,
        nonce: 0,
        authority: Some(Address::repeat_byte(authority)),
    };
    let authorizations = authorities.iter().map(authorization).collect();
    Transaction { kind: TransactionType::SetCode, authorizations, ..call(gas_limit) }
}

#[test]
fn what_delegations_cost_no_failure_gives_back() {
    check(
        &world("00"),
        &delegating(300_000, &[1]),
        (250_606, 31_816, 218_790),
        &["Call 0 49394 0/0/0", "= success 49394 0/0/0"],
    );
    check(
        &world("60015f55fe"),
        &delegating(WITH_RESERVOIR, &[1]),
        (16_996_006, 16_777_216, 218_790),
        &[
            "Call 0 16745400 3994/0/3994",
            "3 SSTORE 16745395 3994/0 0, 12100 97920, 16639369 0/93926 0",
            "4 INVALID 16639369 0/93926 0, 0 0, 16639369 0/93926 0",
            "= InvalidOpcode 0 3994/0/3994",
        ],
    );
    // All of the reservoir is theirs but for 3,994; what is left of the account's price spills.
    let sends = Transaction { to: Some(NEW), value: U256::ONE, ..delegating(WITH_RESERVOIR, &[1]) };
    check(
        &world(""),
        &sends,
        (440_206, 37_816, 402_390),
        &["Call 0 16559794 0/179606/3994", "= success 16559794 0/179606/3994"],
    );
    // None of them is in force where one of them cannot be paid for.
    let failed = check(
        &world("00"),
        &delegating(100_000, &[1]),
        (100_000, 100_000, 0),
        &["Call 0 77184 0/0/0", "= OutOfGas 0 0/0/0"],
    );
    assert!(!failed.changes.accounts.contains_key(&Address::repeat_byte(1)));
}

#[test]
fn transfers_are_logged_where_they_happen_and_taken_back() {
    // Its own value, before its first opcode; what it sends to an account that reverts; what it is left with.
    let callee = account(1, 0, "5a5f5ffd");
    let sends = with(world("5f5f5f5f600160aa5af15a60aaff"), CALLEE, callee);
    check(
        &sends,
        &Transaction { value: U256::from(9), ..call(300_000) },
        (38_027, 38_027, 0),
        &[
            "Call 0 279000 0/0/0",
            "8 GAS 278986 0/0 1, 2 0, 278984 0/0 1",
            "9 CALL 278984 0/0 1, 274849 0, 4135 0/0 1",
            "Call 1 262849 0/0/0",
            "0 GAS 262849 0/0 2, 2 0, 262847 0/0 2",
            "3 REVERT 262843 0/0 2, 0 0, 262843 0/0 2",
            "= revert 262843 0/0/0",
            "10 GAS 266978 0/0 1, 2 0, 266976 0/0 1",
            "13 SELFDESTRUCT 266973 0/0 1, 5000 0, 261973 0/0 2",
            "= success 261973 0/0/0",
        ],
    );
    // It cannot pay for the account that it is to be left to: revm has moved the balance by then.
    let cannot_pay = with(world(""), TARGET, account(1, 7, "5a620e0a01ff"));
    check(
        &cannot_pay,
        &call(100_000),
        (100_000, 100_000, 0),
        &[
            "Call 0 85000 0/0/0",
            "0 GAS 85000 0/0 0, 2 0, 84998 0/0 0",
            "5 SELFDESTRUCT 84995 0/0 0, 0 0, 84995 0/0 0",
            "= OutOfGas 0 0/0/0",
        ],
    );
}

#[test]
fn an_account_that_destroys_itself_keeps_its_balance() {
    let transaction = Transaction { value: U256::from(5), ..create(400_000, "30ff") };
    let execution = check(
        &world(""),
        &transaction,
        (212_636, 29_036, 183_600),
        &[
            "Create 0 192366 0/183600/0",
            "1 SELFDESTRUCT 192364 0/183600 1, 5000 0, 187364 0/183600 1",
            "= success 187364 0/183600/0",
        ],
    );
    let kept = |clears_storage| AccountChange::Changed {
        nonce: 0,
        balance: U256::from(5),
        code: None,
        storage: Default::default(),
        clears_storage,
    };
    assert_eq!(execution.changes.accounts[&SENDER.create(0)], kept(false));
    // With it goes the storage that it was created over; SSTORE(2, 1).
    let mut bare = account(0, 0, "");
    bare.storage = [(U256::ONE, U256::ONE), (U256::from(2), U256::from(2))].into();
    let world = with(world(""), SENDER.create(0), bare);
    for code in ["30ff", "600160025530ff"] {
        let transaction = Transaction { value: U256::from(5), ..create(600_000, code) };
        let execution = execute(&world, &transaction, &mut NoHooks).unwrap();
        assert_eq!(execution.changes.accounts[&SENDER.create(0)], kept(true), "{code}");
    }
}

#[test]
fn a_creation_keeps_the_storage_that_it_finds() {
    // SSTORE(1, 0), where 1 was, and what is in slot 2 is loaded.
    let mut bare = account(0, 1, "");
    bare.storage = [(U256::ONE, U256::ONE), (U256::from(2), U256::from(2))].into();
    let world = with(world(""), SENDER.create(0), bare);
    let execution = check(
        &world,
        &create(200_000, "5f60015560025460035500"),
        (32_382, 40_477, 0),
        &[
            "Create 0 175834 0/0/0",
            "3 SSTORE 175829 0/0 0, 2100 -97920, 173729 97920/0 0",
            "9 SSTORE 171623 97920/0 0, 12100 97920, 159523 0/0 0",
            "= success 159523 0/0/0",
        ],
    );
    let AccountChange::Changed { storage, .. } = &execution.changes.accounts[&SENDER.create(0)] else {
        panic!("{execution:?}");
    };
    assert_eq!(*storage, [(U256::ONE, U256::ZERO), (U256::from(3), U256::from(2))].into());
}

/// Ends the run at a message of this number, counted with its ends.
struct AbortAt(usize);

impl Hooks for AbortAt {
    fn on_message(&mut self, _: &Message, _: MessagePhase<'_>) -> StepControl {
        self.0 = self.0.wrapping_sub(1);
        if self.0 == 0 { StepControl::Abort } else { StepControl::Continue }
    }
    fn on_step(&mut self, _: &StepView<'_>) -> StepControl {
        assert!(self.0 < 100, "a step behind the abort");
        StepControl::Continue
    }
}

#[test]
fn hooks_end_a_run_at_messages_that_revm_does_not_send() {
    let refused = call(400_000);
    let unprepared = Transaction { to: Some(NEW), value: U256::ONE, ..call(204_599) };
    for (transaction, messages) in [(refused, 4), (unprepared, 2)] {
        for at in 1..=messages {
            let execution = execute(&world("5f5f6001f05000"), &transaction, &mut AbortAt(at)).unwrap();
            assert_eq!((execution.outcome, execution.changes.accounts.len()), (None, 0), "at {at}");
        }
        let whole = execute(&world("5f5f6001f05000"), &transaction, &mut AbortAt(messages + 1)).unwrap();
        assert!(whole.outcome.is_some());
    }
}
