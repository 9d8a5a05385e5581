//! Interrupts of a fuzz run.

use std::{
    panic,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use anyhow::{Context, Result};

use crate::report::Status;

/// Set by the first interrupt; the second ends the process at once.
static CANCEL: AtomicBool = AtomicBool::new(false);

/// From now on an interrupt sets what is answered, and panics of other threads are told as findings alone.
pub(super) fn watch() -> Result<&'static AtomicBool> {
    ctrlc::set_handler(|| {
        if CANCEL.swap(true, Ordering::Relaxed) {
            std::process::exit(Status::Interrupted.code().into());
        }
    })
    .context("cannot watch for interrupts")?;
    quiet_panics();
    Ok(&CANCEL)
}

/// From now on a panic of another thread says nothing by itself: it is caught, and told as a finding. Run alone, its case says all.
fn quiet_panics() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().name() == Some("main") {
            others(info);
        }
    }));
}
