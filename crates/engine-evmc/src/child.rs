//! The child's side: it loads a library, runs what it is told to, and hands on what the library asks of the world.

use std::{
    ffi::OsStr,
    io::{self, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{ffi::OsStrExt, net::UnixStream},
    },
    path::PathBuf,
    process::ExitCode,
    ptr, thread,
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        resource::{Resource, getrlimit, setrlimit},
        signal::{Signal, raise},
    },
};
use parallax_evmc_abi::{EvmcBytes32, EvmcTransactionContext};

use crate::{
    callbacks::HOST,
    configuration::Configuration,
    loading::LoadedLibrary,
    parent::{Parent, Talk, account},
    protocol::{Heard, answer, order},
};

/// Of the thread that libraries run on, for 1025 frames: they are recursive.
const STACK: usize = 512 << 20;

/// Runs this process as the child of an [`Evmc`](crate::Evmc) that has it started, until its parent ends. Nothing else may read
/// standard input, which is the line to the parent.
pub fn child_main() -> ExitCode {
    match begin() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "this is started by a program that has it run a library: {error}");
            ExitCode::FAILURE
        }
    }
}

fn begin() -> io::Result<()> {
    let line = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // What is no socket is no line to a parent.
    line.peer_addr()?;
    let watched = OwnedFd::from(line.try_clone()?);
    thread::Builder::new().spawn(move || watch(&watched))?;
    let parent = Parent::new(line, &HOST);
    // A library may leave it at any depth, so whoever runs it does not come back from there.
    let runner = thread::Builder::new().stack_size(STACK).spawn(move || serve(&parent))?;
    let _ = runner.join();
    Ok(())
}

/// Ends this process when the parent is gone, whatever the library is doing.
fn watch(line: &OwnedFd) {
    loop {
        let mut lines = [PollFd::new(line.as_fd(), PollFlags::empty())];
        let polled = poll(&mut lines, PollTimeout::NONE);
        let is_gone = lines[0].revents().is_some_and(|events| {
            events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL)
        });
        if is_gone || !matches!(polled, Ok(_) | Err(nix::errno::Errno::EINTR)) {
            // Not `exit`: that would have the library clean up in the middle of what it does.
            let _ = raise(Signal::SIGKILL);
        }
    }
}

/// Does what it is told to, one order after the other.
fn serve(parent: &Parent) {
    loop {
        let mut talk = parent.talk();
        talk.exchange();
        match talk.heard.first() {
            Some(&order::LOAD) => load_library(&mut talk),
            Some(&order::BEGIN) => begin_transaction(&mut talk),
            Some(&order::EXECUTE) => {
                drop(talk);
                parent.execute();
            }
            _ => talk.give_up("an order is none"),
        }
    }
}

fn load_library(talk: &mut Talk) {
    let loaded = load(&talk.heard).and_then(|library| {
        // Whether it makes an instance is seen now and not at the first case.
        let (_, texts) = library.instance()?;
        talk.library = Some(library);
        Ok(texts)
    });
    match loaded {
        Ok([name, version]) => {
            talk.said.begin(answer::LOADED).bytes(name.as_bytes()).bytes(version.as_bytes());
        }
        Err(why) => {
            talk.said.begin(answer::REFUSED).bytes(why.as_bytes());
        }
    }
}

/// Another transaction: another instance, which knows nothing of the last one.
fn begin_transaction(talk: &mut Talk) {
    talk.instance = None;
    let Some(library) = &talk.library else { talk.give_up("there is no library") };
    match library.instance() {
        Ok((instance, _)) => talk.instance = Some(instance),
        Err(why) => talk.give_up(&why),
    }
    talk.around.context = None;
    let mut heard = Heard::new(&talk.heard);
    match around(&mut heard, &mut talk.around.blob_hashes) {
        Some(context) => talk.around.context = Some(context),
        None => talk.give_up("a transaction is cut off"),
    }
    // The order to execute follows: it is not waited for an answer.
}

fn load(heard: &[u8]) -> Result<LoadedLibrary, String> {
    let mut heard = Heard::new(heard);
    let cut_off = || "the order to load is cut off".to_owned();
    heard.byte();
    let memory = heard.int().ok_or_else(cut_off)?;
    let path = PathBuf::from(OsStr::from_bytes(heard.slice().ok_or_else(cut_off)?));
    let count = heard.int().ok_or_else(cut_off)?;
    let option = |_| heard.text().zip(heard.text());
    let options = (0..count).map(option).collect::<Option<Vec<_>>>().ok_or_else(cut_off)?;
    limit(memory).map_err(|error| format!("its memory cannot be limited: {error}"))?;
    LoadedLibrary::load(&Configuration { path, options })
}

/// Lets this process take so many MiB of address space, unless it is negative, and leave no picture of its memory behind.
fn limit(memory: i64) -> nix::Result<()> {
    if let Ok(mebibytes) = u64::try_from(memory) {
        let (_, hard) = getrlimit(Resource::RLIMIT_AS)?;
        setrlimit(Resource::RLIMIT_AS, mebibytes.saturating_mul(1 << 20).min(hard), hard)?;
    }
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(Resource::RLIMIT_CORE, 0, hard)
}

fn around(heard: &mut Heard<'_>, blob_hashes: &mut Vec<EvmcBytes32>) -> Option<EvmcTransactionContext> {
    heard.byte()?;
    let word = |heard: &mut Heard<'_>| heard.word().map(|bytes| EvmcBytes32 { bytes });
    let gas_price = word(heard)?;
    let (origin, coinbase) = (account(heard.address()?), account(heard.address()?));
    let (number, timestamp, gas_limit) = (heard.int()?, heard.int()?, heard.int()?);
    let (prev_randao, chain_id) = (word(heard)?, word(heard)?);
    let (base_fee, blob_base_fee) = (word(heard)?, word(heard)?);
    let count = heard.int()?;
    blob_hashes.clear();
    for _ in 0..count {
        blob_hashes.push(word(heard)?);
    }
    let is_empty = blob_hashes.is_empty();
    Some(EvmcTransactionContext {
        gas_price,
        origin,
        coinbase,
        number,
        timestamp,
        gas_limit,
        prev_randao,
        chain_id,
        base_fee,
        blob_base_fee,
        blob_hashes: if is_empty { ptr::null() } else { blob_hashes.as_ptr() },
        blob_hashes_count: blob_hashes.len(),
        initcodes: ptr::null(),
        initcodes_count: 0,
    })
}
