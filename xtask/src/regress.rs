//! `cargo xtask regress`: a finding becomes a fixture that every comparison runs from then on.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use parallax_campaign::{FindingSides, MinimizeError, MinimizedCase, config, engines::EngineName};
use parallax_hooks::NoHooks;
use parallax_minimizer::Budget;
use parallax_shadow_diff::ShadowMode;
use parallax_state_tests::{Case, cases, cases_of, run as run_case};
use parallax_store::{Limits, Store};

use crate::{fixtures::regressions, workspace};

/// What `cargo xtask regress` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A state test with one case, as `parallax minimize` or `parallax fuzz --write` write it; or a store, with ID.
    finding: PathBuf,
    /// The finding of a store, as `parallax store list` numbers it.
    id: Option<u64>,
    /// What the fixture is called [default: its rules, where it shows, in what].
    #[arg(long)]
    name: Option<String>,
    /// One side [default: that of the store, or primary].
    #[arg(long)]
    left: Option<EngineName>,
    /// The other side [default: that of the store, or mini].
    #[arg(long)]
    right: Option<EngineName>,
    /// Whose result is the right one: hold it against the EIP or the executable specification.
    #[arg(long, default_value = "mini")]
    expect: EngineName,
    /// Where it comes from: a report, a client's issue [default: the command that found it, or the file].
    #[arg(long)]
    source: Option<String>,
    /// Where it is written.
    #[arg(long, hide = true)]
    folder: Option<PathBuf>,
}

/// A finding, wherever it was.
struct Finding {
    case: Case,
    sides: [EngineName; 2],
    source: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Finding { case, sides, source } = read(arguments)?;
    let [left, right] = sides;
    let mode = if sides.iter().all(|side| side.engine().capabilities().steps) {
        ShadowMode::All
    } else {
        ShadowMode::PerCall
    };
    let compared = FindingSides::Engines { left: &left, right: &right, config: config(&left, &right, mode) };
    let budget = Budget { tries: 1_000_000, time: Duration::from_secs(300), is_stopped: &|| false };
    let (case, comment) = match compared.minimize(&case, "minimized", &budget) {
        Ok(MinimizedCase { case, identity, sizes: [before, after], .. }) => {
            println!("minimized: {} bytes of code before, {} after", before.code, after.code);
            (case, identity.to_string())
        }
        Err(MinimizeError::NoFinding(why)) => {
            println!("it is kept as it is: {} and {} do not part ({why})", left.name(), right.name());
            (case, "two sides parted".to_owned())
        }
        Err(error) => return Err(error.into()),
    };
    let name = arguments.name.clone().unwrap_or_else(|| name_of(&case, &comment));
    ensure!(
        name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') && !name.is_empty(),
        "--name {name}: expected lower case letters, digits and _"
    );
    let folder = arguments.folder.clone().unwrap_or_else(regressions::folder);
    let path = folder.join(format!("{name}.json"));
    let shown = workspace::shown(&path);
    ensure!(!path.exists(), "{shown} is there already, expected --name with another one");
    let result = run_case(&case, &*arguments.expect.engine(), &mut NoHooks);
    ensure!(result.state_root.is_some(), "{} comes to no end: there is no right result", arguments.expect);
    let test = format!("regressions/{name}");
    let mut value = case.written(&test, &comment, Some(&result));
    value[&test]["_info"]["source"] = arguments.source.clone().unwrap_or(source).into();
    value[&test]["_info"]["expected"] = format!("what {} comes to", arguments.expect).into();
    fs::create_dir_all(&folder)?;
    fs::write(&path, serde_json::to_string_pretty(&value)? + "\n")
        .with_context(|| format!("cannot write {shown}"))?;
    println!("{shown}: {comment}\n  expected is what {} comes to: hold it against the EIP", arguments.expect);
    for engine in wrong(&path, [EngineName::Primary, EngineName::Mini])? {
        println!(
            "  {engine} does not come to it yet: `cargo xtask fixtures --check` fails until that is mended"
        );
    }
    if wrong(&path, sides)?.is_empty() {
        println!("  both sides come to that state: what they part in, `cargo xtask diff` alone sees");
    }
    Ok(())
}

/// Those of some engines that do not come to what a fixture expects.
fn wrong(path: &Path, engines: [EngineName; 2]) -> Result<Vec<&'static str>> {
    let mut wrong = Vec::new();
    for engine in engines {
        for case in cases(path)? {
            if !run_case(&case?, &*engine.engine(), &mut NoHooks).pass {
                wrong.push(engine.name());
            }
        }
    }
    Ok(wrong)
}

fn read(arguments: &Arguments) -> Result<Finding> {
    let file = arguments.finding.display().to_string();
    let own = |side: Option<EngineName>, name: &str| match side {
        Some(side) => Ok(side),
        None => name
            .parse::<EngineName>()
            .with_context(|| format!("{file}: its side {name}: expected --left and --right")),
    };
    let (text, [left, right], source) = match arguments.id {
        None => {
            let text = fs::read(&arguments.finding).with_context(|| format!("cannot read {file}"))?;
            (text, ["primary", "mini"].map(str::to_owned), "a state test".to_owned())
        }
        Some(id) => {
            let store = Store::open(&arguments.finding, Limits::default())?;
            let finding = store.finding(id)?;
            let text = store.case(&finding)?;
            let text = text
                .with_context(|| format!("finding {id} has no case; its command is: {}", finding.command))?;
            let Ok(sides) = <[String; 2]>::try_from(finding.sort.sides) else {
                bail!("finding {id}: expected one of two sides");
            };
            (text.into_bytes(), sides, finding.command)
        }
    };
    let sides = [own(arguments.left, &left)?, own(arguments.right, &right)?];
    let mut all = cases_of(&file, text)?;
    let Some(case) = all.next() else { bail!("{file}: it has no case") };
    ensure!(
        all.next().is_none(),
        "{file}: it has more than one case, expected one: parallax minimize makes one of them"
    );
    Ok(Finding { case: case?, sides, source })
}

