//! Accounts before a run, and other files, as users name them.

use std::{fs::File, io::Read};

use anyhow::{Context, Result, ensure};
use clap::Args;
use parallax_campaign::shell_word;
use parallax_chain_input::{MAX_BYTES, Pick, PreState};

/// Where accounts before a run come from.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PrestateArguments {
    /// Accounts before the run: an alloc, a genesis file, what prestateTracer or debug_traceBlock answers (a whole JSON-RPC answer too),
    /// a cache of foundry, a dump of anvil. What an account lacks is zero or empty
    #[arg(long, value_name = "FILE")]
    pub(crate) prestate: Option<String>,
    /// Which of several pre-states in the file: the hash of its transaction, or its place from 0
    #[arg(long, value_name = "HASH|N", requires = "prestate")]
    pub(crate) prestate_of: Option<Pick>,
}

impl PrestateArguments {
    /// The options again, as a command has them.
    pub(crate) fn again(&self) -> String {
        let file = self.prestate.as_ref().map(|path| format!(" --prestate {}", shell_word(path)));
        let pick = self.prestate_of.map(|pick| match pick {
            Pick::Hash(hash) => format!(" --prestate-of {hash}"),
            Pick::Index(index) => format!(" --prestate-of {index}"),
        });
        [file, pick].into_iter().flatten().collect()
    }

    /// Reads them, if there are any; `otherwise` is the pre-state meant where none is named.
    pub(crate) fn read(&self, otherwise: Option<Pick>) -> Result<Option<PreState>> {
        let Some(path) = &self.prestate else { return Ok(None) };
        Ok(Some(PreState::read(path, &contents(path)?, self.prestate_of.or(otherwise))?))
    }
}

/// What is in a file that is named.
pub(crate) fn contents(path: &str) -> Result<Vec<u8>> {
    let unread = || format!("{path}: cannot read the file");
    let file = File::open(path).with_context(unread)?;
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut text).with_context(unread)?;
    ensure!(text.len() as u64 <= MAX_BYTES, "{path}: the file is larger than the limit of {MAX_BYTES} bytes");
    Ok(text)
}
