//! Compares what two engines show of one opcode. Nothing is left out for being large: a limit bounds what is shown.

use std::{collections::BTreeSet, ops::Range};

use parallax_hooks::{StepEnd, StepView};
use parallax_primitives::{
    Bytes, Class, Effect, FrameStatus, Halt, Mark, Opcode, OpcodeInfo, Role, StorageChange, U256,
};

use crate::{Field, Mismatch, ShadowConfig, StepMismatch, Value, outcome};

/// All of a memory.
pub(crate) const ALL: Range<usize> = 0..usize::MAX;

/// Compares what two engines stand before: pc, opcode, depth, address, gas, state gas, refund, the whole stack, of the memory the bytes in
/// `part`, the return data, what the transaction has marked, and how it has logged so far. The first mismatch in that order that `config`
/// does not tolerate; with a list to put them into, every mismatch, and none answered.
pub(crate) fn compare_state(
    left: &StepView<'_>,
    right: &StepView<'_>,
    part: Range<usize>,
    config: &ShadowConfig,
    every: Option<&mut Vec<Mismatch>>,
) -> Option<Box<Mismatch>> {
    let mut judge = Judge { config, opcode: left.opcode, halts: [None; 2], found: None, every };
    let _ = place(&mut judge, left, right)
        .or_else(|| {
            judge.check(left.message.address != right.message.address, || {
                (Field::Address, left.message.address.into(), right.message.address.into())
            })
        })
        .or_else(|| refund(&mut judge, left, right))
        .or_else(|| stack(&mut judge, left, right))
        .or_else(|| memory(&mut judge, left, right, part))
        .or_else(|| return_data(&mut judge, left, right, true))
        .or_else(|| marks(&mut judge, left, right))
        .or_else(|| newest_log(&mut judge, left, right));
    judge.found
}

/// Compares all of what an opcode left behind on two sides: halt, cost, gas, refund, the whole stack, memory, what it wrote
/// outside its frame, the size of the return data. The whole memory is compared if its size differs from `memory_before`, if the
/// opcode writes to it or if it ends the frame: no other opcode has it at hand. The bytes of the return data change only where
/// the frame is left, and are compared when it goes on ([`compare_state`]). With a list to put them into, every mismatch, in all of
/// what there is, and none answered.
pub(crate) fn compare_state_end(
    left: (&StepView<'_>, &StepEnd<'_>),
    right: (&StepView<'_>, &StepEnd<'_>),
    memory_before: usize,
    config: &ShadowConfig,
    every: Option<&mut Vec<Mismatch>>,
) -> Option<Box<Mismatch>> {
    let ((left, left_end), (right, right_end)) = (left, right);
    let halts = [left_end.halt, right_end.halt];
    let is_all = every.is_some();
    let mut judge = Judge { config, opcode: left.opcode, halts, found: None, every };
    let touches = Touches::at(left);
    let touches_memory = is_all || left.memory.len() != memory_before || halts[0].is_some() || touches.memory;
    let part = if touches_memory { ALL } else { 0..0 };
    let _ = halt(&mut judge, halts)
        .or_else(|| judge.differs(Field::GasCost, left_end.gas_cost, right_end.gas_cost))
        .or_else(|| judge.differs(Field::StateGasCost, left_end.state_gas_cost, right_end.state_gas_cost))
        .or_else(|| judge.differs(Field::Gas, left_end.gas_left, right_end.gas_left))
        .or_else(|| state_gas(&mut judge, left, right))
        .or_else(|| refund(&mut judge, left, right))
        .or_else(|| stack(&mut judge, left, right))
        .or_else(|| memory(&mut judge, left, right, part))
        .or_else(|| match (&left_end.effect, &right_end.effect) {
            (Effect::None, Effect::None) => None,
            (left_effect, right_effect) => {
                let logs = [left, right].map(|view| view.journal.logs().len());
                effect(&mut judge, left_effect, right_effect, logs)
                    .or_else(|| kept(&mut judge, left, right, left_effect))
            }
        })
        .or_else(|| return_data(&mut judge, left, right, is_all))
        .or_else(|| match (is_all || touches.marks) && halts == [None; 2] {
            true => marks(&mut judge, left, right),
            // What an opcode that fails has marked goes with its frame.
            false => None,
        });
    judge.found
}

