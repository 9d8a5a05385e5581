//! Opcodes and precompiled contracts of an author's own, on both sides, in every mode.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use parallax_assembly::{assemble_for, disassemble};
use parallax_campaign::{DiffSetup, compare_job, config, engines::EngineName};
use parallax_engine_interface::{Engine, Job};
use parallax_hooks::NoHooks;
use parallax_host_interface::{
    ContractCall, CustomContract, CustomOpcode, HostError, OpcodeFault, OpcodeFrame, WorldFrame,
};
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Bytes, Class, Fork, FrameOutcome, FrameStatus, Halt, Log, Opcode,
    OpcodeInfo, Operand, Role, Rules, Transaction, U256, address, keccak256,
};
use parallax_shadow_diff::{Divergence, Field, Place, ShadowMode, Verdict};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options};
use parallax_tracer_standard::{Recorder, TracerConfig};

const TO: Address = Address::repeat_byte(0x22);
const COUNTER: Address = address!("00000000000000000000000000000000000000c0");

const fn operand(name: &'static str, role: Role) -> Operand {
    Operand { name, role }
}

const NUMBER: OpcodeInfo = OpcodeInfo {
    opcode: Opcode(0xb0),
    name: "MULDIV",
    class: Class::Arithmetic,
    inputs: &[operand("a", Role::Value), operand("b", Role::Value), operand("c", Role::Value)],
    outputs: &[Role::Value],
    immediate: 0,
    gas: 8,
    writes_state: false,
};

/// a * b / c, by 512 bits.
fn muldiv_fast(frame: &mut dyn OpcodeFrame) -> Result<(), OpcodeFault> {
    let [a, b, c] = [0, 1, 2].map(|index| frame.operand(index));
    let product = a.widening_mul::<256, 4, 512, 8>(b);
    let quotient = product.checked_div(c.to()).unwrap_or_default();
    frame.set_result(U256::from_limbs_slice(&quotient.as_limbs()[..4]));
    Ok(())
}

/// The same by long multiplication: numbers are kept as how often the divisor goes into them, and what is left.
fn muldiv_plain(frame: &mut dyn OpcodeFrame) -> Result<(), OpcodeFault> {
    let [a, b, divisor] = [0, 1, 2].map(|index| frame.operand(index));
    if divisor.is_zero() {
        return Ok(());
    }
    let sum = |(times, rest): (U256, U256), (more, other): (U256, U256)| {
        let carry = !other.is_zero() && rest >= divisor - other;
        let times = times.wrapping_add(more).wrapping_add(U256::from(u64::from(carry)));
        (times, rest.add_mod(other, divisor))
    };
    let mut product = (U256::ZERO, U256::ZERO);
    for bit in (0..256).rev() {
        product = sum(product, product);
        if b.bit(bit) {
            product = sum(product, (a / divisor, a % divisor));
        }
    }
    frame.set_result(product.0);
    Ok(())
}

/// Off by one.
fn muldiv_wrong(frame: &mut dyn OpcodeFrame) -> Result<(), OpcodeFault> {
    muldiv_plain(frame)?;
    frame.set_result(U256::ONE);
    Ok(())
}

/// Writes the hash of a region behind it; costs a gas a byte beside the memory, once that has grown.
const SEAL: OpcodeInfo = OpcodeInfo {
    opcode: Opcode(0xb1),
    name: "SEAL",
    class: Class::Memory,
    inputs: &[
        operand("target", Role::WriteWord),
        operand("source", Role::ReadOffset),
        operand("size", Role::Length),
    ],
    outputs: &[],
    immediate: 0,
    gas: 11,
    writes_state: false,
};

fn seal_fast(frame: &mut dyn OpcodeFrame) -> Result<(), OpcodeFault> {
    let [target, source, size] = [0, 1, 2].map(|index| frame.operand(index));
    let hash = keccak256(frame.memory(source, size)?);
    frame.memory_mut(target, U256::from(32))?.copy_from_slice(hash.as_slice());
    frame.charge(size.saturating_to())?;
    Ok(())
}

