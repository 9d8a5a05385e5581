//! The state of both sides row by row, so that the same place of both stands beside each other.

use parallax_primitives::Bytes;

use crate::{Detail, Field, SideDetail, Value, outcome::state_gas_fields};

/// Bytes of memory in a row.
const WORD: usize = 32;

/// One place of the stack, the memory or the storage on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which place.
    pub label: String,
    /// What the left and the right side have there; `None` where that side has no such place, or has not loaded the slot.
    pub values: [Option<Value>; 2],
}

impl Row {
    /// Whether the sides differ there.
    pub fn differs(&self) -> bool {
        self.values[0] != self.values[1]
    }

    /// Both values; what is not there is [`Value::Absent`].
    pub fn pair(&self) -> [Value; 2] {
        self.values.clone().map(|value| value.unwrap_or(Value::Absent))
    }
}

impl Detail {
    /// What both frames have besides their execution gas; empty where the rules have none.
    pub fn state_gas_rows(&self) -> Vec<Row> {
        let [Some(left), Some(right)] = self.sides.each_ref().map(|side| side.state_gas) else {
            return Vec::new();
        };
        let rows = state_gas_fields(left, right).into_iter();
        let row = |(field, values): (Field, [u64; 2])| Row {
            label: field.to_string(),
            values: values.map(|value| Some(Value::Count(value))),
        };
        rows.map(row).collect()
    }

    /// The items of both stacks that are kept of both, the top first. Counted from the top; where the sizes differ, from the
    /// bottom, so that equal items stand beside each other.
    pub fn stack_rows(&self) -> Vec<Row> {
        let hidden = |side: &SideDetail| side.stack_size - side.stack.len();
        let [left, right] = &self.sides;
        let size = left.stack_size.max(right.stack_size);
        let same_size = left.stack_size == right.stack_size;
        let item = |side: &SideDetail, place: usize| {
            side.stack.get(place - hidden(side)).map(|item| Value::Word(*item))
        };
        let places = hidden(left).max(hidden(right))..size;
        let row = |place: usize| {
            let label = match size - 1 - place {
                _ if !same_size => format!("item {place}"),
                0 => "top".to_owned(),
                number => format!("top-{number}"),
            };
            Row { label, values: [item(left, place), item(right, place)] }
        };
        places.rev().map(row).collect()
    }

    /// The words of both memories that are kept of both.
    pub fn memory_rows(&self) -> Vec<Row> {
        let [left, right] = &self.sides;
        let from = left.memory_offset.max(right.memory_offset);
        let end = |side: &SideDetail| side.memory_offset + side.memory.len();
        let word = |side: &SideDetail, offset: usize| {
            let start = offset - side.memory_offset;
            let bytes = side.memory.get(start..side.memory.len().min(start + WORD))?;
            (!bytes.is_empty()).then(|| Value::Bytes(Bytes::copy_from_slice(bytes)))
        };
        let row = |offset: usize| Row {
            label: format!("{offset:#06x}"),
            values: [word(left, offset), word(right, offset)],
        };
        (from..end(left).max(end(right))).step_by(WORD).map(row).collect()
    }

    /// The slots that were touched last.
    pub fn slot_rows(&self) -> Vec<Row> {
        let row = |slot: &crate::SlotDetail| {
            let field = match slot.is_transient {
                true => Field::TransientStorage(slot.address, slot.key),
                false => Field::Storage(slot.address, slot.key),
            };
            Row { label: field.to_string(), values: slot.values.map(|value| value.map(Value::Word)) }
        };
        self.slots.iter().map(row).collect()
    }
}