/// What is to be looked at behind an opcode.
#[derive(Clone, Copy)]
struct Touches {
    /// The memory's contents: it writes there, or it ends the frame.
    memory: bool,
    /// The marks: by itself it may warm something, write a transient slot or mark an account.
    marks: bool,
}

impl Touches {
    /// Of an opcode, by the roles of its operands.
    const fn of(info: &OpcodeInfo) -> Self {
        let memory = info.writes_memory() || matches!(info.class, Class::Halt);
        let mut marks = false;
        let mut i = 0;
        while i < info.inputs.len() {
            marks |= match info.inputs[i].role {
                // A message is shown by itself, and what it has warmed where a frame begins or goes on.
                Role::Address => !matches!(info.class, Class::Message),
                Role::StorageKey => true,
                Role::TransientKey => info.writes_state,
                _ => false,
            };
            i += 1;
        }
        Self { memory, marks }
    }

    #[inline]
    fn at(step: &StepView<'_>) -> Self {
        match step.rules.custom_opcode(step.opcode) {
            None => TOUCHES[usize::from(step.opcode.0)],
            // What it does to the world is its author's business.
            Some(own) => Self { memory: Self::of(own.info()).memory, marks: !own.is_local() },
        }
    }
}

/// By byte, as Ethereum's rules have them.
static TOUCHES: [Touches; 256] = {
    let mut touches = [Touches { memory: false, marks: false }; 256];
    let mut byte = 0;
    loop {
        if let Some(info) = Opcode(byte).info() {
            touches[byte as usize] = Touches::of(info);
        }
        if byte == 0xff {
            break;
        }
        byte += 1;
    }
    touches
};

/// Takes the first mismatch that is not tolerated. Each check answers `Some` when the search is over.
struct Judge<'c> {
    config: &'c ShadowConfig,
    opcode: Opcode,
    halts: [Option<Halt>; 2],
    // Boxed: nearly always there is none, and that is to be one word.
    found: Option<Box<Mismatch>>,
    /// Where all go, if the first is not enough.
    every: Option<&'c mut Vec<Mismatch>>,
}

impl Judge<'_> {
    #[inline]
    fn check(&mut self, is_different: bool, values: impl FnOnce() -> (Field, Value, Value)) -> Option<()> {
        if !is_different {
            return None;
        }
        let (field, left, right) = values();
        self.take(Mismatch { field, left, right })
    }

    #[inline]
    fn differs<T: PartialEq + Into<Value>>(&mut self, field: Field, left: T, right: T) -> Option<()> {
        self.check(left != right, || (field, left.into(), right.into()))
    }

    #[cold]
    fn take(&mut self, mismatch: Mismatch) -> Option<()> {
        let step = StepMismatch { mismatch: &mismatch, opcode: self.opcode, halts: self.halts };
        if self.config.tolerates(&step) {
            return None;
        }
        if let Some(every) = &mut self.every {
            every.push(mismatch);
            return None;
        }
        self.found = Some(Box::new(mismatch));
        Some(())
    }
}

fn place(judge: &mut Judge<'_>, left: &StepView<'_>, right: &StepView<'_>) -> Option<()> {
    judge
        .differs(Field::Depth, u64::from(left.depth) + 1, u64::from(right.depth) + 1)
        .or_else(|| judge.differs(Field::Pc, left.pc, right.pc))
        .or_else(|| judge.differs(Field::Opcode, left.opcode, right.opcode))
        .or_else(|| judge.differs(Field::Gas, left.gas, right.gas))
        .or_else(|| state_gas(judge, left, right))
}

#[inline]
fn state_gas(judge: &mut Judge<'_>, left: &StepView<'_>, right: &StepView<'_>) -> Option<()> {
    if left.state_gas == right.state_gas {
        return None;
    }
    outcome::state_gas_fields(left.state_gas, right.state_gas)
        .into_iter()
        .find_map(|(field, [left, right])| judge.differs(field, left, right))
}

fn halt(judge: &mut Judge<'_>, [left, right]: [Option<Halt>; 2]) -> Option<()> {
    if left == right {
        return None;
    }
    let agree = match (left, right) {
        (Some(left), Some(right)) => {
            judge.config.halts.agree(FrameStatus::Halt(left), FrameStatus::Halt(right))
        }
        _ => false,
    };
    let value = |halt: Option<Halt>| halt.map_or(Value::Absent, Value::Halt);
    judge.check(!agree, || (Field::Halt, value(left), value(right)))
}

