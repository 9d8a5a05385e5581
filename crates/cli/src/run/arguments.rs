//! What users type behind `parallax run`.

use clap::Args;
use parallax_campaign::engines::EngineName;
use parallax_primitives::{Fork, U256};

use crate::{
    engine_parser::EngineParser,
    message::{Kind, MessageOptions},
    number::{number, positive, wei},
    rules_argument::{self, RulesArgument},
    trace_arguments::TraceArguments,
    watch::LimitArguments,
    world::WorldArguments,
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax run 0x6001600201
  parallax run --asm 'PUSH 1 PUSH 0 SSTORE' --gas 50000 --sender 0x00000000000000000000000000000000000000aa
  parallax run contract.hex --input 0xa9059cbb --prestate accounts.json --fork Cancun
  parallax run contract.json --create --value 1ether --dump=after.json
  parallax run --prestate after.json --receiver 0x6b175474e89094c44da98b954eedeac495271d0f --input 0x18160ddd
  parallax run code.hex --input 0x01 --input 0x02 --engine primary --engine mini
  parallax run code.hex --transaction --engine primary --engine mini --engine revm --bench
  cat code.hex | parallax run - --engine mini --json
  parallax run code.hex --trace call --trace-config '{\"withLog\": true}' --trace-out calls.json

CODE may be a raw binary file, or what solc, Foundry or Hardhat write of one contract. What is run is a bare message, without \
intrinsic gas and refund, or with --transaction a transaction.

With --json each input is one line with the fields: status gasUsed gasLeft output reason logs changes steps stack place, and where \
they apply: created executionGas stateGas stateRoot timeNs bench engines (the names, if all came to the same, or one object each).

Exit status: 0 it succeeded, 1 it reverted or failed, met a limit, or the engines came to different ends, 2 the command or its input is \
wrong, 130 interrupted, after telling where.")]
pub(crate) struct RunArguments {
    /// Hex digits, the path of a file, or - for standard input; without it, and with --receiver, that account's own code runs [default: -]
    pub(crate) code: Option<String>,
    /// The same, for who is used to it
    #[arg(long = "code", alias = "codefile", hide = true, value_name = "CODE", conflicts_with = "code")]
    pub(crate) named_code: Option<String>,
    /// CODE is assembly: a file, -, or the source itself
    #[arg(long)]
    pub(crate) asm: bool,
    /// Calldata. May be repeated: then each is run by itself, on the state that the one before it left
    #[arg(long, value_name = "HEX", default_value = "0x")]
    pub(crate) input: Vec<String>,
    /// Gas limit of what is run: of a bare message, or of a transaction, which pays its intrinsic gas from it
    #[arg(long, value_name = "N", value_parser = number::<u64>, default_value_t = 10_000_000)]
    pub(crate) gas: u64,
    /// Wei sent; the sender has as much
    #[arg(long, value_name = "WEI", value_parser = wei, default_value = "0")]
    pub(crate) value: U256,
    /// The rules: a fork, a fork with EIPs switched on and off (Cancun+7939-5656), or a file of rules (.toml)
    #[arg(long = "fork", visible_alias = "rules", value_name = "RULES", value_parser = rules_argument::argument, default_value = Fork::LATEST.name())]
    pub(crate) rules: RulesArgument,
    /// CODE is init code, and behind it --input: as --message create
    #[arg(long, conflicts_with = "message")]
    pub(crate) create: bool,
    /// How the message that runs the code comes about
    #[arg(long, value_enum, value_name = "KIND", default_value_t = Kind::Call)]
    pub(crate) message: Kind,
    #[command(flatten)]
    pub(crate) options: MessageOptions,
    /// Run a transaction of the sender instead of a bare message
    #[arg(long, conflicts_with_all = ["message", "depth", "is_static", "salt", "blob_hash"])]
    pub(crate) transaction: bool,
    /// What runs it. May be repeated: then all run it, side by side
    #[arg(long, value_parser = EngineParser, value_name = "ENGINE", default_values_t = [EngineName::Primary])]
    pub(crate) engine: Vec<EngineName>,
    /// Write the whole state after it with its root, as an alloc that --prestate reads; without a file, to standard output, and what else is
    /// told to standard error
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub(crate) dump: Option<String>,
    /// Print the wall time of a run that nothing watches, in nanoseconds
    #[arg(long)]
    pub(crate) time: bool,
    /// Measure so many runs that nothing watches, the engines by turns: the median, and gas a second [default: 100 runs]
    #[arg(long, value_name = "RUNS", num_args = 0..=1, require_equals = true, default_missing_value = "100", value_parser = positive::<u32>)]
    pub(crate) bench: Option<u32>,
    /// Most items of the last stack that are shown, from the top
    #[arg(long, value_name = "N", value_parser = number::<usize>, default_value_t = 16)]
    pub(crate) shown: usize,
    /// Print one JSON object for each input
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) world: WorldArguments,
    #[command(flatten)]
    pub(crate) limits: LimitArguments,
    #[command(flatten)]
    pub(crate) trace: TraceArguments,
}

impl RunArguments {
    /// How the message comes about.
    pub(crate) fn kind(&self) -> Kind {
        if self.create { Kind::Create } else { self.message }
    }

    /// The code that is named, if it is not the receiver's own.
    pub(crate) fn code(&self) -> Option<&str> {
        let own = self.world.receiver.is_some() && !self.kind().creates();
        self.code.as_deref().or(self.named_code.as_deref()).or((!own).then_some("-"))
    }
}
