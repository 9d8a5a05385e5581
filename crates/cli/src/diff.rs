//! `parallax diff`: two engines on each case, or on one program.

use std::{
    io::{self, Write},
    ops::ControlFlow,
};

use anyhow::{Result, bail, ensure};
use parallax_campaign::{
    Campaign, DiffReport, DiffSummary, DiffTask, Form, Isolation, Partings, Program, Progress, compare_job,
    diff_isolated, diff_with_steps,
    engines::{EngineName, EngineSource, Ruled},
    program_json, program_text, rules_word, shell_word,
};
use parallax_engine_interface::{Execution, Job};
use parallax_primitives::{Bytes, Fork, Rules, TxOutcome};
use parallax_record_json::CaseId;
use parallax_shadow_diff::{ShadowMode, Verdict};

use crate::{
    arguments::{DiffArguments, HaltNames, Mode},
    colour, diff_items,
    diff_reports::Reports,
    input::{self, CodeForm, hex},
    libraries::{load, needs_steps},
    message::{Kind, MessageOptions, Sent},
    outputs::Outputs,
    report::{Status, complain},
    results::{Kept, Line, Results},
    right_trace,
    selection::{Incoming, NOTHING_COMPARED, PassedOver, Printer},
    sides,
    steps::Steps,
    watch::end_early,
    world::World,
};

pub(crate) fn run(arguments: &DiffArguments) -> Result<Status> {
    let is_one = arguments.code.is_some() || arguments.right_trace.is_some();
    if arguments.isolation.max_memory.is_some() && is_one {
        bail!("--code and --right-trace run in this process, without --max-memory");
    }
    ensure!(
        arguments.store.store.is_none() || !is_one,
        "--store keeps the verdicts of cases, expected neither --code nor --right-trace"
    );
    if is_one {
        end_early(arguments.isolation.case_timeout)?;
    }
    let has_world = arguments.world.again();
    ensure!(
        arguments.code.is_some() || has_world.is_empty(),
        "{}: the world of a program, expected --code",
        has_world.trim_start()
    );
    if arguments.list {
        return diff_items::list(&arguments.selection.paths);
    }
    if sides::options(arguments).are_asked_for() {
        ensure!(!arguments.pipe, "--pipe: expected engines on both sides, no client's command");
        return sides::run(arguments);
    }
    if let Some(path) = &arguments.right_trace {
        return right_trace::run(arguments, path);
    }
    if let Some(told) = arguments.fields.told() {
        bail!("{told}: of traces, expected --right-trace");
    }
    let sides = [arguments.left, arguments.right()];
    check_sides(arguments.mode, sides)?;
    if arguments.steps.is_some() {
        sides.into_iter().try_for_each(|side| needs_steps("--steps", side))?;
    }
    match &arguments.code {
        Some(code) => on_code(arguments, code, sides),
        None if arguments.pipe => diff_items::pipe(arguments, &task(arguments)),
        None => on_cases(arguments),
    }
}

/// Whether the sides can be compared as often as is asked for.
pub(crate) fn check_sides(mode: Mode, sides: [EngineName; 2]) -> Result<()> {
    sides.into_iter().try_for_each(load)?;
    let can = sides.map(|side| side.engine().capabilities());
    let [left, right] = sides;
    if mode == Mode::PerStep
        && let Some((side, _)) = sides.iter().zip(can).find(|(_, can)| !can.steps)
    {
        bail!("--mode per-step: {side} shows no steps, expected per-call");
    }
    let by_steps = shadow_mode(mode, sides) != ShadowMode::PerCall && mode != Mode::PerBlock;
    if by_steps && !can.iter().any(|can| can.pauses) {
        bail!("--left {left} --right {right}: neither can be stepped, expected primary or mini on one side");
    }
    if mode == Mode::PerBlock
        && let Some((side, _)) = sides.iter().zip(can).find(|(_, can)| !can.blocks)
    {
        bail!("--mode per-block: {side} shows no blocks, expected per-call or per-step");
    }
    Ok(())
}

/// How often the sides are compared: as often as both can, where all is asked for.
pub(crate) fn shadow_mode(mode: Mode, sides: [EngineName; 2]) -> ShadowMode {
    let shows_steps = |side: &EngineName| side.engine().capabilities().steps;
    match mode {
        Mode::All if !sides.iter().all(shows_steps) => ShadowMode::PerCall,
        Mode::PerCall => ShadowMode::PerCall,
        Mode::PerBlock => ShadowMode::PerBlock,
        Mode::PerStep => ShadowMode::PerStep,
        Mode::All => ShadowMode::All,
    }
}

