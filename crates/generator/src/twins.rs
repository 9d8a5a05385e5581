//! Metamorphic pairs: programs that must come to the same on one engine, and that its translator sees otherwise.

use parallax_primitives::Opcode;

use crate::{
    Case, Draw, KINDS, Kind, Program,
    pads::{Form, Pads},
};

/// The kinds that have none: their code looks at its own bytes, or is cut off somewhere.
const WITHOUT: [&str; 2] = ["creates", "large"];

/// One program with three sorts of no-ops in it, which cost the same gas and take the same bytes: so every pc, jump, entry of a block that
/// is jumped to, and gas there is the same, and so is all that comes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Twins {
    /// In the first the no-ops are part of the blocks around them, in the second JUMPDESTs cut the code into pieces; the third has both.
    pub cases: [Case; 3],
}

impl Twins {
    /// Twins `number` of `seed`: always the same ones. Kinds that have none stand for all those that have.
    pub fn new(seed: u64, number: u64, draw: Draw<'_>) -> Self {
        let (mut random, rules) = draw.begin(seed, number);
        let has_twins = |kind: &&Kind| kind.fits(rules) && Self::are_of(kind.name);
        let named: Vec<_> =
            draw.kinds.iter().filter_map(|name| Kind::named(name)).filter(has_twins).collect();
        let kind = match named[..] {
            [] => {
                let mut drawn = std::iter::repeat_with(|| Kind::drawn(random.below(1 << 30)));
                // There are kinds that are short and need no EIP.
                drawn.find(has_twins).unwrap_or(&KINDS[0])
            }
            _ => random.pick(&named),
        };
        let (program, pads) = (random.bits(), random.bits());
        let max_gas = if random.once_in(4) { u64::MAX } else { 40_000 };
        let case = |form| {
            let mut program = Program::padded(kind, program, rules, max_gas, Pads::new(form, pads));
            blind(&mut program.code);
            Case::of_program(&program)
        };
        Self { cases: [Form::Whole, Form::Split, Form::Mixed].map(case) }
    }

    /// Whether there are some of a kind.
    pub fn are_of(kind: &str) -> bool {
        Kind::named(kind).is_some() && !WITHOUT.contains(&kind)
    }
}

/// Takes the opcodes out that see the bytes of the code, for others that take and leave as many items. Nothing that runs is left out:
/// whatever a jump goes to is where an opcode begins.
fn blind(code: &mut [u8]) {
    let mut pc = 0;
    while let Some(byte) = code.get_mut(pc) {
        let opcode = match Opcode(*byte) {
            Opcode::CODECOPY => Opcode::CALLDATACOPY,
            Opcode::EXTCODECOPY => Opcode::LOG2,
            Opcode::EXTCODEHASH => Opcode::EXTCODESIZE,
            opcode => opcode,
        };
        *byte = opcode.0;
        pc += 1 + opcode.push_data();
    }
}
