//! What a slow writer costs a run: a loop, traced into a writer that takes 20 milliseconds for each piece of text.
//!
//! `cargo run --release --package parallax-campaign --example slow_writer`. The time until the run is over, and until the trace is
//! (where nothing is waited for, the least of nine runs); what the run's thread computed for, where the system says so, which is to be
//! compared where others compute beside; lines written and lost.

use std::{
    error::Error,
    fs,
    io::{self, Write},
    thread,
    time::{Duration, Instant},
};

use parallax_assembly::assemble;
use parallax_campaign::engines;
use parallax_engine_interface::Job;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, BlockEnv, Bytecode, Fork, Transaction, U256};
use parallax_trace_output::{Background, WhenFull};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options};

const CODE: &str = "PUSH3 40000 again: DUP1 DUP1 MUL POP PUSH 1 SWAP1 SUB DUP1 @again JUMPI";
const CONTRACT: Address = Address::repeat_byte(0xc0);
/// What a piece takes.
const TAKES: Duration = Duration::from_millis(20);
/// Pieces that may wait.
const QUEUE: usize = 16;

/// Counts lines, and takes its time for each piece.
#[derive(Default)]
struct Slow {
    lines: u64,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        thread::sleep(TAKES);
        self.lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a run came out.
#[derive(Clone, Copy)]
struct Run {
    run: Duration,
    trace: Duration,
    computed: Duration,
    steps: u64,
    written: u64,
    lost: u64,
}

impl Run {
    fn or_shorter(self, other: Self) -> Self {
        if (other.computed, other.run) < (self.computed, self.run) { other } else { self }
    }

    fn print(self, name: &str) -> Result<(), Box<dyn Error>> {
        let Self { run, trace, computed, steps, written, lost } = self;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let (run, trace, computed) = (ms(run), ms(trace), ms(computed));
        println!("{name:<20} {run:>10.1} {computed:>12.1} {trace:>10.1} {steps:>9} {written:>9} {lost:>9}");
        if written + lost != steps {
            return Err(format!("{} of {steps} steps are not told", written + lost).into());
        }
        Ok(())
    }
}

/// How long this thread has computed; nothing where the system does not say.
fn computed() -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|time| time.parse().ok()).unwrap_or(0))
}

/// Runs the loop into `out`; `end` tells lines written and lost.
fn run<W: Write>(out: W, end: impl FnOnce(W) -> io::Result<(u64, u64)>) -> Result<Run, Box<dyn Error>> {
    let mut database = MemoryDatabase::default();
    let code = Bytecode::new(assemble(CODE)?);
    database.accounts.insert(CONTRACT, Account { nonce: 1, code, ..Account::default() });
    let transaction = Transaction {
        to: Some(CONTRACT),
        gas_limit: 16_000_000,
        max_fee_per_gas: U256::ZERO,
        ..Transaction::default()
    };
    let block = BlockEnv::default();
    let job = Job {
        rules: Fork::Osaka.into(),
        chain_id: 1,
        block: &block,
        subject: (&transaction).into(),
        database: &database,
    };
    let engine = engines::by_name("primary")?;
    let mut tracer = Eip3155Tracer::new(out, Options::new(Dialect::Eip3155));
    let (start, before) = (Instant::now(), computed());
    engine.execute(&job, &mut Traced(&mut tracer))?;
    let (run, computed) = (start.elapsed(), computed().saturating_sub(before));
    let finished = tracer.finish(None);
    let (written, lost) = end(finished.out?)?;
    Ok(Run { run, computed, trace: start.elapsed(), steps: finished.steps, written, lost })
}

fn null() -> Result<Run, Box<dyn Error>> {
    let run = run(io::sink(), |_| Ok((0, 0)))?;
    Ok(Run { written: run.steps, ..run })
}

fn background(when_full: WhenFull) -> Result<Run, Box<dyn Error>> {
    let background = Background::new(Slow::default(), when_full, QUEUE)?;
    let losses = background.losses();
    run(background, move |background| Ok((background.finish()?.lines, losses.lines())))
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("writer                  run, ms computed, ms  trace, ms     steps   written      lost");
    let (mut least, mut drops) = (null()?, background(WhenFull::Drop)?);
    // In turns, so that what else the machine does befalls both of them.
    for _ in 1..9 {
        least = least.or_shorter(null()?);
        drops = drops.or_shorter(background(WhenFull::Drop)?);
    }
    least.print("null")?;
    drops.print("slow, told to drop")?;
    background(WhenFull::Wait)?.print("slow, told to wait")?;
    run(Slow::default(), |slow| Ok((slow.lines, 0)))?.print("slow, no thread")
}
