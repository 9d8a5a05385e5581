//! Where two traces part, and what an agreement is silent about.

use std::fmt;

use crate::{Field, Fields, Step};

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// One trace has a step, or the end of a frame or of a transaction, where the other has something else.
    Length,
    /// What a step says.
    Step(Field),
    /// What is said of a frame that is over.
    Frame(Field),
    /// What is said of the transaction when it is over.
    End(Field),
    /// A key that no client is known to write, of two traces of one client.
    Key(String),
}

impl What {
    /// The name of the field; `length` where something is missing as a whole.
    pub fn name(&self) -> &str {
        match self {
            What::Length => "length",
            What::Step(field) | What::Frame(field) | What::End(field) => field.name(),
            What::Key(key) => key,
        }
    }

    /// Whether what comes behind it can still be compared, step by step.
    pub(crate) fn leaves_in_step(&self) -> bool {
        !matches!(self, What::Length | What::Step(Field::Pc | Field::Op | Field::Depth))
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Frame(field) => write!(f, "{field} of the frame"),
            What::End(Field::Error) => f.write_str("error of the transaction"),
            _ => f.write_str(self.name()),
        }
    }
}

/// The first place where two traces part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceDifference {
    /// Steps that agreed before it.
    pub step: u64,
    /// What differs.
    pub what: What,
    /// What the left trace says.
    pub left: String,
    /// What the right trace says.
    pub right: String,
    /// The left step, or `None` if the left trace has none there.
    pub left_step: Option<Step>,
    /// The right step, or `None` if the right trace has none there.
    pub right_step: Option<Step>,
    /// The line of each side that says what differs; of a side that does not say it, its last line before. 0 for none.
    pub lines: [u64; 2],
    /// The last steps that agreed, oldest first.
    pub recent: Vec<Step>,
}

/// Of how many steps, frames or transactions a field was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The field, in words.
    pub field: String,
    /// Where both sides said it in terms that can be compared.
    pub compared: u64,
    /// Where there was something to compare.
    pub of: u64,
}

/// Two traces that agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceAgreement {
    /// Steps compared.
    pub steps: u64,
    /// Fields that were compared somewhere.
    pub compared: Fields,
    /// What was not compared everywhere: what the agreement is silent about.
    pub gaps: Vec<Coverage>,
    /// Errors that both traces have, each in its client's words: what they mean is the same.
    pub errors_by_kind: u64,
    /// STOPs that one client writes where code ends, and the other does not.
    pub stops_passed_over: u64,
}

impl TraceAgreement {
    /// Fields that were compared nowhere.
    pub fn unknown(&self) -> Vec<&str> {
        self.gaps.iter().filter(|gap| gap.compared == 0).map(|gap| &*gap.field).collect()
    }

    /// What it is silent about, in words; empty if it is about nothing.
    pub fn silence(&self) -> String {
        let mut parts = Vec::new();
        let unknown = self.unknown();
        if !unknown.is_empty() {
            parts.push(format!("not compared: {}", unknown.join(", ")));
        }
        let partly = self.gaps.iter().filter(|gap| gap.compared > 0);
        let partly: Vec<_> =
            partly.map(|Coverage { field, compared, of }| format!("{field} on {compared} of {of}")).collect();
        if !partly.is_empty() {
            parts.push(format!("in part: {}", partly.join(", ")));
        }
        match self.errors_by_kind {
            0 => {}
            1 => parts.push("1 error by its kind, not its words".to_owned()),
            errors => parts.push(format!("{errors} errors by their kind, not their words")),
        }
        match self.stops_passed_over {
            0 => {}
            1 => parts.push("1 STOP at the end of code passed over, in one trace only".to_owned()),
            stops => parts.push(format!("{stops} STOPs at the end of code passed over, in one trace only")),
        }
        parts.join("; ")
    }
}

impl fmt::Display for TraceDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.recent {
            write_step(f, "  ", step)?;
        }
        for (mark, step, line) in
            [("< ", &self.left_step, self.lines[0]), ("> ", &self.right_step, self.lines[1])]
        {
            match step {
                Some(step) => write_step(f, mark, step)?,
                None if matches!(self.what, What::Length) => {
                    writeln!(f, "{mark}(no step behind line {line})")?;
                }
                None => writeln!(f, "{mark}line {line}")?,
            }
        }
        writeln!(f, "first difference at step {}: {}", self.step + 1, self.what)?;
        writeln!(f, "  left  {}", self.left)?;
        write!(f, "  right {}", self.right)
    }
}

fn write_step(f: &mut fmt::Formatter<'_>, mark: &str, step: &Step) -> fmt::Result {
    let top = step.stack.as_ref().map_or(String::new(), |stack| {
        let shown: Vec<String> = stack.iter().rev().take(3).map(|item| format!("{item:#x}")).collect();
        format!("  top {}", shown.join(" "))
    });
    let Step { line, depth, pc, opcode, gas, .. } = step;
    writeln!(f, "{mark}line {line:<6} depth {depth:<4} pc {pc:<5} {opcode:<14} gas {gas:#x}{top}")
}
