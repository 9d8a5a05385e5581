//! Files of tests inside of archives, read from beginning to end and never unpacked to disk.
//!
//! A path is a file, or `ARCHIVE:MEMBER`: what an archive (`.tar`, `.tar.gz`, `.tgz`) holds under that name, or below it. A thread
//! unpacks one member while the one before is handed out, and waits with it: so much is held in memory, whatever the archive's size.
//!
//! Invariants: members come in the archive's order; none that is a test by its name is passed over without a word; behind the first
//! damage nothing is read, and what stood before it has been handed out.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashSet},
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread,
    time::Duration,
};

use flate2::read::MultiGzDecoder;
use parallax_state_tests::{FixtureError, FixtureFile, MAX_FILE_BYTES, Problem};
use tar::{Archive, Entry};

/// What one archive may be.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Most bytes that it unpacks to, members that are no tests included.
    pub(crate) unpacked: u64,
    /// Most bytes of the names of its files of tests, which are kept to find one that is there twice.
    names: usize,
}

/// The releases of execution-spec-tests unpack to tens of gigabytes.
pub(crate) const LIMITS: Limits = Limits { unpacked: 256 << 30, names: 256 << 20 };
/// Most bytes of what stands before a member: its header, with a long name or other attributes.
pub(crate) const MAX_HEADER: u64 = 1 << 20;
/// Bytes of a block of a tar archive. One of zeros at least ends it.
const BLOCK: u64 = 512;
/// How often a reader that waits for a member looks whether it is still to wait.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// A folder of states that tests of another form share: none of its files is a test.
pub(crate) const SHARED_STATES: &str = "pre_alloc";

/// What a path names.
pub(crate) struct TestPath<'a> {
    pub(crate) file: &'a Path,
    /// What of the archive.
    pub(crate) member: Option<&'a str>,
}

/// How a file is packed, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Tar,
    TarGzip,
}

impl Packing {
    fn of(name: &str) -> Self {
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        match name {
            _ if ends(&[".tar.gz", ".tgz"]) => Packing::TarGzip,
            _ if ends(&[".tar"]) => Packing::Tar,
            _ if ends(&[".gz"]) => Packing::Gzip,
            _ => Packing::Plain,
        }
    }

    const fn is_archive(self) -> bool {
        matches!(self, Packing::Tar | Packing::TarGzip)
    }
}

impl<'a> TestPath<'a> {
    /// Whether it is an archive, or of one.
    pub(crate) fn is_archive(&self) -> bool {
        Packing::of(&self.file.to_string_lossy()).is_archive()
    }

    /// A file that is there is that file, whatever its name.
    pub(crate) fn of(path: &'a Path) -> Self {
        let whole = Self { file: path, member: None };
        let Some(text) = path.to_str().filter(|_| !path.exists()) else { return whole };
        let mut cuts = text.match_indices(':').map(|(at, _)| (&text[..at], &text[at + 1..]));
        let found = cuts.find(|(file, _)| Packing::of(file).is_archive() && Path::new(file).is_file());
        found.map_or(whole, |(file, member)| Self { file: Path::new(file), member: Some(member) })
    }
}

/// The packed bytes of an archive, unpacked.
pub(crate) fn unpacked(file: &Path) -> io::Result<Box<dyn Read + Send>> {
    let source = File::open(file)?;
    Ok(match Packing::of(&file.to_string_lossy()) {
        Packing::Plain | Packing::Tar => Box::new(BufReader::with_capacity(1 << 16, source)),
        Packing::Gzip | Packing::TarGzip => Box::new(MultiGzDecoder::new(source)),
    })
}

/// The file on disk that a path of tests is in: of `ARCHIVE:MEMBER` the archive.
pub fn file_of(path: &Path) -> &Path {
    TestPath::of(path).file
}

/// Whether a file with this name, or a packed one, holds tests.
pub(crate) fn is_test_name(name: &str) -> bool {
    name.ends_with(".json") || name.ends_with(".json.gz")
}

/// A file of tests, or many in an archive.
pub(crate) enum Opened {
    File(FixtureFile),
    Archive(Members),
}

