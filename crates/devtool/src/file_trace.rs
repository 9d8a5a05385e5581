//! The steps of a trace file, kept as differences, so that any of them is at hand.
//!
//! Invariant: what [`FileTrace::push`] wrote of a step, [`FileReplay`] reads back; every so many steps begin anew.

use parallax_primitives::{Bytes, Opcode, U256};
use parallax_tracer_eip3155::{Fields, HaltKind, Step};

/// Steps from one that is written whole to the next.
const STEPS_PER_KEY: u64 = 128;

const HAS_COST: u8 = 1;
const HAS_STACK: u8 = 2;
const HAS_SIZE: u8 = 4;
const HAS_REFUND: u8 = 8;
const NEW_MEMORY: u8 = 16;
const NO_MEMORY: u8 = 32;
const NEW_RETURN: u8 = 64;
const NO_RETURN: u8 = 128;

const HALTS: [HaltKind; 9] = [
    HaltKind::None,
    HaltKind::Revert,
    HaltKind::OutOfGas,
    HaltKind::Stack,
    HaltKind::InvalidJump,
    HaltKind::InvalidOpcode,
    HaltKind::StaticViolation,
    HaltKind::OutOfBounds,
    HaltKind::Other,
];
const UNKNOWN: u8 = 0x3f;
/// Beside the halt.
const HAS_REFUND_AFTER: u8 = 0x40;
const HAS_STATE_GAS: u8 = 0x80;

/// What revm says of reservoir and state gas where there is none, which takes no byte.
const NO_STATE_GAS: [Option<u64>; 3] = [Some(0), Some(0), None];

/// What a trace file said, step by step.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileTrace {
    bytes: Vec<u8>,
    keys: Vec<usize>,
    steps: u64,
    /// A step speaks of state gas that is not nothing, or of what it was charged.
    has_state_gas: bool,
    /// A step says that there is none; each that is silent does.
    says_none: bool,
    last: Option<Step>,
}

impl FileTrace {
    pub(crate) fn len(&self) -> u64 {
        self.steps
    }

    /// Whether it tells state gas: revm says in every trace that there is none.
    pub(crate) fn has_state_gas(&self) -> bool {
        self.has_state_gas
    }

    /// Bytes taken.
    pub(crate) fn size(&self) -> u64 {
        (self.bytes.len() + size_of_val(self.keys.as_slice())) as u64
    }

    pub(crate) fn push(&mut self, step: Step) {
        if self.steps.is_multiple_of(STEPS_PER_KEY) {
            self.keys.push(self.bytes.len());
            self.last = None;
        }
        let last = self.last.as_ref();
        let out = &mut self.bytes;
        let mut flags = 0;
        let mut set = |flag, is_set: bool| flags |= if is_set { flag } else { 0 };
        set(HAS_COST, step.gas_cost.is_some());
        set(HAS_STACK, step.stack.is_some());
        set(HAS_SIZE, step.memory_size.is_some());
        set(HAS_REFUND, step.refund.is_some());
        let is_new =
            |now: &Option<Bytes>, before: Option<&Option<Bytes>>| now.is_some() && before != Some(now);
        let (new_memory, new_return) = (
            is_new(&step.memory, last.map(|last| &last.memory)),
            is_new(&step.return_data, last.map(|last| &last.return_data)),
        );
        set(NEW_MEMORY, new_memory);
        set(NO_MEMORY, step.memory.is_none());
        set(NEW_RETURN, new_return);
        set(NO_RETURN, step.return_data.is_none());
        out.extend([flags, step.opcode.0]);
        let halt = step.halt.and_then(|halt| HALTS.iter().position(|known| *known == halt));
        let halt = halt.and_then(|at| u8::try_from(at).ok()).unwrap_or(UNKNOWN);
        let said = [
            step.reservoir,
            step.state_gas_spent,
            step.state_gas_cost.map(|cost| (cost << 1 ^ cost >> 63).cast_unsigned()),
        ];
        let is_none = said == NO_STATE_GAS;
        let has_state_gas = !is_none && said != [None; 3];
        self.says_none |= is_none;
        let mut head = halt;
        for (flag, is_set) in
            [(HAS_REFUND_AFTER, step.refund_after.is_some()), (HAS_STATE_GAS, has_state_gas)]
        {
            head |= if is_set { flag } else { 0 };
        }
        out.push(head);
        self.has_state_gas |= step.has_state_gas() || step.state_gas_cost.is_some();
        let numbers = [Some(step.pc), Some(step.depth), Some(step.gas), step.gas_cost, step.memory_size];
        for number in numbers.into_iter().flatten() {
            put(out, number);
        }
        if has_state_gas {
            out.push((0..).zip(said).fold(0, |parts, (at, gas)| parts | u8::from(gas.is_some()) << at));
            for number in said.into_iter().flatten() {
                put(out, number);
            }
        }
        for refund in [step.refund, step.refund_after].into_iter().flatten() {
            put(out, refund.cast_unsigned());
        }
        if let Some(stack) = &step.stack {
            let before = last.and_then(|last| last.stack.as_deref()).unwrap_or(&[]);
            let same = stack.iter().zip(before).take_while(|(new, old)| new == old).count();
            put(out, same as u64);
            put(out, (stack.len() - same) as u64);
            for word in &stack[same..] {
                let bytes = word.to_be_bytes_trimmed_vec();
                out.push(u8::try_from(bytes.len()).unwrap_or(32));
                out.extend_from_slice(&bytes);
            }
        }
        for (is_new, bytes) in [(new_memory, &step.memory), (new_return, &step.return_data)] {
            if let (true, Some(bytes)) = (is_new, bytes) {
                put(out, bytes.len() as u64);
                out.extend_from_slice(bytes);
            }
        }
        self.steps += 1;
        self.last = Some(step);
    }

