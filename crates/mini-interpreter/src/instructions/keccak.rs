//! KECCAK256.

use parallax_primitives::keccak256;

use crate::state::{MiniStepState, Outcome, Step, region, words};

/// KECCAK256 of a region of memory.
pub(crate) fn keccak(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [offset, size] = evm.operands()?;

    // Gas
    let word_gas = evm.schedule.keccak_word.saturating_mul(words(size));
    let extension = evm.extension([(offset, size)]);
    evm.charge(base.saturating_add(word_gas).saturating_add(extension.cost))?;

    // Operation
    evm.extend(&extension)?;
    let hash = keccak256(&evm.memory[region(offset, size)]);
    evm.replace::<2>(hash.into());

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}
