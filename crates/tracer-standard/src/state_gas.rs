//! State gas in a trace: only what an opcode's charge does not tell is written out (EIP-8037).

use parallax_primitives::{Halt, StateGas};

use crate::{
    codec::{Input, put_number, put_signed},
    shape::Class,
};

/// What one step did to state gas, as far as that is not nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StateGasChange {
    /// What the opcode was charged, or, below zero, given back.
    pub(crate) cost: i64,
    /// What stands after it, if the charge does not tell.
    after: Option<StateGas>,
}

impl StateGasChange {
    /// What there is to be written of it; `None` where everything stays as it is, or goes to the message that is sent.
    #[inline]
    pub(crate) fn between(before: StateGas, after: StateGas, cost: i64, end: Ended) -> Option<Self> {
        let is_told = Self { cost, after: None }.apply(before, end) == after;
        (cost != 0 || !is_told).then_some(Self { cost, after: (!is_told).then_some(after) })
    }

    /// What stands after the opcode.
    #[inline]
    pub(crate) fn apply(self, before: StateGas, end: Ended) -> StateGas {
        match (self.after, end) {
            (Some(after), _) => after,
            (None, Ended::Failed) => before,
            (None, Ended::Goes) => charged(before, self.cost),
            (None, Ended::Sends) => StateGas { reservoir: 0, ..charged(before, self.cost) },
        }
    }

    pub(crate) fn put(self, arena: &mut Vec<u8>) {
        put_signed(arena, self.cost);
        arena.push(u8::from(self.after.is_some()));
        if let Some(after) = self.after {
            put(arena, after);
        }
    }

    pub(crate) fn take(input: &mut Input<'_>) -> Self {
        let cost = input.take_signed();
        let after = (input.take_byte() != 0).then(|| take(input));
        Self { cost, after }
    }
}

/// What becomes of the frame behind an opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing: it goes on or is over.
    Goes,
    /// It has sent a message, which has got the whole reservoir.
    Sends,
    /// The opcode has failed, and has charged nothing.
    Failed,
}

impl Ended {
    #[inline]
    pub(crate) fn of(class: Class, halt: Option<Halt>) -> Self {
        match (halt, class) {
            (Some(_), _) => Self::Failed,
            (None, Class::Message) => Self::Sends,
            (None, _) => Self::Goes,
        }
    }
}

/// A charge is paid by the reservoir first; what is given back goes where it came from.
#[inline]
fn charged(before: StateGas, cost: i64) -> StateGas {
    if cost == 0 {
        return before;
    }
    let amount = cost.unsigned_abs();
    let StateGas { reservoir, spilled, baseline } = before;
    if cost > 0 {
        let reserved = amount.min(reservoir);
        let spilled = spilled.saturating_add(amount - reserved);
        StateGas { reservoir: reservoir - reserved, spilled, baseline }
    } else {
        let repaid = amount.min(spilled);
        let reservoir = reservoir.saturating_add(amount - repaid);
        StateGas { reservoir, spilled: spilled - repaid, baseline }
    }
}

pub(crate) fn put(arena: &mut Vec<u8>, StateGas { reservoir, spilled, baseline }: StateGas) {
    for gas in [reservoir, spilled, baseline] {
        put_number(arena, gas);
    }
}

pub(crate) fn take(input: &mut Input<'_>) -> StateGas {
    let [reservoir, spilled, baseline] = std::array::from_fn(|_| input.take_number());
    StateGas { reservoir, spilled, baseline }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn gas(reservoir: u64, spilled: u64) -> StateGas {
        StateGas { reservoir, spilled, baseline: 7 }
    }

    /// Bytes of it, and that it comes back; no bytes where it is not written.
    #[track_caller]
    fn check(before: StateGas, cost: i64, end: Ended, after: StateGas, bytes: usize) {
        let mut arena = Vec::new();
        let change = StateGasChange::between(before, after, cost, end);
        if let Some(change) = change {
            change.put(&mut arena);
        }
        let read = match bytes {
            0 => StateGasChange::default(),
            _ => StateGasChange::take(&mut Input::new(&arena, 0)),
        };
        assert_eq!((read.cost, read.apply(before, end), arena.len()), (cost, after, bytes));
    }

    #[test]
    fn a_charge_tells_what_it_leaves() {
        check(gas(9, 4), 0, Ended::Goes, gas(9, 4), 0);
        check(gas(9, 4), 0, Ended::Sends, gas(0, 4), 0);
        check(gas(9, 4), 0, Ended::Failed, gas(9, 4), 0);
        check(gas(9, 0), 8, Ended::Goes, gas(1, 0), 2);
        check(gas(9, 4), 11, Ended::Goes, gas(0, 6), 2);
        check(gas(9, 4), 5, Ended::Sends, gas(0, 4), 2);
        check(gas(9, 4), 11, Ended::Failed, gas(9, 4), 2);
        check(gas(0, 4), -3, Ended::Goes, gas(0, 1), 2);
        check(gas(0, 4), -9, Ended::Goes, gas(5, 0), 2);
        check(gas(0, 0), i64::MIN, Ended::Goes, gas(1 << 63, 0), 11);
    }

    #[test]
    fn what_a_charge_does_not_tell_is_written_out() {
        check(gas(9, 4), 0, Ended::Goes, gas(8, 4), 5);
        check(gas(9, 4), 0, Ended::Sends, gas(9, 4), 5);
        check(gas(9, 4), 3, Ended::Goes, gas(9, 7), 5);
        check(gas(9, 4), 3, Ended::Failed, gas(6, 4), 5);
        let other = StateGas { baseline: 8, ..gas(9, 4) };
        check(gas(9, 4), 0, Ended::Goes, other, 5);
    }
}
