use parallax_primitives::{Address, Bytecode, Halt, Log, U256};

use crate::{Accesses, Host, HostError, StateChanges};

/// What the machine may ask on top of [`Host`]: everything that opcodes cannot do by themselves. Interpreters never see it.
pub trait Journal: Host {
    /// Remembers the state of now. Checkpoints nest: commit and revert end the newest.
    fn checkpoint(&mut self);
    /// Ends the newest checkpoint and keeps what was done since.
    fn commit(&mut self);
    /// Ends the newest checkpoint and undoes what was done since: storage, transient storage, balances, nonces, code,
    /// warmth, logs, refunds, marks.
    fn revert(&mut self);

    /// The interface that interpreters see.
    fn as_host(&mut self) -> &mut dyn Host;

    /// Adds one to the nonce. The caller has checked that it is below 2^64 - 1 (EIP-2681).
    fn bump_nonce(&mut self, address: Address) -> Result<(), HostError>;
    /// Replaces the code.
    fn set_code(&mut self, address: Address, code: Bytecode) -> Result<(), HostError>;

    /// Adds to a balance. Adding nothing still touches the account (EIP-161).
    fn credit(&mut self, address: Address, amount: U256) -> Result<(), HostError>;
    /// Takes from a balance; false, and nothing taken, if it is too small.
    fn debit(&mut self, address: Address, amount: U256) -> Result<bool, HostError>;
    /// Moves `amount` from one balance to another; false, and nothing moved, if it is too small. Moving nothing still
    /// touches the receiver (EIP-161).
    fn transfer(&mut self, from: Address, to: Address, amount: U256) -> Result<bool, HostError>;

    /// Makes a new account with the endowment of `value` taken from `creator`, nonce 1 from Spurious Dragon on (EIP-161).
    /// Refused with [`Halt::CreateCollision`] where code or a nonce (EIP-684) or storage (EIP-7610) is.
    fn create(
        &mut self,
        creator: Address,
        address: Address,
        value: U256,
    ) -> Result<Result<(), Halt>, HostError>;

    /// What the transaction has looked at so far (EIP-7928).
    fn accesses(&self) -> Accesses;

    /// Ends the transaction: deletes what is marked and, from Spurious Dragon on, what was touched and is empty (EIP-161).
    /// The journal is empty afterwards: what it knew is in the answer.
    fn finish(&mut self) -> Result<(StateChanges, Vec<Log>), HostError>;
}