/// Opens what `path` names.
pub(crate) fn open(path: &Path) -> Result<Opened, FixtureError> {
    let TestPath { file, member } = TestPath::of(path);
    let name = path.to_string_lossy();
    let packing = Packing::of(&file.to_string_lossy());
    if packing == Packing::Plain {
        return FixtureFile::open(path).map(Opened::File);
    }
    let failed = |error: io::Error| error_of(&name, error.to_string());
    let source = unpacked(file).map_err(failed)?;
    if packing == Packing::Gzip {
        let meter = Rc::new(Meter::new(u64::MAX));
        return FixtureFile::read(&name, Unpacked { source, meter, is_closed: None }).map(Opened::File);
    }
    let members = Members::of(&file.to_string_lossy(), member.unwrap_or_default(), source, LIMITS);
    members.map(Opened::Archive).map_err(failed)
}

/// The texts of the shared states of an archive, by their names without `.json`; at most `limit` bytes of them.
pub(crate) fn shared_states(file: &Path, limit: u64) -> io::Result<BTreeMap<String, String>> {
    let source = unpacked(file)?;
    let mut states = BTreeMap::new();
    let mut left = limit;
    for entry in Archive::new(source.take(LIMITS.unpacked)).entries()? {
        let entry = entry?;
        let path = entry.path()?.into_owned();
        let is_shared = path.parent().is_some_and(|folder| folder.ends_with(SHARED_STATES));
        let (true, Some(name)) = (is_shared, path.to_str().and_then(|path| path.strip_suffix(".json")))
        else {
            continue;
        };
        let name = name.rsplit('/').next().unwrap_or(name).to_owned();
        let mut text = String::new();
        entry.take(left + 1).read_to_string(&mut text)?;
        left = left
            .checked_sub(text.len() as u64)
            .ok_or_else(|| io::Error::other(format!("more than {limit} bytes of shared states")))?;
        states.insert(name, text);
    }
    Ok(states)
}

fn error_of(file: &str, said: String) -> FixtureError {
    FixtureError::of_file(file, Problem::Io(said))
}

/// A file of an archive, cut into its tests, or why it cannot be.
pub(crate) type Member = Result<FixtureFile, FixtureError>;

/// The files of tests of an archive, one after the other.
pub(crate) struct Members {
    archive: String,
    /// `None` behind the last one.
    receiver: Receiver<Option<Member>>,
    is_closed: Arc<AtomicBool>,
    is_over: bool,
}

impl Members {
    /// Begins to read those of `archive` that are `inside` of it, a member's name or a folder's.
    fn of(archive: &str, inside: &str, source: Box<dyn Read + Send>, limits: Limits) -> io::Result<Self> {
        let (sender, receiver) = mpsc::sync_channel(0);
        let is_closed = Arc::new(AtomicBool::new(false));
        let watched = is_closed.clone();
        let walk = Walk {
            archive: archive.to_owned(),
            inside: plain(inside),
            limits,
            sender,
            seen: HashSet::new(),
            names: 0,
        };
        thread::Builder::new().name("archive".to_owned()).spawn(move || walk.run(source, watched))?;
        Ok(Self { archive: archive.to_owned(), receiver, is_closed, is_over: false })
    }

    /// The next one; `None` behind the last, or if nobody is to wait for it any longer.
    pub(crate) fn next(&mut self, is_stopped: impl Fn() -> bool) -> Option<Member> {
        while !self.is_over {
            match self.receiver.recv_timeout(TICK) {
                Ok(Some(member)) => return Some(member),
                Err(RecvTimeoutError::Timeout) if is_stopped() => return None,
                Err(RecvTimeoutError::Timeout) => {}
                Ok(None) => self.is_over = true,
                // It says when it is over, unless it panicked.
                Err(RecvTimeoutError::Disconnected) => {
                    self.is_over = true;
                    let said = "its reader came to an unexpected end".to_owned();
                    return Some(Err(error_of(&self.archive, said)));
                }
            }
        }
        None
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }
}

/// Nobody takes any more members.
struct Closed;

/// Reads an archive from its beginning to its end.
struct Walk {
    archive: String,
    inside: String,
    limits: Limits,
    sender: SyncSender<Option<Member>>,
    /// Names of files of tests.
    seen: HashSet<String>,
    /// Bytes of them.
    names: usize,
}

