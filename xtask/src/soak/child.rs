//! A child process: it says which program it is about to run, what it found, and at the end what it ran.

use std::{
    io::{BufRead, BufReader, Read, Write},
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use parallax_generator::Program;
use parallax_primitives::hex;

use super::{
    arguments::Arguments,
    check::{Counts, check},
};

/// A program that takes so much of a processor counts as endless.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a child that says nothing is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// A program that is not run alike, or kills its process.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) seed: u64,
    pub(super) what: String,
}

/// What came of a batch.
pub(super) struct Batch {
    /// The first seed that was not run.
    pub(super) next: u64,
    pub(super) findings: Vec<Finding>,
    pub(super) counts: Counts,
}

impl Batch {
    /// A finding in the program that was begun last.
    fn add(&mut self, what: String) {
        self.findings.push(Finding { seed: self.next.saturating_sub(1), what });
    }
}

/// Runs one program or transaction; a panic is a finding.
fn caught(check: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    static PANIC: Mutex<String> = Mutex::new(String::new());
    let lock = || PANIC.lock().unwrap_or_else(PoisonError::into_inner);
    std::panic::set_hook(Box::new(move |info| *lock() = info.to_string()));
    let result = catch_unwind(AssertUnwindSafe(check));
    drop(std::panic::take_hook());
    result.unwrap_or_else(|_| Err(format!("a panic: {}", lock().replace('\n', " "))))
}

/// The child's side of [`start`].
pub(super) fn run_batch(arguments: &Arguments) -> Result<()> {
    let mut counts = Counts::default();
    let mut out = std::io::stdout().lock();
    for seed in arguments.seed..arguments.seed + arguments.programs {
        writeln!(out, "at {seed}")?;
        out.flush()?;
        if let Err(what) = caught(|| arguments.check(seed, &mut counts)) {
            writeln!(out, "finding {}", what.replace('\n', "\t"))?;
        }
    }
    counts.add("cpu ns", processor_time("self").unwrap_or(0));
    writeln!(out, "done {}", serde_json::to_string(&counts.0)?)?;
    Ok(())
}

/// Nanoseconds of a processor that a process took. Linux counts them; elsewhere it is not said.
fn processor_time(process: &str) -> Option<u64> {
    let schedstat = std::fs::read_to_string(format!("/proc/{process}/schedstat")).ok()?;
    schedstat.split(' ').next()?.parse().ok()
}

fn command() -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("this program is not to be found")?);
    command.arg("soak");
    Ok(command)
}

/// Runs programs in a child until all are run or it dies.
pub(super) fn start(arguments: &Arguments, seeds: Range<u64>) -> Result<Batch> {
    let mut command = command()?;
    let programs = seeds.end - seeds.start;
    command.args(["--child", "--seed", &seeds.start.to_string(), "--programs", &programs.to_string()]);
    command.args(arguments.what());
    let mut child = command.stdout(Stdio::piped()).spawn().context("no child can be started")?;
    let mut batch = Batch { next: seeds.start, findings: Vec::new(), counts: Counts::default() };
    let lines = lines(&mut child)?;
    let (process, start) = (child.id().to_string(), Instant::now());
    // What it had taken when it was first found to say nothing.
    let mut silent_since = None;
    loop {
        let what = match lines.recv_timeout(LOOK) {
            Ok(line) => {
                silent_since = None;
                match line.split_once(' ') {
                    Some(("at", seed)) => batch.next = seed.parse::<u64>()? + 1,
                    Some(("finding", what)) => batch.add(what.replace('\t', "\n")),
                    Some(("done", counts)) => {
                        batch.counts = Counts(serde_json::from_str(counts)?);
                        ensure!(child.wait()?.success(), "a child fails behind its last program");
                        return Ok(batch);
                    }
                    _ => bail!("a child says {line:?}"),
                }
                continue;
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let taken = processor_time(&process).map_or_else(|| start.elapsed(), Duration::from_nanos);
                if taken.saturating_sub(*silent_since.get_or_insert(taken)) < PATIENCE {
                    continue;
                }
                format!("no end within {} s of a processor", PATIENCE.as_secs())
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => format!("the process died: {}", child.wait()?),
        };
        // It may have died already.
        drop(child.kill());
        child.wait()?;
        ensure!(batch.next > seeds.start, "a child dies before its first program: {what}");
        batch.add(what);
        return Ok(batch);
    }
}

/// What a child prints, line by line.
fn lines(child: &mut Child) -> Result<mpsc::Receiver<String>> {
    let output = BufReader::new(child.stdout.take().context("a child has no output")?);
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    Ok(lines)
}

/// Whether a program fails in a child of its own.
pub(super) fn fails(program: &Program) -> Result<bool> {
    let mut command = command()?;
    command.args(["--program", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().context("no child can be started")?;
    // A child that does not read to the end has failed.
    drop(child.stdin.take().map(|mut input| input.write_all(text(program).as_bytes())));
    Ok(!child.wait()?.success())
}

/// The child's side of [`fails`], and what people run a finding again with.
pub(super) fn run_one(file: &Path) -> Result<()> {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    }
    let program = program(&text)?;
    match caught(|| check(&program, &mut Counts::default())) {
        Ok(()) => println!("no difference"),
        Err(what) => bail!("{what}"),
    }
    Ok(())
}

/// A program in one line: rules, gas, whether its frame is static, calldata, code.
pub(super) fn text(program: &Program) -> String {
    let Program { rules, gas, is_static, input, code, .. } = program;
    let frame = if *is_static { "static" } else { "plain" };
    format!("{rules} {gas} {frame} 0x{} 0x{}", hex::encode(input), hex::encode(code))
}

fn program(text: &str) -> Result<Program> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [rules, gas, frame @ ("static" | "plain"), input, code] = words[..] else {
        bail!("expected one line: RULES GAS static|plain 0xCALLDATA 0xCODE");
    };
    Ok(Program {
        kind: "given",
        seed: 0,
        rules: rules.parse()?,
        gas: gas.parse().context("gas")?,
        is_static: frame == "static",
        input: hex::decode(input).context("calldata")?,
        code: hex::decode(code).context("code")?,
    })
}
