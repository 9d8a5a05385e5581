//! From what a client asks to run to something that can be run.

use std::{collections::HashMap, io::Cursor, str::FromStr, sync::Arc};

use parallax_assembly::{assemble_for, parse_hex};
use parallax_campaign::rerun;
use parallax_chain_input::PreState;
use parallax_engine_interface::Job;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, BlockEnv, Bytecode, Bytes, Rules, Transaction, U256, address};
use parallax_state_tests::{Case, FixtureError, FixtureFile, Node, TestText, cases_of};
use parallax_tracer_eip3155::{Client, Profile, TraceReader, recognise};
use serde_json::Value;

use crate::{
    Config,
    allowance::runs_long,
    error::ApiError,
    folder::Folder,
    model::{CodeFormat, CodeSource, SourceShown, TestCase, TraceInput, TracesSource, UploadSource},
};

/// The account that runs a program.
const CONTRACT: Address = address!("000000000000000000000000000000000000c0de");
/// The account that calls it.
const CALLER: Address = address!("000000000000000000000000000000000000ca11");
/// Gas limit of a program that has none.
const DEFAULT_GAS: u64 = 10_000_000;
/// Most bytes of code and calldata on a command line.
const AGAIN_LIMIT: usize = 4096;
/// Most characters of a title.
const TITLE_LIMIT: usize = 120;

/// One transaction, kept for as long as its session.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) rules: Rules,
    chain_id: u64,
    pub(crate) block: BlockEnv,
    transaction: Transaction,
    pub(crate) database: Arc<MemoryDatabase>,
    /// How `parallax diff` is told to run the same, if it can be.
    pub(crate) again: Option<String>,
}

/// A transaction with all that it runs on, for a session that is there when the page is opened.
#[derive(Clone, Debug)]
pub struct TransactionSource {
    /// What the page calls it.
    pub title: String,
    /// The rules that it runs under.
    pub rules: Rules,
    /// The chain.
    pub chain_id: u64,
    /// The block that it is in, as it is for this transaction.
    pub block: BlockEnv,
    /// It itself.
    pub transaction: Transaction,
    /// The state before it.
    pub database: MemoryDatabase,
}

impl TransactionSource {
    /// Bytes that it takes, about.
    pub(crate) fn size(&self) -> u64 {
        let accounts = self.database.accounts.values();
        let sizes = accounts.map(|account| 128 + account.code.bytes().len() + 64 * account.storage.len());
        (self.transaction.input.len() + sizes.sum::<usize>()) as u64
    }

    pub(crate) fn prepare(self) -> (Prepared, SourceShown) {
        let Self { title, rules, chain_id, block, transaction, database } = self;
        let title = title.chars().take(TITLE_LIMIT).collect();
        let (fork, database) = (Some(rules.name()), Arc::new(database));
        let shown = SourceShown { kind: "transaction", title, fork, path: None, name: None, index: None };
        (Prepared { rules, chain_id, block, transaction, database, again: None }, shown)
    }
}

impl Prepared {
    pub(crate) fn job(&self) -> Job<'_> {
        Job {
            rules: self.rules,
            chain_id: self.chain_id,
            block: &self.block,
            subject: (&self.transaction).into(),
            database: &*self.database,
        }
    }
}

/// A trace, not read yet.
#[derive(Clone, Debug)]
pub(crate) struct TraceText {
    pub(crate) client: Client,
    profile: Profile,
    text: Vec<u8>,
}

impl TraceText {
    /// Bytes.
    pub(crate) fn size(&self) -> u64 {
        self.text.len() as u64
    }

    pub(crate) fn reader(&self) -> TraceReader<Cursor<&[u8]>> {
        TraceReader::new(Cursor::new(&*self.text), self.client).with_profile(self.profile)
    }
}

