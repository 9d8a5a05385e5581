//! C's enums. They are numbers here: what comes from the other side of the ABI may be one that nobody has named, and no Rust enum may
//! ever hold that.

use std::ffi::{c_int, c_uint};

macro_rules! numbers {
    ($(#[$doc:meta])* $type:ident: $repr:ty { $($(#[$of_one:meta])* $name:ident = $value:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $type(pub $repr);

        impl $type {
            $($(#[$of_one])* pub const $name: Self = Self($value);)*
        }
    };
}

numbers! {
    /// What sent a message.
    CallKind: c_int {
        /// CALL; STATICCALL as well, which has [`Flags::STATIC`].
        CALL = 0,
        /// DELEGATECALL.
        DELEGATECALL = 1,
        /// CALLCODE.
        CALLCODE = 2,
        /// CREATE.
        CREATE = 3,
        /// CREATE2.
        CREATE2 = 4,
    }
}

numbers! {
    /// Bits of a message.
    Flags: u32 {
        /// No bit.
        NONE = 0,
        /// The frame may not change state (EIP-214).
        STATIC = 1,
        /// The code is not the target's own but of the account that it delegates to (EIP-7702).
        DELEGATED = 2,
    }
}

impl Flags {
    /// Whether all bits of `flag` are set.
    pub const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 == flag.0
    }

    /// With the bits of `flag`.
    #[must_use]
    pub const fn with(self, flag: Self) -> Self {
        Self(self.0 | flag.0)
    }
}

numbers! {
    /// How a message ended. Above zero are the protocol's failures; below are those of the library or the host, which no contract may
    /// see.
    StatusCode: c_int {
        /// It succeeded.
        SUCCESS = 0,
        /// It failed, and it is not said why.
        FAILURE = 1,
        /// REVERT.
        REVERT = 2,
        /// A charge was above the gas left.
        OUT_OF_GAS = 3,
        /// The designated invalid opcode 0xfe (EIP-141).
        INVALID_INSTRUCTION = 4,
        /// A byte that is no opcode.
        UNDEFINED_INSTRUCTION = 5,
        /// More than 1024 items on the stack.
        STACK_OVERFLOW = 6,
        /// Fewer items on the stack than the opcode takes.
        STACK_UNDERFLOW = 7,
        /// A jump to a place that is none.
        BAD_JUMP_DESTINATION = 8,
        /// A read beyond a buffer, as RETURNDATACOPY can do.
        INVALID_MEMORY_ACCESS = 9,
        /// The frame would be deeper than 1024.
        CALL_DEPTH_EXCEEDED = 10,
        /// A change of state inside a static call.
        STATIC_MODE_VIOLATION = 11,
        /// A precompiled contract refused its input.
        PRECOMPILE_FAILURE = 12,
        /// The code is not valid.
        CONTRACT_VALIDATION_FAILURE = 13,
        /// An argument is outside of what is accepted.
        ARGUMENT_OUT_OF_RANGE = 14,
        /// Of WebAssembly.
        WASM_UNREACHABLE_INSTRUCTION = 15,
        /// Of WebAssembly.
        WASM_TRAP = 16,
        /// The caller's balance is below the value it sends.
        INSUFFICIENT_BALANCE = 17,
        /// The library failed.
        INTERNAL_ERROR = -1,
        /// The library does not run such code, such a message, such a revision.
        REJECTED = -2,
        /// The library got no memory.
        OUT_OF_MEMORY = -3,
    }
}

numbers! {
    /// What a write did to a slot, by its value at the start of the transaction, before the write and after it. X, Y and Z are other
    /// than zero, and other than each other.
    StorageStatus: c_int {
        /// Whatever no other one says: nothing changed, or a slot that was changed before was changed again.
        ASSIGNED = 0,
        /// 0, 0, Z.
        ADDED = 1,
        /// X, X, 0.
        DELETED = 2,
        /// X, X, Z.
        MODIFIED = 3,
        /// X, 0, Z.
        DELETED_ADDED = 4,
        /// X, Y, 0.
        MODIFIED_DELETED = 5,
        /// X, 0, X.
        DELETED_RESTORED = 6,
        /// 0, Y, 0.
        ADDED_DELETED = 7,
        /// X, Y, X.
        MODIFIED_RESTORED = 8,
    }
}

numbers! {
    /// Whether an account or a slot was warm before it was asked for (EIP-2929).
    AccessStatus: c_int {
        /// It was not.
        COLD = 0,
        /// It was.
        WARM = 1,
    }
}

numbers! {
    /// The rules, as a fork of mainnet.
    Revision: c_int {
        /// Frontier.
        FRONTIER = 0,
        /// Homestead.
        HOMESTEAD = 1,
        /// Tangerine Whistle.
        TANGERINE_WHISTLE = 2,
        /// Spurious Dragon.
        SPURIOUS_DRAGON = 3,
        /// Byzantium.
        BYZANTIUM = 4,
        /// Constantinople.
        CONSTANTINOPLE = 5,
        /// Petersburg.
        PETERSBURG = 6,
        /// Istanbul.
        ISTANBUL = 7,
        /// Berlin.
        BERLIN = 8,
        /// London.
        LONDON = 9,
        /// Paris.
        PARIS = 10,
        /// Shanghai.
        SHANGHAI = 11,
        /// Cancun.
        CANCUN = 12,
        /// Prague.
        PRAGUE = 13,
        /// Osaka.
        OSAKA = 14,
        /// No fork: what a library tries out.
        EXPERIMENTAL = 15,
    }
}

numbers! {
    /// Bits of what a library can do.
    Capabilities: c_uint {
        /// It runs EVM byte code.
        EVM1 = 1,
        /// It runs WebAssembly.
        EWASM = 1 << 1,
        /// It runs precompiled contracts.
        PRECOMPILES = 1 << 2,
    }
}

impl Capabilities {
    /// Whether all bits of `capability` are set.
    pub const fn has(self, capability: Self) -> bool {
        self.0 & capability.0 == capability.0
    }
}

numbers! {
    /// What became of an option.
    SetOption: c_int {
        /// It is set.
        SUCCESS = 0,
        /// There is no option of that name.
        INVALID_NAME = 1,
        /// It does not take that value.
        INVALID_VALUE = 2,
    }
}
