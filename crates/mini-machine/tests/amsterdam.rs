//! Amsterdam's rules on whole transactions: what they pay, in both gases, and what stays of them.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use parallax_engine_interface::{Execution, Job, Progress, Stepper};
use parallax_hooks::{Hooks, MessagePhase, StepControl, StepView};
use parallax_host_interface::AccountChange;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniMachine;
use parallax_primitives::{
    AccessListEntry, Address, Authorization, B256, BlockEnv, Bytecode, Fork, FrameStatus, Halt, Message,
    Rules, StateGas, Transaction, TransactionType, TxOutcome, U256, address, hex,
};

const SENDER: Address = address!("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0");
/// Where the sender's first transaction creates: EELS's `compute_contract_address`.
const CREATED: Address = address!("cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d");
const C: Address = address!("000000000000000000000000000000000000c0de");
const A: Address = Address::with_last_byte(0xaa);
const B: Address = Address::with_last_byte(0xbb);
/// Nobody.
const N: Address = Address::new(hex!("00000000000000000000000000000000000e0a01"));
const AUTHORITY: Address = Address::repeat_byte(0x44);

/// A transaction and what is there before it.
#[derive(Clone)]
struct World {
    rules: Rules,
    database: MemoryDatabase,
    transaction: Transaction,
}

/// What came of it: its outcome, execution gas before each step of the outermost frame by program counter, and what the outermost
/// message handed back.
struct Seen {
    execution: Execution,
    gas: Vec<(usize, u64)>,
    began: StateGas,
    ended: (FrameStatus, u64, StateGas),
}

struct Watch {
    gas: Vec<(usize, u64)>,
    began: StateGas,
    ended: Option<(FrameStatus, u64, StateGas)>,
}

impl Hooks for Watch {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if step.depth == 0 {
            self.gas.push((step.pc, step.gas));
        }
        StepControl::Continue
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        match phase {
            MessagePhase::Before if message.depth == 0 => self.began = message.state_gas,
            MessagePhase::After(outcome) if message.depth == 0 => {
                self.ended = Some((outcome.status, outcome.gas_left, outcome.state_gas));
            }
            _ => {}
        }
        StepControl::Continue
    }
}

impl World {
    /// A transaction to `to` of a sender who has enough.
    fn to(to: Address, gas_limit: u64) -> Self {
        let mut database = MemoryDatabase::default();
        database.accounts.insert(SENDER, Account { balance: U256::from(1) << 100, ..Account::default() });
        let transaction = Transaction {
            sender: SENDER,
            to: Some(to),
            gas_limit,
            max_fee_per_gas: U256::from(10),
            ..Transaction::default()
        };
        Self { rules: Fork::Amsterdam.into(), database, transaction }
    }

    /// A transaction to `C` with this code there.
    fn code(gas_limit: u64, code: &str) -> Self {
        Self::to(C, gas_limit).with(C, code)
    }

    fn creating(gas_limit: u64, init_code: &str) -> Self {
        let mut world = Self::to(C, gas_limit);
        world.transaction.to = None;
        world.transaction.input = hex::decode(init_code).unwrap().into();
        world
    }

    /// Of type 4 to `C`, where there is a STOP.
    fn authorizing(gas_limit: u64, authorizations: &[(Address, u64)]) -> Self {
        let mut world = Self::code(gas_limit, "00");
        world.transaction.kind = TransactionType::SetCode;
        let authorize = |(address, nonce): &(Address, u64)| Authorization {
            chain_id: U256::ZERO,
            address: *address,
            nonce: *nonce,
            authority: Some(AUTHORITY),
        };
        world.transaction.authorizations = authorizations.iter().map(authorize).collect();
        world
    }

    fn under(mut self, rules: &str) -> Self {
        self.rules = rules.parse().unwrap();
        self
    }

    fn with(mut self, address: Address, code: &str) -> Self {
        self.account(address).code = Bytecode::new(hex::decode(code).unwrap().into());
        self
    }

