//! What users type for the transition tool.

use std::path::PathBuf;

use clap::Args;
use parallax_campaign::engines::EngineName;

use crate::{engine_parser::EngineParser, number::number};

/// Every fork that the tool knows, as test frameworks call it. Those take a fork for supported whose name is in the help.
macro_rules! forks {
    () => {
        "Frontier Homestead DAOFork TangerineWhistle SpuriousDragon Byzantium Constantinople \
         ConstantinopleFix Istanbul MuirGlacier Berlin London ArrowGlacier GrayGlacier Merge Paris Shanghai \
         Cancun Prague Osaka BPO1 BPO2 BPO3 BPO4 BPO5 Amsterdam"
    };
}
pub(crate) const FORKS: &str = forks!();

#[derive(Args, Debug)]
#[command(after_help = concat!("Examples:
  parallax t8n --state.fork Prague --input.alloc alloc.json --input.env env.json --input.txs txs.json --output.basedir out
  parallax t8n --state.fork London --input.alloc stdin --input.env stdin --input.txs stdin --output.result stdout \
      --output.alloc stdout --output.body stdout < request.json

Forks: ", forks!(), "

A transaction that cannot be in the block is left out and told under rejected; what makes the block itself invalid is told under \
blockException. An input named stdin is taken out of one object on standard input; outputs for the same stream come as one object.

Exit status: 0 done, 2 the engine failed, 3 the fork or the environment is not known, 4 the hash of a block is missing, 10 no JSON, \
11 a file cannot be read or written."))]
pub(crate) struct T8nArguments {
    /// The rules, by the name of a fork
    #[arg(long = "state.fork", value_name = "FORK", default_value = "GrayGlacier")]
    pub(crate) fork: String,
    /// The chain
    #[arg(long = "state.chainid", value_name = "N", value_parser = number::<u64>, default_value_t = 1)]
    pub(crate) chain_id: u64,
    /// Wei for the miner; -1 is none
    #[arg(long = "state.reward", value_name = "WEI", default_value = "0", allow_negative_numbers = true, value_parser = integer)]
    pub(crate) reward: i128,
    /// The state before: a file, or stdin
    #[arg(long = "input.alloc", value_name = "FILE", default_value = "alloc.json")]
    pub(crate) input_alloc: String,
    /// The facts of the block: a file, or stdin
    #[arg(long = "input.env", value_name = "FILE", default_value = "env.json")]
    pub(crate) input_env: String,
    /// The transactions, as JSON or as RLP in a file that ends in .rlp; or stdin
    #[arg(long = "input.txs", value_name = "FILE", default_value = "txs.json")]
    pub(crate) input_txs: String,
    /// Blob parameters in place of the fork's: a file, or stdin
    #[arg(long = "input.blobParams", value_name = "FILE")]
    pub(crate) input_blob_params: Option<String>,
    /// Where outputs and traces are written; it is made if it is not there
    #[arg(long = "output.basedir", value_name = "FOLDER", default_value = ".")]
    pub(crate) basedir: PathBuf,
    /// Roots, receipts, rejections: a file, stdout or stderr; nothing if empty
    #[arg(long = "output.result", value_name = "FILE", default_value = "result.json")]
    pub(crate) output_result: String,
    /// The state behind: a file, stdout or stderr; nothing if empty
    #[arg(long = "output.alloc", value_name = "FILE", default_value = "alloc.json")]
    pub(crate) output_alloc: String,
    /// The RLP of the transactions in the block, as a JSON string: a file, stdout or stderr; nothing if empty
    #[arg(long = "output.body", value_name = "FILE", default_value = "")]
    pub(crate) output_body: String,
    #[command(flatten)]
    pub(crate) trace: T8nTraceArguments,
    /// Write how often each opcode was run, over all transactions and system calls; what is undefined is none
    #[arg(long = "opcode.count", value_name = "FILE")]
    pub(crate) opcode_count: Option<String>,
    /// What runs the transactions
    #[arg(long, value_parser = EngineParser, default_value_t = EngineName::Primary)]
    pub(crate) engine: EngineName,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax t8n-server --port 0
  curl http://127.0.0.1:3000/ --data '{\"state\": {\"fork\": \"Prague\", \"chainid\": 1, \"reward\": 0}, \"input\": {\"alloc\": {}, ..}}'

It listens on 127.0.0.1 alone and says where in its first line. A request is {\"state\": {fork, chainid, reward}, \"input\": {alloc, env, txs, \
blobParams?}}, what it is answered with {\"result\", \"alloc\", \"body\"}: what parallax t8n reads and writes. What cannot be done is answered \
with the status 400 or 500 and {\"error\", \"exitCode\"}, the exit status that parallax t8n would have. An interrupt (INT, TERM, HUP) ends it \
when what runs is over, a second one at once; then the exit status is 130.")]
pub(crate) struct T8nServerArguments {
    /// The port; 0 is any that is free
    #[arg(long, value_name = "N", default_value_t = 3000)]
    pub(crate) port: u16,
    /// Where traces are written; it is made if it is not there
    #[arg(long = "output.basedir", value_name = "FOLDER", default_value = ".")]
    pub(crate) basedir: PathBuf,
    #[command(flatten)]
    pub(crate) trace: T8nTraceArguments,
    /// What runs the transactions
    #[arg(long, value_parser = EngineParser, default_value_t = EngineName::Primary)]
    pub(crate) engine: EngineName,
}

