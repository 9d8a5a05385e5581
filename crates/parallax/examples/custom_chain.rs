//! A chain of one's own in one file: an opcode, a precompiled contract with a state, and a price, each in both engines.
//!
//! What the opcode and the contract do is written twice, by two hands if it can be: the comparison then says whether they agree, at
//! every step, in every form of the fast engine. Here the second half gives the plain engine a wrong function, and shows what that
//! looks like.

use parallax::{
    assembly::{assemble_for, disassemble},
    engine::{Engine, Job},
    host::{ContractCall, CustomContract, CustomOpcode, HostError, OpcodeFault, OpcodeFrame},
    local_engine::LocalEngine,
    memory_database::MemoryDatabase,
    mini_interpreter::Mini,
    mini_machine::MiniEngine,
    mini_precompiles, precompiles,
    primary_interpreter::{Primary, Tiering},
    primitives::*,
    shadow_diff::{ShadowConfig, ShadowMode, Verdict, compare_engines},
};

/// MULDIV: a * b / c, the product in 512 bits; zero where c is.
const MULDIV: OpcodeInfo = OpcodeInfo {
    opcode: Opcode(0xb0),
    name: "MULDIV",
    class: Class::Arithmetic,
    inputs: &[
        Operand { name: "a", role: Role::Value },
        Operand { name: "b", role: Role::Value },
        Operand { name: "divisor", role: Role::Value },
    ],
    outputs: &[Role::Value],
    immediate: 0,
    gas: 8,
    writes_state: false,
};

fn muldiv_fast(frame: &mut dyn OpcodeFrame) -> Result<(), OpcodeFault> {
    let [a, b, divisor] = [0, 1, 2].map(|index| frame.operand(index));
    let product = a.widening_mul::<256, 4, 512, 8>(b);
    let quotient = product.checked_div(divisor.to()).unwrap_or_default();
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

/// As somebody in a hurry would write it: the product is cut to 256 bits.
fn muldiv_wrong(frame: &mut dyn OpcodeFrame) -> Result<(), OpcodeFault> {
    let [a, b, divisor] = [0, 1, 2].map(|index| frame.operand(index));
    frame.set_result(a.wrapping_mul(b).checked_div(divisor).unwrap_or_default());
    Ok(())
}

/// A contract that counts its calls in a slot of its own, for 500 gas.
const COUNTER: Address = address!("0000000000000000000000000000000000000c00");

fn counter_fast(call: &mut ContractCall<'_>) -> Result<FrameOutcome, HostError> {
    let Some(gas_left) = call.message.gas.checked_sub(500).filter(|_| !call.message.is_static) else {
        return Ok(FrameOutcome::halted(Halt::PrecompileFailure, 0));
    };
    let count = call.host.load_slot(COUNTER, U256::ZERO)?.current + U256::ONE;
    call.host.store_slot(COUNTER, U256::ZERO, count)?;
    let output = count.to_be_bytes_vec().into();
    Ok(FrameOutcome {
        status: FrameStatus::Success,
        gas_left,
        output,
        created: None,
        state_gas: Default::default(),
    })
}

fn counter_plain(call: &mut ContractCall<'_>) -> Result<FrameOutcome, HostError> {
    let message = call.message;
    if message.is_static || message.gas < 500 {
        return Ok(FrameOutcome::halted(Halt::PrecompileFailure, 0));
    }
    let slot = call.host.load_slot(COUNTER, U256::ZERO)?;
    let next = slot.current.wrapping_add(U256::from(1));
    call.host.store_slot(COUNTER, U256::ZERO, next)?;
    Ok(FrameOutcome {
        status: FrameStatus::Success,
        gas_left: message.gas - 500,
        output: Bytes::copy_from_slice(&next.to_be_bytes::<32>()),
        created: None,
        state_gas: Default::default(),
    })
}

static OPCODE: CustomOpcode = CustomOpcode::local(MULDIV, muldiv_fast, muldiv_plain);
static HURRIED: CustomOpcode = CustomOpcode::local(MULDIV, muldiv_fast, muldiv_wrong);
static CONTRACT: CustomContract = CustomContract::new(COUNTER, "COUNTER", counter_fast, counter_plain);

fn rules(name: &str, opcode: &'static CustomOpcode) -> Result<Rules, RulesError> {
    let builder = Rules::builder(Fork::Osaka).name(name).chain_id(4242);
    builder.opcode(opcode).contract(&CONTRACT).static_gas(Opcode::SLOAD, 50).build()
}

/// A loop over all of it.
const PROGRAM: &str = "PUSH 20
    again:
        PUSH 3 PUSH 5 DUP3 NOT MULDIV PUSH 7 SSTORE
        PUSH 32 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xc00 GAS CALL POP
        PUSH 1 SWAP1 SUB DUP1 @again JUMPI
    PUSH 32 PUSH 0 RETURN";

fn compare(rules: Rules, left: &dyn Engine, mode: ShadowMode) -> Result<Verdict, Box<dyn std::error::Error>> {
    let to = Address::repeat_byte(0x22);
    let database = MemoryDatabase::with_code(to, assemble_for(PROGRAM, rules)?);
    let transaction =
        Transaction { to: Some(to), gas_limit: 1_000_000, chain_id: Some(4242), ..Transaction::default() };
    let (block, subject) = (BlockEnv::default(), (&transaction).into());
    let job = Job { rules, chain_id: rules.chain_id(), block: &block, subject, database: &database };
    let right = MiniEngine::new("mini", Mini, &mini_precompiles::Contracts);
    let config = ShadowConfig { mode, ..ShadowConfig::default() };
    Ok(compare_engines(left, &right, &job, &config).verdict)
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ours = rules("ours", &OPCODE)?;
    println!("{}", disassemble(&assemble_for(PROGRAM, ours)?, ours));
    let fast = LocalEngine::new("primary", Primary::new(), &precompiles::Contracts);
    // All code translated: the opcode is an instruction of the fast form.
    let translated = Primary::with_tiering(Tiering::Always);
    let translated = LocalEngine::new("primary-always", translated, &precompiles::Contracts);
    for (engine, mode) in
        [(&fast, ShadowMode::PerStep), (&fast, ShadowMode::PerBlock), (&translated, ShadowMode::PerBlock)]
    {
        let verdict = compare(ours, engine, mode)?;
        println!("{} and mini, {}: {}", engine.name(), mode.name(), verdict.name());
        assert!(matches!(verdict, Verdict::Agree));
    }
    let Verdict::Diverge(divergence) = compare(rules("hurried", &HURRIED)?, &fast, ShadowMode::PerStep)?
    else {
        return Err("the wrong function was not found".into());
    };
    println!("{divergence}");
    assert!(divergence.to_string().contains("after step 7 at depth 1, pc 9, MULDIV"));
    Ok(())
}
