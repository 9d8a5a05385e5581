//! revm's steps as hooks see them: the same values in the same order as from Parallax's own engines.
//!
//! revm's inspector is called before and after each opcode, with the state in between whatever the opcode made of it. So
//! what an opcode that fails has changed is taken back here, and what revm keeps per frame is summed up.

use std::cell::RefCell;

use parallax_hooks::{StepControl, StepEnd, StepView};
use parallax_host_interface::HostError;
use parallax_primitives::{
    Address, Bytes, Class, Effect, FrameStatus, Halt, JournalView, Log, Message, Opcode, StateGas,
    StorageChange, U256,
};
use revm::{
    Inspector,
    context_interface::JournalTr,
    inspector::JournalExt,
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, FrameInput, Gas, Interpreter,
        InterpreterAction,
        interpreter_types::{InputsTr, Jumps, LegacyBytecode, LoopControl, MemoryTr, ReturnData},
    },
    state::EvmStorageSlot,
};

use crate::{
    context::{JobContext, log},
    halt::frame_status,
    inspector::{Messages, fail},
    state_gas,
};

/// Watches the messages and every opcode of one transaction.
pub(crate) struct Steps<'h, 'a> {
    pub(crate) messages: Messages<'h, 'a>,
    /// Opcodes shown.
    clock: u64,
    /// The open messages, and the transaction's refund counter when each began.
    frames: Vec<Frame>,
    /// The transaction's refund counter.
    refund: i64,
    /// The journal's logs in Parallax's words.
    logs: Vec<Log>,
    before: Before,
}

struct Frame {
    /// As a frame sees it: init code is not the calldata of the frame that runs it.
    message: Message,
    refund: i64,
}

/// What is remembered of the time before an opcode.
struct Before {
    pc: usize,
    opcode: Opcode,
    gas: u64,
    /// All of revm's counters.
    counters: Gas,
    stack_len: usize,
    /// The topmost items, which the opcode may take off.
    operands: Vec<U256>,
    memory_len: usize,
    /// The value of the slot that SSTORE or TSTORE is about to write, if it is known.
    written: Option<U256>,
}

/// No opcode takes more off the stack.
const MOST_OPERANDS: usize = 7;

impl<'h, 'a> Steps<'h, 'a> {
    pub(crate) fn new(messages: Messages<'h, 'a>) -> Self {
        Self {
            messages,
            clock: 0,
            frames: Vec::new(),
            refund: 0,
            logs: Vec::new(),
            before: Before {
                pc: 0,
                opcode: Opcode::STOP,
                gas: 0,
                counters: Gas::default(),
                stack_len: 0,
                operands: Vec::with_capacity(MOST_OPERANDS),
                memory_len: 0,
                written: None,
            },
        }
    }

    /// Brings the refund counter up to date: revm counts each frame's apart, and adds it to the caller's when it ends well.
    fn count_refund(&mut self, interpreter: &Interpreter) {
        self.refund = self.frames.last().map_or(0, |frame| frame.refund) + interpreter.gas.refunded();
    }

    fn begin_message(&mut self) {
        let Some(mut message) = self.messages.innermost().cloned() else { return };
        if message.kind.is_create() {
            message.input = Bytes::new();
        }
        self.frames.push(Frame { message, refund: self.refund });
    }

    fn end_message<C: JobContext<'a>>(&mut self, context: &C) {
        self.frames.pop();
        self.logs.truncate(context.journal().logs().len());
    }

    /// Takes over what revm has logged since.
    fn take_logs<C: JobContext<'a>>(&mut self, context: &C) {
        let known = self.logs.len();
        self.logs.extend(context.journal().logs().iter().skip(known).cloned().map(log));
    }
}

