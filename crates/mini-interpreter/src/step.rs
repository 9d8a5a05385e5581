//! One opcode at a time: its checks, and the dispatch.

use parallax_host_interface::{Host, HostError};
use parallax_primitives::{Bytes, Halt, Message, Opcode, OpcodeRow, Operation, STACK_LIMIT};

use crate::instructions::{
    arithmetic, bitwise, block, comparison, control_flow, custom, environment, keccak, log, memory, stack,
    storage, system,
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
/// does it. The order of checks: defined, stack underflow, stack overflow, static call, gas, the operation. DUPN, SWAPN and EXCHANGE look at
/// the stack behind the gas (EIP-8024).
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
    state.state_gas_cost = 0;
    let (inputs, outputs) = (usize::from(row.inputs), usize::from(row.outputs));
    if state.stack.len() < inputs {
        return Err(Halt::StackUnderflow.into());
    }
    if state.stack.len() - inputs + outputs > STACK_LIMIT {
        return Err(Halt::StackOverflow.into());
    }
    state.refuses_write = row.writes_state && state.message.is_static;
    dispatch(opcode, row, state, host)
}

// tidy: dispatch table
#[inline(always)] // called once, in the loop
fn dispatch(opcode: Opcode, row: &OpcodeRow, evm: &mut MiniStepState, host: &mut dyn Host) -> Outcome {
    use Operation::*;

    let (base, inputs) = (u64::from(row.gas), usize::from(row.inputs));
    match row.operation {
        Undefined => Err(Halt::UndefinedOpcode.into()),
        Custom => custom::custom(evm, host, base),
        STOP => control_flow::stop(evm, base),
        ADD => arithmetic::add(evm, base),
        MUL => arithmetic::mul(evm, base),
        SUB => arithmetic::sub(evm, base),
        DIV => arithmetic::div(evm, base),
        SDIV => arithmetic::sdiv(evm, base),
        MOD => arithmetic::modulo(evm, base),
        SMOD => arithmetic::smod(evm, base),
        ADDMOD => arithmetic::addmod(evm, base),
        MULMOD => arithmetic::mulmod(evm, base),
        EXP => arithmetic::exp(evm, base),
        SIGNEXTEND => arithmetic::signextend(evm, base),
        LT => comparison::less_than(evm, base),
        GT => comparison::greater_than(evm, base),
        SLT => comparison::signed_less_than(evm, base),
        SGT => comparison::signed_greater_than(evm, base),
        EQ => comparison::equal(evm, base),
        ISZERO => comparison::is_zero(evm, base),
        AND => bitwise::and(evm, base),
        OR => bitwise::or(evm, base),
        XOR => bitwise::xor(evm, base),
        NOT => bitwise::not(evm, base),
        BYTE => bitwise::byte(evm, base),
        SHL => bitwise::shl(evm, base),
        SHR => bitwise::shr(evm, base),
        SAR => bitwise::sar(evm, base),
        CLZ => bitwise::count_leading_zeros(evm, base),
        KECCAK256 => keccak::keccak(evm, base),
        ADDRESS => environment::address(evm, base),
        BALANCE => environment::balance(evm, host, base),
        ORIGIN => environment::origin(evm, host, base),
        CALLER => environment::caller(evm, base),
        CALLVALUE => environment::callvalue(evm, base),
        CALLDATALOAD => environment::calldataload(evm, base),
        CALLDATASIZE => environment::calldatasize(evm, base),
        CALLDATACOPY => environment::calldatacopy(evm, base),
        CODESIZE => environment::codesize(evm, base),
        CODECOPY => environment::codecopy(evm, base),
        GASPRICE => environment::gasprice(evm, host, base),
        EXTCODESIZE => environment::extcodesize(evm, host, base),
        EXTCODECOPY => environment::extcodecopy(evm, host, base),
        RETURNDATASIZE => environment::returndatasize(evm, base),
        RETURNDATACOPY => environment::returndatacopy(evm, base),
        EXTCODEHASH => environment::extcodehash(evm, host, base),
        BLOCKHASH => block::block_hash(evm, host, base),
        COINBASE => block::coinbase(evm, host, base),
        TIMESTAMP => block::timestamp(evm, host, base),
        NUMBER => block::number(evm, host, base),
        PREVRANDAO => block::prev_randao(evm, host, base),
        GASLIMIT => block::gas_limit(evm, host, base),
        CHAINID => block::chain_id(evm, host, base),
        SELFBALANCE => environment::self_balance(evm, host, base),
        BASEFEE => environment::base_fee(evm, host, base),
        BLOBHASH => environment::blob_hash(evm, host, base),
        BLOBBASEFEE => environment::blob_base_fee(evm, host, base),
        SLOTNUM => block::slot_number(evm, host, base),
        POP => stack::pop(evm, base),
        MLOAD => memory::mload(evm, base),
        MSTORE => memory::mstore(evm, base),
        MSTORE8 => memory::mstore8(evm, base),
        SLOAD => storage::sload(evm, host, base),
        SSTORE => storage::sstore(evm, host, base),
        JUMP => control_flow::jump(evm, base),
        JUMPI => control_flow::jumpi(evm, base),
        PC => control_flow::pc(evm, base),
        MSIZE => memory::msize(evm, base),
        GAS => control_flow::gas_left(evm, base),
        JUMPDEST => control_flow::jumpdest(evm, base),
        TLOAD => storage::tload(evm, host, base),
        TSTORE => storage::tstore(evm, host, base),
        MCOPY => memory::mcopy(evm, base),
        PUSH0 => stack::push0(evm, base),
        PUSH1 | PUSH2 | PUSH3 | PUSH4 | PUSH5 | PUSH6 | PUSH7 | PUSH8 | PUSH9 | PUSH10 | PUSH11 | PUSH12
        | PUSH13 | PUSH14 | PUSH15 | PUSH16 | PUSH17 | PUSH18 | PUSH19 | PUSH20 | PUSH21 | PUSH22
        | PUSH23 | PUSH24 | PUSH25 | PUSH26 | PUSH27 | PUSH28 | PUSH29 | PUSH30 | PUSH31 | PUSH32 => {
            stack::push(evm, base, opcode.push_data())
        }
        DUP1 | DUP2 | DUP3 | DUP4 | DUP5 | DUP6 | DUP7 | DUP8 | DUP9 | DUP10 | DUP11 | DUP12 | DUP13
        | DUP14 | DUP15 | DUP16 => stack::dup(evm, base, inputs - 1),
        SWAP1 | SWAP2 | SWAP3 | SWAP4 | SWAP5 | SWAP6 | SWAP7 | SWAP8 | SWAP9 | SWAP10 | SWAP11 | SWAP12
        | SWAP13 | SWAP14 | SWAP15 | SWAP16 => stack::swap(evm, base, inputs - 1),
        DUPN => stack::dupn(evm, base),
        SWAPN => stack::swapn(evm, base),
        EXCHANGE => stack::exchange(evm, base),
        LOG0 => log::log::<0>(evm, host, base),
        LOG1 => log::log::<1>(evm, host, base),
        LOG2 => log::log::<2>(evm, host, base),
        LOG3 => log::log::<3>(evm, host, base),
        LOG4 => log::log::<4>(evm, host, base),
        CREATE => system::create(evm, host, base),
        CALL => system::call(evm, host, base),
        CALLCODE => system::callcode(evm, host, base),
        RETURN => system::return_(evm, base),
        DELEGATECALL => system::delegatecall(evm, host, base),
        CREATE2 => system::create2(evm, host, base),
        STATICCALL => system::staticcall(evm, host, base),
        REVERT => system::revert(evm, base),
        SELFDESTRUCT => system::selfdestruct(evm, host, base),
        INVALID => Err(Halt::InvalidOpcode.into()),
    }
}
