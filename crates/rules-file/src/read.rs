use parallax_primitives::{
    BlobSchedule, Eip, Fork, Opcode, Parameter, Rules, RulesBuilder, RulesError, Switch,
};
use toml_edit::{Document, Item, TableLike};

/// Bytes that a file may have.
pub const LARGEST: usize = 1 << 20;

/// The rules that a file's text says.
///
/// # Errors
///
/// The first thing in it that cannot be, with its line.
pub fn read(text: &str) -> Result<Rules, FileError> {
    if text.len() > LARGEST {
        return Err(FileError::TooLarge);
    }
    let document = Document::parse(text).map_err(|error| FileError::Toml {
        line: line(text, error.span().map_or(0, |span| span.start)),
        reason: error.message().lines().next().unwrap_or_default().to_owned(),
    })?;
    let reader = Reader { text };
    let root = document.as_table();
    reader.only(
        root,
        &["base", "name", "chain_id", "with", "without", "switches", "gas", "parameters", "blobs"],
        "the file",
    )?;
    let base = root.get("base").ok_or(FileError::NoBase)?;
    let fork: Fork = reader
        .string(base, "base")?
        .parse()
        .map_err(|error: parallax_primitives::UnknownFork| reader.error(base, error.to_string()))?;
    let mut builder = Rules::builder(fork);
    if let Some(name) = root.get("name") {
        builder = builder.name(reader.string(name, "name")?);
    }
    if let Some(chain_id) = root.get("chain_id") {
        builder = builder.chain_id(reader.number(chain_id, "chain_id")?);
    }
    for (key, is_on) in [("with", true), ("without", false)] {
        for eip in reader.eips(root, key)? {
            builder = if is_on { builder.with(eip) } else { builder.without(eip) };
        }
    }
    for switch in reader.switches(root)? {
        builder = builder.switch(switch, true);
    }
    builder = reader.gas(root, builder)?;
    builder = reader.parameters(root, builder)?;
    if let Some(table) = reader.table(root, "blobs")? {
        let keys = ["target", "max", "update_fraction"];
        reader.only(table, &keys, "[blobs]")?;
        let value = |key| match table.get(key) {
            Some(item) => reader.number(item, key),
            None => Err(FileError::Blobs { missing: key }),
        };
        let [target, max, update_fraction] = keys.map(value);
        builder =
            builder.blobs(BlobSchedule { target: target?, max: max?, update_fraction: update_fraction? });
    }
    builder.build().map_err(|error| reader.rules_error(root, error))
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn error(&self, at: &Item, reason: String) -> FileError {
        FileError::At { line: line(self.text, at.span().map_or(0, |span| span.start)), reason }
    }

    fn only(&self, table: &dyn TableLike, keys: &[&str], what: &str) -> Result<(), FileError> {
        for (key, item) in table.iter() {
            if !keys.contains(&key) {
                let place = table.key(key).and_then(toml_edit::Key::span).or_else(|| item.span());
                let line = line(self.text, place.map_or(0, |span| span.start));
                let key: String = key.chars().take(40).collect();
                return Err(FileError::At {
                    line,
                    reason: format!("{what} has no {key:?}, expected one of {}", keys.join(", ")),
                });
            }
        }
        Ok(())
    }

    fn table<'t>(&self, root: &'t dyn TableLike, key: &str) -> Result<Option<&'t dyn TableLike>, FileError> {
        let Some(item) = root.get(key) else { return Ok(None) };
        let table = item.as_table_like();
        table.map(Some).ok_or_else(|| self.error(item, format!("{key}: expected a table, [{key}]")))
    }

    fn string<'i>(&self, item: &'i Item, what: &str) -> Result<&'i str, FileError> {
        item.as_str()
            .ok_or_else(|| self.error(item, format!("{what}: expected a string, found {}", item.type_name())))
    }

    /// TOML's integers end at 2^63 - 1: what is larger is no price, and a limit is `unlimited`.
    fn number(&self, item: &Item, what: &str) -> Result<u64, FileError> {
        let number = item.as_integer().and_then(|number| u64::try_from(number).ok());
        number.ok_or_else(|| self.error(item, format!("{what}: expected a whole number from 0 on")))
    }

    fn eips(&self, root: &dyn TableLike, key: &str) -> Result<Vec<Eip>, FileError> {
        let Some(item) = root.get(key) else { return Ok(Vec::new()) };
        let expected =
            || self.error(item, format!("{key}: expected a list of numbers of EIPs, [7939, 7623]"));
        let list = item.as_array().ok_or_else(expected)?;
        list.iter()
            .map(|number| {
                let number = number.as_integer().and_then(|number| u32::try_from(number).ok());
                let number = number.ok_or_else(expected)?;
                let unknown = || self.error(item, RulesError::Eip(number.to_string()).to_string());
                Eip::of_number(number).ok_or_else(unknown)
            })
            .collect()
    }

    fn switches(&self, root: &dyn TableLike) -> Result<Vec<Switch>, FileError> {
        let Some(item) = root.get("switches") else { return Ok(Vec::new()) };
        let names = Switch::ALL.iter().map(|switch| switch.name()).collect::<Vec<_>>().join(", ");
        let expected = || self.error(item, format!("switches: expected a list of names out of {names}"));
        let list = item.as_array().ok_or_else(expected)?;
        list.iter().map(|name| name.as_str().and_then(Switch::from_name).ok_or_else(expected)).collect()
    }

    fn gas(&self, root: &dyn TableLike, mut builder: RulesBuilder) -> Result<RulesBuilder, FileError> {
        let Some(table) = self.table(root, "gas")? else { return Ok(builder) };
        for (name, item) in table.iter() {
            let unknown = || self.error(item, format!("[gas]: no opcode is called {:?}", short(name)));
            let opcode = Opcode::from_name(name).ok_or_else(unknown)?;
            builder = builder.static_gas(opcode, self.number(item, name)?);
        }
        Ok(builder)
    }

    fn parameters(&self, root: &dyn TableLike, mut builder: RulesBuilder) -> Result<RulesBuilder, FileError> {
        let Some(table) = self.table(root, "parameters")? else { return Ok(builder) };
        for (name, item) in table.iter() {
            let parameter = Parameter::from_name(name).ok_or_else(|| {
                let names: Vec<_> = Parameter::ALL.iter().map(|parameter| parameter.name()).collect();
                let names = names.join(", ");
                self.error(item, format!("[parameters] has no {:?}, expected one of {names}", short(name)))
            })?;
            let value = match item.as_str() {
                Some("unlimited") => u64::MAX,
                _ => self.number(item, name)?,
            };
            builder = builder.parameter(parameter, value);
        }
        Ok(builder)
    }

    /// What cannot be, at the place where it is said.
    fn rules_error(&self, root: &dyn TableLike, error: RulesError) -> FileError {
        let within = |table: &str, key: &str| {
            root.get(table).and_then(Item::as_table_like).and_then(|table| table.get(key))
        };
        let item = match &error {
            RulesError::AlreadyOn { .. } => root.get("with"),
            RulesError::AlreadyOff { .. } | RulesError::Needs { .. } => {
                root.get("without").or_else(|| root.get("with"))
            }
            RulesError::Undefined(opcode) => within("gas", &opcode.to_string()),
            RulesError::TooMuch { what, .. } => within("gas", what).or_else(|| within("parameters", what)),
            RulesError::TooLittle { what, .. } => {
                within("gas", what).or_else(|| within("parameters", what)).or_else(|| within("blobs", what))
            }
            RulesError::Name(_) | RulesError::NameOfFork(_) => root.get("name"),
            _ => None,
        };
        match item {
            Some(item) => self.error(item, error.to_string()),
            None => FileError::Rules(error),
        }
    }
}