impl<'a, C: JobContext<'a>> Inspector<C> for Steps<'_, 'a> {
    fn step(&mut self, interpreter: &mut Interpreter, context: &mut C) {
        // Without init code a creation has no step; revm runs the STOP behind it.
        if interpreter.bytecode.bytecode_slice().is_empty() {
            return;
        }
        self.messages.prepare(interpreter, context);
        self.count_refund(interpreter);
        // A transfer is logged where its message begins, and not by an opcode (EIP-7708).
        self.take_logs(context);
        let opcode = Opcode(interpreter.bytecode.opcode());
        let journal = View::new(context.journal_mut(), self.refund, &self.logs);
        self.before.remember(interpreter, opcode, &journal);
        let rules = self.messages.rules;
        let Some((hooks, Frame { message, .. })) = self.messages.hooks().zip(self.frames.last()) else {
            return;
        };
        let control = hooks.on_step(&StepView {
            index: self.clock,
            rules,
            depth: message.depth,
            pc: self.before.pc,
            opcode,
            gas: self.before.gas,
            state_gas: state_gas::standing(message, &interpreter.gas),
            refund: self.refund,
            stack: interpreter.stack.data(),
            memory: &interpreter.memory.slice(0..self.before.memory_len),
            return_data: interpreter.return_data.buffer(),
            message,
            code: interpreter.bytecode.bytecode_slice(),
            journal: &journal,
        });
        if control == StepControl::Abort {
            self.messages.abort_frame(interpreter, context);
        }
    }

    fn step_end(&mut self, interpreter: &mut Interpreter, context: &mut C) {
        if interpreter.bytecode.bytecode_slice().is_empty() {
            return;
        }
        self.count_refund(interpreter);
        let ended = match ended(interpreter, self.messages.rules.gas().call_stipend) {
            Ok(ended) => ended,
            Err(error) => {
                fail(context, error.into());
                return;
            }
        };
        // revm destroys an account before it looks whether that is paid for; the transfer is then logged, and undone with the frame.
        if ended.halt.is_none() {
            self.take_logs(context);
        }
        let refused = self.messages.refused_creation(interpreter, context);
        let sends_message = ended.sends_message || refused.is_some();
        let left = interpreter.gas.remaining() + ended.forwarded_to_creation;
        let before = &self.before;
        let (gas_cost, gas_left, memory_len) = before.spent(ended.halt, left, interpreter);
        let restored;
        let stack = if ended.halt.is_some() {
            restored = before.stack(interpreter.stack.data());
            &restored
        } else {
            // What a refused creation comes to is on the stack already.
            let items = interpreter.stack.data();
            &items[..items.len().saturating_sub(usize::from(refused.is_some()))]
        };
        let mut journal = View::new(context.journal_mut(), self.refund, &self.logs);
        let address = interpreter.input.target_address();
        let effect = before.effect(address, &journal);
        let effect = match (ended.halt, effect) {
            (None, effect) => effect,
            (Some(_), Effect::Storage(change)) => {
                journal.undone = Some(change);
                Effect::None
            }
            (Some(_), _) => Effect::None,
        };
        let state_gas_cost = if ended.halt.is_some() { 0 } else { before.state_cost(&interpreter.gas) };
        let end = StepEnd {
            gas_cost,
            state_gas_cost,
            forwarded: ended.forwarded,
            gas_left,
            halt: ended.halt,
            effect,
        };
        let return_data: &[u8] = if sends_message { &[] } else { interpreter.return_data.buffer() };
        let rules = self.messages.rules;
        let Some((hooks, Frame { message, .. })) = self.messages.hooks().zip(self.frames.last()) else {
            return;
        };
        let state_gas = match ended.halt {
            None => state_gas_left(message, &interpreter.gas, sends_message),
            Some(_) => state_gas::standing(message, &before.counters),
        };
        let memory = interpreter.memory.slice(0..memory_len);
        let left = StepView {
            index: self.clock,
            rules,
            depth: message.depth,
            pc: before.pc,
            opcode: before.opcode,
            gas: gas_left,
            state_gas,
            refund: self.refund,
            stack,
            memory: &memory,
            return_data,
            message,
            code: interpreter.bytecode.bytecode_slice(),
            journal: &journal,
        };
        hooks.on_step_end(&left, &end);
        drop(memory);
        self.clock += 1;
        if let Some((message, halt)) = refused
            && self.messages.refuse(&message, halt)
        {
            self.messages.abort_frame(interpreter, context);
        }
    }