impl Walk {
    fn run(mut self, source: Box<dyn Read + Send>, is_closed: Arc<AtomicBool>) {
        let meter = Rc::new(Meter::new(self.limits.unpacked));
        let source = Unpacked { source, meter: meter.clone(), is_closed: Some(is_closed) };
        if self.members(Archive::new(source), &meter).is_ok() {
            // If nobody hears it, nobody waits for it.
            let _ = self.sender.send(None);
        }
    }

    fn tell(&self, member: Member) -> Result<(), Closed> {
        self.sender.send(Some(member)).map_err(|_| Closed)
    }

    fn fail(&self, member: &str, said: String) -> Result<(), Closed> {
        self.tell(Err(error_of(&self.name(member), said)))
    }

    /// What reports call a member.
    fn name(&self, member: &str) -> String {
        if member.is_empty() { self.archive.clone() } else { format!("{}:{member}", self.archive) }
    }

    fn members(&mut self, mut archive: Archive<Unpacked>, meter: &Meter) -> Result<(), Closed> {
        let mut entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => return self.fail("", error.to_string()),
        };
        loop {
            meter.enter(Part::Header { left: MAX_HEADER });
            let mut entry = match entries.next() {
                None => break,
                Some(Ok(entry)) => entry,
                Some(Err(error)) => return self.fail("", meter.damage(&error)),
            };
            meter.enter(Part::Member);
            let name = plain(&String::from_utf8_lossy(&entry.path_bytes()));
            if let Some(below) = below(&name, &self.inside)
                && (below.is_empty() || is_test(below))
                && !entry.header().entry_type().is_dir()
            {
                self.names += name.len();
                let limit = self.limits.names;
                if self.names > limit {
                    return self.fail(
                        &name,
                        format!("not read on: the archive's names have more than {limit} bytes"),
                    );
                }
                self.member(&name, &mut entry)?;
                if below.is_empty() || meter.has_failed.get() {
                    return Ok(());
                }
            }
            if let Err(error) = io::copy(&mut entry, &mut io::sink()) {
                return self.fail(&name, meter.damage(&error));
            }
        }
        if meter.zeros.get() < BLOCK {
            let unpacked = meter.unpacked.get();
            return self.fail(
                "",
                format!("cut off after {unpacked} unpacked bytes: expected the archive's end there"),
            );
        }
        // What stands behind the end belongs to no member, but the checksum of what is packed stands there too.
        meter.enter(Part::Header { left: u64::MAX });
        if let Err(error) = io::copy(&mut archive.into_inner(), &mut io::sink()) {
            return self.fail("", meter.damage(&error));
        }
        if self.seen.is_empty() {
            return match self.inside.is_empty() {
                true => self.fail("", "expected an archive with .json files, found none".to_owned()),
                false => self.fail(
                    &self.inside,
                    "no file of this name is in the archive, and no .json file below it".to_owned(),
                ),
            };
        }
        Ok(())
    }

    /// One that is wanted.
    fn member(&mut self, name: &str, entry: &mut Entry<'_, Unpacked>) -> Result<(), Closed> {
        let full = self.name(name);
        let is_new = self.seen.insert(name.to_owned());
        self.tell(match is_new {
            true => read_member(&full, entry),
            false => {
                let problem = Problem::Duplicate("the member of the archive".to_owned());
                Err(FixtureError::of_file(&full, problem))
            }
        })
    }
}

/// Reads a member, which reports call `full`.
pub(crate) fn read_member(full: &str, entry: &mut Entry<'_, Unpacked>) -> Member {
    let kind = entry.header().entry_type();
    let problem = if !(kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse()) {
        let found = if kind.is_symlink() || kind.is_hard_link() { "a link" } else { "something else" };
        Problem::Unexpected { expected: "a file in the archive".to_owned(), found: found.to_owned() }
    } else if entry.size() > MAX_FILE_BYTES {
        // Before anything of it is unpacked.
        Problem::FileTooLarge { limit: MAX_FILE_BYTES }
    } else {
        return FixtureFile::read(full, entry);
    };
    Err(FixtureError::of_file(full, problem))
}

/// A name without what says nothing: `./a//b` is `a/b`.
pub(crate) fn plain(name: &str) -> String {
    let parts: Vec<_> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.join("/")
}

/// What is left of a member's name below `folder`; empty of the member of that name itself.
fn below<'n>(name: &'n str, folder: &str) -> Option<&'n str> {
    if folder.is_empty() {
        return Some(name);
    }
    let rest = name.strip_prefix(folder)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// Whether a member with this name is looked at where it is not named itself: as on disk, nothing whose name begins with a dot.
