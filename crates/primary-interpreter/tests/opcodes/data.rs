//! Opcodes that move or hash bytes: memory and its gas, calldata, code, return data, foreign code.

use parallax_primitives::{Address, Bytecode, Bytes, Fork, FrameOutcome, FrameStatus, Halt, hex, keccak256};

use crate::frame::{Program, Step, success};

/// An account with the code 0xc0c1c2c3.
const OTHER: Address = Address::repeat_byte(0x22);
const OTHER_WORD: &str = "0x2222222222222222222222222222222222222222";

/// A frame with calldata 0xd0d1d2d3 and, after the first message, return data 0xe0e1e2e3, whose memory is one word of
/// 0x000102...1f before `source`.
#[track_caller]
fn program(source: &str) -> Program {
    let word = "0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    let call = "PUSH1 0 PUSH1 0 PUSH1 0 PUSH1 0 PUSH1 9 PUSH1 0 STATICCALL POP";
    Program::new(Fork::Osaka, &format!("PUSH32 {word} PUSH1 0 MSTORE {call} {source}")).with(|program| {
        program.message.input = Bytes::from_static(&[0xd0, 0xd1, 0xd2, 0xd3]);
        program.answers =
            vec![FrameOutcome { output: Bytes::from_static(&[0xe0, 0xe1, 0xe2, 0xe3]), ..success() }];
        let code = Bytecode::new(Bytes::from_static(&[0xc0, 0xc1, 0xc2, 0xc3]));
        program.world.accounts.entry(OTHER).or_default().code = code;
        program.world.warm_accounts.insert(OTHER);
    })
}

/// The last opcode of `source` takes `gas` and leaves the memory with `patch` at `offset`, and `size` bytes long.
#[track_caller]
fn check_memory(source: &str, gas: u64, size: usize, offset: usize, patch: &str) {
    let Step { after, gas_cost, .. } = program(source).last();
    let mut expected: Vec<u8> = (0..32).collect();
    expected.resize(size, 0);
    let patch = hex::decode(patch).expect("hexadecimal");
    expected[offset..offset + patch.len()].copy_from_slice(&patch);
    assert_eq!(hex::encode(after.memory), hex::encode(expected), "{source}");
    assert_eq!(gas_cost, gas, "gas of {source}");
    assert!(after.stack.is_empty(), "{source}");
}

#[test]
fn stores_write_memory() {
    for (source, gas, size, offset, patch) in [
        (
            "PUSH 0xabcd PUSH1 0 MSTORE",
            3,
            32,
            0,
            "000000000000000000000000000000000000000000000000000000000000abcd",
        ),
        (
            "PUSH 0xabcd PUSH1 1 MSTORE",
            6,
            64,
            1,
            "000000000000000000000000000000000000000000000000000000000000abcd",
        ),
        ("PUSH 0xabcd PUSH1 32 MSTORE", 6, 64, 62, "abcd"),
        (
            "PUSH -1 PUSH1 33 MSTORE",
            9,
            96,
            33,
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ),
        ("PUSH 0xabcd PUSH1 0 MSTORE8", 3, 32, 0, "cd"),
        ("PUSH 0xabcd PUSH1 31 MSTORE8", 3, 32, 31, "cd"),
        ("PUSH 0xabcd PUSH1 32 MSTORE8", 6, 64, 32, "cd"),
        ("PUSH -1 PUSH 0x7fff MSTORE8", 3 + 3 * 1023 + 2048, 32768, 32767, "ff"),
    ] {
        check_memory(source, gas, size, offset, patch);
    }
}

/// All copies read as far as there is something, and zeros behind it.
#[test]
fn copies_pad_with_zeros() {
    for (copy, base, first) in
        [("CALLDATACOPY", 3, 0xd0), ("CODECOPY", 3, 0x7f), ("EXTCODECOPY", 100, 0xc0_u8)]
    {
        let account = if copy == "EXTCODECOPY" { OTHER_WORD } else { "" };
        let account = account.replace("0x", "PUSH20 0x");
        // (size, source offset, memory offset, gas, memory size, bytes that are there)
        for (size, from, to, gas, memory, there) in [
            ("4", "0", "0", 3, 32, 4_u8),
            ("0", "0", "-1", 0, 32, 0),
            ("0", "-1", "0", 0, 32, 0),
            ("4", "0", "28", 3, 32, 4),
            ("4", "0", "29", 6, 64, 4),
            ("32", "-1", "0", 3, 32, 0),
            ("32", "0x010000000000000000", "0", 3, 32, 0),
            ("33", "0xffffffffffffffff", "0", 9, 64, 0),
            ("33", "0x8000", "31", 9, 64, 0),
        ] {
            if copy == "CODECOPY" && there > 1 {
                continue;
            }
            let (length, at) = (size.parse().expect("a size"), to.parse().unwrap_or(0));
            let mut patch = vec![0; length];
            for n in 0..there {
                patch[usize::from(n)] = first + n;
            }
            let source = format!("PUSH {size} PUSH {from} PUSH {to} {account} {copy}");
            check_memory(&source, base + gas, memory, at, &hex::encode(patch));
        }
    }
    check_memory("PUSH1 3 PUSH1 0 PUSH1 5 CODECOPY", 6, 32, 5, "7f0001");
    check_memory("PUSH1 3 PUSH1 2 PUSH1 5 CALLDATACOPY", 6, 32, 5, "d2d300");
    check_memory("PUSH1 3 PUSH1 3 PUSH1 5 CALLDATACOPY", 6, 32, 5, "d30000");
    check_memory("PUSH1 3 PUSH1 4 PUSH1 5 CALLDATACOPY", 6, 32, 5, "000000");
    check_memory(&format!("PUSH1 3 PUSH1 3 PUSH1 5 PUSH {OTHER_WORD} EXTCODECOPY"), 103, 32, 5, "c30000");
    // Nobody's code.
    check_memory("PUSH1 3 PUSH1 0 PUSH1 5 PUSH1 0x77 EXTCODECOPY", 2603, 32, 5, "000000");
}

