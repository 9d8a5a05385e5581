//! Opcodes of an author's own.

use parallax_host_interface::{
    CustomOpcode, Host, HostError, OpcodeFault, OpcodeFrame, OpcodeFunction, WorldFrame,
};
use parallax_primitives::{Halt, Message, Opcode, Rules, U256};

use crate::{fault::Fault, frame::Core, memory::Memory, purse::Purse};

/// Where an opcode stands and what stands behind it. The fast form has none with immediate bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Site<'a> {
    pub(crate) pc: usize,
    pub(crate) immediate: &'a [u8],
}

/// [`run`] for the exact form: the opcode is the first byte of the code from `pc` on, `taken` the items that it takes, the
/// topmost last. Gas left, the result if it has one, and the length of its immediate.
// Rare, and out of the loop that it is called from.
#[cold]
#[inline(never)]
pub(crate) fn step(
    core: &mut Core,
    host: &mut dyn Host,
    (pc, code): (usize, &[u8]),
    taken: &[U256],
    purse: Purse,
) -> Result<(u64, U256, usize), Fault> {
    let op = Opcode(code[0]);
    let immediate = core.rules.info(op).map_or(0, |info| usize::from(info.immediate));
    let site = Site { pc, immediate: &code[1..][..immediate] };
    let operands: Vec<U256> = taken.iter().rev().copied().collect();
    let (gas, result) = run(core, host, op, &operands, purse, site)?;
    Ok((gas, result, immediate))
}

/// Runs `op` on its operands, the topmost first: gas left, and the result if it has one. On a fault the frame is as it was.
pub(crate) fn run(
    core: &mut Core,
    host: &mut dyn Host,
    op: Opcode,
    operands: &[U256],
    purse: Purse,
    site: Site<'_>,
) -> Result<(u64, U256), Fault> {
    let Some(function) = CustomOpcode::fast(core.rules, op) else {
        return Err(Fault::Host(HostError::new(format!(
            "opcode {op} is of a type that the engine does not know"
        ))));
    };
    let before = core.memory.bytes().len();
    let mut frame =
        Custom { core, host, operands, site, purse, cost: 0, result: U256::ZERO, undo: Vec::new() };
    let done = match (frame.charge(0), function) {
        (Err(halt), _) => Err(halt.into()),
        (Ok(()), OpcodeFunction::Local(function)) => function(&mut frame),
        (Ok(()), OpcodeFunction::World(function)) => function(&mut frame),
    };
    let Custom { core, purse, cost, result, undo, .. } = frame;
    match done {
        Ok(()) => Ok((purse.gas, result)),
        Err(fault) => {
            for (start, bytes) in undo.into_iter().rev() {
                core.memory.bytes_mut()[start..start + bytes.len()].copy_from_slice(&bytes);
            }
            core.memory.shrink(before);
            Err(match fault {
                OpcodeFault::Halt(halt) => Fault::Halt(halt, cost),
                OpcodeFault::Host(error) => Fault::Host(error),
            })
        }
    }
}

struct Custom<'a> {
    core: &'a mut Core,
    host: &'a mut dyn Host,
    operands: &'a [U256],
    site: Site<'a>,
    purse: Purse,
    /// What was charged, the charge that failed included.
    cost: u64,
    result: U256,
    /// What stood where memory was handed out to be written to.
    undo: Vec<(usize, Vec<u8>)>,
}

impl Custom<'_> {
    fn reach(&mut self, offset: U256, length: U256) -> Result<std::ops::Range<usize>, OpcodeFault> {
        let extension = self.core.memory.reach(offset, length);
        self.charge(extension.cost)?;
        if !extension.is_possible() {
            return Err(Halt::OutOfGas.into());
        }
        self.core.memory.grow(extension)?;
        Ok(Memory::region(offset, length))
    }
}

impl OpcodeFrame for Custom<'_> {
    fn operand(&self, index: usize) -> U256 {
        self.operands.get(index).copied().unwrap_or_default()
    }

    fn set_result(&mut self, value: U256) {
        self.result = value;
    }

    fn charge(&mut self, gas: u64) -> Result<(), Halt> {
        let gas = gas.saturating_add(std::mem::take(&mut self.purse.base));
        self.cost = self.cost.saturating_add(gas);
        if self.purse.refuses {
            return Err(Halt::StaticViolation);
        }
        self.purse.gas = self.purse.gas.checked_sub(gas).ok_or(Halt::OutOfGas)?;
        Ok(())
    }

    fn memory(&mut self, offset: U256, length: U256) -> Result<&[u8], OpcodeFault> {
        let region = self.reach(offset, length)?;
        Ok(&self.core.memory.bytes()[region])
    }

    fn memory_mut(&mut self, offset: U256, length: U256) -> Result<&mut [u8], OpcodeFault> {
        let region = self.reach(offset, length)?;
        let bytes = &mut self.core.memory.bytes_mut()[region.clone()];
        self.undo.push((region.start, bytes.to_vec()));
        Ok(bytes)
    }

    fn message(&self) -> &Message {
        &self.core.message
    }

    fn code(&self) -> &[u8] {
        self.core.code.bytes()
    }

    fn return_data(&self) -> &[u8] {
        &self.core.return_data
    }

    fn rules(&self) -> Rules {
        self.core.rules
    }

    fn immediate(&self) -> &[u8] {
        self.site.immediate
    }
}

impl WorldFrame for Custom<'_> {
    fn host(&mut self) -> &mut dyn Host {
        self.host
    }

    fn gas(&self) -> u64 {
        self.purse.gas
    }

    fn pc(&self) -> usize {
        self.site.pc
    }
}
