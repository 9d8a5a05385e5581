//! Two sides step by step, and what differs between them at each.
//!
//! This is for looking at two records that are known to part: whether they part, and where first, is `shadow-diff`'s to say.
//! A step is charged with what it left behind: a wrong sum is at the ADD, not at the opcode that finds it.

use parallax_primitives::{Class, Opcode, U256};
use parallax_shadow_diff::{Field, Mismatch as EngineMismatch, ShadowConfig, StepMismatch, Value};
use parallax_tracer_standard::Trace;

use crate::{
    model::{Mismatch, When},
    side::{Found, FoundStateGas, Side, StepHalt, Walk},
};

/// Most characters of a value.
const VALUE_LIMIT: usize = 200;

/// Bytes of memory that are compared in one go: a second's work, which long runs with large memories would make hours.
const COMPARED_BYTES: usize = 4 << 30;

/// How two sides' steps are compared for showing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compares {
    pub(crate) config: ShadowConfig,
    /// The sides agree in all steps before this one.
    pub(crate) since: u64,
    /// A limit ended the records: that one of them is shorter means nothing.
    pub(crate) is_cut: bool,
}

/// Goes through two sides at once.
pub(crate) struct Pair<'a> {
    sides: [&'a Side; 2],
    walks: [Walk<'a>; 2],
    compares: Compares,
    next: u64,
    frames: [Option<(u16, Option<usize>)>; 2],
    last_opcode: Option<Opcode>,
    memory_differs: Option<u64>,
    /// Bytes of memory that have been compared.
    compared: usize,
    last: Parts,
}

/// What differs where two sides stand, in parts: each is `None` where they are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// One side has no such step.
    pub(crate) ended: bool,
    /// Depth, pc or opcode.
    pub(crate) place: Option<&'static str>,
    /// Left less right.
    pub(crate) gas: Option<i128>,
    /// Of which part of state gas, and left less right: the first part that both sides say and that differs.
    pub(crate) state_gas: Option<(&'static str, i128)>,
    pub(crate) refund: Option<i64>,
    pub(crate) stack_size: Option<(usize, usize)>,
    /// The lowest item that differs.
    pub(crate) stack: Option<usize>,
    pub(crate) memory_size: Option<(u64, u64)>,
    /// The first byte that differs.
    pub(crate) memory: Option<u64>,
    pub(crate) return_data: Option<u64>,
}

impl Parts {
    pub(crate) fn is_same(&self) -> bool {
        *self == Self::default()
    }

    /// What differs here that did not in `before`, or differs by another amount of gas.
    fn news_after(&self, before: &Parts) -> Self {
        if self.ended || self.place.is_some() {
            let (ended, place) = (self.ended && !before.ended, self.place.filter(|_| before.place.is_none()));
            return Self { ended, place, ..Self::default() };
        }
        // After the sides met again, what differed when they went apart is no news.
        if before.place.is_some() {
            return Self::default();
        }
        fn begun<T: Copy>(now: Option<T>, before: Option<T>) -> Option<T> {
            now.filter(|_| before.is_none())
        }
        Self {
            ended: false,
            place: None,
            gas: self.gas.filter(|gas| before.gas != Some(*gas)),
            state_gas: self.state_gas.filter(|gas| before.state_gas != Some(*gas)),
            refund: self.refund.filter(|refund| before.refund != Some(*refund)),
            stack_size: begun(self.stack_size, before.stack_size),
            // An item below the others is one more that differs.
            stack: self.stack.filter(|item| before.stack.is_none_or(|before| *item < before)),
            memory_size: begun(self.memory_size, before.memory_size),
            memory: begun(self.memory, before.memory),
            return_data: begun(self.return_data, before.return_data),
        }
    }
}

/// One step of two sides.
#[derive(Clone, Debug, Default)]
pub(crate) struct At {
    pub(crate) parts: Parts,
    /// What differs before the step, with the values.
    pub(crate) before: Option<Mismatch>,
    /// What of it is new since the step before.
    pub(crate) news: Option<Mismatch>,
    /// What the step itself did differently, as far as it says so: its failure, its cost, what it wrote.
    pub(crate) result: Option<Mismatch>,
    /// Whether what is found here was left behind by the step before: both sides are in the frames that they were in then, and
    /// stand at the same place.
    pub(crate) is_left_behind: bool,
}

impl<'a> Pair<'a> {
    pub(crate) fn new(sides: [&'a Side; 2], compares: Compares, from: u64) -> Self {
        Self {
            sides,
            walks: sides.map(|side| side.walk(from)),
            compares,
            next: from,
            frames: [None; 2],
            last_opcode: None,
            memory_differs: None,
            compared: 0,
            last: Parts::default(),
        }
    }

    /// Whether so much memory has been compared that what comes is not: its marks say of memory what was known before.
    pub(crate) fn is_tired(&self) -> bool {
        self.compared > COMPARED_BYTES
    }

    /// The next step, or `None` behind the longer side's last.
    pub(crate) fn advance(&mut self) -> Option<At> {
        let index = self.next;
        self.next += 1;
        let [left, right] = &mut self.walks;
        let (left, right) = match (left.advance(), right.advance()) {
            (None, None) => return None,
            (Some(left), Some(right)) => (left, right),
            _ if self.compares.is_cut => return Some(At::default()),
            (left, _) => {
                let here = "a step".to_owned();
                let there = "the end".to_owned();
                let (lhs, rhs) = if left.is_some() { (here, there) } else { (there, here) };
                let mismatch = mismatch("length", lhs, rhs, When::Before, None);
                let parts = Parts { ended: true, ..Parts::default() };
                let news = (!self.last.ended).then(|| mismatch.clone());
                self.last = parts;
                return Some(At { parts, before: Some(mismatch), news, result: None, is_left_behind: false });
            }
        };
        let frames = [(left.depth, left.call), (right.depth, right.call)].map(Some);
        let same_frames = frames == self.frames;
        // Memories are long: they are looked at where something may have written there.
        if !same_frames || self.last_opcode.is_none_or(writes_memory) {
            self.compared = self.compared.saturating_add(left.memory.map_or(0, <[u8]>::len));
            if self.compared <= COMPARED_BYTES {
                self.memory_differs = first_difference(left.memory, right.memory);
            }
        }
        self.frames = frames;
        self.last_opcode = Some(left.opcode);
        let parts = compare(&left, &right, self.memory_differs);
        let before = if parts.is_same() { None } else { show(&parts, &left, &right) };
        let new = parts.news_after(&self.last);
        let news = if new.is_same() { None } else { show(&new, &left, &right) };
        self.last = parts;
        let result = result(&left, &right, &self.compares.config)
            .or_else(|| if left.has_effect || right.has_effect { effects(self.sides, index) } else { None });
        let is_left_behind = same_frames && parts.place.is_none();
        Some(At { parts, before, news, result, is_left_behind })
    }
}

/// What differs at the steps of a range, if anything does.
pub(crate) fn mismatches(
    sides: [&Side; 2],
    compares: Compares,
    from: u64,
    count: usize,
) -> Vec<Option<Mismatch>> {
    let total = sides[0].len().max(sides[1].len());
    let there = usize::try_from(total.saturating_sub(from)).unwrap_or(usize::MAX).min(count);
    let alike = usize::try_from(compares.since.saturating_sub(from)).unwrap_or(usize::MAX).min(there);
    let mut found: Vec<Option<Mismatch>> = vec![None; alike];
    if alike == there {
        return found;
    }
    let mut pair = Pair::new(sides, compares, from.max(compares.since));
    while found.len() <= there
        && let Some(At { before, result, is_left_behind, .. }) = pair.advance()
    {
        if found.len() > alike
            && let (Some(last @ None), Some(mismatch), true) = (found.last_mut(), &before, is_left_behind)
        {
            *last = Some(Mismatch { when: When::After, ..mismatch.clone() });
        }
        found.push(before.or(result));
    }
    found.truncate(there);
    found
}

fn compare(left: &Found<'_>, right: &Found<'_>, memory: Option<u64>) -> Parts {
    let place = if left.depth != right.depth {
        Some("depth")
    } else if left.pc != right.pc {
        Some("pc")
    } else if left.opcode != right.opcode {
        Some("opcode")
    } else {
        None
    };
    let both = |a: Option<u64>, b: Option<u64>| a.zip(b).filter(|(a, b)| a != b);
    let (stack_size, stack) = match (left.stack, right.stack) {
        (Some(left), Some(right)) if left != right => {
            let sizes = (left.len() != right.len()).then_some((left.len(), right.len()));
            let common = left.iter().zip(right).position(|(left, right)| left != right);
            (sizes, common.or(Some(left.len().min(right.len()))))
        }
        _ => (None, None),
    };
    let return_data = match (left.return_data, right.return_data) {
        (Some(left), Some(right)) if left != right => first_difference(Some(left), Some(right)),
        _ => None,
    };
    Parts {
        ended: false,
        place,
        gas: (left.gas != right.gas).then(|| i128::from(left.gas) - i128::from(right.gas)),
        state_gas: parts_of(&left.state_gas).into_iter().zip(parts_of(&right.state_gas)).find_map(
            |((name, left), (_, right))| {
                let apart = i128::from(left?) - i128::from(right?);
                (apart != 0).then_some((name, apart))
            },
        ),
        refund: left.refund.zip(right.refund).filter(|(a, b)| a != b).map(|(a, b)| a.wrapping_sub(b)),
        stack_size,
        stack,
        memory_size: both(left.memory_size, right.memory_size),
        memory,
        return_data,
    }
}

/// State gas before a step, in the order in which the engines are compared.
fn parts_of(gas: &FoundStateGas) -> [(&'static str, Option<u64>); 3] {
    [("reservoir", gas.reservoir), ("spilledStateGas", gas.spilled), ("reservoirBaseline", gas.baseline)]
}

/// The first of the parts that differ, with both values.
fn show(parts: &Parts, left: &Found<'_>, right: &Found<'_>) -> Option<Mismatch> {
    let two = |field, lhs: String, rhs: String| Some(mismatch(field, lhs, rhs, When::Before, None));
    if let Some(field) = parts.place {
        let of = |found: &Found<'_>| match field {
            "depth" => (u32::from(found.depth) + 1).to_string(),
            "pc" => found.pc.to_string(),
            // A byte that no rules know has no name but itself.
            _ if found.op_name == "INVALID" => found.opcode.to_string(),
            _ => found.op_name.to_owned(),
        };
        return two(field, of(left), of(right));
    }
    if parts.gas.is_some() {
        return two("gas", left.gas.to_string(), right.gas.to_string());
    }
    if let Some((field, _)) = parts.state_gas {
        let of = |found: &Found<'_>| {
            let part = parts_of(&found.state_gas).into_iter().find(|(name, _)| *name == field);
            part.and_then(|(_, gas)| gas).map_or("none".to_owned(), |gas| gas.to_string())
        };
        return two(field, of(left), of(right));
    }
    if parts.refund.is_some() {
        let of = |found: &Found<'_>| found.refund.unwrap_or_default().to_string();
        return two("refund", of(left), of(right));
    }
    if let Some((lhs, rhs)) = parts.stack_size {
        return two("stackSize", lhs.to_string(), rhs.to_string());
    }
    if let Some(item) = parts.stack {
        let of = |found: &Found<'_>| {
            found
                .stack
                .and_then(|stack| stack.get(item))
                .map_or("none".to_owned(), |word| format!("{word:#x}"))
        };
        return Some(mismatch("stack", of(left), of(right), When::Before, Some(item as u64)));
    }
    if let Some((lhs, rhs)) = parts.memory_size {
        return two("memorySize", lhs.to_string(), rhs.to_string());
    }
    if let Some(offset) = parts.memory {
        let of = |found: &Found<'_>| window(found.memory.unwrap_or(&[]), offset);
        return Some(mismatch("memory", of(left), of(right), When::Before, Some(offset)));
    }
    let offset = parts.return_data?;
    let of = |found: &Found<'_>| window(found.return_data.map_or(&[], |data| data), offset);
    Some(mismatch("returnData", of(left), of(right), When::Before, Some(offset)))
}

