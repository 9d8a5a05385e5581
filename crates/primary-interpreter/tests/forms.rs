//! Random programs come to the same outcome, gas, state and block entries as on the plain engine, whatever is translated
//! and wherever the fast form is made to give up.

use parallax_engine_interface::{Interpreter, Stepper};
use parallax_hooks::{Hooks, Interest, StepControl, StepView};
use parallax_host_interface::{StateChanges, TxEnv};
use parallax_machine::Machine;
use parallax_mini_interpreter::Mini;
use parallax_primary_interpreter::{Primary, Tiering};
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Fork, FrameOutcome, Log, Message, MessageKind, U256, keccak256,
};
use parallax_state::{Account, MemoryDatabase, State};

/// A deterministic source of numbers (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).expect("a byte")
    }
}

const TARGET: Address = Address::repeat_byte(0x22);
const SENDER: Address = Address::repeat_byte(0x11);

/// Everything that can be seen of a run.
#[derive(Debug, PartialEq)]
struct Seen {
    outcome: FrameOutcome,
    changes: StateChanges,
    logs: Vec<Log>,
    entries: Vec<Entry>,
}

#[derive(Debug, PartialEq)]
struct Entry {
    index: u64,
    depth: u16,
    pc: usize,
    gas: u64,
    refund: i64,
    stack: Vec<U256>,
    memory: parallax_primitives::B256,
}

/// Records block entries, and pauses at some.
struct Recorder {
    entries: Vec<Entry>,
    pauses: bool,
}

impl Hooks for Recorder {
    fn interest(&self) -> Interest {
        Interest::Blocks
    }

    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.entries.push(Entry {
            index: entry.index,
            depth: entry.depth,
            pc: entry.pc,
            gas: entry.gas,
            refund: entry.refund,
            stack: entry.stack.to_vec(),
            memory: keccak256(entry.memory),
        });
        if self.pauses && self.entries.len().is_multiple_of(3) {
            StepControl::Pause
        } else {
            StepControl::Continue
        }
    }
}

fn execute(
    engine: &impl Interpreter,
    code: &[u8],
    fork: Fork,
    gas: u64,
    is_static: bool,
    hooks: Option<bool>,
) -> Seen {
    let mut database = MemoryDatabase::default();
    let code = Bytecode::new(code.to_vec().into());
    let storage = [(U256::from(1), U256::from(7)), (U256::from(2), U256::from(1))].into();
    database.accounts.insert(TARGET, Account { nonce: 1, balance: U256::from(1000), code, storage });
    database.accounts.insert(SENDER, Account { balance: U256::from(1000), ..Account::default() });
    let transaction =
        TxEnv { origin: SENDER, gas_price: U256::from(3), blob_hashes: Vec::new(), chain_id: 1 };
    let state = State::new(&database, fork, BlockEnv { number: 300, ..BlockEnv::default() }, transaction);
    let message = Message {
        kind: MessageKind::Call,
        depth: 0,
        is_static,
        gas,
        caller: SENDER,
        address: TARGET,
        code_address: TARGET,
        is_delegated: false,
        value: U256::ZERO,
        input: (0..100).collect::<Vec<u8>>().into(),
        salt: U256::ZERO,
    };
    let mut machine = Machine::message(engine, fork, message, Box::new(state));
    let mut recorder = Recorder { entries: Vec::new(), pauses: hooks == Some(true) };
    if hooks.is_some() {
        while machine.run(&mut recorder).expect("the world does not fail")
            == parallax_engine_interface::Progress::Paused
        {}
    }
    let (outcome, changes, logs) = machine.into_message_outcome().expect("the world does not fail");
    Seen { outcome, changes, logs, entries: recorder.entries }
}

