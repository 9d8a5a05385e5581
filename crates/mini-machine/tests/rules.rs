//! The rules fork by fork, on whole transactions.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use parallax_assembly::assemble_for;
use parallax_engine_interface::{Execution, Job, Progress, Stepper};
use parallax_hooks::NoHooks;
use parallax_host_interface::AccountChange;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniMachine;
use parallax_primitives::{
    Address, Authorization, BlockEnv, Bytecode, Bytes, Fork, FrameStatus, Halt, Transaction, TransactionType,
    TxOutcome, U256, address,
};

const SENDER: Address = address!("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0");
/// Where the sender's first transaction creates: EELS's `compute_contract_address`.
const CREATED: Address = address!("cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d");
const TARGET: Address = Address::repeat_byte(0x22);
const OTHER: Address = Address::repeat_byte(0x33);
const COINBASE: Address = Address::repeat_byte(0xc0);
const RIPEMD160: Address = Address::with_last_byte(3);

/// A transaction and what is there before it.
struct World {
    fork: Fork,
    block: BlockEnv,
    database: MemoryDatabase,
    transaction: Transaction,
}

impl World {
    /// A transaction to nobody.
    fn new(fork: Fork) -> Self {
        let mut database = MemoryDatabase::default();
        database.accounts.insert(SENDER, Account { balance: U256::from(1) << 100, ..Account::default() });
        let block = BlockEnv { number: 1, coinbase: COINBASE, ..BlockEnv::default() };
        let transaction =
            Transaction { sender: SENDER, to: Some(TARGET), gas_limit: 1_000_000, ..Transaction::default() };
        Self { fork, block, database, transaction }
    }

    /// With this code at an account.
    fn code(mut self, address: Address, source: &str) -> Self {
        let code = Bytecode::new(assemble_for(source, self.fork).unwrap());
        self.account(address).code = code;
        self
    }

    /// A transaction that creates.
    fn creating(fork: Fork, init_code: &str) -> Self {
        let mut world = Self::new(fork);
        world.transaction.to = None;
        world.transaction.input = assemble_for(init_code, fork).unwrap();
        world
    }

    fn account(&mut self, address: Address) -> &mut Account {
        self.database.accounts.entry(address).or_default()
    }

    fn execute(&self) -> Execution {
        let Self { fork, block, database, transaction } = self;
        let job = Job { rules: (*fork).into(), chain_id: 1, block, subject: transaction.into(), database };
        let mut machine =
            Box::new(MiniMachine::new(&Mini, &parallax_mini_precompiles::Contracts, &job).unwrap());
        assert_eq!(machine.run(&mut NoHooks).unwrap(), Progress::Done);
        machine.finish().unwrap()
    }

    fn outcome(&self) -> TxOutcome {
        self.execute().outcome.unwrap()
    }

    /// What became of an account, in a word: balance, nonce, code and slots that changed.
    fn fate(&self, address: Address) -> String {
        match self.execute().changes.accounts.get(&address) {
            None => "as it was".to_owned(),
            Some(AccountChange::Deleted) => "deleted".to_owned(),
            Some(AccountChange::Changed { nonce, balance, code, storage, .. }) => {
                let code = code.as_ref().map(|code| format!(" code {}", code.bytes())).unwrap_or_default();
                let slots: Vec<_> = storage.iter().map(|(key, value)| format!(" {key}={value}")).collect();
                format!("nonce {nonce} balance {balance}{code}{}", slots.concat())
            }
        }
    }
}

#[track_caller]
fn status(world: &World, expected: FrameStatus) {
    assert_eq!(world.outcome().status, expected);
}

#[track_caller]
fn fate(world: &World, address: Address, expected: &str) {
    assert_eq!(world.fate(address), expected, "{}", world.fork);
}

/// Init code that answers with `size` bytes of which the first is `first`.
fn deploys(first: u8, size: usize) -> String {
    format!("PUSH {first} PUSH 0 MSTORE8 PUSH {size} PUSH 0 RETURN")
}

