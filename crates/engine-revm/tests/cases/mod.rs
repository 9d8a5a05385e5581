//! Every case of every file of a folder, on all cores.

use std::{
    env,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use parallax_state_tests::{Case, cases};

/// Where the official state tests are; says so if they are nowhere.
pub(crate) fn official_tests() -> Option<PathBuf> {
    let shared = env::var_os("PARALLAX_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let folder = Some(shared.join("eest")).filter(|folder| folder.is_dir());
    if folder.is_none() {
        eprintln!("left out: no official tests (set PARALLAX_SHARED)");
    }
    folder
}

/// Calls `check` with every case; one count per thread, which `add` puts together.
pub(crate) fn count<T: Default + Send>(
    folder: &Path,
    check: impl Fn(&Case, &mut T) + Sync,
    add: impl Fn(&mut T, T) + Sync,
) -> T {
    let mut paths = Vec::new();
    files(folder, &mut paths);
    paths.sort();
    let (next, total) = (AtomicUsize::new(0), Mutex::new(T::default()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut count = T::default();
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for case in cases(path).unwrap() {
                        check(&case.unwrap(), &mut count);
                    }
                }
                add(&mut total.lock().unwrap(), count);
            });
        }
    });
    total.into_inner().unwrap()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}
