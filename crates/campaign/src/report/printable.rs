//! Text of others made harmless: for a terminal, which obeys control characters, for XML, which cannot hold them, and for
//! readers, whom a change of direction fools.

use std::borrow::Cow;

/// Whether a character is one to be seen.
pub(super) fn is_printable(character: char) -> bool {
    let is_direction =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_none = matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    !character.is_control() && !is_direction && !is_none
}

/// On one line: what is not to be seen as its code point.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match is_printable(character) {
            true => shown.push(character),
            false => shown.extend(character.escape_default()),
        }
    }
    Cow::Owned(shown)
}

/// As text of HTML or XML, in an element or in a quoted attribute; lines stay lines.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            escaped.push('\n');
        }
        for character in printable(line).chars() {
            match character {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&#39;"),
                character => escaped.push(character),
            }
        }
    }
    escaped
}

/// As one word of a shell. Where there is nothing to be seen, in the `$'..'` of bash, zsh and ksh.
pub fn shell_word(text: &str) -> String {
    if text.chars().all(is_printable) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut quoted = "$'".to_owned();
    for character in text.chars() {
        match character {
            '\'' | '\\' => quoted.extend(['\\', character]),
            character if is_printable(character) => quoted.push(character),
            character => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    quoted.push_str(&format!("\\x{byte:02x}"));
                }
            }
        }
    }
    quoted + "'"
}

/// A regular expression for exactly this text, printable.
pub(super) fn exactly(text: &str) -> String {
    let mut pattern = "^".to_owned();
    for character in regex::escape(text).chars() {
        match is_printable(character) {
            true => pattern.push(character),
            false => pattern.push_str(&format!("\\x{{{:x}}}", u32::from(character))),
        }
    }
    pattern + "$"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_text_comes_through() {
        assert_eq!(printable("a\u{1b}[31m\u{202e}b\n"), r"a\u{1b}[31m\u{202e}b\n");
        assert_eq!(escaped("<b a='1'>&\u{0}\n\u{ffff}"), "&lt;b a=&#39;1&#39;&gt;&amp;\\u{0}\n\\u{ffff}");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word("a\u{1b}'\\\u{e9}"), r"$'a\x1b\'\\é'");
    }

    #[test]
    fn a_pattern_finds_its_text_alone() {
        for text in ["a.b", "x\u{1b}y\n", "[(^$)]", "\u{202e}", ""] {
            let pattern = regex::Regex::new(&exactly(text)).unwrap();
            assert!(pattern.is_match(text), "{text:?}");
            assert!(!pattern.is_match(&format!("{text}x")) && !pattern.is_match(&format!("x{text}")));
        }
    }
}
