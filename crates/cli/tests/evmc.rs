//! EVMC libraries as sides: ours agrees with every fixture, and one that does harm ends its own cases alone.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use support::{fixture, run};

/// Ours, which cargo has built for this test beside it.
fn ours() -> String {
    let name = format!("{}parallax_evmc{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    env::current_exe().unwrap().with_file_name(name).to_str().unwrap().to_owned()
}

/// The harmful library of the tests of `engine-evmc`.
fn faulty(define: &str) -> String {
    let name = format!("{}-{}.so", define.replace('=', "-"), std::process::id());
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../engine-evmc/tests/faulty.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", &format!("-D{define}"), "-o"]).arg(&file).arg(source);
    assert!(compiler.status().unwrap().success(), "{define}");
    file.to_str().unwrap().to_owned()
}

/// The last line but those of what is not compared.
fn sum(out: &str) -> &str {
    out.lines().rfind(|line| !line.starts_with("  ")).unwrap()
}

#[test]
fn our_library_agrees_with_every_fixture() {
    let fixtures = fixture("");
    for options in ["", ",engine=mini"] {
        let library = format!("{}{options}", ours());
        let (status, out, err) = run(&["diff", &fixtures, "--halts", "exact", "--right-evmc", &library]);
        assert_eq!(status, Some(0), "{out}{err}");
        // Every case, and none of them passed over but those of rules that EVMC has no name for.
        let [agree, rejected, unsupported] =
            ["agree", "rejected", "unsupported"].map(|name| count(sum(&out), name));
        let told = out.lines().filter(|line| {
            line.split_once("EVMC knows the forks of mainnet alone, not ")
                .is_some_and(|(_, rules)| rules.contains('+') || rules == "Amsterdam")
        });
        assert_eq!(told.count() as u64, unsupported, "{out}");
        let all = format!("{agree} agree, {rejected} rejected, {unsupported} unsupported");
        assert!(agree > 1600 && sum(&out).ends_with(&all), "{out}");
        assert!(out.contains("  not compared: messages that are refused: "), "{out}");
    }
}

/// A part of the official tests: all of these forks, some thousands of cases.
#[test]
fn our_library_agrees_with_official_tests() {
    const FOLDERS: [&str; 5] = ["frontier", "constantinople", "shanghai", "prague", "osaka"];
    let shared =
        parallax_campaign::shared_folder().map(|folder| folder.join("eest")).filter(|folder| folder.is_dir());
    let Some(folder) = shared else {
        eprintln!("left out: no official state tests beside the repository, nor in PARALLAX_SHARED");
        return;
    };
    let folders = FOLDERS.map(|name| folder.join(name).to_str().unwrap().to_owned());
    let folders: Vec<_> = folders.iter().map(String::as_str).collect();
    let library = ours();
    let (status, out, err) =
        run(&[&["diff", "--halts", "exact", "--right-evmc", &library][..], &folders].concat());
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(count(sum(&out), "agree") > 2500, "{out}");
}

fn count(sum: &str, name: &str) -> u64 {
    let words: Vec<_> = sum.split([' ', ',']).collect();
    words.windows(2).find(|pair| pair[1] == name).map_or(0, |pair| pair[0].parse().unwrap())
}

#[test]
fn a_library_can_stand_on_any_side_and_run_code() {
    let name = format!("evmc:{}", ours());
    let file = fixture("calls.json");
    for sides in [["--left", &name, "--right", "mini"], ["--left", "mini", "--right", &name]] {
        let (status, out, err) = run(&[&["diff", &file][..], &sides].concat());
        assert_eq!(status, Some(0), "{out}{err}");
    }
    let (status, out, err) = run(&["diff", &file, "--side", "mini", "--side", "revm", "--side", &name]);
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(sum(&out).starts_with(&format!("mini and revm, {name}: ")), "{out}");
    let (status, out, err) =
        run(&["diff", "--asm", "--code", "PUSH 1 PUSH 0 SSTORE", "--right-evmc", &ours()]);
    assert_eq!((status, &*err), (Some(0), ""), "{out}");
    assert_eq!(out, format!("primary and {name} agree: success, gas used 43105, 1 messages\n"));
    let (status, out, err) = run(&["run", "0x600160005500", "--engine", &name]);
    assert_eq!(status, Some(0), "{out}{err}");
    // A creation from the deepest frame but one: what it sends is refused, and told by the other side alone.
    let code = "PUSH 0 PUSH 0 PUSH 0 CREATE PUSH 0 PUSH 0 PUSH 0 CREATE";
    let message = ["--message", "call", "--depth", "1024", "--right-evmc", &ours()];
    let (status, out, err) = run(&[&["diff", "--asm", "--code", code][..], &message].concat());
    assert_eq!(status, Some(0), "{out}{err}");
    let (status, out, err) = run(&["statetest", &file, "--engine", &name]);
    assert_eq!(status, Some(0), "{out}{err}");
}

#[test]
fn a_library_that_is_wrong_is_told() {
    let library = faulty("ASKS");
    let (status, out, _) = run(&["diff", &fixture("storage.json"), "--right-evmc", &library, "--fail-fast"]);
    assert_eq!(status, Some(1), "{out}");
    assert!(out.contains(" diverge") && out.contains("  again: parallax diff --mode per-call"), "{out}");
}

#[test]
fn harm_is_a_verdict_and_the_campaign_goes_on() {
    let file = fixture("storage.json");
    for (define, verdict, expected) in [
        ("CRASHES", "crashed", "signal: 11 (SIGSEGV): about to fall"),
        ("ABORTS", "crashed", "signal: 6 (SIGABRT)"),
        ("GARBAGE", "crashed", "its process says what makes no sense"),
        ("STATUS=-1", "poisoned", "it ends a frame with the status -1"),
        ("STATUS=-2", "unsupported", "it refuses the message or the revision"),
    ] {
        let library = faulty(define);
        for isolation in [&["--in-process"][..], &["--jobs", "2"]] {
            let filter = ["diff", &file, "--fork", "Osaka", "--right-evmc", &library];
            let (status, out, err) = run(&[&filter[..], isolation].concat());
            // Nothing was compared where nothing is supported.
            let expected_status = if verdict == "unsupported" { 2 } else { 1 };
            assert_eq!(status, Some(expected_status), "{define}: {out}{err}");
            assert!(out.contains(expected), "{define}: {out}");
            // Each case has its own process, and its own verdict.
            assert!(count(sum(&out), verdict) > 1, "{define}: {out}");
        }
    }
}

#[test]
fn a_library_without_end_is_ended() {
    let library = faulty("HANGS");
    let file = fixture("storage.json");
    let common = ["diff", &file, "--fork", "Osaka", "--index", "0,0,0", "--case-timeout", "2"];
    let (status, out, err) =
        run(&[&common[..], &["--filter", "storage/logs$", "--right-evmc", &library]].concat());
    assert_eq!(status, Some(1), "{out}{err}");
    assert!(count(sum(&out), "timed_out") > 0, "{out}");
    // Where cases run in the command's own process.
    let sides = ["--side", "mini", "--side", &format!("evmc:{library}")];
    let (status, out, err) = run(&[&common[..], &["--filter", "storage/logs$"], &sides].concat());
    assert_eq!(status, Some(1), "{out}{err}");
    assert!(out.contains("HANGS") && out.contains("not over after 2 s"), "{out}");
}

#[test]
fn what_cannot_be_loaded_is_one_line_before_anything_runs() {
    let file = fixture("storage.json");
    for (library, expected) in [
        (
            "no/such.so",
            "evmc:no/such.so: no/such.so: cannot open shared object file: No such file or directory",
        ),
        (&*faulty("ABI=11"), "speaks version 11 of EVMC's ABI, expected 12"),
        (&*faulty("UNNAMED"), "is no EVMC library: it exports neither "),
        (&*format!("{},engine=geth", ours()), "does not take \"geth\" for its option \"engine\""),
        (&*faulty("FALLS_WHEN_LOADED"), "signal: 6 (SIGABRT)"),
        (",x", "is no EVMC library: it has no path"),
    ] {
        let (status, out, err) = run(&["diff", &file, "--right-evmc", library]);
        assert_eq!((status, &*out), (Some(2), ""), "{err}");
        assert!(err.contains(expected), "{err}");
        let is_usage = err.contains("For more information");
        assert!(is_usage || err.lines().count() == 1, "{err}");
    }
    let (status, _, err) = run(&["diff", &file, "--mode", "per-step", "--right-evmc", &ours()]);
    assert_eq!(status, Some(2));
    assert!(err.contains("shows no steps, expected per-call"), "{err}");
    for command in [
        &["diff", &file, "--steps", "-", "--right-evmc", &ours()][..],
        &["run", "0x00", "--trace", "eip3155", "--engine", &format!("evmc:{}", ours())],
        &["statetest", &file, "--trace", "eip3155", "--engine", &format!("evmc:{}", ours())],
        &["serve", "--engine", &format!("evmc:{}", ours())],
    ] {
        let (status, _, err) = run(command);
        assert_eq!(status, Some(2), "{command:?}");
        assert!(err.contains("shows no steps, expected primary or mini"), "{err}");
    }
    let (status, _, err) = run(&["evmc-child"]);
    assert_eq!(status, Some(1));
    assert!(err.starts_with("this is started by a program that has it run a library: "), "{err}");
}
