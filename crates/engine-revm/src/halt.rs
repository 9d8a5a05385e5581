//! revm's instruction results as Parallax's halts, and where the two may name the same failure differently.

use parallax_engine_interface::{CostTolerance, HaltPair, Tolerances};
use parallax_host_interface::HostError;
use parallax_primitives::{FrameStatus, Halt};
use revm::interpreter::InstructionResult;

/// Where the order of revm's checks is not the specification's: the halt by the specification, the halt that revm may
/// report instead, and why. Gas, state and output are the same: every one of these halts consumes the frame.
const REVM_HALTS: &[HaltPair] = &[
    (
        Halt::StackUnderflow,
        Halt::OutOfGas,
        "revm charges an opcode's static gas before it looks at the stack",
    ),
    (Halt::StackOverflow, Halt::OutOfGas, "revm charges an opcode's static gas before it looks at the stack"),
    (
        Halt::StaticViolation,
        Halt::OutOfGas,
        "revm charges an opcode's static gas before the static-call check",
    ),
    (Halt::UndefinedOpcode, Halt::OutOfGas, "revm charges the static gas of opcodes of later forks"),
    (
        Halt::UndefinedOpcode,
        Halt::StaticViolation,
        "revm makes CREATE2's static-call check before it looks whether the fork has it",
    ),
    (Halt::StackUnderflow, Halt::StackOverflow, "revm's DUP and DUPN call both an overflow"),
    (
        Halt::InvalidImmediate,
        Halt::UndefinedOpcode,
        "revm tells a transaction that ended at an invalid immediate as one that ended at no opcode",
    ),
    (Halt::StackUnderflow, Halt::StaticViolation, "revm makes the static-call check before it pops"),
    (
        Halt::StackUnderflow,
        Halt::InitcodeTooLarge,
        "revm pops CREATE2's salt after it looked at the size of the init code",
    ),
    (Halt::OutOfGas, Halt::InitcodeTooLarge, "revm looks at the size of init code before it charges for it"),
    (
        Halt::OutOfGas,
        Halt::ReturnDataOutOfBounds,
        "revm looks at the bounds of the return data before it charges for the copy",
    ),
    (
        Halt::DepositOutOfGas,
        Halt::CodeTooLarge,
        "revm looks at the size of new code before it charges for it",
    ),
    (Halt::CodeStartsWithEf, Halt::CodeTooLarge, "revm looks at the size of new code before its first byte"),
    (
        Halt::PrecompileFailure,
        Halt::OutOfGas,
        "revm looks at a precompiled contract's price before the length of its input",
    ),
    (
        Halt::OutOfGas,
        Halt::PrecompileFailure,
        "revm's MODEXP refuses lengths of 64 bits before it looks at their price",
    ),
];

/// Where revm does not know what a failing opcode would have cost. Of an opcode that fails in any other way it does.
const REVM_COSTS: &[CostTolerance] = &[
    CostTolerance {
        name: "cost of out of gas",
        halt: Halt::OutOfGas,
        reason: "revm stops at the first part of an opcode's cost that cannot be paid, and spends all gas",
    },
    CostTolerance {
        name: "cost of a static violation",
        halt: Halt::StaticViolation,
        reason: "revm refuses a change of state in a static call before it knows what the change would cost",
    },
    CostTolerance {
        name: "cost of a read beyond the return data",
        halt: Halt::ReturnDataOutOfBounds,
        reason: "revm looks at the bounds of the return data before it charges for the copy",
    },
    CostTolerance {
        name: "cost of init code too large",
        halt: Halt::InitcodeTooLarge,
        reason: "revm looks at the size of init code before it charges for it",
    },
];

/// Where a revm is not the specification by its design.
pub(crate) const REVM_TOLERANCES: Tolerances = Tolerances {
    halts: REVM_HALTS,
    rejections: Some("the engines check in different orders"),
    costs: REVM_COSTS,
    messages: &[],
};

