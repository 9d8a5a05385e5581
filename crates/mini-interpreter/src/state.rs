//! The stepping value, and what every opcode does to it.
//!
//! Invariant: an opcode that halts leaves gas, stack, memory, return data and program counter as it found them. So every
//! instruction reads its operands without taking them, charges, and only then changes anything.

use std::ops::Range;

use parallax_hooks::StepView;
use parallax_host_interface::{Host, HostError};
use parallax_primitives::{
    Address, Bytecode, Bytes, Eip, FrameOutcome, GasSchedule, Halt, JournalView, MEMORY_LIMIT, Message,
    Opcode, OpcodeTable, Rules, STACK_LIMIT, StateGas, StorageChange, U256,
};

/// A frame between two opcodes: all that the next opcode depends on besides the [`Host`].
#[derive(Clone, Debug)]
pub struct MiniStepState {
    /// Offset of the next opcode. At or behind the end of the code it stands before the implied STOP.
    pub pc: usize,
    /// Execution gas left. Where the rules know no state gas there is no other.
    pub gas: u64,
    /// State gas (EIP-8037): what is left of it, and what of it was taken from [`MiniStepState::gas`]. While a message is away its frame
    /// has the reservoir.
    pub state_gas: StateGas,
    /// The stack, bottom first; never more than 1024 items.
    pub stack: Vec<U256>,
    /// The memory; its size is a multiple of 32.
    pub memory: Vec<u8>,
    /// Return data of the last message (EIP-211).
    pub return_data: Bytes,
    /// What started the frame.
    pub message: Message,
    /// The code that runs.
    pub code: Bytecode,
    /// The rules it runs under.
    pub rules: Rules,
    /// What the last SSTORE or TSTORE wrote.
    pub written: Option<StorageChange>,
    /// Execution gas the last opcode was charged, or, if it failed at its charge, should have been; saturating. What a creation forwards
    /// is not in it, what a call forwards is.
    pub gas_cost: u64,
    /// State gas the last opcode was charged, or, if it failed there, should have been; below zero if it was given some back.
    pub state_gas_cost: i64,
    /// Whether the opcode changes state and the frame is static (EIP-214).
    pub(crate) refuses_write: bool,
    /// What RETURN or REVERT gave.
    pub(crate) output: Bytes,
    /// Where the output of the message that was sent last goes.
    pub(crate) awaiting: Option<Awaiting>,
    pub(crate) schedule: &'static GasSchedule,
    pub(crate) table: &'static OpcodeTable,
    jumpdests: Vec<bool>,
}

/// Where the answer to a message goes.
#[derive(Clone, Debug)]
pub(crate) enum Awaiting {
    /// The new address goes onto the stack.
    Creation {
        /// State gas that was charged for the new account: given back if there is none.
        account_gas: u64,
    },
    /// The output goes to a part of the memory, as much of it as fits.
    Call {
        /// That part.
        output: Range<usize>,
        /// State gas that was charged for an account that the value brings to life: given back if it does not.
        account_gas: u64,
    },
}

/// Where an instruction leads.
#[derive(Debug)]
pub(crate) enum Step {
    Next,
    Send(Box<Message>),
    /// With [`MiniStepState::output`].
    Return,
    /// With [`MiniStepState::output`].
    Revert,
}

/// Why an instruction did not complete.
#[derive(Debug)]
pub(crate) enum Fault {
    Halt(Halt),
    // Boxed, so that an instruction's answer fits two registers.
    Host(Box<HostError>),
}

impl From<Halt> for Fault {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl From<HostError> for Fault {
    fn from(error: HostError) -> Self {
        Self::Host(Box::new(error))
    }
}

pub(crate) type Outcome = Result<Step, Fault>;

impl MiniStepState {
    /// A frame of `message` before its first opcode, running `code` under `rules`.
    pub fn new(message: Message, code: Bytecode, rules: Rules) -> Self {
        Self {
            pc: 0,
            gas: message.gas,
            state_gas: message.state_gas,
            stack: Vec::with_capacity(STACK_LIMIT),
            memory: Vec::new(),
            return_data: Bytes::new(),
            jumpdests: valid_jump_destinations(code.bytes()),
            message,
            code,
            rules,
            written: None,
            gas_cost: 0,
            state_gas_cost: 0,
            refuses_write: false,
            output: Bytes::new(),
            awaiting: None,
            schedule: rules.gas(),
            table: rules.opcodes(),
        }
    }

    /// The opcode at [`MiniStepState::pc`]; STOP behind the end of the code.
    pub fn opcode(&self) -> Opcode {
        self.code.bytes().get(self.pc).map_or(Opcode::STOP, |byte| Opcode(*byte))
    }

