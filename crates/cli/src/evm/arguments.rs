//! What users of go-ethereum's `evm` type.

use std::{fmt, str::FromStr};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, builder::BoolishValueParser};
use parallax_campaign::engines::EngineName;
use parallax_primitives::{Address, U256};
use parallax_tracer_eip3155::{Dialect, Options};
use regex::Regex;

use crate::{
    engine_parser::EngineParser,
    t8n_arguments::{T8nArguments, T8nServerArguments},
};

/// Speaks the words of go-ethereum's evm: its commands, options, outputs and exit statuses.
#[derive(Parser, Debug)]
#[command(
    name = "evm",
    bin_name = "evm",
    disable_version_flag = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Started under the name evm (a hard link or a copy), the program knows these words alone; parallax evm COMMAND is the same.\n\n\
                  Exit status: 0 even where tests fail; 1 for what cannot be read and for options that there are not; t8n has its own."
)]
pub(super) struct EvmArguments {
    /// Print the version
    #[arg(short = 'v', long)]
    pub(super) version: bool,
    #[command(subcommand)]
    pub(super) command: Option<EvmCommand>,
}

#[derive(Subcommand, Debug)]
pub(super) enum EvmCommand {
    /// Runs byte code
    Run(Box<RunWords>),
    /// Runs state tests
    Statetest(StatetestWords),
    /// Runs block tests
    Blocktest(BlocktestWords),
    /// Makes a block of a state, an environment and transactions
    #[command(visible_alias = "transition")]
    T8n(Box<T8nArguments>),
    /// Does the same over HTTP, for every request that is posted
    T8nServer(T8nServerArguments),
}

/// A regular expression that test harnesses send.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    pub(super) fn finds(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Regex::new(text).map(Self).map_err(|error| {
            // Behind a drawing of the place.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default();
            format!("expected a regular expression: {}", reason.trim_start_matches("error: "))
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    after_help = "Examples:
  parallax evm statetest tests
  parallax evm statetest --run 'push0' --statetest.fork Shanghai test.json
  parallax evm statetest --trace --trace.format=json --trace.nomemory=true --trace.noreturndata=true test.json
  find . -name '*.json' | parallax evm statetest

Without PATH, one path a line comes on standard input, until an empty line or its end; each is answered at once. Standard output has \
the results, an array of objects with the fields: name pass stateRoot fork error; standard error the root of each case, as \
{\"stateRoot\": \"0x..\"}, and what is traced. A line that cannot be run is answered with one result that has the error and with a root of \
zeros."
)]
pub(super) struct StatetestWords {
    /// A file, or a folder whose .json files are run
    #[arg(value_name = "PATH")]
    pub(super) path: Option<String>,
    /// Only cases of this fork, as the file spells it
    #[arg(long = "statetest.fork", value_name = "FORK")]
    pub(super) fork: Option<String>,
    /// Only the case of this number among those of its test, and of --statetest.fork; -1 is all of them
    #[arg(long = "statetest.index", value_name = "N", default_value_t = -1, allow_negative_numbers = true)]
    pub(super) index: i64,
    /// Run each case for about a second, and tell its mean time
    #[arg(long)]
    pub(super) bench: bool,
    #[command(flatten)]
    pub(super) tests: TestWords,
    #[command(flatten)]
    pub(super) trace: TraceWords,
}

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    after_help = "Examples:
  parallax evm blocktest tests
  parallax evm blocktest --run 'withdrawals' test.json
  find . -name '*.json' | parallax evm blocktest

Without PATH, one path a line comes on standard input, until an empty line or its end; each is answered at once. Standard output has \
the results, an array of objects with the fields: name pass stateRoot fork error. A block that must be refused must be refused for the \
reason that the test names. Transactions are traced, system calls are not."
)]
pub(super) struct BlocktestWords {
    /// A file, or a folder whose .json files are run
    #[arg(value_name = "PATH")]
    pub(super) path: Option<String>,
    #[command(flatten)]
    pub(super) tests: TestWords,
    #[command(flatten)]
    pub(super) trace: TraceWords,
}

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    after_help = "Examples:
  parallax evm run 6001600201
  parallax evm run --codefile code.hex --input 0xa9059cbb --gas 100000 --trace
  parallax evm run --prestate genesis.json --receiver 0x00000000000000000000000000000000000000c0 --dump

