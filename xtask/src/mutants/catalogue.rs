//! The catalogue of planted faults (`faults/`): what each changes, and the text of the sources with all of them in it, each
//! behind its switch.
//!
//! Invariant: with no switch on, a planted source means what the source means.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace;

/// Stands in a row for: this fault is on.
const SWITCH: &str = "$FAULT";

/// The files of the catalogue, in the order in which their rows are planted.
pub(super) const LAYERS: [&str; 12] = [
    "machine",
    "state",
    "precompiles",
    "mini-machine",
    "mini-precompiles",
    "mini-interpreter",
    "primary-interpreter",
    "fast-form",
    "translator",
    "block",
    "mini-block",
    "facts",
];

/// One fault.
#[derive(Debug)]
pub(super) struct Fault {
    /// The value of the environment variable that turns it on; no other fault has it, and it is not zero.
    pub(super) number: usize,
    pub(super) name: String,
    /// The file of the catalogue that it is in.
    pub(super) layer: &'static str,
    /// What it does wrong.
    pub(super) what: String,
    /// The bugs of real clients that it stands for, if there are any.
    pub(super) known: String,
    /// The one fixture that is to show it; if there is none, any may.
    pub(super) fixture: String,
    /// Whether nothing saw it when it was planted for the first time.
    is_survivor: bool,
    /// Why nothing can see it, if that is so.
    pub(super) equivalent: String,
    changes: Vec<Change>,
}

/// `old` stands once in the file; `new` is put in its place.
#[derive(Debug, Default)]
struct Change {
    file: String,
    old: String,
    new: String,
}

/// All rows.
pub(super) struct Catalogue {
    pub(super) faults: Vec<Fault>,
    /// What is changed so that faults have a place to stand: the rows that say `always`. They have the number zero.
    always: Vec<Fault>,
}

impl Fault {
    /// The file that it changes.
    pub(super) fn file(&self) -> &str {
        self.changes.first().map_or("", |change| &change.file)
    }

    /// The numbers of the bugs of [`Fault::known`].
    pub(super) fn bugs(&self) -> impl Iterator<Item = &str> {
        self.known.split(", ").filter(|bug| !bug.is_empty())
    }

    /// Whether a fuzzer is measured by it: it stands for a bug that a client had, or nothing saw it at first.
    pub(super) fn is_of_the_benchmark(&self) -> bool {
        !self.known.is_empty() || self.is_survivor
    }
}

/// Reads the catalogue.
pub(super) fn read() -> Result<Catalogue> {
    let folder = workspace::root().join("faults");
    let mut catalogue = Catalogue { faults: Vec::new(), always: Vec::new() };
    for layer in LAYERS {
        let path = folder.join(format!("{layer}.txt"));
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        catalogue.add(layer, &text).with_context(|| workspace::shown(&path))?;
    }
    names_are_unlike(&catalogue)?;
    let files = fs::read_dir(&folder)?.map(|file| Ok(file?.path())).collect::<Result<Vec<PathBuf>>>()?;
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "txt")) {
        let stem = file.file_stem().unwrap_or_default();
        ensure!(LAYERS.iter().any(|layer| stem == *layer), "{}: no such layer", workspace::shown(file));
    }
    Ok(catalogue)
}

/// Reads rows that stand in other files, each named by its layer: what makes room is the catalogue's.
pub(super) fn of_files(files: &[PathBuf]) -> Result<Catalogue> {
    let mut catalogue = Catalogue { faults: Vec::new(), always: read()?.always };
    for path in files {
        let shown = path.display().to_string();
        let stem = path.file_stem().unwrap_or_default();
        let layer = LAYERS.into_iter().find(|layer| stem == *layer);
        let layer = layer.with_context(|| {
            format!("{shown}: expected the name of a layer: {}.txt", LAYERS.join(".txt, "))
        })?;
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        catalogue.add(layer, &text).with_context(|| shown)?;
    }
    names_are_unlike(&catalogue)?;
    Ok(catalogue)
}

fn names_are_unlike(catalogue: &Catalogue) -> Result<()> {
    let mut names: Vec<_> = catalogue.faults.iter().map(|fault| &fault.name).collect();
    names.sort();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        bail!("two faults are called {}", twice[0]);
    }
    Ok(())
}

impl Catalogue {
    /// Adds the rows of one file.
    fn add(&mut self, layer: &'static str, text: &str) -> Result<()> {
        let mut rows = text.split("\n== ");
        // What is before the first row tells what the file is.
        let head = rows.next().unwrap_or_default();
        ensure!(
            head.lines().all(|line| line.is_empty() || line.starts_with(';')),
            "text before the first row"
        );
        for row in rows {
            let (mut fault, always) = parse(layer, row)?;
            if always {
                self.always.push(fault);
            } else {
                fault.number = self.faults.len() + 1;
                self.faults.push(fault);
            }
        }
        Ok(())
    }

