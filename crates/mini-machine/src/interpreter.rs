//! The beginning and the end of a message, as EELS's `vm/interpreter.py` has them. What is between is the interpreter's.

use parallax_host_interface::{
    ContractCall, CustomContract, Host, HostError, PrecompileError, PrecompileOutput,
};
use parallax_primitives::{
    Address, B256, Bytecode, Bytes, CALL_DEPTH_LIMIT, Eip, FrameOutcome, FrameStatus, Halt, Log, Message,
    MessageKind, StateGas, Switch, U256, address, b256,
};

use crate::{
    address::{compute_contract_address, compute_create2_contract_address},
    gas::GasMeter,
    state::State,
    world::World,
};

/// The precompiled contract that is touched by messages that fail, too.
const RIPEMD160_ADDRESS: Address = address!("0000000000000000000000000000000000000003");

/// Whose logs those of transfers are (EIP-7708).
const SYSTEM_ADDRESS: Address = address!("fffffffffffffffffffffffffffffffffffffffe");

/// Keccak-256 of `Transfer(address,address,uint256)` (EIP-7708).
const TRANSFER_TOPIC: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// How a message goes on from its beginning.
pub(crate) enum Begun {
    /// With a frame that runs this code.
    Frame { code: Bytecode, checkpoint: State },
    /// It has no code; it is to be ended.
    Ended { outcome: FrameOutcome, checkpoint: State },
    /// It has failed before it could change anything that would have to be taken back.
    Refused(FrameOutcome),
}

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The transaction, which has counted its sender's nonce already.
    Transaction,
    /// An opcode, or who wants a message to be run with no transaction around it.
    Opcode,
}

/// Fills in the address of a creation. It depends on what its creator's nonce is before it is counted.
///
/// EELS: `vm/instructions/system.py`, `create` and `create2`; `utils/message.py`, `prepare_message`.
pub(crate) fn address_creation(
    world: &mut World<'_>,
    message: &mut Message,
    sender: Sender,
) -> Result<(), HostError> {
    match message.kind {
        MessageKind::Create => {
            let mut nonce = world.get_account(message.caller)?.nonce;
            if sender == Sender::Transaction {
                nonce = nonce.saturating_sub(1);
            }
            message.address = compute_contract_address(message.caller, nonce);
        }
        MessageKind::Create2 => {
            message.address = compute_create2_contract_address(message.caller, message.salt, &message.input);
        }
        _ => {}
    }
    Ok(())
}

/// Begins a message, whatever kind it is of.
pub(crate) fn begin(world: &mut World<'_>, message: &Message, sender: Sender) -> Result<Begun, HostError> {
    let bumps_nonce = message.kind.is_create() && sender == Sender::Opcode;
    if let Some(halt) = refusal(world, message, bumps_nonce)? {
        return Ok(Begun::Refused(halted_before_frame(message, halt)));
    }
    if message.kind.is_create() {
        begin_create_message(world, message, bumps_nonce)
    } else {
        let checkpoint = world.state.clone();
        begin_message(world, message)?;
        execute_code(world, message, checkpoint)
    }
}

/// What fails before there is a frame, and keeps its gas. The specification does not tell these apart, so their order is ours.
///
/// EELS: `vm/instructions/system.py`, `generic_create`, `generic_call`, `call`, `callcode`.
fn refusal(world: &mut World<'_>, message: &Message, bumps_nonce: bool) -> Result<Option<Halt>, HostError> {
    if message.depth > CALL_DEPTH_LIMIT {
        return Ok(Some(Halt::CallDepth));
    }
    // CALLCODE moves nothing, and yet there must be enough.
    let needs_balance = message.transfers() || message.kind == MessageKind::CallCode;
    let is_sent = needs_balance && !message.value.is_zero();
    if is_sent && world.get_account(message.caller)?.balance < message.value {
        return Ok(Some(Halt::InsufficientBalance));
    }
    if bumps_nonce && world.get_account(message.caller)?.nonce == u64::MAX {
        // EIP-2681
        return Ok(Some(Halt::NonceOverflow));
    }
    Ok(None)
}

/// EELS: `vm/instructions/system.py`, `generic_create`, from its warming on; `vm/interpreter.py`, `process_message_call` for
/// a transaction's, and the beginning of `process_create_message`.
fn begin_create_message(
    world: &mut World<'_>,
    message: &Message,
    bumps_nonce: bool,
) -> Result<Begun, HostError> {
    let address = message.address;
    if world.rules.has(Eip::WarmAccess2929) {
        // EIP-2929: warm from here on, whatever becomes of the creation.
        world.state.access_address(address);
    }
    if bumps_nonce {
        world.increment_nonce(message.caller)?;
    }
    // EIP-684, and EIP-7610 for all blocks up to Amsterdam
    let has_storage = world.rules.has(Eip::CreateCollision7610) && world.account_has_storage(address)?;
    if world.account_has_code_or_nonce(address)? || has_storage {
        return Ok(Begun::Refused(halted_before_frame(message, Halt::CreateCollision)));
    }

    let checkpoint = world.state.clone();
    // No storage is taken away: with EIP-7610 there is none, and without it the specification leaves it where it is.
    world.state.mark_account_created(address);
    if world.rules.has(Eip::StateClearing161) {
        // EIP-161
        world.increment_nonce(address)?;
    }
    begin_message(world, message)?;
    Ok(run(message, Bytecode::new(message.input.clone()), checkpoint))
}

