//! Records of runs and traces as lines of JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_record_json::Reader;

fuzz_target!(|text: &[u8]| {
    for line in Reader::new(text) {
        if let Err(error) = line {
            drop(error.to_string());
        }
    }
});
