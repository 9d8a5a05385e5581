//! Where code is: in accounts, and in the input of a transaction that creates.

use parallax_primitives::{Address, Opcode};

use crate::{Case, Search, listing::instructions};

/// A place that holds code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodePlace {
    /// An account.
    Account(Address),
    /// The transaction's input.
    Init,
}

impl CodePlace {
    /// All places, those with most code first.
    pub(crate) fn all(case: &Case) -> Vec<Self> {
        let accounts = case.pre.accounts.iter().filter(|(_, account)| !account.code.bytes().is_empty());
        let mut places: Vec<_> = accounts.map(|(address, _)| CodePlace::Account(*address)).collect();
        if case.transaction.to.is_none() && !case.transaction.input.is_empty() {
            places.push(CodePlace::Init);
        }
        places.sort_by_key(|place| std::cmp::Reverse(place.code(case).len()));
        places
    }

    /// The code there.
    pub(crate) fn code(self, case: &Case) -> &[u8] {
        match self {
            CodePlace::Account(address) => {
                case.pre.accounts.get(&address).map_or(&[], |account| account.code.bytes())
            }
            CodePlace::Init => &case.transaction.input,
        }
    }

    /// A case with other code there.
    pub(crate) fn with(self, case: &Case, code: Vec<u8>) -> Case {
        match self {
            CodePlace::Account(address) => case.with_code(address, code),
            CodePlace::Init => {
                let mut case = case.clone();
                case.transaction.input = code.into();
                case
            }
        }
    }
}

/// Code with more instructions is cut in runs alone.
const MOST_INSTRUCTIONS: usize = 4_096;

/// Goes over each instruction of all code that is not too long, from the last one to the first, and takes what `cases` makes of it. `cases` gets the code, the
/// offset of each instruction, and which one it is.
pub(crate) fn each_instruction(
    search: &mut Search<'_>,
    cases: impl Fn(&[u8], &[usize], usize) -> Vec<Vec<u8>>,
) {
    for place in CodePlace::all(search.best()) {
        let mut index = offsets(place.code(search.best())).len();
        if index > MOST_INSTRUCTIONS {
            continue;
        }
        while index > 0 && !search.is_over() {
            index -= 1;
            let code = place.code(search.best());
            let offsets = offsets(code);
            // A change may have made it shorter than it was.
            if index >= offsets.len() {
                index = offsets.len();
                continue;
            }
            let codes = cases(code, &offsets, index);
            let cases: Vec<_> = codes.into_iter().map(|code| place.with(search.best(), code)).collect();
            search.accepts_one(cases);
        }
    }
}

/// Where the instructions of a code begin.
pub(crate) fn offsets(code: &[u8]) -> Vec<usize> {
    instructions(code).map(|instruction| instruction.at).collect()
}

/// Offset behind the instruction at `offset`.
pub(crate) fn end_of(code: &[u8], offset: usize) -> usize {
    let opcode = code.get(offset).map_or(0, |byte| Opcode(*byte).push_data());
    code.len().min(offset + 1 + opcode)
}