/// EELS: `vm/interpreter.py`, the beginning of `process_message`.
fn begin_message(world: &mut World<'_>, message: &Message) -> Result<(), HostError> {
    world.touch_account(message.address)?;
    if message.transfers() && !message.value.is_zero() {
        world.move_ether(message.caller, message.address, message.value)?;
        emit_transfer_log(world, message.caller, message.address, message.value);
    }
    Ok(())
}

/// Logs that wei went from one account to another (EIP-7708).
///
/// EELS: `vm/__init__.py`, `emit_transfer_log`.
pub(crate) fn emit_transfer_log(world: &mut World<'_>, sender: Address, recipient: Address, amount: U256) {
    if !world.rules.has(Eip::TransferLogs7708) || amount.is_zero() || sender == recipient {
        return;
    }
    world.log(Log {
        address: SYSTEM_ADDRESS,
        topics: vec![TRANSFER_TOPIC, sender.into_word(), recipient.into_word()],
        data: amount.to_be_bytes_vec().into(),
    });
}

/// A precompiled contract runs at once; the rest is code.
///
/// EELS: `vm/interpreter.py`, `execute_code`.
fn execute_code(world: &mut World<'_>, message: &Message, checkpoint: State) -> Result<Begun, HostError> {
    // One that is delegated to runs as the code it has, which is none (EIP-7702), but on some chains.
    if !message.is_delegated || world.rules.is_on(Switch::DelegatedContracts) {
        if let Some(result) = custom_contract(world, message)? {
            return Ok(Begun::Ended { outcome: result, checkpoint });
        }
        let result = world.precompiles.run(world.rules, message.code_address, &message.input, message.gas);
        if let Some(result) = result {
            return Ok(Begun::Ended { outcome: of_precompiled_contract(message, result)?, checkpoint });
        }
    }
    let code = world.code(message.code_address)?;
    Ok(run(message, code, checkpoint))
}

/// A precompiled contract of an author's own, if there is one.
fn custom_contract(world: &mut World<'_>, message: &Message) -> Result<Option<FrameOutcome>, HostError> {
    let (rules, address) = (world.rules, message.code_address);
    if rules.custom_contract(&address).is_none() {
        return Ok(None);
    }
    let Some(contract) = CustomContract::plain(rules, &address) else {
        return Err(HostError::new(format!(
            "the contract at {address} is of a type that the machine does not know"
        )));
    };
    let mut outcome = contract(&mut ContractCall { message, rules, host: world })?;
    outcome.gas_left = match outcome.status {
        FrameStatus::Halt(_) => 0,
        FrameStatus::Success | FrameStatus::Revert => outcome.gas_left.min(message.gas),
    };
    outcome.created = None;
    // It has no say in state gas.
    outcome.state_gas = message.state_gas;
    Ok(Some(outcome))
}

/// A message without code, or a creation without init code, is over before its first opcode.
fn run(message: &Message, code: Bytecode, checkpoint: State) -> Begun {
    if code.bytes().is_empty() {
        Begun::Ended { outcome: success(message.gas, message.state_gas, Bytes::new()), checkpoint }
    } else {
        Begun::Frame { code, checkpoint }
    }
}

fn of_precompiled_contract(
    message: &Message,
    result: Result<PrecompileOutput, PrecompileError>,
) -> Result<FrameOutcome, HostError> {
    match result {
        Ok(output) => match message.gas.checked_sub(output.gas_used) {
            Some(gas_left) => Ok(success(gas_left, message.state_gas, output.output)),
            None => Err(HostError::new(format!(
                "the contract at {} used more than its gas",
                message.code_address
            ))),
        },
        Err(PrecompileError::OutOfGas) => Ok(halted_before_frame(message, Halt::OutOfGas)),
        Err(PrecompileError::Failed(_)) => Ok(halted_before_frame(message, Halt::PrecompileFailure)),
        Err(missing @ PrecompileError::Missing(_)) => Err(HostError::new(missing.to_string())),
    }
}

fn success(gas_left: u64, state_gas: StateGas, output: Bytes) -> FrameOutcome {
    FrameOutcome { status: FrameStatus::Success, gas_left, state_gas, output, created: None }
}

