//! Engines as users type them.

use std::{ffi::OsStr, str::FromStr};

use clap::{
    Arg, Command, Error,
    builder::{PossibleValue, TypedValueParser},
};
use parallax_campaign::engines::EngineName;
#[cfg(feature = "fault-injection")]
use parallax_campaign::engines::FaultyName;

/// Reads the name of an engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EngineParser;

impl TypedValueParser for EngineParser {
    type Value = EngineName;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<EngineName, Error> {
        TypedValueParser::parse_ref(&EngineName::from_str, command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let ours = ENGINES.map(|(engine, help)| PossibleValue::new(engine.name()).help(help));
        Some(Box::new(ours.into_iter().chain(evmc()).chain(faulty())))
    }
}

fn evmc() -> Option<PossibleValue> {
    let help = "A library behind EVMC, in a process of its own, with options behind the path, as evmc:libevmone.so,O=0";
    cfg!(unix).then(|| PossibleValue::new("evmc:PATH").help(help))
}

#[cfg(feature = "fault-injection")]
fn faulty() -> Option<PossibleValue> {
    let faults: Vec<_> = FaultyName::faults().collect();
    let help = format!(
        "The plain engine with one mistake in every transaction, at the first execution of OPCODE that it has an effect on, as \
         mini+flip-result@ADD. FAULT is one of {}, or flip-result:BIT",
        faults.join(", ")
    );
    Some(PossibleValue::new("mini+FAULT@OPCODE").help(help))
}

#[cfg(not(feature = "fault-injection"))]
fn faulty() -> Option<PossibleValue> {
    None
}

const ENGINES: [(EngineName, &str); 6] = [
    (EngineName::Primary, "The fast engine, as it ships: code is translated to its fast form when it is hot"),
    (EngineName::PrimaryAlways, "The fast engine, code translated at its first entry"),
    (EngineName::PrimaryRecover, "The same, the fast form giving up wherever it may have to"),
    (EngineName::PrimaryExact, "The fast engine, code never translated"),
    (EngineName::Mini, "The plain engine, to be read beside the specification"),
    (EngineName::Revm, "The foreign engine"),
];
