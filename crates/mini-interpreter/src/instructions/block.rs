//! The block.

use parallax_host_interface::Host;
use parallax_primitives::{Eip, U256};

use crate::state::{MiniStepState, Outcome, Step, word_of};

/// BLOCKHASH: zero unless it is one of the 256 blocks before this one.
pub(crate) fn block_hash(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [number] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let current = host.block().number;
    let hash = match u64::try_from(number) {
        Ok(number) if number < current && current - number <= 256 => host.block_hash(number)?.into(),
        _ => U256::ZERO,
    };
    evm.replace::<1>(hash);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// COINBASE.
pub(crate) fn coinbase(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    let coinbase = host.block().coinbase;
    evm.replace::<0>(word_of(coinbase));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// TIMESTAMP.
pub(crate) fn timestamp(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(U256::from(host.block().timestamp));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// NUMBER.
pub(crate) fn number(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(U256::from(host.block().number));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// PREVRANDAO (EIP-4399), DIFFICULTY before Paris.
pub(crate) fn prev_randao(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    let block = host.block();
    let result = if evm.rules.has(Eip::PrevRandao4399) { block.prevrandao.into() } else { block.difficulty };
    evm.replace::<0>(result);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// GASLIMIT.
pub(crate) fn gas_limit(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(U256::from(host.block().gas_limit));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// SLOTNUM (EIP-7843).
pub(crate) fn slot_number(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(U256::from(host.block().slot_number));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// CHAINID (EIP-1344).
pub(crate) fn chain_id(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(U256::from(host.transaction().chain_id));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}
