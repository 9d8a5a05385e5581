//! What ends an opcode before it has done its work.

use parallax_host_interface::HostError;
use parallax_primitives::Halt;

/// Why an opcode did not do what it does.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It failed, at a charge of so much gas.
    Halt(Halt, u64),
    /// The world failed.
    Host(HostError),
}

impl From<HostError> for Fault {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}
