//! What the adapter adds to revm, or answers in its place.
#![allow(clippy::unwrap_used, reason = "a test: its helpers may panic as it may")]
#![allow(clippy::needless_pass_by_value, reason = "rows of a table read better without borrows")]

use std::collections::BTreeMap;

use parallax_engine_interface::{Engine, EngineError, Execution, Job};
use parallax_engine_revm::{MessageRunner, Revm};
use parallax_hooks::{Hooks, Interest, MessagePhase, NoHooks, StepControl};
use parallax_host_interface::{AccountChange, AccountInfo, Database, HostError, TxEnv};
use parallax_primitives::{
    Address, B256, BlockEnv, Bytecode, Bytes, Fork, FrameOutcome, FrameStatus, Halt, Message, MessageKind,
    Rejection, Rules, StateGas, Transaction, TransactionType, U256, hex,
};

const SENDER: Address = Address::repeat_byte(0x11);
const TARGET: Address = Address::repeat_byte(0x22);

/// A world of a few accounts: nonce, balance, code, one slot.
#[derive(Default)]
struct World(BTreeMap<Address, Account>);

type Account = (u64, U256, Bytecode, Option<(U256, U256)>);

impl World {
    fn with(mut self, address: Address, nonce: u64, balance: u128, code: &[u8], slot: Option<u64>) -> Self {
        let code = Bytecode::new(Bytes::copy_from_slice(code));
        let slot = slot.map(|value| (U256::ONE, U256::from(value)));
        self.0.insert(address, (nonce, U256::from(balance), code, slot));
        self
    }
}

impl Database for World {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, HostError> {
        let info = self.0.get(&address);
        Ok(info.map(|(nonce, balance, code, _)| AccountInfo {
            nonce: *nonce,
            balance: *balance,
            code_hash: code.hash(),
        }))
    }
    fn code(&self, hash: B256) -> Result<Bytecode, HostError> {
        let code = self.0.values().map(|(_, _, code, _)| code).find(|code| code.hash() == hash);
        Ok(code.ok_or_else(|| HostError::new("no such code"))?.clone())
    }
    fn storage(&self, address: Address, key: U256) -> Result<U256, HostError> {
        let slot = self.0.get(&address).and_then(|(.., slot)| *slot);
        Ok(slot.filter(|(at, _)| *at == key).map_or(U256::ZERO, |(_, value)| value))
    }
    fn has_storage(&self, address: Address) -> Result<bool, HostError> {
        Ok(self.0.get(&address).is_some_and(|(.., slot)| slot.is_some()))
    }
    fn block_hash(&self, _: u64) -> Result<B256, HostError> {
        Err(HostError::new("no block hashes here"))
    }
}

/// Every message and every outcome, in order.
#[derive(Default)]
struct Seen {
    begun: Vec<Message>,
    ended: Vec<FrameOutcome>,
}

impl Hooks for Seen {
    fn interest(&self) -> Interest {
        Interest::Messages
    }
    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        match phase {
            MessagePhase::Before => self.begun.push(message.clone()),
            MessagePhase::After(outcome) => self.ended.push(outcome.clone()),
        }
        StepControl::Continue
    }
}

fn call(input: &[u8]) -> Transaction {
    Transaction {
        sender: SENDER,
        to: Some(TARGET),
        gas_limit: 200_000,
        input: Bytes::copy_from_slice(input),
        ..Transaction::default()
    }
}

fn execute(
    world: &World,
    fork: Fork,
    transaction: &Transaction,
    hooks: &mut dyn Hooks,
) -> Result<Execution, EngineError> {
    let block = BlockEnv::default();
    Revm.execute(
        &Job { rules: fork.into(), chain_id: 1, block: &block, subject: transaction.into(), database: world },
        hooks,
    )
}

#[track_caller]
fn check_same_when_watched(world: &World, fork: Fork, transaction: &Transaction) -> (Execution, Seen) {
    let mut seen = Seen::default();
    let watched = execute(world, fork, transaction, &mut seen).unwrap();
    assert_eq!(execute(world, fork, transaction, &mut NoHooks).unwrap(), watched);
    assert_eq!(seen.begun.len(), seen.ended.len());
    (watched, seen)
}

