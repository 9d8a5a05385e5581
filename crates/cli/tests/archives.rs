//! Archives of state tests as users of the `parallax` binary meet them.

#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(unix)]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use flate2::{Compression, write::GzEncoder};
use support::run;
use tar::{Builder, Header};

mod support;

/// JUMPDEST PUSH1 0 JUMP.
const ENDLESS: &str = "5b600056";

fn fixture(name: &str) -> Vec<u8> {
    fs::read(support::fixture(name)).unwrap()
}

/// A file of one case that never ends, with gas for ages.
fn endless() -> Vec<u8> {
    let (account, sender) =
        ("0x000000000000000000000000000000000000c0de", "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b");
    let (gas, balance) = ("0x7fffffffffffffff", format!("0x{}", "ff".repeat(30)));
    let zero = format!("0x{}", "00".repeat(32));
    format!(
        r#"{{"endless": {{"env": {{"currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba", "currentDifficulty": "0x020000",
            "currentGasLimit": "{gas}", "currentNumber": "0x01", "currentTimestamp": "0x03e8", "currentBaseFee": "0x07"}},
          "pre": {{
            "{sender}": {{"nonce": "0x00", "balance": "{balance}", "code": "0x", "storage": {{}}}},
            "{account}": {{"nonce": "0x01", "balance": "0x00", "code": "0x{ENDLESS}", "storage": {{}}}}}},
          "transaction": {{"data": ["0x"], "gasLimit": ["{gas}"], "value": ["0x00"], "gasPrice": "0x0a", "nonce": "0x00",
            "to": "{account}", "sender": "{sender}"}},
          "post": {{"London": [{{"indexes": {{"data": 0, "gas": 0, "value": 0}}, "hash": "{zero}", "logs": "{zero}"}}]}}}}}}"#
    )
    .into_bytes()
}

/// An archive, and a folder with the same files, removed at the end.
struct Both {
    root: PathBuf,
    archive: String,
    folder: String,
}

impl Both {
    fn new(name: &str, files: &[(&str, Vec<u8>)]) -> Self {
        let root = std::env::temp_dir().join(format!("parallax-archives-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("it")).unwrap();
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, bytes) in files {
            let mut header = Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, Path::new("./tests").join(name), &**bytes).unwrap();
            fs::write(root.join("it").join(name), bytes).unwrap();
        }
        let packed = builder.into_inner().unwrap().finish().unwrap();
        fs::write(root.join("it.tar.gz"), packed).unwrap();
        let at = |name: &str| root.join(name).to_str().unwrap().to_owned();
        Self { archive: at("it.tar.gz"), folder: at("it"), root }
    }

    /// A text about the archive as it would be about the folder.
    fn of_folder(&self, text: &str) -> String {
        text.replace(&format!("{}:tests/", self.archive), &format!("{}/", self.folder))
            .replace(&*self.archive, &self.folder)
    }
}

