//! What comes of each case: kept in a store first, where there is one, and printed then.
//!
//! Invariant: what is printed is on the disk. A thread writes all that waits at once, so that who runs cases does not wait for the disk.

use std::{
    collections::BTreeSet,
    env,
    ops::ControlFlow,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result, anyhow};
use parallax_campaign::{
    Campaign, CaseName, Delivered, Progress, RunBy, Selection, printable, rerun_of, shell_word, title_of,
};
use parallax_primitives::Rules;
use parallax_state_tests::FixtureFile;
use parallax_store::{Batch, First, Found, Kind, NewCampaign, Sort, StoreError, Verdict, Writer};
use regex::Regex;
use serde_json::Value;

use crate::{
    case_arguments::SelectionArguments,
    selection::Printer,
    store_arguments::{StoreArguments, build},
};

/// Cases that wait to be written, and that are written at once at most.
const WAITING: usize = 1 << 10;
/// Sorts of findings that are known to be there; of others the store is asked.
const SORTS: usize = 10_000;

/// A campaign over cases, as a store has it.
pub(crate) struct Kept {
    pub(crate) kind: Kind,
    pub(crate) sides: Vec<String>,
    pub(crate) mode: String,
    /// The command, without what selects cases.
    pub(crate) command: String,
    /// Its words, behind the name of the program: with the file of one case behind them, they run that.
    pub(crate) words: Vec<String>,
}

/// One case, and what is printed of it.
pub(crate) struct Line<'a> {
    pub(crate) progress: Progress,
    pub(crate) is_failure: bool,
    /// What is printed, if anything is.
    pub(crate) shown: Option<&'a str>,
    /// The case as a line of JSON.
    pub(crate) json: Option<&'a str>,
    /// What people read of it.
    pub(crate) text: Option<&'a str>,
    /// Whether it could not be read: then it is no finding.
    pub(crate) is_unreadable: bool,
}

/// Prints what comes of each case.
pub(crate) struct Results {
    printer: Arc<Mutex<Printer>>,
    keeper: Option<Keeper>,
}

struct Keeper {
    sender: SyncSender<Item>,
    thread: JoinHandle<Result<(), StoreError>>,
    /// Nothing more is printed, or can be kept.
    is_over: Arc<AtomicBool>,
}

enum Item {
    Case {
        progress: Progress,
        is_failure: bool,
        shown: Option<String>,
        json: String,
        text: Option<String>,
        is_unreadable: bool,
    },
    End(&'static str),
}

impl Results {
    /// Begins, and with a store a campaign in it.
    pub(crate) fn begin(
        printer: Printer,
        store: &StoreArguments,
        selection: &SelectionArguments,
        kept: impl FnOnce() -> Kept,
    ) -> Result<Self> {
        let printer = Arc::new(Mutex::new(printer));
        let keeper = match store.create()? {
            None => None,
            Some(store) => {
                let kept = kept();
                let writer = store.begin(&NewCampaign {
                    kind: kept.kind,
                    command: typed(),
                    options: kept.words.clone(),
                    sides: kept.sides.clone(),
                    mode: kept.mode.clone(),
                    build: build(),
                    seed: None,
                    first: 0,
                })?;
                let (sender, items) = sync_channel(WAITING);
                let is_over = Arc::new(AtomicBool::new(false));
                let by = selection.by.as_ref();
                let by = by.map(|given| RunBy { rules: given.rules, name: given.text.clone() });
                let (is_read, printer) = (Arc::clone(&is_over), Arc::clone(&printer));
                let mut clerk =
                    Clerk { writer, kept, by, only: selection.only_fork, known: BTreeSet::new(), number: 0 };
                let work = move || {
                    let done = clerk.work(&items, &printer, &is_read);
                    is_read.store(true, Ordering::Relaxed);
                    done
                };
                let thread = thread::Builder::new().spawn(work).context("cannot start a thread")?;
                Some(Keeper { sender, thread, is_over })
            }
        };
        Ok(Self { printer, keeper })
    }

    /// Whether each case is to be told as a line of JSON, whatever is printed.
    pub(crate) const fn needs_json(&self) -> bool {
        self.keeper.is_some()
    }

