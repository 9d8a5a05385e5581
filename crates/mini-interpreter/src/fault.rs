//! Mistakes on purpose: what a comparator has to find.
//!
//! Invariant: a fault leaves a state that a broken engine could be in, so that the run goes on, and says that it fired only
//! if what it left differs from what is right.

use std::{fmt, ops::Range, str::FromStr};

use parallax_host_interface::{Host, HostError, SelfDestruct, Slot, TxEnv};
use parallax_primitives::{
    Address, B256, BlockEnv, Bytecode, Eip, Halt, JournalView, Log, Message, MessageKind, Opcode, U256,
};

use crate::{
    Flow, MiniStepState, execute_single_op,
    state::{Awaiting, region},
};

/// A mistake in one opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Charges one gas more.
    GasMore,
    /// Charges one gas less.
    GasLess,
    /// Flips this bit of the result, the topmost stack item afterwards. A call's result is that after its return.
    FlipResult(u8),
    /// Pays for an expansion of the memory and does not make it.
    SkipExpansion,
    /// Writes memory one byte behind where it should. For calls, the output.
    WriteOff,
    /// Says that it wrote a storage slot, or a transient one, and does not.
    SkipStorageWrite,
    /// Writes another value, and says so.
    ChangeStorageWrite,
    /// Leaves the refund counter as it is.
    StaleRefund,
    /// Jumps to a 0x5b that is push data.
    JumpIntoPushData,
    /// Forgets the log.
    DropLog,
    /// Halts for another reason.
    SwapHalt,
    /// Gives a message one gas less than it took for it.
    ForwardWrongGas,
    /// Has forgotten that an account or a slot is warm (EIP-2929).
    ForgetWarm,
    /// Changes state in a static frame, or sends a message from one, or by STATICCALL, without the flag (EIP-214).
    LeaveStatic,
    /// Gives state gas back to the reservoir that execution gas has paid (EIP-8037).
    RefillWrongGas,
}

impl Fault {
    /// Every fault; of the 256 flipped bits, the lowest.
    pub const ALL: [Fault; 15] = [
        Fault::GasMore,
        Fault::GasLess,
        Fault::FlipResult(0),
        Fault::SkipExpansion,
        Fault::WriteOff,
        Fault::SkipStorageWrite,
        Fault::ChangeStorageWrite,
        Fault::StaleRefund,
        Fault::JumpIntoPushData,
        Fault::DropLog,
        Fault::SwapHalt,
        Fault::ForwardWrongGas,
        Fault::ForgetWarm,
        Fault::LeaveStatic,
        Fault::RefillWrongGas,
    ];

    /// As users type it.
    const fn key(self) -> &'static str {
        match self {
            Fault::GasMore => "gas-more",
            Fault::GasLess => "gas-less",
            Fault::FlipResult(_) => "flip-result",
            Fault::SkipExpansion => "skip-expansion",
            Fault::WriteOff => "write-off",
            Fault::SkipStorageWrite => "skip-storage-write",
            Fault::ChangeStorageWrite => "change-storage-write",
            Fault::StaleRefund => "stale-refund",
            Fault::JumpIntoPushData => "jump-into-push-data",
            Fault::DropLog => "drop-log",
            Fault::SwapHalt => "swap-halt",
            Fault::ForwardWrongGas => "forward-wrong-gas",
            Fault::ForgetWarm => "forget-warm",
            Fault::LeaveStatic => "leave-static",
            Fault::RefillWrongGas => "refill-wrong-gas",
        }
    }

    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Fault::GasMore => "one gas more",
            Fault::GasLess => "one gas less",
            Fault::FlipResult(_) => "flipped result bit",
            Fault::SkipExpansion => "memory not expanded",
            Fault::WriteOff => "memory one byte off",
            Fault::SkipStorageWrite => "storage not written",
            Fault::ChangeStorageWrite => "other value stored",
            Fault::StaleRefund => "stale refund",
            Fault::JumpIntoPushData => "jump into push data",
            Fault::DropLog => "log dropped",
            Fault::SwapHalt => "other halt",
            Fault::ForwardWrongGas => "wrong gas forwarded",
            Fault::ForgetWarm => "warm slot forgotten",
            Fault::LeaveStatic => "static flag left",
            Fault::RefillWrongGas => "wrong gas refilled",
        }
    }
}

