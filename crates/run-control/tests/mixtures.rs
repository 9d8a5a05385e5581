//! A run that is cut up in any way shows what a plain run shows: tracers see every opcode and message once, in order, with the same
//! numbers, whoever pauses where.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use parallax_campaign::engines;
use parallax_engine_interface::{Engine, Execution, Job, Progress, Stepper};
use parallax_generator::Scenario;
use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl};
use parallax_primitives::Message;
use parallax_run_control::{Breakpoints, Condition, StepBudget, run_until, step_into, step_out, step_over};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options, Summary};
use parallax_tracer_standard::{Recorder, Trace, TracerConfig};

/// As many as are run, each with nested messages.
const TRANSACTIONS: u64 = 1_000;

/// Numbers out of a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % limit
    }
}

/// Both tracers of a run.
struct Tracers(Traced<(Eip3155Tracer<Vec<u8>>, Recorder)>);

impl Tracers {
    fn new() -> Self {
        let options = Options { memory: true, storage: true, ..Options::new(Dialect::Eip3155) };
        Self(Traced((Eip3155Tracer::new(Vec::new(), options), Recorder::new(TracerConfig::full()))))
    }

    fn finish(self) -> (String, Trace) {
        let (lines, recorder) = self.0.0;
        (
            String::from_utf8(lines.finish(Some(&Summary::default())).out.unwrap()).unwrap(),
            recorder.into_trace(),
        )
    }
}

/// Pauses at messages now and then.
struct PauseAtMessages<'r>(&'r mut Random);

impl Hooks for PauseAtMessages<'_> {
    fn interest(&self) -> Interest {
        Interest::Messages
    }
    fn on_message(&mut self, _: &Message, _: MessagePhase<'_>) -> StepControl {
        if self.0.below(3) == 0 { StepControl::Pause } else { StepControl::Continue }
    }
}

/// Goes on in one of the ways there are, with `tracers` looking on.
fn go_on(stepper: &mut dyn Stepper, tracers: &mut dyn Hooks, random: &mut Random) -> Progress {
    let progress = match random.below(40) {
        0..8 => stepper.step(tracers),
        8..16 => step_into(stepper, tracers),
        16..28 => step_over(stepper, tracers),
        28 => step_out(stepper, tracers),
        29..36 => stepper.run(&mut (tracers, StepBudget { left: random.below(20) })),
        36 | 37 => stepper.run(&mut (tracers, PauseAtMessages(random))),
        38 => run_until(stepper, Condition::Any(vec![Condition::Revert, Condition::Create(None)]), tracers),
        _ => {
            let deeper = stepper.view().map_or(1, |view| view.depth + 1);
            let same = stepper.view().map(|view| Condition::Opcode(view.opcode));
            let conditions = [Condition::Enter(deeper), Condition::Pc(7)].into_iter().chain(same).collect();
            stepper.run(&mut (Breakpoints::new(conditions), tracers))
        }
    };
    progress.unwrap()
}

fn plain(engine: &dyn Engine, job: &Job<'_>) -> Option<(Execution, (String, Trace))> {
    let mut tracers = Tracers::new();
    let execution = engine.execute(job, &mut tracers.0).ok()?;
    Some((execution, tracers.finish()))
}

#[test]
fn a_trace_is_the_same_however_the_run_is_cut_up() {
    let (mut traced, mut seed, mut pauses) = (0, 0, 0_u64);
    while traced < TRANSACTIONS {
        seed += 1;
        let scenario = Scenario::new(seed);
        let job = scenario.job();
        // Rejected, or without a message inside, or with a thousand.
        let Some(expected) = plain(engines::mini(), &job) else { continue };
        if !(2..100).contains(&expected.1.1.calls().len()) {
            continue;
        }
        traced += 1;
        for engine in [engines::mini() as &dyn Engine, &*engines::by_name("primary").unwrap()] {
            let mut random = Random(seed);
            let mut tracers = Tracers::new();
            let mut stepper = engine.start(&job).unwrap().unwrap();
            while go_on(&mut *stepper, &mut tracers.0, &mut random) == Progress::Paused {
                pauses += 1;
            }
            assert_eq!(stepper.finish().unwrap(), expected.0, "seed {seed}, {}", engine.name());
            let (lines, trace) = tracers.finish();
            assert_eq!(lines, expected.1.0, "seed {seed}, {}", engine.name());
            assert_eq!(trace, expected.1.1, "seed {seed}, {}", engine.name());
        }
    }
    assert!(pauses > 10 * TRANSACTIONS, "{pauses} pauses");
}
