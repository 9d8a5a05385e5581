use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl, StepView};
use parallax_primitives::{Address, B256, FrameStatus, Halt, Message, MessageKind, Opcode, Role, U256};

/// Where a run is to pause: before an opcode, or before or behind a message. Nothing of what it stands before has happened.
///
/// What a condition says nothing about is no place of it, nor of its contrary: [`Condition::Pc`] holds at no message, and
/// `Not(Pc(0))` does not either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The opcode at this offset of the code.
    Pc(usize),
    /// This opcode.
    Opcode(Opcode),
    /// Every opcode of a frame this deep, and both ends of the message that the frame is for; 0 is the transaction's own.
    Depth(u16),
    /// Code running in the name of this account: every opcode of its frames, and both ends of the messages to it, with code or
    /// without.
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
    /// Less gas left than this, before the opcode.
    GasBelow(u64),
    /// This step of the transaction, from 0.
    Step(u64),
    /// Before a call.
    Call(CallPattern),
    /// Before a creation, of this account or of any.
    Create(Option<Address>),
    /// Before a message this deep; 0 is the transaction's own.
    Enter(u16),
    /// Behind a message that has succeeded.
    Return,
    /// Behind a message that has reverted.
    Revert,
    /// Behind a message that has ended with this halt, or with any: in its frame, in a precompiled contract, or before it had
    /// either (depth, balance, nonce).
    Halt(Option<Halt>),
    /// Every one of them.
    All(Vec<Condition>),
    /// Any of them.
    Any(Vec<Condition>),
    /// Not this one.
    Not(Box<Condition>),
}

/// Calls, by what they are; what is `None` may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallPattern {
    /// CALL, CALLCODE, DELEGATECALL or STATICCALL.
    pub kind: Option<MessageKind>,
    /// Who sends it.
    pub caller: Option<Address>,
    /// The account that is called, or the one whose code it runs (of DELEGATECALL and CALLCODE the one that the opcode names).
    pub target: Option<Address>,
    /// The first four bytes of its input.
    pub selector: Option<[u8; 4]>,
    /// The least that it carries, in wei.
    pub least_value: Option<U256>,
}

/// Where hooks can pause.
#[derive(Clone, Copy)]
pub enum Moment<'a> {
    /// Before an opcode.
    Step(&'a StepView<'a>),
    /// Before or behind a message.
    Message(&'a Message, MessagePhase<'a>),
}

impl CallPattern {
    /// Whether a message is such a call.
    pub fn matches(&self, message: &Message) -> bool {
        let is_target = |target| {
            message.code_address == target
                || message.address == target && {
                    // The other two run foreign code in the name of the one that sends them.
                    matches!(message.kind, MessageKind::Call | MessageKind::StaticCall)
                }
        };
        !message.kind.is_create()
            && self.kind.is_none_or(|kind| message.kind == kind)
            && self.caller.is_none_or(|caller| message.caller == caller)
            && self.target.is_none_or(is_target)
            && self.selector.is_none_or(|selector| message.input.starts_with(&selector))
            && self.least_value.is_none_or(|value| message.value >= value)
    }
}

impl Condition {
    /// Whether it holds here.
    pub fn holds(&self, moment: Moment<'_>) -> bool {
        self.answer(moment) == Some(true)
    }

    /// Whether it holds; `None` where it says nothing.
    fn answer(&self, moment: Moment<'_>) -> Option<bool> {
        match self {
            Condition::All(all) => {
                all.iter().try_fold(true, |holds, condition| Some(holds && condition.answer(moment)?))
            }
            Condition::Any(any) => {
                any.iter().filter_map(|condition| condition.answer(moment)).reduce(|a, b| a || b)
            }
            Condition::Not(condition) => condition.answer(moment).map(|holds| !holds),
            _ => match moment {
                Moment::Step(step) => self.at_step(step),
                Moment::Message(message, phase) => self.at_message(message, phase),
            },
        }
    }

    fn at_step(&self, step: &StepView<'_>) -> Option<bool> {
        Some(match self {
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
            Condition::GasBelow(gas) => step.gas < *gas,
            Condition::Step(index) => step.index == *index,
            _ => return None,
        })
    }

    fn at_message(&self, message: &Message, phase: MessagePhase<'_>) -> Option<bool> {
        let holds = match (self, phase) {
            (Condition::Depth(depth), _) => message.depth == *depth,
            (Condition::Address(address), _) => message.address == *address,
            (Condition::Call(pattern), MessagePhase::Before) => pattern.matches(message),
            (Condition::Create(address), MessagePhase::Before) => {
                message.kind.is_create() && address.is_none_or(|address| message.address == address)
            }
            (Condition::Enter(depth), MessagePhase::Before) => message.depth == *depth,
            (Condition::Return, MessagePhase::After(outcome)) => outcome.status == FrameStatus::Success,
            (Condition::Revert, MessagePhase::After(outcome)) => outcome.status == FrameStatus::Revert,
            (Condition::Halt(wanted), MessagePhase::After(outcome)) => match outcome.status {
                FrameStatus::Halt(halt) => wanted.is_none_or(|wanted| wanted == halt),
                FrameStatus::Success | FrameStatus::Revert => false,
            },
            _ => return None,
        };
        Some(holds)
    }

    /// Whether it can hold before an opcode.
    fn is_of_steps(&self) -> bool {
        match self {
            Condition::All(all) => all.iter().all(Condition::is_of_steps),
            Condition::Any(any) => any.iter().any(Condition::is_of_steps),
            Condition::Not(condition) => condition.is_of_steps(),
            Condition::Call(_)
            | Condition::Create(_)
            | Condition::Enter(_)
            | Condition::Return
            | Condition::Revert
            | Condition::Halt(_) => false,
            _ => true,
        }
    }
}

/// The topics that the opcode would log, top of the stack last; empty if it is no LOG or lacks items.
fn log_topics<'a>(step: &StepView<'a>) -> &'a [U256] {
    let Some(info) = step.opcode.info() else { return &[] };
    let count = info.inputs.iter().filter(|operand| operand.role == Role::Topic).count();
    match step.stack.len().checked_sub(count + 2) {
        Some(first) => &step.stack[first..first + count],
        None => &[],
    }
}

/// Pauses where any of its conditions holds. If none of them can hold before an opcode, no steps are asked for, and the fast form
/// runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breakpoints {
    conditions: Vec<Condition>,
    last_hit: Option<usize>,
}

impl Breakpoints {
    /// Pauses where any of `conditions` holds.
    pub fn new(conditions: Vec<Condition>) -> Self {
        Self { conditions, last_hit: None }
    }

    /// Which condition held last, as its place in the list.
    pub fn last_hit(&self) -> Option<usize> {
        self.last_hit
    }

    fn at(&mut self, moment: Moment<'_>) -> StepControl {
        match self.conditions.iter().position(|condition| condition.holds(moment)) {
            Some(place) => {
                self.last_hit = Some(place);
                StepControl::Pause
            }
            None => StepControl::Continue,
        }
    }
}

impl Hooks for Breakpoints {
    fn interest(&self) -> Interest {
        match self.conditions.iter().any(Condition::is_of_steps) {
            true => Interest::Steps,
            false => Interest::Messages,
        }
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.at(Moment::Step(step))
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.at(Moment::Message(message, phase))
    }
}
