//! A recorder beside one that clones everything: what the first gives back must be what the second saw.

use parallax_hooks::{MessagePhase, StepEnd, StepView};
use parallax_primitives::{Effect, Halt, Log, Message, Opcode, StateGas, StorageChange, U256};
use parallax_tracer_core::Tracer;
use parallax_tracer_standard::{Recorder, State, TracerConfig};

/// All that hooks showed of one step.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) opcode: Opcode,
    pub(crate) depth: u16,
    pub(crate) before: Snapshot,
    pub(crate) after: Snapshot,
    pub(crate) gas_cost: u64,
    pub(crate) state_gas_cost: i64,
    pub(crate) halt: Option<Halt>,
    pub(crate) change: Option<(bool, StorageChange)>,
    pub(crate) log: Option<Log>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) pc: usize,
    pub(crate) gas: u64,
    pub(crate) state_gas: StateGas,
    pub(crate) refund: i64,
    pub(crate) stack: Vec<U256>,
    pub(crate) memory: Vec<u8>,
    pub(crate) return_data: Vec<u8>,
}

impl Snapshot {
    fn of_view(step: &StepView<'_>) -> Self {
        Self {
            pc: step.pc,
            gas: step.gas,
            state_gas: step.state_gas,
            refund: step.refund,
            stack: step.stack.to_vec(),
            memory: step.memory.to_vec(),
            return_data: step.return_data.to_vec(),
        }
    }

    fn is(&self, state: &State) -> bool {
        (self.pc, self.gas, self.state_gas, self.refund)
            == (state.pc, state.gas, state.state_gas, state.refund)
            && (self.stack.len(), self.memory.len()) == (state.stack_size, state.memory_size)
            && self.stack == state.stack
            && self.memory == state.memory
            && self.return_data == *state.return_data
    }

    #[allow(dead_code, reason = "not every test file looks at single states")]
    pub(crate) fn of_state(state: &State) -> Self {
        assert_eq!((state.stack.len(), state.memory.len()), (state.stack_size, state.memory_size));
        Self {
            pc: state.pc,
            gas: state.gas,
            state_gas: state.state_gas,
            refund: state.refund,
            stack: state.stack.clone(),
            memory: state.memory.clone(),
            return_data: state.return_data.to_vec(),
        }
    }
}

/// Records twice, and compares every so many steps by draining the recorder.
pub(crate) struct Checked {
    pub(crate) recorder: Recorder,
    /// Steps since the last comparison.
    pub(crate) seen: Vec<Seen>,
    /// Steps compared.
    pub(crate) compared: u64,
    interval: usize,
}

impl Checked {
    /// `interval` of `usize::MAX` keeps all steps for the caller to compare.
    pub(crate) fn new(interval: usize) -> Self {
        Self { recorder: Recorder::new(TracerConfig::full()), seen: Vec::new(), compared: 0, interval }
    }

    #[track_caller]
    pub(crate) fn compare(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        let first = self.compared;
        let mut replay = self.recorder.drain_new();
        // First come those that were given before, and were open then.
        let mut ahead = replay.clone();
        while ahead.advance().is_some_and(|step| step.index < first) {
            let _ = replay.advance();
        }
        for (index, seen) in (first..).zip(&seen) {
            let step = replay.advance().unwrap_or_else(|| panic!("step {index} is missing"));
            assert_eq!(
                (step.index, step.opcode(), step.state.depth, step.gas_cost(), step.halt()),
                (index, seen.opcode, seen.depth, seen.gas_cost, seen.halt)
            );
            assert_eq!(step.gas_left(), (seen.after.gas, seen.after.state_gas), "step {index}");
            assert_eq!(step.state_gas_cost(), seen.state_gas_cost, "step {index}");
            assert_eq!(step.has_effect(), seen.change.is_some() || seen.log.is_some());
            assert!(seen.before.is(step.state), "before step {index}: {seen:?} is {:?}", step.state);
        }
        assert!(replay.advance().is_none());
        self.compared += seen.len() as u64;

        let trace = self.recorder.trace();
        for at in [0, seen.len() / 2 + usize::from(seen.len() > 1), seen.len().saturating_sub(1)] {
            let Some(seen) = seen.get(at) else { continue };
            let state = trace.state_before(first + at as u64).unwrap();
            assert!(seen.before.is(&state), "before step {}: {seen:?} is {state:?}", first + at as u64);
        }
        let changes = trace
            .storage_changes_since(first)
            .map(|change| (change.step, change.is_transient, change.change));
        let expected_changes = (first..).zip(&seen).filter_map(|(index, seen)| {
            seen.change.map(|(is_transient, change)| (index, is_transient, change))
        });
        assert!(changes.eq(expected_changes));
        let logs = trace
            .logs_since(first)
            .iter()
            .map(|(step, log)| (*step, log.address, log.topics.clone(), log.data.clone(), log.data_length));
        let expected_logs = (first..).zip(&seen).filter_map(|(index, seen)| {
            let log = seen.log.clone()?;
            Some((index, log.address, log.topics, log.data.clone(), log.data.len()))
        });
        assert!(logs.eq(expected_logs));
    }
}

impl Tracer for Checked {
    fn step(&mut self, step: &StepView<'_>) {
        self.seen.push(Seen {
            opcode: step.opcode,
            depth: step.depth,
            before: Snapshot::of_view(step),
            after: Snapshot::default(),
            gas_cost: 0,
            state_gas_cost: 0,
            halt: None,
            change: None,
            log: None,
        });
        self.recorder.step(step);
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let seen = self.seen.last_mut().unwrap();
        seen.after = Snapshot { gas: end.gas_left, ..Snapshot::of_view(step) };
        (seen.gas_cost, seen.halt) = (end.gas_cost, end.halt);
        seen.state_gas_cost = end.state_gas_cost;
        match end.effect {
            Effect::None => {}
            Effect::Storage(change) => seen.change = Some((false, change)),
            Effect::Transient(change) => seen.change = Some((true, change)),
            Effect::Log(log) => seen.log = Some(log.clone()),
        }
        self.recorder.step_end(step, end);
        if self.seen.len() >= self.interval {
            self.compare();
        }
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        self.recorder.message(message, phase);
    }
}
