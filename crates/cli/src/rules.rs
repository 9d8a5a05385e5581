//! `parallax rules`: rules as text, and what two sets of rules have otherwise.

use std::io::{self, Write};

use anyhow::Result;
use parallax_primitives::RulesDifference;
use parallax_rules_file as rules_file;
use serde_json::{Value, json};

use crate::{
    arguments::{RulesArguments, RulesCommand},
    report::Status,
};

pub(crate) fn run(arguments: &RulesArguments) -> Result<Status> {
    let text = match &arguments.command {
        RulesCommand::Show { rules } => rules_file::write(rules.rules),
        RulesCommand::Diff { left, right, json: false } => rules_file::differences(left.rules, right.rules),
        RulesCommand::Diff { left, right, json: true } => {
            let differences: Vec<Value> = left.rules.differences(right.rules).iter().map(told).collect();
            let (left, right) = (left.rules.name(), right.rules.name());
            let all = json!({ "left": left, "right": right, "differences": differences });
            format!("{all}\n")
        }
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Status::Well)
}

fn told(difference: &RulesDifference) -> Value {
    let RulesDifference { subject, left, right, eips } = difference;
    let eips: Vec<u32> = eips.iter().map(|eip| eip.number()).collect();
    json!({ "subject": subject.to_string(), "left": left, "right": right, "eips": eips })
}
