//! What users type. Every command's help ends with examples.

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgAction, Args, Parser, Subcommand};
use parallax_campaign::{Shard, engines::EngineName};
use parallax_primitives::{Fork, Rules, U256};
use parallax_tracer_eip3155::Client;
use regex::Regex;

#[cfg(unix)]
use crate::case_arguments::evmc;
pub(crate) use crate::case_arguments::{HaltNames, IsolationArguments, Mode, SelectionArguments};
use crate::{
    compared_fields::FieldArguments,
    diff_reports::ReportOption,
    engine_parser::EngineParser,
    fuzz::arguments::FuzzArguments,
    logging::LogArguments,
    message::{Kind, MessageOptions},
    minimize_arguments::MinimizeArguments,
    number::{jobs, number, positive, wei},
    report_merge::ReportArguments,
    rules_argument::{self, RulesArgument},
    run::arguments::RunArguments,
    shell::{CompletionsArguments, ManArguments},
    store::arguments::StoreCommand,
    store_arguments::StoreArguments,
    t8n_arguments::{T8nArguments, T8nServerArguments},
    trace_arguments::TraceArguments,
    tx::arguments::TxArguments,
    version,
    world::WorldArguments,
};

/// Runs one Ethereum execution through two independent engines and shows the first step where they part.
#[derive(Parser, Debug)]
#[command(
    name = "parallax",
    version = version::SHORT,
    long_version = version::long(),
    disable_version_flag = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Exit status: 0 all well, 1 a failure or a divergence was found, 2 the command or its input was wrong, \
                  130 interrupted (by INT, TERM or HUP), after printing what was done so far.\n\n\
                  Results go to standard output, progress and errors to standard error."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) log: LogArguments,
    /// Print the version; --version says more
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: (),
    /// Print the version as go-ethereum's evm does: test frameworks ask for that
    #[arg(short = 'v')]
    pub(crate) evm_version: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Runs bytecode
    Run(Box<RunArguments>),
    /// Runs official state tests on one engine: checks state root, logs hash and expected exceptions
    Statetest(Box<StatetestArguments>),
    /// Runs official block tests on one engine: checks headers, roots, the last state and expected exceptions
    Blocktest(Box<BlocktestArguments>),
    /// Runs two engines on each case and explains where they part
    Diff(Box<DiffArguments>),
    /// Makes cases without end, runs two engines on each and explains where they part
    Fuzz(Box<FuzzArguments>),
    /// Makes a case on which two sides part as small as it can be, for as long as they part in the same way
    Minimize(Box<MinimizeArguments>),
    /// Compares two traces of any clients, field by field
    Compare(CompareArguments),
    /// Puts the reports of parts of a comparison together
    Report(ReportArguments),
    /// Shows, runs again, exports and tidies what commands with --store have kept
    Store(StoreCommand),
    /// Shows two engines side by side in a browser
    Serve(ServeArguments),
    /// Turns assembly into bytecode
    Asm(AsmArguments),
    /// Lists bytecode: offsets, blocks, jump destinations, static gas
    Disasm(DisasmArguments),
    /// Shows rules, and what two sets of rules have otherwise
    Rules(RulesArguments),
    /// Runs one transaction of a chain: from files as nodes answer them, or from a node
    Tx(Box<TxArguments>),
    /// Makes a block of a state, an environment and transactions, as transition tools do
    #[command(alias = "transition")]
    T8n(Box<T8nArguments>),
    /// Does the same over HTTP, for every request that is posted
    T8nServer(T8nServerArguments),
    /// Speaks the words of go-ethereum's evm, for test frameworks and fuzzing harnesses
    #[command(disable_help_flag = true)]
    Evm {
        /// See parallax evm --help
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "WORDS")]
        words: Vec<OsString>,
    },
    /// Prints what a shell completes the commands with
    Completions(CompletionsArguments),
    /// Prints a page of the manual
    Man(ManArguments),
    /// Runs cases for a campaign of this program, which starts it
    #[command(hide = true)]
    Worker,
    /// Runs an EVMC library for another process of this program, which starts it
    #[cfg(unix)]
    #[command(hide = true)]
    EvmcChild,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax statetest fixtures/state-tests
  parallax statetest tests.json --engine mini --only-fork Prague --json
  parallax statetest tests --fork Osaka
  find . -name '*.json' | parallax statetest - --filter 'eip7702.*delegat' --jobs 4
  parallax statetest fixtures_stable.tar.gz:fixtures/state_tests
  parallax statetest test.json --trace eip3155 --dialect geth --trace-out trace.jsonl
  parallax statetest test.json --trace prestate --trace-config '{\"diffMode\": true}' --trace-out changes.jsonl
  parallax statetest tests --trace-digest --dialect eels --json

