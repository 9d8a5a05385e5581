//! The opcode table against the executable specification: every byte in every fork, with operands of zero on an empty
//! world. Defined or not, inputs, outputs, gas, static calls; and each check's own halt when it just fails.

use std::collections::HashMap;

use parallax_primitives::{Eip, Fork, FrameStatus, Halt, Opcode, Rules};

use crate::frame::{Program, success};

#[derive(Clone, Copy)]
struct Fact {
    inputs: usize,
    outputs: usize,
    /// A static call may not run it.
    writes: bool,
    gas: u64,
}

/// The specification's own forks are on mainnet; three of ours are not, and stand on what their EIPs say.
fn facts() -> HashMap<(Fork, u8), Fact> {
    let mut facts = HashMap::new();
    for row in include_str!("facts.txt").lines() {
        let mut words = row.split(' ');
        let mut word = || words.next().expect("a row has six words");
        let fork: Fork = word().parse().expect("a row begins with a fork");
        let byte = u8::from_str_radix(word(), 16).expect("bytes are hexadecimal");
        let mut number = || word().parse::<u16>().expect("the rest are numbers");
        let (inputs, outputs) = (number().into(), number().into());
        let fact = Fact { inputs, outputs, writes: number() == 1, gas: number().into() };
        facts.insert((fork, byte), fact);
        match fork {
            Fork::Petersburg => {
                // EIP-1283: a write that changes nothing is 200.
                let gas = if byte == Opcode::SSTORE.0 { 200 } else { fact.gas };
                facts.insert((Fork::Constantinople, byte), Fact { gas, ..fact });
            }
            // EIP-7892: blob parameters alone.
            Fork::Bpo2 => {
                for fork in [Fork::Bpo3, Fork::Bpo4, Fork::Bpo5] {
                    facts.insert((fork, byte), fact);
                }
                facts.insert((Fork::Amsterdam, byte), in_amsterdam(byte, fact));
            }
            _ => {}
        }
    }
    facts
}

/// What Amsterdam has otherwise (EIP-8038). What it brings has rows of its own.
fn in_amsterdam(byte: u8, fact: Fact) -> Fact {
    let gas = match Opcode(byte) {
        Opcode::EXTCODESIZE | Opcode::EXTCODECOPY => 3100,
        Opcode::CREATE | Opcode::CREATE2 => 12_000,
        Opcode::SSTORE => 2100,
        Opcode::SELFDESTRUCT => 8000,
        // Of an account that is cold.
        _ if fact.gas == 2600 => 3000,
        _ => fact.gas,
    };
    Fact { gas, ..fact }
}

/// Opcodes whose items depend on a byte behind them (EIP-8024): their rows are with bytes that tests of their own have.
fn is_deep(fork: Fork, byte: u8) -> bool {
    fork >= Fork::Amsterdam && matches!(Opcode(byte), Opcode::DUPN | Opcode::SWAPN | Opcode::EXCHANGE)
}

fn pushes(count: usize) -> Vec<u8> {
    [Opcode::PUSH1.0, 0].repeat(count)
}

/// `items` zeros, then the opcode. A JUMP's only item is not zero: it lands behind itself.
fn program(fork: Fork, byte: u8, items: usize) -> Program {
    let mut code = pushes(items);
    code.push(byte);
    if byte == Opcode::JUMP.0 && items == 1 {
        code[1] = 3;
        code.push(Opcode::JUMPDEST.0);
    }
    Program::of_bytes(fork, &code).with(|program| program.answers = vec![success()])
}

#[track_caller]
fn check_undefined(fork: Fork, byte: u8) {
    let halt = if byte == Opcode::INVALID.0 { Halt::InvalidOpcode } else { Halt::UndefinedOpcode };
    for items in [0, 17] {
        let step = program(fork, byte, items).halt(halt);
        assert_eq!(step.gas_cost, 0, "{byte:#x} in {fork}");
    }
}

