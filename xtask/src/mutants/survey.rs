//! The table of planted faults in `docs/faults.md`: made from what was found, and read again, so that a test can say whether it is
//! that of the catalogue.

use std::{fmt::Write as _, fs};

use anyhow::{Context, Result, ensure};

use super::catalogue::{Catalogue, Fault, LAYERS};
use crate::workspace;

const DOCUMENT: &str = "docs/faults.md";
/// What is made stands between these two, in the document and, its sum alone, in the README.
const MARKS: [&str; 2] = ["<!-- faults: made by `cargo xtask mutants` -->\n", "<!-- faults: end -->\n"];

/// What was found of one fault: a line of the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) layer: &'static str,
    pub(super) name: String,
    /// Where and what, as the table says it.
    about: String,
    /// Whether some case of the default comparison differs, with `primary` on the left and on the right.
    is_found: [bool; 2],
    /// The first that does; why nothing can see it, where that is so.
    first: String,
    is_equivalent: bool,
    /// Whether the witness of its layer fails; `None` where there is none.
    witness: Option<bool>,
}

impl Row {
    /// What was found with `primary` on the left, and on the right.
    pub(super) fn new(fault: &Fault, found: [Option<String>; 2], witness: Option<bool>) -> Self {
        let is_found = found.each_ref().map(Option::is_some);
        let first = found.into_iter().flatten().next().unwrap_or_default();
        let is_equivalent = !fault.equivalent.is_empty();
        let first = if is_equivalent { format!("equivalent: {}", fault.equivalent) } else { first };
        Self {
            layer: fault.layer,
            name: fault.name.clone(),
            about: about(fault),
            is_found,
            first,
            is_equivalent,
            witness,
        }
    }

    fn known(&self) -> &str {
        self.about.rsplit(" | ").next().unwrap_or_default()
    }

    /// Whether the default comparison sees it whichever side it is on.
    fn is_compared(&self) -> bool {
        self.is_found == [true; 2]
    }

    pub(super) fn is_seen(&self) -> bool {
        self.is_compared() || self.witness == Some(true)
    }

    /// Whether it has an effect, and nothing sees it.
    pub(super) fn is_missed(&self) -> bool {
        !self.is_equivalent && !self.is_seen()
    }

    pub(super) fn text(&self) -> String {
        let witness = match self.witness {
            Some(true) => "fails",
            Some(false) => "passes",
            None => "",
        };
        let sides = match self.is_found {
            [true, true] => "both",
            [true, false] => "left",
            [false, true] => "right",
            [false, false] => "",
        };
        format!("| {} | {} | {sides} | {} | {witness} |", self.name, self.about, self.first)
    }

    /// The opposite of [`Row::text`].
    fn read(layer: &'static str, line: &str) -> Option<Self> {
        let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let [name, place, what, known, sides, first, witness] = cells[..] else { return None };
        let witness = match witness {
            "fails" => Some(true),
            "passes" => Some(false),
            _ => None,
        };
        Some(Self {
            layer,
            name: name.to_owned(),
            about: [place, what, known].join(" | "),
            is_found: [["both", "left"], ["both", "right"]].map(|names| names.contains(&sides)),
            first: first.to_owned(),
            is_equivalent: first.starts_with("equivalent: "),
            witness,
        })
    }
}

fn about(fault: &Fault) -> String {
    let file = fault.file().trim_start_matches("crates/").replace("/src/", "/");
    format!("{file} | {} | {}", fault.what, fault.known)
}

/// The table by layer, and below it a table of the faults of each layer.
fn text(rows: &[&Row]) -> String {
    let mut text = sum(rows) + "\n";
    text.push_str("| layer | planted | no effect | seen by the default comparison | seen by the witness | seen by nothing |\n");
    text.push_str("|---|---|---|---|---|---|\n");
    for layer in LAYERS.into_iter().map(Some).chain([None]) {
        let rows = || rows.iter().filter(|row| layer.is_none_or(|layer| row.layer == layer));
        let counted = || rows().filter(|row| !row.is_equivalent);
        let has_witness = rows().any(|row| row.witness.is_some());
        let witnessed = counted().filter(|row| row.witness == Some(true)).count().to_string();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            layer.unwrap_or("all"),
            rows().count(),
            rows().count() - counted().count(),
            counted().filter(|row| row.is_compared()).count(),
            if has_witness { &witnessed } else { "" },
            rows().filter(|row| row.is_missed()).count()
        );
    }
    text.push_str(&by_bug(rows));
    for layer in LAYERS {
        let _ = writeln!(text, "\n### {layer}\n");
        text.push_str(
            "| fault | where | what it does | known | seen on | first case that differs | witness |\n",
        );
        text.push_str("|---|---|---|---|---|---|---|\n");
        for row in rows.iter().filter(|row| row.layer == layer) {
            let _ = writeln!(text, "{}", row.text());
        }
    }
    text
}

