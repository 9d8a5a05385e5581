//! Engines that are libraries.

use anyhow::Result;
use parallax_campaign::engines::EngineName;

/// Loads the library that a side is, if it is one: whether it can be is to be known before anything runs.
pub(crate) fn load(side: EngineName) -> Result<()> {
    #[cfg(unix)]
    if let EngineName::Evmc(library) = side {
        let loaded = library.load().map_err(|error| anyhow::anyhow!("{side}: {error}"))?;
        tracing::info!(name = loaded.name, version = loaded.version, "loaded an EVMC library");
    }
    Ok(())
}
