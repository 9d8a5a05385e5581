//! The table itself: every client, every kind of line, every key.

use crate::{
    Client, CostKind, Facts, Field as F, Form, FrameExits, GasUsedKind, Key, PassKind, Presence, RefundKind,
};
use Form::{Digits, Hex, Items, Number, Object, Text, Truth};
use Presence::{Always, NotEmpty, OnDemand, OnDemandNotEmpty, OnFailure, Sometimes, UnlessFailing};

const fn key(field: F, presence: Presence, form: Form) -> Key {
    Key { field, presence, form }
}

const PC: Key = key(F::Pc, Always, Number);
const OP: Key = key(F::Op, Always, Number);
const OP_NAME: Key = key(F::OpName, Always, Text);
const GAS: Key = key(F::Gas, Always, Hex);
const GAS_COST: Key = key(F::GasCost, Always, Hex);
const MEM_SIZE: Key = key(F::MemSize, Always, Number);
const STACK: Key = key(F::Stack, OnDemand, Items);
const DEPTH: Key = key(F::Depth, Always, Number);
const REFUND: Key = key(F::Refund, Always, Number);
const MEMORY: Key = key(F::Memory, OnDemand, Hex);
const MEMORY_NOT_EMPTY: Key = key(F::Memory, OnDemandNotEmpty, Hex);
const RETURN_DATA: Key = key(F::ReturnData, OnDemand, Hex);
const RETURN_DATA_NOT_EMPTY: Key = key(F::ReturnData, OnDemandNotEmpty, Hex);
/// Of the opcodes that write it.
const STORAGE: Key = key(F::Storage, Sometimes, Object);
const ERROR: Key = key(F::Error, OnFailure, Text);

/// The order of go-ethereum, which most follow.
const GETH_STEP: &[Key] = &[
    PC,
    OP,
    GAS,
    GAS_COST,
    MEMORY_NOT_EMPTY,
    MEM_SIZE,
    STACK,
    RETURN_DATA_NOT_EMPTY,
    DEPTH,
    REFUND,
    OP_NAME,
    ERROR,
];
/// The end of a frame.
const EXIT: &[Key] = &[key(F::Output, Always, Digits), key(F::GasUsed, Always, Hex), ERROR];
const ROOT: &[Key] = &[key(F::StateRoot, OnDemand, Hex)];

const EIP3155: Facts = Facts {
    steps: &[
        PC,
        OP,
        GAS,
        GAS_COST,
        MEM_SIZE,
        STACK,
        DEPTH,
        RETURN_DATA,
        REFUND,
        OP_NAME,
        ERROR,
        MEMORY,
        STORAGE,
    ],
    others: &[],
    exits: FrameExits::None,
    closing: &[&[
        key(F::StateRoot, OnDemand, Hex),
        key(F::Output, Always, Hex),
        key(F::GasUsed, Always, Hex),
        key(F::Pass, Always, Truth),
        key(F::Fork, OnDemand, Text),
        key(F::Time, OnDemand, Number),
        key(F::Test, OnDemand, Text),
        key(F::D, OnDemand, Number),
        key(F::G, OnDemand, Number),
        key(F::V, OnDemand, Number),
    ]],
    may_lack_closing: true,
    implied_stop: true,
    second_lines: false,
    names_ends: false,
    refund: RefundKind::Before,
    gas_used: GasUsedKind::Transaction,
    cost: CostKind::Whole,
    pass: PassKind::Transaction,
};

const GETH: Facts = Facts {
    steps: GETH_STEP,
    others: &[],
    exits: FrameExits::Every,
    closing: &[EXIT, ROOT],
    may_lack_closing: false,
    implied_stop: true,
    second_lines: true,
    names_ends: false,
    refund: RefundKind::After,
    gas_used: GasUsedKind::Frame,
    cost: CostKind::Whole,
    pass: PassKind::Transaction,
};

