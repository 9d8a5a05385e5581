//! What one side did: a recorded run or a trace file, read in the same terms.

use std::sync::Arc;

use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{Address, Bytes, Class, Halt, Opcode, Rules, U256};
use parallax_tracer_eip3155::HaltKind;
use parallax_tracer_standard::{Replay, Step, Trace};

use crate::{
    file_trace::{FileReplay, FileTrace},
    model,
};

/// One side of a session, ended.
#[derive(Debug)]
pub(crate) enum Side {
    Recorded(Recording),
    File(Box<FileTrace>),
}

/// A recorded run and the state before it.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) trace: Arc<Trace>,
    pub(crate) database: Arc<MemoryDatabase>,
    pub(crate) rules: Rules,
}

/// Why an opcode failed, in the terms of the side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepHalt {
    Exact(Option<Halt>),
    Kind(Option<HaltKind>),
}

impl StepHalt {
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            StepHalt::Exact(halt) => halt.map(Halt::name),
            StepHalt::Kind(halt) => match halt? {
                HaltKind::None | HaltKind::Revert => None,
                HaltKind::OutOfGas => Some("OutOfGas"),
                HaltKind::Stack => Some("Stack"),
                HaltKind::InvalidJump => Some("InvalidJump"),
                HaltKind::InvalidOpcode => Some("InvalidOpcode"),
                HaltKind::StaticViolation => Some("StaticViolation"),
                HaltKind::OutOfBounds => Some("ReturnDataOutOfBounds"),
                HaltKind::Other => Some("Other"),
            },
        }
    }
}

/// State gas at a step (EIP-8037). `None` where there is none, and where a trace file does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FoundStateGas {
    pub(crate) reservoir: Option<u64>,
    pub(crate) spilled: Option<u64>,
    pub(crate) baseline: Option<u64>,
    /// What the opcode was charged or, below zero, given back.
    pub(crate) cost: Option<i64>,
    /// What of that was taken from execution gas or given back to it.
    pub(crate) moved: Option<i64>,
}

impl FoundStateGas {
    fn of(step: &Step<'_>) -> Self {
        let before = step.state.state_gas;
        let (_, after) = step.gas_left();
        Self {
            reservoir: Some(before.reservoir),
            spilled: Some(before.spilled),
            baseline: Some(before.baseline),
            cost: Some(step.state_gas_cost()),
            moved: Some(after.spilled.wrapping_sub(before.spilled).cast_signed()),
        }
    }
}

/// What a step found, borrowed from a replay. What a trace file does not say is `None`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) depth: u16,
    pub(crate) pc: u64,
    pub(crate) opcode: Opcode,
    pub(crate) op_name: &'static str,
    pub(crate) gas: u64,
    pub(crate) gas_cost: Option<u64>,
    /// Execution gas that the opcode itself left, if the side says.
    pub(crate) gas_left: Option<u64>,
    /// Where the rules have state gas, before the opcode, and what of it moved.
    pub(crate) state_gas: FoundStateGas,
    pub(crate) refund: Option<i64>,
    pub(crate) stack: Option<&'a [U256]>,
    pub(crate) memory_size: Option<u64>,
    pub(crate) memory: Option<&'a [u8]>,
    pub(crate) return_data: Option<&'a Bytes>,
    pub(crate) halt: StepHalt,
    pub(crate) call: Option<usize>,
    pub(crate) address: Option<Address>,
    pub(crate) code_address: Option<Address>,
    pub(crate) has_effect: bool,
}

/// Goes through the steps of a side.
pub(crate) enum Walk<'a> {
    Recorded(Replay<'a>),
    File(FileReplay<'a>),
}

impl Side {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Side::Recorded(recording) => recording.trace.len(),
            Side::File(trace) => trace.len(),
        }
    }

    pub(crate) fn recording(&self) -> Option<&Recording> {
        match self {
            Side::Recorded(recording) => Some(recording),
            Side::File(_) => None,
        }
    }

    pub(crate) fn walk(&self, from: u64) -> Walk<'_> {
        match self {
            Side::Recorded(recording) => Walk::Recorded(recording.trace.replay_from(from)),
            Side::File(trace) => Walk::File(trace.replay_from(from)),
        }
    }

    /// The steps of a range, as lists show them.
    pub(crate) fn rows(&self, from: u64, count: usize) -> Vec<model::StepSide> {
        let mut rows: Vec<model::StepSide> = Vec::with_capacity(count);
        let mut walk = self.walk(from);
        // One more: the gas after a step is what the next one finds, if it is of the same frame.
        while rows.len() <= count
            && let Some(found) = walk.advance()
        {
            let row = row(&found);
            if let Some(before) = rows.last_mut() {
                let info = Opcode(before.opcode).info();
                let sends = info.is_some_and(|info| info.class == Class::Message);
                let same_frame = before.call == row.call && before.depth == row.depth;
                if same_frame && !sends && before.halt.is_none() {
                    before.gas_after = Some(row.gas_before);
                }
            }
            rows.push(row);
        }
        rows.truncate(count);
        rows
    }
}

