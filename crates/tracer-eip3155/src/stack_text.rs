//! The text of a stack, kept from one step to the next.
//!
//! Most of a trace line is stack that did not change since the line before. Invariant: before every step of a frame the
//! text equals the whole stack written afresh; [`StackText::update`] gets there by writing only what the last opcode may
//! have touched.

use parallax_primitives::{Class, OpcodeInfo, Reach, U256};

use crate::text;

#[derive(Default)]
pub(crate) struct StackText {
    /// `"0x1","0x2",` with a comma behind every item.
    text: Vec<u8>,
    /// Where each item's text ends, its comma included.
    ends: Vec<usize>,
    /// How many items the last opcode left as they were.
    kept: usize,
}

impl StackText {
    /// Forgets everything: the frame is new.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.kept = 0;
    }

    /// Brings the text to `stack`, whose next opcode has these facts and this byte behind it.
    pub(crate) fn update(&mut self, stack: &[U256], info: Option<&OpcodeInfo>, immediate: u8) {
        self.ends.truncate(self.kept);
        self.text.truncate(self.ends.last().copied().unwrap_or(0));
        for item in &stack[self.ends.len()..] {
            self.text.push(b'"');
            text::hex_word(&mut self.text, item);
            self.text.extend_from_slice(b"\",");
            self.ends.push(self.text.len());
        }
        self.kept = stack.len().saturating_sub(touched(info, immediate));
    }

    /// The items but the topmost `taken`, as a JSON array's inside.
    pub(crate) fn items(&self, taken: usize) -> &[u8] {
        match self.ends.len().checked_sub(taken + 1) {
            Some(last) => &self.text[..self.ends[last] - b",".len()],
            None => &[],
        }
    }
}

/// How many items from the top an opcode may change or take: none for DUP and DUPN, which only copy.
fn touched(info: Option<&OpcodeInfo>, immediate: u8) -> usize {
    match info {
        None | Some(OpcodeInfo { class: Class::Dup, .. }) => 0,
        Some(OpcodeInfo { class: Class::Deep, opcode, .. }) => match Reach::of(*opcode, immediate) {
            Some(Reach::Exchange(_, lower)) => lower.into(),
            Some(Reach::Copy(_)) | None => 0,
        },
        Some(info) => info.inputs.len(),
    }
}

#[cfg(test)]
mod tests {
    use parallax_primitives::Opcode;

    use super::*;

    fn afresh(stack: &[U256]) -> String {
        stack.iter().map(|item| format!("\"{item:#x}\"")).collect::<Vec<_>>().join(",")
    }

    /// A stack that does what the table says each opcode does to its top, with other values every time.
    #[test]
    fn the_kept_text_is_the_text_written_afresh() {
        let (mut text, mut stack, mut seed) = (StackText::default(), Vec::new(), 1u64);
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Every eighth one is one whose immediate names items.
            let byte = (seed >> 56) as u8;
            let opcode = Opcode(if byte.is_multiple_of(8) { 0xe6 + byte / 8 % 3 } else { byte });
            let immediate = seed.to_be_bytes()[4];
            text.update(&stack, opcode.info(), immediate);
            assert_eq!(text.items(0), afresh(&stack).as_bytes());
            let Some(info) = opcode.info() else { continue };
            let reach = Reach::of(opcode, immediate);
            let is_refused = info.class == Class::Deep && reach.is_none();
            let (inputs, outputs) = match reach {
                Some(reach) => (reach.items().into(), (reach.items() + reach.adds()).into()),
                None => (info.inputs.len(), info.outputs.len()),
            };
            if is_refused || stack.len() < inputs || stack.len() - inputs + outputs > 40 {
                stack.clear();
                text.clear();
                continue;
            }
            match info.class {
                Class::Deep => match reach {
                    Some(Reach::Exchange(upper, lower)) => {
                        let height = stack.len();
                        stack.swap(height - usize::from(upper), height - usize::from(lower));
                    }
                    Some(Reach::Copy(item)) => stack.push(stack[stack.len() - usize::from(item)]),
                    None => {}
                },
                Class::Dup => stack.push(stack[stack.len() - inputs]),
                _ => {
                    stack.truncate(stack.len() - inputs);
                    stack.extend(
                        (0..outputs)
                            .map(|i| U256::from(seed) << (i + usize::from(seed.to_be_bytes()[3]) % 190)),
                    );
                }
            }
        }
    }
}
