//! Clients' commands as sides, and more than two sides: how they are named, and `parallax diff` with them.

use std::{ops::ControlFlow, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use parallax_campaign::{
    ClientSide, Delivered, DiffOutcome, DiffSetup, DiffSummary, Progress, Side, Sides, config, diff_json,
    diff_text,
    engines::{EngineName, EngineSource},
    shell_word,
};
use parallax_client_process::{Limits, Protocol};
use parallax_shadow_diff::{ShadowConfig, ShadowMode};
use parallax_store::Kind;
use parallax_tracer_eip3155::Client;

use crate::{
    arguments::{DiffArguments, IsolationArguments, Mode},
    colour,
    diff_reports::Reports,
    libraries::load,
    outputs::Outputs,
    report::{Status, complain},
    results::{Kept, Line, Results},
    selection::{Incoming, PassedOver, Printer},
};

/// A side as it was asked for.
enum Asked {
    Engine(EngineName),
    Client { name: Option<String>, protocol: Protocol, command: String },
}

/// The options that name sides, and what limits them.
pub(crate) struct SideOptions<'a> {
    pub(crate) left: EngineName,
    pub(crate) right_command: &'a [String],
    pub(crate) right_batch: &'a [String],
    pub(crate) side: &'a [String],
    pub(crate) right_client: Option<Client>,
    pub(crate) client_output: Option<u64>,
    pub(crate) case_timeout: Option<Duration>,
    pub(crate) max_memory: Option<u64>,
    pub(crate) max_steps: Option<u64>,
    /// Other options that the command that runs a case again needs.
    pub(crate) again: String,
}

impl SideOptions<'_> {
    /// Whether there are others than two engines.
    pub(crate) fn are_asked_for(&self) -> bool {
        !(self.right_command.is_empty() && self.right_batch.is_empty() && self.side.is_empty())
    }

    /// The sides, and the options that name them again.
    pub(crate) fn sides(&self, mode: Mode) -> Result<(Sides, String)> {
        let (asked, options) = asked(self)?;
        let mode = match mode {
            Mode::PerStep | Mode::All => ShadowMode::PerStep,
            Mode::PerBlock | Mode::PerCall => {
                bail!("--mode: sides are compared step by step, expected per-step")
            }
        };
        Ok((sides(self, asked, mode)?, options))
    }
}

/// Those of a comparison.
pub(crate) fn options(arguments: &DiffArguments) -> SideOptions<'_> {
    let IsolationArguments { case_timeout, max_memory, max_steps, .. } = arguments.isolation;
    SideOptions {
        left: arguments.left,
        right_command: &arguments.right_command,
        right_batch: &arguments.right_batch,
        side: &arguments.side,
        right_client: arguments.right_client,
        client_output: arguments.client_output,
        case_timeout,
        max_memory,
        max_steps,
        again: arguments.selection.again() + &arguments.isolation.options(),
    }
}

