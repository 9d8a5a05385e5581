//! Translation of code to the fast form, block by block, and the recovery of the exact form from it.
//!
//! A block is walked with a symbolic stack: each item is a constant or a slot. PUSH, DUP, SWAP and POP only change that
//! stack. A slot is written only when no item is in it any more; so at every opcode the exact stack can be found again, by
//! walking the block a second time up to there ([`recover`]). Both walks are the same code, so they agree.
//!
//! Invariant: the work is linear in the code, whatever it is: a block's window is only as large as its opcodes reach. A
//! recovery walks no opcode that the block's header has not charged for.

mod settle;

use std::collections::VecDeque;

use parallax_primitives::{GasSchedule, Opcode, OpcodeTable, Rules, U256};

use crate::{
    code::PaddedCode,
    fast_code::FastCode,
    fold,
    form::{Block, Instr, JUMPABLE, MAX_TRANSLATED, Op, Parts, Place, Recovery, TEMPORARIES},
    lowering::{Form, Shape, shape},
    verify::Malformed,
};

/// A block is split behind so many opcodes, or when the stack is so far from its entry: operands are 16 bits.
const MAX_OPCODES: u32 = 4000;
const MAX_REACH: i16 = 1000;
/// The most temporaries one opcode takes, and the moves at a block's end.
const SPARE_TEMPORARIES: usize = 16;
/// A block is split before an opcode that reaches so far below its entry: no stack has so many items.
const DEEPEST: i16 = 1024;
/// Items that DUP16 and SWAP16 reach at most: from [`MAX_REACH`] below the entry that does not come to [`DEEPEST`].
const SHALLOW: u8 = 17;
/// Slots below the entry that a block can reach.
const BELOW: i16 = 1056;

/// A symbolic stack item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sym {
    Slot(i16),
    /// Index in the pool.
    Const(u32),
}

/// How a block ended.
enum End {
    /// The next block begins at this pc.
    Next(usize),
    /// What follows is reached by jumps alone.
    Dead(usize),
}

/// Translates `code` under `rules`. An error is a code above [`MAX_TRANSLATED`], prices beyond what a block adds up, or a mistake of this crate that
/// verification found: the code then has no fast form.
pub fn translate(code: &PaddedCode, rules: impl Into<Rules>) -> Result<FastCode, Malformed> {
    let rules = rules.into();
    if code.len() > MAX_TRANSLATED {
        return Err(Malformed::TooLong(code.len()));
    }
    if is_too_dear(code, rules) {
        return Err(Malformed::TooDear);
    }
    FastCode::verified(parts(code, rules), code, rules)
}

/// Whether an author's prices could take a block's gas beyond the 32 bits that it has: that of JUMPDEST, as a run of them has no bound
/// but the code's end, or that of a byte of an exponent that is constant.
fn is_too_dear(code: &PaddedCode, rules: Rules) -> bool {
    let destination = u64::from(rules.opcodes()[usize::from(Opcode::JUMPDEST.0)].gas);
    destination * code.len() as u64 > 1 << 31 || rules.gas().exp_byte > 4096
}

