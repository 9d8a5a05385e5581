//! Jumps that are straightened: what stands between a jump and where it goes is taken out, and both with it.

use parallax_primitives::Opcode;

use crate::{
    Search,
    code::{each_instruction, end_of},
    listing::{instructions, spliced},
};

pub(crate) fn run(search: &mut Search<'_>) {
    each_instruction(search, |code, offsets, index| {
        let jump = Opcode(code[offsets[index]]);
        if !matches!(jump, Opcode::JUMP | Opcode::JUMPI) {
            return Vec::new();
        }
        let is_conditional = jump == Opcode::JUMPI;
        let condition: &[u8] = if is_conditional { &[Opcode::POP.0] } else { &[] };
        let end = end_of(code, offsets[index]);
        let pushed = index.checked_sub(1).map(|before| offsets[before]);
        let pushed = pushed.and_then(|at| instructions(&code[at..]).next().map(|push| (at, push)));
        let mut codes = Vec::new();
        if let Some((start, push)) = pushed.filter(|(_, push)| !push.data.is_empty()) {
            // To its destination, which is not needed any more, and to that alone.
            let to = usize::try_from(push.value()).ok().filter(|to| *to >= end && *to < code.len());
            for behind in to.into_iter().flat_map(|to| [to + 1, to]) {
                codes.extend(spliced(code, start..behind, condition));
            }
            // Not to jump at all.
            codes.extend(spliced(code, start..end, condition));
        }
        let items = [Opcode::POP.0; 2];
        codes.extend(spliced(code, offsets[index]..end, &items[..1 + usize::from(is_conditional)]));
        codes
    });
}
