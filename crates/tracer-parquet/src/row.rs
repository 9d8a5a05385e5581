use parallax_primitives::{Address, Bytes, Halt, Opcode, U256};

/// A run: what is the same in all its rows.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) number: u64,
    pub(crate) file: Option<Bytes>,
    pub(crate) test: Option<Bytes>,
    pub(crate) rules: Bytes,
}

/// Items from the top of the stack that a row shows: enough for the slot and the value of SSTORE, for what a call is sent to and the
/// value that goes with it.
pub(crate) const ITEMS: usize = 3;

/// One step. What it found, and what it cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) step: u64,
    pub(crate) frame: u64,
    pub(crate) depth: u16,
    pub(crate) pc: usize,
    pub(crate) opcode: Opcode,
    pub(crate) name: &'static str,
    pub(crate) gas: u64,
    pub(crate) gas_cost: u64,
    pub(crate) gas_own: u64,
    pub(crate) state_gas_cost: i64,
    pub(crate) refund: i64,
    pub(crate) stack_size: usize,
    /// The top first.
    pub(crate) stack: [Option<U256>; ITEMS],
    pub(crate) memory_size: usize,
    pub(crate) address: Address,
    /// None in init code.
    pub(crate) code_address: Option<Address>,
    pub(crate) halt: Option<Halt>,
}
