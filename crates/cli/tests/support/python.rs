//! A Python with a package of the registry, for tests of what others do with what we write.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A Python that has the package of `requirement` (`duckdb==2.0.1`), in the target folder; `None`, and a line on standard error, where
/// there is none to be had, or a program of `needs` is not there. CI has all.
pub(crate) fn python(requirement: &str, needs: &[&str]) -> Option<PathBuf> {
    match installed(requirement, needs) {
        Ok(python) => Some(python),
        Err(error) if env::var_os("CI").is_some() => panic!("no {requirement}: {error}"),
        Err(error) => {
            eprintln!("left out: {requirement} ({error})");
            None
        }
    }
}

fn installed(requirement: &str, needs: &[&str]) -> Result<PathBuf, String> {
    for program in needs {
        told(Command::new(program).arg("-version"))?;
    }
    let (package, version) = requirement.split_once("==").unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("python-{package}"));
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let has_it = || {
        let check = format!("import {package}; assert {package}.__version__ == '{version}'");
        told(Command::new(&python).args(["-c", &check]))
    };
    if has_it().is_err() {
        told(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        told(Command::new(&python).args(["-m", "pip", "install", "--quiet", requirement]))?;
        has_it()?;
    }
    Ok(python)
}

/// Fails with the last line of what a command says.
fn told(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{program}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().next_back().unwrap_or_default();
    output.status.success().then_some(()).ok_or_else(|| format!("{program}: {}: {last}", output.status))
}
