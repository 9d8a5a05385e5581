//! The fast form: what a translated code consists of.

use parallax_primitives::{Opcode, OpcodeTable, U256};

use crate::{
    code::PaddedCode,
    verify::{Malformed, verify},
};

/// Slots for temporaries, relative to a block's entry: above the highest stack, and not a whole number of pages away from
/// it, so that a temporary and the stack item it came from do not collide in the cache.
pub const TEMPORARIES: std::ops::Range<i16> = 1061..1317;

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
    /// An instruction below; a number above.
    TargetNumber,
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
            Op::Rejoin => (Unused, Unused, Unused, Immediate::TargetNumber),
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

/// A whole code in the fast form. Its shape is sound, whatever translation did: [`FastCode::verified`] is the one way to make
/// one, and says what that means.
#[derive(Debug)]
pub struct FastCode(Parts);

/// Marks an entry that may be jumped to.
pub(crate) const JUMPABLE: u32 = 1 << 31;

impl FastCode {
    /// Verifies a translation of `code` under the rules of `table`, in time linear in it. What holds of every value:
    ///
    /// 1. There is a first instruction. It is a header, and behind every instruction that can go on ([`Op::leaves`]) there is
    ///    another one, which is no [`Op::Rejoin`]; behind one that moves the entry it is a header.
    /// 2. Behind a header, up to the next one, every slot that an instruction names is one of those between `-a` and `b` of the
    ///    header, or a [temporary](TEMPORARIES); and so is, `b` included, what the entry moves by. Neither `a` nor `b` is
    ///    negative nor above the [limit of the stack](parallax_primitives::STACK_LIMIT).
    /// 3. Every constant that an instruction names is in the pool.
    /// 4. Every instruction that a jump or an entry names exists and is a header or an [`Op::Rejoin`], and that names a header.
    /// 5. [`FastCode::jump`] answers at the jump destinations of the code and nowhere else.
    /// 6. Every pc is at most the code's length, or where the data of a PUSH that is cut off would end.
    /// 7. [`Op::Heavy`] names an opcode that this fork defines and that runs out of the loop's line. It may be given six slots.
    pub(crate) fn verified(parts: Parts, code: &PaddedCode, table: &OpcodeTable) -> Result<Self, Malformed> {
        verify(&parts, code, table)?;
        Ok(Self(parts))
    }

    /// The instructions.
    #[inline]
    pub fn instrs(&self) -> &[Instr] {
        &self.0.instrs
    }

    /// The constants that instructions point to.
    #[inline]
    pub fn pool(&self) -> &[U256] {
        &self.0.pool
    }

    /// The instruction to go on at, if the form can be entered at `pc`.
    #[inline]
    pub fn entry(&self, pc: usize) -> Option<u32> {
        match self.0.entries.get(pc) {
            Some(entry) if entry & !JUMPABLE != 0 => Some((entry & !JUMPABLE) - 1),
            _ => None,
        }
    }

    /// The instruction to jump to, if `pc` is a jump destination.
    #[inline]
    pub fn jump(&self, pc: u64) -> Option<u32> {
        match usize::try_from(pc).ok().and_then(|pc| self.0.entries.get(pc)) {
            Some(entry) if entry & JUMPABLE != 0 => Some((entry & !JUMPABLE) - 1),
            _ => None,
        }
    }

    /// The pc of the opcode that an instruction came from.
    #[inline]
    pub fn pc(&self, instr: u32) -> usize {
        self.0.pcs[instr as usize] as usize
    }

    /// The block that an instruction is in.
    pub(crate) fn block_of(&self, instr: u32) -> Block {
        let behind = self.0.blocks.partition_point(|block| block.first <= instr);
        self.0.blocks[behind.saturating_sub(1)]
    }

    /// Bytes that it takes.
    pub fn size(&self) -> usize {
        let Parts { instrs, pool, entries, pcs, blocks } = &self.0;
        size_of_val(&**instrs)
            + size_of_val(&**pool)
            + size_of_val(&**entries)
            + size_of_val(&**pcs)
            + size_of_val(&**blocks)
    }
}

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

/// Whether the opcode runs out of the loop's line, in the middle of a block.
pub(crate) fn is_heavy(opcode: Opcode) -> bool {
    matches!(
        opcode.0,
        0x0a | 0x20 | 0x30..=0x34 | 0x36..=0x4a | 0x54 | 0x55 | 0x59 | 0x5c..=0x5e | 0xa0..=0xa4
    )
}