/// What an opcode says of itself: whether it failed, and what it cost.
fn result(left: &Found<'_>, right: &Found<'_>, config: &ShadowConfig) -> Option<Mismatch> {
    let alike = match (left.halt, right.halt) {
        (StepHalt::Exact(Some(a)), StepHalt::Exact(Some(b))) => {
            use parallax_primitives::FrameStatus::Halt;
            config.halts.agree(Halt(a), Halt(b))
        }
        (StepHalt::Exact(a), StepHalt::Exact(b)) => a == b,
        (StepHalt::Kind(Some(a)), StepHalt::Kind(Some(b))) => {
            use parallax_tracer_eip3155::HaltKind;
            let vague = [a, b].contains(&HaltKind::Other) && ![a, b].contains(&HaltKind::None);
            a == b || vague
        }
        _ => true,
    };
    if !alike {
        let of = |found: &Found<'_>| found.halt.name().unwrap_or("none").to_owned();
        return Some(mismatch("halt", of(left), of(right), When::After, None));
    }
    let failed = left.halt.name().is_some() || right.halt.name().is_some();
    let told = matches!(left.halt, StepHalt::Kind(_));
    // What a failing opcode would have cost, clients do not tell alike.
    let costs = [left, right].map(|found| found.gas_cost.map(Value::Count));
    let charges = [left, right].map(|found| found.state_gas.cost.map(Value::Signed));
    let both = [("gasCost", Field::GasCost, costs), ("stateGasCost", Field::StateGasCost, charges)];
    both.into_iter().find_map(|(name, field, [lhs, rhs])| {
        let (left_cost, right_cost) = lhs.zip(rhs).filter(|(a, b)| a != b && !(failed && told))?;
        let found = EngineMismatch { field, left: left_cost, right: right_cost };
        if let (StepHalt::Exact(a), StepHalt::Exact(b)) = (left.halt, right.halt) {
            let step = StepMismatch { mismatch: &found, opcode: left.opcode, halts: [a, b] };
            if config.tolerates(&step) {
                return None;
            }
        }
        let [lhs, rhs] = [&found.left, &found.right].map(count);
        Some(mismatch(name, lhs, rhs, When::After, None))
    })
}

