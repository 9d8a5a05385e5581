//! An engine in whose shadow another one runs: it answers as it does alone, and what differs is told.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::num::NonZeroU64;

use parallax_assembly::assemble;
use parallax_campaign::engines::{self, LocalEngine};
use parallax_engine_interface::{Engine, EngineError, Execution, Job, Progress, Stepper};
use parallax_engine_revm::Revm;
use parallax_hooks::{Hooks, Interest, NoHooks, StepControl, StepView, on_step};
use parallax_memory_database::MemoryDatabase;
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini};
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Fork, Message, MessageKind, Opcode, Subject, Transaction, TxEnv, U256,
};
use parallax_shadow_diff::{
    Field, Place, RunLimits, ShadowConfig, ShadowCounts, ShadowMode, Shadowed, SideBySide, Verdict,
    run_both_per_call, run_both_per_step,
};

const OUTER: Address = Address::repeat_byte(0x11);
const INNER: Address = Address::repeat_byte(0x22);
const STORES: Address = Address::repeat_byte(0x55);
const MODES: [ShadowMode; 4] =
    [ShadowMode::PerCall, ShadowMode::PerBlock, ShadowMode::PerStep, ShadowMode::All];

struct World {
    database: MemoryDatabase,
    block: BlockEnv,
    transaction: Transaction,
}

/// The outer frame calls the inner one, which adds, and stores what it answers.
fn world() -> World {
    let mut database = MemoryDatabase::default();
    let call = format!("PUSH 32 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH20 {INNER:#x} GAS CALL POP");
    for (address, source) in [
        (OUTER, format!("{call} PUSH 0 MLOAD PUSH 7 SSTORE STOP")),
        (STORES, "PUSH 5 PUSH 0 SSTORE".to_owned()),
        (INNER, "PUSH 5 PUSH 6 ADD PUSH 0 MSTORE PUSH 32 PUSH 0 RETURN".to_owned()),
    ] {
        database.accounts.entry(address).or_default().code = Bytecode::new(assemble(&source).unwrap());
    }
    let transaction = Transaction { to: Some(OUTER), gas_limit: 1_000_000, ..Transaction::default() };
    World { database, block: BlockEnv { number: 1, gas_limit: u64::MAX, ..BlockEnv::default() }, transaction }
}

impl World {
    fn job(&self) -> Job<'_> {
        self.job_of((&self.transaction).into())
    }

    fn job_of<'a>(&'a self, subject: Subject<'a>) -> Job<'a> {
        Job { rules: Fork::Prague.into(), chain_id: 1, block: &self.block, subject, database: &self.database }
    }
}

fn faulty() -> LocalEngine<FaultyMini> {
    engines::local("faulty", FaultyMini::new(FaultPlan::new(Fault::FlipResult(0), Opcode::ADD)))
}

fn config(mode: ShadowMode) -> ShadowConfig {
    ShadowConfig { mode, ..ShadowConfig::default() }
}

fn counts(runs: u64, agreed: u64, diverged: u64, unsaid: u64) -> ShadowCounts {
    ShadowCounts { runs, agreed, rejected: 0, diverged, unsaid }
}

/// Steps that hooks see of a run, and what it answers.
fn seen(engine: &dyn Engine, job: &Job<'_>) -> (u64, String) {
    let mut steps = 0;
    let answer = engine.execute(
        job,
        &mut on_step(|_| {
            steps += 1;
            StepControl::Continue
        }),
    );
    (steps, format!("{answer:?}"))
}

#[test]
fn it_answers_as_the_left_engine_alone_and_tells_the_difference() {
    let world = world();
    let job = world.job();
    let primary = engines::primary();
    let alone = seen(&primary, &job);
    for mode in MODES {
        let same = Shadowed::new(&primary, engines::mini(), config(mode));
        assert_eq!(seen(&same, &job), alone);
        assert_eq!((same.counts(), same.take_mismatch()), (counts(1, 1, 0, 0), None), "{mode:?}");

        let other = Shadowed::new(&primary, faulty(), config(mode));
        assert_eq!(seen(&other, &job), alone);
        assert_eq!(other.counts(), counts(1, 0, 1, 0), "{mode:?}");
        let Some(Verdict::Diverge(divergence)) = other.take_mismatch() else { panic!("{mode:?}") };
        let is_step = matches!(divergence.place, Place::Step { index: 10, .. });
        assert_eq!(is_step, matches!(mode, ShadowMode::PerStep | ShadowMode::All), "{mode:?} {divergence:?}");
        assert_eq!(other.take_mismatch(), None, "it is told once");
    }
}

/// An engine whose plain run is another one than its steps are.
struct Unwatched;