/// The faults that stand for bugs of clients of Amsterdam, by the bugs' numbers.
fn by_bug(rows: &[&Row]) -> String {
    let number = |row: &Row| row.known().strip_prefix('A')?.parse::<u32>().ok();
    let mut bugs: Vec<_> = rows.iter().filter_map(|row| Some((number(row)?, row))).collect();
    // The order of the layers stays.
    bugs.sort_by_key(|(number, _)| *number);
    let mut text = String::from("\n| bug | fault | layer | first case that differs |\n|---|---|---|---|\n");
    for (number, row) in bugs {
        // Writing to a string does not fail.
        let _ = writeln!(text, "| A{number} | {} | {} | {} |", row.name, row.layer, row.first);
    }
    text
}

/// The sum in a line.
fn sum(rows: &[&Row]) -> String {
    let effective = || rows.iter().filter(|row| !row.is_equivalent);
    let compared = effective().filter(|row| row.is_compared()).count();
    let witnessed = effective().filter(|row| !row.is_compared() && row.is_seen()).count();
    format!(
        "Of {} planted faults that have an effect, the default comparison of the fixtures sees {compared}, whichever side they are \
         on, and a test that stands for it where it cannot sees {witnessed} more; {} are seen by nothing.\n",
        effective().count(),
        rows.iter().filter(|row| row.is_missed()).count()
    )
}

/// Puts what was found into the table, and its sum into the README. Answers how many faults of the catalogue have no line in it
/// yet: then nothing is written.
pub(super) fn update(catalogue: &Catalogue, found: Vec<Row>) -> Result<usize> {
    let (_, made, _) = parts(DOCUMENT)?;
    let known: Vec<_> = found.into_iter().chain(lines(&made)?).collect();
    let of = |fault: &Fault| {
        known
            .iter()
            .find(|row| row.layer == fault.layer && row.name == fault.name && row.about == about(fault))
    };
    let rows: Vec<_> = catalogue.faults.iter().filter_map(of).collect();
    let missing = catalogue.faults.len() - rows.len();
    if missing == 0 {
        for (file, made) in [(DOCUMENT, text(&rows)), ("README.md", sum(&rows))] {
            let (before, _, after) = parts(file)?;
            fs::write(workspace::root().join(file), [before, made, after].concat())?;
        }
    }
    Ok(missing)
}

/// A file: what is before what is made, that, and what is behind it.
fn parts(file: &str) -> Result<(String, String, String)> {
    let text =
        fs::read_to_string(workspace::root().join(file)).with_context(|| format!("cannot read {file}"))?;
    let missing = || format!("{file} has no place for the table of faults");
    let (before, rest) = text.split_once(MARKS[0]).with_context(missing)?;
    let (made, after) = rest.split_once(MARKS[1]).with_context(missing)?;
    Ok((before.to_owned() + MARKS[0], made.to_owned(), MARKS[1].to_owned() + after))
}

/// The rows of a table.
fn lines(made: &str) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for section in made.split("\n### ").skip(1) {
        let (name, lines) = section.split_once('\n').unwrap_or((section, ""));
        let layer = LAYERS.into_iter().find(|layer| *layer == name);
        let layer = layer.with_context(|| format!("{DOCUMENT}: there is no layer {name}"))?;
        // Behind an empty line and the head.
        rows.extend(lines.lines().skip(3).filter_map(|line| Row::read(layer, line)));
    }
    Ok(rows)
}

/// The rows of the document. An error if they are not those of the catalogue, or the counts are not theirs.
pub(super) fn read(catalogue: &Catalogue) -> Result<Vec<Row>> {
    let (_, made, _) = parts(DOCUMENT)?;
    let rows = lines(&made)?;
    let again = "run cargo xtask mutants";
    for (fault, row) in catalogue.faults.iter().zip(&rows) {
        ensure!(
            fault.name == row.name && fault.layer == row.layer,
            "{DOCUMENT} has {} for {}: {again}",
            row.name,
            fault.name
        );
        ensure!(
            about(fault) == row.about,
            "{DOCUMENT} says another thing of {} than the catalogue: {again}",
            row.name
        );
    }
    let counts = (catalogue.faults.len(), rows.len());
    ensure!(
        counts.0 == counts.1,
        "{} faults in the catalogue, {} in {DOCUMENT}: {again}",
        counts.0,
        counts.1
    );
    let all: Vec<_> = rows.iter().collect();
    ensure!(text(&all) == made, "{DOCUMENT}: its counts are not those of its rows: {again}");
    ensure!(parts("README.md")?.1 == sum(&all), "the README has not the sum of {DOCUMENT}: {again}");
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_is_read_as_it_was_written() {
        for (is_found, first, witness) in [
            ([true, true], "`a/b` Osaka: start of message #1 CALL, gas", None),
            ([false, true], "", Some(true)),
        ] {
            let row = Row {
                layer: "facts",
                name: "name".into(),
                about: "state/state.rs | does it | ".into(),
                is_found,
                first: first.into(),
                is_equivalent: false,
                witness,
            };
            assert_eq!(Row::read("facts", &row.text()), Some(row));
        }
    }
}
