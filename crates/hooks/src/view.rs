use parallax_primitives::{Effect, Halt, JournalView, Message, Opcode, Rules, StateGas, U256};

/// What an observer sees at one opcode: borrows of the engine's own state, valid for the callback only.
#[derive(Clone, Copy)]
pub struct StepView<'a> {
    /// Number of the opcode in the transaction, all frames, from 0.
    pub index: u64,
    /// The rules.
    pub rules: Rules,
    /// 0 is the transaction's own frame.
    pub depth: u16,
    /// Offset of the opcode in the code. The implied STOP behind the code stands at the code's length, or, behind a PUSH
    /// whose data is cut off, where its data would end; so it does behind an immediate that is cut off (EIP-8024).
    pub pc: usize,
    /// The opcode; 0 (STOP) behind the end of the code.
    pub opcode: Opcode,
    /// Gas left before the opcode, as the specification counts it.
    pub gas: u64,
    /// State gas before the opcode (EIP-8037); none where the rules have none.
    pub state_gas: StateGas,
    /// The transaction's refund counter.
    pub refund: i64,
    /// The whole stack, bottom first.
    pub stack: &'a [U256],
    /// The whole memory.
    pub memory: &'a [u8],
    /// Return data of the last message.
    pub return_data: &'a [u8],
    /// What started the frame.
    pub message: &'a Message,
    /// The frame's whole code, without padding. An opcode at or behind its end is the implied STOP.
    pub code: &'a [u8],
    /// What else may be read of the transaction so far.
    pub journal: &'a dyn JournalView,
}

impl StepView<'_> {
    /// The byte behind the opcode, which is zero where the code ends: what DUPN, SWAPN and EXCHANGE go by (EIP-8024).
    #[inline]
    pub fn immediate(&self) -> u8 {
        self.code.get(self.pc.saturating_add(1)).copied().unwrap_or_default()
    }
}

/// What an opcode did.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepEnd<'a> {
    /// Execution gas the opcode took, in gas: static and dynamic. A call's includes the gas it forwards but not the stipend, a
    /// creation's does not include what it forwards. A failing opcode's is what it would have cost, saturating, as
    /// far as it came to that: zero if the opcode is not defined or the stack does not fit. DUPN, SWAPN and EXCHANGE are charged before
    /// the stack is looked at (EIP-8024).
    pub gas_cost: u64,
    /// State gas the opcode was charged, or, below zero, given back (EIP-8037), in gas; where it came from and went to is the difference of
    /// what stands in the views around it. A failing opcode's is what it would have been charged, as far as it came to that.
    pub state_gas_cost: i64,
    /// What of it the message is given that the opcode sends, without the stipend; of a creation's it is no part.
    pub forwarded: u64,
    /// Execution gas left after it: before what a creation forwards is taken, after what a call forwards. After a halt, what was left
    /// before the opcode; the frame's outcome says that it is gone.
    pub gas_left: u64,
    /// Why it failed, if it did. REVERT is no failure of the opcode.
    pub halt: Option<Halt>,
    /// What it wrote outside its frame.
    pub effect: Effect<'a>,
}
