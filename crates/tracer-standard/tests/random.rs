//! Random executions, of engines right and wrong: every state that a trace gives back is the one that was shown.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]
#![allow(clippy::cast_possible_truncation, reason = "noise may be cut")]

mod checked;

use checked::{Checked, Snapshot};
use parallax_hooks::{MessagePhase, StepEnd, StepView};
use parallax_primitives::{
    Address, B256, Effect, Fork, FrameOutcome, FrameStatus, Halt, JournalView, Log, Message, MessageKind,
    Opcode, Reach, StateGas, StorageChange, U256,
};
use parallax_tracer_core::Tracer;

/// Deterministic noise (splitmix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn bytes(&mut self, length: u64) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    fn word(&mut self) -> U256 {
        let word = U256::from_limbs([self.next(), self.next(), self.next(), self.next()]);
        word >> (self.below(5) * 64 + self.below(64)).min(255) as usize
    }
}

struct Nothing;

impl JournalView for Nothing {
    fn refund(&self) -> i64 {
        0
    }
    fn storage(&self, _: Address, _: U256) -> Option<U256> {
        None
    }
    fn original_storage(&self, _: Address, _: U256) -> Option<U256> {
        None
    }
    fn transient_storage(&self, _: Address, _: U256) -> U256 {
        U256::ZERO
    }
    fn logs(&self) -> &[Log] {
        &[]
    }
}

/// A frame of an engine that computes noise.
struct Frame {
    at: Snapshot,
    message: Message,
    code: Vec<u8>,
    output: (usize, usize),
    is_waiting: bool,
}

impl Frame {
    fn new(message: Message, noise: &mut Noise) -> Self {
        let length = noise.below(200);
        let code = if message.kind.is_create() { message.input.to_vec() } else { noise.bytes(length) };
        let at = Snapshot { gas: message.gas, state_gas: message.state_gas, ..Snapshot::default() };
        Self { at, message, code, output: (0, 0), is_waiting: false }
    }

    /// From the reservoir first, and back to where it came from.
    fn pay(&mut self, cost: i64) {
        let StateGas { reservoir, spilled, .. } = &mut self.at.state_gas;
        for _ in 0..cost.max(0) {
            match reservoir.checked_sub(1) {
                Some(left) => *reservoir = left,
                None => (*spilled, self.at.gas) = (*spilled + 1, self.at.gas.saturating_sub(1)),
            }
        }
        for _ in cost.min(0)..0 {
            match spilled.checked_sub(1) {
                Some(left) => (*spilled, self.at.gas) = (left, self.at.gas + 1),
                None => *reservoir += 1,
            }
        }
    }

    fn view(&self, index: u64, pc: usize, opcode: Opcode) -> StepView<'_> {
        StepView {
            index,
            rules: Fork::Amsterdam.into(),
            depth: self.message.depth,
            pc,
            opcode,
            gas: self.at.gas,
            state_gas: self.at.state_gas,
            refund: self.at.refund,
            stack: &self.at.stack,
            memory: &self.at.memory,
            return_data: &self.at.return_data,
            message: &self.message,
            code: &self.code,
            journal: &Nothing,
        }
    }
}

/// Runs noise under a tracer.
struct Run<'t> {
    noise: Noise,
    frames: Vec<Frame>,
    tracer: &'t mut Checked,
    index: u64,
    /// Whether the engine is sometimes wrong.
    is_faulty: bool,
    /// Whether there are two gases.
    has_state_gas: bool,
    expected_calls: Vec<(Option<usize>, Message, Option<FrameOutcome>)>,
    open_calls: Vec<usize>,
}

