//! The stack of one frame: one buffer on the heap, pooled per thread.
//!
//! Invariant: the length is never above [`STACK_LIMIT`], and the buffer has [`SLOTS`] slots, all of them initialised:
//! behind the stack there is room for the temporaries of the fast form, whatever the stack's height.

use std::cell::RefCell;

use parallax_analysis::TEMPORARIES;
use parallax_primitives::{STACK_LIMIT, U256};

/// Slots of a buffer: a stack of full height, and the slots of the fast form above it.
pub(crate) const SLOTS: usize = STACK_LIMIT + TEMPORARIES.end as usize;

/// As many as a transaction has frames (Yellow Paper, 8: a depth of 1024): 35 MiB for a thread that went so deep.
const POOLED_BUFFERS: usize = 1025;

thread_local! {
    static POOL: RefCell<Vec<Box<[U256]>>> = const { RefCell::new(Vec::new()) };
}

#[derive(Debug)]
pub(crate) struct Stack {
    slots: Box<[U256]>,
    len: usize,
}

impl Stack {
    pub(crate) fn new() -> Self {
        let slots = POOL.with_borrow_mut(Vec::pop).unwrap_or_else(zeroed);
        Self { slots, len: 0 }
    }

    pub(crate) fn items(&self) -> &[U256] {
        &self.slots[..self.len]
    }

    /// The caller has checked the room.
    pub(crate) fn push(&mut self, item: U256) {
        debug_assert!(self.len < STACK_LIMIT);
        self.slots[self.len] = item;
        self.len += 1;
    }

    /// The whole buffer and the height. Who changes the height says so with [`Stack::set_len`].
    pub(crate) fn parts(&mut self) -> (&mut [U256; SLOTS], usize) {
        let len = self.len;
        // The buffer was made with this size.
        match (&mut *self.slots).try_into() {
            Ok(slots) => (slots, len),
            Err(_) => unreachable!("a buffer has SLOTS slots"),
        }
    }

    pub(crate) fn set_len(&mut self, len: usize) {
        debug_assert!(len <= STACK_LIMIT);
        self.len = len;
    }
}

/// A buffer whose pages the system zeroes when they are touched.
fn zeroed() -> Box<[U256]> {
    let limbs: Vec<[u64; 4]> = vec![[0; 4]; SLOTS];
    let limbs = Box::into_raw(limbs.into_boxed_slice());
    // SAFETY: U256 is a transparent wrapper around [u64; 4] (ruint's `Uint<256, 4>`), so the allocation has the same
    // layout, and every bit pattern is a value.
    unsafe { Box::from_raw(limbs as *mut [U256]) }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let slots = std::mem::take(&mut self.slots);
        // During the thread's end there is no pool any more.
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < POOLED_BUFFERS {
                pool.push(slots);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_kept_and_bounded() {
        let pooled = || POOL.with_borrow(Vec::len);
        let stacks: Vec<Stack> = (0..POOLED_BUFFERS + 2).map(|_| Stack::new()).collect();
        assert_eq!(pooled(), 0);
        drop(stacks);
        assert_eq!(pooled(), POOLED_BUFFERS);
        let mut stack = Stack::new();
        assert_eq!(pooled(), POOLED_BUFFERS - 1);
        assert_eq!((stack.items().len(), stack.parts().0.len()), (0, 1024 + 1317));
        stack.push(U256::from(7));
        stack.push(U256::from(8));
        assert_eq!(stack.parts().1, 2);
        assert_eq!(stack.items(), [U256::from(7), U256::from(8)]);
        stack.set_len(1);
        assert_eq!(stack.items(), [U256::from(7)]);
    }
}
