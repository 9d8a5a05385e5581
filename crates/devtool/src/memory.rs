//! Keeps an execution from taking the server's memory, which much gas pays for: two engines must be able to have it at once.

use parallax_hooks::StepView;
use parallax_primitives::{Opcode, U256};

/// Bytes that all open frames of one execution may have as memory.
const LIMIT: usize = 128 << 20;

/// Knows how much memory the open frames have.
#[derive(Debug, Default)]
pub(crate) struct MemoryWatch {
    frames: Vec<usize>,
    total: usize,
}

impl MemoryWatch {
    /// Whether the opcode may ask for no more than there is.
    #[inline]
    pub(crate) fn allows(&mut self, step: &StepView<'_>) -> bool {
        let place = usize::from(step.depth);
        let size = step.memory.len();
        if self.frames.len() != place + 1 || self.frames.last() != Some(&size) {
            while self.frames.len() > place {
                self.total -= self.frames.pop().unwrap_or(0);
            }
            self.frames.resize(place, 0);
            self.frames.push(size);
            self.total += size;
        }
        // Gas for memory of n words is at least n * n / 512 (Yellow Paper, appendix H): most runs cannot pay for too much.
        let limit_words = (LIMIT / 32) as u64;
        let is_poor = step.gas < limit_words * limit_words / 512 / 4;
        (is_poor && self.total < LIMIT / 2) || self.total.saturating_add(asked(step)) <= LIMIT
    }
}

/// A bound on the bytes that the opcode may grow its frame's memory to; 0 if it leaves it alone.
fn asked(step: &StepView<'_>) -> usize {
    let operand = |at: &usize| {
        let item = step.stack.len().checked_sub(at + 1).and_then(|at| step.stack.get(at));
        item.map_or(0, U256::saturating_to::<usize>)
    };
    regions(step.opcode)
        .iter()
        .map(|(offset, length)| match length.as_ref().map(operand) {
            Some(0) => 0,
            length => operand(offset).saturating_add(length.unwrap_or(32)),
        })
        .max()
        .unwrap_or(0)
}

/// Where on the stack, from the top, the regions of memory stand that an opcode touches: offset and length, or one word.
fn regions(opcode: Opcode) -> &'static [(usize, Option<usize>)] {
    match opcode.0 {
        0x51..=0x53 => &[(0, None)],
        0x20 | 0xa0..=0xa4 | 0xf3 | 0xfd => &[(0, Some(1))],
        0x37 | 0x39 | 0x3e => &[(0, Some(2))],
        0x3c => &[(1, Some(3))],
        0x5e => &[(0, Some(2)), (1, Some(2))],
        0xf0 | 0xf5 => &[(1, Some(2))],
        0xf1 | 0xf2 => &[(3, Some(4)), (5, Some(6))],
        0xf4 | 0xfa => &[(2, Some(3)), (4, Some(5))],
        _ => &[],
    }
}
