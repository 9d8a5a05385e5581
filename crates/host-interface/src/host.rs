use std::{error::Error, fmt, sync::Arc};

use parallax_primitives::{Address, B256, BlockEnv, Bytecode, JournalView, Log, Message, TxEnv, U256};

/// What an interpreter may ask of the world while it runs one frame.
///
/// Everything is asked for by value and answered with values: an interpreter never holds a piece of the state. A method
/// that warms (EIP-2929) is undone with its frame's checkpoint, so asking before charging is not observable.
pub trait Host {
    /// The block that the transaction runs in.
    fn block(&self) -> &BlockEnv;

    /// What the transaction itself answers to ORIGIN, GASPRICE, BLOBHASH and CHAINID.
    fn transaction(&self) -> &TxEnv;

    /// What an observer may see.
    fn journal_view(&self) -> &dyn JournalView;

    /// BLOBBASEFEE in wei (EIP-7516). A host that keeps a rule of its own for it answers by that, and one that is asked often works
    /// it out once.
    fn blob_base_fee(&self) -> U256 {
        self.block().blob_base_fee()
    }

    /// Warms an account; true if it was cold (EIP-2929). Reads nothing from the database. Before Berlin nothing is cold or warm.
    fn warm_account(&mut self, address: Address) -> bool;

    /// Warms a storage slot; true if it was cold (EIP-2929). Reads nothing from the database: an opcode that may lack the gas for the slot
    /// asks before it loads it.
    fn warm_slot(&mut self, address: Address, key: U256) -> bool;

    /// Nonce; zero if the account does not exist.
    fn nonce(&mut self, address: Address) -> Result<u64, HostError>;

    /// Where a creation would put its account if it were sent now: CREATE by the creator's nonce before it is bumped (Yellow Paper,
    /// section 7), CREATE2 by salt and init code (EIP-1014). An opcode asks before it sends the message, to pay for the account
    /// (EIP-8037).
    fn created_address(&mut self, creation: &Message) -> Result<Address, HostError>;

    /// Balance in wei; zero if the account does not exist.
    fn balance(&mut self, address: Address) -> Result<U256, HostError>;

    /// The account's own code, empty if it has none. A delegation designator is code like any other (EIP-7702).
    fn code(&mut self, address: Address) -> Result<Bytecode, HostError>;

    /// The account to which this one delegates its code, if it does (EIP-7702). A host that keeps a rule of its own for which
    /// codes do that answers by that.
    fn delegate(&mut self, address: Address) -> Result<Option<Address>, HostError> {
        Ok(self.code(address)?.delegation())
    }

    /// Keccak-256 of the code, without loading it; `None` if the account does not exist (EIP-1052) or, from Spurious
    /// Dragon on, is empty (EIP-161).
    fn code_hash(&mut self, address: Address) -> Result<Option<B256>, HostError>;

    /// Whether a value sent to the account would bring it to life: it does not exist, or from Spurious Dragon on, is
    /// empty (EIP-161).
    fn is_dead(&mut self, address: Address) -> Result<bool, HostError>;

    /// Reads a storage slot and warms it.
    fn load_slot(&mut self, address: Address, key: U256) -> Result<Slot, HostError>;

    /// As [`Host::load_slot`], by an opcode that goes on to write `value` there with [`Host::store_slot`], or fails. A host whose world
    /// tells what a write does to a slot, and not what the slot was at the start of the transaction, answers an original value here
    /// that has the same to say of price and refund.
    fn load_slot_to_store(&mut self, address: Address, key: U256, value: U256) -> Result<Slot, HostError> {
        let _ = value;
        self.load_slot(address, key)
    }

    /// Writes a storage slot that [`Host::load_slot`] or [`Host::load_slot_to_store`] has answered in this frame.
    fn store_slot(&mut self, address: Address, key: U256, value: U256) -> Result<(), HostError>;

    /// Reads transient storage (EIP-1153).
    fn load_transient(&mut self, address: Address, key: U256) -> U256;

