//! Which halts are possible for which opcode under which rules.
//!
//! This is the one place that says it, from the tables of `primitives`: what a row takes, leaves, costs and may not do, and which EIPs
//! are on. It says what an execution can come to in any case at all, not what a generator makes.

use parallax_primitives::{Class, Eip, Halt, MessageKind, Opcode, Operation, Role, Rules};

/// What can end: an opcode, or the transaction's own message, which no opcode sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An opcode, or the message that it sends.
    Opcode(Opcode),
    /// The transaction's message.
    Transaction,
}

impl Subject {
    /// Every one.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(|byte| Subject::Opcode(Opcode(byte))).chain([Subject::Transaction])
    }

    /// What sent a message.
    pub(super) fn of_message(kind: MessageKind, depth: u16) -> Self {
        if depth == 0 {
            return Subject::Transaction;
        }
        Subject::Opcode(match kind {
            MessageKind::Call => Opcode::CALL,
            MessageKind::CallCode => Opcode::CALLCODE,
            MessageKind::DelegateCall => Opcode::DELEGATECALL,
            MessageKind::StaticCall => Opcode::STATICCALL,
            MessageKind::Create => Opcode::CREATE,
            MessageKind::Create2 => Opcode::CREATE2,
        })
    }

    /// As reports print it.
    pub fn name(self, rules: Rules) -> String {
        match self {
            Subject::Opcode(opcode) => rules.show(opcode).to_string(),
            Subject::Transaction => "transaction".to_owned(),
        }
    }
}

/// Whether a halt is told of a message, and not of an opcode.
pub(super) const fn is_of_message(halt: Halt) -> bool {
    matches!(
        halt,
        Halt::CreateCollision
            | Halt::CodeTooLarge
            | Halt::CodeStartsWithEf
            | Halt::DepositOutOfGas
            | Halt::PrecompileFailure
            | Halt::CallDepth
            | Halt::InsufficientBalance
            | Halt::NonceOverflow
    )
}

/// Whether `subject` can come to `halt` under `rules`; `None` is no halt.
pub fn is_possible(rules: Rules, subject: Subject, halt: Option<Halt>) -> bool {
    match (subject, halt) {
        (Subject::Transaction, None) => true,
        (Subject::Transaction, Some(halt)) => {
            [true, false].into_iter().any(|is_create| of_message(rules, is_create, halt))
        }
        (Subject::Opcode(opcode), Some(halt)) if is_of_message(halt) => {
            is_defined(rules, opcode) && sends(opcode) && of_sent(rules, opcode, halt)
        }
        (Subject::Opcode(opcode), halt) => of_opcode(rules, opcode, halt),
    }
}

fn is_defined(rules: Rules, opcode: Opcode) -> bool {
    rules.opcodes()[usize::from(opcode.0)].is_defined()
}

fn sends(opcode: Opcode) -> bool {
    opcode.info().is_some_and(|info| info.class == Class::Message)
}

/// Of a message that an opcode sends.
fn of_sent(rules: Rules, opcode: Opcode, halt: Halt) -> bool {
    let is_create = matches!(opcode, Opcode::CREATE | Opcode::CREATE2);
    match halt {
        // A caller keeps a 64th of its gas (EIP-150): what a transaction may have is not enough for 1,024 calls (EIP-7825).
        Halt::CallDepth => !rules.has(Eip::GasCap7825),
        Halt::NonceOverflow => is_create,
        // What sends no wei needs none.
        Halt::InsufficientBalance => is_create || matches!(opcode, Opcode::CALL | Opcode::CALLCODE),
        halt => of_message(rules, is_create, halt),
    }
}

/// Of a creation or a call, whoever sends it.
fn of_message(rules: Rules, is_create: bool, halt: Halt) -> bool {
    let limit = rules.gas().max_code_size;
    match halt {
        Halt::CreateCollision => is_create,
        Halt::CodeTooLarge => is_create && limit != usize::MAX,
        Halt::CodeStartsWithEf => is_create && rules.has(Eip::RejectEf3541),
        // In Frontier an account without code is created.
        Halt::DepositOutOfGas => is_create && rules.has(Eip::Creation2),
        // Those of Frontier take whatever they are given.
        Halt::PrecompileFailure => !is_create && rules.has(Eip::Bn254Curve196),
        // A transaction is refused for the others.
        _ => false,
    }
}

/// Of an opcode itself, its message left out.
fn of_opcode(rules: Rules, opcode: Opcode, halt: Option<Halt>) -> bool {
    let row = &rules.opcodes()[usize::from(opcode.0)];
    let Some(info) = rules.info(opcode).filter(|_| row.is_defined()) else {
        return halt == Some(Halt::UndefinedOpcode);
    };
    if row.operation == Operation::INVALID {
        return halt == Some(Halt::InvalidOpcode);
    }
    let is_deep = info.class == Class::Deep;
    let Some(halt) = halt else { return true };
    match halt {
        Halt::OutOfGas => row.gas > 0 || has_dynamic_gas(rules, opcode),
        Halt::StackUnderflow => row.inputs > 0 || is_deep,
        Halt::StackOverflow => row.outputs > row.inputs || opcode == Opcode::DUPN,
        Halt::InvalidJump => matches!(opcode, Opcode::JUMP | Opcode::JUMPI),
        Halt::InvalidImmediate => is_deep,
        // CALL with a value is checked by the engines.
        Halt::StaticViolation => {
            rules.has(Eip::StaticCall214) && (row.writes_state || opcode == Opcode::CALL)
        }
        Halt::ReturnDataOutOfBounds => opcode == Opcode::RETURNDATACOPY,
        Halt::InitcodeTooLarge => {
            matches!(opcode, Opcode::CREATE | Opcode::CREATE2) && rules.gas().max_initcode_size != usize::MAX
        }
        _ => false,
    }
}

/// Whether an opcode without static gas costs something all the same.
fn has_dynamic_gas(rules: Rules, opcode: Opcode) -> bool {
    let Some(info) = opcode.info() else { return false };
    let is_memory = |role: Role| {
        matches!(
            role,
            Role::ReadOffset | Role::WriteOffset | Role::OutputOffset | Role::ReadWord | Role::WriteWord
        )
    };
    match info.class {
        Class::Storage | Class::Message | Class::Log => true,
        // It was free before EIP-150.
        _ if opcode == Opcode::SELFDESTRUCT => rules.has(Eip::StatePrices150),
        _ => info.inputs.iter().any(|operand| is_memory(operand.role)),
    }
}