    /// Answers the message that [`crate::Flow::Message`] sent: takes back the gas it left, of both kinds, and puts its result onto the
    /// stack and its output into the memory and the return data.
    ///
    /// EELS: `vm/__init__.py`, `incorporate_child`; `vm/instructions/system.py`, the ends of `generic_create` and `call`.
    pub fn deliver(&mut self, child: FrameOutcome) {
        let Some(awaiting) = self.awaiting.take() else {
            debug_assert!(false, "an answer without a message");
            return;
        };
        let success = child.status.is_success();
        self.gas += child.gas_left;
        self.state_gas.reservoir += child.state_gas.reservoir;
        self.state_gas.spilled += child.state_gas.spilled;
        let (Awaiting::Creation { account_gas } | Awaiting::Call { account_gas, .. }) = awaiting;
        if success {
            self.repay_state_gas_spill();
        } else {
            self.credit_state_gas_refund(account_gas);
        }
        match awaiting {
            Awaiting::Creation { .. } => {
                self.stack.push(child.created.filter(|_| success).map_or(U256::ZERO, word_of));
                // Only a revert has return data: a successful creation's output is the code (EIP-211).
                self.return_data = if success { Bytes::new() } else { child.output };
            }
            Awaiting::Call { output: place, .. } => {
                self.stack.push(U256::from(success));
                let copied = place.len().min(child.output.len());
                self.memory[place.start..place.start + copied].copy_from_slice(&child.output[..copied]);
                self.return_data = child.output;
            }
        }
    }

    /// What an observer sees before the next opcode.
    pub fn view<'a>(&'a self, index: u64, journal: &'a dyn JournalView) -> StepView<'a> {
        StepView {
            index,
            rules: self.rules,
            depth: self.message.depth,
            pc: self.pc,
            opcode: self.opcode(),
            gas: self.gas,
            state_gas: self.state_gas,
            refund: journal.refund(),
            stack: &self.stack,
            memory: &self.memory,
            return_data: &self.return_data,
            message: &self.message,
            code: self.code.bytes(),
            journal,
        }
    }

    /// The topmost items, the top first, still on the stack.
    pub(crate) fn operands<const N: usize>(&self) -> Result<[U256; N], Halt> {
        let mut items = *self.stack.last_chunk::<N>().ok_or(Halt::StackUnderflow)?;
        items.reverse();
        Ok(items)
    }

    /// Takes the `N` operands off the stack.
    pub(crate) fn take<const N: usize>(&mut self) {
        self.stack.truncate(self.stack.len() - N);
    }

    /// Takes the `N` operands off the stack and puts the result there.
    pub(crate) fn replace<const N: usize>(&mut self, result: U256) {
        match self.stack.len().checked_sub(N) {
            Some(place) if N > 0 => {
                self.stack[place] = result;
                self.stack.truncate(place + 1);
            }
            _ => self.stack.push(result),
        }
    }

    /// Charges gas. Out of gas, nothing is charged. A change of state in a static call is refused here, before the gas and
    /// knowing what it would have cost; with EIP-8037 the specification has not come to that.
    pub(crate) fn charge(&mut self, amount: u64) -> Result<(), Halt> {
        self.gas_cost = amount;
        if self.refuses_write {
            if self.rules.has(Eip::StateGas8037) {
                self.gas_cost = 0;
            }
            return Err(Halt::StaticViolation);
        }
        self.gas = self.gas.checked_sub(amount).ok_or(Halt::OutOfGas)?;
        Ok(())
    }

    /// Whether there is so much execution gas, which nothing is charged of yet: an opcode that fails here has cost nothing. A change of
    /// state in a static call is refused before.
    ///
    /// EELS: `vm/gas.py`, `check_gas`.
    pub(crate) fn check_gas(&self, amount: u64) -> Result<(), Halt> {
        if self.refuses_write {
            return Err(Halt::StaticViolation);
        }
        if self.gas < amount { Err(Halt::OutOfGas) } else { Ok(()) }
    }

    /// Charges state gas (EIP-8037): what the reservoir lacks is taken from execution gas. Out of gas, nothing is charged. It is the last
    /// thing in an opcode that may fail, so nobody has to put it back.
    ///
    /// EELS: `vm/gas.py`, `charge_state_gas`.
    pub(crate) fn charge_state_gas(&mut self, amount: u64) -> Result<(), Halt> {
        self.state_gas_cost = amount.cast_signed();
        let from_reservoir = amount.min(self.state_gas.reservoir);
        let spilled = amount - from_reservoir;
        self.gas = self.gas.checked_sub(spilled).ok_or(Halt::OutOfGas)?;
        self.state_gas.reservoir -= from_reservoir;
        self.state_gas.spilled += spilled;
        Ok(())
    }

    /// Gives back state gas for what is not in the state after all: first what was taken from execution gas goes back there.
    ///
    /// EELS: `vm/gas.py`, `credit_state_gas_refund`.
    pub(crate) fn credit_state_gas_refund(&mut self, amount: u64) {
        let unspilled = amount.min(self.state_gas.spilled);
        self.gas += unspilled;
        self.state_gas.spilled -= unspilled;
        self.state_gas.reservoir += amount - unspilled;
    }

