//! What a translated code consists of.

use parallax_primitives::U256;

/// The longest code that is translated, in bytes. A byte of code becomes up to 60 bytes of its translation.
pub const MAX_TRANSLATED: usize = 1 << 20;

/// Slots for temporaries, relative to a block's entry: above the highest stack, and not a whole number of pages away from
/// it, so that a temporary and the stack item it came from do not collide in the cache.
pub const TEMPORARIES: std::ops::Range<i16> = 1061..1317;

/// The most operands of an opcode that runs out of the loop's line.
pub(crate) const HEAVY_OPERANDS: usize = 6;

/// What an instruction does. `a`, `b` and `c` are slots relative to the block's entry unless it says otherwise; `k` is the
/// constant that the upper half of `imm` (or all of it) points to in the pool. Suffixes name the operands: `SS` two
/// slots, `SC` a slot and a constant, `CS` a constant and a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // the arithmetic is named by its opcodes
pub enum Op {
    /// Block header: `imm` gas, `a` items needed, `b` items of growth.
    Enter,
    /// Gives back the gas of the jump destinations before this one (upper half) and goes on at the header (lower half).
    Rejoin,
    /// The end of a block that falls into the next one: the entry moves by `c`.
    Fall,
    /// The exact form goes on at pc `imm`; the entry moves by `c`.
    Exit,
    /// Jump to instruction `imm`; the entry moves by `c`.
    Jump,
    /// Jump to the pc in `a`; the entry moves by `c`.
    JumpTo,
    /// Jump to the lower half of `imm` if the condition holds; with `flag`, if it does not.
    JumpIf,
    JumpIfLtSS,
    JumpIfLtSC,
    JumpIfLtCS,
    JumpIfSltSS,
    JumpIfSltSC,
    JumpIfSltCS,
    JumpIfEqSS,
    JumpIfEqSC,
    /// `a` = `b`.
    Move,
    /// `a` = `b`, then `c` = slot `imm`.
    Move2,
    /// `a` = k.
    Const,
    AddSS,
    AddSC,
    MulSS,
    MulSC,
    SubSS,
    SubSC,
    SubCS,
    DivSS,
    DivSC,
    DivCS,
    ModSS,
    ModSC,
    ModCS,
    SdivSS,
    SdivSC,
    SmodSS,
    SmodSC,
    /// Slot `imm` = (`a` + `b`) mod `c`.
    AddMod,
    /// Slot `imm` (lower half) = (`a` + `b`) mod k.
    AddModC,
    MulMod,
    MulModC,
    LtSS,
    LtSC,
    LtCS,
    SltSS,
    SltSC,
    SltCS,
    EqSS,
    EqSC,
    AndSS,
    AndSC,
    OrSS,
    OrSC,
    XorSS,
    XorSC,
    Not,
    IsZero,
    Clz,
    Byte,
    /// Byte `imm`, below 32.
    ByteAt,
    SignExtend,
    /// From byte `imm`, below 31.
    SignExtendAt,
    Shl,
    /// By `imm`, below 256.
    ShlBy,
    ShlCS,
    Shr,
    ShrBy,
    Sar,
    SarBy,
    Mload,
    /// At offset `imm`.
    MloadAt,
    Mstore,
    /// Slot `a` to offset `imm`.
    MstoreAt,
    /// k to the offset in `a`.
    MstoreC,
    /// k to the offset in the lower half.
    MstoreAtC,
    Mstore8,
    CallDataLoad,
    /// `c` = gas left and `imm`, what of the block's gas is charged for opcodes behind this one.
    Gas,
    /// Opcode `flag` on up to six slots: `a`, `b` and the four quarters of `imm`; the result, if any, to `c`.
    Heavy,
}

/// What a slot field of an instruction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Nothing; it is zero.
    Unused,
    /// A slot that is read.
    Read,
    /// A slot that is written.
    Write,
    /// What the entry moves by.
    Moves,
    /// A header's count of items.
    Items,
}

/// What the immediate of an instruction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Immediate {
    /// Nothing; it is zero.
    Unused,
    /// A number: gas, an offset, a count of bits or bytes.
    Number,
    /// A pc at which the exact form goes on.
    Pc,
    /// A constant.
    Constant,
    /// A number below, a constant above.
    NumberConstant,
    /// An instruction below; nothing above.
    Target,
    /// A header below; a number above.
    HeaderNumber,
    /// An instruction below; a constant above.
    TargetConstant,
    /// A slot that is read in the lowest quarter.
    Read,
    /// A slot that is written in the lowest quarter.
    Write,
    /// A slot that is written in the lowest quarter; a constant above.
    WriteConstant,
    /// Four slots that are read, as far as the opcode has operands.
    Operands,
}

/// What the fields `a`, `b`, `c` and `imm` of an instruction are.
pub type Shape = (Field, Field, Field, Immediate);