    /// The text of every source that some row changes, by its path from the root, with all rows in it.
    pub(super) fn planted(&self) -> Result<BTreeMap<String, String>> {
        let mut files = BTreeMap::new();
        // All of them, so that a change of a source is followed in one go.
        let mut misfits = Vec::new();
        for fault in self.always.iter().chain(&self.faults) {
            for Change { file, old, new } in &fault.changes {
                if !files.contains_key(file) {
                    let text = fs::read_to_string(workspace::root().join(file));
                    let text = text.with_context(|| format!("{}: cannot read {file}", fault.name))?;
                    files.insert(file.clone(), text);
                }
                let Some(text) = files.get_mut(file) else { continue };
                let times = text.matches(old.as_str()).count();
                let (name, layer) = (&fault.name, fault.layer);
                if times != 1 {
                    misfits.push(format!(
                        "faults/{layer}.txt: {name}: what it changes stands {times} times in {file}"
                    ));
                    continue;
                }
                let is_on = match file.strip_prefix("crates/primitives/") {
                    Some(_) => format!("crate::planted({})", fault.number),
                    None => format!("parallax_primitives::planted({})", fault.number),
                };
                *text = text.replace(old.as_str(), &new.replace(SWITCH, &is_on));
            }
        }
        ensure!(misfits.is_empty(), "{}", misfits.join("\n"));
        Ok(files)
    }
}

/// One row, and whether it is one that says `always`.
fn parse(layer: &'static str, row: &str) -> Result<(Fault, bool)> {
    let mut lines = row.lines();
    let name = lines.next().unwrap_or_default().trim().to_owned();
    let [what, known, fixture, equivalent] = [const { String::new() }; 4];
    let (is_survivor, changes) = (false, Vec::new());
    let mut fault = Fault { number: 0, name, layer, what, known, fixture, is_survivor, equivalent, changes };
    let mut always = false;
    let mut file = String::new();
    let mut last = ' ';
    for line in lines {
        let sign = line.chars().next().unwrap_or(' ');
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" | ";" => continue,
            "-" | "+" => {
                if sign == '-' && last != '-' {
                    fault.changes.push(Change { file: file.clone(), ..Change::default() });
                }
                let change = fault.changes.last_mut();
                let change = change.with_context(|| format!("{}: + without -", fault.name))?;
                let text = if sign == '-' { &mut change.old } else { &mut change.new };
                if last == sign {
                    text.push('\n');
                }
                text.push_str(rest);
            }
            "file" => rest.clone_into(&mut file),
            "what" => rest.clone_into(&mut fault.what),
            "known" => rest.clone_into(&mut fault.known),
            "fixture" => rest.clone_into(&mut fault.fixture),
            "equivalent" => rest.clone_into(&mut fault.equivalent),
            "survivor" => fault.is_survivor = true,
            "always" => always = true,
            _ => bail!("{}: {line:?} is neither - nor + nor a header", fault.name),
        }
        last = sign;
    }
    let is_switched = fault.changes.iter().any(|change| change.new.contains(SWITCH));
    ensure!(
        is_switched != always,
        "{}: a fault has a {SWITCH}, and what is always there has none",
        fault.name
    );
    ensure!(always || !fault.what.is_empty(), "{}: what it does is not said", fault.name);
    ensure!(
        fault.fixture.is_empty() || fault.fixture.contains('/'),
        "{}: no fixture is called {}",
        fault.name,
        fault.fixture
    );
    ensure!(fault.changes.iter().all(|change| !change.old.is_empty()), "{}: changes nothing", fault.name);
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    ensure!(!fault.name.is_empty() && fault.name.chars().all(is_name), "{:?} is no name", fault.name);
    Ok((fault, always))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expected` is the error, or the new text of the last change.
    #[track_caller]
    fn check(row: &str, expected: Result<&str, &str>) {
        let read = parse("machine", row).map(|(fault, _)| fault.changes.last().unwrap().new.clone());
        let read = read.map_err(|error| error.to_string());
        assert_eq!(read.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn a_row_is_blocks_of_old_and_new_lines() {
        check("one\nfile a.rs\nwhat it\n- x\n+ $FAULT\n", Ok("$FAULT"));
        check("two\nwhat it\nfile a.rs\n-     x\n- \n- y\n+ x $FAULT\n+   y\n", Ok("x $FAULT\n  y"));
        check("three\nwhat it\nfile a.rs\n- x\n+ $FAULT\nfile b.rs\n- y\n+ z\n", Ok("z"));
        check("four\nalways\nfile a.rs\n- x\n+ z\n", Ok("z"));
        check(
            "no-switch\nwhat it\n- x\n+ y\n",
            Err("no-switch: a fault has a $FAULT, and what is always there has none"),
        );
        check(
            "ever\nalways\n- x\n+ $FAULT\n",
            Err("ever: a fault has a $FAULT, and what is always there has none"),
        );
        check("silent\n- x\n+ $FAULT\n", Err("silent: what it does is not said"));
        check("new\nwhat it\n+ $FAULT\n", Err("new: + without -"));
        check("lost\nwhat it\nfixture calls\n- x\n+ $FAULT\n", Err("lost: no fixture is called calls"));
        check("word\nwhat it\n* x\n", Err("word: \"* x\" is neither - nor + nor a header"));
        check("A name\nwhat it\n- x\n+ $FAULT\n", Err("\"A name\" is no name"));
    }

    #[test]
    fn what_does_not_stand_once_is_named() {
        let mut catalogue = Catalogue { faults: Vec::new(), always: Vec::new() };
        let row = ";\n== twice\nwhat it\nfile xtask/src/mutants/scratch.rs\n- use \n+ $FAULT\n";
        catalogue.add("machine", row).unwrap();
        let error = catalogue.planted().unwrap_err().to_string();
        let start = "faults/machine.txt: twice: what it changes stands ";
        assert!(
            error.starts_with(start) && error.ends_with(" times in xtask/src/mutants/scratch.rs"),
            "{error}"
        );
    }
}
