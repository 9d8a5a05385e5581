//! Two runs that are the same but for one thing: the comparison finds exactly that thing, and calls nothing agreement that
//! it does not know.
#![allow(clippy::unwrap_used, reason = "a test: its helpers may panic as it may")]

use std::collections::{BTreeMap, BTreeSet};

use parallax_engine_interface::{Engine, EngineError, Execution, Job, MessageTolerance, UntoldMessage};
use parallax_engine_revm::Revm;
use parallax_hooks::{Hooks, Interest, MessagePhase, NoHooks};
use parallax_host_interface::{Accesses, AccountChange, AccountInfo, Database, HostError, StateChanges};
use parallax_primitives::{
    Address, B256, BlockEnv, Bytecode, Bytes, Fork, FrameOutcome, FrameStatus, Halt, KECCAK256_EMPTY, Log,
    Message, MessageKind, Rejection, Transaction, TxOutcome, U256, hex,
};
use parallax_shadow_diff::{
    Bounds, Cause, Divergence, Field, Halts, MessageLog, Place, Rejections, Rule, ShadowConfig, Side,
    SideRun, Value, Verdict, compare_call_results, compare_engines,
};

const OUTER: Address = Address::repeat_byte(0x22);
const INNER: Address = Address::repeat_byte(0x33);

/// One side: what its engine answered, and the messages it showed, as (depth-first) events.
#[derive(Clone)]
struct Run {
    result: Result<Execution, EngineError>,
    events: Vec<Event>,
    bounds: Bounds,
}

#[derive(Clone)]
enum Event {
    Begin(Message),
    End(FrameOutcome),
}

fn message(depth: u16, code_address: Address) -> Message {
    Message {
        kind: MessageKind::Call,
        depth,
        is_static: false,
        gas: 100_000,
        caller: Address::repeat_byte(0x11),
        address: code_address,
        code_address,
        is_delegated: false,
        value: U256::ZERO,
        input: Bytes::from_static(&[1, 2, 3, 4]),
        state_gas: Default::default(),
        salt: U256::ZERO,
    }
}

fn success(gas_left: u64, output: &'static [u8]) -> FrameOutcome {
    FrameOutcome {
        status: FrameStatus::Success,
        gas_left,
        output: Bytes::from_static(output),
        created: None,
        state_gas: Default::default(),
    }
}

/// A call that calls: one log, one slot.
fn run() -> Run {
    let change = AccountChange::Changed {
        nonce: 1,
        balance: U256::from(5),
        code: None,
        storage: BTreeMap::from([(U256::ONE, U256::from(9))]),
        clears_storage: false,
    };
    let log = Log { address: INNER, topics: vec![B256::ZERO], data: Bytes::from_static(&[7; 40]) };
    Run {
        result: Ok(Execution {
            outcome: Some(TxOutcome {
                status: FrameStatus::Success,
                gas_used: 50_000,
                gas_refunded: 100,
                execution_gas: 50_100,
                state_gas: 0,
                output: Bytes::from_static(&[0; 32]),
                logs: vec![log],
                created: None,
            }),
            changes: StateChanges { accounts: BTreeMap::from([(INNER, change)]) },
            accesses: Some(Accesses { accounts: BTreeMap::from([(INNER, BTreeSet::from([U256::ONE]))]) }),
        }),
        events: vec![
            Event::Begin(message(0, OUTER)),
            Event::Begin(message(1, INNER)),
            Event::End(success(500, &[1])),
            Event::End(success(70_000, &[0; 32])),
        ],
        bounds: Bounds::default(),
    }
}

impl Run {
    fn outcome(&mut self) -> &mut TxOutcome {
        self.result.as_mut().unwrap().outcome.as_mut().unwrap()
    }

    fn end(&mut self, at: usize) -> &mut FrameOutcome {
        match &mut self.events[at] {
            Event::End(outcome) => outcome,
            Event::Begin(_) => panic!("event {at} is a begin"),
        }
    }

    fn begin(&mut self, at: usize) -> &mut Message {
        match &mut self.events[at] {
            Event::Begin(message) => message,
            Event::End(_) => panic!("event {at} is an end"),
        }
    }

    fn log(&self) -> MessageLog {
        self.fill(MessageLog::new(self.bounds))
    }

    fn fill(&self, mut log: MessageLog) -> MessageLog {
        let mut open = Vec::new();
        assert_eq!(log.interest(), Interest::Messages);
        for event in &self.events {
            match event {
                Event::Begin(message) => {
                    log.on_message(message, MessagePhase::Before);
                    open.push(message.clone());
                }
                Event::End(outcome) => {
                    let message = open.pop().unwrap();
                    log.on_message(&message, MessagePhase::After(outcome));
                }
            }
        }
        log
    }
}

