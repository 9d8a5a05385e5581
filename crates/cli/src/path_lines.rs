//! Paths on standard input, one a line, each handed over when it has come.

use std::{
    io::{self, BufRead, Read},
    path::PathBuf,
};

/// Bytes of the longest line that is taken for a path: no system has longer ones.
pub(crate) const LINE_LIMIT: usize = 1 << 16;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathLine {
    /// Nothing but blanks.
    Empty,
    /// A path, whether there is something of that name or not.
    Path(PathBuf),
    /// What can be none, and why.
    Bad(String),
    /// What seems to be the text of a test, where a list of paths should be: then so are all lines behind it.
    Json(String),
}

/// The lines of a list of paths.
pub(crate) struct PathLines<R>(R);

impl<R: BufRead> PathLines<R> {
    pub(crate) fn new(source: R) -> Self {
        Self(source)
    }

    /// Waits for the next line; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<PathLine>> {
        let mut line = Vec::new();
        let limit = LINE_LIMIT as u64 + 1;
        if self.0.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.len() > LINE_LIMIT && line.last() != Some(&b'\n') {
            self.skip_line()?;
            return Ok(Some(PathLine::Bad(format!(
                "standard input: a line is longer than {LINE_LIMIT} bytes, expected a path"
            ))));
        }
        let end = line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
        line.truncate(end);
        let Some(first) = line.iter().find(|byte| !byte.is_ascii_whitespace()).copied() else {
            return Ok(Some(PathLine::Empty));
        };
        let path = match path(line) {
            Ok(path) => path,
            Err(reason) => return Ok(Some(PathLine::Bad(reason))),
        };
        if matches!(first, b'{' | b'[') && !path.exists() {
            let text = "standard input: expected a list of paths, one a line, found what looks like JSON: a test is named by its path";
            return Ok(Some(PathLine::Json(text.to_owned())));
        }
        Ok(Some(PathLine::Path(path)))
    }

    /// Goes behind the end of the line, and keeps nothing of it.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.0.fill_buf()?;
            let (length, is_end) = match bytes.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (bytes.len(), bytes.is_empty()),
            };
            self.0.consume(length);
            if is_end {
                return Ok(());
            }
        }
    }
}

#[cfg(unix)]
fn path(line: Vec<u8>) -> Result<PathBuf, String> {
    use std::os::unix::ffi::OsStringExt;
    if line.contains(&0) {
        return Err("standard input: a line has a zero byte, expected a path".to_owned());
    }
    Ok(std::ffi::OsString::from_vec(line).into())
}

#[cfg(not(unix))]
fn path(line: Vec<u8>) -> Result<PathBuf, String> {
    String::from_utf8(line)
        .map(PathBuf::from)
        .map_err(|_| "standard input: a line is not UTF-8, expected a path".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_path_or_said_to_be_none() {
        let long = "x".repeat(LINE_LIMIT + 1);
        let text = format!("a b.json\r\n\n  \n{long}\nc\nd\0\n{{\"t\": {{}}}}\nlast");
        let mut lines = PathLines::new(text.as_bytes());
        let mut next = || lines.next().unwrap();
        assert_eq!(next(), Some(PathLine::Path("a b.json".into())));
        assert_eq!((next(), next()), (Some(PathLine::Empty), Some(PathLine::Empty)));
        assert!(matches!(next(), Some(PathLine::Bad(reason)) if reason.contains("longer than 65536 bytes")));
        assert_eq!(next(), Some(PathLine::Path("c".into())));
        assert!(matches!(next(), Some(PathLine::Bad(reason)) if reason.contains("zero byte")));
        assert!(matches!(next(), Some(PathLine::Json(reason)) if reason.contains("looks like JSON")));
        assert_eq!((next(), next()), (Some(PathLine::Path("last".into())), None));
    }

    #[test]
    fn the_longest_line_is_taken() {
        let long = "y".repeat(LINE_LIMIT - 1);
        let text = format!("{long}\nz");
        let mut lines = PathLines::new(text.as_bytes());
        assert_eq!(lines.next().unwrap(), Some(PathLine::Path(long.into())));
        assert_eq!(lines.next().unwrap(), Some(PathLine::Path("z".into())));
    }
}
