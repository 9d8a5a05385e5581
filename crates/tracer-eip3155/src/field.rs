//! The keys of trace lines, by the names that clients give them.

use std::{fmt, str::FromStr};

/// A key of a trace line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Field {
    /// Offset of the opcode in the code.
    Pc,
    /// The opcode.
    Op,
    /// The opcode's name.
    OpName,
    /// Execution gas left before the opcode.
    Gas,
    /// What the opcode costs.
    GasCost,
    /// What is left in the reservoir (EIP-8037; revm).
    Reservoir,
    /// State gas (EIP-8037): the reservoir in EELS, what the frame has spent in revm.
    StateGas,
    /// State gas that the opcode was charged (EELS).
    StateGasCost,
    /// Bytes of memory.
    MemSize,
    /// Memory.
    Memory,
    /// The stack, bottom first.
    Stack,
    /// Return data.
    ReturnData,
    /// Depth of the frame, from 1.
    Depth,
    /// The refund counter.
    Refund,
    /// Storage.
    Storage,
    /// Why it failed.
    Error,
    /// Root of the state behind the transaction.
    StateRoot,
    /// Output of a frame, or of the transaction.
    Output,
    /// Gas of a frame, or of the transaction.
    GasUsed,
    /// Whether the transaction, or the test, passed.
    Pass,
    /// Hash of the logs (revm).
    LogsRoot,
    /// Hash of the logs (Besu, revm).
    PostLogsHash,
    /// Name of the fork.
    Fork,
    /// Name of the test.
    Test,
    /// Index of the data of a state test.
    D,
    /// Index of the gas limit of a state test.
    G,
    /// Index of the value of a state test.
    V,
    /// Why the test failed (revm).
    ErrorMsg,
    /// How the transaction ended (revm).
    EvmResult,
    /// Why the transaction was refused (Besu).
    ValidationError,
    /// Wall time.
    Time,
}

impl Field {
    /// Every key that is known.
    pub const ALL: [Field; 31] = [
        Field::Pc,
        Field::Op,
        Field::OpName,
        Field::Gas,
        Field::GasCost,
        Field::Reservoir,
        Field::StateGas,
        Field::StateGasCost,
        Field::MemSize,
        Field::Memory,
        Field::Stack,
        Field::ReturnData,
        Field::Depth,
        Field::Refund,
        Field::Storage,
        Field::Error,
        Field::StateRoot,
        Field::Output,
        Field::GasUsed,
        Field::Pass,
        Field::LogsRoot,
        Field::PostLogsHash,
        Field::Fork,
        Field::Test,
        Field::D,
        Field::G,
        Field::V,
        Field::ErrorMsg,
        Field::EvmResult,
        Field::ValidationError,
        Field::Time,
    ];

    /// The key as it stands on lines.
    pub const fn name(self) -> &'static str {
        match self {
            Field::Pc => "pc",
            Field::Op => "op",
            Field::OpName => "opName",
            Field::Gas => "gas",
            Field::GasCost => "gasCost",
            Field::Reservoir => "reservoir",
            Field::StateGas => "stateGas",
            Field::StateGasCost => "stateGasCost",
            Field::MemSize => "memSize",
            Field::Memory => "memory",
            Field::Stack => "stack",
            Field::ReturnData => "returnData",
            Field::Depth => "depth",
            Field::Refund => "refund",
            Field::Storage => "storage",
            Field::Error => "error",
            Field::StateRoot => "stateRoot",
            Field::Output => "output",
            Field::GasUsed => "gasUsed",
            Field::Pass => "pass",
            Field::LogsRoot => "logsRoot",
            Field::PostLogsHash => "postLogsHash",
            Field::Fork => "fork",
            Field::Test => "test",
            Field::D => "d",
            Field::G => "g",
            Field::V => "v",
            Field::ErrorMsg => "errorMsg",
            Field::EvmResult => "evmResult",
            Field::ValidationError => "validationError",
            Field::Time => "time",
        }
    }

    /// The field of a line's key.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        // Nethermind's of 2024.
        let key = if key == "opname" { "opName" } else { key };
        Field::ALL.into_iter().find(|field| field.name() == key)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Field {
    type Err = UnknownField;

    fn from_str(text: &str) -> Result<Self, UnknownField> {
        Field::of_key(text).ok_or_else(|| UnknownField(text.into()))
    }
}

/// A name that no field has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField(pub String);

impl fmt::Display for UnknownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown field {:?}, expected one of", self.0)?;
        Field::ALL.iter().try_for_each(|field| write!(f, " {field}"))
    }
}

impl std::error::Error for UnknownField {}

/// A set of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields(u32);

impl Fields {
    /// Every field.
    pub const ALL: Fields = Fields(u32::MAX >> 1);
    /// None.
    pub const NONE: Fields = Fields(0);

    /// These.
    pub const fn of(fields: &[Field]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < fields.len() {
            set |= 1 << fields[at] as u8;
            at += 1;
        }
        Fields(set)
    }

    /// Whether the field is in it.
    pub const fn has(self, field: Field) -> bool {
        self.0 & 1 << field as u8 != 0
    }

    /// Puts a field in.
    pub fn add(&mut self, field: Field) {
        self.0 |= 1 << field as u8;
    }

    /// What is in either.
    #[must_use]
    pub const fn or(self, other: Fields) -> Self {
        Fields(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Fields) -> Self {
        Fields(self.0 & other.0)
    }

    /// What is in this one and not in the other.
    #[must_use]
    pub const fn without(self, other: Fields) -> Self {
        Fields(self.0 & !other.0)
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in it, in the order of [`Field::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.into_iter().filter(move |field| self.has(*field))
    }
}
