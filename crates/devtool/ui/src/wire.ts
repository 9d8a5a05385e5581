// Written by scripts/wire.js from ../openapi.json; not to be edited.

/** Bytes: 0x and an even number of lower-case digits. */
export type Bytes = string;

/** A 256-bit word: 0x and the digits without leading zeros. */
export type Word = string;

/** An address: 0x and 40 lower-case digits. */
export type Address = string;

/** An exact integer of 64 bits. Above 2^53 - 1 a reader whose numbers are doubles must take the source text. */
export type Gas = number | bigint;

/** An exact integer of 64 bits with a sign. Beyond 2^53 - 1 as Gas. */
export type SignedGas = number | bigint;

export type Error = {
  error: {
    code: "bad_request" | "bad_json" | "bad_source" | "forbidden_host" | "forbidden_origin" | "forbidden_path" | "not_found" | "method_not_allowed" | "unsupported_media_type" | "too_large" | "too_many_sessions" | "too_many_requests" | "not_ready" | "timeout" | "internal";
    message: string;
    field: string | null;
  };
};

/** A fork's name, one of `Info.forks`; read in any case. */
export type Fork = string;

/** off: one engine. per_call: the outcomes of messages and of the transaction are compared. per_step: every opcode as well. */
export type Mode = "off" | "per_call" | "per_step";

/** One of `Info.engines`; in a session from trace files, the client's name. */
export type EngineName = string;

export type When = "before" | "after";

/** The left and the right side. They are called primary and mini whichever engines were chosen; `engines` has the names. */
export type SideName = "primary" | "mini";

export type Limits = {
  steps?: number;
  memoryBytes?: number;
  seconds?: number;
};

export type Info = {
  name: string;
  version: string;
  api: number;
  engines: (EngineName)[];
  forks: (Fork)[];
  defaultFork: Fork;
  modes: (Mode)[];
  clients: (string)[];
  folder: string | null;
  limits: {
    sessions: number;
    steps: number;
    memoryBytes: number;
    seconds: number;
    bodyBytes: number;
    pageSize: number;
    timelineBuckets: number;
    stateBytes: number;
    idleSeconds: number;
  };
  defaults: Limits;
};

export type TestFile = {
  path: string;
  bytes: number;
  kind: "state_test" | "trace";
};

export type TestFiles = {
  files: (TestFile)[];
  offset: number;
  total: number;
  truncated: boolean;
};

export type TestCase = {
  index: number;
  name: string;
  fork: Fork;
  d: number;
  g: number;
  v: number;
};

export type TestCases = {
  path: string | null;
  cases: (TestCase)[];
  offset: number;
  total: number;
};

/** Accounts by address with balance, nonce, code (hex) and storage (key to value), each optional; numbers are hex, decimal, or JSON's. Or around such accounts: a genesis file, an answer of `prestateTracer`, a whole answer of JSON-RPC, a cache of foundry, a dump of anvil. */
export type PreState = unknown;

export type CodeSource = {
  kind: "code";
  code: string;
  format?: "hex" | "assembly";
  calldata?: string;
  value?: string;
  gas?: number;
  fork?: Fork;
  prestate?: PreState;
};

export type TestSource = {
  kind: "test";
  path: string;
  name?: string;
  fork?: Fork;
  index?: number;
};

export type UploadSource = {
  kind: "upload";
  file: Record<string, unknown>;
  name?: string;
  fork?: Fork;
  index?: number;
};

/** A trace file below the folder, or its text. */
export type TraceInput = {
  path: string;
  client?: string;
} | {
  text: string;
  client?: string;
};

export type TracesSource = {
  kind: "traces";
  left: TraceInput;
  right: TraceInput;
};

export type Source = CodeSource | TestSource | UploadSource | TracesSource;

export type CreateSession = {
  source: Source;
  mode?: Mode;
  engines?: (EngineName)[];
  limits?: Limits;
  breakpoints?: (Breakpoint)[];
};

/** Where a run stops. All but halt hold before the step; halt holds at the step that failed. */
export type Breakpoint = {
  kind: "pc";
  pc: number;
  address?: Address;
} | {
  kind: "opcode";
  opcode: string;
} | {
  kind: "depth";
  depth: number;
} | {
  kind: "address";
  address: Address;
} | {
  kind: "storage";
  key: Word;
  address?: Address;
} | {
  kind: "halt";
  halt?: string;
} | {
  kind: "gas";
  below: number;
} | {
  kind: "step";
  step: number;
};

export type Breakpoints = {
  breakpoints: (Breakpoint)[];
};