fn is_test(name: &str) -> bool {
    let mut parts = name.split('/');
    let file = parts.next_back().unwrap_or_default();
    let is_hidden = |part: &str| part.starts_with('.');
    file.ends_with(".json") && !is_hidden(file) && !parts.any(|part| is_hidden(part) || part == SHARED_STATES)
}

/// In which part of an archive its reader is.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    /// Before a member, where so many bytes may still be read, or behind the last one.
    Header { left: u64 },
    /// In one: the archive does not end here.
    Member,
}

/// What is known of the unpacked bytes of a file, while they are read.
pub(crate) struct Meter {
    part: Cell<Part>,
    /// Bytes so far.
    unpacked: Cell<u64>,
    /// Most of them.
    limit: u64,
    /// How many of the last ones are zero.
    zeros: Cell<u64>,
    /// It could not be read on.
    pub(crate) has_failed: Cell<bool>,
}

impl Meter {
    pub(crate) fn new(limit: u64) -> Self {
        let part = Cell::new(Part::Header { left: u64::MAX });
        Self { part, unpacked: Cell::default(), limit, zeros: Cell::default(), has_failed: Cell::default() }
    }

    pub(crate) fn enter(&self, part: Part) {
        self.part.set(part);
    }

    /// What is said of an error at this place.
    fn damage(&self, error: &io::Error) -> String {
        match self.has_failed.get() {
            // It says the place already.
            true => error.to_string(),
            false => format!("damaged or cut off after {} unpacked bytes: {error}", self.unpacked.get()),
        }
    }

    fn count(&self, bytes: &[u8]) {
        let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count() as u64;
        let before = if zeros == bytes.len() as u64 { self.zeros.get() } else { 0 };
        self.zeros.set(before + zeros);
        self.unpacked.set(self.unpacked.get() + bytes.len() as u64);
    }
}

/// The unpacked bytes of a file, up to a limit.
pub(crate) struct Unpacked {
    pub(crate) source: Box<dyn Read + Send>,
    pub(crate) meter: Rc<Meter>,
    /// Whether nobody waits for them any more.
    pub(crate) is_closed: Option<Arc<AtomicBool>>,
}

