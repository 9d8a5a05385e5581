//! Runs one frame of a program on every engine and in every form, and insists that nobody can tell them apart.

use parallax_assembly::assemble_for;
use parallax_engine_interface::{FrameExit, Interpreter};
use parallax_hooks::{Hooks, Interest, NoHooks, StepControl, StepEnd, StepView};
use parallax_mini_interpreter::{Flow, Mini, MiniStepState, execute_single_op};
use parallax_primary_interpreter::{Primary, Tiering};
use parallax_primitives::{
    Address, Bytecode, Bytes, Effect, Fork, FrameOutcome, FrameStatus, Halt, Message, MessageKind, Opcode,
    Rules, U256,
};

use crate::world::World;

/// The account whose frame runs.
pub(crate) const SELF: Address = Address::repeat_byte(0x11);
/// Who called it.
pub(crate) const CALLER: Address = Address::repeat_byte(0xca);

/// One frame to run.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) rules: Rules,
    pub(crate) code: Bytes,
    pub(crate) message: Message,
    pub(crate) world: World,
    /// What comes back from the messages it sends, in order; after the last, success without output or gas.
    pub(crate) answers: Vec<FrameOutcome>,
    /// Steps before this offset of the code are not recorded.
    pub(crate) watched_from: usize,
}

/// What a frame came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) outcome: FrameOutcome,
    pub(crate) messages: Vec<Message>,
    /// The world afterwards; as it was if the frame was undone.
    pub(crate) world: World,
}

/// One opcode as an observer saw it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) before: View,
    pub(crate) after: View,
    pub(crate) gas_cost: u64,
    pub(crate) gas_left: u64,
    pub(crate) halt: Option<Halt>,
    /// What it left behind outside its frame, as text.
    pub(crate) effect: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    pub(crate) index: u64,
    pub(crate) depth: u16,
    pub(crate) pc: usize,
    pub(crate) opcode: Opcode,
    pub(crate) gas: u64,
    pub(crate) refund: i64,
    /// Items on the stack.
    pub(crate) height: usize,
    /// The topmost of them, at most 40, bottom first.
    pub(crate) stack: Vec<U256>,
    pub(crate) memory: Vec<u8>,
    pub(crate) return_data: Bytes,
}

impl Program {
    /// Source for `rules` with plenty of gas in a world that has the frame's own account.
    #[track_caller]
    pub(crate) fn new(rules: impl Into<Rules>, source: &str) -> Self {
        let rules = rules.into();
        match assemble_for(source, rules) {
            Ok(code) => Self::of_bytes(rules, &code),
            Err(error) => panic!("{error}:\n{source}"),
        }
    }

    pub(crate) fn of_bytes(rules: impl Into<Rules>, code: &[u8]) -> Self {
        let rules = rules.into();
        let mut world = World::of(rules.base());
        world.accounts.entry(SELF).or_default().nonce = 1;
        let message = Message {
            kind: MessageKind::Call,
            depth: 3,
            is_static: false,
            gas: 10_000_000,
            caller: CALLER,
            address: SELF,
            code_address: SELF,
            is_delegated: false,
            value: U256::ZERO,
            input: Bytes::new(),
            state_gas: Default::default(),
            salt: U256::ZERO,
        };
        Self {
            rules,
            code: Bytes::copy_from_slice(code),
            message,
            world,
            answers: Vec::new(),
            watched_from: 0,
        }
    }

    pub(crate) fn gas(mut self, gas: u64) -> Self {
        self.message.gas = gas;
        self
    }

