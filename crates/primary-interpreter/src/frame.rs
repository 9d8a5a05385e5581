//! One frame in progress, and what its two forms share.

use std::{ops::Range, sync::Arc};

use parallax_hooks::StepView;
use parallax_primitives::{
    Address, Bytecode, Bytes, FrameOutcome, GasSchedule, Halt, JournalView, Message, Opcode, OpcodeTable,
    Rules, StateGas, StorageChange, U256,
};

use crate::{
    fault::Fault,
    memory::Memory,
    program::{FastCounts, Program},
    stack::Stack,
    state_gas,
};

/// What opcodes act on besides stack, gas and pc, which the loops keep in registers.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) message: Message,
    pub(crate) code: Bytecode,
    pub(crate) rules: Rules,
    pub(crate) table: &'static OpcodeTable,
    pub(crate) schedule: &'static GasSchedule,
    pub(crate) state_gas: StateGas,
    /// What a state gas charge that failed was.
    pub(crate) unpaid_state_gas: u64,
    pub(crate) memory: Memory,
    pub(crate) return_data: Bytes,
    /// What the last SSTORE or TSTORE wrote.
    pub(crate) written: Option<StorageChange>,
    /// What the message that was sent last is to be answered with.
    pub(crate) awaiting: Option<Awaiting>,
}

impl Core {
    /// Charges `amount` of state gas to the frame, which has `gas` left; answers what is left of that. An opcode that cannot pay was charged
    /// `cost` before.
    pub(crate) fn charge_state_gas(&mut self, gas: u64, amount: u64, cost: u64) -> Result<u64, Fault> {
        state_gas::charge(&mut self.state_gas, gas, amount).ok_or_else(|| {
            self.unpaid_state_gas = amount;
            Fault::Halt(Halt::OutOfGas, cost)
        })
    }
}

/// The answer to a message.
#[derive(Clone, Debug)]
pub(crate) struct Awaiting {
    pub(crate) target: Target,
    /// State gas that was charged for the account that the message brings to life.
    pub(crate) paid: u64,
}

/// Where the answer to a message goes.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Creation,
    Call(Range<usize>),
}

/// One frame in progress.
#[derive(Debug)]
pub struct Frame {
    pub(crate) core: Core,
    pub(crate) program: Arc<Program>,
    pub(crate) stack: Stack,
    pub(crate) pc: usize,
    pub(crate) gas: u64,
    /// Whether the observer was asked about the opcode at `pc` already.
    pub(crate) asked: bool,
    /// Whether `pc` is a block entry that no observer was told of.
    pub(crate) entry_due: bool,
    /// Whether the code ran before.
    pub(crate) hot: bool,
    /// Steers forced recovery.
    pub(crate) force: u64,
    /// What ran in the fast form while block entries were shown, and was not counted yet.
    pub(crate) ran: FastCounts,
}

impl Frame {
    pub(crate) fn new(
        message: Message,
        code: Bytecode,
        rules: Rules,
        program: Arc<Program>,
        hot: bool,
    ) -> Self {
        let (gas, state_gas) = (message.gas, message.state_gas);
        Self {
            core: Core {
                message,
                code,
                rules,
                table: rules.opcodes(),
                schedule: rules.gas(),
                state_gas,
                unpaid_state_gas: 0,
                memory: Memory::new(rules.gas()),
                return_data: Bytes::new(),
                written: None,
                awaiting: None,
            },
            program,
            stack: Stack::new(),
            pc: 0,
            gas,
            asked: false,
            entry_due: true,
            hot,
            force: 0,
            ran: FastCounts::default(),
        }
    }

    pub(crate) fn deliver(&mut self, child: FrameOutcome) {
        let Some(awaiting) = self.core.awaiting.take() else {
            debug_assert!(false, "an answer without a message");
            return;
        };
        let gas = self.gas.saturating_add(child.gas_left);
        self.gas = state_gas::take_back(&mut self.core.state_gas, gas, &child, awaiting.paid);
        let success = child.status.is_success();
        let result = match awaiting.target {
            Target::Creation => {
                // Only a creation that reverts has return data (EIP-211).
                self.core.return_data = if success { Bytes::new() } else { child.output };
                child.created.filter(|_| success).map_or(U256::ZERO, address_word)
            }
            Target::Call(region) => {
                let target = &mut self.core.memory.bytes_mut()[region];
                let copied = target.len().min(child.output.len());
                target[..copied].copy_from_slice(&child.output[..copied]);
                self.core.return_data = child.output;
                U256::from(u64::from(success))
            }
        };
        self.stack.push(result);
    }

    pub(crate) fn view<'a>(&'a self, journal: &'a dyn JournalView, index: u64) -> StepView<'a> {
        view(
            &self.core,
            self.stack.items(),
            self.program.code().bytes()[self.pc],
            (self.pc, self.gas),
            index,
            journal,
        )
    }
}

/// What an observer sees.
#[inline]
pub(crate) fn view<'a>(
    core: &'a Core,
    stack: &'a [U256],
    opcode: u8,
    (pc, gas): (usize, u64),
    index: u64,
    journal: &'a dyn JournalView,
) -> StepView<'a> {
    StepView {
        index,
        rules: core.rules,
        depth: core.message.depth,
        pc,
        opcode: Opcode(opcode),
        gas,
        state_gas: core.state_gas,
        refund: journal.refund(),
        stack,
        memory: core.memory.bytes(),
        return_data: &core.return_data,
        message: &core.message,
        code: core.code.bytes(),
        journal,
    }
}

/// An address as a number.
pub(crate) fn address_word(address: Address) -> U256 {
    U256::from_be_bytes(address.into_word().0)
}

/// The address in the low 20 bytes.
pub(crate) fn word_address(word: U256) -> Address {
    Address::from_word(word.to_be_bytes::<32>().into())
}