/// As users type it: `gas-more`, and of a flipped bit `flip-result` or, of another than the lowest, `flip-result:255`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())?;
        match self {
            Fault::FlipResult(bit) if *bit != 0 => write!(f, ":{bit}"),
            _ => Ok(()),
        }
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let flipped = || text.strip_prefix("flip-result:")?.parse().ok().map(Fault::FlipResult);
        let named = Fault::ALL.into_iter().find(|fault| fault.key() == text);
        named.or_else(flipped).ok_or(UnknownFault)
    }
}

/// A name that no fault has. Its message lists those there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFault;

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Fault::ALL.map(Fault::key).join(", ");
        write!(f, "expected one of {names}, or flip-result:BIT with a bit from 0 to 255")
    }
}

impl std::error::Error for UnknownFault {}

/// Which mistake is made, in which opcode, and when: once in a transaction, at the first execution that it has an effect on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultPlan {
    /// The mistake.
    pub fault: Fault,
    /// The opcode that makes it.
    pub opcode: Opcode,
    /// Executions of the opcode, all frames, that are left alone first.
    pub occurrence: u64,
    /// Steps of the transaction, of whatever opcode, that are left alone first.
    pub from_step: u64,
}

impl FaultPlan {
    /// As early as it can be.
    pub const fn new(fault: Fault, opcode: Opcode) -> Self {
        Self { fault, opcode, occurrence: 0, from_step: 0 }
    }

    /// Not before the opcode was executed so many times.
    pub const fn at_occurrence(self, occurrence: u64) -> Self {
        Self { occurrence, ..self }
    }

    /// Not before step `index`.
    pub const fn from_step(self, index: u64) -> Self {
        Self { from_step: index, ..self }
    }
}

/// Executes one opcode with the mistake in it. Also says whether it had an effect.
pub(crate) fn execute(
    fault: Fault,
    state: &mut MiniStepState,
    host: &mut dyn Host,
) -> Result<(Flow, bool), HostError> {
    match fault {
        Fault::SkipStorageWrite
        | Fault::ChangeStorageWrite
        | Fault::StaleRefund
        | Fault::DropLog
        | Fault::ForgetWarm => {
            let opcode = state.opcode();
            let mut host = FaultyHost { inner: host, fault, fired: None };
            let flow = execute_single_op(state, &mut host)?;
            let fired = host.fired;
            if let (Fault::ChangeStorageWrite, Some(value), Some(change)) = (fault, fired, &mut state.written)
            {
                change.new = value;
            }
            // A creation warms an address and charges nothing for that (EIP-8037).
            let charges_access =
                state.rules.has(Eip::WarmAccess2929) && !matches!(opcode, Opcode::CREATE | Opcode::CREATE2);
            let has_effect = fault != Fault::ForgetWarm || charges_access;
            Ok((flow, fired.is_some() && has_effect))
        }
        Fault::LeaveStatic => leave_static(state, host),
        Fault::WriteOff => write_off(state, host),
        Fault::RefillWrongGas => {
            let spilled = state.state_gas.spilled;
            let flow = execute_single_op(state, host)?;
            let fired = flow == Flow::Next && refill_reservoir(state, spilled);
            Ok((flow, fired))
        }
        _ => {
            let memory_before = state.memory.len();
            let row = state.rules.opcodes()[usize::from(state.opcode().0)];
            // What DUPN adds its row does not say: its immediate is looked at first.
            let has_result = row.outputs > 0 || state.opcode() == Opcode::DUPN;
            let mut flow = execute_single_op(state, host)?;
            let fired = after(fault, state, &mut flow, (memory_before, has_result));
            Ok((flow, fired))
        }
    }
}

