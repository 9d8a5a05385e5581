//! The message, the transaction, the code, and other accounts.

use parallax_host_interface::Host;
use parallax_primitives::{Halt, U256};

use crate::state::{MiniStepState, Outcome, Step, address_of, region, word_of, words};

/// ADDRESS.
pub(crate) fn address(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(word_of(evm.message.address));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// BALANCE.
pub(crate) fn balance(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [account] = evm.operands()?;
    let address = address_of(account);

    // Gas
    let cold_gas = evm.cold_account_gas(host, address);
    evm.charge(base + cold_gas)?;

    // Operation
    let balance = host.balance(address)?;
    evm.replace::<1>(balance);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// ORIGIN.
pub(crate) fn origin(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(word_of(host.transaction().origin));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// CALLER.
pub(crate) fn caller(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(word_of(evm.message.caller));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// CALLVALUE.
pub(crate) fn callvalue(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(evm.message.value);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// CALLDATALOAD: zeros behind the end.
pub(crate) fn calldataload(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [offset] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let mut word = [0; 32];
    copy_padded(&mut word, &evm.message.input, offset);
    evm.replace::<1>(U256::from_be_bytes(word));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// CALLDATASIZE.
pub(crate) fn calldatasize(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(U256::from(evm.message.input.len()));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// CALLDATACOPY: zeros behind the end.
pub(crate) fn calldatacopy(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [offset, source, size] = evm.operands()?;

    // Gas
    let copy_gas = evm.schedule.copy_word.saturating_mul(words(size));
    let extension = evm.extension([(offset, size)]);
    evm.charge(base.saturating_add(copy_gas).saturating_add(extension.cost))?;

    // Operation
    evm.extend(&extension)?;
    copy_padded(&mut evm.memory[region(offset, size)], &evm.message.input, source);
    evm.take::<3>();

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// CODESIZE.
pub(crate) fn codesize(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(U256::from(evm.code.bytes().len()));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// CODECOPY: zeros behind the end.
pub(crate) fn codecopy(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [offset, source, size] = evm.operands()?;

    // Gas
    let copy_gas = evm.schedule.copy_word.saturating_mul(words(size));
    let extension = evm.extension([(offset, size)]);
    evm.charge(base.saturating_add(copy_gas).saturating_add(extension.cost))?;

    // Operation
    evm.extend(&extension)?;
    copy_padded(&mut evm.memory[region(offset, size)], evm.code.bytes(), source);
    evm.take::<3>();

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// GASPRICE.
pub(crate) fn gasprice(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(host.transaction().gas_price);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// EXTCODESIZE: of a delegated account, the size of the designator itself (EIP-7702).
pub(crate) fn extcodesize(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [account] = evm.operands()?;
    let address = address_of(account);

    // Gas
    let cold_gas = evm.cold_account_gas(host, address);
    evm.charge(base + cold_gas)?;

    // Operation
    let code = host.code(address)?;
    evm.replace::<1>(U256::from(code.bytes().len()));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// EXTCODECOPY: zeros behind the end; of a delegated account, the designator itself (EIP-7702).
pub(crate) fn extcodecopy(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [account, offset, source, size] = evm.operands()?;
    let address = address_of(account);

    // Gas
    let copy_gas = evm.schedule.copy_word.saturating_mul(words(size));
    let extension = evm.extension([(offset, size)]);
    let cold_gas = evm.cold_account_gas(host, address);
    evm.charge((base + cold_gas).saturating_add(copy_gas).saturating_add(extension.cost))?;

    // Operation
    evm.extend(&extension)?;
    let code = host.code(address)?;
    copy_padded(&mut evm.memory[region(offset, size)], code.bytes(), source);
    evm.take::<4>();

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// RETURNDATASIZE (EIP-211).
pub(crate) fn returndatasize(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(U256::from(evm.return_data.len()));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// RETURNDATACOPY: nothing is behind the end, not even for a size of zero (EIP-211).
pub(crate) fn returndatacopy(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [offset, source, size] = evm.operands()?;

    // Gas
    let copy_gas = evm.schedule.copy_word.saturating_mul(words(size));
    let extension = evm.extension([(offset, size)]);
    evm.charge(base.saturating_add(copy_gas).saturating_add(extension.cost))?;

    // Operation
    match source.checked_add(size) {
        Some(end) if end <= U256::from(evm.return_data.len()) => {}
        _ => return Err(Halt::ReturnDataOutOfBounds.into()),
    }
    evm.extend(&extension)?;
    evm.memory[region(offset, size)].copy_from_slice(&evm.return_data[region(source, size)]);
    evm.take::<3>();

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// EXTCODEHASH: zero for an account that does not exist or is empty (EIP-1052).
pub(crate) fn extcodehash(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [account] = evm.operands()?;
    let address = address_of(account);

    // Gas
    let cold_gas = evm.cold_account_gas(host, address);
    evm.charge(base + cold_gas)?;

    // Operation
    let hash = host.code_hash(address)?;
    evm.replace::<1>(hash.map_or(U256::ZERO, Into::into));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// SELFBALANCE (EIP-1884).
pub(crate) fn self_balance(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    let balance = host.balance(evm.message.address)?;
    evm.replace::<0>(balance);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// BASEFEE (EIP-3198).
pub(crate) fn base_fee(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(U256::from(host.block().base_fee));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// BLOBHASH: zero behind the last blob (EIP-4844).
pub(crate) fn blob_hash(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [index] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let hashes = &host.transaction().blob_hashes;
    let hash = hashes.get(index.saturating_to::<usize>()).map_or(U256::ZERO, |hash| (*hash).into());
    evm.replace::<1>(hash);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// BLOBBASEFEE (EIP-7516).
pub(crate) fn blob_base_fee(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(host.blob_base_fee());

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// Fills `to` with what is at `offset` of `source`, and with zeros behind its end.
fn copy_padded(to: &mut [u8], source: &[u8], offset: U256) {
    let start = offset.saturating_to::<usize>().min(source.len());
    let copied = to.len().min(source.len() - start);
    to[..copied].copy_from_slice(&source[start..start + copied]);
    to[copied..].fill(0);
}