const EELS: Facts = Facts {
    steps: &[
        PC,
        OP,
        GAS,
        key(F::GasCost, UnlessFailing, Hex),
        MEMORY_NOT_EMPTY,
        MEM_SIZE,
        STACK,
        RETURN_DATA,
        DEPTH,
        REFUND,
        OP_NAME,
        key(F::StateGas, Sometimes, Hex),
        key(F::StateGasCost, Sometimes, Hex),
        ERROR,
    ],
    exits: FrameExits::Outermost,
    second_lines: false,
    ..GETH
};

const REVM: Facts = Facts {
    steps: &[
        PC,
        DEPTH,
        key(F::OpName, UnlessFailing, Text),
        OP,
        GAS,
        key(F::Reservoir, Always, Hex),
        key(F::StateGas, Always, Hex),
        GAS_COST,
        STACK,
        key(F::ReturnData, Always, Hex),
        key(F::Refund, Always, Hex),
        key(F::MemSize, Always, Hex),
        ERROR,
        MEMORY,
        STORAGE,
    ],
    // Up to 2025.
    others: &[&[
        PC,
        OP,
        GAS,
        GAS_COST,
        STACK,
        DEPTH,
        key(F::ReturnData, Always, Hex),
        key(F::Refund, Always, Hex),
        key(F::MemSize, Always, Hex),
        key(F::OpName, UnlessFailing, Text),
        ERROR,
        MEMORY,
        STORAGE,
    ]],
    exits: FrameExits::None,
    closing: &[&[
        key(F::StateRoot, OnDemand, Hex),
        key(F::LogsRoot, OnDemand, Hex),
        key(F::Output, Always, Hex),
        key(F::GasUsed, Always, Number),
        key(F::Pass, Always, Truth),
        key(F::ErrorMsg, OnDemand, Text),
        key(F::EvmResult, OnDemand, Text),
        key(F::PostLogsHash, OnDemand, Hex),
        key(F::Fork, OnDemand, Text),
        key(F::Time, OnDemand, Number),
        key(F::Test, OnDemand, Text),
        key(F::D, OnDemand, Number),
        key(F::G, OnDemand, Number),
        key(F::V, OnDemand, Number),
    ]],
    may_lack_closing: true,
    implied_stop: true,
    second_lines: false,
    names_ends: true,
    refund: RefundKind::Frame,
    gas_used: GasUsedKind::Transaction,
    cost: CostKind::WithCreation,
    pass: PassKind::Test,
};

const EVMONE: Facts = Facts {
    steps: &[
        PC,
        OP,
        GAS,
        GAS_COST,
        MEM_SIZE,
        STACK,
        key(F::ReturnData, NotEmpty, Hex),
        DEPTH,
        REFUND,
        OP_NAME,
        MEMORY,
        STORAGE,
    ],
    others: &[],
    exits: FrameExits::None,
    closing: &[&[
        key(F::Pass, Always, Truth),
        key(F::Error, OnFailure, Text),
        key(F::GasUsed, Always, Hex),
        key(F::StateRoot, OnDemand, Hex),
    ]],
    may_lack_closing: true,
    implied_stop: false,
    second_lines: false,
    names_ends: false,
    refund: RefundKind::Frame,
    gas_used: GasUsedKind::Transaction,
    cost: CostKind::Static,
    pass: PassKind::Transaction,
};

