//! `parallax disasm --fast`, as users meet it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

/// Runs the command: its exit status, and what it printed.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_parallax")).args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_fast_form_is_listed_and_proved() {
    let code = "0x5b5b600190035f52600056";
    let listing = run(&["disasm", code, "--fast", "--validate"]);
    insta::assert_snapshot!(listing.1, @r"
    >   0 @0   Enter        gas 27, needs 1, grows 1
        1 @5   SubSC        s-1 <- s-1, 0x1   ; 19 gas, from -1: 0x1 s-1
        2 @7   MstoreAt     [0] <- s-1   ; 14 gas, from -1: s-1 0x0
        3 @10  Jump         to 0, height -1
        4 @11  Exit         pc 11, height 0
    >   5 @1   Rejoin       gas +1, at 0

    equal to the byte code: 1 blocks, 6 instructions
    ");
    let lines = run(&["disasm", "0x600154", "--fast", "--validate", "--json", "--fork", "London"]);
    insta::assert_snapshot!(lines.1, @r#"
    {"instr":0,"isDestination":false,"op":"Enter","operands":"gas 103, needs 0, grows 1","pc":0,"recovery":null}
    {"instr":1,"isDestination":false,"op":"Const","operands":"s1061 <- 0x1","pc":2,"recovery":null}
    {"instr":2,"isDestination":false,"op":"Heavy","operands":"s0 <- SLOAD(s1061)","pc":2,"recovery":{"from":0,"gas":100,"items":["0x1"]}}
    {"instr":3,"isDestination":false,"op":"Exit","operands":"pc 3, height 1","pc":3,"recovery":null}
    {"instr":4,"isDestination":false,"op":"Exit","operands":"pc 3, height 0","pc":3,"recovery":null}
    {"blocks":1,"equal":true,"instructions":5}
    "#);
    assert_eq!((listing.0, lines.0), (Some(0), Some(0)));
    assert_eq!(run(&["disasm", code, "--validate"]).0, Some(2));
}
