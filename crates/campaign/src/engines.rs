//! The engines by name.
//!
//! Invariant: an engine is made anew for every case, the cache of analysed code in it, so that what comes of a case depends on
//! no case before it, nor on how many run at once.

use std::{fmt, str::FromStr};

use parallax_engine_interface::{
    Capabilities, Engine, EngineError, Execution, Interpreter, Job, Stepper, Tolerances, UnderRules,
};
use parallax_engine_revm::Revm;
use parallax_hooks::Hooks;
use parallax_host_interface::PrecompileSet;
pub use parallax_local_engine::LocalEngine;
use parallax_mini_interpreter::Mini;
pub use parallax_mini_machine::MiniEngine;
pub use parallax_primary_interpreter::FastCounts;
use parallax_primary_interpreter::{Primary, Tiering};
use parallax_primitives::{BlockEnv, Rules};

#[cfg(unix)]
use crate::evmc_name::EVMC;
#[cfg(unix)]
pub use crate::evmc_name::{CHILD, EvmcName, UnknownEvmc};
#[cfg(feature = "fault-injection")]
use crate::faulty_name::FAULTY;
#[cfg(feature = "fault-injection")]
pub use crate::faulty_name::{FaultyName, UnknownFaulty};

/// An engine that users may ask for. What makes it is [`EngineSource`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EngineName {
    /// The fast engine, as it ships: code is translated to its fast form when it is hot.
    Primary,
    /// The fast engine; code is translated at its first entry.
    PrimaryAlways,
    /// As that, and the fast form gives up wherever it may have to.
    PrimaryRecover,
    /// The fast engine; code is never translated.
    PrimaryExact,
    /// The plain engine.
    Mini,
    /// The foreign engine.
    Revm,
    /// A library behind EVMC.
    #[cfg(unix)]
    Evmc(EvmcName),
    /// The plain engine with a mistake in it.
    #[cfg(feature = "fault-injection")]
    Faulty(FaultyName),
}

/// Every engine that has a name of its own.
pub const ENGINES: [EngineName; 6] = [
    EngineName::Primary,
    EngineName::PrimaryAlways,
    EngineName::PrimaryRecover,
    EngineName::PrimaryExact,
    EngineName::Mini,
    EngineName::Revm,
];

impl EngineName {
    /// As users type it.
    pub fn name(self) -> &'static str {
        match self {
            EngineName::Primary => "primary",
            EngineName::PrimaryAlways => "primary-always",
            EngineName::PrimaryRecover => "primary-recover",
            EngineName::PrimaryExact => "primary-exact",
            EngineName::Mini => "mini",
            EngineName::Revm => "revm",
            #[cfg(unix)]
            EngineName::Evmc(library) => library.name(),
            #[cfg(feature = "fault-injection")]
            EngineName::Faulty(faulty) => faulty.name(),
        }
    }

    /// An engine that has run nothing.
    pub fn engine(self) -> Box<dyn CaseEngine> {
        match self {
            EngineName::Primary => Box::new(primary()),
            EngineName::PrimaryAlways => Box::new(primary_with(Tiering::Always)),
            EngineName::PrimaryRecover => Box::new(primary_with(Tiering::AlwaysRecover)),
            EngineName::PrimaryExact => Box::new(primary_with(Tiering::Never)),
            EngineName::Mini => Box::new(MiniEngine::new("mini", Mini, MINI_CONTRACTS)),
            EngineName::Revm => Box::new(Revm),
            #[cfg(unix)]
            EngineName::Evmc(library) => Box::new(Borrowed(library.library())),
            #[cfg(feature = "fault-injection")]
            EngineName::Faulty(faulty) => {
                Box::new(MiniEngine::new(faulty.name(), faulty.interpreter(), MINI_CONTRACTS))
            }
        }
    }
}

impl FromStr for EngineName {
    type Err = UnknownEngine;