#[test]
fn code_is_deposited_as_the_fork_has_it() {
    let halt = |halt| FrameStatus::Halt(halt);
    // 3,000 bytes cost 600,000 gas.
    let poor = |fork| {
        let mut world = World::creating(fork, &deploys(1, 3000));
        world.transaction.gas_limit = 600_000;
        world
    };
    status(&poor(Fork::Frontier), FrameStatus::Success);
    fate(&poor(Fork::Frontier), CREATED, "nonce 0 balance 0");
    assert!(poor(Fork::Frontier).outcome().gas_used < 60_000);
    status(&poor(Fork::Homestead), halt(Halt::DepositOutOfGas));
    fate(&poor(Fork::Homestead), CREATED, "as it was");
    assert_eq!(poor(Fork::Homestead).outcome().gas_used, 600_000);

    let large = |fork, size| {
        let mut world = World::creating(fork, &deploys(1, size));
        world.transaction.gas_limit = 6_000_000;
        world
    };
    status(&large(Fork::SpuriousDragon, 0x6000), FrameStatus::Success);
    status(&large(Fork::SpuriousDragon, 0x6001), halt(Halt::CodeTooLarge));
    status(&large(Fork::TangerineWhistle, 0x6001), FrameStatus::Success);

    status(&World::creating(Fork::Berlin, &deploys(0xef, 1)), FrameStatus::Success);
    status(&World::creating(Fork::London, &deploys(0xef, 1)), halt(Halt::CodeStartsWithEf));
    fate(&World::creating(Fork::Osaka, &deploys(0x5b, 2)), CREATED, "nonce 1 balance 0 code 0x5b00");
    fate(
        &World::creating(Fork::TangerineWhistle, &deploys(0x5b, 2)),
        CREATED,
        "nonce 0 balance 0 code 0x5b00",
    );
    let outcome = World::creating(Fork::Osaka, &deploys(0x5b, 2)).outcome();
    assert_eq!((outcome.output, outcome.created), (Bytes::from_static(&[0x5b, 0]), Some(CREATED)));
}

#[test]
fn nothing_is_created_over_what_is_there() {
    let over = |fork, account: Account| {
        let mut world = World::creating(fork, &deploys(1, 1));
        *world.account(CREATED) = account;
        world
    };
    let slot = || [(U256::from(1), U256::from(1))].into();
    for fork in [Fork::Frontier, Fork::Osaka] {
        for account in [
            Account { nonce: 1, ..Account::default() },
            Account { code: Bytecode::new(Bytes::from_static(&[0])), ..Account::default() },
            Account { storage: slot(), ..Account::default() },
        ] {
            let world = over(fork, account);
            status(&world, FrameStatus::Halt(Halt::CreateCollision));
            assert_eq!(world.outcome().gas_used, 1_000_000);
            fate(&world, CREATED, "as it was");
        }
        status(&over(fork, Account { balance: U256::from(9), ..Account::default() }), FrameStatus::Success);
    }
    // The second one finds the first one's nonce.
    let again = assemble_for("PUSH 1 PUSH 0 SSTORE", Fork::Osaka).unwrap();
    let (size, offset) = (again.len(), 32 - again.len());
    let create = format!("PUSH 0 PUSH {size} PUSH {offset} PUSH 0 CREATE2");
    let creator = format!(
        "PUSH {} PUSH 0 MSTORE {create} PUSH 1 SSTORE {create} PUSH 2 SSTORE",
        U256::from_be_slice(&again)
    );
    let mut world = World::new(Fork::Osaka).code(TARGET, &creator);
    world.account(TARGET).storage.insert(U256::from(2), U256::from(7));
    // A creation that collides counts its creator's nonce as well.
    let fate = world.fate(TARGET);
    assert!(fate.starts_with("nonce 2 ") && fate.contains(" 1=") && fate.ends_with(" 2=0"), "{fate}");
}

#[test]
fn the_address_of_a_creation_stays_warm_when_it_fails() {
    // The first contract of an account with nonce 0 and the address 0x2222...: its init code reverts.
    let source = |after: &str| {
        format!(
            "PUSH 0xfd PUSH 0 MSTORE8 PUSH 1 PUSH 0 PUSH 0 CREATE POP PUSH20 {after} GAS SWAP1 BALANCE POP GAS SWAP1 SUB PUSH 0 SSTORE"
        )
    };
    let create = World::new(Fork::Osaka).code(TARGET, "PUSH 0 PUSH 0 PUSH 0 CREATE PUSH 0 SSTORE");
    let slots = create.fate(TARGET);
    let created: U256 = slots.rsplit('=').next().unwrap().parse().unwrap();
    let created = format!("{:#x}", Address::from_word(created.into()));
    let accessing = |address: &str| {
        let mut world = World::new(Fork::Osaka).code(TARGET, &source(address));
        world.transaction.gas_limit = 10_000_000;
        world
    };
    // Between the two GAS: SWAP1, BALANCE, POP, GAS.
    fate(&accessing(&created), TARGET, "nonce 1 balance 0 0=107");
    fate(&accessing(&format!("{OTHER:#x}")), TARGET, "nonce 1 balance 0 0=2607");
}

