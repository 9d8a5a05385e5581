//! The message, the transaction, the block, and other accounts.

use parallax_primitives::{Address, B256, Bytecode, Bytes, Fork, U256, keccak256};

use crate::{
    frame::{CALLER, Program, SELF},
    world::Stub,
};

/// Has a balance and code, and is warm from the start.
const RICH: Address = Address::repeat_byte(0x22);
/// Delegates to [`RICH`] (EIP-7702).
const DELEGATING: Address = Address::repeat_byte(0x33);
/// Exists, and is empty.
const EMPTY: Address = Address::repeat_byte(0x44);

/// A world in which every answer differs from every other.
#[track_caller]
fn program(fork: Fork, source: &str) -> Program {
    Program::new(fork, source).with(|program| {
        program.message.value = U256::from(1001);
        let world = &mut program.world;
        world.block.number = 1002;
        world.block.timestamp = 1003;
        world.block.gas_limit = 1004;
        world.block.coinbase = Address::with_last_byte(5);
        world.block.difficulty = U256::from(1006);
        world.block.prevrandao = B256::from(U256::from(1007));
        world.block.base_fee = 1008;
        world.block.excess_blob_gas = 10_000_000;
        world.transaction.origin = Address::with_last_byte(10);
        world.transaction.gas_price = U256::from(1011);
        world.transaction.chain_id = 1012;
        world.transaction.blob_hashes = vec![B256::repeat_byte(0x0b), B256::repeat_byte(0x0c)];
        world.accounts.insert(SELF, Stub { balance: U256::from(1014), nonce: 1, ..Stub::default() });
        let code = Bytecode::new(Bytes::from_static(&[0xc0, 0xc1, 0xc2]));
        world.accounts.insert(RICH, Stub { balance: U256::from(1015), code, nonce: 1 });
        let code = Bytecode::delegating_to(RICH);
        world.accounts.insert(DELEGATING, Stub { code, ..Stub::default() });
        world.accounts.insert(EMPTY, Stub::default());
        world.warm_accounts.insert(RICH);
    })
}

#[track_caller]
fn check(fork: Fork, source: &str, gas: u64, expected: U256) {
    let step = program(fork, source).last();
    assert_eq!(step.after.stack, [expected], "{source} in {fork}");
    assert_eq!(step.gas_cost, gas, "gas of {source} in {fork}");
}

fn word(address: Address) -> U256 {
    U256::from_be_slice(address.as_slice())
}

#[test]
fn message_transaction_and_block() {
    for (source, expected) in [
        ("ADDRESS", word(SELF)),
        ("CALLER", word(CALLER)),
        ("ORIGIN", U256::from(10)),
        ("CALLVALUE", U256::from(1001)),
        ("GASPRICE", U256::from(1011)),
        ("COINBASE", U256::from(5)),
        ("TIMESTAMP", U256::from(1003)),
        ("NUMBER", U256::from(1002)),
        ("GASLIMIT", U256::from(1004)),
        ("PREVRANDAO", U256::from(1007)),
        ("CHAINID", U256::from(1012)),
        ("BASEFEE", U256::from(1008)),
        // e^(10,000,000 / 5,007,716) = 7.36, in the specification's integers.
        ("BLOBBASEFEE", U256::from(7)),
    ] {
        check(Fork::Osaka, source, 2, expected);
    }
    check(Fork::London, "PREVRANDAO", 2, U256::from(1006));
    check(Fork::Frontier, "PREVRANDAO", 2, U256::from(1006));
    check(Fork::Paris, "PREVRANDAO", 2, U256::from(1007));
    check(Fork::Osaka, "SELFBALANCE", 5, U256::from(1014));
}

#[test]
fn blob_hashes_by_index() {
    for (index, expected) in [
        ("0", 0x0b),
        ("1", 0x0c),
        ("2", 0),
        ("0x010000000000000000", 0),
        ("0x010000000000000001", 0),
        ("-1", 0),
    ] {
        check(Fork::Cancun, &format!("PUSH {index} BLOBHASH"), 3, B256::repeat_byte(expected).into());
    }
}

#[test]
fn block_hashes_of_the_last_256_blocks() {
    // The block is number 1002.
    for (number, known) in [
        ("0", false),
        ("745", false),
        ("746", true),
        ("747", true),
        ("1001", true),
        ("1002", false),
        ("1003", false),
        ("0x0100000000000003e9", false),
        ("-1", false),
    ] {
        let expected = match number.parse::<u64>() {
            Ok(number) if known => keccak256(number.to_be_bytes()).into(),
            _ => U256::ZERO,
        };
        check(Fork::Osaka, &format!("PUSH {number} BLOCKHASH"), 20, expected);
    }
    let early = program(Fork::Osaka, "PUSH1 0 BLOCKHASH").with(|program| program.world.block.number = 1);
    assert_eq!(early.last().after.stack, [U256::from_be_bytes(keccak256([0; 8]).0)]);
}

/// The address is the low 20 bytes of the word.
#[test]
fn other_accounts() {
    let code_hash: U256 = keccak256([0xc0, 0xc1, 0xc2]).into();
    let designator = [&[0xef, 1, 0][..], &[0x22; 20]].concat();
    let empty_hash: U256 = keccak256([]).into();
    for (opcode, address, expected) in [
        ("BALANCE", RICH, U256::from(1015)),
        ("BALANCE", EMPTY, U256::ZERO),
        ("BALANCE", CALLER, U256::ZERO),
        ("EXTCODESIZE", RICH, U256::from(3)),
        ("EXTCODESIZE", EMPTY, U256::ZERO),
        ("EXTCODESIZE", SELF, U256::ZERO),
        ("EXTCODESIZE", DELEGATING, U256::from(23)),
        ("EXTCODEHASH", RICH, code_hash),
        ("EXTCODEHASH", EMPTY, U256::ZERO),
        ("EXTCODEHASH", CALLER, U256::ZERO),
        ("EXTCODEHASH", SELF, empty_hash),
        ("EXTCODEHASH", DELEGATING, keccak256(designator).into()),
    ] {
        let gas = if address == RICH { 100 } else { 2600 };
        for dirt in ["000000000000000000000000", "ffffffffffffffffffffffff"] {
            let source = format!("PUSH32 0x{dirt}{address:x} {opcode}").replace("0x0x", "0x");
            check(Fork::Osaka, &source, gas, expected);
        }
    }
}

/// Before Berlin every access costs the same; since then the first costs more (EIP-2929).
#[test]
fn accounts_are_paid_by_access() {
    for (opcode, costs) in [
        ("BALANCE", [20, 400, 400, 700, 2600]),
        ("EXTCODESIZE", [20, 700, 700, 700, 2600]),
        ("EXTCODEHASH", [0, 0, 400, 700, 2600]),
    ] {
        let forks =
            [Fork::Homestead, Fork::TangerineWhistle, Fork::Constantinople, Fork::Istanbul, Fork::Berlin];
        for (fork, cost) in forks.into_iter().zip(costs).filter(|(_, cost)| *cost > 0) {
            let (_, steps) = program(fork, &format!("PUSH1 1 {opcode} PUSH1 1 {opcode}")).succeed();
            let again = if fork >= Fork::Berlin { 100 } else { cost };
            assert_eq!((steps[1].gas_cost, steps[3].gas_cost), (cost, again), "{opcode} in {fork}");
        }
    }
}
