//! The keys of trace lines, by the names that clients give them.

use std::{fmt, str::FromStr};

/// The keys, each once: what it is, and how it is written.
macro_rules! fields {
    ($($(#[$doc:meta])* $field:ident = $name:literal,)*) => {
        /// A key of a trace line.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Field {
            $($(#[$doc])* $field,)*
        }

        impl Field {
            /// Every key that is known.
            pub const ALL: [Field; [$($name),*].len()] = [$(Field::$field),*];

            /// The key as it stands on lines.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Field::$field => $name,)*
                }
            }

            /// What stands between the value before it and its own.
            pub(crate) const fn prefix(self) -> &'static [u8] {
                match self {
                    $(Field::$field => concat!(",\"", $name, "\":").as_bytes(),)*
                }
            }

            /// The field of a line's key.
            pub(crate) fn of_key(key: &str) -> Option<Self> {
                match key {
                    $($name => Some(Field::$field),)*
                    // Nethermind's of 2024.
                    "opname" => Some(Field::OpName),
                    _ => None,
                }
            }
        }
    };
}

fields! {
    /// Offset of the opcode in the code.
    Pc = "pc",
    /// The opcode.
    Op = "op",
    /// The opcode's name.
    OpName = "opName",
    /// Execution gas left before the opcode.
    Gas = "gas",
    /// What the opcode costs.
    GasCost = "gasCost",
    /// What is left in the reservoir (EIP-8037; revm).
    Reservoir = "reservoir",
    /// State gas (EIP-8037): the reservoir in EELS, what the frame has spent in revm.
    StateGas = "stateGas",
    /// State gas that the opcode was charged (EELS).
    StateGasCost = "stateGasCost",
    /// Bytes of memory.
    MemSize = "memSize",
    /// Memory.
    Memory = "memory",
    /// The stack, bottom first.
    Stack = "stack",
    /// Return data.
    ReturnData = "returnData",
    /// Depth of the frame, from 1.
    Depth = "depth",
    /// The refund counter.
    Refund = "refund",
    /// Storage.
    Storage = "storage",
    /// Why it failed.
    Error = "error",
    /// Root of the state behind the transaction.
    StateRoot = "stateRoot",
    /// Output of a frame, or of the transaction.
    Output = "output",
    /// Gas of a frame, or of the transaction.
    GasUsed = "gasUsed",
    /// Whether the transaction, or the test, passed.
    Pass = "pass",
    /// Hash of the logs (revm).
    LogsRoot = "logsRoot",
    /// Hash of the logs (Besu, revm).
    PostLogsHash = "postLogsHash",
    /// Name of the fork.
    Fork = "fork",
    /// Name of the test.
    Test = "test",
    /// Index of the data of a state test.
    D = "d",
    /// Index of the gas limit of a state test.
    G = "g",
    /// Index of the value of a state test.
    V = "v",
    /// Why the test failed (revm).
    ErrorMsg = "errorMsg",
    /// How the transaction ended (revm).
    EvmResult = "evmResult",
    /// Why the transaction was refused (Besu).
    ValidationError = "validationError",
    /// Wall time.
    Time = "time",
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

/// Stands for the keys that nobody is known to write.
const OTHERS: u32 = 1 << 31;

impl Fields {
    /// Every field, and the keys that nobody is known to write.
    pub const ALL: Fields = Fields(OTHERS | (OTHERS - 1));
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

    /// Whether the keys that nobody is known to write are in it.
    pub const fn has_others(self) -> bool {
        self.0 & OTHERS != 0
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
