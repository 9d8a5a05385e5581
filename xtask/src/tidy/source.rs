//! Rules that are checked line by line. They rely on rustfmt's layout, which CI checks: a function ends at the first `}` that
//! stands as far in as its `fn` does.

use super::finding::Finding;

/// The crates with unsafe code: the fast engine, and those that stand at a foreign ABI.
pub(crate) const UNSAFE_CRATES: [&str; 4] =
    ["primary-interpreter", "evmc-abi", "engine-evmc", "evmc-library"];
const FILE_LINES: usize = 800;
const FUNCTION_LINES: usize = 90;
/// Exempts the function below it from the limit, as `#[test]` does: tests are data.
const DISPATCH_TABLE: &str = "// tidy: dispatch table";
const BANNED_STEMS: [&str; 13] = [
    "util", "utils", "common", "misc", "helper", "helpers", "stuff", "other", "others", "look", "means",
    "patient", "failure",
];
/// Second words for what has one already: a side, a halt, what a record holds.
const BANNED_TYPES: [&str; 7] = ["Which", "Other", "Failure", "Failed", "Look", "Means", "Patient"];
const BANNED_MACROS: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];
/// Folders of one machine, and hosts that package managers talk to. Cut in two, so that this file passes.
const MACHINE: [(&str, &str); 8] = [
    ("/wor", "k/"),
    ("/roo", "t/"),
    ("/hom", "e/"),
    ("/Use", "rs/"),
    ("index.", "crates.io"),
    ("static.", "crates.io"),
    ("registry.", "npmjs.org"),
    ("files.", "pythonhosted.org"),
];

/// Checks one file, named from the root on.
pub(crate) fn check(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for (start, end) in MACHINE {
            if line.contains(&format!("{start}{end}")) {
                let what = format!("{start}{end} is of one machine or one registry");
                findings.push(Finding::new(file, index + 1, what));
            }
        }
    }
    if file.ends_with(".rs") {
        check_rust(file, text, &mut findings);
    }
    findings
}

fn check_rust(file: &str, text: &str, findings: &mut Vec<Finding>) {
    let components = file.trim_end_matches(".rs").split('/');
    for name in components.filter(|name| BANNED_STEMS.contains(name)) {
        findings.push(Finding::new(file, 0, format!("{name:?} does not tell what is in it")));
    }
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() > FILE_LINES {
        findings.push(Finding::new(file, 0, format!("{} lines, {FILE_LINES} are allowed", lines.len())));
    }
    let may_be_unsafe = UNSAFE_CRATES.iter().any(|name| file.starts_with(&format!("crates/{name}/")));
    for (index, line) in lines.iter().enumerate() {
        let code = code(line);
        for word in BANNED_MACROS {
            if has_word(&code, word) {
                findings.push(Finding::new(file, index + 1, word));
            }
        }
        for name in BANNED_TYPES {
            if has_word(&code, &format!("enum {name}")) || has_word(&code, &format!("struct {name}")) {
                findings.push(Finding::new(file, index + 1, format!("{name:?} has a better name")));
            }
        }
        if !may_be_unsafe && has_word(&code, "unsafe") {
            let what = format!("unsafe outside {}", UNSAFE_CRATES.join(", "));
            findings.push(Finding::new(file, index + 1, what));
        }
        if let Some(length) = function_length(&lines, index)
            && length > FUNCTION_LINES
        {
            let what = format!("a function of {length} lines, {FUNCTION_LINES} are allowed");
            findings.push(Finding::new(file, index + 1, what));
        }
    }
}

/// Lines of the function that starts on this line; `None` if none does, or if it is exempt.
fn function_length(lines: &[&str], index: usize) -> Option<usize> {
    let line = lines[index];
    let trimmed = line.trim_start();
    let indent = &line[..line.len() - trimmed.len()];
    let modifiers = ["pub", "pub(crate)", "pub(super)", "const", "unsafe", "extern", "\"C\"", "async"];
    let mut words = trimmed.split_whitespace().skip_while(|word| modifiers.contains(word));
    if words.next() != Some("fn") {
        return None;
    }
    // Attributes and documentation may stand between the marker and the function.
    let above =
        lines[..index].iter().rev().map(|line| line.trim()).take_while(|line| line.starts_with(['#', '/']));
    if above.into_iter().any(|line| line == DISPATCH_TABLE || line == "#[test]") {
        return None;
    }
    let mut has_body = false;
    for (offset, line) in lines[index..].iter().enumerate() {
        // A declaration, or a body of nothing.
        let is_one_piece = !has_body && line.ends_with([';', '}']);
        has_body |= line.ends_with('{');
        if is_one_piece || has_body && line.strip_prefix(indent) == Some("}") {
            return Some(offset + 1);
        }
    }
    None
}

