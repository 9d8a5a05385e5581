//! Which client wrote a trace, and how its words are to be taken (the table of the crate's README, read the other way).

use std::{fmt, str::FromStr};

use parallax_hooks::{StepEnd, StepView};
use parallax_primitives::{Halt, Opcode};

use crate::{
    Dialect, Field, HaltKind,
    facts::{CostKind, Presence},
    halt::{geth_halt, geth_refuses_write},
};

/// Whose trace it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// The EIP to the letter: Parallax's own default.
    Eip3155,
    /// go-ethereum.
    Geth,
    /// The executable specification.
    Eels,
    /// revm.
    Revm,
    /// evmone.
    Evmone,
    /// Besu.
    Besu,
    /// Nethermind.
    Nethermind,
    /// Nimbus.
    Nimbus,
    /// Erigon.
    Erigon,
    /// Nobody's lines: struct logs, as nodes answer `debug_traceTransaction`.
    Struct,
}

impl Client {
    /// Every client that is read.
    pub const ALL: [Client; 10] = [
        Client::Eip3155,
        Client::Geth,
        Client::Eels,
        Client::Revm,
        Client::Evmone,
        Client::Besu,
        Client::Nethermind,
        Client::Nimbus,
        Client::Erigon,
        Client::Struct,
    ];

    /// What users type.
    pub const fn name(self) -> &'static str {
        match self {
            Client::Eip3155 => "eip3155",
            Client::Geth => "geth",
            Client::Eels => "eels",
            Client::Revm => "revm",
            Client::Evmone => "evmone",
            Client::Besu => "besu",
            Client::Nethermind => "nethermind",
            Client::Nimbus => "nimbus",
            Client::Erigon => "erigon",
            Client::Struct => "struct",
        }
    }

    /// Nimbus writes a call's refund after the call's frame has begun.
    pub(crate) const fn refund_of_calls_is_known(self) -> bool {
        !matches!(self, Client::Nimbus)
    }

    /// Whether the cost on this line is the opcode's whole cost, in the terms of [`crate::Step::gas_cost`].
    pub(crate) fn knows_gas_cost(self, opcode: Opcode, failed: bool) -> bool {
        match self.facts().cost {
            _ if failed => false,
            CostKind::Static => opcode.info().is_some_and(|info| !info.has_dynamic_gas()),
            CostKind::WithCreation => !matches!(opcode, Opcode::CREATE | Opcode::CREATE2),
            CostKind::Whole => true,
        }
    }

    /// Erigon writes the memory field, always empty.
    pub(crate) const fn knows_memory(self) -> bool {
        !matches!(self, Client::Erigon)
    }

    /// revm writes "0x" whatever the return data is.
    pub(crate) const fn knows_return_data(self) -> bool {
        !matches!(self, Client::Revm)
    }

    /// Whether an absent `error` says that nothing failed.
    pub(crate) fn says_errors(self) -> bool {
        self.facts().step_key(Field::Error).is_some_and(|key| key.presence == Presence::OnFailure)
    }

    /// Whether an opcode has two reasons to fail, and the client names the other one: either is right. `gas` is what was left before it.
    pub fn may_find_another_reason(self, step: &StepView<'_>, end: &StepEnd<'_>, gas: u64) -> bool {
        let is_geth = matches!(self, Client::Geth | Client::Erigon | Client::Struct);
        let charges_first = is_geth || self == Client::Eels;
        match end.halt {
            Some(Halt::StaticViolation) if charges_first && end.gas_cost > gas => true,
            Some(Halt::OutOfGas) if is_geth && geth_refuses_write(step) => true,
            Some(halt) => is_geth && geth_halt(halt, step) != halt,
            None => false,
        }
    }

    pub(crate) fn halt(self, opcode: Opcode, error: Option<&str>) -> Option<HaltKind> {
        let Some(text) = error else {
            let reverts = opcode == Opcode::REVERT;
            return match (reverts, self.says_errors()) {
                (true, _) => None,
                (false, true) => Some(HaltKind::None),
                (false, false) => None,
            };
        };
        Some(HaltKind::of(text))
    }
}

impl Dialect {
    /// Who writes so.
    pub const fn client(self) -> Client {
        match self {
            Dialect::Eip3155 => Client::Eip3155,
            Dialect::Geth => Client::Geth,
            Dialect::Eels => Client::Eels,
            Dialect::Revm => Client::Revm,
            Dialect::Evmone => Client::Evmone,
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Client {
    type Err = UnknownClient;

    fn from_str(text: &str) -> Result<Self, UnknownClient> {
        Client::ALL.into_iter().find(|client| client.name() == text).ok_or_else(|| UnknownClient(text.into()))
    }
}

/// A name that no client has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownClient(pub String);

impl fmt::Display for UnknownClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown client {:?}, expected one of", self.0)?;
        for client in Client::ALL {
            write!(f, " {client}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownClient {}
