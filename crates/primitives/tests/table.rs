//! The opcode table as every fork sees it: all of Frontier, then what each fork changes. A row that moves by accident is
//! seen in the snapshot's difference.

use std::{collections::BTreeSet, fmt::Write};

use parallax_primitives::{Class, Fork, Opcode, OpcodeRow, Operation, Rules, U256};

const UNDEFINED: OpcodeRow =
    OpcodeRow { operation: Operation::Undefined, inputs: 0, outputs: 0, writes_state: false, gas: 0 };

/// `before` is the row of the fork before; gas that changed is shown as a change.
fn line(byte: u8, before: &OpcodeRow, now: &OpcodeRow) -> String {
    let opcode = Opcode(byte);
    let mut line = format!("{byte:02x} {opcode:<14}");
    if !now.is_defined() {
        return line + " undefined";
    }
    if before.is_defined() {
        write!(line, " gas {} -> {}", before.gas, now.gas).expect("a string takes it");
    } else {
        let immediate = opcode.info().map_or(0, |info| info.immediate);
        write!(line, " {} -> {} gas {}", now.inputs, now.outputs, now.gas).expect("a string takes it");
        if immediate > 0 {
            write!(line, " data {immediate}").expect("a string takes it");
        }
        if now.writes_state {
            line += " writes";
        }
    }
    line
}

#[test]
fn opcode_table_per_fork() {
    let mut text = String::new();
    let mut previous = [UNDEFINED; 256];
    for fork in Fork::ALL {
        writeln!(text, "== {fork}").expect("a string takes it");
        let table = Rules::of(fork).opcodes();
        for byte in 0..=u8::MAX {
            let (before, now) = (&previous[usize::from(byte)], &table[usize::from(byte)]);
            if before == now {
                continue;
            }
            // Only gas moves once an opcode is there.
            let same_shape = OpcodeRow { gas: now.gas, ..*before } == *now;
            assert!(!before.is_defined() || same_shape, "{} changes its shape in {fork}", Opcode(byte));
            writeln!(text, "{}", line(byte, before, now).trim_end()).expect("a string takes it");
        }
        previous = *table;
    }
    insta::assert_snapshot!(text);
}

/// What observers derive from the roles of operands.
#[test]
fn operands_and_what_they_name() {
    let mut text = String::new();
    for info in Opcode::all()
        .filter(|info| !matches!(info.class, Class::Push | Class::Dup | Class::Swap | Class::Deep))
    {
        let inputs: Vec<String> =
            info.inputs.iter().map(|operand| format!("{} {:?}", operand.name, operand.role)).collect();
        write!(text, "{} {:?} ({}) -> {:?}", info.name, info.class, inputs.join(", "), info.outputs).unwrap();
        // Items that say where they are.
        let stack: Vec<U256> = (0..info.inputs.len()).rev().map(|place| U256::from(100 + place)).collect();
        for region in info.regions() {
            let (offset, length) = region.on(&stack).unwrap();
            write!(text, " [{:?} {offset} {length}]", region.role).unwrap();
            assert_eq!(region.on(&stack[1..]).is_none(), region.on_or_zero(&stack[1..]) != (offset, length));
        }
        text.push('\n');
        assert!(info.inputs.iter().all(|operand| !operand.name.is_empty()), "{}", info.name);
        assert!(
            info.inputs.len() < 2
                || info.inputs.iter().map(|operand| operand.name).collect::<BTreeSet<_>>().len()
                    == info.inputs.len()
        );
    }
    insta::assert_snapshot!(text);
}

#[test]
fn gas_schedule_per_fork() {
    let mut text = String::new();
    let mut previous = String::new();
    for fork in Fork::ALL {
        writeln!(text, "== {fork}").expect("a string takes it");
        let now = format!("{:#?}", Rules::of(fork).gas()).replace(&usize::MAX.to_string(), "unlimited");
        for line in now.lines().filter(|line| line.starts_with(' ') && !previous.contains(line)) {
            writeln!(text, "{}", line.trim().trim_end_matches(',')).expect("a string takes it");
        }
        previous = now;
    }
    insta::assert_snapshot!(text);
}
