//! `cargo xtask coverage --api`: which public items no test names. By names alone: `unreachable_pub` sees to it that whatever is `pub`
//! is reachable, and rustfmt's layout tells what stands in what. What a macro makes is not seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result};

use crate::{
    tidy::{files, words},
    workspace,
};

/// A public item.
#[derive(Debug, PartialEq, Eq)]
struct Item {
    /// Its file and line.
    place: String,
    /// The type or the trait that it belongs to.
    owner: Option<String>,
    name: String,
    /// Whether it is called on a value: then tests need not name its type.
    is_member: bool,
}

/// What tests, examples, benches and the code in documentation name.
#[derive(Default)]
struct Named {
    names: BTreeSet<String>,
    /// `Type::item`.
    paths: BTreeSet<(String, String)>,
    /// `.item`, and `fn item` where a test implements a trait.
    members: BTreeSet<String>,
}

/// Prints the share of each crate's public items that something names, and those that nothing does.
pub(crate) fn run() -> Result<()> {
    let root = workspace::root();
    let (mut items, mut named) = (Vec::new(), Named::default());
    for file in files(&root)? {
        let Some((package, path)) = file.strip_prefix("crates/").and_then(|path| path.split_once('/')) else {
            continue;
        };
        let is_source = path.starts_with("src/");
        if path.ends_with(".md") {
            named.add(&code_of(&read(&root, &file)?, ""));
        } else if path.ends_with(".rs") && !is_source {
            named.add(&read(&root, &file)?);
        } else if path.ends_with(".rs") {
            let text = read(&root, &file)?;
            let (source, tests) = split(&text);
            let is_test = path == "src/tests.rs" || path.contains("/tests/");
            named.add(if is_test { &text } else { tests });
            named.add(&code_of(source, "///"));
            items.extend(
                public(&file, if is_test { "" } else { source })
                    .into_iter()
                    .map(|item| (package.to_owned(), item)),
            );
        }
    }
    print!("{}", report(&items, &named));
    Ok(())
}

fn read(root: &Path, file: &str) -> Result<String> {
    fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))
}

/// The code of a file and that of its tests, which stand at its end.
fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find("\n#[cfg(test)]\nmod tests {").unwrap_or(text.len()))
}

/// The code between fences, in lines that begin with `prefix`.
fn code_of(text: &str, prefix: &str) -> String {
    let mut is_code = false;
    let mut code = String::new();
    for line in text.lines().filter_map(|line| line.trim_start().strip_prefix(prefix)) {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            code.push_str(line);
            code.push('\n');
        }
    }
    code
}

/// The public functions, methods, types, constants of a file, and the methods of its public traits.
fn public(file: &str, source: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let (mut owner, mut is_trait) = (None, false);
    for (index, line) in source.lines().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let words = words(code);
        let is_public = words.first() == Some(&"pub") && words.get(1) != Some(&"(");
        let modifiers = ["pub", "unsafe", "async", "extern"];
        let mut behind = words.iter().copied().skip_while(|word| modifiers.contains(word)).peekable();
        let mut keyword = behind.next().unwrap_or_default();
        if keyword == "const" && matches!(behind.peek(), Some(&"fn" | &"unsafe")) {
            keyword = behind.find(|word| *word == "fn").unwrap_or_default();
        }
        let name = behind.next().unwrap_or_default().to_owned();
        if indent == 0 && !code.is_empty() && !code.starts_with(['}', '#', '/', ')']) {
            is_trait = is_public && keyword == "trait";
            owner = if is_trait { Some(name.clone()) } else { implemented(code) };
        }
        let is_item =
            matches!(keyword, "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union");
        let is_method = indent == 4 && owner.is_some() && (is_public || is_trait && keyword == "fn");
        if is_item && (indent == 0 && is_public || is_method) {
            let owner = owner.clone().filter(|_| is_method);
            let takes_self = source.lines().skip(index).take(3).collect::<String>();
            let takes_self = words_until(&takes_self, ")").contains(&"self");
            let place = format!("{file}:{}", index + 1);
            items.push(Item { place, owner, name, is_member: is_method && takes_self });
        }
    }
    items
}

/// The type that a block at the margin has functions of its own for; none of a trait's.
fn implemented(code: &str) -> Option<String> {
    let rest = code.strip_prefix("impl")?;
    let mut depth = 0_usize;
    // Behind the parameters of the block.
    let rest = rest.trim_start_matches(|c: char| {
        depth += usize::from(c == '<');
        let is_inside = depth > 0;
        depth -= usize::from(c == '>' && depth > 0);
        is_inside || c == ' '
    });
    (!rest.contains(" for ")).then(|| words(rest).first().map(|word| (*word).to_owned()))?
}