/// Whether and how the transactions of a block are traced.
#[derive(Args, Clone, Debug)]
pub(crate) struct T8nTraceArguments {
    /// Write the EIP-3155 lines of each transaction that is in the block to trace-INDEX-HASH.jsonl; with NAME, what --trace.tracer writes
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = LINES)]
    pub(crate) trace: Option<String>,
    /// Write the memory of every step
    #[arg(long = "trace.memory", requires = "trace")]
    pub(crate) trace_memory: bool,
    /// Write no memory, as is so without it
    #[arg(long = "trace.nomemory", requires = "trace", conflicts_with = "trace_memory")]
    trace_nomemory: bool,
    /// Write no stack
    #[arg(long = "trace.nostack", requires = "trace")]
    pub(crate) trace_nostack: bool,
    /// Write return data
    #[arg(long = "trace.returndata", requires = "trace")]
    pub(crate) trace_returndata: bool,
    /// Write no return data, as is so without it
    #[arg(long = "trace.noreturndata", requires = "trace", conflicts_with = "trace_returndata")]
    trace_noreturndata: bool,
    /// Write a line where a frame begins, and two behind a SELFDESTRUCT
    #[arg(long = "trace.callframes", requires = "trace")]
    pub(crate) trace_callframes: bool,
    /// Write what go-ethereum's tracer of that name answers of each transaction that is in the block to trace-INDEX-HASH.json, in place of
    /// lines: call, flat, prestate, 4byte, noop, mux, opcodes, accesslist, preimages, folded (to .txt), speedscope or stategas, or as
    /// go-ethereum calls them, callTracer and so on
    #[arg(long = "trace.tracer", value_name = "NAME")]
    pub(crate) trace_tracer: Option<String>,
    /// Options of that tracer, as JSON
    #[arg(long = "trace.jsonconfig", value_name = "JSON")]
    pub(crate) trace_jsonconfig: Option<String>,
}

/// What `--trace` says where it says nothing.
const LINES: &str = "lines";

impl T8nTraceArguments {
    /// The tracer that was asked for, by whichever option; or that two were.
    pub(crate) fn tracer(&self) -> Result<Option<&str>, String> {
        let by_trace = self.trace.as_deref().filter(|name| *name != LINES);
        match (self.trace_tracer.as_deref(), by_trace) {
            (Some(one), Some(other)) if one != other => {
                Err(format!("--trace {other} and --trace.tracer {one}: expected one tracer"))
            }
            (named, by_trace) => Ok(named.or(by_trace)),
        }
    }
}

/// An integer, decimal or hexadecimal.
pub(crate) fn integer(text: &str) -> Result<i128, String> {
    let read = match text.strip_prefix("0x") {
        Some(digits) => i128::from_str_radix(digits, 16),
        None => text.parse(),
    };
    read.map_err(|_| "expected an integer, decimal or in hexadecimal with 0x".to_owned())
}
