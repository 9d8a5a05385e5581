use crate::{Address, B256, Bytes, KECCAK256_EMPTY, StateGas, U256, keccak256};

/// What a frame is started with: the parameters of one message call or creation (Yellow Paper, sections 7 and 8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which opcode, or the transaction, sent it.
    pub kind: MessageKind,
    /// Depth of its frame: 0 is the transaction's own.
    pub depth: u16,
    /// Whether its frame may not change state (EIP-214).
    pub is_static: bool,
    /// Execution gas given to its frame, a stipend included. Where the rules know no state gas there is no other.
    pub gas: u64,
    /// State gas that its frame begins with (EIP-8037): all of its sender's reservoir. Of a transaction's message some may be spilled
    /// already, for its recipient, and the baseline be another than the reservoir.
    pub state_gas: StateGas,
    /// What CALLER answers inside.
    pub caller: Address,
    /// What ADDRESS answers inside: the account whose storage and balance the frame uses. For a creation it is the new
    /// account; the interpreter leaves it zero and the machine fills it in.
    pub address: Address,
    /// The account whose code runs: the target, or where the target delegates to (EIP-7702). Zero for a creation.
    pub code_address: Address,
    /// Whether `code_address` is where the target delegates to, not the target: a precompiled contract that is delegated to
    /// runs as empty code (EIP-7702).
    pub is_delegated: bool,
    /// What CALLVALUE answers inside. It is moved only if [`Message::transfers`].
    pub value: U256,
    /// Calldata, or the init code of a creation.
    pub input: Bytes,
    /// CREATE2's salt, zero for every other kind (EIP-1014).
    pub salt: U256,
}

/// How a message came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    /// CALL, or a transaction with a target.
    Call,
    /// CALLCODE.
    CallCode,
    /// DELEGATECALL (EIP-7).
    DelegateCall,
    /// STATICCALL (EIP-214).
    StaticCall,
    /// CREATE, or a transaction without a target.
    Create,
    /// CREATE2 (EIP-1014).
    Create2,
}

impl MessageKind {
    /// Whether the message creates an account.
    pub const fn is_create(self) -> bool {
        matches!(self, MessageKind::Create | MessageKind::Create2)
    }

    /// The opcode's name.
    pub const fn name(self) -> &'static str {
        match self {
            MessageKind::Call => "CALL",
            MessageKind::CallCode => "CALLCODE",
            MessageKind::DelegateCall => "DELEGATECALL",
            MessageKind::StaticCall => "STATICCALL",
            MessageKind::Create => "CREATE",
            MessageKind::Create2 => "CREATE2",
        }
    }
}

impl Message {
    /// A call from `caller` to `address` as a transaction sends it: no gas, no value, no input.
    ///
    /// ```
    /// use parallax_primitives::{Address, Message, U256};
    ///
    /// let message = Message::call(Address::repeat_byte(1), Address::repeat_byte(2)).gas(50_000).value(U256::from(7));
    /// assert_eq!((message.depth, message.code_address), (0, Address::repeat_byte(2)));
    /// ```
    pub fn call(caller: Address, address: Address) -> Self {
        Self {
            kind: MessageKind::Call,
            depth: 0,
            is_static: false,
            gas: 0,
            state_gas: StateGas::NONE,
            caller,
            address,
            code_address: address,
            is_delegated: false,
            value: U256::ZERO,
            input: Bytes::new(),
            salt: U256::ZERO,
        }
    }

    /// A creation by `creator`: no gas, no value. The machine works the address out from the nonce of the creator, and bumps that.
    pub fn create(creator: Address, init_code: impl Into<Bytes>) -> Self {
        let kind = MessageKind::Create;
        Self { kind, ..Self::call(creator, Address::ZERO) }.input(init_code)
    }

    /// With so much gas.
    #[must_use]
    pub fn gas(mut self, gas: u64) -> Self {
        self.gas = gas;
        self
    }

    /// With so much value, in wei.
    #[must_use]
    pub fn value(mut self, value: U256) -> Self {
        self.value = value;
        self
    }

    /// With this calldata, or init code.
    #[must_use]
    pub fn input(mut self, input: impl Into<Bytes>) -> Self {
        self.input = input.into();
        self
    }

    /// In a frame of this depth.
    #[must_use]
    pub fn depth(mut self, depth: u16) -> Self {
        self.depth = depth;
        self
    }

    /// Whether `value` moves from `caller` to `address`. CALLCODE sends to itself: it only needs the balance.
    pub const fn transfers(&self) -> bool {
        matches!(self.kind, MessageKind::Call | MessageKind::Create | MessageKind::Create2)
    }
}

/// Code with its hash. Cloning shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytecode {
    bytes: Bytes,
    hash: B256,
}

impl Bytecode {
    /// Hashes `bytes`.
    pub fn new(bytes: Bytes) -> Self {
        let hash = if bytes.is_empty() { KECCAK256_EMPTY } else { keccak256(&bytes) };
        Self { bytes, hash }
    }

    /// The bytes as they are in the state.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Keccak-256 of the bytes.
    pub fn hash(&self) -> B256 {
        self.hash
    }

    /// The address that a delegation designator points to: 0xef0100 and 20 bytes (EIP-7702).
    pub fn delegation(&self) -> Option<Address> {
        match self.bytes.strip_prefix(&[0xef, 0x01, 0x00]) {
            Some(target) if target.len() == 20 => Some(Address::from_slice(target)),
            _ => None,
        }
    }

    /// The designator that delegates to `target` (EIP-7702).
    pub fn delegating_to(target: Address) -> Self {
        Self::new([&[0xef, 0x01, 0x00], target.as_slice()].concat().into())
    }
}

impl Default for Bytecode {
    fn default() -> Self {
        Self { bytes: Bytes::new(), hash: KECCAK256_EMPTY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_designator_is_of_23_bytes_and_no_other_code() {
        let target = Address::repeat_byte(0x77);
        let designator = Bytecode::delegating_to(target);
        assert_eq!(designator.delegation(), Some(target));
        let bytes = designator.bytes();
        for other in
            [&bytes[..22], &[bytes, &[0][..]].concat(), &[&[0xef, 0x01, 0x01], &bytes[3..]].concat(), &[]]
        {
            assert_eq!(Bytecode::new(other.to_vec().into()).delegation(), None, "{other:02x?}");
        }
    }
}