pub(crate) fn run(arguments: &DiffArguments) -> Result<Status> {
    let (sides, options) = options(arguments).sides(arguments.mode)?;
    if arguments.isolation.in_process {
        complain(&"--in-process: engines run in this process anyway where sides are named");
    }
    let others = others(&sides);
    let mut incoming = Incoming::new(&arguments.selection);
    if !arguments.report.is_empty() {
        incoming.gather()?;
    }
    incoming.watch_interrupts(false)?;
    let mut setup = setup(&sides);
    setup.command = format!("parallax diff{options}");
    setup.shard = arguments.selection.shard;
    let mut outputs = Outputs::beside(incoming.gathered_files().chain(arguments.store.store.as_deref()));
    let mut reports = Reports::begin(&arguments.report, &setup, &mut outputs)?;
    arguments.store.check(&outputs)?;
    let results = Results::begin(Printer::new(), &arguments.store, &arguments.selection, || {
        let names = std::iter::once(sides.pivot.name()).chain(sides.others.iter().map(Side::name));
        Kept {
            kind: Kind::Diff,
            sides: names.map(str::to_owned).collect(),
            mode: setup.mode.name().to_owned(),
            command: setup.command.clone(),
            words: words(arguments),
        }
    })?;
    let json = arguments.selection.json;
    let mut skipped = PassedOver::default();
    let mut deliver = |delivered: &Delivered<DiffOutcome>, progress: Progress| {
        let line = (json || results.needs_json()).then(|| diff_json(delivered));
        let text = diff_text(delivered, &setup);
        let shown = if json { line.clone() } else { text.clone().map(colour::painted) };
        let mut is_unreadable = false;
        if let Delivered::Unreadable(error) = delivered {
            let passed_over = error.passed_over();
            skipped.count(passed_over.as_deref());
            is_unreadable = passed_over.is_none();
        }
        let is_written = reports.case(delivered, progress.test);
        let has_parted = matches!(delivered, Delivered::Case(_, outcome) if outcome.verdict.is_failure());
        let is_failure = has_parted || is_unreadable;
        let (shown, json, text) = (shown.as_deref(), line.as_deref(), text.as_deref());
        results.print(&Line { progress, is_failure, shown, json, text, is_unreadable })?;
        if !is_written || arguments.fail_fast && has_parted {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let mut summary = DiffSummary { complete: true, ..DiffSummary::default() };
    while let (true, Some(selected)) = (summary.complete, incoming.next()?) {
        summary.add(&sides.diff(&selected.campaign(), &mut deliver)?);
    }
    summary.complete &= incoming.is_complete();
    let mut text = summary.text(sides.pivot.name(), &others);
    if let Some(by) = arguments.selection.by.as_ref().and_then(|by| summary.rules_text(&by.text)) {
        text.push_str(&format!("\n  {by}"));
    }
    text += &skipped.text(&incoming);
    let printed = results.finish(&text, json, summary.complete);
    reports.finish(&summary)?;
    printed?;
    Ok(incoming.status_of(&summary))
}

/// The words that name the sides, behind the name of the program.
fn words(arguments: &DiffArguments) -> Vec<String> {
    let DiffArguments { left, right_command, right_batch, side, right_client, client_output, .. } = arguments;
    let mut words = vec!["diff".to_owned()];
    words.extend(side.is_empty().then(|| format!("--left={left}")));
    for (option, values) in [("right-command", right_command), ("right-batch", right_batch), ("side", side)] {
        words.extend(values.iter().map(|value| format!("--{option}={value}")));
    }
    words.extend(right_client.map(|client| format!("--right-client={client}")));
    words.extend(client_output.map(|output| format!("--client-output={output}")));
    words.extend(arguments.isolation.max_steps.map(|steps| format!("--max-steps={steps}")));
    words
}

/// How they are compared, as reports say it.
pub(crate) fn setup(sides: &Sides) -> DiffSetup {
    let config = ShadowConfig { mode: ShadowMode::PerStep, ..ShadowConfig::default() };
    DiffSetup::new(sides.pivot.name(), &others(sides), &config)
}

fn others(sides: &Sides) -> String {
    let names: Vec<&str> = sides.others.iter().map(Side::name).collect();
    names.join(", ")
}

/// The sides in the order in which they were named, and the options that name them again.
fn asked(arguments: &SideOptions<'_>) -> Result<(Vec<Asked>, String)> {
    let mut asked = Vec::new();
    let mut options = String::new();
    if arguments.side.is_empty() {
        let left = arguments.left;
        options = format!(" --left {left}");
        asked.push(Asked::Engine(left));
    }
    for (option, commands, protocol) in [
        ("right-command", arguments.right_command, Protocol::Command),
        ("right-batch", arguments.right_batch, Protocol::Batch),
    ] {
        for command in commands {
            options.push_str(&format!(" --{option} {}", shell_word(command)));
            asked.push(Asked::Client { name: None, protocol, command: command.clone() });
        }
    }
    for side in arguments.side {
        options.push_str(&format!(" --side {}", shell_word(side)));
        asked.push(side_of(side)?);
    }
    if let Some(client) = arguments.right_client {
        options.push_str(&format!(" --right-client {client}"));
    }
    options.push_str(&arguments.again);
    if let Some(output) = arguments.client_output {
        options.push_str(&format!(" --client-output {output}"));
    }
    Ok((asked, options))
}

fn side_of(text: &str) -> Result<Asked> {
    let kinds = [("cmd:", Protocol::Command), ("batch:", Protocol::Batch)];
    for (kind, protocol) in kinds {
        let (name, rest) = match text.split_once('=') {
            Some((name, rest)) if rest.starts_with(kind) => (Some(name.to_owned()), rest),
            _ => (None, text),
        };
        if let Some(command) = rest.strip_prefix(kind) {
            return Ok(Asked::Client { name, protocol, command: command.to_owned() });
        }
    }
    let engine = text.parse().with_context(|| {
        format!("--side {text}: expected an engine, cmd:COMMAND or batch:COMMAND, with NAME= before it if one likes")
    })?;
    Ok(Asked::Engine(engine))
}

fn sides(arguments: &SideOptions<'_>, asked: Vec<Asked>, mode: ShadowMode) -> Result<Sides> {
    ensure!(asked.len() > 1, "--side: one side, expected two or more");
    let default = Limits::default();
    let limits = Limits {
        time: arguments.case_timeout.unwrap_or(default.time),
        output: arguments.client_output.map_or(default.output, |mebibytes| mebibytes.saturating_mul(1 << 20)),
        memory: arguments.max_memory,
    };
    let max_steps = arguments.max_steps.unwrap_or(u64::MAX);
    let is_pivot = |side: &Asked| match side {
        Asked::Engine(engine) => engine.engine().capabilities().pauses,
        Asked::Client { .. } => false,
    };
    let Some(at) = asked.iter().position(is_pivot) else {
        bail!("none of the sides can be stepped, expected primary or mini among them");
    };
    let mut asked = asked;
    let Asked::Engine(pivot) = asked.remove(at) else { bail!("the side that is stepped is no engine") };
    let mut taken = vec![EngineName::name(pivot).to_owned()];
    let mut others = Vec::new();
    for side in asked {
        others.push(match side {
            Asked::Engine(engine) => {
                taken.push(EngineName::name(engine).to_owned());
                load(engine)?;
                let mode = if engine.engine().capabilities().steps { mode } else { ShadowMode::PerCall };
                let config = ShadowConfig { max_steps, ..config(&pivot, &engine, mode) };
                Side::Engine(source(engine, limits), config)
            }
            Asked::Client { name, protocol, command } => {
                let given = name.clone();
                let name = distinct(&name.unwrap_or_else(|| program(&command)), &mut taken);
                // A side that is called like a client writes as that client does.
                let dialect: Option<Client> =
                    arguments.right_client.or_else(|| given.as_deref().and_then(|name| name.parse().ok()));
                let client = ClientSide::new(name, command, protocol, limits, dialect)?;
                let config = ShadowConfig { mode, max_steps, ..ShadowConfig::default() };
                Side::Client(client, config)
            }
        });
    }
    Ok(Sides { pivot: Box::new(pivot), others })
}

/// What makes the engine. Cases run in this process, so a library has the limits of a client.
fn source(engine: EngineName, limits: Limits) -> Box<dyn EngineSource> {
    match engine {
        #[cfg(unix)]
        EngineName::Evmc(library) => Box::new(library.limited(limits.time, limits.memory)),
        _ => Box::new(engine),
    }
}

/// The name of the program, without its folder.
fn program(command: &str) -> String {
    let word = command.split_whitespace().next().unwrap_or(command);
    word.rsplit(['/', '\\']).next().unwrap_or(word).to_owned()
}

/// A name that no other side has.
fn distinct(name: &str, taken: &mut Vec<String>) -> String {
    let mut own = name.to_owned();
    let mut number = 2;
    while taken.contains(&own) {
        own = format!("{name}#{number}");
        number += 1;
    }
    taken.push(own.clone());
    own
}
