//! `parallax compare`: what it reads, what it says, and what it leaves out when told to.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parallax-compare-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        fs::write(self.0.join(name), text).unwrap();
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// The trace of a case with calls, reverts and refunds.
    fn trace(&self, name: &str, options: &[&str]) -> String {
        let calls = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests/calls.json");
        let out = self.file(name, "");
        let case =
            ["statetest", calls.to_str().unwrap(), "--fork", "Osaka", "--filter", "^calls/nested_reverts$"];
        let ran = parallax(&[&case[..], options, &["--trace-out", &out]].concat());
        assert_eq!(ran.0, Some(0), "{}{}", ran.1, ran.2);
        out
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn parallax(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.args(arguments).stdin(Stdio::null()).env_remove("COLUMNS").env("RUST_BACKTRACE", "0");
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const GETH: [&str; 4] = ["--trace", "eip3155", "--dialect", "geth"];

/// Lines, packed or in an array, and struct logs in what a node answers are one trace.
#[test]
fn every_form_of_a_trace_is_read() {
    let folder = Folder::new("forms");
    let geth = folder.trace("geth", &GETH);
    let logs = folder.trace("struct", &["--trace", "struct"]);
    let lines = fs::read_to_string(&geth).unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(lines.as_bytes()).unwrap();
    let gzip = folder.file("gzip", gzip.finish().unwrap());
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let zstd = folder.file("zstd", ruzstd::encoding::compress_to_vec(lines.as_bytes(), level));
    let array = folder.file("array", format!("[\n{}\n]\n", lines.trim().replace('\n', ",\n")));
    let answer: Value = serde_json::from_str(&fs::read_to_string(&logs).unwrap()).unwrap();
    let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": answer });
    let rpc = folder.file("rpc", serde_json::to_string_pretty(&answer).unwrap());
    let (status, out, err) = parallax(&["compare", &geth, &gzip, &zstd, &array, &logs, &rpc]);
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    let clients: Vec<_> = out
        .lines()
        .inspect(|line| println!("{line}"))
        .map(|line| line.split(" (geth and ").nth(1).unwrap())
        .collect();
    let expected = ["geth)", "geth)", "geth)", "struct)", "struct)"];
    assert!(clients.iter().zip(expected).all(|(found, expected)| found.starts_with(expected)), "{out}");
    assert_eq!(clients.len(), 5);
    // What is no trace, or is none that can be read, says what it is.
    let prefixed = folder.file("prefixed", lines.replace("{\"", "2026-11-30 {\""));
    let wide: Vec<u8> = lines.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (path, expected) in [
        (prefixed, "line 1: a trace line behind other text"),
        (folder.file("wide", [&[0xff, 0xfe], &wide[..]].concat()), "the text is in UTF-16"),
        (folder.file("cut.zst", &fs::read(&zstd).unwrap()[..40]), "cut.zst"),
    ] {
        let (status, _, err) = parallax(&["compare", &geth, &path]);
        assert!(status == Some(2) && err.contains(expected) && err.lines().count() == 1, "{err}");
    }
}

/// The first line says what an agreement does not, in JSON too; and what a trace is taken for, where that is not sure.
#[test]
fn an_agreement_says_how_far_it_goes() {
    let folder = Folder::new("silence");
    let geth = folder.trace("geth", &GETH);
    let strict = folder.trace("strict", &["--trace", "eip3155"]);
    let (_, out, _) = parallax(&["compare", &geth, &strict]);
    let first = out.lines().next().unwrap();
    assert!(first.contains("steps agree (geth and eip3155); not compared: memory, returnData, "), "{out}");
    assert!(first.contains("; in part: gasCost on 50 of 51"), "{out}");
    let (_, out, _) = parallax(&["compare", &geth, &strict, "--json"]);
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["comparedInPart"][0], json!({ "field": "gasCost", "compared": 50, "of": 51 }));
    let simple = r#"{"pc":0,"op":95,"gas":"0x64","gasCost":"0x2","memSize":0,"stack":[],"depth":1,"refund":0,"opName":"PUSH0"}"#;
    let simple = folder.file("simple", format!("{simple}\n"));
    let (status, out, _) = parallax(&["compare", &simple, &simple]);
    assert!(
        status == Some(0) && out.starts_with("1 step agrees (geth and geth)") && out.lines().count() == 1,
        "{out}"
    );
    let (_, out, _) = parallax(&["compare", &simple, &strict]);
    let doubt = format!("  {simple}: taken for geth's, may be of evmone, ");
    assert!(out.contains(&doubt) && out.contains("no line tells them apart, --left-client does"), "{out}");
    // Without a step there is nothing to agree on.
    let root = folder.file("root", format!("{{\"stateRoot\": \"0x{}\"}}\n", "1".repeat(64)));
    let (status, out, _) = parallax(&["compare", &root, &root]);
    assert!(status == Some(2) && out.starts_with("no step in either trace"), "{out}");
}

#[test]
fn what_is_compared_can_be_chosen_and_all_differences_counted() {
    let folder = Folder::new("chosen");
    let geth = folder.trace("geth", &GETH);
    let lines = fs::read_to_string(&geth).unwrap();
    let wrong = folder.file("wrong", lines.replace("\"memSize\":0,", "\"memSize\":32,"));
    for (options, status) in [
        (&[][..], Some(1)),
        (&["--ignore", "memSize"], Some(0)),
        (&["--only", "gas,stack"], Some(0)),
        (&["--only", "memSize"], Some(1)),
        (&["--strictness", "no-memory"], Some(0)),
        (&["--strictness", "no-gas"], Some(1)),
        (&["--strictness", "path"], Some(0)),
    ] {
        let ran = parallax(&[&["compare", &geth, &wrong], options].concat());
        assert_eq!(ran.0, status, "{options:?} {}", ran.1);
        let told = options.join(" ");
        assert!(ran.1.contains(&told), "{told} {}", ran.1);
    }
    // What only one of two clients writes is named, known or not; of one client it is compared, unless fields are chosen.
    let more = folder.file("more", lines.replace("\"op\":", "\"gasRefundLeft\":7,\"op\":"));
    let (status, out, _) = parallax(&["compare", &geth, &more]);
    assert!(status == Some(1) && out.contains("first difference at step 1: gasRefundLeft"), "{out}");
    assert_eq!(parallax(&["compare", &geth, &more, "--only", "gas,stack"]).0, Some(0));
    let strict = folder.trace("strict", &["--trace", "eip3155"]);
    let (status, out, _) = parallax(&["compare", &strict, &more, "--right-client", "geth"]);
    assert!(status == Some(0) && out.contains(", \"gasRefundLeft\""), "{out}");
    // Of the end, an error stands under the name that one of a step has.
    let (steps, end) = lines.split_at(lines.rfind("{\"output\"").unwrap());
    let ended = folder.file("ended", steps.to_owned() + &end.replacen('}', ",\"error\":\"out of gas\"}", 1));
    assert_eq!(parallax(&["compare", &geth, &ended]).0, Some(1));
    let (status, out, _) = parallax(&["compare", &geth, &ended, "--strictness", "steps"]);
    assert_eq!(status, Some(0), "{out}");
    let (status, out, _) = parallax(&["compare", &geth, &wrong, "--all"]);
    let steps = lines.lines().filter(|line| line.starts_with("{\"pc\"")).count();
    assert!(status == Some(1) && out.contains(&format!("\n{steps} differences (geth and geth):\n")), "{out}");
    assert!(out.contains("  memSize of SSTORE ") && out.contains("to the end of both traces"), "{out}");
    let (_, out, _) = parallax(&["compare", &geth, &wrong, "--all", "--json"]);
    let found: Value = serde_json::from_str(&out).unwrap();
    let counts =
        found["differences"].as_array().unwrap().iter().map(|group| group["count"].as_u64().unwrap());
    assert_eq!((counts.sum::<u64>(), &found["apart"]), (steps as u64, &Value::Null));
    let (status, _, err) = parallax(&["compare", &geth, &wrong, "--ignore", "nothing"]);
    assert!(status == Some(2) && err.contains("unknown field \"nothing\""), "{err}");
}
