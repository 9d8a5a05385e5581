//! What a source file says about modules: which it declares, what it defines, which paths it names. It reads tokens, not types:
//! what a macro makes is not seen, what is given to a macro is.

use std::collections::BTreeSet;

/// A path as it is written.
pub(crate) type Path = Vec<String>;

/// One name of a `use`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) line: usize,
    pub(crate) path: Path,
    /// The name it has here; `None` for a glob.
    pub(crate) name: Option<String>,
    /// Whether others may take it from here.
    pub(crate) public: bool,
}

/// What one file says, tests left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Module {
    /// Names of `mod name;`.
    pub(crate) children: BTreeSet<String>,
    /// Names of the items that stand here.
    pub(crate) defined: BTreeSet<String>,
    pub(crate) imports: Vec<Import>,
    /// Paths outside of `use`, single names included, each with its line.
    pub(crate) paths: Vec<(usize, Path)>,
}

struct Token<'a> {
    line: usize,
    text: &'a str,
}

impl Module {
    pub(crate) fn read(text: &str) -> Self {
        let tokens = tokens(text);
        let mut module = Self::default();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let text = |offset: usize| tokens.get(at + offset).map_or("", |token| token.text);
            if (0..6).map(text).eq(["#", "[", "cfg", "(", "test", ")"]) {
                at = behind_item(&tokens, at + 7);
            } else if token.text == "use" && text(1) != "<" {
                let public =
                    at.checked_sub(1).is_some_and(|before| matches!(tokens[before].text, "pub" | ")"));
                at = module.read_use(&tokens, at + 1, &Path::new(), public);
            } else if is_item(token.text) && is_name(text(1)) {
                let names = if token.text == "mod" && text(2) == ";" {
                    &mut module.children
                } else {
                    &mut module.defined
                };
                names.insert(text(1).to_owned());
                at += 2;
            } else if text(0) == "macro_rules" && text(1) == "!" {
                module.defined.insert(text(2).to_owned());
                at += 3;
            } else if is_name(token.text) {
                let mut path = vec![token.text.to_owned()];
                let is_member = at.checked_sub(1).is_some_and(|before| tokens[before].text == ".");
                at += 1;
                while let [separator, name, ..] = &tokens[at..]
                    && separator.text == "::"
                    && is_name(name.text)
                {
                    path.push(name.text.to_owned());
                    at += 2;
                }
                // `pub(crate)`, a method's `self`.
                let is_keyword =
                    matches!(path.as_slice(), [word] if matches!(word.as_str(), "crate" | "self" | "super"));
                if !is_member && !is_keyword {
                    module.paths.push((token.line, path));
                }
            } else {
                at += 1;
            }
        }
        module
    }

    /// Reads one tree of a `use` behind `prefix`; the place behind it.
    fn read_use(&mut self, tokens: &[Token<'_>], mut at: usize, prefix: &[String], public: bool) -> usize {
        let mut path = prefix.to_vec();
        while let Some(token) = tokens.get(at) {
            match token.text {
                "::" => at += 1,
                "{" => {
                    at += 1;
                    while tokens.get(at).is_some_and(|token| token.text != "}") {
                        at = self.read_use(tokens, at, &path, public);
                        at += usize::from(tokens.get(at).is_some_and(|token| token.text == ","));
                    }
                    return at + 1;
                }
                "*" => {
                    self.imports.push(Import { line: token.line, path, name: None, public });
                    return at + 1;
                }
                "self" if !path.is_empty() => at += 1,
                name if is_name(name) && name != "as" => {
                    path.push(name.to_owned());
                    at += 1;
                }
                _ => break,
            }
        }
        let mut name = path.last().cloned();
        let line = tokens.get(at.saturating_sub(1)).map_or(0, |token| token.line);
        if tokens.get(at).is_some_and(|token| token.text == "as") {
            name = tokens.get(at + 1).map(|token| token.text.to_owned());
            at += 2;
        }
        self.imports.push(Import { line, path, name, public });
        // What cannot be read must not stop the reader.
        at.max(1) + usize::from(!tokens.get(at).is_none_or(|token| matches!(token.text, ";" | "," | "}")))
    }
}

fn is_item(word: &str) -> bool {
    matches!(word, "mod" | "fn" | "struct" | "enum" | "union" | "trait" | "type" | "const" | "static")
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The place behind the item that starts at `at`: behind its block or its semicolon.
fn behind_item(tokens: &[Token<'_>], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth == 0 => return at - 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            ";" if depth == 0 => return at,
            _ => {}
        }
    }
    at
}

