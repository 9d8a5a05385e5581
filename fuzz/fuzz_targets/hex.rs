//! Bytes in hex, as people paste them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_assembly::parse_hex;

fuzz_target!(|text: &str| {
    match parse_hex(text) {
        Ok(bytes) => assert_eq!(parse_hex(&bytes.to_string()), Ok(bytes)),
        Err(error) => drop(error.to_string()),
    }
});
