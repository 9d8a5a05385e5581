use std::any::Any;

use parallax_primitives::{
    Address, BlockEnv, Bytes, FrameStatus, Halt, Rejection, Rules, Transaction, TransactionDefinition, U256,
};

use crate::{Database, HostError};

/// What a chain has otherwise than Ethereum around a transaction's own message: types of its own, what is checked, bought, taken besides
/// and given back, and who gets it. A machine asks it about every transaction, those of Ethereum's types included; what it leaves out
/// is as Ethereum has it.
///
/// It answers values and changes nothing itself: each machine does what they say in its own way.
pub trait TransactionRules: Any + Send + Sync {
    /// Reads the envelope of a transaction of a type of the chain's own (EIP-2718). A machine runs such a transaction only if it is
    /// what its envelope says.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes.
    fn decode(&self, envelope: &Bytes) -> Result<Transaction, String> {
        let _ = envelope;
        Err("the chain has no types of its own".to_owned())
    }

    /// The terms of a transaction, before anything of it is checked but its type.
    ///
    /// # Errors
    ///
    /// [`TermsError::Rejected`] if it cannot be in the block by a rule of the chain's own; [`TermsError::Host`] if the state cannot be
    /// read.
    fn terms(&self, around: &TransactionContext<'_>) -> Result<Terms, TermsError> {
        let _ = around;
        Ok(Terms::default())
    }

    /// What is settled behind the transaction's message. `ethereum` is what Ethereum would settle.
    ///
    /// # Errors
    ///
    /// If the state cannot be read.
    fn settle(
        &self,
        around: &TransactionContext<'_>,
        end: &MessageEnd<'_>,
        ethereum: Settlement,
    ) -> Result<Settlement, HostError> {
        let _ = (around, end);
        Ok(ethereum)
    }
}

/// A transaction and what is around it.
#[derive(Clone, Copy)]
pub struct TransactionContext<'a> {
    /// The rules.
    pub rules: Rules,
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// The block.
    pub block: &'a BlockEnv,
    /// The transaction.
    pub transaction: &'a Transaction,
    /// The state before the transaction, at its end too.
    pub database: &'a dyn Database,
}

/// On which terms a transaction is in its block. The default is Ethereum's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Checks that are left out.
    pub waived: Waived,
    /// What its sender must have.
    pub funds: Funds,
    /// How it fails where it would be rejected: its message is refused with this halt, all its gas is used, and what stays is the mint
    /// and the sender's nonce. `None`: it is rejected.
    pub fails_as: Option<Halt>,
    /// Wei that come to be with it and are its sender's, before anything is checked or paid. They stay whatever becomes of it.
    pub mint: U256,
    /// What one gas costs, in wei, instead of the effective price (EIP-1559).
    pub gas_price: Option<U256>,
    /// Gas taken before the first opcode instead of the intrinsic gas.
    pub intrinsic_gas: Option<u64>,
    /// Least gas paid for instead of the calldata floor (EIP-7623).
    pub floor_gas: Option<u64>,
    /// Wei taken from its sender besides the price of its gas and blobs. Who gets them, or gets them back, is settled.
    pub extra_fee: U256,
}

impl Terms {
    /// Those of Ethereum.
    pub const ETHEREUM: Self = Self {
        waived: Waived { nonce: false, sender_code: false, fees: false, gas_limits: false },
        funds: Funds::Most,
        fails_as: None,
        mint: U256::ZERO,
        gas_price: None,
        intrinsic_gas: None,
        floor_gas: None,
        extra_fee: U256::ZERO,
    };
}

/// Checks of Ethereum's that are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waived {
    /// Its nonce: it may be any, and a creation's address follows the sender's own.
    pub nonce: bool,
    /// That its sender has no code (EIP-3607).
    pub sender_code: bool,
    /// That it offers the block's base fee, and no more priority fee than fee (EIP-1559).
    pub fees: bool,
    /// The limits of gas: the block's, and the one of a transaction (EIP-7825).
    pub gas_limits: bool,
}

/// What a sender must have for a transaction to be in a block; the mint counts as the sender's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Funds {
    /// The most that it may cost, as on Ethereum: the highest price of its gas and blobs, the value and the extra fee.
    #[default]
    Most,
    /// What is taken from it before its message: the price of its gas and blobs, and the extra fee. Its value is looked at where it is
    /// moved.
    Taken,
}

/// Why there are no terms.
#[derive(Clone, Debug)]
pub enum TermsError {
    /// By a rule: the transaction cannot be in the block.
    Rejected(Rejection),
    /// The world failed.
    Host(HostError),
}

impl From<Rejection> for TermsError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<HostError> for TermsError {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

/// What a transaction's message came to, and what was taken for it.
#[derive(Clone, Copy, Debug)]
pub struct MessageEnd<'a> {
    /// How it ended.
    pub status: FrameStatus,
    /// Gas that is not left of the gas limit, before any refund.
    pub gas_spent: u64,
    /// The refund counter, that of authorizations (EIP-7702) included, before its cap (EIP-3529).
    pub refund: u64,
    /// What one gas cost, in wei.
    pub gas_price: U256,
    /// The terms.
    pub terms: &'a Terms,
}

/// What is settled at the end of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Gas paid for.
    pub gas_used: u64,
    /// Of the refund counter, what was granted, in gas.
    pub gas_refunded: u64,
    /// Wei that go back to the sender.
    pub returned: U256,
    /// Wei that others get, in order. Ethereum pays the coinbase the priority fee (EIP-1559), nothing included: who is named is
    /// touched (EIP-161).
    pub paid: Vec<(Address, U256)>,
}

/// A chain's rules for transactions: twice, as of [`CustomOpcode`](crate::CustomOpcode).
#[derive(Clone, Copy)]
pub struct CustomTransactions {
    name: &'static str,
    types: &'static [u8],
    sides: [&'static dyn TransactionRules; 2],
    is_shared: bool,
}

impl CustomTransactions {
    /// Rules under a name, with the types of the chain's own that they can read. The first machine asks `fast`, the plain one
    /// `plain`.
    pub const fn new(
        name: &'static str,
        types: &'static [u8],
        fast: &'static dyn TransactionRules,
        plain: &'static dyn TransactionRules,
    ) -> Self {
        Self { name, types, sides: [fast, plain], is_shared: false }
    }

    /// The same, of which it is known that both machines ask one implementation: reports say so.
    #[must_use]
    pub const fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    /// What the first machine is to ask, if the rules have this type.
    pub fn fast(rules: Rules) -> Option<&'static dyn TransactionRules> {
        Some(Self::of(rules)?.sides[0])
    }

    /// What the plain machine is to ask.
    pub fn plain(rules: Rules) -> Option<&'static dyn TransactionRules> {
        Some(Self::of(rules)?.sides[1])
    }

    fn of(rules: Rules) -> Option<&'static Self> {
        let definition: &'static dyn Any = rules.custom_transactions()?;
        definition.downcast_ref()
    }
}

impl TransactionDefinition for CustomTransactions {
    fn name(&self) -> &'static str {
        self.name
    }

    fn types(&self) -> &'static [u8] {
        self.types
    }

    fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn has_two_types(&self) -> bool {
        let [fast, plain] = self.sides;
        (fast as &dyn Any).type_id() != (plain as &dyn Any).type_id()
    }
}
