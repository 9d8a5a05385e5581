//! The known traps of comparing two engines step by step, each with what it would hide.
#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]
#![allow(clippy::type_complexity, reason = "rows of a table: what is changed, and what must be found")]

mod tampered;
mod world;

use parallax_assembly::assemble;
use parallax_campaign::engines;
use parallax_engine_interface::{Engine, EngineError, Execution, Job, Progress, Stepper, UnderRules};
use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl, StepEnd, StepView};
use parallax_host_interface::HostError;
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini};
use parallax_primitives::{Address, Bytecode, Fork, Message, Opcode, Rejection, U256};
use parallax_run_control::{Breakpoints, Condition};
use parallax_shadow_diff::{
    Cause, Divergence, Field, Place, RunLimits, Shadow, ShadowConfig, ShadowMode, SideBySide, Tolerance,
    Verdict, compare_engines, lockstep, place_of_panic, run_both_per_call, run_both_per_step,
};

use tampered::{OTHER, Tampered};
use world::{CONTRACT, TELLING, World, config, divergence, faulty, primary, step_of};

/// A loop of `rounds` with a store to memory and to storage, and a return.
fn counting(rounds: u32) -> String {
    format!(
        "PUSH {rounds} loop: PUSH 1 SWAP1 SUB DUP1 PUSH 0 MSTORE DUP1 PUSH 2 TSTORE
         DUP1 PUSH @loop JUMPI DUP1 PUSH 1 SSTORE PUSH 7 PUSH 1 PUSH 0 LOG1 PUSH 32 PUSH 0 RETURN"
    )
}

#[test]
fn sound_engines_agree_in_every_mode_and_every_step_is_counted() {
    let world = World::new(&counting(10));
    for (mode, count) in [(ShadowMode::PerCall, 1), (ShadowMode::PerBlock, 11), (ShadowMode::PerStep, 141)] {
        for (left, right) in [("primary", "mini"), ("mini", "primary")] {
            let engines = [left, right].map(|name| engines::by_name(name).unwrap());
            let compared = compare_engines(&*engines[0], &*engines[1], &world.job(), &config(mode));
            assert_eq!(compared.verdict, Verdict::Agree, "{mode:?}");
            assert_eq!(compared.steps, count, "{mode:?}");
            let is_timed = compared.times.iter().any(|time| !time.is_zero());
            assert_eq!(
                is_timed,
                mode == ShadowMode::PerCall,
                "a clock is looked at where it was not asked for"
            );
        }
    }
}

#[test]
fn a_mode_that_compares_nothing_is_no_agreement() {
    let world = World::new(&counting(3));
    let compared = compare_engines(primary(), engines::mini(), &world.job(), &config(ShadowMode::Off));
    assert_eq!(compared.verdict, Verdict::NotCompared("the mode is off".to_owned()));
    assert!(compared.results[0].as_ref().is_ok_and(|execution| execution.outcome.is_some()));
}

/// A transaction finds another contract warm in Osaka; it never asks for it.
#[test]
fn what_two_sets_of_rules_mark_is_not_compared_before_it_is_asked_for() {
    let under = |name, fork: Fork| UnderRules::new(engines::by_name(name).unwrap(), fork.into());
    let (left, right) = (under("primary", Fork::Prague), under("mini", Fork::Osaka));
    let verdict = |source: &str| {
        compare_engines(&left, &right, &World::new(source).job(), &config(ShadowMode::PerStep)).verdict
    };
    assert_eq!(verdict(&counting(3)), Verdict::Agree);
    let Verdict::Diverge(found) = verdict("PUSH 256 BALANCE") else { panic!("its price differs") };
    assert_eq!((step_of(&found).1, &found.field), (Opcode::BALANCE, &Field::GasCost));
}

/// Two steppers by hand, in the mode of a default configuration too; hooks of the other side see all of its steps.
#[test]
fn two_steppers_are_driven_by_hand() {
    #[derive(Default)]
    struct Count(u64);
    impl Hooks for Count {
        fn on_step_end(&mut self, _: &StepView<'_>, _: &StepEnd<'_>) {
            self.0 += 1;
        }
    }
    let world = World::new(&counting(10));
    let faulty = faulty(Fault::FlipResult(0), Opcode::MLOAD);
    for config in [ShadowConfig::default(), config(ShadowMode::PerStep)] {
        let job = world.job();
        let mut watched = primary().start(&job).unwrap().unwrap();
        let mut count = Count::default();
        let other = faulty.start(&job).unwrap().unwrap();
        let mut shadow = Shadow::new(["primary", "faulty"], other, &config).observed_by(&mut count);
        assert_eq!(lockstep(&mut *watched, &mut shadow).unwrap(), Progress::Done);
        let compared = shadow.finish(watched.finish().map_err(EngineError::from));
        assert_eq!((compared.verdict, compared.steps), (Verdict::Agree, 141));
        assert_eq!(count.0, 141);
    }
}

