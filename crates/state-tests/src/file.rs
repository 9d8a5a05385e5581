//! From a file to the text of each of its tests. Bounded: a file beyond [`MAX_FILE_BYTES`] or nested deeper than
//! [`MAX_NESTING`] is refused while it is read, before anything is built of it.

use std::{collections::HashSet, fmt, fs::File, io::Read, ops::Range, path::Path, sync::Arc};

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{FixtureError, Problem};

/// The largest file that is read, in bytes, unpacked where it was packed. The largest official one has 168 MB.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// The deepest nesting of lists and objects that is read. A state test needs nine.
pub const MAX_NESTING: usize = 64;

/// What a file should be.
const EXPECTED: &str = "an object of state tests by name";

/// The text of a file of state tests, cut into its tests but not read further. Cloning shares the text.
#[derive(Clone, Debug)]
pub struct FixtureFile {
    name: Arc<str>,
    text: Arc<str>,
    tests: Arc<[(Arc<str>, Range<usize>)]>,
}

/// The text of one test of a file. Cloning shares it.
#[derive(Clone, Debug)]
pub struct TestText {
    pub(crate) file: Arc<str>,
    pub(crate) name: Arc<str>,
    text: Arc<str>,
    range: Range<usize>,
}

impl FixtureFile {
    /// Reads and cuts the file at `path`.
    pub fn open(path: &Path) -> Result<Self, FixtureError> {
        let name = path.to_string_lossy();
        let failed = |error: std::io::Error| FixtureError::of_file(&name, Problem::Io(error.to_string()));
        let file = File::open(path).map_err(failed)?;
        // The size of a file is known before it is read.
        match file.metadata() {
            Ok(metadata) if metadata.is_file() && metadata.len() > MAX_FILE_BYTES => {
                Err(FixtureError::of_file(&name, Problem::FileTooLarge { limit: MAX_FILE_BYTES }))
            }
            _ => Self::read(&name, file),
        }
    }

    /// Reads `source` to its end and cuts it: for files that are inside of others. Errors will say that it came from the file `name`.
    pub fn read(name: &str, source: impl Read) -> Result<Self, FixtureError> {
        Self::read_at_most(MAX_FILE_BYTES, name, source)
    }

    fn read_at_most(limit: u64, name: &str, source: impl Read) -> Result<Self, FixtureError> {
        let name: Arc<str> = name.into();
        let failed = |problem| FixtureError::of_file(&name, problem);
        let io = |error: std::io::Error| failed(Problem::Io(error.to_string()));
        let mut file = source.take(limit + 1);
        let mut text = Vec::new();
        let mut nesting = Nesting::default();
        // Read in pieces, so that a bomb of brackets is refused after its first ones.
        loop {
            let start = text.len();
            if file.by_ref().take(1 << 20).read_to_end(&mut text).map_err(io)? == 0 {
                break;
            }
            nesting.scan(&text[start..]).map_err(&failed)?;
        }
        let file = Self::cut(limit, name.clone(), text)?;
        let names: Vec<&str> = file.tests.iter().map(|(name, _)| &**name).collect();
        match kind_of_file(&names) {
            Some(kind) => Err(failed(Problem::OtherKind(kind))),
            None => Ok(file),
        }
    }

    /// Cuts `text`, which errors will say came from the file `name`.
    pub fn parse(name: &str, text: Vec<u8>) -> Result<Self, FixtureError> {
        let name: Arc<str> = name.into();
        Nesting::default().scan(&text).map_err(|problem| FixtureError::of_file(&name, problem))?;
        Self::cut(MAX_FILE_BYTES, name, text)
    }

    fn cut(limit: u64, name: Arc<str>, text: Vec<u8>) -> Result<Self, FixtureError> {
        let failed = |problem| FixtureError::of_file(&name, problem);
        if text.len() as u64 > limit {
            return Err(failed(Problem::FileTooLarge { limit }));
        }
        let text = String::from_utf8(text)
            .map_err(|error| failed(Problem::NotUtf8(error.utf8_error().valid_up_to())))?;
        let text: Arc<str> = text.into();
        let mut parser = serde_json::Deserializer::from_str(&text);
        let tests = parser
            .deserialize_map(Cutter { text: &text })
            .and_then(|tests| parser.end().map(|()| tests))
            .map_err(|error| failed(Problem::Syntax { expected: EXPECTED, message: error.to_string() }))?;
        if tests.is_empty() {
            let (expected, found) = ("at least one test".to_owned(), "an empty object".to_owned());
            return Err(failed(Problem::Unexpected { expected, found }));
        }
        Ok(Self { tests: tests.into(), name, text })
    }

