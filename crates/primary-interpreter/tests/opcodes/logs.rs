//! LOG0 to LOG4.

use parallax_primitives::{B256, Bytes, Fork, Halt, U256};

use crate::frame::{Program, SELF};

#[track_caller]
fn check(topics: u8, offset: &str, size: u64, expected: &[u8], memory_gas: u64) {
    let pushes: String = (1..=topics).rev().map(|topic| format!("PUSH 0xaa{topic:02x} ")).collect();
    // The block is entered higher than it needs to be: an operand taken from the wrong place is not the right one by chance.
    let source = format!(
        "PUSH 0x0102030405 PUSH1 0 MSTORE PUSH 1 PUSH 2 @block JUMP block: POP POP {pushes} PUSH {size} PUSH {offset} \
         LOG{topics}"
    );
    let program = Program::new(Fork::Osaka, &source);
    let (run, _) = program.succeed();
    let [log] = &run.world.logs[..] else { panic!("one log") };
    assert_eq!(log.address, SELF);
    assert_eq!(log.data, Bytes::copy_from_slice(expected));
    let expected_topics: Vec<B256> =
        (1..=topics).map(|topic| B256::from(U256::from(0xaa00_u64 + u64::from(topic)))).collect();
    assert_eq!(log.topics, expected_topics);

    let last = program.last();
    assert_eq!(last.gas_cost, 375 * (1 + u64::from(topics)) + 8 * size + memory_gas);
    assert!(last.after.stack.is_empty() && last.effect.starts_with("Log("));
}

#[test]
fn logs_carry_topics_and_data() {
    for topics in 0..=4 {
        check(topics, "0", 0, &[], 0);
        check(topics, "-1", 0, &[], 0);
        check(topics, "27", 5, &[1, 2, 3, 4, 5], 0);
        check(topics, "30", 4, &[4, 5, 0, 0], 3);
        check(topics, "31", 34, &[&[5][..], &[0; 33]].concat(), 6);
    }
}

#[test]
fn data_that_nothing_pays_for() {
    for source in ["PUSH -1 PUSH1 0 LOG0", "PUSH1 1 PUSH -1 LOG0", "PUSH 0x010000000000000000 PUSH1 0 LOG0"] {
        let step = Program::new(Fork::Osaka, source).gas(u64::MAX).halt(Halt::OutOfGas);
        assert_eq!(step.gas_cost, u64::MAX);
    }
    Program::new(Fork::Osaka, "PUSH1 1 PUSH1 0 LOG0").gas(6 + 375 + 8 + 2).halt(Halt::OutOfGas);
}

#[test]
fn a_log_that_fails_shows_none_of_those_before() {
    Program::new(Fork::Osaka, "PUSH1 0 PUSH1 0 LOG0 LOG0").halt(Halt::StackUnderflow);
}
