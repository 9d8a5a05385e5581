use parallax_hooks::{Hooks, StepView};
use parallax_host_interface::{Host, HostError};
use parallax_primitives::{Bytecode, FrameOutcome, JournalView, Message, Rules};

/// Runs one frame. A nested message is handed to the caller, who answers with [`Interpreter::deliver`]; so there is no
/// recursion, and a frame is a value that can be kept and resumed at any opcode.
pub trait Interpreter {
    /// One frame in progress.
    type Frame;

    /// Starts a frame of `message` running `code` under `rules`. For a creation, `code` is the init code
    /// and the message's input, the calldata of its frame, is empty.
    fn enter(&self, message: Message, code: Bytecode, rules: Rules) -> Self::Frame;

    /// Runs until the frame ends, sends a message, pauses or is aborted.
    ///
    /// `clock` counts what `hooks` was shown (opcodes, or block entries) over all frames of the transaction and is advanced:
    /// it is where [`StepView::index`] comes from. With no interest in either it stays as it is.
    fn resume<K: Hooks>(
        &self,
        frame: &mut Self::Frame,
        host: &mut dyn Host,
        hooks: &mut K,
        clock: &mut u64,
    ) -> Result<FrameExit, HostError>;

    /// Answers the message that [`Interpreter::resume`] returned last. A child that keeps gas hands it back here.
    fn deliver(&self, frame: &mut Self::Frame, child: FrameOutcome);

    /// What the frame stands before: its next opcode.
    fn view<'a>(&self, frame: &'a Self::Frame, journal: &'a dyn JournalView, clock: u64) -> StepView<'a>;
}

/// Why an interpreter handed a frame back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameExit {
    /// CALL, CALLCODE, DELEGATECALL, STATICCALL; CREATE and CREATE2. Their gas is charged; depth and balance are not
    /// checked, and a creation's address is not known yet.
    Message(Message),
    /// The frame is over. A creation's output is the code to deploy, not yet checked or paid for.
    Done(FrameOutcome),
    /// A hook asked to pause: the frame stands before an opcode.
    Paused,
    /// A hook asked to abort.
    Aborted,
}
