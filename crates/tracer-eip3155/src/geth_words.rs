use std::borrow::Cow;

use parallax_hooks::{StepEnd, StepView};
use parallax_primitives::{FrameStatus, Opcode, Rules};

use crate::{Dialect, halt};

/// go-ethereum's words for what ends a message. It is to be told of every step, before and after, and of every end of a message.
#[derive(Clone, Debug, Default)]
pub struct GethWords {
    /// Whether the opcode that runs would run out of gas while its cost is added up.
    fails_inside: bool,
    /// Why the last opcode failed, if it did.
    fault: Option<String>,
}

impl GethWords {
    /// Before an opcode.
    pub fn step(&mut self, step: &StepView<'_>) {
        self.fails_inside = halt::geth_fails_inside(step);
        self.fault = None;
    }

    /// After it.
    pub fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        if end.halt.is_none() {
            return;
        }
        let mut quoted = Vec::new();
        halt::error(Dialect::Geth, self.fails_inside, step, end, &mut quoted);
        self.fault = serde_json::from_slice(&quoted).ok();
    }

    /// What is said of a message that is over; nothing if it succeeded.
    pub fn of(&mut self, status: FrameStatus) -> Option<Cow<'static, str>> {
        let fault = self.fault.take();
        match status {
            FrameStatus::Success => None,
            FrameStatus::Revert => Some("execution reverted".into()),
            FrameStatus::Halt(halt) => {
                Some(fault.map_or_else(|| halt::message_error(Dialect::Geth, halt).into(), Cow::Owned))
            }
        }
    }

    /// What it takes for an opcode before it works out the rest.
    pub fn constant_gas(rules: Rules, opcode: Opcode) -> u64 {
        halt::geth_constant_gas(rules, opcode)
    }

    /// Whether go-ethereum shows an opcode before it fails, if it does: when all was paid for.
    pub fn is_shown(step: &StepView<'_>, end: &StepEnd<'_>) -> bool {
        end.halt.is_none() || halt::geth_taken(step, end).is_some()
    }
}
