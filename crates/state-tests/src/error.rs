//! What is wrong with a file of state tests: where, what was expected, what stood there.

use std::{fmt, sync::Arc};

/// A fault in the input. It never hides the other cases of its file, unless the file as a whole is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixtureError {
    /// The file as it was named.
    pub file: Arc<str>,
    /// The test's key in it; empty for the file as a whole.
    pub test: Arc<str>,
    /// Where in the test, as `post.Osaka[0].indexes.data`; empty for the test as a whole.
    pub path: String,
    /// What is wrong there.
    pub problem: Problem,
}

impl fmt::Display for FixtureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file)?;
        match (&*self.test, &*self.path) {
            ("", "") => {}
            (test, "") => write!(f, "at {test}: ")?,
            ("", path) => write!(f, "at {path}: ")?,
            (test, path) if path.starts_with('[') => write!(f, "at {test}{path}: ")?,
            (test, path) => write!(f, "at {test}.{path}: ")?,
        }
        self.problem.fmt(f)
    }
}

impl FixtureError {
    /// That the file as a whole is at fault.
    pub fn of_file(file: &str, problem: Problem) -> Self {
        Self { file: file.into(), test: "".into(), path: String::new(), problem }
    }

    /// What it is where nothing is broken: something that is not known here, or is no test, in words that a count may stand before.
    pub fn passed_over(&self) -> Option<String> {
        match &self.problem {
            Problem::UnknownFork(name) => {
                Some(format!("cases of {}, a fork that is not known", shorten(name)))
            }
            Problem::OtherKind(kind) => Some((*kind).to_owned()),
            _ => None,
        }
    }
}

impl std::error::Error for FixtureError {}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The operating system could not read it.
    #[error("cannot read the file: {0}")]
    Io(String),
    /// Larger than [`crate::MAX_FILE_BYTES`].
    #[error("the file is larger than the limit of {limit} bytes")]
    FileTooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// Nested deeper than [`crate::MAX_NESTING`].
    #[error("JSON nested deeper than {limit} at byte {byte}")]
    TooDeep {
        /// The limit.
        limit: usize,
        /// Offset of the bracket that is one too many.
        byte: u64,
    },
    /// JSON is UTF-8.
    #[error("expected UTF-8, found another byte at offset {0}")]
    NotUtf8(usize),
    /// No JSON, or cut off.
    #[error("expected {expected}: {message}")]
    Syntax {
        /// What should stand there.
        expected: &'static str,
        /// The parser's message, with line and column.
        message: String,
    },
    /// A field that must be there is not.
    #[error("missing field, expected {expected}")]
    Missing {
        /// What should stand there.
        expected: &'static str,
    },
    /// Something else stands there.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What should stand there.
        expected: String,
        /// What stands there, shortened.
        found: String,
    },
    /// Rules that are not known: later ones than this program, or of another chain.
    #[error("expected a fork that is known, found {0:?}")]
    UnknownFork(String),
    /// It is no state test and no block test, but one of these.
    #[error("expected a state test or a block test, found one of the {0}")]
    OtherKind(&'static str),
    /// The same test, account or slot twice.
    #[error("given twice: {0}")]
    Duplicate(String),
}

/// Shows at most the first 80 characters of `text`.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
