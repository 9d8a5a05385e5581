//! `parallax rules`: rules as text, and what two sets of rules have otherwise. Also how every command reads rules.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use anyhow::Result;
use parallax_primitives::{Rules, RulesDifference};
use parallax_rules_file as rules_file;
use serde_json::{Value, json};

use crate::{
    arguments::{RulesArguments, RulesCommand},
    report::Status,
};

/// Rules as a person types them.
#[derive(Clone, Debug)]
pub(crate) struct RulesArgument {
    /// A fork, with EIPs switched on and off, or the path of a file.
    pub(crate) text: String,
    /// What it says.
    pub(crate) rules: Rules,
}

/// Reads a fork (`Osaka`), a fork with EIPs switched on and off (`Osaka+7939-7623`), or the file of a path that ends with `.toml`.
pub(crate) fn argument(text: &str) -> Result<RulesArgument, String> {
    let is_file = Path::new(text).extension().is_some_and(|extension| extension == "toml");
    let rules = if is_file { from_file(text)? } else { text.parse().map_err(|error| format!("{error}"))? };
    Ok(RulesArgument { text: text.to_owned(), rules })
}

fn from_file(path: &str) -> Result<Rules, String> {
    let mut text = String::new();
    // One byte more than a file of rules may have: it is refused by its size.
    let read = File::open(path).and_then(|file| file.take((1 << 20) + 1).read_to_string(&mut text));
    read.map_err(|error| format!("{path}: {error}"))?;
    rules_file::read(&text).map_err(|error| format!("{path}: {error}"))
}

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