#[test]
fn selfdestruct_follows_the_forks() {
    let to = |fork, beneficiary: &str| {
        let mut world = World::new(fork).code(TARGET, &format!("{beneficiary} SELFDESTRUCT"));
        world.account(TARGET).balance = U256::from(100);
        world
    };
    let other = format!("PUSH20 {OTHER:#x}");
    for fork in [Fork::Frontier, Fork::Shanghai] {
        fate(&to(fork, &other), TARGET, "deleted");
        fate(&to(fork, &other), OTHER, "nonce 0 balance 100");
        fate(&to(fork, "ADDRESS"), TARGET, "deleted");
    }
    fate(&to(Fork::Cancun, &other), TARGET, "nonce 0 balance 0");
    fate(&to(Fork::Cancun, &other), OTHER, "nonce 0 balance 100");
    fate(&to(Fork::Cancun, "ADDRESS"), TARGET, "as it was");
    // Created in this transaction: it goes, and what it sends to itself is burnt.
    let creating = |beneficiary: &str| {
        let mut world = World::creating(Fork::Cancun, &format!("{beneficiary} SELFDESTRUCT"));
        world.transaction.value = U256::from(7);
        world
    };
    fate(&creating("ADDRESS"), CREATED, "as it was");
    fate(&creating(&other), OTHER, "nonce 0 balance 7");
    // Nothing sent brings the beneficiary to life before EIP-161 alone.
    let poor = |fork| World::new(fork).code(TARGET, &format!("{other} SELFDESTRUCT"));
    fate(&poor(Fork::TangerineWhistle), OTHER, "nonce 0 balance 0");
    fate(&poor(Fork::SpuriousDragon), OTHER, "as it was");
}

#[test]
fn a_message_of_no_value_touches() {
    let empty = |fork| {
        let mut world = World::new(fork);
        world.account(TARGET).balance = U256::ZERO;
        world
    };
    fate(&World::new(Fork::TangerineWhistle), TARGET, "nonce 0 balance 0");
    fate(&World::new(Fork::SpuriousDragon), TARGET, "as it was");
    fate(&empty(Fork::TangerineWhistle), TARGET, "as it was");
    fate(&empty(Fork::SpuriousDragon), TARGET, "deleted");
    // A coinbase that is paid nothing.
    fate(&World::new(Fork::TangerineWhistle), COINBASE, "nonce 0 balance 0");
    fate(&World::new(Fork::SpuriousDragon), COINBASE, "as it was");
    let mut world = World::new(Fork::SpuriousDragon);
    world.account(COINBASE).balance = U256::ZERO;
    fate(&world, COINBASE, "deleted");
}

#[test]
fn the_touch_of_ripemd160_outlives_a_failure_but_not_the_transaction_s() {
    let world = |target: &str, inner: &str| {
        let mut world = World::new(Fork::SpuriousDragon).code(TARGET, target).code(OTHER, inner);
        world.account(RIPEMD160).balance = U256::ZERO;
        world.account(Address::with_last_byte(2)).balance = U256::ZERO;
        world
    };
    let call = |to: Address, gas: u32| {
        format!("PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH20 {to:#x} PUSH {gas} CALL POP ")
    };
    let sha256 = Address::with_last_byte(2);
    let failing = call(RIPEMD160, 1) + &call(sha256, 1);
    fate(&world(&failing, ""), RIPEMD160, "deleted");
    fate(&world(&failing, ""), sha256, "as it was");
    let undone = call(RIPEMD160, 5000) + &call(sha256, 5000) + "INVALID";
    fate(&world(&call(OTHER, 100_000), &undone), RIPEMD160, "deleted");
    fate(&world(&call(OTHER, 100_000), &undone), sha256, "as it was");
    fate(&world(&undone, ""), RIPEMD160, "as it was");
    let mut itself = world("", "");
    itself.transaction.to = Some(RIPEMD160);
    itself.transaction.gas_limit = 21_001;
    status(&itself, FrameStatus::Halt(Halt::OutOfGas));
    fate(&itself, RIPEMD160, "as it was");
    // It is touched like any other where nothing fails.
    fate(&world(&call(sha256, 5000), ""), sha256, "deleted");
}

