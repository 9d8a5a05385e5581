//! Engines with a mistake in them, as users ask for one: what they do to each command, and how the case is run again.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use support::{fixture, run};

const CODE: &str = "PUSH 1 PUSH 2 ADD PUSH 0 SSTORE";

/// The command of the first line that says how to run it again.
#[track_caller]
fn again(out: &str) -> String {
    let line = out.lines().find_map(|line| line.trim().strip_prefix("again: parallax "));
    line.unwrap_or_else(|| panic!("{out}")).to_owned()
}

#[test]
fn a_program_diverges_and_its_command_says_so_again() {
    for side in ["--left", "--right"] {
        let (status, out, err) = run(&["diff", "--asm", "--code", CODE, side, "mini+flip-result@ADD"]);
        assert_eq!((status, &*err), (Some(1), ""), "{out}");
        assert!(out.contains("after step 3 at depth 1, pc 4, ADD"), "{out}");
        let again = again(&out);
        assert!(again.contains(&format!("{side} mini+flip-result@ADD")), "{again}");
        // The one word that the shell would take apart is the code.
        let (before, after) = again.split_once(&format!("'{CODE}'")).unwrap();
        let words: Vec<_> = before.split_whitespace().chain([CODE]).chain(after.split_whitespace()).collect();
        assert_eq!(run(&words), (Some(1), out, String::new()));
    }
}

#[test]
fn cases_in_worker_processes_run_on_it_too() {
    let file = fixture("arithmetic.json");
    let filter = ["--fork", "Osaka", "--filter", "^arithmetic/add$"];
    for place in [&[][..], &["--in-process"]] {
        let engine = "mini+flip-result:255@ADD";
        let (status, out, err) = run(&[&["diff", &file, "--right", engine], &filter[..], place].concat());
        assert_eq!(status, Some(1), "{out}{err}");
        assert!(out.contains("DIVERGE") && again(&out).contains(&format!("--right {engine} ")), "{out}");
        let (status, out, err) =
            run(&[&["statetest", &file, "--engine", engine], &filter[..], place].concat());
        assert_eq!(status, Some(1), "{out}{err}");
        assert!(again(&out).contains(&format!("--engine {engine} ")), "{out}");
    }
}

#[test]
fn a_message_runs_on_it_too() {
    let stored = |engine: &str| {
        let (status, out, err) = run(&["run", "--asm", CODE, "--engine", engine, "--json"]);
        assert_eq!(status, Some(0), "{err}");
        let object: serde_json::Value = serde_json::from_str(&out).unwrap();
        object["changes"]["0x000000000000000000000000000000000000c0de"]["storage"]["0x0"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        ["mini", "mini+flip-result@ADD", "mini+flip-result:4@add"].map(stored),
        ["0x3", "0x2", "0x13"]
    );
    // Where the mistake has no effect it is the plain engine.
    assert_eq!(stored("mini+drop-log@ADD"), "0x3");
}

#[track_caller]
fn refused(arguments: &[&str], expected: &str) {
    let (status, out, err) = run(arguments);
    assert_eq!((status, &*out), (Some(2), ""));
    assert!(err.starts_with(&format!("error: invalid value {expected}")), "{err}");
}

#[test]
fn what_there_is_not_is_answered_with_what_there_is() {
    refused(
        &["diff", "x.json", "--left", "mini+flip@ADD"],
        "'mini+flip@ADD' for '--left <ENGINE>': unknown fault \"flip\", expected one of gas-more, gas-less, flip-result, \
         skip-expansion, write-off, skip-storage-write, change-storage-write, stale-refund, jump-into-push-data, drop-log, \
         swap-halt, forward-wrong-gas, forget-warm, leave-static, refill-wrong-gas, or flip-result:BIT with a bit from 0 to 255",
    );
    refused(
        &["run", "0x00", "--engine", "mini+gas-more@NOP"],
        "'mini+gas-more@NOP' for '--engine <ENGINE>': unknown opcode \"NOP\" in mini+FAULT@OPCODE, expected a mnemonic such as ADD",
    );
    refused(
        &["run", "0x00", "--engine", "mini+gas-more"],
        "'mini+gas-more' for '--engine <ENGINE>': unknown opcode \"\"",
    );
    refused(&["run", "0x00", "--engine", "mini+flip-result:256@ADD"], "'mini+flip-result:256@ADD' for");
    refused(
        &["statetest", "x.json", "--engine", "evmone"],
        "'evmone' for '--engine <ENGINE>': unknown engine \"evmone\", expected one of primary, primary-always, primary-recover, \
         primary-exact, mini, revm, evmc:PATH, mini+FAULT@OPCODE",
    );
}
