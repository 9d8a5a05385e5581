use parallax_hooks::StepView;
use parallax_primitives::{Address, Message, MessageKind};

/// The account that a call is about to be sent to, as its opcode has it.
pub(crate) fn sends_to(step: &StepView<'_>) -> Address {
    Address::from_word(step.stack.iter().nth_back(1).copied().unwrap_or_default().into())
}

/// The account that a message is sent to. Its own fields do not say it where code of an account is borrowed that delegates; `target` is what
/// its opcode had.
pub(crate) fn called(message: &Message, target: Address) -> Address {
    match message.kind {
        MessageKind::CallCode | MessageKind::DelegateCall if message.is_delegated => target,
        MessageKind::CallCode | MessageKind::DelegateCall => message.code_address,
        _ => message.address,
    }
}