    /// Keeps a result and prints it. Stops the campaign if nobody reads any more, or it cannot be kept.
    pub(crate) fn print(&self, line: &Line<'_>) -> ControlFlow<()> {
        let Line { progress, is_failure, shown, json, text, is_unreadable } = *line;
        let Some(Keeper { sender, is_over, .. }) = &self.keeper else {
            return lock(&self.printer).print(progress, is_failure, shown);
        };
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let json = owned(json).unwrap_or_default();
        let item =
            Item::Case { progress, is_failure, shown: owned(shown), json, text: owned(text), is_unreadable };
        match sender.send(item) {
            Ok(()) if !is_over.load(Ordering::Relaxed) => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }

    /// Does something to the terminal while the bar is away.
    pub(crate) fn beside(&self, write: impl FnOnce()) {
        lock(&self.printer).beside(write);
    }

    /// Ends what is kept, and what is printed with the sum.
    pub(crate) fn finish(self, summary: &str, json: bool, is_complete: bool) -> Result<()> {
        let mut kept = Ok(());
        if let Some(Keeper { sender, thread, .. }) = self.keeper {
            // A thread that has ended says why below.
            let _ = sender.send(Item::End(if is_complete { "done" } else { "stopped" }));
            drop(sender);
            kept = thread.join().map_err(|_| anyhow!("what keeps the verdicts has panicked"))?;
        }
        let printer = Arc::into_inner(self.printer).map(Mutex::into_inner);
        let printed = match printer {
            Some(printer) => printer.unwrap_or_else(PoisonError::into_inner).finish(summary, json),
            // Nobody else holds it once the thread has ended.
            None => Ok(()),
        };
        kept?;
        printed
    }
}

/// Writes what comes.
struct Clerk {
    writer: Writer,
    kept: Kept,
    by: Option<RunBy>,
    only: Option<Rules>,
    /// Sorts of which the first case is there.
    known: BTreeSet<Sort>,
    /// Of the next verdict.
    number: u64,
}

impl Clerk {
    fn work(
        &mut self,
        items: &Receiver<Item>,
        printer: &Mutex<Printer>,
        is_over: &AtomicBool,
    ) -> Result<(), StoreError> {
        while let Ok(first) = items.recv() {
            let mut batch = Batch::default();
            let mut shown = Vec::new();
            for item in std::iter::once(first).chain(items.try_iter().take(WAITING)) {
                match item {
                    Item::End(ended) => batch.ended = Some(ended.to_owned()),
                    Item::Case { progress, is_failure, shown: line, json, text, is_unreadable } => {
                        let (verdict, found) = self.kept(&json, text, is_failure, is_unreadable);
                        batch.steps += verdict.steps;
                        batch.verdicts.push(verdict);
                        batch.findings.extend(found);
                        shown.push((progress, is_failure, line));
                    }
                }
            }
            self.writer.write(&batch)?;
            for (progress, is_failure, line) in shown {
                if lock(printer).print(progress, is_failure, line.as_deref()).is_break() {
                    is_over.store(true, Ordering::Relaxed);
                    break;
                }
            }
        }
        Ok(())
    }

    /// What a store has of a case.
    fn kept(
        &mut self,
        json: &str,
        text: Option<String>,
        is_failure: bool,
        is_unreadable: bool,
    ) -> (Verdict, Option<Found>) {
        let line: Value = serde_json::from_str(json).unwrap_or_default();
        let mut verdict = verdict(&line, is_failure);
        let number = self.number;
        self.number += 1;
        if !is_failure || is_unreadable {
            // A comparison tells both as poisoned, as nothing can be said of what they would come to.
            if is_unreadable {
                "unreadable".clone_into(&mut verdict.outcome);
            } else if verdict.outcome == "poisoned" {
                "passed_over".clone_into(&mut verdict.outcome);
            }
            return (verdict, None);
        }
        let field = match verdict.field.as_str() {
            "" => without_numbers(&verdict.reason),
            field => field.to_owned(),
        };
        let sort = Sort {
            sides: self.kept.sides.clone(),
            outcome: verdict.outcome.clone(),
            rules: verdict.rules.clone(),
            place: verdict.place.clone(),
            field,
            cause: verdict.cause.clone(),
        };
        let first = (!self.known.contains(&sort)).then(|| {
            let case = self.case(&verdict);
            if let Ok(text) = &case {
                verdict.sha256 = Some(parallax_store::sha256(text));
            }
            let index = index(&verdict.index);
            let rules = self.by.as_ref().map(|by| by.rules).or_else(|| verdict.rules.parse().ok());
            let rules = rules.map(|rules| (rules, verdict.rules.as_str()));
            let name = CaseName {
                file: &verdict.file,
                name: &verdict.name,
                rules,
                index: index.unwrap_or_default(),
            };
            First {
                number,
                title: title_of(&name),
                mode: self.kept.mode.clone(),
                command: rerun_of(&name, &self.kept.command),
                words: self.kept.words.clone(),
                report: text.unwrap_or_default(),
                case,
            }
        });
        if first.is_some() && self.known.len() < SORTS {
            self.known.insert(sort.clone());
        }
        (verdict, Some(Found { sort, count: 1, first }))
    }

