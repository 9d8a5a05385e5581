//! Generated rules: a fork with EIPs switched on and off, prices and limits changed.

use parallax_primitives::{Eip, Fork, Opcode, Parameter, Rules};

use crate::random::Random;

/// How many different rules there are: a program makes 16,384 sets at most ([`Rules`]).
const SEEDS: u64 = 4096;

/// The rules of a seed; any number is one. Any fork, about an eighth of all EIPs switched, up to three prices of opcodes and up to
/// four other prices and limits changed.
pub fn rules(seed: u64) -> Rules {
    let mut random = Random::new(seed % SEEDS);
    let base = random.pick(&Fork::ALL);
    let mut eips = base.eips();
    for eip in Eip::ALL {
        if random.once_in(8) {
            eips = if eips.has(*eip) { eips.without(*eip) } else { eips.with(*eip) };
        }
    }
    let eips = eips.consistent();
    let mut builder = Rules::builder(base).eips(eips);
    let defined: Vec<Opcode> = Opcode::all()
        .map(|info| info.opcode)
        .filter(|opcode| Eip::of_opcode(*opcode).is_none_or(|eip| eips.has(eip)))
        .collect();
    for _ in 0..random.below(4) {
        let opcode = random.pick(&defined);
        let least = usize::from(opcode == Opcode::JUMPDEST);
        let most = random.pick(&[10, 3000]);
        let gas = random.between(least, most);
        builder = builder.static_gas(opcode, gas as u64);
    }
    for _ in 0..random.below(5) {
        let parameter = random.pick(Parameter::ALL);
        builder = builder.parameter(parameter, value(&mut random, parameter, base));
    }
    // What gives more than it takes is refused: then the rules are the fork's.
    builder.build().unwrap_or(Rules::of(base))
}

fn value(random: &mut Random, parameter: Parameter, base: Fork) -> u64 {
    let of_fork = Rules::of(base).gas().get(parameter);
    match parameter {
        Parameter::refund_quotient => random.between(1, 6) as u64,
        _ if parameter.is_limit() => random.pick(&[u64::MAX, 1 << 24, 24_576, 100, 1]),
        _ => random.pick(&[
            0,
            1,
            of_fork / 2,
            of_fork.saturating_add(1),
            of_fork.saturating_mul(2),
            2300,
            30_000,
        ]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn rules_are_of_many_kinds() {
        let all: HashSet<Rules> = (0..SEEDS).map(rules).collect();
        assert!(all.len() > 3500, "{}", all.len());
        let switched = |rules: &&Rules| rules.eips() != rules.base().eips();
        let priced = |rules: &&Rules| rules.name().contains('=') || rules.name().ends_with("...");
        assert!(all.iter().filter(switched).count() > 3000);
        assert!(all.iter().filter(priced).count() > 2000);
        assert_eq!(rules(7), rules(7 + SEEDS));
    }
}
