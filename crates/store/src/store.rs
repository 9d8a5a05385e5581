//! A store that is open, and what is in it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Params, Row, types::Type};

use crate::{
    Campaign, CaseKey, Covered, Finding, Kind, Sort, StoreError, Verdict, schema,
    text::{hex, inflate, sha256, words},
};

/// What a store may come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of the file; a file that has more already grows no further.
    pub bytes: u64,
    /// Most groups of findings of a campaign; findings of others are counted.
    pub groups: u64,
    /// Most bytes of a case's text; a finding whose case has more is kept without it, and says so.
    pub case_bytes: usize,
}

impl Default for Limits {
    /// 16 GiB, 10,000 groups, 64 MiB.
    fn default() -> Self {
        Self { bytes: 16 << 30, groups: 10_000, case_bytes: 64 << 20 }
    }
}

/// A store that is open.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    pub(crate) limits: Limits,
}

const CAMPAIGN: &str = "id, uid, kind, command, options, sides, mode, build, seed, first, next, steps, started, \
    written, ended, ungrouped, dropped";
const FINDING: &str = "id, campaign, sides, outcome, rules, place, field, cause, count, number, title, mode, \
    command, words, report, sha256, without";

impl Store {
    /// Opens a store, or makes one where there is no file, or an empty one.
    ///
    /// # Errors
    ///
    /// If the file is something else, of a newer version, or cannot be opened.
    pub fn create(path: impl Into<PathBuf>, limits: Limits) -> Result<Self, StoreError> {
        Self::opened(path.into(), limits, true)
    }

    /// Opens a store.
    ///
    /// # Errors
    ///
    /// As [`Store::create`], and if there is no file.
    pub fn open(path: impl Into<PathBuf>, limits: Limits) -> Result<Self, StoreError> {
        Self::opened(path.into(), limits, false)
    }

    fn opened(path: PathBuf, limits: Limits, may_create: bool) -> Result<Self, StoreError> {
        let connection = schema::open(&path, limits.bytes, may_create)?;
        Ok(Self { connection, path, limits })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The campaigns, in the order in which they came into the store.
    pub fn campaigns(&self) -> Result<Vec<Campaign>, StoreError> {
        self.rows(&format!("SELECT {CAMPAIGN} FROM campaigns ORDER BY id"), [], campaign)
    }

    /// The campaign of this number.
    pub fn campaign(&self, id: u64) -> Result<Campaign, StoreError> {
        let found =
            self.rows(&format!("SELECT {CAMPAIGN} FROM campaigns WHERE id = ?"), [bits(id)], campaign)?;
        found.into_iter().next().ok_or_else(|| self.none("campaign", id))
    }

    /// The findings, by campaign and in the order in which their groups came.
    pub fn findings(&self) -> Result<Vec<Finding>, StoreError> {
        self.rows(&format!("SELECT {FINDING} FROM findings ORDER BY campaign, id"), [], finding)
    }

    /// The finding of this number.
    pub fn finding(&self, id: u64) -> Result<Finding, StoreError> {
        let found =
            self.rows(&format!("SELECT {FINDING} FROM findings WHERE id = ?"), [bits(id)], finding)?;
        found.into_iter().next().ok_or_else(|| self.none("finding", id))
    }

    /// The case of a finding: its text, held against its digest. `None` where there is none.
    pub fn case(&self, finding: &Finding) -> Result<Option<String>, StoreError> {
        let CaseKey::Sha256(digest) = &finding.case else { return Ok(None) };
        let sql = "SELECT size, deflated FROM cases WHERE lower(hex(sha256)) = ?";
        let found =
            self.connection.query_row(sql, [digest], |row| Ok((number(row, 0)?, row.get::<_, Vec<u8>>(1)?)));
        let Some((size, packed)) = found.optional().map_err(|source| self.failed(&source))? else {
            return Err(self.damaged(format!("case {digest} is not there")));
        };
        let text = inflate(&packed, size).map_err(|error| self.damaged(format!("case {digest}: {error}")))?;
        match hex(&sha256(&text)) == *digest {
            true => Ok(Some(text)),
            false => Err(self.damaged(format!("case {digest} has another text"))),
        }
    }

    /// Hands every verdict to `each`, by campaign and in the order in which they came. The campaign is given with it.
    pub fn each_verdict<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(&Campaign, u64, Verdict) -> Result<(), E>,
    ) -> Result<(), E> {
        const VERDICTS: &str = "SELECT number, file, name, rules, position, outcome, failed, steps, place, field, \
            cause, reason, sha256 FROM verdicts WHERE campaign = ? ORDER BY number";
        for campaign in self.campaigns()? {
            let mut statement = self.connection.prepare(VERDICTS).map_err(|source| self.failed(&source))?;
            let mut rows = statement.query([bits(campaign.id)]).map_err(|source| self.failed(&source))?;
            while let Some(row) = rows.next().map_err(|source| self.failed(&source))? {
                let (at, verdict) = verdict(row).map_err(|source| self.failed(&source))?;
                each(&campaign, at, verdict)?;
            }
        }
        Ok(())
    }

    /// How many verdicts there are of each outcome, of a campaign.
    pub fn outcomes(&self, campaign: u64) -> Result<Vec<(String, u64)>, StoreError> {
        let sql =
            "SELECT outcome, count(*) FROM verdicts WHERE campaign = ? GROUP BY outcome ORDER BY outcome";
        self.rows(sql, [bits(campaign)], |row| Ok((row.get(0)?, number(row, 1)?)))
    }

