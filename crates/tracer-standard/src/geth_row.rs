//! What go-ethereum's struct logs say of a step where that is not what the step came to: of an opcode that failed, and of the names of
//! opcodes. As its `StructLogger` of August 2026 does it.

use std::borrow::Cow;

use parallax_hooks::{StepEnd, StepView};
use parallax_primitives::{Eip, FrameStatus, Halt, Opcode, Rules, TxOutcome, U256};
use parallax_tracer_eip3155::GethWords;

/// What an opcode's end does not have any more, and its faults.
#[derive(Clone, Debug, Default)]
pub(crate) struct GethRows {
    words: GethWords,
    gas: u64,
    /// Bytes that init code is about to return as its code.
    code_length: U256,
    /// Init code of the transaction's own has returned some.
    has_code: bool,
}

/// What is said of an opcode that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What was computed of its cost before it failed.
    pub(crate) gas_cost: u64,
    /// Nothing where it failed behind its row, whose hook for faults the struct logs have none of.
    pub(crate) error: Option<String>,
    /// What is counted for a refund before it is paid for.
    pub(crate) refund: i64,
    /// What a slot holds that could not be read.
    pub(crate) slot: Option<U256>,
}

impl GethRows {
    /// Before an opcode.
    #[inline]
    pub(crate) fn step(&mut self, step: &StepView<'_>) {
        self.words.step(step);
        self.gas = step.gas;
        if step.opcode == Opcode::RETURN {
            self.code_length = operand(step, 1);
        }
    }

    /// After it.
    #[inline]
    pub(crate) fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) -> Option<Fault> {
        if step.opcode == Opcode::RETURN && step.depth == 0 && step.message.kind.is_create() {
            self.has_code = end.halt.is_none() && !self.code_length.is_zero();
        }
        let halt = end.halt?;
        Some(self.fault(halt, step, end))
    }

    #[cold]
    fn fault(&mut self, halt: Halt, step: &StepView<'_>, end: &StepEnd<'_>) -> Fault {
        self.words.step_end(step, end);
        let words = self.words.of(FrameStatus::Halt(halt)).map(Cow::into_owned);
        let constant = GethWords::constant_gas(step.rules, step.opcode);
        let (gas_cost, error) = match halt {
            Halt::InvalidOpcode | Halt::UndefinedOpcode => (0, None),
            _ if GethWords::is_shown(step, end) => (end.gas_cost, None),
            // No price comes to so much: one of its parts did not fit.
            Halt::OutOfGas if end.gas_cost == u64::MAX => {
                let overflow = "gas uint64 overflow".to_owned();
                (
                    constant,
                    words.filter(|words| *words == overflow).or(Some(format!("out of gas: {overflow}"))),
                )
            }
            Halt::StackUnderflow | Halt::StackOverflow => (constant, words),
            _ => match words {
                Some(words) if words.starts_with("out of gas: ") || words == "gas uint64 overflow" => {
                    (constant, Some(words))
                }
                words => (end.gas_cost, words),
            },
        };
        let is_stored = step.opcode == Opcode::SSTORE && halt == Halt::OutOfGas;
        let is_at_sentry = error.as_deref().is_some_and(|error| error.ends_with("sentry"));
        Fault {
            gas_cost,
            error,
            refund: if is_stored && !is_at_sentry { counted(step) } else { 0 },
            slot: match (step.opcode, step.stack.last()) {
                (Opcode::SLOAD, Some(key)) => step.journal.storage(step.message.address, *key),
                _ => None,
            },
        }
    }

    /// Whether it failed, for go-ethereum: before EIP-2 a creation that cannot pay for its code has an error and succeeds.
    pub(crate) fn has_failed(&self, rules: Option<Rules>, outcome: &TxOutcome) -> bool {
        let keeps_account = rules.is_some_and(|rules| !rules.has(Eip::Creation2));
        !outcome.status.is_success() || keeps_account && self.has_code && outcome.output.is_empty()
    }
}

/// The name of an opcode, which go-ethereum has for every byte.
pub(crate) fn op_name(rules: Option<Rules>, opcode: Opcode) -> Cow<'static, str> {
    let info = match rules {
        Some(rules) => rules.info(opcode),
        None => opcode.info(),
    };
    match info {
        _ if opcode == Opcode::PREVRANDAO => "DIFFICULTY".into(),
        Some(info) => info.name.into(),
        None => format!("opcode {:#x} not defined", opcode.0).into(),
    }
}

fn operand(step: &StepView<'_>, place: usize) -> U256 {
    step.stack.iter().nth_back(place).copied().unwrap_or_default()
}

/// What an SSTORE changes the refund counter by (EIP-3529 and those before it). To be asked where it has not been carried out.
fn counted(step: &StepView<'_>) -> i64 {
    let [.., new, key] = step.stack else { return 0 };
    let (address, journal, schedule) = (step.message.address, step.journal, step.rules.gas());
    let (Some(current), Some(original)) =
        (journal.storage(address, *key), journal.original_storage(address, *key))
    else {
        return 0;
    };
    let clear = |from: U256| if from.is_zero() || !new.is_zero() { 0 } else { schedule.sstore_clear_refund };
    if !step.rules.has_net_metering() {
        return clear(current);
    }
    if current == *new {
        return 0;
    }
    let reset = match original == *new {
        true if original.is_zero() => (schedule.sstore_set - schedule.sstore_dirty).cast_signed(),
        true => (schedule.sstore_reset - schedule.sstore_dirty).cast_signed(),
        false => 0,
    };
    match (original.is_zero(), current.is_zero()) {
        (true, _) => reset,
        (false, true) => reset - schedule.sstore_clear_refund,
        (false, false) => clear(current) + reset,
    }
}
