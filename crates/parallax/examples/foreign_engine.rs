//! An engine of other hands, compared at every step: a toy that knows PUSH1, ADD, POP and STOP and has a callback before each opcode.
//!
//! Three things make it comparable: it shows each opcode as a `StepView`, says what the opcode did as a `StepEnd`, and answers an
//! outcome. It cannot be paused, so it stands on the left and is watched; the engine on the right is stepped beside it.

use parallax::{
    assembly::assemble,
    engine::{Capabilities, Engine, EngineError, Execution, Job, Stepper},
    hooks::{Hooks, MessagePhase, StepEnd, StepView},
    host::{HostError, NoPrecompiles, StateChanges},
    memory_database::MemoryDatabase,
    mini_interpreter::Mini,
    mini_machine::MiniEngine,
    primitives::*,
    shadow_diff::{ShadowConfig, ShadowMode, Verdict, compare_engines},
};

/// Somebody else's EVM: it runs code and calls back.
struct Toy {
    /// Its ADD is wrong from this operand on.
    wrong_from: u64,
}

/// What it shows of itself.
struct State<'a> {
    code: &'a [u8],
    pc: usize,
    gas: u64,
    stack: Vec<u64>,
}

impl Toy {
    /// Runs `state` to its end. `seen` is called before each opcode, and behind it with its cost.
    fn run(&self, state: &mut State<'_>, seen: &mut dyn FnMut(&State<'_>, u8, Option<u64>)) {
        loop {
            let opcode = state.code.get(state.pc).copied().unwrap_or(0);
            seen(state, opcode, None);
            let (at, cost) = (
                state.pc,
                if opcode == 0x50 {
                    2
                } else if opcode == 0 {
                    0
                } else {
                    3
                },
            );
            state.gas -= cost;
            match opcode {
                0x60 => state.stack.push(u64::from(state.code[state.pc + 1])),
                0x01 => {
                    let (a, b) = (state.stack.pop().unwrap_or(0), state.stack.pop().unwrap_or(0));
                    state.stack.push(a + b + u64::from(a.max(b) >= self.wrong_from));
                }
                0x50 => drop(state.stack.pop()),
                _ => {}
            }
            seen(state, opcode, Some(cost));
            state.pc = at + if opcode == 0x60 { 2 } else { 1 };
            if opcode == 0 {
                return;
            }
        }
    }
}

/// Nothing of the world is known of it but this: no storage, no logs, no refund.
struct NoJournal;

impl JournalView for NoJournal {
    fn refund(&self) -> i64 {
        0
    }
    fn storage(&self, _: Address, _: U256) -> Option<U256> {
        None
    }
    fn original_storage(&self, _: Address, _: U256) -> Option<U256> {
        None
    }
    fn transient_storage(&self, _: Address, _: U256) -> U256 {
        U256::ZERO
    }
    fn logs(&self) -> &[Log] {
        &[]
    }
}

impl Engine for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    /// It shows steps; it cannot be paused, and knows neither block entries nor transactions.
    fn capabilities(&self) -> Capabilities {
        Capabilities { steps: true, messages: true, ..Capabilities::RESULTS }
    }

    fn start<'a>(&'a self, _: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        Ok(None)
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        let Subject::Message { message, .. } = job.subject else {
            return Err(HostError::new("a toy runs bare messages alone").into());
        };
        hooks.on_start(&job.start());
        hooks.on_message(message, MessagePhase::Before);
        let account = job.database.account(message.address)?.unwrap_or_default();
        let code = job.database.code(account.code_hash)?;
        let mut state = State { code: code.bytes(), pc: 0, gas: message.gas, stack: Vec::new() };
        let mut index = 0;
        self.run(&mut state, &mut |state, opcode, cost| {
            let stack: Vec<U256> = state.stack.iter().map(|item| U256::from(*item)).collect();
            let view = StepView {
                index,
                rules: job.rules,
                depth: 0,
                pc: state.pc,
                opcode: Opcode(opcode),
                gas: state.gas,
                state_gas: message.state_gas,
                refund: 0,
                stack: &stack,
                memory: &[],
                return_data: &[],
                message,
                code: state.code,
                journal: &NoJournal,
            };
            match cost {
                // A toy does not stop where it is asked to.
                None => drop(hooks.on_step(&view)),
                Some(gas_cost) => {
                    let end = StepEnd { gas_cost, gas_left: state.gas, ..StepEnd::default() };
                    hooks.on_step_end(&view, &end);
                    index += 1;
                }
            }
        });
        let (status, gas_left) = (FrameStatus::Success, state.gas);
        let outcome = FrameOutcome {
            status,
            gas_left,
            output: Bytes::new(),
            created: None,
            state_gas: Default::default(),
        };
        hooks.on_message(message, MessagePhase::After(&outcome));
        let gas_used = message.gas - gas_left;
        let outcome = TxOutcome {
            status,
            gas_used,
            gas_refunded: 0,
            execution_gas: gas_used,
            state_gas: 0,
            output: Bytes::new(),
            created: None,
            logs: Vec::new(),
        };
        let execution =
            Execution { outcome: Some(outcome), changes: StateChanges::default(), accesses: None };
        hooks.on_end(&execution.end());
        Ok(execution)
    }
}

fn verdict(toy: &Toy) -> Result<Verdict, Box<dyn std::error::Error>> {
    let to = Address::repeat_byte(0x22);
    let database = MemoryDatabase::with_code(to, assemble("PUSH1 1 PUSH1 2 ADD PUSH1 40 ADD POP STOP")?);
    let (block, environment) = (BlockEnv::default(), TxEnv { chain_id: 1, ..TxEnv::default() });
    let message = Message::call(Address::ZERO, to).gas(1_000);
    let subject = Subject::Message { message: &message, environment: &environment };
    let job = Job { rules: Fork::Osaka.into(), chain_id: 1, block: &block, subject, database: &database };
    let mini = MiniEngine::new("mini", Mini, &NoPrecompiles);
    let config = ShadowConfig::between(toy, &mini, ShadowMode::PerStep);
    Ok(compare_engines(toy, &mini, &job, &config).verdict)
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let right = verdict(&Toy { wrong_from: u64::MAX })?;
    println!("a right toy and mini: {}", right.name());
    assert!(matches!(right, Verdict::Agree), "{right:?}");
    let Verdict::Diverge(divergence) = verdict(&Toy { wrong_from: 40 })? else {
        return Err("not found".into());
    };
    println!("{divergence}");
    assert!(divergence.to_string().contains("after step 5 at depth 1, pc 7, ADD"));
    Ok(())
}