impl Run<'_> {
    fn start(&mut self, message: Message) {
        self.tracer.message(&message, MessagePhase::Before);
        let parent = self.open_calls.last().copied();
        self.open_calls.push(self.expected_calls.len());
        self.expected_calls.push((parent, message.clone(), None));
        // Some messages have no frame.
        if message.depth != 0 && self.noise.one_in(3) {
            self.end(&message);
        } else {
            let mut frame = Frame::new(message, &mut self.noise);
            frame.at.refund = self.frames.last().map_or(0, |frame| frame.at.refund);
            self.frames.push(frame);
        }
    }

    fn end(&mut self, message: &Message) {
        let noise = &mut self.noise;
        let status = match noise.below(3) {
            0 => FrameStatus::Success,
            1 => FrameStatus::Revert,
            _ => FrameStatus::Halt(Halt::OutOfGas),
        };
        let length = noise.below(4) * noise.below(60);
        let has_state_gas = self.has_state_gas;
        let state_gas = |noise: &mut Noise| if has_state_gas { noise.below(300) } else { 0 };
        let outcome = FrameOutcome {
            status,
            gas_left: noise.below(message.gas + 1),
            output: noise.bytes(length).into(),
            created: None,
            state_gas: StateGas {
                reservoir: state_gas(noise),
                spilled: state_gas(noise),
                ..message.state_gas
            },
        };
        let call = self.open_calls.pop().unwrap();
        self.expected_calls[call].2 = Some(outcome.clone());
        self.tracer.message(message, MessagePhase::After(&outcome));
        let Some(parent) = self.frames.last_mut() else { return };
        let noise = &mut self.noise;
        parent.is_waiting = false;
        parent.at.gas += outcome.gas_left;
        parent.at.state_gas.reservoir += outcome.state_gas.reservoir;
        parent.at.state_gas.spilled += outcome.state_gas.spilled;
        parent.at.refund += noise.below(3) as i64 - 1;
        parent.at.stack.push(noise.word());
        parent.at.return_data = if message.kind.is_create() { Vec::new() } else { outcome.output.to_vec() };
        let copied = parent.output.1.min(outcome.output.len());
        let offset = parent.output.0;
        if copied != 0 {
            parent.at.memory[offset..offset + copied].copy_from_slice(&outcome.output[..copied]);
        }
        if self.is_faulty && parent.output.1 != 0 && noise.one_in(4) {
            let place = offset + noise.below(parent.output.1.min(1024) as u64) as usize;
            parent.at.memory[place] ^= 1;
        }
        if self.is_faulty && noise.one_in(8) {
            parent.at.return_data.push(7);
        }
    }

    /// One opcode, and before it what it needs on the stack.
    fn step(&mut self) {
        let noise = &mut self.noise;
        let opcode = match noise.below(7) {
            0 => Opcode(noise.next() as u8),
            1 => Opcode(0x50 + noise.below(16) as u8),
            2 => Opcode(0x60 + noise.below(32) as u8),
            3 => Opcode(0x80 + noise.below(32) as u8),
            4 => Opcode(0xe6 + noise.below(3) as u8),
            5 => [Opcode::MSTORE, Opcode::MCOPY, Opcode::CODECOPY, Opcode::CALLDATACOPY]
                [noise.below(4) as usize],
            _ => [Opcode::CALL, Opcode::RETURNDATACOPY, Opcode::CREATE, Opcode::STATICCALL]
                [noise.below(4) as usize],
        };
        if touches_memory(opcode) {
            // Small operands, so that it succeeds.
            let (frames, calls) = (self.frames.len(), self.expected_calls.len());
            for _ in 0..opcode.info().map_or(0, |info| info.inputs.len()) {
                let operand = self.noise.below(150);
                self.execute(Opcode::PUSH1, Some(U256::from(operand)));
                if (frames, calls) != (self.frames.len(), self.expected_calls.len()) {
                    return;
                }
            }
        }
        // Room for what an immediate byte may name, sometimes.
        if is_deep(opcode) && self.noise.one_in(30) {
            let frames = self.frames.len();
            for _ in 0..236 {
                let item = self.noise.next();
                self.execute(Opcode::PUSH8, Some(U256::from(item)));
                if frames != self.frames.len() {
                    return;
                }
            }
        }
        self.execute(opcode, None);
    }

    fn execute(&mut self, opcode: Opcode, result: Option<U256>) {
        let mut frame = self.frames.pop().unwrap();
        let noise = &mut self.noise;
        let pc = if noise.one_in(8) { noise.below(300) as usize } else { frame.at.pc };
        self.tracer.step(&frame.view(self.index, pc, opcode));
        let gas_cost = if noise.one_in(9) { noise.below(1 << 40) } else { noise.below(200) };
        let inputs = opcode.info().map_or(0, |info| info.inputs.len());
        let reach = reach(&frame.code, pc, opcode);
        let can_fail = frame.at.stack.len() < reach.map_or(inputs, |reach| reach.items().into())
            || is_deep(opcode) && reach.is_none()
            || frame.at.gas < gas_cost
            || opcode.info().is_none();
        // A faulty engine may have put anything there.
        let operands = frame.at.stack.iter().rev().take(inputs);
        let is_too_large = touches_memory(opcode) && operands.into_iter().any(|word| *word > U256::from(300));
        let can_fail = can_fail || is_too_large;
        let halt = (can_fail || noise.one_in(300)).then_some(Halt::ALL[noise.below(18) as usize]);
        let state_gas_cost = match self.has_state_gas && noise.one_in(5) {
            true => noise.below(500) as i64 - 250,
            false => 0,
        };
        let mut log = None;
        let mut effect = Effect::None;
        if halt.is_none() {
            execute(&mut frame, opcode, pc, noise, self.is_faulty);
            if let (Some(result), Some(top)) = (result, frame.at.stack.last_mut()) {
                *top = result;
            }
            frame.at.gas -= gas_cost;
            if self.has_state_gas {
                frame.pay(state_gas_cost);
            }
            if opcode == Opcode::SSTORE || opcode == Opcode::TSTORE {
                let [key, previous, new, original] = std::array::from_fn(|_| noise.word());
                let address = frame.message.address;
                let change = StorageChange { address, key, previous, new, original };
                effect = if opcode == Opcode::SSTORE {
                    Effect::Storage(change)
                } else {
                    Effect::Transient(change)
                };
                frame.at.refund += noise.below(3) as i64 - 1;
            }
            if (0xa0..=0xa4).contains(&opcode.0) {
                let topics = (0..opcode.0 - 0xa0).map(B256::repeat_byte).collect();
                log = Some(Log { address: frame.message.address, topics, data: noise.bytes(9).into() });
            }
        }
        if let Some(log) = &log {
            effect = Effect::Log(log);
        }
        let sends = matches!(opcode.0, 0xf0 | 0xf1 | 0xf2 | 0xf4 | 0xf5 | 0xfa) && halt.is_none();
        let reservoir = frame.at.state_gas.reservoir;
        if sends {
            frame.at.state_gas.reservoir = 0;
        }
        if self.is_faulty && self.has_state_gas && noise.one_in(20) {
            let StateGas { reservoir, spilled, baseline } = &mut frame.at.state_gas;
            *[reservoir, spilled, baseline][noise.below(3) as usize] ^= 1;
        }
        frame.at.pc = pc + 1 + bytes_behind(opcode);
        let gas_left = frame.at.gas;
        let end = StepEnd { gas_cost, state_gas_cost, gas_left, halt, effect, ..StepEnd::default() };
        self.tracer.step_end(&frame.view(self.index, pc, opcode), &end);
        self.index += 1;

        frame.is_waiting = sends;
        let depth = frame.message.depth;
        let is_over = halt.is_some() || noise.one_in(200) && !sends;
        if is_over {
            self.end(&frame.message);
            return;
        }
        let gas = frame.at.gas / 2;
        if sends {
            frame.at.gas -= gas;
        }
        self.frames.push(frame);
        if sends {
            let kind = if opcode.0 & 0x0f == 0 { MessageKind::Create } else { MessageKind::Call };
            let message = message(kind, depth + 1, gas, &mut self.noise);
            self.start(Message { state_gas: StateGas::of(reservoir), ..message });
        }
    }
}