fn compare(left: &Run, right: &Run, config: &ShadowConfig) -> Verdict {
    let (left_log, right_log) = (left.log(), right.log());
    compare_call_results(
        &SideRun { engine: "primary", result: &left.result, messages: &left_log },
        &SideRun { engine: "mini", result: &right.result, messages: &right_log },
        config,
    )
}

#[track_caller]
fn divergence(left: &Run, right: &Run) -> Box<Divergence> {
    match compare(left, right, &ShadowConfig::default()) {
        Verdict::Diverge(divergence) => divergence,
        other => panic!("expected a divergence, got {other:?}"),
    }
}

/// The run and the run changed by `change` part in `field` with `cause`, seen from both sides.
#[track_caller]
fn check(change: impl Fn(&mut Run), field: Field, cause: Cause) {
    let (left, mut right) = (run(), run());
    change(&mut right);
    let found = divergence(&left, &right);
    assert_eq!((found.field, found.cause), (field, cause), "{found}");
    let mirrored = divergence(&right, &left);
    assert_eq!((&mirrored.left, &mirrored.right), (&found.right, &found.left));
    assert_ne!(found.left, found.right);
    assert_eq!(mirrored.field, field);
}

#[test]
fn the_same_run_agrees() {
    assert_eq!(compare(&run(), &run(), &ShadowConfig::default()), Verdict::Agree);
    let mut rejected = run();
    rejected.result = Err(Rejection::NonceIsMax.into());
    rejected.events.clear();
    let refused = Verdict::Rejected(Rejection::NonceIsMax.to_string());
    assert_eq!(compare(&rejected, &rejected, &ShadowConfig::default()), refused);
}

#[test]
fn every_field_of_the_outcome_is_compared() {
    check(|run| run.outcome().status = FrameStatus::Revert, Field::Status, Cause::ControlFlow);
    check(|run| run.outcome().status = FrameStatus::Halt(Halt::OutOfGas), Field::Status, Cause::Gas);
    check(|run| run.outcome().gas_used += 1, Field::GasUsed, Cause::Gas);
    check(|run| run.outcome().gas_refunded += 1, Field::GasRefunded, Cause::Refund);
    check(|run| run.outcome().output = Bytes::from_static(&[0; 31]), Field::Output, Cause::Output);
    check(|run| run.outcome().created = Some(OUTER), Field::Created, Cause::ControlFlow);
}

#[test]
fn every_field_of_a_log_is_compared() {
    check(|run| run.outcome().logs[0].address = OUTER, Field::LogAddress(0), Cause::Logs);
    check(|run| run.outcome().logs[0].topics.push(B256::ZERO), Field::LogTopics(0), Cause::Logs);
    check(|run| run.outcome().logs[0].data = Bytes::from_static(&[7; 39]), Field::LogData(0), Cause::Logs);
    check(|run| run.outcome().logs.clear(), Field::Log(0), Cause::Logs);
    let doubled = |run: &mut Run| {
        let log = run.outcome().logs[0].clone();
        run.outcome().logs.push(log);
    };
    check(doubled, Field::Log(1), Cause::Logs);
}

#[test]
fn every_field_of_a_nested_message_is_compared() {
    let flow = Cause::ControlFlow;
    check(|run| run.begin(1).kind = MessageKind::CallCode, Field::Kind, flow);
    check(|run| run.begin(1).depth = 2, Field::Depth, flow);
    check(|run| run.begin(1).is_static = true, Field::Static, flow);
    check(|run| run.begin(1).caller = INNER, Field::Caller, flow);
    check(|run| run.begin(1).address = OUTER, Field::Address, flow);
    check(|run| run.begin(1).code_address = OUTER, Field::CodeAddress, flow);
    check(|run| run.begin(1).is_delegated = true, Field::Delegated, flow);
    check(|run| run.begin(1).value = U256::ONE, Field::Value, Cause::Arithmetic);
    check(|run| run.begin(1).salt = U256::ONE, Field::Salt, Cause::Arithmetic);
    check(|run| run.begin(1).input = Bytes::from_static(&[1, 2, 3]), Field::Input, Cause::Memory);
    check(|run| run.begin(1).gas += 1, Field::Gas, Cause::Gas);
    check(|run| run.end(2).status = FrameStatus::Revert, Field::Status, flow);
    check(|run| run.end(2).gas_left += 1, Field::GasLeft, Cause::Gas);
    check(|run| run.end(2).output = Bytes::new(), Field::Output, Cause::Output);
    check(|run| run.end(2).created = Some(OUTER), Field::Created, flow);
}

