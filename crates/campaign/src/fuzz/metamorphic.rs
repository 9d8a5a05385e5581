//! One engine against itself: programs that must come to the same in every gas and pc, and that a translator sees otherwise ([`Twins`]).
//!
//! Compared are the entries of blocks that are jumped to, the outcome and the changes of the state, in every fast form of the engine, or in
//! the one form that it has. No second engine is asked.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use parallax_engine_interface::{Engine, Execution};
use parallax_generator::{Case, Draw, Twins};
use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl, StepView};
use parallax_primitives::{FrameStatus, Halt, Message, Opcode, Rules};

use crate::{
    WorkersError,
    engines::EngineSource,
    pipeline::{lock, message},
};

/// Most differences that are kept; those behind are counted.
const KEPT: usize = 1000;

/// A run of twins on one engine.
pub struct Metamorphic<'a> {
    /// What all of them are made from.
    pub seed: u64,
    /// What they are drawn from: of the kinds those that have twins.
    pub draw: Draw<'a>,
    /// The engine.
    pub engine: &'a dyn EngineSource,
    /// Most gas of a transaction.
    pub max_gas: u64,
    /// Most block entries of a run; one that has more is compared as far as that.
    pub max_entries: usize,
    /// Threads; zero for as many as there are cores.
    pub jobs: usize,
    /// The number of the first ones.
    pub first: u64,
    /// How many; without end if that is not said.
    pub programs: Option<u64>,
    /// How long.
    pub time: Option<Duration>,
    /// Whether to end at a difference.
    pub fail_fast: bool,
}

/// Twins that came to something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwinFinding {
    /// Their number.
    pub number: u64,
    /// Their kind.
    pub kind: &'static str,
    /// Their rules.
    pub rules: Rules,
    /// The form of the engine.
    pub form: &'static str,
    /// Where and in what, in words.
    pub what: String,
}

/// What a run of twins came to.
#[derive(Clone, Debug, Default)]
pub struct TwinSummary {
    /// How many were run.
    pub programs: u64,
    /// How many of them are not compared to the end, as their code tells the no-ops: the stack is full where one stands, or a jump goes into
    /// it. By each opcode the engine itself comes to something else on them.
    pub told_apart: u64,
    /// How long it took.
    pub time: Duration,
    /// The differences by number; at most a thousand of them.
    pub findings: Vec<TwinFinding>,
    /// All differences.
    pub count: u64,
    /// Whether it was cancelled.
    pub is_interrupted: bool,
}

/// What came of one number.
enum Compared {
    Same,
    ToldApart,
    Parted(TwinFinding),
}

