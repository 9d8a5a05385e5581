//! A divergence as a person reads it: where, in what, both values under each other with the first difference marked.

use std::fmt;

use parallax_primitives::hex;

use crate::{Divergence, Place, Value};

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, line) in self.summary().iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            f.write_str(line)?;
        }
        Ok(())
    }
}

impl Divergence {
    /// The report, line by line: the first line says where, the others are indented by two.
    pub fn summary(&self) -> Vec<String> {
        let [left, right] = &self.engines;
        let mut lines = vec![format!("{left} and {right} diverge {}", self.place)];
        let width = left.len().max(right.len()).max("messages".len());
        let mut line = |label: &str, text: &str| {
            lines.push(format!("  {label:width$}  {text}").trim_end().to_owned());
        };
        for (number, item) in self.place.path().iter().enumerate() {
            let label = if number == 0 { "messages" } else { "" };
            line(label, &format!("#{} {} {:#x}", item.index, item.kind.name(), item.address));
        }
        if let Place::Block { suspect: Some(suspect), .. } = &self.place {
            line("suspect", &suspect.to_string());
        }
        line("field", &self.field.to_string());
        let marked = marked(&self.left, &self.right, self.max_summary_length);
        line(left, &marked.left);
        line(right, &marked.right);
        if let Some(mark) = &marked.mark {
            line("", mark);
        }
        line("cause", self.cause.name());
        for (number, event) in self.recent.iter().enumerate() {
            line(if number == 0 { "before" } else { "" }, event);
        }
        lines
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Step { index, step, is_over, .. } => {
                let what = if *is_over { "after" } else { "before" };
                write!(f, "{what} step {index} at depth {}, pc {}, {}", step.depth, step.pc, step.opcode)
            }
            Place::Block { index, pc, path, .. } => {
                let depth = path.len().saturating_sub(1);
                write!(f, "at block entry {index} at depth {depth}, pc {pc}")
            }
            Place::Message { index, is_over, path } => {
                let depth = path.len().saturating_sub(1);
                let what = if *is_over { "in the outcome of" } else { "in" };
                write!(f, "{what} message #{index} at depth {depth}")
            }
            Place::Transaction => f.write_str("in the outcome of the transaction"),
            Place::PostState => f.write_str("in the state after the transaction"),
        }
    }
}

/// Two values as text, and what is said or marked below them.
struct Marked {
    left: String,
    right: String,
    mark: Option<String>,
}

fn marked(left: &Value, right: &Value, max: usize) -> Marked {
    if let (Value::Count(l), Value::Count(r)) = (left, right) {
        let mark = Some(format!("apart by {}", l.abs_diff(*r)));
        return Marked { left: left.to_string(), right: right.to_string(), mark };
    }
    match (left.bytes(), right.bytes()) {
        (Some(l), Some(r)) => marked_bytes(&l, &r, max),
        _ => Marked {
            left: shorten(left.to_string(), max),
            right: shorten(right.to_string(), max),
            mark: None,
        },
    }
}

/// Both in hex from the same offset on, so that equal bytes stand under each other. Where they are too long, the window
/// begins a little before the first difference.
fn marked_bytes(left: &[u8], right: &[u8], max: usize) -> Marked {
    let first = left.iter().zip(right).position(|(l, r)| l != r).unwrap_or(left.len().min(right.len()));
    // Two digits a byte, and what stands around them.
    let room = (max.saturating_sub(24) / 2).max(1);
    let from = if left.len().max(right.len()) <= room { 0 } else { first.saturating_sub(room / 4) };
    let text = |bytes: &[u8]| {
        let shown = &bytes[from.min(bytes.len())..bytes.len().min(from + room)];
        let before = if from > 0 { "0x.." } else { "0x" };
        let after = if from + room < bytes.len() { ".." } else { "" };
        format!("{before}{}{after} ({} bytes)", hex::encode(shown), bytes.len())
    };
    let indent = (if from > 0 { 4 } else { 2 }) + 2 * (first - from);
    let byte = |bytes: &[u8]| bytes.get(first).map_or("end".to_owned(), |byte| format!("{byte:#04x}"));
    let mark = format!("{:indent$}^^ byte {first}: {}, {}", "", byte(left), byte(right));
    Marked { left: text(left), right: text(right), mark: Some(mark) }
}

fn shorten(text: String, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text,
    }
}
