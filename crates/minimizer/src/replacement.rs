//! Plainer instructions in place of others: STOP, JUMPDEST, POP, and a zero where something is pushed.

use parallax_primitives::{Class, Opcode, U256};

use crate::{
    Search,
    code::{each_instruction, end_of},
    listing::{push, spliced},
};

pub(crate) fn run(search: &mut Search<'_>) {
    each_instruction(search, |code, offsets, index| {
        let start = offsets[index];
        let opcode = Opcode(code[start]);
        let with = |new: &[u8]| spliced(code, start..end_of(code, start), new);
        let mut codes = Vec::new();
        for plain in [Opcode::STOP, Opcode::JUMPDEST, Opcode::POP] {
            if plain != opcode {
                codes.extend(with(&[plain.0]));
            }
        }
        codes.extend(without_effect(opcode).iter().flat_map(|new| with(new)));
        codes
    });
}

/// What takes and leaves as many items as an opcode does: it takes them away, and pushes zeros.
fn without_effect(opcode: Opcode) -> Vec<Vec<u8>> {
    let Some(info) = opcode.info() else { return Vec::new() };
    if matches!(info.class, Class::Deep) || opcode.push_data() > 0 {
        return Vec::new();
    }
    let pops = vec![Opcode::POP.0; info.inputs.len()];
    let zeros = |zero: &[u8]| [pops.clone(), zero.repeat(info.outputs.len())].concat();
    vec![zeros(&[Opcode::PUSH0.0]), zeros(&push(U256::ZERO)), zeros(&push(U256::ONE))]
}