#[test]
fn a_creation_onto_storage_collides() {
    // CREATE of nothing.
    let code = hex!("5f5f5ff000");
    let created = TARGET.create(7);
    let world = World::default().with(SENDER, 0, 0, &[], None).with(TARGET, 7, 0, &code, None).with(
        created,
        0,
        5,
        &[],
        Some(9),
    );
    let (execution, seen) = check_same_when_watched(&world, Fork::Osaka, &call(&[]));
    assert_eq!(seen.ended[0], FrameOutcome::halted(Halt::CreateCollision, 0));
    assert_eq!(seen.begun[1].address, created);
    // The creator's nonce moved on; the account that was there did not change.
    let changes = &execution.changes.accounts;
    assert!(matches!(changes[&TARGET], AccountChange::Changed { nonce: 8, .. }), "{changes:?}");
    assert!(!changes.contains_key(&created));
    // All but a 64th of the gas is gone.
    assert!(execution.outcome.unwrap().gas_used > 190_000);
}

#[test]
fn messages_are_shown_with_their_outcomes() {
    // STATICCALL(gas, 4, mem 0..3) and CALL(1000, 0x33.., value 1) without the balance.
    let mut code = hex!("5f5f60035f60045afa50 5f5f5f5f6001 73").to_vec();
    code.extend([0x33; 20]);
    code.extend(hex!("6103e8f100"));
    let world = World::default().with(SENDER, 0, 0, &[], None).with(TARGET, 1, 0, &code, None);
    let (_, seen) = check_same_when_watched(&world, Fork::Osaka, &call(&[1, 2]));
    let begun: Vec<_> =
        seen.begun.iter().map(|m| (m.kind, m.depth, m.is_static, m.code_address, m.input.len())).collect();
    assert_eq!(
        begun,
        [
            (MessageKind::Call, 0, false, TARGET, 2),
            (MessageKind::StaticCall, 1, true, Address::with_last_byte(4), 3),
            (MessageKind::Call, 1, false, Address::repeat_byte(0x33), 0),
        ]
    );
    assert_eq!(seen.begun[2].gas, 1000 + 2300);
    assert_eq!(seen.ended[0].output, Bytes::from_static(&[0, 0, 0]));
    assert_eq!(seen.ended[1], FrameOutcome::halted(Halt::InsufficientBalance, 3300));
    assert_eq!(seen.ended[2].status, FrameStatus::Success);
}

#[test]
fn a_deposit_that_is_not_paid_has_its_own_name() {
    // RETURN(0, 0x1000): 4096 bytes at 200 gas each.
    let transaction = Transaction { to: None, input: Bytes::from_static(&hex!("6110005ff3")), ..call(&[]) };
    let world = World::default().with(SENDER, 0, 0, &[], None);
    for (fork, expected) in [
        (Fork::Shanghai, FrameStatus::Halt(Halt::DepositOutOfGas)),
        // PUSH0 is not defined yet.
        (Fork::London, FrameStatus::Halt(Halt::UndefinedOpcode)),
    ] {
        let (execution, _) = check_same_when_watched(&world, fork, &transaction);
        assert_eq!(execution.outcome.unwrap().status, expected, "{fork}");
    }
}

#[test]
fn designators_are_plain_code_before_prague() {
    let mut designator = hex!("ef0100").to_vec();
    designator.extend([0x33; 20]);
    let world = World::default().with(SENDER, 0, 0, &[], None).with(TARGET, 1, 0, &designator, None);
    for (fork, expected) in
        [(Fork::Cancun, FrameStatus::Halt(Halt::UndefinedOpcode)), (Fork::Prague, FrameStatus::Success)]
    {
        let (execution, seen) = check_same_when_watched(&world, fork, &call(&[]));
        assert_eq!(execution.outcome.unwrap().status, expected, "{fork}");
        assert_eq!(seen.begun[0].is_delegated, fork == Fork::Prague);
    }
}

