//! Code that brings the stack and the memory to where the opcode has them, runs it, and looks.

use parallax_primitives::{Opcode, U256};

use super::{
    gas,
    operands::{self, Operand, Operands},
    probes,
    stage::Stage,
};
use crate::{pads::static_gas, writer::Writer};

/// Items that a stack holds.
const LIMIT: usize = 1024;
/// Bytes of the end of a pushed place.
const PLACE: usize = 3;

/// What is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// The opcode.
    pub(super) opcode: Opcode,
    /// Whether nothing is to stand before the opcode whose cost is not in the tables, as the gas of the frame is worked out, or there is
    /// little of it.
    pub(super) is_plain: bool,
}

/// What was written.
pub(super) struct Body {
    pub(super) code: Vec<u8>,
    /// Gas of what stands before the opcode.
    pub(super) before: u64,
    /// What the opcode costs in any case.
    pub(super) least: u64,
    /// What it costs if the state is as it may be.
    pub(super) most: u64,
}

/// How many items the opcode finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stack {
    /// What it takes and so many below.
    Enough(usize),
    /// One less than it takes.
    Short,
    /// None.
    Empty,
    /// So many in all.
    Full(usize),
}

/// Writes the opcode's code behind what `w` has.
pub(super) fn write(stage: &mut Stage, mut w: Writer, plan: Plan) -> Body {
    let Plan { opcode, is_plain } = plan;
    let start = w.code.len();
    if !is_plain && stage.random.once_in(2) {
        probes::prepare(stage, &mut w);
    }
    let Operands { mut items, data, immediate } = operands::of(stage, opcode);
    let (paid, mut before, source) = memory(stage, &mut w, data.len());
    let stack = stack(stage, opcode);
    match stack {
        Stack::Short => drop(items.pop()),
        Stack::Empty => items.clear(),
        Stack::Enough(_) | Stack::Full(_) => {}
    }
    let below = match stack {
        Stack::Enough(below) => below,
        Stack::Full(height) => height.saturating_sub(w.height + items.len()),
        Stack::Short | Stack::Empty => 0,
    };
    for _ in 0..below {
        w.op(Opcode::PC);
    }
    let places = push(&mut w, &items);
    before += static_gas(stage.rules.opcodes(), &w.code[start..]);
    let at = w.code.len();
    w.op(opcode);
    w.code.extend(&immediate);
    let is_cut = !immediate.is_empty() && data.is_empty() && stage.random.once_in(16);
    if is_cut {
        let bytes = stage.random.below(immediate.len());
        w.code.truncate(at + 1 + bytes);
    } else {
        follow(stage, &mut w, opcode, &places);
    }
    if let Some(source) = source {
        append(&mut w, source, &data);
    }
    let operands: Vec<_> =
        items.iter().map(|item| if let Operand::Word(word) = item { *word } else { U256::ZERO }).collect();
    let least = u64::from(stage.rules.opcodes()[usize::from(opcode.0)].gas)
        + gas::surely(stage.rules, opcode, &operands, paid);
    let most = least + gas::maybe(&mut stage.random, stage.rules, opcode);
    Body { code: w.code, before, least, most }
}

/// What stands behind the opcode: a place that it may jump to, and what looks at it.
fn follow(stage: &mut Stage, w: &mut Writer, opcode: Opcode, places: &[(usize, bool)]) {
    let results = w.height;
    if matches!(opcode, Opcode::JUMP | Opcode::JUMPI) {
        // Looks like a destination, and is the data of a PUSH.
        w.push_wide(1, U256::from(Opcode::JUMPDEST.0));
        let [data, destination] = [w.code.len() - 1, w.destination()];
        for (at, in_data) in places {
            let more = U256::from_be_slice(&w.code[*at..at + PLACE]);
            set(w, *at, U256::from(if *in_data { data } else { destination }) + more);
        }
    }
    if results >= LIMIT - 16 {
        for _ in 0..8 {
            w.op(Opcode::POP);
        }
    }
    let outputs = opcode.info().map_or(0, |info| info.outputs.len());
    probes::behind(stage, w, outputs);
}

fn stack(stage: &mut Stage, opcode: Opcode) -> Stack {
    let grows = {
        let row = &stage.rules.opcodes()[usize::from(opcode.0)];
        row.outputs > row.inputs || opcode == Opcode::DUPN
    };
    let random = &mut stage.random;
    if random.once_in(if grows { 24 } else { 96 }) {
        return Stack::Full(random.pick(&[LIMIT, LIMIT, LIMIT - 1]));
    }
    match random.below(32) {
        0..=2 => Stack::Short,
        3 => Stack::Empty,
        4..=8 => Stack::Enough(random.between(1, 3)),
        _ => Stack::Enough(0),
    }
}

/// Memory with `bytes` of data that stand at the end of the code, or with a word, or none. Answers how many words are paid for, what that
/// cost beyond static gas, and where the place of the data is to be set.
fn memory(stage: &mut Stage, w: &mut Writer, bytes: usize) -> (u64, u64, Option<usize>) {
    let rules = stage.rules;
    if bytes > 0 {
        let source = copy_from_end(w, bytes, 0);
        let words = bytes.div_ceil(32) as u64;
        return (words, gas::of_memory(rules, words) + rules.gas().copy_word * words, Some(source));
    }
    if !stage.random.once_in(3) {
        return (0, 0, None);
    }
    let at: u64 = stage.random.pick(&[0, 1, 31, 32, 64]);
    let word = stage.random.word();
    w.push(word);
    w.push(at);
    w.op(Opcode::MSTORE);
    let words = (at + 32).div_ceil(32);
    (words, gas::of_memory(rules, words), None)
}

/// Copies so many bytes from the end of the code to memory. Answers where the place is to be set.
pub(super) fn copy_from_end(w: &mut Writer, bytes: usize, to: usize) -> usize {
    w.push(bytes);
    w.push_wide(PLACE, U256::ZERO);
    let source = w.code.len() - PLACE;
    w.push(to);
    w.op(Opcode::CODECOPY);
    source
}

/// Puts data at the end of the code, and its place where it was left out.
pub(super) fn append(w: &mut Writer, source: usize, data: &[u8]) {
    let place = U256::from(w.code.len());
    set(w, source, place);
    w.code.extend(data);
}

/// Writes a place where one was left out.
fn set(w: &mut Writer, at: usize, place: U256) {
    w.code[at..at + PLACE].copy_from_slice(&place.to_be_bytes::<32>()[32 - PLACE..]);
}

/// Pushes the operands, the topmost last. Answers where places behind the opcode are to be set, and whether in push data.
fn push(w: &mut Writer, items: &[Operand]) -> Vec<(usize, bool)> {
    let mut places = Vec::new();
    for item in items.iter().rev() {
        match *item {
            Operand::Word(word) => w.push(word),
            Operand::Behind { in_data, more } => {
                w.push_wide(32.min(more.byte_len().max(PLACE)), more);
                let at = w.code.len() - PLACE;
                places.push((at, in_data));
            }
        }
    }
    places
}
