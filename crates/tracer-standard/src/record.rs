//! The layout of the arena: one record a step, and one header before every run of steps of one frame.
//!
//! A record holds what the state before it does not already tell. Its layout, parts in brackets only if their flag is set:
//! opcode, flags, \[pc\], gas cost, \[halt\], \[gas left, whole stack\], result or the immediate that says which items moved, \[memory
//! size\], \[memory offset, length, bytes\], \[change of the refund, or zero, the state gas, and then that change\]. A header: kind, pc, gas, refund,
//! \[state gas\], and by its kind nothing, what a callee left, or the whole state.
//!
//! Invariant: a record can be skipped without any state, and applied to the state before it gives the state after it.

use parallax_primitives::{Bytes, Halt, Opcode, Reach, StateGas, U256};

use crate::{
    Call, Trace,
    codec::Input,
    memory::Write,
    shape::{Class, Shape, move_items},
    state_gas::{self, Ended, StateGasChange},
};

/// The opcode does not stand where the one before it pointed to.
pub(crate) const JUMPED: u8 = 1;
/// It failed.
pub(crate) const HALTED: u8 = 1 << 1;
/// Its gas or its stack is not what the opcode's facts say: both are written out.
pub(crate) const ODD: u8 = 1 << 2;
/// The memory has another size.
pub(crate) const RESIZED: u8 = 1 << 3;
/// What was written to memory is written out.
pub(crate) const WRITTEN: u8 = 1 << 4;
/// The refund counter has changed, or the state gas has: all flags are taken, and a refund that changes by nothing is none, so
/// where there is no state gas nothing is spent on it.
pub(crate) const COUNTED: u8 = 1 << 5;
/// The return data is empty now.
pub(crate) const CLEARED: u8 = 1 << 6;
/// It changed storage or logged: see the trace's lists.
pub(crate) const EFFECT: u8 = 1 << 7;

/// In the place of a word: it is the push data.
pub(crate) const FROM_CODE: u8 = 0xff;

/// What begins a run of steps: the frame has just started and is empty.
pub(crate) const START: u8 = 0;
/// The frame resumes with the answer to the message it sent.
pub(crate) const RESUME: u8 = 1;
/// The whole state.
pub(crate) const KEY: u8 = 2;
/// Beside the kind: the frame has state gas, which follows.
pub(crate) const WITH_STATE_GAS: u8 = 1 << 7;

/// Return data is nothing, a callee's output, or written out.
pub(crate) const NO_DATA: u8 = 0;
pub(crate) const CALLEE_DATA: u8 = 1;
pub(crate) const OTHER_DATA: u8 = 2;

/// The whole state of a frame before or after an opcode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Number of the frame in [`Trace::calls`].
    pub call: usize,
    /// 0 is the transaction's own frame.
    pub depth: u16,
    /// Offset of the next opcode in the code.
    pub pc: usize,
    /// Gas left: execution gas, where there are two.
    pub gas: u64,
    /// State gas; none where the rules have none (EIP-8037).
    pub state_gas: StateGas,
    /// The transaction's refund counter.
    pub refund: i64,
    /// The stack, bottom first; empty if stacks were not recorded.
    pub stack: Vec<U256>,
    /// Items on the stack.
    pub stack_size: usize,
    /// The memory; empty if memories were not recorded.
    pub memory: Vec<u8>,
    /// Bytes of memory.
    pub memory_size: usize,
    /// Return data of the last message.
    pub return_data: Bytes,
}

/// One step, read from the arena.
#[derive(Clone, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) opcode: Opcode,
    shape: Shape,
    pub(crate) flags: u8,
    pub(crate) pc: Option<usize>,
    pub(crate) gas_cost: u64,
    pub(crate) halt: Option<Halt>,
    odd: Option<(u64, usize, Vec<U256>)>,
    pub(crate) result: Option<Value>,
    moves: Option<Reach>,
    memory_size: Option<usize>,
    written: Option<(usize, &'a [u8])>,
    pub(crate) state_gas: StateGasChange,
    pub(crate) refund_change: i64,
}

/// What an opcode put on the stack.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    Word(U256),
    PushData,
}

