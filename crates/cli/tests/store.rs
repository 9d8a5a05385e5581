//! `--store` and `parallax store` as users meet them: what is kept, gone on with, killed, run again, exported, merged and refused.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{
    fs,
    hash::{BuildHasher, Hasher, RandomState},
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use support::{fixture, run};

const FAULT: &str = "mini+flip-result@MUL";
const PLANTED: [&str; 7] =
    ["fuzz", "--right", FAULT, "--mode=per-step", "--rules", "Osaka,Amsterdam", "--seed=3"];

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }
}

fn with<'a>(words: &[&'a str], more: &[&'a str]) -> (Option<i32>, String, String) {
    run(&[words, more].concat())
}

/// What `store list --json` has of one type.
fn listed(store: &str, kind: &str) -> Vec<Value> {
    let (status, out, error) = run(&["store", "list", store, "--json"]);
    assert_eq!((status, error.as_str()), (Some(0), ""));
    let lines = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["type"] == kind).collect()
}

/// What findings have that does not depend on when they were found.
fn findings(store: &str) -> Vec<[String; 6]> {
    let keys = ["rules", "place", "count", "number", "sha256", "command"];
    let mut findings: Vec<_> =
        listed(store, "finding").iter().map(|line| keys.map(|key| line[key].to_string())).collect();
    findings.sort();
    findings
}

#[test]
fn a_run_goes_on_where_it_ended_and_comes_to_the_same() {
    let folder = Folder::new();
    let (parts, whole) = (folder.path("parts"), folder.path("whole"));
    let (status, out, error) = with(&PLANTED, &["--store", &parts, "--programs", "200"]);
    assert_eq!(status, Some(1));
    assert!(out.contains(&format!("campaign 1 of {parts}, from case 0 on\n")), "{out}");
    assert!(error.contains("found in case "), "{error}");
    let resume = ["fuzz", "--store", &parts, "--resume"];
    let (status, _, error) = run(&resume);
    assert_eq!(status, Some(2));
    assert!(
        error.ends_with(
            "all cases of campaign 1 are run, up to number 200: expected --programs with how many more\n"
        ),
        "{error}"
    );
    let (_, out, _) = with(&resume, &["--programs", "300", "--jobs", "3"]);
    assert!(out.contains("from case 200 on\n"), "{out}");
    assert_eq!(with(&PLANTED, &["--store", &whole, "--programs", "500"]).0, Some(1));
    assert_eq!(findings(&parts), findings(&whole));
    let keys = ["next", "steps", "seed", "sides", "mode", "ended"];
    let [one, other] = [&parts, &whole].map(|store| listed(store, "campaign").remove(0));
    assert_eq!(keys.map(|key| &one[key]), keys.map(|key| &other[key]));
    for (more, told) in [
        (
            &["--left", "mini"][..],
            "campaign 1 has --left=primary, found --left=mini: expected none of what says",
        ),
        (&["--seed", "4"], "campaign 1 has --seed=3, found --seed=4: "),
        (&["--also", "revm"], "campaign 1 has no --also, found --also=revm: "),
        (&["--rules", "Prague"], "campaign 1 has --rules=Osaka --rules=Amsterdam, found --rules=Prague: "),
    ] {
        let (status, _, error) = with(&resume, more);
        assert!(status == Some(2) && error.contains(told) && error.lines().count() == 1, "{error}");
    }
    let (status, _, error) = run(&["fuzz", "--store", &parts, "--resume", "7"]);
    assert!(status == Some(2) && error.ends_with("parts: no campaign 7\n"), "{error}");
}

#[test]
fn another_build_is_told() {
    let folder = Folder::new();
    let store = folder.path("s");
    with(&PLANTED, &["--store", &store, "--programs", "20"]);
    rusqlite::Connection::open(&store).unwrap().execute("UPDATE campaigns SET build = 'older'", []).unwrap();
    let resume = ["fuzz", "--store", &store, "--resume", "1", "--programs", "20"];
    let (status, _, error) = run(&resume);
    assert!(
        status == Some(2) && error.contains("campaign 1 was run by parallax older, and this is "),
        "{error}"
    );
    assert!(error.ends_with("expected --other-build\n"), "{error}");
    let (status, _, error) = with(&resume, &["--other-build"]);
    assert!(status == Some(1) && error.contains("cases from number 20 on are those of this one"), "{error}");
}

