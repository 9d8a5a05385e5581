//! `parallax t8n`: the transition tool, with the words and the exit statuses of go-ethereum's, of which test frameworks ask it.

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs,
    io::{self, BufWriter, Read, Write},
    path::Path,
    process::ExitCode,
};

use parallax_campaign::{NamedTrace, engines::EngineName, processor_of};
use parallax_engine_interface::{Engine, EngineError, Execution, Job};
use parallax_hooks::{Hooks, Interest, NoHooks, StepControl, StepView};
use parallax_host_interface::HostErrorKind;
use parallax_primitives::{
    BlobSchedule, BlockRules, Opcode, RulesError, Subject, Transaction, hex, keccak256,
};
use parallax_state_tests::Node;
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options};
use parallax_transition::{Output, Request, RequestError, transition};
use serde_json::{Map, Value, json};

use crate::{
    libraries::needs_steps,
    outputs::Outputs,
    t8n_arguments::{FORKS, T8nArguments, T8nTraceArguments},
    t8n_call_frames::WithCallFrames,
};

/// Why it ends, and with which status: go-ethereum's.
pub(crate) struct Stop {
    pub(crate) status: u8,
    pub(crate) text: String,
}

/// The engine failed.
pub(crate) const ENGINE: u8 = 2;
/// The fork is not known, or a field of `env` is missing.
const CONFIGURATION: u8 = 3;
/// The hash of a block was asked for that `env` does not have.
const BLOCK_HASH: u8 = 4;
/// What is no JSON, or not that of the tool.
pub(crate) const JSON: u8 = 10;
/// A file cannot be read or written.
pub(crate) const FILE: u8 = 11;

impl Stop {
    pub(crate) fn new(status: u8, text: &dyn Display) -> Self {
        Self { status, text: text.to_string() }
    }
}

pub(crate) fn run(arguments: &T8nArguments) -> ExitCode {
    match tool(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop { status, text }) => {
            let _ = writeln!(io::stderr().lock(), "ERROR({status}): {}", text.replace('\n', " "));
            ExitCode::from(status)
        }
    }
}

fn tool(arguments: &T8nArguments) -> Result<(), Stop> {
    let folder = &arguments.basedir;
    let mut watched = Watched::new(&arguments.trace, folder, arguments.opcode_count.is_some())?;
    if watched.tracer.is_some() {
        needs_steps("--trace.tracer", arguments.engine).map_err(|error| Stop::new(CONFIGURATION, &error))?;
    }
    let mut inputs = Inputs::default();
    let blobs =
        arguments.input_blob_params.as_ref().map(|source| inputs.read("blobParams", source)).transpose()?;
    let rules = rules(&arguments.fork, blobs.as_ref())?;
    let alloc = inputs.read("alloc", &arguments.input_alloc)?;
    let env = inputs.read("env", &arguments.input_env)?;
    let txs = inputs.read("txs", &arguments.input_txs)?;
    keep_inputs(arguments)?;
    let request = read(rules, arguments.chain_id, arguments.reward, [&alloc, &env, &txs])?;
    fs::create_dir_all(folder).map_err(|error| in_file(folder, &error))?;

    let output = watched.run(&request, arguments.engine)?;
    if let Some(name) = &arguments.opcode_count {
        let counts: Map<_, _> =
            watched.counts.iter().flatten().map(|(name, count)| (name.clone(), json!(count))).collect();
        write_json(&folder.join(name), &Value::Object(counts))?;
    }
    write(arguments, output)
}

/// The rules of a fork, with blob parameters that may be given in place of its own.
pub(crate) fn rules(fork: &str, blobs: Option<&Value>) -> Result<BlockRules, Stop> {
    let mut rules: BlockRules = fork.parse().map_err(|error| match error {
        RulesError::Fork(_) => {
            let name: String = fork.chars().take(64).collect();
            Stop::new(CONFIGURATION, &format!("unknown fork {name:?}, expected one of {FORKS}"))
        }
        error => Stop::new(CONFIGURATION, &error),
    })?;
    if let Some(blobs) = blobs {
        rules.blobs = blob_parameters(blobs)?;
    }
    Ok(rules)
}

/// Reads alloc, env and txs. A reward below zero is none.
pub(crate) fn read(
    rules: BlockRules,
    chain_id: u64,
    reward: i128,
    parts: [&Value; 3],
) -> Result<Request, Stop> {
    let request = Request::read(rules, chain_id, u64::try_from(reward).ok(), parts);
    request.map_err(|error| match error {
        RequestError::Input(error) => Stop::new(JSON, &error),
        error @ RequestError::Missing(_) => Stop::new(CONFIGURATION, &error),
    })
}