    fn with_balance(mut self, address: Address, balance: u64) -> Self {
        self.account(address).balance = U256::from(balance);
        self
    }

    fn value(mut self, value: u64) -> Self {
        self.transaction.value = U256::from(value);
        self
    }

    fn account(&mut self, address: Address) -> &mut Account {
        self.database.accounts.entry(address).or_default()
    }

    fn run(&self) -> Seen {
        let block = BlockEnv { number: 1, base_fee: 7, ..BlockEnv::default() };
        let subject = (&self.transaction).into();
        let job = Job { rules: self.rules, chain_id: 1, block: &block, subject, database: &self.database };
        let mut machine =
            Box::new(MiniMachine::new(&Mini, &parallax_mini_precompiles::Contracts, &job).unwrap());
        let mut watch = Watch { gas: Vec::new(), began: StateGas::NONE, ended: None };
        assert_eq!(machine.run(&mut watch).unwrap(), Progress::Done);
        let Watch { gas, began, ended } = watch;
        Seen { execution: machine.finish().unwrap(), gas, began, ended: ended.unwrap() }
    }

    fn outcome(&self) -> TxOutcome {
        self.run().execution.outcome.unwrap()
    }

    /// Execution gas before the step at `pc`.
    #[track_caller]
    fn gas_at(&self, pc: usize) -> u64 {
        self.run().gas.iter().find(|(at, _)| *at == pc).unwrap().1
    }

    /// What became of an account, in a word.
    fn fate(&self, address: Address) -> String {
        match self.run().execution.changes.accounts.get(&address) {
            None => "as it was".to_owned(),
            Some(AccountChange::Deleted) => "deleted".to_owned(),
            Some(AccountChange::Changed { nonce, balance, code, storage, clears_storage }) => {
                let code = code.as_ref().map(|code| format!(" code {}", code.bytes())).unwrap_or_default();
                let slots: Vec<_> = storage.iter().map(|(key, value)| format!(" {key}={value}")).collect();
                let cleared = if *clears_storage { " no storage" } else { "" };
                format!("nonce {nonce} balance {balance}{code}{}{cleared}", slots.concat())
            }
        }
    }
}

/// `expected` is what is paid for, execution gas and state gas.
#[track_caller]
fn check(world: &World, expected: (u64, u64, u64)) {
    let outcome = world.outcome();
    let found = (outcome.gas_used, outcome.execution_gas, outcome.state_gas);
    assert_eq!(found, expected, "{:?} {:?}", outcome.status, world.transaction);
}

#[track_caller]
fn status(world: &World, expected: FrameStatus) {
    assert_eq!(world.outcome().status, expected);
}

const SET: &str = "60015f55";

/// The worked examples of `../shared/design/amsterdam.md`, 2.13, by their numbers.
#[test]
fn slots_cost_state_gas_once() {
    // 1, 2
    check(&World::code(200_000, SET), (125_025, 27_105, 97_920));
    let rich = World::code(17_000_000, SET);
    check(&rich, (125_025, 27_105, 97_920));
    assert_eq!((rich.run().began, rich.run().ended.2.reservoir), (StateGas::of(222_784), 124_864));
    // 3
    let cleared = World::code(200_000, "60015f555f5f55");
    check(&cleared, (21_768, 27_209, 0));
    assert_eq!(cleared.outcome().gas_refunded, 5441);
    // 4, 5
    check(&World::code(200_000, "60015f555f5ffd"), (27_109, 27_109, 0));
    check(&World::code(200_000, "60015f55fe"), (200_000, 200_000, 0));
    let halted = World::code(17_000_000, "60015f55fe");
    check(&halted, (16_777_216, 16_777_216, 0));
    assert_eq!(
        halted.run().ended,
        (FrameStatus::Halt(Halt::InvalidOpcode), 0, StateGas::of(222_784)),
        "all of the reservoir comes back"
    );
    // 6
    let mut clearing = World::code(200_000, "5f5f55");
    clearing.account(C).storage.insert(U256::ZERO, U256::ONE);
    check(&clearing, (21_684, 27_104, 0));
}

