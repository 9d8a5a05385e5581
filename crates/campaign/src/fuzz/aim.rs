//! Which cases are run where the run ends when all that is possible was reached: mostly those about what was not reached yet. What a number
//! stands for is another matter, and is the generator's alone.

use parallax_generator::Draw;
use parallax_primitives::Rules;

use super::{coverage::Coverage, possible::Subject};

/// One case in so many is that of its own number, whatever is missing.
const PLAIN: u64 = 8;

/// What is still missing, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Aim(Vec<(Rules, Subject)>);

impl Aim {
    /// What `coverage` lacks; each subject as often as it lacks an end.
    pub(super) fn at(coverage: &Coverage) -> Self {
        let missing = coverage.rows().filter(|(.., count)| *count == 0);
        Self(missing.map(|(rules, subject, ..)| (rules, subject)).collect())
    }

    /// The number of the case that is run as the `turn`-th one: another one for each turn.
    pub(super) fn number(&self, draw: Draw<'_>, seed: u64, turn: u64) -> u64 {
        let target = usize::try_from(turn).unwrap_or(0).checked_rem(self.0.len());
        let Some((rules, subject)) =
            target.map(|target| self.0[target]).filter(|_| !turn.is_multiple_of(PLAIN))
        else {
            return turn;
        };
        let opcode = match subject {
            Subject::Opcode(opcode) => Some(opcode),
            Subject::Transaction => None,
        };
        draw.number_of(seed, rules, opcode, turn).unwrap_or(turn)
    }
}