    /// Ends the writing.
    pub(crate) fn finish(mut self) -> Self {
        self.last = None;
        self.bytes.shrink_to_fit();
        self
    }

    /// All steps from this one on.
    pub(crate) fn replay_from(&self, step: u64) -> FileReplay<'_> {
        let step = step.min(self.steps);
        let key = step / STEPS_PER_KEY;
        let at = usize::try_from(key).ok().and_then(|key| self.keys.get(key)).copied();
        let start = key * STEPS_PER_KEY;
        let mut replay =
            FileReplay { trace: self, at: at.unwrap_or(self.bytes.len()), next: start, now: None };
        while replay.next < step && replay.advance().is_some() {}
        replay
    }
}

/// Goes through the steps of a [`FileTrace`].
#[derive(Clone, Debug)]
pub(crate) struct FileReplay<'a> {
    trace: &'a FileTrace,
    at: usize,
    next: u64,
    now: Option<Step>,
}

impl<'a> FileReplay<'a> {
    /// What it goes through.
    pub(crate) fn trace(&self) -> &'a FileTrace {
        self.trace
    }

    /// The next step, or `None` behind the last.
    pub(crate) fn advance(&mut self) -> Option<&Step> {
        if self.next >= self.trace.steps {
            return None;
        }
        if self.next.is_multiple_of(STEPS_PER_KEY) {
            self.now = None;
        }
        self.next += 1;
        let [flags, opcode, halt] = [self.byte(), self.byte(), self.byte()];
        let has = |flag| flags & flag != 0;
        let [pc, depth, gas] = [self.number(), self.number(), self.number()];
        let gas_cost = has(HAS_COST).then(|| self.number());
        let memory_size = has(HAS_SIZE).then(|| self.number());
        let mut state_gas = if self.trace.says_none { NO_STATE_GAS } else { [None; 3] };
        if halt & HAS_STATE_GAS != 0 {
            let parts = self.byte();
            state_gas = [1, 2, 4].map(|flag| (parts & flag != 0).then(|| self.number()));
        }
        let [reservoir, state_gas_spent, cost] = state_gas;
        let refund = has(HAS_REFUND).then(|| self.number().cast_signed());
        let refund_after = (halt & HAS_REFUND_AFTER != 0).then(|| self.number().cast_signed());
        let last = self.now.take();
        let (mut stack, memory, return_data) =
            last.map_or((None, None, None), |last| (last.stack, last.memory, last.return_data));
        if has(HAS_STACK) {
            let (same, new) = (self.size(), self.size());
            let items = stack.get_or_insert_default();
            items.truncate(same);
            for _ in 0..new {
                let length = usize::from(self.byte()).min(32);
                items.push(U256::from_be_slice(self.slice(length)));
            }
        }
        let memory = self.data(memory, has(NEW_MEMORY), has(NO_MEMORY));
        let return_data = self.data(return_data, has(NEW_RETURN), has(NO_RETURN));
        let step = Step {
            line: 0,
            pc,
            opcode: Opcode(opcode),
            depth,
            gas,
            gas_cost,
            reservoir,
            state_gas_spent,
            state_gas_cost: cost.map(|cost| (cost >> 1).cast_signed() ^ -(cost & 1).cast_signed()),
            memory_size,
            memory,
            stack: if has(HAS_STACK) { stack } else { None },
            return_data,
            refund,
            refund_after,
            halt: HALTS.get(usize::from(halt & UNKNOWN)).copied(),
            storage: None,
            odd_name: None,
            is_implied: None,
            own_refund: None,
            second_line: None,
            said: Fields::NONE,
            missing: Fields::NONE,
        };
        Some(self.now.insert(step))
    }

    fn data(&mut self, last: Option<Bytes>, is_new: bool, is_none: bool) -> Option<Bytes> {
        if is_new {
            let length = self.size();
            return Some(Bytes::copy_from_slice(self.slice(length)));
        }
        if is_none { None } else { last }
    }

    fn byte(&mut self) -> u8 {
        let byte = self.trace.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    fn number(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    fn size(&mut self) -> usize {
        usize::try_from(self.number()).unwrap_or(0)
    }

    fn slice(&mut self, length: usize) -> &[u8] {
        let start = self.at.min(self.trace.bytes.len());
        let end = start.saturating_add(length).min(self.trace.bytes.len());
        self.at = end;
        &self.trace.bytes[start..end]
    }
}

/// Seven bits a byte, the lowest first; the top bit says that more follow.
fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_back_from_any_place() {
        let bytes = |n: u64| {
            (!n.is_multiple_of(3)).then(|| Bytes::from(vec![u8::try_from(n / 5 % 250).unwrap(); 40]))
        };
        let steps: Vec<Step> = (0..300_u64)
            .map(|n| Step {
                line: 0,
                pc: n * 7,
                opcode: Opcode(u8::try_from(n % 256).unwrap()),
                depth: 1 + n % 4,
                gas: u64::MAX - n,
                gas_cost: (!n.is_multiple_of(5)).then_some(n << 40),
                reservoir: Some(n % 4),
                state_gas_spent: if n % 4 == 0 && !n.is_multiple_of(8) {
                    Some(0)
                } else {
                    (n % 3 != 0).then_some(n)
                },
                state_gas_cost: n.is_multiple_of(8).then_some(4 - i64::try_from(n).unwrap()),
                memory_size: (!n.is_multiple_of(7)).then_some(n),
                memory: bytes(n),
                stack: (!n.is_multiple_of(11))
                    .then(|| (0..n % 9).map(|item| U256::from(item * n).pow(U256::from(3))).collect()),
                return_data: bytes(n + 1),
                refund: n.is_multiple_of(2).then(|| -i64::try_from(n).unwrap()),
                refund_after: n.is_multiple_of(3).then(|| i64::try_from(n * n).unwrap()),
                halt: HALTS.get(usize::try_from(n % 10).unwrap()).copied(),
                storage: None,
                odd_name: None,
                is_implied: None,
                own_refund: None,
                second_line: None,
                said: Fields::NONE,
                missing: Fields::NONE,
            })
            .collect();
        let mut trace = FileTrace::default();
        for step in &steps {
            trace.push(step.clone());
        }
        let trace = trace.finish();
        for from in [0, 1, 127, 128, 129, 299, 300, 999] {
            let mut replay = trace.replay_from(from);
            let mut found = Vec::new();
            while let Some(step) = replay.advance() {
                found.push(step.clone());
            }
            let expected = &steps[usize::try_from(from).unwrap().min(steps.len())..];
            assert_eq!(found, expected, "from {from}");
        }
    }
}
