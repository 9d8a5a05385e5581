//! The table of ARCHITECTURE.md against what the packages depend on. The two must be the same in both directions: an edge that
//! is not in the table is forbidden, one that nobody uses is a lie.

use std::collections::{BTreeMap, BTreeSet};

use super::{finding::Finding, packages::Package};

const FILE: &str = "ARCHITECTURE.md";
/// The line above the table.
const MARKER: &str = "<!-- tidy: edges -->";

/// One row: the line it stands on, its two last columns.
struct Row {
    line: usize,
    edges: BTreeSet<String>,
    outside: BTreeSet<String>,
}

pub(crate) fn check(architecture: &str, packages: &[Package]) -> Vec<Finding> {
    let rows = rows(architecture);
    if rows.is_empty() {
        return vec![Finding::new(FILE, 0, format!("no table behind {MARKER}"))];
    }
    let mut findings = Vec::new();
    for package in packages {
        let Some(row) = rows.get(&package.name) else {
            findings.push(Finding::new(FILE, 0, format!("no row for {}", package.name)));
            continue;
        };
        let manifest = format!("{}/Cargo.toml", package.folder);
        for (has, allowed) in [(&package.edges, &row.edges), (&package.outside, &row.outside)] {
            for name in has.difference(allowed) {
                let what = format!("{} may not depend on {name} ({FILE}:{})", package.name, row.line);
                findings.push(Finding::new(&manifest, 0, what));
            }
            for name in allowed.difference(has) {
                let what = format!("{} does not depend on {name}", package.name);
                findings.push(Finding::new(FILE, row.line, what));
            }
        }
    }
    for (name, row) in &rows {
        if !packages.iter().any(|package| package.name == *name) {
            findings.push(Finding::new(FILE, row.line, format!("no package {name}")));
        }
    }
    findings
}

/// The rows of the table: `| name | what it is | edges | outside |`, names in backquotes.
fn rows(text: &str) -> BTreeMap<String, Row> {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| line.trim() != MARKER).skip(1);
    let mut rows = BTreeMap::new();
    for (index, line) in lines.by_ref().skip_while(|(_, line)| line.is_empty()) {
        let Some(cells) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else { break };
        let cells: Vec<&str> = cells.split('|').collect();
        if let [name, _, edges, outside] = cells.as_slice()
            && let Some(name) = quoted(name).pop_first()
        {
            rows.insert(name, Row { line: index + 1, edges: quoted(edges), outside: quoted(outside) });
        }
    }
    rows
}

/// What stands between backquotes.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
text
<!-- tidy: edges -->

| crate | what it is | may depend on | outside |
|---|---|---|---|
| `one` | uses `two` | `two` | `serde`, `regex` |
| `two` | nothing | | |

| `three` | another table | | |
";

    fn package(name: &str, edges: &[&str], outside: &[&str]) -> Package {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Package {
            name: name.into(),
            folder: format!("crates/{name}"),
            edges: owned(edges),
            outside: owned(outside),
            foreign: Vec::new(),
        }
    }

    #[track_caller]
    fn check_table(packages: &[Package], expected: &[(&str, usize, &str)]) {
        let expected: Vec<_> =
            expected.iter().map(|(file, line, what)| Finding::new(file, *line, *what)).collect();
        assert_eq!(check(TABLE, packages), expected);
    }

    #[test]
    fn both_directions() {
        let one = || package("one", &["two"], &["serde", "regex"]);
        let two = || package("two", &[], &[]);
        check_table(&[one(), two()], &[]);
        check_table(
            &[package("one", &["two"], &["serde"]), two()],
            &[("ARCHITECTURE.md", 6, "one does not depend on regex")],
        );
        check_table(
            &[one(), package("two", &["one"], &["rand"])],
            &[
                ("crates/two/Cargo.toml", 0, "two may not depend on one (ARCHITECTURE.md:7)"),
                ("crates/two/Cargo.toml", 0, "two may not depend on rand (ARCHITECTURE.md:7)"),
            ],
        );
        check_table(&[one()], &[("ARCHITECTURE.md", 7, "no package two")]);
        check_table(
            &[one(), two(), package("three", &[], &[])],
            &[("ARCHITECTURE.md", 0, "no row for three")],
        );
    }
}