/// If the sides were compared before both have stepped, the last opcode of all would not be.
#[test]
fn what_the_last_opcode_does_is_compared() {
    let world = World::new("PUSH 1 PUSH 0 SSTORE PUSH 0 MLOAD STOP");
    let faulty = faulty(Fault::FlipResult(0), Opcode::MLOAD);
    let found = divergence(compare_engines(primary(), &faulty, &world.job(), &config(ShadowMode::PerStep)));
    assert_eq!((step_of(&found), found.field), ((4, Opcode::MLOAD, true), Field::Stack(0)));
    let world = World::new("PUSH 1 PUSH 0 SSTORE PUSH 0x60 PUSH 0 RETURN");
    let faulty = self::faulty(Fault::GasMore, Opcode::RETURN);
    let found = divergence(compare_engines(primary(), &faulty, &world.job(), &config(ShadowMode::PerStep)));
    assert_eq!((step_of(&found), found.field), ((5, Opcode::RETURN, true), Field::GasCost));
}

/// On one state the second engine would find the slot warm, changed, and the nonce used.
#[test]
fn both_engines_have_their_own_state() {
    let world =
        World::new("PUSH 1 SLOAD PUSH 1 ADD PUSH 1 SSTORE PUSH 1 SLOAD PUSH 0 MSTORE PUSH 32 PUSH 0 RETURN");
    for mode in [ShadowMode::PerBlock, ShadowMode::PerStep] {
        let compared = compare_engines(primary(), engines::mini(), &world.job(), &config(mode));
        assert_eq!(compared.verdict, Verdict::Agree);
        for result in compared.results {
            assert_eq!(result.unwrap().outcome.unwrap().output.last(), Some(&6));
        }
    }
}

/// A divergence in one thing alone: the fault, the opcode that makes it, the field, the cause.
#[test]
fn a_divergence_in_one_thing_alone_is_found_where_it_is_made() {
    let memory = "PUSH 0xff PUSH 0 MSTORE PUSH 1 POP STOP";
    let storage = "PUSH 9 PUSH 1 SSTORE STOP";
    let transient = "PUSH 9 PUSH 1 TSTORE STOP";
    let refund = "PUSH 0 PUSH 1 SSTORE STOP";
    let log = "PUSH 0 PUSH 0 LOG0 STOP";
    let halt = "PUSH 1 JUMP";
    let key = U256::ONE;
    let rows = [
        (memory, Fault::WriteOff, Opcode::MSTORE, Field::Memory(31), Cause::Memory),
        (storage, Fault::SkipStorageWrite, Opcode::SSTORE, Field::Storage(CONTRACT, key), Cause::Storage),
        (storage, Fault::ChangeStorageWrite, Opcode::SSTORE, Field::Storage(CONTRACT, key), Cause::Storage),
        (
            transient,
            Fault::ChangeStorageWrite,
            Opcode::TSTORE,
            Field::TransientStorage(CONTRACT, key),
            Cause::Storage,
        ),
        (refund, Fault::StaleRefund, Opcode::SSTORE, Field::Refund, Cause::Refund),
        (log, Fault::DropLog, Opcode::LOG0, Field::Log(0), Cause::Logs),
        (halt, Fault::SwapHalt, Opcode::JUMP, Field::Halt, Cause::HaltPrecedence),
    ];
    for (code, fault, opcode, field, cause) in rows {
        let world = World::new(code);
        let faulty = faulty(fault, opcode);
        // Either side may be the faulty one, and the watched one.
        for (left, right) in [(primary() as &dyn Engine, &faulty as &dyn Engine), (&faulty, primary())] {
            let compared = compare_engines(left, right, &world.job(), &config(ShadowMode::PerStep));
            let fired = faulty.interpreter().fired().unwrap_or_else(|| panic!("{fault:?} did not fire"));
            let found = divergence(compared);
            let (index, at, is_over) = step_of(&found);
            assert_eq!((index, at, is_over), (fired.index, opcode, true), "{fault:?}: {found}");
            let is_field =
                found.field == field || (fault, found.field) == (Fault::WriteOff, Field::Memory(0));
            assert!(is_field, "{fault:?}: {found}");
            assert_eq!(found.cause, cause, "{fault:?}");
        }
    }
}

