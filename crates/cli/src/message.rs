//! A bare message out of options: what `run` runs, and `diff --message` compares.

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use parallax_primitives::{Address, Bytes, Eip, Message, MessageKind, Subject, Transaction, TxEnv, U256};

use crate::{number::number, world::World};

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

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) enum Sent {
    /// A bare message: no intrinsic gas, no refund.
    Message(Message),
    Transaction(Transaction),
}

impl Sent {
    /// What an engine is given.
    pub(crate) fn subject<'a>(&'a self, environment: &'a TxEnv) -> Subject<'a> {
        match self {
            Self::Message(message) => Subject::Message { message, environment },
            Self::Transaction(transaction) => Subject::Transaction(transaction),
        }
    }
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
    pub(crate) fn again(&self, kind: Kind) -> String {
        let options = [
            Some(format!(" --message {}", kind.name())),
            (self.depth != 0).then(|| format!(" --depth {}", self.depth)),
            self.is_static.then(|| " --static".to_owned()),
            (!self.salt.is_zero()).then(|| format!(" --salt {:#x}", self.salt)),
        ];
        options.into_iter().flatten().collect()
    }

    /// The message, in a world that has what it needs: the value, and the code of the receiver, if it is a call. Of a creation `input` is
    /// the init code.
    pub(crate) fn message(
        &self,
        kind: Kind,
        input: Bytes,
        (gas, value): (u64, U256),
        world: &mut World,
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
        world.fund(value);
        let World { sender, receiver, .. } = *world;
        let delegate = world.database.accounts.get(&receiver).and_then(|account| account.code.delegation());
        let delegate = delegate.filter(|_| !kind.is_create() && world.rules.has(Eip::SetCode7702));
        let (address, code_address) = if kind.is_create() {
            (Address::ZERO, Address::ZERO)
        } else {
            let runs_on_caller = matches!(kind, MessageKind::CallCode | MessageKind::DelegateCall);
            (if runs_on_caller { sender } else { receiver }, delegate.unwrap_or(receiver))
        };
        Ok(Message {
            kind,
            depth: self.depth,
            is_static,
            gas,
            caller: sender,
            address,
            code_address,
            is_delegated: delegate.is_some(),
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
        let check = |options: MessageOptions, kind, again| assert_eq!(options.again(kind), again);
        check(MessageOptions::default(), Kind::Call, " --message call");
        let deep = MessageOptions { depth: 9, is_static: true, ..MessageOptions::default() };
        check(deep, Kind::Callcode, " --message callcode --depth 9 --static");
        let salted = MessageOptions { salt: U256::from(7), ..MessageOptions::default() };
        check(salted, Kind::Create2, " --message create2 --salt 0x7");
    }
}
