//! Reading what users name: code in hex or assembly, given itself, as a file or on standard input.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use anyhow::{Context, Result, bail};
use parallax_assembly::{assemble_for, parse_hex};
use parallax_primitives::{Bytes, Rules};

/// The largest text of code that is read, in bytes.
const MAX_TEXT: u64 = 64 << 20;

/// A text and what errors call it.
pub(crate) struct Text {
    name: String,
    text: String,
}

impl Text {
    /// `-` is standard input, the path of a file is that file, and anything else is the text itself.
    pub(crate) fn read(argument: &str) -> Result<Self> {
        if argument == "-" {
            return Self::bounded("standard input", io::stdin().lock());
        }
        let path = Path::new(argument);
        if path.is_file() {
            let file = fs::File::open(path).with_context(|| format!("{argument}: cannot read the file"))?;
            return Self::bounded(argument, file);
        }
        if path.is_dir() {
            bail!("{argument}: expected a file, found a folder");
        }
        Ok(Self { name: "the code given".to_owned(), text: argument.to_owned() })
    }

    fn bounded(name: &str, source: impl Read) -> Result<Self> {
        let mut bytes = Vec::new();
        source
            .take(MAX_TEXT + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("{name}: cannot read it"))?;
        if bytes.len() as u64 > MAX_TEXT {
            bail!("{name}: larger than the limit of {MAX_TEXT} bytes");
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let offset = error.utf8_error().valid_up_to();
            anyhow::anyhow!("{name}: expected text, found another byte at offset {offset}")
        })?;
        Ok(Self { name: name.to_owned(), text })
    }

    /// The code that it is, in hex or as assembly.
    pub(crate) fn code(&self, is_assembly: bool, rules: Rules) -> Result<Bytes> {
        if is_assembly {
            return assemble_for(&self.text, rules)
                .map_err(|error| anyhow::anyhow!("{}: {error}", self.name));
        }
        hex(&self.name, &self.text)
    }
}

/// Bytes in hex. The error names the place of the first wrong digit.
pub(crate) fn hex(name: &str, text: &str) -> Result<Bytes> {
    parse_hex(text).map_err(|error| anyhow::anyhow!("{name}: {error}"))
}
