//! Reading what users name: code in hex, as raw bytes, out of a compiler's JSON or in assembly, given itself, as a file or on
//! standard input.

use std::{
    fs,
    io::{self, IsTerminal, Read},
    path::Path,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use parallax_assembly::{assemble_for, parse_hex};
use parallax_primitives::{Bytes, Rules};
use serde_json::Value;

use crate::report::complain;

/// The largest text of code that is read, in bytes.
const MAX_TEXT: u64 = 64 << 20;

/// Where code comes from and what of it is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CodeForm {
    /// Assembly.
    Assembly(Rules),
    /// Bytes: of a compiler's output, the code that an account has.
    Runtime,
    /// Bytes: of a compiler's output, the code that creates an account.
    Init,
}

impl CodeForm {
    pub(crate) const fn of(is_assembly: bool, creates: bool, rules: Rules) -> Self {
        match (is_assembly, creates) {
            (true, _) => Self::Assembly(rules),
            (false, true) => Self::Init,
            (false, false) => Self::Runtime,
        }
    }
}

/// The code that an argument names: `-` is standard input, the path of anything but a folder is what is in it, and anything else is
/// the code itself. Nothing at all is no code: the empty code is `0x`.
pub(crate) fn code(argument: &str, form: CodeForm) -> Result<Bytes> {
    let is_assembly = matches!(form, CodeForm::Assembly(_));
    let Source { name, text } = Source::find(argument, is_assembly)?;
    let is_given = name.is_none();
    let name = name.as_deref().unwrap_or("the code given");
    ensure!(
        !text.iter().all(u8::is_ascii_whitespace),
        "{name}: expected code, found nothing: the empty code is 0x"
    );
    if let CodeForm::Assembly(rules) = form {
        return assemble_for(utf8(name, &text)?, rules).map_err(|error| match is_given {
            true if !argument.contains(char::is_whitespace) => {
                anyhow!("{argument}: no file of this name, and no assembly: {error}")
            }
            _ => anyhow!("{name}: {error}"),
        });
    }
    if text.trim_ascii_start().starts_with(b"{") {
        return artifact(name, &text, matches!(form, CodeForm::Init));
    }
    if !is_given
        && text.iter().any(|byte| !byte.is_ascii() || byte.is_ascii_control() && !byte.is_ascii_whitespace())
    {
        complain(&format!("{name}: no text, so its {} bytes are the code", text.len()));
        return Ok(text.into());
    }
    let text = utf8(name, &text)?;
    unlinked(name, text)?;
    parse_hex(text).map_err(|error| match is_given && !argument.starts_with("0x") {
        true => anyhow!("{argument}: no file of this name, and not hex: {error}"),
        false => anyhow!("{name}: {error}"),
    })
}

/// Bytes in hex. The error names the place of the first wrong digit.
pub(crate) fn hex(name: &str, text: &str) -> Result<Bytes> {
    parse_hex(text).map_err(|error| anyhow!("{name}: {error}"))
}

/// What was read.
struct Source {
    /// What errors call it; `None` if it is the argument itself.
    name: Option<String>,
    text: Vec<u8>,
}

impl Source {
    fn find(argument: &str, is_assembly: bool) -> Result<Self> {
        if argument == "-" {
            if io::stdin().is_terminal() {
                complain(&"code is read from the terminal: end it with Ctrl-D");
            }
            return Self::bounded("standard input", io::stdin().lock());
        }
        let path = Path::new(argument);
        let is_hex = !is_assembly && parse_hex(argument).is_ok_and(|code| !code.is_empty());
        if !path.exists() || is_hex && argument.starts_with("0x") {
            return Ok(Self { name: None, text: argument.as_bytes().to_vec() });
        }
        ensure!(!path.is_dir(), "{argument}: expected a file, found a folder");
        ensure!(
            !is_hex,
            "{argument}: hex, and a file of this name: expected 0x{argument} for the code, ./{argument} for the file"
        );
        let file = fs::File::open(path).with_context(|| format!("{argument}: cannot read the file"))?;
        Self::bounded(argument, file)
    }

    fn bounded(name: &str, source: impl Read) -> Result<Self> {
        let mut text = Vec::new();
        source
            .take(MAX_TEXT + 1)
            .read_to_end(&mut text)
            .with_context(|| format!("{name}: cannot read it"))?;
        ensure!(text.len() as u64 <= MAX_TEXT, "{name}: larger than the limit of {MAX_TEXT} bytes");
        Ok(Self { name: Some(name.to_owned()), text })
    }
}

fn utf8<'t>(name: &str, text: &'t [u8]) -> Result<&'t str> {
    std::str::from_utf8(text).map_err(|error| {
        anyhow!("{name}: expected text, found another byte at offset {}", error.valid_up_to())
    })
}

/// The code in what a compiler wrote of one contract: Foundry, Hardhat or solc.
fn artifact(name: &str, text: &[u8], is_init: bool) -> Result<Bytes> {
    let json: Value = serde_json::from_slice(text).with_context(|| name.to_owned())?;
    let key = if is_init { "bytecode" } else { "deployedBytecode" };
    let code = [json.get(key), json.get("evm").and_then(|evm| evm.get(key)), Some(&json)];
    let code = code.into_iter().flatten();
    let Some(code) = code.filter_map(|code| code.get("object").unwrap_or(code).as_str()).next() else {
        bail!("{name}: expected hex, or what a compiler writes of one contract: {key}, evm.{key} or object");
    };
    unlinked(name, code)?;
    parse_hex(code).map_err(|error| anyhow!("{name}: at {key}: {error}"))
}

/// Refuses a place that a linker was to fill, as solc writes it: `__$` and 34 digits of the library's hash, and `$__`.
fn unlinked(name: &str, code: &str) -> Result<()> {
    let Some(start) = code.find("__") else { return Ok(()) };
    let offset = code[..start].strip_prefix("0x").unwrap_or(&code[..start]).len() / 2;
    let place: String = code[start..].chars().take(40).collect();
    bail!("{name}: the library {place} is not linked: expected its address at byte {offset}")
}