#[test]
fn accounts_cost_state_gas_where_they_come_to_life() {
    // 7
    let poor = World::to(N, 204_599).value(1);
    check(&poor, (204_599, 204_599, 0));
    assert_eq!(poor.run().ended, (FrameStatus::Halt(Halt::OutOfGas), 0, StateGas::NONE));
    assert_eq!((poor.outcome().logs.len(), poor.fate(N).as_str()), (0, "as it was"));
    let enough = World::to(N, 204_600).value(1);
    check(&enough, (204_600, 21_000, 183_600));
    assert_eq!((enough.outcome().logs.len(), enough.fate(N).as_str()), (1, "nonce 0 balance 1"));
    let spilled = StateGas { reservoir: 0, spilled: 183_600, baseline: 0 };
    assert_eq!(enough.run().began, spilled, "the recipient is the frame's to pay for");
    // 8, 9
    let sending = World::code(300_000, "5f5f5f5f6001620e0a015af100");
    let able = sending.clone().with_balance(C, 5);
    check(&able, (210_616, 27_016, 183_600));
    assert_eq!((able.gas_at(11), able.gas_at(12)), (284_984, 89_384));
    check(&sending, (27_016, 27_016, 0));
    assert_eq!(sending.gas_at(12), 272_984);
    // 16
    let destroying = World::code(300_000, "620e0a01ff");
    check(&destroying.clone().with_balance(C, 7), (215_603, 32_003, 183_600));
    check(&destroying, (23_003, 23_003, 0));
    // 18
    check(&World::code(300_000, "60aa3b5060aa3b00"), (18_308, 18_308, 0));
}

#[test]
fn state_gas_comes_back_as_frames_end() {
    // 10
    let calling = |code| World::code(300_000, "5f5f5f5f5f60aa5af15a00").with(A, code);
    let reverting = calling("60015f555f5ffd");
    assert_eq!(reverting.gas_at(9), 269_876);
    check(&reverting, (30_126, 30_126, 0));
    let halting = calling("60015f55fe");
    assert_eq!(halting.gas_at(9), 4406);
    check(&halting, (295_596, 295_596, 0));
    // 11
    let cleared = World::code(300_000, "5f5f5f5f60aa5af45f5f5f5f60bb5af45a00")
        .with(A, "60015f5500")
        .with(B, "5f5f5500");
    assert_eq!(cleared.gas_at(16), 266_765);
    check(&cleared, (26_590, 33_237, 0));
}

#[test]
fn creations_cost_state_gas_for_account_and_code() {
    // 12
    check(&World::code(400_000, "5f5f5ff000"), (210_606, 27_006, 183_600));
    check(&World::code(400_000, "5f5f6001f000"), (27_007, 27_007, 0));
    // 13, 14: init code of four bytes.
    let creating =
        |init_code: &str, end: &str| World::code(400_000, &format!("63{init_code}5f526004601c5ff0{end}"));
    check(&creating("60015ff3", "00"), (212_165, 27_035, 185_130));
    check(&creating("5f5ffd00", "5a00"), (27_027, 27_027, 0));
    check(&creating("fe000000", "5a00"), (213_443, 213_443, 0));
    // 15
    check(&World::creating(400_000, "60205ff3"), (256_640, 24_256, 232_560));
    // An account that has something is there already.
    let funded = World::creating(400_000, "60205ff3").with_balance(CREATED, 1);
    check(&funded, (73_040, 24_256, 48_960));
    // 17
    let keeping = World::creating(400_000, "30ff").value(5);
    check(&keeping, (212_636, 29_036, 183_600));
    assert_eq!((keeping.fate(CREATED).as_str(), keeping.outcome().logs.len()), ("nonce 0 balance 5", 1));
}

