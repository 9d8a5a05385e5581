//! The folder that files are read from.
//!
//! Invariant: nothing is opened whose real path, links followed, is not below the folder's.

use std::{
    fs::{self, File},
    io::Read,
    path::{Component, Path, PathBuf},
};

use axum::http::StatusCode;

use crate::{error::ApiError, model};

/// Files that are listed at most.
const MAX_FILES: usize = 50_000;
/// Entries that are looked at for it: what has the wrong name costs time as well.
const MAX_ENTRIES: usize = 500_000;
/// Folders inside folders that are looked into.
const MAX_DEPTH: usize = 32;

/// A folder whose files may be read.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    root: PathBuf,
}

/// What a file's name says it is.
pub(crate) fn kind(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "json" => Some("state_test"),
        "jsonl" | "txt" | "log" | "trace" => Some("trace"),
        _ => None,
    }
}

fn too_large(field: &str, length: u64, limit: u64) -> ApiError {
    let message = format!("the file has {length} bytes or more, the limit is {limit}");
    let error = ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message);
    ApiError { field: Some(field.to_owned()), ..error }
}

impl Folder {
    pub(crate) fn new(path: &Path) -> std::io::Result<Self> {
        let root = fs::canonicalize(path)?;
        if !root.is_dir() {
            return Err(std::io::Error::new(std::io::ErrorKind::NotADirectory, "expected a folder"));
        }
        Ok(Self { root })
    }

    pub(crate) fn name(&self) -> String {
        self.root.file_name().map_or_else(|| "/".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// Opens a file that a client named, by its path below the folder, and says how long it is.
    pub(crate) fn open(&self, path: &str, field: &str, limit: u64) -> Result<(File, u64), ApiError> {
        let forbidden = || {
            let message =
                "expected a path below the folder that the server was given, without .. and links out of it";
            ApiError {
                field: Some(field.to_owned()),
                ..ApiError::new(StatusCode::FORBIDDEN, "forbidden_path", message)
            }
        };
        let is_plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        if path.is_empty() || path.len() > 4096 || path.contains('\0') || !is_plain {
            return Err(forbidden());
        }
        let missing =
            |_| ApiError { field: Some(field.to_owned()), ..ApiError::not_found("file below the folder") };
        let real = fs::canonicalize(self.root.join(path)).map_err(missing)?;
        if !real.starts_with(&self.root) {
            return Err(forbidden());
        }
        // Looked at before it is opened: opening a pipe waits.
        if !fs::metadata(&real).map_err(missing)?.is_file() {
            return Err(ApiError::source(field, "expected a file"));
        }
        let file = File::open(&real).map_err(missing)?;
        let length = file.metadata().map_err(missing)?.len();
        if length > limit {
            return Err(too_large(field, length, limit));
        }
        Ok((file, length))
    }

    /// All of a file.
    pub(crate) fn read(&self, path: &str, field: &str, limit: u64) -> Result<Vec<u8>, ApiError> {
        let (file, length) = self.open(path, field, limit)?;
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        // It may grow while it is read.
        file.take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| ApiError::source(field, error.to_string()))?;
        if bytes.len() as u64 > limit {
            return Err(too_large(field, bytes.len() as u64, limit));
        }
        Ok(bytes)
    }

    /// The files below the folder that are state tests or traces by name, sorted; and whether there are more.
    pub(crate) fn list(&self) -> (Vec<model::TestFile>, bool) {
        let mut files = Vec::new();
        let mut open = vec![(self.root.clone(), 0)];
        let mut looked_at = 0;
        let mut truncated = false;
        'folders: while let Some((folder, depth)) = open.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                looked_at += 1;
                if looked_at > MAX_ENTRIES {
                    truncated = true;
                    break 'folders;
                }
                let path = entry.path();
                if entry.file_name().as_encoded_bytes().starts_with(b".") {
                    continue;
                }
                // A link is no folder and no file here: what it leads to is listed where it is, or is outside.
                let Ok(kind_of_entry) = entry.file_type() else { continue };
                if kind_of_entry.is_dir() {
                    if depth < MAX_DEPTH {
                        open.push((path, depth + 1));
                    } else {
                        truncated = true;
                    }
                } else if kind_of_entry.is_file()
                    && let (Some(kind), Ok(below)) = (kind(&path), path.strip_prefix(&self.root))
                    && let Some(name) = below.to_str()
                {
                    if files.len() == MAX_FILES {
                        truncated = true;
                        break 'folders;
                    }
                    let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
                    files.push(model::TestFile { path: name.to_owned(), bytes, kind });
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        (files, truncated)
    }
}
