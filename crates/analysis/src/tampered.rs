//! Translations that are not what translation made of a code: what the verifier is tried with.

use parallax_primitives::Rules;

use crate::{code::PaddedCode, fast_code::FastCode, form::Parts, translate::parts, verify::Malformed};

/// Bytes of one change: which table, which row, which field, and a value.
const CHANGE: usize = 12;

/// What the verifier says of a translation of `code` with changes in its tables, of which each twelve bytes of `changes` are one. Any
/// bytes are changes. What it lets pass has a shape that can be run, whatever it means.
///
/// # Errors
///
/// What the verifier found.
pub fn verify_tampered(code: &PaddedCode, rules: Rules, changes: &[u8]) -> Result<FastCode, Malformed> {
    let mut parts = parts(code, rules);
    for change in changes.as_chunks::<CHANGE>().0 {
        apply(&mut parts, change);
    }
    FastCode::verified(parts, code, rules)
}

fn apply(parts: &mut Parts, change: &[u8; CHANGE]) {
    let [table, row, more, field, value @ ..] = *change;
    let (row, value) = (usize::from(u16::from_le_bytes([row, more])), u64::from_le_bytes(value));
    let [low, high, ..] = value.to_le_bytes();
    let (narrow, wide) = (i16::from_le_bytes([low, high]), u32::try_from(value & 0xffff_ffff).unwrap_or(0));
    match table % 6 {
        0 | 1 => {
            let count = parts.instrs.len();
            // An opcode of the form is another instruction's: there are no others.
            let op = parts.instrs[usize::try_from(value).unwrap_or(0) % count].op;
            let instr = &mut parts.instrs[row % count];
            match field % 6 {
                0 => instr.op = op,
                1 => instr.flag = low,
                2 => instr.a = narrow,
                3 => instr.b = narrow,
                4 => instr.c = narrow,
                _ => instr.imm = value,
            }
        }
        2 => {
            let at = row % parts.entries.len();
            parts.entries[at] = wide;
        }
        3 => {
            let at = row % parts.pcs.len();
            parts.pcs[at] = wide;
        }
        4 => {
            let at = row % parts.blocks.len();
            let block = &mut parts.blocks[at];
            *if field % 2 == 0 { &mut block.first } else { &mut block.pc } = wide;
        }
        // Tables that lack their ends.
        _ => {
            let keep = |count: usize| count.saturating_sub(1 + row % 4);
            match field % 5 {
                0 => parts.instrs = parts.instrs[..keep(parts.instrs.len()).max(1)].into(),
                1 => parts.pool = parts.pool[..keep(parts.pool.len())].into(),
                2 => parts.entries = parts.entries[..keep(parts.entries.len()).max(1)].into(),
                3 => parts.pcs = parts.pcs[..keep(parts.pcs.len()).max(1)].into(),
                _ => parts.blocks = parts.blocks[..keep(parts.blocks.len()).max(1)].into(),
            }
        }
    }
}