#[test]
fn a_transaction_that_one_side_refuses_is_a_divergence_in_every_mode() {
    let refusing =
        Watched("refusing", |_: &Job<'_>, _: &mut dyn Hooks| Err(EngineError::Rejected(Rejection::NoBlobs)));
    let world = World::new(TELLING);
    let sides: [(&dyn Engine, &dyn Engine); 2] = [(&refusing, engines::mini()), (engines::mini(), &refusing)];
    for (left, right) in sides {
        for mode in [ShadowMode::PerCall, ShadowMode::PerBlock, ShadowMode::PerStep] {
            let found = divergence(compare_engines(left, right, &world.job(), &config(mode)));
            assert_eq!((&found.place, found.field), (&Place::Transaction, Field::Status), "{mode:?}");
            let values = [&found.left, &found.right].map(ToString::to_string);
            let mut expected = [format!("rejected: {}", Rejection::NoBlobs), "success".to_owned()];
            if right.name() == "refusing" {
                expected.reverse();
            }
            assert_eq!(values, expected);
        }
    }
}

/// Whichever side panics, the opcode is known.
#[test]
fn a_panic_leaves_its_place() {
    struct Panics<'h>(&'h mut dyn Hooks);
    impl Hooks for Panics<'_> {
        fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
            self.0.on_step(step)
        }
        fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
            assert!(step.index != 2, "out of range");
            self.0.on_step_end(step, end);
        }
        fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
            self.0.on_message(message, phase)
        }
    }
    struct Panicking<'a>(Box<dyn Stepper + 'a>);
    impl Stepper for Panicking<'_> {
        fn run(&mut self, hooks: &mut dyn Hooks) -> Result<Progress, HostError> {
            self.0.run(&mut Panics(hooks))
        }
        fn view(&self) -> Option<StepView<'_>> {
            self.0.view()
        }
        fn message(&self) -> Option<(&Message, MessagePhase<'_>)> {
            self.0.message()
        }
        fn finish(self: Box<Self>) -> Result<Execution, HostError> {
            self.0.finish()
        }
    }
    struct Panicked;
    impl Engine for Panicked {
        fn name(&self) -> &'static str {
            "panicked"
        }
        fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
            Ok(engines::mini().start(job)?.map(|stepper| Box::new(Panicking(stepper)) as Box<dyn Stepper>))
        }
    }
    let world = World::new("PUSH 1 PUSH 2 ADD POP STOP");
    let job = world.job();
    assert_eq!(place_of_panic(), None);
    for (left, right) in
        [(&Panicked as &dyn Engine, engines::mini() as &dyn Engine), (engines::mini(), &Panicked)]
    {
        let compare = || compare_engines(left, right, &job, &config(ShadowMode::PerStep));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(compare)).is_err());
        assert_eq!(place_of_panic().as_deref(), Some("panicked, at or behind step 3, depth 1, pc 4, ADD"));
        assert_eq!(place_of_panic(), None);
    }
}

/// A divergence that a pause is asked for at the same time is not lost, and both sides are never apart.
#[test]
fn a_divergence_outlives_every_pause() {
    struct PauseAlways;
    impl Hooks for PauseAlways {
        fn on_step(&mut self, _: &StepView<'_>) -> StepControl {
            StepControl::Pause
        }
    }
    let world = World::new(&counting(5));
    let faulty = engines::local(
        "faulty",
        FaultyMini::new(FaultPlan::new(Fault::FlipResult(7), Opcode::SUB).at_occurrence(2)),
    );
    let job = world.job();
    let mut both =
        SideBySide::start(primary(), &faulty, &job, &config(ShadowMode::PerStep), RunLimits::default())
            .unwrap()
            .unwrap();
    let (mut pauses, mut seen_at) = (0, None);
    while both.run(&mut PauseAlways).unwrap() == Progress::Paused {
        let [left, right] = both.views().map(|view| view.map(|view| view.index));
        assert_eq!(left, right);
        if both.divergence().is_some() && seen_at.is_none() {
            seen_at = left;
            both.go_on();
        }
        pauses += 1;
    }
    let first = both.divergence().unwrap().clone();
    let run = both.finish();
    let at = run.diverged_at.unwrap();
    assert_eq!(seen_at, Some(at + 1), "the pause comes at the first step after it");
    assert_eq!(run.verdict, Verdict::Diverge(Box::new(first)));
    assert_eq!(pauses, run.total_steps[0]);
    assert_ne!(run.total_steps[0], run.total_steps[1], "the loop goes another number of rounds");
    assert!(run.total_steps[1] > 0 && run.steps.len() as u64 == run.total_steps[0].max(run.total_steps[1]));
    assert!(run.steps[..usize::try_from(at).unwrap()].iter().all(|step| step.mismatch.is_none()));
}

