//! The comparator's own test: every fault in every opcode that can have it, on programs where it has an effect.
//!
//! What must be found is decided without the comparator: the step and the field follow from the fault, and whether its effect
//! reaches messages, outcomes or block entries is what the faulty engine shows when it runs alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use anyhow::{Result, bail, ensure};
use parallax_campaign::engines::{self, LocalEngine};
use parallax_engine_interface::{Engine, EngineError, Execution, Job};
use parallax_hooks::{Hooks, Interest, MessagePhase, NoHooks, StepControl, StepEnd, StepView};
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini, Fired};
use parallax_primitives::{Fork, Halt, Message, Opcode, OpcodeInfo, Rules};
use parallax_shadow_diff::{Divergence, Place, ShadowConfig, ShadowMode, Verdict, compare_engines};

use parallax_state_tests::cases;

use super::programs::{Program, TARGET, programs};
use crate::fixtures;

/// The forks whose opcodes are tried: the first, the first with static calls, the first with warm accounts, the last with one gas, the
/// first with two.
const FORKS: [Fork; 5] = [Fork::Frontier, Fork::Byzantium, Fork::Berlin, Fork::Osaka, Fork::Amsterdam];

/// What became of the combinations of one fault.
#[derive(Default)]
struct Score {
    fired: usize,
    exact: usize,
    reaches_calls: usize,
    found_in_calls: usize,
    reaches_blocks: usize,
    found_in_blocks: usize,
}

/// The table and what is wrong with it.
pub(super) struct Table {
    scores: BTreeMap<&'static str, Score>,
    /// Distinct pairs of fault and opcode that fired.
    pub(super) pairs: usize,
    /// What was missed or misplaced, or did not fire though it should.
    pub(super) failures: Vec<String>,
}

impl Table {
    pub(super) fn text(&self) -> String {
        let mut text = String::from(
            "fault                fired  exact step and field   per call: reached, found   per block: reached, found\n",
        );
        let mut total = Score::default();
        let mut line = |name: &str, score: &Score| {
            let Score { fired, exact, reaches_calls, found_in_calls, reaches_blocks, found_in_blocks } =
                score;
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "{name:20} {fired:5}  {exact:20}   {reaches_calls:17}, {found_in_calls:5}   {reaches_blocks:18}, \
                 {found_in_blocks:5}"
            );
        };
        for (name, score) in &self.scores {
            line(name, score);
            total.fired += score.fired;
            total.exact += score.exact;
            total.reaches_calls += score.reaches_calls;
            total.found_in_calls += score.found_in_calls;
            total.reaches_blocks += score.reaches_blocks;
            total.found_in_blocks += score.found_in_blocks;
        }
        line("all", &total);
        let _ = writeln!(text, "{} distinct pairs of fault and opcode", self.pairs);
        text
    }
}

/// Runs the whole table.
pub(super) fn table() -> Result<Table> {
    let mut table = Table { scores: BTreeMap::new(), pairs: 0, failures: Vec::new() };
    let mut pairs = BTreeSet::new();
    for fork in FORKS {
        for info in
            Opcode::all().filter(|info| Rules::of(fork).opcodes()[usize::from(info.opcode.0)].is_defined())
        {
            let programs = programs(info, fork, gas_at)?;
            for fault in Fault::ALL.into_iter().filter(|fault| makes_sense(*fault, info, fork)) {
                let plan = FaultPlan::new(fault, info.opcode);
                let fired = programs.iter().find_map(|program| Some((program, fires(&program.job(), plan)?)));
                if let Some((program, fired)) = fired {
                    pairs.insert((fault, info.opcode));
                    table.check(&program.job(), plan, fired)?;
                } else {
                    table.failures.push(format!("{} in {} ({fork}) never fired", fault.name(), info.name));
                }
                // In the second of two, which may be the same: the first must not hide it.
                let plan = plan.at_occurrence(1);
                let fired = programs.iter().find_map(|program| Some((program, fires(&program.job(), plan)?)));
                if let Some((program, fired)) = fired {
                    table.check(&program.job(), plan, fired)?;
                }
            }
        }
    }
    on_fixtures(&mut table)?;
    table.pairs = pairs.len();
    Ok(table)
}