With --json each case is one line with the fields: file name fork d g v pass stateRoot expectedRoot logsHash gasUsed output \
exception error, with --trace-digest also: steps traceSha256, and of a case that came to no end of its own also: verdict \
(crashed, timed_out or limit). Of a case that ran by other rules than its own, pass and expectedRoot are null, and verdict is \
unchecked.

An interrupt (INT, TERM, HUP) ends every running case at once; what was done is printed, and the exit status is 130.

--trace runs one case at a time, in this process. What a tracer answers is a line with the fields: file test fork d g v result, or error in place of result where the transaction is refused.")]
pub(crate) struct StatetestArguments {
    #[command(flatten)]
    pub(crate) selection: SelectionArguments,
    /// What runs the tests
    #[arg(long, value_parser = EngineParser, default_value_t = EngineName::Primary)]
    pub(crate) engine: EngineName,
    #[command(flatten)]
    pub(crate) isolation: IsolationArguments,
    #[command(flatten)]
    pub(crate) trace: TraceArguments,
    /// Print the number of step lines of every case and the SHA-256 over them, in the dialect of --dialect
    #[arg(long, conflicts_with = "trace")]
    pub(crate) trace_digest: bool,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax blocktest fixtures_stable.tar.gz:fixtures/blockchain_tests
  parallax blocktest tests.json --engine mini --json
  parallax blocktest tests --filter eip4895 --only-fork Shanghai
  parallax blocktest test.json --trace call --trace-config '{\"withLog\": true}' --trace-out calls.jsonl

Read are blockchain tests and engine tests. A block that must be refused must be refused for the reason that the test names; proof of \
work is not checked, and tests of it are counted apart. State tests are counted apart, too.

With --json each case is one line with the fields: file name network pass verdict (passed, proof_of_work, failed, crashed, timed_out, \
limit, unsupported, passed_over or unreadable) error blocks, and of each block: hash number transactions gasUsed refused.

--trace runs one test at a time, in this process, and traces transactions, not system calls. What a tracer answers is a line with the fields: file test block (from 0) number transaction txHash result, or error in place of result where the transaction cannot be in the block; EIP-3155 lines and struct logs stand one behind the other.")]
pub(crate) struct BlocktestArguments {
    /// Files or folders of block tests, archives of them (.tar, .tar.gz, .tgz) or ARCHIVE:MEMBER, packed files (.json.gz), or -
    /// for a list of paths on standard input, one a line
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// What runs what is in the blocks
    #[arg(long, value_parser = EngineParser, default_value_t = EngineName::Primary)]
    pub(crate) engine: EngineName,
    /// Only tests that have blocks of this fork
    #[arg(long, value_name = "FORK")]
    pub(crate) only_fork: Option<Rules>,
    /// Only tests whose file or name matches
    #[arg(long, alias = "run", value_name = "REGEX")]
    pub(crate) filter: Option<Regex>,
    /// Only the I-th of N parts of the tests, so that N processes share them: each counts alike
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// Tests at a time [default: all cores, at most: 1024]
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<usize>,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) isolation: IsolationArguments,
    #[command(flatten)]
    pub(crate) trace: TraceArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax compare geth.jsonl revm.jsonl
  parallax statetest test.json --trace eip3155 --trace-out ours.jsonl; parallax compare ours.jsonl besu.txt
  parallax compare a.jsonl - --right-client nethermind --json < b.jsonl
  parallax compare geth.jsonl besu.txt erigon.txt revm.jsonl --ignore error
  parallax compare old.jsonl new.jsonl --all

Two traces of one client are compared key by key. Of two clients every field is compared that both write, in common terms: the \
refund counter before the opcode, a call's cost with the gas it forwards, and so on. What a client always writes and a line has \
not is a difference; what it never says is unknown, differs from nothing, and is named on the first line, with what was compared \
on some steps only. Lines that are no JSON object are passed over.

Exit status: 0 the traces agree, 1 they differ, 2 one of them cannot be read, or nothing was compared: \
neither has a step, or not both say what is to be compared.")]
pub(crate) struct CompareArguments {
    /// A trace file
    pub(crate) left: String,
    /// Trace files, each of which is compared with the first one; - is standard input
    #[arg(required = true)]
    pub(crate) right: Vec<String>,
    /// Who wrote the left one, if that is not to be found out from it
    #[arg(long, value_name = "CLIENT")]
    pub(crate) left_client: Option<Client>,
    /// Who wrote the others; needed for standard input, which is read once
    #[arg(long, value_name = "CLIENT")]
    pub(crate) right_client: Option<Client>,
    #[command(flatten)]
    pub(crate) fields: FieldArguments,
    /// Go on behind a difference, and count all of them by field and opcode
    #[arg(long)]
    pub(crate) all: bool,
    /// Print one JSON object for each pair
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax diff fixtures/state-tests
  parallax diff tests.json --right revm --json
  parallax diff tests --fork Osaka+7843
  parallax diff --code 0x600160020160005500 --fork London
  find . -name '*.json' | parallax diff - --fail-fast
  parallax diff tests --report html=report.html --report junit=report.xml
  parallax diff test.json --fork Prague --index 0,1,0 --right-trace geth.jsonl
  parallax diff tests --steps steps.jsonl --steps-limit 10000
  parallax diff tests --right-batch 'evm statetest --json'
  parallax diff tests --right-evmc libevmone.so
  parallax diff tests --store verdicts.store
  parallax diff tests --side mini --side revm --side eels=cmd:'ethereum-spec-evm statetest --json'
  parallax diff --asm --code 'PUSH 1 PUSH 2 ADD PUSH 0 SSTORE' --left mini+flip-result@ADD
  parallax diff tests archive.tar.gz --list | shuf | parallax diff --pipe > answers.jsonl; parallax report merge answers.jsonl --out all.json

What is compared: in the mode per-call every message's outcome, nested ones included, and the state after the transaction; \
per-block also all of the machine's state at every entry of a basic block; per-step also before and after every opcode. The fast \
engine runs its fast form in the first two only, and primary only where code is hot. The mode all is per-step and, on top of it, the \
fast form at every block entry and to the end: all code translated (primary-always), then as it ships, cold and once more hot.

With --json each case is one line with the fields: file name fork d g v verdict steps divergence, and reason where the verdict \
has one. The verdicts:
  agree         something was compared, and nothing differs
  rejected      both sides refuse the transaction, or every block, for the same reason; nothing ran
  diverge       the first difference
  crashed       a side panicked, aborted or took a signal
  timed_out     the limit of time was met
  limit         a limit of steps, memory or record was met
  poisoned      it cannot be said: the world failed, or a side contradicts itself
  unsupported   a side does not have these rules
  not_compared  there is nothing that both sides tell
Steps, block entries and depths are numbered from 1 everywhere, as in traces (EIP-3155); messages from #0, the transaction's own.

With --pipe each item is one line with the fields: item path cases summary setup, or item path error if it is none or cannot be run. \
cases are as with --json. The exit status is 0 however the sides stand: an answer is an answer.

With --steps each case is a header (format, version, case, mode, engines), one line a step (step: its number, primary: the left side, \
mini: the right one, mismatch: field, lhs, rhs, carried) and an end (verdict, divergence, steps, stepsDropped, outcomes).

An interrupt (INT, TERM, HUP) ends every running case at once; what was done is printed and every report is closed. Reports in \
JSON and JUnit are whole documents after each case, should even that not be possible; the page is written at the end.

Exit status: 0 if no verdict is diverge, crashed, timed_out, limit or poisoned; 1 if one is; 2 if the command or its input is \
wrong: of --code a transaction that is rejected, too, and if nothing was compared, as every verdict is unsupported or not_compared; \
130 after an interrupt.")]
pub(crate) struct DiffArguments {
    #[command(flatten)]
    pub(crate) selection: SelectionArguments,
    /// Compare on this bytecode (hex digits, a file or -) instead of the cases of PATH
    #[arg(long, value_name = "CODE", conflicts_with_all = ["paths", "filter", "index", "only_fork", "jobs"])]
    pub(crate) code: Option<String>,
    /// --code is assembly: a file, -, or the source itself
    #[arg(long, requires = "code")]
    pub(crate) asm: bool,
    /// Gas limit of what runs --code: of a transaction, which pays its intrinsic gas from it, or of a bare message
    #[arg(long, value_name = "N", value_parser = number::<u64>, default_value_t = 10_000_000, requires = "code")]
    pub(crate) gas: u64,
    /// Calldata of --code
    #[arg(long, value_name = "HEX", default_value = "0x", requires = "code")]
    pub(crate) input: String,
    /// Run --code as a bare message, with no transaction around it: no intrinsic gas, no refund
    #[arg(long, value_enum, value_name = "KIND", requires = "code")]
    pub(crate) message: Option<Kind>,
    /// --code is init code, and behind it --input: a transaction that creates an account
    #[arg(long, requires = "code", conflicts_with = "message")]
    pub(crate) create: bool,
    #[command(flatten)]
    pub(crate) options: MessageOptions,
    /// Wei sent with --code; the sender has as much
    #[arg(long, value_name = "WEI", value_parser = wei, default_value = "0", requires = "code")]
    pub(crate) value: U256,
    /// How often the engines are compared
    #[arg(long, value_enum, default_value_t = Mode::All)]
    pub(crate) mode: Mode,
    /// One side
    #[arg(long, value_parser = EngineParser, value_name = "ENGINE", default_value_t = EngineName::Primary)]
    pub(crate) left: EngineName,
    /// The other side
    #[arg(long, value_parser = EngineParser, value_name = "ENGINE", default_value_t = EngineName::Mini)]
    pub(crate) right: EngineName,
    /// Run the left side by these rules, whatever a case is run by: where the rules differ, the first step at which that shows is told
    #[arg(long, value_name = "RULES", value_parser = rules_argument::argument, conflicts_with = "right_trace")]
    pub(crate) left_rules: Option<RulesArgument>,
    /// As --left-rules, of the right side
    #[arg(long, value_name = "RULES", value_parser = rules_argument::argument, conflicts_with = "right_trace")]
    pub(crate) right_rules: Option<RulesArgument>,
    /// Compare with the EIP-3155 trace that a client wrote of the case, instead of an engine. Exactly one case must be
    /// selected, with --fork, --only-fork, --index and --filter; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["right", "code", "halts"])]
    pub(crate) right_trace: Option<String>,
    /// Who wrote the trace, or whose lines the command writes, if that is not to be found out from them; needed for standard input, which is read once
    #[arg(long, value_name = "CLIENT", required_if_eq("right_trace", "-"))]
    pub(crate) right_client: Option<Client>,
    #[command(flatten)]
    pub(crate) fields: FieldArguments,
    /// Compare with a client's command, which is run on each case by itself, and whose trace is compared as it comes: {} in it is the
    /// path of a state test with the one case, or that stands behind it. May be repeated: then all are compared with --left
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["right", "code", "halts", "right_trace", "steps", "left_rules", "right_rules"])]
    pub(crate) right_command: Vec<String>,
    /// As --right-command, with a command that is started once and reads a path a line from its standard input
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["right", "code", "halts", "right_trace", "steps", "left_rules", "right_rules"])]
    pub(crate) right_batch: Vec<String>,
    /// Compare with an EVMC library, in a process of its own: as --right evmc:PATH; options stand behind the path
    #[cfg(unix)]
    #[arg(long, value_name = "PATH[,OPTION=VALUE]", value_parser = evmc, conflicts_with_all = ["right", "right_trace", "right_command", "right_batch", "side"])]
    pub(crate) right_evmc: Option<EngineName>,
    /// Any number of sides instead of --left and --right: an engine, cmd:COMMAND or batch:COMMAND, with a name before it where
    /// one likes (geth=batch:evm statetest --json). Where they part it is told who stands with whom, and who stands alone
    #[arg(long, value_name = "[NAME=]SIDE", conflicts_with_all = ["left", "right", "code", "halts", "right_trace", "right_command", "right_batch", "steps", "left_rules", "right_rules"])]
    pub(crate) side: Vec<String>,
    /// Most output of a client for one case, in MiB [default: 4096]
    #[arg(long, value_name = "MIB", value_parser = positive::<u64>, conflicts_with_all = ["code", "right_trace"])]
    pub(crate) client_output: Option<u64>,
    /// How the names of halts are compared where one side is revm or a library, which check in another order
    #[arg(long, value_enum, default_value_t = HaltNames::Mapped)]
    pub(crate) halts: HaltNames,
    /// Write both sides of every step of every case as lines of JSON, and what differs there; - is standard output, and the report
    /// goes to standard error then. Each case runs once more for it, in this process, one at a time
    #[arg(long, value_name = "FILE", conflicts_with_all = ["right_trace", "jobs"])]
    pub(crate) steps: Option<String>,
    /// Most steps of a case in --steps; those behind them are compared and counted [default: 1000000]
    #[arg(long, value_name = "N", value_parser = number::<usize>, requires = "steps")]
    pub(crate) steps_limit: Option<usize>,
    /// Stop at the first divergence
    #[arg(long, conflicts_with_all = ["code", "right_trace"])]
    pub(crate) fail_fast: bool,
    /// Run nothing: print the items of work that PATH is made of, one a line, I/N PATH: files, and members of archives
    #[arg(long, conflicts_with_all = ["code", "right_trace", "shard", "report", "steps", "fail_fast", "json", "pipe"])]
    pub(crate) list: bool,
    /// Take items of work from standard input, one a line, each as --list prints it or a path, and answer each with a line of JSON when
    /// it has run, in order: for engines that spread lines over machines. parallax report merge makes a report of the answers
    #[arg(long, conflicts_with_all = ["paths", "code", "right_trace", "shard", "report", "steps", "fail_fast", "json"])]
    pub(crate) pipe: bool,
    /// Write every case and the sum to a file as well, for people, programs or continuous integration; may be repeated
    #[arg(long, value_name = "html|json|junit=FILE", value_parser = ReportOption::parse)]
    pub(crate) report: Vec<ReportOption>,
    #[command(flatten)]
    pub(crate) world: WorldArguments,
    #[command(flatten)]
    pub(crate) isolation: IsolationArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