pub(crate) fn parts(code: &PaddedCode, rules: Rules) -> Parts {
    let mut translator = Translator::new(code, rules);
    let mut entries = vec![0u32; code.bytes().len()].into_boxed_slice();
    let (mut blocks, mut rejoins) = (Vec::new(), Vec::new());
    let mut pc = 0;
    while pc <= code.len() {
        let first = translator.out.len();
        entries[pc] = entry_word(code, pc, first);
        let start = pc;
        let end = translator.block(start);
        let (gas, run) = (translator.used_gas, index(translator.run));
        blocks.push(Block { first: index(first), pc: index(start), gas, run });
        rejoins.extend((1..translator.run).map(|back| (start + back, back, first)));
        pc = match end {
            End::Next(pc) => pc,
            End::Dead(mut pc) => {
                while pc < code.len() && !code.is_jumpdest(pc) {
                    pc += 1 + Opcode(code.bytes()[pc]).push_data();
                }
                if pc >= code.len() {
                    break;
                }
                pc
            }
        };
    }
    // The implied STOP ends the stream, whatever the last block does.
    translator.put(code.len(), Instr { op: Op::Exit, flag: 0, a: 0, b: 0, c: 0, imm: code.len() as u64 });
    // The other destinations of a run of them: they give back what the header charges for the ones before. They stand
    // behind all blocks, for a block may fall into the next one.
    let each = u64::from(translator.table[usize::from(Opcode::JUMPDEST.0)].gas);
    for (pc, back, header) in rejoins {
        entries[pc] = entry_word(code, pc, translator.out.len());
        let imm = u64::from(index(header)) | (back as u64 * each) << 32;
        translator.put(pc, Instr { op: Op::Rejoin, flag: 0, a: 0, b: 0, c: 0, imm });
    }
    for (instr, target) in &translator.fixups {
        let target = (entries[*target] & !JUMPABLE) - 1;
        translator.out[*instr].imm |= u64::from(target);
    }
    Parts {
        instrs: translator.out.into_boxed_slice(),
        pool: translator.pool.into_boxed_slice(),
        entries,
        pcs: translator.pcs.into_boxed_slice(),
        blocks: blocks.into_boxed_slice(),
    }
}

/// What the exact form has before the opcode that instruction `instr` of `fast` came from. `fast` is the translation of
/// `code` under `rules`.
pub fn recover(code: &PaddedCode, rules: impl Into<Rules>, fast: &FastCode, instr: u32) -> Recovery {
    Recoveries::new(code, rules.into(), fast, instr).at(instr)
}

/// [`recover`] at instructions of one block, one after the other, in one walk.
pub(crate) struct Recoveries<'a> {
    translator: Translator<'a>,
    fast: &'a FastCode,
    block: Block,
}

impl<'a> Recoveries<'a> {
    /// For instructions of the block that `instr` is in.
    pub(crate) fn new(code: &'a PaddedCode, rules: Rules, fast: &'a FastCode, instr: u32) -> Self {
        let block = fast.block_of(instr);
        let mut translator = Translator::new(code, rules);
        translator.enter(block.pc as usize, block.run as usize);
        Self { translator, fast, block }
    }

    /// At an instruction that is not before those which were asked for.
    pub(crate) fn at(&mut self, instr: u32) -> Recovery {
        let (translator, stop) = (&mut self.translator, self.fast.pc(instr));
        while translator.pc != stop && translator.step().is_none() {}
        let place = |sym: &Sym| match sym {
            Sym::Slot(slot) => Place::Slot(*slot),
            Sym::Const(constant) => Place::Constant(translator.pool[*constant as usize]),
        };
        Recovery {
            unused_gas: u64::from(self.block.gas) - u64::from(translator.used_gas),
            low: translator.low,
            items: translator.window.iter().map(place).collect(),
        }
    }
}

