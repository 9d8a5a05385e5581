//! What kind of fault a divergence looks like, and the EIPs that touch the rule that may be wrong.

use std::fmt;

use parallax_primitives::{FrameStatus, Halt, Rejection};

use crate::{Field, Mismatch, PathItem, Place, Value};

/// What kind of fault a divergence looks like, from its place, its field and its values alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// A charge, a forwarded amount or a stipend.
    Gas,
    /// A word that was computed.
    Arithmetic,
    /// Bytes taken from memory.
    Memory,
    /// A storage slot.
    Storage,
    /// The two sides went different ways.
    ControlFlow,
    /// Both halted, for different reasons: one checks in another order.
    HaltPrecedence,
    /// The refund counter.
    Refund,
    /// Logs.
    Logs,
    /// An account.
    PostState,
    /// What was returned.
    Output,
    /// Whether, or why, the transaction cannot be in a block.
    Rejection,
    /// What no opcode does: all opcodes did the same, if steps were compared.
    Rules(Rule),
}

/// Which rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// How a message begins and ends: depth, endowment, collision, the deposit of code.
    Message,
    /// What a transaction comes to: refund, gas, fees.
    Transaction,
    /// Warmth, creation, destruction, what a rollback takes back, which accounts there are.
    State,
    /// Price, checks and answer of a precompiled contract.
    Precompile,
    /// What is around the transactions of a block: headers, system calls, rewards, withdrawals, requests, receipts.
    Block,
}

impl Cause {
    /// The cause of a mismatch. `by_steps`: all opcodes before it were compared, and did the same.
    pub(crate) fn of(place: &Place, mismatch: &Mismatch, by_steps: bool) -> Self {
        let of_values = Self::of_values(mismatch);
        match place {
            // These say more than that it was no opcode.
            _ if matches!(of_values, Cause::Rejection | Cause::HaltPrecedence | Cause::Rules(_)) => of_values,
            Place::Message { is_over: true, path, .. } if by_steps => Cause::Rules(match path.last() {
                Some(message) if precompile(message).is_some() => Rule::Precompile,
                _ => Rule::Message,
            }),
            Place::Transaction if by_steps => Cause::Rules(Rule::Transaction),
            Place::PostState if by_steps => Cause::Rules(Rule::State),
            _ => of_values,
        }
    }

    fn of_values(mismatch: &Mismatch) -> Self {
        let Mismatch { field, left, right } = mismatch;
        match field {
            Field::Status => match (left, right) {
                (Value::Rejection(_), _) | (_, Value::Rejection(_)) => Cause::Rejection,
                (Value::Status(FrameStatus::Halt(_)), Value::Status(FrameStatus::Halt(_))) => {
                    Cause::HaltPrecedence
                }
                (Value::Status(FrameStatus::Halt(halt)), _) | (_, Value::Status(FrameStatus::Halt(halt)))
                    if matches!(halt, Halt::OutOfGas | Halt::DepositOutOfGas) =>
                {
                    Cause::Gas
                }
                _ => Cause::ControlFlow,
            },
            Field::Halt => match (left, right) {
                (Value::Halt(_), Value::Halt(_)) => Cause::HaltPrecedence,
                (Value::Halt(Halt::OutOfGas), _) | (_, Value::Halt(Halt::OutOfGas)) => Cause::Gas,
                _ => Cause::ControlFlow,
            },
            Field::GasCost
            | Field::StateGasCost
            | Field::Reservoir
            | Field::SpilledStateGas
            | Field::ReservoirBaseline
            | Field::ExecutionGas
            | Field::StateGas => Cause::Gas,
            Field::Refund => Cause::Refund,
            Field::Stack(_) => Cause::Arithmetic,
            Field::MemorySize | Field::Memory(_) => Cause::Memory,
            Field::ReturnData => Cause::Output,
            Field::TransientStorage(..) => Cause::Storage,
            Field::Step
            | Field::Pc
            | Field::Opcode
            | Field::StackSize
            | Field::Message
            | Field::Kind
            | Field::Depth
            | Field::Static
            | Field::Caller
            | Field::Address
            | Field::CodeAddress
            | Field::Delegated
            | Field::Created => Cause::ControlFlow,
            Field::Gas | Field::GasLeft | Field::GasUsed => Cause::Gas,
            Field::GasRefunded => Cause::Refund,
            Field::Value | Field::Salt => Cause::Arithmetic,
            Field::Input => Cause::Memory,
            Field::Output => Cause::Output,
            Field::Log(_) | Field::LogAddress(_) | Field::LogTopics(_) | Field::LogData(_) => Cause::Logs,
            Field::Account(_) | Field::Nonce(_) | Field::Balance(_) | Field::Code(_) | Field::StateRoot => {
                Cause::PostState
            }
            Field::Storage(..) => Cause::Storage,
            Field::WarmAccount(_)
            | Field::WarmSlot(..)
            | Field::CreatedHere(_)
            | Field::Destroyed(_)
            | Field::AccessedAccount(_)
            | Field::AccessedSlot(..)
            | Field::Marks => Cause::Rules(Rule::State),
            Field::Block(_) => Cause::Rules(Rule::Block),
            Field::Trace(_) => Cause::Output,
        }
    }

