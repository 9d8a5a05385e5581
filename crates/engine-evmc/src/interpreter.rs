//! A library as an interpreter.
//!
//! EVMC is recursive: a library that sends a message waits in the host's function. Our machine is not, and they meet like this: the
//! child waits, the machine starts the nested frame, and that is an execution in the same child, on top of the one that waits; when it
//! is over, its outcome is the answer. The machine's frames are a stack, and so are the child's calls: they are the same one.

use std::sync::{Mutex, PoisonError};

use parallax_engine_interface::{FrameExit, Interpreter};
use parallax_evmc_abi::{CallKind, Flags, Revision, StatusCode};
use parallax_hooks::{Hooks, StepView};
use parallax_host_interface::{Host, HostError, HostErrorKind};
use parallax_primitives::{
    Bytecode, Eip, FrameOutcome, FrameStatus, JournalView, Message, MessageKind, Opcode, Rules, U256,
};

use crate::{
    answers::{Asked, ColdReads, answered},
    lane::Lane,
    protocol::{Heard, Said, answer, order},
    status::{frame_status, revision, status_code},
};

/// A library in a child process, for one transaction.
pub(crate) struct Remote(Mutex<Option<Lane>>);

/// An execution in the child.
pub(crate) struct RemoteFrame {
    message: Message,
    code: Bytecode,
    rules: Rules,
    stage: Stage,
    /// The refund counter when it began.
    refund: i64,
    cold_reads: ColdReads,
}

enum Stage {
    /// The child does not know of it.
    New,
    /// It waits for a message, which was sent with the refund counter at so much.
    Waiting(i64),
    /// The message has come to this.
    Delivered(i64, FrameOutcome),
}

impl Remote {
    pub(crate) fn new(lane: Lane) -> Self {
        Self(Mutex::new(Some(lane)))
    }

    /// The child, once the transaction is over.
    pub(crate) fn take(&self) -> Option<Lane> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Interpreter for Remote {
    type Frame = RemoteFrame;

    fn enter(&self, message: Message, code: Bytecode, rules: Rules) -> RemoteFrame {
        RemoteFrame { message, code, rules, stage: Stage::New, refund: 0, cold_reads: ColdReads::default() }
    }

    fn resume<K: Hooks>(
        &self,
        frame: &mut RemoteFrame,
        host: &mut dyn Host,
        _: &mut K,
        _: &mut u64,
    ) -> Result<FrameExit, HostError> {
        let mut lane = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lane) = &mut *lane else { return Err(HostError::new("there is no process to run it")) };
        frame.tell(lane, host)?;
        loop {
            lane.exchange()?;
            let mut heard = Heard::new(&lane.heard);
            let nonsense = match heard.byte() {
                Some(answer::DONE) => {
                    lane.open -= 1;
                    match frame.end(&mut heard, host)? {
                        Some(outcome) => return Ok(FrameExit::Done(outcome)),
                        None => "a result is cut off",
                    }
                }
                Some(answer::LOST) => return Err(HostError::new(heard.text().unwrap_or_default())),
                Some(what) => {
                    let (by, cold_reads) = ((&frame.message, frame.rules), &mut frame.cold_reads);
                    match answered(what, &mut heard, host, by, cold_reads, &mut lane.said)? {
                        Asked::Answered => continue,
                        Asked::Message(message) => {
                            frame.stage = Stage::Waiting(host.journal_view().refund());
                            return Ok(FrameExit::Message(message));
                        }
                        Asked::Nonsense(what) => what,
                    }
                }
                None => "nothing",
            };
            return Err(lane.makes_no_sense(nonsense));
        }
    }

    fn deliver(&self, frame: &mut RemoteFrame, child: FrameOutcome) {
        if let Stage::Waiting(refund) = frame.stage {
            frame.stage = Stage::Delivered(refund, child);
        }
    }

    /// What a library stands before it does not tell, and it is never paused.
    fn view<'a>(&self, frame: &'a RemoteFrame, journal: &'a dyn JournalView, clock: u64) -> StepView<'a> {
        StepView {
            index: clock,
            rules: frame.rules,
            depth: frame.message.depth,
            pc: 0,
            opcode: Opcode::STOP,
            gas: frame.message.gas,
            state_gas: frame.message.state_gas,
            refund: journal.refund(),
            stack: &[],
            memory: &[],
            return_data: &[],
            message: &frame.message,
            code: frame.code.bytes(),
            journal,
        }
    }
}

impl RemoteFrame {
    /// Says what the child waits for: that there is a message to run, or what one has come to.
    fn tell(&mut self, lane: &mut Lane, host: &mut dyn Host) -> Result<(), HostError> {
        let refund = host.journal_view().refund();
        match std::mem::replace(&mut self.stage, Stage::Waiting(refund)) {
            Stage::New => {
                let Some(revision) = revision(self.rules) else {
                    return Err(unsupported("EVMC knows the forks of mainnet alone".into()));
                };
                self.refund = refund;
                if !lane.has_begun {
                    begin(&mut lane.said, self.rules, host)?;
                    lane.has_begun = true;
                }
                self.execute(&mut lane.said, revision)?;
                lane.open += 1;
                Ok(())
            }
            Stage::Delivered(before, outcome) => {
                let added = if outcome.status.is_success() { refund - before } else { 0 };
                let FrameOutcome { status, gas_left, output, created, .. } = outcome;
                let gas_left = signed(gas_left)?;
                let delivered = lane.said.begin(order::DELIVER).int(status_code(status).0.into());
                delivered.int(gas_left).int(added).address(created.unwrap_or_default()).bytes(&output);
                Ok(())
            }
            Stage::Waiting(_) => Err(HostError::new("a message that was sent has come to nothing")),
        }
    }