fn refund(judge: &mut Judge<'_>, left: &StepView<'_>, right: &StepView<'_>) -> Option<()> {
    judge.differs(Field::Refund, left.refund, right.refund)
}

#[inline]
fn stack(judge: &mut Judge<'_>, left: &StepView<'_>, right: &StepView<'_>) -> Option<()> {
    if left.stack == right.stack { None } else { first_item(judge, left, right) }
}

#[cold]
fn first_item(judge: &mut Judge<'_>, left: &StepView<'_>, right: &StepView<'_>) -> Option<()> {
    judge.differs(Field::StackSize, left.stack.len(), right.stack.len()).or_else(|| {
        let mut both = left.stack.iter().rev().zip(right.stack.iter().rev()).enumerate();
        // One that is tolerated hides none below it.
        both.find_map(|(number, (left, right))| judge.differs(Field::Stack(number), *left, *right))
    })
}

#[inline]
fn memory(
    judge: &mut Judge<'_>,
    left: &StepView<'_>,
    right: &StepView<'_>,
    part: Range<usize>,
) -> Option<()> {
    let size = left.memory.len();
    let part = part.start.min(size)..part.end.min(size);
    let is_same = size == right.memory.len() && left.memory[part.clone()] == right.memory[part];
    if is_same { None } else { first_word(judge, left, right) }
}

#[cold]
fn first_word(judge: &mut Judge<'_>, left: &StepView<'_>, right: &StepView<'_>) -> Option<()> {
    judge.differs(Field::MemorySize, left.memory.len(), right.memory.len()).or_else(|| {
        // The word around the first byte that differs. One that is tolerated hides none behind it.
        let words = left.memory.chunks(32).zip(right.memory.chunks(32)).enumerate();
        let differing = words.filter(|(_, (left, right))| left != right);
        let most = if judge.every.is_some() { 1 } else { usize::MAX };
        differing.take(most).find_map(|(number, (left, right))| {
            let offset = number * 32 + left.iter().zip(right).position(|(left, right)| left != right)?;
            let word = |word| Value::Bytes(Bytes::copy_from_slice(word));
            judge.check(true, || (Field::Memory(offset), word(left), word(right)))
        })
    })
}

fn return_data(
    judge: &mut Judge<'_>,
    left: &StepView<'_>,
    right: &StepView<'_>,
    contents: bool,
) -> Option<()> {
    let bytes = |data: &[u8]| Value::Bytes(Bytes::copy_from_slice(data));
    let (left, right) = (left.return_data, right.return_data);
    let is_different = if contents { left != right } else { left.len() != right.len() };
    judge.check(is_different, || (Field::ReturnData, bytes(left), bytes(right)))
}

/// `logs` is how many there are on each side, the one of this opcode included: without it, the last one is an earlier one.
fn effect(judge: &mut Judge<'_>, left: &Effect<'_>, right: &Effect<'_>, logs: [usize; 2]) -> Option<()> {
    let [logs, others] = logs;
    if matches!((left, right), (Effect::Log(_), Effect::Log(_))) && logs != others {
        return judge.take(outcome::presence(Field::Log(logs.min(others)), logs > others));
    }
    if left == right {
        return None;
    }
    let mismatch = match (left, right) {
        (Effect::Log(left), Effect::Log(right)) => {
            let (left, right) = (std::slice::from_ref(*left), std::slice::from_ref(*right));
            outcome::logs(left, right, logs.saturating_sub(1))
        }
        (Effect::Log(_), _) => Some(outcome::presence(Field::Log(logs.saturating_sub(1)), true)),
        (_, Effect::Log(_)) => Some(outcome::presence(Field::Log(logs), false)),
        (left, right) => {
            let (l, r) = (write(left), write(right));
            // The left side's slot; without one, the right side's.
            let (field, _) = l.or(r)?;
            let value = |write: Option<(Field, StorageChange)>| match write {
                Some((of, change)) if of == field => Value::Word(change.new),
                _ => Value::Absent,
            };
            let mismatch = Mismatch { field, left: value(l), right: value(r) };
            if mismatch.left == mismatch.right { history(field, l?.1, r?.1) } else { Some(mismatch) }
        }
    };
    judge.take(mismatch?)
}

