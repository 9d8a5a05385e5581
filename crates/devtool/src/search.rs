//! Finds the steps that run an opcode, stand at a place, or bring a value about.

use std::collections::VecDeque;

use parallax_primitives::{Opcode, U256};

use crate::{
    cursor::opcode,
    error::ApiError,
    model::{Match, Matches, SideName},
    side::{Found, Side},
    source::number,
};

/// Steps that are looked at in the first go backwards; every further one takes in twice as many, since each begins by building a
/// whole state.
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
        let mut matches: Vec<Match> =
            in_range(side, name, wanted, (from, side.len()), (limit + 1, false)).into();
        let next = matches.get(limit).map(|found| found.step_index);
        matches.truncate(limit);
        return Matches { matches, next };
    }
    let mut matches: Vec<Match> = Vec::new();
    let mut end = from.min(side.len());
    let mut chunk = CHUNK;
    while end > 0 && matches.len() <= limit {
        let start = end.saturating_sub(chunk);
        matches.extend(in_range(side, name, wanted, (start, end), (limit + 1, true)).into_iter().rev());
        end = start;
        chunk = chunk.saturating_mul(2);
    }
    // The search goes on before the last one shown.
    let next =
        matches.get(limit).and_then(|_| matches.get(limit.saturating_sub(1))).map(|last| last.step_index);
    matches.truncate(limit);
    Matches { matches, next }
}

/// The first matches of a range, or the last ones; at most so many.
fn in_range(
    side: &Side,
    name: SideName,
    wanted: Wanted,
    (from, to): (u64, u64),
    (limit, last_ones): (usize, bool),
) -> VecDeque<Match> {
    let mut matches = VecDeque::new();
    let mut put = |found: Match| {
        matches.push_back(found);
        if last_ones && matches.len() > limit {
            matches.pop_front();
        }
        !last_ones && matches.len() == limit
    };
    let mut walk = side.walk(from);
    let mut last: Option<Last> = None;
    let mut step = from;
    // One more step than asked for: what the last one left is found by the next.
    while step <= to
        && let Some(found) = walk.advance()
    {
        let at = |step_index, place, item| Match { step_index, side: name, place, item };
        if let (Wanted::Value(value), Some(before)) = (wanted, last.take())
            && before.leaves(&found, value)
        {
            let item = found.stack.map(|stack| stack.len().saturating_sub(1) as u64);
            if put(at(step - 1, "stack", item)) {
                break;
            }
        }
        if step == to {
            break;
        }
        let place = match wanted {
            Wanted::Opcode(opcode) => (found.opcode == opcode).then_some(("opcode", None)),
            Wanted::Pc(pc) => (found.pc == pc).then_some(("pc", None)),
            Wanted::Value(value) => {
                let place = written(&found, value);
                if place.is_none() {
                    last = Some(Last { call: found.call, depth: found.depth, opcode: found.opcode });
                }
                place
            }
        };
        if let Some((place, item)) = place
            && put(at(step, place, item))
        {
            break;
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
        let puts = self.opcode.info().is_some_and(|info| !info.outputs.is_empty());
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
