//! Code without two instructions that stand apart: one pushes what the other takes.

use crate::{
    Search,
    code::{each_instruction, end_of},
    listing::spliced,
};

/// How far apart they may stand, in instructions.
const REACH: usize = 12;
/// Code with more instructions is left alone: there the runs are still to do more.
const LARGEST: usize = 200;

pub(crate) fn run(search: &mut Search<'_>) {
    each_instruction(search, |code, offsets, first| {
        if offsets.len() > LARGEST {
            return Vec::new();
        }
        let seconds = offsets.iter().skip(first + 2).take(REACH);
        let without = |second: &usize| {
            let behind = spliced(code, *second..end_of(code, *second), &[]);
            let start = offsets[first];
            behind.into_iter().flat_map(move |code| spliced(&code, start..end_of(&code, start), &[]))
        };
        seconds.flat_map(without).collect()
    });
}
