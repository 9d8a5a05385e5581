//! The fast loop: translated blocks. It has no halts: whatever does not go the happy way is left to the exact loop, with
//! the frame as that loop would have it ([`Stop`]). So every instruction charges before it acts.
//!
//! Pointers stand in types of one field. What makes them sound: a translation only names slots between `-need` and
//! `growth` of its block, which the block's header checks, and temporaries, for which the buffer has room above any height;
//! constants that are in its pool; and instructions that exist.

// Numbers that translation packed are unpacked again, on 64-bit addresses.
#![allow(clippy::cast_possible_truncation)]

use parallax_analysis::{FastCode, Instr, Op, Place, TEMPORARIES, recover};
use parallax_engine_interface::FrameExit;
use parallax_hooks::{Hooks, StepControl};
use parallax_host_interface::{Host, HostError};
use parallax_primitives::{Opcode, STACK_LIMIT, U256};

use crate::{
    exact::BLOCKS,
    frame::{Core, Fault, Frame, view},
    heavy::{self, Purse},
    stack::SLOTS,
    words,
};

const _: () = assert!(SLOTS == STACK_LIMIT + TEMPORARIES.end as usize);

/// Where a block's slots are counted from.
#[derive(Clone, Copy)]
struct Base(*mut U256);

impl Base {
    #[inline(always)]
    fn get(self, slot: i16) -> U256 {
        // SAFETY: see the module's first lines.
        unsafe { *self.0.offset(slot as isize) }
    }

    #[inline(always)]
    fn set(self, slot: i16, value: U256) {
        // SAFETY: see the module's first lines.
        unsafe { *self.0.offset(slot as isize) = value }
    }

    #[inline(always)]
    fn moved(self, by: i16) -> Self {
        // SAFETY: the header checked that the stack reaches there.
        Self(unsafe { self.0.offset(by as isize) })
    }

    /// Items between the stack's bottom and here.
    #[inline(always)]
    fn height(self, bottom: Self) -> usize {
        (self.0 as usize - bottom.0 as usize) / size_of::<U256>()
    }
}

/// The next instruction.
#[derive(Clone, Copy)]
struct Ip(*const Instr);

impl Ip {
    fn new(fast: &FastCode, index: u32) -> Self {
        Self(&raw const fast.instrs()[index as usize])
    }

    #[inline(always)]
    fn get<'a>(self) -> &'a Instr {
        // SAFETY: only the last instruction of a block moves on without leaving; another one follows it (see
        // `FastCode::instrs`). The code outlives the loop.
        unsafe { &*self.0 }
    }

    #[inline(always)]
    fn next(self) -> Self {
        // SAFETY: as above.
        Self(unsafe { self.0.add(1) })
    }

    /// An instruction that translation named.
    #[inline(always)]
    fn to(first: *const Instr, index: u64) -> Self {
        // SAFETY: translation names instructions that exist. 32 bits of an immediate fit a pointer.
        Self(unsafe { first.add((index & 0xffff_ffff) as usize) })
    }

    fn index(self, fast: &FastCode) -> u32 {
        let bytes = self.0 as usize - fast.instrs().as_ptr() as usize;
        u32::try_from(bytes / size_of::<Instr>()).unwrap_or(u32::MAX)
    }
}

/// The constants.
#[derive(Clone, Copy)]
struct Pool(*const U256);

impl Pool {
    #[inline(always)]
    fn get(self, index: u64) -> U256 {
        // SAFETY: translation names constants that exist.
        unsafe { *self.0.add(index as usize) }
    }
}

/// The memory as it is between two growths.
#[derive(Clone, Copy)]
struct Window {
    start: *mut u8,
    /// Offsets below this one have a whole word.
    words: u64,
}

impl Window {
    #[inline(always)]
    fn new(core: &mut Core) -> Self {
        let bytes = core.memory.bytes_mut();
        Self { words: (bytes.len() as u64).saturating_sub(31), start: bytes.as_mut_ptr() }
    }

    #[inline(always)]
    fn load(self, offset: u64) -> U256 {
        debug_assert!(offset < self.words);
        // SAFETY: the caller has compared the offset with `words`: 32 bytes follow it.
        let bytes = unsafe { self.start.add(offset as usize).cast::<[u8; 32]>().read_unaligned() };
        U256::from_be_bytes(bytes)
    }