    /// The test with one case alone, read again from its file: what was lost left nothing else.
    fn case(&self, verdict: &Verdict) -> Result<String, String> {
        let Verdict { file, name, rules, index: numbers, .. } = verdict;
        let files = [PathBuf::from(file)];
        let filter = Regex::new(&format!("^{}$", regex::escape(name))).map_err(|error| error.to_string())?;
        let own: Option<Rules> = rules.parse().ok().filter(|_| self.by.is_none());
        let selection = Selection {
            filter: Some(filter),
            rules: own.or(self.only),
            by: self.by.clone(),
            index: index(numbers),
            shard: None,
        };
        let cancel = AtomicBool::new(false);
        let campaign = Campaign { files: &files, selection: &selection, jobs: 1, cancel: &cancel };
        let mut found = None;
        let read = campaign.run(
            parallax_state_tests::Case::alone,
            |_, _| Vec::new(),
            |delivered, _| match delivered {
                Delivered::Case(case, text) if *case.name == **name && *case.fork_name == **rules => {
                    found = Some(text);
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            },
        );
        read.map_err(|error| error.to_string())?;
        match found {
            Some(text) => String::from_utf8(text).map_err(|error| error.to_string()),
            None => block_test(file, name),
        }
    }
}

/// A block test as its file has it: it is one case.
fn block_test(file: &str, name: &str) -> Result<String, String> {
    let whole = FixtureFile::open(file.as_ref()).map_err(|error| error.to_string())?;
    let test = whole.tests().filter_map(Result::ok).find(|test| **test.name() == *name);
    let test = test.ok_or_else(|| format!("{file} has no test {name} any more"))?;
    Ok(format!("{{{}:{}}}", Value::from(name), test.json()))
}

/// Reads the line of a case of any command.
fn verdict(line: &Value, failed: bool) -> Verdict {
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let either = |one: &str, other: &str| if line[one].is_string() { text(one) } else { text(other) };
    let passed = match line["pass"].as_bool() {
        Some(true) => "passed",
        Some(false) => "failed",
        None => "unsupported",
    };
    let numbers = ["d", "g", "v"].map(|key| line[key].as_u64());
    let index = match numbers {
        [Some(d), Some(g), Some(v)] => format!("{d},{g},{v}"),
        _ => String::new(),
    };
    let divergence = &line["divergence"];
    Verdict {
        file: text("file"),
        name: text("name"),
        rules: either("fork", "network"),
        index,
        outcome: line["verdict"].as_str().unwrap_or(passed).to_owned(),
        failed,
        steps: line["steps"].as_u64().unwrap_or(0),
        place: place(divergence),
        field: divergence["field"].as_str().map_or(String::new(), field),
        cause: divergence["cause"].as_str().unwrap_or_default().to_owned(),
        reason: either("reason", "error"),
        sha256: None,
    }
}

/// The opcode that shows it, or what else does.
fn place(divergence: &Value) -> String {
    let name = |of: &Value| match (of["opName"].as_str(), of["opcode"].as_u64()) {
        (Some(name), _) => name.to_owned(),
        (None, Some(byte)) => format!("{byte:#04x}"),
        (None, None) => String::new(),
    };
    match divergence["place"].as_str() {
        None => String::new(),
        Some("step") => name(divergence),
        Some("block") if divergence["suspect"].is_object() => name(&divergence["suspect"]),
        Some("block") => "block entry".to_owned(),
        Some("message") => {
            let frames = divergence["frames"].as_array();
            let last = frames.and_then(|frames| frames.last()?.as_str()?.split(' ').nth(1));
            last.unwrap_or("message").to_owned()
        }
        Some(other) => other.to_owned(),
    }
}

/// The name of a field, without which item, offset, account or slot it is.
fn field(text: &str) -> String {
    let is_name = |word: &&str| *word != "top" && !word.contains(|c: char| c.is_ascii_digit());
    let mut words: Vec<_> = text.split(' ').take_while(is_name).collect();
    words.pop_if(|word| ["of", "at"].contains(word));
    words.join(" ")
}

/// Words that have a digit are numbers: of addresses, slots, amounts.
fn without_numbers(text: &str) -> String {
    let word = |word| if str::contains(word, |c: char| c.is_ascii_digit()) { ".." } else { word };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn index(numbers: &str) -> Option<[usize; 3]> {
    let numbers: Option<Vec<_>> = numbers.split(',').map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

/// The command as it was typed.
fn typed() -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@%".contains(c);
    let word = |word: String| match !word.is_empty() && word.chars().all(is_plain) {
        true => word,
        false => shell_word(&word),
    };
    let words = env::args_os().skip(1).map(|given| word(given.to_string_lossy().into_owned()));
    let command = std::iter::once("parallax".to_owned()).chain(words).collect::<Vec<_>>().join(" ");
    printable(&command).into_owned()
}

fn lock(printer: &Mutex<Printer>) -> MutexGuard<'_, Printer> {
    printer.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use parallax_primitives::{Address, U256};
    use parallax_shadow_diff::Field;

    use super::*;

    #[test]
    fn a_field_is_called_without_what_it_is_of() {
        let (account, key) = (Address::repeat_byte(0xab), U256::from(7));
        for whole in [
            Field::Stack(0),
            Field::Stack(12),
            Field::Memory(32),
            Field::Log(3),
            Field::Balance(account),
            Field::WarmAccount(account),
            Field::Storage(account, key),
            Field::WarmSlot(account, key),
            Field::Marks,
            Field::GasCost,
            Field::CreatedHere(account),
        ] {
            assert_eq!(field(&whole.to_string()), whole.name(), "{whole}");
        }
    }
}
