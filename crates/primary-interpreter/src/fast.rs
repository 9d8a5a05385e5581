//! The fast loop: translated blocks. It has no halts: whatever does not go the happy way is left to the exact loop, with
//! the frame as that loop would have it ([`Stop`]). So every instruction charges before it acts.
//!
//! The loop follows slots, constants and targets by pointer ([`pointers`](crate::pointers)) and does not look. What makes that
//! sound is what every [`FastCode`] guarantees (its constructor lists it and checks it, in release builds too), together with one
//! thing that the loop keeps true between a header and the next one: *the entry stands at a height that the header has checked*.

// Numbers that translation packed are unpacked again, on 64-bit addresses.
#![allow(clippy::cast_possible_truncation)]

use parallax_analysis::{Op, Place, recover};
use parallax_engine_interface::FrameExit;
use parallax_hooks::{Hooks, StepControl};
use parallax_host_interface::{Host, HostError};
use parallax_primitives::{Opcode, Operation, STACK_LIMIT, U256};

use crate::{
    exact::BLOCKS,
    fault::Fault,
    frame::{Frame, view},
    heavy,
    pointers::{Base, Ip, Pool, Window},
    purse::Purse,
    words,
};

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
    let Some(fast) = program.fast() else { return Ok(None) };
    let (slots, len) = stack.parts();
    let bottom = Base::bottom(slots);
    let pool = Pool::new(fast);
    // SAFETY: a stack's height is at most STACK_LIMIT, and the buffer is longer.
    let mut base = unsafe { bottom.moved(len as i16) };
    let mut ip = Ip::new(fast, entry);
    let mut gas = frame.gas;
    let mut window = Window::new(core);
    let mut patience = if FORCE { next_patience(&mut frame.force) } else { 0 };
    let ask = !std::mem::take(&mut frame.asked);

    /// A slot that the instruction `i` reads.
    macro_rules! read {
        ($slot:expr) => {{
            let slot: i16 = $slot;
            // SAFETY: the argument is a field of an instruction of this code which `Op::shape` says is a slot, so it is one of
            // the block's or a temporary (`FastCode`, 2); the header has checked that all of the block's are in the buffer.
            unsafe { base.get(slot) }
        }};
    }
    /// Writes to a slot that the instruction `i` writes.
    macro_rules! write {
        ($slot:expr, $value:expr) => {{
            let (slot, value): (i16, U256) = ($slot, $value);
            // SAFETY: as for `read`.
            unsafe { base.set(slot, value) }
        }};
    }
    /// Moves the entry as the instruction `i` says.
    macro_rules! move_by {
        ($by:expr) => {{
            let by: i16 = $by;
            // SAFETY: `Op::shape` says that the argument moves the entry, so it leads to between `-need` and `growth` of the
            // block (`FastCode`, 2), where its header has checked the stack to be.
            base = unsafe { base.moved(by) };
        }};
    }
    /// A constant that the instruction `i` names.
    macro_rules! constant {
        ($number:expr) => {{
            let number: u64 = $number;
            // SAFETY: `Op::shape` says that the argument is a constant.
            unsafe { pool.get(number) }
        }};
    }
    /// Goes on at an instruction that the instruction `i`, or the table of jumps, names.
    macro_rules! go_to {
        ($number:expr) => {{
            let number: u64 = $number;
            // SAFETY: `Op::shape` says that the argument is a target; so is all that `FastCode::jump` answers.
            ip = unsafe { ip.to(number) };
        }};
    }
    /// Goes on with the next instruction. Not for what `Op::leaves`.
    macro_rules! next {
        () => {{
            // SAFETY: none of the instructions whose arm ends here leaves.
            ip = unsafe { ip.next() };
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
                // SAFETY: the hook is over before the loop goes on.
                let items = unsafe { base.items(bottom) };
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
            write!($i.c, value);
            next!()
        }};
    }
    macro_rules! ss {
        ($i:ident, |$a:ident, $b:ident| $value:expr) => {{
            let ($a, $b) = (read!($i.a), read!($i.b));
            set!($i, $value)
        }};
    }
    macro_rules! sc {
        ($i:ident, |$a:ident, $b:ident| $value:expr) => {{
            let ($a, $b) = (read!($i.a), constant!($i.imm));
            set!($i, $value)
        }};
    }
    macro_rules! cs {
        ($i:ident, |$a:ident, $b:ident| $value:expr) => {{
            let ($a, $b) = (constant!($i.imm), read!($i.b));
            set!($i, $value)
        }};
    }
    macro_rules! branch {
        ($i:ident, $condition:expr) => {{
            let taken = $condition != ($i.flag != 0);
            move_by!($i.c);
            if taken {
                go_to!($i.imm);
                show!(fast.pc(ip.index()));
                continue;
            }
            show!(fast.pc(ip.index()) + 1);
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
    /// The word at an offset that was reached.
    macro_rules! load {
        ($offset:expr) => {{
            let offset: u64 = $offset;
            // SAFETY: `reach` has compared the offset with this window, or grown the memory to it and made the window anew.
            unsafe { window.load(offset) }
        }};
    }
    /// Writes a word to an offset that was reached.
    macro_rules! store {
        ($offset:expr, $value:expr) => {{
            let (offset, value): (u64, U256) = ($offset, $value);
            // SAFETY: as for `load`.
            unsafe { window.store(offset, value) }
        }};
    }
    /// Writes a byte to an offset that was reached.
    macro_rules! store_byte {
        ($offset:expr, $value:expr) => {{
            let (offset, value): (u64, u8) = ($offset, $value);
            // SAFETY: as for `load`, with a size of one byte.
            unsafe { window.store_byte(offset, value) }
        }};
    }
    /// The offset in a slot. What is longer than 64 bits has no gas that pays for it.
    macro_rules! offset {
        ($slot:expr) => {
            match words::short(&read!($slot)) {
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
        if MODE == BLOCKS {
            frame.ran.instructions += 1;
        }
        match i.op {
            Op::Enter => {
                let height = base.height(bottom) as isize;
                if gas < i.imm || height < i.a as isize || height + i.b as isize > STACK_LIMIT as isize {
                    break Stop::InPlace(fast.pc(ip.index()), 0);
                }
                forced!(Stop::InPlace(fast.pc(ip.index()), 0));
                gas -= i.imm;
                if MODE == BLOCKS {
                    frame.ran.blocks += 1;
                }
                next!()
            }
            Op::Rejoin => {
                let Some(more) = gas.checked_add(i.imm >> 32) else {
                    break Stop::InPlace(fast.pc(ip.index()), 0);
                };
                gas = more;
                go_to!(i.imm);
            }
            Op::Fall => {
                move_by!(i.c);
                next!()
            }
            Op::Exit => break Stop::InPlace(i.imm as usize, i.c),
            Op::Jump => {
                move_by!(i.c);
                go_to!(i.imm);
                show!(fast.pc(ip.index()));
            }
            Op::JumpTo => {
                let destination = read!(i.a);
                forced!(Stop::Jump(destination, i.c));
                let Some(target) = words::short(&destination).and_then(|pc| fast.jump(pc)) else {
                    break Stop::Jump(destination, i.c);
                };
                move_by!(i.c);
                go_to!(u64::from(target));
                show!(fast.pc(target));
            }
            Op::JumpIf => branch!(i, !words::is_zero(read!(i.a))),
            Op::JumpIfLtSS => branch!(i, words::less(read!(i.a), read!(i.b))),
            Op::JumpIfLtSC => branch!(i, words::less(read!(i.a), constant!(i.imm >> 32))),
            Op::JumpIfLtCS => branch!(i, words::less(constant!(i.imm >> 32), read!(i.b))),
            Op::JumpIfSltSS => branch!(i, words::signed_less(read!(i.a), read!(i.b))),
            Op::JumpIfSltSC => branch!(i, words::signed_less(read!(i.a), constant!(i.imm >> 32))),
            Op::JumpIfSltCS => branch!(i, words::signed_less(constant!(i.imm >> 32), read!(i.b))),
            Op::JumpIfEqSS => branch!(i, words::equal(read!(i.a), read!(i.b))),
            Op::JumpIfEqSC => branch!(i, words::equal(read!(i.a), constant!(i.imm >> 32))),
            Op::Move => {
                write!(i.a, read!(i.b));
                next!()
            }
            Op::Move2 => {
                write!(i.a, read!(i.b));
                write!(i.c, read!(i.imm as i16));
                next!()
            }
            Op::Const => {
                write!(i.a, constant!(i.imm));
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
                let modulus = if constant { constant!(i.imm >> 32) } else { read!(i.c) };
                let (a, b) = (read!(i.a), read!(i.b));
                let result = if matches!(i.op, Op::AddMod | Op::AddModC) {
                    words::addmod(a, b, modulus)
                } else {
                    words::mulmod(a, b, modulus)
                };
                write!(i.imm as i16, result);
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
            Op::Not => set!(i, words::not(read!(i.a))),
            Op::IsZero => set!(i, words::flag(words::is_zero(read!(i.a)))),
            Op::Clz => set!(i, U256::from(read!(i.a).leading_zeros())),
            Op::Byte => ss!(i, |a, b| words::byte(a, b)),
            Op::ByteAt => set!(i, words::byte_at(read!(i.a), i.imm)),
            Op::SignExtend => ss!(i, |a, b| words::sign_extend(a, b)),
            Op::SignExtendAt => set!(i, words::sign_extend_from(read!(i.a), i.imm)),
            Op::Shl => ss!(i, |a, b| words::shl(a, b)),
            Op::ShlBy => set!(i, words::shl_by(read!(i.a), i.imm)),
            Op::ShlCS => sc!(i, |a, b| words::shl(a, b)),
            Op::Shr => ss!(i, |a, b| words::shr(a, b)),
            Op::ShrBy => set!(i, words::shr_by(read!(i.a), i.imm)),
            Op::Sar => ss!(i, |a, b| words::sar(a, b)),
            Op::SarBy => set!(i, words::sar_by(read!(i.a), i.imm)),
            Op::Mload => {
                forced!(Stop::Walk);
                let offset = reach!(offset!(i.a), 32);
                write!(i.c, load!(offset));
                next!()
            }
            Op::MloadAt => {
                forced!(Stop::Walk);
                let offset = reach!(i.imm, 32);
                write!(i.c, load!(offset));
                next!()
            }
            Op::Mstore => {
                forced!(Stop::Walk);
                let offset = reach!(offset!(i.a), 32);
                store!(offset, read!(i.b));
                next!()
            }
            Op::MstoreC => {
                forced!(Stop::Walk);
                let offset = reach!(offset!(i.a), 32);
                store!(offset, constant!(i.imm));
                next!()
            }
            Op::MstoreAt => {
                forced!(Stop::Walk);
                let offset = reach!(i.imm, 32);
                store!(offset, read!(i.a));
                next!()
            }
            Op::MstoreAtC => {
                forced!(Stop::Walk);
                let offset = reach!(i.imm & 0xffff_ffff, 32);
                store!(offset, constant!(i.imm >> 32));
                next!()
            }
            Op::Mstore8 => {
                forced!(Stop::Walk);
                let offset = reach!(offset!(i.a), 1);
                store_byte!(offset, read!(i.b).byte(0));
                next!()
            }
            Op::CallDataLoad => set!(i, heavy::calldata(&core.message.input, read!(i.a))),
            Op::Gas => {
                // What the block charged for later opcodes is still there.
                set!(i, U256::from(gas + i.imm));
            }
            Op::Heavy => {
                forced!(Stop::Walk);
                let row = &core.table[usize::from(i.flag)];
                if row.writes_state && core.message.is_static {
                    break Stop::Walk;
                }
                let slots = [i.imm as i16, (i.imm >> 16) as i16, (i.imm >> 32) as i16, (i.imm >> 48) as i16];
                let (opcode, operation) = (Opcode(i.flag), row.operation);
                let result = match row.inputs {
                    0 if matches!(operation, Operation::SELFBALANCE | Operation::Custom) => {
                        slow!(opcode, &[])
                    }
                    // Nothing is charged beyond the block, nothing fails and no memory moves.
                    0 => heavy::environment(core, host, operation),
                    1 => slow!(opcode, &[read!(i.a)]),
                    2 => slow!(opcode, &[read!(i.a), read!(i.b)]),
                    inputs => {
                        let [c, d, e, f] = slots.map(|slot| read!(slot));
                        let all = [read!(i.a), read!(i.b), c, d, e, f];
                        slow!(opcode, &all[..usize::from(inputs)])
                    }
                };
                if row.outputs == 1 {
                    write!(i.c, result);
                }
                next!()
            }
        }
    };
    let at = ip.index();
    let height = base.height(bottom);
    frame.gas = gas;
    leave(frame, stop, at, height)
}

/// Leaves the frame as the exact form has it: of instruction `at`, whose block was entered at height `entry`.
#[cold]
#[inline(never)]
fn leave(frame: &mut Frame, stop: Stop, at: u32, entry: usize) -> Result<Option<FrameExit>, HostError> {
    let Frame { core, program, stack, .. } = frame;
    let Some(fast) = program.fast() else { return Ok(None) };
    let moved = |by: i16| entry.saturating_add_signed(isize::from(by));
    let (slots, _) = stack.parts();
    match stop {
        Stop::InPlace(pc, by) => {
            frame.pc = pc;
            frame.stack.set_len(moved(by));
        }
        Stop::Walk => {
            let recovery = recover(program.code(), core.rules, fast, at);
            let items: Vec<U256> = recovery
                .items
                .iter()
                .map(|place| match place {
                    Place::Slot(slot) => slots[moved(*slot)],
                    Place::Constant(value) => *value,
                })
                .collect();
            let low = moved(recovery.low);
            slots[low..low + items.len()].copy_from_slice(&items);
            frame.pc = fast.pc(at);
            frame.gas += recovery.unused_gas;
            frame.stack.set_len(low + items.len());
            #[cfg(feature = "tracing")]
            tracing::trace!(pc = frame.pc, depth = core.message.depth, "left the fast form");
        }
        Stop::Jump(destination, by) => {
            slots[moved(by)] = destination;
            frame.pc = fast.pc(at);
            frame.gas += u64::from(core.table[usize::from(Opcode::JUMP.0)].gas);
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
