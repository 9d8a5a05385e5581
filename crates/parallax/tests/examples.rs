//! Every example is run, not only compiled.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

#[path = "../examples/assemble.rs"]
mod assemble;
#[path = "../examples/compare.rs"]
mod compare;
#[path = "../examples/custom_chain.rs"]
mod custom_chain;
#[path = "../examples/fast.rs"]
mod fast;
#[path = "../examples/foreign_engine.rs"]
mod foreign_engine;
#[path = "../examples/oracle.rs"]
mod oracle;
#[path = "../examples/pause.rs"]
mod pause;
#[path = "../examples/pre_state.rs"]
mod pre_state;
#[path = "../examples/records.rs"]
mod records;
#[path = "../examples/rollup.rs"]
mod rollup;
#[path = "../examples/root.rs"]
mod root;
#[path = "../examples/rules.rs"]
mod rules;
#[path = "../examples/slow_reader.rs"]
mod slow_reader;
#[path = "../examples/state_test.rs"]
mod state_test;
#[path = "../examples/trace.rs"]
mod trace;
#[path = "../examples/world.rs"]
mod world;

/// A test for each example, which asserts what it shows.
macro_rules! run {
    ($($name:ident)*) => {$(
        mod $name {
            #[test]
            fn runs() {
                super::super::$name::main().unwrap();
            }
        }
    )*};
}

mod examples {
    run! {
        oracle fast world root pre_state trace slow_reader pause compare records state_test assemble rules custom_chain rollup foreign_engine
    }
}