impl Drop for Both {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Runs what a report says runs it again, as it would be pasted into a shell.
fn again(text: &str) -> (Option<i32>, String, String) {
    let command = text.lines().find_map(|line| line.split_once("again: ")).unwrap().1;
    let program = Path::new(env!("CARGO_BIN_EXE_parallax")).parent().unwrap();
    let output = Command::new("/bin/sh").args(["-c", command]).env("PATH", program).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn check_same(both: &Both, arguments: &[&str], status: i32) {
    let of = |path: &str| run(&[arguments, &[path]].concat());
    let (expected, found) = (of(&both.folder), of(&both.archive));
    assert_eq!(found.0, Some(status), "{found:?}");
    let (out, err) = (both.of_folder(&found.1), both.of_folder(&found.2));
    assert_eq!((found.0, out, err), expected, "{arguments:?}");
}

#[test]
fn commands_say_of_an_archive_what_they_say_of_its_folder() {
    let both = Both::new(
        "same",
        &[
            ("arithmetic.json", fixture("arithmetic.json")),
            ("broken.json", b"[]".to_vec()),
            ("calls.json", fixture("calls.json")),
        ],
    );
    for place in [&[][..], &["--in-process"], &["--jobs", "1"]] {
        check_same(&both, &[&["statetest", "--json"], place].concat(), 2);
        check_same(
            &both,
            &[&["diff", "--mode", "per-call", "--right", "revm", "--halts", "exact"], place].concat(),
            2,
        );
    }
    let one = ["--filter", "^arithmetic/add$", "--fork", "Osaka", "--index", "0,0,0"];
    let (filter, text) = (["--filter", "/arithmetic"], ["--filter", "arithmetic.json$"]);
    check_same(&both, &[&["statetest"], &filter[..]].concat(), 2);
    check_same(&both, &[&["statetest"], &text[..]].concat(), 2);
    check_same(&both, &[&["statetest", "--trace", "eip3155"], &one[..]].concat(), 2);
}

#[test]
fn reports_of_an_archive_are_those_of_its_folder_and_their_command_runs() {
    let both = Both::new("reports", &[("calls.json", fixture("calls.json"))]);
    let at = |name: &str| both.root.join(name).to_str().unwrap().to_owned();
    let reports = ["json", "junit", "html"].map(|form| (form, at(form)));
    let options: Vec<_> =
        reports.iter().flat_map(|(form, path)| ["--report".to_owned(), format!("{form}={path}")]).collect();
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let common = ["diff", "--right", "revm", "--halts", "exact", "--mode", "per-call"];
    let written = |path: &str| {
        let ran = run(&[&common[..], &options, &[path]].concat());
        assert_eq!(ran.0, Some(1), "{ran:?}");
        (ran.1, reports.each_ref().map(|(_, path)| fs::read_to_string(path).unwrap()))
    };
    let (_, of_folder) = written(&both.folder);
    let (out, of_archive) = written(&both.archive);
    // The page escapes nothing of these names, and both have the time that it took.
    let without_time = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("time=\"") && !line.contains("elapsed"));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    for (found, expected) in of_archive.iter().zip(&of_folder).take(2) {
        assert_eq!(without_time(&both.of_folder(found)), without_time(expected));
    }
    assert!(of_archive[2].contains("it.tar.gz:tests/calls.json"), "{}", of_archive[2]);
    let (status, again, err) = again(&out);
    assert_eq!((status, err.as_str()), (Some(1), ""));
    let end = again.find("\nprimary and revm: ").unwrap();
    assert!(out.contains(&again[..end]), "{again}");
}

#[test]
fn a_case_that_does_not_end_is_named_by_archive_and_member_and_can_be_run_again() {
    let files =
        [("a.json", fixture("arithmetic.json")), ("b.json", endless()), ("c.json", fixture("calls.json"))];
    let both = Both::new("endless", &files);
    // No other case runs, which might not end in time either on a machine that has much to do.
    let only = ["--filter", "^endless$", "--case-timeout", "2"];
    let (status, out, err) = run(&[&["statetest", &both.archive], &only[..]].concat());
    assert_eq!((status, err.as_str()), (Some(1), ""), "{out}");
    let title = format!("TIMED_OUT {}:tests/b.json endless fork London d0 g0 v0\n", both.archive);
    assert!(out.contains(&title) && out.ends_with("primary: 0 passed, 1 timed out\n"), "{out}");
    let (status, again, err) = again(&out);
    assert_eq!((status, err.as_str()), (Some(1), ""));
    assert!(again.starts_with(&title) && again.ends_with("primary: 0 passed, 1 timed out\n"), "{again}");
}

#[test]
fn a_damaged_archive_is_one_line_and_the_status_of_wrong_input() {
    let both =
        Both::new("damaged", &[("a.json", fixture("arithmetic.json")), ("b.json", fixture("calls.json"))]);
    let (_, whole, _) = run(&["statetest", &format!("{}:tests/a.json", both.archive)]);
    let (status, _, err) = run(&["statetest", &format!("{}:nowhere", both.archive)]);
    let said = format!(
        "parallax: {}:nowhere: cannot read the file: no file of this name is in the archive",
        both.archive
    );
    assert!(status == Some(2) && err.starts_with(&said), "{err}");
    let bytes = fs::read(&both.archive).unwrap();
    let mut half = fs::File::create(&both.archive).unwrap();
    half.write_all(&bytes[..bytes.len() - 1000]).unwrap();
    drop(half);
    for place in [&[][..], &["--in-process"]] {
        let (status, out, err) = run(&[&["statetest", &both.archive][..], place].concat());
        assert_eq!(status, Some(2));
        assert_eq!(out.trim_end(), format!("{}, 1 unreadable", whole.trim_end()));
        let start = format!(
            "parallax: {}:tests/b.json: cannot read the file: damaged or cut off after ",
            both.archive
        );
        assert!(err.starts_with(&start) && err.lines().count() == 1, "{err}");
    }
}

#[test]
fn nothing_is_written_over_an_archive_that_is_read() {
    let both = Both::new("over", &[("a.json", fixture("arithmetic.json"))]);
    let member = format!("{}:tests/a.json", both.archive);
    let report = format!("json={}", both.archive);
    for (option, file) in [("--report", &report), ("--steps", &both.archive)] {
        let (status, _, err) = run(&["diff", &member, option, file]);
        assert!(status == Some(2) && err.contains("would be written over what is read"), "{err}");
    }
}
