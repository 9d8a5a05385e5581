use std::{fmt, str::FromStr};

use parallax_primitives::{Eip, Opcode, Rules};

/// Whose lines to write. No two clients write the same; see the crate's README for what each does its own way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// The EIP to the letter.
    #[default]
    Eip3155,
    /// go-ethereum's `evm statetest`.
    Geth,
    /// The executable specification's tools.
    Eels,
    /// revm's `revme statetest`.
    Revm,
    /// evmone's `evmone-statetest`.
    Evmone,
}

impl Dialect {
    /// Every dialect that is written.
    pub const ALL: [Dialect; 5] =
        [Dialect::Eip3155, Dialect::Geth, Dialect::Eels, Dialect::Revm, Dialect::Evmone];

    /// What users type.
    pub const fn name(self) -> &'static str {
        match self {
            Dialect::Eip3155 => "eip3155",
            Dialect::Geth => "geth",
            Dialect::Eels => "eels",
            Dialect::Revm => "revm",
            Dialect::Evmone => "evmone",
        }
    }

    /// The opcode's name, or the word for one that the rules do not define; `None` where the client leaves the field out.
    pub(crate) fn opcode_name(self, opcode: Opcode, rules: Rules) -> Option<&'static str> {
        let defined = rules.opcodes()[usize::from(opcode.0)].is_defined() && opcode != Opcode::INVALID;
        let names_all = matches!(self, Dialect::Geth | Dialect::Revm | Dialect::Evmone);
        let name = rules.info(opcode).map(|info| info.name);
        let Some(name) = name.filter(|_| defined || names_all) else {
            return match self {
                Dialect::Eels => Some("InvalidOpcode"),
                Dialect::Eip3155 => Some("INVALID"),
                // geth and evmone write the byte, revm nothing.
                Dialect::Geth | Dialect::Revm | Dialect::Evmone => None,
            };
        };
        Some(match (self, opcode) {
            (Dialect::Eels, Opcode::KECCAK256) => "KECCAK",
            (Dialect::Eels, Opcode::PREVRANDAO) if !rules.has(Eip::PrevRandao4399) => "DIFFICULTY",
            (Dialect::Geth | Dialect::Revm, Opcode::PREVRANDAO) => "DIFFICULTY",
            _ => name,
        })
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, UnknownDialect> {
        Dialect::ALL
            .into_iter()
            .find(|dialect| dialect.name() == text)
            .ok_or_else(|| UnknownDialect(text.into()))
    }
}

/// A name that no written dialect has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDialect(pub String);

impl fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown dialect {:?}, expected one of", self.0)?;
        for dialect in Dialect::ALL {
            write!(f, " {dialect}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownDialect {}
