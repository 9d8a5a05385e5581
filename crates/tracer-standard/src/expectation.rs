//! What the next step of a frame finds if nothing comes between.

use parallax_hooks::{StepEnd, StepView};
use parallax_primitives::StateGas;

use crate::shape::Shape;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Expected {
    pub(crate) depth: u16,
    pub(crate) pc: usize,
    pub(crate) gas: u64,
    pub(crate) state_gas: StateGas,
    pub(crate) refund: i64,
    pub(crate) stack_size: usize,
    pub(crate) memory_size: usize,
    pub(crate) return_size: usize,
}

impl Expected {
    pub(crate) fn found(step: &StepView<'_>) -> Self {
        Self {
            depth: step.depth,
            pc: step.pc,
            gas: step.gas,
            state_gas: step.state_gas,
            refund: step.refund,
            stack_size: step.stack.len(),
            memory_size: step.memory.len(),
            return_size: step.return_data.len(),
        }
    }

    #[inline]
    pub(crate) fn after(step: &StepView<'_>, end: &StepEnd<'_>, shape: &Shape) -> Self {
        Self {
            depth: step.depth,
            pc: step.pc.saturating_add(1 + usize::from(shape.immediate)),
            gas: end.gas_left,
            state_gas: step.state_gas,
            refund: step.refund,
            stack_size: step.stack.len(),
            memory_size: step.memory.len(),
            return_size: step.return_data.len(),
        }
    }

    #[inline]
    pub(crate) fn is_found_by(&self, step: &StepView<'_>) -> bool {
        self.gas == step.gas
            && self.state_gas == step.state_gas
            && self.depth == step.depth
            && self.refund == step.refund
            && self.stack_size == step.stack.len()
            && self.memory_size == step.memory.len()
            && self.return_size == step.return_data.len()
    }
}
