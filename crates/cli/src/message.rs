//! A bare message out of options: what `run` runs, and `diff --message` compares.

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{Address, Bytecode, Bytes, Message, MessageKind, U256, address};

use crate::number::number;

/// The account that has the code, or calls for its creation.
pub(crate) const CONTRACT: Address = address!("000000000000000000000000000000000000c0de");
/// The account that sends the message or the transaction.
pub(crate) const CALLER: Address = address!("000000000000000000000000000000000000ca11");

/// What the message is besides its code, gas, value and calldata.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MessageOptions {
    /// Depth of the message's frame: 1024 is the deepest
    #[arg(long, value_name = "N", value_parser = number::<u16>, default_value_t = 0)]
    pub(crate) depth: u16,
    /// The message may not change state, as below a STATICCALL
    #[arg(long = "static")]
    pub(crate) is_static: bool,
    /// Salt of a CREATE2
    #[arg(long, value_name = "WORD", value_parser = number::<U256>, default_value = "0")]
    pub(crate) salt: U256,
}

/// How a message comes about, as users call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// CALL of the code's account
    Call,
    /// CALLCODE: the code runs on the caller's storage
    Callcode,
    /// DELEGATECALL: as CALLCODE, without a transfer
    Delegatecall,
    /// STATICCALL
    Staticcall,
    /// CREATE: the code, and behind it --input, is init code
    Create,
    /// CREATE2, with --salt
    Create2,
}

impl Kind {
    const fn kind(self) -> MessageKind {
        match self {
            Kind::Call => MessageKind::Call,
            Kind::Callcode => MessageKind::CallCode,
            Kind::Delegatecall => MessageKind::DelegateCall,
            Kind::Staticcall => MessageKind::StaticCall,
            Kind::Create => MessageKind::Create,
            Kind::Create2 => MessageKind::Create2,
        }
    }

    /// Whether the code is init code.
    pub(crate) fn creates(self) -> bool {
        self.kind().is_create()
    }

    fn name(self) -> String {
        self.to_possible_value().map_or(String::new(), |value| value.get_name().to_owned())
    }
}

impl MessageOptions {
    /// The options again, as a command has them.
    pub(crate) fn again(&self, kind: Kind, value: U256) -> String {
        let options = [
            Some(format!(" --message {}", kind.name())),
            (self.depth != 0).then(|| format!(" --depth {}", self.depth)),
            self.is_static.then(|| " --static".to_owned()),
            (!self.salt.is_zero()).then(|| format!(" --salt {:#x}", self.salt)),
            (!value.is_zero()).then(|| format!(" --value {value}")),
        ];
        options.into_iter().flatten().collect()
    }

    /// The message, in a world that it needs: the code's account, and a caller that has the value.
    pub(crate) fn message(
        &self,
        kind: Kind,
        (code, input): (Bytes, Bytes),
        (gas, value): (u64, U256),
        database: &mut MemoryDatabase,
    ) -> Result<Message> {
        let kind = kind.kind();
        ensure!(
            value.is_zero() || kind != MessageKind::StaticCall,
            "--value {value}: a STATICCALL sends nothing, expected 0"
        );
        ensure!(
            self.salt.is_zero() || kind == MessageKind::Create2,
            "--salt {:#x}: only a CREATE2 has a salt, expected --message create2",
            self.salt
        );
        let is_static = self.is_static || kind == MessageKind::StaticCall;
        let changes_state = kind.is_create() || kind == MessageKind::Call && !value.is_zero();
        ensure!(
            !(self.is_static && changes_state),
            "--static: below a STATICCALL nothing is created and no value sent (EIP-214)"
        );
        let caller = database.accounts.entry(CALLER).or_default();
        caller.balance = caller.balance.max(value);
        let (address, code_address, input) = if kind.is_create() {
            (Address::ZERO, Address::ZERO, [code, input].concat().into())
        } else {
            database.accounts.entry(CONTRACT).or_default().code = Bytecode::new(code);
            let runs_on_caller = matches!(kind, MessageKind::CallCode | MessageKind::DelegateCall);
            (if runs_on_caller { CALLER } else { CONTRACT }, CONTRACT, input)
        };
        Ok(Message {
            kind,
            depth: self.depth,
            is_static,
            gas,
            caller: CALLER,
            address,
            code_address,
            is_delegated: false,
            value,
            input,
            state_gas: Default::default(),
            salt: self.salt,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_those_that_make_the_message_again() {
        let check = |options: MessageOptions, kind, value: u64, again| {
            assert_eq!(options.again(kind, U256::from(value)), again);
        };
        check(MessageOptions::default(), Kind::Call, 0, " --message call");
        let deep = MessageOptions { depth: 9, is_static: true, ..MessageOptions::default() };
        check(deep, Kind::Callcode, 3, " --message callcode --depth 9 --static --value 3");
        let salted = MessageOptions { salt: U256::from(7), ..MessageOptions::default() };
        check(salted, Kind::Create2, 0, " --message create2 --salt 0x7");
    }
}