#[test]
fn code_is_paid_for_behind_the_look_at_it() {
    let deposit = |gas, size: &str| World::creating(gas, &format!("62{size}5ff3"));
    let halt = |halt| FrameStatus::Halt(halt);
    // The limit is 65,536 bytes, whose state gas nobody has here.
    status(&deposit(16_000_000, "010001"), halt(Halt::CodeTooLarge));
    status(&deposit(16_000_000, "010000"), halt(Halt::DepositOutOfGas));
    // As 15, with 8 more for the calldata.
    status(&deposit(256_648, "000020"), FrameStatus::Success);
    let short = deposit(256_647, "000020");
    status(&short, halt(Halt::DepositOutOfGas));
    check(&short, (256_647, 256_647, 0));
    status(&World::creating(400_000, "60ef5f5360015ff3"), halt(Halt::CodeStartsWithEf));
}

#[test]
fn a_creation_that_collides_keeps_its_reservoir() {
    let mut colliding = World::creating(17_000_000, "00");
    colliding.account(CREATED).nonce = 1;
    check(&colliding, (16_777_216, 16_777_216, 0));
    assert_eq!(colliding.run().ended, (FrameStatus::Halt(Halt::CreateCollision), 0, StateGas::of(222_784)));
    // In a frame: what it was given is gone, the reservoir is not.
    let mut inner = World::code(17_000_000, "5f5f5ff000");
    inner.account(C.create(0)).nonce = 1;
    assert_eq!(inner.run().ended.2, StateGas::of(222_784));
    assert_eq!(inner.fate(C), "nonce 1 balance 0");
    assert!(inner.outcome().gas_used > 16_000_000);
}

#[test]
fn intrinsic_gas_is_of_parts() {
    // 19
    let mut listing = World::code(100_000, "5f5400");
    listing.transaction.kind = TransactionType::AccessList;
    listing.transaction.access_list =
        vec![AccessListEntry { address: C, storage_keys: vec![B256::ZERO, B256::with_last_byte(1)] }];
    check(&listing, (27_378, 27_378, 0));
    // 23
    let mut with_data = World::to(N, 100_000);
    with_data.transaction.input = vec![1; 100].into();
    check(&with_data, (21_400, 21_400, 0));
    // To oneself: no recipient, no log.
    let own = World::to(SENDER, 100_000).value(9);
    check(&own, (12_000, 12_000, 0));
    assert_eq!(own.outcome().logs.len(), 0);
    // The floor is held against execution gas alone: 12,000 + 64 * 1000 against 12,000 + 4 * 1000 and a frame's.
    let mut floored = World::code(400_000, SET);
    floored.transaction.input = vec![0; 1000].into();
    check(&floored, (129_025, 79_000, 97_920));
}