/// Fixtures with more steps are left out: the table is to take a minute.
const FIXTURE_STEPS: usize = 2000;

/// Every fault that the opcode can have at three steps of every fixture, drawn by where they stand in it.
fn on_fixtures(table: &mut Table) -> Result<()> {
    let mut files: Vec<_> =
        std::fs::read_dir(fixtures::folder())?.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    files.sort();
    let mut drawn = 0u64;
    for case in files.iter().map(|file| cases(file)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        let case = case?;
        let Ok(job) = case.job() else { continue };
        let mut opcodes = Opcodes(Vec::new());
        if engines::mini().execute(&job, &mut opcodes).is_err() || opcodes.0.len() > FIXTURE_STEPS {
            continue;
        }
        for _ in 0..3.min(opcodes.0.len()) {
            drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let step = usize::try_from(drawn >> 33)? % opcodes.0.len();
            let Some(info) = opcodes.0[step].info() else { continue };
            for fault in Fault::ALL.into_iter().filter(|fault| makes_sense(*fault, info, job.rules.base())) {
                let plan = FaultPlan::new(fault, info.opcode).from_step(step as u64);
                if let Some(fired) = fires(&job, plan) {
                    table.check(&job, plan, fired)?;
                }
            }
        }
    }
    Ok(())
}

/// The opcodes that are run.
struct Opcodes(Vec<Opcode>);

impl Hooks for Opcodes {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.0.push(step.opcode);
        StepControl::Continue
    }
}

/// Gas before the first execution of an opcode on the plain engine.
fn gas_at(program: &Program, opcode: Opcode) -> Option<u64> {
    struct First(Opcode, Option<u64>);
    impl Hooks for First {
        fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
            if self.1.is_none() && step.opcode == self.0 && step.depth == 0 {
                self.1 = Some(step.gas);
            }
            StepControl::Continue
        }
    }
    let mut first = First(opcode, None);
    engines::mini().execute(&program.job(), &mut first).ok()?;
    first.1
}

fn faulty(plan: FaultPlan) -> LocalEngine<FaultyMini> {
    engines::local("faulty", FaultyMini::new(plan))
}

/// Where the fault fires when the faulty engine runs alone.
fn fires(job: &Job<'_>, plan: FaultPlan) -> Option<Fired> {
    let engine = faulty(plan);
    engine.execute(job, &mut NoHooks).ok()?;
    engine.interpreter().fired()
}

/// Whether a fault can have an effect in an opcode of the fork.
fn makes_sense(fault: Fault, info: &OpcodeInfo, fork: Fork) -> bool {
    let name = info.name;
    let is_call = matches!(name, "CALL" | "CALLCODE" | "DELEGATECALL" | "STATICCALL");
    let is_create = matches!(name, "CREATE" | "CREATE2");
    let is_log = name.starts_with("LOG");
    let copies = name.ends_with("COPY");
    let stores = matches!(name, "MSTORE" | "MSTORE8");
    let ends = matches!(name, "RETURN" | "REVERT");
    match fault {
        // Until EIP-150 a creation takes all gas with it.
        Fault::GasMore => {
            info.opcode != Opcode::INVALID && (name != "CREATE" || fork >= Fork::TangerineWhistle)
        }
        Fault::GasLess => {
            let is_free = name == "SELFDESTRUCT" && fork < Fork::TangerineWhistle;
            !matches!(name, "STOP" | "INVALID") && !is_free
        }
        Fault::FlipResult(_) => !info.outputs.is_empty(),
        Fault::SkipExpansion => {
            is_call
                || is_create
                || is_log
                || copies
                || stores
                || ends
                || matches!(name, "MLOAD" | "KECCAK256")
        }
        Fault::WriteOff => is_call || copies || stores,
        Fault::SkipStorageWrite | Fault::ChangeStorageWrite => matches!(name, "SSTORE" | "TSTORE"),
        Fault::StaleRefund => name == "SSTORE" || (name == "SELFDESTRUCT" && fork < Fork::London),
        Fault::JumpIntoPushData => matches!(name, "JUMP" | "JUMPI"),
        Fault::DropLog => is_log,
        Fault::SwapHalt => name != "STOP",
        Fault::ForwardWrongGas => is_call || is_create,
        Fault::ForgetWarm => {
            let reads = matches!(name, "BALANCE" | "EXTCODESIZE" | "EXTCODECOPY" | "EXTCODEHASH" | "SLOAD");
            (fork >= Fork::Berlin) && (reads || is_call || matches!(name, "SSTORE" | "SELFDESTRUCT"))
        }
        Fault::LeaveStatic => (fork >= Fork::Byzantium) && (info.writes_state || is_call),
        Fault::RefillWrongGas => {
            (fork >= Fork::Amsterdam) && (is_create || matches!(name, "SSTORE" | "CALL"))
        }
    }
}

