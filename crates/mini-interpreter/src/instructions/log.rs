//! LOG0 to LOG4.

use parallax_host_interface::Host;
use parallax_primitives::{Bytes, Log};

use crate::state::{MiniStepState, Outcome, Step, region};

/// LOG0 to LOG4: a region of memory under `TOPICS` topics.
pub(crate) fn log<const TOPICS: usize>(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [offset, size] = evm.operands()?;
    let below = evm.stack.len() - 2;
    let topics = evm.stack[below - TOPICS..below].iter().rev();

    // Gas
    let data_gas = evm.schedule.log_byte.saturating_mul(size.saturating_to());
    let topic_gas = evm.schedule.log_topic * TOPICS as u64;
    let topics = topics.map(|topic| (*topic).into()).collect();
    let extension = evm.extension([(offset, size)]);
    evm.charge((base + topic_gas).saturating_add(data_gas).saturating_add(extension.cost))?;

    // Operation
    evm.extend(&extension)?;
    let data = Bytes::copy_from_slice(&evm.memory[region(offset, size)]);
    host.log(Log { address: evm.message.address, topics, data });
    evm.take::<2>();
    evm.take::<TOPICS>();

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}