fn index(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Push data as a word; most of it is short.
#[inline]
fn number(data: &[u8]) -> U256 {
    if data.len() > 8 {
        return U256::from_be_slice(data);
    }
    U256::from(data.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn entry_word(code: &PaddedCode, pc: usize, instr: usize) -> u32 {
    let jumpable = if code.is_jumpdest(pc) { JUMPABLE } else { 0 };
    (index(instr) + 1) | jumpable
}

struct Translator<'a> {
    code: &'a PaddedCode,
    rules: Rules,
    table: &'static OpcodeTable,
    schedule: &'static GasSchedule,
    out: Vec<Instr>,
    pcs: Vec<u32>,
    pool: Vec<U256>,
    /// Jumps whose target is a pc still.
    fixups: Vec<(usize, usize)>,
    /// The stack from position `low` on.
    window: VecDeque<Sym>,
    low: i16,
    /// How many items are in each slot, from `-BELOW` on; an item below the window is in its own.
    refs: Vec<u16>,
    free: Vec<i16>,
    next_temporary: i16,
    /// One above the highest slot of the stack that was used.
    highest: i16,
    used_gas: u32,
    /// Items that the block needs, and its growth.
    need: i16,
    growth: i16,
    /// Opcodes behind the jump destinations.
    opcodes: u32,
    /// Where GAS is read, and what was used by then.
    gas_reads: Vec<(usize, u32)>,
    /// Jump destinations at the block's start.
    run: usize,
    pc: usize,
    first: usize,
}

impl<'a> Translator<'a> {
    fn new(code: &'a PaddedCode, rules: Rules) -> Self {
        Self {
            code,
            rules,
            table: rules.opcodes(),
            schedule: rules.gas(),
            out: Vec::new(),
            pcs: Vec::new(),
            pool: Vec::new(),
            fixups: Vec::new(),
            window: VecDeque::new(),
            low: 0,
            refs: vec![0; at(TEMPORARIES.end)],
            free: Vec::new(),
            next_temporary: TEMPORARIES.start,
            highest: 0,
            used_gas: 0,
            need: 0,
            growth: 0,
            opcodes: 0,
            gas_reads: Vec::new(),
            run: 0,
            pc: 0,
            first: 0,
        }
    }

    /// Walks one block.
    fn block(&mut self, start: usize) -> End {
        self.enter(start, (start..).take_while(|pc| self.code.is_jumpdest(*pc)).count());
        let end = loop {
            if let Some(end) = self.step() {
                break end;
            }
        };
        for (instr, used) in self.gas_reads.drain(..) {
            self.out[instr].imm = u64::from(self.used_gas - used);
        }
        let header = &mut self.out[self.first];
        (header.imm, header.a, header.b) = (u64::from(self.used_gas), self.need, self.growth);
        end
    }

    /// Goes to a block's start, behind the `run` of jump destinations that it begins with: who enters at the last of them has
    /// not paid for the others.
    fn enter(&mut self, start: usize, run: usize) {
        self.reset();
        self.run = run;
        self.pc = start + run;
        self.used_gas = index(run) * u32::from(self.table[usize::from(Opcode::JUMPDEST.0)].gas);
        self.first = self.out.len();
        self.put(start, Instr { op: Op::Enter, flag: 0, a: 0, b: 0, c: 0, imm: 0 });
    }

    /// Walks one opcode, or ends the block before it.
    fn step(&mut self) -> Option<End> {
        let opcode = Opcode(self.code.bytes()[self.pc]);
        let row = self.table[usize::from(opcode.0)];
        let height = self.height();
        let Shape { form, inputs: items, outputs, behind } = shape(self.rules, self.code, self.pc);
        let (inputs, outputs) = (i16::from(items), i16::from(outputs));
        let split = self.opcodes >= MAX_OPCODES
            || !(-MAX_REACH..MAX_REACH).contains(&height)
            || self.low < -MAX_REACH
            || items > SHALLOW && inputs - height > DEEPEST
            || self.spare_temporaries() < SPARE_TEMPORARIES;
        // First, whether the block ends here for good: behind the code's end stands the implied STOP, and a block that was
        // split there would fall into nothing.
        if matches!(form, Form::Ends | Form::Leaves) {
            self.settle();
            self.emit(Op::Exit, self.pc as u64, 0, 0, self.height());
            let next = self.pc + 1;
            return Some(if form == Form::Leaves { End::Next(next) } else { End::Dead(next) });
        }
        if split || (self.code.is_jumpdest(self.pc)) {
            self.settle();
            if self.height() != 0 {
                self.emit(Op::Fall, 0, 0, 0, self.height());
            }
            return Some(End::Next(self.pc));
        }
        self.opcodes += 1;
        if matches!(form, Form::Jump | Form::JumpIf) {
            let target = self.constant_target();
            if form == Form::JumpIf && target.is_none() {
                self.settle();
                self.emit(Op::Exit, self.pc as u64, 0, 0, self.height());
                return Some(End::Next(self.pc + 1));
            }
            self.need = self.need.max(inputs - height);
            self.used_gas += u32::from(row.gas);
            return Some(if form == Form::Jump { self.jump(target) } else { self.jump_if(target) });
        }
        self.need = self.need.max(inputs - height);
        self.growth = self.growth.max(height - inputs + outputs);
        self.used_gas += u32::from(row.gas);
        self.opcode(opcode, form, items.into());
        self.pc += 1 + behind;
        None
    }

    fn reset(&mut self) {
        self.refs[at(self.low)..at(self.highest)].fill(0);
        self.refs[at(TEMPORARIES.start)..at(self.next_temporary)].fill(0);
        self.window.clear();
        self.free.clear();
        (self.low, self.highest, self.next_temporary) = (0, 0, TEMPORARIES.start);
        (self.used_gas, self.need, self.growth, self.opcodes) = (0, 0, 0, 0);
    }

    /// Position of the next item, relative to the entry.
    fn height(&self) -> i16 {
        self.low + i16::try_from(self.window.len()).unwrap_or(i16::MAX)
    }

    fn spare_temporaries(&self) -> usize {
        self.free.len() + usize::try_from(TEMPORARIES.end - self.next_temporary).unwrap_or(0)
    }

    /// Makes the window at least `items` high.
    fn reach(&mut self, items: usize) {
        while self.window.len() < items {
            self.low -= 1;
            self.window.push_front(Sym::Slot(self.low));
            self.refs[at(self.low)] += 1;
        }
    }

    /// The topmost item, `depth` items down.
    fn peek(&mut self, depth: usize) -> Sym {
        self.reach(depth + 1);
        self.window[self.window.len() - 1 - depth]
    }

    /// Takes the topmost item off the stack. Its slot stays taken until it is released.
    fn take(&mut self) -> Sym {
        let sym = self.peek(0);
        self.window.pop_back();
        sym
    }

    fn release(&mut self, sym: Sym) {
        if let Sym::Slot(slot) = sym {
            self.refs[at(slot)] -= 1;
            if slot >= TEMPORARIES.start && self.refs[at(slot)] == 0 {
                self.free.push(slot);
            }
        }
    }

    /// Undoes [`Translator::release`].
    fn hold(&mut self, slot: i16) {
        self.refs[at(slot)] += 1;
        self.free.retain(|free| *free != slot);
    }

    #[inline]
    fn push(&mut self, sym: Sym) {
        if let Sym::Slot(slot) = sym {
            self.refs[at(slot)] += 1;
        }
        self.window.push_back(sym);
        self.highest = self.highest.max(self.height());
    }

    #[inline]
    fn push_constant(&mut self, value: U256) {
        self.pool.push(value);
        self.push(Sym::Const(index(self.pool.len() - 1)));
    }

    /// A slot for a new item on top: its own, if nothing is in it.
    fn new_slot(&mut self) -> i16 {
        let own = self.height();
        if self.refs[at(own)] == 0 { own } else { self.temporary() }
    }

    fn temporary(&mut self) -> i16 {
        self.free.pop().unwrap_or_else(|| {
            self.next_temporary += 1;
            self.next_temporary - 1
        })
    }

    fn put(&mut self, pc: usize, instr: Instr) {
        self.out.push(instr);
        self.pcs.push(index(pc));
    }

    fn emit(&mut self, op: Op, imm: u64, a: i16, b: i16, c: i16) {
        self.put(self.pc, Instr { op, flag: 0, a, b, c, imm });
    }

    fn value(&self, sym: Sym) -> Option<U256> {
        match sym {
            Sym::Const(constant) => Some(self.pool[constant as usize]),
            Sym::Slot(_) => None,
        }
    }

    /// The operand in a slot; a constant is put into a temporary, which is to be released too.
    fn in_slot(&mut self, sym: &mut Sym) -> i16 {
        match *sym {
            Sym::Slot(slot) => slot,
            Sym::Const(constant) => {
                let slot = self.temporary();
                self.refs[at(slot)] += 1;
                self.emit(Op::Const, u64::from(constant), slot, 0, 0);
                *sym = Sym::Slot(slot);
                slot
            }
        }
    }

    #[inline(always)] // called once, for each opcode of a code
    fn opcode(&mut self, opcode: Opcode, form: Form, inputs: usize) {
        match form {
            Form::Push => {
                let data = &self.code.bytes()[self.pc + 1..][..opcode.push_data()];
                self.push_constant(number(data));
            }
            Form::Pop => {
                let sym = self.take();
                self.release(sym);
            }
            Form::Copy => {
                let sym = self.peek(inputs - 1);
                self.push(sym);
            }
            Form::Exchange(upper) => {
                self.reach(inputs);
                let above = self.window.len();
                self.window.swap(above - usize::from(upper), above - inputs);
            }
            Form::Pc => self.push_constant(U256::from(self.pc)),
            Form::CodeSize => self.push_constant(U256::from(self.code.len())),
            Form::Gas => {
                self.gas_reads.push((self.out.len(), self.used_gas));
                let slot = self.new_slot();
                self.emit(Op::Gas, 0, 0, 0, slot);
                self.push(Sym::Slot(slot));
            }
            Form::Memory => self.memory(opcode),
            Form::CallDataLoad => self.unary(Op::CallDataLoad),
            Form::Unary(op) => self.unary(op),
            Form::Binary => self.binary(opcode),
            Form::Modular => self.modular(opcode),
            Form::Heavy => self.heavy(opcode),
            // The others end the block before this is asked.
            Form::JumpDest | Form::Ends | Form::Leaves | Form::Jump | Form::JumpIf | Form::Deep => {}
        }
    }

    fn unary(&mut self, op: Op) {
        let mut operand = self.take();
        if let Some(value) = self.value(operand).and_then(|value| fold::unary(op, value)) {
            return self.push_constant(value);
        }
        let a = self.in_slot(&mut operand);
        self.release(operand);
        self.result(op, 0, a, 0);
    }

    /// Emits an instruction whose result goes to `c` and onto the stack. Its operands are released.
    fn result(&mut self, op: Op, imm: u64, a: i16, b: i16) {
        let slot = self.new_slot();
        self.emit(op, imm, a, b, slot);
        self.push(Sym::Slot(slot));
    }

    fn binary(&mut self, opcode: Opcode) {
        let (a, b) = (self.take(), self.take());
        if let (Some(x), Some(y)) = (self.value(a), self.value(b))
            && let Some(value) = fold::binary(opcode, x, y)
        {
            if opcode == Opcode::EXP {
                self.used_gas += self.exponent_gas(y);
            }
            return self.push_constant(value);
        }
        if self.strength(opcode, a, b) {
            return;
        }
        // GT and SGT are LT and SLT with their operands changed round.
        let (opcode, mut a, mut b) = match opcode {
            Opcode::GT => (Opcode::LT, b, a),
            Opcode::SGT => (Opcode::SLT, b, a),
            _ => (opcode, a, b),
        };
        let Some(forms) = fold::forms(opcode) else { return };
        if forms.commutes && matches!(a, Sym::Const(_)) {
            (a, b) = (b, a);
        }
        match (a, b) {
            (Sym::Slot(x), Sym::Const(k)) if forms.sc.is_some() => {
                self.release(a);
                self.result(forms.sc.unwrap_or(forms.ss), u64::from(k), x, 0);
            }
            (Sym::Const(k), Sym::Slot(y)) if forms.cs.is_some() => {
                self.release(b);
                self.result(forms.cs.unwrap_or(forms.ss), u64::from(k), 0, y);
            }
            _ => {
                let (x, y) = (self.in_slot(&mut a), self.in_slot(&mut b));
                self.release(a);
                self.release(b);
                self.result(forms.ss, 0, x, y);
            }
        }
    }

    /// Cheaper instructions for constant operands.
    fn strength(&mut self, opcode: Opcode, a: Sym, b: Sym) -> bool {
        let short = |value: Option<U256>, limit: u64| {
            value.filter(|value| *value < U256::from(limit)).map(|value| value.saturating_to::<u64>())
        };
        let power = |value: Option<U256>| {
            value.filter(|value| value.count_ones() == 1).map(|value| value.trailing_zeros() as u64)
        };
        let (x, y) = (self.value(a), self.value(b));
        let chosen = match opcode {
            Opcode::SHL => short(x, 256).map(|by| (Op::ShlBy, b, by)),
            Opcode::SHR => short(x, 256).map(|by| (Op::ShrBy, b, by)),
            Opcode::SAR => short(x, 256).map(|by| (Op::SarBy, b, by)),
            Opcode::BYTE => short(x, 32).map(|at| (Op::ByteAt, b, at)),
            Opcode::SIGNEXTEND => short(x, 31).map(|at| (Op::SignExtendAt, b, at)),
            Opcode::MUL => {
                power(x).map(|by| (Op::ShlBy, b, by)).or_else(|| power(y).map(|by| (Op::ShlBy, a, by)))
            }
            Opcode::DIV => power(y).map(|by| (Op::ShrBy, a, by)),
            _ => None,
        };
        let Some((op, operand, imm)) = chosen else { return false };
        let Sym::Slot(slot) = operand else { return false };
        self.release(operand);
        self.result(op, imm, slot, 0);
        true
    }

    fn exponent_gas(&self, exponent: U256) -> u32 {
        u32::try_from(self.schedule.exp_byte * exponent.byte_len() as u64).unwrap_or(u32::MAX)
    }

    fn modular(&mut self, opcode: Opcode) {
        let (mut a, mut b, mut modulus) = (self.take(), self.take(), self.take());
        let (x, y) = (self.in_slot(&mut a), self.in_slot(&mut b));
        let is_add = opcode == Opcode::ADDMOD;
        let (op, constant, m) = match modulus {
            Sym::Const(k) => (if is_add { Op::AddModC } else { Op::MulModC }, u64::from(k) << 32, 0),
            Sym::Slot(_) => (if is_add { Op::AddMod } else { Op::MulMod }, 0, self.in_slot(&mut modulus)),
        };
        for sym in [a, b, modulus] {
            self.release(sym);
        }
        let slot = self.new_slot();
        self.emit(op, constant | quarter(slot), x, y, m);
        self.push(Sym::Slot(slot));
    }

    #[inline]
    fn memory(&mut self, opcode: Opcode) {
        let mut offset = self.take();
        let near = self.value(offset).and_then(|offset| u32::try_from(offset).ok()).map(u64::from);
        if opcode == Opcode::MLOAD {
            if let Some(offset) = near {
                return self.result(Op::MloadAt, offset, 0, 0);
            }
            let a = self.in_slot(&mut offset);
            self.release(offset);
            return self.result(Op::Mload, 0, a, 0);
        }
        let mut value = self.take();
        match (near, value) {
            (Some(offset), Sym::Slot(a)) if opcode == Opcode::MSTORE => {
                self.emit(Op::MstoreAt, offset, a, 0, 0);
            }
            (Some(offset), Sym::Const(k)) if opcode == Opcode::MSTORE => {
                self.emit(Op::MstoreAtC, offset | u64::from(k) << 32, 0, 0, 0);
            }
            (None, Sym::Const(k)) if opcode == Opcode::MSTORE => {
                let a = self.in_slot(&mut offset);
                self.emit(Op::MstoreC, u64::from(k), a, 0, 0);
            }
            _ => {
                let (a, b) = (self.in_slot(&mut offset), self.in_slot(&mut value));
                let op = if opcode == Opcode::MSTORE { Op::Mstore } else { Op::Mstore8 };
                self.emit(op, 0, a, b, 0);
            }
        }
        self.release(offset);
        self.release(value);
    }

    fn heavy(&mut self, opcode: Opcode) {
        let row = self.table[usize::from(opcode.0)];
        if opcode == Opcode::EXP && matches!((self.peek(0), self.peek(1)), (Sym::Const(_), Sym::Const(_))) {
            return self.binary(opcode);
        }
        let mut operands: Vec<Sym> = (0..row.inputs).map(|_| self.take()).collect();
        let mut slots = [0i16; 6];
        for (slot, operand) in slots.iter_mut().zip(&mut operands) {
            *slot = self.in_slot(operand);
        }
        for operand in operands {
            self.release(operand);
        }
        let [a, b, rest @ ..] = slots;
        let imm = rest.iter().rev().fold(0, |imm, slot| imm << 16 | quarter(*slot));
        let result = if row.outputs == 1 { self.new_slot() } else { 0 };
        self.put(self.pc, Instr { op: Op::Heavy, flag: opcode.0, a, b, c: result, imm });
        if row.outputs == 1 {
            self.push(Sym::Slot(result));
        }
    }

    /// The destination on top of the stack, if it is constant and valid.
    fn constant_target(&mut self) -> Option<usize> {
        let top = self.peek(0);
        let target = usize::try_from(self.value(top)?).ok()?;
        self.code.is_jumpdest(target).then_some(target)
    }

    fn jump(&mut self, target: Option<usize>) -> End {
        let mut destination = self.take();
        if let Some(target) = target {
            self.settle();
            self.fixups.push((self.out.len(), target));
            self.emit(Op::Jump, 0, 0, 0, self.height());
        } else {
            let slot = self.in_slot(&mut destination);
            let slot = self.protect(slot);
            self.settle();
            self.emit(Op::JumpTo, 0, slot, 0, self.height());
        }
        End::Dead(self.pc + 1)
    }

    fn jump_if(&mut self, target: Option<usize>) -> End {
        self.take();
        let mut condition = self.take();
        let slot = self.in_slot(&mut condition);
        let mut instr = Instr { op: Op::JumpIf, flag: 0, a: slot, b: 0, c: 0, imm: 0 };
        // ISZERO and a comparison just before are part of the jump, if nothing else needs their results.
        while instr.op == Op::JumpIf
            && self.refs[at(instr.a)] == 1
            && let Some(last) = self.last_into(instr.a)
        {
            if let Some(op) = fold::fused(last.op) {
                (instr.op, instr.a, instr.b, instr.imm) = (op, last.a, last.b, last.imm << 32);
            } else {
                instr.a = last.a;
                instr.flag ^= 1;
            }
            self.take_back(last.c, instr);
        }
        instr.a = if fold::reads_a(instr.op) { self.protect(instr.a) } else { 0 };
        instr.b = if fold::reads_b(instr.op) { self.protect(instr.b) } else { 0 };
        self.settle();
        instr.c = self.height();
        if let Some(target) = target {
            self.fixups.push((self.out.len(), target));
        }
        self.put(self.pc, instr);
        End::Next(self.pc + 1)
    }

    /// Takes back the last instruction, which wrote `result`: `jump` is to read its operands in its stead. They were released
    /// when it was emitted, and must be nobody's to write until the jump.
    fn take_back(&mut self, result: i16, jump: Instr) {
        self.out.pop();
        self.pcs.pop();
        self.release(Sym::Slot(result));
        if fold::reads_a(jump.op) {
            self.hold(jump.a);
        }
        if fold::reads_b(jump.op) {
            self.hold(jump.b);
        }
    }

    /// The block's last instruction, if its result is in `slot`.
    fn last_into(&self, slot: i16) -> Option<Instr> {
        let last = *self.out.last()?;
        let has_result = last.op == Op::IsZero || fold::fused(last.op).is_some();
        (has_result && last.c == slot).then_some(last)
    }
}

/// A slot as 16 bits of an immediate.
fn quarter(slot: i16) -> u64 {
    u64::from(slot.cast_unsigned())
}

/// Index of a slot in `refs`.
fn at(slot: i16) -> usize {
    usize::try_from(slot + BELOW).unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]
mod tests {
    use parallax_primitives::{Fork, hex};

    use super::*;

    #[track_caller]
    fn forms(code: &[u8]) -> (PaddedCode, FastCode) {
        let code = PaddedCode::new(code);
        let fast = translate(&code, Fork::Osaka).unwrap();
        (code, fast)
    }

    #[track_caller]
    fn check(code: &[u8], expected: &[Op]) {
        let (_, fast) = forms(code);
        let ops: Vec<Op> = fast.instrs().iter().map(|instr| instr.op).collect();
        // Behind the blocks stands the implied STOP.
        assert_eq!(ops.split_last(), Some((&Op::Exit, expected)));
    }

    #[test]
    fn moves_vanish_and_pairs_fuse() {
        check(&[], &[Op::Enter, Op::Exit]);
        check(&hex!("80 50 90 90 00"), &[Op::Enter, Op::Exit]);
        check(&hex!("01 6001 01 00"), &[Op::Enter, Op::AddSS, Op::AddSC, Op::Exit]);
        // Two items change places: a cycle goes through a temporary.
        check(&hex!("90 00"), &[Op::Enter, Op::Move2, Op::Move, Op::Exit]);
        // LT ISZERO PUSH1 0 JUMPI behind a JUMPDEST.
        check(&hex!("5b 10 15 6000 57 00"), &[Op::Enter, Op::JumpIfLtSS, Op::Enter, Op::Exit]);
        // The comparison is needed behind the jump too.
        check(&hex!("5b 10 80 6000 57 00"), &[Op::Enter, Op::LtSS, Op::JumpIf, Op::Enter, Op::Exit]);
        // DIV by a power of two, and a constant that no instruction takes.
        check(&hex!("6010 90 04 00"), &[Op::Enter, Op::ShrBy, Op::Exit]);
        check(&hex!("6007 0b 00"), &[Op::Enter, Op::SignExtendAt, Op::Exit]);
        check(&hex!("6107d0 05 00"), &[Op::Enter, Op::Const, Op::SdivSS, Op::Exit]);
    }

    #[test]
    fn a_run_of_jump_destinations_has_one_header() {
        let (_, fast) = forms(&hex!("5b5b5b 00"));
        assert_eq!(fast.entry(0), Some(0));
        let rejoin =
            |pc: u64| fast.jump(pc).map(|instr| fast.instrs()[instr as usize]).map(|i| (i.op, i.imm >> 32));
        assert_eq!(rejoin(1), Some((Op::Rejoin, 1)));
        assert_eq!(rejoin(2), Some((Op::Rejoin, 2)));
        assert_eq!((fast.jump(3), fast.entry(3)), (None, None));
        assert_eq!(fast.instrs()[0].imm, 3);
    }

    /// At every instruction of the middle of a block recovery finds the items and the gas.
    #[test]
    fn recovery_finds_every_item() {
        // PUSH1 5, DUP2, MLOAD, SWAP2, ADD, MLOAD
        let (code, fast) = forms(&hex!("6005 81 51 91 01 51 00"));
        let recovered: Vec<(Op, Recovery)> = (1..4)
            .map(|instr| (fast.instrs()[instr as usize].op, recover(&code, Fork::Osaka, &fast, instr)))
            .collect();
        let five = Place::Constant(U256::from(5));
        let slot = Place::Slot;
        let expected = [
            (Op::Mload, vec![slot(-1), five, slot(-1)]),
            (Op::AddSC, vec![slot(1), five, slot(-1)]),
            (Op::Mload, vec![slot(1), slot(0)]),
        ];
        for ((op, recovery), (expected_op, items)) in recovered.iter().zip(expected) {
            assert_eq!((*op, recovery.low), (expected_op, -1));
            assert_eq!(recovery.items, items);
        }
        let unused: Vec<u64> = recovered.iter().map(|(_, recovery)| recovery.unused_gas).collect();
        // Six opcodes of 3 gas; two, four and five of them came before.
        assert_eq!(unused, [12, 6, 3]);
    }

    #[test]
    fn translation_is_linear() {
        for unit in [&hex!("5b")[..], &hex!("5b50"), &hex!("6001"), &hex!("9f80"), &hex!("8f"), &hex!("5b57")]
        {
            let code: Vec<u8> = unit.iter().copied().cycle().take(24_576).collect();
            let (_, fast) = forms(&code);
            assert!(
                fast.instrs().len() <= 4 * code.len(),
                "{} instructions of {unit:x?}",
                fast.instrs().len()
            );
        }
    }
}