impl<'a> Record<'a> {
    /// The next one of a trace.
    pub(crate) fn take(input: &mut Input<'a>, trace: &Trace) -> Self {
        let keeps_stack = trace.keeps_stack();
        let opcode = Opcode(input.take_byte());
        let shape = trace.shape_of(opcode);
        let flags = input.take_byte();
        let has = |flag| flags & flag != 0;
        let pc = has(JUMPED).then(|| input.take_size());
        let gas_cost = input.take_number();
        let halt = has(HALTED)
            .then(|| Halt::ALL.get(usize::from(input.take_byte())).copied().unwrap_or(Halt::UndefinedOpcode));
        let odd = has(ODD).then(|| {
            let gas_left = input.take_number();
            let (size, items) = take_stack(input, keeps_stack);
            (gas_left, size, items)
        });
        let is_told = keeps_stack && halt.is_none() && odd.is_none();
        let has_result = is_told && shape.adds == 1 && matches!(shape.class, Class::Plain | Class::LongPush);
        let moves = match shape.class {
            Class::Moves(reach) => Some(reach),
            Class::Deep if is_told => Reach::of(opcode, input.take_byte()),
            _ => None,
        };
        let result = has_result.then(|| {
            let mut ahead = *input;
            if ahead.take_byte() == FROM_CODE {
                *input = ahead;
                Value::PushData
            } else {
                Value::Word(input.take_word())
            }
        });
        let memory_size = has(RESIZED).then(|| input.take_size());
        let written = has(WRITTEN).then(|| {
            let (offset, length) = (input.take_size(), input.take_size());
            (offset, input.take_bytes(length))
        });
        let mut refund_change = if has(COUNTED) { input.take_signed() } else { 0 };
        let mut state_gas = StateGasChange::default();
        if has(COUNTED) && refund_change == 0 {
            state_gas = StateGasChange::take(input);
            refund_change = input.take_signed();
        }
        Self {
            opcode,
            shape,
            flags,
            pc,
            gas_cost,
            halt,
            odd,
            result,
            moves,
            memory_size,
            written,
            state_gas,
            refund_change,
        }
    }

    /// What it put on the stack, if its kind of opcode computes something.
    pub(crate) fn word(&self) -> Option<U256> {
        match self.result? {
            Value::Word(word) => Some(word),
            Value::PushData => None,
        }
    }

    /// Whether a message was sent.
    pub(crate) fn sends(&self) -> bool {
        Ended::of(self.shape.class, self.halt) == Ended::Sends
    }

    /// Both gases behind the opcode, in the state before it.
    pub(crate) fn gas_left(&self, before: &State) -> (u64, StateGas) {
        let state_gas = self.state_gas.apply(before.state_gas, Ended::of(self.shape.class, self.halt));
        // What is spilled or repaid moves between the two gases.
        let moved = before.state_gas.spilled.wrapping_sub(state_gas.spilled);
        let gas = match (&self.odd, self.halt) {
            (Some((gas_left, ..)), _) => *gas_left,
            (None, Some(_)) => before.gas,
            (None, None) => before.gas.wrapping_sub(self.gas_cost).wrapping_add(moved),
        };
        (gas, state_gas)
    }

    /// Turns the state before the opcode into the state after it; `state.pc` must be the opcode's.
    pub(crate) fn apply(&self, state: &mut State, trace: &Trace) {
        let shape = self.shape;
        let call = trace.calls().get(state.call);
        if self.halt.is_none() || self.memory_size.is_some() {
            self.apply_to_memory(state, trace, call);
        }
        state.refund = state.refund.wrapping_add(self.refund_change);
        if self.flags & CLEARED != 0 {
            state.return_data = Bytes::new();
        }
        (state.gas, state.state_gas) = self.gas_left(state);
        if let Some((_, stack_size, stack)) = &self.odd {
            state.stack_size = *stack_size;
            state.stack.clone_from(stack);
        } else if self.halt.is_none() {
            state.stack_size =
                (state.stack_size + usize::from(shape.adds)).saturating_sub(usize::from(shape.takes));
            if trace.keeps_stack() {
                self.apply_to_stack(state, trace, call);
            }
        }
        state.pc = state.pc.saturating_add(1 + usize::from(shape.immediate));
    }

    fn apply_to_memory(&self, state: &mut State, trace: &Trace, call: Option<&Call>) {
        let written_out = self.flags & WRITTEN != 0;
        // Its operands are on the stack that is still the one before the opcode.
        let write = match self.shape.class {
            Class::Writer if trace.keeps_stack() && trace.keeps_memory() && !written_out => {
                trace.opcode_info(self.opcode).and_then(|info| Write::of(info, &state.stack))
            }
            _ => None,
        };
        if let Some(size) = self.memory_size {
            state.memory_size = size;
            if trace.keeps_memory() {
                state.memory.resize(size, 0);
            }
        }
        if self.halt.is_some() {
            return;
        }
        if let (Some(write), Some(call)) = (write, call) {
            write.apply(&mut state.memory, &trace.sources(call, &state.return_data));
        }
        if let Some((offset, bytes)) = self.written {
            overwrite(&mut state.memory, offset, bytes);
        }
    }

    fn apply_to_stack(&self, state: &mut State, trace: &Trace, call: Option<&Call>) {
        let shape = self.shape;
        let stack = &mut state.stack;
        stack.truncate(stack.len().saturating_sub(usize::from(shape.takes)));
        match (self.moves, self.result) {
            (Some(reach), _) => move_items(reach, stack),
            (_, Some(Value::Word(word))) => stack.push(word),
            (_, Some(Value::PushData)) => {
                let code = call.map(|call| trace.code_of(call)).unwrap_or_default();
                stack.push(push_data(code, state.pc, usize::from(shape.immediate)));
            }
            (_, None) => {}
        }
    }
}