    fn from_str(text: &str) -> Result<Self, UnknownEngine> {
        if let Some(named) = ENGINES.into_iter().find(|engine| engine.name() == text) {
            return Ok(named);
        }
        #[cfg(unix)]
        if let Some(library) = text.strip_prefix(EVMC) {
            return Ok(EngineName::Evmc(EvmcName::new(library)?));
        }
        #[cfg(feature = "fault-injection")]
        if let Some(fault) = text.strip_prefix(FAULTY) {
            return Ok(EngineName::Faulty(FaultyName::new(fault)?));
        }
        Err(UnknownEngine::Name(text.chars().take(64).collect()))
    }
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no engine has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownEngine {
    /// It is none of those there are.
    #[error("unknown engine {0:?}, expected one of {names}", names = names())]
    Name(String),
    /// It is no library.
    #[cfg(unix)]
    #[error(transparent)]
    Evmc(#[from] UnknownEvmc),
    /// It is `mini` with a mistake that there is not.
    #[cfg(feature = "fault-injection")]
    #[error(transparent)]
    Faulty(#[from] UnknownFaulty),
}

fn names() -> String {
    let loaded = cfg!(unix).then_some("evmc:PATH");
    let made = cfg!(feature = "fault-injection").then_some("mini+FAULT@OPCODE");
    ENGINES.map(EngineName::name).into_iter().chain(loaded).chain(made).collect::<Vec<_>>().join(", ")
}

/// Where a worker process finds engines by their names.
pub type Engines = fn(&str) -> Result<Box<dyn EngineSource>, UnknownEngine>;

/// What makes the engine that users call `name`.
pub fn source(name: &str) -> Result<Box<dyn EngineSource>, UnknownEngine> {
    Ok(Box::new(name.parse::<EngineName>()?))
}

/// What makes the engine of one side, anew for each case.
pub trait EngineSource: Sync {
    /// What reports call the engine.
    fn name(&self) -> &'static str;

    /// An engine that has run nothing.
    fn make(&self) -> Box<dyn CaseEngine + '_>;

    /// Forms in which it runs other code than when it is stepped. In the mode all each is compared as well.
    fn forms(&self) -> &'static [FastForm] {
        &[]
    }

    /// The rules that it runs by in place of a case's own, if it does.
    fn rules(&self) -> Option<Rules> {
        None
    }

    /// An engine that has run nothing, by `rules`, whatever its own are.
    fn make_under(&self, rules: Rules) -> Box<dyn CaseEngine + '_> {
        under(self.make(), Some(rules))
    }
}

/// One side with rules of its own, where it has any.
#[derive(Clone, Copy, Debug)]
pub struct Ruled<'s, S: ?Sized> {
    /// What makes its engine.
    pub source: &'s S,
    /// The rules that it runs by, in place of a case's own.
    pub rules: Option<Rules>,
}

impl<S: EngineSource + ?Sized> EngineSource for Ruled<'_, S> {
    fn name(&self) -> &'static str {
        self.source.name()
    }

    fn make(&self) -> Box<dyn CaseEngine + '_> {
        under(self.source.make(), self.rules)
    }

    fn forms(&self) -> &'static [FastForm] {
        self.source.forms()
    }

    fn rules(&self) -> Option<Rules> {
        self.rules
    }

    fn make_under(&self, rules: Rules) -> Box<dyn CaseEngine + '_> {
        self.source.make_under(rules)
    }
}

/// `engine`, by `rules` if there are any.
pub(crate) fn under<'e>(engine: Box<dyn CaseEngine + 'e>, rules: Option<Rules>) -> Box<dyn CaseEngine + 'e> {
    match rules {
        Some(rules) => Box::new(UnderRules::new(engine, rules)),
        None => engine,
    }
}

/// The engine of one case.
pub trait CaseEngine: Engine {
    /// What ran in its fast form while block entries were observed; `None` if it has no such form.
    fn fast(&self) -> Option<FastCounts> {
        None
    }

    /// Whether it would run again what it has run as one that translates all code at once does.
    fn is_warm(&self) -> bool {
        false
    }
}

impl CaseEngine for UnderRules<Box<dyn CaseEngine + '_>> {
    fn fast(&self) -> Option<FastCounts> {
        (**self.engine()).fast()
    }

    fn is_warm(&self) -> bool {
        (**self.engine()).is_warm()
    }
}

/// A form of an engine.
#[derive(Clone, Copy, Debug)]
pub struct FastForm {
    /// What reports call its runs of a case, one after the other in one engine.
    pub runs: &'static [&'static str],
    /// Makes that engine.
    pub make: fn() -> Box<dyn CaseEngine>,
}

const ALWAYS: FastForm =
    FastForm { runs: &["primary-always"], make: || Box::new(primary_with(Tiering::Always)) };
const RECOVER: FastForm =
    FastForm { runs: &["primary-recover"], make: || Box::new(primary_with(Tiering::AlwaysRecover)) };
/// The second run finds every code that the first one ran translated.
const SHIPPED: FastForm = FastForm { runs: &["primary cold", "primary hot"], make: || Box::new(primary()) };

