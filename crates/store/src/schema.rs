//! The tables, and whether a file has them.

use std::{path::Path, thread, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::StoreError;

/// What SQLite files say whose they are: `plxs`.
const APPLICATION: i64 = 0x706c_7873;
/// The version of the tables below.
pub(crate) const VERSION: i64 = 1;
/// How long a process waits for another one that writes.
const PATIENCE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(20);

/// Numbers of 64 bits without a sign are kept as those with one that have the same bits.
const TABLES: &str = "
CREATE TABLE campaigns (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    command TEXT NOT NULL,
    options TEXT NOT NULL,
    sides TEXT NOT NULL,
    mode TEXT NOT NULL,
    build TEXT NOT NULL,
    seed INTEGER,
    first INTEGER NOT NULL,
    next INTEGER NOT NULL,
    steps INTEGER NOT NULL DEFAULT 0,
    started INTEGER NOT NULL,
    written INTEGER NOT NULL,
    ended TEXT,
    ungrouped INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0,
    owner INTEGER NOT NULL,
    writes INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE cases (
    id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    deflated BLOB NOT NULL
);
CREATE TABLE verdicts (
    campaign INTEGER NOT NULL REFERENCES campaigns(id),
    number INTEGER NOT NULL,
    file TEXT NOT NULL,
    name TEXT NOT NULL,
    rules TEXT NOT NULL,
    position TEXT NOT NULL,
    outcome TEXT NOT NULL,
    failed INTEGER NOT NULL,
    steps INTEGER NOT NULL,
    place TEXT NOT NULL,
    field TEXT NOT NULL,
    cause TEXT NOT NULL,
    reason TEXT NOT NULL,
    sha256 BLOB,
    PRIMARY KEY (campaign, number)
) WITHOUT ROWID;
CREATE TABLE findings (
    id INTEGER PRIMARY KEY,
    campaign INTEGER NOT NULL REFERENCES campaigns(id),
    sides TEXT NOT NULL,
    outcome TEXT NOT NULL,
    rules TEXT NOT NULL,
    place TEXT NOT NULL,
    field TEXT NOT NULL,
    cause TEXT NOT NULL,
    count INTEGER NOT NULL,
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    mode TEXT NOT NULL,
    command TEXT NOT NULL,
    words TEXT NOT NULL,
    report TEXT NOT NULL,
    sha256 BLOB REFERENCES cases(sha256),
    without TEXT NOT NULL,
    UNIQUE (campaign, sides, outcome, rules, place, field, cause)
);
CREATE TABLE coverage (
    campaign INTEGER NOT NULL REFERENCES campaigns(id),
    rules TEXT NOT NULL,
    opcode TEXT NOT NULL,
    halt TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (campaign, rules, opcode, halt)
) WITHOUT ROWID;
";

/// Opens a file that is a store, or makes one of it where it may be created and is empty.
pub(crate) fn open(path: &Path, most_bytes: u64, may_create: bool) -> Result<Connection, StoreError> {
    let file = || path.display().to_string();
    if !may_create && !path.is_file() {
        return Err(StoreError::Missing { file: file() });
    }
    let failed = |source| StoreError::of(path, &source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let flags = if may_create { flags | OpenFlags::SQLITE_OPEN_CREATE } else { flags };
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    // Before anything is changed of what may be another program's.
    if !is_ours(&connection, path, may_create)? {
        write_ahead(&connection, path)?;
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        // Another process may have been faster.
        if !is_ours(&transaction, path, may_create)? {
            let identity = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};");
            transaction.execute_batch(&(TABLES.to_owned() + &identity)).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
    }
    write_ahead(&connection, path)?;
    // What is committed is on the disk; what is deleted is given back when the file is packed.
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;").map_err(failed)?;
    let page =
        connection.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0)).map_err(failed)?;
    let pages = (most_bytes / u64::from(page.max(1))).clamp(1, u64::from(u32::MAX - 1));
    connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).map_err(failed)?;
    Ok(connection)
}

/// True of a store, false of a file without anything that may become one.
fn is_ours(connection: &Connection, path: &Path, may_create: bool) -> Result<bool, StoreError> {
    let file = || path.display().to_string();
    let pragma = |name: &str| {
        let value = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        value.map_err(|source| StoreError::of(path, &source))
    };
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    if application == APPLICATION {
        return match version {
            VERSION => Ok(true),
            version => Err(StoreError::Newer { file: file(), version, expected: VERSION }),
        };
    }
    let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    let tables = tables.map_err(|source| StoreError::of(path, &source))?;
    match may_create && application == 0 && version == 0 && tables == 0 {
        true => Ok(false),
        false => Err(StoreError::Foreign { file: file() }),
    }
}

/// Turns the write-ahead log on. SQLite does not wait for others here.
fn write_ahead(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let mut rest = PATIENCE.as_millis() / TICK.as_millis();
    loop {
        let mode =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(StoreError::Damaged {
                    file: path.display().to_string(),
                    what: format!(
                        "journal mode {mode}, expected a file system on which SQLite can have a write-ahead log"
                    ),
                });
            }
            Err(error) if rest > 0 && is_busy(&error) => {
                rest -= 1;
                thread::sleep(TICK);
            }
            Err(error) => return Err(StoreError::of(path, &error)),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