/// What the faulty engine and the plain one show when each runs alone.
fn alone(engine: &dyn Engine, job: &Job<'_>, interest: Interest) -> Result<(Vec<String>, Execution)> {
    let mut seen =
        Seen { interest, lines: Vec::new(), steps: 0, messages: 0, begun: Vec::new(), halts: Vec::new() };
    match engine.execute(job, &mut seen) {
        Ok(execution) => Ok((seen.lines, execution)),
        Err(EngineError::Rejected(rejection)) => bail!("a program was rejected: {rejection}"),
        Err(EngineError::Host(error)) => bail!("the world failed: {error}"),
    }
}

/// Writes down what it sees.
struct Seen {
    interest: Interest,
    lines: Vec<String>,
    steps: u64,
    messages: usize,
    /// Number of the first message that begins after each step.
    begun: Vec<usize>,
    halts: Vec<Option<Halt>>,
}

impl Hooks for Seen {
    fn interest(&self) -> Interest {
        self.interest
    }

    fn on_step(&mut self, _: &StepView<'_>) -> StepControl {
        self.steps += 1;
        self.begun.push(self.messages);
        StepControl::Continue
    }

    fn on_step_end(&mut self, _: &StepView<'_>, end: &StepEnd<'_>) {
        self.halts.push(end.halt);
    }

    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        let StepView { pc, depth, gas, refund, stack, memory, return_data, journal, .. } = entry;
        let slots: Vec<_> = [1u8, 2, 9]
            .map(parallax_primitives::U256::from)
            .into_iter()
            .map(|key| (journal.storage(TARGET, key), journal.transient_storage(TARGET, key)))
            .collect();
        self.lines.push(format!(
            "{pc} {depth} {gas} {refund} {stack:?} {memory:?} {return_data:?} {:?} {slots:?}",
            journal.logs()
        ));
        StepControl::Continue
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.messages += usize::from(matches!(phase, MessagePhase::Before));
        self.lines.push(format!("{message:?} {phase:?}"));
        StepControl::Continue
    }
}

/// Where a divergence is: a step before or after it ran, or a message.
#[derive(Debug, PartialEq)]
enum At {
    Before(u64),
    After(u64),
    Message(usize),
}

/// What per-step comparison must say.
fn expected(job: &Job<'_>, plan: FaultPlan, fired: Fired) -> Result<(At, &'static str)> {
    let run = |engine: &dyn Engine| -> Result<Seen> {
        let mut seen = Seen {
            interest: Interest::Steps,
            lines: Vec::new(),
            steps: 0,
            messages: 0,
            begun: Vec::new(),
            halts: Vec::new(),
        };
        engine.execute(job, &mut seen)?;
        Ok(seen)
    };
    let sound = run(engines::mini())?;
    let wrong = run(&faulty(plan))?;
    let step = usize::try_from(fired.index)?;
    let halts_differ = sound.halts.get(step) != wrong.halts.get(step);
    let in_message = fired.seen_at == fired.index;
    let over = At::After(fired.index);
    Ok(match plan.fault {
        _ if halts_differ => (over, "halt"),
        Fault::GasMore | Fault::GasLess | Fault::ForgetWarm => (over, "gas cost"),
        Fault::FlipResult(_) if in_message => (over, "stack"),
        Fault::FlipResult(_) => (At::Before(fired.seen_at), "stack"),
        Fault::SkipExpansion => (over, "memory size"),
        Fault::WriteOff if in_message => (over, "memory"),
        Fault::WriteOff => (At::Before(fired.seen_at), "memory"),
        Fault::SkipStorageWrite | Fault::ChangeStorageWrite => {
            (over, if fired.opcode == Opcode::SSTORE { "storage" } else { "transient storage" })
        }
        Fault::StaleRefund => (over, "refund"),
        Fault::RefillWrongGas if in_message => (over, "gas"),
        Fault::RefillWrongGas => (At::Before(fired.seen_at), "gas"),
        Fault::DropLog => (over, "log"),
        Fault::ForwardWrongGas => (At::Message(sound.begun[step]), "gas"),
        Fault::LeaveStatic => (At::Message(sound.begun[step]), "static"),
        Fault::JumpIntoPushData | Fault::SwapHalt => bail!("{} changes the halt", plan.fault.name()),
    })
}