impl DiffArguments {
    /// The other side.
    pub(crate) fn right(&self) -> EngineName {
        #[cfg(unix)]
        if let Some(library) = self.right_evmc {
            return library;
        }
        self.right
    }
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax serve
  parallax serve fixtures/state-tests
  parallax serve ~/tests --port 0
  parallax serve --engine primary-always --engine mini+flip-result@MLOAD

Prints the page's address as one line, and answers until it is interrupted. It listens on 127.0.0.1 alone, to requests from \
this machine that are not another page's; the API is under /api/v1.")]
pub(crate) struct ServeArguments {
    /// State tests and traces below this folder can be opened; nothing else is read
    pub(crate) path: Option<String>,
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 3155)]
    pub(crate) port: u16,
    /// One more engine to choose from, besides primary, mini and revm. May be repeated
    #[arg(long = "engine", value_parser = EngineParser, value_name = "ENGINE")]
    pub(crate) engines: Vec<EngineName>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax rules show Osaka
  parallax rules show Osaka-7623 > my.toml
  parallax rules diff Prague Osaka
  parallax diff tests --left-rules Prague --right-rules my.toml

RULES are a fork, a fork with EIPs switched on and off (Cancun+7939-5656), or the path of a file of rules, which ends with .toml.

With --json the differences are one object: left, right, differences with subject, left, right (null where it is not there), eips.")]
pub(crate) struct RulesArguments {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum RulesCommand {
    /// Prints every number of them, as a file of rules
    Show {
        /// The rules
        #[arg(value_parser = rules_argument::argument)]
        rules: RulesArgument,
    },
    /// Prints what they have otherwise, by EIP
    Diff {
        /// The rules that are there before
        #[arg(value_name = "RULES", value_parser = rules_argument::argument)]
        left: RulesArgument,
        /// The rules that are there afterwards
        #[arg(value_name = "RULES", value_parser = rules_argument::argument)]
        right: RulesArgument,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax asm contract.asm
  parallax asm 'PUSH 1 loop: PUSH @loop JUMP'
  echo 'PUSH 0 PUSH 0 RETURN' | parallax asm | parallax disasm")]
pub(crate) struct AsmArguments {
    /// The path of a file, - for standard input, or the source itself
    #[arg(default_value = "-")]
    pub(crate) source: String,
    /// Decides whether PUSH 0 is a PUSH0
    #[arg(long = "fork", visible_alias = "rules", value_name = "RULES", value_parser = rules_argument::argument, default_value = Fork::LATEST.name())]
    pub(crate) rules: RulesArgument,
    /// Print one JSON object: code, size
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax disasm 0x5b600056
  parallax disasm contract.hex --fork Istanbul
  parallax disasm contract.hex --source > contract.asm
  parallax disasm contract.hex --fast --validate

With --fast, '>' marks what a jump may go to, s-1 is the topmost item at the block's entry, and behind ';' stands what the \
exact form has before the opcode: gas to give back, and each item from the position given on. With --validate the exit status \
is 1 if the fast form is not equal to the byte code.")]
pub(crate) struct DisasmArguments {
    /// Hex digits, the path of a file, or - for standard input
    #[arg(default_value = "-")]
    pub(crate) code: String,
    /// Which opcodes are defined, and what they cost
    #[arg(long = "fork", visible_alias = "rules", value_name = "RULES", value_parser = rules_argument::argument, default_value = Fork::LATEST.name())]
    pub(crate) rules: RulesArgument,
    /// Print plain assembly that gives the same bytes
    #[arg(long, conflicts_with = "json")]
    pub(crate) source: bool,
    /// List what the fast engine makes of it: blocks of register instructions
    #[arg(long, conflicts_with = "source")]
    pub(crate) fast: bool,
    /// Prove that the fast form means what the byte code means
    #[arg(long, requires = "fast")]
    pub(crate) validate: bool,
    /// Print one JSON object an instruction
    #[arg(long)]
    pub(crate) json: bool,
}