impl Metamorphic<'_> {
    /// Runs them. `cancel` ends it; `tell` is told each difference, on the thread that found it.
    ///
    /// # Errors
    ///
    /// If there are no threads.
    pub fn run(
        &self,
        cancel: &AtomicBool,
        tell: impl Fn(&TwinFinding) + Sync,
    ) -> Result<TwinSummary, WorkersError> {
        let start = Instant::now();
        let deadline = self.time.and_then(|time| start.checked_add(time));
        let end = self.programs.map_or(u64::MAX, |programs| self.first.saturating_add(programs));
        let (next, over) = (AtomicU64::new(self.first), AtomicBool::new(false));
        let summary = Mutex::new(TwinSummary::default());
        let work = || {
            let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
            while !is(cancel) && !is(&over) && deadline.is_none_or(|deadline| Instant::now() < deadline) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    break;
                }
                let compared = self.compare(number);
                let mut sum = lock(&summary);
                sum.programs += 1;
                match compared {
                    Compared::Same => {}
                    Compared::ToldApart => sum.told_apart += 1,
                    Compared::Parted(finding) => {
                        sum.count += 1;
                        over.fetch_or(self.fail_fast, Ordering::Relaxed);
                        tell(&finding);
                        sum.findings.push(finding);
                        sum.findings.sort_by_key(|finding| finding.number);
                        sum.findings.truncate(KEPT);
                    }
                }
            }
        };
        let jobs = match self.jobs {
            0 => thread::available_parallelism().map_or(1, usize::from),
            jobs => jobs,
        };
        thread::scope(|scope| {
            for _ in 0..jobs {
                if let Err(source) = thread::Builder::new().spawn_scoped(scope, work) {
                    over.store(true, Ordering::Relaxed);
                    return Err(WorkersError::Threads { jobs, source: source.into() });
                }
            }
            Ok(())
        })?;
        let mut summary = summary.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        summary.time = start.elapsed();
        summary.is_interrupted = cancel.load(Ordering::Relaxed);
        Ok(summary)
    }

    /// The difference of one number, if there is one.
    pub fn one(&self, number: u64) -> Option<TwinFinding> {
        match self.compare(number) {
            Compared::Parted(finding) => Some(finding),
            Compared::Same | Compared::ToldApart => None,
        }
    }

    fn compare(&self, number: u64) -> Compared {
        let mut twins = Twins::new(self.seed, number, self.draw);
        for case in &mut twins.cases {
            case.transaction.gas_limit = case.transaction.gas_limit.min(self.max_gas);
        }
        let [first, ..] = &twins.cases;
        let (kind, rules) = (first.kind, first.rules);
        let mut told_apart = false;
        for form in 0..self.engine.forms().iter().map(|form| form.runs.len()).sum::<usize>().max(1) {
            let (form, difference) = self.difference(&twins, form);
            match difference {
                Difference::None => {}
                Difference::ToldApart => told_apart = true,
                Difference::Found(what) => {
                    return Compared::Parted(TwinFinding { number, kind, rules, form, what });
                }
            }
        }
        if told_apart { Compared::ToldApart } else { Compared::Same }
    }

    /// What twins differ in, in the form of this place.
    fn difference(&self, twins: &Twins, mut place: usize) -> (&'static str, Difference) {
        let forms = self.engine.forms();
        let mut form = forms.iter();
        let form = form.find(|form| {
            let is_here = place < form.runs.len();
            place -= if is_here { 0 } else { form.runs.len() };
            is_here
        });
        let name = form.map_or(self.engine.name(), |form| form.runs[place]);
        let run = |case: &Case, interest| {
            let engine = || form.map_or_else(|| self.engine.make(), |form| (form.make)());
            let ran = catch_unwind(AssertUnwindSafe(|| {
                let engine = engine();
                // The second run of an engine finds code that it has run before.
                for _ in 0..place {
                    let _ = engine.execute(&case.job(), &mut Watch::new(Interest::Blocks, 0));
                }
                Seen::of(&*engine, case, interest, self.max_entries)
            }));
            ran.map_err(|panic| format!("panicked: {}", message(&*panic)))
        };
        let [first, others @ ..] = &twins.cases;
        let seen = run(first, Interest::Blocks);
        for (case, shape) in others.iter().zip(["JUMPDESTs", "both"]) {
            let other = run(case, Interest::Blocks);
            let (seen, other) = match (&seen, &other) {
                (Ok(seen), Ok(other)) => (seen, other),
                (Err(panic), _) | (_, Err(panic)) => return (name, Difference::Found(panic.clone())),
            };
            let Some(what) = seen.difference(other) else { continue };
            if seen.tells_no_ops || other.tells_no_ops {
                let by_steps = [first, case].map(|case| run(case, Interest::Steps));
                if let [Ok(one), Ok(two)] = by_steps
                    && one.difference(&two).is_some()
                {
                    return (name, Difference::ToldApart);
                }
            }
            return (name, Difference::Found(format!("no-ops as opcodes, and as {shape}: {what}")));
        }
        (name, Difference::None)
    }
}

enum Difference {
    None,
    ToldApart,
    Found(String),
}

/// What is seen of a run.
struct Seen {
    entries: Vec<Entry>,
    /// What it came to, or why to nothing.
    end: Result<Execution, String>,
    /// Whether a frame ended by what a no-op may be the reason of: a full stack, one that lacks an item, a jump into it, an immediate.
    tells_no_ops: bool,
}

/// One entry of a block; where a run goes by steps, one jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    depth: u16,
    pc: usize,
    gas: u64,
    refund: i64,
    height: usize,
    stack: u64,
    memory_size: usize,
    memory: u64,
}

impl Seen {
    fn of(engine: &dyn Engine, case: &Case, interest: Interest, max_entries: usize) -> Self {
        let mut watch = Watch::new(interest, max_entries);
        let end = engine.execute(&case.job(), &mut watch).map_err(|error| error.to_string());
        Self { entries: watch.entries, end, tells_no_ops: watch.tells_no_ops }
    }

