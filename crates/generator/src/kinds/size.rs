//! Code as long as it may be deployed, as it may be as init code, and longer than either.

use parallax_primitives::Opcode;

use super::{Budget, control, words};
use crate::writer::Writer;

/// EIP-170's limit, EIP-3860's, and what a bare message may have.
const SIZES: [usize; 3] = [24_576, 49_152, 131_072];

/// Repeats one unit to the end, or writes on as other kinds do.
pub(super) fn large(w: &mut Writer) -> Budget {
    let size = w.random.pick(&SIZES) - w.random.below(3);
    const UNITS: [&[u8]; 9] = [
        &[0x5b],
        &[0x58, 0x50],
        &[0x60, 1],
        &[0x5b, 0x50],
        &[0x9f, 0x80],
        &[0x60],
        &[0x58, 0x5b],
        &[0x58, 0x58, 0x57],
        &[0x5a, 0x19, 0x50],
    ];
    let unit = w.random.below(2 * UNITS.len());
    while w.code.len() < size {
        match UNITS.get(unit) {
            Some(unit) => w.code.extend(*unit),
            None if w.random.once_in(2) => drop(control::displaced(w)),
            None => drop(words::folds(w)),
        }
        if w.height > 500 {
            w.level(10);
        }
    }
    w.code.truncate(size);
    w.op(Opcode::GAS);
    Budget::Loops
}
