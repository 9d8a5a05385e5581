//! The plain engine with a mistake in it, by name: `mini+FAULT@OPCODE`.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini, UnknownFault};
use parallax_primitives::Opcode;

/// What such a name begins with.
pub(crate) const FAULTY: &str = "mini+";

/// [`Mini`](parallax_mini_interpreter::Mini) with one mistake in every transaction, at the first execution of an opcode that it has
/// an effect on. Where it has none, it is `mini`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultyName {
    name: &'static str,
    plan: FaultPlan,
}

impl FaultyName {
    /// Reads what stands behind `mini+`.
    pub(crate) fn new(text: &str) -> Result<Self, UnknownFaulty> {
        let short = |text: &str| text.chars().take(64).collect();
        let (fault, opcode) = text.split_once('@').unwrap_or((text, ""));
        let fault: Fault = fault.parse().map_err(|error| UnknownFaulty::Fault(short(fault), error))?;
        let opcode = Opcode::from_name(&opcode.to_ascii_uppercase())
            .ok_or_else(|| UnknownFaulty::Opcode(short(opcode)))?;
        Ok(Self { name: kept(format!("{FAULTY}{fault}@{opcode}")), plan: FaultPlan::new(fault, opcode) })
    }

    /// As users type it.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Every FAULT, as users type it.
    pub fn faults() -> impl Iterator<Item = String> {
        Fault::ALL.into_iter().map(|fault| fault.to_string())
    }

    /// What runs one frame of it. For one transaction at a time.
    pub fn interpreter(self) -> FaultyMini {
        FaultyMini::new(self.plan)
    }
}

/// A mistake that there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownFaulty {
    /// No fault is called so.
    #[error("unknown fault {0:?}, {1}")]
    Fault(String, UnknownFault),
    /// No opcode is called so.
    #[error("unknown opcode {0:?} in mini+FAULT@OPCODE, expected a mnemonic such as ADD")]
    Opcode(String),
}

/// The text, for as long as the process lives: there are as many names as faults and opcodes.
fn kept(name: String) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    match names.get(&*name) {
        Some(known) => known,
        None => {
            let name: &'static str = name.leak();
            names.insert(name);
            name
        }
    }
}
