//! Compares what two sides say of a step or of an end, in terms that both use.

use std::borrow::Cow;

use parallax_primitives::{B256, U256};

use crate::{Field, Fields, HaltKind, Step, TraceEnd};

/// The name of the field, and both values.
pub(crate) type Difference = Option<(Field, String, String)>;

/// Instead of a value that a client always writes, and has not.
pub(crate) const NOT_WRITTEN: &str = "(not written)";
/// Instead of a value that is there, in terms that nobody else uses.
const OF_ITS_OWN: &str = "(written, in its own terms)";

/// What two steps both say.
pub(crate) fn both_know(a: &Step, b: &Step) -> Fields {
    let mut both = known(a).and(known(b));
    // What is said behind an opcode is what the next one finds.
    let has_both = |of: fn(&Step) -> Option<i64>| of(a).is_some() && of(b).is_some();
    let is_known = a.own_refund.is_some() && b.own_refund.is_some();
    let has_refund = is_known && (has_both(|step| step.refund) || has_both(|step| step.refund_after));
    if has_refund {
        both.add(Field::Refund);
    }
    both
}

/// What a step says in terms of all, but the refund.
fn known(step: &Step) -> Fields {
    let mut known = Fields::of(&[Field::Depth, Field::Pc, Field::Op, Field::Gas]);
    let fields = [
        (Field::OpName, step.said.has(Field::OpName)),
        (Field::GasCost, step.gas_cost.is_some()),
        (Field::Reservoir, step.reservoir.is_some()),
        (Field::StateGas, step.state_gas_spent.is_some() || step.reservoir.is_some()),
        (Field::StateGasCost, step.state_gas_cost.is_some()),
        (Field::MemSize, step.memory_size.is_some()),
        (Field::Memory, step.memory.is_some()),
        (Field::Stack, step.stack.is_some()),
        (Field::ReturnData, step.return_data.is_some()),
        (Field::Storage, step.storage.is_some()),
        (Field::Error, step.halt.is_some()),
    ];
    fields.iter().filter(|(_, is_known)| *is_known).for_each(|(field, _)| known.add(*field));
    known
}

/// What two ends both say.
pub(crate) fn comparable(a: &TraceEnd, b: &TraceEnd) -> Fields {
    let mut both = Fields::NONE;
    // Of some clients it is the test's.
    let is_of_transaction = |end: &TraceEnd| end.success.is_some() || !end.said.has(Field::Pass);
    let fields = [
        (Field::StateRoot, a.state_root.is_some() && b.state_root.is_some()),
        (Field::Output, a.output.is_some() && b.output.is_some()),
        (
            Field::GasUsed,
            a.gas_used.is_some() && b.gas_used.is_some() || a.frame_gas.is_some() && b.frame_gas.is_some(),
        ),
        (Field::Error, a.halt.is_some() && b.halt.is_some()),
        (Field::EvmResult, a.halt.is_some() && b.halt.is_some()),
        (Field::Pass, successes(a, b).is_some() && is_of_transaction(a) && is_of_transaction(b)),
        (Field::LogsRoot, logs_of(a, b, 0).is_some()),
        (Field::PostLogsHash, logs_of(a, b, 1).is_some()),
        (Field::Fork, a.fork.is_some() && b.fork.is_some()),
        (Field::Test, a.test.is_some() && b.test.is_some()),
        (Field::D, a.indexes[0].is_some() && b.indexes[0].is_some()),
        (Field::G, a.indexes[1].is_some() && b.indexes[1].is_some()),
        (Field::V, a.indexes[2].is_some() && b.indexes[2].is_some()),
    ];
    fields.iter().filter(|(_, is_known)| *is_known).for_each(|(field, _)| both.add(*field));
    both
}

/// A value of either side, and whether its line lacks what it should have.
struct Side<'a, T> {
    value: &'a Option<T>,
    said: Fields,
    missing: Fields,
}