/** The output is cut to 1024 bytes. executionGas and stateGas, where the rules have two gases, are what a block counts. */
export type Outcome = {
  status: string;
  gasUsed: Gas | null;
  gasRefunded: Gas | null;
  executionGas?: Gas;
  stateGas?: Gas;
  output: Bytes | null;
  outputLength: number | null;
  logs: number | null;
  created: Address | null;
  stateRoot: string | null;
  rejected: string | null;
};

/** What differs between the sides at a step, first of all fields. */
export type Mismatch = {
  field: string;
  lhs: string;
  rhs: string;
  when: When;
  item: number | null;
  cause: string | null;
  text: string | null;
};

/** One step on one side. What a trace file does not say is null, or left out where it is of state gas. Of state gas there is something only where the rules have two gases (EIP-8037): then gas is execution gas, reservoir and spilledStateGas are those before the opcode, stateGasCost is what it was charged or, below zero, given back (of a failing opcode: what it would have been charged), and stateGasSpilled what of that was taken from execution gas or given back to it; the rest the reservoir paid or got. */
export type StepSide = {
  pc: number;
  opcode: number;
  opName: string;
  gasBefore: Gas;
  gasAfter: Gas | null;
  gasCost: Gas | null;
  reservoir?: Gas;
  spilledStateGas?: Gas;
  stateGasCost?: SignedGas;
  stateGasSpilled?: SignedGas;
  stackSize: number | null;
  memorySize: number | null;
  depth: number;
  address: Address | null;
  call: number | null;
  halt: string | null;
};

export type Step = {
  mode: Mode;
  engines: (EngineName)[];
  stepIndex: number;
  primary: StepSide | null;
  mini: StepSide | null;
  mismatch: Mismatch | null;
};

/** moved: the step asked for. blocked: the cursor stands on a divergence and goes on only after `continue`. start, end: the end of the record. */
export type Stop = "moved" | "breakpoint" | "divergence" | "end" | "start" | "blocked";

/** A step, and why the cursor stands there. */
export type Cursor = {
  mode: Mode;
  engines: (EngineName)[];
  stepIndex: number;
  primary: StepSide | null;
  mini: StepSide | null;
  mismatch: Mismatch | null;
  stop: Stop;
  breakpoint: number | null;
  acknowledged: boolean;
};

export type StepRow = {
  stepIndex: number;
  primary: StepSide | null;
  mini: StepSide | null;
  mismatch: Mismatch | null;
};

export type Steps = {
  from: number;
  total: number;
  steps: (StepRow)[];
};

export type Divergence = {
  stepIndex: number | null;
  mismatch: Mismatch;
  lines: [number, number] | null;
};

export type Divergences = {
  divergences: (Divergence)[];
  offset: number;
  total: number;
  truncated: boolean;
};

export type Verdict = {
  kind: "agree" | "rejected" | "diverge" | "poisoned" | "not_compared";
  reason: string | null;
  divergence: Divergence | null;
};

/** running and paused: the engines are at work; only progress, events and, when paused, steps can be asked. failed: see error. */
export type Status = "running" | "paused" | "done" | "failed";

export type Session = {
  id: string;
  status: Status;
  mode: Mode;
  engines: (EngineName)[];
  source: {
    kind: "code" | "test" | "upload" | "traces" | "transaction";
    title: string;
    fork: Fork | null;
    path: string | null;
    name: string | null;
    index: number | null;
  };
  limits: Limits;
  progress: {
    steps: (number)[];
    bytes: number;
    elapsedMs: number;
    phase: "comparing" | "recording" | "indexing" | "done";
  };
  totalSteps: number;
  steps: (number)[];
  stoppedBy: "steps" | "memory" | "time" | "cancelled" | null;
  outcomes: (Outcome | null)[];
  verdict: Verdict | null;
  stepIndex: number;
  error: string | null;
};

export type Sessions = {
  sessions: (Session)[];
};

export type StepCommand = {
  kind: "into" | "over" | "out" | "back";
  count?: number;
};

export type RunCommand = {
  until: "breakpoint" | "divergence" | "end" | "start";
  backwards?: boolean;
};

export type ContinueCommand = {
  until?: "stop" | "step";
};

export type GotoCommand = {
  stepIndex: number;
};

/** The data is cut to 4096 bytes. */
export type LogEntry = {
  stepIndex: number;
  address: Address;
  topics: (string)[];
  data: Bytes;
  dataLength: number;
  reverted: boolean;
};

/** A storage slot at this step; original is its value before the transaction. */
export type Slot = {
  address: Address;
  key: Word;
  value: Word;
  original: Word | null;
};

export type Memory = {
  offset: number;
  data: Bytes;
  size: number;
};

