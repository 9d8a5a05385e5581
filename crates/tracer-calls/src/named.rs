use std::collections::BTreeMap;

use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_host_interface::{Database, StateChanges};
use parallax_primitives::Message;
use parallax_tracer_core::{Tracer, Wants};
use serde_json::Value;

use crate::{
    AccessListTracer, CallTracer, CallTracerConfig, FlatCallTracer, FlatCallTracerConfig, FourByteTracer,
    GasProfile, OpcodeCounter, PreimageTracer, PrestateTracer, PrestateTracerConfig, ProfileFormat,
    StateGasTracer, TracerError, json,
};

/// A tracer by its name.
#[derive(Debug)]
pub enum NamedTracer {
    /// `callTracer`.
    Call(CallTracer),
    /// `flatCallTracer`.
    FlatCall(FlatCallTracer),
    /// `prestateTracer`.
    Prestate(PrestateTracer),
    /// `4byteTracer`.
    FourByte(FourByteTracer),
    /// `opcodes`.
    Opcodes(OpcodeCounter),
    /// `accesslist`.
    AccessList(AccessListTracer),
    /// `preimages`, which is go-ethereum's `keccak256PreimageTracer`.
    Preimages(PreimageTracer),
    /// `folded` and `speedscope`.
    Gas(GasProfile),
    /// `stategas`.
    StateGas(StateGasTracer),
    /// `noopTracer`: looks at nothing and answers `{}`.
    Noop,
    /// `muxTracer`: several, by their names.
    Mux(BTreeMap<String, NamedTracer>),
}

/// The names that there are: the long one, which is go-ethereum's where it has one, and the short one.
const NAMES: [(&str, &str); 12] = [
    ("callTracer", "call"),
    ("flatCallTracer", "flat"),
    ("prestateTracer", "prestate"),
    ("4byteTracer", "4byte"),
    ("noopTracer", "noop"),
    ("muxTracer", "mux"),
    ("opcodes", "opcodes"),
    ("accesslist", "accesslist"),
    ("keccak256PreimageTracer", "preimages"),
    ("folded", "folded"),
    ("speedscope", "speedscope"),
    ("stategas", "stategas"),
];

/// The options of all of them: as in go-ethereum, each passes over those of the others.
const OPTIONS: [&str; 8] = [
    "onlyTopCall",
    "withLog",
    "convertParityErrors",
    "includePrecompiles",
    "diffMode",
    "disableCode",
    "disableStorage",
    "includeEmpty",
];

impl NamedTracer {
    /// The tracer of that name, long or short, with these options, an object or nothing. `logs_before` are the logs of the block before the transaction.
    ///
    /// # Errors
    ///
    /// There is none of that name, or an option is not known or is not true or false.
    pub fn new(name: &str, config: &Value, logs_before: u64) -> Result<Self, TracerError> {
        let Some((name, _)) = NAMES.into_iter().find(|names| [names.0, names.1].contains(&name)) else {
            let names = NAMES.map(|(long, short)| match long == short {
                true => short.to_owned(),
                false => format!("{short} ({long})"),
            });
            let names = names.join(", ");
            return Err(TracerError::Name { name: name.chars().take(64).collect(), names });
        };
        if name == "muxTracer" {
            let fields = fields(name, config)?;
            let tracers =
                fields.map(|(name, config)| Ok((name.clone(), Self::new(name, config, logs_before)?)));
            return tracers.collect::<Result<_, _>>().map(Self::Mux);
        }
        let mut options = Options(Vec::new());
        for (option, value) in fields(name, config)? {
            options.read(name, option, value)?;
        }
        let is_on = |option| options.0.contains(&option);
        Ok(match name {
            "callTracer" => Self::Call(CallTracer::new(CallTracerConfig {
                only_top_call: is_on("onlyTopCall"),
                with_log: is_on("withLog"),
                logs_before,
            })),
            "flatCallTracer" => Self::FlatCall(FlatCallTracer::new(FlatCallTracerConfig {
                convert_parity_errors: is_on("convertParityErrors"),
                include_precompiles: is_on("includePrecompiles"),
            })),
            "prestateTracer" => Self::Prestate(PrestateTracer::new(PrestateTracerConfig {
                diff_mode: is_on("diffMode"),
                disable_code: is_on("disableCode"),
                disable_storage: is_on("disableStorage"),
                include_empty: is_on("includeEmpty"),
            })?),
            "4byteTracer" => Self::FourByte(FourByteTracer::default()),
            "opcodes" => Self::Opcodes(OpcodeCounter::default()),
            "accesslist" => Self::AccessList(AccessListTracer::default()),
            "keccak256PreimageTracer" => Self::Preimages(PreimageTracer::default()),
            "folded" => Self::Gas(GasProfile::new(ProfileFormat::Folded)),
            "speedscope" => Self::Gas(GasProfile::new(ProfileFormat::Speedscope)),
            "stategas" => Self::StateGas(StateGasTracer::default()),
            _ => Self::Noop,
        })
    }