    fn call(&mut self, context: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        let outcome = self.messages.call(context, inputs);
        self.begin_message();
        outcome
    }

    fn call_end(&mut self, context: &mut C, inputs: &CallInputs, outcome: &mut CallOutcome) {
        self.end_message(context);
        self.messages.call_end(context, inputs, outcome);
    }

    fn create(&mut self, context: &mut C, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        let outcome = self.messages.create(context, inputs);
        self.begin_message();
        outcome
    }

    fn create_end(&mut self, context: &mut C, inputs: &CreateInputs, outcome: &mut CreateOutcome) {
        self.end_message(context);
        self.messages.create_end(context, inputs, outcome);
    }
}

impl Before {
    fn remember(&mut self, interpreter: &Interpreter, opcode: Opcode, journal: &View<'_, impl JournalExt>) {
        let stack = interpreter.stack.data();
        let address = interpreter.input.target_address();
        self.written = match (opcode, stack.last()) {
            (Opcode::SSTORE, Some(key)) => journal.storage(address, *key),
            (Opcode::TSTORE, Some(key)) => Some(journal.transient_storage(address, *key)),
            _ => None,
        };
        self.pc = interpreter.bytecode.pc();
        self.opcode = opcode;
        self.gas = interpreter.gas.remaining();
        self.counters = interpreter.gas;
        self.stack_len = stack.len();
        self.operands.clear();
        self.operands.extend_from_slice(&stack[stack.len().saturating_sub(MOST_OPERANDS)..]);
        self.memory_len = interpreter.memory.size();
    }

    /// What the opcode cost, the gas left after it, and the size of the memory that it leaves. `left` is what revm has left.
    fn spent(&self, halt: Option<Halt>, left: u64, after: &Interpreter) -> (u64, u64, usize) {
        match halt {
            None => (self.cost(left, &after.gas), left, after.memory.size()),
            // Of other failures revm does not say what the opcode would have cost.
            Some(halt) if is_paid_for(self.opcode, halt) => {
                (self.gas.saturating_sub(left), self.gas, self.memory_len)
            }
            Some(_) => (0, self.gas, self.memory_len),
        }
    }

    /// Execution gas that the opcode took, of which `left` is left: what state gas has spilled of it, or given back to it, is no part.
    fn cost(&self, left: u64, after: &Gas) -> u64 {
        let before = self.gas.saturating_add(self.counters.state_gas_spilled());
        before.saturating_sub(left.saturating_add(after.state_gas_spilled()))
    }

    /// State gas that it was charged, or given back.
    fn state_cost(&self, after: &Gas) -> i64 {
        after.state_gas_spent().saturating_sub(self.counters.state_gas_spent())
    }

    /// What SSTORE, TSTORE or LOG did.
    fn effect<'l>(&self, address: Address, journal: &View<'l, impl JournalExt>) -> Effect<'l> {
        match (self.opcode, self.operands.as_slice()) {
            (Opcode::SSTORE, [.., new, key]) => {
                let original = journal.original_storage(address, *key).unwrap_or_default();
                // A slot that was not loaded before holds what it held at the start.
                let previous = self.written.unwrap_or(original);
                Effect::Storage(StorageChange { address, key: *key, previous, new: *new, original })
            }
            (Opcode::TSTORE, [.., new, key]) => Effect::Transient(StorageChange {
                address,
                key: *key,
                previous: self.written.unwrap_or_default(),
                new: *new,
                original: U256::ZERO,
            }),
            _ if self.opcode.info().is_some_and(|info| info.class == Class::Log) => {
                journal.logs.last().map_or(Effect::None, Effect::Log)
            }
            _ => Effect::None,
        }
    }

    /// The stack as it was, out of what a failing opcode has left of it.
    fn stack(&self, left: &[U256]) -> Vec<U256> {
        let below = self.stack_len - self.operands.len();
        [left.get(..below).unwrap_or(left), &self.operands].concat()
    }
}

