//! The work of a session: both engines run to their end, are recorded, and compared.
//!
//! Where the engines part is found first, in lockstep. Then each is recorded by itself to its own end, and its whole state
//! is written out where they part: what is shown there is the engine's own, told from nothing else.

use std::{io::Cursor, sync::Arc, thread};

use parallax_campaign::engines::EngineSource;
use parallax_engine_interface::{EngineError, Execution};
use parallax_primitives::Eip;
use parallax_shadow_diff::{Bounds, MessageLog, ShadowConfig, ShadowMode, Verdict};
use parallax_tracer_eip3155::{
    CompareOptions, ReadError, Record, Step, TraceDifference, TraceEnd, TraceReader, compare_traces,
    is_unpaired_stop,
};
use parallax_tracer_standard::Trace;

use crate::{
    compare::{self, Compared},
    control::{Control, Recording},
    error::panic_text,
    file_trace::FileTrace,
    index::Index,
    model::{self, DATA_SHOWN, Mismatch, Mode, When},
    pair::{Compares, mismatch},
    report::Report,
    side::{self, Side},
    source::{Prepared, TraceText},
};

/// What there is to run.
pub(crate) enum Work {
    Engines { prepared: Box<Prepared>, mode: Mode, engines: Vec<&'static dyn EngineSource> },
    Traces(Box<[TraceText; 2]>),
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub(crate) sides: [Option<Arc<Side>>; 2],
    pub(crate) outcomes: Vec<Option<model::Outcome>>,
    pub(crate) verdict: Option<model::Verdict>,
    pub(crate) compares: Option<ShadowConfig>,
    pub(crate) index: Arc<Index>,
    /// What the report of a comparison is made of, if there was one.
    pub(crate) report: Option<Arc<Report>>,
}

impl Ended {
    pub(crate) fn sides(&self) -> [Option<&Side>; 2] {
        [self.sides[0].as_deref(), self.sides[1].as_deref()]
    }
}

/// Runs to the end, or to a limit. The error is for the user.
pub(crate) fn run(work: &Work, control: &Control) -> Result<Ended, String> {
    let mut ended = match work {
        Work::Engines { prepared, mode, engines } => of_engines(prepared, *mode, engines, control)?,
        Work::Traces(texts) => of_traces(texts, control)?,
    };
    control.enter(2);
    let first = ended.verdict.as_ref().and_then(|verdict| verdict.divergence.clone());
    let is_trace = matches!(work, Work::Traces(_));
    // Where the comparison found the first difference, all before it is alike, or is to count as alike. Lines of a trace show
    // what was found: it is the step before that did it.
    let since = first.as_ref().map_or(0, |first| {
        first.step_index.map_or(u64::MAX, |step| step.saturating_sub(u64::from(is_trace)))
    });
    let is_cut = control.stopped_by().is_some();
    let compares = ended.compares.map(|config| Compares { config, since, is_cut });
    // What was ended is shown; what is ended now is not wanted any more.
    let was_cancelled = control.is_cancelled();
    let mut index = Index::of(ended.sides(), compares, &|| was_cancelled || !control.is_cancelled());
    if let Some(model::Divergence { step_index: Some(step), mismatch, lines }) = first {
        let shown =
            index.news.first().filter(|news| is_trace && (news.0 == step || news.0 + 1 == step)).cloned();
        let (shown_at, shown) = shown.unwrap_or((step, mismatch.clone()));
        index.begin_at(shown_at, shown);
        let when = if shown_at < step { When::After } else { mismatch.when };
        if let Some(verdict) = &mut ended.verdict {
            let mismatch = Mismatch { when, ..mismatch };
            verdict.divergence = Some(model::Divergence { step_index: Some(shown_at), mismatch, lines });
        }
    }
    ended.index = Arc::new(index);
    control.enter(3);
    Ok(ended)
}

/// One side's run.
struct Ran {
    trace: Trace,
    messages: MessageLog,
    result: Result<Execution, EngineError>,
}

fn of_engines(
    prepared: &Prepared,
    mode: Mode,
    engines: &[&'static dyn EngineSource],
    control: &Control,
) -> Result<Ended, String> {
    let both = match (mode, engines) {
        (Mode::PerCall | Mode::PerStep, [left, right]) => Some([*left, *right]),
        _ => None,
    };
    let job = prepared.job();
    let mode = if mode == Mode::PerStep { ShadowMode::All } else { ShadowMode::PerCall };
    let config = both.map(|both| compare::config(both, mode));
    let in_steps = match (both, &config) {
        (Some(both), Some(config)) if mode == ShadowMode::All => {
            compare::per_step(both, &job, config, control)
        }
        _ => None,
    };
    let met = control.begin_again();
    let in_steps = match (in_steps, met) {
        (Some(Verdict::Poisoned(_)), Some(limit)) => {
            Some(Verdict::Limit(format!("the comparison met its limit: {limit}")))
        }
        (verdict, _) => verdict,
    };
    let parts_at = in_steps.as_ref().and_then(compare::step);
    let whole_at = parts_at.map_or(Vec::new(), |step| vec![step, step.saturating_add(1)]);
    control.enter(1);
    let run = |side: usize| {
        let recording =
            Recording::new(control, prepared.rules, (side, 1 + u64::from(both.is_some())), &whole_at);
        let mut hooks = (recording, both.map(|_| MessageLog::new(Bounds::default())));
        let result = engines[side].make().execute(&prepared.job(), &mut hooks);
        Ran { trace: hooks.0.into_trace(), messages: hooks.1.unwrap_or_default(), result }
    };
    let (Some(both), Some(config)) = (both, config) else {
        let left = run(0);
        let outcome = outcome(prepared, &left.result)?;
        return Ok(Ended {
            sides: [Some(recorded(left, prepared)), None],
            outcomes: vec![outcome],
            ..Ended::default()
        });
    };
    let (left, right) = thread::scope(|scope| {
        let right = scope.spawn(|| run(1));
        (run(0), right.join())
    });
    let right = right.map_err(|panic| format!("{} panicked: {}", both[1].name(), panic_text(&*panic)))?;
    let verdict = in_steps.unwrap_or_else(|| {
        compare::per_call(both, [&left.result, &right.result], [&left.messages, &right.messages], &config)
    });
    let outcome_of = |ran: &Ran| ran.result.as_ref().ok().and_then(|execution| execution.outcome.clone());
    let report = Report {
        engines: both.map(EngineSource::name),
        config,
        verdict: verdict.clone(),
        outcomes: [outcome_of(&left), outcome_of(&right)],
        again: prepared.again.clone(),
    };
    let Compared { verdict, differs } = compare::told(verdict, &|message, is_over| {
        let trace = if message < left.trace.calls().len() { &left.trace } else { &right.trace };
        let call = trace.calls().get(message)?;
        if is_over { trace.steps_of(call).end.checked_sub(1) } else { call.sent_by }
    });
    Ok(Ended {
        outcomes: vec![outcome(prepared, &left.result)?, outcome(prepared, &right.result)?],
        sides: [left, right].map(|ran| Some(recorded(ran, prepared))),
        verdict: Some(verdict),
        compares: differs.then_some(config),
        index: Arc::default(),
        report: Some(Arc::new(report)),
    })
}

fn recorded(ran: Ran, prepared: &Prepared) -> Arc<Side> {
    let Ran { trace, .. } = ran;
    let database = Arc::clone(&prepared.database);
    Arc::new(Side::Recorded(side::Recording { trace: Arc::new(trace), database, rules: prepared.rules }))
}

fn outcome(
    prepared: &Prepared,
    result: &Result<Execution, EngineError>,
) -> Result<Option<model::Outcome>, String> {
    let execution = match result {
        Ok(execution) => execution,
        Err(EngineError::Rejected(rejection)) => {
            let rejected = Some(rejection.to_string());
            return Ok(Some(model::Outcome {
                status: "rejected".to_owned(),
                gas_used: None,
                gas_refunded: None,
                execution_gas: None,
                state_gas: None,
                output: None,
                output_length: None,
                logs: None,
                created: None,
                state_root: None,
                rejected,
            }));
        }
        Err(EngineError::Host(error)) => return Err(error.to_string()),
    };
    let Some(outcome) = &execution.outcome else { return Ok(None) };
    let has_state_gas = prepared.rules.has(Eip::StateGas8037);
    let mut after = (*prepared.database).clone();
    after.apply(&execution.changes);
    Ok(Some(model::Outcome {
        status: outcome.status.to_string(),
        gas_used: Some(outcome.gas_used),
        gas_refunded: Some(outcome.gas_refunded),
        execution_gas: has_state_gas.then_some(outcome.execution_gas),
        state_gas: has_state_gas.then_some(outcome.state_gas),
        output: Some(model::cut(&outcome.output, DATA_SHOWN)),
        output_length: Some(outcome.output.len()),
        logs: Some(outcome.logs.len()),
        created: outcome.created.as_ref().map(model::address),
        state_root: Some(after.state_root().to_string()),
        rejected: None,
    }))
}

fn of_traces(texts: &[TraceText; 2], control: &Control) -> Result<Ended, String> {
    control.enter(1);
    let mut readers = [Reading::of(&texts[0]), Reading::of(&texts[1])];
    let told = |error: ReadError| format!("a trace: {error}");
    for reader in &mut readers {
        reader.advance().map_err(told)?;
    }
    loop {
        let [left, right] = &mut readers;
        if left.next.is_none() && right.next.is_none() {
            break;
        }
        // What the other client does not write at all would put all that follows beside something else.
        let (skip_left, skip_right) = (left.is_alone(right), right.is_alone(left));
        for (reader, skips, waits) in [(left, skip_left, skip_right), (right, skip_right, skip_left)] {
            if skips {
                reader.advance().map_err(told)?;
            } else if !waits && let Some(step) = reader.next.take() {
                reader.trace.push(step);
                reader.advance().map_err(told)?;
            }
        }
        let most = [&readers[0].trace, &readers[1].trace];
        if most
            .into_iter()
            .enumerate()
            .any(|(side, trace)| control.ends_reading(side, trace.len(), trace.size()))
        {
            break;
        }
    }
    let outcomes = readers.iter().map(|reader| Some(reader.outcome())).collect();
    let recorded = readers.iter().map(|reader| reader.trace.len()).max().unwrap_or(0);
    let sides = readers.map(|reader| Some(Arc::new(Side::File(Box::new(reader.trace.finish())))));
    // All of both, whatever part of them is recorded.
    let answer = compare_traces(texts[0].reader(), texts[1].reader(), CompareOptions::default());
    let verdict = match answer.map(|answer| answer.outcome) {
        Ok(Ok(agreement)) => {
            let silence = agreement.silence();
            let reason = (!silence.is_empty()).then_some(silence);
            let (kind, reason) = match agreement.steps {
                0 => ("not_compared", Some("no step in either trace".to_owned())),
                _ => ("agree", reason),
            };
            model::Verdict { kind, reason, divergence: None }
        }
        Ok(Err(difference)) => {
            let divergence = Some(trace_divergence(&difference, recorded));
            model::Verdict { kind: "diverge", reason: None, divergence }
        }
        Err((_, error)) => return Err(told(error)),
    };
    let compares = verdict.divergence.is_some().then(ShadowConfig::default);
    Ok(Ended { sides, outcomes, verdict: Some(verdict), compares, ..Ended::default() })
}

/// The first difference of two traces; it belongs to no step if none of both has it, or none that is recorded.
fn trace_divergence(difference: &TraceDifference, recorded: u64) -> model::Divergence {
    let TraceDifference { step, what, left, right, left_step, right_step, lines, .. } = difference;
    let field = what.name();
    let is_step = (left_step.is_some() || right_step.is_some()) && *step < recorded;
    let when = if !is_step || ["gasCost", "stateGasCost", "error"].contains(&field) {
        When::After
    } else {
        When::Before
    };
    model::Divergence {
        step_index: is_step.then_some(*step),
        mismatch: mismatch(field, left.clone(), right.clone(), when, None),
        lines: Some(*lines),
    }
}

/// A trace that is being read, with the next step at hand.
struct Reading<'t> {
    reader: TraceReader<Cursor<&'t [u8]>>,
    next: Option<Step>,
    trace: FileTrace,
    end: TraceEnd,
}

impl<'t> Reading<'t> {
    fn of(text: &'t TraceText) -> Self {
        Self { reader: text.reader(), next: None, trace: FileTrace::default(), end: TraceEnd::default() }
    }

    fn advance(&mut self) -> Result<(), ReadError> {
        self.next = None;
        for record in self.reader.by_ref() {
            match record? {
                Record::Step(step) => {
                    self.next = Some(step);
                    break;
                }
                Record::FrameExit(_) => {}
                Record::End(more) => {
                    self.end.state_root = more.state_root.or(self.end.state_root);
                    self.end.output = more.output.or(self.end.output.take());
                }
            }
        }
        Ok(())
    }

    /// Whether the next step is one that the other client does not write.
    fn is_alone(&self, other: &Self) -> bool {
        is_unpaired_stop(
            (self.next.as_ref(), self.reader.client()),
            (other.next.as_ref(), other.reader.client()),
        )
    }

    fn outcome(&self) -> model::Outcome {
        model::Outcome {
            status: "told by a trace".to_owned(),
            gas_used: self.end.gas_used,
            gas_refunded: None,
            execution_gas: None,
            state_gas: None,
            output: self.end.output.as_ref().map(|output| model::cut(output, DATA_SHOWN)),
            output_length: self.end.output.as_ref().map(|output| output.len()),
            logs: None,
            created: None,
            state_root: self.end.state_root.map(|root| root.to_string()),
            rejected: None,
        }
    }
}
