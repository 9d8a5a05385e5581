//! `parallax run`: byte code in a world of its own, on one engine or on several side by side.

mod answers;
pub(crate) mod arguments;
mod bench;
mod ran;

use std::{
    fs::File,
    io::{self, Write as _},
};

use anyhow::{Context, Result, bail, ensure};
use parallax_campaign::{TraceEnd, TracedRun, engines::EngineName, trace};
use parallax_engine_interface::{Engine as _, EngineError, Execution, Job};
use parallax_hooks::{Hooks, NoHooks};
use parallax_primitives::{Bytes, Eip};
use parallax_transition::alloc_json;
use serde_json::json;

use crate::{
    input::{self, CodeForm, hex},
    libraries::{load, needs_steps},
    message::Sent,
    outputs::Outputs,
    report::{Status, complain},
    traces::Traces,
    watch::{Watch, watch_interrupts, watched},
    world::World,
};
use answers::{Answer, Answers};
use arguments::RunArguments;
use ran::{Ran, told};

pub(crate) fn run(arguments: &RunArguments) -> Result<Status> {
    arguments.trace.check_use()?;
    check_engines(arguments)?;
    let mut inputs = arguments.input.iter().map(|input| hex("--input", input));
    let inputs = inputs.by_ref().collect::<Result<Vec<_>>>()?;
    let (mut world, code) = world(arguments)?;
    let mut outputs = Outputs::beside(
        [arguments.code(), arguments.world.prestate.prestate.as_deref()].into_iter().flatten(),
    );
    let traces = arguments.trace.open(&mut outputs)?;
    let mut dump = arguments.dump.as_deref().map(|path| Dump::open(path, &mut outputs)).transpose()?;
    watch_interrupts()?;
    let is_aside = dump.as_ref().is_some_and(|dump| dump.file.is_none());
    let mut status = Status::Well;
    for (number, input) in inputs.iter().enumerate() {
        let title =
            (inputs.len() > 1).then(|| format!("input     {} of {}: {input}\n", number + 1, inputs.len()));
        let round = Round { arguments, code: code.as_ref(), input, traces: traces.as_ref() };
        let (text, ended) = round.run(&mut world)?;
        status = status.max(ended);
        // What came to no end of its own is told already, and nothing can run behind it.
        let Some(text) = text else { break };
        let text = if arguments.json { format!("{text}\n") } else { title.unwrap_or_default() + &text };
        match is_aside {
            true => io::stderr().lock().write_all(text.as_bytes())?,
            false => io::stdout().lock().write_all(text.as_bytes())?,
        }
        if ended > Status::Failure {
            break;
        }
    }
    if let Some(dump) = &mut dump {
        dump.write(&world)?;
    }
    traces.map_or(Ok(()), Traces::finish)?;
    Ok(status)
}

/// What cannot be asked of the engines that are named.
fn check_engines(arguments: &RunArguments) -> Result<()> {
    let RunArguments { engine: engines, trace, transaction, .. } = arguments;
    for (number, name) in engines.iter().enumerate() {
        ensure!(!engines[..number].contains(name), "--engine {name}: named twice");
        if !trace.trace.is_empty() {
            needs_steps("--trace", *name)?;
        }
        load(*name)?;
        ensure!(
            *transaction || name.engine().capabilities().messages,
            "--engine {name}: it runs no bare messages, expected primary or mini, or --transaction"
        );
        if let Some(reason) = name.engine().unsupported(arguments.rules.rules, &Default::default()) {
            bail!("--engine {name}: {reason}");
        }
    }
    ensure!(
        trace.trace.is_empty() || engines.len() == 1,
        "--trace: one engine is traced, {} are named",
        engines.len()
    );
    Ok(())
}

/// The world, with the code in it, and the init code that is sent, if it is a creation.
fn world(arguments: &RunArguments) -> Result<(World, Option<Bytes>)> {
    let rules = arguments.rules.rules;
    let creates = arguments.kind().creates();
    let form = CodeForm::of(arguments.asm, creates, rules);
    ensure!(!creates || arguments.world.receiver.is_none(), "--receiver: a creation has none");
    let code = arguments.code().map(|code| input::code(code, form)).transpose()?;
    let mut world = arguments.world.world(rules, arguments.gas)?;
    if creates {
        return Ok((world, code));
    }
    ensure!(
        code.is_some() || world.database.accounts.contains_key(&world.receiver),
        "--receiver {:#x}: neither CODE nor an account of --prestate to run",
        world.receiver
    );
    world.place(code);
    Ok((world, None))
}

/// One input on all engines.
struct Round<'a> {
    arguments: &'a RunArguments,
    /// Init code, before the input.
    code: Option<&'a Bytes>,
    input: &'a Bytes,
    traces: Option<&'a Traces>,
}