The code runs in a bare message: there is no intrinsic gas and no refund. Without --prestate the rules are those of Osaka, on chain 1337, \
and the base fee is 1 gwei. Standard output has the output, and a line with the error if the run failed; where it is traced, the closing line \
of the trace says both. The exit status is 0 either way."
)]
pub(super) struct RunWords {
    /// The code, in hexadecimal
    #[arg(value_name = "CODE")]
    pub(super) code: Option<String>,
    /// A file with the code in hexadecimal, or - for standard input; it outranks CODE
    #[arg(long, value_name = "FILE")]
    pub(super) codefile: Option<String>,
    /// Calldata, in hexadecimal
    #[arg(long, value_name = "HEX", default_value = "")]
    pub(super) input: String,
    /// A file with the calldata in hexadecimal; it outranks --input
    #[arg(long, value_name = "FILE")]
    pub(super) inputfile: Option<String>,
    /// Gas of the run; the gas limit of --prestate outranks it
    #[arg(long, value_name = "N", default_value_t = 10_000_000_000)]
    pub(super) gas: u64,
    /// What GASPRICE answers, in wei
    #[arg(long, value_name = "WEI", default_value = "0")]
    pub(super) price: U256,
    /// Wei sent with the call, of the sender's own
    #[arg(long, value_name = "WEI", default_value = "0")]
    pub(super) value: U256,
    /// Who calls: the name sender as an address, if it is not said
    #[arg(long, value_name = "ADDRESS", value_parser = account)]
    pub(super) sender: Option<Address>,
    /// Who is called: the name receiver as an address, if it is not said
    #[arg(long, value_name = "ADDRESS", value_parser = account)]
    pub(super) receiver: Option<Address>,
    /// The code, and behind it the input, is init code
    #[arg(long)]
    pub(super) create: bool,
    /// A genesis file: config, alloc, and the fields of the block
    #[arg(long, value_name = "GENESIS")]
    pub(super) prestate: Option<String>,
    /// Run it for about a second, and tell its mean time
    #[arg(long)]
    pub(super) bench: bool,
    /// Print the state behind it
    #[arg(long)]
    pub(super) dump: bool,
    /// Tell gas and time
    #[arg(long)]
    pub(super) statdump: bool,
    /// What runs it
    #[arg(long, value_parser = EngineParser, default_value_t = EngineName::Primary)]
    pub(super) engine: EngineName,
    #[command(flatten)]
    pub(super) trace: TraceWords,
}

/// Up to 40 digits, of which those on the left may be missing.
fn account(text: &str) -> Result<Address, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    format!("{digits:0>40}").parse().map_err(|_| "expected an address, 40 digits in hexadecimal".to_owned())
}

/// What is asked of tests of either kind.
#[derive(Args, Debug)]
pub(super) struct TestWords {
    /// Only tests in whose name this is found
    #[arg(long, value_name = "REGEX", default_value = ".*")]
    pub(super) run: Pattern,
    /// A line for each result, and their sum
    #[arg(long)]
    pub(super) human: bool,
    /// Add the state to each result
    #[arg(long)]
    pub(super) dump: bool,
    /// What runs the tests
    #[arg(long, value_parser = EngineParser, default_value_t = EngineName::Primary)]
    pub(super) engine: EngineName,
}

/// Whether and how to trace, to standard error.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Traces")]
pub(super) struct TraceWords {
    /// Trace every opcode, to standard error
    #[arg(long)]
    trace: bool,
    /// How
    #[arg(long = "trace.format", value_enum, value_name = "FORMAT", default_value_t = TraceForm::Json)]
    format: TraceForm,
    /// Write no memory
    #[arg(long = "trace.nomemory", alias = "nomemory", value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_value = "true", default_missing_value = "true", action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    no_memory: bool,
    /// Write no stack
    #[arg(long = "trace.nostack", alias = "nostack", value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_value = "false", default_missing_value = "true", action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    no_stack: bool,
    /// Write no storage: it is in the format struct alone
    #[arg(long = "trace.nostorage", alias = "nostorage", value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_value = "false", default_missing_value = "true", action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    no_storage: bool,
    /// Write no return data
    #[arg(long = "trace.noreturndata", alias = "noreturndata", value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_value = "true", default_missing_value = "true", action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    no_return_data: bool,
    /// The old word for --trace
    #[arg(long, hide = true)]
    json: bool,
    /// The old word for --trace --trace.format=struct, and of `run` for its logs behind that
    #[arg(long, hide = true)]
    pub(super) debug: bool,
}

/// The form of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TraceForm {
    /// One JSON object a line (EIP-3155)
    Json,
    /// A few lines of text an opcode
    Struct,
    /// A table in Markdown
    #[value(alias = "markdown")]
    Md,
}

/// What a trace holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct TraceParts {
    pub(super) form: TraceForm,
    pub(super) memory: bool,
    pub(super) stack: bool,
    pub(super) storage: bool,
    pub(super) return_data: bool,
}

impl TraceWords {
    /// What is to be traced, if anything is.
    pub(super) fn parts(&self) -> Option<TraceParts> {
        let form = match (self.trace, self.json, self.debug) {
            (true, ..) => self.format,
            (_, true, _) => TraceForm::Json,
            (.., true) => TraceForm::Struct,
            _ => return None,
        };
        let Self { no_memory, no_stack, no_storage, no_return_data, .. } = *self;
        let (memory, stack, storage) = (!no_memory, !no_stack, !no_storage);
        Some(TraceParts { form, memory, stack, storage, return_data: !no_return_data })
    }
}

impl TraceParts {
    /// What go-ethereum's lines hold.
    pub(super) const fn lines(&self) -> Options {
        let Self { memory, stack, return_data, .. } = *self;
        Options { memory, stack, return_data, ..Options::new(Dialect::Geth) }
    }
}
