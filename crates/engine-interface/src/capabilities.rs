use parallax_primitives::Halt;

/// What an engine can do besides running a transaction to its end and telling what it came to. What it cannot is not compared, and
/// said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// It shows its hooks every opcode.
    pub steps: bool,
    /// It shows its hooks block entries.
    pub blocks: bool,
    /// It can be paused: [`Engine::start`](crate::Engine::start) answers a stepper.
    pub pauses: bool,
    /// It runs bare messages, with no transaction around them.
    pub messages: bool,
}

impl Capabilities {
    /// All of it.
    pub const ALL: Self = Self { steps: true, blocks: true, pauses: true, messages: true };
    /// Results alone: transactions to their end.
    pub const RESULTS: Self = Self { steps: false, blocks: false, pauses: false, messages: false };
}

/// The halt by the specification, what another engine may call it, and why it does.
pub type HaltPair = (Halt, Halt, &'static str);

/// What an engine has otherwise than the specification by its design, and that counts as no difference. Each has its reason, and
/// reports print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerances {
    /// Failures that it calls by another name, as it checks in another order.
    pub halts: &'static [HaltPair],
    /// Why it may name another of several rules that a rejected transaction breaks; `None` if it names the first.
    pub rejections: Option<&'static str>,
    /// Opcodes that fail, whose cost it does not know.
    pub costs: &'static [CostTolerance],
    /// What it does not tell of messages.
    pub messages: &'static [MessageTolerance],
}

impl Tolerances {
    /// Nothing is otherwise.
    pub const NONE: Self = Self { halts: &[], rejections: None, costs: &[], messages: &[] };
}

/// Of an opcode that by the specification fails with `halt`, the cost is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostTolerance {
    /// What reports call it.
    pub name: &'static str,
    /// How the opcode fails.
    pub halt: Halt,
    /// Why its cost is not known.
    pub reason: &'static str,
}

/// What an engine does not tell of messages is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageTolerance {
    /// What it does not tell.
    pub untold: UntoldMessage,
    /// Why it does not.
    pub reason: &'static str,
}

/// What may be left out of messages. Their effects and their sender's gas are compared all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UntoldMessage {
    /// One that fails before it has a frame, and keeps its gas ([`Halt::keeps_gas`]): that it was sent.
    Refused,
    /// One that a static frame sends: whether it is a CALL or a STATICCALL.
    StaticKind,
}

impl UntoldMessage {
    /// What reports call it.
    pub const fn name(self) -> &'static str {
        match self {
            UntoldMessage::Refused => "messages that are refused",
            UntoldMessage::StaticKind => "kind of a call from a static frame",
        }
    }
}