#[test]
fn refunds_are_capped_and_the_floor_is_paid() {
    let clearing = |fork, input: usize| {
        let mut world = World::new(fork).code(TARGET, "PUSH1 0 PUSH1 1 SSTORE");
        world.account(TARGET).storage.insert(U256::from(1), U256::from(1));
        world.transaction.input = vec![1; input].into();
        world.transaction.max_fee_per_gas = U256::from(2);
        world
    };
    let gas = |world: &World| {
        let outcome = world.outcome();
        (outcome.gas_used, outcome.gas_refunded)
    };
    // 21,000, two pushes and 5,000: half of it, or a fifth, or what there is to refund.
    assert_eq!(gas(&clearing(Fork::Berlin, 0)), (13_003, 13_003));
    assert_eq!(gas(&clearing(Fork::London, 0)), (21_206, 4800));
    assert_eq!(gas(&clearing(Fork::Prague, 0)), (21_206, 4800));
    // 100 bytes: 27,606 less 4,800 are below 25,000, so that is paid and nothing refunded (EIP-7623).
    assert_eq!(gas(&clearing(Fork::Cancun, 100)), (22_806, 4800));
    assert_eq!(gas(&clearing(Fork::Prague, 100)), (25_000, 0));
    fate(&clearing(Fork::Prague, 100), COINBASE, "nonce 0 balance 50000");
    let mut burnt = clearing(Fork::Prague, 100);
    burnt.block.base_fee = 2;
    fate(&burnt, COINBASE, "as it was");
}

#[test]
fn delegations_are_set_and_followed() {
    let authority = Address::repeat_byte(0x44);
    let good = Authorization { chain_id: U256::ZERO, address: OTHER, nonce: 0, authority: Some(authority) };
    let with = |authorizations: Vec<Authorization>| {
        let mut world = World::new(Fork::Prague).code(OTHER, "PUSH 1 PUSH 0 SSTORE");
        world.transaction.kind = TransactionType::SetCode;
        world.transaction.to = Some(authority);
        world.transaction.authorizations = authorizations;
        world
    };
    let designator = "0xef0100".to_owned() + &format!("{OTHER:x}");
    fate(&with(vec![good.clone()]), authority, &format!("nonce 1 balance 0 code {designator} 0=1"));
    // Each of these is passed over.
    for bad in [
        Authorization { chain_id: U256::from(2), ..good.clone() },
        Authorization { nonce: 1, ..good.clone() },
        Authorization { nonce: u64::MAX, ..good.clone() },
        Authorization { authority: None, ..good.clone() },
    ] {
        fate(&with(vec![bad]), authority, "as it was");
    }
    let mut contract = with(vec![good.clone()]);
    contract.account(authority).code = Bytecode::new(Bytes::from_static(&[0]));
    fate(&contract, authority, "as it was");
    // The last one counts, and zero clears.
    let cleared = Authorization { address: Address::ZERO, nonce: 1, ..good.clone() };
    fate(&with(vec![good.clone(), cleared]), authority, "nonce 2 balance 0");
    // What is delegated to a precompiled contract runs as no code.
    let precompiled = Authorization { address: RIPEMD160, ..good.clone() };
    let outcome = with(vec![precompiled]).outcome();
    assert_eq!((outcome.status, outcome.output.len(), outcome.gas_used), (FrameStatus::Success, 0, 46_000));
    // An authority that was there is half price, also if the message fails.
    let mut known = with(vec![good]).code(OTHER, "INVALID");
    known.account(authority).balance = U256::from(1);
    known.transaction.gas_limit = 100_000;
    status(&known, FrameStatus::Halt(Halt::InvalidOpcode));
    assert_eq!(known.outcome().gas_used, 100_000 - 12_500);
    fate(&known, authority, &format!("nonce 1 balance 1 code {designator}"));
}
