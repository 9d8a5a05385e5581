//! Traces of every client: recognised, read, and compared with one another. Two bytes say whose the two are, a zero byte ends the first.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_tracer_eip3155::{Client, CompareOptions, TraceReader, compare_traces, recognise};

fuzz_target!(|bytes: &[u8]| {
    let [left, right, text @ ..] = bytes else { return };
    let [left, right] = [left, right].map(|byte| Client::ALL[usize::from(*byte) % Client::ALL.len()]);
    let end = text.iter().position(|byte| *byte == 0);
    let (first, second) = end.map_or((text, text), |end| (&text[..end], &text[end + 1..]));
    let _ = recognise(first);
    let options = CompareOptions { all: text.len() % 2 == 0, ..CompareOptions::default() };
    if let Err((_, error)) = compare_traces(TraceReader::new(first, left), TraceReader::new(second, right), options) {
        drop(error.to_string());
    }
});