    /// What errors call it.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The tests in the order of the file. A name given twice is an error the second time.
    pub fn tests(&self) -> impl Iterator<Item = Result<TestText, FixtureError>> + Send + use<> {
        let file = self.clone();
        let mut seen = HashSet::new();
        (0..file.tests.len()).map(move |index| {
            let (name, range) = file.tests[index].clone();
            if !seen.insert(name.clone()) {
                let problem = Problem::Duplicate(format!("the test {name}"));
                return Err(FixtureError {
                    file: file.name.clone(),
                    test: name,
                    path: String::new(),
                    problem,
                });
            }
            Ok(TestText { file: file.name.clone(), name, text: file.text.clone(), range })
        })
    }
}

/// What a file is that holds no tests, by its keys.
fn kind_of_file(names: &[&str]) -> Option<&'static str> {
    let has = |name| names.contains(&name);
    let is_address = |name: &&str| name.len() == 42 && name.starts_with("0x");
    match () {
        () if has("alloc") && (has("config") || has("gasLimit")) => Some("genesis files"),
        () if has("alloc") && has("env") => Some("requests of a transition tool"),
        () if has("root_hash") && has("test_cases") => Some("indexes of tests"),
        () if has("currentCoinbase") && has("currentNumber") => Some("block environments"),
        () if has("stateRoot") && has("receipts") => Some("results of a transition tool"),
        () if has("jsonrpc") => Some("answers of a node"),
        () if names.iter().all(is_address) => Some("files of accounts"),
        () => None,
    }
}

impl TestText {
    /// One test by itself: `json` is what stands under the key `name` in the file `file`.
    pub fn new(file: &str, name: &str, json: &str) -> Self {
        Self { file: file.into(), name: name.into(), text: json.into(), range: 0..json.len() }
    }

    /// The file it is from.
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// Its key in the file.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its JSON as it stands in the file.
    pub fn json(&self) -> &str {
        &self.text[self.range.clone()]
    }
}

/// Looks at the first character and counts open brackets outside strings, so that what is no file of tests is not read on.
#[derive(Default)]
struct Nesting {
    begun: bool,
    depth: usize,
    in_string: bool,
    escaped: bool,
    scanned: u64,
}

impl Nesting {
    fn scan(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        if let (false, Some(first)) = (self.begun, bytes.iter().find(|byte| !byte.is_ascii_whitespace())) {
            self.begun = true;
            if *first != b'{' {
                let found = match (bytes, first) {
                    ([0x1f, 0x8b, ..], _) => "a gzip file, whose name should end in .gz".to_owned(),
                    ([0xef, 0xbb, 0xbf, ..], _) => "a byte order mark, which JSON does not have".to_owned(),
                    ([0xff, 0xfe, ..] | [0xfe, 0xff, ..], _) => "UTF-16, where JSON is UTF-8".to_owned(),
                    (_, first) => format!("{:?} at its beginning", char::from(*first)),
                };
                return Err(Problem::Unexpected { expected: EXPECTED.to_owned(), found });
            }
        }
        for (offset, byte) in bytes.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'[' | b'{' => {
                    self.depth += 1;
                    if self.depth > MAX_NESTING {
                        let byte = self.scanned + offset as u64;
                        return Err(Problem::TooDeep { limit: MAX_NESTING, byte });
                    }
                }
                b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        self.scanned += bytes.len() as u64;
        Ok(())
    }
}

/// Visits the outer object and notes where each value stands in `text`.
struct Cutter<'t> {
    text: &'t str,
}

impl<'de> Visitor<'de> for Cutter<'de> {
    type Value = Vec<(Arc<str>, Range<usize>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut tests = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let raw: &'de RawValue = map.next_value()?;
            // `raw` borrows from `text`, so the difference of their addresses is its offset.
            let start = raw.get().as_ptr().addr() - self.text.as_ptr().addr();
            tests.push((name.into(), start..start + raw.get().len()));
        }
        Ok(tests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of `text` where a file may have 20 bytes.
    #[track_caller]
    fn check(text: &str, said: &str) {
        let read = FixtureFile::read_at_most(20, "a", text.as_bytes());
        let found = read.map_or_else(|error| error.to_string(), |file| format!("{} tests", file.tests.len()));
        assert_eq!(found, said, "{text}");
    }

    #[test]
    fn a_file_is_read_up_to_the_limit_and_no_further() {
        check(r#"{"t": {}, "s": 1234}"#, "2 tests");
        check(r#"{"t": {}, "s": 12345}"#, "a: the file is larger than the limit of 20 bytes");
        let endless = std::io::repeat(b' ');
        let error = FixtureFile::read_at_most(20, "a", b"{".chain(endless)).unwrap_err();
        assert_eq!(error.to_string(), "a: the file is larger than the limit of 20 bytes");
    }
}