fn message(kind: MessageKind, depth: u16, gas: u64, noise: &mut Noise) -> Message {
    let length = noise.below(100);
    Message {
        kind,
        depth,
        is_static: false,
        gas,
        caller: Address::ZERO,
        address: Address::with_last_byte(noise.below(4) as u8),
        code_address: Address::with_last_byte(noise.below(4) as u8),
        is_delegated: false,
        value: U256::ZERO,
        input: noise.bytes(length).into(),
        state_gas: Default::default(),
        salt: U256::ZERO,
    }
}

fn touches_memory(opcode: Opcode) -> bool {
    matches!(opcode.0, 0x37 | 0x39 | 0x3c | 0x3e | 0x52 | 0x53 | 0x5e | 0xf0..=0xfa)
}

/// DUPN, SWAPN and EXCHANGE.
fn is_deep(opcode: Opcode) -> bool {
    matches!(opcode.0, 0xe6..=0xe8)
}

/// Which items they move.
fn reach(code: &[u8], pc: usize, opcode: Opcode) -> Option<Reach> {
    Reach::of(opcode, code.get(pc + 1).copied().unwrap_or(0))
}

fn bytes_behind(opcode: Opcode) -> usize {
    opcode.info().map_or(0, |info| info.immediate.into())
}

/// What the opcode does to stack, memory and return data, written without looking at the recorder.
fn execute(frame: &mut Frame, opcode: Opcode, pc: usize, noise: &mut Noise, is_faulty: bool) {
    let Some(info) = opcode.info() else { return };
    let at = &mut frame.at;
    let operand = |n: usize| at.stack[at.stack.len() - 1 - n].saturating_to::<usize>();
    let padded = |source: &[u8], from: usize, length: usize| -> Vec<u8> {
        (0..length).map(|i| source.get(from.saturating_add(i)).copied().unwrap_or(0)).collect()
    };
    let mut written: Option<(usize, Vec<u8>)> = None;
    let mut output = (0, 0);
    match opcode.0 {
        0x52 => written = Some((operand(0), at.stack[at.stack.len() - 2].to_be_bytes_vec())),
        0x53 => written = Some((operand(0), vec![operand(1) as u8])),
        0x37 => written = Some((operand(0), padded(&frame.message.input, operand(1), operand(2)))),
        0x39 => written = Some((operand(0), padded(&frame.code, operand(1), operand(2)))),
        0x3e => written = Some((operand(0), padded(&at.return_data, operand(1), operand(2)))),
        0x3c => written = Some((operand(1), noise.bytes(operand(3) as u64))),
        0x5e => written = Some((operand(0), padded(&at.memory, operand(1), operand(2)))),
        0xf1 | 0xf2 => output = (operand(5), operand(6)),
        0xf4 | 0xfa => output = (operand(4), operand(5)),
        _ => {}
    }
    let mut size = at.memory.len();
    if opcode == Opcode::MCOPY && operand(2) != 0 {
        size = size.max(operand(1) + operand(2));
    }
    if let Some((offset, bytes)) = &written
        && !bytes.is_empty()
    {
        size = size.max(offset + bytes.len());
    }
    if output.1 != 0 {
        size = size.max(output.0 + output.1);
    }
    if noise.one_in(40) {
        size += noise.below(90) as usize;
    }
    at.memory.resize(size.next_multiple_of(32), 0);
    if let Some((offset, bytes)) = written
        && !bytes.is_empty()
    {
        at.memory[offset..offset + bytes.len()].copy_from_slice(&bytes);
        if is_faulty && noise.one_in(4) {
            at.memory[offset + bytes.len() / 2] ^= 0x10;
        }
    }
    execute_on_stack(at, &frame.code, opcode, pc, noise);
    let is_message = matches!(opcode.0, 0xf0 | 0xf1 | 0xf2 | 0xf4 | 0xf5 | 0xfa);
    if is_message {
        at.return_data.clear();
        frame.output = output;
        at.stack.truncate(at.stack.len() - info.outputs.len());
    }
    if is_faulty && noise.one_in(20) && !is_message {
        match noise.below(4) {
            0 => at.stack.push(noise.word()),
            1 => drop(at.stack.pop()),
            2 => at.gas = at.gas.saturating_sub(1).max(1 << 41),
            _ => at.return_data.push(1),
        }
    }
    if is_faulty && noise.one_in(10) && matches!(opcode.0, 0x80..=0x9f | 0xe6..=0xe8) {
        *at.stack.last_mut().unwrap() ^= U256::from(1);
    }
}

