//! What C asks for, in our words.

use parallax_evmc_abi::{CallKind, EvmcMessage, Flags, Revision};
use parallax_primitives::{
    Address, Bytecode, Bytes, CALL_DEPTH_LIMIT, Fork, Message, MessageKind, Rules, U256,
};

/// One execution.
pub(crate) struct Request {
    pub(crate) message: Message,
    pub(crate) code: Bytecode,
    pub(crate) rules: Rules,
}

impl Request {
    /// `None` if it is nothing that an EVM of mainnet runs.
    pub(crate) fn new(revision: Revision, asked: &EvmcMessage, input: &[u8], code: &[u8]) -> Option<Self> {
        let is_static = asked.flags.has(Flags::STATIC);
        let kind = match asked.kind {
            CallKind::CALL if is_static => MessageKind::StaticCall,
            CallKind::CALL => MessageKind::Call,
            CallKind::DELEGATECALL => MessageKind::DelegateCall,
            CallKind::CALLCODE => MessageKind::CallCode,
            CallKind::CREATE => MessageKind::Create,
            CallKind::CREATE2 => MessageKind::Create2,
            _ => return None,
        };
        let depth = u16::try_from(asked.depth).ok().filter(|depth| *depth <= CALL_DEPTH_LIMIT)?;
        let message = Message {
            kind,
            depth,
            is_static,
            gas: u64::try_from(asked.gas).ok()?,
            caller: Address::new(asked.sender.bytes),
            address: Address::new(asked.recipient.bytes),
            code_address: Address::new(asked.code_address.bytes),
            is_delegated: asked.flags.has(Flags::DELEGATED),
            value: U256::from_be_bytes(asked.value.bytes),
            input: Bytes::copy_from_slice(input),
            state_gas: Default::default(),
            salt: U256::from_be_bytes(asked.create2_salt.bytes),
        };
        let code = Bytecode::new(Bytes::copy_from_slice(code));
        Some(Self { message, code, rules: rules(revision)? })
    }
}

fn rules(revision: Revision) -> Option<Rules> {
    let fork = match revision {
        Revision::FRONTIER => Fork::Frontier,
        Revision::HOMESTEAD => Fork::Homestead,
        Revision::TANGERINE_WHISTLE => Fork::TangerineWhistle,
        Revision::SPURIOUS_DRAGON => Fork::SpuriousDragon,
        Revision::BYZANTIUM => Fork::Byzantium,
        Revision::CONSTANTINOPLE => Fork::Constantinople,
        Revision::PETERSBURG => Fork::Petersburg,
        Revision::ISTANBUL => Fork::Istanbul,
        Revision::BERLIN => Fork::Berlin,
        Revision::LONDON => Fork::London,
        Revision::PARIS => Fork::Paris,
        Revision::SHANGHAI => Fork::Shanghai,
        Revision::CANCUN => Fork::Cancun,
        Revision::PRAGUE => Fork::Prague,
        Revision::OSAKA => Fork::Osaka,
        _ => return None,
    };
    Some(Rules::of(fork))
}
