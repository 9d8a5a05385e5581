//! Rules as every command reads them: spelled, or out of a file.

use std::{fs::File, io::Read, path::Path};

use parallax_primitives::Rules;

/// Rules as a person types them.
#[derive(Clone, Debug)]
pub(crate) struct RulesArgument {
    /// A fork, with EIPs switched on and off, or the path of a file.
    pub(crate) text: String,
    /// What it says.
    pub(crate) rules: Rules,
}

/// Reads a fork (`Osaka`), a fork with EIPs switched on and off (`Cancun+7939-5656`), or the file of a path that ends with `.toml`.
pub(crate) fn argument(text: &str) -> Result<RulesArgument, String> {
    let is_file = Path::new(text).extension().is_some_and(|extension| extension == "toml");
    let rules = if is_file { from_file(text)? } else { text.parse().map_err(|error| format!("{error}"))? };
    Ok(RulesArgument { text: text.to_owned(), rules })
}

fn from_file(path: &str) -> Result<Rules, String> {
    let mut text = String::new();
    // One byte more than a file of rules may have: it is refused by its size.
    let read = File::open(path)
        .and_then(|file| file.take(parallax_rules_file::LARGEST as u64 + 1).read_to_string(&mut text));
    read.map_err(|error| format!("{path}: {error}"))?;
    parallax_rules_file::read(&text).map_err(|error| format!("{path}: {error}"))
}