/// What a message hands back that has failed before its first opcode.
pub(crate) fn halted_before_frame(message: &Message, halt: Halt) -> FrameOutcome {
    let outcome = FrameOutcome { state_gas: message.state_gas, ..FrameOutcome::halted(halt, message.gas) };
    restore_state_gas(message, outcome, halt.keeps_gas())
}

/// What a message hands back that has failed: the reservoir falls back to where it began, and what was taken from execution gas for state
/// gas is there again, if it keeps that.
///
/// EELS: `vm/gas.py`, `restore_state_gas` and `forfeit_remaining_gas`.
fn restore_state_gas(message: &Message, outcome: FrameOutcome, keeps_gas: bool) -> FrameOutcome {
    let gas_left = if keeps_gas { outcome.gas_left.saturating_add(outcome.state_gas.spilled) } else { 0 };
    FrameOutcome { gas_left, state_gas: StateGas::of(message.state_gas.baseline), ..outcome }
}

/// Ends a message whose code has come to `outcome`: pays for the code of a creation, and keeps what was done since
/// `checkpoint`, or goes back to there.
///
/// EELS: `vm/interpreter.py`, the ends of `process_create_message` and `process_message`.
pub(crate) fn end(
    world: &mut World<'_>,
    message: &Message,
    outcome: FrameOutcome,
    checkpoint: State,
) -> Result<FrameOutcome, HostError> {
    let outcome = if message.kind.is_create() && outcome.status.is_success() {
        end_create_message(world, message, outcome)?
    } else {
        outcome
    };
    if outcome.status.is_success() {
        incorporate_on_success(world, message)?;
        Ok(outcome)
    } else {
        incorporate_on_error(world, message, checkpoint)?;
        let keeps_gas = outcome.status == FrameStatus::Revert;
        Ok(restore_state_gas(message, outcome, keeps_gas))
    }
}

/// EELS: `vm/interpreter.py`, the end of `process_create_message`.
fn end_create_message(
    world: &mut World<'_>,
    message: &Message,
    outcome: FrameOutcome,
) -> Result<FrameOutcome, HostError> {
    let rules = world.rules;
    let fails = |halt| Ok(FrameOutcome { state_gas: outcome.state_gas, ..FrameOutcome::halted(halt, 0) });
    let contract_code = outcome.output;
    let is_too_large = contract_code.len() > rules.gas().max_code_size;
    if rules.has(Eip::RejectEf3541) && contract_code.first() == Some(&0xef) {
        // EIP-3541
        return fails(Halt::CodeStartsWithEf);
    }
    if is_too_large && rules.has(Eip::StateGas8037) {
        // EIP-8037 looks at the size before the price.
        return fails(Halt::CodeTooLarge);
    }
    let mut meter = GasMeter { gas_left: outcome.gas_left, state_gas: outcome.state_gas };
    if meter.charge_code_deposit(rules.gas(), contract_code.len()).is_err() {
        if rules.has(Eip::Creation2) {
            // EIP-2
            return fails(Halt::DepositOutOfGas);
        }
        // In Frontier the account stayed without code, and the gas was kept.
        return Ok(FrameOutcome {
            created: Some(message.address),
            ..success(outcome.gas_left, outcome.state_gas, Bytes::new())
        });
    }
    if is_too_large {
        // EIP-170
        return fails(Halt::CodeTooLarge);
    }
    world.set_code(message.address, Bytecode::new(contract_code))?;
    let GasMeter { gas_left, state_gas } = meter;
    Ok(FrameOutcome { created: Some(message.address), ..success(gas_left, state_gas, Bytes::new()) })
}

/// EELS: `vm/__init__.py`, `incorporate_child_on_success`; for a transaction's message, `process_message_call` touches its
/// target as well.
fn incorporate_on_success(world: &mut World<'_>, message: &Message) -> Result<(), HostError> {
    world.touch_if_empty(message.address)
}

/// Goes back to `checkpoint`. In block 2,675,119 the empty account of RIPEMD-160 was taken away although the message to it had
/// failed, and so it is for good: its touch outlives every message but the transaction's own.
///
/// EELS: `vm/__init__.py`, `incorporate_child_on_error`.
fn incorporate_on_error(
    world: &mut World<'_>,
    message: &Message,
    checkpoint: State,
) -> Result<(), HostError> {
    let was_touched = world.state.touched_accounts.contains(&RIPEMD160_ADDRESS);
    world.rollback(checkpoint);
    if message.depth > 0 {
        if was_touched {
            world.state.touched_accounts.add(RIPEMD160_ADDRESS);
        }
        if message.address == RIPEMD160_ADDRESS {
            world.touch_if_empty(RIPEMD160_ADDRESS)?;
        }
    }
    Ok(())
}