pub(crate) fn code(source: &CodeSource, config: &Config) -> Result<(Prepared, SourceShown), ApiError> {
    let own = |name: &String| config.rules.iter().copied().find(|rules| rules.name() == name);
    let rules = match source.fork.as_ref().and_then(own) {
        Some(own) => own,
        None => rules(source.fork.as_deref(), "source.fork")?.unwrap_or_else(|| config.default_rules()),
    };
    let code = match source.format {
        CodeFormat::Hex => hex("source.code", &source.code)?,
        CodeFormat::Assembly => assemble_for(&source.code, rules)
            .map_err(|error| ApiError::source("source.code", error.to_string()))?,
    };
    let mut database = match &source.prestate {
        Some(given) => prestate(given)?,
        None => MemoryDatabase::default(),
    };
    let value = match &source.value {
        Some(text) => number("source.value", text)?,
        None => U256::ZERO,
    };
    let title = format!("{} bytes of code", code.len());
    let gas = source.gas.unwrap_or(DEFAULT_GAS);
    let input = hex("source.calldata", source.calldata.as_deref().unwrap_or(""))?;
    // The command line has no accounts but the program's own, and sends nothing.
    let is_bare = database.accounts.is_empty() && value.is_zero() && code.len() + input.len() <= AGAIN_LIMIT;
    let again = is_bare.then(|| format!("--code {code} --fork {rules} --gas {gas} --input {input}"));
    database.accounts.entry(CONTRACT).or_default().code = Bytecode::new(code);
    let caller = database.accounts.entry(CALLER).or_default();
    caller.balance = caller.balance.max(value);
    let transaction = Transaction {
        sender: CALLER,
        to: Some(CONTRACT),
        nonce: caller.nonce,
        gas_limit: gas,
        value,
        input,
        ..Transaction::default()
    };
    let block = BlockEnv {
        number: 1,
        timestamp: 1,
        gas_limit: transaction.gas_limit.max(BlockEnv::default().gas_limit),
        blobs: rules.blobs(),
        ..BlockEnv::default()
    };
    let prepared = Prepared { rules, chain_id: 1, block, transaction, database: Arc::new(database), again };
    let shown =
        SourceShown { kind: "code", title, fork: Some(rules.name()), path: None, name: None, index: None };
    Ok((prepared, shown))
}

/// The accounts given, in any form that tools write.
fn prestate(given: &Value) -> Result<MemoryDatabase, ApiError> {
    let file = "prestate".into();
    let read = PreState::of(&Node::test(&file, "", given), None)
        .map_err(|error| ApiError::source("source.prestate", error.to_string()))?;
    Ok(MemoryDatabase { accounts: read.accounts, ..MemoryDatabase::default() })
}

/// What of a file of state tests is meant.
pub(crate) struct Wanted<'a> {
    pub(crate) path: Option<&'a str>,
    /// The path as the command line takes it, the folder's included.
    pub(crate) whole_path: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) rules: Option<&'a str>,
    pub(crate) index: usize,
}

pub(crate) fn upload(source: &UploadSource) -> Result<(Prepared, SourceShown), ApiError> {
    let text = source.file.to_string().into_bytes();
    let wanted = Wanted {
        path: None,
        whole_path: None,
        name: source.name.as_deref(),
        rules: source.fork.as_deref(),
        index: source.index,
    };
    test(text, &wanted)
}

/// The case of a file that is wanted.
pub(crate) fn test(text: Vec<u8>, wanted: &Wanted<'_>) -> Result<(Prepared, SourceShown), ApiError> {
    let field = if wanted.path.is_some() { "source.path" } else { "source.file" };
    let only = rules(wanted.rules, "source.fork")?;
    let failed = |error: FixtureError| ApiError::source(field, error.to_string());
    let file = FixtureFile::parse(wanted.path.unwrap_or("upload"), text).map_err(failed)?;
    let mut found = find(&file, wanted, only, |test| test.cases(None));
    if let (Err(NoCase { of_fork: false, .. }), Some(rules)) = (&found, only) {
        // No case is of the rules: then those of others are run by them.
        found = find(&file, wanted, only, |test| test.cases_by(rules, rules.name(), None));
    }
    match found {
        Ok(case) => prepare(case, wanted, field),
        Err(NoCase { broken: Some(error), .. }) => Err(failed(error)),
        Err(NoCase { broken: None, .. }) => Err(ApiError::source(field, "the file has no such case")),
    }
}

/// Why a case is not found.
struct NoCase {
    /// The first one that cannot be read.
    broken: Option<FixtureError>,
    /// There are others of the same name and rules.
    of_fork: bool,
}

/// The case of a file that is wanted, among those that `cases` reads of its tests.
fn find(
    file: &FixtureFile,
    wanted: &Wanted<'_>,
    only: Option<Rules>,
    cases: impl Fn(&TestText) -> Vec<Result<Case, FixtureError>>,
) -> Result<Case, NoCase> {
    let mut broken = None;
    let mut left = wanted.index;
    for case in file.tests().flat_map(|test| test.map_or_else(|error| vec![Err(error)], |test| cases(&test)))
    {
        let case = match case {
            Ok(case) => case,
            Err(error) => {
                broken = broken.or(Some(error));
                continue;
            }
        };
        let fits = wanted.name.is_none_or(|name| *case.name == *name)
            && only.is_none_or(|rules| case.rules == rules);
        if fits && left == 0 {
            return Ok(case);
        }
        left -= usize::from(fits);
    }
    Err(NoCase { broken, of_fork: left < wanted.index })
}