const BESU: Facts = Facts {
    steps: &[
        PC,
        OP,
        GAS,
        GAS_COST,
        MEMORY_NOT_EMPTY,
        MEM_SIZE,
        STACK,
        key(F::ReturnData, OnDemandNotEmpty, Hex),
        DEPTH,
        REFUND,
        OP_NAME,
        ERROR,
        STORAGE,
    ],
    others: &[],
    exits: FrameExits::None,
    closing: &[&[
        key(F::Output, Always, Digits),
        key(F::GasUsed, Always, Hex),
        key(F::Test, Always, Text),
        key(F::Fork, Always, Text),
        key(F::D, Always, Number),
        key(F::G, Always, Number),
        key(F::V, Always, Number),
        key(F::StateRoot, Always, Hex),
        key(F::PostLogsHash, Always, Hex),
        key(F::Pass, Always, Truth),
        key(F::ValidationError, OnFailure, Text),
        key(F::Error, OnFailure, Text),
    ]],
    may_lack_closing: false,
    implied_stop: false,
    second_lines: false,
    names_ends: false,
    refund: RefundKind::After,
    gas_used: GasUsedKind::Unknown,
    cost: CostKind::Whole,
    pass: PassKind::Test,
};

const NETHERMIND: Facts = Facts {
    steps: &[PC, OP, GAS, GAS_COST, STACK, DEPTH, MEM_SIZE, ERROR],
    // Of 2024 and of August 2026.
    others: &[&[
        PC,
        OP,
        GAS,
        GAS_COST,
        MEMORY_NOT_EMPTY,
        MEM_SIZE,
        STACK,
        RETURN_DATA_NOT_EMPTY,
        DEPTH,
        REFUND,
        OP_NAME,
        ERROR,
    ]],
    exits: FrameExits::Outermost,
    closing: &[
        &[key(F::Output, Always, Hex), key(F::GasUsed, Always, Hex), key(F::Time, Sometimes, Number), ERROR],
        ROOT,
    ],
    may_lack_closing: false,
    implied_stop: false,
    second_lines: false,
    names_ends: false,
    refund: RefundKind::After,
    gas_used: GasUsedKind::Frame,
    cost: CostKind::Whole,
    pass: PassKind::Test,
};

const NIMBUS: Facts =
    Facts { implied_stop: false, exits: FrameExits::Outermost, refund: RefundKind::Frame, ..GETH };

const ERIGON: Facts = Facts {
    steps: &[
        PC,
        OP,
        GAS,
        GAS_COST,
        key(F::Memory, Always, Hex),
        MEM_SIZE,
        STACK,
        key(F::ReturnData, Always, Hex),
        DEPTH,
        REFUND,
        OP_NAME,
        // Forgotten for what fails inside an opcode.
        key(F::Error, Sometimes, Text),
    ],
    exits: FrameExits::Outermost,
    second_lines: false,
    ..GETH
};

/// Struct logs of `debug_traceTransaction` (execution-apis); the closing line is what stands around them.
const STRUCT: Facts = Facts {
    steps: &[
        PC,
        key(F::Op, Always, Text),
        key(F::Gas, Always, Number),
        key(F::GasCost, Always, Number),
        DEPTH,
        key(F::Refund, NotEmpty, Number),
        ERROR,
        STACK,
        key(F::ReturnData, OnDemandNotEmpty, Hex),
        key(F::Memory, OnDemandNotEmpty, Items),
        STORAGE,
    ],
    others: &[],
    exits: FrameExits::None,
    closing: &[&[key(F::GasUsed, Always, Number), key(F::Pass, Always, Truth), key(F::Output, Always, Hex)]],
    may_lack_closing: false,
    implied_stop: true,
    second_lines: false,
    names_ends: false,
    refund: RefundKind::After,
    gas_used: GasUsedKind::Transaction,
    cost: CostKind::Whole,
    pass: PassKind::Transaction,
};

impl Client {
    /// What it writes.
    pub const fn facts(self) -> &'static Facts {
        match self {
            Client::Eip3155 => &EIP3155,
            Client::Geth => &GETH,
            Client::Eels => &EELS,
            Client::Revm => &REVM,
            Client::Evmone => &EVMONE,
            Client::Besu => &BESU,
            Client::Nethermind => &NETHERMIND,
            Client::Nimbus => &NIMBUS,
            Client::Erigon => &ERIGON,
            Client::Struct => &STRUCT,
        }
    }
}
