//! The default comparison sees what is wrong in a fast form alone, whichever form it is in, and shows it again; and what it says of a
//! case depends on no other case.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use parallax_campaign::{
    Campaign, Delivered, DiffOutcome, DiffSetup, DiffSummary, Selection, compare_job, config, diff_text,
    diff_with, discover,
    engines::{self, CaseEngine, EngineName, EngineSource, FastCounts, FastForm, LocalEngine},
};
use parallax_engine_interface::{Engine, EngineError, Execution, Job, Stepper};
use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl, StepEnd, StepView};
use parallax_host_interface::AccountChange;
use parallax_primary_interpreter::{Primary, Tiering};
use parallax_primitives::{FrameOutcome, Message, U256};
use parallax_shadow_diff::{Place, ShadowConfig, ShadowMode, Side, Verdict};
use regex::Regex;

/// What a wrong instruction of the fast form does.
#[derive(Clone, Copy)]
enum Fault {
    /// A wrong item on the stack at the second block entry.
    Stack,
    /// A wrong byte of memory there.
    Memory,
    /// A gas too many there.
    Gas,
    /// A callee's output.
    Output,
    /// What is stored in the end.
    Change,
}

/// The fast engine, wrong in its fast form, in one of its runs.
struct Wrong {
    inner: LocalEngine<Primary>,
    fault: Fault,
    run: u32,
    runs: AtomicU32,
}

impl Wrong {
    fn made(tiering: Tiering, fault: Fault, run: u32) -> Box<dyn CaseEngine> {
        Box::new(Self { inner: engines::primary_with(tiering), fault, run, runs: AtomicU32::new(0) })
    }
}

impl CaseEngine for Wrong {
    fn fast(&self) -> Option<FastCounts> {
        self.inner.fast()
    }
}

impl Engine for Wrong {
    fn name(&self) -> &'static str {
        "primary"
    }

    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        self.inner.start(job)
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        let is_wrong = self.runs.fetch_add(1, Ordering::Relaxed) == self.run;
        // Steps run no fast instruction.
        if !is_wrong || hooks.interest() == Interest::Steps {
            return self.inner.execute(job, hooks);
        }
        let mut execution =
            self.inner.execute(job, &mut Spoiling { hooks, fault: self.fault, entries: 0 })?;
        if matches!(self.fault, Fault::Change) {
            for change in execution.changes.accounts.values_mut() {
                if let AccountChange::Changed { storage, .. } = change {
                    storage.values_mut().for_each(|value| *value += U256::ONE);
                }
            }
        }
        Ok(execution)
    }
}

struct Spoiling<'h> {
    hooks: &'h mut dyn Hooks,
    fault: Fault,
    entries: u32,
}

impl Hooks for Spoiling<'_> {
    fn interest(&self) -> Interest {
        self.hooks.interest()
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.hooks.on_step(step)
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.hooks.on_step_end(step, end);
    }

    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.entries += 1;
        if self.entries != 2 {
            return self.hooks.on_block(entry);
        }
        let (mut stack, mut memory, mut gas) = (entry.stack.to_vec(), entry.memory.to_vec(), entry.gas);
        match self.fault {
            Fault::Stack => stack[0] ^= U256::ONE << 200,
            Fault::Memory => memory[33] ^= 1,
            Fault::Gas => gas -= 1,
            Fault::Output | Fault::Change => {}
        }
        self.hooks.on_block(&StepView { stack: &stack, memory: &memory, gas, ..*entry })
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        match (self.fault, phase) {
            (Fault::Output, MessagePhase::After(outcome)) if message.depth == 1 => {
                let output = vec![1; outcome.output.len()].into();
                let outcome = FrameOutcome { output, ..outcome.clone() };
                self.hooks.on_message(message, MessagePhase::After(&outcome))
            }
            (_, phase) => self.hooks.on_message(message, phase),
        }
    }
}

/// The fast engine whose forms are these.
struct WithForms(&'static [FastForm]);

impl EngineSource for WithForms {
    fn name(&self) -> &'static str {
        "primary"
    }

    fn make(&self) -> Box<dyn CaseEngine + '_> {
        Box::new(engines::primary())
    }

    fn forms(&self) -> &'static [FastForm] {
        self.0
    }
}