impl Round<'_> {
    /// Runs it, leaves the first engine's state in the world, and tells it; nothing of what an engine did not bring to an end.
    fn run(&self, world: &mut World) -> Result<(Option<String>, Status)> {
        let sent = self.sent(world)?;
        let rules = self.arguments.rules.rules;
        let World { chain_id, block, environment, database, .. } = &*world;
        let subject = sent.subject(environment);
        let job = Job { rules, chain_id: *chain_id, block, subject, database };
        let names = &self.arguments.engine;
        let mut answers = Vec::with_capacity(names.len());
        for name in names {
            match self.on(*name, &job, world)? {
                Ok(answer) => answers.push((*name, answer)),
                Err(status) => return Ok((None, status)),
            }
        }
        let is_refused = answers.iter().any(|(_, answer)| matches!(answer, Answer::Refused(_)));
        let times = if is_refused { Vec::new() } else { bench::measure(self.arguments, &job)? };
        let told = Answers { answers: &answers, times: &times, is_bench: self.arguments.bench.is_some() };
        let text = if self.arguments.json { told.json().to_string() } else { told.text() };
        let status = told.status();
        if let Some((_, Answer::Ran(_, changes))) = answers.first() {
            world.database.apply(changes);
        }
        Ok((Some(text), status))
    }

    fn sent(&self, world: &mut World) -> Result<Sent> {
        let RunArguments { gas, value, options, transaction, .. } = self.arguments;
        let input = match self.code {
            Some(code) => [&code[..], self.input].concat().into(),
            None => self.input.clone(),
        };
        let kind = self.arguments.kind();
        Ok(match transaction {
            true => Sent::Transaction(world.transaction(kind.creates(), input, (*gas, *value))),
            false => Sent::Message(options.message(kind, input, (*gas, *value), world)?),
        })
    }

    /// What an engine answers, or how the command ends that was ended meanwhile, which is told.
    fn on(&self, name: EngineName, job: &Job<'_>, world: &World) -> Result<Result<Answer, Status>> {
        let engine = name.engine();
        let span =
            tracing::error_span!("run", engine = name.name(), fork = %job.rules, gas = self.arguments.gas);
        let mut watch = Watch::new(self.arguments.limits, self.arguments.shown);
        let has_steps = engine.capabilities().steps;
        let mut go = |hooks: &mut dyn Hooks| {
            span.in_scope(|| watched(&*engine, job, hooks, has_steps.then_some(&mut watch)))
        };
        let ended = match self.traces {
            Some(traces) => {
                let on = TracedRun { before: job.database, place: None };
                trace(&traces.files, &on, &mut go, TraceEnd::of)
            }
            None => go(&mut NoHooks),
        };
        if let (Some(status), Some(text)) = (watch.early_status(), watch.early_text()) {
            complain(&format!("{name}: {text}"));
            return Ok(Err(status));
        }
        let execution = match ended {
            Ok(execution) => execution,
            Err(EngineError::Rejected(rejection)) => return Ok(Ok(Answer::Refused(rejection.to_string()))),
            Err(error) => bail!("{name}: {error}"),
        };
        let Execution { outcome: Some(outcome), changes, .. } = execution else {
            bail!("{name}: the run was ended before its end")
        };
        span.in_scope(|| tracing::debug!(status = %outcome.status, gas_used = outcome.gas_used, "ran"));
        // Of a large state that takes its time: where nobody asks, it is not worked out.
        let RunArguments { engine: engines, dump, .. } = self.arguments;
        let state_root = (engines.len() > 1 || dump.is_some()).then(|| {
            let mut after = world.database.clone();
            after.apply(&changes);
            after.state_root()
        });
        let ran = Ran {
            gas: self.arguments.gas,
            has_state_gas: job.rules.has(Eip::StateGas8037),
            outcome,
            changes: told(changes.clone(), world),
            state_root,
            steps: has_steps.then_some(watch.steps),
            last: watch.own_step(),
        };
        Ok(Ok(Answer::Ran(Box::new(ran), changes)))
    }
}

/// Where the state after the run goes.
struct Dump<'a> {
    path: &'a str,
    /// `None` is standard output.
    file: Option<File>,
}

impl<'a> Dump<'a> {
    fn open(path: &'a str, outputs: &mut Outputs) -> Result<Self> {
        let open = || outputs.open(path, "state", |path| File::create(path));
        let file = (path != "-").then(open).transpose()?;
        Ok(Self { path, file })
    }

    fn write(&mut self, world: &World) -> Result<()> {
        let state = json!({ "stateRoot": world.database.state_root().to_string(), "alloc": alloc_json(&world.database) });
        let text = format!("{state:#}\n");
        match &mut self.file {
            None => io::stdout().lock().write_all(text.as_bytes())?,
            Some(file) => file
                .write_all(text.as_bytes())
                .with_context(|| format!("{}: cannot write the state", self.path))?,
        }
        Ok(())
    }
}