impl Engine for Unwatched {
    fn name(&self) -> &'static str {
        "unwatched"
    }

    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        engines::mini().start(job)
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        let mut execution = engines::mini().execute(job, hooks)?;
        if let (Some(outcome), Interest::Nothing) = (&mut execution.outcome, hooks.interest()) {
            outcome.gas_used += 1;
        }
        Ok(execution)
    }
}

/// What is compared is what was answered, not only what is shown to who looks on.
#[test]
fn the_run_that_was_answered_is_compared() {
    let world = world();
    for mode in [ShadowMode::PerBlock, ShadowMode::PerStep, ShadowMode::All] {
        let shadowed = Shadowed::new(Unwatched, engines::mini(), config(mode));
        shadowed.execute(&world.job(), &mut NoHooks).unwrap();
        let Some(Verdict::Diverge(divergence)) = shadowed.take_mismatch() else { panic!("{mode:?}") };
        assert_eq!(divergence.field, Field::GasUsed, "{mode:?}");
    }
}

#[test]
fn a_foreign_engine_can_be_in_the_shadow() {
    let world = world();
    let shadowed = Shadowed::new(engines::mini(), Revm, config(ShadowMode::PerStep));
    assert_eq!(seen(&shadowed, &world.job()), seen(engines::mini(), &world.job()));
    assert_eq!(shadowed.counts(), counts(1, 1, 0, 0));
}

/// What a run in parts comes to, stopped at every step.
#[test]
fn a_run_in_parts_is_compared_when_it_is_finished() {
    let world = world();
    let job = world.job();
    for mode in MODES {
        let shadowed = Shadowed::new(engines::mini(), faulty(), config(mode));
        let mut stepper = shadowed.start(&job).unwrap().unwrap();
        let mut steps = 0;
        while stepper.step(&mut NoHooks).unwrap() == Progress::Paused {
            steps += u64::from(stepper.view().is_some());
        }
        assert_eq!(shadowed.take_mismatch(), None);
        let answer = stepper.finish().unwrap();
        assert_eq!((steps, format!("{:?}", Ok::<_, ()>(answer))), seen(engines::mini(), &job));
        assert!(matches!(shadowed.take_mismatch(), Some(Verdict::Diverge(_))), "{mode:?}");
        // One that is dropped is not.
        shadowed.start(&job).unwrap().unwrap().step(&mut NoHooks).unwrap();
        assert_eq!((shadowed.counts(), shadowed.take_mismatch()), (counts(2, 0, 1, 0), None));
    }
}

#[test]
fn it_can_be_turned_on_and_off_and_sample() {
    let world = world();
    let shadowed = Shadowed::new(engines::mini(), faulty(), config(ShadowMode::Off));
    let run = |times: u64| (0..times).for_each(|_| _ = shadowed.execute(&world.job(), &mut NoHooks).unwrap());
    run(3);
    assert_eq!(shadowed.counts(), counts(3, 0, 0, 0));
    shadowed.set_mode(ShadowMode::PerCall);
    shadowed.set_sampling(NonZeroU64::new(4).unwrap());
    run(1);
    assert_eq!(shadowed.counts(), counts(4, 0, 1, 0), "the next one");
    run(3);
    assert_eq!(shadowed.counts(), counts(7, 0, 1, 0));
    run(6);
    assert_eq!(shadowed.counts(), counts(13, 0, 3, 0), "and every fourth behind it");
}

#[test]
fn rejections_are_compared_and_runs_that_hooks_end_are_not() {
    struct Abort;
    impl Hooks for Abort {
        fn on_step(&mut self, _: &StepView<'_>) -> StepControl {
            StepControl::Abort
        }
    }
    let mut world = world();
    let shadowed = Shadowed::new(engines::primary(), faulty(), config(ShadowMode::PerStep));
    assert_eq!(shadowed.execute(&world.job(), &mut Abort).unwrap().outcome, None);
    assert_eq!((shadowed.counts(), shadowed.take_mismatch()), (counts(1, 0, 0, 0), None));
    world.transaction.nonce = 9;
    assert!(shadowed.execute(&world.job(), &mut NoHooks).is_err());
    assert!(shadowed.start(&world.job()).is_err());
    let rejected = ShadowCounts { rejected: 2, ..counts(3, 0, 0, 0) };
    assert_eq!((shadowed.counts(), shadowed.take_mismatch()), (rejected, None));
}

