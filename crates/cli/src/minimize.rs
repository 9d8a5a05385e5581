//! `parallax minimize`: a case on which sides part, made as small as it can be.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write},
    ops::ControlFlow,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use parallax_assembly::disassemble;
use parallax_campaign::{
    Delivered, FindingSides, MinimizedCase, config,
    engines::{EngineSource, Ruled},
    file_of, shell_word, title,
};
use parallax_minimizer::{Budget, Limit, Size};
use parallax_primitives::{Fork, Rules, hex};
use parallax_shadow_diff::{Halts, ShadowConfig};
use parallax_state_tests::Case;
use serde_json::{Value, json};

use crate::{
    arguments::HaltNames,
    diff::{check_sides, shadow_mode},
    minimize_arguments::MinimizeArguments,
    outcome::lower,
    outputs::Outputs,
    report::{Status, complain},
    rules_argument::RulesArgument,
    selection::Incoming,
    sides::SideOptions,
};

/// Set by the first interrupt; the second ends the process at once.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Most time, where nothing is said.
const TIME: Duration = Duration::from_secs(300);

/// What the test is called in its file.
const NAME: &str = "minimized";

pub(crate) fn run(arguments: &MinimizeArguments) -> Result<Status> {
    let options = options(arguments);
    if options.are_asked_for() {
        let (sides, options) = options.sides(arguments.mode)?;
        return minimize(arguments, FindingSides::Sides(&sides), &options);
    }
    let engines = arguments.engines();
    check_sides(arguments.mode, engines)?;
    let rules = |given: &Option<RulesArgument>| given.as_ref().map(|given| given.rules);
    let [left, right] = engines;
    let left = Ruled { source: &left, rules: rules(&arguments.left_rules) };
    let right = Ruled { source: &right, rules: rules(&arguments.right_rules) };
    let mode = shadow_mode(arguments.mode, engines);
    let mut config =
        ShadowConfig { max_steps: arguments.max_steps.unwrap_or(u64::MAX), ..config(&left, &right, mode) };
    let mut again = format!(" --mode {} --left {} --right {}", mode.name(), left.name(), right.name());
    for (option, given) in [("left-rules", &arguments.left_rules), ("right-rules", &arguments.right_rules)] {
        if let Some(given) = given {
            let _ = write!(again, " --{option} {}", shell_word(&given.text));
        }
    }
    if arguments.halts == HaltNames::Exact {
        config.halts = Halts::Exact;
        again.push_str(" --halts exact");
    }
    minimize(arguments, FindingSides::Engines { left: &left, right: &right, config }, &again)
}

fn options(arguments: &MinimizeArguments) -> SideOptions<'_> {
    SideOptions {
        left: arguments.left,
        right_command: &arguments.right_command,
        right_batch: &arguments.right_batch,
        side: &arguments.side,
        right_client: arguments.right_client,
        client_output: arguments.client_output,
        case_timeout: arguments.case_timeout,
        max_memory: None,
        max_steps: arguments.max_steps,
        again: String::new(),
    }
}

fn minimize(arguments: &MinimizeArguments, sides: FindingSides<'_>, again: &str) -> Result<Status> {
    let Some(case) = only_finding(arguments, sides)? else { return Ok(Status::WrongInput) };
    let out = arguments.out.clone().unwrap_or_else(|| beside(&case));
    let mut outputs = Outputs::beside([file_of(Path::new(&*case.file))]);
    outputs.check(&out, "smallest case")?;
    ctrlc::set_handler(|| {
        if STOPPED.swap(true, Ordering::Relaxed) {
            std::process::exit(Status::Interrupted.code().into());
        }
        complain(&"interrupted: the smallest case so far is written; interrupt again to end at once");
    })
    .context("cannot watch for interrupts")?;
    let is_stopped = || STOPPED.load(Ordering::Relaxed);
    let budget =
        Budget { tries: arguments.tries, time: arguments.time.unwrap_or(TIME), is_stopped: &is_stopped };
    let smallest = sides
        .minimize(&case, NAME, &budget)
        .with_context(|| format!("{}: nothing is written", title(&case)))?;
    let mut file = outputs.open(&out, "smallest case", |path| fs::File::create(path))?;
    let text = serde_json::to_string_pretty(&smallest.test)? + "\n";
    file.write_all(text.as_bytes()).with_context(|| format!("{out}: cannot write the smallest case"))?;
    let again = format!("parallax diff{again}{} {}", by(&smallest.case), path_word(&out));
    let answer = match arguments.selection.json {
        true => told_json(&case, &smallest, &out, &again).to_string(),
        false => told(&case, &smallest, &out, &again),
    };
    writeln!(io::stdout().lock(), "{answer}")?;
    if smallest.limit == Some(Limit::Stopped) {
        return Ok(Status::Interrupted);
    }
    Ok(Status::Well)
}

