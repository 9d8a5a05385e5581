//! Constants towards zero, one and powers of two, by fewer bytes.

use parallax_primitives::{Opcode, U256};

use crate::{
    Search,
    code::{each_instruction, end_of},
    listing::{instructions, push, spliced},
    values::plainer,
};

pub(crate) fn run(search: &mut Search<'_>) {
    each_instruction(search, |code, offsets, index| {
        let start = offsets[index];
        let Some(instruction) = instructions(&code[start..]).next().filter(|push| !push.data.is_empty())
        else {
            return Vec::new();
        };
        let (value, length) = (instruction.value(), instruction.data.len());
        let with = |new: &[u8]| spliced(code, start..end_of(code, start), new);
        let mut codes = with(&[Opcode::PUSH0.0]);
        // Once more what was pushed just before.
        let before = index.checked_sub(1).and_then(|before| instructions(&code[offsets[before]..]).next());
        if before.is_some_and(|before| {
            before.opcode == Opcode::DUP1 || before.value() == value && !before.data.is_empty()
        }) {
            codes.extend(with(&[Opcode::DUP1.0]));
        }
        for word in plainer(value).chain([value]) {
            let short = push(word);
            // What it is, but by fewer bytes.
            if word != value || short.len() < 1 + length {
                codes.extend(with(&short));
            }
        }
        codes.extend(made(value, length).iter().flat_map(|new| with(new)));
        // The same number of bytes with another number in them: what is behind it stays where it is.
        codes.extend(
            of_length(U256::ZERO, length).and_then(|data| with(&[&[code[start]][..], &data].concat()).pop()),
        );
        codes
    });
}

/// What makes a long word of short ones: its complement, a power of two; or a gas that is large enough.
fn made(word: U256, length: usize) -> Vec<Vec<u8>> {
    let mut codes = Vec::new();
    if length > 1 {
        codes.push(vec![Opcode::GAS.0]);
    }
    for word in [word, U256::MAX, U256::ONE.wrapping_shl(word.bit_len().saturating_sub(1))] {
        codes.push([&push(!word)[..], &[Opcode::NOT.0]].concat());
        let power = word.bit_len().saturating_sub(1);
        if word.is_power_of_two() {
            codes.push([push(U256::from(power)), push(U256::from(2)), vec![Opcode::EXP.0]].concat());
        }
    }
    codes.retain(|code| code.len() <= length);
    codes
}

fn of_length(word: U256, length: usize) -> Option<Vec<u8>> {
    (1..=32).contains(&length).then(|| word.to_be_bytes::<32>()[32 - length..].to_vec())
}
