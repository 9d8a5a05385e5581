use std::fmt;

/// Why a frame, or a message before it became one, failed and kept nothing of its effects (Yellow Paper, section 9.4.2).
///
/// The first group consumes all gas of the frame. The last three fail before a frame starts and hand all gas back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Halt {
    /// A charge was above the gas left, or an offset was beyond what any gas pays for.
    OutOfGas,
    /// Fewer items on the stack than the opcode takes.
    StackUnderflow,
    /// More than 1024 items on the stack.
    StackOverflow,
    /// A jump to a place that is no JUMPDEST, or one inside push data.
    InvalidJump,
    /// The designated invalid opcode 0xfe (EIP-141).
    InvalidOpcode,
    /// A byte that is no opcode in this fork.
    UndefinedOpcode,
    /// A byte behind DUPN, SWAPN or EXCHANGE that names no items (EIP-8024).
    InvalidImmediate,
    /// A change of state inside a static call (EIP-214).
    StaticViolation,
    /// A read beyond the end of the return data (EIP-211).
    ReturnDataOutOfBounds,
    /// A creation at an address that has code, a nonce or storage (EIP-684, EIP-7610).
    CreateCollision,
    /// Created code above the size limit (EIP-170).
    CodeTooLarge,
    /// Created code that starts with 0xef (EIP-3541).
    CodeStartsWithEf,
    /// Not enough gas to pay for the created code (EIP-2).
    DepositOutOfGas,
    /// Init code above the size limit (EIP-3860).
    InitcodeTooLarge,
    /// A precompiled contract refused its input.
    PrecompileFailure,
    /// The frame would be deeper than 1024.
    CallDepth,
    /// The caller's balance is below the value it sends.
    InsufficientBalance,
    /// The creator's nonce is 2^64 - 1 (EIP-2681).
    NonceOverflow,
}

impl Halt {
    /// Every halt.
    pub const ALL: [Halt; 18] = [
        Halt::OutOfGas,
        Halt::StackUnderflow,
        Halt::StackOverflow,
        Halt::InvalidJump,
        Halt::InvalidOpcode,
        Halt::UndefinedOpcode,
        Halt::InvalidImmediate,
        Halt::StaticViolation,
        Halt::ReturnDataOutOfBounds,
        Halt::CreateCollision,
        Halt::CodeTooLarge,
        Halt::CodeStartsWithEf,
        Halt::DepositOutOfGas,
        Halt::InitcodeTooLarge,
        Halt::PrecompileFailure,
        Halt::CallDepth,
        Halt::InsufficientBalance,
        Halt::NonceOverflow,
    ];

    /// The name as one word, as reports print it.
    pub const fn name(self) -> &'static str {
        match self {
            Halt::OutOfGas => "OutOfGas",
            Halt::StackUnderflow => "StackUnderflow",
            Halt::StackOverflow => "StackOverflow",
            Halt::InvalidJump => "InvalidJump",
            Halt::InvalidOpcode => "InvalidOpcode",
            Halt::UndefinedOpcode => "UndefinedOpcode",
            Halt::InvalidImmediate => "InvalidImmediate",
            Halt::StaticViolation => "StaticViolation",
            Halt::ReturnDataOutOfBounds => "ReturnDataOutOfBounds",
            Halt::CreateCollision => "CreateCollision",
            Halt::CodeTooLarge => "CodeTooLarge",
            Halt::CodeStartsWithEf => "CodeStartsWithEf",
            Halt::DepositOutOfGas => "DepositOutOfGas",
            Halt::InitcodeTooLarge => "InitcodeTooLarge",
            Halt::PrecompileFailure => "PrecompileFailure",
            Halt::CallDepth => "CallDepth",
            Halt::InsufficientBalance => "InsufficientBalance",
            Halt::NonceOverflow => "NonceOverflow",
        }
    }

    /// Whether the message failed before a frame began, and keeps its gas.
    pub const fn keeps_gas(self) -> bool {
        matches!(self, Halt::CallDepth | Halt::InsufficientBalance | Halt::NonceOverflow)
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
