//! No file of a crate may need itself, by way of others. A file needs the files in which the things that it names are defined: a
//! re-export is followed to its end, so neither it nor `mod` counts as a need of its own.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write,
};

use super::{
    finding::Finding,
    modules::{Import, Module},
};

/// How many re-exports are followed one after the other.
const REEXPORTS: usize = 16;

/// Checks every crate of `sources`: the Rust files by their names from the root on.
pub(crate) fn check(sources: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for root in sources.keys().filter(|file| is_root(file)) {
        findings.extend(Crate::read(root, sources).circles());
    }
    findings
}

/// Whether a file is where a crate begins.
fn is_root(file: &str) -> bool {
    let mut folders = file.rsplit('/');
    let (name, folder, above) = (folders.next(), folders.next(), folders.next());
    match folder {
        Some("src") => matches!(name, Some("lib.rs" | "main.rs")),
        Some("bin") => above == Some("src"),
        _ => false,
    }
}

struct Place {
    file: String,
    parent: usize,
    /// The modules below it, by their names here.
    children: BTreeMap<String, usize>,
    module: Module,
}

/// The modules of one crate, the root first.
struct Crate {
    places: Vec<Place>,
}

impl Crate {
    fn read(root: &str, sources: &BTreeMap<String, String>) -> Self {
        let place = |file: &str, parent| Place {
            file: file.to_owned(),
            parent,
            children: BTreeMap::new(),
            module: Module::read(&sources[file]),
        };
        let mut places = vec![place(root, 0)];
        let mut at = 0;
        while at < places.len() {
            let file = &places[at].file;
            let (folder, _) = file.rsplit_once('/').unwrap_or_default();
            let owns_folder = at == 0 || file.ends_with("/mod.rs");
            let folder = if owns_folder { folder } else { file.trim_end_matches(".rs") }.to_owned();
            for name in places[at].module.children.clone() {
                let files = [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")];
                if let Some(file) = files.iter().find(|file| sources.contains_key(*file)) {
                    let child = places.len();
                    places[at].children.insert(name, child);
                    places.push(place(file, at));
                }
            }
            at += 1;
        }
        Self { places }
    }

    /// The place whose file defines what `path` names at `at`; `None` if it is not of this crate.
    fn resolve(&self, at: usize, path: &[String], reexports: usize) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.walk(0, rest, reexports),
            "self" => self.walk(at, rest, reexports),
            "super" => {
                let parent = self.places[at].parent;
                if rest.first().is_some_and(|name| name == "super") {
                    self.resolve(parent, rest, reexports)
                } else {
                    self.walk(parent, rest, reexports)
                }
            }
            name => self.knows(at, name, reexports).then(|| self.walk(at, path, reexports))?,
        }
    }

    fn walk(&self, at: usize, path: &[String], reexports: usize) -> Option<usize> {
        let Some((name, rest)) = path.split_first() else { return Some(at) };
        let place = &self.places[at];
        if let Some(child) = place.children.get(name) {
            return self.walk(*child, rest, reexports);
        }
        if place.module.defined.contains(name) {
            return Some(at);
        }
        let left = reexports.checked_sub(1)?;
        if let Some(import) = place.module.imports.iter().find(|import| import.name.as_ref() == Some(name)) {
            let path: Vec<_> = import.path.iter().chain(rest).cloned().collect();
            return self.resolve(at, &path, left);
        }
        let through = self.globs(at, left).find(|target| self.knows(*target, name, left));
        through.map_or(Some(at), |target| self.walk(target, path, left))
    }

    /// Whether a name means something at a place.
    fn knows(&self, at: usize, name: &str, reexports: usize) -> bool {
        let Some(left) = reexports.checked_sub(1) else { return false };
        let Place { children, module, .. } = &self.places[at];
        children.contains_key(name)
            || module.defined.contains(name)
            || module.imports.iter().any(|import| import.name.as_deref() == Some(name))
            || self.globs(at, left).any(|target| self.knows(target, name, left))
    }

    /// The places whose names a place has by globs.
    fn globs(&self, at: usize, reexports: usize) -> impl Iterator<Item = usize> {
        let globs = self.places[at].module.imports.iter().filter(|import| import.name.is_none());
        globs.filter_map(move |import| self.resolve(at, &import.path, reexports)).filter(move |to| *to != at)
    }

    /// The places that a place needs, each with the line that says so first.
    fn needs(&self, at: usize) -> BTreeMap<usize, usize> {
        let module = &self.places[at].module;
        // Traits are used without being named, so every import counts; a re-export is for others unless it is named.
        let imports = module.imports.iter().filter(|import| !import.public && import.name.is_some());
        let imports = imports.map(|Import { line, path, .. }| (line, path));
        let mut needs = BTreeMap::new();
        // A single name is never a module: a variable is called as one.
        let is_variable =
            |path: &[String]| matches!(path, [name] if self.places[at].children.contains_key(name));
        let paths = module.paths.iter().filter(|(_, path)| !is_variable(path));
        for (line, path) in imports.chain(paths.map(|(line, path)| (line, path))) {
            if let Some(target) = self.resolve(at, path, REEXPORTS)
                && target != at
            {
                needs.entry(target).or_insert(*line);
            }
        }
        needs
    }

    /// One circle of each knot of files: a shortest one.
    fn circles(&self) -> Vec<Finding> {
        let needs: Vec<_> = (0..self.places.len()).map(|at| self.needs(at)).collect();
        let mut circles: Vec<_> = (0..needs.len()).filter_map(|at| circle(at, &needs)).collect();
        circles.sort_by_key(Vec::len);
        let mut told = BTreeSet::new();
        let mut findings = Vec::new();
        for circle in circles {
            if !told.contains(&circle[0]) {
                let knot = knot(circle[0], &needs);
                let (file, line) = (&self.places[circle[0]].file, needs[circle[0]][&circle[1]]);
                let names: Vec<_> = circle
                    .windows(2)
                    .map(|pair| format!("{}:{}", self.places[pair[0]].file, needs[pair[0]][&pair[1]]))
                    .chain([file.clone()])
                    .collect();
                let mut what = format!("a circle: {}", names.join(" -> "));
                if knot.len() >= circle.len() {
                    let _ = write!(what, " ({} files need one another)", knot.len());
                }
                findings.push(Finding::new(file, line, what));
                told.extend(knot);
            }
        }
        findings
    }
}

