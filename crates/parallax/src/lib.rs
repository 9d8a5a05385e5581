#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]
#![cfg_attr(doctest, doc = include_str!("../../../docs/engines.md"))]
#![cfg_attr(doctest, doc = include_str!("../../../docs/rules.md"))]

pub use parallax_engine_interface as engine;
pub use parallax_hooks as hooks;
pub use parallax_host_interface as host;
pub use parallax_primitives as primitives;

#[cfg(feature = "assembly")]
pub use parallax_assembly as assembly;
#[cfg(feature = "blocks")]
pub use parallax_block as block;
#[cfg(feature = "blocks")]
pub use parallax_block_data as block_data;
#[cfg(feature = "blocks")]
pub use parallax_block_tests as block_tests;
#[cfg(feature = "campaign")]
pub use parallax_campaign as campaign;
#[cfg(feature = "chain")]
pub use parallax_chain_input as chain_input;
#[cfg(feature = "chain-node")]
pub use parallax_chain_node as chain_node;
#[cfg(feature = "devtool")]
pub use parallax_devtool as devtool;
#[cfg(feature = "evmc")]
pub use parallax_engine_evmc as engine_evmc;
#[cfg(feature = "revm")]
pub use parallax_engine_revm as engine_revm;
#[cfg(feature = "fast")]
pub use parallax_local_engine as local_engine;
#[cfg(feature = "fast")]
pub use parallax_machine as machine;
#[cfg(feature = "database")]
pub use parallax_memory_database as memory_database;
#[cfg(feature = "blocks")]
pub use parallax_mini_block as mini_block;
#[cfg(feature = "oracle")]
pub use parallax_mini_interpreter as mini_interpreter;
#[cfg(feature = "oracle")]
pub use parallax_mini_machine as mini_machine;
#[cfg(feature = "contracts")]
pub use parallax_mini_precompiles as mini_precompiles;
#[cfg(feature = "contracts")]
pub use parallax_precompiles as precompiles;
#[cfg(feature = "fast")]
pub use parallax_primary_interpreter as primary_interpreter;
#[cfg(feature = "records")]
pub use parallax_record_json as record_json;
#[cfg(feature = "roots")]
pub use parallax_roots as roots;
#[cfg(feature = "rules-file")]
pub use parallax_rules_file as rules_file;
#[cfg(feature = "control")]
pub use parallax_run_control as run_control;
#[cfg(feature = "compare")]
pub use parallax_shadow_diff as shadow_diff;
#[cfg(feature = "fast")]
pub use parallax_state as state;
#[cfg(feature = "tests")]
pub use parallax_state_tests as state_tests;
#[cfg(feature = "trace")]
pub use parallax_trace_output as trace_output;
#[cfg(feature = "trace")]
pub use parallax_tracer_calls as tracer_calls;
#[cfg(feature = "trace")]
pub use parallax_tracer_core as tracer_core;
#[cfg(feature = "trace")]
pub use parallax_tracer_eip3155 as tracer_eip3155;
#[cfg(feature = "parquet")]
pub use parallax_tracer_parquet as tracer_parquet;
#[cfg(feature = "trace")]
pub use parallax_tracer_standard as tracer_standard;
#[cfg(feature = "blocks")]
pub use parallax_transition as transition;