/// The operand of a PUSH of `length` bytes at `pc`, padded with zeros behind the end of the code.
pub(crate) fn push_data(code: &[u8], pc: usize, length: usize) -> U256 {
    let mut bytes = [0; 32];
    let data = crate::memory::part_of(code, pc.saturating_add(1), length);
    if let Some(place) = bytes.get_mut(32 - length..32 - length + data.len()) {
        place.copy_from_slice(data);
    }
    U256::from_be_bytes(bytes)
}

/// What stands before a run of steps of one frame.
#[derive(Clone, Debug)]
pub(crate) struct Header<'a> {
    kind: u8,
    pc: usize,
    gas: u64,
    state_gas: StateGas,
    refund: i64,
    answer: Option<U256>,
    stack: (usize, Vec<U256>),
    memory: (usize, &'a [u8]),
    /// Where in the memory the output of the callee went, how much of it, and bytes that follow it.
    output: (usize, usize, &'a [u8]),
    return_data: ReturnData<'a>,
}

#[derive(Clone, Copy, Debug)]
enum ReturnData<'a> {
    Nothing,
    OfCallee(usize),
    Other(&'a [u8]),
}

impl<'a> Header<'a> {
    pub(crate) fn take(input: &mut Input<'a>, keeps_stack: bool, keeps_memory: bool) -> Self {
        let head = input.take_byte();
        let kind = head & !WITH_STATE_GAS;
        let (pc, gas, refund) = (input.take_size(), input.take_number(), input.take_signed());
        let state_gas = if kind == head { StateGas::NONE } else { state_gas::take(input) };
        let mut header = Self {
            kind,
            pc,
            gas,
            state_gas,
            refund,
            answer: None,
            stack: (0, Vec::new()),
            memory: (0, &[]),
            output: (0, 0, &[]),
            return_data: ReturnData::Nothing,
        };
        match kind {
            RESUME => {
                header.return_data = take_return_data(input);
                header.answer = keeps_stack.then(|| input.take_word());
                let (derived, explicit) = (input.take_size(), input.take_size());
                if derived != 0 || explicit != 0 {
                    header.output = (input.take_size(), derived, input.take_bytes(explicit));
                }
            }
            KEY => {
                header.return_data = take_return_data(input);
                header.stack = take_stack(input, keeps_stack);
                let size = input.take_size();
                header.memory = (size, input.take_bytes(if keeps_memory { size } else { 0 }));
            }
            _ => {}
        }
        header
    }

    /// Whether the state before it does not matter.
    pub(crate) fn is_whole(&self) -> bool {
        self.kind != RESUME
    }

    /// Turns the state in which the frame was left into the one in which it goes on.
    pub(crate) fn apply(self, state: &mut State, trace: &Trace) {
        (state.pc, state.gas, state.refund) = (self.pc, self.gas, self.refund);
        state.state_gas = self.state_gas;
        state.return_data = match self.return_data {
            ReturnData::Nothing => Bytes::new(),
            ReturnData::OfCallee(call) => trace.output_of(call),
            ReturnData::Other(bytes) => Bytes::copy_from_slice(bytes),
        };
        if self.is_whole() {
            (state.stack_size, state.stack) = self.stack;
            state.memory_size = self.memory.0;
            state.memory.clear();
            state.memory.extend_from_slice(self.memory.1);
            return;
        }
        state.stack_size += 1;
        state.stack.extend(self.answer);
        let (offset, copied, explicit) = self.output;
        let output = crate::memory::part_of(&state.return_data, 0, copied);
        overwrite(&mut state.memory, offset, output);
        overwrite(&mut state.memory, offset.saturating_add(copied), explicit);
    }
}

fn take_return_data<'a>(input: &mut Input<'a>) -> ReturnData<'a> {
    match input.take_byte() {
        CALLEE_DATA => ReturnData::OfCallee(input.take_size()),
        OTHER_DATA => {
            let length = input.take_size();
            ReturnData::Other(input.take_bytes(length))
        }
        _ => ReturnData::Nothing,
    }
}

fn take_stack(input: &mut Input<'_>, keeps_stack: bool) -> (usize, Vec<U256>) {
    let size = input.take_size();
    let items = if keeps_stack { (0..size).map(|_| input.take_word()).collect() } else { Vec::new() };
    (size, items)
}

fn overwrite(memory: &mut [u8], offset: usize, bytes: &[u8]) {
    if let Some(place) = memory.get_mut(offset..offset.saturating_add(bytes.len())) {
        place.copy_from_slice(bytes);
    }
}
