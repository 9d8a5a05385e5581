//! The kinds of halts that clients' words mean.

use std::fmt;

/// Whether and how an opcode failed, as far as clients agree on kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HaltKind {
    /// It did not.
    None,
    /// REVERT did its work.
    Revert,
    /// Out of gas, the kinds of memory and offset overflow included.
    OutOfGas,
    /// Too few items, or too many: some clients tell one as the other.
    Stack,
    /// A bad jump.
    InvalidJump,
    /// A byte that is no opcode, or 0xfe, or an opcode with a byte behind it that is no immediate (EIP-8024): most clients tell one as the
    /// other.
    InvalidOpcode,
    /// A change of state in a static call.
    StaticViolation,
    /// A read beyond the return data.
    OutOfBounds,
    /// It failed, in words nobody else uses.
    Other,
}

impl HaltKind {
    /// The kind that a client's words mean.
    pub(crate) fn of(text: &str) -> Self {
        let plain: String =
            text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let has = |words: &[&str]| words.iter().any(|word| plain.contains(word));
        match plain.as_str() {
            // revm's on normal ends, and on an opcode that has begun a frame.
            "stop" | "return" | "selfdestruct" | "callorcreate" => HaltKind::None,
            _ if has(&[
                "stackunderflow",
                "stackoverflow",
                "stacklimit",
                "stackinsufficient",
                "stackfull",
            ]) =>
            {
                HaltKind::Stack
            }
            // geth's `out of gas: write protection`.
            _ if has(&["writeprotection"]) => HaltKind::StaticViolation,
            _ if has(&[
                "oog",
                "outofgas",
                "gasuint64overflow",
                "notenoughgas",
                "maxinitcodesize",
                "initcodesizelimit",
            ]) =>
            {
                HaltKind::OutOfGas
            }
            _ if has(&["jump"]) => HaltKind::InvalidJump,
            _ if has(&[
                "opcodenotfound",
                "invalidopcode",
                "notactivated",
                "invalidfeopcode",
                "badinstruction",
                "undefined",
                "invalidimmediate",
                "invalidparameter",
            ]) =>
            {
                HaltKind::InvalidOpcode
            }
            _ if has(&["static", "illegalstatechange", "notallowedinside"]) => HaltKind::StaticViolation,
            _ if has(&[
                "outofbounds",
                "outofoffset",
                "accessviolation",
                "returndata",
                "invalidmemoryaccess",
            ]) =>
            {
                HaltKind::OutOfBounds
            }
            _ if has(&["revert"]) => HaltKind::Revert,
            _ => HaltKind::Other,
        }
    }
}

impl fmt::Display for HaltKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            HaltKind::None => "none",
            HaltKind::Revert => "reverted",
            HaltKind::OutOfGas => "out of gas",
            HaltKind::Stack => "stack underflow or overflow",
            HaltKind::InvalidJump => "invalid jump",
            HaltKind::InvalidOpcode => "invalid opcode",
            HaltKind::StaticViolation => "write in a static call",
            HaltKind::OutOfBounds => "read out of bounds",
            HaltKind::Other => "failed",
        })
    }
}
