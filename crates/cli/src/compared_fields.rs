//! Which fields of traces are compared, as users say it.

use clap::{Args, ValueEnum};
use parallax_tracer_eip3155::{CompareOptions, Field, Fields, TraceAgreement};

/// Which fields are compared.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What is compared")]
pub(crate) struct FieldArguments {
    /// Compare all fields but these: gas,gasCost,error, ...
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', conflicts_with_all = ["only", "strictness"])]
    ignore: Vec<Field>,
    /// Compare these fields alone, and where each step is
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', conflicts_with = "strictness")]
    only: Vec<Field>,
    /// How much is compared
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = Strictness::Exact)]
    strictness: Strictness,
}

/// Names for sets of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Strictness {
    /// Every field
    #[default]
    Exact,
    /// No field that counts gas
    NoGas,
    /// Not the stack
    NoStack,
    /// Neither memory nor return data
    NoMemory,
    /// Not how opcodes and transactions fail
    NoErrors,
    /// The steps, not what is said behind them
    Steps,
    /// Where each step is: depth, pc, op
    Path,
}

const WHERE: Fields = Fields::of(&[Field::Depth, Field::Pc, Field::Op]);
const OF_GAS: Fields = Fields::of(&[
    Field::Gas,
    Field::GasCost,
    Field::Reservoir,
    Field::StateGas,
    Field::StateGasCost,
    Field::Refund,
    Field::GasUsed,
]);
const OF_ERRORS: Fields =
    Fields::of(&[Field::Error, Field::ErrorMsg, Field::EvmResult, Field::ValidationError, Field::Pass]);
const OF_MEMORY: Fields = Fields::of(&[Field::Memory, Field::MemSize, Field::ReturnData]);

impl FieldArguments {
    pub(crate) fn options(&self) -> CompareOptions {
        if !self.only.is_empty() {
            return CompareOptions::of(Fields::of(&self.only).or(WHERE));
        }
        if !self.ignore.is_empty() {
            return CompareOptions::of(Fields::ALL.without(Fields::of(&self.ignore)));
        }
        CompareOptions::of(match self.strictness {
            Strictness::Exact => Fields::ALL,
            Strictness::NoGas => Fields::ALL.without(OF_GAS),
            Strictness::NoStack => Fields::ALL.without(Fields::of(&[Field::Stack])),
            Strictness::NoMemory => Fields::ALL.without(OF_MEMORY),
            Strictness::NoErrors => Fields::ALL.without(OF_ERRORS),
            Strictness::Path => return CompareOptions { steps: WHERE, ends: Fields::NONE, all: false },
            Strictness::Steps => return CompareOptions { ends: Fields::NONE, ..CompareOptions::default() },
        })
    }

    /// Whether an agreement is about nothing that was asked for: of `--only` these fields, and not where each step is.
    pub(crate) fn is_about_nothing(&self, agreement: &TraceAgreement) -> bool {
        let asked = if self.only.is_empty() { Fields::ALL } else { Fields::of(&self.only) };
        agreement.compared.and(asked).is_empty()
    }

    /// What was asked for, if it was not everything: `--strictness no-gas`.
    pub(crate) fn told(&self) -> Option<String> {
        let names = |fields: &[Field]| fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(",");
        if !self.only.is_empty() {
            return Some(format!("--only {}", names(&self.only)));
        }
        if !self.ignore.is_empty() {
            return Some(format!("--ignore {}", names(&self.ignore)));
        }
        let level = self.strictness.to_possible_value()?;
        (self.strictness != Strictness::Exact).then(|| format!("--strictness {}", level.get_name()))
    }
}
