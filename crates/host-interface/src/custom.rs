use std::any::Any;

use parallax_primitives::{
    Address, ContractDefinition, FrameOutcome, Halt, Message, Opcode, OpcodeDefinition, OpcodeInfo, Rules,
    U256,
};

use crate::{CustomTransactions, Host, HostError};

/// What an opcode of an author's own may do with its frame, whichever engine's it is.
///
/// Its operands are taken and its static gas is charged already. One that fails leaves stack and memory as it found them, whatever
/// it did to them.
pub trait OpcodeFrame {
    /// An operand; 0 is the topmost. Zero for one that the opcode does not have.
    fn operand(&self, index: usize) -> U256;

    /// Says what the opcode puts onto the stack, if it has a result; zero if this is not said.
    fn set_result(&mut self, value: U256);

    /// Charges gas on top of what has been charged.
    ///
    /// # Errors
    ///
    /// [`Halt::OutOfGas`]; [`Halt::StaticViolation`] where the opcode writes state and the frame is static.
    fn charge(&mut self, gas: u64) -> Result<(), Halt>;

    /// A region of the memory, which grows to it and charges for that. An empty one may be anywhere.
    ///
    /// # Errors
    ///
    /// [`Halt::OutOfGas`], or the world where the machine has no memory left.
    fn memory(&mut self, offset: U256, length: U256) -> Result<&[u8], OpcodeFault>;

    /// As [`OpcodeFrame::memory`], to write to.
    ///
    /// # Errors
    ///
    /// As of [`OpcodeFrame::memory`].
    fn memory_mut(&mut self, offset: U256, length: U256) -> Result<&mut [u8], OpcodeFault>;

    /// What started the frame.
    fn message(&self) -> &Message;

    /// The code that runs.
    fn code(&self) -> &[u8];

    /// The return data of the last message (EIP-211).
    fn return_data(&self) -> &[u8];

    /// The rules that it runs under.
    fn rules(&self) -> Rules;

    /// The bytes behind the opcode that belong to it; zeros where the code has ended.
    fn immediate(&self) -> &[u8];
}

/// What an opcode may do that asks the world besides.
pub trait WorldFrame: OpcodeFrame {
    /// The world. What is done to it is undone with the frame if the opcode fails.
    fn host(&mut self) -> &mut dyn Host;

    /// Gas left, behind all that was charged.
    fn gas(&self) -> u64;

    /// Where the opcode stands in the code.
    fn pc(&self) -> usize;
}

/// Why an opcode failed.
#[derive(Clone, Debug)]
pub enum OpcodeFault {
    /// By the rules: the frame is over.
    Halt(Halt),
    /// The world failed: the run is over.
    Host(HostError),
}

impl From<Halt> for OpcodeFault {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl From<HostError> for OpcodeFault {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

/// What a local opcode does.
pub type LocalFunction = fn(&mut dyn OpcodeFrame) -> Result<(), OpcodeFault>;
/// What an opcode does that asks the world.
pub type WorldFunction = fn(&mut dyn WorldFrame) -> Result<(), OpcodeFault>;

/// An opcode of an author's own: its facts, and what it does, twice. The fast engine runs one function, the plain engine the other.
///
/// Two functions are what makes a comparison of it worth something: see the README's example. Where there is but one
/// ([`CustomOpcode::shared`]), reports say that the opcode is not cross-checked.
///
/// It sends no message and does not jump. The search for jump destinations passes over its immediate bytes as if they were opcodes,
/// as over those of EIP-8024.
#[derive(Clone, Copy, Debug)]
pub struct CustomOpcode {
    info: OpcodeInfo,
    functions: Functions,
    is_shared: bool,
}

#[derive(Clone, Copy, Debug)]
enum Functions {
    Local([LocalFunction; 2]),
    World([WorldFunction; 2]),
}

/// What an engine is to run for an opcode.
#[derive(Clone, Copy, Debug)]
pub enum OpcodeFunction {
    /// Of its operands, the memory and the message alone.
    Local(LocalFunction),
    /// With the world.
    World(WorldFunction),
}

impl CustomOpcode {
    /// An opcode that looks at its operands, the memory and the message alone: it runs in blocks of the fast form too.
    pub const fn local(info: OpcodeInfo, fast: LocalFunction, plain: LocalFunction) -> Self {
        Self { info, functions: Functions::Local([fast, plain]), is_shared: false }
    }

    /// An opcode that asks the world.
    pub const fn world(info: OpcodeInfo, fast: WorldFunction, plain: WorldFunction) -> Self {
        Self { info, functions: Functions::World([fast, plain]), is_shared: false }
    }

