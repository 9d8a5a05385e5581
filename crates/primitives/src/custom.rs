use std::{
    any::Any,
    fmt,
    hash::{Hash, Hasher},
};

use crate::{Address, Class, Opcode, OpcodeInfo, PrecompileId};

/// An opcode of an author's own. Here are its facts; what it does is in the type behind it, which engines know
/// (`CustomOpcode` of `parallax-host-interface`).
pub trait OpcodeDefinition: Any + Send + Sync {
    /// Its facts.
    fn info(&self) -> &OpcodeInfo;

    /// Whether it looks at its operands, the memory and the message alone. Then it can run in a block of the fast form.
    fn is_local(&self) -> bool;

    /// Whether its author has said that both engines run one function, so that nothing is compared about what it does.
    fn is_shared(&self) -> bool;

    /// Whether the two engines run two functions. One that neither does that nor says so is refused.
    fn has_two_functions(&self) -> bool;
}

/// A precompiled contract of an author's own. Here is where it is and what it is called; what it does is in the type behind it, which
/// machines know (`CustomContract` of `parallax-host-interface`).
pub trait ContractDefinition: Any + Send + Sync {
    /// Its address.
    fn address(&self) -> Address;

    /// Its name.
    fn name(&self) -> &'static str;

    /// As [`OpcodeDefinition::is_shared`].
    fn is_shared(&self) -> bool;

    /// As [`OpcodeDefinition::has_two_functions`].
    fn has_two_functions(&self) -> bool;
}

/// What a chain has otherwise around a transaction's own message, types of transactions of its own included. Here is what it is
/// called; what it does is in the type behind it, which machines know (`CustomTransactions` of `parallax-host-interface`).
pub trait TransactionDefinition: Any + Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// The first bytes of the envelopes of its own types (EIP-2718).
    fn types(&self) -> &'static [u8];

    /// As [`OpcodeDefinition::is_shared`].
    fn is_shared(&self) -> bool;

    /// Whether the two machines ask two types. Where they ask one and it is not said, it is refused.
    fn has_two_types(&self) -> bool;
}

/// What an author adds to the rules. Definitions are compared as what they are: places in the program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Customs {
    pub(crate) opcodes: Vec<Definition<dyn OpcodeDefinition>>,
    pub(crate) contracts: Vec<Definition<dyn ContractDefinition>>,
    pub(crate) transactions: Option<Definition<dyn TransactionDefinition>>,
}

impl Customs {
    pub(crate) const NONE: Self = Self { opcodes: Vec::new(), contracts: Vec::new(), transactions: None };

    pub(crate) fn opcode(&self, opcode: Opcode) -> Option<&'static dyn OpcodeDefinition> {
        self.opcodes.iter().map(|definition| definition.0).find(|own| own.info().opcode == opcode)
    }

    pub(crate) fn contract(&self, address: &Address) -> Option<&'static dyn ContractDefinition> {
        self.contracts.iter().map(|definition| definition.0).find(|own| own.address() == *address)
    }
}

/// Why rules cannot have what an author adds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// An opcode.
    #[error("opcode {name} at {byte:#04x}: {reason}")]
    Opcode {
        /// Its byte.
        byte: u8,
        /// Its name.
        name: String,
        /// Why not.
        reason: String,
    },
    /// A precompiled contract.
    #[error("contract {name} at {address}: {reason}")]
    Contract {
        /// Its address.
        address: Address,
        /// Its name.
        name: String,
        /// Why not.
        reason: String,
    },
    /// Rules for transactions.
    #[error("transaction rules {name}: {reason}")]
    Transactions {
        /// Their name.
        name: String,
        /// Why not.
        reason: String,
    },
}

/// The most operands of an author's own opcode.
const MOST_OPERANDS: usize = 16;
/// The most immediate bytes of one.
const MOST_IMMEDIATE: u8 = 32;
/// Two engines that run one function are no comparison.
const ONE_FUNCTION: &str =
    "both sides would run one function: give it a second one, or say that it is shared";
/// As for functions.
const ONE_TYPE: &str =
    "both machines would ask one implementation: give them a second one, or say that it is shared";
/// What Ethereum has none of (EIP-2718).
const OWN_TYPES: std::ops::RangeInclusive<u8> = 0x05..=0x7f;
/// Bytes of a name.
const LONGEST_NAME: usize = 32;

