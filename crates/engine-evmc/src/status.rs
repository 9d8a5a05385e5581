//! Forks as revisions, statuses as halts, and what EVMC cannot say.

use parallax_engine_interface::{HaltPair, MessageTolerance, Tolerances, UntoldMessage};
use parallax_evmc_abi::{Revision, StatusCode};
use parallax_primitives::{Fork, FrameStatus, Halt, Rules};

/// A status that says only that a frame failed, and those that EVMC has one of for two of ours.
const HALTS: &[HaltPair] = &{
    const REASON: &str =
        "EVMC lets a library say that a frame failed and no more, and sets no order of an opcode's checks";
    const fn pair(specified: Halt) -> HaltPair {
        (specified, Halt::OutOfGas, REASON)
    }
    [
        pair(Halt::StackUnderflow),
        pair(Halt::StackOverflow),
        pair(Halt::InvalidJump),
        pair(Halt::InvalidOpcode),
        pair(Halt::UndefinedOpcode),
        pair(Halt::InvalidImmediate),
        pair(Halt::StaticViolation),
        pair(Halt::ReturnDataOutOfBounds),
        pair(Halt::InitcodeTooLarge),
    ]
};

const MESSAGES: &[MessageTolerance] = &[
    MessageTolerance {
        untold: UntoldMessage::Refused,
        reason: "a library looks at depth and balance by itself, and does not send what would fail",
    },
    MessageTolerance {
        untold: UntoldMessage::StaticKind,
        reason: "EVMC has one kind for CALL and STATICCALL, which a static frame sends alike",
    },
];

/// What is otherwise by EVMC's design.
pub(crate) const TOLERANCES: Tolerances =
    Tolerances { halts: HALTS, rejections: None, costs: &[], messages: MESSAGES };

/// The revision of `rules`, if they are a fork's of mainnet.
pub(crate) fn revision(rules: Rules) -> Option<Revision> {
    Some(match rules.mainnet()? {
        Fork::Frontier => Revision::FRONTIER,
        Fork::Homestead => Revision::HOMESTEAD,
        Fork::TangerineWhistle => Revision::TANGERINE_WHISTLE,
        Fork::SpuriousDragon => Revision::SPURIOUS_DRAGON,
        Fork::Byzantium => Revision::BYZANTIUM,
        Fork::Constantinople => Revision::CONSTANTINOPLE,
        Fork::Petersburg => Revision::PETERSBURG,
        Fork::Istanbul => Revision::ISTANBUL,
        Fork::Berlin => Revision::BERLIN,
        Fork::London => Revision::LONDON,
        Fork::Paris => Revision::PARIS,
        Fork::Shanghai => Revision::SHANGHAI,
        Fork::Cancun => Revision::CANCUN,
        Fork::Prague => Revision::PRAGUE,
        // Those behind it have other blob parameters, whose price the host tells.
        Fork::Osaka | Fork::Bpo1 | Fork::Bpo2 | Fork::Bpo3 | Fork::Bpo4 | Fork::Bpo5 => Revision::OSAKA,
        // EVMC 12 has one gas.
        Fork::Amsterdam => return None,
    })
}

/// What a status means for a frame; `None` if it is no frame's: the library failed, or says what nobody knows.
pub(crate) fn frame_status(status: StatusCode) -> Option<FrameStatus> {
    Some(FrameStatus::Halt(match status {
        StatusCode::SUCCESS => return Some(FrameStatus::Success),
        StatusCode::REVERT => return Some(FrameStatus::Revert),
        // It failed; the gas is gone, whatever it was.
        StatusCode::FAILURE | StatusCode::CONTRACT_VALIDATION_FAILURE | StatusCode::OUT_OF_GAS => {
            Halt::OutOfGas
        }
        StatusCode::INVALID_INSTRUCTION => Halt::InvalidOpcode,
        StatusCode::UNDEFINED_INSTRUCTION => Halt::UndefinedOpcode,
        StatusCode::STACK_OVERFLOW => Halt::StackOverflow,
        StatusCode::STACK_UNDERFLOW => Halt::StackUnderflow,
        StatusCode::BAD_JUMP_DESTINATION => Halt::InvalidJump,
        StatusCode::INVALID_MEMORY_ACCESS => Halt::ReturnDataOutOfBounds,
        StatusCode::STATIC_MODE_VIOLATION => Halt::StaticViolation,
        StatusCode::ARGUMENT_OUT_OF_RANGE => Halt::InitcodeTooLarge,
        _ => return None,
    }))
}

/// The status that tells a sender what became of its message.
pub(crate) fn status_code(status: FrameStatus) -> StatusCode {
    match status {
        FrameStatus::Success => StatusCode::SUCCESS,
        FrameStatus::Revert => StatusCode::REVERT,
        FrameStatus::Halt(halt) => match halt {
            Halt::OutOfGas | Halt::DepositOutOfGas => StatusCode::OUT_OF_GAS,
            Halt::StackUnderflow => StatusCode::STACK_UNDERFLOW,
            Halt::StackOverflow => StatusCode::STACK_OVERFLOW,
            Halt::InvalidJump => StatusCode::BAD_JUMP_DESTINATION,
            Halt::InvalidOpcode => StatusCode::INVALID_INSTRUCTION,
            Halt::UndefinedOpcode | Halt::InvalidImmediate => StatusCode::UNDEFINED_INSTRUCTION,
            Halt::StaticViolation => StatusCode::STATIC_MODE_VIOLATION,
            Halt::ReturnDataOutOfBounds => StatusCode::INVALID_MEMORY_ACCESS,
            Halt::InitcodeTooLarge => StatusCode::ARGUMENT_OUT_OF_RANGE,
            Halt::CodeStartsWithEf => StatusCode::CONTRACT_VALIDATION_FAILURE,
            Halt::PrecompileFailure => StatusCode::PRECOMPILE_FAILURE,
            Halt::CallDepth => StatusCode::CALL_DEPTH_EXCEEDED,
            Halt::InsufficientBalance => StatusCode::INSUFFICIENT_BALANCE,
            Halt::CreateCollision | Halt::CodeTooLarge | Halt::NonceOverflow => StatusCode::FAILURE,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_is_the_revision_of_its_number() {
        for fork in Fork::ALL {
            let expected = Revision((fork as i32).min(Revision::OSAKA.0));
            let has_one_gas = fork < Fork::Amsterdam;
            assert_eq!(revision(fork.into()), has_one_gas.then_some(expected), "{fork}");
        }
        assert_eq!(revision("Cancun+7939".parse().unwrap()), None);
    }

    #[test]
    fn every_halt_of_a_frame_is_told_by_its_own_name() {
        for number in 0..=17 {
            let (code, status) = (StatusCode(number), frame_status(StatusCode(number)));
            match status {
                Some(FrameStatus::Halt(Halt::OutOfGas)) => assert!([1, 3, 13].contains(&number), "{number}"),
                Some(status) => assert_eq!(status_code(status), code),
                // Of messages that have no frame, and of WebAssembly.
                None => assert!([10, 12, 15, 16, 17].contains(&number), "{number}"),
            }
        }
        for number in [-4, -3, -2, -1, 18, i32::MAX] {
            assert_eq!(frame_status(StatusCode(number)), None);
        }
    }
}
