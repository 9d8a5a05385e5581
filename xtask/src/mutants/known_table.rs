//! The table of `docs/known-bugs.md`: made from what the fuzzer found, and read again where only some lines are new.

use std::fs;

use anyhow::{Context, Result};

use super::catalogue::{Catalogue, Fault};
use crate::workspace;

const DOCUMENT: &str = "docs/known-bugs.md";
/// What is made stands between these two, in the document and, its sum alone, in the README.
const MARKS: [&str; 2] =
    ["<!-- known bugs: made by `cargo xtask known-bugs` -->\n", "<!-- known bugs: end -->\n"];

/// What the place that was told is beside where the faulty engine first differs from itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// The same step, the same field.
    StepAndField,
    /// It is told before any trace shows it: in something that traces do not have.
    Earlier,
    /// Step by step the same case agrees: it is the translated form that is wrong, and that is what was told.
    Form,
    /// A trace shows it before.
    No,
    /// There is nothing to hold it against.
    Unknown,
}

impl Right {
    const ALL: [(Self, &'static str); 5] = [
        (Self::StepAndField, "step, field"),
        (Self::Earlier, "before traces"),
        (Self::Form, "form"),
        (Self::No, "**no**"),
        (Self::Unknown, ""),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(right, _)| *right == self).map_or("", |(_, name)| name)
    }

    fn by_name(name: &str) -> Self {
        Self::ALL.iter().find(|(_, other)| *other == name).map_or(Self::Unknown, |(right, _)| *right)
    }
}

/// A line of the table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    name: String,
    /// Bugs, layer and what it does, as the table says it.
    about: String,
    programs: u64,
    seconds: f64,
    /// What was found; `None` if nothing was.
    pub(super) found: Option<String>,
    pub(super) is_right: Right,
    /// Bytes of code of the smallest case, and the seconds it took.
    pub(super) minimized: Option<(u64, f64)>,
}

impl Row {
    pub(super) const HEAD: &str = "| fault | bug | layer | what it does | programs | seconds | found | right | bytes | in seconds |\n\
         |---|---|---|---|---|---|---|---|---|---|";

    pub(super) fn new(fault: &Fault, programs: u64, seconds: f64) -> Self {
        let (name, about) = (fault.name.clone(), about(fault));
        Self { name, about, programs, seconds, found: None, is_right: Right::Unknown, minimized: None }
    }

    pub(super) fn text(&self) -> String {
        let Self { name, about, programs, seconds, found, is_right, minimized } = self;
        let [bytes, time] = match minimized {
            Some((bytes, seconds)) => [bytes.to_string(), format!("{seconds:.2}")],
            None => [const { String::new() }; 2],
        };
        let found = found.as_deref().unwrap_or("**no**");
        let right = is_right.name();
        format!("| {name} | {about} | {programs} | {seconds:.1} | {found} | {right} | {bytes} | {time} |")
    }

    /// The opposite of [`Row::text`].
    fn read(line: &str) -> Option<Self> {
        let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let [name, bug, layer, what, programs, seconds, found, right, bytes, time] = cells[..] else {
            return None;
        };
        Some(Self {
            name: name.to_owned(),
            about: [bug, layer, what].join(" | "),
            programs: programs.parse().ok()?,
            seconds: seconds.parse().ok()?,
            found: (found != "**no**").then(|| found.to_owned()),
            is_right: Right::by_name(right),
            minimized: bytes.parse().ok().zip(time.parse().ok()),
        })
    }

    /// What all of them come to, in a few lines.
    pub(super) fn sum(rows: &[Self]) -> String {
        let count = |is: &dyn Fn(&&Self) -> bool| rows.iter().filter(is).count();
        let found = count(&|row| row.found.is_some());
        let [exact, earlier, form, wrong, unknown] =
            Right::ALL.map(|(right, _)| count(&|row| row.found.is_some() && row.is_right == right));
        let mut bytes: Vec<_> = rows.iter().filter_map(|row| row.minimized).collect();
        let small = bytes.iter().filter(|(bytes, _)| *bytes <= 20).count();
        bytes.sort_by(|one, other| one.1.total_cmp(&other.1));
        let median = bytes.get(bytes.len() / 2).map_or(0.0, |(_, seconds)| *seconds);
        let share = found as f64 * 100.0 / rows.len().max(1) as f64;
        format!(
            "Of {} faults the fuzzer finds {found} ({share:.0} %). Where it was told is the step and the field at which traces of the \
             faulty engine, with the fault and without it, part first: {exact}; before any trace shows it, in what traces do not have: \
             {earlier}; in the translated form alone: {form}; behind that: {wrong}; nothing to hold it against: {unknown}. Of {} that \
             were made smaller {small} have at most 20 bytes of code, median time {median:.2} s.\n",
            rows.len(),
            bytes.len(),
        )
    }
}

fn about(fault: &Fault) -> String {
    format!("{} | {} | {}", fault.known, fault.layer, fault.what)
}

/// Puts lines into the table, in the order of the catalogue, and their sum into the README.
pub(super) fn update(catalogue: &Catalogue, new: Vec<Row>) -> Result<()> {
    let (_, made, _) = parts(DOCUMENT)?;
    let rows: Vec<_> = new.into_iter().chain(made.lines().filter_map(Row::read)).collect();
    let of = |fault: &Fault| rows.iter().find(|row| row.name == fault.name && row.about == about(fault));
    let rows: Vec<_> = catalogue.faults.iter().filter_map(of).cloned().collect();
    let lines: String = rows.iter().map(|row| row.text() + "\n").collect();
    let table = format!("{}\n{}\n{lines}", Row::sum(&rows), Row::HEAD);
    for (file, made) in [(DOCUMENT, table), ("README.md", Row::sum(&rows))] {
        let (before, _, after) = parts(file)?;
        fs::write(workspace::root().join(file), [before, made, after].concat())?;
    }
    println!("{DOCUMENT} is written");
    Ok(())
}

/// A file: what is before what is made, that, and what is behind it.
fn parts(file: &str) -> Result<(String, String, String)> {
    let text =
        fs::read_to_string(workspace::root().join(file)).with_context(|| format!("cannot read {file}"))?;
    let missing = || format!("{file} has no place for the table of known bugs");
    let (before, rest) = text.split_once(MARKS[0]).with_context(missing)?;
    let (made, after) = rest.split_once(MARKS[1]).with_context(missing)?;
    Ok((before.to_owned() + MARKS[0], made.to_owned(), MARKS[1].to_owned() + after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_is_read_as_it_was_written() {
        let row = Row {
            name: "name".into(),
            about: "W1, W2 | machine | does it".into(),
            programs: 17,
            seconds: 0.3,
            found: Some("`case` Osaka: after step 3 ADD, stack".into()),
            is_right: Right::StepAndField,
            minimized: Some((3, 0.25)),
        };
        assert_eq!(Row::read(&row.text()), Some(row.clone()));
        let missed = Row { found: None, is_right: Right::Unknown, minimized: None, ..row };
        assert_eq!(Row::read(&missed.text()), Some(missed));
    }

    #[test]
    fn the_sum_of_the_table_is_that_of_its_lines() {
        let (_, made, _) = parts(DOCUMENT).unwrap();
        let rows: Vec<_> = made.lines().filter_map(Row::read).collect();
        assert!(made.starts_with(&Row::sum(&rows)), "run cargo xtask known-bugs");
        assert_eq!(parts("README.md").unwrap().1, Row::sum(&rows));
    }
}
