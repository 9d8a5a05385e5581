//! Answers as text: nothing of what is well, and of all else why, and how to run it again.

use parallax_primitives::hex;
use parallax_shadow_diff::Verdict;
use parallax_state_tests::FixtureError;

use super::{
    answer::{Answer, DiffSetup, Program, Subject, rerun_of, title_of},
    printable::printable,
};
use crate::{
    BlockCounts, CaseName, Delivered, DiffOutcome, DiffSummary, FastSummary, TestOutcome, TestSummary,
    TraceDigest,
};

/// What a person reads of one case of `statetest`: nothing if it passed, otherwise why it did not and how to run it again.
pub fn test_text(delivered: &Delivered<TestOutcome>, engine: &str) -> Option<String> {
    match delivered {
        Delivered::Case(case, outcome) => {
            outcome_text(&CaseName::of(case), outcome, &format!("parallax statetest --engine {engine}"))
        }
        Delivered::Unreadable(error) => unreadable(error),
    }
}

/// What cannot be read; the sum tells what is passed over.
fn unreadable(error: &FixtureError) -> Option<String> {
    error.passed_over().is_none().then(|| format!("UNREADABLE {}", printable(&error.to_string())))
}

pub(crate) fn outcome_text(case: &CaseName<'_>, outcome: &TestOutcome, command: &str) -> Option<String> {
    let title = title_of(case);
    let (what, reason) = match outcome {
        TestOutcome::Ran(result, digest) | TestOutcome::Unchecked(result, digest, _) if result.pass => {
            return digest.map(|TraceDigest { steps, sha256 }| {
                format!("{} {steps} steps {title}", hex::encode(sha256))
            });
        }
        TestOutcome::Ran(result, _) | TestOutcome::Unchecked(result, ..) => {
            ("FAIL", result.error.as_deref().unwrap_or("no reason known"))
        }
        TestOutcome::Lost(loss) => (&*loss.name().to_uppercase(), loss.reason()),
        TestOutcome::Unsupported(reason) => return Some(format!("NOT RUN {title}\n  {reason}")),
        // The sum tells how many there are.
        TestOutcome::PassedOver(_) => return None,
    };
    let again = rerun_of(case, command);
    Some(format!("{what} {title}\n  {}\n  again: {again}", printable(reason)))
}

/// What a person reads of one case of `diff`: nothing if the engines agree, or both refuse the transaction.
pub fn diff_text(delivered: &Delivered<DiffOutcome>, setup: &DiffSetup) -> Option<String> {
    text(&Answer::of(delivered), &setup.command)
}

/// The same of a program.
pub fn program_text(program: &Program, outcome: &DiffOutcome, setup: &DiffSetup) -> Option<String> {
    text(&Answer::Outcome(Subject::Program(program), outcome), &setup.command)
}

pub(super) fn text(answer: &Answer<'_>, command: &str) -> Option<String> {
    let (subject, outcome) = match answer {
        Answer::Outcome(subject, outcome) => (subject, outcome),
        Answer::Unreadable(error) => return unreadable(error),
    };
    let verdict = &outcome.verdict;
    let mut lines = vec![format!("{} {}", verdict.name().to_uppercase(), subject.title())];
    match verdict {
        Verdict::Agree | Verdict::Rejected(_) => return None,
        Verdict::Diverge(divergence) => {
            lines.extend(outcome.aside());
            lines.extend(divergence.summary());
        }
        other => lines.extend(other.reason().map(|reason| printable(reason).into_owned())),
    }
    if verdict.is_failure() {
        lines.push(format!("again: {}", subject.again(command)));
    }
    Some(lines.join("\n  "))
}

impl TestSummary {
    /// One line: how many passed, and, where there are any, what else came.
    pub fn text(&self, engine: &str) -> String {
        let parts = [
            (self.failed, "failed"),
            (self.unchecked, "ran and not checked in full"),
            (self.crashed, "crashed"),
            (self.timed_out, "timed out"),
            (self.limit, "met a limit"),
            (self.unsupported, "not run: the engine does not know the fork"),
            (self.passed_over, "passed over"),
            (self.unreadable, "unreadable"),
        ];
        sum(engine, self.passed, "passed", &parts, self.complete)
    }

    /// One line on what was not looked at, because of the rules `by` where cases ran by them in place of their own; `None` if all was.
    pub fn unchecked_text(&self, by: Option<&str>) -> Option<String> {
        let Self { unchecked, expectations_unchecked, .. } = self;
        let what = "state roots, hashes of logs, exceptions";
        (*unchecked > 0).then(|| match by {
            Some(by) => format!(
                "by {by} in place of their own rules: {unchecked} cases, so {expectations_unchecked} expectations ({what}) were not looked at"
            ),
            None => format!(
                "not checked in full: {unchecked} cases, as {expectations_unchecked} expectations ({what}) are not in the file or not known"
            ),
        })
    }
}

impl DiffSummary {
    /// One line: on how many the engines agree, and, where there are any, what else came.
    pub fn text(&self, left: &str, right: &str) -> String {
        let [(verb, agreed), others @ ..] = self.counts();
        let others = others.into_iter();
        let others = others.chain([("passed over", self.passed_over), ("unreadable", self.unreadable)]);
        let parts: Vec<_> = others.map(|(name, count)| (count, name)).collect();
        let mut text = sum(&format!("{left} and {right}"), agreed, verb, &parts, self.complete);
        if let Some(BlockCounts { blocks, parts }) = self.blocks {
            text.push_str(&format!("; {blocks} blocks, {parts} transactions and system calls in them"));
        }
        text
    }
}

impl DiffSummary {
    /// One line on the cases that ran by the rules `by` in place of their own; `None` if there are none.
    pub fn rules_text(&self, by: &str) -> Option<String> {
        let cases = self.by_other_rules;
        (cases > 0).then(|| format!("by {by} in place of their own rules: {cases} cases"))
    }

    /// One line on how much ran in the fast form, and why nothing did where nothing did; `None` if it was not compared.
    pub fn fast_text(&self) -> Option<String> {
        let FastSummary { cases, without_code, without_block, blocks, instructions, refused } = self.fast?;
        let all = cases + without_code + without_block;
        let mut text = match blocks {
            0 => "fast form: not compared, as no block ran in it".to_owned(),
            _ => format!("fast form: {blocks} blocks, {instructions} instructions in {cases} of {all} cases"),
        };
        for (count, why) in
            [(without_code, "ran no code"), (without_block, "ran code and no block of it in that form")]
        {
            if count > 0 {
                text.push_str(&format!(", {count} {why}"));
            }
        }
        if refused > 0 {
            text.push_str(&format!("; {refused} translations were refused, a mistake of the engine"));
        }
        Some(text)
    }
}

fn sum(who: &str, good: u64, verb: &str, parts: &[(u64, &str)], complete: bool) -> String {
    let mut text = format!("{who}: {good} {verb}");
    for (count, what) in parts.iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!(", {count} {what}"));
    }
    if !complete {
        text.push_str(" (stopped before the end)");
    }
    text
}
