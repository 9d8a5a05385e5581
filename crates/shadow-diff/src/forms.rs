//! Engines that run other code than their steps do: what was compared step by step is held against each of their forms.
//!
//! The run by steps leaves a trail of digests, one for each block entry and each message; a form runs by itself and is held
//! against it, then its outcome and its changes against those of the other side. So a form costs one run of the engine, and not
//! another one of the plain engine. Where it leaves the trail, it runs again in lockstep, which tells what differs.

use parallax_engine_interface::{Engine, EngineError, Execution, Job, Stepper, UntoldMessage};

use crate::{
    Compared, Shadow, ShadowConfig, ShadowMode, Side, Verdict,
    lockstep::beside,
    outcome,
    run::{compare_engines, observed},
    suspect,
    trail::{Follower, Trail},
};

/// A form of a side's engine that its steps do not run.
pub struct Form<'a> {
    /// Whose.
    pub side: Side,
    /// What reports call the engine in this form.
    pub name: &'a str,
    /// Runs in it.
    pub engine: &'a dyn Engine,
    /// Whether its run can be another one than those of the forms before it. Asked right before it.
    pub is_other: Box<dyn Fn() -> bool + 'a>,
    /// Makes another engine in the state in which `engine` was: it runs where there is a difference to explain.
    pub again: Box<dyn Fn() -> Box<dyn Engine> + 'a>,
}

/// As [`compare_engines`]; in the mode all, a pair that agrees step by step is compared in each of `forms` too, in their
/// order, at every block entry and to its end. One verdict: that of the first form that does not agree.
pub fn compare_engines_in_forms<'a>(
    left: &'a dyn Engine,
    right: &'a dyn Engine,
    job: &Job<'a>,
    config: &ShadowConfig,
    forms: &[Form<'_>],
) -> Compared {
    let is_stepped = config.mode == ShadowMode::All && !config.is_untold(UntoldMessage::Refused);
    let Some(first) = forms.first().filter(|_| is_stepped) else {
        return compare_engines(left, right, job, config);
    };
    observed([left, right], job, config, || {
        let mut trail = Trail::default();
        let mut compared = beside(left, right, job, config, Some((first.side, &mut trail)), |shadow| shadow);
        if compared.verdict == Verdict::Agree {
            compared.verdict = compare_forms([left, right], job, config, forms, &trail, &compared.results);
        }
        compared
    })
}

/// Of two sides that agree step by step, each of `forms`: `trail` is what the side of the first one showed, which is what the
/// other one did, and `results` is what both answered.
pub fn compare_forms(
    sides: [&dyn Engine; 2],
    job: &Job<'_>,
    config: &ShadowConfig,
    forms: &[Form<'_>],
    trail: &Trail,
    results: &[Result<Execution, EngineError>; 2],
) -> Verdict {
    let forms = forms.iter().filter(|form| (form.is_other)());
    let mut verdicts = forms.map(|form| compare_form(form, sides, job, config, trail, results));
    verdicts.find(|verdict| *verdict != Verdict::Agree).unwrap_or(Verdict::Agree)
}

fn compare_form(
    form: &Form<'_>,
    sides: [&dyn Engine; 2],
    job: &Job<'_>,
    config: &ShadowConfig,
    trail: &Trail,
    results: &[Result<Execution, EngineError>; 2],
) -> Verdict {
    if trail.is_cut() {
        return lockstep(form, form.engine, sides, job, config);
    }
    let mut follower = Follower::new(trail, form.name);
    let result = form.engine.execute(job, &mut follower);
    let is_over = matches!(&result, Ok(Execution { outcome: Some(_), .. }));
    if follower.has_left() || (is_over && !follower.has_met_all()) {
        let verdict = lockstep(form, &*(form.again)(), sides, job, config);
        return match verdict {
            Verdict::Agree => Verdict::Poisoned(format!(
                "{}: its block entries were others than those of its steps, and not when it ran again",
                form.name
            )),
            verdict => verdict,
        };
    }
    let of_other = usize::from(form.side == Side::Left);
    let names = oriented(form.side, form.name, sides[of_other].name());
    let answers = oriented(form.side, &result, &results[of_other]);
    let compared = outcome::answers(names, answers, config, || Ok(()));
    outcome::verdict(compared, names, Vec::new, config)
}

/// What is the form's on its side, and what is the other's on the other one.
fn oriented<T>(side: Side, of_form: T, of_other: T) -> [T; 2] {
    match side {
        Side::Left => [of_form, of_other],
        Side::Right => [of_other, of_form],
    }
}

/// Runs `engine`, in the form, with an engine beside it that is stepped: the other side's, or the form's own if that cannot be,
/// which has agreed with the other one step by step.
fn lockstep(
    form: &Form<'_>,
    engine: &dyn Engine,
    sides: [&dyn Engine; 2],
    job: &Job<'_>,
    config: &ShadowConfig,
) -> Verdict {
    let [own, other] = oriented(form.side, sides[0], sides[1]);
    let config = ShadowConfig { mode: ShadowMode::PerBlock, measure_time: false, ..*config };
    let Some((judge, stepper)) = steppable([other, own], job) else {
        return Verdict::NotCompared(format!("nothing can be stepped beside {}", form.name));
    };
    let names = oriented(form.side, form.name, judge.name());
    let mut shadow = Shadow::new(names, stepper, &config).watching(form.side);
    let result = engine.execute(job, &mut shadow);
    let mut verdict = shadow.finish(result).verdict;
    suspect::name(&mut verdict, judge, job);
    verdict
}

type Started<'a> = (&'a dyn Engine, Box<dyn Stepper + 'a>);

/// The first of these that can be stepped.
fn steppable<'a>(engines: [&'a dyn Engine; 2], job: &Job<'a>) -> Option<Started<'a>> {
    engines.into_iter().find_map(|engine| Some((engine, engine.start(job).ok()??)))
}