impl Op {
    /// What its fields are. Of [`Op::Heavy`] the opcode says which of `a`, `b` and the operands are used, and whether `c` is.
    // tidy: dispatch table
    pub const fn shape(self) -> Shape {
        use Field::{Items, Moves, Read, Unused, Write};
        match self {
            Op::Enter => (Items, Items, Unused, Immediate::Number),
            Op::Rejoin => (Unused, Unused, Unused, Immediate::HeaderNumber),
            Op::Fall => (Unused, Unused, Moves, Immediate::Unused),
            Op::Exit => (Unused, Unused, Moves, Immediate::Pc),
            Op::Jump => (Unused, Unused, Moves, Immediate::Target),
            Op::JumpTo => (Read, Unused, Moves, Immediate::Unused),
            Op::JumpIf => (Read, Unused, Moves, Immediate::Target),
            Op::JumpIfLtSS | Op::JumpIfSltSS | Op::JumpIfEqSS => (Read, Read, Moves, Immediate::Target),
            Op::JumpIfLtSC | Op::JumpIfSltSC | Op::JumpIfEqSC => {
                (Read, Unused, Moves, Immediate::TargetConstant)
            }
            Op::JumpIfLtCS | Op::JumpIfSltCS => (Unused, Read, Moves, Immediate::TargetConstant),
            Op::Move => (Write, Read, Unused, Immediate::Unused),
            Op::Move2 => (Write, Read, Write, Immediate::Read),
            Op::Const => (Write, Unused, Unused, Immediate::Constant),
            Op::AddSC
            | Op::MulSC
            | Op::SubSC
            | Op::DivSC
            | Op::ModSC
            | Op::SdivSC
            | Op::SmodSC
            | Op::LtSC
            | Op::SltSC
            | Op::EqSC
            | Op::AndSC
            | Op::OrSC
            | Op::XorSC
            | Op::ShlCS => (Read, Unused, Write, Immediate::Constant),
            Op::SubCS | Op::DivCS | Op::ModCS | Op::LtCS | Op::SltCS => {
                (Unused, Read, Write, Immediate::Constant)
            }
            Op::AddMod | Op::MulMod => (Read, Read, Read, Immediate::Write),
            Op::AddModC | Op::MulModC => (Read, Read, Unused, Immediate::WriteConstant),
            Op::Not | Op::IsZero | Op::Clz | Op::Mload | Op::CallDataLoad => {
                (Read, Unused, Write, Immediate::Unused)
            }
            Op::ByteAt | Op::SignExtendAt | Op::ShlBy | Op::ShrBy | Op::SarBy => {
                (Read, Unused, Write, Immediate::Number)
            }
            Op::AddSS
            | Op::MulSS
            | Op::SubSS
            | Op::DivSS
            | Op::ModSS
            | Op::SdivSS
            | Op::SmodSS
            | Op::LtSS
            | Op::SltSS
            | Op::EqSS
            | Op::AndSS
            | Op::OrSS
            | Op::XorSS
            | Op::Byte
            | Op::SignExtend
            | Op::Shl
            | Op::Shr
            | Op::Sar => (Read, Read, Write, Immediate::Unused),
            Op::MloadAt => (Unused, Unused, Write, Immediate::Number),
            Op::Mstore | Op::Mstore8 => (Read, Read, Unused, Immediate::Unused),
            Op::MstoreAt => (Read, Unused, Unused, Immediate::Number),
            Op::MstoreC => (Read, Unused, Unused, Immediate::Constant),
            Op::MstoreAtC => (Unused, Unused, Unused, Immediate::NumberConstant),
            Op::Gas => (Unused, Unused, Write, Immediate::Number),
            Op::Heavy => (Read, Read, Write, Immediate::Operands),
        }
    }

    /// Whether nothing behind it runs next.
    pub const fn leaves(self) -> bool {
        matches!(self, Op::Rejoin | Op::Exit | Op::Jump | Op::JumpTo)
    }

    /// Whether it ends its block and the next one may follow.
    pub const fn moves_on(self) -> bool {
        matches!(self.shape(), (_, _, Field::Moves, _)) && !self.leaves()
    }
}

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Instr {
    /// What it does.
    pub op: Op,
    /// See [`Op`].
    pub flag: u8,
    /// See [`Op`].
    pub a: i16,
    /// See [`Op`].
    pub b: i16,
    /// See [`Op`].
    pub c: i16,
    /// See [`Op`].
    pub imm: u64,
}

/// One translated block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// Its first instruction.
    pub(crate) first: u32,
    /// Its first opcode.
    pub(crate) pc: u32,
    /// Its static gas.
    pub(crate) gas: u32,
    /// How many JUMPDESTs it begins with.
    pub(crate) run: u32,
}

/// What a translation is made of, before it is verified.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    pub(crate) instrs: Box<[Instr]>,
    pub(crate) pool: Box<[U256]>,
    /// For every pc the number of the instruction to enter at, plus one; zero if there is none.
    pub(crate) entries: Box<[u32]>,
    /// For every instruction the pc of its opcode.
    pub(crate) pcs: Box<[u32]>,
    /// In order of both their instructions and their opcodes.
    pub(crate) blocks: Box<[Block]>,
}

/// Marks an entry that may be jumped to.
pub(crate) const JUMPABLE: u32 = 1 << 31;

/// Where a stack item of the exact form is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a slot.
    Slot(i16),
    /// It is a constant.
    Constant(U256),
}

/// What the exact form has before an opcode in the middle of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Static gas of the block that opcodes before this one did not use: it is to be given back.
    pub unused_gas: u64,
    /// Position of the first item of `items`, relative to the entry; what is below is in its place.
    pub low: i16,
    /// The stack above `low`, bottom first.
    pub items: Vec<Place>,
}
