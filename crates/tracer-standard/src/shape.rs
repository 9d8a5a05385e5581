//! What a recorder must know of an opcode to write down only what cannot be told from the state before it.

use parallax_primitives::Opcode;

/// What an opcode does to the stack, and what else must be looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) class: Class,
    /// Items it takes away for good. DUP and SWAP take none away.
    pub(crate) takes: u8,
    /// Items it adds: none or one. A message's answer is added when its frame resumes.
    pub(crate) adds: u8,
    /// Bytes of push data behind it.
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
pub(crate) static SHAPES: [Shape; 256] = {
    let mut shapes = [Shape { class: Class::Plain, takes: 0, adds: 0, immediate: 0 }; 256];
    let mut byte = 0;
    loop {
        if let Some(info) = Opcode(byte).info() {
            let class = class_of(info.opcode);
            let (takes, adds) = match class {
                Class::Dup(_) => (0, 1),
                Class::Swap(_) => (0, 0),
                Class::Message => (info.inputs, 0),
                Class::Plain | Class::LongPush | Class::Writer => (info.inputs, info.outputs),
            };
            assert!(adds <= 1);
            shapes[byte as usize] = Shape { class, takes, adds, immediate: info.immediate };
        }
        if byte == 0xff {
            break;
        }
        byte += 1;
    }
    shapes
};

const fn class_of(opcode: Opcode) -> Class {
    match opcode {
        Opcode(0x68..=0x7f) => Class::LongPush,
        Opcode(byte @ 0x80..=0x8f) => Class::Dup(byte - 0x7f),
        Opcode(byte @ 0x90..=0x9f) => Class::Swap(byte - 0x8f),
        Opcode::MSTORE
        | Opcode::MSTORE8
        | Opcode::MCOPY
        | Opcode::CALLDATACOPY
        | Opcode::CODECOPY
        | Opcode::EXTCODECOPY
        | Opcode::RETURNDATACOPY => Class::Writer,
        Opcode::CREATE
        | Opcode::CREATE2
        | Opcode::CALL
        | Opcode::CALLCODE
        | Opcode::DELEGATECALL
        | Opcode::STATICCALL => Class::Message,
        _ => Class::Plain,
    }
}

/// The shape of an opcode; of a byte that no fork defines, that of one which does nothing.
#[inline]
pub(crate) fn shape_of(opcode: Opcode) -> &'static Shape {
    &SHAPES[usize::from(opcode.0)]
}
