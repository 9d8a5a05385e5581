//! Times that are kept under a name, and others held against them. A file has its version and what was measured, so that nothing is
//! compared that is not the same.

use std::{collections::BTreeMap, fmt, fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::measurement::{Arguments, print_json};
use crate::workspace;

/// The version of the file's form.
const VERSION: u64 = 1;

/// Whose times are shown and not held to the limit: what changes there is the machine's doing.
const WITNESS: &str = "revm";

/// Times by program and engine, in one unit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Times {
    /// What was measured: times of another kind are not compared.
    pub(super) what: &'static str,
    pub(super) times: BTreeMap<String, BTreeMap<&'static str, f64>>,
}

/// A baseline that cannot be read. Exit status 2.
#[derive(Debug)]
pub(crate) struct BadBaseline(String);

impl fmt::Display for BadBaseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadBaseline {}

/// What a file has: program, engine, time.
type Kept = BTreeMap<String, BTreeMap<String, f64>>;

/// A program's time on an engine, before and now.
struct Compared<'a> {
    program: &'a str,
    engine: &'static str,
    before: f64,
    now: f64,
}

impl Compared<'_> {
    fn ratio(&self) -> f64 {
        self.now / self.before
    }

    fn is_slower(&self, limit: f64) -> bool {
        self.engine != WITNESS && self.ratio() > 1.0 + limit / 100.0
    }
}

/// A name is a file in the target folder; what has a slash or a dot in it is a path.
fn path(name: &str) -> PathBuf {
    if name.contains(['/', '\\', '.']) {
        return PathBuf::from(name);
    }
    workspace::target().join("bench").join(format!("{name}.json"))
}

impl Times {
    /// Keeps the times, and holds them against others, as the command line asks. An error if something is slower.
    pub(super) fn settle(&self, arguments: &Arguments) -> Result<()> {
        if let Some(name) = &arguments.save {
            self.save(name)?;
        }
        let Some(name) = &arguments.against else { return Ok(()) };
        let kept = read(name, self.what)?;
        let compared = self.compare(&kept);
        ensure!(!compared.is_empty(), "{name} has none of what was measured: nothing was compared");
        print(&compared, arguments);
        let programs = |times: &dyn Fn(&str) -> bool, of: &mut dyn Iterator<Item = &String>| {
            of.filter(|program| !times(program)).count()
        };
        let new = programs(&|program| kept.contains_key(program), &mut self.times.keys());
        let gone = programs(&|program| self.times.contains_key(program), &mut kept.keys());
        if new + gone > 0 {
            eprintln!("not compared: {new} programs that {name} does not have, {gone} that it has alone");
        }
        let slower = compared.iter().filter(|one| one.is_slower(arguments.limit)).count();
        let limit = arguments.limit;
        ensure!(slower == 0, "{slower} of {} times are more than {limit} % above {name}", compared.len());
        Ok(())
    }

    fn save(&self, name: &str) -> Result<()> {
        let path = path(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let json = json!({ "version": VERSION, "what": self.what, "times": self.times });
        fs::write(&path, format!("{json:#}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("kept in {}", path.display());
        Ok(())
    }

    fn compare(&self, kept: &Kept) -> Vec<Compared<'_>> {
        let mut compared = Vec::new();
        for (program, times) in &self.times {
            for (engine, now) in times {
                if let Some(before) = kept.get(program).and_then(|times| times.get(*engine)) {
                    compared.push(Compared { program, engine, before: *before, now: *now });
                }
            }
        }
        compared
    }
}

/// Fails now rather than after minutes of measuring.
pub(super) fn look_at(arguments: &Arguments, what: &str) -> Result<()> {
    arguments.against.as_ref().map_or(Ok(()), |name| read(name, what).map(|_| ()))
}

fn read(name: &str, what: &str) -> Result<Kept> {
    let path = path(name);
    let kept = fs::read_to_string(&path)
        .map_err(|error| format!("expected times that --save has kept: {error}"))
        .and_then(|text| parse(&text, what));
    Ok(kept.map_err(|problem| BadBaseline(format!("{}: {problem}", workspace::shown(&path))))?)
}

/// The times of a file; what is wrong with it, if it is none.
fn parse(text: &str, what: &str) -> Result<Kept, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| format!("expected a baseline: {error}"))?;
    if json["version"] != VERSION {
        return Err(format!("version: expected {VERSION}, it is {}", json["version"]));
    }
    if json["what"] != what {
        return Err(format!("what: expected {what:?}, it is {}", json["what"]));
    }
    let mut kept = Kept::new();
    for (program, times) in json["times"].as_object().ok_or("times: expected an object")? {
        for (engine, time) in times.as_object().ok_or(format!("times, {program}: expected an object"))? {
            let time = time.as_f64().filter(|time| *time > 0.0);
            let time = time.ok_or(format!("times, {program}, {engine}: expected a number above 0"))?;
            kept.entry(program.clone()).or_default().insert(engine.clone(), time);
        }
    }
    Ok(kept)
}