#[test]
fn authorizations_are_paid_for_by_what_is_there() {
    let set = |nonce| (A, nonce);
    let clear = |nonce| (Address::ZERO, nonce);
    let absent = |authorizations: &[_]| World::authorizing(400_000, authorizations);
    let present = |authorizations: &[_]| absent(authorizations).with_balance(AUTHORITY, 1);
    // 20
    check(&absent(&[set(0)]), (250_606, 31_816, 218_790));
    check(&present(&[set(0)]), (67_006, 31_816, 35_190));
    check(&present(&[set(0), set(1)]), (74_822, 39_632, 35_190));
    check(&present(&[set(0), clear(1)]), (74_822, 39_632, 35_190));
    check(&present(&[set(1)]), (22_816, 22_816, 0));
    // Nothing was there to clear.
    check(&present(&[clear(0)]), (31_816, 31_816, 0));
    check(&present(&[set(0), clear(1), set(2)]), (82_638, 47_448, 35_190));
    let delegated =
        |authorizations: &[_]| present(authorizations).with(AUTHORITY, &format!("ef0100{}", hex::encode(B)));
    check(&delegated(&[set(0)]), (31_816, 31_816, 0));
    check(&delegated(&[clear(0), set(1)]), (39_632, 39_632, 0));
    // 21
    let itself = |value| {
        let mut world = present(&[set(0)]).value(value);
        world.transaction.to = Some(AUTHORITY);
        world
    };
    check(&itself(1), (67_006, 31_816, 35_190));
    check(&itself(0), (70_006, 34_816, 35_190));
    // 22
    let poor = World::authorizing(100_000, &[set(0)]);
    check(&poor, (100_000, 100_000, 0));
    assert_eq!(poor.run().ended, (FrameStatus::Halt(Halt::OutOfGas), 0, StateGas::NONE));
    assert_eq!(poor.fate(AUTHORITY), "as it was");
    // What has been paid for goes with what has not.
    let mut sending = present(&[set(0)]).value(1);
    sending.transaction.to = Some(N);
    check(&sending, (256_606, 37_816, 218_790));
    assert_eq!(sending.fate(AUTHORITY), format!("nonce 1 balance 1 code 0xef0100{}", hex::encode(A)));
    sending.transaction.gas_limit = 250_000;
    check(&sending, (250_000, 250_000, 0));
    assert_eq!((sending.fate(AUTHORITY).as_str(), sending.fate(N).as_str()), ("as it was", "as it was"));
    assert_eq!(sending.run().began, StateGas::NONE, "it is shown as it was before");
    // The sender has paid for its own account, and has counted its nonce.
    let mut own = absent(&[set(1)]);
    own.transaction.authorizations[0].authority = Some(SENDER);
    check(&own, (58_006, 22_816, 35_190));
}

#[test]
fn what_delegations_cost_stays_spent() {
    let designator = "0xef0100".to_owned() + &hex::encode(A);
    for (code, expected) in [
        // The slot is given back, the account and the delegation are not.
        ("60015f555f5ffd", (262_715, 43_925, 218_790)),
        ("60015f55fe", (400_000, 181_210, 218_790)),
    ] {
        let world = World::authorizing(400_000, &[(A, 0)]).with(C, code);
        check(&world, expected);
        assert_eq!(world.fate(AUTHORITY), format!("nonce 1 balance 0 code {designator}"));
    }
    // The reservoir falls back to what is left behind the delegations.
    let rich = World::authorizing(17_000_000, &[(A, 0)]).with(C, "60015f55fe");
    check(&rich, (16_996_006, 16_777_216, 218_790));
    assert_eq!(rich.run().ended.2, StateGas::of(222_784 - 218_790));
}

#[test]
fn the_recipient_s_delegate_is_paid_for() {
    let delegated = |to: Address, gas| {
        World::to(AUTHORITY, gas).with(AUTHORITY, &format!("ef0100{}", hex::encode(to))).with(A, "5f00")
    };
    check(&delegated(A, 100_000), (18_002, 18_002, 0));
    // The sender is warm.
    check(&delegated(SENDER, 100_000), (15_100, 15_100, 0));
    check(&delegated(A, 17_999), (17_999, 17_999, 0));
    status(&delegated(A, 17_999), FrameStatus::Halt(Halt::OutOfGas));
    assert!(delegated(A, 17_999).run().gas.is_empty());
}

