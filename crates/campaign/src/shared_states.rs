//! States before tests that many of them share: a test of the form `blockchain_test_engine_x` names one by its `preHash`, and it is in
//! `pre_alloc/HASH.json` beside the folder of the test, in an archive too. A test that names one is handed on with it.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use parallax_state_tests::{FixtureError, MAX_FILE_BYTES, Problem, TestText};
use serde::Deserialize;

use crate::archive::{self, SHARED_STATES};

/// Most bytes of shared states that are kept.
const MAX_BYTES: u64 = 1 << 30;

/// Those that were read.
#[derive(Default)]
pub(crate) struct SharedStates {
    files: HashMap<PathBuf, Arc<str>>,
    /// By the archive, then by the name of the state.
    archives: HashMap<PathBuf, BTreeMap<String, Arc<str>>>,
    bytes: u64,
}

/// What of a test names a state.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    pre_hash: Option<String>,
}

impl SharedStates {
    /// The test, with the state that it names under `preAlloc`, if it names one.
    ///
    /// # Errors
    ///
    /// There is none of that name, or it cannot be read.
    pub(crate) fn complete(&mut self, test: TestText) -> Result<TestText, FixtureError> {
        let json = test.json();
        if !json.contains("\"preHash\"") {
            return Ok(test);
        }
        // What is no test is told of where it is read.
        let Ok(Named { pre_hash: Some(name) }) = serde_json::from_str(json) else { return Ok(test) };
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
        let Some(fields) = json.trim_start().strip_prefix('{') else { return Ok(test) };
        Ok(TestText::new(test.file(), test.name(), &format!("{{\"preAlloc\": {state}, {fields}")))
    }

    fn find(&mut self, file: &Path, name: &str) -> io::Result<Option<Arc<str>>> {
        let on_disk = archive::file_of(file);
        if on_disk != file {
            if !self.archives.contains_key(on_disk) {
                let states = archive::shared_states(on_disk, MAX_BYTES - self.bytes)?;
                self.bytes += states.values().map(|state| state.len() as u64).sum::<u64>();
                self.archives.insert(on_disk.to_owned(), states);
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
        let state: Arc<str> = text.into();
        self.files.insert(path, state.clone());
        Ok(Some(state))
    }
}