#[test]
fn a_rule_file_that_changed_is_refused() {
    let folder = Folder::new();
    let (store, rules) = (folder.path("s"), folder.path("own.toml"));
    fs::write(&rules, run(&["rules", "show", "Osaka"]).1).unwrap();
    let (status, _, error) =
        run(&["fuzz", "--rules", &rules, "--store", &store, "--programs", "5", "--seed", "1"]);
    assert_eq!(status, Some(0), "{error}");
    fs::write(&rules, run(&["rules", "show", "Prague"]).1).unwrap();
    let (status, _, error) = run(&["fuzz", "--store", &store, "--resume", "--programs", "5"]);
    assert!(status == Some(2) && error.contains("a file of rules has changed"), "{error}");
}

#[test]
fn a_run_that_is_killed_again_and_again_comes_to_the_same() {
    let folder = Folder::new();
    let (killed, whole) = (folder.path("killed"), folder.path("whole"));
    let programs = std::env::var("STORE_PROGRAMS").unwrap_or_else(|_| "12000".to_owned());
    let kills: u64 = std::env::var("STORE_KILLS").map_or(3, |kills| kills.parse().unwrap());
    let (mut last, mut cut) = (0, 0);
    for kill in 0..kills {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
        match kill {
            0 => command.args(PLANTED).args(["--store", &killed, "--programs", &programs]),
            _ => command.args(["fuzz", "--store", &killed, "--resume"]),
        };
        // It says what is on the disk.
        command
            .args(["--log", "parallax=info"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stored = |line: String| {
            line.split_once(" stored ").and_then(|(_, text)| text.split_once("next=")?.1.parse().ok())
        };
        let mut lines =
            BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap).filter_map(stored);
        for _ in 0..=RandomState::new().build_hasher().finish() % 2 {
            // Whoever is through has said all.
            let Some(next) = lines.next() else { break };
            last = last.max(next);
        }
        child.kill().unwrap();
        last = lines.chain([last]).max().unwrap();
        // Otherwise it was through before.
        cut += u64::from(child.wait().unwrap().code().is_none());
        let next = listed(&killed, "campaign")[0]["next"].as_u64().unwrap();
        assert!(next >= last, "{next} is less than {last}, which was acknowledged");
    }
    println!("{cut} of {kills} runs were killed before their end");
    assert!(cut > 0);
    // What is left, if anything is.
    run(&["fuzz", "--store", &killed, "--resume"]);
    with(&PLANTED, &["--store", &whole, "--programs", &programs]);
    assert_eq!(findings(&killed), findings(&whole));
    assert_eq!(listed(&killed, "campaign")[0]["next"].to_string(), programs);
}

#[test]
fn a_run_that_is_taken_over_ends() {
    let folder = Folder::new();
    let store = folder.path("s");
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.args(PLANTED).args(["--store", &store, "--log", "parallax=info"]);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(" stored ")));
    // Without a number that ends it the first one would go on for ever.
    let (status, ..) = run(&["fuzz", "--store", &store, "--resume", "--programs", "50"]);
    assert_eq!(status, Some(1));
    let last = lines.last().unwrap();
    assert!(last.ends_with("s: another process goes on with campaign 1, so this one ends"), "{last}");
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[test]
fn a_store_without_room_ends_the_run_and_keeps_what_it_has() {
    let folder = Folder::new();
    let store = folder.path("s");
    let mut command = Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\"";
    command.args([
        "-c",
        script,
        env!("CARGO_BIN_EXE_parallax"),
        "diff",
        &fixture("."),
        "--json",
        "--store",
        &store,
    ]);
    command.args(["--mode", "per-call", "--jobs", "2"]).stdin(Stdio::null());
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.lines().last().unwrap().ends_with("what was acknowledged is kept"), "{error}");
    let printed = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
    let next = listed(&store, "campaign")[0]["next"].as_u64().unwrap();
    assert!(printed > 0 && next >= printed, "{next} {printed}");
    let (status, _, error) =
        with(&PLANTED, &["--store", &store, "--store-limit", "1", "--kind=mixed", "--programs=9"]);
    assert_eq!(status, Some(1), "{error}");
}