/// State gas as an opcode left it: all of the reservoir is handed to the message that it sends. revm hands over a copy, and takes over
/// what the message leaves.
fn state_gas_left(message: &Message, after: &Gas, sends_message: bool) -> StateGas {
    let left = state_gas::standing(message, after);
    if sends_message { StateGas { reservoir: 0, ..left } } else { left }
}

/// How an opcode ended.
struct Ended {
    halt: Option<Halt>,
    sends_message: bool,
    /// Gas that a creation takes with it.
    forwarded_to_creation: u64,
    /// Gas that a message is given, without the stipend.
    forwarded: u64,
}

/// Whether the opcode is paid for when it fails so: a jump, and what is about items that a byte behind the opcode names (EIP-8024), but not
/// where it is no opcode, which revm charges as well.
fn is_paid_for(opcode: Opcode, halt: Halt) -> bool {
    match halt {
        Halt::InvalidJump => true,
        Halt::UndefinedOpcode => false,
        _ => matches!(opcode, Opcode::DUPN | Opcode::SWAPN | Opcode::EXCHANGE),
    }
}

fn ended(interpreter: &mut Interpreter, stipend: u64) -> Result<Ended, HostError> {
    let (mut halt, mut sends_message, mut forwarded_to_creation, mut forwarded) = (None, false, 0, 0);
    match interpreter.bytecode.action() {
        None => {}
        Some(InterpreterAction::NewFrame(input)) => {
            sends_message = true;
            match input {
                FrameInput::Create(inputs) => {
                    forwarded_to_creation = inputs.gas_limit();
                    forwarded = forwarded_to_creation;
                }
                FrameInput::Call(inputs) => {
                    let stipend = if inputs.transfers_value() { stipend } else { 0 };
                    forwarded = inputs.gas_limit.saturating_sub(stipend);
                }
                FrameInput::Empty => {}
            }
        }
        Some(InterpreterAction::Return(result)) => {
            if let FrameStatus::Halt(reason) = frame_status(result.result, false, true)? {
                halt = Some(reason);
            }
        }
    }
    Ok(Ended { halt, sends_message, forwarded_to_creation, forwarded })
}

/// A journal of revm's, to be read.
struct View<'a, J> {
    /// revm reads transient storage through its trait as if that changed it.
    journal: RefCell<&'a mut J>,
    refund: i64,
    logs: &'a [Log],
    /// An SSTORE that could not be paid for. revm has written by then.
    undone: Option<StorageChange>,
}

impl<'a, J: JournalExt> View<'a, J> {
    fn new(journal: &'a mut J, refund: i64, logs: &'a [Log]) -> Self {
        Self { journal: RefCell::new(journal), refund, logs, undone: None }
    }

    /// What the journal has of a slot, if the slot was loaded.
    fn slot<T>(&self, address: Address, key: U256, read: impl FnOnce(&EvmStorageSlot) -> T) -> Option<T> {
        self.journal.borrow().evm_state().get(&address)?.storage.get(&key).map(read)
    }
}

impl<J: JournalExt> JournalView for View<'_, J> {
    fn refund(&self) -> i64 {
        self.refund
    }

    fn storage(&self, address: Address, key: U256) -> Option<U256> {
        let current = self.slot(address, key, |slot| slot.present_value)?;
        let undone = self.undone.filter(|undone| undone.address == address && undone.key == key);
        Some(undone.map_or(current, |undone| undone.previous))
    }

    fn original_storage(&self, address: Address, key: U256) -> Option<U256> {
        self.slot(address, key, |slot| slot.original_value)
    }

    fn transient_storage(&self, address: Address, key: U256) -> U256 {
        self.journal.borrow_mut().tload(address, key)
    }

    fn logs(&self) -> &[Log] {
        self.logs
    }

    fn balance(&self, address: Address) -> Option<U256> {
        Some(self.journal.borrow().evm_state().get(&address)?.info.balance)
    }
}