    fn execute(&self, said: &mut Said, revision: Revision) -> Result<(), HostError> {
        let Message { kind, depth, is_static, gas, caller, address, .. } = self.message;
        let Message { code_address, is_delegated, value, salt, ref input, .. } = self.message;
        let (kind, flags) = match kind {
            MessageKind::Call => (CallKind::CALL, Flags::NONE),
            MessageKind::StaticCall => (CallKind::CALL, Flags::STATIC),
            MessageKind::CallCode => (CallKind::CALLCODE, Flags::NONE),
            MessageKind::DelegateCall => (CallKind::DELEGATECALL, Flags::NONE),
            MessageKind::Create => (CallKind::CREATE, Flags::NONE),
            MessageKind::Create2 => (CallKind::CREATE2, Flags::NONE),
        };
        let flags = if is_static { flags.with(Flags::STATIC) } else { flags };
        let flags = if is_delegated { flags.with(Flags::DELEGATED) } else { flags };
        let gas = signed(gas)?;
        said.begin(order::EXECUTE)
            .int(revision.0.into())
            .int(kind.0.into())
            .int(flags.0.into())
            .int(depth.into())
            .int(gas)
            .address(address)
            .address(caller)
            .word(value.to_be_bytes())
            .word(salt.to_be_bytes())
            .address(code_address)
            .bytes(input)
            .bytes(self.code.bytes());
        Ok(())
    }

    /// What the frame came to; `None` if it is cut off. Its refund is that of all below it: the counter is set by it, so that a library
    /// that adds it up wrongly is seen.
    fn end(&self, heard: &mut Heard<'_>, host: &mut dyn Host) -> Result<Option<FrameOutcome>, HostError> {
        let (Some(status), Some(gas_left), Some(refund), Some(output)) =
            (heard.int(), heard.int(), heard.int(), heard.bytes())
        else {
            return Ok(None);
        };
        let code = StatusCode(i32::try_from(status).unwrap_or(i32::MIN));
        let Some(status) = frame_status(code) else {
            return Err(match code {
                StatusCode::REJECTED => unsupported("it refuses the message or the revision".into()),
                StatusCode(code) => HostError::new(format!("it ends a frame with the status {code}")),
            });
        };
        let contradicts = |what: String| Err(HostError::new(what));
        let Some(gas_left) = u64::try_from(gas_left).ok().filter(|left| *left <= self.message.gas) else {
            let given = self.message.gas;
            return contradicts(format!("of {given} gas it has {gas_left} left"));
        };
        let is_halt = matches!(status, FrameStatus::Halt(_));
        if is_halt && gas_left != 0 || !status.is_success() && refund != 0 {
            return contradicts(format!(
                "behind the status {} it has {gas_left} gas left and refunds {refund}",
                code.0
            ));
        }
        if status.is_success() {
            let missing = self.refund.saturating_add(refund).saturating_sub(host.journal_view().refund());
            if missing != 0 {
                host.add_refund(missing);
            }
        }
        Ok(Some(match status {
            FrameStatus::Halt(halt) => FrameOutcome::halted(halt, 0),
            _ => FrameOutcome { status, gas_left, output, created: None, state_gas: Default::default() },
        }))
    }
}

/// Block and transaction, as opcodes see them.
fn begin(said: &mut Said, rules: Rules, host: &mut dyn Host) -> Result<(), HostError> {
    let has_blobs = rules.has(Eip::BlobBaseFee7516);
    let blob_base_fee = if has_blobs { host.blob_base_fee() } else { U256::ZERO };
    let (block, transaction) = (host.block(), host.transaction());
    let prev_randao = match rules.has(Eip::PrevRandao4399) {
        true => block.prevrandao.0,
        false => block.difficulty.to_be_bytes(),
    };
    let (number, timestamp) = (signed(block.number)?, signed(block.timestamp)?);
    let gas_limit = signed(block.gas_limit)?;
    let hashes = &transaction.blob_hashes;
    let mut saying = said
        .begin(order::BEGIN)
        .word(transaction.gas_price.to_be_bytes())
        .address(transaction.origin)
        .address(block.coinbase)
        .int(number)
        .int(timestamp)
        .int(gas_limit)
        .word(prev_randao)
        .word(U256::from(transaction.chain_id).to_be_bytes())
        .word(U256::from(block.base_fee).to_be_bytes())
        .word(blob_base_fee.to_be_bytes())
        .int(hashes.len() as i64);
    for hash in hashes {
        saying = saying.word(hash.0);
    }
    drop(saying);
    Ok(())
}

fn signed(number: u64) -> Result<i64, HostError> {
    i64::try_from(number).map_err(|_| unsupported(format!("{number} is more than EVMC can say, 2^63 - 1")))
}

fn unsupported(why: String) -> HostError {
    HostError::new(why).of_kind(HostErrorKind::Unsupported)
}
