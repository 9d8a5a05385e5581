//! What users type to have a case made smaller.

use std::time::Duration;

use clap::Args;
use parallax_campaign::engines::EngineName;
use parallax_tracer_eip3155::Client;

#[cfg(unix)]
use crate::case_arguments::evmc;
use crate::{
    case_arguments::{HaltNames, Mode, SelectionArguments},
    engine_parser::EngineParser,
    number::{number, positive},
    rules_argument::{self, RulesArgument},
    seconds::seconds,
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax minimize test.json --right revm --out small.json
  parallax minimize tests.json --fork Osaka --index 0,0,0 --filter 'name' --right mini+flip-result@MLOAD
  parallax minimize test.json --left-rules Prague --right-rules Osaka
  parallax minimize test.json --right-command 'evm statetest --json' --time 600

The finding stays the same: the kind of place, the opcode or message, the field, the kinds of halts or rejections, the cause, the engines; \
of a panic its place in the source. Everything else may become another: also the fork, an older one, unless a side has rules of its own.

With --json the answer is one object: finding before after tries rounds seconds limit out code again; before and after have fork code \
accounts slots items calldata gas, and code has address code assembly of each account.

The exit status is 0 if a smaller case, or the same one, was written; 2 if the case is no finding; 130 if it was \
interrupted, after writing the smallest case so far.")]
pub(crate) struct MinimizeArguments {
    #[command(flatten)]
    pub(crate) selection: SelectionArguments,
    /// Where the smallest case is written, as a state test [default: the name of the file, with .min.json]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<String>,
    /// Most cases that are tried
    #[arg(long, value_name = "N", value_parser = number::<u64>, default_value_t = 1_000_000)]
    pub(crate) tries: u64,
    /// Most seconds that are taken [default: 300]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) time: Option<Duration>,
    /// How often the sides are compared
    #[arg(long, value_enum, default_value_t = Mode::All)]
    pub(crate) mode: Mode,
    /// One side; the test that is written has what it says of it
    #[arg(long, value_parser = EngineParser, value_name = "ENGINE", default_value_t = EngineName::Primary)]
    pub(crate) left: EngineName,
    /// The other side
    #[arg(long, value_parser = EngineParser, value_name = "ENGINE", default_value_t = EngineName::Mini)]
    pub(crate) right: EngineName,
    /// Run the left side by these rules, whatever the case is run by
    #[arg(long, value_name = "RULES", value_parser = rules_argument::argument)]
    pub(crate) left_rules: Option<RulesArgument>,
    /// As --left-rules, of the right side
    #[arg(long, value_name = "RULES", value_parser = rules_argument::argument)]
    pub(crate) right_rules: Option<RulesArgument>,
    /// Compare with a client's command, as diff does. May be repeated
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["right", "halts", "left_rules", "right_rules"])]
    pub(crate) right_command: Vec<String>,
    /// As --right-command, with a command that is started once and reads a path a line from its standard input
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["right", "halts", "left_rules", "right_rules"])]
    pub(crate) right_batch: Vec<String>,
    /// Compare with an EVMC library, as diff does
    #[cfg(unix)]
    #[arg(long, value_name = "PATH[,OPTION=VALUE]", value_parser = evmc, conflicts_with_all = ["right", "right_command", "right_batch", "side"])]
    pub(crate) right_evmc: Option<EngineName>,
    /// Any number of sides instead of --left and --right, as diff has them
    #[arg(long, value_name = "[NAME=]SIDE", conflicts_with_all = ["left", "right", "halts", "left_rules", "right_rules"])]
    pub(crate) side: Vec<String>,
    /// Whose lines the command writes, if that is not to be found out from them
    #[arg(long, value_name = "CLIENT")]
    pub(crate) right_client: Option<Client>,
    /// Most output of a client for one case, in MiB [default: 4096]
    #[arg(long, value_name = "MIB", value_parser = positive::<u64>)]
    pub(crate) client_output: Option<u64>,
    /// Most seconds that a client, or a library, may take for a case [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) case_timeout: Option<Duration>,
    /// Most steps of a case
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    pub(crate) max_steps: Option<u64>,
    /// How the names of halts are compared where one side is revm or a library
    #[arg(long, value_enum, default_value_t = HaltNames::Mapped)]
    pub(crate) halts: HaltNames,
}

impl MinimizeArguments {
    /// The two sides, where there are two engines.
    pub(crate) fn engines(&self) -> [EngineName; 2] {
        #[cfg(unix)]
        if let Some(library) = self.right_evmc {
            return [self.left, library];
        }
        [self.left, self.right]
    }
}