/// Gas as the page shows it: in decimal.
fn count(value: &Value) -> String {
    match value {
        Value::Count(count) => count.to_string(),
        other => other.to_string(),
    }
}

/// What two recorded steps wrote outside their frames.
fn effects(sides: [&Side; 2], index: u64) -> Option<Mismatch> {
    let traces = sides.map(|side| side.recording().map(|recording| &recording.trace));
    let [Some(left), Some(right)] = traces else { return None };
    let change =
        |trace: &Trace| trace.storage_changes_since(index).next().filter(|change| change.step == index);
    let (l, r) = (change(left), change(right));
    if l != r {
        let of = |change: Option<parallax_tracer_standard::RecordedChange>| {
            change.map_or("none".to_owned(), |recorded| {
                let kind = if recorded.is_transient { "transient " } else { "" };
                let change = recorded.change;
                format!(
                    "{kind}{:#x}: {:#x} to {:#x} (first {:#x})",
                    change.key, change.previous, change.new, change.original
                )
            })
        };
        return Some(mismatch("storage", of(l), of(r), When::After, None));
    }
    let log =
        |trace: &Trace| trace.logs_since(index).first().filter(|log| log.0 == index).map(|log| log.1.clone());
    let (l, r) = (log(left), log(right));
    if l == r {
        return None;
    }
    let of = |log: Option<parallax_tracer_core::LogEntry>| {
        log.map_or("none".to_owned(), |log| {
            let topics: Vec<String> = log.topics.iter().map(ToString::to_string).collect();
            format!("{:#x} [{}] {}", log.address, topics.join(" "), log.data)
        })
    };
    Some(mismatch("log", of(l), of(r), When::After, None))
}

