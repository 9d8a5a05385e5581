//! Jumps, the program counter, the gas left, and the ends of a frame.

use parallax_primitives::{Bytes, Fork, FrameStatus, Halt, U256, hex};

use crate::frame::Program;

#[test]
fn jumps_land_on_jump_destinations() {
    // (source, where the last opcode before the implied STOP stands)
    for (source, pc) in [
        ("PUSH @to JUMP INVALID to:", 4),
        ("PUSH 1 PUSH @to JUMPI INVALID to:", 6),
        // Any bit makes a condition.
        (
            "PUSH32 0x8000000000000000000000000000000000000000000000000000000000000000 PUSH @to JUMPI INVALID to:",
            37,
        ),
        // A destination that is not jumped to need not be one.
        ("PUSH1 0 PUSH 0xffff JUMPI", 5),
        ("PUSH1 0 PUSH -1 JUMPI", 35),
        // Onto itself's own JUMPDEST, and backwards.
        ("PUSH @a JUMP b: PUSH @end JUMP a: PUSH @b JUMP end:", 11),
        // The last byte of the code.
        ("PUSH1 3 JUMP JUMPDEST", 3),
        // Behind push data that looks like a PUSH.
        ("PUSH1 5 JUMP PUSH1 0x7f to:", 5),
        // An undefined byte has no data.
        ("PUSH1 4 JUMP .bytes 0x0c JUMPDEST", 4),
        // Neither have a DUP and a LOG.
        ("PUSH1 4 JUMP .bytes 0x80 JUMPDEST", 4),
    ] {
        assert_eq!(Program::new(Fork::Osaka, source).last().before.pc, pc, "{source}");
    }
}

#[test]
fn jumps_elsewhere_halt() {
    for source in [
        "PUSH1 0 JUMP",
        "PUSH1 4 JUMP PUSH1 0x5b", // push data
        "PUSH1 4 JUMP PUSH2 0x5b5b",
        "PUSH1 5 JUMP PUSH2 0x5b5b",
        "PUSH1 0x23 JUMP PUSH32 0x5b",    // the last of 32 bytes
        "PUSH1 4 JUMP .bytes 0x7f5b5b5b", // push data that the end cuts off
        "PUSH1 4 JUMP JUMPDEST",          // the end itself
        "PUSH 0x1000 JUMP JUMPDEST",
        "PUSH 0x0100000000000000000000000b JUMP JUMPDEST",
        "PUSH 0x010000000e JUMP JUMPDEST JUMPDEST JUMPDEST JUMPDEST JUMPDEST JUMPDEST JUMPDEST",
        "PUSH 0x01000000000000000b JUMP JUMPDEST JUMPDEST JUMPDEST",
        "PUSH -1 JUMP JUMPDEST",
        "PUSH1 1 PUSH1 0 JUMPI",
        "PUSH1 1 PUSH -1 JUMPI",
    ] {
        let step = Program::new(Fork::Osaka, source).halt(Halt::InvalidJump);
        assert_eq!(step.gas_cost, if source.ends_with("JUMPI") { 10 } else { 8 }, "{source}");
    }
}

#[test]
fn a_loop_counts_down() {
    let source = "PUSH1 200 loop: PUSH1 1 SWAP1 SUB DUP1 @loop JUMPI";
    let (run, steps) = Program::new(Fork::Osaka, source).succeed();
    assert_eq!(steps.len(), 1 + 200 * 7 + 1);
    assert_eq!(run.outcome.gas_left, 10_000_000 - 3 - 200 * 26);
    assert_eq!(steps.last().map(|step| step.before.stack.clone()), Some(vec![U256::ZERO]));
}

#[test]
fn pc_and_gas_are_of_the_opcode_itself() {
    let (_, steps) = Program::new(Fork::Osaka, "PC PUSH2 0 PC GAS PC").gas(1000).succeed();
    let found = &steps[4].after.stack;
    assert_eq!(found[..], [0, 0, 4, 1000 - 2 - 3 - 2 - 2, 6].map(U256::from));
}

