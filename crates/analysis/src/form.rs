//! The fast form: what a translated code consists of.

use parallax_primitives::{Opcode, U256};

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
}

/// A whole code in the fast form.
#[derive(Debug)]
pub struct FastCode {
    pub(crate) instrs: Box<[Instr]>,
    pub(crate) pool: Box<[U256]>,
    pub(crate) entries: Box<[u32]>,
    pub(crate) pcs: Box<[u32]>,
    pub(crate) blocks: Box<[Block]>,
}

/// Marks an entry that may be jumped to.
pub(crate) const JUMPABLE: u32 = 1 << 31;

impl FastCode {
    /// The instructions. The last one of every block never falls through, or another block follows it.
    pub fn instrs(&self) -> &[Instr] {
        &self.instrs
    }

    /// The constants that instructions point to.
    pub fn pool(&self) -> &[U256] {
        &self.pool
    }

    /// The instruction to go on at, if the form can be entered at `pc`.
    #[inline]
    pub fn entry(&self, pc: usize) -> Option<u32> {
        match self.entries.get(pc) {
            Some(entry) if entry & !JUMPABLE != 0 => Some((entry & !JUMPABLE) - 1),
            _ => None,
        }
    }

    /// The instruction to jump to, if `pc` is a jump destination.
    #[inline]
    pub fn jump(&self, pc: u64) -> Option<u32> {
        match usize::try_from(pc).ok().and_then(|pc| self.entries.get(pc)) {
            Some(entry) if entry & JUMPABLE != 0 => Some((entry & !JUMPABLE) - 1),
            _ => None,
        }
    }

    /// The pc of the opcode that an instruction came from.
    #[inline]
    pub fn pc(&self, instr: u32) -> usize {
        self.pcs[instr as usize] as usize
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
