//! The files that a command writes: never over what it reads, and none over another.

use std::{collections::HashSet, fs, io, path::Path};

use anyhow::{Context, Result, bail};

/// What a file is, whatever it is called.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = std::path::PathBuf;

/// What is read, and what is written already.
#[derive(Default)]
pub(crate) struct Outputs {
    read: HashSet<Identity>,
    written: HashSet<Identity>,
}

impl Outputs {
    /// Of a command that reads the files of these names, and standard input where one is `-`. What is no file is passed over.
    pub(crate) fn beside<I: AsRef<Path>>(inputs: impl IntoIterator<Item = I>) -> Self {
        let identity = |path: I| {
            let path = path.as_ref();
            identity(if path == Path::new("-") { Path::new("/dev/stdin") } else { path })
        };
        Self { read: inputs.into_iter().filter_map(identity).collect(), written: HashSet::new() }
    }

    /// Refuses to open a file that is read, under whatever name, or written already.
    pub(crate) fn check(&self, path: impl AsRef<Path>, what: &str) -> Result<()> {
        let path = path.as_ref();
        let Some(there) = identity(path) else { return Ok(()) };
        if self.read.contains(&there) {
            bail!("{}: the {what} would be written over what is read", path.display());
        }
        self.check_written(path, what)
    }

    /// Refuses a file that is written already.
    pub(crate) fn check_written(&self, path: impl AsRef<Path>, what: &str) -> Result<()> {
        let path = path.as_ref();
        if identity(path).is_some_and(|there| self.written.contains(&there)) {
            bail!("{}: the {what} would be written over another output", path.display());
        }
        Ok(())
    }

    /// Opens a file to be written, which `open` makes if it is not there.
    pub(crate) fn open(
        &mut self,
        path: &str,
        what: &str,
        open: impl FnOnce(&Path) -> io::Result<fs::File>,
    ) -> Result<fs::File> {
        self.check(path, what)?;
        let file = open(path.as_ref()).with_context(|| format!("{path}: cannot write the {what}"))?;
        self.written.extend(identity(path.as_ref()));
        Ok(file)
    }
}

/// `None` for what is no file: devices and pipes are not written over.
fn identity(path: &Path) -> Option<Identity> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Some((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        fs::canonicalize(path).ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_itself_under_every_name() {
        let folder = tempfile::tempdir().unwrap();
        let name = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::write(name("input"), "x").unwrap();
        fs::hard_link(name("input"), name("hard")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(name("input"), name("soft")).unwrap();
        let mut outputs = Outputs::beside([name("input"), name("nosuch")]);
        let mut create =
            |path: &str| outputs.open(&name(path), "trace", |path| fs::File::create(path)).map(drop);
        for path in ["input", "hard", "soft", "./input"] {
            let error = create(path).unwrap_err().to_string();
            assert!(error.ends_with("the trace would be written over what is read"), "{error}");
        }
        create("output").unwrap();
        let error = create("output").unwrap_err().to_string();
        assert!(error.ends_with("the trace would be written over another output"), "{error}");
        create("nosuch").unwrap();
        assert_eq!(fs::read_to_string(name("input")).unwrap(), "x");
    }
}
