//! Writes code, and knows how high the stack is, so that most of what is written can run.

use parallax_primitives::{Opcode, OpcodeTable, Rules, U256};

use crate::{pads::Pads, random::Random};

/// Values that no translation knows.
const READS: [Opcode; 12] = [
    Opcode::ADDRESS,
    Opcode::CALLER,
    Opcode::ORIGIN,
    Opcode::CALLVALUE,
    Opcode::CALLDATASIZE,
    Opcode::GASPRICE,
    Opcode::TIMESTAMP,
    Opcode::NUMBER,
    Opcode::GASLIMIT,
    Opcode::MSIZE,
    Opcode::GAS,
    Opcode::GAS,
];
const BINARY: [Opcode; 21] = [
    Opcode::ADD,
    Opcode::MUL,
    Opcode::SUB,
    Opcode::DIV,
    Opcode::SDIV,
    Opcode::MOD,
    Opcode::SMOD,
    Opcode::SIGNEXTEND,
    Opcode::LT,
    Opcode::GT,
    Opcode::SLT,
    Opcode::SGT,
    Opcode::EQ,
    Opcode::AND,
    Opcode::OR,
    Opcode::XOR,
    Opcode::BYTE,
    Opcode::SHL,
    Opcode::SHR,
    Opcode::SAR,
    Opcode::EXP,
];
const COMPARISONS: [Opcode; 5] = [Opcode::LT, Opcode::GT, Opcode::SLT, Opcode::SGT, Opcode::EQ];
/// Bytes of a pushed destination: enough for the longest code.
const DESTINATION_BYTES: usize = 3;

/// A pushed destination that is not known yet: where its bytes are.
#[derive(Debug)]
pub(crate) struct Forward(usize);

pub(crate) struct Writer {
    pub(crate) code: Vec<u8>,
    pub(crate) random: Random,
    table: &'static OpcodeTable,
    /// Items on the stack, if what was written so far runs from its beginning to its end.
    pub(crate) height: usize,
    /// Items at the bottom that are left alone: a loop's counter.
    floor: usize,
    /// Opcodes that were written, without those of no-ops.
    pub(crate) opcodes: usize,
    /// What is written between them, if anything is.
    pub(crate) pads: Option<Pads>,
}

impl Writer {
    pub(crate) fn new(random: Random, rules: Rules) -> Self {
        let table = rules.opcodes();
        Self { code: Vec::with_capacity(256), random, table, height: 0, floor: 0, opcodes: 0, pads: None }
    }

    pub(crate) fn is_defined(&self, opcode: Opcode) -> bool {
        self.table[usize::from(opcode.0)].is_defined()
    }

    /// Items that may be used.
    pub(crate) fn usable(&self) -> usize {
        self.height.saturating_sub(self.floor)
    }

    pub(crate) fn op(&mut self, opcode: Opcode) {
        // A JUMPDEST may stand in a run, and jumps count on that.
        if let Some(pads) = self.pads.as_mut().filter(|_| opcode != Opcode::JUMPDEST) {
            pads.write(&mut self.code, self.table, self.height.saturating_sub(self.floor));
        }
        let row = &self.table[usize::from(opcode.0)];
        self.height = self.height.saturating_sub(row.inputs.into()) + usize::from(row.outputs);
        self.opcodes += 1;
        self.code.push(opcode.0);
    }

    pub(crate) fn ops(&mut self, opcodes: &[Opcode]) {
        for opcode in opcodes {
            self.op(*opcode);
        }
    }

    /// The opcode, behind as many values as it lacks operands.
    pub(crate) fn run(&mut self, opcode: Opcode) {
        while self.usable() < usize::from(self.table[usize::from(opcode.0)].inputs) {
            self.value();
        }
        self.op(opcode);
    }

    /// The shortest PUSH.
    pub(crate) fn push(&mut self, value: impl TryInto<U256>) {
        let value = value.try_into().unwrap_or_default();
        let bytes = if self.is_defined(Opcode::PUSH0) { value.byte_len() } else { value.byte_len().max(1) };
        self.push_wide(bytes, value);
    }

    /// A PUSH of `bytes` bytes, which hold the value.
    pub(crate) fn push_wide(&mut self, bytes: usize, value: U256) {
        self.op(push_of(bytes));
        self.code.extend(&value.to_be_bytes::<32>()[32 - bytes..]);
    }

    pub(crate) fn push_destination(&mut self, pc: usize) {
        self.push_wide(DESTINATION_BYTES, U256::from(pc));
    }

    /// Pushes a destination that is set later.
    pub(crate) fn push_forward(&mut self) -> Forward {
        self.push_destination(0);
        Forward(self.code.len() - DESTINATION_BYTES)
    }

    /// Sets a destination that was pushed.
    pub(crate) fn set(&mut self, forward: &Forward, pc: usize) {
        let bytes = U256::from(pc).to_be_bytes::<32>();
        self.code[forward.0..forward.0 + DESTINATION_BYTES].copy_from_slice(&bytes[32 - DESTINATION_BYTES..]);
    }

