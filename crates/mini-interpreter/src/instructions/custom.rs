//! Opcodes of an author's own: what they may do with the frame.

use parallax_host_interface::{
    CustomOpcode, Host, HostError, OpcodeFault, OpcodeFrame, OpcodeFunction, WorldFrame,
};
use parallax_primitives::{Halt, Message, Rules, U256};

use crate::state::{Fault, MiniStepState, Outcome, Step, region};

/// The opcode at the program counter.
pub(crate) fn custom(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    let opcode = evm.opcode();
    let (Some(info), Some(function)) = (evm.rules.info(opcode), CustomOpcode::plain(evm.rules, opcode))
    else {
        return Err(
            HostError::new(format!("opcode {opcode} is of a type that the engine does not know")).into()
        );
    };

    // Stack
    let below = evm.stack.len() - info.inputs.len();
    let operands = evm.stack[below..].iter().rev().copied().collect();

    // What an opcode that fails leaves as it was.
    let memory = evm.memory.clone();

    // Gas, and operation
    let behind = &evm.code.bytes()[evm.pc + 1..];
    let mut immediate = behind[..behind.len().min(info.immediate.into())].to_vec();
    immediate.resize(info.immediate.into(), 0);
    let mut frame = CustomFrame { evm, host, operands, immediate, charged: 0, result: U256::ZERO };
    let done = run(&mut frame, function, base);
    let result = frame.result;
    if let Err(fault) = done {
        evm.memory = memory;
        return Err(match fault {
            OpcodeFault::Halt(halt) => halt.into(),
            OpcodeFault::Host(error) => error.into(),
        });
    }
    evm.stack.truncate(below);
    if !info.outputs.is_empty() {
        evm.stack.push(result);
    }

    // Program counter
    evm.pc += 1 + usize::from(info.immediate);
    Ok(Step::Next)
}

fn run(frame: &mut CustomFrame<'_>, function: OpcodeFunction, base: u64) -> Result<(), OpcodeFault> {
    frame.charge(base)?;
    match function {
        OpcodeFunction::Local(function) => function(frame),
        OpcodeFunction::World(function) => function(frame),
    }
}

struct CustomFrame<'a> {
    evm: &'a mut MiniStepState,
    host: &'a mut dyn Host,
    /// The top first.
    operands: Vec<U256>,
    immediate: Vec<u8>,
    charged: u64,
    result: U256,
}

impl OpcodeFrame for CustomFrame<'_> {
    fn operand(&self, index: usize) -> U256 {
        self.operands.get(index).copied().unwrap_or_default()
    }

    fn set_result(&mut self, value: U256) {
        self.result = value;
    }

    fn charge(&mut self, gas: u64) -> Result<(), Halt> {
        self.charged = self.charged.saturating_add(gas);
        let charge = self.evm.charge(gas);
        // Of an opcode with several charges the cost is their sum.
        self.evm.gas_cost = self.charged;
        charge
    }

    fn memory(&mut self, offset: U256, length: U256) -> Result<&[u8], OpcodeFault> {
        self.memory_mut(offset, length).map(|bytes| &*bytes)
    }

    fn memory_mut(&mut self, offset: U256, length: U256) -> Result<&mut [u8], OpcodeFault> {
        let extension = self.evm.extension([(offset, length)]);
        self.charge(extension.cost)?;
        self.evm.extend(&extension).map_err(|fault| match fault {
            Fault::Halt(halt) => OpcodeFault::Halt(halt),
            Fault::Host(error) => OpcodeFault::Host(*error),
        })?;
        Ok(&mut self.evm.memory[region(offset, length)])
    }

    fn message(&self) -> &Message {
        &self.evm.message
    }

    fn code(&self) -> &[u8] {
        self.evm.code.bytes()
    }

    fn return_data(&self) -> &[u8] {
        &self.evm.return_data
    }

    fn rules(&self) -> Rules {
        self.evm.rules
    }

    fn immediate(&self) -> &[u8] {
        &self.immediate
    }
}

impl WorldFrame for CustomFrame<'_> {
    fn host(&mut self) -> &mut dyn Host {
        self.host
    }

    fn gas(&self) -> u64 {
        self.evm.gas
    }

    fn pc(&self) -> usize {
        self.evm.pc
    }
}