/// The tokens of a text, without their places.
pub(crate) fn words(text: &str) -> Vec<&str> {
    tokens(text).into_iter().map(|token| token.text).collect()
}

/// Names, `::` and single characters, without comments, strings and lifetimes.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest).unwrap_or_else(|| {
            let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = if rest.starts_with("::") { 2 } else { name.max(first.len_utf8()) };
            tokens.push(Token { line, text: &rest[..length] });
            length
        });
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// The length of what is no token at the start of `text`.
fn skipped(text: &str) -> Option<usize> {
    let closed =
        |start: usize, end: &str| text[start..].find(end).map_or(text.len(), |at| start + at + end.len());
    if text.starts_with(char::is_whitespace) {
        return Some(text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len()));
    }
    if text.starts_with("//") {
        return Some(closed(2, "\n"));
    }
    if text.starts_with("/*") {
        return Some(closed(2, "*/"));
    }
    let literal = text.strip_prefix(['b', 'c']).unwrap_or(text);
    let prefix = text.len() - literal.len();
    if let Some(raw) = literal.strip_prefix('r')
        && let hashes = raw.len() - raw.trim_start_matches('#').len()
        && raw[hashes..].starts_with('"')
    {
        return Some(closed(prefix + 2 + hashes, &format!("\"{}", "#".repeat(hashes))));
    }
    if let Some(string) = literal.strip_prefix('"') {
        let mut escaped = false;
        let end = string.find(|c| {
            let is_end = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            is_end
        });
        return Some(end.map_or(text.len(), |end| prefix + end + 2));
    }
    let quoted = literal.strip_prefix('\'')?;
    let mut chars = quoted.chars();
    match (chars.next()?, chars.next()) {
        ('\\', _) => Some(closed(prefix + 3, "'")),
        (c, Some('\'')) => Some(prefix + 2 + c.len_utf8()),
        // A lifetime or a label.
        _ => Some(1 + quoted.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(quoted.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, imports: &[(&str, &str)], paths: &[&str]) {
        let module = Module::read(text);
        let read: Vec<_> = module
            .imports
            .iter()
            .map(|import| (import.path.join("::"), import.name.clone().unwrap_or_else(|| "*".into())))
            .collect();
        let expected: Vec<_> =
            imports.iter().map(|(path, name)| ((*path).to_owned(), (*name).to_owned())).collect();
        assert_eq!(read, expected);
        let read: Vec<_> = module.paths.iter().map(|(_, path)| path.join("::")).collect();
        assert_eq!(read, paths);
    }

    #[test]
    fn uses_are_trees() {
        check("use crate::a::B;", &[("crate::a::B", "B")], &[]);
        check(
            "pub(crate) use crate::{a::{self, B as C}, d::*};",
            &[("crate::a", "a"), ("crate::a::B", "C"), ("crate::d", "*")],
            &["pub"],
        );
        check("fn a() -> impl B + use<'a> {}", &[], &["impl", "B", "use"]);
    }

    #[test]
    fn tests_texts_and_comments_are_left_out() {
        check("#[cfg(test)]\nmod tests { use crate::a; }\nb::c()", &[], &["b::c"]);
        check("#[cfg(test)]\n#[derive(D)] struct A([u8; 2]);\nb", &[], &["b"]);
        check(
            "// a\n/* b */ 'c' b'\\'' '\\u{1}' \"d \\\" e\" r#\"f \" g\"# h.i j::<K>()",
            &[],
            &["h", "j", "K"],
        );
        check("fn a<'b>(c: &'b D) {}", &[], &["c", "D"]);
    }

    #[test]
    fn a_file_declares_and_defines() {
        let module = Module::read("mod a;\npub mod b { fn c() {} }\nstruct D;\nmacro_rules! e { () => {} }");
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!((module.children, module.defined), (names(&["a"]), names(&["b", "c", "D", "e"])));
    }

    #[test]
    fn lines_are_counted() {
        let module = Module::read("use a::{\n    b,\n    c,\n};\n\"\n\"; d");
        let lines: Vec<_> = module.imports.iter().map(|import| import.line).collect();
        assert_eq!((lines, module.paths[0].0), (vec![2, 3], 6));
    }
}
