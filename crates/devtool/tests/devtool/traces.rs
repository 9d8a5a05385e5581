//! The page tells of two traces what `parallax compare` tells: the same field by the same name, at the same lines.

use std::{fs, path::Path};

use parallax_campaign::{engines, shared_folder};
use parallax_devtool::Config;
use parallax_state_tests::{cases, run};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{
    CompareOptions, Dialect, Eip3155Tracer, Options, Summary, TraceReader, compare_traces, recognise,
};
use serde_json::json;

use crate::client::Running;

/// The lines of our own writer, and those that other clients have written where they are at hand.
fn written() -> Vec<Vec<String>> {
    let fixture = "../../fixtures/state-tests";
    let case = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture))
        .unwrap()
        .flat_map(|file| cases(&file.unwrap().path()).unwrap())
        .map(Result::unwrap)
        .find(|case| &*case.name == "calls/nested_reverts")
        .unwrap();
    let mut traces: Vec<String> = Vec::new();
    for dialect in Dialect::ALL {
        let mut tracer = Eip3155Tracer::new(Vec::new(), Options::new(dialect));
        let result = run(&case, &engines::primary(), &mut Traced(&mut tracer));
        let summary = Summary { state_root: result.state_root, ..Summary::default() };
        traces.push(String::from_utf8(tracer.finish(Some(&summary)).out.unwrap()).unwrap());
    }
    match shared_folder().map(|folder| folder.join("client-traces/traces")).filter(|folder| folder.is_dir()) {
        Some(folder) => traces.extend(
            fs::read_dir(folder)
                .unwrap()
                .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
                .filter(|text| text.contains("{\"pc\":")),
        ),
        None => eprintln!("left out: no client traces beside the repository, nor in PARALLAX_SHARED"),
    }
    let lines =
        |text: &String| text.lines().filter(|line| line.starts_with("{\"")).map(str::to_owned).collect();
    traces.iter().map(lines).collect()
}

/// A key changed, a key dropped, a line dropped, each on some lines.
fn changed(lines: &[String]) -> Vec<Vec<String>> {
    let mut made = Vec::new();
    for at in (0..lines.len()).step_by(lines.len().div_ceil(3)).chain([lines.len() - 1]) {
        let with = |line: &str| {
            let mut changed = lines.to_vec();
            changed[at] = line.to_owned();
            changed
        };
        let mut shorter = lines.to_vec();
        shorter.remove(at);
        made.push(shorter);
        for key in
            ["pc", "gas", "gasCost", "depth", "stack", "refund", "memSize", "error", "output", "gasUsed"]
        {
            let name = format!("\"{key}\":");
            let Some((head, rest)) = lines[at].split_once(&name) else { continue };
            made.push(with(&format!("{head}\"{key}s\":{rest}")));
            if let Some(digit) = rest.find(|c: char| c.is_ascii_digit() && c != '0') {
                let other = if rest.as_bytes()[digit] == b'1' { "2" } else { "1" };
                made.push(with(&format!("{head}{name}{}{other}{}", &rest[..digit], &rest[digit + 1..])));
            }
        }
    }
    made
}

#[test]
fn the_page_tells_what_compare_tells() {
    let server = Running::new(Config::default());
    let (mut parted, mut agreed, mut refused) = (0, 0, 0);
    for lines in written() {
        let whole = lines.join("\n");
        for change in changed(&lines) {
            let change = change.join("\n");
            let source = json!({"kind": "traces", "left": {"text": whole}, "right": {"text": change}});
            let answer = server.post("/api/v1/sessions", &json!({ "source": source }));
            let texts = [&whole, &change].map(|text| (recognise(text.as_bytes()), text));
            let [Ok(left), Ok(right)] = texts.map(|(found, text)| {
                found.map(|found| TraceReader::new(text.as_bytes(), found.client).with_profile(found.profile))
            }) else {
                assert_ne!(answer.status, 201, "{}", answer.json());
                refused += 1;
                continue;
            };
            assert_eq!(answer.status, 201, "{}", answer.json());
            let path = answer.header("location").unwrap().to_owned();
            let session = server
                .wait(&path, |session| !["running", "paused"].contains(&session["status"].as_str().unwrap()));
            let verdict = &session["verdict"];
            match compare_traces(left, right, CompareOptions::default()).map(|answer| answer.outcome) {
                Ok(Ok(agreement)) => {
                    assert_eq!(verdict["kind"], "agree", "{session}");
                    assert_eq!(verdict["reason"].as_str().unwrap_or_default(), agreement.silence());
                    agreed += 1;
                }
                Ok(Err(difference)) => {
                    let divergence = &verdict["divergence"];
                    assert_eq!(divergence["mismatch"]["field"], difference.what.name(), "{session}");
                    assert_eq!(divergence["lines"], json!(difference.lines), "{session}");
                    parted += 1;
                }
                Err((_, error)) => {
                    assert_eq!(session["status"], "failed", "{session}");
                    assert!(
                        session.to_string().contains(&error.to_string().replace('"', "\\\"")),
                        "{session}"
                    );
                    refused += 1;
                }
            }
            assert_eq!(server.send("DELETE", &path, "", "").status, 204);
        }
    }
    eprintln!("{parted} part, {agreed} agree, {refused} are refused");
    assert!(parted > 100 && agreed > 0 && refused > 0);
}
