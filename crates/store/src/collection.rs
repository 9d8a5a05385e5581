//! What is given back.

use rusqlite::params;

use crate::{
    Store, StoreError,
    store::{bits, number},
};

/// What [`Store::gc`] gave back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collected {
    /// Verdicts that count against nothing.
    pub verdicts: u64,
    /// Cases of no finding.
    pub cases: u64,
    /// Bytes of the file before and after.
    pub bytes: [u64; 2],
}

impl Store {
    /// Drops verdicts that count against nothing, and cases of no finding, and packs the file. Findings, counters and how far campaigns are
    /// stay; how many verdicts a campaign has lost is kept.
    ///
    /// # Errors
    ///
    /// If the file is damaged, or another process is in it all the time; packing needs room for a second file.
    pub fn gc(&mut self) -> Result<Collected, StoreError> {
        self.check()?;
        self.settle()?;
        let before = self.size();
        let (verdicts, cases) = self.transaction(|transaction, _| {
            let ids = transaction
                .prepare("SELECT campaign, count(*) FROM verdicts WHERE NOT failed GROUP BY campaign")?
                .query_map([], |row| Ok((number(row, 0)?, number(row, 1)?)))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let mut verdicts = 0;
            for (campaign, count) in ids {
                verdicts += count;
                transaction.execute(
                    "UPDATE campaigns SET dropped = dropped + ? WHERE id = ?",
                    params![bits(count), bits(campaign)],
                )?;
            }
            transaction.execute("DELETE FROM verdicts WHERE NOT failed", [])?;
            let unused =
                "DELETE FROM cases WHERE sha256 NOT IN (SELECT sha256 FROM findings WHERE sha256 IS NOT NULL)";
            Ok((verdicts, transaction.execute(unused, [])? as u64))
        })?;
        self.connection.execute_batch("VACUUM").map_err(|source| self.failed(&source))?;
        self.settle()?;
        Ok(Collected { verdicts, cases, bytes: [before, self.size()] })
    }

    /// Brings the log into the file, as far as nobody reads.
    fn settle(&self) -> Result<(), StoreError> {
        let settled = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        settled.map_err(|source| self.failed(&source))
    }

    fn size(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }
}
