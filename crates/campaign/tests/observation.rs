//! Looking on and pausing change nothing, and what is seen adds up: on every fixture and official case, on both engines.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod books;

use std::path::PathBuf;

use books::Books;
use parallax_campaign::{discover, engines, shared_folder};
use parallax_engine_interface::{Engine, EngineError, Execution, Job, Progress};
use parallax_hooks::{End, Hooks, Interest, MessagePhase, NoHooks, Start, StepControl, StepView};
use parallax_primitives::{Message, TxOutcome};
use parallax_run_control::CancelFlag;
use parallax_state_tests::{Case, cases};
use rayon::prelude::*;

fn for_every_case(check: impl Fn(&Case) + Sync) {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests")];
    match shared_folder().map(|folder| folder.join("eest")).filter(|folder| folder.is_dir()) {
        Some(folder) => folders.push(folder),
        None => eprintln!("left out: no official state tests beside the repository, nor in PARALLAX_SHARED"),
    }
    let files: Vec<PathBuf> = discover(&folders, &mut std::io::empty()).unwrap();
    let checked: usize =
        files.par_iter().map(|file| cases(file).unwrap().map(|case| check(&case.unwrap())).count()).sum();
    eprintln!("{checked} cases");
    assert!(checked > 0);
}

/// Pauses before every opcode, or every block.
struct PauseAlways(Interest);

impl Hooks for PauseAlways {
    fn interest(&self) -> Interest {
        self.0
    }
    fn on_step(&mut self, _: &StepView<'_>) -> StepControl {
        StepControl::Pause
    }
    fn on_block(&mut self, _: &StepView<'_>) -> StepControl {
        StepControl::Pause
    }
    fn on_message(&mut self, _: &Message, _: MessagePhase<'_>) -> StepControl {
        StepControl::Pause
    }
}

/// What it is told of where a run starts and ends, whatever its interest.
#[derive(Default)]
struct Told {
    starts: u32,
    ends: Vec<Result<Option<TxOutcome>, String>>,
}

impl Hooks for Told {
    fn interest(&self) -> Interest {
        assert_eq!((self.starts, self.ends.len()), (1, 0), "asked between the start and the end");
        Interest::Nothing
    }

    fn on_start(&mut self, _: &Start<'_>) {
        assert!(self.ends.is_empty(), "a start behind an end");
        self.starts += 1;
    }

    fn on_end(&mut self, end: &End<'_>) {
        assert_eq!(self.starts, 1);
        self.ends.push(match end {
            End::Outcome(outcome) => Ok(Some((*outcome).clone())),
            End::Aborted => Ok(None),
            End::Rejected(rejection) => Err(rejection.to_string()),
            End::Failed(error) => Err(error.to_string()),
        });
    }
}

impl Told {
    /// It was told of one start, and of the end that the run came to.
    #[track_caller]
    fn check(&self, result: &Result<Execution, EngineError>) {
        let end = result.as_ref().map(|execution| execution.outcome.clone()).map_err(ToString::to_string);
        assert_eq!((self.starts, &self.ends[..]), (1, &[end][..]));
    }
}

/// The same, of a run that is asked for its interest at every part.
struct Paused<'t>(&'t mut Told);

impl Hooks for Paused<'_> {
    fn interest(&self) -> Interest {
        Interest::Nothing
    }

    fn on_start(&mut self, start: &Start<'_>) {
        self.0.on_start(start);
    }

    fn on_end(&mut self, end: &End<'_>) {
        self.0.on_end(end);
    }
}

/// Ends a run before its second message.
struct Aborts(u32);

impl Hooks for Aborts {
    fn interest(&self) -> Interest {
        Interest::Messages
    }

    fn on_message(&mut self, _: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.0 += u32::from(matches!(phase, MessagePhase::Before));
        if self.0 > 1 { StepControl::Abort } else { StepControl::Continue }
    }
}

/// What is told of a run that nobody watches, of one that is watched, and of one that is ended.
#[track_caller]
fn is_told(engine: &dyn Engine, job: &Job<'_>) {
    for watcher in [Interest::Nothing, Interest::Messages, Interest::Steps] {
        let mut told = Told::default();
        let result = engine.execute(job, &mut (&mut told, Watcher(watcher)));
        told.check(&result);
    }
    let mut told = Told::default();
    let result = engine.execute(job, &mut (&mut told, Aborts(0)));
    told.check(&result);
}