    #[inline(always)]
    fn store(self, offset: u64, value: U256) {
        debug_assert!(offset < self.words);
        // SAFETY: as above.
        unsafe {
            self.start.add(offset as usize).cast::<[u8; 32]>().write_unaligned(value.to_be_bytes::<32>());
        }
    }

    #[inline(always)]
    fn store_byte(self, offset: u64, value: u8) {
        // SAFETY: the caller has compared the offset with `words`, or grown the memory to it.
        unsafe { *self.start.add(offset as usize) = value }
    }
}

/// Why the loop stopped.
enum Stop {
    /// At an opcode before which every item is in its place; the entry has moved by so much.
    InPlace(usize, i16),
    /// In the middle of a block.
    Walk,
    /// At a jump to nowhere. Everything but the destination is in its place.
    Jump(U256, i16),
    Pause(usize),
    Abort,
    Host(HostError),
}

/// Runs from instruction `entry` on; `None` if the exact form is to go on.
// tidy: dispatch table
pub(crate) fn run<K: Hooks, const MODE: u8, const FORCE: bool>(
    frame: &mut Frame,
    host: &mut dyn Host,
    hooks: &mut K,
    clock: &mut u64,
    entry: u32,
) -> Result<Option<FrameExit>, HostError> {
    let Frame { core, program, stack, .. } = frame;
    let fast = program.translated();
    let (slots, len) = stack.parts();
    let bottom = Base(slots.as_mut_ptr());
    let first = fast.instrs().as_ptr();
    let pool = Pool(fast.pool().as_ptr());
    // SAFETY: a height is at most STACK_LIMIT.
    let mut base = Base(unsafe { bottom.0.add(len) });
    let mut ip = Ip::new(fast, entry);
    let mut gas = frame.gas;
    let mut window = Window::new(core);
    let mut patience = if FORCE { next_patience(&mut frame.force) } else { 0 };
    let ask = !std::mem::take(&mut frame.asked);

    /// Goes on with the next instruction.
    macro_rules! next {
        () => {{
            ip = ip.next();
            continue;
        }};
    }
    /// Where the loop may be made to give up.
    macro_rules! forced {
        ($stop:expr) => {
            if FORCE {
                if patience == 0 {
                    break $stop;
                }
                patience -= 1;
            }
        };
    }
    macro_rules! show {
        ($pc:expr) => {
            if MODE == BLOCKS {
                // SAFETY: the stack's items, all of them in their places.
                let items = unsafe { std::slice::from_raw_parts(bottom.0, base.height(bottom)) };
                let pc: usize = $pc;
                let opcode = program.code().bytes()[pc];
                let seen = view(core, items, opcode, (pc, gas), *clock, host.journal_view());
                match hooks.on_block(&seen) {
                    StepControl::Continue => *clock += 1,
                    StepControl::Pause => break Stop::Pause(pc),
                    StepControl::Abort => break Stop::Abort,
                }
            }
        };
    }
    /// `c` = an expression over `a` and `b`, slots or the constant.
    macro_rules! set {
        ($i:ident, $value:expr) => {{
            forced!(Stop::Walk);
            let value = $value;
            base.set($i.c, value);
            next!()
        }};
    }
    macro_rules! ss {
        ($i:ident, |$a:ident, $b:ident| $value:expr) => {{
            let ($a, $b) = (base.get($i.a), base.get($i.b));
            set!($i, $value)
        }};
    }
    macro_rules! sc {
        ($i:ident, |$a:ident, $b:ident| $value:expr) => {{
            let ($a, $b) = (base.get($i.a), pool.get($i.imm));
            set!($i, $value)
        }};
    }
    macro_rules! cs {
        ($i:ident, |$a:ident, $b:ident| $value:expr) => {{
            let ($a, $b) = (pool.get($i.imm), base.get($i.b));
            set!($i, $value)
        }};
    }
    macro_rules! branch {
        ($i:ident, $condition:expr) => {{
            let taken = $condition != ($i.flag != 0);
            base = base.moved($i.c);
            if taken {
                ip = Ip::to(first, $i.imm);
                show!(fast.pc(ip.index(fast)));
                continue;
            }
            show!(fast.pc(ip.index(fast)) + 1);
            next!()
        }};
    }
    /// Runs an opcode out of line.
    macro_rules! slow {
        ($op:expr, $operands:expr) => {{
            let purse = Purse { gas, base: 0, careful: true, refuses: false };
            match heavy::run(core, host, $op, $operands, purse) {
                Ok((left, result)) => {
                    gas = left;
                    window = Window::new(core);
                    result
                }
                Err(Fault::Halt(..)) => break Stop::Walk,
                Err(Fault::Host(error)) => break Stop::Host(error),
            }
        }};
    }

    /// Makes sure that `size` bytes at the offset are there.
    macro_rules! reach {
        ($offset:expr, $size:expr) => {{
            let offset: u64 = $offset;
            if offset >= window.words {
                match core.memory.grow_to(offset, $size, gas) {
                    Some(left) => gas = left,
                    None => break Stop::Walk,
                }
                window = Window::new(core);
            }
            offset
        }};
    }
    /// The offset in a slot. What is longer than 64 bits has no gas that pays for it.
    macro_rules! offset {
        ($slot:expr) => {
            match words::short(&base.get($slot)) {
                Some(offset) => offset,
                None => break Stop::Walk,
            }
        };
    }

    let stop = loop {
        if MODE == BLOCKS && std::mem::take(&mut frame.entry_due) {
            if ask {
                show!(frame.pc);
            } else {
                *clock += 1;
            }
        }
        let i = ip.get();
        match i.op {
            Op::Enter => {
                let height = base.height(bottom) as isize;
                if gas < i.imm || height < i.a as isize || height + i.b as isize > STACK_LIMIT as isize {
                    break Stop::InPlace(fast.pc(ip.index(fast)), 0);
                }
                forced!(Stop::InPlace(fast.pc(ip.index(fast)), 0));
                gas -= i.imm;
                next!()
            }
            Op::Rejoin => {
                let Some(more) = gas.checked_add(i.imm >> 32) else {
                    break Stop::InPlace(fast.pc(ip.index(fast)), 0);
                };
                gas = more;
                ip = Ip::to(first, i.imm);
            }
            Op::Fall => {
                base = base.moved(i.c);
                next!()
            }
            Op::Exit => break Stop::InPlace(i.imm as usize, i.c),
            Op::Jump => {
                base = base.moved(i.c);
                ip = Ip::to(first, i.imm);
                show!(fast.pc(ip.index(fast)));
            }
            Op::JumpTo => {
                let destination = base.get(i.a);
                forced!(Stop::Jump(destination, i.c));
                let Some(target) = words::short(&destination).and_then(|pc| fast.jump(pc)) else {
                    break Stop::Jump(destination, i.c);
                };
                base = base.moved(i.c);
                ip = Ip::to(first, u64::from(target));
                show!(fast.pc(target));
            }
            Op::JumpIf => branch!(i, !words::is_zero(base.get(i.a))),
            Op::JumpIfLtSS => branch!(i, words::less(base.get(i.a), base.get(i.b))),
            Op::JumpIfLtSC => branch!(i, words::less(base.get(i.a), pool.get(i.imm >> 32))),
            Op::JumpIfLtCS => branch!(i, words::less(pool.get(i.imm >> 32), base.get(i.b))),
            Op::JumpIfSltSS => branch!(i, words::signed_less(base.get(i.a), base.get(i.b))),
            Op::JumpIfSltSC => branch!(i, words::signed_less(base.get(i.a), pool.get(i.imm >> 32))),
            Op::JumpIfSltCS => branch!(i, words::signed_less(pool.get(i.imm >> 32), base.get(i.b))),
            Op::JumpIfEqSS => branch!(i, words::equal(base.get(i.a), base.get(i.b))),
            Op::JumpIfEqSC => branch!(i, words::equal(base.get(i.a), pool.get(i.imm >> 32))),
            Op::Move => {
                base.set(i.a, base.get(i.b));
                next!()
            }
            Op::Move2 => {
                base.set(i.a, base.get(i.b));
                base.set(i.c, base.get(i.imm as i16));
                next!()
            }
            Op::Const => {
                base.set(i.a, pool.get(i.imm));
                next!()
            }
            Op::AddSS => ss!(i, |a, b| words::add(a, b)),
            Op::AddSC => sc!(i, |a, b| words::add(a, b)),
            Op::MulSS => ss!(i, |a, b| words::mul(a, b)),
            Op::MulSC => sc!(i, |a, b| words::mul(a, b)),
            Op::SubSS => ss!(i, |a, b| words::sub(a, b)),
            Op::SubSC => sc!(i, |a, b| words::sub(a, b)),
            Op::SubCS => cs!(i, |a, b| words::sub(a, b)),
            Op::DivSS => ss!(i, |a, b| words::div(a, b)),
            Op::DivSC => sc!(i, |a, b| words::div(a, b)),
            Op::DivCS => cs!(i, |a, b| words::div(a, b)),
            Op::ModSS => ss!(i, |a, b| words::rem(a, b)),
            Op::ModSC => sc!(i, |a, b| words::rem(a, b)),
            Op::ModCS => cs!(i, |a, b| words::rem(a, b)),
            Op::SdivSS => ss!(i, |a, b| words::sdiv(a, b)),
            Op::SdivSC => sc!(i, |a, b| words::sdiv(a, b)),
            Op::SmodSS => ss!(i, |a, b| words::smod(a, b)),
            Op::SmodSC => sc!(i, |a, b| words::smod(a, b)),
            Op::AddMod | Op::MulMod | Op::AddModC | Op::MulModC => {
                forced!(Stop::Walk);
                let constant = matches!(i.op, Op::AddModC | Op::MulModC);
                let modulus = if constant { pool.get(i.imm >> 32) } else { base.get(i.c) };
                let (a, b) = (base.get(i.a), base.get(i.b));
                let result = if matches!(i.op, Op::AddMod | Op::AddModC) {
                    words::addmod(a, b, modulus)
                } else {
                    words::mulmod(a, b, modulus)
                };
                base.set(i.imm as i16, result);
                next!()
            }
            Op::LtSS => ss!(i, |a, b| words::flag(words::less(a, b))),
            Op::LtSC => sc!(i, |a, b| words::flag(words::less(a, b))),
            Op::LtCS => cs!(i, |a, b| words::flag(words::less(a, b))),
            Op::SltSS => ss!(i, |a, b| words::flag(words::signed_less(a, b))),
            Op::SltSC => sc!(i, |a, b| words::flag(words::signed_less(a, b))),
            Op::SltCS => cs!(i, |a, b| words::flag(words::signed_less(a, b))),
            Op::EqSS => ss!(i, |a, b| words::flag(words::equal(a, b))),
            Op::EqSC => sc!(i, |a, b| words::flag(words::equal(a, b))),
            Op::AndSS => ss!(i, |a, b| words::bitwise(a, b, |x, y| x & y)),
            Op::AndSC => sc!(i, |a, b| words::bitwise(a, b, |x, y| x & y)),
            Op::OrSS => ss!(i, |a, b| words::bitwise(a, b, |x, y| x | y)),
            Op::OrSC => sc!(i, |a, b| words::bitwise(a, b, |x, y| x | y)),
            Op::XorSS => ss!(i, |a, b| words::bitwise(a, b, |x, y| x ^ y)),
            Op::XorSC => sc!(i, |a, b| words::bitwise(a, b, |x, y| x ^ y)),
            Op::Not => set!(i, words::not(base.get(i.a))),
            Op::IsZero => set!(i, words::flag(words::is_zero(base.get(i.a)))),
            Op::Clz => set!(i, U256::from(base.get(i.a).leading_zeros())),
            Op::Byte => ss!(i, |a, b| words::byte(a, b)),
            Op::ByteAt => set!(i, words::byte_at(base.get(i.a), i.imm)),
            Op::SignExtend => ss!(i, |a, b| words::sign_extend(a, b)),
            Op::SignExtendAt => set!(i, words::sign_extend_from(base.get(i.a), i.imm)),
            Op::Shl => ss!(i, |a, b| words::shl(a, b)),
            Op::ShlBy => set!(i, words::shl_by(base.get(i.a), i.imm)),
            Op::ShlCS => sc!(i, |a, b| words::shl(a, b)),
            Op::Shr => ss!(i, |a, b| words::shr(a, b)),
            Op::ShrBy => set!(i, words::shr_by(base.get(i.a), i.imm)),
            Op::Sar => ss!(i, |a, b| words::sar(a, b)),
            Op::SarBy => set!(i, words::sar_by(base.get(i.a), i.imm)),
            Op::Mload => {
                forced!(Stop::Walk);
                let offset = reach!(offset!(i.a), 32);
                base.set(i.c, window.load(offset));
                next!()
            }
            Op::MloadAt => {
                forced!(Stop::Walk);
                let offset = reach!(i.imm, 32);
                base.set(i.c, window.load(offset));
                next!()
            }
            Op::Mstore => {
                forced!(Stop::Walk);
                let offset = reach!(offset!(i.a), 32);
                window.store(offset, base.get(i.b));
                next!()
            }
            Op::MstoreC => {
                forced!(Stop::Walk);
                let offset = reach!(offset!(i.a), 32);
                window.store(offset, pool.get(i.imm));
                next!()
            }
            Op::MstoreAt => {
                forced!(Stop::Walk);
                let offset = reach!(i.imm, 32);
                window.store(offset, base.get(i.a));
                next!()
            }
            Op::MstoreAtC => {
                forced!(Stop::Walk);
                let offset = reach!(i.imm & 0xffff_ffff, 32);
                window.store(offset, pool.get(i.imm >> 32));
                next!()
            }
            Op::Mstore8 => {
                forced!(Stop::Walk);
                let offset = reach!(offset!(i.a), 1);
                window.store_byte(offset, base.get(i.b).byte(0));
                next!()
            }
            Op::CallDataLoad => set!(i, heavy::calldata(&core.message.input, base.get(i.a))),
            Op::Gas => {
                // What the block charged for later opcodes is still there.
                set!(i, U256::from(gas + i.imm));
            }
            Op::Heavy => {
                forced!(Stop::Walk);
                let opcode = Opcode(i.flag);
                let row = &core.table[usize::from(i.flag)];
                if row.writes_state && core.message.is_static {
                    break Stop::Walk;
                }
                let slots = [i.imm as i16, (i.imm >> 16) as i16, (i.imm >> 32) as i16, (i.imm >> 48) as i16];
                let result = match row.inputs {
                    0 if opcode == Opcode::SELFBALANCE => slow!(opcode, &[]),
                    // Nothing is charged beyond the block, nothing fails and no memory moves.
                    0 => heavy::environment(core, host, opcode),
                    1 => slow!(opcode, &[base.get(i.a)]),
                    2 => slow!(opcode, &[base.get(i.a), base.get(i.b)]),
                    inputs => {
                        let [c, d, e, f] = slots.map(|slot| base.get(slot));
                        let all = [base.get(i.a), base.get(i.b), c, d, e, f];
                        slow!(opcode, &all[..usize::from(inputs)])
                    }
                };
                if row.outputs == 1 {
                    base.set(i.c, result);
                }
                next!()
            }
        }
    };
    let at = ip.index(fast);
    let height = base.height(bottom);
    leave(frame, stop, at, (gas, height), bottom)
}