#[test]
fn a_message_of_one_side_only_is_found() {
    let one_less = |run: &mut Run| {
        run.events.drain(1..3);
    };
    check(one_less, Field::Message, Cause::ControlFlow);
    let one_more = |run: &mut Run| {
        let (begin, end) = (run.events[1].clone(), run.events[2].clone());
        run.events.splice(3..3, [begin, end]);
    };
    check(one_more, Field::Message, Cause::ControlFlow);
    let behind_the_end = |run: &mut Run| {
        run.events.push(Event::Begin(message(0, OUTER)));
        run.events.push(Event::End(success(0, &[])));
    };
    check(behind_the_end, Field::Message, Cause::ControlFlow);
}

#[test]
fn what_a_side_does_not_tell_of_messages_is_no_difference() {
    let untold = |untold| -> ShadowConfig {
        let messages: &'static [MessageTolerance] =
            vec![MessageTolerance { untold, reason: "a test" }].leak();
        ShadowConfig { messages: [&[], messages], ..ShadowConfig::default() }
    };
    // A static frame's call of another kind, in either direction; a frame that is none has its kind.
    let config = untold(UntoldMessage::StaticKind);
    for is_static in [true, false] {
        let (mut left, mut right) = (run(), run());
        for (run, kind) in [(&mut left, MessageKind::Call), (&mut right, MessageKind::StaticCall)] {
            (run.begin(1).kind, run.begin(1).is_static) = (kind, is_static);
        }
        assert_eq!(compare(&left, &right, &config) == Verdict::Agree, is_static);
        assert_eq!(compare(&right, &left, &config) == Verdict::Agree, is_static);
        assert_ne!(compare(&left, &right, &ShadowConfig::default()), Verdict::Agree);
        right.begin(1).kind = MessageKind::DelegateCall;
        assert_ne!(compare(&left, &right, &config), Verdict::Agree);
    }
    // A message that was refused is taken back with all that is known of it, so what follows is packed as if it had not been sent.
    let refused = |halt| {
        let mut refused = run();
        let message = Message { input: Bytes::from_static(&[9; 4]), ..refused.begin(1).clone() };
        let outcome = FrameOutcome::halted(halt, message.gas);
        refused.events.splice(1..1, [Event::Begin(message), Event::End(outcome)]);
        refused
    };
    let plain = run().log();
    for halt in [Halt::CallDepth, Halt::InsufficientBalance, Halt::NonceOverflow] {
        let left_out = refused(halt).fill(MessageLog::default().without_refused());
        assert_eq!(left_out.messages(), plain.messages());
        assert_eq!(left_out.input(1), plain.input(1));
    }
    // Of one that had a frame it is told that it failed.
    let failed = refused(Halt::OutOfGas).fill(MessageLog::default().without_refused());
    assert_eq!(failed.messages().len(), plain.messages().len() + 1);
}

#[test]
fn every_change_of_an_account_is_compared() {
    type Changed<'a> = (&'a mut u64, &'a mut U256, &'a mut BTreeMap<U256, U256>);
    fn changed(run: &mut Run) -> Changed<'_> {
        match run.result.as_mut().unwrap().changes.accounts.get_mut(&INNER) {
            Some(AccountChange::Changed { nonce, balance, storage, .. }) => (nonce, balance, storage),
            other => panic!("{other:?}"),
        }
    }
    let accounts = |run: &mut Run| std::mem::take(&mut run.result.as_mut().unwrap().changes.accounts);
    let post = Cause::PostState;
    check(|run| *changed(run).0 += 1, Field::Nonce(INNER), post);
    check(|run| *changed(run).1 += U256::ONE, Field::Balance(INNER), post);
    check(|run| changed(run).2.clear(), Field::Storage(INNER, U256::ONE), Cause::Storage);
    let other_slot = |run: &mut Run| {
        changed(run).2.insert(U256::ZERO, U256::ONE);
    };
    check(other_slot, Field::Storage(INNER, U256::ZERO), Cause::Storage);
    let clears = |run: &mut Run| match run.result.as_mut().unwrap().changes.accounts.get_mut(&INNER) {
        Some(AccountChange::Changed { clears_storage, .. }) => *clears_storage = true,
        other => panic!("{other:?}"),
    };
    check(clears, Field::Account(INNER), post);
    check(|run| drop(accounts(run)), Field::Account(INNER), post);
    let deleted = |run: &mut Run| {
        let changes = BTreeMap::from([(INNER, AccountChange::Deleted)]);
        run.result.as_mut().unwrap().changes.accounts = changes;
    };
    check(deleted, Field::Account(INNER), post);
}