/// The slot that both sides say they wrote: an engine may say so and not do it.
fn kept(judge: &mut Judge<'_>, left: &StepView<'_>, right: &StepView<'_>, effect: &Effect<'_>) -> Option<()> {
    match *effect {
        Effect::Storage(StorageChange { address, key, .. }) => {
            let value = |view: &StepView<'_>| view.journal.storage(address, key);
            judge.differs(Field::Storage(address, key), value(left)?, value(right)?)
        }
        Effect::Transient(StorageChange { address, key, .. }) => {
            let value = |view: &StepView<'_>| view.journal.transient_storage(address, key);
            judge.differs(Field::TransientStorage(address, key), value(left), value(right))
        }
        Effect::None | Effect::Log(_) => None,
    }
}

/// How many logs there are, and the newest of them. A log that no LOG has made is of a transfer (EIP-7708), so that one at the most is new
/// where a frame begins or goes on.
fn newest_log(judge: &mut Judge<'_>, left: &StepView<'_>, right: &StepView<'_>) -> Option<()> {
    let (left, right) = (left.journal.logs(), right.journal.logs());
    if left.len() == right.len() && left.last() == right.last() {
        return None;
    }
    let first = left.len().min(right.len()).saturating_sub(1);
    judge.take(outcome::logs(&left[first..], &right[first..], first)?)
}

/// Warm accounts and slots, transient slots, created and destroyed accounts: the digests, and if they differ the first mark that
/// is not on both sides. A side that does not keep them is not compared; nor are two sets of rules, which may mark otherwise what no
/// opcode ever asks about.
fn marks(judge: &mut Judge<'_>, left: &StepView<'_>, right: &StepView<'_>) -> Option<()> {
    match (left.journal.marks_digest(), right.journal.marks_digest()) {
        (Some(l), Some(r)) if l != r && left.rules == right.rules => first_mark(judge, left, right, [l, r]),
        _ => None,
    }
}

#[cold]
fn first_mark(
    judge: &mut Judge<'_>,
    left: &StepView<'_>,
    right: &StepView<'_>,
    digests: [u64; 2],
) -> Option<()> {
    let marks = [left, right].map(|view| BTreeSet::from_iter(view.journal.marks()));
    let Some(mark) = marks[0].symmetric_difference(&marks[1]).next() else {
        // The marks are the same: a digest is not theirs.
        return judge.differs(Field::Marks, digests[0], digests[1]);
    };
    let field = match *mark {
        Mark::WarmAccount(address) => Field::WarmAccount(address),
        Mark::WarmSlot(address, key) => Field::WarmSlot(address, key),
        Mark::Created(address) => Field::CreatedHere(address),
        Mark::Destroyed(address) => Field::Destroyed(address),
        Mark::TransientStorage(address, key, _) => {
            // The marks differ, so this is one difference, whatever a side answers when it is asked for the slot.
            let value = |view: &StepView<'_>| view.journal.transient_storage(address, key).into();
            let (left, right) = (value(left), value(right));
            return judge.take(Mismatch { field: Field::TransientStorage(address, key), left, right });
        }
        Mark::Storage(address, key, _) => {
            // A side that has not loaded the slot has it as it was before.
            let value = |view: &StepView<'_>| view.journal.storage(address, key);
            let [left, right] = [left, right].map(|view| value(view).map_or(Value::Unchanged, Value::Word));
            return judge.take(Mismatch { field: Field::Storage(address, key), left, right });
        }
    };
    judge.take(outcome::presence(field, marks[0].contains(mark)))
}

fn write(effect: &Effect<'_>) -> Option<(Field, StorageChange)> {
    match *effect {
        Effect::Storage(change) => Some((Field::Storage(change.address, change.key), change)),
        Effect::Transient(change) => Some((Field::TransientStorage(change.address, change.key), change)),
        Effect::None | Effect::Log(_) => None,
    }
}

/// Two equal writes over values that were not.
fn history(field: Field, left: StorageChange, right: StorageChange) -> Option<Mismatch> {
    let before = |change: StorageChange| -> [U256; 2] { [change.previous, change.original] };
    let (l, r) = (before(left), before(right));
    let at = usize::from(l[0] == r[0]);
    (l != r).then(|| Mismatch { field, left: Value::Word(l[at]), right: Value::Word(r[at]) })
}