    /// The same opcode, of which it is known that its functions are one: reports say so.
    #[must_use]
    pub const fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    /// What the fast engine is to run at an opcode, if the rules have it as this type.
    pub fn fast(rules: Rules, opcode: Opcode) -> Option<OpcodeFunction> {
        Some(Self::of(rules, opcode)?.function(0))
    }

    /// What the plain engine is to run.
    pub fn plain(rules: Rules, opcode: Opcode) -> Option<OpcodeFunction> {
        Some(Self::of(rules, opcode)?.function(1))
    }

    fn of(rules: Rules, opcode: Opcode) -> Option<&'static Self> {
        let definition: &'static dyn Any = rules.custom_opcode(opcode)?;
        definition.downcast_ref()
    }

    fn function(&self, side: usize) -> OpcodeFunction {
        match self.functions {
            Functions::Local(both) => OpcodeFunction::Local(both[side]),
            Functions::World(both) => OpcodeFunction::World(both[side]),
        }
    }
}

impl OpcodeDefinition for CustomOpcode {
    fn info(&self) -> &OpcodeInfo {
        &self.info
    }

    fn is_local(&self) -> bool {
        matches!(self.functions, Functions::Local(_))
    }

    fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn has_two_functions(&self) -> bool {
        match self.functions {
            Functions::Local([fast, plain]) => !std::ptr::fn_addr_eq(fast, plain),
            Functions::World([fast, plain]) => !std::ptr::fn_addr_eq(fast, plain),
        }
    }
}

/// A call of a precompiled contract of an author's own.
pub struct ContractCall<'a> {
    /// The call: caller, value, input, gas, whether it is static. Its value has been moved.
    pub message: &'a Message,
    /// The rules that it runs under.
    pub rules: Rules,
    /// The world. What is done to it is undone if the call fails. In a static call nothing may be: the contract looks after that.
    pub host: &'a mut dyn Host,
}

/// What a contract does: its status, output, and the gas that it left of [`Message::gas`]. A machine lets no more gas be left than was
/// there, and none where the status is a halt.
pub type ContractFunction = fn(&mut ContractCall<'_>) -> Result<FrameOutcome, HostError>;

/// A precompiled contract of an author's own: where it is, and what it does, twice, as of [`CustomOpcode`].
#[derive(Clone, Copy, Debug)]
pub struct CustomContract {
    address: Address,
    name: &'static str,
    functions: [ContractFunction; 2],
    is_shared: bool,
}

impl CustomContract {
    /// A contract at an address. The first machine runs `fast`, the plain one `plain`.
    pub const fn new(
        address: Address,
        name: &'static str,
        fast: ContractFunction,
        plain: ContractFunction,
    ) -> Self {
        Self { address, name, functions: [fast, plain], is_shared: false }
    }

    /// The same contract, of which it is known that its functions are one: reports say so.
    #[must_use]
    pub const fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    /// What the first machine is to run at an address, if the rules have a contract of this type there.
    pub fn fast(rules: Rules, address: &Address) -> Option<ContractFunction> {
        Some(Self::of(rules, address)?.functions[0])
    }

    /// What the plain machine is to run.
    pub fn plain(rules: Rules, address: &Address) -> Option<ContractFunction> {
        Some(Self::of(rules, address)?.functions[1])
    }

    fn of(rules: Rules, address: &Address) -> Option<&'static Self> {
        let definition: &'static dyn Any = rules.custom_contract(address)?;
        definition.downcast_ref()
    }
}

impl ContractDefinition for CustomContract {
    fn address(&self) -> Address {
        self.address
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn has_two_functions(&self) -> bool {
        let [fast, plain] = self.functions;
        !std::ptr::fn_addr_eq(fast, plain)
    }
}

/// The first thing that rules have of an author's own and that is of no type of this crate: an engine that runs [`CustomOpcode`]s,
/// [`CustomContract`]s and [`CustomTransactions`] does not know what it does.
pub fn unknown_definition(rules: Rules) -> Option<String> {
    let opcode = rules.custom_opcodes().find(|own| !(*own as &dyn Any).is::<CustomOpcode>());
    if let Some(own) = opcode {
        return Some(format!("opcode {} is of a type that it does not know", own.info().name));
    }
    let contract = rules.custom_contracts().find(|own| !(*own as &dyn Any).is::<CustomContract>());
    if let Some(own) = contract {
        return Some(format!("contract {} is of a type that it does not know", own.name()));
    }
    let transactions =
        rules.custom_transactions().filter(|own| !(*own as &dyn Any).is::<CustomTransactions>());
    transactions.map(|own| format!("transaction rules {} are of a type that it does not know", own.name()))
}