impl EngineSource for EngineName {
    fn name(&self) -> &'static str {
        EngineName::name(*self)
    }

    fn make(&self) -> Box<dyn CaseEngine + '_> {
        self.engine()
    }

    fn forms(&self) -> &'static [FastForm] {
        match self {
            EngineName::Primary => &[ALWAYS, SHIPPED],
            EngineName::PrimaryAlways => &[ALWAYS],
            EngineName::PrimaryRecover => &[RECOVER],
            EngineName::PrimaryExact | EngineName::Mini | EngineName::Revm => &[],
            #[cfg(unix)]
            EngineName::Evmc(_) => &[],
            #[cfg(feature = "fault-injection")]
            EngineName::Faulty(_) => &[],
        }
    }
}

/// An engine of one's own is the same for each case.
impl<E: Engine + ?Sized> EngineSource for E {
    fn name(&self) -> &'static str {
        Engine::name(self)
    }

    fn make(&self) -> Box<dyn CaseEngine + '_> {
        Box::new(Borrowed(self))
    }
}

struct Borrowed<'e, E: ?Sized>(&'e E);

impl<E: Engine + ?Sized> Engine for Borrowed<'_, E> {
    fn name(&self) -> &'static str {
        Engine::name(self.0)
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn tolerances(&self) -> Tolerances {
        self.0.tolerances()
    }

    fn unsupported(&self, rules: Rules, block: &BlockEnv) -> Option<String> {
        self.0.unsupported(rules, block)
    }

    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        self.0.start(job)
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        self.0.execute(job, hooks)
    }
}

impl<E: Engine + ?Sized> CaseEngine for Borrowed<'_, E> {}

/// Those of the plain machine.
const MINI_CONTRACTS: &dyn PrecompileSet = &parallax_mini_precompiles::Contracts;

/// An interpreter with the first machine around it, under `name`, with all precompiled contracts.
pub const fn local<I>(name: &'static str, interpreter: I) -> LocalEngine<I> {
    LocalEngine::new(name, interpreter, &parallax_precompiles::Contracts)
}

impl CaseEngine for LocalEngine<Primary> {
    fn fast(&self) -> Option<FastCounts> {
        Some(self.interpreter().counts())
    }

    fn is_warm(&self) -> bool {
        self.interpreter().is_warm()
    }
}

impl CaseEngine for LocalEngine<Mini> {}

impl<I: Interpreter + Sync> CaseEngine for MiniEngine<I> {}

impl CaseEngine for Revm {}

/// An engine that users call `name`.
pub fn by_name(name: &str) -> Result<Box<dyn CaseEngine>, UnknownEngine> {
    name.parse().map(EngineName::engine)
}

/// The fast engine, as it ships.
pub fn primary() -> LocalEngine<Primary> {
    primary_with(Tiering::WhenHot)
}

/// The fast engine under the name of a tiering.
pub fn primary_with(tiering: Tiering) -> LocalEngine<Primary> {
    let name = match tiering {
        Tiering::WhenHot => EngineName::Primary,
        Tiering::Always => EngineName::PrimaryAlways,
        Tiering::AlwaysRecover => EngineName::PrimaryRecover,
        Tiering::Never => EngineName::PrimaryExact,
    };
    local(name.name(), Primary::with_tiering(tiering))
}

/// The plain engine.
pub fn mini() -> &'static MiniEngine<Mini> {
    static MINI: MiniEngine<Mini> = MiniEngine::new("mini", Mini, MINI_CONTRACTS);
    &MINI
}

/// The foreign engine.
pub fn revm() -> &'static Revm {
    &Revm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_an_engine_of_that_name() {
        for engine in ENGINES {
            assert_eq!(engine.name().parse(), Ok(engine));
            assert_eq!(Engine::name(&*engine.make()), engine.name());
            let runs = engine.forms().iter().flat_map(|form| form.runs);
            assert!(runs.clone().all(|run| run.starts_with("primary")));
            assert_eq!(runs.count(), if engine == EngineName::Primary { 3 } else { engine.forms().len() });
        }
        let error = "evmone".parse::<EngineName>().unwrap_err().to_string();
        let mut names = "primary, primary-always, primary-recover, primary-exact, mini, revm".to_owned();
        if cfg!(unix) {
            names += ", evmc:PATH";
        }
        if cfg!(feature = "fault-injection") {
            names += ", mini+FAULT@OPCODE";
        }
        assert_eq!(error, format!("unknown engine \"evmone\", expected one of {names}"));
    }
}
