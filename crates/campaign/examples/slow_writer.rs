//! What a slow writer costs a run: a loop, traced into a writer that takes 20 milliseconds for each piece of text.
//!
//! `cargo run --release --package parallax-campaign --example slow_writer`. The time until the run is over, and until the trace is
//! (where nothing is waited for, the least of nine runs); lines written and lost.

use std::{
    error::Error,
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
/// Pieces that may wait.
const QUEUE: usize = 16;

/// Counts lines, and takes its time for each piece.
struct Slow {
    takes: Duration,
    lines: u64,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.takes.is_zero() {
            thread::sleep(self.takes);
        }
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
    steps: u64,
    written: u64,
    lost: u64,
}

impl Run {
    fn or_shorter(self, other: Self) -> Self {
        if other.run < self.run { other } else { self }
    }

    fn print(self, name: &str) -> Result<(), Box<dyn Error>> {
        let Self { run, trace, steps, written, lost } = self;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!("{name:<20} {:>10.1} {:>10.1} {steps:>9} {written:>9} {lost:>9}", ms(run), ms(trace));
        if written + lost != steps {
            return Err(format!("{} of {steps} steps are not told", written + lost).into());
        }
        Ok(())
    }
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
    let job =
        Job { fork: Fork::Osaka, chain_id: 1, block: &block, transaction: &transaction, database: &database };
    let engine = engines::by_name("primary")?;
    let mut tracer = Eip3155Tracer::new(out, Options::new(Dialect::Eip3155, Fork::Osaka));
    let start = Instant::now();
    engine.execute(&job, &mut Traced(&mut tracer))?;
    let run = start.elapsed();
    let finished = tracer.finish(None);
    let (written, lost) = end(finished.out?)?;
    Ok(Run { run, trace: start.elapsed(), steps: finished.steps, written, lost })
}

fn direct(takes: Duration) -> Result<Run, Box<dyn Error>> {
    run(Slow { takes, lines: 0 }, |slow| Ok((slow.lines, 0)))
}

fn background(when_full: WhenFull) -> Result<Run, Box<dyn Error>> {
    let slow = Slow { takes: Duration::from_millis(20), lines: 0 };
    let background = Background::new(slow, when_full, QUEUE)?;
    let losses = background.losses();
    run(background, move |background| Ok((background.finish()?.lines, losses.lines())))
}

fn main() -> Result<(), Box<dyn Error>> {
    let slow = Duration::from_millis(20);
    println!(
        "{:<20} {:>10} {:>10} {:>9} {:>9} {:>9}",
        "writer", "run, ms", "trace, ms", "steps", "written", "lost"
    );
    let (mut null, mut drops) = (direct(Duration::ZERO)?, background(WhenFull::Drop)?);
    // In turns, so that what else the machine does befalls both of them.
    for _ in 1..9 {
        null = null.or_shorter(direct(Duration::ZERO)?);
        drops = drops.or_shorter(background(WhenFull::Drop)?);
    }
    null.print("null")?;
    drops.print("slow, told to drop")?;
    background(WhenFull::Wait)?.print("slow, told to wait")?;
    direct(slow)?.print("slow, no thread")
}
