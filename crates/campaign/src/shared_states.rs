//! States before tests that many of them share: a test of the form `blockchain_test_engine_x` names one by its `preHash`, and it is in
//! `pre_alloc/HASH.json` beside the folder of the test, in an archive too. A test that names one is handed on with it, and each state
//! is read once, by the first that asks.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use parallax_block_tests::SharedState;
use parallax_state_tests::{FixtureError, MAX_FILE_BYTES, Problem, TestText};
use serde::Deserialize;

use crate::archive::{self, SHARED_STATES};

/// Most bytes of shared states that are kept.
const MAX_BYTES: u64 = 1 << 30;

/// A test, and the state that it names, if it names one.
#[derive(Clone)]
pub(crate) struct Unit {
    pub(crate) test: TestText,
    pub(crate) state: Option<Arc<State>>,
}

/// A shared state as it stands in its file, and as it is read.
pub(crate) struct State {
    /// What errors call the file. No two states of a campaign have the same.
    pub(crate) file: Arc<str>,
    pub(crate) text: String,
    read: OnceLock<Result<SharedState, FixtureError>>,
}

impl State {
    pub(crate) fn new(file: &str, text: String) -> Arc<Self> {
        Arc::new(Self { file: file.into(), text, read: OnceLock::new() })
    }

    /// The state. Who asks while another one reads it waits.
    pub(crate) fn get(&self) -> Result<&SharedState, FixtureError> {
        self.read.get_or_init(|| SharedState::read(&self.file, &self.text)).as_ref().map_err(Clone::clone)
    }
}

/// Those that were found.
#[derive(Default)]
pub(crate) struct SharedStates {
    files: HashMap<PathBuf, Arc<State>>,
    /// By the archive, then by the name of the state.
    archives: HashMap<PathBuf, BTreeMap<String, Arc<State>>>,
    bytes: u64,
}

/// What of a test names a state.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    pre_hash: Option<String>,
}

impl SharedStates {
    /// The test, with the state that it names.
    ///
    /// # Errors
    ///
    /// There is none of that name, or its file cannot be read.
    pub(crate) fn complete(&mut self, test: TestText) -> Result<Unit, FixtureError> {
        let json = test.json();
        let names = json.contains("\"preHash\"").then(|| serde_json::from_str(json));
        // What is no test is told of where it is read.
        let Some(Ok(Named { pre_hash: Some(name) })) = names else { return Ok(Unit { test, state: None }) };
        let failed = |said: String| FixtureError {
            file: test.file().clone(),
            test: test.name().clone(),
            path: "preHash".to_owned(),
            problem: Problem::Unexpected {
                expected: format!("the state {SHARED_STATES}/{name}.json beside the folder of the test"),
                found: said,
            },
        };
        let state = self.find(Path::new(&**test.file()), &name).map_err(|error| failed(error.to_string()))?;
        let state = state.ok_or_else(|| failed("none".to_owned()))?;
        Ok(Unit { test, state: Some(state) })
    }

    fn find(&mut self, file: &Path, name: &str) -> io::Result<Option<Arc<State>>> {
        let on_disk = archive::file_of(file);
        if on_disk != file {
            if !self.archives.contains_key(on_disk) {
                let texts = archive::shared_states(on_disk, MAX_BYTES - self.bytes)?;
                self.bytes += texts.values().map(|text| text.len() as u64).sum::<u64>();
                let states = texts.into_iter().map(|(name, text)| {
                    let file = format!("{}:{SHARED_STATES}/{name}.json", on_disk.display());
                    (name, State::new(&file, text))
                });
                self.archives.insert(on_disk.to_owned(), states.collect());
            }
            return Ok(self.archives.get(on_disk).and_then(|states| states.get(name)).cloned());
        }
        let beside =
            file.ancestors().skip(1).map(|folder| folder.join(SHARED_STATES).join(format!("{name}.json")));
        let Some(path) = beside.into_iter().find(|path| path.is_file()) else { return Ok(None) };
        if let Some(state) = self.files.get(&path) {
            return Ok(Some(state.clone()));
        }
        let mut text = String::new();
        let left = (MAX_BYTES - self.bytes).min(MAX_FILE_BYTES);
        File::open(&path)?.take(left + 1).read_to_string(&mut text)?;
        if text.len() as u64 > left {
            return Err(io::Error::other(format!("more than {MAX_BYTES} bytes of shared states")));
        }
        self.bytes += text.len() as u64;
        let state = State::new(&path.to_string_lossy(), text);
        self.files.insert(path, state.clone());
        Ok(Some(state))
    }
}