fn print(compared: &[Compared<'_>], arguments: &Arguments) {
    let name = arguments.against.as_deref().unwrap_or_default();
    if !arguments.json {
        println!("\n{:38}{:>9}{:>11}{:>11}{:>8}", format!("against {name}"), "", "before", "now", "ratio");
    }
    for one in compared {
        let Compared { program, engine, before, now } = one;
        let (ratio, is_slower) = (one.ratio(), one.is_slower(arguments.limit));
        if arguments.json {
            print_json(&json!({
                "against": name, "name": program, "engine": engine, "before": before, "now": now, "ratio": ratio,
                "slower": is_slower,
            }));
        } else {
            let mark = if is_slower { "  slower" } else { "" };
            println!("{program:38}{engine:>9}{before:>11.3}{now:>11.3}{ratio:>8.3}{mark}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHAT: &str = "programs, ns per opcode";

    fn times(primary: f64, revm: f64) -> Times {
        let times =
            BTreeMap::from([("a/b".to_owned(), BTreeMap::from([("primary", primary), ("revm", revm)]))]);
        Times { what: WHAT, times }
    }

    /// Whether times are held to be slower than 2.0.
    #[track_caller]
    fn check(now: &Times, limit: f64, expected: bool) {
        let kept = json!({ "version": VERSION, "what": WHAT, "times": times(2.0, 2.0).times }).to_string();
        let kept = parse(&kept, WHAT).unwrap();
        let compared = now.compare(&kept);
        assert_eq!(compared.len(), 2);
        assert_eq!(compared.iter().any(|one| one.is_slower(limit)), expected);
    }

    #[test]
    fn what_is_slower_than_the_limit_is_told() {
        check(&times(2.19, 2.0), 10.0, false);
        check(&times(2.21, 2.0), 10.0, true);
        check(&times(2.21, 2.0), 11.0, false);
        check(&times(1.0, 2.0), 0.0, false);
        // The machine's doing.
        check(&times(2.0, 9.0), 10.0, false);
    }

    #[test]
    fn a_file_that_is_no_baseline_is_told_by_its_place() {
        for (text, expected) in [
            ("{", "expected a baseline: EOF while parsing an object at line 1 column 1"),
            (r#"{"version":2}"#, "version: expected 1, it is 2"),
            (r#"{"version":1,"what":"x"}"#, r#"what: expected "programs, ns per opcode", it is "x""#),
            (r#"{"version":1,"what":"programs, ns per opcode"}"#, "times: expected an object"),
            (
                r#"{"version":1,"what":"programs, ns per opcode","times":{"a":1}}"#,
                "times, a: expected an object",
            ),
            (
                r#"{"version":1,"what":"programs, ns per opcode","times":{"a":{"revm":0}}}"#,
                "times, a, revm: expected a number above 0",
            ),
        ] {
            assert_eq!(parse(text, WHAT), Err(expected.to_owned()), "{text}");
        }
    }
}
