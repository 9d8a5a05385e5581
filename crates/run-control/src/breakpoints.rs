use parallax_hooks::{Hooks, StepControl, StepEnd, StepView};
use parallax_primitives::{Address, B256, Halt, Opcode, U256};

/// Where a run is to pause. All but [`Condition::Halt`] are looked at before the opcode and pause before it has any effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The opcode at this offset of the code.
    Pc(usize),
    /// This opcode.
    Opcode(Opcode),
    /// A frame this deep; 0 is the transaction's own.
    Depth(u16),
    /// Code running in the name of this account.
    Address(Address),
    /// SSTORE to a slot, of one account or of any.
    StorageWrite {
        /// The account, or any.
        address: Option<Address>,
        /// The slot.
        key: U256,
    },
    /// A log with this topic, at any place.
    LogTopic(B256),
    /// The opcode before this one ended its frame with the halt, or with any. At the end of a transaction there is no opcode
    /// left to pause before: then [`Breakpoints::last_hit`] alone tells.
    Halt(Option<Halt>),
    /// Less gas left than this, before the opcode.
    GasBelow(u64),
    /// This step of the transaction, from 0.
    Step(u64),
    /// Every one of them.
    All(Vec<Condition>),
    /// Any of them.
    Any(Vec<Condition>),
    /// Not this one.
    Not(Box<Condition>),
}

impl Condition {
    /// Whether it holds before `step`, where the opcode before ended with `halt`.
    pub fn holds(&self, step: &StepView<'_>, halt: Option<Halt>) -> bool {
        match self {
            Condition::Pc(pc) => step.pc == *pc,
            Condition::Opcode(opcode) => step.opcode == *opcode,
            Condition::Depth(depth) => step.depth == *depth,
            Condition::Address(address) => step.message.address == *address,
            Condition::StorageWrite { address, key } => {
                step.opcode == Opcode::SSTORE
                    && step.stack.last() == Some(key)
                    && address.is_none_or(|address| step.message.address == address)
            }
            Condition::LogTopic(topic) => log_topics(step).contains(&U256::from_be_bytes(topic.0)),
            Condition::Halt(wanted) => halt.is_some_and(|halt| wanted.is_none_or(|wanted| wanted == halt)),
            Condition::GasBelow(gas) => step.gas < *gas,
            Condition::Step(index) => step.index == *index,
            Condition::All(all) => all.iter().all(|condition| condition.holds(step, halt)),
            Condition::Any(any) => any.iter().any(|condition| condition.holds(step, halt)),
            Condition::Not(condition) => !condition.holds(step, halt),
        }
    }

    /// Whether `halt` alone can make it hold, whatever the opcode.
    fn holds_at_end(&self, halt: Halt) -> bool {
        match self {
            Condition::Halt(wanted) => wanted.is_none_or(|wanted| wanted == halt),
            Condition::Any(any) => any.iter().any(|condition| condition.holds_at_end(halt)),
            Condition::All(all) => {
                !all.is_empty() && all.iter().all(|condition| condition.holds_at_end(halt))
            }
            _ => false,
        }
    }
}

/// The topics that the opcode would log, top of the stack last; empty if it is no LOG or lacks items.
fn log_topics<'a>(step: &StepView<'a>) -> &'a [U256] {
    let count = match step.opcode.0 {
        byte @ 0xa1..=0xa4 => usize::from(byte - 0xa0),
        _ => return &[],
    };
    match step.stack.len().checked_sub(count + 2) {
        Some(first) => &step.stack[first..first + count],
        None => &[],
    }
}

/// Pauses where any of its conditions holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breakpoints {
    conditions: Vec<Condition>,
    halt: Option<Halt>,
    last_hit: Option<usize>,
}

impl Breakpoints {
    /// Pauses where any of `conditions` holds.
    pub fn new(conditions: Vec<Condition>) -> Self {
        Self { conditions, halt: None, last_hit: None }
    }

    /// Which condition held last, as its place in the list.
    pub fn last_hit(&self) -> Option<usize> {
        self.last_hit
    }
}

impl Hooks for Breakpoints {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        let halt = self.halt.take();
        match self.conditions.iter().position(|condition| condition.holds(step, halt)) {
            Some(place) => {
                self.last_hit = Some(place);
                StepControl::Pause
            }
            None => StepControl::Continue,
        }
    }

    fn on_step_end(&mut self, _: &StepView<'_>, end: &StepEnd<'_>) {
        if let Some(halt) = end.halt {
            self.halt = Some(halt);
            let hit = self.conditions.iter().position(|condition| condition.holds_at_end(halt));
            self.last_hit = hit.or(self.last_hit);
        }
    }
}