struct Watcher(Interest);

impl Hooks for Watcher {
    fn interest(&self) -> Interest {
        self.0
    }
}

/// The gas of every frame adds up, and the run is what it is without a look at it.
fn books_balance(engine: &dyn Engine, job: &Job<'_>, plain: &Result<Execution, EngineError>, what: &str) {
    let mut books = Books::new(job.rules);
    let seen = engine.execute(job, &mut books);
    assert!(books.are_closed());
    match (plain, seen) {
        (Ok(plain), Ok(seen)) => assert_eq!(*plain, seen, "{what}"),
        (Err(plain), Err(seen)) => assert_eq!(plain.to_string(), seen.to_string(), "{what}"),
        (plain, seen) => panic!("{what}: {plain:?} {seen:?}"),
    }
}

/// A run that pauses before every opcode, block entry and message is what it is in one go.
fn pausing_changes_nothing(engine: &dyn Engine, job: &Job<'_>, plain: &Execution, what: &str) {
    let mut stepped = engine.start(job).unwrap().unwrap();
    while stepped.step(&mut NoHooks).unwrap() == Progress::Paused {}
    assert_eq!(stepped.finish().unwrap(), *plain, "{what}");
    for interest in [Interest::Steps, Interest::Blocks, Interest::Messages] {
        let mut paused = engine.start(job).unwrap().unwrap();
        let (mut open, mut told) = (0, Told::default());
        while paused.run(&mut (PauseAlways(interest), Paused(&mut told))).unwrap() == Progress::Paused {
            match paused.message() {
                None => assert!(paused.view().is_some() && interest != Interest::Messages),
                Some((_, MessagePhase::Before)) => open += 1,
                Some((_, MessagePhase::After(_))) => open -= 1,
            }
        }
        assert_eq!(open, 0, "it pauses before and behind every message");
        assert_eq!(paused.finish().unwrap(), *plain, "{interest:?} {what}");
        told.check(&Ok(plain.clone()));
    }
    let unhindered = engine.execute(job, &mut CancelFlag::default()).unwrap();
    assert_eq!(unhindered, *plain, "{what}");
}

/// What both engines show at a block entry.
#[derive(Default, PartialEq, Debug)]
struct Entries {
    digest: u64,
    count: u64,
}

impl Hooks for Entries {
    fn interest(&self) -> Interest {
        Interest::Blocks
    }

    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        (
            self.digest,
            entry.index,
            entry.depth,
            entry.pc,
            entry.opcode,
            entry.gas,
            entry.state_gas,
            entry.refund,
        )
            .hash(&mut hasher);
        (entry.stack, entry.memory.len(), entry.return_data.len()).hash(&mut hasher);
        self.digest = hasher.finish();
        self.count += 1;
        StepControl::Continue
    }
}

/// The fast form at every block entry is what the plain engine is there.
fn block_entries_are_the_same(job: &Job<'_>, what: &str) {
    let [primary, mini] = [engines::by_name("primary-always"), engines::by_name("mini")].map(|engine| {
        let mut entries = Entries::default();
        let outcome = engine.unwrap().execute(job, &mut entries);
        (entries, outcome.ok())
    });
    assert_eq!(primary, mini, "{what}");
}

// One test: the cases are read once.
#[test]
fn whoever_looks_on_or_pauses_changes_nothing() {
    let (primary, revm) = (engines::primary(), engines::by_name("revm").unwrap());
    for_every_case(|case| {
        let Ok(job) = case.job() else { return };
        let what = format!("{} {}", case.file, case.name);
        let engines: [&dyn Engine; 2] = [&primary, engines::mini()];
        for engine in engines {
            let plain = engine.execute(&job, &mut NoHooks);
            books_balance(engine, &job, &plain, &what);
            if let Ok(plain) = &plain {
                pausing_changes_nothing(engine, &job, plain, &what);
            }
        }
        block_entries_are_the_same(&job, &what);
        // The same on every case; so a part of them, drawn by their names, is enough.
        if case.name.len() % 32 == 0 {
            engines.into_iter().chain([&*revm as &dyn Engine]).for_each(|engine| is_told(engine, &job));
        }
    });
}
