//! Rules as users name them: spelled, out of a file, shown, compared; and cases by other rules than their own.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{fs, path::PathBuf};

use support::{fixture, run};

fn file(name: &str, text: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("rules");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn what_is_shown_is_read_as_the_same_rules() {
    for spelling in ["Osaka", "Cancun+7939-5656", "Frontier"] {
        let (status, shown, err) = run(&["rules", "show", spelling]);
        assert_eq!((status, &*err), (Some(0), ""));
        let path = file(&format!("{spelling}.toml"), &shown);
        let (status, out, _) = run(&["rules", "diff", spelling, &path]);
        assert_eq!((status, out), (Some(0), format!("{spelling} and {spelling} are the same rules\n")));
    }
}

#[test]
fn differences_are_told_by_eip() {
    let (status, out, _) = run(&["rules", "diff", "Prague", "Osaka"]);
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(out);
    let (_, out, _) = run(&["rules", "diff", "Osaka", "Osaka-7825", "--json"]);
    assert_eq!(
        out,
        "{\"differences\":[{\"eips\":[7825],\"left\":1,\"right\":null,\"subject\":\"EIP-7825\"},\
         {\"eips\":[7825],\"left\":16777216,\"right\":18446744073709551615,\"subject\":\"tx_gas_cap\"}],\
         \"left\":\"Osaka\",\"right\":\"Osaka-7825\"}\n"
    );
}

#[test]
fn a_program_runs_by_rules_of_its_own() {
    let cheap = file("cheap.toml", "base = \"Osaka\"\n[gas]\nADD = 1\n");
    let code = ["--asm", "PUSH 1 PUSH 2 ADD"];
    for (rules, gas) in [("Osaka", 9), ("Osaka-7939", 9), (&cheap, 7)] {
        let (status, out, err) = run(&[&["run", "--fork", rules], &code[..]].concat());
        assert_eq!(status, Some(0), "{err}");
        assert!(out.contains(&format!("gas used  {gas}\n")), "{out}");
    }
    // CLZ where it is switched off, and where it is switched on.
    let (_, out, _) = run(&["run", "--fork", "Osaka-7939", "5f1e"]);
    assert!(out.contains("status    UndefinedOpcode\n"), "{out}");
    assert!(run(&["run", "--rules", "Cancun+7939", "5f1e"]).1.contains("success"));
}

#[test]
fn what_is_no_rules_is_told_in_one_line() {
    let broken = file("broken.toml", "base = \"Osaka\"\n[gas]\nSLOD = 1\n");
    for (rules, expected) in [
        ("Osakka", "unknown fork \"Osakka\", expected one of Frontier"),
        ("Osaka-2929", "EIP-2930 (transactions with an access list) needs EIP-2929"),
        ("nosuch.toml", "nosuch.toml: No such file"),
        (&broken, "broken.toml: line 3: [gas]: no opcode is called \"SLOD\""),
    ] {
        let (status, out, err) = run(&["rules", "show", rules]);
        assert_eq!((status, &*out), (Some(2), ""), "{err}");
        assert!(err.contains(expected), "{err}");
    }
}

#[test]
fn one_fork_against_another_parts_by_an_eip() {
    let code = ["diff", "--asm", "--code", "PUSH 1 CLZ"];
    let sides = ["--left-rules", "Prague", "--right-rules", "Osaka"];
    let (status, out, _) = run(&[&code[..], &sides].concat());
    assert_eq!(status, Some(1));
    assert!(
        out.contains("step 2 at depth 1, pc 2, CLZ")
            && out.contains("  rules Prague and Osaka, parted by EIP-7939 CLZ\n"),
        "{out}"
    );
    assert!(out.contains("--left-rules 'Prague' --right-rules 'Osaka'"), "{out}");
    // The same rules on both sides, whatever the case's own: nothing to part by.
    let (status, out, _) = run(&[&code[..], &["--rules", "Prague+7939"]].concat());
    assert_eq!(status, Some(0), "{out}");
    // A price of one's own is no EIP's.
    let cheap = file("price.toml", "base = \"Osaka\"\n[gas]\nCLZ = 1\n");
    let (status, out, _) = run(&[&code[..], &["--right-rules", &cheap, "--json"]].concat());
    assert_eq!(status, Some(1));
    assert!(out.contains("\"partedBy\":[]"), "{out}");
}

#[test]
fn what_an_author_changed_on_both_sides_hides_no_eip() {
    let same = "base = \"Osaka\"\n[gas]\nADD = 1\n[parameters]\nkeccak_word = 7\n";
    let (left, right) = (file("same.toml", same), file("less.toml", &format!("without = [7939]\n{same}")));
    let code = ["diff", "--asm", "--code", "PUSH 1 PUSH 31 ADD PUSH 0 KECCAK256 CLZ"];
    let (status, out, err) = run(&[&code[..], &["--left-rules", &left, "--right-rules", &right]].concat());
    assert_eq!(status, Some(1), "{err}");
    assert!(out.contains(", parted by EIP-7939 CLZ\n"), "{out}");
}

#[test]
fn a_program_is_of_the_rules_of_its_left_side() {
    let code = ["diff", "--asm", "--code", "PUSH 1 CLZ", "--fork", "Berlin"];
    let sides = ["--left-rules", "Prague", "--right-rules", "Osaka"];
    let (_, out, _) = run(&[&code[..], &sides].concat());
    assert!(out.contains("a program, fork Prague"), "{out}");
    assert!(out.contains("--left-rules 'Prague' --right-rules 'Osaka' --fork Berlin --code"), "{out}");
    let (_, out, _) = run(&[&code[..], &sides, &["--json"]].concat());
    assert!(out.contains("\"fork\":\"Prague\""), "{out}");
}

#[test]
fn a_tests_post_may_name_rules() {
    let text = fs::read_to_string(fixture("arithmetic.json")).unwrap();
    let path = file("post.json", &text.replace("\"Osaka\":", "\"Osaka-7939\":"));
    let of = [&*path, "--fork", "Osaka-7939"];
    // The roots are those of Osaka: without CLZ one test comes to something else.
    let (status, out, err) = run(&[&["statetest"], &of[..]].concat());
    assert_eq!(status, Some(1), "{err}");
    assert!(out.contains("arithmetic/clz fork Osaka-7939 d0 g0 v0\n"), "{out}");
    assert!(out.contains("primary: 15 passed, 1 failed\n"), "{out}");
    let (status, out, _) = run(&[&["diff"], &of[..]].concat());
    assert_eq!(status, Some(0), "{out}");
}

#[test]
fn cases_in_worker_processes_have_the_rules_too() {
    let cheap = file("workers.toml", "base = \"Osaka\"\nname = \"cheap\"\n[gas]\nADD = 1\n");
    let of = [&*fixture("arithmetic.json"), "--only-fork", "Osaka", "--filter", "^arithmetic/add$"];
    for place in [&[][..], &["--in-process"]] {
        let (status, out, err) = run(&[&["diff", "--rules", &cheap], &of[..], place].concat());
        assert_eq!(status, Some(0), "{out}{err}");
        let (status, out, err) =
            run(&[&["diff", "--left-rules", &cheap, "--right-rules", "Osaka"], &of[..], place].concat());
        assert_eq!(status, Some(1), "{out}{err}");
        assert!(out.contains("first part by no EIP by itself: 1 at ADD, gas cost"), "{out}");
    }
    let (status, out, _) =
        run(&[&["diff", "--left-rules", "Osaka-7939", "--right", "revm"], &of[..]].concat());
    assert_eq!(status, Some(0), "{out}");
    let (_, out, _) = run(&[&["diff", "--rules", "Osaka-7939", "--right", "revm"], &of[..]].concat());
    assert!(out.contains("1 unsupported"), "{out}");
}

/// What comes of the cases of a file that has each for Prague and for Cancun alone.
#[track_caller]
fn check_by(arguments: &[&str], status: i32, lines: &[&str]) {
    let text = fs::read_to_string(fixture("arithmetic.json")).unwrap();
    let path = file("by.json", &text.replace("\"Osaka\":", "\"Prague\":"));
    let (found, out, err) = run(&[arguments, &[&path]].concat());
    assert_eq!((found, &*err), (Some(status), ""), "{out}");
    for line in lines {
        assert!(out.lines().any(|found| found == *line), "no line {line}: {out}");
    }
}

#[test]
fn every_command_runs_cases_by_the_rules_it_is_told() {
    let cheap = file("by.toml", "base = \"Osaka\"\nname = \"cheap\"\n[gas]\nADD = 1\n");
    let ran = "primary: 0 passed, 16 ran and not checked in full";
    let by = |rules: &str| format!("  by {rules} in place of their own rules: 16 cases");
    let (osaka, cheap_too) = (by("Osaka"), by(&cheap));
    let what = "so 32 expectations (state roots, hashes of logs, exceptions) were not looked at";
    for place in [&[][..], &["--in-process"]] {
        let told = |by: &str| format!("{by}, {what}");
        check_by(&[&["statetest", "--fork", "Osaka"], place].concat(), 0, &[ran, &told(&osaka)]);
        check_by(&[&["statetest", "--rules", &cheap], place].concat(), 0, &[ran, &told(&cheap_too)]);
        check_by(&[&["diff", "--fork", "Osaka"], place].concat(), 0, &["primary and mini: 16 agree", &osaka]);
        check_by(
            &[&["diff", "--rules", &cheap], place].concat(),
            0,
            &["primary and mini: 16 agree", &cheap_too],
        );
        // What the file has for the rules is looked at, and what it has for others is not there.
        check_by(&[&["statetest", "--fork", "Prague"], place].concat(), 1, &["primary: 15 passed, 1 failed"]);
    }
    check_by(
        &["diff", "--fork", "Osaka", "--side", "mini", "--side", "primary"],
        0,
        &["mini and primary: 16 agree", &osaka],
    );
    let traced = ["statetest", "--fork", "Osaka", "--trace", "eip3155", "--trace-out", "/dev/null"];
    check_by(&traced, 0, &[ran]);
    let again = format!(
        "  again: parallax diff --mode per-step --left primary --right mini+flip-result@ADD --only-fork Prague --fork '{cheap}' --index 0,0,0 \
         --filter '^arithmetic/add$' '{}'",
        file(
            "by.json",
            &fs::read_to_string(fixture("arithmetic.json")).unwrap().replace("\"Osaka\":", "\"Prague\":")
        )
    );
    let faulty = ["--mode", "per-step", "--right", "mini+flip-result@ADD", "--filter", "^arithmetic/add$"];
    check_by(&[&["diff", "--only-fork", "Prague", "--rules", &cheap], &faulty[..]].concat(), 1, &[&again]);
}