const SOUND: FastForm =
    FastForm { runs: &["primary-always"], make: || Box::new(engines::primary_with(Tiering::Always)) };

macro_rules! always {
    ($fault:ident) => {
        WithForms(&[FastForm {
            runs: &["primary-always"],
            make: || Wrong::made(Tiering::Always, Fault::$fault, 0),
        }])
    };
}

macro_rules! shipped {
    ($fault:ident, $run:literal) => {
        WithForms(&[
            SOUND,
            FastForm {
                runs: &["primary cold", "primary hot"],
                make: || Wrong::made(Tiering::WhenHot, Fault::$fault, $run),
            },
        ])
    };
}

/// Files that are there for as long as this is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("parallax-fast-forms-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// A state test of a code, with a callee that returns a word.
    fn test(&self, name: &str, code: &str) -> PathBuf {
        let assembled = |source| parallax_assembly::assemble(source).unwrap().to_string();
        let callee = "PUSH 5 PUSH 0 MSTORE PUSH 32 PUSH 0 RETURN";
        let text = serde_json::json!({ name: {
            "env": {"currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba", "currentDifficulty": "0x00",
                "currentGasLimit": "0x05f5e100", "currentNumber": "0x01", "currentTimestamp": "0x03e8",
                "currentBaseFee": "0x07", "currentRandom": "0x00"},
            "pre": {
                "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b":
                    {"nonce": "0x00", "balance": "0x0de0b6b3a7640000", "code": "0x", "storage": {}},
                "0x000000000000000000000000000000000000c0de":
                    {"nonce": "0x01", "balance": "0x00", "code": assembled(code), "storage": {}},
                "0x0000000000000000000000000000000000ca11ee":
                    {"nonce": "0x01", "balance": "0x00", "code": assembled(callee), "storage": {}}},
            "transaction": {"data": ["0x"], "gasLimit": ["0x0186a0"], "value": ["0x00"], "gasPrice": "0x0a", "nonce": "0x00",
                "to": "0x000000000000000000000000000000000000c0de", "sender": "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b"},
            "post": {"Prague": [{"indexes": {"data": 0, "gas": 0, "value": 0},
                "hash": "0x9dfa37c38fada0d9d1654cefff28b20fb00a5396ceb1d18418f5128aa30a9e91",
                "logs": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"}]}
        }});
        let path = self.0.join(format!("{name}.json"));
        fs::write(&path, text.to_string()).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Two entries with something on the stack and in memory; then a callee, and a slot.
const CODE: &str = "PUSH 7 PUSH 32 MSTORE PUSH 9 PUSH @on JUMP on:
    PUSH 32 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xca11ee PUSH 50000 CALL SSTORE STOP";

/// What two sides come to on the cases of `files`, the texts and the sum.
fn compare(
    files: &[PathBuf],
    sides: [&dyn EngineSource; 2],
    mode: ShadowMode,
    selection: &Selection,
    jobs: usize,
) -> (Vec<(String, DiffOutcome)>, Vec<String>, DiffSummary) {
    let cancel = AtomicBool::new(false);
    let campaign = Campaign { files, selection, jobs, cancel: &cancel };
    let [left, right] = sides;
    let config = config(left, right, mode);
    let setup = DiffSetup::new(left.name(), right.name(), &config);
    let (mut outcomes, mut texts) = (Vec::new(), Vec::new());
    let summary = diff_with(&campaign, left, right, &config, |delivered, _| {
        texts.extend(diff_text(delivered, &setup));
        if let Delivered::Case(case, outcome) = delivered {
            let named = format!("{} {} {} {:?}", case.file, case.name, case.rules, [case.d, case.g, case.v]);
            outcomes.push((named, outcome.clone()));
        }
        ControlFlow::Continue(())
    });
    (outcomes, texts, summary.unwrap())
}

/// What `again:` says, done.
fn again(text: &str, sides: [&dyn EngineSource; 2]) -> Vec<String> {
    let command = text.lines().find_map(|line| line.trim().strip_prefix("again: parallax diff ")).unwrap();
    let words: Vec<_> = command.split(' ').map(|word| word.trim_matches('\'')).collect();
    let option = |name: &str| words[words.iter().position(|word| *word == name).unwrap() + 1];
    assert_eq!([option("--left"), option("--right")], sides.map(EngineSource::name));
    let mode = [ShadowMode::All, ShadowMode::PerStep, ShadowMode::PerBlock, ShadowMode::PerCall];
    let mode = mode.into_iter().find(|mode| mode.name() == option("--mode")).unwrap();
    let index: Vec<usize> = option("--index").split(',').map(|number| number.parse().unwrap()).collect();
    let selection = Selection {
        filter: Some(Regex::new(option("--filter")).unwrap()),
        rules: Some(option("--fork").parse().unwrap()),
        index: Some(index.try_into().unwrap()),
        ..Selection::default()
    };
    compare(&[words.last().unwrap().into()], sides, mode, &selection, 1).1
}

/// A mistake in the fast form of `wrong` is found on either side, under the name of the form, and again by the command that is
/// printed; and per step there is nothing to find.
#[track_caller]
fn check(name: &str, wrong: &WithForms, form: &str, in_block: bool) {
    let folder = Folder::new(name);
    let files = [folder.test(name, CODE)];
    for other in [EngineName::Mini, EngineName::Revm] {
        let sides: [[&dyn EngineSource; 2]; 2] = [[wrong, &other], [&other, wrong]];
        for (side, sides) in sides.into_iter().enumerate() {
            let all = Selection::default();
            let (outcomes, texts, summary) = compare(&files, sides, ShadowMode::All, &all, 2);
            let Verdict::Diverge(found) = &outcomes[0].1.verdict else { panic!("{:?}", outcomes[0]) };
            assert_eq!(found.engines[side], form, "{found}");
            assert_eq!(matches!(found.place, Place::Block { suspect: Some(_), .. }), in_block, "{found}");
            assert!(!summary.is_success() && texts[0].contains(form), "{}", texts[0]);
            assert_eq!(again(&texts[0], sides), texts);
            let (outcomes, ..) = compare(&files, sides, ShadowMode::PerStep, &all, 1);
            assert_eq!(outcomes[0].1.verdict, Verdict::Agree);
        }
    }
}

#[test]
fn a_wrong_instruction_is_seen_where_code_is_translated_at_once() {
    check("stack", &always!(Stack), "primary-always", true);
    check("memory", &always!(Memory), "primary-always", true);
    check("gas", &always!(Gas), "primary-always", false);
    check("output", &always!(Output), "primary-always", false);
    check("change", &always!(Change), "primary-always", false);
}

#[test]
fn a_wrong_instruction_is_seen_in_what_ships_cold_and_hot() {
    check("cold", &shipped!(Stack, 0), "primary cold", true);
    check("hot", &shipped!(Stack, 1), "primary hot", true);
    check("hot-output", &shipped!(Output, 1), "primary hot", false);
    check("hot-change", &shipped!(Change, 1), "primary hot", false);
}

#[test]
fn a_sound_engine_agrees_in_every_form() {
    let folder = Folder::new("sound");
    let files = [folder.test("sound", CODE)];
    for other in [EngineName::Mini, EngineName::Revm, EngineName::PrimaryAlways, EngineName::PrimaryExact] {
        for sides in [[EngineName::Primary, other], [other, EngineName::Primary]] {
            let sides: [&dyn EngineSource; 2] = [&sides[0], &sides[1]];
            let (outcomes, texts, summary) =
                compare(&files, sides, ShadowMode::All, &Selection::default(), 1);
            assert!(summary.is_success() && texts.is_empty(), "{outcomes:?}");
            let fast = outcomes[0].1.fast.unwrap();
            // Hot, this code runs as it does translated at once; cold, being no loop, in the exact form.
            let sides_with_forms = sides.iter().filter(|side| !side.forms().is_empty()).count() as u64;
            assert_eq!((fast.blocks, fast.refused), (4 * sides_with_forms, 0), "{fast:?}");
            assert!(fast.instructions > fast.blocks, "{fast:?}");
        }
    }
}

/// The fixtures.
fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    discover(&[folder], &mut std::io::empty()).unwrap()
}

#[test]
fn what_comes_of_a_case_depends_on_no_other_case_nor_on_how_many_run_at_once() {
    let sides: [&dyn EngineSource; 2] = [&EngineName::Primary, &EngineName::Mini];
    let mut files = fixtures();
    let all = Selection::default();
    let (forwards, texts, summary) = compare(&files, sides, ShadowMode::All, &all, 1);
    assert_eq!(texts, [""; 0]);
    assert!(summary.is_success() && summary.agreed > 600, "{summary:?}");
    let fast = summary.fast.unwrap();
    assert_eq!((fast.refused, fast.cases + fast.without_code + fast.without_block), (0, summary.agreed));
    assert!(fast.cases * 10 > summary.agreed * 9, "{fast:?}");
    files.reverse();
    let (backwards, _, again) = compare(&files, sides, ShadowMode::All, &all, 3);
    assert_eq!(again, summary);
    let by_name = |outcomes: Vec<(String, DiffOutcome)>| outcomes.into_iter().collect::<BTreeMap<_, _>>();
    assert_eq!(by_name(forwards), by_name(backwards));
    // Nor does a case alone say anything else, which per block hangs on what is hot.
    let (whole, ..) = compare(&files[..4], sides, ShadowMode::PerBlock, &all, 2);
    for file in &files[..4] {
        let (alone, ..) = compare(std::slice::from_ref(file), sides, ShadowMode::PerBlock, &all, 1);
        assert!(!alone.is_empty() && alone.iter().all(|case| whole.contains(case)));
    }
}

#[test]
fn the_fast_engine_is_not_said_to_agree_where_nothing_of_it_ran() {
    let folder = Folder::new("nothing");
    let files = [folder.test("empty", ""), folder.test("other", "")];
    let sides: [&dyn EngineSource; 2] = [&EngineName::Primary, &EngineName::Mini];
    let all = Selection::default();
    let (_, _, summary) = compare(&files, sides, ShadowMode::All, &all, 1);
    assert_eq!((summary.agreed, summary.is_success()), (2, false));
    let told = "fast form: not compared, as no block ran in it, 2 ran no code";
    assert_eq!(summary.fast_text().as_deref(), Some(told));
    // One case in which it does is one.
    let files = [&files[..], &[folder.test("some", CODE)]].concat();
    let (_, _, summary) = compare(&files, sides, ShadowMode::All, &all, 1);
    assert!(summary.is_success(), "{summary:?}");
    let told = summary.fast_text().unwrap();
    assert!(told.ends_with(" in 1 of 3 cases, 2 ran no code"), "{told}");
    // Engines without such a form have nothing to say.
    let sides: [&dyn EngineSource; 2] = [&EngineName::Mini, &EngineName::PrimaryExact];
    let (_, _, summary) = compare(&files, sides, ShadowMode::All, &all, 1);
    assert_eq!((summary.is_success(), summary.fast_text()), (true, None));
}

#[test]
fn a_run_that_is_longer_than_what_is_kept_of_it_is_compared_in_lockstep() {
    use parallax_shadow_diff::{Shadow, Trail, compare_forms};
    let folder = Folder::new("long");
    let path = folder.test("long", CODE);
    let case = parallax_state_tests::cases(&path).unwrap().next().unwrap().unwrap();
    let job = case.job().unwrap();
    let config = ShadowConfig { mode: ShadowMode::All, ..ShadowConfig::default() };
    let (primary, mini) = (engines::primary(), engines::mini());
    let verdict = |limit, source: &WithForms| {
        let mut trail = Trail::limited_to(limit);
        let mut shadow = Shadow::new(["primary", "mini"], mini.start(&job).unwrap().unwrap(), &config);
        let result = primary.execute(&job, &mut (&mut trail, &mut shadow));
        let results = shadow.finish(result).results;
        let forms = parallax_campaign::FastForms::of(source, &EngineName::Mini);
        let runs = forms.runs(&job);
        assert!(runs.iter().all(|run| run.side == Side::Left));
        compare_forms([&primary, mini], &job, &config, &runs, &trail, &results)
    };
    let whole = verdict(100, &always!(Stack));
    assert!(matches!(whole, Verdict::Diverge(_)), "{whole:?}");
    assert_eq!(verdict(3, &always!(Stack)), whole);
    assert_eq!(verdict(3, &WithForms(&[SOUND])), Verdict::Agree);
    // And a program that no file holds is compared likewise.
    let (outcome, _) = compare_job(&job, &always!(Stack), &EngineName::Mini, &config);
    assert_eq!(outcome.verdict, whole);
}
