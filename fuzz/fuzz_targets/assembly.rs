//! Assembly: any text is a program or is said what is wrong with; what a listing says gives the same bytes again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_assembly::{assemble_for, disassemble};
use parallax_primitives::Fork;

fuzz_target!(|bytes: &[u8]| {
    let Some((fork, bytes)) = bytes.split_first() else { return };
    let fork = Fork::ALL[usize::from(*fork) % Fork::ALL.len()];
    let source = disassemble(bytes, fork).source();
    assert_eq!(&assemble_for(&source, fork).unwrap_or_default()[..], bytes, "{source}");
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match assemble_for(text, fork) {
        Ok(code) => {
            let listing = disassemble(&code, fork);
            assert_eq!(assemble_for(&listing.source(), fork), Ok(code.clone()));
            assert!(listing.jump_destinations().all(|at| code[at] == 0x5b));
        }
        Err(error) => drop(error.to_string()),
    }
});