impl Customs {
    /// Whether they can be added to any fork.
    pub(crate) fn check(&self) -> Result<(), DefinitionError> {
        for (i, own) in self.opcodes.iter().enumerate() {
            let info = own.0.info();
            let others = || self.opcodes[..i].iter().map(|other| other.0.info());
            let reason = if let Some(taken) = info.opcode.info() {
                format!("the byte is {}'s", taken.name)
            } else if let Some(taken) = others().find(|other| other.opcode == info.opcode) {
                format!("the byte is {}'s", taken.name)
            } else if !is_name(info.name) {
                format!("a name is 1 to {LONGEST_NAME} of A-Z, 0-9 and _, and begins with a letter")
            } else if Opcode::from_name(info.name).is_some() || others().any(|other| other.name == info.name)
            {
                "another opcode has this name".into()
            } else if info.inputs.len() > MOST_OPERANDS || info.outputs.len() > 1 {
                format!("at most {MOST_OPERANDS} operands and one result are possible")
            } else if info.immediate > MOST_IMMEDIATE {
                format!("at most {MOST_IMMEDIATE} immediate bytes are possible")
            } else if !can_be_custom(info.class) {
                format!("its class is {:?}, which only Ethereum's own opcodes can be", info.class)
            } else if !own.0.is_shared() && !own.0.has_two_functions() {
                ONE_FUNCTION.into()
            } else {
                continue;
            };
            return Err(DefinitionError::Opcode { byte: info.opcode.0, name: info.name.into(), reason });
        }
        for (i, own) in self.contracts.iter().enumerate() {
            let (address, name) = (own.0.address(), own.0.name());
            let taken = PrecompileId::at(&address).map(PrecompileId::name);
            let other = || self.contracts[..i].iter().find(|other| other.0.address() == address);
            let reason = if let Some(taken) = taken.or_else(|| other().map(|other| other.0.name())) {
                format!("the address is {taken}'s")
            } else if !is_name(name) {
                format!("a name is 1 to {LONGEST_NAME} of A-Z, 0-9 and _, and begins with a letter")
            } else if !own.0.is_shared() && !own.0.has_two_functions() {
                ONE_FUNCTION.into()
            } else {
                continue;
            };
            return Err(DefinitionError::Contract { address, name: name.into(), reason });
        }
        let Some(Definition(own)) = &self.transactions else { return Ok(()) };
        let (name, types) = (own.name(), own.types());
        let taken = types.iter().find(|byte| !OWN_TYPES.contains(*byte));
        let twice = types.iter().enumerate().find(|(i, byte)| types[..*i].contains(byte));
        let reason = if let Some(byte) = taken {
            let (first, last) = (OWN_TYPES.start(), OWN_TYPES.end());
            format!("type {byte:#04x} cannot be a chain's own, which are {first:#04x} to {last:#04x}")
        } else if let Some((_, byte)) = twice {
            format!("type {byte:#04x} is named twice")
        } else if !is_name(name) {
            format!("a name is 1 to {LONGEST_NAME} of A-Z, 0-9 and _, and begins with a letter")
        } else if !own.is_shared() && !own.has_two_types() {
            ONE_TYPE.into()
        } else {
            return Ok(());
        };
        Err(DefinitionError::Transactions { name: name.into(), reason })
    }
}

/// Whether it is a mnemonic that the assembler reads as one word.
fn is_name(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= LONGEST_NAME
        && name.bytes().all(is_word)
        && name.starts_with(|first: char| first.is_ascii_uppercase())
}

/// Whether the engines' frames have what such an opcode does.
const fn can_be_custom(class: Class) -> bool {
    match class {
        Class::Arithmetic
        | Class::Compare
        | Class::Bitwise
        | Class::Hash
        | Class::Environment
        | Class::Memory
        | Class::Storage => true,
        Class::Push
        | Class::Pop
        | Class::Dup
        | Class::Swap
        | Class::Deep
        | Class::Flow
        | Class::Log
        | Class::Message
        | Class::Halt => false,
    }
}

pub(crate) struct Definition<T: ?Sized + 'static>(pub(crate) &'static T);

impl<T: ?Sized> Definition<T> {
    fn place(&self) -> *const () {
        std::ptr::from_ref(self.0).cast()
    }
}

impl<T: ?Sized> Clone for Definition<T> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<T: ?Sized> fmt::Debug for Definition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place().fmt(f)
    }
}

impl<T: ?Sized> PartialEq for Definition<T> {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl<T: ?Sized> Eq for Definition<T> {}

impl<T: ?Sized> Hash for Definition<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.place().hash(state);
    }
}