    /// What a campaign has covered.
    pub fn coverage(&self, campaign: u64) -> Result<Vec<Covered>, StoreError> {
        let sql =
            "SELECT rules, opcode, halt, count FROM coverage WHERE campaign = ? ORDER BY rules, opcode, halt";
        self.rows(sql, [bits(campaign)], |row| {
            Ok(Covered { rules: row.get(0)?, opcode: row.get(1)?, halt: row.get(2)?, count: number(row, 3)? })
        })
    }

    /// Whether the file is whole: SQLite's own check, and every reference.
    ///
    /// # Errors
    ///
    /// If it is not, with the first fault.
    pub fn check(&self) -> Result<(), StoreError> {
        let faults = self.rows("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0))?;
        if let Some(fault) = faults.into_iter().find(|fault| fault != "ok") {
            return Err(self.damaged(fault));
        }
        let lost = self.rows("PRAGMA foreign_key_check", [], |row| row.get::<_, String>(0))?;
        lost.first().map_or(Ok(()), |table| {
            Err(self.damaged(format!("a row of {table} names one that is not there")))
        })
    }

    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let read = || -> rusqlite::Result<Vec<T>> {
            self.connection.prepare(sql)?.query_map(parameters, read)?.collect()
        };
        read().map_err(|source| self.failed(&source))
    }

    pub(crate) fn failed(&self, source: &rusqlite::Error) -> StoreError {
        failed(&self.connection, &self.path, &self.limits, source)
    }

    fn damaged(&self, what: String) -> StoreError {
        StoreError::Damaged { file: self.path.display().to_string(), what }
    }

    pub(crate) fn none(&self, what: &'static str, number: u64) -> StoreError {
        StoreError::None { file: self.path.display().to_string(), what, number }
    }
}

/// What is wrong. Where the file cannot grow, which limit it is: SQLite does not say, and has undone by now what was too much. A file that is
/// seven eighths of what it may be has met its own.
pub(crate) fn failed(
    connection: &Connection,
    path: &Path,
    limits: &Limits,
    source: &rusqlite::Error,
) -> StoreError {
    let file = match StoreError::of(path, source) {
        StoreError::Full { file, .. } => file,
        StoreError::Failed { file, why } => {
            return StoreError::Failed { file, why: format!("{why}; what was acknowledged is kept") };
        }
        other => return other,
    };
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| number(row, 0));
    let (pages, most) = (pragma("page_count").unwrap_or(0), pragma("max_page_count").unwrap_or(u64::MAX));
    let why = match pages >= most - most / 8 {
        true => format!("its limit of {} MiB is met", limits.bytes >> 20),
        false => "there is no room on the disk".to_owned(),
    };
    StoreError::Full { file, why }
}

/// A number without a sign as one that has the same bits.
pub(crate) const fn bits(number: u64) -> i64 {
    number.cast_signed()
}

pub(crate) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

fn list_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    let text: String = row.get(column)?;
    words(&text).map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}

fn campaign(row: &Row<'_>) -> rusqlite::Result<Campaign> {
    let kind: String = row.get(2)?;
    Ok(Campaign {
        id: number(row, 0)?,
        uid: row.get(1)?,
        kind: Kind::named(&kind).ok_or_else(|| {
            rusqlite::Error::FromSqlConversionFailure(
                2,
                Type::Text,
                format!("no kind of campaign: {kind}").into(),
            )
        })?,
        command: row.get(3)?,
        options: list_of(row, 4)?,
        sides: list_of(row, 5)?,
        mode: row.get(6)?,
        build: row.get(7)?,
        seed: row.get::<_, Option<i64>>(8)?.map(i64::cast_unsigned),
        first: number(row, 9)?,
        next: number(row, 10)?,
        steps: number(row, 11)?,
        started: number(row, 12)?,
        written: number(row, 13)?,
        ended: row.get(14)?,
        ungrouped: number(row, 15)?,
        dropped: number(row, 16)?,
    })
}

fn finding(row: &Row<'_>) -> rusqlite::Result<Finding> {
    let sha256: Option<[u8; 32]> = row.get(15)?;
    Ok(Finding {
        id: number(row, 0)?,
        campaign: number(row, 1)?,
        sort: Sort {
            sides: list_of(row, 2)?,
            outcome: row.get(3)?,
            rules: row.get(4)?,
            place: row.get(5)?,
            field: row.get(6)?,
            cause: row.get(7)?,
        },
        count: number(row, 8)?,
        number: number(row, 9)?,
        title: row.get(10)?,
        mode: row.get(11)?,
        command: row.get(12)?,
        words: list_of(row, 13)?,
        report: row.get(14)?,
        case: match sha256 {
            Some(sha256) => CaseKey::Sha256(hex(&sha256)),
            None => CaseKey::Without(row.get(16)?),
        },
    })
}

fn verdict(row: &Row<'_>) -> rusqlite::Result<(u64, Verdict)> {
    let verdict = Verdict {
        file: row.get(1)?,
        name: row.get(2)?,
        rules: row.get(3)?,
        index: row.get(4)?,
        outcome: row.get(5)?,
        failed: row.get(6)?,
        steps: number(row, 7)?,
        place: row.get(8)?,
        field: row.get(9)?,
        cause: row.get(10)?,
        reason: row.get(11)?,
        sha256: row.get(12)?,
    };
    Ok((number(row, 0)?, verdict))
}
