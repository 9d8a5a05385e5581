//! Where a command keeps what it comes to.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use parallax_store::{Limits, Store, StoreError};

use crate::{number::positive, outputs::Outputs, version};

#[derive(Args, Clone, Debug)]
pub(crate) struct StoreArguments {
    /// Keep what it comes to in this store, which is made if it is not there; parallax store shows it
    #[arg(long, value_name = "FILE", help_heading = "Store")]
    pub(crate) store: Option<PathBuf>,
    /// Most MiB of the store; one that is full ends the command
    #[arg(long, value_name = "MIB", value_parser = positive::<u32>, default_value_t = 16 << 10, requires = "store", help_heading = "Store")]
    pub(crate) store_limit: u32,
}

impl StoreArguments {
    /// Its limits.
    pub(crate) fn limits(&self) -> Limits {
        Limits { bytes: u64::from(self.store_limit) << 20, ..Limits::default() }
    }

    /// Refuses a store that another output is written to.
    pub(crate) fn check(&self, outputs: &Outputs) -> Result<()> {
        // What is there already is not written over, but it is nobody else's.
        self.store.as_ref().map_or(Ok(()), |path| outputs.check_written(path, "store"))
    }

    /// The store, if there is to be one.
    pub(crate) fn create(&self) -> Result<Option<Store>, StoreError> {
        self.store.as_ref().map(|path| Store::create(path, self.limits())).transpose()
    }
}

/// What program this is, as a campaign is kept with it.
pub(crate) fn build() -> String {
    let long = version::long();
    let lines = long.lines().filter(|line| !line.starts_with("forks "));
    lines.collect::<Vec<_>>().join(", ")
}
