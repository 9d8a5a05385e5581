//! What a recorder must know of an opcode to write down only what cannot be told from the state before it.

use parallax_primitives::{self as opcode, Opcode, OpcodeInfo, Rules};

/// What an opcode does to the stack, and what else must be looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) class: Class,
    /// Items it takes away for good. DUP and SWAP take none away.
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
    /// DUP of the item at this distance from the top; 1 is the top.
    Dup(u8),
    /// SWAP of the top with the item at this distance below it.
    Swap(u8),
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
            opcode::Class::Dup => (Class::Dup(inputs), 0, 1),
            opcode::Class::Swap => (Class::Swap(inputs - 1), 0, 0),
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
