//! What is run under an instruction counter. Arguments: the engine, a way of looking, how many runs, and a program's file
//! (the embedded program if there is none).

use std::{hint::black_box, path::Path};

use anyhow::{Context, Result, bail};
use parallax_hooks::Hooks;
use parallax_mini_interpreter::Mini;
use parallax_primary_interpreter::Primary;

use crate::program::Program;

/// Runs a program as the command line says. `hooks` knows the ways of looking by name; `plain` asks nobody.
///
/// # Errors
///
/// For arguments that are not understood, and for a wrong answer.
pub fn run(hooks: impl Fn(&str) -> Option<Box<dyn Hooks>>) -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().with_context(|| format!("no {what}"));
    let (engine, way) = (next("engine")?, next("way")?);
    let runs: u32 = next("number of runs")?.parse()?;
    let program = match next("program") {
        Ok(path) => Program::read(Path::new(&path))?,
        Err(_) => Program::embedded()?,
    };
    let mut hooks = match way.as_str() {
        "plain" => None,
        way => Some(hooks(way).with_context(|| format!("unknown way of looking {way:?}"))?),
    };
    let (primary, mini) = (Primary::new(), Mini);
    for _ in 0..runs {
        // Made anew each time: the borrow ends with the run.
        let hooks: Option<&mut dyn Hooks> = match &mut hooks {
            Some(hooks) => Some(black_box(&mut **hooks)),
            None => None,
        };
        match engine.as_str() {
            "primary" => program.run(&primary, hooks)?,
            "mini" => program.run(&mini, hooks)?,
            engine => bail!("unknown engine {engine:?}"),
        };
    }
    Ok(())
}
