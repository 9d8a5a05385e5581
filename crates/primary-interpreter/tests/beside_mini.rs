//! The quick differential run: every fixture on the fast engine beside the plain one, at every step and at every block entry.

use std::path::Path;

use parallax_engine_interface::{Engine, EngineError, Interpreter, Job, Stepper};
use parallax_machine::{Machine, validate};
use parallax_mini_interpreter::Mini;
use parallax_primary_interpreter::{Primary, Tiering};
use parallax_shadow_diff::{ShadowConfig, ShadowMode, Verdict, compare_engines};
use parallax_state::State;
use parallax_state_tests::cases;

struct Local<I>(&'static str, I);

impl<I: Interpreter + Sync> Engine for Local<I> {
    fn name(&self) -> &'static str {
        self.0
    }

    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        let validated = validate(job)?;
        let state = State::new(job.database, job.rules, job.block.clone(), validated.transaction.clone());
        Ok(Some(Box::new(Machine::new(
            &self.1,
            &parallax_precompiles::Contracts,
            job,
            validated,
            Box::new(state),
        )?)))
    }
}

#[track_caller]
fn check(mode: ShadowMode, tiering: Tiering) {
    let config = ShadowConfig { mode, ..ShadowConfig::default() };
    let (primary, mini) = (Local("primary", Primary::with_tiering(tiering)), Local("mini", Mini));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the fixtures are there")
        .map(|file| file.expect("a file").path())
        .collect();
    files.sort();
    let mut compared = 0;
    for case in files.iter().flat_map(|file| cases(file).expect("a fixture")) {
        let case = case.expect("a case");
        let Ok(job) = case.job() else { continue };
        let verdict = compare_engines(&primary, &mini, &job, &config).verdict;
        assert!(
            matches!(verdict, Verdict::Agree | Verdict::Rejected(_)),
            "{} {tiering:?} {mode:?}: {verdict:?}",
            case.name
        );
        compared += 1;
    }
    assert!(compared > 600, "{compared}");
}

#[test]
fn fixtures_agree_at_every_step() {
    check(ShadowMode::PerStep, Tiering::WhenHot);
}

#[test]
fn fixtures_agree_at_every_block_entry() {
    check(ShadowMode::PerBlock, Tiering::Always);
}
