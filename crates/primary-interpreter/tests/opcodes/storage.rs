//! SLOAD, SSTORE, TLOAD, TSTORE.

use parallax_primitives::{Fork, Halt, U256};

use crate::frame::{Program, SELF};

/// A program whose slot 1 was `original` at the start of the transaction and is `current` now.
#[track_caller]
fn with_slot(fork: Fork, source: &str, original: u64, current: u64) -> Program {
    Program::new(fork, source).with(|program| {
        program.world.slots.insert((SELF, U256::ONE), (U256::from(current), U256::from(original)));
    })
}

/// One SSTORE on a slot: gas on a warm one, refund; in the order of its history.
#[track_caller]
fn check_store(fork: Fork, [original, current, new]: [u64; 3], gas: u64, refund: i64) {
    let name = format!("{original} -> {current} -> {new} in {fork}");
    // The first access warms it.
    let source = format!("PUSH1 1 SLOAD POP PUSH1 {new} PUSH1 1 SSTORE");
    let program = with_slot(fork, &source, original, current);
    let (run, steps) = program.succeed();
    assert_eq!(steps[5].gas_cost, gas, "gas of {name}");
    assert_eq!(run.world.refund, refund, "refund of {name}");
    assert_eq!(run.world.slots[&(SELF, U256::ONE)].0, U256::from(new), "{name}");
    let effect = &steps[5].effect;
    assert!(effect.starts_with("Storage(") && steps[5].after.refund == refund, "{name}: {effect}");

    let cold = with_slot(fork, &format!("PUSH1 {new} PUSH1 1 SSTORE"), original, current).last();
    let cold_gas = if fork >= Fork::Berlin { 2100 } else { 0 };
    assert_eq!(cold.gas_cost, gas + cold_gas, "gas of {name}, cold");
}

#[test]
fn sstore_by_what_it_changes_now() {
    for fork in [Fork::Frontier, Fork::SpuriousDragon, Fork::Byzantium, Fork::Petersburg] {
        for original in [0, 1, 2] {
            check_store(fork, [original, 0, 0], 5000, 0);
            check_store(fork, [original, 0, 1], 20_000, 0);
            check_store(fork, [original, 1, 0], 5000, 15_000);
            check_store(fork, [original, 1, 1], 5000, 0);
            check_store(fork, [original, 1, 2], 5000, 0);
        }
    }
}

/// EIP-2200's own table of cases, with each fork's four costs and its refund for clearing.
#[test]
fn sstore_by_what_the_transaction_changes() {
    for (fork, dirty, set, reset, clear) in [
        (Fork::Constantinople, 200_u64, 20_000, 5000, 15_000),
        (Fork::Istanbul, 800, 20_000, 5000, 15_000),
        (Fork::Berlin, 100, 20_000, 2900, 15_000),
        (Fork::London, 100, 20_000, 2900, 4800),
        (Fork::Osaka, 100, 20_000, 2900, 4800),
    ] {
        let [reset_again, set_again] = [reset, set].map(|gas: u64| gas.cast_signed() - dirty.cast_signed());
        check_store(fork, [0, 0, 0], dirty, 0);
        check_store(fork, [0, 0, 1], set, 0);
        check_store(fork, [0, 1, 0], dirty, set_again);
        check_store(fork, [0, 1, 1], dirty, 0);
        check_store(fork, [0, 1, 2], dirty, 0);
        check_store(fork, [1, 0, 0], dirty, 0);
        check_store(fork, [1, 0, 1], dirty, reset_again - clear);
        check_store(fork, [1, 0, 2], dirty, -clear);
        check_store(fork, [1, 1, 0], reset, clear);
        check_store(fork, [1, 1, 1], dirty, 0);
        check_store(fork, [1, 1, 2], reset, 0);
        check_store(fork, [1, 2, 0], dirty, clear);
        check_store(fork, [1, 2, 1], dirty, reset_again);
        check_store(fork, [1, 2, 2], dirty, 0);
        check_store(fork, [1, 2, 3], dirty, 0);
    }
}

/// With no more than the stipend left nothing is written, whatever it costs (EIP-2200).
#[test]
fn sstore_needs_more_than_the_stipend() {
    let source = "PUSH1 1 SLOAD PUSH1 1 SSTORE";
    for (fork, load) in [(Fork::Istanbul, 800), (Fork::Berlin, 2100), (Fork::Osaka, 2100)] {
        let before = 3 + load + 3;
        let step = with_slot(fork, source, 5, 5).gas(before + 2300).halt(Halt::OutOfGas);
        assert_eq!((step.before.pc, step.gas_cost), (5, 0), "{fork}");
        with_slot(fork, source, 5, 5).gas(before + 2301).succeed();
    }
    // Not so where it was not yet the rule.
    with_slot(Fork::Constantinople, source, 5, 5).gas(206 + 200).succeed();
}

#[test]
fn sload_is_paid_by_access() {
    for (fork, cold, warm) in [
        (Fork::Frontier, 50, 50),
        (Fork::TangerineWhistle, 200, 200),
        (Fork::Istanbul, 800, 800),
        (Fork::Berlin, 2100, 100),
        (Fork::Osaka, 2100, 100),
    ] {
        let source = "PUSH1 1 SLOAD PUSH1 1 SLOAD PUSH1 2 SLOAD PUSH -1 SLOAD PUSH -1 SLOAD";
        let (_, steps) = with_slot(fork, source, 3, 9).succeed();
        let costs: Vec<u64> = steps.iter().skip(1).step_by(2).map(|step| step.gas_cost).collect();
        assert_eq!(costs, [cold, warm, cold, cold, warm], "{fork}");
        assert_eq!(steps[9].after.stack, [9, 9, 0, 0, 0].map(U256::from), "{fork}");
    }
}

#[test]
fn transient_storage_is_apart() {
    let source = "PUSH1 7 PUSH1 1 TSTORE PUSH1 1 TLOAD PUSH1 2 TLOAD PUSH1 1 SLOAD PUSH1 8 PUSH1 1 TSTORE PUSH1 1 TLOAD";
    let (run, steps) = with_slot(Fork::Cancun, source, 3, 3).succeed();
    assert_eq!(steps.iter().rev().nth(1).expect("steps").after.stack, [7, 0, 3, 8].map(U256::from));
    assert_eq!(run.world.transient[&(SELF, U256::ONE)], U256::from(8));
    assert_eq!(run.world.slots[&(SELF, U256::ONE)].0, U256::from(3));
    let writes: Vec<&str> = steps.iter().map(|step| &*step.effect).filter(|text| !text.is_empty()).collect();
    assert_eq!(writes.len(), 2);
    assert!(writes[1].starts_with("Transient(") && writes[1].contains("previous: 7, new: 8, original: 0"));
    assert!(
        steps
            .iter()
            .filter(|step| [0x5c, 0x5d].contains(&step.before.opcode.0))
            .all(|step| step.gas_cost == 100)
    );
}

#[test]
fn a_store_that_fails_shows_none_of_those_before() {
    for store in ["SSTORE", "TSTORE"] {
        Program::new(Fork::Osaka, &format!("PUSH1 1 PUSH1 1 {store} {store}")).halt(Halt::StackUnderflow);
    }
}
