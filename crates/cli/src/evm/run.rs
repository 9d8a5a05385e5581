//! `evm run`: byte code, in a bare message.

use std::{
    fs,
    io::{self, BufRead, Read, Write},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use parallax_engine_interface::{Engine, Execution, Job};
use parallax_hooks::{Hooks, NoHooks};
use parallax_primitives::{
    Address, Bytecode, Bytes, Eip, FrameStatus, Log, Message, MessageKind, Subject, TxEnv, TxOutcome,
    address, hex,
};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options};
use serde::Serialize;
use serde_json::{Serializer, Value, ser::PrettyFormatter};

use super::{arguments::RunWords, dump::Dump, genesis::Genesis, text_trace::hex_dump, watch::watched};
use crate::libraries::{load, needs_steps};

/// The word sender, and the word receiver.
const SENDER: Address = address!("000000000000000000000000000073656e646572");
const RECEIVER: Address = address!("0000000000000000000000007265636569766572");
/// For how long a run is repeated.
const BENCH: Duration = Duration::from_secs(1);
/// Most bytes of a file of code or of calldata.
const MAX_FILE: u64 = 64 << 20;

pub(super) fn run(words: &RunWords) -> Result<()> {
    load(words.engine)?;
    let traced = words.trace.parts();
    if traced.is_some() {
        needs_steps("--trace", words.engine)?;
    }
    let engine = words.engine.engine();
    ensure!(engine.capabilities().messages, "--engine {}: it runs no bare messages", words.engine);
    let code = code(words)?;
    let input = input(words)?;
    let mut genesis = match &words.prestate {
        Some(path) => Genesis::open(path)?,
        None => Genesis::development(words.gas),
    };
    let gas = if genesis.block.gas_limit == 0 { words.gas } else { genesis.block.gas_limit };
    genesis.block.gas_limit = gas;
    let message = message(words, &mut genesis, (code, input), gas);
    let environment = TxEnv {
        origin: message.caller,
        gas_price: words.price,
        chain_id: genesis.chain_id,
        ..TxEnv::default()
    };
    let job = Job {
        rules: genesis.rules,
        chain_id: genesis.chain_id,
        block: &genesis.block,
        subject: Subject::Message { message: &message, environment: &environment },
        database: &genesis.state,
    };
    let start = Instant::now();
    let Execution { outcome, changes, .. } = watched(traced, |hooks| engine.execute(&job, hooks))??;
    let Some(outcome) = outcome else { bail!("the run came to no end") };
    let time = if words.bench { mean(&*engine, &job)? } else { start.elapsed() };

    if words.dump {
        let mut state = genesis.state.clone();
        state.apply(&changes);
        dump(&Dump::of(&state))?;
    }
    if words.trace.debug && !outcome.logs.is_empty() {
        logs(&outcome.logs, genesis.block.number)?;
    }
    if words.bench || words.statdump {
        let mut err = io::stderr().lock();
        writeln!(err, "EVM gas used:    {}\nexecution time:  {time:?}", outcome.gas_used)?;
    }
    if traced.is_none() {
        let error = if outcome.status == FrameStatus::Success {
            None
        } else {
            Some(error(&*engine, &job, &outcome)?)
        };
        let mut out = io::stdout().lock();
        let output = if outcome.output.is_empty() { String::new() } else { outcome.output.to_string() };
        writeln!(out, "{output}")?;
        if let Some(error) = error {
            writeln!(out, " error: {error}")?;
        }
        out.flush()?;
    }
    Ok(())
}

fn message(words: &RunWords, genesis: &mut Genesis, (code, input): (Bytes, Bytes), gas: u64) -> Message {
    let (caller, receiver) = (words.sender.unwrap_or(SENDER), words.receiver.unwrap_or(RECEIVER));
    let (kind, address, input) = if words.create {
        (MessageKind::Create, Address::ZERO, [code, input].concat().into())
    } else {
        if !code.is_empty() {
            genesis.state.accounts.entry(receiver).or_default().code = Bytecode::new(code);
        }
        (MessageKind::Call, receiver, input)
    };
    // Where the receiver delegates to (EIP-7702).
    let delegate = genesis.state.accounts.get(&address).and_then(|account| account.code.delegation());
    let delegate = delegate.filter(|_| genesis.rules.has(Eip::SetCode7702));
    Message {
        kind,
        depth: 0,
        is_static: false,
        gas,
        state_gas: Default::default(),
        caller,
        address,
        code_address: delegate.unwrap_or(address),
        is_delegated: delegate.is_some(),
        value: words.value,
        input,
        salt: Default::default(),
    }
}

