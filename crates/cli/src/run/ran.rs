//! What one input came to on one engine, as text and as JSON.

use std::fmt::Write as _;

use parallax_host_interface::{AccountChange, StateChanges};
use parallax_memory_database::Account;
use parallax_primitives::{Address, B256, FrameStatus, TxOutcome};
use serde_json::{Value, json};

use crate::{
    outcome::{changes_json, changes_text, logs_json, logs_text, lower},
    revert_reason::revert_reason,
    watch::LastStep,
    world::World,
};

/// How a run ended, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    pub(crate) gas: u64,
    /// The rules have two gases: then both are told, be it zero.
    pub(crate) has_state_gas: bool,
    pub(crate) outcome: TxOutcome,
    /// Without what was there for the run alone: accounts that were touched, and are as empty as before.
    pub(crate) changes: StateChanges,
    /// Where it is asked for.
    pub(crate) state_root: Option<B256>,
    /// `None` where the engine shows no steps.
    pub(crate) steps: Option<u64>,
    pub(crate) last: Option<LastStep>,
}

impl Ran {
    /// Whether another engine came to the same: how it ended, gas, output, logs, and the state after it. Names of halts are each engine's own.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let ended = |ran: &Self| match ran.outcome.status {
            FrameStatus::Success => 0,
            FrameStatus::Revert => 1,
            FrameStatus::Halt(_) => 2,
        };
        let told = |ran: &Self| (ended(ran), ran.outcome.gas_used, ran.state_root);
        let (left, right) = (&self.outcome, &other.outcome);
        told(self) == told(other) && left.output == right.output && left.logs == right.logs
    }

    pub(crate) const fn is_success(&self) -> bool {
        self.outcome.status.is_success()
    }

    fn gas_left(&self) -> u64 {
        self.gas.saturating_sub(self.outcome.gas_used)
    }

    fn reason(&self) -> Option<String> {
        (self.outcome.status == FrameStatus::Revert).then(|| revert_reason(&self.outcome.output)).flatten()
    }

    pub(crate) fn text(&self) -> String {
        let TxOutcome { status, gas_used, execution_gas, state_gas, output, created, .. } = &self.outcome;
        let mut text = format!("status    {status}\n");
        // Writing to a string does not fail.
        if let Some(LastStep { depth, pc, opcode, .. }) = self.last.as_ref().filter(|_| !self.is_success()) {
            let _ = writeln!(text, "place     depth {depth}, pc {pc}, {opcode}");
        }
        let _ = writeln!(text, "gas used  {gas_used}");
        if self.has_state_gas {
            let _ = write!(text, "execution {execution_gas}\nstate gas {state_gas}\n");
        }
        let _ = write!(text, "gas left  {}\noutput    {output}\n", self.gas_left());
        if let Some(reason) = self.reason() {
            let _ = writeln!(text, "reason    {reason}");
        }
        if let Some(created) = created {
            let _ = writeln!(text, "created   {created:#x}");
        }
        if let Some(LastStep { stack, stack_size, .. }) =
            self.last.as_ref().filter(|last| last.stack_size > 0)
        {
            let items: Vec<_> = stack.iter().map(|item| format!("{item:#x}")).collect();
            let more = stack_size - stack.len();
            let more = if more > 0 { format!(" and {more} more below") } else { String::new() };
            let _ = writeln!(text, "stack     {}{more}", items.join(" "));
        }
        text + &logs_text(&self.outcome.logs) + &changes_text(&self.changes)
    }

    pub(crate) fn json(&self) -> Value {
        let TxOutcome { status, gas_used, output, logs, created, .. } = &self.outcome;
        let place = self.last.as_ref().map(|LastStep { depth, pc, opcode, gas, .. }| {
            json!({ "depth": depth, "pc": pc, "opName": opcode, "gas": gas })
        });
        let stack = self
            .last
            .as_ref()
            .map(|last| last.stack.iter().map(|item| format!("{item:#x}")).collect::<Vec<_>>());
        let mut object = json!({
            "status": status.to_string(),
            "gasUsed": gas_used,
            "gasLeft": self.gas_left(),
            "output": output.to_string(),
            "reason": self.reason(),
            "logs": logs_json(logs),
            "changes": changes_json(&self.changes),
            "steps": self.steps,
            "stack": stack,
            "place": place,
        });
        if let Some(root) = self.state_root {
            object["stateRoot"] = root.to_string().into();
        }
        if let Some(created) = created {
            object["created"] = lower(created).into();
        }
        if self.has_state_gas {
            object["executionGas"] = json!(self.outcome.execution_gas);
            object["stateGas"] = json!(self.outcome.state_gas);
        }
        object
    }
}

/// The changes without accounts that nobody made and that are no more, as they were touched and are empty (EIP-161).
pub(crate) fn told(mut changes: StateChanges, world: &World) -> StateChanges {
    let was_made = |address: &Address| {
        let has_code = |account: &Account| !account.code.bytes().is_empty();
        world.given.contains(address) || world.database.accounts.get(address).is_some_and(has_code)
    };
    changes.accounts.retain(|address, change| *change != AccountChange::Deleted || was_made(address));
    changes
}
