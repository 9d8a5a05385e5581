//! Clients that do as they should, and clients that do not. Each is a few words of a shell.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    io::{self, Read},
    path::Path,
    thread,
    time::Duration,
};

use parallax_client_process::{Client, CommandError, Ending, Limits, Protocol};

/// Longer than any of them takes on a machine that is busy.
const LIMITS: Limits = Limits { time: Duration::from_secs(120), output: 1 << 20, memory: None };

fn shell(script: &str, protocol: Protocol, limits: Limits) -> Client {
    Client::new(&format!("sh -c '{script}' -"), protocol, limits).unwrap()
}

/// What it wrote of a file, the error it was read with, and how it ended.
fn run(client: &mut Client, file: &str) -> (String, Option<io::ErrorKind>, Ending) {
    let mut output = client.run(Path::new(file)).unwrap();
    let mut text = Vec::new();
    let error = output.read_to_end(&mut text).err().map(|error| error.kind());
    (String::from_utf8(text).unwrap(), error, output.end())
}

#[test]
fn a_trace_is_read_from_the_stream_that_has_it() {
    for (to, other) in [(1, 2), (2, 1)] {
        let script = format!(
            "echo some talk >&{to}; echo more >&{other}; printf \"{{\\\"pc\\\":0,\\\"at\\\":\\\"$1\\\"}}\\n\" >&{to}; echo end >&{other}"
        );
        let (text, error, ending) = run(&mut shell(&script, Protocol::Command, LIMITS), "a b.json");
        assert_eq!(text, "some talk\n{\"pc\":0,\"at\":\"a b.json\"}\n");
        assert_eq!((error, ending), (None, Ending::Complete));
    }
}

#[test]
fn a_batch_is_one_process_and_each_case_ends_with_its_root() {
    let script = "while read f; do echo \"{\\\"pc\\\":$f}\" >&2; echo \"{\\\"stateRoot\\\":\\\"$f $$\\\"}\" >&2; echo talk $f; done";
    let mut client = shell(script, Protocol::Batch, LIMITS);
    let mut ids = Vec::new();
    for file in ["1", "2", "3"] {
        let (text, error, ending) = run(&mut client, file);
        let (start, id) = text.split_once(&format!("{{\"stateRoot\":\"{file} ")).unwrap();
        assert_eq!(start, format!("{{\"pc\":{file}}}\n"));
        assert_eq!((error, ending), (None, Ending::Complete));
        ids.push(id.to_owned());
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn a_client_that_dies_is_started_again() {
    let script = "read f; echo \"{\\\"pc\\\":$f}\"; if [ $f = 1 ]; then echo I cannot >&2; exit 3; fi; echo \"{\\\"stateRoot\\\":0}\"; read f";
    let mut client = shell(script, Protocol::Batch, LIMITS);
    let (text, error, ending) = run(&mut client, "1");
    assert_eq!((text.as_str(), error), ("{\"pc\":1}\n", None));
    let Ending::Exited { status, said } = ending else { panic!("{ending:?}") };
    assert_eq!((status.code(), said.as_str()), (Some(3), "I cannot"));
    let (text, error, ending) = run(&mut client, "2");
    assert_eq!((text.as_str(), error, ending), ("{\"pc\":2}\n{\"stateRoot\":0}\n", None, Ending::Complete));
}

#[test]
fn a_client_that_hangs_is_ended_with_all_that_it_has_started() {
    let limits = Limits { time: Duration::from_millis(300), ..LIMITS };
    // The grandchild holds the streams open; its parent is gone.
    let mut client = shell("sleep 1000 & echo \"{\\\"pc\\\":$!}\"", Protocol::Command, limits);
    let (text, error, ending) = run(&mut client, "x");
    assert_eq!((error, ending), (Some(io::ErrorKind::TimedOut), Ending::TimedOut));
    // On a machine that is busy its time may be over before it has said who that is.
    if let Some(id) = text.trim().strip_prefix("{\"pc\":").and_then(|id| id.strip_suffix('}')) {
        let is_there = || {
            let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            !(state.is_empty() || state.contains(") Z "))
        };
        // A signal is on its way; one that is not would leave it there for 1000 seconds.
        while is_there() {
            thread::yield_now();
        }
    }
    // One that closes its streams and stays.
    let mut client = shell("exec >&- 2>&-; sleep 1000", Protocol::Command, limits);
    let (text, _, ending) = run(&mut client, "x");
    assert_eq!((text.as_str(), ending), ("", Ending::TimedOut));
}

#[test]
fn a_client_that_writes_without_end_is_ended_and_not_held() {
    for script in ["while :; do echo \"{\\\"pc\\\":0}\"; done", "yes", "cat /dev/zero", "cat /dev/zero >&2"] {
        let mut client = shell(script, Protocol::Command, LIMITS);
        let mut output = client.run(Path::new("x")).unwrap();
        let error = io::copy(&mut output, &mut io::sink()).unwrap_err();
        assert_eq!((error.kind(), output.end()), (io::ErrorKind::FileTooLarge, Ending::TooMuch), "{script}");
    }
}

#[test]
fn a_reader_that_gives_up_ends_the_client() {
    let mut client = shell("while :; do echo \"{\\\"pc\\\":0}\"; done", Protocol::Batch, LIMITS);
    let mut output = client.run(Path::new("x")).unwrap();
    output.read_exact(&mut [0; 9]).unwrap();
    assert_eq!(output.end(), Ending::GivenUp);
}

#[test]
fn memory_has_a_limit() {
    let limits = Limits { memory: Some(64), ..LIMITS };
    let mut client = Client::new("sh -c 'ulimit -v' -", Protocol::Command, limits).unwrap();
    assert_eq!(run(&mut client, "x").0, "65536\n");
}

#[test]
fn what_is_no_command_is_said() {
    let new = |text| Client::new(text, Protocol::Command, LIMITS).unwrap_err();
    assert_eq!(new("  "), CommandError::Empty);
    assert_eq!(new("evm 'statetest").to_string(), "\"evm 'statetest\": a quote without its end");
    let error =
        Client::new("no-such-client", Protocol::Command, LIMITS).unwrap().run(Path::new("x")).unwrap_err();
    assert!(error.to_string().starts_with("no-such-client: "), "{error}");
}