fn code(words: &RunWords) -> Result<Bytes> {
    match (&words.codefile, &words.code) {
        (Some(path), _) => digits(&read(path)?, path),
        (None, Some(code)) => digits(code, "CODE"),
        (None, None) => Ok(Bytes::new()),
    }
}

fn input(words: &RunWords) -> Result<Bytes> {
    match &words.inputfile {
        Some(path) => digits(&read(path)?, path),
        None => digits(&words.input, "--input"),
    }
}

fn read(path: &str) -> Result<String> {
    let mut text = String::new();
    let mut source: Box<dyn BufRead> = match path {
        "-" => Box::new(io::stdin().lock()),
        path => Box::new(io::BufReader::new(fs::File::open(path).with_context(|| path.to_owned())?)),
    };
    let length =
        source.by_ref().take(MAX_FILE + 1).read_to_string(&mut text).with_context(|| path.to_owned())?;
    ensure!(length as u64 <= MAX_FILE, "{path}: expected at most {MAX_FILE} bytes");
    Ok(text)
}

fn digits(text: &str, name: &str) -> Result<Bytes> {
    let text = text.trim();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    ensure!(
        digits.len().is_multiple_of(2),
        "{name}: expected two hex digits a byte, found {} digits",
        digits.len()
    );
    let bytes = hex::decode(digits).with_context(|| format!("{name}: expected hex digits"))?;
    Ok(bytes.into())
}

/// What the run failed of, as the closing line of its trace has it.
fn error(engine: &dyn Engine, job: &Job<'_>, outcome: &TxOutcome) -> Result<String> {
    if outcome.status == FrameStatus::Revert {
        return Ok("execution reverted".to_owned());
    }
    if !engine.capabilities().steps {
        return Ok(outcome.status.to_string());
    }
    let mut lines = Vec::new();
    let mut tracer = Eip3155Tracer::new(&mut lines, Options { stack: false, ..Options::new(Dialect::Geth) });
    engine.execute(job, &mut Traced(&mut tracer))?;
    // It writes into memory, which does not fail.
    let _ = tracer.finish(None);
    let last = lines.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty()).unwrap_or_default();
    let line: Value = serde_json::from_slice(last).unwrap_or_default();
    Ok(line["error"].as_str().map_or_else(|| outcome.status.to_string(), str::to_owned))
}

fn mean(engine: &dyn Engine, job: &Job<'_>) -> Result<Duration> {
    let (start, mut runs) = (Instant::now(), 0u32);
    while runs == 0 || start.elapsed() < BENCH {
        engine.execute(job, &mut NoHooks as &mut dyn Hooks)?;
        runs += 1;
    }
    Ok(start.elapsed() / runs)
}

/// By four blanks, as it is told there.
fn dump(dump: &Dump) -> Result<()> {
    let mut out = io::stdout().lock();
    dump.serialize(&mut Serializer::with_formatter(&mut out, PrettyFormatter::with_indent(b"    ")))?;
    writeln!(out)?;
    Ok(out.flush()?)
}

fn logs(logs: &[Log], number: u64) -> Result<()> {
    let mut err = io::stderr().lock();
    writeln!(err, "### LOGS")?;
    for Log { address, topics, data, .. } in logs {
        writeln!(err, "LOG{}: {} bn={number} txi=0", topics.len(), hex::encode(address))?;
        for (index, topic) in topics.iter().enumerate() {
            writeln!(err, "{index:08}  {}", hex::encode(topic))?;
        }
        hex_dump(&mut err, data)?;
        writeln!(err)?;
    }
    Ok(err.flush()?)
}