    /// As reports and JSON have it.
    pub const fn name(self) -> &'static str {
        match self {
            Cause::Gas => "gas",
            Cause::Arithmetic => "arithmetic",
            Cause::Memory => "memory",
            Cause::Storage => "storage",
            Cause::ControlFlow => "control flow",
            Cause::HaltPrecedence => "halt precedence",
            Cause::Refund => "refund",
            Cause::Logs => "logs",
            Cause::PostState => "post-state",
            Cause::Output => "output",
            Cause::Rejection => "rejection",
            Cause::Rules(Rule::Message) => "message rules",
            Cause::Rules(Rule::Transaction) => "transaction rules",
            Cause::Rules(Rule::State) => "state rules",
            Cause::Rules(Rule::Precompile) => "precompile rules",
            Cause::Rules(Rule::Block) => "block rules",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The EIPs that touch the rule by which two sides may differ, ascending; none where an opcode differs, or none does.
pub(crate) fn eips(place: &Place, mismatch: &Mismatch, cause: Cause) -> &'static [u16] {
    let rejection = [&mismatch.left, &mismatch.right].into_iter().find_map(|value| match value {
        Value::Rejection(rejection) => Some(rejection),
        _ => None,
    });
    match cause {
        Cause::Rejection => rejection.map_or(&[], of_rejection),
        Cause::Rules(Rule::Precompile) => place.path().last().and_then(precompile).unwrap_or_default(),
        Cause::Rules(Rule::Message) => match place.path().last() {
            _ if matches!(
                mismatch.field,
                Field::Reservoir | Field::SpilledStateGas | Field::ReservoirBaseline
            ) =>
            {
                &[2780, 8037]
            }
            Some(message) if message.kind.is_create() => &[2, 161, 170, 684, 2681, 3541, 7610],
            _ => &[150, 161, 7702],
        },
        Cause::Rules(Rule::Transaction) => match mismatch.field {
            Field::GasUsed | Field::GasRefunded => &[3529, 7623, 7702],
            Field::ExecutionGas | Field::StateGas => &[7778, 8037],
            _ => &[],
        },
        Cause::Rules(Rule::State) => match mismatch.field {
            Field::WarmAccount(_) => &[2929, 2930, 3651, 7702],
            Field::WarmSlot(..) => &[2929, 2930],
            Field::AccessedAccount(_) | Field::AccessedSlot(..) => &[7928],
            Field::CreatedHere(_) | Field::Destroyed(_) => &[6780],
            Field::Account(_) => &[161, 6780],
            Field::Nonce(_) => &[161, 2681, 7702],
            Field::Balance(_) => &[1559, 4844, 6780],
            Field::Code(_) => &[7702],
            _ => &[],
        },
        _ => &[],
    }
}

fn of_rejection(rejection: &Rejection) -> &'static [u16] {
    match rejection {
        Rejection::TypeNotSupported(_) => &[1559, 2718, 2930, 4844, 7702],
        Rejection::WrongChainId { .. } => &[155],
        Rejection::NonceIsMax => &[2681],
        Rejection::SenderHasCode => &[3607, 7702],
        Rejection::IntrinsicGas { .. } => &[2, 2028, 2930, 3860, 7702],
        Rejection::CalldataFloor { .. } => &[7623],
        Rejection::GasAboveCap { .. } => &[7825],
        Rejection::IntrinsicGasAboveCap { .. } => &[7825, 8037],
        Rejection::FeeBelowBaseFee { .. } | Rejection::PriorityAboveFee { .. } => &[1559],
        Rejection::InitcodeTooLarge { .. } => &[3860],
        Rejection::TooManyBlobs { .. } => &[4844, 7594, 7691],
        Rejection::NoBlobs | Rejection::BlobVersion(_) | Rejection::BlobCreate => &[4844],
        Rejection::BlobFeeBelowBaseFee { .. } => &[4844, 7691, 7918],
        Rejection::NoAuthorizations | Rejection::SetCodeCreate => &[7702],
        _ => &[],
    }
}