fn short(name: &str) -> String {
    name.chars().take(40).collect()
}

/// The line of a byte of `text`, from 1 on.
fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// Why a text is no rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is no TOML.
    #[error("line {line}: {reason}")]
    Toml {
        /// Where, from 1 on.
        line: usize,
        /// What was expected.
        reason: String,
    },
    /// Something in it cannot be.
    #[error("line {line}: {reason}")]
    At {
        /// Where, from 1 on.
        line: usize,
        /// What cannot be, and what was expected.
        reason: String,
    },
    /// It does not say what it begins with.
    #[error("no base, expected the fork that the rules begin with: base = \"Osaka\"")]
    NoBase,
    /// The blob parameters are not whole.
    #[error("[blobs] has no {missing}, expected target, max and update_fraction")]
    Blobs {
        /// What is not there.
        missing: &'static str,
    },
    /// There are no such rules.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// Too large for what it is.
    #[error("more than 1 MiB: too large for rules")]
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let told = read(text).map_or_else(|error| error.to_string(), |rules| rules.name().to_owned());
        assert!(told.starts_with(expected), "{told}");
    }

    #[test]
    fn what_cannot_be_is_told_with_its_line() {
        check("", "no base, expected the fork");
        check("base = 'Osaka'\n", "Osaka");
        check("base = \"Osaka\"\nbase = \"Prague\"", "line 2: duplicate key");
        check("base = \"Osaka\"\n\nnam = 1", "line 3: the file has no \"nam\", expected one of base, name");
        check("base = 7", "line 1: base: expected a string, found integer");
        check("base = \"Osakka\"", "line 1: unknown fork \"Osakka\", expected one of Frontier");
        check("base = \"Osaka\"\nwith = 7", "line 2: with: expected a list of numbers of EIPs");
        check("base = \"Osaka\"\nwith = [7]", "line 2: EIP-7 is on in Osaka already");
        check("base = \"Osaka\"\nwith = [99]", "line 2: no EIP \"99\" that changes an execution");
        check(
            "base = \"Osaka\"\nwithout = [2929]",
            "line 2: EIP-2930 (transactions with an access list) needs EIP-2929",
        );
        check(
            "base = \"Osaka\"\nswitches = [\"other\"]",
            "line 2: switches: expected a list of names out of no_",
        );
        check("base = \"Osaka\"\nswitches = 1", "line 2: switches: expected a list");
        check("base = \"Osaka\"\n[gas]\nSLOD = 1", "line 3: [gas]: no opcode is called \"SLOD\"");
        check("base = \"Osaka\"\n[gas]\nSLOAD = -1", "line 3: SLOAD: expected a whole number from 0 on");
        check("base = \"Osaka\"\n[gas]\nSLOAD = 65536", "line 3: SLOAD = 65536: at most 65535 is possible");
        check("base = \"Osaka\"\n[gas]\nJUMPDEST = 0", "line 3: JUMPDEST = 0: at least 1 is possible");
        check("base = \"Prague\"\n[gas]\nCLZ = 5", "line 3: CLZ has no price: the rules do not define it");
        check(
            "base = \"Osaka\"\n[parameters]\nsload = 5",
            "line 3: [parameters] has no \"sload\", expected one of",
        );
        check(
            "base = \"Osaka\"\n[parameters]\nexp_byte = 4294967296",
            "line 3: exp_byte = 4294967296: at most",
        );
        check(
            "base = \"Osaka\"\n[parameters]\ncall_stipend = 9001",
            "line 3: call_stipend = 9001: at most 9000",
        );
        check(
            "base = \"Osaka\"\n[parameters]\ntx_gas_cap = \"none\"",
            "line 3: tx_gas_cap: expected a whole number",
        );
        check(
            "base = \"Osaka\"\n[parameters]\nmemory_word_divisor = 0",
            "line 3: memory_word_divisor = 0: at least 1",
        );
        check("base = \"Osaka\"\nblobs = 3", "line 2: blobs: expected a table, [blobs]");
        check("base = \"Osaka\"\n[blobs]\ntarget = 3", "[blobs] has no max, expected target, max");
        check(
            "base = \"Osaka\"\n[blobs]\ntarget=1\nmax=2\nupdate_fraction=0",
            "line 5: update_fraction = 0: at least 1",
        );
        check(
            "base = \"Osaka\"\nname = \"Prague\"",
            "line 2: the name Prague is a fork's, whose rules these are not",
        );
        check("base = \"Osaka\"\nname = \"\u{202e}\"", "line 2: the name");
        check(&" ".repeat(LARGEST + 1), "more than 1 MiB");
    }

    #[test]
    fn a_file_says_all_that_rules_can_have() {
        let text = "base = \"Cancun\"\nname = \"mine\"\nchain_id = 5\nwith = [7939, 2537]\nwithout = [5656]\n\
             switches = [\"delegated_contracts\"]\n\
             [gas]\nSLOAD = 3\n[parameters]\nmax_code_size = \"unlimited\"\ncopy_word = 4\n\
             [blobs]\ntarget = 1\nmax = 2\nupdate_fraction = 3\n";
        let rules = read(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((rules.name(), rules.base(), rules.chain_id()), ("mine", Fork::Cancun, 5));
        assert!(
            rules.has(Eip::CountZeros7939) && rules.has(Eip::Bls12By2537) && !rules.has(Eip::MemoryCopy5656)
        );
        assert_eq!(rules.opcodes()[usize::from(Opcode::SLOAD.0)].gas, 3);
        assert!(rules.is_on(Switch::DelegatedContracts) && !rules.is_on(Switch::NoCreationOnDelegating));
        assert_eq!((rules.gas().max_code_size, rules.gas().copy_word), (usize::MAX, 4));
        assert_eq!(rules.blobs(), BlobSchedule { target: 1, max: 2, update_fraction: 3 });
    }
}