#[test]
fn what_was_looked_at_is_compared_if_both_sides_tell_it() {
    let accesses = |run: &mut Run, change: fn(&mut BTreeMap<Address, BTreeSet<U256>>)| {
        change(&mut run.result.as_mut().unwrap().accesses.as_mut().unwrap().accounts);
    };
    let state = Cause::Rules(Rule::State);
    let another = |run: &mut Run| accesses(run, |accounts| drop(accounts.insert(OUTER, BTreeSet::new())));
    check(another, Field::AccessedAccount(OUTER), state);
    let none = |run: &mut Run| accesses(run, |accounts| drop(accounts.remove(&INNER)));
    check(none, Field::AccessedAccount(INNER), state);
    let slot = |run: &mut Run| {
        accesses(run, |accounts| drop(accounts.insert(INNER, BTreeSet::from([U256::ONE, U256::from(2)]))));
    };
    check(slot, Field::AccessedSlot(INNER, U256::from(2)), state);
    let mut untold = run();
    untold.result.as_mut().unwrap().accesses = None;
    assert_eq!(compare(&untold, &run(), &ShadowConfig::default()), Verdict::Agree);
}

#[test]
fn the_earliest_difference_wins() {
    let (left, mut right) = (run(), run());
    right.outcome().gas_used += 1;
    right.end(3).gas_left -= 1;
    right.end(2).gas_left -= 1;
    let found = divergence(&left, &right);
    let Place::Message { index: 1, is_over: true, path } = &found.place else { panic!("{found}") };
    assert_eq!(
        path.iter().map(|item| (item.index, item.address)).collect::<Vec<_>>(),
        [(0, OUTER), (1, INNER)]
    );
}

#[test]
fn rejections_are_compared() {
    let rejected = |rejection: Rejection| {
        let result = Err(rejection.into());
        Run { result, events: Vec::new(), bounds: Bounds::default() }
    };
    let (first, second) = (rejected(Rejection::NonceIsMax), rejected(Rejection::NoBlobs));
    let found = divergence(&first, &second);
    assert_eq!(found.cause, Cause::Rejection);
    assert_eq!(found.left, Value::Rejection(Rejection::NonceIsMax));
    let any = ShadowConfig { rejections: Rejections::Any { reason: "order" }, ..ShadowConfig::default() };
    assert_eq!(compare(&first, &second, &any), Verdict::Rejected(Rejection::NonceIsMax.to_string()));
    // One that ran is never like one that did not.
    assert!(matches!(compare(&first, &run(), &any), Verdict::Diverge(_)));
    assert_eq!(divergence(&run(), &first).cause, Cause::Rejection);
}

#[test]
fn halts_differ_unless_the_table_has_the_pair_for_that_side() {
    const TABLE: &[(Halt, Halt, &str)] = &[(Halt::StackUnderflow, Halt::OutOfGas, "gas first")];
    let halted = |halt| {
        let mut run = run();
        *run.end(2) = FrameOutcome::halted(halt, 0);
        run.end(3).status = FrameStatus::Revert;
        run
    };
    let (specified, other) = (halted(Halt::StackUnderflow), halted(Halt::OutOfGas));
    assert_eq!(divergence(&specified, &other).cause, Cause::HaltPrecedence);
    let mapped =
        |foreign| ShadowConfig { halts: Halts::Mapped { table: TABLE, foreign }, ..ShadowConfig::default() };
    assert_eq!(compare(&specified, &other, &mapped(Side::Right)), Verdict::Agree);
    assert_eq!(compare(&other, &specified, &mapped(Side::Left)), Verdict::Agree);
    assert!(matches!(compare(&specified, &other, &mapped(Side::Left)), Verdict::Diverge(_)));
    let third = halted(Halt::InvalidJump);
    assert!(matches!(compare(&specified, &third, &mapped(Side::Right)), Verdict::Diverge(_)));
}

#[track_caller]
fn check_unknown(change: impl Fn(&mut Run), verdict: &str, reason: &str) {
    let mut run = run();
    change(&mut run);
    for (left, right) in [(&run, &self::run()), (&self::run(), &run), (&run, &run)] {
        let found = compare(left, right, &ShadowConfig::default());
        assert_eq!(found.name(), verdict, "{found:?}");
        assert!(found.reason().is_some_and(|found| found.contains(reason)), "{found:?}");
    }
}

/// An account with code, every slot of which is one.
struct Counter(Bytecode);

