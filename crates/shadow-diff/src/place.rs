//! Where two runs part, as a value.

use parallax_primitives::{Address, Message, MessageKind, Opcode, Rules};

use crate::StepSide;

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// At an opcode.
    Step {
        /// Its number in the transaction, all frames, from 0.
        index: u64,
        /// The watched side's opcode, and what it has of it.
        step: StepSide,
        /// Whether it has run: then what it left differs, else what it finds.
        is_over: bool,
        /// The messages around it, from the transaction's own down to its frame's.
        path: Vec<PathItem>,
    },
    /// At the entry of a basic block.
    Block {
        /// Its number: block entries are counted over all frames, from 0.
        index: u64,
        /// Offset of the entry in the code.
        pc: usize,
        /// The messages around it.
        path: Vec<PathItem>,
        /// What wrote the value that differs, of the opcodes since the entry before, if it can be told. No opcode run one by
        /// one differs: it is the block's fast form that does.
        suspect: Option<Suspect>,
    },
    /// At a message.
    Message {
        /// Its number: messages are counted in the order they begin, from 0.
        index: usize,
        /// Whether it is over: then its outcome differs, else the message itself.
        is_over: bool,
        /// The messages around it, from the transaction's own down to itself.
        path: Vec<PathItem>,
    },
    /// In what the transaction as a whole came to.
    Transaction,
    /// In the state after it.
    PostState,
    /// In the rules of the block around it, which are each side's own.
    BlockRules,
}

impl Place {
    /// [`Place::path`] for a person: of a long one the first two and the last five, and between them how many are left out.
    pub fn path_rows(&self) -> Vec<String> {
        const FIRST: usize = 2;
        const LAST: usize = 5;
        let path = self.path();
        let hidden = path.len().saturating_sub(FIRST + LAST);
        if hidden <= 1 {
            return path.iter().map(ToString::to_string).collect();
        }
        let row = ToString::to_string;
        let mut rows: Vec<_> = path[..FIRST].iter().map(row).collect();
        rows.push(format!(".. and {hidden} more"));
        rows.extend(path[FIRST + hidden..].iter().map(row));
        rows
    }

    /// The messages around it, from the transaction's own down; empty where it is in none.
    pub fn path(&self) -> &[PathItem] {
        match self {
            Place::Step { path, .. } | Place::Block { path, .. } | Place::Message { path, .. } => path,
            Place::Transaction | Place::PostState | Place::BlockRules => &[],
        }
    }
}

/// The opcode that last wrote what differs at a block entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Its number in the transaction.
    pub index: u64,
    /// Its offset in the code.
    pub pc: usize,
    /// What it is.
    pub opcode: Opcode,
    /// The rules that it ran under.
    pub rules: Rules,
}

/// One message on the way to the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathItem {
    /// Its number.
    pub index: usize,
    /// What sent it.
    pub kind: MessageKind,
    /// The account whose code runs; for a creation the new account.
    pub address: Address,
}

impl PathItem {
    /// Message number `index` of its transaction.
    pub fn new(index: usize, message: &Message) -> Self {
        let address = if message.kind.is_create() { message.address } else { message.code_address };
        Self { index, kind: message.kind, address }
    }
}
