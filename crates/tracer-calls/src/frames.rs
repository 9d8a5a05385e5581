//! The frames of a run, in the order in which they began, as go-ethereum sees them.

use std::borrow::Cow;

use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::{
    Address, Bytes, Effect, FrameOutcome, FrameStatus, Halt, Message, MessageKind, Opcode, Rules, Subject,
    U256,
};
use parallax_tracer_core::{Tracer, Wants};
use parallax_tracer_eip3155::GethWords;

use crate::{
    TracerError,
    called::{called, sends_to},
    error::LIMIT,
    frame::{Frame, FrameKind, FrameLog},
    precompiled,
    revert_reason::revert_reason,
};

/// What is kept of a frame besides its bytes, roughly.
const FRAME_BYTES: usize = 512;

/// Which frames and logs are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FramesConfig {
    pub(crate) only_top: bool,
    pub(crate) with_logs: bool,
    /// Logs of the block before the transaction.
    pub(crate) logs_before: u64,
    /// Whether CALL and STATICCALL to precompiled contracts are left out.
    pub(crate) without_precompiled: bool,
}

/// Gathers frames.
#[derive(Debug)]
pub(crate) struct Frames {
    config: FramesConfig,
    rules: Option<Rules>,
    /// Gas limit of the transaction, if it is one.
    gas_limit: Option<u64>,
    outermost: u16,
    frames: Vec<Frame>,
    /// Numbers of the frames that go on, outermost first; `None` where one is not kept.
    open: Vec<Option<usize>>,
    words: GethWords,
    /// What the opcode that runs may do.
    pending: Pending,
    /// What the frame that goes on has returned, if it is a creation: its outcome does not have it.
    code: Bytes,
    bytes: usize,
    is_over: bool,
}

/// What an opcode found, of what its end does not have any more.
#[derive(Clone, Copy, Debug, Default)]
struct Pending {
    /// The item below the top, which a call sends its message to.
    target: Address,
    beneficiary: Address,
    balance: Option<U256>,
    /// Offset and length of what init code is about to return.
    returns: Option<(usize, usize)>,
}

impl Frames {
    pub(crate) fn new(config: FramesConfig) -> Self {
        Self {
            config,
            rules: None,
            gas_limit: None,
            outermost: 0,
            frames: Vec::new(),
            open: Vec::new(),
            words: GethWords::default(),
            pending: Pending::default(),
            code: Bytes::new(),
            bytes: 0,
            is_over: false,
        }
    }

    /// All of them, the outermost first.
    pub(crate) fn finished(&self) -> Result<&[Frame], TracerError> {
        if self.bytes > LIMIT {
            return Err(TracerError::TooLarge);
        }
        if !self.is_over || self.frames.is_empty() || !self.open.is_empty() {
            return Err(TracerError::NotTraced);
        }
        Ok(&self.frames)
    }

    /// The number of the innermost frame that goes on, if it is kept.
    fn current(&self) -> Option<usize> {
        self.open.last().copied().flatten()
    }

    fn push(&mut self, frame: Frame) -> Option<usize> {
        let data = frame.input.len() + frame.output.len();
        if !self.has_room(FRAME_BYTES + data) {
            return None;
        }
        if let Some(parent) = frame.parent {
            self.frames[parent].calls += 1;
        }
        self.frames.push(frame);
        Some(self.frames.len() - 1)
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        self.bytes <= LIMIT
    }

    fn begin(&mut self, message: &Message) {
        let is_top = self.open.is_empty();
        let number = if self.config.only_top && !is_top { None } else { self.push(self.frame(message)) };
        self.open.push(number);
    }

    fn frame(&self, message: &Message) -> Frame {
        let target = called(message, self.pending.target);
        let is_top = self.open.is_empty();
        Frame {
            kind: FrameKind::Message(message.kind),
            from: if message.kind == MessageKind::DelegateCall { message.address } else { message.caller },
            to: Some(target),
            gas: self.gas_limit.filter(|_| is_top).unwrap_or(message.gas),
            gas_used: 0,
            input: message.input.clone(),
            output: Bytes::new(),
            error: None,
            reason: None,
            logs: Vec::new(),
            value: (message.kind != MessageKind::StaticCall).then_some(message.value),
            parent: self.current(),
            calls: 0,
        }
    }