#[test]
fn both_pause_at_a_breakpoint_and_later_at_the_divergence() {
    let callee = Address::repeat_byte(0x33);
    let mut world = World::new(
        "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0x3333333333333333333333333333333333333333 GAS STATICCALL
         PUSH 1 SLOAD PUSH 2 ADD POP PUSH 2 SLOAD",
    );
    let code = assemble("PUSH 1 SLOAD PUSH 0 MSTORE PUSH 32 PUSH 0 RETURN").unwrap();
    world.database.accounts.entry(callee).or_default().code = Bytecode::new(code);
    let faulty = faulty(Fault::FlipResult(3), Opcode::ADD);
    let (job, config) = (world.job(), config(ShadowMode::PerStep));
    let start = SideBySide::start(primary(), &faulty, &job, &config, RunLimits::default());
    let mut both = start.unwrap().unwrap();
    let mut breakpoints =
        Breakpoints::new(vec![Condition::Opcode(Opcode::SLOAD), Condition::Opcode(Opcode::RETURN)]);
    let mut stops = Vec::new();
    while both.run(&mut breakpoints).unwrap() == Progress::Paused {
        let [left, right] = both.views().map(|view| view.map(|view| (view.index, view.depth, view.opcode)));
        assert_eq!(left, right, "both stand before the same step");
        stops.extend(left);
        assert_eq!(both.divergence().is_some(), stops.len() > 3);
        both.go_on();
    }
    let (sload, ret) = (Opcode::SLOAD, Opcode::RETURN);
    // The fourth is the divergence's own: the step behind the ADD.
    assert_eq!(stops, [(8, 1, sload), (13, 1, ret), (15, 0, sload), (18, 0, Opcode::POP), (20, 0, sload)]);
    assert_eq!(both.finish().diverged_at, Some(17));
}

#[test]
fn a_run_that_is_not_told_to_go_on_stands_at_the_divergence() {
    struct Watch;
    impl Hooks for Watch {}
    let world = World::new(&counting(5));
    let faulty = faulty(Fault::FlipResult(7), Opcode::SUB);
    let job = world.job();
    let mut both =
        SideBySide::start(primary(), &faulty, &job, &config(ShadowMode::PerStep), RunLimits::default())
            .unwrap()
            .unwrap();
    assert!(both.views().iter().all(Option::is_none), "neither has begun");
    // There is nothing to go on past yet.
    both.go_on();
    for _ in 0..2 {
        assert_eq!(both.run(&mut Watch).unwrap(), Progress::Paused);
        assert_eq!(both.views().map(|view| view.unwrap().index), [5, 5]);
    }
    assert_eq!(step_of(both.divergence().unwrap()), (4, Opcode::SUB, true));
    // Ended where it stands after it went on: neither side runs to its end alone.
    struct Until(u64);
    impl Hooks for Until {
        fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
            if step.index < self.0 { StepControl::Continue } else { StepControl::Pause }
        }
    }
    both.go_on();
    assert_eq!(both.run(&mut Until(9)).unwrap(), Progress::Paused);
    let run = both.finish();
    assert_eq!((run.total_steps, run.outcomes), ([9, 9], [None, None]));
    assert!(run.steps.iter().all(|step| step.left.is_some() && step.right.is_some()));
}

/// An engine that can only be watched, and what it shows.
struct Watched<F>(&'static str, F);

impl<F: Fn(&Job<'_>, &mut dyn Hooks) -> Result<Execution, EngineError> + Sync> Engine for Watched<F> {
    fn name(&self) -> &'static str {
        self.0
    }
    fn start<'a>(&'a self, _: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        Ok(None)
    }
    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        self.1(job, hooks)
    }
}