/// The one case that is selected and is a finding.
fn only_finding(arguments: &MinimizeArguments, sides: FindingSides<'_>) -> Result<Option<Case>> {
    let Some(selected) = Incoming::new(&arguments.selection).all()? else { return Ok(None) };
    let mut found = Vec::new();
    let (mut cases, mut is_readable) = (0, true);
    selected.campaign().run(
        |case| sides.is_finding(case),
        |_, _| false,
        |delivered, _| {
            match delivered {
                Delivered::Case(case, is_finding) => {
                    cases += 1;
                    found.extend(is_finding.then_some(case));
                }
                // Something else is selected.
                Delivered::Unreadable(error) if error.passed_over().is_some() => {}
                Delivered::Unreadable(error) => {
                    complain(&error);
                    is_readable = false;
                }
            }
            if found.len() > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    )?;
    match &found[..] {
        [] if cases == 0 && !is_readable => Ok(None),
        [] if cases == 0 => bail!("no case selected: none fits --only-fork, --index and --filter"),
        [] => bail!(
            "no case of {cases} is a finding, a divergence or a panic in an engine: there is nothing to be made smaller"
        ),
        [case] => Ok(Some((**case).clone())),
        [first, second, ..] => bail!(
            "more than one case is a finding, expected exactly one: narrow it with --fork, --only-fork, --index and --filter ({}; {}; ..)",
            title(first),
            title(second)
        ),
    }
}

/// A name in this folder after that of the case's file.
fn beside(case: &Case) -> String {
    let name = case.file.rsplit(['/', '\\', ':']).next().unwrap_or(&case.file);
    let stem = name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("case");
    format!("{stem}.min.json")
}

/// The option that the command needs where no spelling says the rules.
fn by(case: &Case) -> String {
    let is_spelled = case.rules.name().parse::<Rules>() == Ok(case.rules);
    if is_spelled { String::new() } else { format!(" --fork {}", shell_word(&case.fork_name)) }
}

fn path_word(path: &str) -> String {
    shell_word(&if path.starts_with('-') { format!("./{path}") } else { path.to_owned() })
}

fn told(case: &Case, smallest: &MinimizedCase, out: &str, again: &str) -> String {
    let MinimizedCase { identity, tries, rounds, time, limit, .. } = smallest;
    let mut text = format!("MINIMIZED {}\n  {identity}\n", title(case));
    let [before, after] = smallest.sizes.map(columns);
    // Writing to a string does not fail.
    let _ = writeln!(text, "  {:<12}{:>12}{:>12}", "", "before", "after");
    for ((name, before), (_, after)) in before.into_iter().zip(after) {
        let _ = writeln!(text, "  {name:<12}{before:>12}{after:>12}");
    }
    let _ = write!(text, "  {tries} tries in {:.1} s, {rounds} rounds", time.as_secs_f64());
    let _ = match limit {
        Some(Limit::Tries) => {
            writeln!(text, "; the limit of tries is met: it may become smaller yet (--tries)")
        }
        Some(Limit::Time) => writeln!(text, "; the limit of time is met: it may become smaller yet (--time)"),
        Some(Limit::Stopped) => writeln!(text, "; interrupted: it may become smaller yet"),
        None => writeln!(text, "; nothing more can be taken away"),
    };
    for Code { place, assembly, .. } in codes(smallest) {
        let _ = writeln!(text, "  {place}");
        for line in assembly.lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    let _ = write!(text, "  written to {out}\n  again: {again}");
    text
}

/// A size, line by line.
fn columns(size: Size) -> [(&'static str, String); 7] {
    [
        ("code bytes", size.code.to_string()),
        ("accounts", size.accounts.to_string()),
        ("slots", size.slots.to_string()),
        ("list items", size.items.to_string()),
        ("calldata", size.calldata.to_string()),
        ("gas limit", size.gas.to_string()),
        ("fork", fork(size).to_owned()),
    ]
}

fn fork(size: Size) -> &'static str {
    Fork::ALL.get(usize::from(size.fork)).map_or("", |fork| fork.name())
}

struct Code {
    place: String,
    bytes: String,
    assembly: String,
}

/// Each code of the case, as assembly.
fn codes(smallest: &MinimizedCase) -> Vec<Code> {
    let case = &smallest.case;
    let code = |place: String, code: &[u8]| Code {
        place,
        bytes: hex::encode_prefixed(code),
        assembly: disassemble(code, case.rules).source(),
    };
    let with_code = case.pre.accounts.iter().filter(|(_, account)| !account.code.bytes().is_empty());
    let mut codes: Vec<_> =
        with_code.map(|(address, account)| code(lower(address), account.code.bytes())).collect();
    if let Ok(transaction) = &case.transaction
        && transaction.to.is_none()
        && !transaction.input.is_empty()
    {
        codes.push(code("init code".to_owned(), &transaction.input));
    }
    codes
}

fn told_json(case: &Case, smallest: &MinimizedCase, out: &str, again: &str) -> Value {
    let MinimizedCase { identity, tries, rounds, time, limit, .. } = smallest;
    let size = |size: Size| {
        json!({
            "fork": fork(size),
            "code": size.code,
            "accounts": size.accounts,
            "slots": size.slots,
            "items": size.items,
            "calldata": size.calldata,
            "gas": size.gas,
        })
    };
    let [before, after] = smallest.sizes.map(size);
    let code = codes(smallest).into_iter().map(
        |Code { place, bytes, assembly }| json!({ "address": place, "code": bytes, "assembly": assembly }),
    );
    json!({
        "file": &*case.file,
        "name": &*case.name,
        "finding": identity.to_string(),
        "before": before,
        "after": after,
        "tries": tries,
        "rounds": rounds,
        "seconds": time.as_secs_f64(),
        "limit": limit.map(|limit| match limit {
            Limit::Tries => "tries",
            Limit::Time => "time",
            Limit::Stopped => "interrupted",
        }),
        "out": out,
        "code": code.collect::<Vec<_>>(),
        "again": again,
    })
}