    /// The first thing that is not the same.
    fn difference(&self, other: &Self) -> Option<String> {
        let longest = self.entries.len().max(other.entries.len());
        for index in 0..longest {
            let [one, two] = [self, other].map(|seen| seen.entries.get(index));
            if one != two {
                return Some(entry_difference(index, one, two));
            }
        }
        let (one, two) = match (&self.end, &other.end) {
            (Ok(one), Ok(two)) => (one, two),
            (one, two) if one == two => return None,
            (one, two) => {
                let told = |end: &Result<Execution, String>| end.as_ref().err().cloned();
                let [one, two] = [one, two].map(|end| told(end).unwrap_or_else(|| "an outcome".to_owned()));
                return Some(format!("what it came to: {one} and {two}"));
            }
        };
        if let (Some(one), Some(two)) = (&one.outcome, &two.outcome)
            && one != two
        {
            return Some(match () {
                () if one.status != two.status => format!("status: {} and {}", one.status, two.status),
                () if one.gas_used != two.gas_used => {
                    format!("gas used: {} and {}", one.gas_used, two.gas_used)
                }
                () if one.output != two.output => format!("output: {} and {}", one.output, two.output),
                () if one.logs != two.logs => "logs".to_owned(),
                () => format!("outcome: {one:?} and {two:?}"),
            });
        }
        (one != two).then(|| "changes of the state".to_owned())
    }
}

fn entry_difference(index: usize, one: Option<&Entry>, two: Option<&Entry>) -> String {
    let (Some(one), Some(two)) = (one, two) else {
        let last = one.or(two).map_or(0, |entry| entry.pc);
        return format!("block entry {index} at pc {last}: only one of them has it");
    };
    let pairs: [(&str, u64, u64); 8] = [
        ("depth", one.depth.into(), two.depth.into()),
        ("pc", one.pc as u64, two.pc as u64),
        ("gas", one.gas, two.gas),
        ("refund", one.refund.cast_unsigned(), two.refund.cast_unsigned()),
        ("stack size", one.height as u64, two.height as u64),
        ("stack", one.stack, two.stack),
        ("memory size", one.memory_size as u64, two.memory_size as u64),
        ("memory", one.memory, two.memory),
    ];
    let (field, a, b) = pairs.into_iter().find(|(_, a, b)| a != b).unwrap_or(("nothing", 0, 0));
    let values = if matches!(field, "stack" | "memory") { String::new() } else { format!(": {a} and {b}") };
    format!("block entry {index} at pc {}: {field}{values}", one.pc)
}

struct Watch {
    interest: Interest,
    entries: Vec<Entry>,
    max_entries: usize,
    tells_no_ops: bool,
}

impl Watch {
    fn new(interest: Interest, max_entries: usize) -> Self {
        Self { interest, entries: Vec::new(), max_entries, tells_no_ops: false }
    }
}

impl Hooks for Watch {
    fn interest(&self) -> Interest {
        self.interest
    }

    /// No-ops have no jumps: each is in both.
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        match step.opcode {
            Opcode::JUMP | Opcode::JUMPI => self.on_block(step),
            _ => StepControl::Continue,
        }
    }

    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        if self.entries.len() < self.max_entries {
            let words = entry.memory.chunks_exact(8);
            self.entries.push(Entry {
                depth: entry.depth,
                pc: entry.pc,
                gas: entry.gas,
                refund: entry.refund,
                height: entry.stack.len(),
                stack: digest(entry.stack.iter().flat_map(|item| *item.as_limbs())),
                memory_size: entry.memory.len(),
                memory: digest(words.map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default()))),
            });
        }
        StepControl::Continue
    }

    fn on_message(&mut self, _: &Message, phase: MessagePhase<'_>) -> StepControl {
        if let MessagePhase::After(outcome) = phase {
            self.tells_no_ops |= matches!(
                outcome.status,
                FrameStatus::Halt(
                    Halt::StackOverflow | Halt::StackUnderflow | Halt::InvalidJump | Halt::InvalidImmediate
                )
            );
        }
        StepControl::Continue
    }
}

/// Each step is a bijection, so that one word that differs is never lost.
fn digest(words: impl Iterator<Item = u64>) -> u64 {
    words.fold(0x243f_6a88_85a3_08d3, |digest, word| {
        let mixed = (digest ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 32)
    })
}
