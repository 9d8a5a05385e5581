//! A transaction in the devtool: a session of two engines that is there when the page is opened.

use anyhow::{Context, Result, anyhow, bail};
use parallax_campaign::engines::EngineName;
use parallax_devtool::{Config, Server, TransactionSource};
use parallax_engine_interface::{Engine as _, EngineError};
use parallax_hooks::NoHooks;
use parallax_host_interface::HostErrorKind;
use parallax_memory_database::{BlockHashes, MemoryDatabase};

use super::{arguments::TxArguments, recorded::Recorded, run::TxRun, subject::TxSubject, watched::Watched};
use crate::{
    report::{Status, complain},
    serve::{choice, show},
};

/// How a transaction was dealt with.
pub(crate) enum Ended {
    /// It was run and told.
    Told(Status),
    /// It is to be shown, when all that is to be kept is kept.
    Shown(Box<TransactionSource>),
}

impl Ended {
    /// Shows it, if it is to be shown.
    pub(crate) fn finish(self, arguments: &TxArguments) -> Result<Status> {
        let source = match self {
            Self::Told(status) => return Ok(status),
            Self::Shown(source) => *source,
        };
        let (port, sides) = (arguments.served.port, arguments.sides());
        let config = Config { port, engines: choice(&sides), ..Config::default() };
        let server = Server::start(config).with_context(|| format!("cannot serve on port {port}"))?;
        let url = server.open(source, sides.map(EngineName::name)).map_err(|error| anyhow!("{error}"))?;
        show(server, &url)
    }
}

impl TxArguments {
    /// The engines that show it.
    pub(crate) fn sides(&self) -> [EngineName; 2] {
        let other = if self.engine == EngineName::Mini { EngineName::Primary } else { EngineName::Mini };
        [self.engine, self.diff.unwrap_or(other)]
    }
}

impl TxRun<'_> {
    /// What is shown: the world as it was given, or of a node's what one of the sides looks at.
    pub(crate) fn source(&self) -> Result<TransactionSource> {
        let recorded = Recorded::new(self.world);
        let job = self.job(&recorded);
        for side in self.arguments.sides() {
            let engine = side.engine();
            if let Some(reason) = engine.unsupported(job.rules, job.block) {
                bail!("{side}: {reason}");
            }
            // What it comes to is shown; that the world cannot be asked is told here.
            if let Err(EngineError::Host(error)) = engine.execute(&job, &mut NoHooks)
                && matches!(error.kind(), HostErrorKind::World | HostErrorKind::UnknownBlockHash)
            {
                self.check_block_hashes()?;
                bail!("{error}");
            }
        }
        if let Some(text) = self.given.and_then(|given| given.absent().text()) {
            complain(&text);
        }
        let block_hashes = BlockHashes::Known(recorded.block_hashes());
        let of_node = || MemoryDatabase { block_hashes, ..recorded.read() };
        let database = self.given.map_or_else(of_node, |Watched { database, .. }| database.clone());
        let TxSubject { hash, transaction, rules, chain_id, .. } = self.subject;
        let hash = hash.to_string();
        // Both ends, as the page has room for a short title.
        let (start, end) = (hash.get(..10).unwrap_or(&hash), hash.get(58..).unwrap_or_default());
        Ok(TransactionSource {
            title: format!("transaction {start}…{end}"),
            rules: rules.rules,
            chain_id: *chain_id,
            block: self.env.clone(),
            transaction: transaction.clone(),
            database,
        })
    }
}