fn seal_plain(frame: &mut dyn OpcodeFrame) -> Result<(), OpcodeFault> {
    let region = frame.memory_mut(frame.operand(1), frame.operand(2))?.to_vec();
    let out = frame.memory_mut(frame.operand(0), U256::from(32))?;
    for (byte, hashed) in out.iter_mut().zip(keccak256(&region)) {
        *byte = hashed;
    }
    frame.charge(region.len() as u64)?;
    Ok(())
}

/// Counts in a slot of the account that is named by immediate bytes; no static call may run it.
const COUNT: OpcodeInfo = OpcodeInfo {
    opcode: Opcode(0xb2),
    name: "COUNT",
    class: Class::Storage,
    inputs: &[operand("by", Role::Value)],
    outputs: &[Role::Value],
    immediate: 2,
    gas: 100,
    writes_state: true,
};

fn count_fast(frame: &mut dyn WorldFrame) -> Result<(), OpcodeFault> {
    let (key, by, address) =
        (U256::from_be_slice(frame.immediate()), frame.operand(0), frame.message().address);
    let slot = frame.host().load_slot(address, key)?;
    frame.charge(if slot.was_cold { 2_000 } else { 0 })?;
    frame.host().store_slot(address, key, slot.current.wrapping_add(by))?;
    frame.set_result(slot.current);
    Ok(())
}

fn count_plain(frame: &mut dyn WorldFrame) -> Result<(), OpcodeFault> {
    let key = frame.immediate().iter().fold(U256::ZERO, |key, byte| key << 8 | U256::from(*byte));
    let owner = frame.message().address;
    let before = frame.host().load_slot(owner, key)?;
    if before.was_cold {
        frame.charge(2_000)?;
    }
    frame.set_result(before.current);
    let after = before.current.wrapping_add(frame.operand(0));
    Ok(frame.host().store_slot(owner, key, after)?)
}

/// More operands than a block's instruction has: their sum.
const SUM: OpcodeInfo = OpcodeInfo {
    opcode: Opcode(0xb3),
    name: "SUM8",
    class: Class::Arithmetic,
    inputs: &[operand("item", Role::Value); 8],
    outputs: &[Role::Value],
    immediate: 0,
    gas: 3,
    writes_state: false,
};

fn sum_fast(frame: &mut dyn OpcodeFrame) -> Result<(), OpcodeFault> {
    frame.set_result((0..8).fold(U256::ZERO, |sum, index| sum.wrapping_add(frame.operand(index))));
    Ok(())
}

fn sum_plain(frame: &mut dyn OpcodeFrame) -> Result<(), OpcodeFault> {
    let mut sum = U256::ZERO;
    for index in (0..8).rev() {
        sum = frame.operand(index).wrapping_add(sum);
    }
    frame.set_result(sum);
    Ok(())
}

/// A contract with a state: logs its input and counts its calls. It costs 500, and reverts where the input is empty.
fn counter_fast(call: &mut ContractCall<'_>) -> Result<FrameOutcome, HostError> {
    let ContractCall { message, host, .. } = call;
    let Some(gas_left) = message.gas.checked_sub(500) else {
        return Ok(FrameOutcome::halted(Halt::OutOfGas, 0));
    };
    if message.is_static {
        return Ok(FrameOutcome::halted(Halt::StaticViolation, 0));
    }
    let count = host.load_slot(COUNTER, U256::ZERO)?.current + U256::ONE;
    host.store_slot(COUNTER, U256::ZERO, count)?;
    host.log(Log { address: COUNTER, topics: vec![], data: message.input.clone() });
    let status = if message.input.is_empty() { FrameStatus::Revert } else { FrameStatus::Success };
    Ok(FrameOutcome {
        status,
        gas_left,
        output: Bytes::from(count.to_be_bytes::<32>()),
        created: None,
        state_gas: Default::default(),
    })
}