#[test]
fn a_callee_s_steps_cannot_be_missing() {
    struct Outer<'h>(&'h mut dyn Hooks);
    impl Hooks for Outer<'_> {
        fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
            if step.depth == 0 { self.0.on_step(step) } else { StepControl::Continue }
        }
        fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
            if step.depth == 0 {
                self.0.on_step_end(step, end);
            }
        }
        fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
            self.0.on_message(message, phase)
        }
    }
    let hiding = Watched("hiding", |job: &Job<'_>, hooks: &mut dyn Hooks| {
        engines::primary().execute(job, &mut Outer(hooks))
    });
    // Calls itself once: with calldata it stops.
    let world = World::new(
        "CALLDATASIZE PUSH @end JUMPI PUSH 0 PUSH 0 PUSH 1 PUSH 0 PUSH 0 ADDRESS GAS CALL POP end: STOP",
    );
    for (left, right) in
        [(&hiding as &dyn Engine, engines::mini() as &dyn Engine), (engines::mini(), &hiding)]
    {
        let found = divergence(compare_engines(left, right, &world.job(), &config(ShadowMode::PerStep)));
        assert_eq!(found.field, Field::Step, "{found}");
        assert!(matches!(&found.place, Place::Message { index: 1, is_over: true, path } if path.len() == 2));
    }
}

#[test]
fn an_engine_that_shows_no_blocks_is_not_called_wrong() {
    struct Messages<'h>(&'h mut dyn Hooks);
    impl Hooks for Messages<'_> {
        fn interest(&self) -> Interest {
            Interest::Messages
        }
        fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
            self.0.on_message(message, phase)
        }
    }
    let blockless = Watched("blockless", |job: &Job<'_>, hooks: &mut dyn Hooks| {
        engines::primary().execute(job, &mut Messages(hooks))
    });
    let poisoned = Verdict::Poisoned("blockless: it shows no block entries".to_owned());
    let silent = Watched("silent", |job: &Job<'_>, _: &mut dyn Hooks| {
        engines::primary().execute(job, &mut parallax_hooks::NoHooks)
    });
    for code in ["STOP", TELLING] {
        let world = World::new(code);
        let compared =
            compare_engines(&blockless, engines::mini(), &world.job(), &config(ShadowMode::PerBlock));
        assert_eq!(compared.verdict, poisoned, "{code}");
        for mode in [ShadowMode::PerBlock, ShadowMode::PerStep] {
            let compared = compare_engines(&silent, engines::mini(), &world.job(), &config(mode));
            let nothing = Verdict::NotCompared("no step, block entry or message was shown".to_owned());
            assert_eq!(compared.verdict, nothing, "{code}");
        }
    }
}

/// Calls itself until no more gas is left to forward; deep down one engine forgets a gas.
#[test]
fn a_divergence_far_below_is_found_with_its_whole_path_and_a_short_report() {
    let world = World::new("PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 ADDRESS GAS CALL POP STOP");
    let mini = FaultyMini::new(FaultPlan::new(Fault::GasLess, Opcode::ADDRESS).at_occurrence(200));
    let faulty = engines::local("faulty", mini);
    let found = divergence(compare_engines(primary(), &faulty, &world.job(), &config(ShadowMode::PerStep)));
    assert_eq!((found.field, found.place.path().len()), (Field::GasCost, 201));
    assert!(matches!(found.place, Place::Step { step, .. } if step.depth == 200));
    assert!(found.to_string().lines().count() < 100, "{found}");
}

#[test]
fn comparison_goes_on_past_the_bound_of_the_record() {
    let world = World::new(&counting(100));
    let plan = FaultPlan::new(Fault::ChangeStorageWrite, Opcode::TSTORE).at_occurrence(90);
    let faulty = engines::local("faulty", FaultyMini::new(plan));
    let limits = RunLimits { recorded_steps: 10, ..RunLimits::default() };
    let run = run_both_per_step(primary(), &faulty, &world.job(), &config(ShadowMode::PerStep), limits);
    let fired = faulty.interpreter().fired().unwrap();
    assert_eq!(run.diverged_at, Some(fired.index));
    assert_eq!((run.steps.len(), run.steps_dropped), (10, run.total_steps[0] - 10));
    assert_eq!(run.gas_delta, Some(0));
    assert!(run.times.iter().all(|time| !time.is_zero()), "{:?}", run.times);

    let skipping = ShadowConfig { mode: ShadowMode::PerStep, ..ShadowConfig::default() };
    let run = run_both_per_step(primary(), &faulty, &world.job(), &skipping, limits);
    assert_eq!(
        (run.steps[0].index, run.steps[0].mismatch.as_ref().map(|mismatch| mismatch.field.name())),
        (fired.index, Some("transient storage"))
    );

    let limits = RunLimits { steps: 50, ..RunLimits::default() };
    let run = run_both_per_step(primary(), &faulty, &world.job(), &skipping, limits);
    assert_eq!(run.verdict, Verdict::Limit("more than 50 steps".to_owned()));
}

