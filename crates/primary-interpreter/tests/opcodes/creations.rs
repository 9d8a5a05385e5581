//! CREATE and CREATE2: gas by fork, the message that is sent, what comes back.

use parallax_primitives::{
    Address, Bytes, Fork, FrameOutcome, FrameStatus, Halt, Message, MessageKind, U256, hex,
};

use crate::frame::{Program, SELF, Step, success};

/// Source of one creation from this region of memory, which begins with 24 zeros and 1, 2, ... 8.
fn create(opcode: &str, offset: &str, size: &str) -> String {
    let salt = if opcode == "CREATE2" { "PUSH 0x5a17" } else { "" };
    format!("PUSH 0x0102030405060708 PUSH1 0 MSTORE {salt} PUSH {size} PUSH {offset} PUSH 9 {opcode} PC")
}

fn find<'a>(steps: &'a [Step], opcode: &str) -> &'a Step {
    steps.iter().find(|step| step.before.opcode.name() == Some(opcode)).expect("the opcode ran")
}

/// Creation from a region costs `gas` and leaves so much memory.
#[track_caller]
fn check(fork: Fork, opcode: &str, offset: &str, size: &str, gas: u64, memory: usize, initcode: &str) {
    let name = format!("{opcode} of {size} at {offset} in {fork}");
    // What follows needs a little gas, and before EIP-150 all goes along.
    let answer = FrameOutcome { gas_left: 10, ..success() };
    let program =
        Program::new(fork, &create(opcode, offset, size)).with(|program| program.answers = vec![answer]);
    let (run, steps) = program.succeed();
    let step = find(&steps, opcode);
    assert_eq!(step.gas_cost, gas, "{name}");
    assert_eq!((step.after.gas, step.gas_left), (step.before.gas - gas, step.before.gas - gas), "{name}");
    assert_eq!((step.after.memory.len(), step.after.height), (memory, 0), "{name}");
    let forwarded =
        if fork >= Fork::TangerineWhistle { step.gas_left - step.gas_left / 64 } else { step.gas_left };
    let create2 = opcode == "CREATE2";
    let expected = Message {
        kind: if create2 { MessageKind::Create2 } else { MessageKind::Create },
        depth: 4,
        is_static: false,
        gas: forwarded,
        caller: SELF,
        address: Address::ZERO,
        code_address: Address::ZERO,
        is_delegated: false,
        value: U256::from(9),
        input: hex::decode(initcode).expect("hexadecimal").into(),
        state_gas: Default::default(),
        salt: if create2 { U256::from(0x5a17) } else { U256::ZERO },
    };
    assert_eq!(run.messages, [expected], "{name}");
    let before = 10_000_000 - step.before.gas;
    Program::new(fork, &create(opcode, offset, size)).gas(before + gas - 1).halt(Halt::OutOfGas);
}

#[test]
fn creations_cost_what_the_fork_says() {
    use Fork::*;
    let word = "0000000000000000000000000000000000000000000000000102030405060708";
    for (forks, opcode, offset, size, gas, memory, initcode) in [
        (
            &[Frontier, Homestead, TangerineWhistle, London, Shanghai, Osaka][..],
            "CREATE",
            "0",
            "0",
            32_000,
            32,
            "",
        ),
        (&[Frontier, London, Osaka], "CREATE", "-1", "0", 32_000, 32, ""),
        (
            &[Frontier, Homestead, TangerineWhistle, London],
            "CREATE",
            "24",
            "8",
            32_000,
            32,
            "0102030405060708",
        ),
        (&[Shanghai, Osaka], "CREATE", "24", "8", 32_002, 32, "0102030405060708"),
        (&[Frontier, London], "CREATE", "31", "2", 32_003, 64, "0800"),
        (&[Shanghai, Osaka], "CREATE", "31", "2", 32_005, 64, "0800"),
        (&[Shanghai, Osaka], "CREATE", "0", "32", 32_002, 32, word),
        (&[Shanghai, Osaka], "CREATE", "0", "33", 32_007, 64, &format!("{word}00")),
        (&[Constantinople, London, Osaka], "CREATE2", "0", "0", 32_000, 32, ""),
        (&[Constantinople, London], "CREATE2", "24", "8", 32_006, 32, "0102030405060708"),
        (&[Shanghai, Osaka], "CREATE2", "24", "8", 32_008, 32, "0102030405060708"),
        (&[Constantinople, London], "CREATE2", "0", "33", 32_015, 64, &format!("{word}00")),
        (&[Shanghai, Osaka], "CREATE2", "0", "33", 32_019, 64, &format!("{word}00")),
    ] {
        for fork in forks {
            check(*fork, opcode, offset, size, gas, memory, initcode);
        }
    }
}

