//! What a campaign logs, as a subscriber sees it: its spans, and what is worth a line.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    fmt::Debug,
    fs,
    ops::ControlFlow,
    path::PathBuf,
    sync::{Arc, Mutex, atomic::AtomicBool},
};

use parallax_campaign::{
    Campaign, Selection, diff,
    engines::{self, EngineName},
    statetest,
};
use parallax_engine_interface::Engine;
use parallax_hooks::NoHooks;
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini};
use parallax_primitives::{Fork, Opcode};
use parallax_shadow_diff::{ShadowConfig, ShadowMode, Shadowed};
use parallax_state_tests::cases;
use tracing::{
    Event, Id, Subscriber,
    field::{Field, Visit},
    span::Attributes,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry::{LookupSpan, Scope},
};

/// Keeps every event as one text: the spans around it with their fields, then its own.
#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &format!(" {}={value:?}", field.name());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collected {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut text = Text::default();
        attributes.record(&mut text);
        context.span(id).unwrap().extensions_mut().insert(text);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Text(event.metadata().level().to_string());
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            let fields = span.extensions().get::<Text>().map_or_else(String::new, |text| text.0.clone());
            line.0 += &format!(" {}{{{}}}", span.name(), fields.trim_start());
        }
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
}

/// What is logged while `run` runs. There is one subscriber in this process, as threads of a campaign have no other.
fn logged(run: impl FnOnce()) -> Vec<String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    static COLLECTED: std::sync::LazyLock<Collected> = std::sync::LazyLock::new(|| {
        let collected = Collected::default();
        let subscriber = tracing_subscriber::registry().with(collected.clone());
        tracing::subscriber::set_global_default(subscriber).unwrap();
        collected
    });
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    COLLECTED.0.lock().unwrap().clear();
    run();
    std::mem::take(&mut *COLLECTED.0.lock().unwrap())
}

/// Some line has all of these parts.
#[track_caller]
fn has(lines: &[String], parts: &[&str]) {
    let found = lines.iter().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(found, "{parts:?} is not in {lines:#?}");
}

fn campaign(files: &[PathBuf], fork: Option<Fork>, run: impl FnOnce(&Campaign<'_>)) {
    let selection = Selection { rules: fork.map(Into::into), ..Selection::default() };
    run(&Campaign { files, selection: &selection, jobs: 2, cancel: &AtomicBool::new(false) });
}

#[test]
fn a_campaign_says_what_it_compares_and_what_comes_of_it() {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    let broken = std::env::temp_dir().join(format!("parallax-log-{}.json", std::process::id()));
    fs::write(&broken, "{").unwrap();
    let files = [fixtures.join("arithmetic.json"), broken.clone()];
    let faulty =
        engines::local("faulty", FaultyMini::new(FaultPlan::new(Fault::FlipResult(0), Opcode::MULMOD)));
    let lines = logged(|| {
        campaign(&files, None, |campaign| {
            let go_on = |_: &_, _| ControlFlow::Continue(());
            diff(campaign, engines::mini(), &faulty, ShadowMode::PerStep, go_on).unwrap();
        });
    });
    fs::remove_file(&broken).unwrap();
    let case = "case{file=";
    let shadow = "shadow{mode=\"per-step\" left=\"mini\" right=\"faulty\"";
    has(
        &lines,
        &["DEBUG campaign{files=2 jobs=2} case{file=", shadow, "compared", "verdict=\"agree\"", "steps="],
    );
    has(&lines, &["WARN", case, shadow, "the engines part", "verdict=\"diverge\"", " step=", " field="]);
    has(&lines, &["WARN", "cannot be read", "parallax-log-"]);

    let lines = logged(|| {
        campaign(&files[..1], Some(Fork::Constantinople), |campaign| {
            let go_on = |_: &_, _| ControlFlow::Continue(());
            statetest(campaign, &EngineName::Revm, go_on).unwrap();
            statetest(campaign, engines::mini(), go_on).unwrap();
        });
    });
    has(&lines, &["INFO", case, "passed over", "engine=\"revm\"", "Constantinople"]);
    has(&lines, &["DEBUG", case, "ran", "engine=\"mini\"", "passed=true"]);
}

/// An engine that is compared while it is used says what it finds, once a run, in every mode.
#[test]
fn a_shadow_says_what_it_finds() {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    let case = cases(&fixtures.join("arithmetic.json")).unwrap().next().unwrap().unwrap();
    let job = case.job().unwrap();
    let faulty = engines::local("faulty", FaultyMini::new(FaultPlan::new(Fault::GasMore, Opcode::PUSH1)));
    for mode in [ShadowMode::PerCall, ShadowMode::PerStep] {
        let shadowed =
            Shadowed::new(engines::mini(), &faulty, ShadowConfig { mode, ..ShadowConfig::default() });
        let lines = logged(|| _ = shadowed.execute(&job, &mut NoHooks));
        assert_eq!(lines.len(), 1, "{lines:#?}");
        let shadow = format!("shadow{{mode=\"{}\" left=\"mini\" right=\"faulty\"", mode.name());
        has(&lines, &["WARN", &shadow, "the engines part", "verdict=\"diverge\""]);
    }
}
