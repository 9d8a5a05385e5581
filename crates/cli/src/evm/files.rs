//! Which files are run: those that a path names, or one after the other as their paths come on standard input.

use std::{
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use parallax_campaign::discover;

use super::results::{TestResult, report, tell_root};
use crate::{
    path_lines::{PathLine, PathLines},
    report::one_line,
};

/// Whether harnesses wait for the root of a case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Roots {
    Told,
    Untold,
}

/// Runs what `path` names and reports all of it at the end; without it, each path that comes on standard input, at once. What cannot be read
/// ends the first way, and is a result of the second.
pub(super) fn each_file(
    path: Option<&str>,
    for_people: bool,
    roots: Roots,
    mut run: impl FnMut(&Path) -> Result<Vec<TestResult>>,
) -> Result<()> {
    if let Some(path) = path {
        let mut results = Vec::new();
        let mut files =
            discover(&[PathBuf::from(path)], &mut io::empty()).map_err(|error| anyhow!("{error}"))?;
        // Of a folder, what is packed is not looked at.
        files.retain(|file| file == Path::new(path) || file.extension().is_some_and(|end| end == "json"));
        for file in files {
            results.extend(run(&file)?);
        }
        return report(&results, for_people);
    }
    let mut lines = PathLines::new(io::stdin().lock());
    while let Some(line) = lines.next().context("standard input: expected a path a line")? {
        let answer = |name: &str, reason: String| {
            if roots == Roots::Told {
                tell_root(None)?;
            }
            report(&[TestResult::unread(name, "", one_line(&reason))], for_people)
        };
        match line {
            PathLine::Empty => return Ok(()),
            PathLine::Path(path) => match run(&path) {
                Ok(results) => report(&results, for_people)?,
                // A stream that nobody reads is the end.
                Err(error) if error.is::<io::Error>() => return Err(error),
                Err(error) => answer(&path.to_string_lossy(), format!("{error:#}"))?,
            },
            PathLine::Bad(reason) => answer("", reason)?,
            PathLine::Json(reason) => {
                answer("", reason.clone())?;
                bail!("{reason}");
            }
        }
    }
    Ok(())
}
