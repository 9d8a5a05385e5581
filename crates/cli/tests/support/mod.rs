//! What several tests of the command share.

use std::{
    path::Path,
    process::{Command, Stdio},
};

#[allow(dead_code, reason = "not every test runs it by itself")]
/// Exit status, standard output and standard error.
pub(crate) fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.args(arguments).stdin(Stdio::null()).env_remove("COLUMNS").env("RUST_BACKTRACE", "0");
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[allow(dead_code, reason = "not every test is about a file")]
/// A state test of the repository.
pub(crate) fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    folder.join(name).canonicalize().unwrap().to_str().unwrap().to_owned()
}