/// Return data has no zeros behind it (EIP-211).
#[test]
fn return_data_ends() {
    check_memory("PUSH1 4 PUSH1 0 PUSH1 1 RETURNDATACOPY", 6, 32, 1, "e0e1e2e3");
    check_memory("PUSH1 2 PUSH1 2 PUSH1 31 RETURNDATACOPY", 9, 64, 31, "e2e3");
    check_memory("PUSH1 0 PUSH1 4 PUSH1 0 RETURNDATACOPY", 3, 32, 0, "");
    check_memory("PUSH1 0 PUSH1 4 PUSH -1 RETURNDATACOPY", 3, 32, 0, "");
    for (source, gas) in [
        ("PUSH1 5 PUSH1 0 PUSH1 0 RETURNDATACOPY", 6),
        ("PUSH1 1 PUSH1 4 PUSH1 0 RETURNDATACOPY", 6),
        ("PUSH1 0 PUSH1 5 PUSH1 0 RETURNDATACOPY", 3),
        ("PUSH1 0 PUSH -1 PUSH1 0 RETURNDATACOPY", 3),
        ("PUSH1 1 PUSH -1 PUSH1 0 RETURNDATACOPY", 6),
        ("PUSH1 1 PUSH 0x010000000000000000 PUSH1 0 RETURNDATACOPY", 6),
        ("PUSH1 33 PUSH1 0 PUSH1 32 RETURNDATACOPY", 3 + 6 + 6),
    ] {
        assert_eq!(program(source).halt(Halt::ReturnDataOutOfBounds).gas_cost, gas, "{source}");
    }
    // What cannot be paid is out of gas before it is out of bounds.
    program("PUSH 0x01000000 PUSH1 0 PUSH1 0 RETURNDATACOPY").gas(10_000).halt(Halt::OutOfGas);
    // A revert's output is return data too, a halt has none.
    for (status, size) in [(FrameStatus::Revert, 4_u64), (FrameStatus::Success, 4)] {
        let program = program("RETURNDATASIZE").with(|program| program.answers[0].status = status);
        assert_eq!(program.last().after.stack[0].to::<u64>(), size);
    }
    let halted = program("RETURNDATASIZE")
        .with(|program| program.answers[0] = FrameOutcome::halted(Halt::InvalidJump, 0));
    assert!(halted.last().after.stack[0].is_zero());
}