#[test]
fn a_bare_message_runs_as_often_as_one_likes() {
    // SSTORE(0, SLOAD(0) + 1), and the new value returned: every run starts from the database.
    let world = World::default().with(TARGET, 1, 0, &hex!("5f546001015f555f545f5260205ff3"), None);
    let (block, transaction) = (BlockEnv::default(), TxEnv { origin: SENDER, ..TxEnv::default() });
    let message = Message {
        kind: MessageKind::Call,
        depth: 0,
        is_static: false,
        gas: 1_000_000_000_000,
        caller: SENDER,
        address: TARGET,
        code_address: TARGET,
        is_delegated: false,
        value: U256::ZERO,
        input: Bytes::new(),
        state_gas: Default::default(),
        salt: U256::ZERO,
    };
    let mut runner = MessageRunner::new(Fork::Osaka, &block, &transaction, message.clone(), &world).unwrap();
    let first = runner.run().unwrap();
    assert_eq!((first.status, first.output.last()), (FrameStatus::Success, Some(&1)));
    // 2 + 2100 + 3 + 3 + 2 + 20000 + 2 + 100 + 2 + (3 + 3) + 3 + 2
    assert_eq!(1_000_000_000_000 - first.gas_left, 22_225);
    assert_eq!(runner.run().unwrap(), first);
    // The slot is paid for from the reservoir (EIP-8037).
    let message = Message { state_gas: StateGas::of(100_000), ..message };
    let mut runner = MessageRunner::new(Fork::Amsterdam, &block, &transaction, message, &world).unwrap();
    let first = runner.run().unwrap();
    assert_eq!(1_000_000_000_000 - first.gas_left, 22_225 - 20_000 + 10_100);
    assert_eq!(first.state_gas, StateGas { reservoir: 100_000 - 97_920, spilled: 0, baseline: 100_000 });
    assert_eq!(runner.run().unwrap(), first);
}

#[test]
fn what_revm_lacks_is_a_host_error() {
    let world = World::default().with(SENDER, 0, 0, &[], None);
    let error = execute(&world, Fork::Constantinople, &call(&[]), &mut NoHooks).unwrap_err();
    assert!(matches!(&error, EngineError::Host(error) if error.to_string().contains("1283")), "{error}");

    // The last price of a blob gas that revm can work out, and one that takes more than 128 bits.
    let mut block = BlockEnv { blobs: Rules::of(Fork::Cancun).blobs(), ..BlockEnv::default() };
    for (excess, fits) in [(192_204_552, true), (192_204_553, false)] {
        block.excess_blob_gas = excess;
        let (transaction, fork) = (call(&[]), Fork::Cancun);
        let job = Job {
            rules: fork.into(),
            chain_id: 1,
            block: &block,
            subject: (&transaction).into(),
            database: &world,
        };
        assert_eq!(Revm.unsupported(fork.into(), &block).is_none(), fits, "{excess}");
        assert_eq!(Revm.execute(&job, &mut NoHooks).is_ok(), fits, "{excess}");
        assert_eq!(Revm.unsupported(Fork::Shanghai.into(), &block), None);
    }

    // A fee above 128 bits that the sender can pay.
    let mut rich = World::default();
    rich.0.insert(SENDER, (0, U256::MAX, Bytecode::default(), None));
    let transaction = Transaction { max_fee_per_gas: U256::ONE << 128, ..call(&[]) };
    let error = execute(&rich, Fork::Osaka, &transaction, &mut NoHooks).unwrap_err();
    assert!(matches!(&error, EngineError::Host(error) if error.to_string().contains("128")), "{error}");
}

/// Looks at as much as it is told to.
struct Watching(Interest);

impl Hooks for Watching {
    fn interest(&self) -> Interest {
        self.0
    }
}

#[test]
fn a_failing_database_is_a_host_error_whoever_looks() {
    // BLOCKHASH(0), in a call.
    let callee = Address::repeat_byte(0x33);
    let mut code = hex!("5f5f5f5f5f 73").to_vec();
    code.extend(callee);
    code.extend(hex!("5af100"));
    let world = World::default().with(SENDER, 0, 0, &[], None).with(TARGET, 1, 0, &code, None).with(
        callee,
        1,
        0,
        &hex!("5f4000"),
        None,
    );
    let block = BlockEnv { number: 1, ..BlockEnv::default() };
    let transaction = call(&[]);
    let job = Job {
        rules: Fork::Osaka.into(),
        chain_id: 1,
        block: &block,
        subject: (&transaction).into(),
        database: &world,
    };
    for interest in [Interest::Nothing, Interest::Messages, Interest::Steps] {
        let error = Revm.execute(&job, &mut Watching(interest)).unwrap_err();
        assert_eq!(error.to_string(), "no block hashes here", "{interest:?}");
        assert!(matches!(error, EngineError::Host(_)));
    }
}

