//! State tests: any text is tests that can be read, or is said what is wrong with. A case that was read can be written, and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_state_tests::FixtureFile;

fuzz_target!(|text: &[u8]| {
    let Ok(file) = FixtureFile::parse("a.json", text.to_vec()) else { return };
    for test in file.tests().flatten() {
        for case in test.cases(None) {
            match case {
                Ok(case) => {
                    let written = case.written("again", "", None);
                    let _ = case.reread(&written);
                    let _ = (case.alone(), case.expected_state());
                }
                Err(error) => drop(error.to_string()),
            }
        }
    }
});