    fn end_frame(&mut self, message: &Message, outcome: &FrameOutcome) {
        let words = self.words.of(outcome.status).map(Cow::into_owned);
        let code = std::mem::take(&mut self.code);
        let Some(number) = self.open.pop().flatten() else { return };
        let frame = &mut self.frames[number];
        frame.gas_used = message.gas.saturating_sub(outcome.gas_left);
        let output = match outcome.status {
            FrameStatus::Success if message.kind.is_create() => code,
            FrameStatus::Success => outcome.output.clone(),
            FrameStatus::Revert => {
                frame.reason = revert_reason(&outcome.output);
                outcome.output.clone()
            }
            FrameStatus::Halt(_) => Bytes::new(),
        };
        frame.error = match (outcome.status, frame.to) {
            (FrameStatus::Halt(Halt::PrecompileFailure), Some(to)) => {
                Some(precompiled::refusal(&to, &frame.input).to_owned())
            }
            _ => words,
        };
        if frame.kind.is_create() && !outcome.status.is_success() {
            frame.to = None;
        }
        if self.has_room(output.len()) {
            self.frames[number].output = output;
        }
        if self.config.without_precompiled {
            self.leave_out_precompiled(number);
        }
    }

    fn leave_out_precompiled(&mut self, number: usize) {
        let frame = &self.frames[number];
        let is_call = matches!(frame.kind, FrameKind::Message(MessageKind::Call | MessageKind::StaticCall));
        let contract = self.rules.zip(frame.to).and_then(|(rules, to)| precompiled::contract_at(rules, &to));
        if let (Some(parent), Some(_), true) = (frame.parent, contract, is_call) {
            self.frames.truncate(number);
            self.frames[parent].calls -= 1;
        }
    }

    fn self_destruct(&mut self, step: &StepView<'_>) {
        if self.config.only_top {
            return;
        }
        let Pending { beneficiary, balance, .. } = self.pending;
        self.push(Frame {
            kind: FrameKind::SelfDestruct,
            from: step.message.address,
            to: Some(beneficiary),
            gas: 0,
            gas_used: 0,
            input: Bytes::new(),
            output: Bytes::new(),
            error: None,
            reason: None,
            logs: Vec::new(),
            value: balance,
            parent: self.current(),
            calls: 0,
        });
    }

    fn log(&mut self, step: &StepView<'_>, effect: Effect<'_>) {
        let (Effect::Log(log), Some(number), true) = (effect, self.current(), self.config.with_logs) else {
            return;
        };
        if self.has_room(FRAME_BYTES + log.data.len()) {
            // It is the last one of the transaction so far.
            let index = self.config.logs_before + (step.journal.logs().len() as u64).saturating_sub(1);
            let frame = &mut self.frames[number];
            let position = frame.calls;
            frame.logs.push(FrameLog { log: log.clone(), index, position });
        }
    }

    /// Takes back the logs of frames that failed, and of all that came from them.
    fn take_back_logs(&mut self) {
        let mut failed = vec![false; self.frames.len()];
        for number in 0..self.frames.len() {
            let frame = &mut self.frames[number];
            failed[number] = frame.error.is_some() || frame.parent.is_some_and(|parent| failed[parent]);
            if failed[number] {
                frame.logs.clear();
            }
        }
    }
}

impl Tracer for Frames {
    fn start(&mut self, start: &Start<'_>) {
        *self = Self::new(self.config);
        self.rules = Some(start.rules);
        self.outermost = start.subject.depth();
        self.gas_limit = matches!(start.subject, Subject::Transaction(_)).then(|| start.subject.gas());
    }

    fn end(&mut self, end: &End<'_>) {
        if let End::Outcome(outcome) = end {
            self.is_over = true;
            if let Some(top) = self.frames.first_mut() {
                top.gas_used = outcome.gas_used;
            }
            self.take_back_logs();
        }
    }

    fn wants(&self) -> Wants {
        Wants::Steps
    }

    fn step(&mut self, step: &StepView<'_>) {
        self.words.step(step);
        let item = |at: usize| step.stack.iter().nth_back(at).copied().unwrap_or_default();
        self.pending = match step.opcode {
            Opcode::CALL | Opcode::CALLCODE | Opcode::DELEGATECALL | Opcode::STATICCALL => {
                Pending { target: sends_to(step), ..Pending::default() }
            }
            Opcode::SELFDESTRUCT => Pending {
                beneficiary: Address::from_word(item(0).into()),
                balance: step.journal.balance(step.message.address),
                ..Pending::default()
            },
            Opcode::RETURN if step.message.kind.is_create() => {
                let returns = Some((item(0).saturating_to(), item(1).saturating_to()));
                Pending { returns, ..Pending::default() }
            }
            _ => Pending::default(),
        };
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.words.step_end(step, end);
        if end.halt.is_some() {
            return;
        }
        self.log(step, end.effect);
        if step.opcode == Opcode::SELFDESTRUCT {
            self.self_destruct(step);
        }
        if let Some((offset, length)) = self.pending.returns {
            let code = step.memory.get(offset..).and_then(|memory| memory.get(..length));
            self.code = Bytes::copy_from_slice(code.unwrap_or_default());
        }
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        match phase {
            MessagePhase::Before => self.begin(message),
            MessagePhase::After(outcome) => self.end_frame(message, outcome),
        }
    }
}