impl Walk<'_> {
    /// The next step, or `None` behind the last.
    pub(crate) fn advance(&mut self) -> Option<Found<'_>> {
        match self {
            Walk::Recorded(replay) => {
                let has_state_gas = replay.trace().has_state_gas();
                let step = replay.advance()?;
                let message = step.call().map(|call| &call.message);
                let state = step.state;
                Some(Found {
                    depth: state.depth,
                    pc: state.pc as u64,
                    opcode: step.opcode(),
                    op_name: step.op_name(),
                    gas: state.gas,
                    gas_cost: Some(step.gas_cost()),
                    gas_left: Some(step.gas_left().0),
                    state_gas: if has_state_gas { FoundStateGas::of(&step) } else { Default::default() },
                    refund: Some(state.refund),
                    stack: Some(&state.stack),
                    memory_size: Some(state.memory_size as u64),
                    memory: Some(&state.memory),
                    return_data: Some(&state.return_data),
                    halt: StepHalt::Exact(step.halt()),
                    call: Some(state.call),
                    address: message.map(|message| message.address),
                    // Init code has no address: it is named by the account it creates.
                    code_address: message.map(|message| {
                        if message.kind.is_create() { message.address } else { message.code_address }
                    }),
                    has_effect: step.has_effect(),
                })
            }
            Walk::File(replay) => {
                let has_state_gas = replay.trace().has_state_gas();
                let step = replay.advance()?;
                Some(Found {
                    depth: u16::try_from(step.depth.saturating_sub(1)).unwrap_or(u16::MAX),
                    pc: step.pc,
                    opcode: step.opcode,
                    op_name: op_name(step.opcode),
                    gas: step.gas,
                    gas_cost: step.gas_cost,
                    gas_left: None,
                    state_gas: FoundStateGas {
                        reservoir: step.reservoir.filter(|_| has_state_gas),
                        cost: step.state_gas_cost,
                        ..FoundStateGas::default()
                    },
                    refund: step.refund,
                    stack: step.stack.as_deref(),
                    memory_size: step.memory_size,
                    memory: step.memory.as_ref().map(|memory| &memory[..]),
                    return_data: step.return_data.as_ref(),
                    halt: StepHalt::Kind(step.halt),
                    call: None,
                    address: None,
                    code_address: None,
                    has_effect: false,
                })
            }
        }
    }
}

fn row(found: &Found<'_>) -> model::StepSide {
    let gas_after = match (found.halt.name(), found.gas_left.or(found.gas_cost)) {
        (Some(_), _) => Some(found.gas),
        (None, Some(_)) if found.gas_left.is_some() => found.gas_left,
        (None, Some(cost)) => Some(found.gas.saturating_sub(cost)),
        (None, None) => None,
    };
    model::StepSide {
        pc: found.pc,
        opcode: found.opcode.0,
        op_name: found.op_name,
        gas_before: found.gas,
        gas_after,
        gas_cost: found.gas_cost,
        state_gas: model::StepStateGas {
            reservoir: found.state_gas.reservoir,
            spilled_state_gas: found.state_gas.spilled,
            state_gas_cost: found.state_gas.cost,
            state_gas_spilled: found.state_gas.moved,
        },
        stack_size: found.stack.map(<[U256]>::len),
        memory_size: found.memory_size,
        depth: u64::from(found.depth),
        address: found.address.as_ref().map(model::address),
        call: found.call,
        halt: found.halt.name(),
    }
}

/// The mnemonic, or `INVALID` for a byte that no fork defines.
pub(crate) fn op_name(opcode: Opcode) -> &'static str {
    opcode.name().unwrap_or("INVALID")
}
