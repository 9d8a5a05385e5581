//! What the fast loop works on, by pointer: the stack's buffer, the instructions, the constants and the memory. Each method that
//! does not look says what its caller must know; where assertions are on it looks all the same, for it has its bounds there.
//!
//! * A slot of a block is between the stack's bottom and [`STACK_LIMIT`] items above it, and a temporary is above any height: both
//!   are in the buffer.
//! * The number of an instruction that a translation names, and the one behind an instruction that goes on, is that of an
//!   instruction.
//! * The number of a constant that it names is that of a constant.

// Numbers that translation packed are unpacked again, on 64-bit addresses.
#![allow(clippy::cast_possible_truncation)]

use std::marker::PhantomData;

use parallax_analysis::{FastCode, Instr, Op, TEMPORARIES};
use parallax_primitives::{STACK_LIMIT, U256};

use crate::{frame::Core, stack::SLOTS};

const _: () = assert!(SLOTS == STACK_LIMIT + TEMPORARIES.end as usize);

/// Where a block's slots are counted from: an entry, in a stack's buffer.
#[derive(Clone, Copy)]
pub(crate) struct Base<'a> {
    entry: *mut U256,
    #[cfg(debug_assertions)]
    buffer: *const [U256; SLOTS],
    stack: PhantomData<&'a mut [U256; SLOTS]>,
}

impl<'a> Base<'a> {
    /// The entry of height zero, for as long as nobody else uses the buffer.
    pub(crate) fn bottom(slots: &'a mut [U256; SLOTS]) -> Self {
        Self {
            entry: slots.as_mut_ptr(),
            #[cfg(debug_assertions)]
            buffer: slots,
            stack: PhantomData,
        }
    }

    /// # Safety
    ///
    /// `slot` items from here is a slot of the buffer.
    #[inline(always)]
    unsafe fn at(self, slot: i16) -> *mut U256 {
        #[cfg(debug_assertions)]
        assert!(self.has(slot), "slot {slot} is not in the buffer");
        // SAFETY: the caller says that both are in the buffer, which is one allocation.
        unsafe { self.entry.offset(slot as isize) }
    }

    /// # Safety
    ///
    /// As for [`Base::at`].
    #[inline(always)]
    pub(crate) unsafe fn get(self, slot: i16) -> U256 {
        // SAFETY: the caller says that it is a slot; all of them are initialised.
        unsafe { *self.at(slot) }
    }

    /// # Safety
    ///
    /// As for [`Base::at`].
    #[inline(always)]
    pub(crate) unsafe fn set(self, slot: i16, value: U256) {
        // SAFETY: the caller says that it is a slot; nobody else has the buffer.
        unsafe { *self.at(slot) = value }
    }

    /// # Safety
    ///
    /// As for [`Base::at`]; the end of the buffer will do, too.
    #[inline(always)]
    pub(crate) unsafe fn moved(self, by: i16) -> Self {
        #[cfg(debug_assertions)]
        assert!(self.has(by), "an entry moved by {by} is not in the buffer");
        // SAFETY: the caller says that both are in the buffer.
        Self { entry: unsafe { self.entry.offset(by as isize) }, ..self }
    }

    /// The stack from the bottom up to here.
    ///
    /// # Safety
    ///
    /// Nobody writes to the stack as long as the slice is used.
    #[inline(always)]
    pub(crate) unsafe fn items(self, bottom: Self) -> &'a [U256] {
        // SAFETY: both are in the buffer, whose slots are all initialised; that nobody writes the caller says.
        unsafe { std::slice::from_raw_parts(bottom.entry, self.height(bottom)) }
    }

    /// Items between the stack's bottom and here.
    #[inline(always)]
    pub(crate) fn height(self, bottom: Self) -> usize {
        (self.entry.addr() - bottom.entry.addr()) / size_of::<U256>()
    }

    #[cfg(debug_assertions)]
    fn has(self, slot: i16) -> bool {
        let height = (self.entry.addr() - self.buffer.addr()) / size_of::<U256>();
        height.checked_add_signed(slot as isize).is_some_and(|index| index < SLOTS)
    }
}

/// The next instruction.
#[derive(Clone, Copy)]
pub(crate) struct Ip<'a> {
    at: *const Instr,
    first: *const Instr,
    #[cfg(debug_assertions)]
    len: usize,
    code: PhantomData<&'a [Instr]>,
}