/// Refuses to write over what is read.
fn keep_inputs(arguments: &T8nArguments) -> Result<(), Stop> {
    let inputs = [&arguments.input_alloc, &arguments.input_env, &arguments.input_txs];
    let inputs = Outputs::beside(inputs.into_iter().chain(&arguments.input_blob_params));
    let outputs = [
        ("result", &arguments.output_result),
        ("alloc", &arguments.output_alloc),
        ("body", &arguments.output_body),
    ];
    let counts = arguments.opcode_count.iter().map(|file| ("opcode counts", file));
    for (what, output) in outputs.into_iter().chain(counts) {
        let checked = inputs.check(arguments.basedir.join(output), what);
        checked.map_err(|error| Stop::new(FILE, &format!("{error}: give another --output.basedir")))?;
    }
    Ok(())
}

/// What is read from files, and once from standard input.
#[derive(Default)]
struct Inputs {
    stdin: Option<Value>,
}

impl Inputs {
    fn read(&mut self, name: &str, source: &str) -> Result<Value, Stop> {
        if source != "stdin" {
            let text = fs::read(source).map_err(|error| in_file(Path::new(source), &error))?;
            if source.ends_with(".rlp") {
                let text = String::from_utf8_lossy(&text);
                return Ok(json!(text.trim().trim_matches('"')));
            }
            return serde_json::from_slice(&text)
                .map_err(|error| Stop::new(JSON, &format!("{source}: {error}")));
        }
        if self.stdin.is_none() {
            let mut text = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut text);
            read.map_err(|error| Stop::new(FILE, &format!("standard input: {error}")))?;
            let value = serde_json::from_slice(&text);
            self.stdin = Some(value.map_err(|error| Stop::new(JSON, &format!("standard input: {error}")))?);
        }
        let all = self.stdin.as_ref().unwrap_or(&Value::Null);
        let named = all.get(name).or_else(|| if name == "txs" { all.get("txsRlp") } else { None });
        Ok(named.cloned().unwrap_or(Value::Null))
    }
}

fn blob_parameters(value: &Value) -> Result<BlobSchedule, Stop> {
    let file = "t8n".into();
    let node = Node::test(&file, "blobParams", value);
    let read = || {
        Ok(BlobSchedule {
            target: node.get("target").u64()?,
            max: node.get("max").u64()?,
            update_fraction: node.get("baseFeeUpdateFraction").u64()?,
        })
    };
    read().map_err(|error: parallax_state_tests::FixtureError| Stop::new(JSON, &error))
}

/// The tracer that was asked for, if one was; or what is wrong with that.
pub(crate) fn named(arguments: &T8nTraceArguments) -> Result<Option<NamedTrace>, String> {
    let option = if arguments.trace_tracer.is_some() { "--trace.tracer" } else { "--trace" };
    let Some(name) = arguments.tracer()? else {
        return match arguments.trace_jsonconfig {
            Some(_) => Err("--trace.jsonconfig: expected --trace.tracer NAME as well".to_owned()),
            None => Ok(None),
        };
    };
    let options = serde_json::from_str(arguments.trace_jsonconfig.as_deref().unwrap_or("{}"));
    let options = options.map_err(|error| format!("--trace.jsonconfig: expected JSON: {error}"))?;
    NamedTrace::new(name, options).map(Some).map_err(|error| format!("{option}: {error}"))
}

/// What is looked at of the transactions on the way.
pub(crate) struct Watched<'a> {
    trace: &'a T8nTraceArguments,
    /// In place of lines.
    tracer: Option<NamedTrace>,
    /// Where traces go.
    folder: &'a Path,
    /// Transactions that were put into the block.
    included: usize,
    /// Their logs.
    logs: u64,
    counts: Option<BTreeMap<String, u64>>,
    failed: Option<Stop>,
}

impl<'a> Watched<'a> {
    pub(crate) fn new(trace: &'a T8nTraceArguments, folder: &'a Path, counts: bool) -> Result<Self, Stop> {
        let tracer = named(trace).map_err(|error| Stop::new(CONFIGURATION, &error))?;
        let counts = counts.then(BTreeMap::new);
        Ok(Self { trace, tracer, folder, included: 0, logs: 0, counts, failed: None })
    }

    /// Makes the block.
    pub(crate) fn run(&mut self, request: &Request, engine: EngineName) -> Result<Output, Stop> {
        let (processor, engine) = (processor_of(engine.name()), engine.engine());
        let output = transition(request, processor, &mut |_, job| self.execute(&*engine, job));
        match self.failed.take() {
            Some(stop) => Err(stop),
            None => output.map_err(|error| match error.kind() {
                HostErrorKind::UnknownBlockHash => Stop::new(BLOCK_HASH, &error),
                _ => Stop::new(ENGINE, &error),
            }),
        }
    }

    fn execute(&mut self, engine: &dyn Engine, job: &Job<'_>) -> Result<Execution, EngineError> {
        let executed = match job.subject {
            Subject::Transaction(transaction) if self.tracer.is_some() => {
                self.trace_by_name(engine, job, transaction)
            }
            Subject::Transaction(transaction) if self.trace.trace.is_some() => {
                self.trace(engine, job, transaction)
            }
            _ => match &mut self.counts {
                None => engine.execute(job, &mut NoHooks),
                Some(counts) => engine.execute(job, &mut Count(counts)),
            },
        };
        if let (Subject::Transaction(_), Ok(execution)) = (job.subject, &executed) {
            self.included += 1;
            self.logs += execution.outcome.as_ref().map_or(0, |outcome| outcome.logs.len() as u64);
        }
        executed
    }

