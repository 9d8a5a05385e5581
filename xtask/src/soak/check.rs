//! One program on every engine in every form.

use std::collections::BTreeMap;

use parallax_campaign::{config, engines};
use parallax_engine_interface::{Engine, Job};
use parallax_generator::{Program, Seen, Watch, World};
use parallax_mini_interpreter::Mini;
use parallax_primary_interpreter::{FastCounts, Primary, Tiering};
use parallax_primitives::{Eip, Transaction, U256};
use parallax_shadow_diff::{Compared, ShadowMode, Verdict, compare_engines};

use Watch::{Paused, Unwatched, Watched};

/// Each engine's runs, one after the other: a code that is cold at first is hot later.
const RUNS: [(Tiering, &[Watch]); 5] = [
    (Tiering::Never, &[Watched, Unwatched]),
    (Tiering::Always, &[Watched, Unwatched, Paused]),
    (Tiering::AlwaysRecover, &[Watched, Unwatched]),
    (Tiering::WhenHot, &[Watched, Paused, Unwatched]),
    (Tiering::WhenHot, &[Unwatched, Watched]),
];
/// The runs where gas ends at the edge of a block.
const EDGE_RUNS: [(Tiering, &[Watch]); 2] =
    [(Tiering::Always, &[Unwatched]), (Tiering::AlwaysRecover, &[Watched])];
/// The cap on a transaction's gas (EIP-7825).
const CAP: u64 = 1 << 24;

/// How much of what was run.
#[derive(Debug, Default)]
pub(super) struct Counts(pub(super) BTreeMap<String, u64>);

impl Counts {
    pub(super) fn add(&mut self, what: &str, by: u64) {
        *self.0.entry(what.to_owned()).or_default() += by;
    }
}

/// Runs and compares.
///
/// # Errors
///
/// The first difference.
pub(super) fn check(program: &Program, counts: &mut Counts) -> Result<(), String> {
    let world = World::new(program);
    let expected = compare(&world, &RUNS, counts)?;
    counts.add("programs", 1);
    counts.add(&format!("kind {}", program.kind), 1);
    counts.add(&format!("end {}", expected.outcome.status), 1);
    counts.add("bytes of code", program.code.len() as u64);
    counts.add("block entries", expected.entries.len() as u64);
    if let Some(gas) = world.edge(&expected) {
        compare(&world.with_gas(gas), &EDGE_RUNS, counts)
            .map_err(|what| format!("with {gas} gas: {what}"))?;
        counts.add("runs with gas that ends at the edge of a block", 1);
    }
    counts.add("programs beside revm", u64::from(beside_revm(&world)?));
    Ok(())
}

fn compare(world: &World, runs: &[(Tiering, &[Watch])], counts: &mut Counts) -> Result<Seen, String> {
    let expected = world.run_plain(&Mini, Watched).map_err(|error| format!("mini: {error}"))?;
    for (tiering, watches) in runs {
        let engine = Primary::with_tiering(*tiering);
        world.compare(&engine, watches, &expected).map_err(|what| format!("{tiering:?}: {what}"))?;
        let FastCounts { blocks, instructions, refused } = engine.counts();
        if refused > 0 {
            return Err(format!("{tiering:?}: the translation is not as it must be"));
        }
        counts.add("blocks in the fast form, while watched", blocks);
        counts.add("instructions of the fast form, while watched", instructions);
    }
    Ok(expected)
}

/// The same message as a transaction, on the plain engine and on revm; false where there is none: a static frame, rules that
/// revm does not have, more messages than a comparison keeps.
fn beside_revm(world: &World) -> Result<bool, String> {
    let Program { rules, gas, is_static, input, .. } = world.program();
    let block = World::block(rules.base());
    if *is_static || engines::revm().unsupported(*rules, &block).is_some() {
        return Ok(false);
    }
    // What calldata costs at most (68 a byte before EIP-2028, 40 with EIP-7623) comes on top.
    let gas_limit = (*gas).min(1 << 40) + 21_000 + 68 * input.len() as u64;
    let transaction = Transaction {
        sender: World::SENDER,
        to: Some(World::TARGET),
        gas_limit: if rules.has(Eip::GasCap7825) { gas_limit.min(CAP) } else { gas_limit },
        max_fee_per_gas: U256::from(3),
        max_priority_fee_per_gas: U256::from(3),
        input: input.clone().into(),
        ..Transaction::default()
    };
    let job = Job {
        rules: *rules,
        chain_id: 1,
        block: &block,
        subject: (&transaction).into(),
        database: &world.database,
    };
    let config = config(engines::mini(), engines::revm(), ShadowMode::PerCall);
    let Compared { verdict, .. } = compare_engines(engines::mini(), engines::revm(), &job, &config);
    match verdict {
        Verdict::Agree => Ok(true),
        // More messages than a comparison keeps.
        Verdict::Limit(_) => Ok(false),
        Verdict::Diverge(divergence) => Err(format!("mini and revm: {divergence}")),
        other => Err(format!("mini and revm: {}: {}", other.name(), other.reason().unwrap_or_default())),
    }
}
