//! Members of archives one by one: their list, and each by its name. Who asks in the order of an archive has it read once.

use std::{
    io,
    path::{Path, PathBuf},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender},
    },
    thread,
};

use parallax_state_tests::{FixtureError, Problem};
use tar::Archive;

use crate::archive::{
    self, LIMITS, MAX_HEADER, Member, Meter, Opened, Part, TICK, TestPath, Unpacked, plain, read_member,
    unpacked,
};

/// The files of tests that a path names, each by itself: the members of an archive, or of a part of one; else the file.
///
/// # Errors
///
/// The archive cannot be read to its end, or has a name twice: then its members are not all that comes of it.
pub fn members(path: &Path) -> Result<Vec<PathBuf>, FixtureError> {
    let whole = || vec![path.to_owned()];
    if !TestPath::of(path).is_archive() {
        return Ok(whole());
    }
    let Opened::Archive(mut members) = archive::open(path)? else { return Ok(whole()) };
    let mut names = Vec::new();
    while let Some(member) = members.next(|| false) {
        names.push(match member {
            Ok(file) => PathBuf::from(&**file.name()),
            Err(error) if matches!(error.problem, Problem::Io(_) | Problem::Duplicate(_)) => {
                return Err(error);
            }
            // What is wrong with one member is told by whoever asks for it.
            Err(error) => PathBuf::from(&*error.file),
        });
    }
    Ok(names)
}

/// Hands out members by their names. One that is behind those that were asked for before is found without reading these again.
#[derive(Default)]
pub(crate) struct MemberReader(Option<Walk>);

/// An archive that is being read.
struct Walk {
    file: PathBuf,
    asked: Sender<String>,
    found: Receiver<Member>,
    is_closed: Arc<AtomicBool>,
}

impl MemberReader {
    /// What `path` names, if that is one member of an archive, and is not before those that were asked for; `None` too if it is not to
    /// be waited for any longer.
    pub(crate) fn find(&mut self, path: &Path, is_stopped: impl Fn() -> bool) -> Option<Member> {
        let TestPath { file, member: Some(member) } = TestPath::of(path) else { return None };
        if self.0.as_ref().is_none_or(|walk| walk.file != file) {
            self.0 = Walk::begin(file).ok();
        }
        let found = self.0.as_ref()?.find(plain(member), is_stopped);
        if found.is_none() {
            self.0 = None;
        }
        found
    }
}

impl Walk {
    fn begin(file: &Path) -> io::Result<Self> {
        let source = unpacked(file)?;
        let (asked, names) = mpsc::channel();
        let (sender, found) = mpsc::sync_channel(0);
        let is_closed = Arc::new(AtomicBool::new(false));
        let (archive, watched) = (file.to_string_lossy().into_owned(), Some(is_closed.clone()));
        let walk = move || {
            let meter = Rc::new(Meter::new(LIMITS.unpacked));
            let source = Unpacked { source, meter: meter.clone(), is_closed: watched };
            // What it cannot find is looked for, and told of, by who reads all of the archive.
            let _ = walk(&archive, Archive::new(source), &meter, &names, &sender);
        };
        thread::Builder::new().name("archive".to_owned()).spawn(walk)?;
        Ok(Self { file: file.to_owned(), asked, found, is_closed })
    }

    fn find(&self, name: String, is_stopped: impl Fn() -> bool) -> Option<Member> {
        self.asked.send(name).ok()?;
        loop {
            match self.found.recv_timeout(TICK) {
                Ok(member) => return Some(member),
                Err(RecvTimeoutError::Timeout) if !is_stopped() => {}
                Err(_) => return None,
            }
        }
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }
}

/// Goes on to each of `names`, until one is not found or nobody asks any more.
fn walk(
    archive: &str,
    mut source: Archive<Unpacked>,
    meter: &Meter,
    names: &Receiver<String>,
    found: &SyncSender<Member>,
) -> io::Result<()> {
    let mut entries = source.entries()?;
    while let Ok(wanted) = names.recv() {
        loop {
            meter.enter(Part::Header { left: MAX_HEADER });
            let Some(entry) = entries.next() else { return Ok(()) };
            let mut entry = entry?;
            meter.enter(Part::Member);
            let is_wanted = plain(&String::from_utf8_lossy(&entry.path_bytes())) == wanted
                && !entry.header().entry_type().is_dir();
            if is_wanted {
                let member = read_member(&format!("{archive}:{wanted}"), &mut entry);
                if meter.has_failed.get() || found.send(member).is_err() {
                    return Ok(());
                }
            }
            io::copy(&mut entry, &mut io::sink())?;
            if is_wanted {
                break;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]
mod tests {
    use std::fs::File;

    use tar::{Builder, Header};

    use super::*;

    #[test]
    fn members_are_found_in_one_pass_as_long_as_they_come_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.tar");
        let mut builder = Builder::new(File::create(&archive).unwrap());
        for name in ["./x/a.json", "x/b.json", "x/list.json", "x/c.json"] {
            let text: &[u8] = if name.ends_with("list.json") { b"[]" } else { br#"{"t": {}}"# };
            let mut header = Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, text).unwrap();
        }
        builder.into_inner().unwrap();
        let path = |name: &str| PathBuf::from(format!("{}:{name}", archive.display()));
        let listed = members(&archive).unwrap();
        assert_eq!(listed, ["x/a.json", "x/b.json", "x/list.json", "x/c.json"].map(path));
        let mut reader = MemberReader::default();
        let mut find = |name: &str| reader.find(&path(name), || false).map(|member| member.is_ok());
        assert_eq!(
            [find("x/a.json"), find("./x/list.json"), find("x/c.json")],
            [Some(true), Some(false), Some(true)]
        );
        // It is before the last one that was found: this pass has it no more, the next one does.
        assert_eq!([find("x/b.json"), find("x/b.json"), find("x/c.json")], [None, Some(true), Some(true)]);
        assert_eq!([find("x"), find("x/absent.json")], [None, None]);
        assert!(reader.find(&archive, || false).is_none());
    }
}