/// The line without what is in strings and comments.
fn code(line: &str) -> String {
    let mut code = String::new();
    let mut chars = line.chars().peekable();
    let mut in_string = false;
    while let Some(c) = chars.next() {
        match (in_string, c) {
            (true, '\\') => drop(chars.next()),
            (true, '"') => in_string = false,
            (true, _) => {}
            (false, '/') if chars.peek() == Some(&'/') => break,
            (false, '\'') if chars.peek() == Some(&'"') => drop(chars.next()),
            (false, '"') => in_string = true,
            (false, c) => code.push(c),
        }
    }
    code
}

/// Whether `word` stands in `code`, not as a part of a longer name.
fn has_word(code: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let behind = code[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && (word.ends_with('!') || !behind.is_some_and(is_name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_file(file: &str, text: &str, expected: &[(usize, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(line, what)| Finding::new(file, *line, *what)).collect();
        assert_eq!(check(file, text), expected);
    }

    #[test]
    fn words_of_code_alone_count() {
        check_file("a.rs", "fn a() {\n    todo!()\n}\n", &[(2, "todo!")]);
        check_file("a.rs", "// todo!()\nlet a = \"todo!() \\\" dbg!\"; let q = '\"'; not_dbg!();\n", &[]);
        check_file("a.rs", "#![forbid(unsafe_code)]\n", &[]);
        check_file(
            "a.rs",
            "    unsafe { a() }\n",
            &[(1, "unsafe outside primary-interpreter, evmc-abi, engine-evmc, evmc-library")],
        );
        check_file("crates/primary-interpreter/src/a.rs", "    unsafe { a() }\n", &[]);
        check_file("crates/engine-evmc/src/a.rs", "    unsafe { a() }\n", &[]);
    }

    #[test]
    fn machines_are_in_no_file() {
        let folder = ["/wor", "k/"].concat();
        let expected = format!("{folder} is of one machine or one registry");
        check_file("a.md", &format!("see {folder}shared"), &[(1, &expected)]);
    }

    #[test]
    fn names_tell() {
        check_file("crates/a/src/utils.rs", "", &[(0, "\"utils\" does not tell what is in it")]);
        check_file("crates/a/common/b.rs", "", &[(0, "\"common\" does not tell what is in it")]);
        check_file("crates/a/src/uncommon.rs", "", &[]);
        check_file("crates/a/src/look.rs", "", &[(0, "\"look\" does not tell what is in it")]);
        check_file("a.rs", "// enum Failure\npub enum Failure {}\n", &[(2, "\"Failure\" has a better name")]);
        check_file("a.rs", "struct Look<'a>(&'a u8);\nstruct Looks;\n", &[(1, "\"Look\" has a better name")]);
    }

    #[test]
    fn sizes() {
        let function = |lines: usize| {
            let body = "        b();\n".repeat(lines - 4);
            format!("impl A {{\n    pub(crate) const fn a(\n        a: u8,\n    ) {{\n{body}    }}\n}}\n")
        };
        check_file("a.rs", &function(90), &[]);
        check_file("a.rs", &function(91), &[(2, "a function of 91 lines, 90 are allowed")]);
        let table =
            function(91).replacen("    pub", "    // tidy: dispatch table\n    #[inline]\n    pub", 1);
        check_file("a.rs", &table, &[]);
        let test = function(91).replacen("    pub", "    #[test]\n    pub", 1);
        check_file("a.rs", &test, &[]);
        // A declaration without a body is one line, whatever follows.
        check_file(
            "a.rs",
            &format!("trait A {{\n    fn a();\n{}}}\n", "    const A: u8;\n".repeat(100)),
            &[],
        );
        check_file("a.rs", &"a();\n".repeat(801), &[(0, "801 lines, 800 are allowed")]);
    }
}
