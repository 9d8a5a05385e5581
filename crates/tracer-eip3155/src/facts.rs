//! What each client writes: which keys, in which order, when, in which form, and in which terms. The writer, the reader, the
//! comparison and the recognition read this one table, and `docs/dialects.md` is made from it.

use crate::Field;

/// When a client writes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// On every line.
    Always,
    /// On every line but some of opcodes that fail.
    UnlessFailing,
    /// Where it is not empty: absent means empty.
    NotEmpty,
    /// If asked for: on every line of a trace, or on none.
    OnDemand,
    /// If asked for, where it is not empty.
    OnDemandNotEmpty,
    /// Where the opcode, the frame or the transaction fails: absent means that it does not.
    OnFailure,
    /// Here and there: absent means nothing.
    Sometimes,
}

impl Presence {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Presence::Always => "always",
            Presence::UnlessFailing => "always, not on some that fail",
            Presence::NotEmpty => "if not empty",
            Presence::OnDemand => "on demand",
            Presence::OnDemandNotEmpty => "on demand, if not empty",
            Presence::OnFailure => "on failure",
            Presence::Sometimes => "sometimes",
        }
    }

    pub(crate) const fn is_on_demand(self) -> bool {
        matches!(self, Presence::OnDemand | Presence::OnDemandNotEmpty)
    }
}

/// In which form of JSON a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A number.
    Number,
    /// A string of `0x` and digits.
    Hex,
    /// A string of digits without `0x`.
    Digits,
    /// A string.
    Text,
    /// An array of strings.
    Items,
    /// An object.
    Object,
    /// `true` or `false`.
    Truth,
}

impl Form {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Form::Number => "number",
            Form::Hex => "hex",
            Form::Digits => "digits",
            Form::Text => "text",
            Form::Items => "array",
            Form::Object => "object",
            Form::Truth => "boolean",
        }
    }
}

/// A key of a client's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Which.
    pub field: Field,
    /// When it is written.
    pub presence: Presence,
    /// How.
    pub form: Form,
}

/// Which frames have a line of their own when they end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameExits {
    /// None.
    None,
    /// The transaction's own.
    Outermost,
    /// Every one, those without a step included.
    Every,
}

/// What a client's refund counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundKind {
    /// The transaction's, before the opcode.
    Before,
    /// The transaction's, this opcode's change included.
    After,
    /// The frame's alone, before the opcode.
    Frame,
}

/// What a client's `gasUsed` behind the steps counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GasUsedKind {
    /// All of the transaction, refunds taken off.
    Transaction,
    /// The transaction's own frame.
    Frame,
    /// Nobody knows: Besu's is the transaction's, but nothing says whether the floor of EIP-7623 is in it.
    Unknown,
}

/// What a client's `gasCost` counts, of an opcode that does not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostKind {
    /// All of it: a call's with, a creation's without what it forwards.
    Whole,
    /// All of it, and what a creation forwards.
    WithCreation,
    /// The static part.
    Static,
}

/// What a client's `pass` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassKind {
    /// Whether the transaction succeeded.
    Transaction,
    /// Whether the test passed: what was expected, which a run does not know.
    Test,
}

/// What a client writes.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The keys of a step, in order.
    pub steps: &'static [Key],
    /// The same of other versions that are read.
    pub others: &'static [&'static [Key]],
    /// Which frames have a line at their end; of [`FrameExits::Outermost`] it is the first of the closing lines.
    pub exits: FrameExits,
    /// The keys of the closing lines, in order.
    pub closing: &'static [&'static [Key]],
    /// Whether a trace may lack its closing lines: they are for the caller to ask for.
    pub may_lack_closing: bool,
    /// Whether the STOP that code implies at its end has a line.
    pub implied_stop: bool,
    /// Whether an opcode that fails inside has a second line, with the error.
    pub second_lines: bool,
    /// Whether `error` stands on normal ends of frames too.
    pub names_ends: bool,
    /// What the refund counts.
    pub refund: RefundKind,
    /// What the gas behind the steps counts.
    pub gas_used: GasUsedKind,
    /// What the cost counts.
    pub cost: CostKind,
    /// What `pass` says.
    pub pass: PassKind,
}

impl Facts {
    /// The key of a step; that of other versions if this one has it not.
    pub fn step_key(&self, field: Field) -> Option<&'static Key> {
        let find = |keys: &'static [Key]| keys.iter().find(|key| key.field == field);
        find(self.steps).or_else(|| self.others.iter().find_map(|keys| find(keys)))
    }

    /// The key of a closing line.
    pub fn closing_key(&self, field: Field) -> Option<&'static Key> {
        self.closing.iter().flat_map(|keys| keys.iter()).find(|key| key.field == field)
    }
}