pub(crate) fn mismatch(field: &str, lhs: String, rhs: String, when: When, item: Option<u64>) -> Mismatch {
    Mismatch { field: field.to_owned(), lhs: cut(lhs), rhs: cut(rhs), when, item, cause: None, text: None }
}

/// At most so many characters.
fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(VALUE_LIMIT) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// The word that a byte is in.
fn window(bytes: &[u8], offset: u64) -> String {
    let start = usize::try_from(offset / 32 * 32).unwrap_or(usize::MAX).min(bytes.len());
    let end = start.saturating_add(32).min(bytes.len());
    parallax_primitives::hex::encode_prefixed(&bytes[start..end])
}

fn first_difference(left: Option<&[u8]>, right: Option<&[u8]>) -> Option<u64> {
    let (left, right) = left.zip(right)?;
    if left == right {
        return None;
    }
    let at = left.iter().zip(right).position(|(left, right)| left != right);
    Some(at.unwrap_or(left.len().min(right.len())) as u64)
}

/// Whether the memory may have changed between an opcode and the next one of its frame.
fn writes_memory(opcode: Opcode) -> bool {
    match opcode.info() {
        Some(info) => info.writes_memory() || matches!(info.class, Class::Message | Class::Halt),
        None => true,
    }
}

/// The items of two stacks that differ, from the bottom.
pub(crate) fn stack_differences(left: &[U256], right: &[U256]) -> Vec<usize> {
    (0..left.len().max(right.len())).filter(|item| left.get(*item) != right.get(*item)).collect()
}