/** The whole state of the running frame on one side. What a trace file does not say is null. Calldata and return data are cut to 1 MiB. Of state gas there is something only where the rules have two gases. */
export type SideState = {
  call: number | null;
  depth: number;
  pc: number;
  gas: Gas;
  reservoir?: Gas;
  spilledStateGas?: Gas;
  reservoirBaseline?: Gas;
  refund: number | null;
  stack: (Word)[] | null;
  memory: Memory | null;
  returnData: Bytes | null;
  returnDataLength: number | null;
  address: Address | null;
  caller: Address | null;
  codeAddress: Address | null;
  value: Word | null;
  calldata: Bytes | null;
  calldataLength: number | null;
  isStatic: boolean | null;
  storage: (Slot)[] | null;
  storageTruncated: boolean;
  transient: (Slot)[] | null;
  logs: (LogEntry)[] | null;
};

export type Differences = {
  fields: (string)[];
  stack: (number)[];
  memory: ([number, number])[];
  returnData: number | null;
};

export type State = {
  stepIndex: number;
  when: When;
  engines: (EngineName)[];
  primary: SideState | null;
  mini: SideState | null;
  differences: Differences | null;
};

/** Columns, an item a bucket; shorter if this side ended earlier. */
export type TimelineSide = {
  depthMin: (number)[];
  depthMax: (number)[];
  gasFirst: (Gas)[];
  gasLast: (Gas)[];
  opcodes: (number)[];
  halts: (number)[];
};

export type Timeline = {
  from: number;
  to: number;
  bucketSize: number;
  buckets: number;
  primary: TimelineSide | null;
  mini: TimelineSide | null;
  mismatches: (number)[];
  divergences: (number)[];
};

/** Input and output are cut to 1024 bytes. Where the rules have two gases, gas and gasUsed are execution gas, what was spilled for state gas included; reservoir is what it was handed, reservoirLeft what it handed back; stateGasUsed is what it and its callees were charged of state gas and not given back, below zero if they gave back more, and stateGasSpilled what of that came out of execution gas. */
export type Call = {
  index: number;
  parent: number | null;
  kind: string;
  depth: number;
  from: Address;
  to: Address;
  codeAddress: Address | null;
  value: Word;
  gas: Gas;
  gasUsed: Gas | null;
  reservoir?: Gas;
  reservoirLeft?: Gas;
  stateGasUsed?: SignedGas;
  stateGasSpilled?: SignedGas;
  status: string | null;
  input: Bytes;
  inputLength: number;
  output: Bytes | null;
  outputLength: number | null;
  firstStep: number;
  endStep: number;
  created: Address | null;
};

export type Calls = {
  side: SideName;
  calls: (Call)[];
  offset: number;
  total: number;
};

/** gas is what the opcode took itself, without what it forwarded; stateGas, where the rules have two gases, what it was charged of the other one, less what it was given back. */
export type OpcodeGas = {
  opcode: number;
  opName: string;
  count: number;
  gas: Gas;
  stateGas?: SignedGas;
};

export type GasByOpcode = {
  primary: (OpcodeGas)[] | null;
  mini: (OpcodeGas)[] | null;
};

export type Instruction = {
  pc: number;
  opcode: number;
  opName: string;
  data: Bytes | null;
  gas: number | null;
  block: number;
  isJumpDestination: boolean;
  isDefined: boolean;
};

export type Code = {
  side: SideName;
  call: number;
  address: Address | null;
  size: number;
  instructions: (Instruction)[];
  offset: number;
  total: number;
  jumpDestinations: (number)[];
  blocks: ([number, number])[];
};

export type Match = {
  stepIndex: number;
  side: SideName;
  where: "opcode" | "pc" | "stack" | "memory" | "storage" | "returnData";
  item: number | null;
};

export type Matches = {
  matches: (Match)[];
  next: number | null;
};

/** A message of the server on the WebSocket. */
export type ServerEvent = {
  type: "session";
  session: Session;
} | {
  type: "progress";
  steps: (number)[];
  bytes: number;
  elapsedMs: number;
  phase: string;
} | {
  type: "cursor";
  cursor: Cursor;
} | {
  type: "breakpoints";
  breakpoints: (Breakpoint)[];
} | {
  type: "pong";
} | {
  type: "error";
  error: {
    code: "bad_request" | "bad_json" | "bad_source" | "forbidden_host" | "forbidden_origin" | "forbidden_path" | "not_found" | "method_not_allowed" | "unsupported_media_type" | "too_large" | "too_many_sessions" | "too_many_requests" | "not_ready" | "timeout" | "internal";
    message: string;
    field: string | null;
  };
} | {
  type: "closed";
  reason: string;
};

/** A message of the client on the WebSocket: text, at most 4 KiB. */
export type ClientEvent = {
  type: "ping";
};

export type Export = {
  format: "parallax-devtool-1";
  session: Session;
  divergences: Divergences;
  steps: Steps;
  states: (State)[];
  timeline: Timeline;
  calls: (Calls)[];
  gas: GasByOpcode;
};