    /// Pays execution gas back what state gas took from it, as far as a message has brought back more than it was given.
    ///
    /// EELS: `vm/gas.py`, `repay_state_gas_spill`.
    fn repay_state_gas_spill(&mut self) {
        let repaid = self.state_gas.reservoir.min(self.state_gas.spilled);
        self.gas += repaid;
        self.state_gas.spilled -= repaid;
        self.state_gas.reservoir -= repaid;
    }

    /// What a message begins with: the whole reservoir, of which nothing is kept back (EIP-8037).
    ///
    /// EELS: `vm/gas.py`, `drain_state_gas_reservoir`.
    pub(crate) fn drain_state_gas_reservoir(&mut self) -> StateGas {
        StateGas::of(std::mem::take(&mut self.state_gas.reservoir))
    }

    /// Whether a jump may go to `destination` (Yellow Paper, section 9.4.3).
    pub(crate) fn jump_target(&self, destination: U256) -> Result<usize, Halt> {
        let target = destination.saturating_to::<usize>();
        match self.jumpdests.get(target) {
            Some(true) => Ok(target),
            _ => Err(Halt::InvalidJump),
        }
    }

    /// What it takes to make all `regions` (offset and size) part of the memory (Yellow Paper, appendix H). An end of more than
    /// 64 bits is beyond any price, whatever has been paid for already.
    pub(crate) fn extension<const N: usize>(&self, regions: [(U256, U256); N]) -> Extension {
        let now = self.memory.len() as u64;
        let mut end = now;
        for (offset, size) in regions.into_iter().filter(|(_, size)| !size.is_zero()) {
            match offset.checked_add(size).and_then(|last| u64::try_from(last).ok()) {
                Some(last) => end = end.max(last),
                None => return Extension { cost: u64::MAX, end: u64::MAX },
            }
        }
        if end == now {
            return Extension { cost: 0, end };
        }
        Extension { cost: self.memory_gas(end).saturating_sub(self.memory_gas(now)), end }
    }

    /// Gas of a memory of `size` bytes, saturating.
    fn memory_gas(&self, size: u64) -> u64 {
        let words = u128::from(size.div_ceil(32));
        let linear = words * u128::from(self.schedule.memory_word);
        let gas = linear / u128::from(self.schedule.memory_word_divisor)
            + words * words / u128::from(self.schedule.memory_quadratic_divisor);
        u64::try_from(gas).unwrap_or(u64::MAX)
    }

    /// Extends the memory with zeros, once it is paid for. Where the machine has none left, that is no halt.
    pub(crate) fn extend(&mut self, extension: &Extension) -> Result<(), Fault> {
        extension.check_limit()?;
        let size = U256::from(extension.end).saturating_to::<usize>().next_multiple_of(32);
        if size > self.memory.len() {
            if self.memory.try_reserve(size - self.memory.len()).is_err() {
                return Err(HostError::new(format!("no {size} bytes for the memory of a frame")).into());
            }
            self.memory.resize(size, 0);
        }
        Ok(())
    }

    /// What the first access to an account costs on top of a warm one (EIP-2929), and warms it.
    pub(crate) fn cold_account_gas(&self, host: &mut dyn Host, address: Address) -> u64 {
        if self.rules.has(Eip::WarmAccess2929) && host.warm_account(address) {
            self.schedule.cold_account
        } else {
            0
        }
    }
}

/// A memory that is to grow.
pub(crate) struct Extension {
    /// In gas, saturating.
    pub(crate) cost: u64,
    /// Its new size in bytes before rounding up, saturating.
    end: u64,
}

impl Extension {
    /// Whether there is such a memory at all.
    pub(crate) fn check_limit(&self) -> Result<(), Halt> {
        if self.end > MEMORY_LIMIT { Err(Halt::OutOfGas) } else { Ok(()) }
    }
}

/// Words of `size` bytes, saturating far above what any gas pays for.
pub(crate) fn words(size: U256) -> u64 {
    size.saturating_to::<u64>().div_ceil(32)
}

/// A region of memory that [`MiniStepState::extend`] has made room for. An empty one may be anywhere.
pub(crate) fn region(offset: U256, size: U256) -> Range<usize> {
    if size.is_zero() {
        return 0..0;
    }
    let start = offset.saturating_to::<usize>();
    start..start + size.saturating_to::<usize>()
}

/// An address as a stack item.
pub(crate) fn word_of(address: Address) -> U256 {
    U256::from_be_slice(address.as_slice())
}

/// A stack item as an address: its low 20 bytes.
pub(crate) fn address_of(word: U256) -> Address {
    Address::from_word(word.into())
}

/// For each byte of the code whether it is a JUMPDEST, and not the data of a PUSH (Yellow Paper, section 9.4.3). The immediates of DUPN, SWAPN
/// and EXCHANGE are no data (EIP-8024).
fn valid_jump_destinations(code: &[u8]) -> Vec<bool> {
    let mut valid = vec![false; code.len()];
    let mut pc = 0;
    while pc < code.len() {
        let opcode = Opcode(code[pc]);
        valid[pc] = opcode == Opcode::JUMPDEST;
        pc += 1 + opcode.push_data();
    }
    valid
}