    /// Writes transient storage (EIP-1153).
    fn store_transient(&mut self, address: Address, key: U256, value: U256);

    /// Adds to the transaction's refund counter, in gas.
    fn add_refund(&mut self, delta: i64);

    /// Appends a log.
    fn log(&mut self, log: Log);

    /// Moves the whole balance to `beneficiary` and marks the account for deletion at the end of the transaction, as the
    /// rules have it (with EIP-6780 only if the transaction created it, EIP-6780).
    fn self_destruct(&mut self, address: Address, beneficiary: Address) -> Result<SelfDestruct, HostError>;

    /// Hash of one of the 256 blocks before this one; zero for any other number.
    fn block_hash(&mut self, number: u64) -> Result<B256, HostError>;
}

/// One storage slot as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its value now.
    pub current: U256,
    /// Its value at the start of the transaction.
    pub original: U256,
    /// Whether this access was its first (EIP-2929); false before Berlin.
    pub was_cold: bool,
}

/// What a SELFDESTRUCT came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfDestruct {
    /// Whether the account was already marked: then there is no second refund.
    pub was_marked: bool,
}

/// The world failed: a database that cannot be read, an engine that lacks a rule. Never a halt of the protocol.
#[derive(Clone, Debug)]
pub struct HostError {
    context: String,
    /// Of another kind than the world's, its [`Kind`]: a field more would make every answer of a world larger.
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// What kind of failure it is, and its cause.
#[derive(Debug)]
struct Kind(HostErrorKind, Option<Arc<dyn Error + Send + Sync>>);

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Error for Kind {}

/// What kind of failure it is. An engine that runs in a process of its own can fail in more ways than one that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostErrorKind {
    /// Something cannot be known or done.
    World,
    /// The engine came to an end of its own: a signal, an abort, words that make no sense.
    Crashed,
    /// The engine did not answer in time.
    TimedOut,
    /// The engine does not have these rules.
    Unsupported,
    /// The hash of a block was asked for that the world does not know.
    UnknownBlockHash,
}

impl HostError {
    /// An error that says all itself.
    pub fn new(context: impl Into<String>) -> Self {
        Self { context: context.into(), source: None }
    }

    /// An error with its cause.
    pub fn with_source(context: impl Into<String>, source: impl Error + Send + Sync + 'static) -> Self {
        Self { context: context.into(), source: Some(Arc::new(source)) }
    }

    /// The same, of this kind.
    #[must_use]
    pub fn of_kind(self, kind: HostErrorKind) -> Self {
        let source = match self.told_kind() {
            Some(Kind(_, source)) => source.clone(),
            None => self.source,
        };
        Self { source: Some(Arc::new(Kind(kind, source))), context: self.context }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> HostErrorKind {
        self.told_kind().map_or(HostErrorKind::World, |kind| kind.0)
    }

    fn told_kind(&self) -> Option<&Kind> {
        self.source.as_ref()?.downcast_ref()
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl Error for HostError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = match self.told_kind() {
            Some(Kind(_, source)) => source,
            None => &self.source,
        };
        source.as_ref().map(|source| source.as_ref() as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_host_has_its_cause() {
        let cause = std::io::Error::other("the disk");
        let error = HostError::with_source("account 0x11 cannot be read", cause);
        assert_eq!(error.to_string(), "account 0x11 cannot be read");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("the disk"));
        assert!(HostError::new("said whole").source().is_none());
        assert_eq!(error.kind(), HostErrorKind::World);
        let crashed = error.of_kind(HostErrorKind::Crashed);
        assert_eq!(crashed.kind(), HostErrorKind::Crashed);
        assert_eq!(crashed.source().map(ToString::to_string).as_deref(), Some("the disk"));
        let late = crashed.of_kind(HostErrorKind::TimedOut);
        assert_eq!(
            (late.kind(), late.to_string().as_str()),
            (HostErrorKind::TimedOut, "account 0x11 cannot be read")
        );
        assert_eq!(late.source().map(ToString::to_string).as_deref(), Some("the disk"));
    }
}