impl Unpacked {
    /// At most so many bytes, as many as may be read here.
    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let meter = &*self.meter;
        if self.is_closed.as_ref().is_some_and(|closed| closed.load(Ordering::Relaxed)) {
            return Err(io::Error::other("nobody waits for it any more"));
        }
        let of_all = meter.limit - meter.unpacked.get();
        let left = match meter.part.get() {
            Part::Header { left } => left.min(of_all),
            Part::Member => of_all,
        };
        if left == 0 {
            let limit = meter.limit;
            return Err(io::Error::other(match of_all {
                0 => format!("that is the limit of {limit} bytes"),
                _ => format!("the header there has more than {MAX_HEADER} bytes"),
            }));
        }
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = self.source.read(&mut buffer[..most])?;
        match meter.part.get() {
            Part::Member if read == 0 && most > 0 => {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends within a file"));
            }
            Part::Header { left } => meter.enter(Part::Header { left: left - read as u64 }),
            Part::Member => {}
        }
        meter.count(&buffer[..read]);
        Ok(read)
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.read_some(buffer) {
                // Not everyone who reads tries again.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(read) => return Ok(read),
                Err(error) => {
                    let said = self.meter.damage(&error);
                    self.meter.has_failed.set(true);
                    return Err(io::Error::new(error.kind(), said));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, process, sync::mpsc::Sender};

    use flate2::{Compression, write::GzEncoder};
    use tar::{Builder, EntryType, Header};

    use super::*;

    const FILE: &[u8] = br#"{"t": {}}"#;

    fn header(size: u64, kind: EntryType) -> Header {
        let mut header = Header::new_gnu();
        header.set_size(size);
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header
    }

    /// An archive with the same file under each of these names.
    fn archive(names: &[&str]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for name in names {
            builder.append_data(&mut header(FILE.len() as u64, EntryType::Regular), name, FILE).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// What comes of reading an archive: names of files, and what is said.
    fn read(bytes: Vec<u8>, inside: &str, limits: Limits) -> Vec<String> {
        let is_zipped = bytes.starts_with(&[0x1f, 0x8b]);
        let source = io::Cursor::new(bytes);
        let source: Box<dyn Read + Send> =
            if is_zipped { Box::new(MultiGzDecoder::new(source)) } else { Box::new(source) };
        let mut members = Members::of("a", inside, source, limits).unwrap();
        let mut found = Vec::new();
        while let Some(member) = members.next(|| false) {
            found.push(match member {
                Ok(file) => file.tests().next().unwrap().unwrap().file().to_string(),
                Err(error) => error.to_string(),
            });
        }
        found
    }

    #[track_caller]
    fn check(bytes: Vec<u8>, expected: &[&str]) {
        assert_eq!(read(bytes, "", LIMITS), expected);
    }

    #[test]
    fn files_of_tests_come_in_the_order_of_the_archive_and_others_are_left_out() {
        let names = [
            "./z/b.json",
            "z//a.json",
            "notes.txt",
            ".meta/index.json",
            "z/.h.json",
            "pre_alloc/p.json",
            "pre_alloc.json",
        ];
        let expected = ["a:z/b.json", "a:z/a.json", "a:pre_alloc.json"];
        check(archive(&names), &expected);
        check(zipped(&archive(&names)), &expected);
        let long = format!("{}/x.json", "y".repeat(300));
        check(archive(&[&long]), &[&format!("a:{long}")]);
    }

    #[test]
    fn a_part_of_an_archive_is_a_member_or_all_below_a_folder() {
        let names = ["x/a.json", "x/y/b.json", ".meta/c.json", "xa.json", "notes.txt"];
        for (inside, expected) in [
            ("x", &["a:x/a.json", "a:x/y/b.json"][..]),
            ("./x/", &["a:x/a.json", "a:x/y/b.json"]),
            ("x/y/b.json", &["a:x/y/b.json"]),
            (".meta", &["a:.meta/c.json"]),
            ("notes.txt", &["a:notes.txt"]),
            (
                "y",
                &[
                    "a:y: cannot read the file: no file of this name is in the archive, and no .json file below it",
                ],
            ),
        ] {
            assert_eq!(read(archive(&names), inside, LIMITS), expected, "{inside}");
        }
    }

    #[test]
    fn what_is_damaged_or_cut_off_is_told_once_and_what_stood_before_it_is_read() {
        let whole = archive(&["a.json", "b.json"]);
        // Header, file, header, file, two blocks of zeros and what fills the last kilobyte.
        let said = |after: &str| format!("cannot read the file: damaged or cut off after {after}");
        let unpacked = |file: &str, after: &str| format!("a{file}: {}", said(after));
        check(
            whole[..2048].to_vec(),
            &[
                "a:a.json",
                "a:b.json",
                "a: cannot read the file: cut off after 2048 unpacked bytes: expected the archive's end there",
            ],
        );
        check(
            whole[..1540].to_vec(),
            &["a:a.json", &unpacked(":b.json", "1540 unpacked bytes: the archive ends within a file")],
        );
        check(
            whole[..1200].to_vec(),
            &["a:a.json", &unpacked("", "1200 unpacked bytes: failed to read entire block")],
        );
        check(
            whole[..700].to_vec(),
            &["a:a.json", &unpacked("", "700 unpacked bytes: unexpected EOF during skip")],
        );
        let mut damaged = whole.clone();
        damaged[1024] ^= 1;
        check(damaged, &["a:a.json", &unpacked("", "1536 unpacked bytes: archive header checksum mismatch")]);
        check(
            Vec::new(),
            &["a: cannot read the file: cut off after 0 unpacked bytes: expected the archive's end there"],
        );
        check(archive(&[]), &["a: cannot read the file: expected an archive with .json files, found none"]);
        let mut packed = zipped(&whole);
        let end = packed.len() - 5;
        packed[end] ^= 1;
        let told =
            format!("{} unpacked bytes: corrupt gzip stream does not have a matching checksum", whole.len());
        check(packed, &["a:a.json", "a:b.json", &unpacked("", &told)]);
    }

    #[test]
    fn members_that_cannot_be_read_hide_no_others() {
        let mut builder = Builder::new(Vec::new());
        let mut add = |name: &str, size: u64, kind: EntryType, data: &[u8]| {
            builder.append_data(&mut header(size, kind), name, data).unwrap();
        };
        let size = FILE.len() as u64;
        add("a.json", size, EntryType::Regular, FILE);
        add("a.json", size, EntryType::Regular, FILE);
        add("link.json", 0, EntryType::Symlink, b"");
        add("folder.json", 0, EntryType::Directory, b"");
        add("list.json", 2, EntryType::Regular, b"[]");
        add("last.json", size, EntryType::Regular, FILE);
        // So large by its header; there is nothing of it.
        add("large.json", MAX_FILE_BYTES + 1, EntryType::Regular, b"");
        check(
            builder.into_inner().unwrap(),
            &[
                "a:a.json",
                "a:a.json: given twice: the member of the archive",
                "a:link.json: expected a file in the archive, found a link",
                "a:list.json: expected an object of state tests by name, found '[' at its beginning",
                "a:last.json",
                "a:large.json: the file is larger than the limit of 1073741824 bytes",
                "a:large.json: cannot read the file: damaged or cut off after 6656 unpacked bytes: the archive ends within a file",
            ],
        );
    }

    #[test]
    fn what_an_archive_makes_of_itself_has_limits() {
        let names = ["a.json", "b.json", "c.json"];
        let bytes = zipped(&archive(&names));
        let few = Limits { unpacked: 1600, ..LIMITS };
        let said = "a:b.json: cannot read the file: damaged or cut off after 1600 unpacked bytes: that is the limit of 1600 bytes";
        // Its bytes are below the limit, what fills its block is not.
        assert_eq!(read(bytes.clone(), "", few), ["a:a.json", "a:b.json", &said.replace(":b.json", "")]);
        assert_eq!(
            read(bytes.clone(), "", Limits { unpacked: 1540, ..few }),
            ["a:a.json", &said.replace("1600", "1540")]
        );
        let short = Limits { names: 12, ..LIMITS };
        let said = "a:c.json: cannot read the file: not read on: the archive's names have more than 12 bytes";
        assert_eq!(read(bytes, "", short), ["a:a.json", "a:b.json", said]);
        // A name that alone would fill the memory.
        let mut builder = Builder::new(Vec::new());
        let name = vec![b'n'; 2 << 20];
        builder.append_data(&mut header(name.len() as u64, EntryType::GNULongName), "long", &*name).unwrap();
        let said = "a: cannot read the file: damaged or cut off after 1048576 unpacked bytes: the header there has more than 1048576 bytes";
        check(zipped(&builder.into_inner().unwrap()), &[said]);
    }

    /// Is interrupted for ever; that it is gone is heard at the other end.
    struct Silent(#[allow(dead_code, reason = "it is dropped")] Sender<()>);

    impl Read for Silent {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            thread::yield_now();
            Err(io::ErrorKind::Interrupted.into())
        }
    }

    #[test]
    fn who_is_stopped_waits_no_longer_and_nobody_reads_on() {
        let (sender, receiver) = mpsc::channel();
        let mut members = Members::of("a", "", Box::new(Silent(sender)), LIMITS).unwrap();
        assert!(members.next(|| true).is_none());
        drop(members);
        assert!(receiver.recv().is_err());
    }

    #[test]
    fn a_path_is_a_file_before_it_is_a_part_of_an_archive() {
        let folder = std::env::temp_dir().join(format!("parallax-archive-{}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("x.tar:folder")).unwrap();
        for name in ["a.tar", "b.tar.gz", "c.tgz", "d.json", "a.tar:there", "e:f.tar"] {
            fs::write(folder.join(name), "").unwrap();
        }
        for (path, file, member) in [
            ("a.tar", "a.tar", None),
            ("a.tar:x/y.json", "a.tar", Some("x/y.json")),
            ("b.tar.gz:x:y.json", "b.tar.gz", Some("x:y.json")),
            ("c.tgz:", "c.tgz", Some("")),
            ("e:f.tar:g", "e:f.tar", Some("g")),
            ("a.tar:there", "a.tar:there", None),
            ("d.json:x", "d.json:x", None),
            ("x.tar:folder", "x.tar:folder", None),
            ("absent.tar:x", "absent.tar:x", None),
        ] {
            let path = folder.join(path);
            let found = TestPath::of(&path);
            assert_eq!((found.file, found.member), (&*folder.join(file), member), "{}", path.display());
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
