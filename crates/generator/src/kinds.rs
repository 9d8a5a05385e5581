//! The kinds of program. Each is a function that writes one, and says what its gas may be.

mod budget;
mod control;
mod deep;
mod ends;
mod memory;
mod messages;
mod size;
mod splits;
mod words;

use parallax_primitives::{Eip, Fork, Rules};

use crate::writer::Writer;

pub(crate) use budget::Budget;
pub(crate) use ends::end;

/// A kind of program.
pub struct Kind {
    /// What users call it.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// How many of 1,000 programs are of it; more or less, as they are drawn.
    pub per_mille: usize,
    /// EIPs that are on, whatever the fork.
    pub eips: &'static [Eip],
    pub(crate) write: fn(&mut Writer) -> Budget,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! kinds {
    ($($name:ident $per_mille:literal $write:path, $about:literal $(, $eip:ident)?;)*) => {
        /// Every kind.
        pub static KINDS: &[Kind] = &[
            $(Kind {
                name: stringify!($name),
                about: $about,
                per_mille: $per_mille,
                eips: &[$(Eip::$eip)?],
                write: $write,
            },)*
        ];
    };
}

kinds! {
    mixed 180 words::mixed, "short programs of pieces that mostly make sense together";
    bytes 60 words::bytes, "any bytes, mostly opcodes";
    folds 120 words::folds, "constants where folding and cheaper instructions have an edge";
    displaced 170 control::displaced, "items out of their places before comparisons, ISZEROs and JUMPI";
    deep 20 deep::deep, "items far below the top, and immediates that are destinations", DeepStack8024;
    temporaries 40 splits::temporaries, "more displaced results than there are temporaries";
    heights 40 splits::heights, "blocks that climb or fall by some 1,000 items";
    opcodes 20 splits::opcodes, "blocks of some 4,000 and 8,000 opcodes";
    runs 40 control::runs, "runs of JUMPDESTs, entered at each";
    single 40 control::single, "blocks of one opcode";
    dynamic 70 control::dynamic, "jumps whose destination the code works out";
    cut 40 splits::cut, "short code that ends inside a PUSH";
    offsets 40 memory::offsets, "memory at offsets round powers of two";
    charges 60 memory::charges, "copies, hashes, logs, storage and exponents of odd sizes, with GAS between";
    calls 40 messages::calls, "code that calls itself, in all four ways";
    creates 14 messages::creates, "code that creates accounts with itself as init code";
    recovery 2 messages::recovery, "a long run of JUMPDESTs before an opcode that the fast form gives up at";
    large 4 size::large, "24 KiB, 48 KiB and 128 KiB of code";
}

impl Kind {
    /// The kind that users call `name`.
    pub fn named(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// Whether rules have its EIPs.
    pub fn fits(&self, rules: Rules) -> bool {
        self.eips.iter().all(|eip| rules.has(*eip))
    }

    /// Those of a fork, with its EIPs.
    pub(crate) fn rules(&self, fork: Fork) -> Rules {
        let eips = self.eips.iter().fold(fork.eips(), |eips, eip| eips.with(*eip));
        // A fork's own are always right.
        Rules::builder(fork).eips(eips).build().unwrap_or(Rules::of(fork))
    }

    /// The kind of a number, drawn by [`Kind::per_mille`].
    pub(crate) fn drawn(mut number: usize) -> &'static Kind {
        number %= KINDS.iter().map(|kind| kind.per_mille).sum::<usize>();
        for kind in KINDS {
            match number.checked_sub(kind.per_mille) {
                Some(rest) => number = rest,
                None => return kind,
            }
        }
        &KINDS[0]
    }
}