fn on_cases(arguments: &DiffArguments) -> Result<Status> {
    let mut incoming = Incoming::new(&arguments.selection);
    if arguments.steps.is_some() || !arguments.report.is_empty() {
        incoming.gather()?;
    }
    let mut outputs = Outputs::beside(incoming.gathered_files().chain(arguments.store.store.as_deref()));
    let steps = Steps::open(arguments, &mut outputs)?;
    let workers = if steps.is_some() { None } else { arguments.isolation.workers()? };
    incoming.watch_interrupts(workers.is_some())?;
    let json = arguments.selection.json;
    let mut task = task(arguments);
    let mut setup = task.setup(&task.config(&arguments.left, &arguments.right()));
    setup.shard = arguments.selection.shard;
    let mut reports = Reports::begin(&arguments.report, &setup, &mut outputs)?;
    let printer = if arguments.steps.as_deref() == Some("-") { Printer::aside() } else { Printer::new() };
    arguments.store.check(&outputs)?;
    let results = Results::begin(printer, &arguments.store, &arguments.selection, || kept(arguments, &task))?;
    if results.needs_json() && !json {
        task.forms.push(Form::Json);
    }
    let isolation = workers.as_ref().map_or(Isolation::InProcess, Isolation::Workers);
    let has_failed = || steps.as_ref().is_some_and(|steps| steps.file.has_failed());
    let mut partings = Partings::default();
    let mut skipped = PassedOver::default();
    let mut deliver = |DiffReport { sum, told, parting, passed_over, .. }: &DiffReport,
                       progress: Progress| {
        skipped.count(passed_over.as_deref());
        parting.iter().for_each(|parting| partings.add(parting));
        let is_unreadable = sum.unreadable > 0;
        let text = match &told.text {
            Some(text) if is_unreadable => {
                results.beside(|| complain(text));
                None
            }
            text => text.clone().map(colour::painted),
        };
        let is_written = reports.told(told, progress.test);
        let is_failure = sum.diverged + sum.errors() > 0;
        let shown = if json { told.json.as_deref() } else { text.as_deref() };
        let (json, text) = (told.json.as_deref(), told.text.as_deref());
        results.print(&Line { progress, is_failure, shown, json, text, is_unreadable })?;
        let is_enough = arguments.fail_fast && sum.diverged > 0;
        if is_enough || !is_written || has_failed() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let mut summary = DiffSummary { complete: true, ..DiffSummary::default() };
    while let (true, Some(selected)) = (summary.complete, incoming.next()?) {
        let campaign = selected.campaign();
        summary.add(&match &steps {
            // One case at a time.
            Some(steps) => {
                diff_with_steps(&Campaign { jobs: 1, ..campaign }, &task, &steps.file, &mut deliver)?
            }
            None => diff_isolated(&campaign, &task, isolation, &mut deliver)?,
        });
    }
    summary.complete &= incoming.is_complete();
    let written = steps.map_or(Ok(()), Steps::finish);
    let tolerated = setup.tolerances.iter().map(|line| format!("\n  not compared: {line}"));
    let fast = summary.fast_text().map_or(String::new(), |text| format!("\n  {text}"));
    let by = arguments.selection.by.as_ref().and_then(|by| summary.rules_text(&by.text));
    let by = by.map_or(String::new(), |text| format!("\n  {text}"));
    let partings = partings.text();
    let partings = if partings.is_empty() { String::new() } else { format!("\n{}", partings.trim_end()) };
    let text = summary.text(&task.left, &task.right) + &by + &fast + &partings + &skipped.text(&incoming);
    let text = if json { text } else { text + &tolerated.collect::<String>() };
    let printed = results.finish(&text, json, summary.complete);
    if json {
        setup.tolerances.iter().for_each(|line| complain(&format!("not compared: {line}")));
    }
    reports.finish(&summary)?;
    written?;
    printed?;
    Ok(incoming.status_of(&summary))
}

/// What a store has of the comparison.
fn kept(arguments: &DiffArguments, task: &DiffTask) -> Kept {
    let mode = task.mode.name();
    let mut words = vec!["diff".to_owned(), format!("--mode={mode}"), format!("--left={}", task.left)];
    words.push(format!("--right={}", task.right));
    let given = [("left-rules", &arguments.left_rules), ("right-rules", &arguments.right_rules)];
    let given = given.iter().filter_map(|(option, rules)| Some((option, rules.as_ref()?)));
    words.extend(given.map(|(option, rules)| format!("--{option}={}", rules.text)));
    // By their name a test has them, unless nothing spells them.
    let by = arguments.selection.by.as_ref().filter(|by| by.rules.name().parse() != Ok(by.rules));
    words.extend(by.map(|by| format!("--fork={}", by.text)));
    words.extend(task.exact_halts.then(|| "--halts=exact".to_owned()));
    words.extend(task.max_steps.map(|steps| format!("--max-steps={steps}")));
    Kept {
        kind: parallax_store::Kind::Diff,
        sides: vec![task.left.clone(), task.right.clone()],
        mode: mode.to_owned(),
        command: task.command.clone(),
        words,
    }
}

/// What is compared with what, how, and in which forms it is told.
pub(crate) fn task(arguments: &DiffArguments) -> DiffTask {
    let DiffArguments { isolation, report, .. } = arguments;
    let [left, right] = [arguments.left, arguments.right()].map(EngineName::name);
    let mode = shadow_mode(arguments.mode, [arguments.left, arguments.right()]);
    let exact_halts = arguments.halts == HaltNames::Exact;
    let given = [("left-rules", &arguments.left_rules), ("right-rules", &arguments.right_rules)];
    let given = given.iter().filter_map(|(option, rules)| Some((option, rules.as_ref()?)));
    let mut rules: String =
        given.map(|(option, rules)| format!(" --{option} {}", shell_word(&rules.text))).collect();
    rules.push_str(&arguments.selection.again());
    let command = format!(
        "parallax diff --mode {} --left {left} --right {right}{rules}{}{}",
        mode.name(),
        if exact_halts { " --halts exact" } else { "" },
        isolation.options()
    );
    // What cannot be read is said to people in any case.
    let mut forms = vec![Form::Text];
    forms.extend((arguments.selection.json || arguments.pipe).then_some(Form::Json));
    forms.extend(report.iter().map(|report| Form::from(report.format())));
    DiffTask {
        left: left.to_owned(),
        right: right.to_owned(),
        rules: own_rules(arguments),
        mode,
        exact_halts,
        measure_time: false,
        max_steps: isolation.max_steps,
        command,
        forms,
    }
}

fn check_message(arguments: &DiffArguments, sides: [EngineName; 2]) -> Result<()> {
    ensure!(
        arguments.message.is_some() || arguments.options == MessageOptions::default(),
        "--depth, --static and --salt are of bare messages: expected --message"
    );
    ensure!(
        arguments.message.is_some() || arguments.world.blob_hash.is_empty(),
        "--blob-hash is of bare messages: expected --message"
    );
    ensure!(!creates(arguments) || arguments.world.receiver.is_none(), "--receiver: a creation has none");
    if arguments.message.is_some()
        && let Some(side) = sides.iter().find(|side| !side.engine().capabilities().messages)
    {
        bail!("--message: {side} runs no bare messages, expected primary or mini on both sides");
    }
    Ok(())
}

/// The rules of each side, where they are not a case's own.
fn own_rules(arguments: &DiffArguments) -> [Option<Rules>; 2] {
    let sides = [&arguments.left_rules, &arguments.right_rules];
    sides.map(|side| side.as_ref().map(|given| given.rules))
}

/// One program, in a transaction from an account without anything, whose gas is free, or as a bare message.
fn on_code(arguments: &DiffArguments, code: &str, sides: [EngineName; 2]) -> Result<Status> {
    let [left, right] = sides;
    let by = arguments.selection.by.as_ref();
    let of_program = by.map_or(Rules::of(Fork::LATEST), |given| given.rules);
    let own = own_rules(arguments);
    // Where the sides have rules of their own, the code and the block are the left side's.
    let rules = own[0].unwrap_or(of_program);
    let bytes = input::code(code, CodeForm::of(arguments.asm, creates(arguments), rules))?;
    // Standard input is read once: its code is given as it is.
    let code = match (code, arguments.asm) {
        ("-", _) => format!("--code {bytes}"),
        (code, is_asm) => format!("--code {}{}", shell_word(code), if is_asm { " --asm" } else { "" }),
    };
    check_message(arguments, sides)?;
    let (gas, input) = (arguments.gas, hex("--input", &arguments.input)?);
    let word = rules_word(of_program, by.map_or("", |given| &given.text));
    let mut options = format!("--fork {word} {code} --gas {gas} --input {input}");
    let mut world = arguments.world.world(rules, gas)?;
    options.push_str(&arguments.world.again());
    let sent = sent(arguments, (bytes, input), &mut world)?;
    options.push_str(&sent_again(arguments));
    let World { chain_id, block, environment, database, .. } = &world;
    let subject = sent.subject(environment);
    let job = Job { rules: of_program, chain_id: *chain_id, block, subject, database };
    let task = task(arguments);
    let config = task.config(&left, &right);
    let setup = task.setup(&config);
    let inputs = [&arguments.code, &arguments.world.prestate.prestate];
    let mut outputs = Outputs::beside(inputs.into_iter().flatten());
    let reports = Reports::begin(&arguments.report, &setup, &mut outputs)?;
    let steps = Steps::open(arguments, &mut outputs)?;
    let (left, right) = (Ruled { source: &left, rules: own[0] }, Ruled { source: &right, rules: own[1] });
    let (outcome, result) = compare_job(&job, &left, &right, &config);
    if let Some(steps) = &steps {
        let case = CaseId { fork: rules.to_string(), ..CaseId::default() };
        steps.file.write(case, &job, [&left, &right], &config, &outcome);
    }
    let program = Program { title: "a program".to_owned(), rules, options };
    let text = match (program_text(&program, &outcome, &setup), &outcome.verdict) {
        _ if arguments.selection.json => Some(program_json(&program, &outcome)),
        // It was written by whoever asks, who is told so below.
        (_, Verdict::Rejected(_)) => None,
        (Some(text), _) => Some(colour::painted(text)),
        (None, _) => {
            let what = match result {
                Some(Execution { outcome: Some(TxOutcome { status, gas_used, .. }), .. }) => {
                    format!("{status}, gas used {gas_used}, ")
                }
                _ => String::new(),
            };
            let (steps, counted) = (outcome.steps, counted(config.mode));
            let fast =
                DiffSummary::of(&outcome).fast_text().map_or(String::new(), |text| format!("\n  {text}"));
            Some(format!("{} and {} agree: {what}{steps} {counted}{fast}", left.name(), right.name()))
        }
    };
    let written = steps.map_or(Ok(()), Steps::finish);
    let printed = text.map_or(Ok(()), |text| match arguments.steps.as_deref() {
        Some("-") => writeln!(io::stderr().lock(), "{text}"),
        _ => writeln!(io::stdout().lock(), "{text}"),
    });
    reports.finish_with_program(&program, &outcome)?;
    written?;
    printed?;
    Ok(match &outcome.verdict {
        Verdict::Rejected(reason) => {
            complain(&format!("{} and {} refuse the transaction: {reason}", left.name(), right.name()));
            Status::WrongInput
        }
        Verdict::Unsupported(_) | Verdict::NotCompared(_) => {
            complain(&NOTHING_COMPARED);
            Status::WrongInput
        }
        verdict if verdict.is_failure() => Status::Failure,
        _ => Status::Well,
    })
}

/// What runs the code: a transaction, or a bare message.
fn sent(arguments: &DiffArguments, (code, input): (Bytes, Bytes), world: &mut World) -> Result<Sent> {
    let DiffArguments { message, options, gas, value, .. } = arguments;
    let creates = creates(arguments);
    let input = match creates {
        true => [code, input].concat().into(),
        false => {
            world.place(Some(code));
            input
        }
    };
    Ok(match message {
        Some(kind) => Sent::Message(options.message(*kind, input, (*gas, *value), world)?),
        None => Sent::Transaction(world.transaction(creates, input, (*gas, *value))),
    })
}

/// Whether the code is init code.
fn creates(arguments: &DiffArguments) -> bool {
    arguments.message.map_or(arguments.create, Kind::creates)
}

/// The options of what is sent, as a command has them.
fn sent_again(arguments: &DiffArguments) -> String {
    let DiffArguments { message, options, value, create, .. } = arguments;
    let kind = match message {
        Some(kind) => options.again(*kind),
        None if *create => " --create".to_owned(),
        None => String::new(),
    };
    if value.is_zero() { kind } else { format!("{kind} --value {value}") }
}

/// What a comparison counts.
fn counted(mode: ShadowMode) -> &'static str {
    match mode {
        ShadowMode::Off | ShadowMode::PerCall => "messages",
        ShadowMode::PerBlock => "block entries",
        ShadowMode::PerStep | ShadowMode::All => "steps",
    }
}