fn prepare(case: Case, wanted: &Wanted<'_>, field: &str) -> Result<(Prepared, SourceShown), ApiError> {
    let transaction = case.transaction.clone().map_err(|reason| {
        ApiError::source(field, format!("the case has no transaction that can be run: {reason}"))
    })?;
    let (d, g, v) = (case.d, case.g, case.v);
    let title: String =
        format!("{} ({} d{d} g{g} v{v})", case.name, case.rules).chars().take(TITLE_LIMIT).collect();
    let shown = SourceShown {
        kind: if wanted.path.is_some() { "test" } else { "upload" },
        title,
        fork: Some(case.rules.name()),
        path: wanted.path.map(str::to_owned),
        name: Some(case.name.to_string()),
        index: Some(wanted.index),
    };
    let again = wanted.whole_path.map(|path| {
        let case = Case { file: path.into(), ..case.clone() };
        rerun(&case, "").trim_start().to_owned()
    });
    let is_long = |to| runs_long(case.rules, to, transaction.gas_limit, || transaction.input.to_vec());
    if transaction.to.is_some_and(is_long) {
        let message = "the transaction calls a precompiled contract that would run for too long";
        return Err(ApiError::source(field, message));
    }
    let prepared = Prepared {
        rules: case.rules,
        chain_id: case.chain_id,
        block: case.block,
        transaction,
        database: case.pre,
        again,
    };
    Ok((prepared, shown))
}

/// A page of the cases of a file, and how many it has. Cases that cannot be read are left out.
pub(crate) fn list_cases(
    path: &str,
    text: Vec<u8>,
    offset: usize,
    limit: usize,
) -> Result<(Vec<TestCase>, usize), ApiError> {
    let mut cases = Vec::new();
    let mut total = 0;
    let mut numbers: HashMap<(String, Rules), usize> = HashMap::new();
    let all = cases_of(path, text).map_err(|error| ApiError::source("path", error.to_string()))?;
    for case in all.flatten() {
        let number = numbers.entry((case.name.to_string(), case.rules)).or_default();
        if total >= offset && cases.len() < limit {
            let Case { d, g, v, rules, .. } = case;
            cases.push(TestCase { index: *number, name: case.name.to_string(), fork: rules.name(), d, g, v });
        }
        *number += 1;
        total += 1;
    }
    Ok((cases, total))
}

pub(crate) fn traces(
    source: TracesSource,
    folder: Option<&Folder>,
    limit: u64,
) -> Result<([TraceText; 2], SourceShown), ApiError> {
    let name = |input: &TraceInput| input.path.clone().unwrap_or_else(|| "a pasted trace".to_owned());
    let title: String =
        format!("{} and {}", name(&source.left), name(&source.right)).chars().take(TITLE_LIMIT).collect();
    let left = trace(source.left, "source.left", folder, limit)?;
    let right = trace(source.right, "source.right", folder, limit)?;
    let shown = SourceShown { kind: "traces", title, fork: None, path: None, name: None, index: None };
    Ok(([left, right], shown))
}

fn trace(input: TraceInput, field: &str, folder: Option<&Folder>, limit: u64) -> Result<TraceText, ApiError> {
    let text = match (input.text, input.path) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(path)) => below(folder, field)?.read(&path, field, limit)?,
        _ => return Err(ApiError::bad(field, "expected either path or text")),
    };
    let recognised = recognise(&*text).map_err(|error| ApiError::source(field, error.to_string()))?;
    let client = match input.client {
        Some(name) => Client::from_str(&name).map_err(|error| ApiError::bad(field, error.to_string()))?,
        None => recognised.client,
    };
    Ok(TraceText { client, profile: recognised.profile, text })
}

/// The folder, if there is one.
pub(crate) fn below<'f>(folder: Option<&'f Folder>, field: &str) -> Result<&'f Folder, ApiError> {
    folder.ok_or_else(|| {
        ApiError::bad(field, "the server was given no folder: start it with `parallax serve PATH`")
    })
}

fn rules(name: Option<&str>, field: &str) -> Result<Option<Rules>, ApiError> {
    let Some(name) = name else { return Ok(None) };
    Rules::from_str(name).map(Some).map_err(|error| ApiError::bad(field, error.to_string()))
}

/// Decimal digits, or hex ones behind 0x.
pub(crate) fn number(field: &str, text: &str) -> Result<U256, ApiError> {
    let text = text.trim();
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some("") => None,
        Some(digits) => U256::from_str_radix(digits, 16).ok(),
        None if text.is_empty() => None,
        None => U256::from_str_radix(text, 10).ok(),
    };
    parsed.ok_or_else(|| ApiError::bad(field, "expected a number of at most 256 bits, decimal or behind 0x"))
}

/// Hex digits, with or without 0x, white space between them allowed.
fn hex(field: &str, text: &str) -> Result<Bytes, ApiError> {
    parse_hex(text).map_err(|error| ApiError::source(field, error.to_string()))
}

/// Slots that an account has before the transaction.
pub(crate) fn account(database: &MemoryDatabase, address: Address) -> Option<&Account> {
    database.accounts.get(&address)
}
