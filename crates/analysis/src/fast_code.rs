//! The fast form of a whole code.

use parallax_primitives::{Rules, U256};

use crate::{
    code::PaddedCode,
    form::{Block, Instr, JUMPABLE, Parts},
    verify::{Malformed, verify},
};

/// A whole code in the fast form. There is one way to make one, which verifies its shape in every build, whatever translation
/// did. What holds of every value:
///
/// 1. There is a first instruction. It is a header, and behind every instruction that can go on ([`Op::leaves`]) there is
///    another one, which is no [`Op::Rejoin`]; behind one that moves the entry it is a header.
/// 2. Behind a header, up to the next one, every slot that an instruction names is one of those between `-a` and `b` of the
///    header, or a [temporary][TEMPORARIES]; and so is, `b` included, what the entry moves by. Neither `a` nor `b` is
///    negative nor above the [limit of the stack](parallax_primitives::STACK_LIMIT).
/// 3. Every constant that an instruction names is in the pool.
/// 4. Every instruction that a jump or an entry names exists and is a header or an [`Op::Rejoin`], and that names a header.
/// 5. [`FastCode::jump`] answers at the jump destinations of the code and nowhere else.
/// 6. Every pc is at most the code's length, or where the data of a PUSH that is cut off would end.
/// 7. [`Op::Heavy`] names an opcode that the rules define and that runs out of the loop's line. It may be given six slots.
///
/// [`Op::leaves`]: crate::Op::leaves
/// [`Op::Rejoin`]: crate::Op::Rejoin
/// [`Op::Heavy`]: crate::Op::Heavy
/// [TEMPORARIES]: crate::TEMPORARIES
#[derive(Debug)]
pub struct FastCode(Parts);

impl FastCode {
    /// Verifies a translation of `code` under `rules`, in time linear in it.
    pub(crate) fn verified(parts: Parts, code: &PaddedCode, rules: Rules) -> Result<Self, Malformed> {
        verify(&parts, code, rules)?;
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