    pub(crate) fn in_static_call(mut self) -> Self {
        self.message.is_static = true;
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Runs it everywhere. All runs must be equal; the answer is what they came to, and the steps they took.
    #[track_caller]
    pub(crate) fn run(&self) -> (Run, Vec<Step>) {
        let (run, steps, _) = self.run_everywhere();
        (run, steps)
    }

    /// Runs it everywhere: the blocks it entered.
    #[track_caller]
    pub(crate) fn block_entries(&self) -> Vec<View> {
        self.run_everywhere().2
    }

    /// Runs it unobserved on every engine: what each came to.
    pub(crate) fn outcomes(&self) -> Vec<(&'static str, FrameOutcome)> {
        engines().into_iter().map(|(name, engine)| (name, engine.run(self, &mut NoHooks).outcome)).collect()
    }

    #[track_caller]
    fn run_everywhere(&self) -> (Run, Vec<Step>, Vec<View>) {
        let mut reference: Option<(Run, Vec<Step>, Vec<View>)> = None;
        for (name, engine) in engines() {
            let plain = engine.run(self, &mut NoHooks);
            let mut steps = Steps { watched_from: self.watched_from, ..Steps::default() };
            let stepped = engine.run(self, &mut steps);
            let mut pausing = Steps { pausing: true, watched_from: self.watched_from, ..Steps::default() };
            let paused = engine.run(self, &mut pausing);
            let mut blocks = Blocks::default();
            let by_blocks = engine.run(self, &mut blocks);
            let mut pausing_blocks = Blocks { pausing: true, ..Blocks::default() };
            let paused_by_blocks = engine.run(self, &mut pausing_blocks);

            assert_eq!(plain, stepped, "{name}: unobserved against step by step");
            assert_eq!(plain, paused, "{name}: unobserved against paused at every step");
            assert_eq!(plain, by_blocks, "{name}: unobserved against block by block");
            assert_eq!(plain, paused_by_blocks, "{name}: unobserved against paused at every block");
            assert_eq!(steps.steps, pausing.steps, "{name}: steps, run through against paused");
            assert_eq!(blocks.entries, pausing_blocks.entries, "{name}: blocks, run through against paused");

            match &reference {
                None => reference = Some((plain, steps.steps, blocks.entries)),
                Some((run, reference_steps, entries)) => {
                    for (ours, theirs) in reference_steps.iter().zip(&steps.steps) {
                        assert_eq!(ours, theirs, "step of mini against {name}");
                    }
                    assert_eq!(*reference_steps, steps.steps, "steps of mini against {name}");
                    assert_eq!(*run, plain, "mini against {name}");
                    assert_eq!(*entries, blocks.entries, "block entries of mini against {name}");
                }
            }
        }
        reference.expect("there are engines")
    }

    /// Runs it everywhere, and the frame must end well.
    #[track_caller]
    pub(crate) fn succeed(&self) -> (Run, Vec<Step>) {
        let (run, steps) = self.run();
        assert_eq!(run.outcome.status, FrameStatus::Success);
        (run, steps)
    }

    /// Runs it everywhere to the end of its code: its last opcode, the implied STOP left out.
    #[track_caller]
    pub(crate) fn last(&self) -> Step {
        let (_, mut steps) = self.succeed();
        assert_eq!(steps.pop().map(|step| step.before.opcode), Some(Opcode::STOP));
        steps.pop().expect("there is an opcode before the end")
    }

    /// Runs it everywhere, and the frame must halt; the answer is the failing step.
    #[track_caller]
    pub(crate) fn halt(&self, halt: Halt) -> Step {
        let (run, steps) = self.run();
        assert_eq!(run.outcome, FrameOutcome::halted(halt, 0));
        let last = steps.into_iter().next_back().expect("an opcode halted");
        assert_eq!(last.halt, Some(halt));
        assert_eq!(last.gas_left, last.before.gas, "a failing opcode takes nothing");
        assert_eq!(last.after, last.before, "a failing opcode leaves all as it was");
        assert_eq!(last.effect, "", "a failing opcode has no effect");
        self.check_single_steps(halt, &last);
        last
    }

    /// The public heart of `mini`, driven by hand, halts with its state untouched.
    #[track_caller]
    fn check_single_steps(&self, halt: Halt, last: &Step) {
        let mut world = self.world.clone();
        let code = Bytecode::new(self.code.clone());
        let mut state = MiniStepState::new(self.message.clone(), code, self.rules);
        let mut answers = self.answers.iter().cloned();
        let end = loop {
            match execute_single_op(&mut state, &mut world).expect("this world never fails") {
                Flow::Next => {}
                Flow::Message(_) => state.deliver(answers.next().unwrap_or_else(success)),
                end => break end,
            }
        };
        assert_eq!(end, Flow::Halt(halt));
        assert_eq!((state.pc, state.gas, state.gas_cost), (last.before.pc, last.before.gas, last.gas_cost));
        assert_eq!((state.stack.len(), &state.memory), (last.before.height, &last.before.memory));
    }
}

/// An interpreter as an object.
trait Engine {
    fn run(&self, program: &Program, hooks: &mut dyn Hooks) -> Run;
}

fn engines() -> Vec<(&'static str, Box<dyn Engine>)> {
    vec![
        ("mini", Box::new(Mini)),
        ("primary, exact form", Box::new(Primary::with_tiering(Tiering::Never))),
        ("primary, fast form", Box::new(Primary::with_tiering(Tiering::Always))),
        ("primary, recovering", Box::new(Primary::with_tiering(Tiering::AlwaysRecover))),
        ("primary, when hot", Box::new(Primary::new())),
    ]
}

impl<I: Interpreter> Engine for I {
    fn run(&self, program: &Program, mut hooks: &mut dyn Hooks) -> Run {
        let mut world = program.world.clone();
        let mut answers = program.answers.iter().cloned();
        let mut messages = Vec::new();
        let mut clock = 0;
        let code = Bytecode::new(program.code.clone());
        let mut frame = self.enter(program.message.clone(), code, program.rules);
        loop {
            // `NoHooks` by its type, so that the unobserved loop is what runs.
            let exit = if hooks.interest() == Interest::Nothing {
                self.resume(&mut frame, &mut world, &mut NoHooks, &mut clock)
            } else {
                self.resume(&mut frame, &mut world, &mut hooks, &mut clock)
            };
            match exit.expect("this world never fails") {
                FrameExit::Message(message) => {
                    self.deliver(&mut frame, answers.next().unwrap_or_else(success));
                    messages.push(message);
                }
                FrameExit::Done(outcome) => {
                    if !outcome.status.is_success() {
                        world = program.world.clone();
                    }
                    if program.rules.base() < Fork::Berlin {
                        // Nobody can see what is warm: an engine may ask or not.
                        world.warm_accounts.clear();
                        world.warm_slots.clear();
                    }
                    return Run { outcome, messages, world };
                }
                FrameExit::Paused => {}
                FrameExit::Aborted => unreachable!("nobody aborts"),
            }
        }
    }
}

/// A message that did nothing and used all its gas.
pub(crate) fn success() -> FrameOutcome {
    FrameOutcome {
        status: FrameStatus::Success,
        gas_left: 0,
        output: Bytes::new(),
        created: None,
        state_gas: Default::default(),
    }
}

fn view(step: &StepView<'_>) -> View {
    View {
        index: step.index,
        depth: step.depth,
        pc: step.pc,
        opcode: step.opcode,
        gas: step.gas,
        refund: step.refund,
        height: step.stack.len(),
        stack: step.stack[step.stack.len().saturating_sub(40)..].to_vec(),
        memory: step.memory.to_vec(),
        return_data: Bytes::copy_from_slice(step.return_data),
    }
}

/// Records every step; optionally pauses before each.
#[derive(Default)]
struct Steps {
    pausing: bool,
    watched_from: usize,
    before: Option<View>,
    steps: Vec<Step>,
}

impl Hooks for Steps {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if step.pc >= self.watched_from {
            assert_eq!(self.before.replace(view(step)), None, "every opcode is asked about once, and ends");
        }
        if self.pausing { StepControl::Pause } else { StepControl::Continue }
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        if step.pc < self.watched_from {
            return;
        }
        let before = self.before.take().expect("an opcode ends after it began");
        let effect = match end.effect {
            Effect::None => String::new(),
            effect => format!("{effect:?}"),
        };
        let StepEnd { gas_cost, gas_left, halt, .. } = *end;
        self.steps.push(Step { before, after: view(step), gas_cost, gas_left, halt, effect });
    }
}

/// Records every block entry; optionally pauses before each.
#[derive(Default)]
struct Blocks {
    pausing: bool,
    entries: Vec<View>,
}

impl Hooks for Blocks {
    fn interest(&self) -> Interest {
        Interest::Blocks
    }

    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.entries.push(view(entry));
        if self.pausing { StepControl::Pause } else { StepControl::Continue }
    }
}
