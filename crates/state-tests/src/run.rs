//! The run of one case on one engine, and the checks: exception, state root, logs hash.

use std::fmt::Write as _;

use parallax_engine_interface::{Engine, EngineError, Execution};
use parallax_hooks::Hooks;
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{B256, Bytes, Eip};
use parallax_roots::logs_hash;

use crate::{Case, Raised};

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// Whether exception, state root and logs hash are all as the file expects; of a case that is run by other rules than its file's
    /// ([`Case::in_place_of`]) whether it came to its end, whatever that is.
    pub pass: bool,
    /// Root of the state after; `None` if the run itself failed.
    pub state_root: Option<B256>,
    /// What the file expects it to be, if it does.
    pub expected_root: Option<B256>,
    /// Keccak-256 of the logs' RLP; `None` if the run itself failed.
    pub logs_hash: Option<B256>,
    /// Gas paid for; zero if the transaction was refused.
    pub gas_used: u64,
    /// Output of the transaction's own frame.
    pub output: Bytes,
    /// Why the transaction was refused, if it was.
    pub exception: Option<Raised>,
    /// Why the case did not pass.
    pub error: Option<String>,
    /// What the engine did, unless it refused the transaction or failed.
    pub execution: Option<Execution>,
}

/// Runs `case` on `engine`, watched by `hooks`.
pub fn run(case: &Case, engine: &dyn Engine, hooks: &mut dyn Hooks) -> CaseResult {
    match case.job() {
        Err(reason) => conclude(case, Err(Raised::Malformed(reason.to_owned()))),
        Ok(job) => match engine.execute(&job, hooks) {
            Ok(execution) => conclude(case, Ok(execution)),
            Err(EngineError::Rejected(rejection)) => conclude(case, Err(Raised::Rejected(rejection))),
            Err(EngineError::Host(error)) => CaseResult::failed(case, format!("the host failed: {error}")),
        },
    }
}

impl CaseResult {
    /// A case whose run came to no end that could be checked.
    pub fn failed(case: &Case, error: String) -> Self {
        Self {
            pass: false,
            state_root: None,
            expected_root: case.expected.state_root,
            logs_hash: None,
            gas_used: 0,
            output: Bytes::new(),
            exception: None,
            error: Some(error),
            execution: None,
        }
    }
}

/// Checks what an engine answered against what `case` expects.
fn conclude(case: &Case, answer: Result<Execution, Raised>) -> CaseResult {
    let (execution, exception) = match answer {
        Ok(execution) => (Some(execution), None),
        Err(raised) => (None, Some(raised)),
    };
    let outcome = execution.as_ref().map(|execution| execution.outcome.as_ref());
    let Some(outcome) = outcome.map_or(Some(None), |outcome| outcome.map(Some)) else {
        return CaseResult::failed(case, "a hook aborted the run".to_owned());
    };
    // A transaction that is refused changes nothing.
    let mut post = (*case.pre).clone();
    if let Some(execution) = &execution {
        post.apply(&execution.changes);
    }
    if case.expected.zero_reward && !case.rules.has(Eip::StateClearing161) {
        post.accounts.entry(case.block.coinbase).or_default();
    }
    let root = post.state_root();
    let logs = logs_hash(outcome.map_or(&[], |outcome| &outcome.logs));
    let faults = match case.in_place_of {
        Some(_) => String::new(),
        None => faults(case, exception.as_ref(), &post, (root, logs)),
    };
    CaseResult {
        pass: faults.is_empty(),
        state_root: Some(root),
        expected_root: case.expected.state_root,
        logs_hash: Some(logs),
        gas_used: outcome.map_or(0, |outcome| outcome.gas_used),
        output: outcome.map_or_else(Bytes::new, |outcome| outcome.output.clone()),
        exception,
        error: (!faults.is_empty()).then_some(faults),
        execution,
    }
}

/// What is not as the file expects.
fn faults(case: &Case, raised: Option<&Raised>, post: &MemoryDatabase, (root, logs): (B256, B256)) -> String {
    let mut faults = String::new();
    check_exception(case, raised, &mut faults);
    if let Some(expected) = case.expected.logs_hash.filter(|expected| *expected != logs) {
        fault(&mut faults, &format!("logs hash is {logs}, expected {expected}"));
    }
    if let Some(expected) = case.expected.state_root.filter(|expected| *expected != root) {
        fault(&mut faults, &format!("state root is {root}, expected {expected}"));
        // What differs, where the file has the whole state.
        if let Ok(Some(expected)) = case.expected_state() {
            fault(&mut faults, &difference(post, &expected));
        }
    }
    faults
}

fn check_exception(case: &Case, raised: Option<&Raised>, faults: &mut String) {
    match (&case.expected.exception, raised) {
        (None, None) => {}
        (Some(expected), Some(raised)) if expected.matches(raised) => {}
        (Some(expected), Some(raised)) => {
            fault(faults, &format!("rejected as {} ({raised}), expected {expected}", raised.official_name()));
        }
        (Some(expected), None) => fault(faults, &format!("executed, expected the rejection {expected}")),
        (None, Some(raised)) => fault(faults, &format!("rejected: {raised}")),
    }
}

fn fault(faults: &mut String, text: &str) {
    if !faults.is_empty() {
        faults.push_str("; ");
    }
    faults.push_str(text);
}

/// The first account that differs, field by field.
pub fn difference(post: &MemoryDatabase, expected: &MemoryDatabase) -> String {
    let addresses = post.accounts.keys().chain(expected.accounts.keys());
    let Some(address) =
        addresses.filter(|address| post.accounts.get(address) != expected.accounts.get(address)).min()
    else {
        return "the file's state is the same, its root is not".to_owned();
    };
    let (found, wanted) = match (post.accounts.get(address), expected.accounts.get(address)) {
        (Some(found), Some(wanted)) => (found, wanted),
        (None, _) => return format!("account {address} is missing"),
        (_, None) => return format!("account {address} should not exist"),
    };
    let mut text = format!("account {address}:");
    // Writing to a string does not fail.
    if found.nonce != wanted.nonce {
        let _ = write!(text, " nonce {} (expected {})", found.nonce, wanted.nonce);
    }
    if found.balance != wanted.balance {
        let _ = write!(text, " balance {} (expected {})", found.balance, wanted.balance);
    }
    if found.code != wanted.code {
        let _ = write!(text, " code {} (expected {})", found.code.bytes(), wanted.code.bytes());
    }
    let keys = found.storage.keys().chain(wanted.storage.keys());
    if let Some(key) = keys.filter(|key| found.storage.get(*key) != wanted.storage.get(*key)).min() {
        let value = |account: &parallax_memory_database::Account| {
            account.storage.get(key).copied().unwrap_or_default()
        };
        let _ = write!(text, " slot {key:#x} {:#x} (expected {:#x})", value(found), value(wanted));
    }
    text
}
