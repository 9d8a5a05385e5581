//! What a comparison came to: one vocabulary for every report and every command.

use crate::Divergence;

/// What a comparison came to. Those that carry a text say why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A step, an entry, a message or a block at least was compared, and nothing differs.
    Agree,
    /// Both sides refuse the transaction, or every block, for the same reason; nothing ran.
    Rejected(String),
    /// The first difference, a rejection by one side alone included.
    Diverge(Box<Divergence>),
    /// A side panicked, aborted or took a signal.
    Crashed(String),
    /// The case's limit of time was met.
    TimedOut(String),
    /// A limit of steps, memory or record was met before the end.
    Limit(String),
    /// It cannot be said: the world failed, a run was aborted, or a side contradicts itself.
    Poisoned(String),
    /// A side does not have these rules.
    Unsupported(String),
    /// There is nothing that both sides tell, or nothing was asked for.
    NotCompared(String),
}

impl Verdict {
    /// What every report calls it.
    pub const fn name(&self) -> &'static str {
        match self {
            Verdict::Agree => "agree",
            Verdict::Rejected(_) => "rejected",
            Verdict::Diverge(_) => "diverge",
            Verdict::Crashed(_) => "crashed",
            Verdict::TimedOut(_) => "timed_out",
            Verdict::Limit(_) => "limit",
            Verdict::Poisoned(_) => "poisoned",
            Verdict::Unsupported(_) => "unsupported",
            Verdict::NotCompared(_) => "not_compared",
        }
    }

    /// Why, where a text says it.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Verdict::Agree | Verdict::Diverge(_) => None,
            Verdict::Rejected(reason)
            | Verdict::Crashed(reason)
            | Verdict::TimedOut(reason)
            | Verdict::Limit(reason)
            | Verdict::Poisoned(reason)
            | Verdict::Unsupported(reason)
            | Verdict::NotCompared(reason) => Some(reason),
        }
    }

    /// Whether it ends a command as a failure does: a finding, or a comparison that came to no end.
    pub const fn is_failure(&self) -> bool {
        match self {
            Verdict::Agree | Verdict::Rejected(_) | Verdict::Unsupported(_) | Verdict::NotCompared(_) => {
                false
            }
            Verdict::Diverge(_)
            | Verdict::Crashed(_)
            | Verdict::TimedOut(_)
            | Verdict::Limit(_)
            | Verdict::Poisoned(_) => true,
        }
    }
}
