//! What may be wrong with a store.

use std::{io, path::Path};

use rusqlite::ErrorCode;

/// What may be wrong with a store. Each is one line that begins with the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such file.
    #[error("{file}: no such store")]
    Missing {
        /// The file, as it was named.
        file: String,
    },
    /// It is something else.
    #[error("{file}: no store of parallax, expected a file that a command with --store has written")]
    Foreign {
        /// The file.
        file: String,
    },
    /// It is of a version that this crate does not know.
    #[error("{file}: a store of version {version}, expected {expected}: it was written by a newer parallax")]
    Newer {
        /// The file.
        file: String,
        /// Its version.
        version: i64,
        /// The newest that is known.
        expected: i64,
    },
    /// It cannot grow. What was acknowledged is there.
    #[error("{file}: the store is full: {why}; what was acknowledged is kept")]
    Full {
        /// The file.
        file: String,
        /// Which limit it is, or that it is the disk.
        why: String,
    },
    /// Another process goes on with the same campaign.
    #[error("{file}: another process goes on with campaign {campaign}, so this one ends")]
    Taken {
        /// The file.
        file: String,
        /// The campaign.
        campaign: u64,
    },
    /// There is no campaign, finding or case of this number.
    #[error("{file}: no {what} {number}")]
    None {
        /// The file.
        file: String,
        /// What was asked for.
        what: &'static str,
        /// Its number.
        number: u64,
    },
    /// What is in the file is not as it was written.
    #[error("{file}: damaged: {what}")]
    Damaged {
        /// The file.
        file: String,
        /// Where, and how.
        what: String,
    },
    /// The file cannot be read or written.
    #[error("{file}: {why}")]
    Failed {
        /// The file.
        file: String,
        /// What SQLite says.
        why: String,
    },
    /// What is exported cannot be written.
    #[error("cannot write what is exported")]
    Export(#[from] io::Error),
}

impl StoreError {
    /// What SQLite says, in the words of a store.
    pub(crate) fn of(file: &Path, source: &rusqlite::Error) -> Self {
        let file = file.display().to_string();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => StoreError::Foreign { file },
            Some(ErrorCode::DiskFull) => {
                StoreError::Full { file, why: "the disk, or the limit of its size".to_owned() }
            }
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { file, what: source.to_string() },
            // Some say the file again behind that.
            _ => StoreError::Failed { why: source.to_string().replace(&format!(": {file}"), ""), file },
        }
    }
}