/// What a finished frame came to. `keeps_output`: whether revm left an output in its result; `has_address`: whether it is
/// no creation, or one that got as far as having an address.
///
/// | revm | Parallax |
/// |---|---|
/// | `Stop`, `Return`, `SelfDestruct` | success |
/// | `Return` of a creation without an address | `NonceOverflow` |
/// | `Revert` | revert |
/// | `OutOfGas` with an output (the code to deploy) | `DepositOutOfGas` |
/// | `OutOfGas`, `MemoryOOG`, `MemoryLimitOOG`, `PrecompileOOG`, `InvalidOperandOOG`, `ReentrancySentryOOG` | `OutOfGas` |
/// | `OpcodeNotFound`, `NotActivated` | `UndefinedOpcode` |
/// | `InvalidFEOpcode` | `InvalidOpcode` |
/// | `InvalidImmediateEncoding` | `InvalidImmediate` |
/// | `CallNotAllowedInsideStatic`, `StateChangeDuringStaticCall` | `StaticViolation` |
/// | `OutOfOffset` | `ReturnDataOutOfBounds` |
/// | `PrecompileError` | `PrecompileFailure` |
/// | `CreateContractSizeLimit` | `CodeTooLarge` |
/// | `CreateContractStartingWithEF` | `CodeStartsWithEf` |
/// | `CreateInitCodeSizeLimit` | `InitcodeTooLarge` |
/// | `CallTooDeep` | `CallDepth` |
/// | `OutOfFunds` | `InsufficientBalance` |
/// | `InvalidJump`, `StackUnderflow`, `StackOverflow`, `CreateCollision`, `NonceOverflow` | the same |
///
/// # Errors
///
/// What is left is not of mainnet (EOF), or is revm's own failure.
pub(crate) fn frame_status(
    result: InstructionResult,
    keeps_output: bool,
    has_address: bool,
) -> Result<FrameStatus, HostError> {
    use InstructionResult as R;
    let halt = match result {
        R::Stop | R::Return | R::SelfDestruct if has_address => return Ok(FrameStatus::Success),
        R::Revert => return Ok(FrameStatus::Revert),
        R::Return | R::NonceOverflow => Halt::NonceOverflow,
        R::OutOfGas if keeps_output => Halt::DepositOutOfGas,
        R::OutOfGas
        | R::MemoryOOG
        | R::MemoryLimitOOG
        | R::PrecompileOOG
        | R::InvalidOperandOOG
        | R::ReentrancySentryOOG => Halt::OutOfGas,
        R::OpcodeNotFound | R::NotActivated => Halt::UndefinedOpcode,
        R::InvalidFEOpcode => Halt::InvalidOpcode,
        R::InvalidImmediateEncoding => Halt::InvalidImmediate,
        R::CallNotAllowedInsideStatic | R::StateChangeDuringStaticCall => Halt::StaticViolation,
        R::InvalidJump => Halt::InvalidJump,
        R::StackUnderflow => Halt::StackUnderflow,
        R::StackOverflow => Halt::StackOverflow,
        R::OutOfOffset => Halt::ReturnDataOutOfBounds,
        R::CreateCollision => Halt::CreateCollision,
        R::PrecompileError => Halt::PrecompileFailure,
        R::CreateContractSizeLimit => Halt::CodeTooLarge,
        R::CreateContractStartingWithEF => Halt::CodeStartsWithEf,
        R::CreateInitCodeSizeLimit => Halt::InitcodeTooLarge,
        R::CallTooDeep => Halt::CallDepth,
        R::OutOfFunds => Halt::InsufficientBalance,
        R::Stop
        | R::SelfDestruct
        | R::Suspend
        | R::CreateInitCodeStartingEF00
        | R::InvalidEOFInitCode
        | R::InvalidExtDelegateCallTarget
        | R::OverflowPayment
        | R::FatalExternalError => {
            return Err(HostError::new(format!(
                "revm ended a frame with {result:?}, which mainnet does not have"
            )));
        }
    };
    Ok(FrameStatus::Halt(halt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(result: InstructionResult, keeps_output: bool, has_address: bool, expected: FrameStatus) {
        assert_eq!(frame_status(result, keeps_output, has_address).unwrap(), expected, "{result:?}");
    }

    #[test]
    fn what_a_result_means_depends_on_the_frame() {
        check(InstructionResult::Return, false, true, FrameStatus::Success);
        check(InstructionResult::Return, false, false, FrameStatus::Halt(Halt::NonceOverflow));
        check(InstructionResult::OutOfGas, false, true, FrameStatus::Halt(Halt::OutOfGas));
        check(InstructionResult::OutOfGas, true, true, FrameStatus::Halt(Halt::DepositOutOfGas));
        check(InstructionResult::Revert, true, true, FrameStatus::Revert);
        assert!(frame_status(InstructionResult::FatalExternalError, false, true).is_err());
    }

    #[test]
    fn allowed_pairs_all_consume_the_frame_and_differ() {
        for (specified, revm, reason) in REVM_HALTS {
            assert!(specified != revm && !specified.keeps_gas() && !revm.keeps_gas(), "{reason}");
        }
    }
}