impl<'a> Ip<'a> {
    /// Stands at a header, which checks what all the others rely on, or at what leads to one.
    pub(crate) fn new(fast: &'a FastCode, index: u32) -> Self {
        let instrs = fast.instrs();
        assert!(matches!(instrs[index as usize].op, Op::Enter | Op::Rejoin));
        // The whole slice's pointer: it may go everywhere in it.
        let first = instrs.as_ptr();
        Self {
            // SAFETY: there is such an instruction: it was just looked at.
            at: unsafe { first.add(index as usize) },
            first,
            #[cfg(debug_assertions)]
            len: instrs.len(),
            code: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn get(self) -> &'a Instr {
        // SAFETY: it points into the slice: `new` has looked, `next` and `to` ask their callers for it.
        unsafe { &*self.at }
    }

    /// # Safety
    ///
    /// The instruction here is one that can go on: no [`Op::leaves`].
    #[inline(always)]
    pub(crate) unsafe fn next(self) -> Self {
        #[cfg(debug_assertions)]
        assert!(self.index() as usize + 1 < self.len, "nothing follows instruction {}", self.index());
        // SAFETY: behind every instruction that can go on there is another one (`FastCode`, 1).
        Self { at: unsafe { self.at.add(1) }, ..self }
    }

    /// # Safety
    ///
    /// The lower half of `number` is that of an instruction: it stands in a field of this code that is a target
    /// (`FastCode`, 4).
    #[inline(always)]
    pub(crate) unsafe fn to(self, number: u64) -> Self {
        let index = (number & 0xffff_ffff) as usize;
        #[cfg(debug_assertions)]
        assert!(index < self.len, "there is no instruction {index}");
        // SAFETY: the caller says that there is such an instruction.
        Self { at: unsafe { self.first.add(index) }, ..self }
    }

    #[inline(always)]
    pub(crate) fn index(self) -> u32 {
        ((self.at.addr() - self.first.addr()) / size_of::<Instr>()) as u32
    }
}

/// The constants.
#[derive(Clone, Copy)]
pub(crate) struct Pool<'a> {
    first: *const U256,
    #[cfg(debug_assertions)]
    len: usize,
    code: PhantomData<&'a [U256]>,
}

impl<'a> Pool<'a> {
    pub(crate) fn new(fast: &'a FastCode) -> Self {
        Self {
            first: fast.pool().as_ptr(),
            #[cfg(debug_assertions)]
            len: fast.pool().len(),
            code: PhantomData,
        }
    }

    /// # Safety
    ///
    /// `number` is that of a constant: it stands in a field of this code that is one (`FastCode`, 3).
    #[inline(always)]
    pub(crate) unsafe fn get(self, number: u64) -> U256 {
        #[cfg(debug_assertions)]
        assert!((number as usize) < self.len, "there is no constant {number}");
        // SAFETY: the caller says that there is such a constant.
        unsafe { *self.first.add(number as usize) }
    }
}

/// The memory as it is between two growths.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    start: *mut u8,
    /// Offsets below this one have a whole word.
    pub(crate) words: u64,
}

impl Window {
    /// Valid until the memory grows or is used otherwise: then it is to be made again.
    #[inline(always)]
    pub(crate) fn new(core: &mut Core) -> Self {
        let bytes = core.memory.bytes_mut();
        Self { words: (bytes.len() as u64).saturating_sub(31), start: bytes.as_mut_ptr() }
    }

    /// # Safety
    ///
    /// `offset` is below `words`, and the memory has not been touched but through this window since it was made.
    #[inline(always)]
    pub(crate) unsafe fn load(self, offset: u64) -> U256 {
        debug_assert!(offset < self.words);
        // SAFETY: the caller says that 32 bytes of the memory follow the offset.
        let bytes = unsafe { self.start.add(offset as usize).cast::<[u8; 32]>().read_unaligned() };
        U256::from_be_bytes(bytes)
    }

    /// # Safety
    ///
    /// As for [`Window::load`].
    #[inline(always)]
    pub(crate) unsafe fn store(self, offset: u64, value: U256) {
        debug_assert!(offset < self.words);
        // SAFETY: the caller says that 32 bytes of the memory follow the offset.
        unsafe {
            self.start.add(offset as usize).cast::<[u8; 32]>().write_unaligned(value.to_be_bytes::<32>());
        }
    }

    /// # Safety
    ///
    /// As for [`Window::load`], but one byte will do: `offset` is at most 30 above `words`.
    #[inline(always)]
    pub(crate) unsafe fn store_byte(self, offset: u64, value: u8) {
        debug_assert!(self.words > 0 && offset < self.words + 31);
        // SAFETY: the caller says that the offset is in the memory.
        unsafe { *self.start.add(offset as usize) = value }
    }
}