    /// Runs a transaction and writes its lines, unless it is rejected.
    fn trace(
        &mut self,
        engine: &dyn Engine,
        job: &Job<'_>,
        transaction: &Transaction,
    ) -> Result<Execution, EngineError> {
        let defaults = Options::new(Dialect::Geth);
        let options = Options {
            stack: !self.trace.trace_nostack,
            memory: self.trace.trace_memory,
            return_data: self.trace.trace_returndata,
            ..defaults
        };
        let counted = self.counts.as_mut().map(Count);
        let (executed, lines) = if self.trace.trace_callframes {
            let mut tracer = WithCallFrames::new(options);
            let executed = engine.execute(job, &mut (Traced(&mut tracer), counted));
            (executed, tracer.finish())
        } else {
            let mut lines = Vec::new();
            let mut tracer = Eip3155Tracer::new(&mut lines, options);
            let executed = engine.execute(job, &mut (Traced(&mut tracer), counted));
            // It writes into memory, which does not fail.
            let _ = tracer.finish(None);
            (executed, lines)
        };
        if executed.is_ok() {
            self.keep(transaction, "jsonl", &lines);
        }
        executed
    }

    /// Runs a transaction and writes what a tracer answers, unless it is rejected.
    fn trace_by_name(
        &mut self,
        engine: &dyn Engine,
        job: &Job<'_>,
        transaction: &Transaction,
    ) -> Result<Execution, EngineError> {
        let Some(Ok(mut tracer)) = self.tracer.as_ref().map(|tracer| tracer.tracer(self.logs)) else {
            return engine.execute(job, &mut NoHooks);
        };
        let counted = self.counts.as_mut().map(Count);
        let executed = engine.execute(job, &mut (Traced(&mut tracer), counted));
        if let Ok(execution) = &executed {
            match tracer.result(job.database, &execution.changes) {
                Ok(answer) => {
                    let ending = if tracer.is_json() { "json" } else { "txt" };
                    self.keep(transaction, ending, format!("{answer}\n").as_bytes());
                }
                Err(error) => drop(self.failed.get_or_insert(Stop::new(ENGINE, &error))),
            }
        }
        executed
    }

    /// Writes the trace of the transaction that is put into the block next.
    fn keep(&mut self, transaction: &Transaction, ending: &str, text: &[u8]) {
        let hash = hex::encode_prefixed(keccak256(&transaction.envelope));
        let path = self.folder.join(format!("trace-{}-{hash}.{ending}", self.included));
        if let Err(error) = fs::write(&path, text) {
            self.failed.get_or_insert(in_file(&path, &error));
        }
    }
}

/// Counts opcodes by their names, as the specification does: what it does not define, INVALID among it, is none, nor is the STOP that code
/// implies at its end.
struct Count<'c>(&'c mut BTreeMap<String, u64>);

impl Hooks for Count<'_> {
    fn interest(&self) -> Interest {
        Interest::Steps
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        let is_on = step.rules.opcodes()[usize::from(step.opcode.0)].is_defined();
        let is_there = is_on && step.opcode != Opcode::INVALID && step.pc < step.code.len();
        let info = step.rules.info(step.opcode).filter(|_| is_there);
        if let Some(info) = info {
            *self.0.entry(info.name.to_owned()).or_default() += 1;
        }
        StepControl::Continue
    }
}

/// Writes the three outputs: those for one stream as one object.
fn write(arguments: &T8nArguments, output: Output) -> Result<(), Stop> {
    let body = json!(output.body.to_string());
    let outputs = [
        ("result", &arguments.output_result, output.result),
        ("alloc", &arguments.output_alloc, output.alloc),
        ("body", &arguments.output_body, body),
    ];
    let (mut out, mut err) = (Map::new(), Map::new());
    for (name, target, value) in outputs {
        match target.as_str() {
            "" => {}
            "stdout" => drop(out.insert(name.to_owned(), value)),
            "stderr" => drop(err.insert(name.to_owned(), value)),
            file => write_json(&arguments.basedir.join(file), &value)?,
        }
    }
    let print = |object: Map<_, _>, to: &mut dyn Write| match object.is_empty() {
        true => Ok(()),
        false => writeln!(to, "{:#}", Value::Object(object)),
    };
    print(out, &mut io::stdout().lock())
        .and_then(|()| print(err, &mut io::stderr().lock()))
        .map_err(|error| Stop::new(FILE, &error))
}

fn write_json(path: &Path, value: &Value) -> Result<(), Stop> {
    let written = fs::File::create(path).and_then(|file| {
        let mut file = BufWriter::new(file);
        serde_json::to_writer_pretty(&mut file, value)?;
        file.flush()
    });
    written.map_err(|error| in_file(path, &error))
}

fn in_file(path: &Path, error: &io::Error) -> Stop {
    Stop::new(FILE, &format!("{}: {error}", path.display()))
}
