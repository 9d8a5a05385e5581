//! Colours of what is told of a case, by the usual rules: on a terminal, unless `NO_COLOR` is set or the terminal is a dumb one, and
//! elsewhere if `CLICOLOR_FORCE` is set.

use std::{
    env,
    io::{self, IsTerminal},
};

const BOLD_RED: &str = "\u{1b}[1;31m";
const RED: &str = "\u{1b}[31m";
const PLAIN: &str = "\u{1b}[0m";

/// A report as standard output takes it.
pub(crate) fn painted(report: String) -> String {
    if is_wanted() { paint(&report) } else { report }
}

fn is_wanted() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_forced = env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
    let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    !is_set("NO_COLOR") && (is_forced || io::stdout().is_terminal() && !is_dumb)
}

/// A report with its first word and its marks in colour. Whatever else is in it stays as it is.
fn paint(text: &str) -> String {
    let mut painted = String::with_capacity(text.len() + 32);
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            painted.push('\n');
        }
        // DIVERGE, POISONED, NOT RUN
        let end = line.find(|c: char| !c.is_ascii_uppercase() && c != ' ').unwrap_or(line.len());
        let word = line[..end].trim_end();
        if number == 0 && !word.is_empty() {
            painted.push_str(&format!("{BOLD_RED}{word}{PLAIN}{}", &line[word.len()..]));
        } else if is_mark(line) {
            painted.push_str(&format!("{RED}{line}{PLAIN}"));
        } else {
            painted.push_str(line);
        }
    }
    painted
}

/// Whether a line marks what differs in those above it.
fn is_mark(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('^')
        || line.ends_with(" ^^")
        || line.starts_with("apart by ")
        || line.starts_with("< line ")
        || line.starts_with("> line ")
        || line.starts_with("first difference ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_and_the_marks_are_red() {
        let painted = paint(
            "DIVERGE a.json x\n    mini  0x01\n    faulty  0x02\n            ^^ byte 0: 0x01, 0x02\n  again: x",
        );
        assert_eq!(
            painted,
            "\u{1b}[1;31mDIVERGE\u{1b}[0m a.json x\n    mini  0x01\n    faulty  0x02\n\
             \u{1b}[31m            ^^ byte 0: 0x01, 0x02\u{1b}[0m\n  again: x"
        );
        assert_eq!(paint("NOT RUN é"), "\u{1b}[1;31mNOT RUN\u{1b}[0m é");
        assert_eq!(paint("  line 1\n> line 2"), "  line 1\n\u{1b}[31m> line 2\u{1b}[0m");
    }
}
