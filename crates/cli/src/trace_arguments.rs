//! Whether and how to trace, as users type it.

use clap::{Args, ValueEnum};
use parallax_tracer_eip3155::Dialect;

use crate::number::number;

/// Whether and how to trace.
#[derive(Args, Debug)]
#[command(next_help_heading = "Traces")]
pub(crate) struct TraceArguments {
    /// Trace every opcode: EIP-3155 lines, struct logs as debug_traceTransaction answers them, or rows of a Parquet file; or what a tracer
    /// of that name answers of each transaction, an object a line. May be repeated, each with its own --trace-out
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) trace: Vec<TraceFormat>,
    /// Whose EIP-3155 lines: eip3155, geth, eels, revm, evmone [default: eip3155]. May be repeated, once for each --trace eip3155
    #[arg(long)]
    pub(crate) dialect: Vec<Dialect>,
    /// Options of a tracer, as JSON: '{"withLog": true}'. May be repeated, once for each --trace of a tracer
    #[arg(long, value_name = "JSON", requires = "trace")]
    pub(crate) trace_config: Vec<String>,
    /// Write the trace to a file instead of standard error
    #[arg(long, value_name = "FILE", requires = "trace")]
    pub(crate) trace_out: Vec<String>,
    /// Write behind what is in the file, instead of over it
    #[arg(long, requires = "trace_out")]
    pub(crate) trace_append: bool,
    /// Where the trace is written more slowly than the run makes it, drop lines and count them, instead of waiting
    #[arg(long, requires = "trace")]
    pub(crate) trace_drop: bool,
    /// Write the memory of every step
    #[arg(long)]
    pub(crate) trace_memory: bool,
    /// Write storage into EIP-3155 lines; struct logs have it
    #[arg(long)]
    pub(crate) trace_storage: bool,
    /// Write return data; struct logs and the lines of geth and evmone have none otherwise
    #[arg(long)]
    pub(crate) trace_return_data: bool,
    /// Write the wall time into the summary line of EIP-3155 traces, in nanoseconds; that of writing traces is in it
    #[arg(long, requires = "trace")]
    pub(crate) trace_time: bool,
    /// Write no return data
    #[arg(long, conflicts_with = "trace_return_data")]
    pub(crate) no_return_data: bool,
    /// Write no stack
    #[arg(long)]
    pub(crate) no_stack: bool,
    /// Write no storage into struct logs
    #[arg(long, conflicts_with = "trace_storage")]
    pub(crate) no_storage: bool,
    #[command(flatten)]
    pub(crate) bounds: BoundArguments,
}

/// What struct logs are cut to.
#[derive(Args, Debug)]
pub(crate) struct BoundArguments {
    /// Most items of a stack in struct logs, from the top [default: all]
    #[arg(long, value_name = "N", value_parser = number::<usize>)]
    pub(crate) stack_items: Option<usize>,
    /// Most bytes of a memory in struct logs, round what the opcode touches [default: all]
    #[arg(long, value_name = "N", value_parser = number::<usize>)]
    pub(crate) memory_bytes: Option<usize>,
    /// Write logs into struct logs, and most bytes of the data of each [default: none is written]
    #[arg(long, value_name = "N", value_parser = number::<usize>)]
    pub(crate) log_bytes: Option<usize>,
    /// Most bytes of the struct logs of one transaction; steps behind them are counted [default: no bound]
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    pub(crate) trace_bytes: Option<u64>,
    /// Most steps in the struct logs of one transaction, as limit of debug_traceTransaction; steps behind them are counted; 0 is no
    /// bound [default: 0]
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    pub(crate) trace_limit: Option<u64>,
    /// The recorder's bounds for struct logs: 32 items, 1024 bytes of memory, 512 bytes of log data
    #[arg(long)]
    pub(crate) bounded: bool,
}

/// The format of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceFormat {
    /// One JSON object a line
    Eip3155,
    /// One JSON object a transaction: its struct logs
    Struct,
    /// A Parquet file, one row a step, for SQL, pandas, Spark
    Parquet,
    /// Its calls as a tree; withLog, onlyTopCall
    #[value(alias = "callTracer")]
    Call,
    /// Its calls one after the other, as Parity had them; convertParityErrors, includePrecompiles
    #[value(alias = "flatCallTracer")]
    Flat,
    /// The state that it has looked at, as it was before; or what it has changed; diffMode, disableCode, disableStorage, includeEmpty
    #[value(alias = "prestateTracer")]
    Prestate,
    /// How often each function was called with so much data
    #[value(name = "4byte", alias = "4byteTracer")]
    FourByte,
    /// What several tracers answer: {"call": {"withLog": true}, "prestate": null}
    #[value(alias = "muxTracer")]
    Mux,
    /// Nothing: {}
    #[value(alias = "noopTracer")]
    Noop,
    /// How often each opcode was run
    Opcodes,
    /// The access list of what it has looked at, as eth_createAccessList has it
    Accesslist,
    /// What KECCAK256 has hashed, by hash
    #[value(alias = "keccak256PreimageTracer")]
    Preimages,
    /// Gas by frame and opcode as folded stacks, several lines a transaction, for tools that draw flame graphs
    Folded,
    /// The same as a file of speedscope
    Speedscope,
    /// State gas by frame (EIP-8037)
    Stategas,
}

impl TraceFormat {
    /// The tracer's name, if it is one.
    pub(crate) const fn tracer(self) -> Option<&'static str> {
        match self {
            Self::Eip3155 | Self::Struct | Self::Parquet => None,
            Self::Call => Some("call"),
            Self::Flat => Some("flat"),
            Self::Prestate => Some("prestate"),
            Self::FourByte => Some("4byte"),
            Self::Mux => Some("mux"),
            Self::Noop => Some("noop"),
            Self::Opcodes => Some("opcodes"),
            Self::Accesslist => Some("accesslist"),
            Self::Preimages => Some("preimages"),
            Self::Folded => Some("folded"),
            Self::Speedscope => Some("speedscope"),
            Self::Stategas => Some("stategas"),
        }
    }
}
