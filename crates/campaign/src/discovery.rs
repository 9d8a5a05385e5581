//! From what a user names to the list of files: files, folders with all below them, archives or what is in them, and `-` for a list on
//! standard input. The order is the user's; a folder's files are sorted by path. Below one
//! named folder each real folder is looked at once, so links cannot make a loop. What archives hold is found when they are read.

use std::{
    collections::HashSet,
    fs,
    io::BufRead,
    path::{Path, PathBuf},
};

use crate::archive::{SHARED_STATES, file_of, is_test_name};

/// The most files one campaign takes.
const MAX_FILES: usize = 10_000_000;

/// Why there is no list of files.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// Nothing was named.
    #[error(
        "no path given, expected a file, a folder, an archive, or - for a list of paths on standard input"
    )]
    NoPath,
    /// There is nothing of that name, or it cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// What was named.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A folder without a test.
    #[error("{path}: no .json file in this folder or below it, where archives are not looked into", path = .0.display())]
    EmptyFolder(PathBuf),
    /// Standard input named nothing.
    #[error("standard input: expected a list of paths, one a line, found none")]
    EmptyList,
    /// Too many.
    #[error("more than {MAX_FILES} files")]
    TooMany,
}

/// Lists the files that `paths` name, `ARCHIVE:MEMBER` among them. Of a folder, those that end in `.json` or `.json.gz` count; what begins
/// with a dot and what is in a folder `pre_alloc`, which holds states and no tests, is not looked at, nor are archives, which may hold
/// the same files once more.
pub fn discover(paths: &[PathBuf], stdin: &mut dyn BufRead) -> Result<Vec<PathBuf>, DiscoveryError> {
    Discovery::of(paths, stdin).map(|found| found.files)
}

/// What paths name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// The files, in order.
    pub files: Vec<PathBuf>,
    /// How many entries of folders were not looked at: hidden ones, links to nothing, what is no file, and files of other names. A hidden
    /// folder is one.
    pub passed_over: u64,
}

impl Discovery {
    /// As [`discover`].
    pub fn of(paths: &[PathBuf], stdin: &mut dyn BufRead) -> Result<Self, DiscoveryError> {
        if paths.is_empty() {
            return Err(DiscoveryError::NoPath);
        }
        let mut found = Self::default();
        for path in paths {
            if path.as_os_str() == "-" {
                let before = found.files.len();
                for line in stdin.lines() {
                    let line = line.map_err(|source| DiscoveryError::Io { path: "-".into(), source })?;
                    let line = line.trim_end_matches('\r');
                    if !line.is_empty() {
                        found.add(Path::new(line))?;
                    }
                }
                if found.files.len() == before {
                    return Err(DiscoveryError::EmptyList);
                }
            } else {
                found.add(path)?;
            }
        }
        Ok(found)
    }

    fn add(&mut self, path: &Path) -> Result<(), DiscoveryError> {
        let failed = |source| DiscoveryError::Io { path: path.to_owned(), source };
        if !fs::metadata(file_of(path)).map_err(failed)?.is_dir() {
            self.files.push(path.to_owned());
            return Ok(());
        }
        let before = self.files.len();
        self.walk(path, &mut HashSet::new())?;
        if self.files.len() == before {
            return Err(DiscoveryError::EmptyFolder(path.to_owned()));
        }
        Ok(())
    }

    /// `seen` holds the folders that were looked at, without links in their paths.
    fn walk(&mut self, folder: &Path, seen: &mut HashSet<PathBuf>) -> Result<(), DiscoveryError> {
        let failed = |source| DiscoveryError::Io { path: folder.to_owned(), source };
        let real = fs::canonicalize(folder).map_err(failed)?;
        if !seen.insert(real) {
            return Ok(());
        }
        let mut entries = fs::read_dir(folder)
            .and_then(|entries| {
                entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
            })
            .map_err(failed)?;
        entries.sort();
        for path in entries {
            let name = path.file_name().map_or_else(Default::default, |name| name.to_string_lossy());
            // A link to nowhere is no test.
            match fs::metadata(&path).ok().filter(|_| !name.starts_with('.')) {
                // Read where a test names one of them.
                Some(there) if there.is_dir() && name == SHARED_STATES => {}
                Some(there) if there.is_dir() => self.walk(&path, seen)?,
                Some(there) if there.is_file() && is_test_name(&name) => self.files.push(path),
                _ => self.passed_over += 1,
            }
            if self.files.len() > MAX_FILES {
                return Err(DiscoveryError::TooMany);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{env, process};

    use super::*;

    /// A folder of this test's own, empty.
    fn folder(name: &str) -> PathBuf {
        let folder = env::temp_dir().join(format!("parallax-discovery-{}-{name}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn names(root: &Path, found: Result<Vec<PathBuf>, DiscoveryError>) -> Vec<String> {
        found.unwrap().iter().map(|path| path.strip_prefix(root).unwrap().to_string_lossy().into()).collect()
    }

    #[test]
    fn folders_are_sorted_and_links_end() {
        let root = folder("sorted");
        fs::create_dir_all(root.join("b/.hidden")).unwrap();
        for file in ["z.json", "b/x.json", "b/a.json", "b/notes.txt", "b/.hidden/h.json"] {
            fs::write(root.join(file), "{}").unwrap();
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&root, root.join("b/loop")).unwrap();
            std::os::unix::fs::symlink(root.join("nowhere"), root.join("dangling.json")).unwrap();
        }
        let found = discover(std::slice::from_ref(&root), &mut std::io::empty());
        assert_eq!(names(&root, found), ["b/a.json", "b/x.json", "z.json"]);
        let list = format!("{}\r\n\n{}\n", root.join("z.json").display(), root.join("b").display());
        let found = discover(&["-".into()], &mut list.as_bytes());
        assert_eq!(names(&root, found), ["z.json", "b/a.json", "b/loop/z.json", "b/x.json"]);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn what_names_nothing_is_an_error_that_says_so() {
        let root = folder("empty");
        let message = |paths: &[PathBuf]| discover(paths, &mut "\n".as_bytes()).unwrap_err().to_string();
        assert!(message(&[]).starts_with("no path given"));
        assert!(message(std::slice::from_ref(&root)).contains(": no .json file in this folder or below it"));
        assert!(message(&[root.join("absent")]).contains("absent: "));
        assert!(message(&["-".into()]).starts_with("standard input: expected a list of paths"));
        fs::remove_dir_all(root).unwrap();
    }
}