#[test]
fn mcopy_copies_over_itself() {
    for (size, from, to, gas, memory, patch) in [
        (4, 0, 1, 6, 32, "00010203"),
        (4, 1, 0, 6, 32, "01020304"),
        (31, 0, 1, 6, 32, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e"),
        (31, 1, 0, 6, 32, "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        (2, 31, 3, 9, 64, "1f00"),
        (2, 3, 31, 9, 64, "0304"),
        (33, 0, 0, 12, 64, ""),
        (0, 0, 0, 3, 32, ""),
        (0, 1000, 1000, 3, 32, ""),
    ] {
        check_memory(&format!("PUSH {size} PUSH {from} PUSH {to} MCOPY"), gas, memory, to % 1000, patch);
    }
    check_memory("PUSH1 0 PUSH -1 PUSH -1 MCOPY", 3, 32, 0, "");
    for source in
        ["PUSH1 1 PUSH -1 PUSH1 0 MCOPY", "PUSH1 1 PUSH1 0 PUSH -1 MCOPY", "PUSH -1 PUSH1 0 PUSH1 0 MCOPY"]
    {
        assert_eq!(program(source).halt(Halt::OutOfGas).gas_cost, u64::MAX, "{source}");
    }
}

/// The last opcode of `source` takes `gas` and leaves `expected` alone on the stack.
#[track_caller]
fn check_value(source: &str, gas: u64, expected: &str) {
    let step = program(source).last();
    let found: Vec<String> = step.after.stack.iter().map(|item| format!("{item:x}")).collect();
    assert_eq!(found, [expected], "{source}");
    assert_eq!(step.gas_cost, gas, "gas of {source}");
}

#[test]
fn reads_answer_words() {
    for (source, gas, expected) in [
        ("PUSH1 0 MLOAD", 3, "102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        ("PUSH1 1 MLOAD", 6, "102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00"),
        ("PUSH1 31 MLOAD", 6, "1f00000000000000000000000000000000000000000000000000000000000000"),
        ("PUSH1 32 MLOAD", 6, "0"),
        ("PUSH1 33 MLOAD", 9, "0"),
        ("PUSH1 33 MLOAD POP MSIZE", 2, "60"),
        ("MSIZE", 2, "20"),
        ("PUSH1 0 CALLDATALOAD", 3, "d0d1d2d300000000000000000000000000000000000000000000000000000000"),
        ("PUSH1 3 CALLDATALOAD", 3, "d300000000000000000000000000000000000000000000000000000000000000"),
        ("PUSH1 4 CALLDATALOAD", 3, "0"),
        ("PUSH -1 CALLDATALOAD", 3, "0"),
        ("PUSH 0x010000000000000000 CALLDATALOAD", 3, "0"),
        ("CALLDATASIZE", 2, "4"),
        ("RETURNDATASIZE", 2, "4"),
        ("CODESIZE", 2, "33"),
        ("PUSH1 0 PUSH1 0 KECCAK256", 30, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        ("PUSH1 0 PUSH -1 KECCAK256", 30, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        ("PUSH1 1 PUSH1 0 KECCAK256", 36, "bc36789e7a1e281436464229828f817d6612f7b477d66591ff96a9e064bcc98a"),
    ] {
        check_value(source, gas, expected);
    }
    let bytes: Vec<u8> = (0..32).chain([0; 33]).collect();
    let source = "PUSH1 65 PUSH1 0 KECCAK256";
    check_value(source, 30 + 3 * 6 + 6, &hex::encode(keccak256(bytes)));
}

/// Offsets that no memory has are out of gas, whatever the gas. The cost is what it would be, up to 64 bits.
#[test]
fn memory_has_an_end() {
    for (offset, cost) in [
        // 2^32 bytes: 2^27 words.
        ("0xffffffe0", 3 + 3 * (1 << 27) + (1_u64 << 45)),
        // 2^40 + 32 bytes.
        ("0x010000000000", 3 + 3 * ((1 << 35) + 1) + (1_u64 << 61) + (1 << 27)),
        ("0xffffffffffffffe0", u64::MAX),
        ("0xffffffffffffffff", u64::MAX),
        ("0x010000000000000000", u64::MAX),
        ("0x8000000000000000000000000000000000000000000000000000000000000000", u64::MAX),
        ("-32", u64::MAX),
        ("-1", u64::MAX),
    ] {
        for source in [format!("PUSH {offset} MLOAD"), format!("PUSH1 1 PUSH {offset} MSTORE")] {
            let step = Program::new(Fork::Osaka, &source).gas(u64::MAX).halt(Halt::OutOfGas);
            assert_eq!(step.gas_cost, cost, "{source}");
        }
    }
    for op in ["CALLDATACOPY", "CODECOPY", "RETURNDATACOPY"] {
        for (size, to) in [("-1", "0"), ("0x010000000000000000", "0"), ("0x0100000000", "0"), ("1", "-1")] {
            program(&format!("PUSH {size} PUSH1 0 PUSH {to} {op}")).halt(Halt::OutOfGas);
        }
    }
}

/// Growing memory is paid once, by the quadratic rule, to the last unit of gas.
#[test]
fn memory_is_paid_as_it_grows() {
    for (words, total) in [(1, 3), (22, 66), (23, 70), (32, 98), (724, 3195), (1024, 5120), (10_000, 225_312)]
    {
        let source = format!("PUSH 1 PUSH {} MSTORE8", words * 32 - 1);
        let step = Program::new(Fork::Osaka, &source).last();
        assert_eq!((step.gas_cost, step.after.memory.len()), (3 + total, words * 32), "{words} words");
        Program::new(Fork::Osaka, &source).gas(6 + 3 + total).succeed();
        Program::new(Fork::Osaka, &source).gas(6 + 3 + total - 1).halt(Halt::OutOfGas);
        let twice = format!("PUSH 1 PUSH 319 MSTORE8 {source}");
        let paid = if words > 10 { 3 + total - 30 } else { 3 };
        assert_eq!(Program::new(Fork::Osaka, &twice).last().gas_cost, paid, "{words} words after ten");
    }
}
