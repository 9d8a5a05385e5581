//! Where the official data are, which the repository does not carry.

use std::{env, path::PathBuf};

/// The folder of official data: `PARALLAX_SHARED` if that is set, otherwise `shared` beside the repository; `None` if it is
/// not there. Whoever needs it says so in a line when it is absent.
pub fn shared_folder() -> Option<PathBuf> {
    let folder = match env::var_os("PARALLAX_SHARED") {
        Some(folder) => PathBuf::from(folder),
        None => {
            // The repository is above whoever runs: a test in its crate, the binary in its root.
            let here = env::current_dir().ok()?;
            here.ancestors().find(|folder| folder.join("Cargo.lock").is_file())?.parent()?.join("shared")
        }
    };
    folder.is_dir().then_some(folder)
}
