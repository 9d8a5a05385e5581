//! Who stands with whom where more than two sides part.

use std::fmt::Write;

/// Who stands with whom where sides part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideGroups {
    /// The groups, the pivot's first.
    pub groups: Vec<SideGroup>,
    /// The side that stands against all others, if it is one.
    pub alone: Option<String>,
    /// Sides that came to no word of their own, with the verdict and its reason.
    pub without: Vec<(String, &'static str, String)>,
}

/// Sides that have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideGroup {
    /// Their names.
    pub sides: Vec<String>,
    /// What they have otherwise than another group.
    pub field: String,
    /// What it is there.
    pub value: String,
}

impl SideGroups {
    /// For people: a line for each group and each side that came to nothing.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for SideGroup { sides, field, value } in &self.groups {
            let is_alone = self.alone.as_deref().is_some_and(|alone| sides.iter().any(|side| side == alone));
            let mut line = format!("{}: {field} {value}", sides.join(", "));
            if is_alone && sides.len() == 1 {
                line.push_str(", alone");
            }
            lines.push(line);
        }
        for (name, verdict, reason) in &self.without {
            let mut line = format!("{name}: {verdict}");
            let _ = write!(line, ", {}", reason.strip_prefix(&format!("{name}: ")).unwrap_or(reason));
            lines.push(line);
        }
        lines.join("\n  ")
    }
}
