//! Where an engine stood when it panicked: the comparator has seen it last, and is dropped on the way out.

use std::{cell::RefCell, thread};

use parallax_hooks::StepView;
use parallax_primitives::{Opcode, Rules};

thread_local! {
    static OF_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Which engine of a comparison ran when the last one on this thread was ended by a panic, and the opcode or block entry that
/// was shown last; `None` if none was, or if it was asked for already.
pub fn place_of_panic() -> Option<String> {
    OF_PANIC.take()
}

/// What was shown last, and who is running.
#[derive(Debug)]
pub(crate) struct Standing {
    /// The watched engine's name, and the stepped one's if there is one.
    engines: [String; 2],
    /// What an index counts.
    unit: &'static str,
    shown: Option<Shown>,
    /// Whether the stepped engine is running.
    pub(crate) is_stepped: bool,
}

#[derive(Clone, Copy, Debug)]
struct Shown {
    index: u64,
    depth: u16,
    pc: usize,
    opcode: Opcode,
    rules: Rules,
}

impl Standing {
    pub(crate) fn new(engines: [&str; 2], unit: &'static str) -> Self {
        Self { engines: engines.map(str::to_owned), unit, shown: None, is_stepped: false }
    }

    #[inline]
    pub(crate) fn shows(&mut self, view: &StepView<'_>) {
        let StepView { index, depth, pc, .. } = *view;
        self.shown = Some(Shown { index, depth, pc, opcode: view.opcode, rules: view.rules });
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let engine = &self.engines[usize::from(self.is_stepped)];
        OF_PANIC.set(Some(match self.shown {
            Some(Shown { index, depth, pc, opcode, rules }) => {
                let opcode = rules.show(opcode);
                let (unit, number, depth) = (self.unit, index + 1, u32::from(depth) + 1);
                format!("{engine}, at or behind {unit} {number}, depth {depth}, pc {pc}, {opcode}")
            }
            None => format!("{engine}, before its first {}", self.unit),
        }));
    }
}