/// Differences at the far end of all that a report cuts.
#[test]
fn limits_cut_what_is_shown_and_never_what_is_found() {
    // Of a hundred items the lowest.
    static DEEP: [U256; 100] = {
        let mut items = [U256::ZERO; 100];
        items[0] = U256::ONE;
        items
    };
    let stack = World::new(&format!("{} JUMPDEST STOP", "PUSH 0 ".repeat(100)));
    let deep = Tampered { view: |step| step.stack = &DEEP, ..Tampered::new(100) };
    // Of a word of memory the last byte, behind three slots.
    let memory = World::new("PUSH 1 SLOAD PUSH 2 SLOAD PUSH 3 SLOAD PUSH 0xff PUSH 64 MSTORE STOP");
    let off = faulty(Fault::WriteOff, Opcode::MSTORE);
    for (limit, window) in [(0, 0), (1, 1), (2, 32), (64, 100), (usize::MAX, usize::MAX)] {
        let config = ShadowConfig {
            stack_compare_limit: limit,
            memory_window: window,
            storage_key_limit: limit,
            max_summary_length: window,
            ..config(ShadowMode::PerStep)
        };
        let found = divergence(compare_engines(&deep, engines::mini(), &stack.job(), &config));
        assert_eq!((step_of(&found), found.field), ((100, Opcode::JUMPDEST, true), Field::Stack(99)));
        for side in &found.detail.unwrap().sides {
            assert_eq!((side.stack.len(), side.stack_size), (limit.min(100), 100));
        }

        let found = divergence(compare_engines(primary(), &off, &memory.job(), &config));
        assert_eq!((step_of(&found), found.field), ((8, Opcode::MSTORE, true), Field::Memory(95)));
        let detail = found.detail.as_ref().unwrap();
        assert_eq!(detail.slots.len(), limit.min(3));
        for side in &detail.sides {
            let end = side.memory_offset + side.memory.len();
            assert!(side.memory.len() <= window && side.memory_size == 96, "{side:?}");
            assert!(window == 0 || (side.memory_offset..end).contains(&95), "{side:?}");
        }
        let values =
            found.summary().into_iter().filter_map(|line| Some(line.strip_prefix("  faulty")?.trim().len()));
        // The first byte that differs and what stands around it are shown always.
        assert!(values.max().unwrap() <= window.max(26), "{found}");
        let bare = ShadowConfig { enable_detailed_diffs: false, ..config };
        let bare = divergence(compare_engines(primary(), &off, &memory.job(), &bare));
        assert_eq!(bare, Divergence { detail: None, ..found });
    }
}

/// One line at every length: never longer, and of a long value what differs as long as there is room for it.
#[test]
fn a_divergence_in_one_line_is_as_long_as_it_may_be() {
    let memory = World::new("PUSH 1 PUSH 64 MSTORE PUSH 1 PUSH 1 SSTORE STOP");
    let found = |fault, opcode| {
        let faulty = faulty(fault, opcode);
        divergence(compare_engines(primary(), &faulty, &memory.job(), &config(ShadowMode::PerStep)))
    };
    let gas = found(Fault::GasMore, Opcode::MSTORE);
    let line = "after step 3 at depth 1, pc 4, MSTORE, gas cost: primary 12 (0xc), faulty 13 (0xd)";
    assert_eq!(gas.one_line(82), line);
    assert_eq!(gas.one_line(81), format!("{}..", &line[..79]));
    let slot = found(Fault::ChangeStorageWrite, Opcode::SSTORE);
    let place = "after step 6 at depth 1, pc 9, SSTORE, storage";
    let whole = format!("{place} of {CONTRACT:#x} at 0x1: primary 0x1, faulty 0x0");
    assert_eq!((slot.one_line(1000), slot.one_line(whole.len())), (whole.clone(), whole.clone()));
    // Without the slot's name there is room for the byte that differs.
    assert_eq!(slot.one_line(120), format!("{place}: primary 0x..01, faulty 0x..00"));
    for found in [&gas, &slot] {
        for max in 0..200 {
            let line = found.one_line(max);
            assert!(line.chars().count() <= max && !line.contains('\n'), "{max}: {line}");
        }
    }
}

