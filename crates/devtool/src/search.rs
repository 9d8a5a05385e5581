//! Finds the steps that run an opcode, stand at a place, or bring a value about.

use parallax_primitives::{Opcode, U256};

use crate::{
    error::ApiError,
    model::{Match, Matches, SideName},
    navigate::opcode,
    side::{Found, Side},
    source::number,
};

/// Steps that are looked at in one go backwards.
const CHUNK: u64 = 1 << 14;

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    Opcode(Opcode),
    Pc(u64),
    Value(U256),
}

impl Wanted {
    pub(crate) fn new(kind: &str, text: &str) -> Result<Self, ApiError> {
        match kind {
            "opcode" => opcode(text, "q").map(Wanted::Opcode),
            "pc" => number("q", text)?
                .try_into()
                .map(Wanted::Pc)
                .map_err(|_| ApiError::bad("q", "expected an offset in the code")),
            "value" => number("q", text).map(Wanted::Value),
            _ => Err(ApiError::bad("kind", "expected opcode, pc or value")),
        }
    }
}

/// The first matches from a step on, or, backwards, the last before it.
pub(crate) fn search(
    side: &Side,
    name: SideName,
    wanted: Wanted,
    from: u64,
    limit: usize,
    backwards: bool,
) -> Matches {
    if !backwards {
        let mut matches = in_range(side, name, wanted, (from, side.len()), limit + 1);
        let next = matches.get(limit).map(|found| found.step_index);
        matches.truncate(limit);
        return Matches { matches, next };
    }
    let mut matches: Vec<Match> = Vec::new();
    let mut end = from.min(side.len());
    while end > 0 && matches.len() <= limit {
        let start = end.saturating_sub(CHUNK);
        let mut found = in_range(side, name, wanted, (start, end), usize::MAX);
        found.reverse();
        matches.append(&mut found);
        end = start;
    }
    // The search goes on before the last one shown.
    let next =
        matches.get(limit).and_then(|_| matches.get(limit.saturating_sub(1))).map(|last| last.step_index);
    matches.truncate(limit);
    Matches { matches, next }
}

fn in_range(side: &Side, name: SideName, wanted: Wanted, (from, to): (u64, u64), limit: usize) -> Vec<Match> {
    let mut matches = Vec::new();
    let mut walk = side.walk(from);
    let mut last: Option<Last> = None;
    let mut step = from;
    // One more step than asked for: what the last one left is found by the next.
    while step <= to
        && matches.len() < limit
        && let Some(found) = walk.advance()
    {
        let at = |step_index, place, item| Match { step_index, side: name, place, item };
        if let (Wanted::Value(value), Some(before)) = (wanted, last.take())
            && before.leaves(&found, value)
        {
            let item = found.stack.map(|stack| stack.len().saturating_sub(1) as u64);
            matches.push(at(step - 1, "stack", item));
        }
        if step == to || matches.len() == limit {
            break;
        }
        match wanted {
            Wanted::Opcode(opcode) if found.opcode == opcode => matches.push(at(step, "opcode", None)),
            Wanted::Pc(pc) if found.pc == pc => matches.push(at(step, "pc", None)),
            Wanted::Value(value) => {
                if let Some((place, item)) = written(&found, value) {
                    matches.push(at(step, place, item));
                } else {
                    last = Some(Last { call: found.call, depth: found.depth, opcode: found.opcode });
                }
            }
            _ => {}
        }
        step += 1;
    }
    matches
}

/// The step before.
struct Last {
    call: Option<usize>,
    depth: u16,
    opcode: Opcode,
}

impl Last {
    /// Whether it put the value on the stack that the next step finds.
    fn leaves(&self, next: &Found<'_>, value: U256) -> bool {
        let puts = self.opcode.info().is_some_and(|info| info.outputs > 0);
        let is_top = next.stack.and_then(<[U256]>::last) == Some(&value);
        puts && is_top && (self.call, self.depth) == (next.call, next.depth)
    }
}

/// Whether a step writes the value to memory, or has to do with storage of this value or key.
fn written(found: &Found<'_>, value: U256) -> Option<(&'static str, Option<u64>)> {
    let stack = found.stack?;
    let operand = |at: usize| stack.len().checked_sub(at + 1).and_then(|at| stack.get(at)).copied();
    match found.opcode {
        Opcode::MSTORE if operand(1) == Some(value) => Some(("memory", operand(0)?.try_into().ok())),
        Opcode::SSTORE | Opcode::TSTORE if [operand(0), operand(1)].contains(&Some(value)) => {
            Some(("storage", None))
        }
        Opcode::SLOAD | Opcode::TLOAD if operand(0) == Some(value) => Some(("storage", None)),
        _ => None,
    }
}
