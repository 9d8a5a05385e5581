use std::fmt::Write;

use parallax_primitives::{Eip, Rules, RulesDifference, RulesSubject};

/// What two sets of rules have otherwise, as text: an EIP at a time, with what it changes, then what no EIP explains.
pub fn differences(left: Rules, right: Rules) -> String {
    let all = left.differences(right);
    if all.is_empty() {
        return format!("{left} and {right} are the same rules\n");
    }
    let mut text = format!("from {left} to {right}\n");
    let mut told = vec![false; all.len()];
    for eip in Eip::ALL.iter().filter(|eip| left.has(**eip) != right.has(**eip)) {
        let sign = if right.has(*eip) { '+' } else { '-' };
        let _ = writeln!(text, "{sign} {eip} {}", eip.title());
        for (difference, told) in all.iter().zip(&mut told) {
            if difference.subject == RulesSubject::Eip(*eip) {
                *told = true;
            } else if difference.eips.contains(eip) {
                *told = true;
                let _ = writeln!(text, "    {}", line(difference));
            }
        }
    }
    let rest: Vec<_> = all.iter().zip(told).filter(|(_, told)| !told).collect();
    if !rest.is_empty() {
        text += "by no EIP\n";
        for (difference, _) in rest {
            let _ = writeln!(text, "    {}", line(difference));
        }
    }
    text
}

fn line(difference: &RulesDifference) -> String {
    let RulesDifference { subject, left, right, .. } = difference;
    let value = |value: &Option<u64>| match value {
        None => "none".to_owned(),
        Some(u64::MAX) => "unlimited".to_owned(),
        Some(value) => value.to_string(),
    };
    match (subject, left, right) {
        (RulesSubject::Precompile(id), None, _) => format!("contract {:#04x} {}", id.number(), id.name()),
        (RulesSubject::Precompile(id), ..) => format!("no contract {:#04x} {}", id.number(), id.name()),
        (RulesSubject::Opcode(opcode), None, Some(gas)) => format!("opcode {opcode}, gas {gas}"),
        (RulesSubject::Opcode(opcode), Some(_), None) => format!("no opcode {opcode}"),
        (RulesSubject::Opcode(opcode), ..) => format!("{opcode} gas {} -> {}", value(left), value(right)),
        _ => format!("{subject} {} -> {}", value(left), value(right)),
    }
}

#[cfg(test)]
mod tests {
    use parallax_primitives::{Fork, Opcode};

    use super::*;

    #[test]
    fn differences_are_told_by_eip() {
        let text = differences(Fork::Shanghai.into(), Fork::Cancun.into());
        let expected = "from Shanghai to Cancun\n+ EIP-1153 TLOAD, TSTORE\n    opcode TLOAD, gas 100\n";
        assert!(text.starts_with(expected), "{text}");
        assert!(
            text.contains("the point evaluation\n    opcode BLOBHASH, gas 3\n    contract 0x0a KZG_POINT"),
            "{text}"
        );
        let own = Rules::builder(Fork::Osaka).static_gas(Opcode::SLOAD, 1).chain_id(9).build();
        let own = own.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            differences(Fork::Osaka.into(), own),
            "from Osaka to Osaka SLOAD=1 chain=9\nby no EIP\n    SLOAD gas 100 -> 1\n    chain id 1 -> 9\n"
        );
        assert_eq!(differences(own, own), format!("{own} and {own} are the same rules\n"));
        assert!(
            differences(Fork::Osaka.into(), Fork::Prague.into())
                .contains("- EIP-7939 CLZ\n    no opcode CLZ\n")
        );
    }
}