fn counter_plain(call: &mut ContractCall<'_>) -> Result<FrameOutcome, HostError> {
    let gas = call.message.gas;
    if gas < 500 {
        return Ok(FrameOutcome::halted(Halt::OutOfGas, 0));
    }
    if call.message.is_static {
        return Ok(FrameOutcome::halted(Halt::StaticViolation, 0));
    }
    call.host.log(Log { address: COUNTER, topics: vec![], data: call.message.input.clone() });
    let before = call.host.load_slot(COUNTER, U256::ZERO)?;
    let after = before.current.wrapping_add(U256::ONE);
    call.host.store_slot(COUNTER, U256::ZERO, after)?;
    let reverts = call.message.input.is_empty();
    Ok(FrameOutcome {
        status: if reverts { FrameStatus::Revert } else { FrameStatus::Success },
        gas_left: gas - 500,
        output: after.to_be_bytes_vec().into(),
        created: None,
        state_gas: Default::default(),
    })
}

fn rules() -> Rules {
    static OWN: [CustomOpcode; 4] = [
        CustomOpcode::local(NUMBER, muldiv_fast, muldiv_plain),
        CustomOpcode::local(SEAL, seal_fast, seal_plain),
        CustomOpcode::world(COUNT, count_fast, count_plain),
        CustomOpcode::local(SUM, sum_fast, sum_plain),
    ];
    static CONTRACT: CustomContract = CustomContract::new(COUNTER, "COUNTER", counter_fast, counter_plain);
    let builder = Rules::builder(Fork::Osaka).name("own").contract(&CONTRACT);
    OWN.iter().fold(builder, |builder, own| builder.opcode(own)).build().unwrap()
}

fn wrong() -> Rules {
    static OWN: CustomOpcode = CustomOpcode::local(NUMBER, muldiv_wrong, muldiv_plain);
    Rules::builder(Fork::Osaka).name("wrong").opcode(&OWN).build().unwrap()
}

struct World {
    database: MemoryDatabase,
    block: BlockEnv,
    transaction: Transaction,
    rules: Rules,
}

impl World {
    fn new(rules: Rules, source: &str, gas_limit: u64) -> Self {
        let mut database = MemoryDatabase::default();
        database.accounts.entry(TO).or_default().code = Bytecode::new(assemble_for(source, rules).unwrap());
        let transaction = Transaction { to: Some(TO), gas_limit, ..Transaction::default() };
        Self { database, block: BlockEnv::default(), transaction, rules }
    }

    fn job(&self) -> Job<'_> {
        let Self { database, block, transaction, rules } = self;
        Job { rules: *rules, chain_id: 1, block, subject: transaction.into(), database }
    }

    fn compare(&self, mode: ShadowMode) -> Verdict {
        let sides = [EngineName::Primary, EngineName::Mini];
        compare_job(&self.job(), &sides[0], &sides[1], &config(&sides[0], &sides[1], mode)).0.verdict
    }
}

/// Loops, so that it gets hot: each opcode in a block's middle, its results in memory, storage and the output.
const ALL: &str = "PUSH 40
    again:
        PUSH 7 DUP2 DUP1 MUL NOT DUP3 PUSH 3 MUL MULDIV
        PUSH 0 MSTORE
        PUSH 33 PUSH 0 DUP3 SEAL
        PUSH 2 COUNT 0x0105 POP
        PUSH 1 PUSH 2 PUSH 3 PUSH 4 PUSH 5 PUSH 6 PUSH 7 DUP8 SUM8 DUP1 MSTORE
        PUSH 32 PUSH 0 PUSH 40 PUSH 0 PUSH 0 PUSH 0xc0 GAS CALL POP
        PUSH 1 SWAP1 SUB DUP1 @again JUMPI
    PUSH 64 PUSH 0 RETURN";

#[test]
fn both_sides_run_them_in_every_form() {
    for mode in [ShadowMode::PerStep, ShadowMode::PerBlock, ShadowMode::PerCall, ShadowMode::All] {
        let verdict = World::new(rules(), ALL, 1_000_000).compare(mode);
        assert!(matches!(verdict, Verdict::Agree), "{mode:?}: {verdict:?}");
    }
    // It does something.
    let world = World::new(rules(), ALL, 1_000_000);
    let done = parallax_campaign::engines::mini().execute(&world.job(), &mut NoHooks).unwrap();
    let outcome = done.outcome.unwrap();
    assert_eq!((outcome.status, outcome.logs.len()), (FrameStatus::Success, 40));
}

