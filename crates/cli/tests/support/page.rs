//! Pages of the documentation, whose commands are run as they stand.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Commands of the `console` blocks of a page, each with what it prints.
pub(crate) fn commands(page: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    let mut is_console = false;
    for line in page.lines() {
        match (line, is_console) {
            ("```console", _) => is_console = true,
            ("```", _) => is_console = false,
            (_, false) => {}
            (line, true) => match line.strip_prefix("$ ") {
                Some(command) => commands.push((command.to_owned(), Vec::new())),
                None => commands.last_mut().unwrap().1.push(line.to_owned()),
            },
        }
    }
    commands
}

/// Exit status of a command in `folder`, and all that it prints.
pub(crate) fn shell(command: &str, folder: &Path) -> (Option<i32>, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_parallax")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    let output =
        shell.args(["-c", command]).current_dir(folder).env("PATH", path).stdin(Stdio::null()).output();
    let output = output.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout) + &text(output.stderr))
}