#[track_caller]
fn check(fork: Fork, byte: u8, fact: Fact) {
    let name = format!("{} in {fork}", Opcode(byte));
    let row = &Rules::of(fork).opcodes()[usize::from(byte)];
    // Before Byzantium nothing is static, and the table need not know.
    let writes = fact.writes || (row.writes_state && fork < Fork::Byzantium);
    let facts = (true, fact.inputs, fact.outputs, writes);
    let table = (row.is_defined(), usize::from(row.inputs), usize::from(row.outputs), row.writes_state);
    assert_eq!(facts, table, "the table's row of {name}");

    // Enough of everything.
    let (run, steps) = program(fork, byte, fact.inputs).run();
    let status = if byte == Opcode::REVERT.0 { FrameStatus::Revert } else { FrameStatus::Success };
    assert_eq!(run.outcome.status, status, "{name}");
    let step = &steps[fact.inputs];
    let pushed = usize::from(!run.messages.is_empty());
    assert_eq!((step.gas_cost, step.halt), (fact.gas, None), "gas of {name}");
    assert_eq!(step.after.height + pushed, fact.outputs, "outputs of {name}");

    if fork >= Fork::Amsterdam {
        // What too little of two gases comes to is in tests of its own.
        return;
    }

    // Not one unit of gas more, and one less. SSTORE asks for more than it takes (EIP-2200).
    let sentry = byte == Opcode::SSTORE.0 && fork >= Fork::Istanbul;
    let needed = if sentry { 2301.max(fact.gas) } else { fact.gas };
    let (before, landing) = (3 * fact.inputs as u64, u64::from(byte == Opcode::JUMP.0));
    let (run, _) = program(fork, byte, fact.inputs).gas(before + needed + landing).run();
    assert_eq!(run.outcome.status, status, "{name} with just enough gas");
    if run.messages.is_empty() {
        assert_eq!(run.outcome.gas_left, needed - fact.gas, "{name} with just enough gas");
    }
    if needed > 0 {
        let step = program(fork, byte, fact.inputs).gas(before + needed - 1).halt(Halt::OutOfGas);
        let cost = if sentry && needed > fact.gas { 0 } else { fact.gas };
        assert_eq!(step.gas_cost, cost, "{name} with too little gas");
    }

    // One item too few, even with no gas.
    if fact.inputs > 0 {
        let items = fact.inputs - 1;
        let step = program(fork, byte, items).gas(3 * items as u64).halt(Halt::StackUnderflow);
        assert_eq!((step.gas_cost, step.before.height), (0, items), "{name}");
    }
    // A thousand opcodes a run: in the opcode's first fork and in the newest one.
    if fork == Fork::LATEST
        || Opcode(byte).info().is_some_and(|info| {
            Eip::of_opcode(info.opcode).and_then(Eip::fork).unwrap_or(Fork::Frontier) == fork
        })
    {
        check_full_stack(fork, byte, fact, status);
    }

    // In a static call, even with no gas for it.
    if fact.writes {
        let gas = 3 * fact.inputs as u64;
        let step = program(fork, byte, fact.inputs).gas(gas).in_static_call().halt(Halt::StaticViolation);
        assert_eq!(step.gas_cost, fact.gas, "{name} says what it would have cost");
    } else if fork >= Fork::Byzantium {
        assert_eq!(
            program(fork, byte, fact.inputs).in_static_call().run().0.outcome.status,
            status,
            "{name}"
        );
    }
}

#[track_caller]
fn check_full_stack(fork: Fork, byte: u8, fact: Fact, status: FrameStatus) {
    let name = format!("{} in {fork}", Opcode(byte));
    let full = program(fork, byte, 1024).with(|program| program.watched_from = 2 * 1024);
    if fact.outputs > fact.inputs {
        let step = full.gas(3 * 1024).halt(Halt::StackOverflow);
        assert_eq!(step.before.height, 1024, "{name}");
        let room = program(fork, byte, 1023).with(|program| program.watched_from = 2 * 1023).run().0;
        assert_eq!(room.outcome.status, status, "{name} with room for one item");
    } else if byte != Opcode::JUMP.0 {
        assert_eq!(full.run().0.outcome.status, status, "{name} with a full stack");
    }
}

#[test]
fn every_byte_in_every_fork() {
    let facts = facts();
    for fork in Fork::ALL {
        for byte in (0..=u8::MAX).filter(|byte| !is_deep(fork, *byte)) {
            match facts.get(&(fork, byte)) {
                Some(fact) => check(fork, byte, *fact),
                None => check_undefined(fork, byte),
            }
        }
    }
    assert_eq!(facts.len(), 2244 + 139 + 3 * 149 + 149 + 4, "no row is left out");
}
