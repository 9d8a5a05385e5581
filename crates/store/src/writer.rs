//! What a campaign writes.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::{SystemTime, UNIX_EPOCH},
};

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use crate::{
    Batch, Covered, First, Found, Limits, NewCampaign, Sort, Store, StoreError,
    store::{bits, failed, number as number_of},
    text::{deflate, list, sha256},
};

/// A campaign that goes on. Whoever takes it over ([`Store::resume`]) ends this one's: it can write no more.
#[derive(Debug)]
pub struct Writer {
    store: Store,
    campaign: u64,
    owner: u64,
}

impl Store {
    /// Begins a campaign.
    pub fn begin(mut self, new: &NewCampaign) -> Result<Writer, StoreError> {
        let (owner, uid) = (drawn(), format!("{:016x}{:016x}", drawn(), drawn()));
        let id = self.transaction(|transaction, _| {
            transaction.execute(
                "INSERT INTO campaigns (uid, kind, command, options, sides, mode, build, seed, first, next, started, \
                 written, owner) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?10, ?11)",
                params![
                    uid,
                    new.kind.name(),
                    new.command,
                    list(&new.options),
                    list(&new.sides),
                    new.mode,
                    new.build,
                    new.seed.map(bits),
                    bits(new.first),
                    bits(now()),
                    bits(owner),
                ],
            )?;
            Ok(transaction.last_insert_rowid().cast_unsigned())
        })?;
        Ok(Writer { store: self, campaign: id, owner })
    }

    /// Goes on with a campaign. A process that still runs it is refused when it next writes.
    pub fn resume(mut self, campaign: u64) -> Result<Writer, StoreError> {
        let owner = drawn();
        let sql = "UPDATE campaigns SET owner = ?, ended = NULL WHERE id = ?";
        let taken =
            self.transaction(|transaction, _| transaction.execute(sql, [bits(owner), bits(campaign)]))?;
        match taken {
            0 => Err(self.none("campaign", campaign)),
            _ => Ok(Writer { store: self, campaign, owner }),
        }
    }

    /// Does something that is all there once this returns, or not at all.
    pub(crate) fn transaction<T>(
        &mut self,
        write: impl FnOnce(&Transaction<'_>, &Limits) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let limits = self.limits;
        // A transaction that reads first and then writes could be refused in the middle.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = transaction.map_err(|source| StoreError::of(&self.path, &source))?;
        let written = write(&transaction, &limits)
            .map_err(|source| failed(&transaction, &self.path, &limits, &source))?;
        transaction.commit().map_err(|source| self.failed(&source))?;
        Ok(written)
    }
}

impl Writer {
    /// The campaign's number.
    pub const fn campaign(&self) -> u64 {
        self.campaign
    }

    /// Writes all of it: when this returns, it is on the disk.
    ///
    /// # Errors
    ///
    /// If it cannot be written; then nothing of it is there.
    pub fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let Self { ref mut store, campaign, owner } = *self;
        let mut is_own = true;
        store.transaction(|transaction, limits| {
            let Some(next) = next(transaction, campaign, owner)? else {
                is_own = false;
                return Ok(());
            };
            verdicts(transaction, campaign, next, batch)?;
            let mut ungrouped = 0;
            for found in &batch.findings {
                ungrouped += add(transaction, campaign, found, limits)?;
            }
            cover(transaction, campaign, batch)?;
            let next = batch.next.unwrap_or(next + batch.verdicts.len() as u64);
            transaction
                .prepare(
                    "UPDATE campaigns SET next = ?, steps = steps + ?, written = ?, ended = ?, \
                     ungrouped = ungrouped + ?, writes = writes + 1 WHERE id = ?",
                )?
                .execute(params![
                    bits(next),
                    bits(batch.steps),
                    bits(now()),
                    batch.ended,
                    bits(ungrouped),
                    bits(campaign)
                ])?;
            Ok(())
        })?;
        match is_own {
            true => Ok(()),
            false => Err(StoreError::Taken { file: store.path.display().to_string(), campaign }),
        }
    }

    /// The store, to be read.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The store.
    pub fn into_store(self) -> Store {
        self.store
    }
}

/// How far the campaign is; `None` if it is another's.
fn next(transaction: &Transaction<'_>, campaign: u64, owner: u64) -> rusqlite::Result<Option<u64>> {
    let sql = "SELECT next FROM campaigns WHERE id = ? AND owner = ?";
    transaction.query_row(sql, [bits(campaign), bits(owner)], |row| number_of(row, 0)).optional()
}

