use std::fmt::Write;

use parallax_primitives::{Opcode, OpcodeDefinition, Parameter, Rules, Switch};

/// `rules` as the text of a file, with every number that they have; [`read`](crate::read) answers the same rules, but for opcodes and
/// contracts of an author's own, which are Rust. Comments say what is
/// on and which EIP brought it.
pub fn write(rules: Rules) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_all(&mut text, rules);
    text
}

fn write_all(out: &mut String, rules: Rules) -> std::fmt::Result {
    let before = rules.base().eips();
    let numbers = |is_on: bool| {
        let changed = parallax_primitives::Eip::ALL.iter();
        let changed =
            changed.filter(|eip| rules.has(**eip) != before.has(**eip) && rules.has(**eip) == is_on);
        changed.map(|eip| eip.number().to_string()).collect::<Vec<_>>().join(", ")
    };
    writeln!(out, "name = \"{}\"", rules.name().replace('\\', "\\\\").replace('"', "\\\""))?;
    writeln!(out, "base = \"{}\"", rules.base())?;
    writeln!(out, "chain_id = {}", rules.chain_id())?;
    writeln!(out, "with = [{}]", numbers(true))?;
    writeln!(out, "without = [{}]", numbers(false))?;
    let switches: Vec<_> = Switch::ALL.iter().filter(|switch| rules.is_on(**switch)).collect();
    let switches: Vec<_> = switches.iter().map(|switch| format!("\"{}\"", switch.name())).collect();
    writeln!(out, "switches = [{}]", switches.join(", "))?;
    writeln!(out, "\n# EIPs that are on:")?;
    for eip in rules.eips().iter() {
        let fork = eip.fork().map_or("no fork yet", parallax_primitives::Fork::name);
        writeln!(out, "#   {:<5} {:<17} {}", eip.number(), fork, eip.title())?;
    }
    writeln!(out, "# Precompiled contracts:")?;
    for id in rules.precompiles() {
        writeln!(out, "#   {:#06x} {}", id.number(), id.name())?;
    }
    let transactions = rules.custom_transactions();
    let has_opcodes = rules.custom_opcodes().next().is_some();
    if has_opcodes || rules.custom_contracts().next().is_some() || transactions.is_some() {
        writeln!(out, "# An author's own, which a file cannot say:")?;
    }
    for own in rules.custom_opcodes().map(OpcodeDefinition::info) {
        let (inputs, outputs) = (own.inputs.len(), own.outputs.len());
        writeln!(out, "#   {:#04x} {}, {inputs} -> {outputs}, gas {}", own.opcode.0, own.name, own.gas)?;
    }
    for own in rules.custom_contracts() {
        writeln!(out, "#   {} {}", own.address(), own.name())?;
    }
    if let Some(own) = transactions {
        let types: String = own.types().iter().map(|byte| format!(" {byte:#04x}")).collect();
        writeln!(out, "#   transactions {}{types}", own.name())?;
    }
    writeln!(out, "\n[gas]")?;
    for info in Opcode::all() {
        let row = rules.opcodes()[usize::from(info.opcode.0)];
        if row.is_defined() {
            writeln!(out, "{} = {}", info.name, row.gas)?;
        }
    }
    writeln!(out, "\n[parameters]")?;
    for parameter in Parameter::ALL {
        match rules.gas().get(*parameter) {
            u64::MAX => writeln!(out, "{} = \"unlimited\"", parameter.name())?,
            value => writeln!(out, "{} = {value}", parameter.name())?,
        }
    }
    let blobs = rules.blobs();
    writeln!(out, "\n[blobs]")?;
    writeln!(out, "target = {}\nmax = {}", blobs.target, blobs.max)?;
    writeln!(out, "update_fraction = {}", blobs.update_fraction)
}

#[cfg(test)]
mod tests {
    use parallax_primitives::Fork;

    use super::*;
    use crate::read;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let mut all: Vec<Rules> = Fork::ALL.map(Rules::of).to_vec();
        for spelling in ["Osaka-7623-7939", "Petersburg+1283", "Frontier+3855+1153"] {
            all.push(spelling.parse().unwrap_or_else(|error| panic!("{spelling}: {error}")));
        }
        let own = Rules::builder(Fork::Osaka)
            .name("a \"name\" \\ of mine")
            .chain_id(7)
            .static_gas(Opcode::SLOAD, 1)
            .switch(Switch::NoCreationOnDelegating, true)
            .parameter(Parameter::memory_quadratic_divisor, u64::MAX)
            .parameter(Parameter::tx_gas_cap, u64::MAX);
        all.push(own.build().unwrap_or_else(|error| panic!("{error}")));
        for rules in all {
            assert_eq!(read(&write(rules)), Ok(rules), "{}", write(rules));
        }
    }
}