fn differ<T: PartialEq>(
    field: Field,
    [a, b]: [Side<'_, T>; 2],
    fields: Fields,
    show: impl Fn(&T) -> String,
) -> Difference {
    if !fields.has(field) {
        return None;
    }
    let or_own = |value: &Option<T>| value.as_ref().map_or(OF_ITS_OWN.to_owned(), &show);
    let has = |side: &Side<'_, T>| side.value.is_some() || side.said.has(field);
    match (a.value, b.value) {
        _ if a.missing.has(field) && !b.missing.has(field) && has(&b) => {
            Some((field, NOT_WRITTEN.to_owned(), or_own(b.value)))
        }
        _ if b.missing.has(field) && !a.missing.has(field) && has(&a) => {
            Some((field, or_own(a.value), NOT_WRITTEN.to_owned()))
        }
        (Some(x), Some(y)) if x != y => Some((field, show(x), show(y))),
        _ => None,
    }
}

/// The first of `fields` in which two steps differ.
pub(crate) fn step_difference(a: &Step, b: &Step, fields: Fields) -> Difference {
    macro_rules! of {
        ($field:ident, $member:ident, $show:expr) => {
            differ(
                Field::$field,
                [
                    Side { value: &a.$member, said: a.said, missing: a.missing },
                    Side { value: &b.$member, said: b.said, missing: b.missing },
                ],
                fields,
                $show,
            )
        };
    }
    let number = |value: &u64| value.to_string();
    let hex = |value: &u64| format!("{value:#x}");
    always(Field::Depth, &a.depth, &b.depth, fields, ToString::to_string)
        .or_else(|| always(Field::Pc, &a.pc, &b.pc, fields, ToString::to_string))
        .or_else(|| always(Field::Op, &a.opcode, &b.opcode, fields, ToString::to_string))
        .or_else(|| always(Field::Gas, &a.gas, &b.gas, fields, hex))
        .or_else(|| of!(Reservoir, reservoir, hex))
        .or_else(|| of!(StateGas, state_gas_spent, hex))
        .or_else(|| of!(Stack, stack, |stack| show_stack(stack)))
        .or_else(|| of!(MemSize, memory_size, number))
        .or_else(|| of!(Memory, memory, ToString::to_string))
        .or_else(|| of!(ReturnData, return_data, ToString::to_string))
        .or_else(|| of!(Refund, refund, ToString::to_string))
        .or_else(|| of!(Refund, refund_after, ToString::to_string))
        .or_else(|| name_difference(a, b).filter(|_| fields.has(Field::OpName)))
        .or_else(|| {
            let missing = Fields::of(&[Field::OpName]);
            let absent = |step: &Step| step.missing.and(missing) == missing;
            let name =
                |step: &Step| if absent(step) { NOT_WRITTEN.to_owned() } else { step.opcode.to_string() };
            let is_told = absent(a) != absent(b) && a.said.or(b.said).has(Field::OpName);
            (is_told && fields.has(Field::OpName)).then(|| (Field::OpName, name(a), name(b)))
        })
        .or_else(|| second_line_difference(a, b, fields))
        .or_else(|| halt_difference(a.halt, b.halt).filter(|_| fields.has(Field::Error)))
        .or_else(|| {
            let [of_a, of_b] = [a, b].map(|step| step.missing.has(Field::Error));
            let says = |lacks| if lacks { NOT_WRITTEN.to_owned() } else { HaltKind::None.to_string() };
            (of_a != of_b && fields.has(Field::Error)).then(|| (Field::Error, says(of_a), says(of_b)))
        })
        .or_else(|| of!(Storage, storage, |slots| show_slots(slots)))
        .or_else(|| cost_difference(a, b, fields))
}

/// What is wrong with a second line is wrong whatever the other side says.
fn second_line_difference(a: &Step, b: &Step, fields: Fields) -> Difference {
    let [of_a, of_b] = [a, b].map(|step| {
        let second = step.second_line?;
        second.odd.or(second.lacks_error.then_some(Field::Error))
    });
    let field = of_a.or(of_b).filter(|_| of_a != of_b)?;
    let says = |odd: Option<Field>| match odd {
        Some(Field::Error) => NOT_WRITTEN.to_owned(),
        Some(_) => "another one than on the line before, of which it is the second line".to_owned(),
        None => "the same on both lines, if there are two".to_owned(),
    };
    fields.has(field).then(|| (field, says(of_a), says(of_b)))
}

fn always<T: PartialEq>(
    field: Field,
    a: &T,
    b: &T,
    fields: Fields,
    show: impl Fn(&T) -> String,
) -> Difference {
    (a != b && fields.has(field)).then(|| (field, show(a), show(b)))
}

/// Names of one opcode may be many; a name of none, or of another one, is one side's alone.
fn name_difference(a: &Step, b: &Step) -> Difference {
    if a.odd_name == b.odd_name {
        return None;
    }
    let name = |step: &Step| step.odd_name.clone().unwrap_or_else(|| step.opcode.to_string());
    Some((Field::OpName, name(a), name(b)))
}

fn cost_difference(a: &Step, b: &Step, fields: Fields) -> Difference {
    let failed = |step: &Step| !matches!(step.halt, None | Some(HaltKind::None | HaltKind::Revert));
    let side = |step: &Step| if failed(step) { None } else { step.gas_cost };
    let (of_a, of_b) = if failed(a) || failed(b) { (None, None) } else { (side(a), side(b)) };
    let costs = [
        Side { value: &of_a, said: a.said, missing: a.missing },
        Side { value: &of_b, said: b.said, missing: b.missing },
    ];
    let hex = |value: &u64| format!("{value:#x}");
    differ(Field::GasCost, costs, fields, hex).filter(|_| !is_spilled(a, b) && !is_spilled(b, a)).or_else(
        || {
            if failed(a) || failed(b) {
                return None;
            }
            let [of_a, of_b] = [a, b].map(|step| step.state_gas_cost.map(|cost| cost.max(0)));
            let costs = [
                Side { value: &of_a, said: a.said, missing: a.missing },
                Side { value: &of_b, said: b.said, missing: b.missing },
            ];
            differ(Field::StateGasCost, costs, fields, |cost| format!("{cost:#x}"))
        },
    )
}

/// Whether the cost that `other` says may have in it what was taken from execution gas for state gas, or given back, which it does not
/// say: revm's of an opcode behind which its frame does not go on at once.
fn is_spilled(step: &Step, other: &Step) -> bool {
    let (Some(state), None) = (step.state_gas_cost, other.state_gas_cost) else { return false };
    let (Some(cost), Some(more)) = (step.gas_cost, other.gas_cost) else { return false };
    let (least, most) = match u64::try_from(state) {
        Ok(charged) => (cost, cost.saturating_add(charged)),
        Err(_) => (cost.saturating_sub(state.unsigned_abs()), cost),
    };
    other.state_gas_spent.is_some() && (least..=most).contains(&more)
}

fn halt_difference(a: Option<HaltKind>, b: Option<HaltKind>) -> Difference {
    match (a?, b?) {
        // A word that nobody else uses says that it failed, not how.
        (HaltKind::Other, other) | (other, HaltKind::Other) if other != HaltKind::None => None,
        (a, b) if a == b => None,
        (a, b) => Some((Field::Error, a.to_string(), b.to_string())),
    }
}

/// The first of `fields` in which two ends differ.
pub(crate) fn end_difference(a: &TraceEnd, b: &TraceEnd, fields: Fields) -> Difference {
    macro_rules! of {
        ($field:expr, $a:expr, $b:expr, $show:expr) => {
            differ(
                $field,
                [
                    Side { value: &$a, said: a.said, missing: a.missing },
                    Side { value: &$b, said: b.said, missing: b.missing },
                ],
                fields,
                $show,
            )
        };
    }
    let hex = |value: &u64| format!("{value:#x}");
    let number = |value: &u64| value.to_string();
    let gas = if a.gas_used.is_some() && b.gas_used.is_some() {
        [&a.gas_used, &b.gas_used]
    } else if a.missing.or(b.missing).has(Field::GasUsed) {
        [a, b].map(|end| if end.gas_used.is_some() { &end.gas_used } else { &end.frame_gas })
    } else {
        [&None, &None]
    };
    let is_both = a.frame_gas.is_some() && b.frame_gas.is_some();
    let frame = if is_both { [&a.frame_gas, &b.frame_gas] } else { [&None, &None] };
    let of_success = successes(a, b).map_or([None; 2], |both| both.map(Some));
    let forks = [a, b].map(|end| end.fork.as_deref().map(fork_name));
    let kind = if a.said.or(b.said).has(Field::EvmResult) { Field::EvmResult } else { Field::Error };
    of!(Field::StateRoot, a.state_root, b.state_root, ToString::to_string)
        .or_else(|| of!(Field::Output, a.output, b.output, ToString::to_string))
        .or_else(|| of!(Field::GasUsed, *gas[0], *gas[1], hex))
        .or_else(|| of!(Field::GasUsed, *frame[0], *frame[1], hex))
        .or_else(|| {
            let (_, left, right) = halt_difference(a.halt, b.halt)?;
            fields.has(kind).then_some((kind, left, right))
        })
        .or_else(|| of!(Field::Pass, of_success[0], of_success[1], ToString::to_string))
        .or_else(|| logs_difference(a, b, fields))
        .or_else(|| of!(Field::Fork, forks[0], forks[1], ToString::to_string))
        .or_else(|| of!(Field::Test, a.test, b.test, ToString::to_string))
        .or_else(|| of!(Field::D, a.indexes[0], b.indexes[0], number))
        .or_else(|| of!(Field::G, a.indexes[1], b.indexes[1], number))
        .or_else(|| of!(Field::V, a.indexes[2], b.indexes[2], number))
}

/// Whether both succeeded, if one of them says so in as many words: by `pass`, or of the other one by its having no error.
fn successes(a: &TraceEnd, b: &TraceEnd) -> Option<[bool; 2]> {
    let of = |end: &TraceEnd| end.success.or(end.halt.map(|halt| halt == HaltKind::None));
    if a.success.is_none() && b.success.is_none() {
        return None;
    }
    Some([of(a)?, of(b)?])
}

fn logs_difference(a: &TraceEnd, b: &TraceEnd, fields: Fields) -> Difference {
    [(Field::LogsRoot, 0), (Field::PostLogsHash, 1)].into_iter().find_map(|(field, at)| {
        let [left, right] = logs_of(a, b, at)?;
        (left != right && fields.has(field)).then(|| (field, left.to_string(), right.to_string()))
    })
}

/// The hash of the logs under the key of this place on both sides. Where the sides have no key in common, what they have under either.
fn logs_of(a: &TraceEnd, b: &TraceEnd, at: usize) -> Option<[B256; 2]> {
    let in_common = [0, 1].map(|at| a.logs[at].is_some() && b.logs[at].is_some());
    if in_common == [false; 2] {
        let of = |end: &TraceEnd| end.logs[at].or(end.logs[1 - at]);
        // By the right side's key.
        return b.logs[at].and(of(a)).zip(of(b)).map(|(a, b)| [a, b]);
    }
    a.logs[at].zip(b.logs[at]).map(|(a, b)| [a, b])
}

/// A fork's name as all clients would write it: in small letters, the newest of its names.
fn fork_name(name: &str) -> Cow<'static, str> {
    let plain =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect::<String>();
    match plain.as_str() {
        "merge" | "thmerge" => "paris".into(),
        "constantinoplefix" => "petersburg".into(),
        "eip150" | "tangerine" => "tangerinewhistle".into(),
        "eip158" | "spurious" => "spuriousdragon".into(),
        _ => plain.into(),
    }
}

fn show_stack(stack: &[U256]) -> String {
    let items: Vec<String> = stack.iter().map(|item| format!("{item:#x}")).collect();
    format!("[{}]", items.join(" "))
}

fn show_slots(slots: &[(U256, U256)]) -> String {
    let slots: Vec<String> = slots.iter().map(|(key, value)| format!("{key:#x}: {value:#x}")).collect();
    format!("{{{}}}", slots.join(", "))
}
