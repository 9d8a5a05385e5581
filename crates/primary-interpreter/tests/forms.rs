//! Generated programs come to the same outcome, gas, state and block entries as on the plain engine, whatever is translated
//! and wherever the fast form is made to give up.

use parallax_generator::{KINDS, Program, Watch, World};
use parallax_mini_interpreter::Mini;
use parallax_primary_interpreter::{Primary, Tiering};
use parallax_primitives::{Fork, hex};

use Watch::{Paused, Unwatched, Watched};

/// Each engine's runs, one after the other: a code that is cold at first is hot later.
const RUNS: [(Tiering, &[Watch]); 5] = [
    (Tiering::Never, &[Watched, Unwatched]),
    (Tiering::Always, &[Watched, Unwatched, Paused]),
    (Tiering::AlwaysRecover, &[Watched, Unwatched]),
    (Tiering::WhenHot, &[Watched, Paused, Unwatched]),
    (Tiering::WhenHot, &[Unwatched, Watched]),
];

#[track_caller]
fn check(program: &Program) {
    let world = World::new(program);
    let expected = world.run(&Mini, Watched).expect("the world does not fail");
    for (tiering, watches) in RUNS {
        let engine = Primary::with_tiering(tiering);
        if let Err(difference) = world.compare(&engine, watches, &expected) {
            let Program { kind, seed, rules, gas, is_static, input, code } = program;
            panic!(
                "{kind}, seed {seed}, {tiering:?}, {rules}, gas {gas}, static {is_static}, input {}, code {}: {difference}",
                hex::encode(input),
                hex::encode(code)
            );
        }
        assert_eq!(engine.counts().refused, 0, "{} of seed {}", program.kind, program.seed);
    }
}

#[test]
fn generated_programs_run_the_same_in_every_form() {
    for seed in 1..=4000 {
        check(&Program::new(seed));
    }
    for kind in KINDS {
        for seed in 1..=20 {
            check(&Program::of(kind, seed));
        }
    }
}

#[test]
fn every_gas_limit_stops_at_the_same_opcode() {
    // A loop over memory, storage and hashes: it can run out of gas at every kind of charge.
    let code = hex!(
        "6000 5b 80 6020 02 80 51 81 52 6020 81 20 81 55 80 54 50 6001 01 80 6005 11 6002 57 5a 600052 60206000f3"
    );
    for gas in (0..400).chain((400..150_000).step_by(397)) {
        check(&Program {
            kind: "every gas",
            seed: gas,
            rules: Fork::Osaka.into(),
            gas,
            is_static: false,
            input: Vec::new(),
            code: code.to_vec(),
        });
    }
}
