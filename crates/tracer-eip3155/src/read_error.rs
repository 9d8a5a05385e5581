//! Why a trace cannot be read.

use std::io;

/// Longest line that is read, in bytes: a full stack is 70 KB, a memory of 100 MB is 200 MB of text.
pub const LINE_LIMIT: usize = 256 << 20;

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file itself.
    #[error("line {line}: {error}")]
    Io {
        /// Where.
        line: u64,
        /// Why.
        error: io::Error,
    },
    /// A line longer than [`LINE_LIMIT`].
    #[error("line {line}: longer than {LINE_LIMIT} bytes")]
    LineTooLong {
        /// Where.
        line: u64,
    },
    /// A line that starts like a trace line and is none.
    #[error("line {line}: {reason}")]
    Malformed {
        /// Where.
        line: u64,
        /// What was expected, and the column where it was not found.
        reason: String,
    },
    /// A file in UTF-16, as some shells write what a program says.
    #[error("the text is in UTF-16, expected UTF-8")]
    Utf16,
    /// Trace lines behind other text, as log drivers write them.
    #[error("line {line}: a trace line behind other text, expected nothing before it")]
    BehindText {
        /// The first one.
        line: u64,
    },
    /// No line of the file is a trace line.
    #[error(
        "no EIP-3155 line in {lines} lines, expected one JSON object a line such as {{\"pc\":0,\"op\":96,...}}"
    )]
    NotATrace {
        /// Lines read.
        lines: u64,
    },
}