/// Every amount of gas at which something else runs out: exact and fast form fail alike, and leave alike.
#[test]
fn they_run_out_of_gas_alike() {
    let whole = World::new(rules(), ALL, 1_000_000);
    let done = parallax_campaign::engines::mini().execute(&whole.job(), &mut NoHooks).unwrap();
    let gas = done.outcome.unwrap().gas_used;
    for less in (0..6_000).step_by(7).chain((0..100).map(|step| 21_000 + step * 131)) {
        let Some(limit) = gas.checked_sub(less).filter(|limit| *limit >= 21_000) else { continue };
        let verdict = World::new(rules(), ALL, limit).compare(ShadowMode::All);
        assert!(matches!(verdict, Verdict::Agree), "{limit}: {verdict:?}");
    }
}

#[test]
fn they_fail_alike() {
    let own = [
        // Too few items, too many, a static call, a memory that nobody pays for, immediate bytes behind the end.
        "PUSH 1 PUSH 2 MULDIV",
        "PUSH 1 PUSH 2 SEAL",
        "PUSH 1 PUSH 0 PUSH 0xffffffffffffffff SEAL",
        "PUSH 0xffffffffffffffffffffffff PUSH 0 PUSH 0 SEAL",
        "PUSH 1 DB 0xb201",
        "PUSH 1 DB 0xb2",
        "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xc0 GAS CALL",
        "PUSH 0 PUSH 0 PUSH 1 PUSH 0 PUSH 0xc0 GAS STATICCALL",
        "PUSH 0 PUSH 0 PUSH 1 PUSH 0 PUSH 0 PUSH 0xc0 PUSH 499 CALL",
        "PUSH 0 PUSH 0 PUSH 1 PUSH 0 PUSH 0xc0 GAS DELEGATECALL",
    ];
    for source in own {
        let verdict = World::new(rules(), source, 200_000).compare(ShadowMode::All);
        assert!(matches!(verdict, Verdict::Agree), "{source}: {verdict:?}");
    }
    // Its own code in a static frame: what writes state is refused at its charge.
    let source = "PUSH 0 CALLDATASIZE ISZERO @first JUMPI PUSH 2 COUNT 0x0105
        first: PUSH 0 PUSH 0 PUSH 1 PUSH 0 ADDRESS GAS STATICCALL POP";
    let verdict = World::new(rules(), source, 200_000).compare(ShadowMode::All);
    assert!(matches!(verdict, Verdict::Agree), "{verdict:?}");
}

#[track_caller]
fn divergence(verdict: Verdict) -> Divergence {
    match verdict {
        Verdict::Diverge(divergence) => *divergence,
        verdict => panic!("{verdict:?}"),
    }
}

#[test]
fn a_wrong_function_is_found_at_its_step_and_by_its_name() {
    let source = "PUSH 3 PUSH 4 PUSH 5 MULDIV PUSH 0 MSTORE PUSH 32 PUSH 0 RETURN";
    let found = divergence(World::new(wrong(), source, 200_000).compare(ShadowMode::PerStep));
    assert!(matches!(found.place, Place::Step { index: 3, is_over: true, .. }), "{:?}", found.place);
    assert_eq!((found.field, found.cause.to_string().as_str()), (Field::Stack(0), "arithmetic"));
    let text = found.to_string();
    assert!(text.contains("step 4 at depth 1, pc 6, MULDIV"), "{text}");
    assert!(found.one_line(200).contains("MULDIV"), "{}", found.one_line(200));
    let names: Vec<&str> = found.inputs().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    // In a block of the fast form, where it is hot.
    let looped =
        format!("PUSH 40 again: {} PUSH 1 SWAP1 SUB DUP1 @again JUMPI", "PUSH 3 PUSH 4 PUSH 5 MULDIV POP");
    let found = divergence(World::new(wrong(), &looped, 200_000).compare(ShadowMode::PerStep));
    assert!(found.to_string().contains("MULDIV"), "{found}");
    let sides = [EngineName::PrimaryAlways, EngineName::Mini];
    let stored = "PUSH 3 PUSH 4 PUSH 5 MULDIV PUSH 0 SSTORE @on JUMP on: STOP";
    let world = World::new(wrong(), stored, 200_000);
    let config = config(&sides[0], &sides[1], ShadowMode::PerBlock);
    let found = divergence(compare_job(&world.job(), &sides[0], &sides[1], &config).0.verdict);
    assert!(found.to_string().contains("MULDIV"), "{found}");
}

