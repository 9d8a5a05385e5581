//! The programs of `../shared/bench` on primary, mini and revm, each as one bare message.
//!
//! Included on every side: a fresh state over the same database in memory, warming the sender, target, coinbase and
//! precompiled contracts, loading the target's account and code, the message with all it calls, and the drop of the state;
//! ours sums up the changes too. Not included on any side: validation, fees, refunds. Analyses of code are made before: ours
//! are in the engine's cache, revm's in its adapter.

use std::{
    collections::BTreeMap,
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use parallax_campaign::{engines, shared_folder};
use parallax_engine_interface::{Engine, Job};
use parallax_engine_revm::MessageRunner;
use parallax_hooks::{Hooks, NoHooks};
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{
    Address, B256, BlockEnv, Bytecode, Bytes, Fork, FrameOutcome, FrameStatus, Message, MessageKind, Subject,
    TxEnv, U256, address,
};
use serde_json::{Value, json};

use super::{
    baseline::Times,
    measurement::{Arguments, median, print_json},
};

const SENDER: Address = address!("0x1000000000000000000000000000000000000001");
const TARGET: Address = address!("0x2000000000000000000000000000000000000002");
const COINBASE: Address = address!("0xc0000000000000000000000000000000000000c0");
const GAS: u64 = 1_000_000_000_000;
/// How long one engine runs one program in one round, at least.
const ROUND: Duration = Duration::from_millis(40);

/// What a baseline holds.
pub(super) const WHAT: &str = "programs, ns per opcode";

const ENGINES: [&str; 3] = ["primary", "mini", "revm"];

/// One program, its world and what should come of it.
pub(super) struct Program {
    name: String,
    fork: Fork,
    database: MemoryDatabase,
    input: Bytes,
    gas_used: u64,
    output: Bytes,
    steps: u64,
}

/// What a program took, in nanoseconds, by engine.
struct Measured<'p> {
    program: &'p Program,
    nanoseconds: [f64; ENGINES.len()],
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let shared =
        shared_folder().context("no ../shared folder (set PARALLAX_SHARED); `cargo bench` needs none")?;
    let programs = read(&shared.join("bench"), &arguments.filter)?;
    ensure!(!programs.is_empty(), "no program has {:?} in its name", arguments.filter);
    if !arguments.json {
        println!(
            "{:38}{:>11}{:>9}{:>9}{:>9}{:>9}{:>9}",
            "ns per opcode", "opcodes", "primary", "mini", "revm", "primary", "mini"
        );
    }
    let mut all = Vec::new();
    let mut wrong = 0;
    for program in &programs {
        match measure(program, arguments.rounds) {
            Ok(measured) => {
                measured.print(arguments.json);
                all.push(measured);
            }
            Err(error) => {
                eprintln!("not measured: {error:#}");
                wrong += 1;
            }
        }
    }
    summarize(&all, arguments.json);
    ensure!(wrong == 0, "{wrong} of {} programs have a wrong answer", programs.len());
    let by_engine = |one: &Measured<'_>| {
        (0..ENGINES.len()).map(|engine| (ENGINES[engine], one.per_opcode(engine))).collect()
    };
    let times = all.iter().map(|one| (one.program.name.clone(), by_engine(one))).collect();
    Times { what: WHAT, times }.settle(arguments)
}

pub(super) fn read(folder: &Path, filter: &str) -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let program = Program::read(&path).with_context(|| format!("in {}", path.display()))?;
            if program.name.contains(filter) {
                programs.push(program);
            }
        }
    }
    programs.sort_by(|a, b| (a.suite(), &a.name).cmp(&(b.suite(), &b.name)));
    Ok(programs)
}

impl Program {
    fn read(path: &Path) -> Result<Self> {
        let json: Value = serde_json::from_slice(&fs::read(path)?)?;
        let text = |key: &str| json[key].as_str().with_context(|| format!("{key} is no string"));
        let number = |key: &str| json[key].as_u64().with_context(|| format!("{key} is no number"));
        let mut storage = BTreeMap::new();
        for (key, value) in json["storage"].as_object().context("storage is no object")? {
            let value = value.as_str().context("a slot is no string")?;
            storage.insert(key.parse::<U256>()?, value.parse::<U256>()?);
        }
        let code = Bytecode::new(text("code")?.parse()?);
        let target = Account { nonce: 1, code, storage, ..Account::default() };
        let sender = Account { balance: U256::from(10).pow(U256::from(24)), ..Account::default() };
        let accounts = BTreeMap::from([(SENDER, sender), (TARGET, target)]);
        Ok(Self {
            name: text("name")?.to_owned(),
            fork: text("fork")?.parse()?,
            database: MemoryDatabase { accounts: accounts.into(), ..MemoryDatabase::default() },
            input: text("input")?.parse()?,
            gas_used: number("gas_used")?,
            output: text("output")?.parse()?,
            steps: number("steps")?,
        })
    }

