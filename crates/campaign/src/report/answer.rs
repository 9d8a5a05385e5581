//! What came of a comparison, and of what, as every report takes it.

use parallax_primitives::{ContractDefinition, Rules, TransactionDefinition};
use parallax_shadow_diff::{ShadowConfig, ShadowMode};
use parallax_state_tests::{Case, FixtureError};
use serde::Serialize;

use super::printable::{exactly, printable, shell_word};
use crate::{CaseName, Delivered, DiffOutcome, Shard, tolerated};

/// How a comparison was asked for: what its reports say besides the cases.
#[derive(Clone, Debug)]
pub struct DiffSetup {
    /// Names of the engines, left and right.
    pub engines: [String; 2],
    /// How often they are compared.
    pub mode: ShadowMode,
    /// The command and its options, without what selects cases.
    pub command: String,
    /// What counts as no difference, each with its reason.
    pub tolerances: Vec<String>,
    /// Which part of the cases they were, if not all.
    pub shard: Option<Shard>,
}

impl DiffSetup {
    /// That of `parallax diff` with these engines.
    pub fn new(left: &str, right: &str, config: &ShadowConfig) -> Self {
        let mode = config.mode;
        Self {
            engines: [left, right].map(str::to_owned),
            mode,
            command: format!("parallax diff --mode {} --left {left} --right {right}", mode.name()),
            tolerances: tolerated(config),
            shard: None,
        }
    }

    /// On these rules: what an author has given one function for both sides is not compared, and reports say so.
    #[must_use]
    pub fn on(mut self, rules: Rules) -> Self {
        let opcodes = rules.custom_opcodes().filter(|own| own.is_shared()).map(|own| own.info().name);
        let contracts = rules.custom_contracts().filter(|own| own.is_shared()).map(ContractDefinition::name);
        let transactions =
            rules.custom_transactions().filter(|own| own.is_shared()).map(TransactionDefinition::name);
        let told = opcodes
            .chain(contracts)
            .chain(transactions)
            .map(|name| format!("{name}: both sides run one function, so it is not cross-checked"));
        self.tolerances.extend(told);
        self
    }

    /// With one more option of the command.
    #[must_use]
    pub fn with_option(mut self, option: &str) -> Self {
        self.command = format!("{} {option}", self.command);
        self
    }
}

/// What a case is called: where it is from and which of its test's it is.
pub fn title(case: &Case) -> String {
    title_of(&CaseName::of(case))
}

/// As [`title`], of a case that is only known by its name.
pub fn title_of(case: &CaseName<'_>) -> String {
    let CaseName { file, name, rules, index: [d, g, v] } = case;
    let title = match rules {
        Some((_, fork_name)) => format!("{file} {name} fork {fork_name} d{d} g{g} v{v}"),
        None => format!("{file} {name}"),
    };
    printable(&title).into_owned()
}

/// The command line that runs this test again, to be pasted into a shell.
pub fn rerun(case: &Case, command: &str) -> String {
    rerun_of(&CaseName::of(case), command)
}

/// As [`rerun`], of a case that is only known by its name.
pub fn rerun_of(case: &CaseName<'_>, command: &str) -> String {
    let CaseName { file, name, rules, index: [d, g, v] } = case;
    let file = match file.starts_with('-') {
        true => format!("./{file}"),
        false => (*file).to_owned(),
    };
    let which = rules.map_or(String::new(), |(rules, fork_name)| {
        format!(" --fork {} --index {d},{g},{v}", rules_word(rules, fork_name))
    });
    let (name, file) = (shell_word(&exactly(name)), shell_word(&file));
    format!("{command}{which} --filter {name} {file}")
}

/// Rules as one word of a shell: spelled, or, where no spelling says them, the path of a file, as they were `given`.
pub fn rules_word(rules: Rules, given: &str) -> String {
    if rules.name().parse() == Ok(rules) { rules.to_string() } else { shell_word(given) }
}

/// A program or a transaction that no file of tests holds.
#[derive(Clone, Debug)]
pub struct Program {
    /// What reports call it.
    pub title: String,
    /// The rules it is run by; the left side's, where the sides differ.
    pub rules: Rules,
    /// The options of the command that give it again.
    pub options: String,
}

/// What two sides are compared on.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    Case(CaseName<'a>),
    Program(&'a Program),
}

impl<'a> Subject<'a> {
    pub(crate) fn title(self) -> String {
        match self {
            Subject::Case(case) => title_of(&case),
            Subject::Program(Program { title, rules, .. }) => format!("{title}, fork {rules}"),
        }
    }

    /// The command line that runs it again, to be pasted into a shell.
    pub(crate) fn again(self, command: &str) -> String {
        match self {
            Subject::Case(case) => rerun_of(&case, command),
            Subject::Program(Program { options, .. }) => format!("{command} {options}"),
        }
    }

    pub(crate) fn origin(self) -> Origin<'a> {
        match self {
            Subject::Case(case) => Origin::of(&case),
            Subject::Program(Program { rules, .. }) => Origin {
                file: "",
                name: "",
                fork: Some(rules.name()),
                d: None,
                g: None,
                v: None,
                place: None,
            },
        }
    }
}

/// Where a case is from. What could not be read has only a place in its file.
#[derive(Serialize)]
pub(crate) struct Origin<'a> {
    pub(crate) file: &'a str,
    pub(crate) name: &'a str,
    pub(crate) fork: Option<&'a str>,
    pub(crate) d: Option<usize>,
    pub(crate) g: Option<usize>,
    pub(crate) v: Option<usize>,
    /// Where in the test something cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<&'a str>,
}

impl<'a> Origin<'a> {
    pub(crate) fn of(case: &CaseName<'a>) -> Self {
        let CaseName { file, name, rules, index } = *case;
        let [d, g, v] = index.map(|number| rules.map(|_| number));
        Self { file, name, fork: rules.map(|(_, name)| name), d, g, v, place: None }
    }

    pub(crate) fn of_error(error: &'a FixtureError) -> Self {
        let place = Some(&*error.path).filter(|path| !path.is_empty());
        Self { file: &error.file, name: &error.test, fork: None, d: None, g: None, v: None, place }
    }
}

/// What came of one comparison, as every report takes it.
pub(crate) enum Answer<'a> {
    Outcome(Subject<'a>, &'a DiffOutcome),
    Unreadable(&'a FixtureError),
}

impl<'a> Answer<'a> {
    pub(crate) fn of(delivered: &'a Delivered<DiffOutcome>) -> Self {
        match delivered {
            Delivered::Case(case, outcome) => Answer::Outcome(Subject::Case(CaseName::of(case)), outcome),
            Delivered::Unreadable(error) => Answer::Unreadable(error),
        }
    }
}