fn execute_on_stack(at: &mut Snapshot, code: &[u8], opcode: Opcode, pc: usize, noise: &mut Noise) {
    let info = opcode.info().unwrap();
    let top = at.stack.len();
    match opcode.0 {
        0x80..=0x8f => at.stack.push(at.stack[top - usize::from(opcode.0 - 0x7f)]),
        0xe6..=0xe8 => match reach(code, pc, opcode).unwrap() {
            Reach::Copy(item) => at.stack.push(at.stack[top - usize::from(item)]),
            Reach::Exchange(upper, lower) => {
                at.stack.swap(top - usize::from(upper), top - usize::from(lower));
            }
        },
        0x90..=0x9f => at.stack.swap(top - 1, top - 1 - usize::from(opcode.0 - 0x8f)),
        0x60..=0x7f if noise.one_in(2) => {
            let data = (pc + 1..pc + 1 + bytes_behind(opcode)).map(|i| code.get(i).copied().unwrap_or(0));
            at.stack.push(data.fold(U256::ZERO, |word, byte| word << 8 | U256::from(byte)));
        }
        _ => {
            at.stack.truncate(top - info.inputs.len());
            (0..info.outputs.len()).for_each(|_| at.stack.push(noise.word()));
        }
    }
}

#[track_caller]
fn check(seed: u64, steps: u64, interval: usize, is_faulty: bool) -> Checked {
    let mut checked = Checked::new(interval);
    let has_state_gas = seed % 2 == 1;
    let mut run = Run {
        noise: Noise(seed),
        frames: Vec::new(),
        tracer: &mut checked,
        index: 0,
        is_faulty,
        has_state_gas,
        expected_calls: Vec::new(),
        open_calls: Vec::new(),
    };
    while run.index < steps {
        if run.frames.is_empty() {
            run.open_calls.clear();
            let gas = 1 << 50;
            let message = message(MessageKind::Call, 0, gas, &mut run.noise);
            let reservoir = if has_state_gas { 10_000 } else { 0 };
            run.start(Message { state_gas: StateGas::of(reservoir), ..message });
        }
        if run.frames.last().is_some_and(|frame| frame.at.stack.len() > 900) {
            run.frames.last_mut().unwrap().at.stack.truncate(3);
        }
        run.step();
    }
    let expected = std::mem::take(&mut run.expected_calls);
    let calls = checked.recorder.trace().calls();
    assert_eq!(calls.len(), expected.len());
    for (call, (parent, message, outcome)) in calls.iter().zip(expected) {
        assert_eq!((call.parent, &call.message, &call.outcome), (parent, &message, &outcome));
    }
    checked
}