fn verdicts(transaction: &Transaction<'_>, campaign: u64, next: u64, batch: &Batch) -> rusqlite::Result<()> {
    let mut insert =
        transaction.prepare("INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    for (at, verdict) in (next..).zip(&batch.verdicts) {
        insert.execute(params![
            bits(campaign),
            bits(at),
            verdict.file,
            verdict.name,
            verdict.rules,
            verdict.index,
            verdict.outcome,
            verdict.failed,
            bits(verdict.steps),
            verdict.place,
            verdict.field,
            verdict.cause,
            verdict.reason,
            verdict.sha256,
        ])?;
    }
    Ok(())
}

fn cover(transaction: &Transaction<'_>, campaign: u64, batch: &Batch) -> rusqlite::Result<()> {
    let sql = "INSERT INTO coverage VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count";
    let mut add = transaction.prepare(sql)?;
    for Covered { rules, opcode, halt, count } in &batch.coverage {
        add.execute(params![bits(campaign), rules, opcode, halt, bits(*count)])?;
    }
    Ok(())
}

/// Adds findings to their group, and says how many have none as there are too many.
fn add(
    transaction: &Transaction<'_>,
    campaign: u64,
    found: &Found,
    limits: &Limits,
) -> rusqlite::Result<u64> {
    let Found { sort: Sort { sides, outcome, rules, place, field, cause }, count, first } = found;
    let sides = list(sides);
    let there = transaction
        .prepare(
            "SELECT id, number FROM findings WHERE campaign = ? AND sides = ? AND outcome = ? AND rules = ? AND \
             place = ? AND field = ? AND cause = ?",
        )?
        .query_row(params![bits(campaign), sides, outcome, rules, place, field, cause], |row| {
            Ok((number_of(row, 0)?, number_of(row, 1)?))
        })
        .optional()?;
    let id = match there {
        Some((id, lowest)) => {
            let sql = "UPDATE findings SET count = count + ? WHERE id = ?";
            transaction.prepare(sql)?.execute([bits(*count), bits(id)])?;
            if first.as_ref().is_none_or(|first| first.number >= lowest) {
                return Ok(0);
            }
            id
        }
        None => {
            let groups = "SELECT count(*) FROM findings WHERE campaign = ?";
            let groups = transaction.query_row(groups, [bits(campaign)], |row| number_of(row, 0))?;
            if first.is_none() || groups >= limits.groups {
                return Ok(*count);
            }
            transaction
                .prepare(
                    "INSERT INTO findings (campaign, sides, outcome, rules, place, field, cause, count, number, \
                     title, mode, command, words, report, without) \
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '', '', '', '[]', '', '')",
                )?
                .execute(params![
                    bits(campaign),
                    sides,
                    outcome,
                    rules,
                    place,
                    field,
                    cause,
                    bits(*count)
                ])?;
            transaction.last_insert_rowid().cast_unsigned()
        }
    };
    let Some(First { number, title, mode, command, words, report, case }) = first else { return Ok(0) };
    let (sha256, without) = match case {
        Ok(text) if text.len() <= limits.case_bytes => (Some(keep(transaction, text)?), String::new()),
        Ok(text) => {
            let (bytes, most) = (text.len(), limits.case_bytes);
            (None, format!("its text has {bytes} bytes, more than the {most} that are kept"))
        }
        Err(why) => (None, why.clone()),
    };
    transaction
        .prepare(
            "UPDATE findings SET number = ?, title = ?, mode = ?, command = ?, words = ?, report = ?, sha256 = ?, \
             without = ? WHERE id = ?",
        )?
        .execute(params![
            bits(*number),
            title,
            mode,
            command,
            list(words),
            report,
            sha256,
            without,
            bits(id)
        ])?;
    Ok(0)
}

/// Keeps the text of a case, once: its digest.
fn keep(transaction: &Transaction<'_>, text: &str) -> rusqlite::Result<[u8; 32]> {
    let digest = sha256(text);
    let there = "SELECT 1 FROM cases WHERE sha256 = ?";
    if transaction.prepare(there)?.exists([digest])? {
        return Ok(digest);
    }
    // Memory takes any text.
    let deflated = deflate(text).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    transaction.prepare("INSERT INTO cases (sha256, size, deflated) VALUES (?, ?, ?)")?.execute(params![
        digest,
        bits(text.len() as u64),
        deflated
    ])?;
    Ok(digest)
}

fn drawn() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
