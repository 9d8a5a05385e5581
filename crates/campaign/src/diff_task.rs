//! A comparison that worker processes can be told of: engines by their names, and each case in the forms that reports need.

use std::time::Duration;

use parallax_primitives::Rules;
use parallax_shadow_diff::{Halts, ShadowConfig, ShadowMode, Verdict};
use parallax_state_tests::FixtureError;
use serde::{Deserialize, Serialize};

use crate::{
    CaseName, DiffOutcome, DiffSetup, DiffSummary, Form, Loss, Parting, StepsFile, Told,
    any_case::AnyCase,
    block_test::{Chain, compare_blocks},
    config, diff,
    engines::{EngineSource, Engines, Ruled, UnknownEngine},
    report::{Answer, Subject},
    task::Task,
};

/// Two engines that are called by their names, and how they are compared and told of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DiffTask {
    /// The name of the left engine.
    pub left: String,
    /// The name of the right one.
    pub right: String,
    /// The rules of the left and of the right side, in place of the cases' own; as a file of rules, where they pass through a pipe.
    #[serde(with = "rules_text")]
    pub rules: [Option<Rules>; 2],
    /// How often they are compared.
    #[serde(with = "mode_name")]
    pub mode: ShadowMode,
    /// Whether halts must have the same name where one engine is a foreign one, too.
    pub exact_halts: bool,
    /// Whether the time of each engine is measured apart.
    pub measure_time: bool,
    /// Most steps of a run, or block entries; not kept where only messages are compared.
    pub max_steps: Option<u64>,
    /// The command and its options, without what selects cases.
    pub command: String,
    /// The forms in which each case is told.
    pub forms: Vec<Form>,
}

/// A mode by its name.
mod mode_name {
    use parallax_shadow_diff::ShadowMode;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    const MODES: [ShadowMode; 5] =
        [ShadowMode::Off, ShadowMode::PerCall, ShadowMode::PerBlock, ShadowMode::PerStep, ShadowMode::All];

    pub(super) fn serialize<S: Serializer>(mode: &ShadowMode, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(mode.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ShadowMode, D::Error> {
        let name = String::deserialize(deserializer)?;
        let mode = MODES.into_iter().find(|mode| mode.name() == name);
        mode.ok_or_else(|| D::Error::custom("an unknown mode"))
    }
}

/// Rules as the text of a file of rules.
mod rules_text {
    use parallax_primitives::Rules;
    use parallax_rules_file::{read, write};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    type Sides = [Option<Rules>; 2];

    pub(super) fn serialize<S: Serializer>(rules: &Sides, serializer: S) -> Result<S::Ok, S::Error> {
        rules.map(|rules| rules.map(write)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Sides, D::Error> {
        let [left, right] = <[Option<String>; 2]>::deserialize(deserializer)?;
        let read = |text: Option<String>| text.map(|text| read(&text)).transpose().map_err(D::Error::custom);
        Ok([read(left)?, read(right)?])
    }
}

/// What came of one case, in the forms that were asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DiffReport {
    /// How it counts.
    pub sum: DiffSummary,
    /// As [`DiffOutcome::steps`].
    pub steps: u64,
    /// As [`DiffOutcome::times`].
    pub times: [Duration; 2],
    /// As [`DiffOutcome::parting`].
    pub parting: Option<Parting>,
    /// What it is instead of a test that can be run, in words that a count may stand before.
    pub passed_over: Option<String>,
    /// What it is in each form.
    pub told: Told,
}

impl DiffTask {
    /// What two engines may differ in.
    pub fn config(
        &self,
        left: &(impl EngineSource + ?Sized),
        right: &(impl EngineSource + ?Sized),
    ) -> ShadowConfig {
        let mut config = config(left, right, self.mode);
        if self.exact_halts {
            config.halts = Halts::Exact;
        }
        config.measure_time = self.measure_time;
        config.max_steps = self.max_steps.unwrap_or(u64::MAX);
        config
    }

    /// How it was asked for, as reports say it.
    pub fn setup(&self, config: &ShadowConfig) -> DiffSetup {
        let setup = DiffSetup::new(&self.left, &self.right, config);
        DiffSetup { command: self.command.clone(), ..setup }
    }

    /// How each case is run and told, with the engines that are found by name in `engines`; its steps are written to `steps`.
    pub(crate) fn each(
        &self,
        engines: Engines,
        steps: Option<&StepsFile>,
    ) -> Result<impl Fn(&AnyCase) -> DiffReport + Sync, UnknownEngine> {
        let (left, right) = (engines(&self.left)?, engines(&self.right)?);
        let config = self.config(&*left, &*right);
        let rules = self.rules;
        Ok(move |case: &AnyCase| {
            let left = Ruled { source: &*left, rules: rules[0] };
            let right = Ruled { source: &*right, rules: rules[1] };
            let case = match case {
                AnyCase::State(case) => &**case,
                AnyCase::Block(block) => {
                    let outcome = compare_blocks(Chain::Test(block), [&left, &right], &config);
                    return self.report(&Answer::Outcome(Subject::Case(case.name()), &outcome));
                }
            };
            let outcome = diff::compare_case(case, &left, &right, &config);
            if let (Some(steps), Ok(job)) = (steps, case.job())
                && !matches!(outcome.verdict, Verdict::Unsupported(_))
            {
                steps.write(CaseName::of(case).id(), &job, [&left, &right], &config, &outcome);
            }
            let mut report = self.report(&Answer::Outcome(Subject::Case(CaseName::of(case)), &outcome));
            report.sum.by_other_rules = u64::from(case.in_place_of.is_some());
            report
        })
    }

    fn report(&self, answer: &Answer<'_>) -> DiffReport {
        let told = Told::of(answer, &self.forms, &self.command);
        match answer {
            Answer::Outcome(_, outcome) => {
                let DiffOutcome { steps, times, ref parting, .. } = **outcome;
                let (sum, parting) = (DiffSummary::of(outcome), parting.clone());
                DiffReport { sum, steps, times, parting, passed_over: None, told }
            }
            Answer::Unreadable(error) => {
                let mut sum = DiffSummary { complete: true, ..DiffSummary::default() };
                sum.count_error(error);
                let (times, passed_over) = ([Duration::ZERO; 2], error.passed_over());
                DiffReport { sum, steps: 0, times, parting: None, passed_over, told }
            }
        }
    }
}

impl Task for DiffTask {
    type Report = DiffReport;

    fn lost(&self, case: &CaseName<'_>, loss: Loss) -> DiffReport {
        self.report(&Answer::Outcome(Subject::Case(*case), &loss.into()))
    }

    fn unreadable(&self, error: &FixtureError) -> DiffReport {
        self.report(&Answer::Unreadable(error))
    }
}
