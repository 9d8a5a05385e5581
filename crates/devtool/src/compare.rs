//! Whether two engines part, and where: what `shadow-diff` says, in the terms of the API.

use parallax_campaign::{FastForms, config as tolerances, engines::EngineSource};
use parallax_engine_interface::{Engine, EngineError, Execution, Job};
use parallax_shadow_diff::{
    Divergence, Field, MessageLog, Mismatch, Place, Shadow, ShadowConfig, ShadowMode, Side, SideRun, Trail,
    Verdict, compare_call_results, compare_forms,
};

use crate::{
    control::{Control, Guard},
    model::{self, When},
    pair::mismatch,
};

/// What a comparison came to.
pub(crate) struct Compared {
    pub(crate) verdict: model::Verdict,
    /// Whether the sides' steps are to be compared for showing: not if they agree in all.
    pub(crate) differs: bool,
}

/// Finds the step of a message: the one that sent it, or, if it is over, the one that ended it.
pub(crate) type StepOfMessage<'a> = &'a dyn Fn(usize, bool) -> Option<u64>;

pub(crate) fn config(engines: [&'static dyn EngineSource; 2], mode: ShadowMode) -> ShadowConfig {
    tolerances(engines[0], engines[1], mode)
}

/// Runs both engines in lockstep, within limits, and the fast forms behind them; `compare_engines` knows no limits, and runs an
/// engine alone where the other does not start. `None` if neither can be stepped, or if one does not start at all: then what the two
/// answer is all there is to compare.
pub(crate) fn per_step(
    sources: [&'static dyn EngineSource; 2],
    job: &Job<'_>,
    config: &ShadowConfig,
    control: &Control,
) -> Option<Verdict> {
    let made = sources.map(EngineSource::make);
    let sides @ [left, right] = made.each_ref().map(|engine| &**engine as &dyn Engine);
    let forms = FastForms::of(sources[0], sources[1]);
    let runs = forms.runs(job);
    let mut trail = Trail::default();
    let names = [left.name(), right.name()];
    let (watched, stepper, which) = match right.start(job).ok()? {
        Some(stepper) => (left, stepper, Side::Left),
        None => (right, left.start(job).ok()??, Side::Right),
    };
    let mut shadow = Shadow::new(names, stepper, config).watching(which);
    let guard = Guard::new(control, job.rules);
    let result = if runs.first().is_some_and(|run| run.side != which) {
        shadow = shadow.observed_by(&mut trail);
        watched.execute(job, &mut (guard, &mut shadow))
    } else {
        watched.execute(job, &mut (guard, (&mut trail, &mut shadow)))
    };
    let compared = shadow.finish(result);
    Some(match compared.verdict {
        // They take as many steps as those that kept the limits, or leave the trail before.
        Verdict::Agree => compare_forms(sides, job, config, &runs, &trail, &compared.results),
        verdict => verdict,
    })
}

/// Compares what two engines answered and every message on the way.
pub(crate) fn per_call(
    engines: [&'static dyn EngineSource; 2],
    results: [&Result<Execution, EngineError>; 2],
    messages: [&MessageLog; 2],
    config: &ShadowConfig,
) -> Verdict {
    let side = |side: usize| SideRun {
        engine: engines[side].name(),
        result: results[side],
        messages: messages[side],
    };
    compare_call_results(&side(0), &side(1), config)
}

/// The step at which the sides part, if the verdict names one.
pub(crate) fn step(verdict: &Verdict) -> Option<u64> {
    match verdict {
        Verdict::Diverge(divergence) => match divergence.place {
            Place::Step { index, .. } => Some(index),
            Place::Block { suspect, .. } => suspect.map(|suspect| suspect.index),
            _ => None,
        },
        _ => None,
    }
}

/// What a comparison came to, as the API says it.
pub(crate) fn told(verdict: Verdict, step_of: StepOfMessage<'_>) -> Compared {
    let differs = !matches!(verdict, Verdict::Agree | Verdict::Rejected(_));
    let kind = match &verdict {
        Verdict::Agree | Verdict::Diverge(_) | Verdict::Rejected(_) | Verdict::NotCompared(_) => {
            verdict.name()
        }
        // The API has one word for what came to no end; the reason says which.
        _ => "poisoned",
    };
    let reason = verdict.reason().map(str::to_owned);
    let divergence = match verdict {
        Verdict::Diverge(divergence) => Some(shown(&divergence, step_of)),
        _ => None,
    };
    Compared { verdict: model::Verdict { kind, reason, divergence }, differs }
}

fn shown(divergence: &Divergence, step_of: StepOfMessage<'_>) -> model::Divergence {
    let (step_index, when) = match &divergence.place {
        Place::Step { index, is_over, .. } => {
            (Some(*index), if *is_over { When::After } else { When::Before })
        }
        // Of a fast form: no step of both sides differs, and the last that wrote what does is shown.
        Place::Block { suspect, .. } => (suspect.map(|suspect| suspect.index), When::After),
        Place::Message { index, is_over, .. } => (step_of(*index, *is_over), When::After),
        _ => (None, When::After),
    };
    let Divergence { field, left, right, .. } = divergence;
    let said = parallax_record_json::Mismatch::from(&Mismatch {
        field: *field,
        left: left.clone(),
        right: right.clone(),
    });
    let item = match *field {
        Field::Stack(from_top) => from_bottom(divergence, from_top),
        _ => said.item,
    };
    let mut mismatch = mismatch(&said.field, said.lhs, said.rhs, when, item);
    mismatch.cause = Some(divergence.cause.name().to_owned());
    mismatch.text = Some(divergence.to_string());
    model::Divergence { step_index, mismatch, lines: None }
}

fn from_bottom(divergence: &Divergence, from_top: usize) -> Option<u64> {
    let size = divergence.detail.as_ref()?.sides[0].stack_size;
    Some(size.checked_sub(from_top + 1)? as u64)
}