fn message(kind: MessageKind, depth: u16) -> Message {
    let is_create = kind.is_create();
    let own = matches!(kind, MessageKind::Call | MessageKind::StaticCall);
    let init_code = assemble("PUSH 5 PUSH 6 ADD PUSH 0 MSTORE PUSH 32 PUSH 0 RETURN").unwrap();
    Message {
        kind,
        depth,
        is_static: kind == MessageKind::StaticCall,
        gas: 200_000,
        caller: OUTER,
        address: if is_create {
            Address::ZERO
        } else if own {
            INNER
        } else {
            OUTER
        },
        code_address: if is_create { Address::ZERO } else { INNER },
        is_delegated: false,
        value: U256::ZERO,
        input: if is_create { init_code } else { Default::default() },
        state_gas: Default::default(),
        salt: if kind == MessageKind::Create2 { U256::from(9) } else { U256::ZERO },
    }
}

/// Bare messages of every kind, at any depth, are run, compared and recorded as transactions are.
#[test]
fn bare_messages_are_compared_like_transactions() {
    let world = world();
    let environment = TxEnv { origin: Address::repeat_byte(0x33), ..TxEnv::default() };
    let primary = engines::primary();
    let kinds = [
        MessageKind::Call,
        MessageKind::CallCode,
        MessageKind::DelegateCall,
        MessageKind::StaticCall,
        MessageKind::Create,
        MessageKind::Create2,
    ];
    for (kind, depth) in kinds.iter().flat_map(|kind| [0, 1, 1024].map(|depth| (*kind, depth))) {
        let message = message(kind, depth);
        let job = world.job_of(Subject::Message { message: &message, environment: &environment });
        let alone = primary.execute(&job, &mut NoHooks).unwrap();
        let outcome = alone.outcome.clone().unwrap();
        assert!(outcome.status.is_success() && outcome.gas_refunded == 0, "{kind:?}");
        assert_eq!(outcome.created.is_some(), kind.is_create());
        if kind == MessageKind::Create {
            assert_eq!(outcome.created, Some(OUTER.create(0)), "its creator's nonce is that of an opcode");
        }
        for mode in MODES {
            let same = Shadowed::new(&primary, engines::mini(), config(mode));
            assert_eq!(same.execute(&job, &mut NoHooks).unwrap(), alone);
            assert_eq!(
                (same.counts(), same.take_mismatch()),
                (counts(1, 1, 0, 0), None),
                "{kind:?} {mode:?}"
            );
            let other = Shadowed::new(&primary, faulty(), config(mode));
            other.execute(&job, &mut NoHooks).unwrap();
            assert_eq!(other.counts(), counts(1, 0, 1, 0), "{kind:?} {mode:?}");
        }
        let whole = ShadowConfig { skip_identical_steps: false, ..config(ShadowMode::PerStep) };
        let run = run_both_per_step(&primary, &faulty(), &job, &whole, RunLimits::default());
        assert_eq!((run.diverged_at, run.steps.len()), (Some(2), 8), "{kind:?} {depth}");
        assert_eq!(run.steps[2].mismatch.as_ref().unwrap().field, Field::Stack(0));
        let step = &run.steps[2];
        assert_eq!([step.left, step.right].map(|side| side.map(|side| side.depth)), [Some(depth); 2]);
        assert_eq!(
            run_both_per_call(&primary, engines::mini(), &job, &config(ShadowMode::PerCall)).verdict,
            Verdict::Agree
        );
        let config = config(ShadowMode::PerStep);
        let both = SideBySide::start(&primary, engines::mini(), &job, &config, RunLimits::default());
        let mut both = both.unwrap().unwrap();
        while both.step(&mut NoHooks).unwrap() == Progress::Paused {}
        assert_eq!(both.finish().verdict, Verdict::Agree);
    }
    // An account that is empty but for what its own message stores is gone when that is over (EIP-161).
    for kind in [MessageKind::CallCode, MessageKind::DelegateCall] {
        let empty = Address::repeat_byte(0x44);
        let message = Message { caller: empty, address: empty, code_address: STORES, ..message(kind, 3) };
        let job = world.job_of(Subject::Message { message: &message, environment: &environment });
        let run = run_both_per_call(&primary, engines::mini(), &job, &config(ShadowMode::PerCall));
        assert_eq!(run.verdict, Verdict::Agree, "{kind:?}");
    }
    let message = message(MessageKind::Call, 1025);
    let job = world.job_of(Subject::Message { message: &message, environment: &environment });
    for engine in [&primary as &dyn Engine, engines::mini()] {
        let outcome = engine.execute(&job, &mut NoHooks).unwrap().outcome.unwrap();
        assert_eq!((outcome.status.to_string().as_str(), outcome.gas_used), ("CallDepth", 0));
    }
    assert!(Revm.execute(&job, &mut NoHooks).unwrap_err().to_string().contains("no bare messages"));
}