/// Where a divergence is said to be.
fn at(divergence: &Divergence) -> Option<At> {
    match &divergence.place {
        Place::Step { index, is_over: false, .. } => Some(At::Before(*index)),
        Place::Step { index, is_over: true, .. } => Some(At::After(*index)),
        Place::Message { index, is_over: false, .. } => Some(At::Message(*index)),
        _ => None,
    }
}

impl Table {
    fn check(&mut self, job: &Job<'_>, plan: FaultPlan, fired: Fired) -> Result<()> {
        let name = plan.fault.name();
        let context = format!("{name} in {} ({}), fired at {fired:?}", plan.opcode, job.rules);
        let engine = faulty(plan);
        let expected = expected(job, plan, fired)?;
        let score = self.scores.entry(name).or_default();
        score.fired += 1;

        let verdict = |left: &dyn Engine, right: &dyn Engine, mode| {
            let config = ShadowConfig { mode, ..ShadowConfig::default() };
            compare_engines(left, right, job, &config).verdict
        };
        let is_exact = |verdict: &Verdict| match verdict {
            Verdict::Diverge(divergence) => {
                at(divergence).as_ref() == Some(&expected.0) && divergence.field.name() == expected.1
            }
            _ => false,
        };
        let shown = |verdict: &Verdict| match verdict {
            Verdict::Diverge(divergence) => format!("{:?}, {}", divergence.place, divergence.field),
            other => format!("{other:?}"),
        };
        // The faulty engine beside the watched one, and watched itself.
        let beside = verdict(&engines::primary(), &engine, ShadowMode::PerStep);
        let watched = verdict(&engine, &engines::primary(), ShadowMode::PerStep);
        if is_exact(&beside) && is_exact(&watched) {
            score.exact += 1;
        } else {
            let text = format!(
                "{context}: per step expected {expected:?}, found {} and {}",
                shown(&beside),
                shown(&watched)
            );
            self.failures.push(text);
        }

        for (mode, interest) in
            [(ShadowMode::PerCall, Interest::Messages), (ShadowMode::PerBlock, Interest::Blocks)]
        {
            let sound = alone(engines::mini(), job, interest)?;
            let reaches = alone(&engine, job, interest)? != sound;
            let verdict = verdict(&engines::primary(), &engine, mode);
            let is_found = match &verdict {
                // What is found at a block's entry is explained by the step: the same one.
                Verdict::Diverge(found) => !matches!(found.place, Place::Step { .. }) || is_exact(&verdict),
                _ => false,
            };
            let (reached, found) = match mode {
                ShadowMode::PerCall => (&mut score.reaches_calls, &mut score.found_in_calls),
                _ => (&mut score.reaches_blocks, &mut score.found_in_blocks),
            };
            *reached += usize::from(reaches);
            *found += usize::from(reaches && is_found);
            // What is overwritten again reaches nothing; where it is found all the same, it is at the right step.
            let is_right = if reaches { is_found } else { verdict == Verdict::Agree || is_exact(&verdict) };
            if !is_right {
                let text = format!("{context}: {} reaches {reaches}, found {}", mode.name(), shown(&verdict));
                self.failures.push(text);
            }
        }
        Ok(())
    }

    /// Nothing was missed.
    pub(super) fn finish(&self) -> Result<()> {
        ensure!(self.failures.is_empty(), "{} failures:\n{}", self.failures.len(), self.failures.join("\n"));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_that_fires_is_found() {
        let table = table().unwrap();
        println!("{}", table.text());
        table.finish().unwrap();
        assert!(table.pairs >= 400, "{} pairs", table.pairs);
    }
}