/// Init code has a limit from Shanghai on, and is paid for before it is refused (EIP-3860).
#[test]
fn init_code_has_a_limit() {
    // 49,152 bytes are 1536 words: 4608 and 4608 for the memory, less one word that is there.
    let memory = 3 * 1536 + 1536 * 1536 / 512 - 3;
    let memory_more = 3 * 1537 + 1537 * 1537 / 512 - 3;
    for (opcode, word_gas) in [("CREATE", 2), ("CREATE2", 8)] {
        let (run, steps) = Program::new(Fork::Osaka, &create(opcode, "0", "49152")).succeed();
        assert_eq!(find(&steps, opcode).gas_cost, 32_000 + memory + 1536 * word_gas);
        assert_eq!(run.messages[0].input.len(), 49_152);

        let cost = 32_000 + memory_more + 1537 * word_gas;
        let above = Program::new(Fork::Osaka, &create(opcode, "0", "49153"));
        let step = above.halt(Halt::InitcodeTooLarge);
        assert_eq!(step.gas_cost, cost);
        let before = 10_000_000 - step.before.gas;
        above.clone().gas(before + cost).halt(Halt::InitcodeTooLarge);
        assert_eq!(above.gas(before + cost - 1).halt(Halt::OutOfGas).gas_cost, cost);

        let (run, _) = Program::new(Fork::London, &create(opcode, "0", "49153")).succeed();
        assert_eq!(run.messages[0].input.len(), 49_153);
        for (offset, size) in [("0", "-1"), ("-1", "1"), ("0", "0x010000000000000000")] {
            let step =
                Program::new(Fork::Osaka, &create(opcode, offset, size)).gas(u64::MAX).halt(Halt::OutOfGas);
            assert_eq!(step.gas_cost, u64::MAX);
        }
    }
}

#[test]
fn answers_come_back() {
    let created = Address::repeat_byte(0xc4);
    let address = U256::from_be_slice(created.as_slice());
    let output = Bytes::from_static(b"xyz");
    for opcode in ["CREATE", "CREATE2"] {
        for (answer, pushed, data) in [
            (FrameOutcome { gas_left: 40, created: Some(created), ..success() }, address, &b""[..]),
            (
                FrameOutcome { gas_left: 40, created: Some(created), output: output.clone(), ..success() },
                address,
                b"",
            ),
            (
                FrameOutcome {
                    status: FrameStatus::Revert,
                    gas_left: 40,
                    output: output.clone(),
                    created: None,
                    state_gas: Default::default(),
                },
                U256::ZERO,
                b"xyz",
            ),
            (FrameOutcome::halted(Halt::CreateCollision, 0), U256::ZERO, b""),
            (FrameOutcome::halted(Halt::NonceOverflow, 9000), U256::ZERO, b""),
        ] {
            let gas = answer.gas_left;
            let program = Program::new(Fork::Osaka, &create(opcode, "0", "3"))
                .with(|program| program.answers = vec![answer]);
            let (run, steps) = program.succeed();
            let (create, next) = (find(&steps, opcode), &find(&steps, "PC").before);
            assert!(create.after.stack.is_empty());
            assert_eq!(next.stack, [pushed]);
            assert_eq!(next.gas, create.gas_left - run.messages[0].gas + gas);
            assert_eq!(next.return_data, Bytes::copy_from_slice(data));
        }
    }
}