/// Mistakes that can be made when all else is done.
fn after(
    fault: Fault,
    state: &mut MiniStepState,
    flow: &mut Flow,
    (memory_before, has_result): (usize, bool),
) -> bool {
    match (fault, flow) {
        (Fault::SwapHalt, Flow::Halt(halt)) => {
            *halt = if *halt == Halt::StackUnderflow { Halt::OutOfGas } else { Halt::StackUnderflow };
            true
        }
        (Fault::JumpIntoPushData, flow @ Flow::Halt(Halt::InvalidJump)) => {
            let target = state.stack.last().map_or(usize::MAX, U256::saturating_to);
            let is_there = state.code.bytes().get(target) == Some(&Opcode::JUMPDEST.0);
            if is_there {
                let taken = if state.opcode() == Opcode::JUMP { 1 } else { 2 };
                state.stack.truncate(state.stack.len() - taken);
                state.gas -= state.gas_cost;
                state.pc = target;
                *flow = Flow::Next;
            }
            is_there
        }
        (_, Flow::Halt(_)) => false,
        (Fault::GasMore, _) if state.gas > 0 => {
            state.gas -= 1;
            state.gas_cost += 1;
            true
        }
        (Fault::GasLess, _) if state.gas_cost > 0 => {
            state.gas += 1;
            state.gas_cost -= 1;
            true
        }
        (Fault::FlipResult(bit), Flow::Next) if has_result => flip(state, bit),
        (Fault::SkipExpansion, _) if state.memory.len() > memory_before => {
            state.memory.truncate(memory_before);
            if let Some(Awaiting::Call { output, .. }) = &mut state.awaiting {
                *output = output.start.min(memory_before)..output.end.min(memory_before);
            }
            true
        }
        (Fault::ForwardWrongGas, Flow::Message(message)) if message.gas > 0 => {
            message.gas -= 1;
            true
        }
        _ => false,
    }
}

/// Flips a bit of the topmost item.
pub(crate) fn flip(state: &mut MiniStepState, bit: u8) -> bool {
    let Some(top) = state.stack.last_mut() else { return false };
    *top ^= U256::ONE << usize::from(bit);
    true
}

/// Moves what was given back to execution gas into the reservoir: of state gas `spilled` had been taken from there.
pub(crate) fn refill_reservoir(state: &mut MiniStepState, spilled: u64) -> bool {
    let refilled = spilled.saturating_sub(state.state_gas.spilled);
    state.gas -= refilled;
    state.state_gas.spilled += refilled;
    state.state_gas.reservoir += refilled;
    refilled > 0
}

fn leave_static(state: &mut MiniStepState, host: &mut dyn Host) -> Result<(Flow, bool), HostError> {
    let opcode = state.opcode();
    let was_static = std::mem::take(&mut state.message.is_static);
    let row = state.rules.opcodes()[usize::from(opcode.0)];
    let sends_value =
        opcode == Opcode::CALL && state.operands::<3>().is_ok_and(|[.., value]| !value.is_zero());
    let mut flow = execute_single_op(state, host)?;
    state.message.is_static = was_static;
    let fired = match &mut flow {
        // A frame with these halts has them whether it is static or not.
        Flow::Halt(Halt::UndefinedOpcode | Halt::StackUnderflow | Halt::StackOverflow) => false,
        Flow::Message(message) => {
            let fired = was_static || message.kind == MessageKind::StaticCall;
            message.is_static = false;
            fired
        }
        _ => was_static && (row.writes_state || sends_value),
    };
    Ok((flow, fired))
}

fn write_off(state: &mut MiniStepState, host: &mut dyn Host) -> Result<(Flow, bool), HostError> {
    let operand = |index: usize| state.stack.iter().rev().nth(index).copied().unwrap_or_default();
    let (offset, size) = match state.opcode() {
        Opcode::MSTORE => (operand(0), U256::from(32)),
        Opcode::MSTORE8 => (operand(0), U256::ONE),
        Opcode::CALLDATACOPY | Opcode::CODECOPY | Opcode::RETURNDATACOPY | Opcode::MCOPY => {
            (operand(0), operand(2))
        }
        Opcode::EXTCODECOPY => (operand(1), operand(3)),
        _ => return Ok((execute_single_op(state, host)?, false)),
    };
    let before = state.memory.clone();
    let flow = execute_single_op(state, host)?;
    let fired = flow == Flow::Next && shift_write(state, before, region(offset, size));
    Ok((flow, fired))
}

