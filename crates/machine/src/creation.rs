//! What becomes of a creation around its init code: its address before, the deposit of its code after.

use parallax_host_interface::{HostError, Journal};
use parallax_primitives::{Address, Bytecode, Bytes, Eip, Halt, Message, MessageKind, Rules};

/// Where a creation puts its account: CREATE by the creator's nonce before it is bumped (Yellow Paper, section 7),
/// CREATE2 by salt and init code (EIP-1014).
pub(crate) fn address(message: &Message, nonce: u64, init_code: &Bytecode) -> Address {
    match message.kind {
        MessageKind::Create2 => message.caller.create2(message.salt.to_be_bytes::<32>(), init_code.hash()),
        _ => message.caller.create(nonce),
    }
}

/// A deposit that was paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deposit {
    /// Gas left after it.
    pub(crate) gas_left: u64,
    /// The code that the account has now.
    pub(crate) code: Bytes,
}

/// Checks, pays for and writes the code that init code returned. The inner error ends the creation and takes all its gas.
pub(crate) fn deposit(
    rules: Rules,
    address: Address,
    gas: u64,
    code: Bytes,
    journal: &mut dyn Journal,
) -> Result<Result<Deposit, Halt>, HostError> {
    // EIP-3541
    if rules.has(Eip::RejectEf3541) && code.first() == Some(&0xef) {
        return Ok(Err(Halt::CodeStartsWithEf));
    }
    let size = u64::try_from(code.len()).unwrap_or(u64::MAX);
    let Some(gas_left) = gas.checked_sub(size.saturating_mul(rules.gas().code_deposit_byte)) else {
        // EIP-2: before it, the account stays and has no code.
        return Ok(if rules.has(Eip::Creation2) {
            Err(Halt::DepositOutOfGas)
        } else {
            Ok(Deposit { gas_left: gas, code: Bytes::new() })
        });
    };
    // EIP-170
    if code.len() > rules.gas().max_code_size {
        return Ok(Err(Halt::CodeTooLarge));
    }
    journal.set_code(address, Bytecode::new(code.clone()))?;
    Ok(Ok(Deposit { gas_left, code }))
}
