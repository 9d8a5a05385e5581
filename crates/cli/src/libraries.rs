//! Engines that are libraries, and those that show no steps.

use anyhow::{Result, ensure};
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

/// What looks at steps, as `option` does, needs an engine that shows them.
pub(crate) fn needs_steps(option: &str, engine: EngineName) -> Result<()> {
    ensure!(
        engine.engine().capabilities().steps,
        "{option}: {engine} shows no steps, expected primary or mini"
    );
    Ok(())
}