#[test]
fn every_state_comes_back_while_the_run_goes_on() {
    for seed in 0..12 {
        let mut checked = check(seed, 6_000, 1 + 97 * seed as usize, false);
        checked.compare();
        assert_eq!(checked.compared, checked.recorder.trace().len());
    }
}

#[test]
fn the_trace_of_a_faulty_engine_is_that_engines() {
    for seed in 100..112 {
        check(seed, 6_000, 1 + 41 * seed as usize, true).compare();
    }
}

/// What a step left is what its frame found next; a frame's last step left what was shown.
#[test]
fn states_after_a_step_and_results() {
    for seed in 200..206 {
        let checked = check(seed, 1_500, usize::MAX, false);
        let trace = checked.recorder.trace();
        let mut replay = trace.replay();
        for (index, seen) in (0_u64..).zip(&checked.seen) {
            let before = replay.advance().unwrap();
            let call = before.state.call;
            let later = checked.seen[index as usize + 1..].iter().zip(index + 1..);
            let next = later
                .take_while(|(later, _)| later.depth >= seen.depth)
                .find(|(later, _)| later.depth == seen.depth)
                .filter(|(_, at)| trace.state_before(*at).unwrap().call == call);
            let expected = match next {
                Some((next, _)) => next.before.clone(),
                None => Snapshot { pc: seen.after.pc + 1 + bytes_behind(seen.opcode), ..seen.after.clone() },
            };
            let after = trace.state_after(index).unwrap();
            assert_eq!(Snapshot::of_state(&after), expected, "step {index} {:?}", seen.opcode);
            let result = trace.step_result(index).unwrap();
            assert_eq!(trace.step_info(index).unwrap().state_gas_before, Some(seen.before.state_gas));
            assert_eq!(result.state_gas_after, Some(expected.state_gas));
            assert_eq!(result.state_gas_cost, seen.state_gas_cost);
            assert_eq!(replay.result().as_ref(), Some(&result), "step {index} {:?}", seen.opcode);
            assert_eq!(result.stack_snapshot.items, after.stack);
            assert_eq!((result.gas_after, result.error_info), (after.gas, seen.halt));
            assert_eq!(
                result.storage_changes,
                seen.change.map(|change| change.1).into_iter().collect::<Vec<_>>()
            );
            assert_eq!(result.logs_emitted.len(), usize::from(seen.log.is_some()));
        }
    }
}