    /// A JUMPDEST; answers where it is.
    pub(crate) fn destination(&mut self) -> usize {
        self.op(Opcode::JUMPDEST);
        self.code.len() - 1
    }

    /// A JUMPDEST for what was pushed.
    pub(crate) fn land(&mut self, forward: &Forward) {
        let pc = self.destination();
        self.set(forward, pc);
    }

    /// DUP1 is 1.
    pub(crate) fn dup(&mut self, item: usize) {
        self.op(numbered(Opcode::DUP1, item));
    }

    pub(crate) fn swap(&mut self, item: usize) {
        self.op(numbered(Opcode::SWAP1, item));
    }

    /// Pushes what only the run knows: the environment, calldata, memory, or an item that lies there.
    pub(crate) fn read(&mut self) {
        match self.random.below(8) {
            0 | 1 => {
                let offset = self.random.below(120);
                self.push(offset);
                self.op(Opcode::CALLDATALOAD);
            }
            2 if self.usable() > 0 => {
                let item = self.random.between(1, self.usable().min(16));
                self.dup(item);
            }
            _ => {
                let read = self.random.pick(&READS);
                self.op(read);
            }
        }
    }

    /// Pushes a constant or a value that only the run knows.
    pub(crate) fn value(&mut self) {
        match self.random.below(9) {
            0..=3 => self.constant(),
            4 => self.op(Opcode::PC),
            _ => self.read(),
        }
    }

    pub(crate) fn constant(&mut self) {
        let word = self.random.word();
        self.push(word);
    }

    pub(crate) fn unary(&mut self) {
        let opcode = self.random.pick(&[Opcode::ISZERO, Opcode::NOT, Opcode::NOT, Opcode::CLZ]);
        self.run(if self.is_defined(opcode) { opcode } else { Opcode::NOT });
    }

    pub(crate) fn binary(&mut self) {
        let opcode = self.random.pick(&BINARY);
        let is_dear = opcode == Opcode::EXP && !self.random.once_in(4);
        self.run(if self.is_defined(opcode) && !is_dear { opcode } else { Opcode::SUB });
    }

    /// Opcodes that bring items out of their places, and results onto new tops.
    pub(crate) fn storm(&mut self, opcodes: usize) {
        for _ in 0..opcodes {
            let usable = self.usable().min(17);
            match self.random.below(16) {
                0..=4 if usable > 1 => {
                    let item = self.random.between(1, usable - 1);
                    self.swap(item);
                }
                5..=7 if usable > 0 => {
                    let item = self.random.between(1, usable.min(16));
                    self.dup(item);
                }
                8..=10 => self.unary(),
                11 | 12 => self.binary(),
                13 if usable > 2 => self.op(Opcode::POP),
                _ => self.value(),
            }
        }
    }

    /// A condition of a jump: a comparison or none, ISZEROs behind it.
    pub(crate) fn condition(&mut self) {
        if !self.random.once_in(8) {
            match self.random.below(4) {
                0 => self.constant(),
                1 => {
                    self.constant();
                    if self.usable() > 1 {
                        self.swap(1);
                    }
                }
                _ => {}
            }
            let comparison = self.random.pick(&COMPARISONS);
            self.run(comparison);
        }
        for _ in 0..self.random.below(4) {
            self.run(Opcode::ISZERO);
        }
        if self.random.once_in(12) {
            self.run(Opcode::DUP1);
            self.swap(1);
        }
    }

    /// A conditional jump over some opcodes, so that it is seen which way it went.
    pub(crate) fn branch(&mut self) {
        while self.usable() < 3 {
            self.read();
        }
        self.condition();
        let over = self.push_forward();
        self.op(Opcode::JUMPI);
        for _ in 0..self.random.below(3) {
            self.op(Opcode::PC);
            self.op(Opcode::POP);
        }
        self.land(&over);
    }

    /// Brings the stack to this height.
    pub(crate) fn level(&mut self, height: usize) {
        while self.height > height {
            self.op(Opcode::POP);
        }
        while self.height < height {
            self.read();
        }
    }

    /// A loop of so many turns, by a counter that the body leaves alone. The stack is one higher behind it.
    pub(crate) fn repeat(&mut self, turns: usize, body: impl FnOnce(&mut Self)) {
        self.push(turns);
        let start = self.destination();
        let (floor, height) = (self.floor, self.height);
        self.floor = height;
        body(self);
        self.level(height);
        self.floor = floor;
        self.push(1);
        self.ops(&[Opcode::SWAP1, Opcode::SUB, Opcode::DUP1]);
        self.push_destination(start);
        self.op(Opcode::JUMPI);
    }
}

/// The PUSH of so many bytes.
pub(crate) fn push_of(bytes: usize) -> Opcode {
    numbered(Opcode::PUSH0, bytes + 1)
}

/// The opcode `number - 1` behind the first of a row.
fn numbered(first: Opcode, number: usize) -> Opcode {
    Opcode(first.0 + u8::try_from(number - 1).unwrap_or(0))
}
