//! One opcode at a time: its checks, and the dispatch.

use parallax_host_interface::{Host, HostError};
use parallax_primitives::{Bytes, Halt, Message, Opcode, STACK_LIMIT};

use crate::instructions::{
    arithmetic, bitwise, block, comparison, control_flow, environment, keccak, log, memory, stack, storage,
    system,
};
use crate::state::{Fault, MiniStepState, Outcome, Step};

/// What one opcode came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The frame goes on at [`MiniStepState::pc`].
    Next,
    /// A call or a creation, which the caller runs and answers with [`MiniStepState::deliver`].
    Message(Box<Message>),
    /// STOP, RETURN or SELFDESTRUCT, with the output.
    Success(Bytes),
    /// REVERT, with the output (EIP-140).
    Revert(Bytes),
    /// The opcode failed. The frame is over, and so is its gas.
    Halt(Halt),
}

/// Executes the opcode at [`MiniStepState::pc`]: checks it, charges its gas, expands the memory as far as it needs, and
/// does it. The order of checks: defined, stack underflow, stack overflow, static call, gas, the operation.
///
/// Fails only if the host does; then the state is not to be used again.
#[inline]
pub fn execute_single_op(state: &mut MiniStepState, host: &mut dyn Host) -> Result<Flow, HostError> {
    let gas_before = state.gas;
    match check_and_dispatch(state, host) {
        Ok(Step::Next) => Ok(Flow::Next),
        Ok(Step::Send(message)) => Ok(Flow::Message(message)),
        Ok(Step::Return) => Ok(Flow::Success(std::mem::take(&mut state.output))),
        Ok(Step::Revert) => Ok(Flow::Revert(std::mem::take(&mut state.output))),
        Err(Fault::Halt(halt)) => {
            state.gas = gas_before;
            Ok(Flow::Halt(halt))
        }
        Err(Fault::Host(error)) => Err(*error),
    }
}

fn check_and_dispatch(state: &mut MiniStepState, host: &mut dyn Host) -> Outcome {
    let opcode = state.opcode();
    let row = &state.table[usize::from(opcode.0)];
    state.gas_cost = 0;
    if !row.defined {
        return Err(Halt::UndefinedOpcode.into());
    }
    let (inputs, outputs) = (usize::from(row.inputs), usize::from(row.outputs));
    if state.stack.len() < inputs {
        return Err(Halt::StackUnderflow.into());
    }
    if state.stack.len() - inputs + outputs > STACK_LIMIT {
        return Err(Halt::StackOverflow.into());
    }
    state.refuses_write = row.writes_state && state.message.is_static;
    dispatch(opcode, state, host, u64::from(row.gas))
}