#[test]
fn what_is_tolerated_hides_nothing_beside_it() {
    static TOLERANCES: [Tolerance; 1] = [Tolerance {
        name: "first item and first word",
        reason: "a test",
        covers: |step| matches!(step.mismatch.field, Field::Stack(0) | Field::Memory(0..32)),
    }];
    let code = "PUSH 1 PUSH 0 MSTORE PUSH 1 PUSH 32 MSTORE PUSH 1 PUSH 2 JUMPDEST STOP";
    // Left behind by the second MSTORE, and by JUMPDEST.
    let rows: [(u64, fn(&mut StepView<'_>), Field); 4] = [
        (5, |step| step.memory = &[9; 64], Field::Memory(32)),
        (5, |step| step.memory = &[0; 64], Field::Memory(63)),
        (8, |step| step.stack = &[U256::MAX; 2], Field::Stack(1)),
        (8, |step| step.stack = &[U256::ONE; 2], Field::Stack(0)),
    ];
    let world = World::new(code);
    for (from, view, field) in rows {
        let tampered = Tampered { view, ..Tampered::new(from) };
        let config = ShadowConfig { tolerances: &TOLERANCES, ..config(ShadowMode::PerStep) };
        let compared = compare_engines(engines::mini(), &tampered, &world.job(), &config);
        if field == Field::Stack(0) {
            assert_eq!(compared.verdict, Verdict::Agree);
            continue;
        }
        let found = divergence(compared);
        assert_eq!((step_of(&found).0, found.field), (from, field));
    }
}

#[test]
fn a_run_that_goes_on_past_a_divergence_has_its_limit_too() {
    let world = World::new("loop: PUSH 1 PUSH 2 ADD POP PUSH @loop JUMP");
    let faulty = faulty(Fault::FlipResult(0), Opcode::ADD);
    let limits = RunLimits { steps: 50, ..RunLimits::default() };
    let config = config(ShadowMode::PerStep);
    let run = run_both_per_step(primary(), &faulty, &world.job(), &config, limits);
    assert_eq!((run.diverged_at, run.total_steps, run.outcomes), (Some(3), [50, 50], [None, None]));
    assert!(matches!(run.verdict, Verdict::Diverge(_)));
}

#[test]
fn a_run_per_call_has_totals_and_no_steps() {
    let world = World::new("PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 4 GAS CALL STOP");
    let config = config(ShadowMode::PerStep);
    let run = run_both_per_call(primary(), engines::mini(), &world.job(), &config);
    assert_eq!((run.mode, &run.verdict, run.total_steps), (ShadowMode::PerCall, &Verdict::Agree, [2, 2]));
    assert!(run.steps.is_empty() && run.gas_used[0].is_some() && run.gas_delta == Some(0));
    // Each side's own, where one of them does not jump over its call.
    let calls =
        "PUSH 0 PUSH 1 ADD PUSH @end JUMPI PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 4 GAS CALL end: STOP";
    let flipped = faulty(Fault::FlipResult(0), Opcode::ADD);
    let run = run_both_per_call(primary(), &flipped, &World::new(calls).job(), &config);
    assert_eq!(run.total_steps, [1, 2]);

    let faulty = faulty(Fault::GasMore, Opcode::CALL);
    let run = run_both_per_call(primary(), &faulty, &world.job(), &config);
    let Verdict::Diverge(found) = &run.verdict else { panic!("{:?}", run.verdict) };
    assert!(matches!(found.place, Place::Message { index: 0, is_over: true, .. }), "{found}");
    assert_eq!((found.field, run.diverged_at, run.gas_delta), (Field::GasLeft, None, Some(1)));
}

/// What the fast form alone does wrong is found at the next block entry, and the opcode that wrote it is named.
#[test]
fn a_wrong_fast_form_is_found_at_the_next_block() {
    let code = "PUSH 5 PUSH 0 MSTORE PUSH 3 DUP1 MUL PUSH 1 PUSH @next JUMPI STOP next: POP STOP";
    let world = World::new(code);
    let rows: [(fn(&mut StepView<'_>), Field, Option<(usize, Opcode)>); 4] = [
        (|entry| entry.stack = &OTHER, Field::Stack(0), Some((7, Opcode::MUL))),
        (|entry| entry.memory = &[0; 32], Field::Memory(31), Some((3, Opcode::MSTORE))),
        (|entry| entry.gas -= 1, Field::Gas, None),
        (|entry| entry.refund += 1, Field::Refund, None),
    ];
    for (view, field, suspect) in rows {
        let tampered = Tampered { view, ..Tampered::new(1) };
        // Wrong where blocks are shown alone.
        let fast = Watched("fast", |job: &Job<'_>, hooks: &mut dyn Hooks| match hooks.interest() {
            Interest::Blocks => tampered.execute(job, hooks),
            _ => engines::primary().execute(job, hooks),
        });
        let compared = compare_engines(&fast, engines::mini(), &world.job(), &config(ShadowMode::PerBlock));
        let found = divergence(compared);
        assert_eq!(found.field, field);
        let Place::Block { index, pc, suspect: named, .. } = found.place else { panic!("{found}") };
        assert_eq!((index, pc), (1, 14));
        assert_eq!(named.map(|suspect| (suspect.pc, suspect.opcode)), suspect, "{field}");
    }
}

/// What both forms do wrong is found in the mode per-block too, and told by the opcode.
#[test]
fn a_divergence_at_a_block_entry_says_which_opcode() {
    let world = World::new(&counting(5));
    let faulty = faulty(Fault::FlipResult(3), Opcode::SUB);
    let found = divergence(compare_engines(primary(), &faulty, &world.job(), &config(ShadowMode::PerBlock)));
    assert_eq!((step_of(&found), found.field), ((4, Opcode::SUB, true), Field::Stack(0)));
}

#[test]
fn storage_and_logs_are_compared_at_block_entries() {
    let world = World::new(
        "PUSH 9 PUSH 1 SSTORE PUSH 1 PUSH @next JUMPI STOP next: PUSH 0 PUSH 0 LOG0 PUSH 1 PUSH @end JUMPI STOP end: STOP",
    );
    for (fault, opcode, field) in [
        (Fault::ChangeStorageWrite, Opcode::SSTORE, Field::Storage(CONTRACT, U256::ONE)),
        (Fault::DropLog, Opcode::LOG0, Field::Log(0)),
    ] {
        let faulty = faulty(fault, opcode);
        let found =
            divergence(compare_engines(primary(), &faulty, &world.job(), &config(ShadowMode::PerBlock)));
        assert_eq!((step_of(&found).1, found.field), (opcode, field));
    }
}

#[test]
fn a_call_s_gas_is_split_by_cause() {
    // The stipend is given and not taken, be the message refused for want of balance; what a creation forwards is no part of its cost.
    for (source, opcode, [static_gas, forwarded, access]) in [
        ("PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0x99 PUSH 5000 CALL STOP", Opcode::CALL, [100, 5000, 2500]),
        (
            "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 1 PUSH 0x99 PUSH 5000 CALL STOP",
            Opcode::CALL,
            [100, 5000, 2500 + 9000 + 25_000],
        ),
        ("PUSH 0 PUSH 0 PUSH 0 CREATE STOP", Opcode::CREATE, [32_000, 0, 0]),
    ] {
        let world = World::new(source);
        let faulty = faulty(Fault::GasMore, opcode);
        let found =
            divergence(compare_engines(primary(), &faulty, &world.job(), &config(ShadowMode::PerStep)));
        assert_eq!(found.field, Field::GasCost);
        let [left, right] = found.detail.unwrap().sides.map(|side| side.gas.unwrap());
        assert_eq!((left.static_gas, left.memory, left.total() + 1), (static_gas, 0, right.total()));
        assert_eq!(
            (left.forwarded, left.access, right.access),
            (forwarded, access, access + 1),
            "{left:?} {right:?}"
        );
    }
}

#[test]
fn a_world_that_fails_on_one_side_poisons() {
    struct Failing;
    impl Stepper for Failing {
        fn run(&mut self, _: &mut dyn Hooks) -> Result<Progress, HostError> {
            Err(HostError::new("the disk is gone"))
        }
        fn view(&self) -> Option<StepView<'_>> {
            None
        }
        fn message(&self) -> Option<(&Message, MessagePhase<'_>)> {
            None
        }
        fn finish(self: Box<Self>) -> Result<Execution, HostError> {
            Err(HostError::new("the disk is gone"))
        }
    }
    impl Engine for Failing {
        fn name(&self) -> &'static str {
            "failing"
        }
        fn start<'a>(&'a self, _: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
            Ok(Some(Box::new(Failing)))
        }
    }
    let world = World::new("STOP");
    for (left, right) in
        [(&Failing as &dyn Engine, engines::mini() as &dyn Engine), (engines::mini(), &Failing)]
    {
        for mode in [ShadowMode::PerStep, ShadowMode::PerBlock] {
            let compared = compare_engines(left, right, &world.job(), &config(mode));
            assert_eq!(compared.verdict, Verdict::Poisoned("failing: the disk is gone".to_owned()));
        }
    }
}
