//! What each statement assembles to, and how each mistake is reported.

use parallax_assembly::{assemble, assemble_for};
use parallax_primitives::{Fork, hex};

#[track_caller]
fn check(source: &str, expected: &str) {
    let code = assemble(source).map(|code| hex::encode(&code)).map_err(|error| error.to_string());
    assert_eq!(code.as_deref(), Ok(expected), "{source}");
}

#[track_caller]
fn check_error(source: &str, expected: &str) {
    let error = assemble(source).map(|code| hex::encode(&code)).map_err(|error| error.to_string());
    assert_eq!(error, Err(expected.to_owned()), "{source}");
}

#[test]
fn statements() {
    check("", "");
    check("; only a comment\n# another", "");
    check("add Mul\tSUB;STOP", "010203");
    check("SHA3 DIFFICULTY SUICIDE", "2044ff");
    check("PUSH 0", "5f");
    check("PUSH 1 PUSH 255 PUSH 256", "600160ff610100");
    check("PUSH 0x00000001", "6001");
    check("PUSH -1", &format!("7f{}", "ff".repeat(32)));
    check("PUSH -0x80", &format!("7f{}80", "ff".repeat(31)));
    check("PUSH1 0 PUSH3 0x05 PUSH0", "600062000005 5f".replace(' ', "").as_str());
    check(&format!("PUSH 0x{}", "ff".repeat(32)), &format!("7f{}", "ff".repeat(32)));
    check("DB 0x0c60 0xAA .bytes 0x STOP", "0c60aa00");
}

#[test]
fn push_zero_needs_shanghai() {
    for (fork, expected) in [(Fork::Paris, "6000"), (Fork::Shanghai, "5f")] {
        assert_eq!(hex::encode(assemble_for("PUSH 0", fork).unwrap()), expected, "{fork}");
    }
}

/// The numbers of EIP-8024, not the bytes that stand for them.
#[test]
fn items_below_the_top() {
    check("DUPN 17 DUPN 235 DUPN 145 dupn 0x11", "e680e65ae600e680");
    check("SWAPN 17 SWAPN 235", "e780e75a");
    check("EXCHANGE 1 2 EXCHANGE 1 29 EXCHANGE 14 16 EXCHANGE 9 16", "e88ee88fe850e800");
    check_error("DUPN 16", "line 1, column 6: DUPN cannot name \"16\"");
    check_error("DUPN 236", "line 1, column 6: DUPN cannot name \"236\"");
    check_error("SWAPN 256", "line 1, column 7: SWAPN cannot name \"256\"");
    check_error("SWAPN -1", "line 1, column 7: SWAPN cannot name \"-1\"");
    check_error("EXCHANGE 2 2", "line 1, column 10: EXCHANGE cannot name \"2 2\"");
    check_error("EXCHANGE 2 1", "line 1, column 10: EXCHANGE cannot name \"2 1\"");
    check_error("EXCHANGE 15 16", "line 1, column 10: EXCHANGE cannot name \"15 16\"");
    check_error("EXCHANGE 1 300", "line 1, column 10: EXCHANGE cannot name \"1 300\"");
    check_error("EXCHANGE 1", "line 1, column 1: EXCHANGE takes an operand");
    check_error("DUPN x", "line 1, column 6: \"x\" is no number");
}

#[test]
fn references() {
    check("start: @start JUMP", "5b600056");
    check("PUSH @end JUMP end:", "6003565b");
    check("PUSH2 @end JUMP end:", "610004565b");
    check(".mark start ADD MUL .mark end PUSH @end-@start", "01026002");
    check("PUSH @b-@a .mark a DB 0x00 .mark b", "600100");
    // 0x100 needs a PUSH2, which moves the label from 0x101 to 0x102; the one behind stays small.
    check(
        &format!("@far DB 0x{} far: .mark a ADD .mark b @b-@a", "00".repeat(254)),
        &format!("610101{}5b016001", "00".repeat(254)),
    );
    // Just small enough for a PUSH1.
    check(&format!("@far DB 0x{} far:", "00".repeat(253)), &format!("60ff{}5b", "00".repeat(253)));
}

#[test]
fn mistakes() {
    check_error("ADD\n ADD ADDD", "line 2, column 6: unknown mnemonic \"ADDD\"");
    check_error("PUSH ; 1", "line 1, column 1: PUSH takes an operand");
    check_error("PUSH1", "line 1, column 1: PUSH1 takes an operand");
    check_error("PUSH 0xzz", "line 1, column 6: \"0xzz\" is no number");
    check_error("PUSH 0x", "line 1, column 6: \"0x\" is no number");
    check_error("PUSH 1_0", "line 1, column 6: \"1_0\" is no number");
    check_error("PUSH1 0x100", "line 1, column 7: \"0x100\" does not fit in 1 bytes");
    let digits = "1".repeat(65);
    check_error(
        &format!("PUSH 0x{digits}"),
        &format!("line 1, column 6: \"0x{}\" does not fit in 32 bytes", &digits[..62]),
    );
    check_error(
        "PUSH1 @a DB 0x".replace("DB 0x", &format!("DB 0x{} a:", "00".repeat(256))).as_str(),
        "line 1, column 7: \"@a\" does not fit in 1 bytes",
    );
    check_error(
        "DB 0x123",
        "line 1, column 4: \"0x123\" is no sequence of bytes: expected 0x and an even number of hexadecimal digits",
    );
    check_error("1a:", "line 1, column 1: \"1a\" is no name for a label");
    check_error(":", "line 1, column 1: \"\" is no name for a label");
    check_error("a:\nb: a:", "line 2, column 4: label \"a\" is already on line 1");
    check_error("@nowhere", "line 1, column 1: no label \"nowhere\"");
    check_error(".mark a ADD .mark b @a-@b", "line 1, column 21: \"@a-@b\" is negative");
    check_error("é PUSH 1", "line 1, column 1: unknown mnemonic \"é\"");
    check_error("PUSH 1 é", "line 1, column 8: unknown mnemonic \"é\"");
}
