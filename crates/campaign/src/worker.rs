//! A worker process: takes tests from its standard input, runs their cases one by one, says what came of each on its standard
//! output. When its standard input ends, it ends, in the middle of a case too: so no worker outlives its campaign.

use std::{
    collections::HashMap,
    io::{self, BufReader, BufWriter, Write},
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver},
    },
    thread,
};

use parallax_state_tests::TestText;

use crate::{
    RunBy, Selection,
    any_case::AnyCase,
    case_name::CaseName,
    engines::Engines,
    pipeline,
    shared_states::{State, Unit},
    task::{Loss, Task},
    wire::{self, Said, Setup, TaskSetup, UnitSetup},
};

/// Where and why the last panic was: a caught panic itself does not know where.
static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Runs this process as a worker of a [`Campaign`](crate::Campaign) that has it started through [`Workers`](crate::Workers), until
/// its standard input ends. `engine` gives the engines by name. Nothing else may read standard input or write standard output.
pub fn worker_main(engine: Engines) -> ExitCode {
    panic::set_hook(Box::new(|info| {
        let text = info.to_string().replace('\n', " ");
        // The last line that a process says is what its campaign tells of it, should the panic end it.
        let _ = writeln!(io::stderr(), "{text}");
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }));
    match begin(engine) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn begin(engine: Engines) -> Result<(), Box<dyn std::error::Error>> {
    let mut input = BufReader::new(io::stdin());
    let Some(Setup { task, fork, by, index, max_memory }) = wire::read(&mut input)? else { return Ok(()) };
    let rules = fork.map(|fork| fork.parse()).transpose()?;
    let by = by.map(|(name, text)| parallax_rules_file::read(&text).map(|rules| RunBy { rules, name }));
    let selection = Selection { rules, by: by.transpose()?, index, ..Selection::default() };
    limit(max_memory)?;
    let (sender, units) = mpsc::channel();
    thread::Builder::new().spawn(move || {
        let mut states = HashMap::new();
        while let Ok(Some(unit)) = read_unit(&mut input, &mut states) {
            if sender.send(unit).is_err() {
                return;
            }
        }
        // Whatever is running, nobody waits for it any more.
        std::process::exit(0);
    })?;
    match task {
        TaskSetup::Statetest(task) => {
            let engine = engine(&task.engine)?;
            work(&task, |case| task.case(case, &*engine), &selection, &units)?;
        }
        TaskSetup::Blocktest(task) => work(&task, task.each(engine, None)?, &selection, &units)?,
        TaskSetup::Diff(task) => work(&task, task.each(engine, None)?, &selection, &units)?,
    }
    Ok(())
}

/// A test, and how many of its cases are done already.
type Given = (Unit, usize);

/// `states` are those that were told before.
fn read_unit(
    input: &mut impl io::Read,
    states: &mut HashMap<String, Arc<State>>,
) -> io::Result<Option<Given>> {
    let Some(UnitSetup { file, name, done, state }) = wire::read(input)? else { return Ok(None) };
    let Some(text) = read_text(input)? else { return Ok(None) };
    let test = TestText::new(&file, &name, &text);
    let Some(file) = state else { return Ok(Some((Unit { test, state: None }, done))) };
    let state = match states.get(&file) {
        Some(state) => state.clone(),
        None => {
            let Some(text) = read_text(input)? else { return Ok(None) };
            states.entry(file.clone()).or_insert(State::new(&file, text)).clone()
        }
    };
    Ok(Some((Unit { test, state: Some(state) }, done)))
}

fn read_text(input: &mut impl io::Read) -> io::Result<Option<String>> {
    let Some(text) = wire::read_bytes(input)? else { return Ok(None) };
    String::from_utf8(text).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Does `task` with every unit, one after the other.
fn work<T: Task>(
    task: &T,
    each: impl Fn(&AnyCase) -> T::Report,
    selection: &Selection,
    units: &Receiver<Given>,
) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    say::<T>(&mut out, &Said::Ready)?;
    out.flush()?;
    for (unit, done) in units {
        for (number, case) in selection.any_cases(&unit).into_iter().enumerate().skip(done) {
            let report = match case {
                Err(error) => task.unreadable(&error),
                Ok(case) if !selection.has(&case) => continue,
                Ok(case) => {
                    let CaseName { rules, index, .. } = case.name();
                    let (fork, fork_name) = rules
                        .map_or(Default::default(), |(rules, name)| (rules.to_string(), name.to_owned()));
                    say::<T>(&mut out, &Said::Began { number, fork, fork_name, index })?;
                    // With it goes the report before.
                    out.flush()?;
                    let ran = case.in_span(|| panic::catch_unwind(AssertUnwindSafe(|| each(&case))));
                    ran.unwrap_or_else(|panic| {
                        let known = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
                        let loss = match known {
                            Some(words) => Loss::crashed(words),
                            None => Loss::panicked(pipeline::message(&*panic)),
                        };
                        task.lost(&case.name(), loss)
                    })
                }
            };
            say::<T>(&mut out, &Said::Report { number, report })?;
        }
        say::<T>(&mut out, &Said::Done)?;
        out.flush()?;
    }
    Ok(())
}

fn say<T: Task>(out: &mut impl Write, said: &Said<T::Report>) -> io::Result<()> {
    wire::write(out, said)
}

/// Lets this process take `max_memory` MiB of address space, and leave no picture of its memory behind.
#[cfg(unix)]
fn limit(max_memory: u64) -> io::Result<()> {
    use rlimit::Resource;
    let (_, hard) = Resource::AS.get()?;
    Resource::AS.set(max_memory.saturating_mul(1 << 20).min(hard), hard)?;
    let (_, hard) = Resource::CORE.get()?;
    Resource::CORE.set(0, hard)
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
fn limit(_: u64) -> io::Result<()> {
    Ok(())
}