#[test]
fn an_engine_that_lacks_them_is_not_run() {
    let sides = [EngineName::Primary, EngineName::Revm];
    let config = config(&sides[0], &sides[1], ShadowMode::PerStep);
    let world = World::new(rules(), ALL, 1_000_000);
    let verdict = compare_job(&world.job(), &sides[0], &sides[1], &config).0.verdict;
    assert!(matches!(verdict, Verdict::Unsupported(_)), "{verdict:?}");
}

#[test]
fn what_both_sides_share_is_said_not_to_be_compared() {
    static SHARED: CustomOpcode = CustomOpcode::local(NUMBER, muldiv_fast, muldiv_fast).shared();
    let rules = Rules::builder(Fork::Osaka).opcode(&SHARED).build().unwrap();
    let config = config(&EngineName::Primary, &EngineName::Mini, ShadowMode::PerStep);
    let told = |rules| DiffSetup::new("primary", "mini", &config).on(rules).tolerances;
    let expected = "MULDIV: both sides run one function, so it is not cross-checked";
    assert_eq!(told(rules), [expected]);
    assert!(told(self::rules()).is_empty());
}

#[test]
fn observers_know_them_by_the_table() {
    let world = World::new(rules(), ALL, 1_000_000);
    let engine = parallax_campaign::engines::local("mini", parallax_mini_interpreter::Mini);
    let mut recorder = Recorder::new(TracerConfig { memory_max_bytes: 4096, ..TracerConfig::default() });
    let mut lines = Eip3155Tracer::new(Vec::new(), Options::new(Dialect::Eip3155));
    engine.execute(&world.job(), &mut Traced((&mut recorder, &mut lines))).unwrap();
    let lines = String::from_utf8(lines.finish(None).out.unwrap()).unwrap();
    for name in ["MULDIV", "SEAL", "COUNT", "SUM8"] {
        assert_eq!(lines.matches(&format!("\"opName\":\"{name}\"")).count(), 40, "{name}");
    }
    // What SEAL wrote is rebuilt from the record: each step finds the memory that the run had.
    let trace = recorder.take_trace();
    let mut found = Found::default();
    engine.execute(&world.job(), &mut found).unwrap();
    let mut replay = trace.replay();
    let mut steps = 0;
    for (pc, stack, memory) in &found.0 {
        let step = replay.advance().unwrap();
        let info = step.info().unwrap();
        assert_eq!((info.pc, step.stack().items.as_slice()), (*pc, &stack[..]), "step {steps}");
        assert_eq!(&trace.memory_window(steps, 0, 4096).unwrap().bytes, memory, "step {steps}");
        steps += 1;
    }
    assert_eq!(steps, trace.len());
    let text = disassemble(world.database.accounts[&TO].code.bytes(), world.rules).to_string();
    assert!(text.contains("COUNT 0x0105") && text.contains("MULDIV") && !text.contains('?'), "{text}");
}

/// What each step found.
#[derive(Default)]
struct Found(Vec<(usize, Vec<U256>, Vec<u8>)>);

impl parallax_hooks::Hooks for Found {
    fn interest(&self) -> parallax_hooks::Interest {
        parallax_hooks::Interest::Steps
    }

    fn on_step(&mut self, step: &parallax_hooks::StepView<'_>) -> parallax_hooks::StepControl {
        self.0.push((step.pc, step.stack.to_vec(), step.memory.to_vec()));
        parallax_hooks::StepControl::Continue
    }
}