/// Its rules, and of what is said of it the words that are names.
fn name_of(case: &Case, comment: &str) -> String {
    let what = comment.split_once(" part ").map_or(comment, |(_, what)| what);
    let words = what.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words
        .filter(|word| !["after", "behind", "at", "the", "of", "a", "cause", "field", ""].contains(word));
    let name: Vec<_> =
        std::iter::once(case.rules.name()).chain(words.take(3)).map(str::to_lowercase).collect();
    name.join("_").replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

#[cfg(test)]
mod tests {
    use parallax_store::{Batch, First, Found, NewCampaign, Sort};
    use serde_json::Value;

    use super::*;

    const FAULT: &str = "mini+flip-result@EXP";

    /// A fixture of the repository that shows the fault, alone in a file.
    fn finding(folder: &Path) -> (PathBuf, String) {
        let all = cases(&crate::fixtures::folder().join("arithmetic.json")).unwrap();
        let case = all
            .map(Result::unwrap)
            .find(|case| &*case.name == "arithmetic/exp" && &*case.fork_name == "Osaka");
        let text = String::from_utf8(case.unwrap().alone()).unwrap();
        let path = folder.join("finding.json");
        fs::write(&path, &text).unwrap();
        (path, text)
    }

    fn arguments(finding: PathBuf, folder: &Path) -> Arguments {
        Arguments {
            finding,
            id: None,
            name: None,
            left: None,
            right: Some(FAULT.parse().unwrap()),
            expect: EngineName::Mini,
            source: None,
            folder: Some(folder.join("regressions")),
        }
    }

    fn written(folder: &Path, name: &str) -> Value {
        let text = fs::read_to_string(folder.join("regressions").join(name)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_file_and_a_store_become_the_same_fixture() {
        let folder = tempfile::tempdir().unwrap();
        let (path, text) = finding(folder.path());
        run(&arguments(path.clone(), folder.path())).unwrap();
        let value = written(folder.path(), "frontier_exp_stack_arithmetic.json");
        let test = &value["regressions/frontier_exp_stack_arithmetic"];
        assert_eq!(test["_info"]["expected"], "what mini comes to");
        let again = run(&arguments(path.clone(), folder.path())).unwrap_err().to_string();
        assert!(again.ends_with("is there already, expected --name with another one"), "{again}");
        regressions::check_all(&folder.path().join("regressions")).unwrap();
        let store = folder.path().join("store");
        let first = First {
            number: 1,
            title: "a case".to_owned(),
            mode: "all".to_owned(),
            command: "parallax diff x".to_owned(),
            words: Vec::new(),
            report: String::new(),
            case: Ok(text),
        };
        let sort = Sort { sides: vec!["primary".to_owned(), FAULT.to_owned()], ..Sort::default() };
        let found = vec![Found { sort, count: 1, first: Some(first) }];
        let mut writer =
            Store::create(&store, Limits::default()).unwrap().begin(&NewCampaign::default()).unwrap();
        writer.write(&Batch { findings: found, ..Batch::default() }).unwrap();
        run(&Arguments {
            id: Some(1),
            right: None,
            name: Some("own".to_owned()),
            ..arguments(store, folder.path())
        })
        .unwrap();
        let mut own = written(folder.path(), "own.json");
        assert_eq!(own["regressions/own"]["_info"]["source"], "parallax diff x");
        own["regressions/own"]["_info"]["source"] = test["_info"]["source"].clone();
        assert_eq!(&own["regressions/own"], test);
    }

    #[test]
    fn a_fixture_that_an_engine_does_not_come_to_fails_the_check() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = finding(folder.path());
        run(&arguments(path, folder.path())).unwrap();
        let path = folder.path().join("regressions/frontier_exp_stack_arithmetic.json");
        let mut value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let post = &mut value["regressions/frontier_exp_stack_arithmetic"]["post"]["Frontier"][0];
        post["hash"] = format!("0x{}", "11".repeat(32)).into();
        fs::write(&path, value.to_string()).unwrap();
        assert_eq!(wrong(&path, [EngineName::Mini, EngineName::Primary]).unwrap(), ["mini", "primary"]);
        let error = regressions::check_all(&folder.path().join("regressions")).unwrap_err().to_string();
        assert!(
            error.contains("frontier_exp_stack_arithmetic.json: primary does not come to what it expects"),
            "{error}"
        );
        fs::write(folder.path().join("regressions/x.json"), "{\"x\": {}}").unwrap();
        let error = regressions::check_all(&folder.path().join("regressions")).unwrap_err().to_string();
        assert!(error.contains("x.json: x: _info has no comment"), "{error}");
    }

    #[test]
    fn what_does_not_part_is_kept_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = finding(folder.path());
        run(&Arguments { right: None, name: Some("own".to_owned()), ..arguments(path, folder.path()) })
            .unwrap();
        regressions::check_all(&folder.path().join("regressions")).unwrap();
        let name = Some("a/b".to_owned());
        let error = run(&Arguments { name, ..arguments(folder.path().join("finding.json"), folder.path()) })
            .unwrap_err();
        assert!(error.to_string().starts_with("--name a/b: expected lower case"), "{error}");
    }
}
