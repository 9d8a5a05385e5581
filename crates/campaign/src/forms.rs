//! The fast forms of both sides, made for one case.

use parallax_engine_interface::{Engine, Job};
use parallax_hooks::{Hooks, Interest};
use parallax_primitives::Rules;
use parallax_shadow_diff::{Form, Side};

use crate::engines::{CaseEngine, EngineSource, FastCounts, FastForm, under};

/// The engines that run a case in the forms of its sides ([`EngineSource::forms`]).
#[derive(Default)]
pub struct FastForms(Vec<MadeForm>);

impl FastForms {
    /// Those of two sides; they have run nothing.
    pub fn of(left: &(impl EngineSource + ?Sized), right: &(impl EngineSource + ?Sized)) -> Self {
        let of_side = |side, forms: &'static [FastForm], rules| {
            forms.iter().map(move |form| MadeForm { side, form, rules, engine: under((form.make)(), rules) })
        };
        let left = of_side(Side::Left, left.forms(), left.rules());
        Self(left.chain(of_side(Side::Right, right.forms(), right.rules())).collect())
    }

    /// Their runs, in the order in which they are to be compared.
    pub fn runs<'a>(&'a self, job: &Job<'a>) -> Vec<Form<'a>> {
        let job = *job;
        let runs = self.0.iter().flat_map(|made| {
            made.form.runs.iter().enumerate().map(move |(before, name)| Form {
                side: made.side,
                name,
                engine: &*made.engine,
                // What is all translated runs as what is translated at once.
                is_other: Box::new(move || before == 0 || !made.engine.is_warm()),
                again: Box::new(move || made.after(before, &job)),
            })
        });
        runs.collect()
    }

    /// What ran in them so far; `None` if there are none.
    pub fn fast(&self) -> Option<FastCounts> {
        self.0.iter().filter_map(|made| made.engine.fast()).reduce(sum)
    }
}

/// A form of one side, and the engine that runs it.
struct MadeForm {
    side: Side,
    form: &'static FastForm,
    rules: Option<Rules>,
    engine: Box<dyn CaseEngine>,
}

impl MadeForm {
    /// Another engine, that has run `job` so many times.
    fn after(&self, times: usize, job: &Job<'_>) -> Box<dyn Engine> {
        let engine = under((self.form.make)(), self.rules);
        for _ in 0..times {
            // What comes of it was compared when the first one ran it.
            let _ = engine.execute(job, &mut Unseen);
        }
        engine
    }
}

/// Hooks for which an engine runs as it does while its block entries are compared.
struct Unseen;

impl Hooks for Unseen {
    fn interest(&self) -> Interest {
        Interest::Blocks
    }
}

pub(crate) fn sum(left: FastCounts, right: FastCounts) -> FastCounts {
    FastCounts {
        blocks: left.blocks + right.blocks,
        instructions: left.instructions + right.instructions,
        refused: left.refused + right.refused,
    }
}