#[test]
fn frames_end() {
    let word = "PUSH 0x1122334455667788 PUSH1 0 MSTORE";
    for (source, status, output, gas_used) in [
        ("", FrameStatus::Success, "", 0),
        ("STOP INVALID", FrameStatus::Success, "", 0),
        ("PUSH1 8 PUSH1 24 RETURN", FrameStatus::Success, "1122334455667788", 6),
        ("PUSH1 3 PUSH1 31 RETURN", FrameStatus::Success, "880000", 6 + 3),
        ("PUSH1 0 PUSH -1 RETURN", FrameStatus::Success, "", 6),
        ("PUSH1 8 PUSH1 24 REVERT", FrameStatus::Revert, "1122334455667788", 6),
        ("PUSH1 33 PUSH1 31 REVERT", FrameStatus::Revert, "88", 6 + 3),
        ("PUSH1 0 PUSH -1 REVERT", FrameStatus::Revert, "", 6),
    ] {
        let (run, _) = Program::new(Fork::Osaka, &format!("{word} {source}")).run();
        let mut expected = hex::decode(output).expect("hexadecimal");
        if source.starts_with("PUSH1 33") {
            expected.resize(33, 0);
        }
        assert_eq!(run.outcome.status, status, "{source}");
        assert_eq!(run.outcome.output, Bytes::from(expected), "{source}");
        assert_eq!(run.outcome.gas_left, 10_000_000 - 12 - gas_used, "{source}");
    }
    for end in ["RETURN", "REVERT"] {
        Program::new(Fork::Osaka, &format!("PUSH 1 PUSH -1 {end}")).halt(Halt::OutOfGas);
        Program::new(Fork::Osaka, &format!("PUSH -1 PUSH 0 {end}")).halt(Halt::OutOfGas);
    }
}

#[test]
fn a_block_is_entered_where_control_flow_meets() {
    // Falling into a JUMPDEST is no entry, jumping onto it and going past a JUMPI are. The harness compares the entries
    // of all engines; here is what they must be.
    let source = "a: PUSH1 0 PUSH @a JUMPI PUSH @b JUMP b: JUMPDEST PUSH1 1 PUSH @end JUMPI end:";
    let program = Program::new(Fork::Osaka, source);
    let entries: Vec<(u64, usize)> =
        program.block_entries().iter().map(|entry| (entry.index, entry.pc)).collect();
    assert_eq!(entries, [(0, 0), (1, 6), (2, 9), (3, 16)]);
}

/// In the fast form a comparison becomes part of the jump: what it compares may stand where nothing else needs it any more,
/// while the items below change places, which takes a slot to step aside to.
#[test]
fn a_jump_compares_what_nothing_else_holds() {
    // Items 1 and 2 change places; items that replace others leave no slots of their own to what is compared.
    let two = "PUSH 1 PUSH 2 PUSH 3 PUSH 4 go: SWAP2 SWAP3 SWAP2 ADDRESS CALLER SWAP2 POP SWAP2 POP \
               CALLDATASIZE CALLVALUE LT @jumped JUMPI INVALID jumped:";
    let one = "PUSH 1 PUSH 2 PUSH 3 go: SWAP1 SWAP2 SWAP1 ADDRESS SWAP1 POP CALLVALUE SWAP1 POP \
               PUSH 7 LT @jumped JUMPI INVALID jumped:";
    for (source, value, input, jumps) in [
        (two, 9, 5, false),
        (two, 5, 9, true),
        (two, 0, 1, true),
        (two, 1, 0, false),
        (two, 2, 2, false),
        (one, 9, 0, true),
        (one, 8, 0, true),
        (one, 7, 0, false),
        (one, 0, 0, false),
    ] {
        let program = Program::new(Fork::Osaka, source).with(|program| {
            program.message.value = U256::from(value);
            program.message.input = vec![0; input].into();
        });
        if jumps {
            assert_eq!(program.last().after.stack[..2], [U256::from(2), U256::from(1)]);
        } else {
            program.halt(Halt::InvalidOpcode);
        }
    }
}