/// The shortest way from a place back to it, the place at both ends.
fn circle(start: usize, needs: &[BTreeMap<usize, usize>]) -> Option<Vec<usize>> {
    let mut from = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for next in needs[at].keys() {
            if *next == start {
                let back = std::iter::successors(Some(at), |at| from.get(at).copied());
                let mut way: Vec<_> = [start].into_iter().chain(back).collect();
                way.reverse();
                return Some(way);
            }
            if !from.contains_key(next) {
                from.insert(*next, at);
                queue.push_back(*next);
            }
        }
    }
    None
}

/// All places that need `start` and are needed by it.
fn knot(start: usize, needs: &[BTreeMap<usize, usize>]) -> BTreeSet<usize> {
    let reached = |start: usize| {
        let mut reached = BTreeSet::new();
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            open.extend(needs[at].keys().filter(|next| reached.insert(**next)));
        }
        reached
    };
    reached(start).into_iter().filter(|at| reached(*at).contains(&start)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a crate of these files below its `src`.
    #[track_caller]
    fn check_crate(files: &[(&str, &str)], expected: &[&str]) {
        let sources =
            files.iter().map(|(name, text)| (format!("a/src/{name}"), (*text).to_owned())).collect();
        let found: Vec<_> = check(&sources).into_iter().map(|finding| finding.what).collect();
        assert_eq!(found, expected);
    }

    const LIB: &str = "mod one;\nmod two;\nmod three;\n";
    const OF_TWO: &str = "a circle: a/src/one.rs:1 -> a/src/two.rs:2 -> a/src/one.rs";

    #[test]
    fn no_circle_is_no_finding() {
        check_crate(
            &[
                ("lib.rs", "pub mod one;\nmod two;\nmod three;\npub use two::Two;"),
                ("one.rs", "use crate::{two, three::Three};"),
                ("two.rs", "use crate::three;\n#[cfg(test)]\nmod tests { use crate::one::One; }"),
                ("three.rs", "// crate::one\nuse std::one;"),
            ],
            &[],
        );
    }

    #[test]
    fn a_circle_is_told_by_its_files() {
        let two = "\nuse super::one::{One, Other};";
        check_crate(&[("lib.rs", LIB), ("one.rs", "use crate::two::Two;"), ("two.rs", two)], &[OF_TWO]);
        // A path in the code is as good as an import, and so is one in a macro.
        check_crate(
            &[("lib.rs", LIB), ("one.rs", "fn a() { crate::two::b() }"), ("two.rs", "\nb!(super::one::C)")],
            &[OF_TWO],
        );
        check_crate(
            &[
                ("main.rs", LIB),
                ("one.rs", "use crate::two::Two;"),
                ("two.rs", "use crate::three::Three;"),
                ("three.rs", "use crate::one::One;"),
            ],
            &["a circle: a/src/one.rs:1 -> a/src/two.rs:1 -> a/src/three.rs:1 -> a/src/one.rs"],
        );
    }

    #[test]
    fn of_many_circles_a_shortest_is_told() {
        check_crate(
            &[
                ("lib.rs", LIB),
                ("one.rs", "use crate::{two::Two, three::Three};"),
                ("two.rs", "use crate::three::Three;"),
                ("three.rs", "use crate::one::One;"),
            ],
            &["a circle: a/src/one.rs:1 -> a/src/three.rs:1 -> a/src/one.rs (3 files need one another)"],
        );
    }

    #[test]
    fn reexports_are_followed() {
        // By name, under another name, by glob.
        for (reexport, used) in [("one::One", "One"), ("one::One as A", "A"), ("one::*", "One")] {
            check_crate(
                &[
                    ("lib.rs", &format!("{LIB}pub use {reexport};")),
                    ("one.rs", "use crate::two::Two; struct One;"),
                    ("two.rs", &format!("\nuse crate::{used};")),
                ],
                &[OF_TWO],
            );
        }
        check_crate(&[("lib.rs", "mod one;\npub use one::*;"), ("one.rs", "use super::*;")], &[]);
        // What re-exports itself ends somewhere.
        check_crate(
            &[("lib.rs", "mod one;\npub use one::A;"), ("one.rs", "pub use crate::A; fn b(_: A) {}")],
            &[],
        );
    }

    #[test]
    fn a_parent_and_its_child() {
        let lib = "mod one;\nstruct Own;\n";
        let child = "use super::Own;";
        // To declare a child and to hand its items on is no need.
        check_crate(&[("lib.rs", &format!("{lib}pub use one::One;")), ("one.rs", child)], &[]);
        for line in ["use one::One;", "pub use one::One; fn a() -> One {}", "fn a() { one::b() }"] {
            check_crate(
                &[("lib.rs", &format!("{lib}{line}")), ("one.rs", child)],
                &["a circle: a/src/lib.rs:3 -> a/src/one.rs:1 -> a/src/lib.rs"],
            );
        }
        check_crate(&[("lib.rs", &format!("{lib}fn a(one: u8) -> u8 {{ one }}")), ("one.rs", child)], &[]);
        // Modules in folders, and what a module is called where it is imported.
        check_crate(
            &[
                ("lib.rs", "mod one;\nmod two;"),
                ("one/mod.rs", "mod inner;\npub use inner::Inner;"),
                ("one/inner.rs", "use crate::two;\nfn a() { two::deep::b() }"),
                ("two.rs", "mod deep;"),
                ("two/deep.rs", "use crate::one::Inner;"),
            ],
            &["a circle: a/src/one/inner.rs:2 -> a/src/two/deep.rs:1 -> a/src/one/inner.rs"],
        );
    }
}
