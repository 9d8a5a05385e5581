//! Other stores, put into this one.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::{
    Store, StoreError,
    store::{bits, number},
};

/// What [`Store::merge`] took over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Campaigns that were not there.
    pub new: u64,
    /// Campaigns that were there, and are further in the other store.
    pub further: u64,
    /// Campaigns that were there as far, or further.
    pub known: u64,
}

/// What makes of one row of the other store one of this: parameters are the campaign there, and here.
const COPIES: [&str; 4] = [
    "INSERT OR IGNORE INTO main.cases (sha256, size, deflated) SELECT sha256, size, deflated FROM other.cases \
     WHERE sha256 IN (SELECT sha256 FROM other.findings WHERE campaign = ?1) AND ?2 IS NOT NULL",
    "INSERT INTO main.findings (campaign, sides, outcome, rules, place, field, cause, count, number, title, mode, \
     command, words, report, sha256, without) \
     SELECT ?2, sides, outcome, rules, place, field, cause, count, number, title, mode, command, words, report, \
     sha256, without FROM other.findings WHERE campaign = ?1 ORDER BY id \
     ON CONFLICT (campaign, sides, outcome, rules, place, field, cause) DO UPDATE SET count = excluded.count, \
     number = excluded.number, title = excluded.title, mode = excluded.mode, command = excluded.command, \
     words = excluded.words, report = excluded.report, sha256 = excluded.sha256, without = excluded.without",
    "INSERT OR IGNORE INTO main.verdicts SELECT ?2, number, file, name, rules, position, outcome, failed, steps, \
     place, field, cause, reason, sha256 FROM other.verdicts WHERE campaign = ?1",
    "INSERT OR REPLACE INTO main.coverage SELECT ?2, rules, opcode, halt, count FROM other.coverage \
     WHERE campaign = ?1",
];

impl Store {
    /// Takes over what another store has. A campaign that both have is one: that which was written more often counts, so merging
    /// again changes nothing. It is all there once this returns, or nothing of it is.
    ///
    /// # Errors
    ///
    /// If the other file is no whole store, or this one cannot take it.
    pub fn merge(&mut self, other: &Store) -> Result<Merged, StoreError> {
        other.check()?;
        let path = other.path.to_str().ok_or_else(|| StoreError::Missing {
            file: format!("{}: expected a name that is text", other.path.display()),
        })?;
        self.connection
            .execute("ATTACH DATABASE ? AS other", [path])
            .map_err(|source| self.failed(&source))?;
        let merged = self.transaction(|transaction, _| {
            let mut merged = Merged::default();
            for (id, uid, writes) in campaigns(transaction)? {
                *match one(transaction, id, &uid, writes)? {
                    Known::No => &mut merged.new,
                    Known::LessFar => &mut merged.further,
                    Known::AsFar => &mut merged.known,
                } += 1;
            }
            Ok(merged)
        });
        // What was not taken over is not there: nothing is undone by this.
        let detached = self.connection.execute("DETACH DATABASE other", []);
        let merged = merged?;
        detached.map_err(|source| self.failed(&source))?;
        Ok(merged)
    }
}

enum Known {
    No,
    LessFar,
    AsFar,
}

fn campaigns(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<(u64, String, u64)>> {
    transaction
        .prepare("SELECT id, uid, writes FROM other.campaigns ORDER BY id")?
        .query_map([], |row| Ok((number(row, 0)?, row.get(1)?, number(row, 2)?)))?
        .collect()
}

/// Takes over one campaign.
fn one(transaction: &Transaction<'_>, there: u64, uid: &str, writes: u64) -> rusqlite::Result<Known> {
    const ROW: &str = "uid, kind, command, options, sides, mode, build, seed, first, next, steps, started, written, \
        ended, ungrouped, dropped, owner, writes";
    let sql = "SELECT id, writes FROM main.campaigns WHERE uid = ?";
    let here = transaction.query_row(sql, [uid], |row| Ok((number(row, 0)?, number(row, 1)?))).optional()?;
    let (id, known) = match here {
        Some((_, known)) if known >= writes => return Ok(Known::AsFar),
        Some((id, _)) => {
            transaction.execute(
                "UPDATE main.campaigns SET (next, steps, written, ended, ungrouped, dropped, owner, writes) = \
                 (SELECT next, steps, written, ended, ungrouped, dropped, owner, writes FROM other.campaigns \
                 WHERE id = ?1) WHERE id = ?2",
                params![bits(there), bits(id)],
            )?;
            (id, Known::LessFar)
        }
        None => {
            let copy =
                format!("INSERT INTO main.campaigns ({ROW}) SELECT {ROW} FROM other.campaigns WHERE id = ?");
            transaction.execute(&copy, [bits(there)])?;
            (transaction.last_insert_rowid().cast_unsigned(), Known::No)
        }
    };
    for copy in COPIES {
        transaction.execute(copy, [bits(there), bits(id)])?;
    }
    Ok(known)
}
