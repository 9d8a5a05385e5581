//! The messages of the API, as `openapi.json` describes them.

use std::{fmt, str::FromStr};

use parallax_primitives::{Address, U256, hex};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;

/// How two engines are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    Off,
    PerCall,
    PerStep,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum When {
    #[default]
    Before,
    After,
}

/// A side. On the wire the left one is `primary` and the right one `mini`, whichever engines they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SideName {
    #[default]
    #[serde(rename = "primary")]
    Left,
    #[serde(rename = "mini")]
    Right,
}

impl SideName {
    pub(crate) const BOTH: [SideName; 2] = [SideName::Left, SideName::Right];
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateSession {
    pub(crate) source: Source,
    pub(crate) mode: Option<Mode>,
    pub(crate) engines: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) limits: LimitsWanted,
    #[serde(default)]
    pub(crate) breakpoints: Vec<Breakpoint>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LimitsWanted {
    pub(crate) steps: Option<u64>,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) seconds: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Limits {
    pub(crate) steps: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) seconds: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Source {
    Code(CodeSource),
    Test(TestSource),
    Upload(UploadSource),
    Traces(TracesSource),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CodeSource {
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) format: CodeFormat,
    pub(crate) calldata: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) gas: Option<u64>,
    pub(crate) fork: Option<String>,
    pub(crate) prestate: Option<Value>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CodeFormat {
    #[default]
    Hex,
    Assembly,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TestSource {
    pub(crate) path: String,
    pub(crate) name: Option<String>,
    pub(crate) fork: Option<String>,
    #[serde(default)]
    pub(crate) index: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UploadSource {
    pub(crate) file: Value,
    pub(crate) name: Option<String>,
    pub(crate) fork: Option<String>,
    #[serde(default)]
    pub(crate) index: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TracesSource {
    pub(crate) left: TraceInput,
    pub(crate) right: TraceInput,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TraceInput {
    pub(crate) path: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) client: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Breakpoint {
    Pc {
        pc: u64,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        address: Option<Text<Address>>,
    },
    Opcode {
        opcode: String,
    },
    Depth {
        depth: u16,
    },
    Address {
        address: Text<Address>,
    },
    Storage {
        key: Text<U256>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        address: Option<Text<Address>>,
    },
    Halt {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        halt: Option<String>,
    },
    Gas {
        below: u64,
    },
    Step {
        step: u64,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Breakpoints {
    pub(crate) breakpoints: Vec<Breakpoint>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepCommand {
    pub(crate) kind: StepKind,
    pub(crate) count: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StepKind {
    Into,
    Over,
    Out,
    Back,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunCommand {
    pub(crate) until: Until,
    #[serde(default)]
    pub(crate) backwards: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Until {
    Breakpoint,
    Divergence,
    End,
    Start,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContinueCommand {
    #[serde(default)]
    pub(crate) until: ContinueUntil,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ContinueUntil {
    #[default]
    Stop,
    Step,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GotoCommand {
    pub(crate) step_index: u64,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct TestFile {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) kind: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct TestCase {
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) fork: &'static str,
    pub(crate) d: usize,
    pub(crate) g: usize,
    pub(crate) v: usize,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    pub(crate) status: String,
    pub(crate) gas_used: Option<u64>,
    pub(crate) gas_refunded: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) execution_gas: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state_gas: Option<u64>,
    pub(crate) output: Option<String>,
    pub(crate) output_length: Option<usize>,
    pub(crate) logs: Option<usize>,
    pub(crate) created: Option<String>,
    pub(crate) state_root: Option<String>,
    pub(crate) rejected: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Mismatch {
    pub(crate) field: String,
    pub(crate) lhs: String,
    pub(crate) rhs: String,
    pub(crate) when: When,
    pub(crate) item: Option<u64>,
    pub(crate) cause: Option<String>,
    pub(crate) text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepSide {
    pub(crate) pc: u64,
    pub(crate) opcode: u8,
    pub(crate) op_name: &'static str,
    pub(crate) gas_before: u64,
    pub(crate) gas_after: Option<u64>,
    pub(crate) gas_cost: Option<u64>,
    #[serde(flatten)]
    pub(crate) state_gas: StepStateGas,
    pub(crate) stack_size: Option<usize>,
    pub(crate) memory_size: Option<u64>,
    pub(crate) depth: u64,
    pub(crate) address: Option<String>,
    pub(crate) call: Option<usize>,
    pub(crate) halt: Option<&'static str>,
}

/// Where the rules have state gas, and as far as it is known (EIP-8037).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepStateGas {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reservoir: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spilled_state_gas: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state_gas_cost: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state_gas_spilled: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepRow {
    pub(crate) step_index: u64,
    #[serde(rename = "primary")]
    pub(crate) left: Option<StepSide>,
    #[serde(rename = "mini")]
    pub(crate) right: Option<StepSide>,
    pub(crate) mismatch: Option<Mismatch>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) mode: Mode,
    pub(crate) engines: Vec<String>,
    #[serde(flatten)]
    pub(crate) row: StepRow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stop {
    Moved,
    Breakpoint,
    Divergence,
    End,
    Start,
    Blocked,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cursor {
    #[serde(flatten)]
    pub(crate) step: Step,
    pub(crate) stop: Stop,
    pub(crate) breakpoint: Option<usize>,
    pub(crate) acknowledged: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Steps {
    pub(crate) from: u64,
    pub(crate) total: u64,
    pub(crate) steps: Vec<StepRow>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Divergence {
    pub(crate) step_index: Option<u64>,
    pub(crate) mismatch: Mismatch,
    /// Of two traces: the line of each that says what differs, from 1; 0 for none.
    pub(crate) lines: Option<[u64; 2]>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Divergences {
    pub(crate) divergences: Vec<Divergence>,
    pub(crate) offset: usize,
    pub(crate) total: usize,
    pub(crate) truncated: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) kind: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) divergence: Option<Divergence>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Running,
    Paused,
    Done,
    Failed,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct SourceShown {
    pub(crate) kind: &'static str,
    pub(crate) title: String,
    pub(crate) fork: Option<&'static str>,
    pub(crate) path: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) index: Option<usize>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    pub(crate) steps: Vec<u64>,
    pub(crate) bytes: u64,
    pub(crate) elapsed_ms: u64,
    pub(crate) phase: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) mode: Mode,
    pub(crate) engines: Vec<String>,
    pub(crate) source: SourceShown,
    pub(crate) limits: Limits,
    pub(crate) progress: Progress,
    pub(crate) total_steps: u64,
    pub(crate) steps: Vec<u64>,
    pub(crate) stopped_by: Option<&'static str>,
    pub(crate) outcomes: Vec<Option<Outcome>>,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) step_index: u64,
    pub(crate) error: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogEntry {
    pub(crate) step_index: u64,
    pub(crate) address: String,
    pub(crate) topics: Vec<String>,
    pub(crate) data: String,
    pub(crate) data_length: usize,
    pub(crate) reverted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Slot {
    pub(crate) address: String,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) original: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Memory {
    pub(crate) offset: usize,
    pub(crate) data: String,
    pub(crate) size: usize,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SideState {
    pub(crate) call: Option<usize>,
    pub(crate) depth: u64,
    pub(crate) pc: u64,
    pub(crate) gas: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reservoir: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spilled_state_gas: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reservoir_baseline: Option<u64>,
    pub(crate) refund: Option<i64>,
    pub(crate) stack: Option<Vec<String>>,
    pub(crate) memory: Option<Memory>,
    pub(crate) return_data: Option<String>,
    pub(crate) return_data_length: Option<usize>,
    pub(crate) address: Option<String>,
    pub(crate) caller: Option<String>,
    pub(crate) code_address: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) calldata: Option<String>,
    pub(crate) calldata_length: Option<usize>,
    pub(crate) is_static: Option<bool>,
    pub(crate) storage: Option<Vec<Slot>>,
    pub(crate) storage_truncated: bool,
    pub(crate) transient: Option<Vec<Slot>>,
    pub(crate) logs: Option<Vec<LogEntry>>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Differences {
    pub(crate) fields: Vec<&'static str>,
    pub(crate) stack: Vec<usize>,
    pub(crate) memory: Vec<[usize; 2]>,
    pub(crate) return_data: Option<usize>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    pub(crate) step_index: u64,
    pub(crate) when: When,
    pub(crate) engines: Vec<String>,
    #[serde(rename = "primary")]
    pub(crate) left: Option<SideState>,
    #[serde(rename = "mini")]
    pub(crate) right: Option<SideState>,
    pub(crate) differences: Option<Differences>,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TimelineSide {
    pub(crate) depth_min: Vec<u16>,
    pub(crate) depth_max: Vec<u16>,
    pub(crate) gas_first: Vec<u64>,
    pub(crate) gas_last: Vec<u64>,
    pub(crate) opcodes: Vec<u8>,
    pub(crate) halts: Vec<u32>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Timeline {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) bucket_size: u64,
    pub(crate) buckets: u64,
    #[serde(rename = "primary")]
    pub(crate) left: Option<TimelineSide>,
    #[serde(rename = "mini")]
    pub(crate) right: Option<TimelineSide>,
    pub(crate) mismatches: Vec<u32>,
    pub(crate) divergences: Vec<u64>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Call {
    pub(crate) index: usize,
    pub(crate) parent: Option<usize>,
    pub(crate) kind: &'static str,
    pub(crate) depth: u16,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) code_address: Option<String>,
    pub(crate) value: String,
    pub(crate) gas: u64,
    pub(crate) gas_used: Option<u64>,
    #[serde(flatten)]
    pub(crate) state_gas: CallStateGas,
    pub(crate) status: Option<String>,
    pub(crate) input: String,
    pub(crate) input_length: usize,
    pub(crate) output: Option<String>,
    pub(crate) output_length: Option<usize>,
    pub(crate) first_step: u64,
    pub(crate) end_step: u64,
    pub(crate) created: Option<String>,
}

/// Where the rules have state gas (EIP-8037), and, but for what it was given, once it is over.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallStateGas {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reservoir: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reservoir_left: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state_gas_used: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state_gas_spilled: Option<i64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Calls {
    pub(crate) side: SideName,
    pub(crate) calls: Vec<Call>,
    pub(crate) offset: usize,
    pub(crate) total: usize,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OpcodeGas {
    pub(crate) opcode: u8,
    pub(crate) op_name: &'static str,
    pub(crate) count: u64,
    pub(crate) gas: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state_gas: Option<i64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct GasByOpcode {
    #[serde(rename = "primary")]
    pub(crate) left: Option<Vec<OpcodeGas>>,
    #[serde(rename = "mini")]
    pub(crate) right: Option<Vec<OpcodeGas>>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Instruction {
    pub(crate) pc: usize,
    pub(crate) opcode: u8,
    pub(crate) op_name: &'static str,
    pub(crate) data: Option<String>,
    pub(crate) gas: Option<u16>,
    pub(crate) block: usize,
    pub(crate) is_jump_destination: bool,
    pub(crate) is_defined: bool,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Code {
    pub(crate) side: SideName,
    pub(crate) call: usize,
    pub(crate) address: Option<String>,
    pub(crate) size: usize,
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) offset: usize,
    pub(crate) total: usize,
    pub(crate) jump_destinations: Vec<usize>,
    pub(crate) blocks: Vec<[usize; 2]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Match {
    pub(crate) step_index: u64,
    pub(crate) side: SideName,
    #[serde(rename = "where")]
    pub(crate) place: &'static str,
    pub(crate) item: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Matches {
    pub(crate) matches: Vec<Match>,
    pub(crate) next: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Export {
    pub(crate) format: &'static str,
    pub(crate) session: Session,
    pub(crate) divergences: Divergences,
    pub(crate) steps: Steps,
    pub(crate) states: Vec<State>,
    pub(crate) timeline: Timeline,
    pub(crate) calls: Vec<Calls>,
    pub(crate) gas: GasByOpcode,
}

/// A value that is written as hexadecimal text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text<T>(pub(crate) T);

impl<T: fmt::LowerHex> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:#x}", self.0))
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.strip_prefix("0x").unwrap_or(&text).is_empty() {
            return Err(D::Error::custom("expected hex digits behind 0x"));
        }
        T::from_str(&text).map(Text).map_err(D::Error::custom)
    }
}

/// As machines write addresses: without the capitals of EIP-55.
pub(crate) fn address(address: &Address) -> String {
    format!("{address:#x}")
}

/// Bytes of input and output that a call, or the transaction, shows.
pub(crate) const DATA_SHOWN: usize = 1024;

/// Bytes in hex, cut to so many.
pub(crate) fn cut(bytes: &[u8], limit: usize) -> String {
    hex::encode_prefixed(&bytes[..bytes.len().min(limit)])
}

pub(crate) fn word(word: &U256) -> String {
    format!("{word:#x}")
}
