//! The messages of a trace: who called whom, with what, and what it came to.

use std::{
    io::{self, Write},
    ops::Range,
};

use parallax_primitives::{Address, Bytes, FrameStatus, U256};
use serde::Serialize;

use crate::{Call, Trace};

/// The call tree, flat.
impl Trace {
    /// Every message in the order they were sent: a tree in pre-order.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// The messages that the frame of message number `call` sent itself, in order.
    pub fn children(&self, call: usize) -> impl Iterator<Item = usize> + '_ {
        let later = self.calls.iter().enumerate().skip(call.saturating_add(1));
        later.filter(move |(_, child)| child.parent == Some(call)).map(|(number, _)| number)
    }

    /// The steps of a message, its callees' included.
    pub fn steps_of(&self, call: &Call) -> Range<u64> {
        call.first_step..call.end_step.unwrap_or(self.len()).max(call.first_step)
    }

    /// Writes the call tree as nested JSON objects, as it goes: an array of the outermost messages.
    ///
    /// It is as deep as the calls are, up to 1024 levels: many JSON parsers refuse that. [`Trace::calls`] is flat.
    ///
    /// Fails if `out` does.
    pub fn write_call_tree(&self, mut out: impl Write) -> io::Result<()> {
        out.write_all(b"[")?;
        let mut open: Vec<usize> = Vec::new();
        let mut is_first = true;
        for (number, call) in self.calls.iter().enumerate() {
            while open.last().copied() != call.parent && open.pop().is_some() {
                out.write_all(b"]}")?;
                is_first = false;
            }
            if !is_first {
                out.write_all(b",")?;
            }
            let row = serde_json::to_vec(&self.row(call))?;
            out.write_all(&row[..row.len() - 1])?;
            out.write_all(b",\"calls\":[")?;
            open.push(number);
            is_first = true;
        }
        for _ in open {
            out.write_all(b"]}")?;
        }
        out.write_all(b"]")
    }

    fn row<'a>(&self, call: &'a Call) -> Row<'a> {
        let message = &call.message;
        let steps = self.steps_of(call);
        let (gas_used, error, output) = match &call.outcome {
            None => (None, None, None),
            Some(outcome) => {
                let error = match outcome.status {
                    FrameStatus::Success => None,
                    FrameStatus::Revert => Some("revert"),
                    FrameStatus::Halt(halt) => Some(halt.name()),
                };
                (call.gas_used(), error, Some(&outcome.output))
            }
        };
        let created = message.kind.is_create();
        Row {
            kind: message.kind.name(),
            from: message.caller,
            to: message.address,
            code: (!created && message.code_address != message.address).then_some(message.code_address),
            value: message.value,
            gas: message.gas,
            gas_used,
            reservoir: self.has_state_gas().then_some(message.state_gas.reservoir),
            state_gas_used: call.state_gas_used().filter(|_| self.has_state_gas()),
            input: &message.input,
            output,
            error,
            depth: message.depth,
            first_step: steps.start,
            end_step: steps.end,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(serialize_with = "crate::json::display")]
    from: Address,
    #[serde(serialize_with = "crate::json::display")]
    to: Address,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "crate::json::display_some")]
    code: Option<Address>,
    #[serde(serialize_with = "crate::json::word")]
    value: U256,
    gas: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    gas_used: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reservoir: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_gas_used: Option<i64>,
    #[serde(serialize_with = "crate::json::display")]
    input: &'a Bytes,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "crate::json::display_some")]
    output: Option<&'a Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    depth: u16,
    first_step: u64,
    end_step: u64,
}
