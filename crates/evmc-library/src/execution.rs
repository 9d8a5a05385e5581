//! One frame, from its message to its result.

use parallax_engine_interface::{FrameExit, Interpreter};
use parallax_evmc_abi::{EvmcResult, StatusCode};
use parallax_hooks::NoHooks;
use parallax_primitives::{Bytecode, CALL_DEPTH_LIMIT, FrameOutcome, Halt, Message, MessageKind, Rules};

use crate::{
    host::CalledHost,
    outcome::{failure, result},
};

/// Runs `code` until it ends. The messages that it sends are the host's to run, which has us run their code in calls of its own.
pub(crate) fn execute<I: Interpreter>(
    interpreter: &I,
    message: Message,
    code: Bytecode,
    rules: Rules,
    mut host: CalledHost<'_>,
) -> EvmcResult {
    let mut frame = interpreter.enter(message, code, rules);
    let mut clock = 0;
    loop {
        let sent = match interpreter.resume(&mut frame, &mut host, &mut NoHooks, &mut clock) {
            Ok(FrameExit::Message(sent)) => sent,
            Ok(FrameExit::Done(outcome)) => return result(&outcome, host.refund()),
            Ok(FrameExit::Paused | FrameExit::Aborted) | Err(_) => {
                return failure(StatusCode::INTERNAL_ERROR);
            }
        };
        let outcome = match refusal(&sent, &mut host) {
            Some(halt) => FrameOutcome::halted(halt, sent.gas),
            None => match host.send(&sent) {
                Ok(outcome) => outcome,
                Err(status_code) => return failure(status_code),
            },
        };
        interpreter.deliver(&mut frame, outcome);
    }
}

/// Why a message fails before anything of it happens. EVMC has libraries look at depth and balance; the nonce is the host's.
fn refusal(message: &Message, host: &mut CalledHost<'_>) -> Option<Halt> {
    if message.depth > CALL_DEPTH_LIMIT {
        return Some(Halt::CallDepth);
    }
    let needs_balance = message.transfers() || message.kind == MessageKind::CallCode;
    let is_short =
        needs_balance && !message.value.is_zero() && host.balance_of(message.caller) < message.value;
    is_short.then_some(Halt::InsufficientBalance)
}
