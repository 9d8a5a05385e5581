//! Hooks that check every figure of gas against the ones before it.

use parallax_hooks::{End, Hooks, MessagePhase, Start, StepControl, StepEnd, StepView};
use parallax_primitives::{
    Effect, Eip, FrameOutcome, FrameStatus, Message, Opcode, Rules, StateGas, Subject, TxOutcome,
};

/// What one frame must have, by what its opcodes and messages are said to cost and to give back.
#[derive(Debug)]
struct Account {
    gas: u64,
    state: StateGas,
    /// State gas that the message which was sent last was charged for an account.
    paid: u64,
    /// What the message that was sent last must have been handed.
    handed: u64,
    /// Opcodes seen.
    steps: u64,
    halted: bool,
    /// Bytes that the last RETURN returned.
    returned: u64,
}

/// Checks both gases of every frame: what it begins with is what it uses and hands back, whatever is spilled, refilled, repaid and undone
/// on the way (EIP-8037).
pub(crate) struct Books {
    rules: Rules,
    limit: u64,
    frames: Vec<Account>,
    before: (u64, StateGas),
    index: u64,
    /// What the outermost message came to.
    left: Option<(u64, StateGas)>,
}

impl Books {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, limit: 0, frames: Vec::new(), before: (0, StateGas::NONE), index: 0, left: None }
    }

    /// Whether every message that began is over.
    pub(crate) fn are_closed(&self) -> bool {
        self.frames.is_empty()
    }

    /// What a message must come to.
    fn expected(&self, message: &Message, outcome: &FrameOutcome, frame: &Account) -> (u64, StateGas) {
        let Account { gas, state, .. } = *frame;
        let fallen = StateGas::of(message.state_gas.baseline);
        match outcome.status {
            FrameStatus::Halt(halt) if halt.keeps_gas() => (message.gas, message.state_gas),
            FrameStatus::Halt(_) => (0, fallen),
            // A contract's own price is not told.
            FrameStatus::Revert if frame.steps == 0 => (outcome.gas_left, fallen),
            FrameStatus::Revert => (gas + state.spilled, fallen),
            FrameStatus::Success if frame.steps == 0 => (outcome.gas_left, message.state_gas),
            FrameStatus::Success if message.kind.is_create() => {
                let prices = self.rules.gas();
                let words = frame.returned.div_ceil(32);
                let cost = frame.returned * prices.code_deposit_byte + words * prices.code_deposit_word;
                let of_state = frame.returned * prices.state_code_byte;
                let from_reservoir = of_state.min(state.reservoir);
                let spilled = of_state - from_reservoir;
                let reservoir = state.reservoir - from_reservoir;
                match gas.checked_sub(cost + spilled) {
                    Some(gas) => (gas, StateGas { reservoir, spilled: state.spilled + spilled, ..state }),
                    // Frontier keeps the gas and deploys nothing where it does not suffice.
                    None => (gas, state),
                }
            }
            FrameStatus::Success => (gas, state),
        }
    }
}

impl Hooks for Books {
    fn on_start(&mut self, start: &Start<'_>) {
        if let Subject::Transaction(transaction) = start.subject {
            self.limit = transaction.gas_limit;
        }
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        let frame = self.frames.last_mut().unwrap();
        assert_eq!((step.gas, step.state_gas), (frame.gas, frame.state), "{} at {}", step.opcode, step.pc);
        assert_eq!(step.index, self.index);
        self.before = (step.gas, step.state_gas);
        frame.steps += 1;
        if let (Opcode::RETURN, [.., size, _]) = (step.opcode, step.stack) {
            frame.returned = size.saturating_to();
        }
        StepControl::Continue
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let frame = self.frames.last_mut().unwrap();
        assert_eq!((step.index, step.gas), (self.index, end.gas_left));
        self.index += 1;
        let (gas, before) = self.before;
        let after = step.state_gas;
        if end.halt.is_some() {
            assert_eq!((end.gas_left, after, end.effect), (self.before.0, self.before.1, Effect::None));
            frame.halted = true;
            return;
        }
        // What is spilled or refilled moves between the two.
        assert_eq!(end.gas_left + after.spilled + end.gas_cost, gas + before.spilled, "{}", step.opcode);
        let spilled = i128::from(after.spilled) - i128::from(before.spilled);
        let reserved = i128::from(end.state_gas_cost) - spilled;
        let handed = i128::from(before.reservoir) - i128::from(after.reservoir) - reserved;
        frame.handed = u64::try_from(handed).unwrap();
        frame.paid = u64::try_from(end.state_gas_cost).unwrap_or(0);
        assert_eq!(after.baseline, before.baseline);
        (frame.gas, frame.state) = (end.gas_left, after);
        if step.opcode != Opcode::RETURN {
            frame.returned = 0;
        }
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        let MessagePhase::After(outcome) = phase else {
            if let Some(sender) = self.frames.last_mut() {
                // A call's cost has what it forwards; a creation's has not.
                if message.kind.is_create() {
                    sender.gas -= message.gas;
                }
                assert_eq!(message.state_gas, StateGas::of(std::mem::take(&mut sender.handed)));
                assert_eq!(sender.state.reservoir, 0);
            }
            let (gas, state) = (message.gas, message.state_gas);
            self.frames.push(Account {
                gas,
                state,
                paid: 0,
                handed: 0,
                steps: 0,
                halted: false,
                returned: 0,
            });
            return StepControl::Continue;
        };
        let frame = self.frames.pop().unwrap();
        assert_eq!(frame.handed, 0, "a reservoir that nobody got");
        let expected = self.expected(message, outcome, &frame);
        assert_eq!((outcome.gas_left, outcome.state_gas), expected, "{message:?} {outcome:?} {frame:?}");
        if frame.halted {
            assert!(matches!(outcome.status, FrameStatus::Halt(_)));
        }
        let Some(caller) = self.frames.last_mut() else {
            self.left = Some(expected);
            return StepControl::Continue;
        };
        caller.gas += outcome.gas_left;
        caller.state.reservoir += outcome.state_gas.reservoir;
        caller.state.spilled += outcome.state_gas.spilled;
        // Back to where it came from; or what the callee has given back repays what its caller had spilled.
        let moved = if outcome.status.is_success() {
            let repaid = caller.state.reservoir.min(caller.state.spilled);
            caller.state.reservoir -= repaid;
            repaid
        } else {
            let refilled = caller.paid.min(caller.state.spilled);
            caller.state.reservoir += caller.paid - refilled;
            refilled
        };
        caller.state.spilled -= moved;
        caller.gas += moved;
        StepControl::Continue
    }

    /// The whole transaction: all that was bought is used or comes back, and what is used is of one of the two gases.
    fn on_end(&mut self, end: &End<'_>) {
        let End::Outcome(outcome) = end else { return };
        let (gas, state) = self.left.unwrap();
        let TxOutcome { gas_used, gas_refunded, execution_gas, state_gas, .. } = **outcome;
        // More is left than was bought only where storage is cleared that was there before its account.
        let used = self.limit.saturating_sub(gas + state.reservoir);
        // The floor may be more than what is left of it behind the refund.
        assert!(gas_refunded <= used && gas_used >= used - used / self.rules.gas().refund_quotient);
        if self.rules.has(Eip::StateGas8037) {
            // The floor is more, or it is what was used.
            assert!(execution_gas + state_gas >= used, "{outcome:?}");
            let cap = self.rules.gas().tx_gas_cap;
            let begun = self.limit.saturating_sub(cap);
            assert!(state_gas + state.reservoir >= begun + state.spilled, "{outcome:?}");
        }
    }
}