/// The EIPs of the precompiled contract that a message runs, if it runs one in any fork.
fn precompile(message: &PathItem) -> Option<&'static [u16]> {
    if message.kind.is_create() {
        return None;
    }
    let bytes = message.address.into_array();
    let (high, low) = bytes.split_at(18);
    if high.iter().any(|byte| *byte != 0) {
        return None;
    }
    match u16::from_be_bytes([low[0], low[1]]) {
        1..=4 => Some(&[]),
        5 => Some(&[198, 2565, 7823, 7883]),
        6 | 7 => Some(&[196, 1108]),
        8 => Some(&[197, 1108]),
        9 => Some(&[152]),
        0x0a => Some(&[4844]),
        0x0b..=0x11 => Some(&[2537]),
        0x100 => Some(&[7951]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use parallax_primitives::{Address, MessageKind};

    use super::*;

    /// `by_steps`: with steps compared; without, the rule cannot be told from the opcodes.
    #[track_caller]
    fn check(place: &Place, mismatch: &Mismatch, by_steps: &str, else_: &str, expected: &[u16]) {
        for (is_by_steps, name) in [(true, by_steps), (false, else_)] {
            let cause = Cause::of(place, mismatch, is_by_steps);
            assert_eq!(cause.name(), name, "{place:?} {mismatch:?}");
            let is_rule = matches!(cause, Cause::Rules(_) | Cause::Rejection);
            assert_eq!(eips(place, mismatch, cause), if is_rule { expected } else { &[] }, "{place:?}");
        }
    }

    fn end_of(kind: MessageKind, last: u8) -> Place {
        let address = Address::with_last_byte(last);
        Place::Message { index: 0, is_over: true, path: vec![PathItem { index: 0, kind, address }] }
    }

    fn count(field: Field) -> Mismatch {
        Mismatch { field, left: Value::Count(1), right: Value::Count(2) }
    }

    #[test]
    fn what_no_opcode_does_is_a_rule() {
        use MessageKind::{Call, Create, StaticCall};
        let gas = || count(Field::GasLeft);
        check(&end_of(StaticCall, 5), &gas(), "precompile rules", "gas", &[198, 2565, 7823, 7883]);
        check(&end_of(Call, 2), &gas(), "precompile rules", "gas", &[]);
        check(&end_of(Call, 0x12), &gas(), "message rules", "gas", &[150, 161, 7702]);
        check(&end_of(Create, 5), &gas(), "message rules", "gas", &[2, 161, 170, 684, 2681, 3541, 7610]);
        let (whole, after) = (Place::Transaction, Place::PostState);
        check(&whole, &count(Field::GasUsed), "transaction rules", "gas", &[3529, 7623, 7702]);
        let nonce = count(Field::Nonce(Address::ZERO));
        check(&after, &nonce, "state rules", "post-state", &[161, 2681, 7702]);
        let warm = count(Field::WarmAccount(Address::ZERO));
        check(&whole, &warm, "state rules", "state rules", &[2929, 2930, 3651, 7702]);
        let halted = |halt| Value::Status(FrameStatus::Halt(halt));
        let (left, right) = (halted(Halt::DepositOutOfGas), halted(Halt::CodeTooLarge));
        let halts = Mismatch { field: Field::Status, left, right };
        check(&end_of(Create, 5), &halts, "halt precedence", "halt precedence", &[]);
        let (left, right) = (Value::Rejection(Rejection::NonceIsMax), Value::Present);
        check(&whole, &Mismatch { field: Field::Status, left, right }, "rejection", "rejection", &[2681]);
    }
}