/// The words of a text up to the first that is `end`.
fn words_until<'a>(text: &'a str, end: &str) -> Vec<&'a str> {
    words(text).into_iter().take_while(|word| *word != end).collect()
}

impl Named {
    fn add(&mut self, text: &str) {
        let words = words(text);
        // A test may call a type by a name of its own.
        let mut aliases = BTreeMap::new();
        for window in words.windows(4) {
            match *window {
                [owner, "as", alias, _] | ["type", alias, "=", owner] => drop(aliases.insert(alias, owner)),
                _ => {}
            }
        }
        for (at, word) in words.iter().enumerate() {
            let word = aliases.get(word).unwrap_or(word);
            self.names.insert((*word).to_owned());
            match words.get(at + 1) {
                Some(&"::") => {
                    let item = words.get(at + 2).copied().unwrap_or_default();
                    self.paths.insert(((*word).to_owned(), item.to_owned()));
                }
                Some(name) if matches!(*word, "." | "fn") => drop(self.members.insert((*name).to_owned())),
                _ => {}
            }
        }
    }

    fn has(&self, item: &Item) -> bool {
        match &item.owner {
            None => self.names.contains(&item.name),
            Some(owner) => {
                self.paths.contains(&(owner.clone(), item.name.clone()))
                    || item.is_member && self.members.contains(&item.name)
            }
        }
    }
}

fn report(items: &[(String, Item)], named: &Named) -> String {
    let mut crates: Vec<&str> = items.iter().map(|(package, _)| &**package).collect();
    crates.dedup();
    let mut text = format!("{:<24}{:>8}{:>8}\n", "public items", "all", "named");
    for package in crates.into_iter().map(Some).chain([None]) {
        let of = items.iter().filter(|(name, _)| package.is_none_or(|package| package == name));
        let (count, covered) = of
            .fold((0, 0), |(count, covered), (_, item)| (count + 1, covered + usize::from(named.has(item))));
        let tenths = covered * 1000 / count.max(1);
        let package = package.unwrap_or("all");
        text += &format!("{package:<24}{count:>8}{covered:>8}{:>6}.{} %\n", tenths / 10, tenths % 10);
    }
    for (_, Item { place, owner, name, .. }) in items.iter().filter(|(_, item)| !named.has(item)) {
        let owner = owner.as_ref().map_or(String::new(), |owner| format!("{owner}::"));
        text += &format!("{place}: no test names {owner}{name}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
/// A.
///
/// ```
/// let a: A = x;
/// ```
pub struct A<T>(T);

impl<T: Into<B>> A<T> {
    /// Makes it.
    pub const fn new() -> Self {}

    pub fn look(
        &self,
    ) {
    }

    pub(crate) fn hidden(&self) {}
    pub fn of() {}
}

impl<T> Iterator for A<T> {
    fn next(&mut self) {}
}

pub trait Look {
    fn at(&self);
}

pub(crate) struct Inner;

impl Inner {
    pub(crate) fn f() {}
}

pub fn free() {}
pub const LIMIT: u8 = 1;
";

    #[test]
    fn public_items_are_found_with_what_they_belong_to() {
        let found: Vec<_> = public("a.rs", SOURCE)
            .into_iter()
            .map(|item| {
                format!(
                    "{}{}{}",
                    item.owner.unwrap_or_default(),
                    if item.is_member { "." } else { "::" },
                    item.name
                )
            })
            .collect();
        assert_eq!(found, ["::A", "A::new", "A.look", "A::of", "::Look", "Look.at", "::free", "::LIMIT"]);
    }

    #[test]
    fn what_nothing_names_is_listed() {
        let items: Vec<_> = public("a.rs", SOURCE).into_iter().map(|item| ("a".to_owned(), item)).collect();
        let mut named = Named::default();
        named.add(&code_of(SOURCE, "///"));
        // A function that is called on nothing needs its type's name.
        named.add("type C = A; C::new(); x.look(); x.of(); Other::free; // LIMIT\n\"Look\"; B::at()");
        let expected = "\
public items                 all   named
a                              8       4    50.0 %
all                            8       4    50.0 %
a.rs:18: no test names A::of
a.rs:25: no test names Look
a.rs:26: no test names Look::at
a.rs:36: no test names LIMIT
";
        assert_eq!(report(&items, &named), expected);
    }
}
