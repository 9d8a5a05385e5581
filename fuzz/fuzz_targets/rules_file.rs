//! Files of rules: what is read is written, and read again the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_rules_file::{differences, read, write};

fuzz_target!(|text: &str| {
    match read(text) {
        Ok(rules) => {
            let written = write(rules);
            assert_eq!(read(&written).map_err(|error| error.to_string()), Ok(rules), "{written}");
            assert!(differences(rules, rules).ends_with("are the same rules\n"));
        }
        Err(error) => drop(error.to_string()),
    }
});
