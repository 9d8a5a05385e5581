//! Block tests, and the states that they share.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_block_tests::{BlockCase, SharedState, is_block_test};
use parallax_state_tests::FixtureFile;

fuzz_target!(|text: &[u8]| {
    let Ok(file) = FixtureFile::parse("a.json", text.to_vec()) else { return };
    let shared = SharedState::read(&"pre.json".into(), r#"{"0x00000000000000000000000000000000000000aa":{"balance":"0x1"}}"#).ok();
    for test in file.tests().flatten() {
        is_block_test(&test);
        if let Err(error) = BlockCase::read_with(&test, shared.as_ref()) {
            drop(error.to_string());
        }
        let _ = SharedState::read(test.file(), test.json());
    }
});
