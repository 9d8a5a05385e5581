//! Struct logs, as nodes answer `debug_traceTransaction`: read, recognised, and equal to themselves.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_tracer_eip3155::{Client, CompareOptions, TraceReader, compare_traces, recognise};

fuzz_target!(|text: &[u8]| {
    let _ = recognise(text);
    let read = || TraceReader::new(text, Client::Struct);
    if read().all(|record| record.is_ok())
        && let Ok(answer) = compare_traces(read(), read(), CompareOptions::default())
    {
        assert!(answer.outcome.is_ok(), "{answer:?}");
    }
    let _ = compare_traces(read(), TraceReader::new(text, Client::Geth), CompareOptions::default());
});
