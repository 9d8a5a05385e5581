//! What users type behind `parallax tx`.

use clap::Args;
use parallax_campaign::engines::EngineName;

use crate::{
    engine_parser::EngineParser,
    number::number,
    outputs::Outputs,
    prestate::PrestateArguments,
    rules_argument::{self, RulesArgument},
    trace_arguments::TraceArguments,
    watch::LimitArguments,
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax tx tx.json --block block.json --prestate prestate.json
  parallax tx 0x02f8... --block header.json --prestate trace.json --receipt receipt.json
  parallax tx tx.json --block block.json --prestate prestate.json --diff revm
  parallax tx 0xHASH --block block.json --prestate traces.json --trace eip3155 --trace-out trace.jsonl
  parallax tx tx.json --block block.json --prestate prestate.json --trace flat --trace-out calls.json
  parallax tx tx.json --block block.json --prestate prestate.json --serve
  parallax tx 0xHASH --rpc http://127.0.0.1:8545 --cache tx.cache
  parallax tx 0xHASH --cache tx.cache --diff

The files are what a node answers, with or without the JSON-RPC answer around it: eth_getTransactionByHash, eth_getBlockByNumber, \
debug_traceTransaction with prestateTracer, eth_getTransactionReceipt; or RLP in hexadecimal. What is said of hashes and of the sender \
is worked out again.

With --json it is one object: transaction block fork sender status gasUsed output reason logs changes stateRoot absent receipt. The \
state root is that of the accounts given, null where a node is asked.

Exit status: 0 it ran, whatever came of it; 1 it cannot be in the block, the engines part, or the receipt says otherwise; 2 the input \
is wrong, or something is missing.")]
pub(crate) struct TxArguments {
    /// The transaction: a file, - for standard input, bytes in hexadecimal, or its hash, if the block is there with its transactions
    #[arg(value_name = "TX")]
    pub(crate) transaction: String,
    /// The block that it is in: what eth_getBlockByNumber answers, a header, or RLP in hexadecimal
    #[arg(long, value_name = "FILE")]
    pub(crate) block: Option<String>,
    #[command(flatten)]
    pub(crate) prestate: PrestateArguments,
    /// Hashes of blocks by number, for BLOCKHASH: a JSON object. That of the parent is in the block
    #[arg(long, value_name = "FILE")]
    pub(crate) block_hashes: Option<String>,
    /// The rules [default: those of mainnet for the block, on chain 1]: a fork, a fork with EIPs switched on and off, or a file of rules
    #[arg(long = "fork", visible_alias = "rules", value_name = "RULES", value_parser = rules_argument::argument)]
    pub(crate) rules: Option<RulesArgument>,
    /// The chain [default: the one that the transaction names, or 1]
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    pub(crate) chain_id: Option<u64>,
    /// Go on where the hash that a block says is not that of its fields, as on chains with other headers
    #[arg(long)]
    pub(crate) no_hash_check: bool,
    /// What a receipt says is held against what came of it: what eth_getTransactionReceipt answers
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: Option<String>,
    /// What runs it
    #[arg(long, value_parser = EngineParser, default_value_t = EngineName::Primary)]
    pub(crate) engine: EngineName,
    /// Compare with another engine, as diff does
    #[arg(long, value_name = "ENGINE", value_parser = EngineParser, num_args = 0..=1, default_missing_value = "mini", conflicts_with = "trace")]
    pub(crate) diff: Option<EngineName>,
    /// Write it as an official state test, with what came of it as what is expected
    #[arg(long, value_name = "FILE")]
    pub(crate) save_test: Option<String>,
    #[cfg(feature = "rpc")]
    #[command(flatten)]
    pub(crate) node: NodeArguments,
    #[command(flatten)]
    pub(crate) served: ServedArguments,
    #[command(flatten)]
    pub(crate) limits: LimitArguments,
    #[command(flatten)]
    pub(crate) trace: TraceArguments,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl TxArguments {
    /// What it writes, beside what it reads.
    pub(crate) fn outputs(&self) -> Outputs {
        let inputs = [&self.block, &self.prestate.prestate, &self.block_hashes, &self.receipt];
        #[cfg(feature = "rpc")]
        let inputs = inputs.into_iter().chain([&self.node.cache]);
        Outputs::beside(inputs.into_iter().flatten().chain([&self.transaction]))
    }
}

/// Whether it is shown in a browser.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Devtool")]
pub(crate) struct ServedArguments {
    /// Show it in a browser, on --engine and the engine of --diff, or mini, side by side: prints the address of the page, and answers
    /// until it is interrupted
    #[arg(long, conflicts_with_all = ["trace", "save_test", "receipt", "json", "max_steps", "timeout"])]
    pub(crate) serve: bool,
    /// Port of the page on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 3155, requires = "serve")]
    pub(crate) port: u16,
}

/// The node that is asked, and what is kept of its answers.
#[cfg(feature = "rpc")]
#[derive(Args, Debug)]
#[command(next_help_heading = "Node")]
pub(crate) struct NodeArguments {
    /// Ask a node for what is needed: the transaction, its block, the state, hashes of blocks, the receipt. Of the URL no more than the
    /// host is ever printed or kept
    #[arg(long, value_name = "URL", conflicts_with_all = ["block", "prestate", "block_hashes"])]
    pub(crate) rpc: Option<String>,
    /// Keep what the node answers in a file, from which the next run has it: without --rpc, no node is asked
    #[arg(long, value_name = "FILE", conflicts_with_all = ["block", "prestate", "block_hashes"])]
    pub(crate) cache: Option<String>,
    /// Leave out the earlier transactions of the block: what comes of it may be wrong then
    #[arg(long)]
    pub(crate) quick: bool,
    /// Most seconds that an answer may take
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = crate::seconds::seconds)]
    pub(crate) rpc_timeout: std::time::Duration,
    /// How often a question is asked again after the node failed to answer
    #[arg(long, value_name = "N", value_parser = number::<u32>, default_value_t = 2)]
    pub(crate) rpc_retries: u32,
}
