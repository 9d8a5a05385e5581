//! What a recorder must know of an opcode to write down only what cannot be told from the state before it.

use parallax_hooks::StepView;
use parallax_primitives::{self as opcode, Opcode, OpcodeInfo, Reach, Rules, U256};

/// What an opcode does to the stack, and what else must be looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) class: Class,
    /// Items it takes away for good. What only moves items takes none away.
    pub(crate) takes: u8,
    /// Items it adds: none or one. A message's answer is added when its frame resumes.
    pub(crate) adds: u8,
    /// Bytes behind it that belong to it.
    pub(crate) immediate: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Its result is written down.
    Plain,
    /// PUSH9 to PUSH32: its result is in the code.
    LongPush,
    /// DUP and SWAP.
    Moves(Reach),
    /// DUPN, SWAPN and EXCHANGE: what they move is in the code, and is written down.
    Deep,
    /// Writes memory.
    Writer,
    /// The CALL and CREATE families.
    Message,
}

/// The shapes, by byte.
static SHAPES: [Shape; 256] = {
    let mut shapes = [Shape::NONE; 256];
    let mut byte = 0;
    loop {
        if let Some(info) = Opcode(byte).info() {
            shapes[byte as usize] = Shape::of(info);
        }
        if byte == 0xff {
            break;
        }
        byte += 1;
    }
    shapes
};

impl Shape {
    /// Of a byte that the rules do not know: it does nothing.
    pub(crate) const NONE: Self = Self { class: Class::Plain, takes: 0, adds: 0, immediate: 0 };

    #[allow(clippy::cast_possible_truncation, reason = "at most 17 items")]
    pub(crate) const fn of(info: &OpcodeInfo) -> Self {
        let (inputs, outputs) = (info.inputs.len() as u8, info.outputs.len() as u8);
        let (class, takes, adds) = match info.class {
            opcode::Class::Push if info.immediate > 8 => (Class::LongPush, 0, 1),
            opcode::Class::Dup => (Class::Moves(Reach::Copy(inputs)), 0, 1),
            opcode::Class::Swap => (Class::Moves(Reach::Exchange(1, inputs)), 0, 0),
            opcode::Class::Deep => (Class::Deep, 0, outputs),
            opcode::Class::Message => (Class::Message, inputs, 0),
            _ if info.writes_memory() => (Class::Writer, inputs, outputs),
            _ => (Class::Plain, inputs, outputs),
        };
        assert!(adds <= 1);
        Self { class, takes, adds, immediate: info.immediate }
    }
}

/// The shape of an opcode; of a byte that the rules do not know, that of one which does nothing.
#[inline]
pub(crate) fn shape_of(rules: Rules, opcode: Opcode) -> Shape {
    match rules.custom_opcode(opcode) {
        None => SHAPES[usize::from(opcode.0)],
        Some(own) => Shape::of(own.info()),
    }
}

impl Class {
    /// The items that the opcode of this class moves.
    #[inline]
    fn moves(self, step: &StepView<'_>) -> Option<Reach> {
        match self {
            Class::Moves(reach) => Some(reach),
            Class::Deep => Reach::of(step.opcode, step.immediate()),
            _ => None,
        }
    }

    /// Keeps the items that are about to change places, the upper one first.
    #[inline]
    pub(crate) fn keep_exchanged(self, step: &StepView<'_>, kept: &mut [U256; 2]) {
        let Some(Reach::Exchange(upper, lower)) = self.moves(step) else { return };
        if let (Some(upper), Some(lower)) = (item(step.stack, upper), item(step.stack, lower)) {
            *kept = [*upper, *lower];
        }
    }

    /// Whether the stack is as moving items leaves it; `kept` is what was kept of those that have changed places.
    #[inline]
    pub(crate) fn has_moved(self, step: &StepView<'_>, kept: &[U256; 2]) -> bool {
        let stack = step.stack;
        match self.moves(step) {
            Some(Reach::Copy(number)) => stack.last().is_some_and(|top| item(stack, number + 1) == Some(top)),
            Some(Reach::Exchange(upper, lower)) => {
                item(stack, upper) == Some(&kept[1]) && item(stack, lower) == Some(&kept[0])
            }
            None => false,
        }
    }
}

/// Moves items of a stack.
pub(crate) fn move_items(reach: Reach, stack: &mut Vec<U256>) {
    let place = |number: u8| stack.len().checked_sub(number.into());
    match reach {
        Reach::Copy(number) => stack.push(item(stack, number).copied().unwrap_or_default()),
        Reach::Exchange(upper, lower) => {
            if let (Some(upper), Some(lower)) = (place(upper), place(lower)) {
                stack.swap(upper, lower);
            }
        }
    }
}

/// An item, counted from the top, which is 1.
fn item(stack: &[U256], number: u8) -> Option<&U256> {
    stack.get(stack.len().checked_sub(number.into())?)
}