/// Moves the write to `place` since `before` one byte on; the end of the memory cuts it off. False if that is no other memory.
pub(crate) fn shift_write(state: &mut MiniStepState, mut before: Vec<u8>, place: Range<usize>) -> bool {
    let size = state.memory.len();
    before.resize(size, 0);
    if !place.is_empty() {
        let target = place.start + 1..size.min(place.end + 1);
        let written = &state.memory[place.start..][..target.len()];
        before[target].copy_from_slice(written);
    }
    let differs = before != state.memory;
    state.memory = before;
    differs
}

/// Hands on what is asked, but for the mistake.
struct FaultyHost<'h> {
    inner: &'h mut dyn Host,
    fault: Fault,
    /// Whether the mistake was made; the value that a changed write wrote.
    fired: Option<U256>,
}

impl FaultyHost<'_> {
    /// What becomes of a write: the value, unless there is none.
    fn written(&mut self, current: U256, value: U256) -> Option<U256> {
        match self.fault {
            Fault::SkipStorageWrite if current != value => {
                self.fired = Some(current);
                None
            }
            Fault::ChangeStorageWrite => {
                let other = value ^ U256::ONE;
                self.fired = Some(other);
                Some(other)
            }
            _ => Some(value),
        }
    }

    /// Whether an access is taken for a cold one.
    fn forgets(&mut self, was_cold: bool) -> bool {
        if self.fault == Fault::ForgetWarm && !was_cold {
            self.fired = Some(U256::ZERO);
            return true;
        }
        was_cold
    }
}

impl Host for FaultyHost<'_> {
    fn warm_account(&mut self, address: Address) -> bool {
        let was_cold = self.inner.warm_account(address);
        self.forgets(was_cold)
    }

    fn warm_slot(&mut self, address: Address, key: U256) -> bool {
        let was_cold = self.inner.warm_slot(address, key);
        self.forgets(was_cold)
    }

    fn load_slot(&mut self, address: Address, key: U256) -> Result<Slot, HostError> {
        let slot = self.inner.load_slot(address, key)?;
        Ok(Slot { was_cold: self.forgets(slot.was_cold), ..slot })
    }

    fn store_slot(&mut self, address: Address, key: U256, value: U256) -> Result<(), HostError> {
        let current = self.inner.load_slot(address, key)?.current;
        match self.written(current, value) {
            Some(value) => self.inner.store_slot(address, key, value),
            None => Ok(()),
        }
    }

    fn store_transient(&mut self, address: Address, key: U256, value: U256) {
        let current = self.inner.load_transient(address, key);
        if let Some(value) = self.written(current, value) {
            self.inner.store_transient(address, key, value);
        }
    }

    fn add_refund(&mut self, delta: i64) {
        if self.fault == Fault::StaleRefund {
            self.fired = Some(U256::ZERO);
        } else {
            self.inner.add_refund(delta);
        }
    }

    fn log(&mut self, log: Log) {
        if self.fault == Fault::DropLog {
            self.fired = Some(U256::ZERO);
        } else {
            self.inner.log(log);
        }
    }

    fn nonce(&mut self, address: Address) -> Result<u64, HostError> {
        self.inner.nonce(address)
    }

    fn created_address(&mut self, creation: &Message) -> Result<Address, HostError> {
        self.inner.created_address(creation)
    }

    fn block(&self) -> &BlockEnv {
        self.inner.block()
    }

    fn transaction(&self) -> &TxEnv {
        self.inner.transaction()
    }

    fn journal_view(&self) -> &dyn JournalView {
        self.inner.journal_view()
    }

    fn balance(&mut self, address: Address) -> Result<U256, HostError> {
        self.inner.balance(address)
    }

    fn code(&mut self, address: Address) -> Result<Bytecode, HostError> {
        self.inner.code(address)
    }

    fn code_hash(&mut self, address: Address) -> Result<Option<B256>, HostError> {
        self.inner.code_hash(address)
    }

    fn is_dead(&mut self, address: Address) -> Result<bool, HostError> {
        self.inner.is_dead(address)
    }

    fn load_transient(&mut self, address: Address, key: U256) -> U256 {
        self.inner.load_transient(address, key)
    }

    fn self_destruct(&mut self, address: Address, beneficiary: Address) -> Result<SelfDestruct, HostError> {
        self.inner.self_destruct(address, beneficiary)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, HostError> {
        self.inner.block_hash(number)
    }
}