/// Ranges of bytes that differ, at most so many.
pub(crate) fn ranges(left: &[u8], right: &[u8], limit: usize) -> Vec<[usize; 2]> {
    let mut ranges: Vec<[usize; 2]> = Vec::new();
    if left == right {
        return ranges;
    }
    for at in 0..left.len().max(right.len()) {
        if left.get(at) == right.get(at) {
            continue;
        }
        let is_full = ranges.len() == limit;
        match ranges.last_mut() {
            Some([_, end]) if *end == at => *end += 1,
            _ if is_full => break,
            _ => ranges.push([at, at + 1]),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use parallax_tracer_eip3155::{Client, Record, TraceReader};

    use super::*;
    use crate::file_trace::FileTrace;

    fn side(steps: u64) -> Side {
        let line = |n: u64| {
            format!(
                "{{\"pc\":{n},\"op\":91,\"gas\":\"{:#x}\",\"gasCost\":\"0x1\",\"depth\":1,\"stack\":[]}}\n",
                1000 - n
            )
        };
        let text: String = (0..steps).map(line).collect();
        let mut trace = FileTrace::default();
        for record in TraceReader::new(text.as_bytes(), Client::Eip3155) {
            if let Record::Step(step) = record.unwrap() {
                trace.push(step);
            }
        }
        Side::File(Box::new(trace.finish()))
    }

    #[test]
    fn the_end_of_a_record_that_a_limit_cut_is_no_difference() {
        let (long, short) = (side(7), side(5));
        for is_cut in [false, true] {
            let compares = Compares { config: ShadowConfig::default(), since: 0, is_cut };
            let found = mismatches([&long, &short], compares, 0, 100);
            let differs: Vec<bool> = found.iter().map(Option::is_some).collect();
            assert_eq!(differs, [false, false, false, false, false, !is_cut, !is_cut]);
        }
    }
}