    /// Whether what it answers is JSON. `folded` answers lines of its own.
    pub fn is_json(&self) -> bool {
        !matches!(self, Self::Gas(profile) if profile.format() == ProfileFormat::Folded)
    }

    /// What it answers, as JSON on one line, if it [is JSON](Self::is_json), and without an end of the last line. `before` is the state before the run and `changes` what the run has changed.
    ///
    /// # Errors
    ///
    /// No run was traced to its end, it was too large, or the state failed.
    pub fn result(&self, before: &dyn Database, changes: &StateChanges) -> Result<String, TracerError> {
        match self {
            Self::Call(tracer) => tracer.result(),
            Self::FlatCall(tracer) => tracer.result(),
            Self::Prestate(tracer) => tracer.result(before, changes),
            Self::FourByte(tracer) => tracer.result(),
            Self::Opcodes(tracer) => tracer.result(),
            Self::AccessList(tracer) => tracer.result(),
            Self::Preimages(tracer) => tracer.result(),
            Self::Gas(tracer) => tracer.result(),
            Self::StateGas(tracer) => tracer.result(),
            Self::Noop => Ok("{}".to_owned()),
            Self::Mux(tracers) => {
                let mut out = "{".to_owned();
                for (name, tracer) in tracers {
                    if out.len() > 1 {
                        out.push(',');
                    }
                    json::push(&mut out, name);
                    out.push(':');
                    let answer = tracer.result(before, changes)?;
                    match tracer.is_json() {
                        true => out.push_str(&answer),
                        false => json::push(&mut out, &answer),
                    }
                }
                out.push('}');
                Ok(out)
            }
        }
    }

    fn each(&mut self, tell: &mut dyn FnMut(&mut dyn Tracer)) {
        match self {
            Self::Call(tracer) => tell(tracer),
            Self::FlatCall(tracer) => tell(tracer),
            Self::Prestate(tracer) => tell(tracer),
            Self::FourByte(tracer) => tell(tracer),
            Self::Opcodes(tracer) => tell(tracer),
            Self::AccessList(tracer) => tell(tracer),
            Self::Preimages(tracer) => tell(tracer),
            Self::Gas(tracer) => tell(tracer),
            Self::StateGas(tracer) => tell(tracer),
            Self::Noop => {}
            Self::Mux(tracers) => tracers.values_mut().for_each(|tracer| tracer.each(tell)),
        }
    }
}

/// Options that are on.
struct Options(Vec<&'static str>);

impl Options {
    fn read(&mut self, tracer: &str, option: &str, value: &Value) -> Result<(), TracerError> {
        let known = OPTIONS.iter().find(|known| **known == option);
        match (known, value) {
            (Some(known), Value::Bool(true)) => self.0.push(*known),
            (Some(_), Value::Bool(false) | Value::Null) => {}
            (Some(_), _) => return Err(config_error(tracer, &format!("{option} is not true or false"))),
            (None, _) => {
                let option: String = option.chars().take(64).collect();
                let text = format!("unknown option {option:?}, expected some of {}", OPTIONS.join(", "));
                return Err(config_error(tracer, &text));
            }
        }
        Ok(())
    }
}

fn fields<'v>(
    tracer: &str,
    config: &'v Value,
) -> Result<impl Iterator<Item = (&'v String, &'v Value)> + use<'v>, TracerError> {
    match config {
        Value::Object(fields) => Ok(Some(fields).into_iter().flatten()),
        Value::Null => Ok(None.into_iter().flatten()),
        _ => Err(config_error(tracer, "expected an object")),
    }
}

fn config_error(tracer: &str, problem: &str) -> TracerError {
    TracerError::Config { tracer: tracer.to_owned(), problem: problem.to_owned() }
}

impl Tracer for NamedTracer {
    fn start(&mut self, start: &Start<'_>) {
        self.each(&mut |tracer| tracer.start(start));
    }

    fn end(&mut self, end: &End<'_>) {
        self.each(&mut |tracer| tracer.end(end));
    }

    fn wants(&self) -> Wants {
        match self {
            Self::Call(tracer) => tracer.wants(),
            Self::FlatCall(tracer) => tracer.wants(),
            Self::Prestate(tracer) => tracer.wants(),
            Self::FourByte(tracer) => tracer.wants(),
            Self::Opcodes(tracer) => tracer.wants(),
            Self::AccessList(tracer) => tracer.wants(),
            Self::Preimages(tracer) => tracer.wants(),
            Self::Gas(tracer) => tracer.wants(),
            Self::StateGas(tracer) => tracer.wants(),
            Self::Noop => Wants::Nothing,
            Self::Mux(tracers) => tracers.values().map(Tracer::wants).max().unwrap_or(Wants::Nothing),
        }
    }

    fn step(&mut self, step: &StepView<'_>) {
        self.each(&mut |tracer| tracer.step(step));
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.each(&mut |tracer| tracer.step_end(step, end));
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        self.each(&mut |tracer| tracer.message(message, phase));
    }
}