#[test]
fn a_finding_is_shown_and_run_again() {
    let folder = Folder::new();
    let store = folder.path("s");
    with(&PLANTED, &["--store", &store, "--programs", "200"]);
    let (status, list, _) = run(&["store", "list", &store]);
    assert_eq!(status, Some(0));
    assert!(
        list.contains("campaign 1: fuzz, primary and mini+flip-result@MUL, mode per-step, cases 0 to 200, "),
        "{list}"
    );
    assert!(list.contains("  MUL    stack  arithmetic"), "{list}");
    let (status, shown, _) = run(&["store", "show", &store, "1"]);
    assert!(
        status == Some(0) && shown.contains("  field     stack\n") && shown.contains("\nDIVERGE case "),
        "{shown}"
    );
    let (status, out, error) = run(&["store", "rerun", &store, "1"]);
    assert_eq!((status, error.as_str()), (Some(1), ""));
    assert!(
        out.ends_with("finding 1: it is still there\n") && out.contains("again: parallax store rerun "),
        "{out}"
    );
    // The case that it prints is a test that anyone runs.
    let (_, case, _) = run(&["store", "show", &store, "1", "--case"]);
    let file = folder.path("case.json");
    fs::write(&file, case).unwrap();
    assert_eq!(run(&["diff", &file, "--right", FAULT, "--mode", "per-step"]).0, Some(1));
    assert_eq!(run(&["statetest", &file, "--engine", FAULT]).0, Some(0));
    // Once the fault is mended it is not there any more; and without a case its number makes it.
    let raw = rusqlite::Connection::open(&store).unwrap();
    raw.execute("UPDATE findings SET sides = '[\"primary\",\"mini\"]' WHERE id = 1", []).unwrap();
    let (status, out, _) = run(&["store", "rerun", &store, "1"]);
    assert_eq!((status, out.as_str()), (Some(0), "finding 1: it is not there any more: agree\n"));
    raw.execute("UPDATE findings SET sha256 = NULL, without = 'lost' WHERE id = 2", []).unwrap();
    let (status, out, _) = run(&["store", "rerun", &store, "2"]);
    assert!(status == Some(1) && out.ends_with("finding 2: its sides still part\n"), "{out}");
    let (status, _, error) = run(&["store", "show", &store, "2", "--case"]);
    assert!(status == Some(2) && error.ends_with("finding 2 has no case: none: lost\n"), "{error}");
}

#[test]
fn verdicts_of_every_command_are_kept() {
    let folder = Folder::new();
    let store = folder.path("s");
    let (tests, blocks) = (fixture("arithmetic.json"), fixture("../block-tests/blocks.json"));
    let plain = run(&["diff", &tests, "--right", FAULT, "--json"]);
    let kept = run(&["diff", &tests, "--right", FAULT, "--json", "--store", &store]);
    assert_eq!((plain.0, plain.1.as_str()), (kept.0, kept.1.as_str()));
    let text = run(&["diff", &tests, "--right", FAULT]);
    assert_eq!(run(&["diff", &tests, "--right", FAULT, "--store", &store]).1, text.1);
    run(&[
        "diff", &tests, "--side", "mini", "--side", FAULT, "--side", "revm", "--store", &store, "--filter",
        "/mul$",
    ]);
    assert_eq!(run(&["statetest", &tests, "--store", &store]).0, Some(0));
    assert_eq!(run(&["statetest", &tests, "--engine", FAULT, "--store", &store]).0, Some(1));
    assert_eq!(run(&["blocktest", &blocks, "--store", &store, "--json"]).0, run(&["blocktest", &blocks]).0);
    let campaigns = listed(&store, "campaign");
    let kinds: Vec<_> = campaigns.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["diff", "diff", "diff", "statetest", "statetest", "blocktest"]);
    assert_eq!(campaigns[0]["next"].as_u64(), Some(plain.1.lines().count() as u64));
    assert_eq!(campaigns[0]["verdicts"], campaigns[1]["verdicts"]);
    let found = listed(&store, "finding");
    let of =
        |campaign: u64| found.iter().filter(move |line| line["campaign"] == campaign).collect::<Vec<_>>();
    let diverging = plain.1.lines().filter(|line| line.contains("\"verdict\":\"diverge\"")).count() as u64;
    assert_eq!(of(1).iter().map(|line| line["count"].as_u64().unwrap()).sum::<u64>(), diverging);
    assert!(
        of(1)
            .iter()
            .all(|line| line["place"] == "MUL" && line["field"] == "stack" && line["sha256"].is_string())
    );
    for campaign in [1, 3, 5] {
        let id = of(campaign)[0]["id"].to_string();
        let (status, out, error) = run(&["store", "rerun", &store, &id]);
        assert!(status == Some(1) && out.contains(": it is still there"), "{campaign}: {out}{error}");
    }
}