    /// The part of the name before the slash.
    fn suite(&self) -> &str {
        self.name.split_once('/').map_or("overhead", |(suite, _)| suite)
    }

    fn block() -> BlockEnv {
        BlockEnv {
            number: 1,
            timestamp: 1,
            gas_limit: i64::MAX.unsigned_abs(),
            coinbase: COINBASE,
            prevrandao: B256::with_last_byte(1),
            ..BlockEnv::default()
        }
    }

    fn environment() -> TxEnv {
        TxEnv { origin: SENDER, chain_id: 1, ..TxEnv::default() }
    }

    fn job<'a>(&'a self, block: &'a BlockEnv, message: &'a Message, environment: &'a TxEnv) -> Job<'a> {
        let subject = Subject::Message { message, environment };
        Job { rules: self.fork.into(), chain_id: 1, block, subject, database: &self.database }
    }

    fn message(&self) -> Message {
        Message {
            kind: MessageKind::Call,
            depth: 0,
            is_static: false,
            gas: GAS,
            caller: SENDER,
            address: TARGET,
            code_address: TARGET,
            is_delegated: false,
            value: U256::ZERO,
            input: self.input.clone(),
            state_gas: Default::default(),
            salt: U256::ZERO,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// Runs it under hooks; an error if it does not come to its answer.
    pub(super) fn run_once(&self, engine: &dyn Engine, hooks: &mut dyn Hooks) -> Result<()> {
        let (block, environment, message) = (Self::block(), Self::environment(), self.message());
        let answer = self.run(engine, &self.job(&block, &message, &environment), hooks)?;
        self.check("primary", &answer)
    }

    fn run(&self, engine: &dyn Engine, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Answer> {
        let outcome = engine.execute(job, hooks)?.outcome.context("the run came to no end")?;
        Ok(black_box(Answer { status: outcome.status, gas_used: outcome.gas_used, output: outcome.output }))
    }

    fn check(&self, engine: &str, answer: &Answer) -> Result<()> {
        let Answer { status, gas_used, output } = answer;
        ensure!(
            status.is_success() && *gas_used == self.gas_used && *output == self.output,
            "{}: {engine} answers {status}, gas {gas_used}, {} bytes; expected gas {}, {} bytes",
            self.name,
            output.len(),
            self.gas_used,
            self.output.len()
        );
        Ok(())
    }
}

/// What a run came to.
struct Answer {
    status: FrameStatus,
    gas_used: u64,
    output: Bytes,
}

impl From<FrameOutcome> for Answer {
    fn from(outcome: FrameOutcome) -> Self {
        let FrameOutcome { status, gas_left, output, .. } = outcome;
        Self { status, gas_used: GAS - gas_left, output }
    }
}

/// Times every engine in turn, `rounds` times; every run's answer is checked.
fn measure(program: &Program, rounds: u32) -> Result<Measured<'_>> {
    let (block, environment, message) = (Program::block(), Program::environment(), program.message());
    let job = program.job(&block, &message, &environment);
    let mut revm =
        MessageRunner::new(program.fork, &block, &environment, message.clone(), &program.database)?;
    let primary = engines::primary();
    let mut run = |engine: usize| match engine {
        0 => program.run(&primary, &job, &mut NoHooks),
        1 => program.run(engines::mini(), &job, &mut NoHooks),
        _ => Ok(revm.run()?.into()),
    };
    let mut times = [const { Vec::new() }; ENGINES.len()];
    let mut repeats = [1u32; ENGINES.len()];
    // The first rounds only find out how often a round repeats each engine, and warm everything up.
    for (engine, repeats) in repeats.iter_mut().enumerate() {
        loop {
            let time = time(program, engine, *repeats, &mut run)?;
            if time >= ROUND || *repeats > 1 << 24 {
                break;
            }
            let wanted = ROUND.as_secs_f64() / time.as_secs_f64().max(1e-9) * 1.1;
            *repeats = repeats.saturating_mul(clamp(wanted));
        }
    }
    for round in 0..rounds {
        for turn in 0..ENGINES.len() {
            // Who is first changes from round to round.
            let engine = (turn + round as usize) % ENGINES.len();
            let time = time(program, engine, repeats[engine], &mut run)?;
            times[engine].push(time);
        }
    }
    let mut nanoseconds = [0.0; ENGINES.len()];
    for engine in 0..ENGINES.len() {
        nanoseconds[engine] = median(&times[engine]).as_secs_f64() * 1e9 / f64::from(repeats[engine]);
    }
    Ok(Measured { program, nanoseconds })
}

/// Between 2 and 100.
fn clamp(factor: f64) -> u32 {
    (2..100).find(|step| f64::from(*step) >= factor).unwrap_or(100)
}

fn time(
    program: &Program,
    engine: usize,
    repeats: u32,
    run: &mut dyn FnMut(usize) -> Result<Answer>,
) -> Result<Duration> {
    let start = Instant::now();
    for _ in 0..repeats {
        let answer = run(engine).with_context(|| format!("{}: {}", program.name, ENGINES[engine]))?;
        program.check(ENGINES[engine], &answer)?;
    }
    Ok(start.elapsed())
}

impl Measured<'_> {
    fn per_opcode(&self, engine: usize) -> f64 {
        // The counts are far below 2^52.
        #[allow(clippy::cast_precision_loss)]
        let steps = self.program.steps.max(1) as f64;
        self.nanoseconds[engine] / steps
    }

    /// How many times revm's speed.
    fn speed(&self, engine: usize) -> f64 {
        self.nanoseconds[ENGINES.len() - 1] / self.nanoseconds[engine]
    }

    fn print(&self, as_json: bool) {
        let Program { name, steps, gas_used, .. } = self.program;
        let [primary, mini, revm] = [0, 1, 2].map(|engine| self.per_opcode(engine));
        if as_json {
            return print_json(&json!({
                "name": name, "suite": self.program.suite(), "opcodes": steps, "gas": gas_used,
                "nsPerOpcode": { "primary": primary, "mini": mini, "revm": revm },
                "nsPerRun": { "primary": self.nanoseconds[0], "mini": self.nanoseconds[1], "revm": self.nanoseconds[2] },
                "speedOverRevm": { "primary": self.speed(0), "mini": self.speed(1) },
            }));
        }
        let (fast, plain) = (self.speed(0), self.speed(1));
        println!("{name:38}{steps:>11}{primary:>9.2}{mini:>9.2}{revm:>9.2}{fast:>8.2}x{plain:>8.2}x");
    }
}

/// Geometric means of the speed over revm: by suite, over all but precompiled contracts, and the worst program.
fn summarize(all: &[Measured<'_>], as_json: bool) {
    let mut groups: BTreeMap<&str, Vec<&Measured<'_>>> = BTreeMap::new();
    for measured in all {
        let suite = measured.program.suite();
        groups.entry(suite).or_default().push(measured);
        if suite != "overhead" && !measured.program.name.contains("precompile") {
            groups.entry("all but precompiles").or_default().push(measured);
        }
    }
    for (group, members) in &groups {
        let [primary, mini] = [0, 1].map(|engine| geometric_mean(members, engine));
        let worst = members.iter().min_by(|a, b| a.speed(0).total_cmp(&b.speed(0)));
        let (worst, slowest) = worst.map_or(("", 0.0), |worst| (&worst.program.name, worst.speed(0)));
        if as_json {
            print_json(&json!({
                "group": group, "programs": members.len(), "speedOverRevm": { "primary": primary, "mini": mini },
                "worst": { "name": worst, "primary": slowest },
            }));
        } else {
            let title = format!("{group}: geometric mean of {}", members.len());
            println!("{title:76}{primary:>8.2}x{mini:>8.2}x  worst {slowest:.2}x {worst}");
        }
    }
}

fn geometric_mean(members: &[&Measured<'_>], engine: usize) -> f64 {
    let logs: f64 = members.iter().map(|measured| measured.speed(engine).ln()).sum();
    // A handful of programs.
    #[allow(clippy::cast_precision_loss)]
    let count = members.len().max(1) as f64;
    (logs / count).exp()
}