/// Leaves the frame as the exact form has it.
#[cold]
#[inline(never)]
fn leave(
    frame: &mut Frame,
    stop: Stop,
    at: u32,
    (gas, entry): (u64, usize),
    bottom: Base,
) -> Result<Option<FrameExit>, HostError> {
    let fast = frame.program.translated();
    frame.gas = gas;
    let moved = |by: i16| entry.saturating_add_signed(isize::from(by));
    // SAFETY: an entry is at most STACK_LIMIT above the bottom.
    let base = Base(unsafe { bottom.0.add(entry) });
    match stop {
        Stop::InPlace(pc, by) => {
            frame.pc = pc;
            frame.stack.set_len(moved(by));
        }
        Stop::Walk => {
            let recovery = recover(frame.program.code(), frame.core.fork, fast, at);
            let items: Vec<U256> = recovery
                .items
                .iter()
                .map(|place| match place {
                    Place::Slot(slot) => base.get(*slot),
                    Place::Constant(value) => *value,
                })
                .collect();
            for (slot, item) in (recovery.low..).zip(&items) {
                base.set(slot, *item);
            }
            frame.pc = fast.pc(at);
            frame.gas += recovery.unused_gas;
            frame.stack.set_len(moved(recovery.low) + items.len());
        }
        Stop::Jump(destination, by) => {
            frame.pc = fast.pc(at);
            frame.gas += u64::from(frame.core.table[usize::from(Opcode::JUMP.0)].gas);
            base.set(by, destination);
            frame.stack.set_len(moved(by) + 1);
        }
        Stop::Pause(pc) => {
            frame.pc = pc;
            frame.stack.set_len(entry);
            frame.asked = true;
            frame.entry_due = true;
            return Ok(Some(FrameExit::Paused));
        }
        Stop::Abort => {
            frame.stack.set_len(entry);
            return Ok(Some(FrameExit::Aborted));
        }
        Stop::Host(error) => return Err(error),
    }
    Ok(None)
}

/// How many instructions the loop does before it is made to give up: 0 to 15, one after the other and mixed.
fn next_patience(force: &mut u64) -> u64 {
    *force = force.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *force >> 60
}