#[track_caller]
fn check_rejected(fork: Fork, transaction: Transaction, expected: Rejection) {
    let world = World::default().with(SENDER, 3, 5, &[], None);
    match execute(&world, fork, &transaction, &mut NoHooks) {
        Err(EngineError::Rejected(rejection)) => assert_eq!(rejection, expected),
        other => panic!("expected {expected:?}, got {other:?}"),
    }
}

#[test]
fn rejections_carry_their_data() {
    let tx = || Transaction { nonce: 3, ..call(&[1]) };
    let typed = |kind| Transaction { kind, ..tx() };
    let fork = Fork::Osaka;
    check_rejected(
        fork,
        Transaction { nonce: 2, ..tx() },
        Rejection::NonceTooLow { transaction: 2, sender: 3 },
    );
    check_rejected(
        fork,
        Transaction { nonce: 4, ..tx() },
        Rejection::NonceTooHigh { transaction: 4, sender: 3 },
    );
    check_rejected(fork, Transaction { nonce: u64::MAX, ..tx() }, Rejection::NonceIsMax);
    check_rejected(
        fork,
        Transaction { chain_id: Some(2), ..tx() },
        Rejection::WrongChainId { transaction: 2, chain: 1 },
    );
    check_rejected(
        fork,
        Transaction { gas_limit: 21_015, ..tx() },
        Rejection::IntrinsicGas { limit: 21_015, intrinsic: 21_016 },
    );
    check_rejected(
        fork,
        Transaction { gas_limit: 21_016, ..tx() },
        Rejection::CalldataFloor { limit: 21_016, floor: 21_040 },
    );
    check_rejected(
        fork,
        Transaction { max_fee_per_gas: U256::MAX, ..tx() },
        Rejection::InsufficientFunds { balance: U256::from(5), needed: U256::MAX },
    );
    check_rejected(
        fork,
        Transaction { value: U256::from(6), ..tx() },
        Rejection::InsufficientFunds { balance: U256::from(5), needed: U256::from(6) },
    );
    check_rejected(
        fork,
        Transaction {
            max_fee_per_gas: U256::ONE << 129,
            max_priority_fee_per_gas: U256::ONE << 130,
            ..typed(TransactionType::DynamicFee)
        },
        Rejection::PriorityAboveFee { priority: U256::ONE << 130, max_fee: U256::ONE << 129 },
    );
    check_rejected(Fork::Istanbul, typed(TransactionType::AccessList), Rejection::TypeNotSupported(1));
    check_rejected(
        fork,
        typed(TransactionType::Blob),
        Rejection::BlobFeeBelowBaseFee { max_fee: U256::ZERO, base_fee: U256::ONE },
    );
    check_rejected(fork, Transaction { to: None, ..typed(TransactionType::Blob) }, Rejection::BlobCreate);
    check_rejected(
        fork,
        Transaction { to: None, ..typed(TransactionType::SetCode) },
        Rejection::SetCodeCreate,
    );
    check_rejected(fork, typed(TransactionType::SetCode), Rejection::NoAuthorizations);
    let blobs = |count| Transaction {
        blob_hashes: vec![B256::with_last_byte(1); count],
        max_fee_per_blob_gas: U256::ONE,
        ..typed(TransactionType::Blob)
    };
    check_rejected(fork, blobs(1), Rejection::BlobVersion(0));
    let mut many = blobs(7);
    many.blob_hashes.iter_mut().for_each(|hash| hash.0[0] = 1);
    check_rejected(fork, many, Rejection::TooManyBlobs { count: 7, limit: 6 });
    // With state gas the cap is of what is taken before the first opcode: 262,144 bytes at 64 each.
    let long = |gas_limit| Transaction { input: vec![1; 1 << 18].into(), gas_limit, ..tx() };
    let floor = 15_000 + (64 << 18);
    check_rejected(fork, long(17_000_000), Rejection::GasAboveCap { limit: 17_000_000, cap: 1 << 24 });
    let fork = Fork::Amsterdam;
    check_rejected(fork, long(17_000_000), Rejection::IntrinsicGasAboveCap { needed: floor, cap: 1 << 24 });
    check_rejected(fork, long(1 << 24), Rejection::CalldataFloor { limit: 1 << 24, floor });
}
