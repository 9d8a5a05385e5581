//! An EVM whose outermost frame is kept: revm's own result of a transaction does not tell a deposit that was not paid from any other
//! lack of gas, and of another chain it may be of another type.

use revm::{
    context::FrameStack,
    handler::{
        EthFrame, EvmTr, FrameInitOrResult, FrameResult, ItemOrResult,
        evm::{ContextDbError, FrameInitResult},
    },
    inspector::InspectorEvmTr,
    interpreter::{interpreter::EthInterpreter, interpreter_action::FrameInit},
};

type Frame = EthFrame<EthInterpreter>;

/// An EVM of any chain, and what its outermost frame came to. Handlers run it as they run the EVM itself.
#[derive(Debug)]
pub struct Recorded<E> {
    pub(crate) evm: E,
    /// As the EVM answered it, before the handler settled the transaction's gas.
    pub(crate) outermost: Option<FrameResult>,
}

impl<E: EvmTr<Frame = Frame>> Recorded<E> {
    pub(crate) const fn new(evm: E) -> Self {
        Self { evm, outermost: None }
    }

    /// Whether no frame is open.
    fn is_outermost(&mut self) -> bool {
        self.evm.frame_stack().index().is_none()
    }
}

impl<E: EvmTr<Frame = Frame>> EvmTr for Recorded<E> {
    type Context = E::Context;
    type Instructions = E::Instructions;
    type Precompiles = E::Precompiles;
    type Frame = Frame;

    fn all(&self) -> (&Self::Context, &Self::Instructions, &Self::Precompiles, &FrameStack<Frame>) {
        self.evm.all()
    }

    fn all_mut(
        &mut self,
    ) -> (&mut Self::Context, &mut Self::Instructions, &mut Self::Precompiles, &mut FrameStack<Frame>) {
        self.evm.all_mut()
    }

    fn frame_init(
        &mut self,
        input: FrameInit,
    ) -> Result<FrameInitResult<'_, Frame>, ContextDbError<Self::Context>> {
        let is_outermost = self.is_outermost();
        let begun = self.evm.frame_init(input)?;
        record(&mut self.outermost, is_outermost, &begun);
        Ok(begun)
    }

    fn frame_run(&mut self) -> Result<FrameInitOrResult<Frame>, ContextDbError<Self::Context>> {
        self.evm.frame_run()
    }

    fn frame_return_result(
        &mut self,
        result: FrameResult,
    ) -> Result<Option<FrameResult>, ContextDbError<Self::Context>> {
        let last = self.evm.frame_return_result(result)?;
        if last.is_some() {
            self.outermost.clone_from(&last);
        }
        Ok(last)
    }
}

/// Keeps what ended without a frame.
fn record(outermost: &mut Option<FrameResult>, is_outermost: bool, begun: &FrameInitResult<'_, Frame>) {
    if let (true, ItemOrResult::Result(result)) = (is_outermost, begun) {
        *outermost = Some(result.clone());
    }
}

impl<E: InspectorEvmTr<Frame = Frame>> InspectorEvmTr for Recorded<E> {
    type Inspector = E::Inspector;

    fn all_inspector(
        &self,
    ) -> (&Self::Context, &Self::Instructions, &Self::Precompiles, &FrameStack<Frame>, &Self::Inspector) {
        self.evm.all_inspector()
    }

    fn all_mut_inspector(
        &mut self,
    ) -> (
        &mut Self::Context,
        &mut Self::Instructions,
        &mut Self::Precompiles,
        &mut FrameStack<Frame>,
        &mut Self::Inspector,
    ) {
        self.evm.all_mut_inspector()
    }

    fn inspect_frame_init(
        &mut self,
        input: FrameInit,
    ) -> Result<FrameInitResult<'_, Frame>, ContextDbError<Self::Context>> {
        let is_outermost = self.is_outermost();
        let begun = self.evm.inspect_frame_init(input)?;
        record(&mut self.outermost, is_outermost, &begun);
        Ok(begun)
    }

    fn inspect_frame_run(&mut self) -> Result<FrameInitOrResult<Frame>, ContextDbError<Self::Context>> {
        self.evm.inspect_frame_run()
    }
}