/// `base` is the opcode's static gas.
// tidy: dispatch table
#[inline(always)] // called once, in the loop
fn dispatch(opcode: Opcode, evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    match opcode {
        Opcode::STOP => control_flow::stop(evm, base),
        Opcode::ADD => arithmetic::add(evm, base),
        Opcode::MUL => arithmetic::mul(evm, base),
        Opcode::SUB => arithmetic::sub(evm, base),
        Opcode::DIV => arithmetic::div(evm, base),
        Opcode::SDIV => arithmetic::sdiv(evm, base),
        Opcode::MOD => arithmetic::modulo(evm, base),
        Opcode::SMOD => arithmetic::smod(evm, base),
        Opcode::ADDMOD => arithmetic::addmod(evm, base),
        Opcode::MULMOD => arithmetic::mulmod(evm, base),
        Opcode::EXP => arithmetic::exp(evm, base),
        Opcode::SIGNEXTEND => arithmetic::signextend(evm, base),
        Opcode::LT => comparison::less_than(evm, base),
        Opcode::GT => comparison::greater_than(evm, base),
        Opcode::SLT => comparison::signed_less_than(evm, base),
        Opcode::SGT => comparison::signed_greater_than(evm, base),
        Opcode::EQ => comparison::equal(evm, base),
        Opcode::ISZERO => comparison::is_zero(evm, base),
        Opcode::AND => bitwise::and(evm, base),
        Opcode::OR => bitwise::or(evm, base),
        Opcode::XOR => bitwise::xor(evm, base),
        Opcode::NOT => bitwise::not(evm, base),
        Opcode::BYTE => bitwise::byte(evm, base),
        Opcode::SHL => bitwise::shl(evm, base),
        Opcode::SHR => bitwise::shr(evm, base),
        Opcode::SAR => bitwise::sar(evm, base),
        Opcode::CLZ => bitwise::count_leading_zeros(evm, base),
        Opcode::KECCAK256 => keccak::keccak(evm, base),
        Opcode::ADDRESS => environment::address(evm, base),
        Opcode::BALANCE => environment::balance(evm, host, base),
        Opcode::ORIGIN => environment::origin(evm, host, base),
        Opcode::CALLER => environment::caller(evm, base),
        Opcode::CALLVALUE => environment::callvalue(evm, base),
        Opcode::CALLDATALOAD => environment::calldataload(evm, base),
        Opcode::CALLDATASIZE => environment::calldatasize(evm, base),
        Opcode::CALLDATACOPY => environment::calldatacopy(evm, base),
        Opcode::CODESIZE => environment::codesize(evm, base),
        Opcode::CODECOPY => environment::codecopy(evm, base),
        Opcode::GASPRICE => environment::gasprice(evm, host, base),
        Opcode::EXTCODESIZE => environment::extcodesize(evm, host, base),
        Opcode::EXTCODECOPY => environment::extcodecopy(evm, host, base),
        Opcode::RETURNDATASIZE => environment::returndatasize(evm, base),
        Opcode::RETURNDATACOPY => environment::returndatacopy(evm, base),
        Opcode::EXTCODEHASH => environment::extcodehash(evm, host, base),
        Opcode::BLOCKHASH => block::block_hash(evm, host, base),
        Opcode::COINBASE => block::coinbase(evm, host, base),
        Opcode::TIMESTAMP => block::timestamp(evm, host, base),
        Opcode::NUMBER => block::number(evm, host, base),
        Opcode::PREVRANDAO => block::prev_randao(evm, host, base),
        Opcode::GASLIMIT => block::gas_limit(evm, host, base),
        Opcode::CHAINID => block::chain_id(evm, host, base),
        Opcode::SELFBALANCE => environment::self_balance(evm, host, base),
        Opcode::BASEFEE => environment::base_fee(evm, host, base),
        Opcode::BLOBHASH => environment::blob_hash(evm, host, base),
        Opcode::BLOBBASEFEE => environment::blob_base_fee(evm, host, base),
        Opcode::POP => stack::pop(evm, base),
        Opcode::MLOAD => memory::mload(evm, base),
        Opcode::MSTORE => memory::mstore(evm, base),
        Opcode::MSTORE8 => memory::mstore8(evm, base),
        Opcode::SLOAD => storage::sload(evm, host, base),
        Opcode::SSTORE => storage::sstore(evm, host, base),
        Opcode::JUMP => control_flow::jump(evm, base),
        Opcode::JUMPI => control_flow::jumpi(evm, base),
        Opcode::PC => control_flow::pc(evm, base),
        Opcode::MSIZE => memory::msize(evm, base),
        Opcode::GAS => control_flow::gas_left(evm, base),
        Opcode::JUMPDEST => control_flow::jumpdest(evm, base),
        Opcode::TLOAD => storage::tload(evm, host, base),
        Opcode::TSTORE => storage::tstore(evm, host, base),
        Opcode::MCOPY => memory::mcopy(evm, base),
        Opcode::PUSH0 => stack::push0(evm, base),
        Opcode(0x60..=0x7f) => stack::push(evm, base, opcode.immediate()),
        Opcode(0x80..=0x8f) => stack::dup(evm, base, usize::from(opcode.0 - 0x80)),
        Opcode(0x90..=0x9f) => stack::swap(evm, base, usize::from(opcode.0 - 0x90) + 1),
        Opcode::LOG0 => log::log::<0>(evm, host, base),
        Opcode::LOG1 => log::log::<1>(evm, host, base),
        Opcode::LOG2 => log::log::<2>(evm, host, base),
        Opcode::LOG3 => log::log::<3>(evm, host, base),
        Opcode::LOG4 => log::log::<4>(evm, host, base),
        Opcode::CREATE => system::create(evm, base),
        Opcode::CALL => system::call(evm, host, base),
        Opcode::CALLCODE => system::callcode(evm, host, base),
        Opcode::RETURN => system::return_(evm, base),
        Opcode::DELEGATECALL => system::delegatecall(evm, host, base),
        Opcode::CREATE2 => system::create2(evm, base),
        Opcode::STATICCALL => system::staticcall(evm, host, base),
        Opcode::REVERT => system::revert(evm, base),
        Opcode::SELFDESTRUCT => system::selfdestruct(evm, host, base),
        Opcode::INVALID => Err(Halt::InvalidOpcode.into()),
        _ => Err(Halt::UndefinedOpcode.into()),
    }
}