impl Database for Counter {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, HostError> {
        let code_hash = if address == OUTER { self.0.hash() } else { KECCAK256_EMPTY };
        Ok(Some(AccountInfo { nonce: u64::from(address == OUTER), balance: U256::ZERO, code_hash }))
    }
    fn code(&self, _: B256) -> Result<Bytecode, HostError> {
        Ok(self.0.clone())
    }
    fn storage(&self, _: Address, _: U256) -> Result<U256, HostError> {
        Ok(U256::ONE)
    }
    fn has_storage(&self, address: Address) -> Result<bool, HostError> {
        Ok(address == OUTER)
    }
    fn block_hash(&self, _: u64) -> Result<B256, HostError> {
        Ok(B256::ZERO)
    }
}

#[test]
fn two_engines_never_run_on_one_state() {
    // SSTORE(0, SLOAD(0) + 1); MSTORE(0, SLOAD(0)); RETURN(0, 32): another run on the same state would return 3, find the
    // slot warm and the nonce used.
    let code = Bytecode::new(Bytes::from_static(&hex!("5f546001015f555f545f5260205ff3")));
    let (database, block) = (Counter(code), BlockEnv::default());
    let transaction = Transaction { to: Some(OUTER), gas_limit: 100_000, ..Transaction::default() };
    let job = Job {
        rules: Fork::Osaka.into(),
        chain_id: 1,
        block: &block,
        subject: (&transaction).into(),
        database: &database,
    };
    assert_eq!(compare_engines(&Revm, &Revm, &job, &ShadowConfig::default()).verdict, Verdict::Agree);
    let outcome = Revm.execute(&job, &mut NoHooks).unwrap().outcome.unwrap();
    assert_eq!(outcome.output.last(), Some(&2), "{outcome:?}");
}

#[test]
fn what_is_not_known_is_no_agreement() {
    let gone = "the disk is gone";
    check_unknown(|run| run.result = Err(HostError::new(gone).into()), "poisoned", gone);
    check_unknown(|run| run.result.as_mut().unwrap().outcome = None, "poisoned", "aborted");
    check_unknown(|run| run.events.clear(), "not_compared", "no message was recorded");
    check_unknown(|run| run.bounds.messages = 1, "limit", "more than 1 messages");
    check_unknown(|run| run.bounds.bytes = 4, "limit", "more than 4 bytes");
    check_unknown(|run| run.events.truncate(3), "poisoned", "has no outcome");
}

#[test]
fn a_difference_before_a_bound_is_still_one() {
    let (mut left, mut right) = (run(), run());
    left.bounds.messages = 1;
    right.begin(0).gas += 1;
    assert_eq!(divergence(&left, &right).field, Field::Gas);
}

#[test]
fn a_report_reads_as_a_person_wants_it() {
    let (left, mut right) = (run(), run());
    right.end(2).gas_left = 400;
    assert_eq!(
        divergence(&left, &right).to_string(),
        "primary and mini diverge in the outcome of message #1 at depth 2
  messages  #0 CALL 0x2222222222222222222222222222222222222222
            #1 CALL 0x3333333333333333333333333333333333333333
  field     gas left
  primary   500 (0x1f4)
  mini      400 (0x190)
            apart by 100
  cause     gas
  before    #0 begins: CALL 0x2222222222222222222222222222222222222222
              gas 100000, 4 bytes of input
            #1 begins: CALL 0x3333333333333333333333333333333333333333
              gas 100000, 4 bytes of input"
    );
}

#[test]
fn the_first_differing_byte_is_marked_and_the_rest_cut_off() {
    let (left, mut right) = (run(), run());
    right.begin(1).input = Bytes::from_static(&[1, 2, 5]);
    let lines = divergence(&left, &right).summary();
    assert_eq!(
        lines[4..7],
        [
            "  primary   0x01020304 (4 bytes)",
            "  mini      0x010205 (3 bytes)",
            "                  ^^ byte 2: 0x03, 0x05"
        ]
    );

    let (mut left, mut right) = (run(), run());
    left.outcome().output = vec![0; 100_000].into();
    let mut output = vec![0; 100_000];
    output[70_000] = 0xab;
    right.outcome().output = output.into();
    let found = divergence(&left, &right);
    assert_eq!(found.right.to_string().len(), 200_002, "the whole value is kept");
    let lines = found.summary();
    let (value, mark) = (&lines[3], &lines[4]);
    assert!(
        value.len() < 540 && value.contains("0x..00") && value.contains("00.. (100000 bytes)"),
        "{value}"
    );
    assert_eq!(value.find("ab"), mark.find("^^"), "{value}\n{mark}");
    assert!(mark.ends_with("byte 70000: 0x00, 0xab"), "{mark}");
}
