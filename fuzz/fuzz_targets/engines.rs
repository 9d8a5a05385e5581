//! `primary` and `mini` on any code, compared before and after every opcode and in every fast form. Four bytes say the rules, the gas and
//! how much of what follows is the code of an account that the first can call, and calldata.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_campaign::{compare_job, config, engines::EngineName};
use parallax_engine_interface::Job;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, BlockEnv, Bytecode, Fork, Message, MessageKind, Rules, Subject, TxEnv, U256};
use parallax_shadow_diff::{ShadowMode, Verdict};

/// A PUSH1 names either.
const CALLER: Address = Address::with_last_byte(0xca);
const CALLEE: Address = Address::with_last_byte(0xce);
/// Most steps of a run: it is one of many.
const STEPS: u64 = 4000;

fuzz_target!(|bytes: &[u8]| {
    let [fork, gas, callee, input, rest @ ..] = bytes else { return };
    let rules = Rules::of(Fork::ALL[usize::from(*fork) % Fork::ALL.len()]);
    let (callee, rest) = rest.split_at(usize::from(*callee).min(rest.len()));
    let (input, code) = rest.split_at(usize::from(*input % 64).min(rest.len()));
    let mut database = MemoryDatabase::default();
    for (address, code) in [(CALLER, code), (CALLEE, callee)] {
        let code = Bytecode::new(code.to_vec().into());
        let storage = [(U256::from(1), U256::from(7))].into();
        database.accounts.insert(address, Account { nonce: 1, balance: U256::from(1000), code, storage });
    }
    let message = Message {
        kind: MessageKind::Call,
        depth: 0,
        is_static: gas % 16 == 7,
        gas: 1000 << (gas % 9),
        caller: CALLEE,
        address: CALLER,
        code_address: CALLER,
        is_delegated: false,
        value: U256::ZERO,
        input: input.to_vec().into(),
        state_gas: Default::default(),
        salt: U256::ZERO,
    };
    let environment = TxEnv { origin: CALLEE, gas_price: U256::from(3), ..TxEnv::default() };
    let block = BlockEnv { number: 300, gas_limit: 1 << 30, blobs: rules.blobs(), ..BlockEnv::default() };
    let subject = Subject::Message { message: &message, environment: &environment };
    let job = Job { rules, chain_id: 1, block: &block, subject, database: &database };
    let (left, right) = (EngineName::Primary, EngineName::Mini);
    let mut config = config(&left, &right, ShadowMode::All);
    config.max_steps = STEPS;
    let (outcome, _) = compare_job(&job, &left, &right, &config);
    match outcome.verdict {
        Verdict::Diverge(divergence) => panic!("{divergence}"),
        Verdict::Crashed(reason) | Verdict::Poisoned(reason) => panic!("{reason}"),
        _ => {}
    }
});