#[test]
fn transfers_are_logged_in_order() {
    let from_to = |log: &parallax_primitives::Log| {
        assert_eq!(log.address, address!("fffffffffffffffffffffffffffffffffffffffe"));
        let [_, from, to] = log.topics[..] else { panic!("{log:?}") };
        (Address::from_word(from), Address::from_word(to), U256::from_be_slice(&log.data))
    };
    let logs = |world: &World| -> Vec<_> { world.outcome().logs.iter().map(from_to).collect() };
    let wei = |amount: u64| U256::from(amount);
    // The transaction's, a CALL's, and those of a contract that destroys itself.
    let chain = World::code(900_000, "5f5f5f5f600260aa5af100").with(A, "60bbff").value(3).with_balance(A, 5);
    assert_eq!(logs(&chain), [(SENDER, C, wei(3)), (C, A, wei(2)), (A, B, wei(7))]);
    // Not by CALLCODE, to oneself, or of nothing; not in a frame that failed.
    for code in ["5f5f5f5f600260aa5af200", "5f5f5f5f600261c0de5af100", "5f5f5f5f5f60aa5af100", "30ff"] {
        assert_eq!(logs(&World::code(900_000, code).with_balance(C, 5)), [], "{code}");
    }
    let failing = World::code(900_000, "5f5f5f5f600260aa5af100").with(A, "fe").with_balance(C, 5);
    assert_eq!(logs(&failing), []);
    // A precompiled contract gets its log, and the endowment's is before those of the init code.
    assert_eq!(logs(&World::code(900_000, "5f5f5f5f600260045af100").with_balance(C, 5)).len(), 1);
    let endowing = World::creating(900_000, "60aaff").value(4);
    assert_eq!(logs(&endowing), [(SENDER, CREATED, wei(4)), (CREATED, A, wei(4))]);
    // Each by its own EIP.
    assert_eq!(logs(&chain.clone().under("Osaka")), []);
    assert_eq!(logs(&chain.under("Osaka+7708")).len(), 3);
}

#[test]
fn an_account_that_destroyed_itself_keeps_what_it_has() {
    let keeping = |rules: &str| World::creating(400_000, "30ff").value(5).under(rules);
    assert_eq!(keeping("Osaka").fate(CREATED), "as it was");
    assert_eq!(keeping("Osaka+8246").fate(CREATED), "nonce 0 balance 5");
    // Its slot and its nonce go.
    let funded = World::creating(900_000, "600160015530ff").with_balance(CREATED, 8);
    assert_eq!(funded.fate(CREATED), "as it was");
    assert_eq!(funded.clone().value(1).fate(CREATED), "nonce 0 balance 9");
    // And all that it was created over.
    let mut over = funded.clone();
    over.account(CREATED).storage = [(U256::from(1), U256::from(7)), (U256::from(2), U256::from(7))].into();
    assert_eq!(over.fate(CREATED), "nonce 0 balance 8 no storage");
    assert_eq!(over.clone().value(1).fate(CREATED), "nonce 0 balance 9 no storage");
    over.account(CREATED).balance = U256::ZERO;
    assert_eq!(over.fate(CREATED), "deleted");
    // One that is created, destroys itself and is paid after that.
    let paying = World::code(900_000, "6130ff5f526002601e5ff05f5f5f5f6003855af100").with_balance(C, 3);
    assert_eq!(paying.fate(C.create(0)), "nonce 0 balance 3");
    let emptied = World::creating(900_000, "60aaff").value(4);
    assert_eq!(
        (emptied.fate(CREATED).as_str(), emptied.fate(A).as_str()),
        ("as it was", "nonce 0 balance 4")
    );
}

#[test]
fn each_eip_is_its_own() {
    let set = |rules: &str| World::code(200_000, SET).under(rules);
    check(&set("Osaka"), (43_105, 43_105, 0));
    // 12,100 for the slot.
    check(&set("Osaka+7976+7981+8038"), (33_105, 33_105, 0));
    check(&set("Osaka+7976+7981+8038+2780"), (27_105, 27_105, 0));
    check(&set("Osaka+7976+7981+8038+2780+8037"), (125_025, 27_105, 97_920));
    check(&set("Amsterdam-8037"), (27_105, 27_105, 0));
    // Charges before the first frame are EIP-2780's, state gas or not.
    let authorizing = |rules: &str| World::authorizing(100_000, &[(A, 0)]).under(rules);
    check(&authorizing("Osaka"), (46_000, 46_000, 0));
    check(&authorizing("Osaka+7976+7981+8038+2780"), (31_816, 31_816, 0));
    // A log is no part of them.
    assert_eq!(
        World::to(N, 300_000).value(1).under("Osaka+7976+7981+8038+2780+8037").outcome().logs.len(),
        0
    );
}