/// A program of pieces that mostly make sense together, with loops, jumps and stack shuffling.
fn program(random: &mut Random) -> Vec<u8> {
    let mut code = Vec::new();
    let mut destinations = Vec::new();
    for _ in 0..random.below(6) {
        code.extend([0x60, random.byte()]);
    }
    for _ in 0..10 + random.below(60) {
        match random.below(28) {
            0..=4 => code.extend([0x60, random.byte()]),
            5 => code.extend([0x61, random.byte(), random.byte()]),
            6 => {
                code.push(0x7f);
                for _ in 0..32 {
                    code.push(random.byte());
                }
            }
            7..=9 => code.push(0x80 + u8::try_from(random.below(8)).expect("small")),
            10..=12 => code.push(0x90 + u8::try_from(random.below(8)).expect("small")),
            13..=16 => code.push(1 + u8::try_from(random.below(0x0b)).expect("small")),
            17..=19 => code.push(0x10 + u8::try_from(random.below(0x0f)).expect("small")),
            20 => code.extend([0x60, random.byte(), [0x51, 0x52, 0x53, 0x35, 0x20, 0x54][random.below(6)]]),
            21 => code.push(
                [0x50, 0x50, 0x51, 0x52, 0x53, 0x5a, 0x59, 0x58, 0x30, 0x33, 0x36, 0x47][random.below(12)],
            ),
            22 => {
                let push = |random: &mut Random| [0x60, u8::try_from(random.below(4)).expect("small")];
                code.extend(push(random));
                code.extend(push(random));
                code.push([0x55, 0x5d, 0xa0, 0x20, 0x0a, 0x56][random.below(6)]);
            }
            23 => {
                destinations.push(code.len());
                code.extend(std::iter::repeat_n(0x5b, 1 + random.below(3)));
            }
            // A conditional jump: a comparison or whatever lies there, perhaps negated.
            24..=25 if !destinations.is_empty() => {
                if random.below(2) == 0 {
                    code.push([0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x15][random.below(7)]);
                }
                if random.below(3) == 0 {
                    code.push(0x15);
                }
                let to = u16::try_from(destinations[random.below(destinations.len())]).expect("short");
                code.push(0x61);
                code.extend(to.to_be_bytes());
                code.push(0x57);
            }
            // A jump forwards over some bytes, the destination on the stack before the block.
            26 => {
                let to = u16::try_from(code.len() + 6).expect("short");
                code.push(0x61);
                code.extend(to.to_be_bytes());
                code.extend([0x5b, 0x56, random.byte(), 0x5b]);
            }
            _ => code.push(random.byte()),
        }
    }
    code
}

#[track_caller]
fn check(seed: u64, code: &[u8], fork: Fork, gas: u64, is_static: bool) {
    let expected = execute(&Mini, code, fork, gas, is_static, Some(false));
    let plain = execute(&Mini, code, fork, gas, is_static, None);
    for tiering in [Tiering::Never, Tiering::Always, Tiering::AlwaysRecover, Tiering::WhenHot] {
        let engine = Primary::with_tiering(tiering);
        let context = || {
            format!(
                "seed {seed}, {tiering:?}, {fork}, gas {gas}, code {}",
                parallax_primitives::hex::encode(code)
            )
        };
        let seen = execute(&engine, code, fork, gas, is_static, Some(false));
        for (seen, expected) in seen.entries.iter().zip(&expected.entries) {
            assert_eq!(seen, expected, "{}", context());
        }
        assert_eq!(seen, expected, "{}", context());
        assert_eq!(execute(&engine, code, fork, gas, is_static, None), plain, "{}", context());
        let mut paused = execute(&engine, code, fork, gas, is_static, Some(true));
        paused.entries.truncate(expected.entries.len());
        assert_eq!(paused, expected, "paused, {}", context());
    }
}

#[test]
fn random_programs_run_the_same_in_every_form() {
    let forks = [Fork::Osaka, Fork::Osaka, Fork::Frontier, Fork::Byzantium, Fork::Istanbul, Fork::Berlin];
    for seed in 1..=1500u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let code = program(&mut random);
        let fork = forks[random.below(forks.len())];
        // Enough gas for some turns of a loop, not for many.
        let gas = [2_000, 30_000, 60_000][random.below(3)] + random.below(999) as u64;
        check(seed, &code, fork, gas, random.below(8) == 0);
    }
}

#[test]
fn every_gas_limit_stops_at_the_same_opcode() {
    // A loop over memory, storage and hashes: it can run out of gas at every kind of charge.
    let code = parallax_primitives::hex!(
        "6000 5b 80 6020 02 80 51 81 52 6020 81 20 81 55 80 54 50 6001 01 80 6005 11 6002 57 5a 600052 60206000f3"
    );
    for gas in (0..400).chain((400..150_000).step_by(397)) {
        check(gas, &code, Fork::Osaka, gas, false);
    }
}