#[test]
fn a_store_is_exported_merged_and_tidied() {
    let folder = Folder::new();
    let [one, two, all] = ["one", "two", "all"].map(|name| folder.path(name));
    let tests = fixture("arithmetic.json");
    run(&["diff", &tests, "--right", FAULT, "--store", &one]);
    with(&PLANTED, &["--store", &two, "--programs", "100"]);
    let (status, out, error) = run(&["store", "merge", &all, &one, &two]);
    assert_eq!((status, error.as_str()), (Some(0), ""));
    assert!(out.contains("one: 1 campaigns taken over, 0 brought further, 0 known\n"), "{out}");
    let before = findings(&all);
    assert_eq!(before.len(), findings(&one).len() + findings(&two).len());
    let (_, out, _) = run(&["store", "merge", &all, &two, &one]);
    assert!(!out.contains("1 campaigns taken over") && findings(&all) == before, "{out}");
    let (parquet, cases) = (folder.path("v.parquet"), folder.path("cases"));
    let (status, lines, told) =
        run(&["store", "export", &all, "--parquet", &parquet, "--json", "-", "--cases", &cases]);
    assert_eq!(status, Some(0));
    let count = lines.lines().count();
    assert!(told.contains(&format!("{count} verdicts written to {parquet}\n")), "{told}");
    assert!(fs::read(&parquet).unwrap().starts_with(b"PAR1"));
    assert_eq!(fs::read_dir(&cases).unwrap().count(), before.len());
    assert_eq!(run(&["diff", &cases, "--right", FAULT, "--mode", "per-step"]).0, Some(1));
    assert_eq!(run(&["diff", &cases]).0, Some(0));
    let (status, out, _) = run(&["store", "gc", &all]);
    assert!(status == Some(0) && out.contains(" verdicts and 0 cases dropped, "), "{out}");
    assert_eq!(findings(&all), before);
    let (_, left, _) = run(&["store", "export", &all, "--json", "-"]);
    let diverging = lines.lines().filter(|line| line.contains("\"failed\":true"));
    assert!(diverging.eq(left.lines()));
    let (status, _, error) = run(&["store", "export", &all, "--json", &all]);
    assert!(
        status == Some(2) && error.ends_with("the export would be written over what is read\n"),
        "{error}"
    );
}

#[test]
fn what_is_wrong_is_told_in_a_line() {
    let folder = Folder::new();
    let text = folder.path("text");
    fs::write(&text, "no store\n".repeat(1000)).unwrap();
    let fixture = fixture("arithmetic.json");
    let (new, report) = (folder.path("new"), format!("json={text}"));
    let other = format!("json={new}");
    for (words, told) in [
        (vec!["store", "list", "/nonexistent/s"], "/nonexistent/s: no such store"),
        (
            vec!["store", "list", &text],
            "no store of parallax, expected a file that a command with --store has written",
        ),
        (vec!["diff", &fixture, "--store", &text], "no store of parallax"),
        (
            vec!["fuzz", "--programs", "1", "--store", "/nonexistent/s"],
            "/nonexistent/s: unable to open database file",
        ),
        (vec!["diff", "--code", "0x00", "--store", &text], "--store keeps the verdicts of cases"),
        (
            vec!["diff", &fixture, "--report", &report, "--store", &text],
            "text: the report would be written over what is read",
        ),
        (
            vec!["diff", &fixture, "--report", &other, "--store", &new],
            "new: the store would be written over another output",
        ),
        (vec!["fuzz", "--resume"], "--store <FILE>"),
        (vec!["store", "export", &text], "--parquet <FILE>"),
    ] {
        let (status, out, error) = run(&words);
        assert!(status == Some(2) && out.is_empty() && error.contains(told), "{words:?}: {error}");
        assert!(!Path::new("/nonexistent").exists());
    }
}
