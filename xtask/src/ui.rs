//! `cargo xtask ui`: the devtool's page. Its build is committed, so that nobody needs Node to run the devtool; `--check` builds
//! it again elsewhere and compares byte by byte.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace;

/// What `cargo xtask ui` takes.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(crate) struct Arguments {
    /// Build elsewhere, and fail if the committed build is another one.
    #[arg(long)]
    pub(crate) check: bool,
    /// Run the page's tests in a headless browser.
    #[arg(long)]
    pub(crate) test: bool,
    /// Measure the page on a million steps in a headless browser.
    #[arg(long)]
    pub(crate) bench: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.test {
        return browser("browser.test.js");
    }
    if arguments.bench {
        return browser("bench.js");
    }
    install()?;
    if arguments.check {
        return check();
    }
    npm(&["run", "build"])
}

fn folder() -> PathBuf {
    workspace::root().join("crates/devtool/ui")
}

/// The first of these programs that is there.
fn find(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|file| file.is_file())
}

/// The browser: the one that `CHROMIUM` names, or one of the path.
fn chromium() -> Option<PathBuf> {
    env::var_os("CHROMIUM")
        .map(PathBuf::from)
        .or_else(|| find(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]))
}

/// What the browser tests need and what is not there, by its Debian package.
pub(crate) fn missing() -> Vec<&'static str> {
    let is_there = [("nodejs", find(&["node"])), ("npm", find(&["npm"])), ("chromium", chromium())];
    is_there.into_iter().filter(|(_, found)| found.is_none()).map(|(package, _)| package).collect()
}

/// Runs npm, quiet unless it fails; it explains itself at length.
fn npm(arguments: &[&str]) -> Result<()> {
    let program = find(&["npm"]).context("npm is missing: apt-get install nodejs npm")?;
    let output = Command::new(program).current_dir(folder()).args(arguments).output()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let told: Vec<&str> = text.lines().filter(|line| !line.starts_with("npm warn")).take(20).collect();
    ensure!(output.status.success(), "npm {}:\n{}", arguments.join(" "), told.join("\n"));
    Ok(())
}

/// Installs what package-lock.json names, if that has changed since it was last installed.
fn install() -> Result<()> {
    let modified =
        |file: &str| fs::metadata(folder().join(file)).and_then(|metadata| metadata.modified()).ok();
    let installed = modified("node_modules/.package-lock.json");
    if installed.is_some() && installed >= modified("package-lock.json") {
        return Ok(());
    }
    npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
}

/// Builds into `target` and compares with what is committed.
fn check() -> Result<()> {
    let target = workspace::root().join("target/ui-check");
    fs::create_dir_all(&target)?;
    let wire = target.join("wire.ts");
    let dist = target.join("dist");
    let path = |path: &Path| path.display().to_string();
    let mut node = Command::new(find(&["node"]).context("node is missing: apt-get install nodejs npm")?);
    workspace::output(node.current_dir(folder()).args(["scripts/wire.js", &path(&wire)]))?;
    ensure!(
        fs::read(&wire)? == fs::read(folder().join("src/wire.ts"))?,
        "crates/devtool/ui/src/wire.ts is stale: cargo xtask ui"
    );
    npm(&["exec", "--", "tsc", "--noEmit"])?;
    npm(&["exec", "--", "vite", "build", "--logLevel", "error", "--emptyOutDir", "--outDir", &path(&dist)])?;
    let (built, committed) = (files(&dist)?, files(&folder().join("dist"))?);
    if let Some(name) =
        built.keys().chain(committed.keys()).find(|name| built.get(*name) != committed.get(*name))
    {
        bail!("crates/devtool/ui/dist is stale ({}): cargo xtask ui", name.display());
    }
    println!("crates/devtool/ui/dist is fresh: {} files", built.len());
    Ok(())
}

/// The files below a folder, by their path in it.
fn files(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("cannot read {}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder)?.to_owned(), fs::read(&path)?);
            }
        }
    }
    Ok(found)
}

/// Builds the servers and runs one of the files in `tests` against them.
fn browser(file: &str) -> Result<()> {
    let missing = missing();
    ensure!(missing.is_empty(), "the browser tests need {0}: apt-get install {0}", missing.join(" "));
    install()?;
    let mut build = workspace::cargo();
    // What `cargo test --workspace` has built already: with fewer packages, features would be others.
    build.args(["build", "--quiet", "--workspace", "--profile", "checked", "--bins", "--examples"]);
    ensure!(build.status()?.success(), "the servers do not build");
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace::root().join("target"), PathBuf::from);
    let mut node = Command::new(find(&["node"]).context("node is missing")?);
    node.current_dir(folder())
        .env("CHROMIUM", chromium().context("chromium is missing")?)
        .env("PARALLAX", target.join("checked/parallax"))
        .env("FAULTY_SERVER", target.join("checked/examples/faulty-server"))
        .env("SCREENSHOTS", target.join("ui-screenshots"));
    if file.ends_with(".test.js") {
        node.args(["--test", "--test-reporter=spec"]);
    }
    ensure!(node.arg(format!("tests/{file}")).status()?.success(), "the page failed in the browser");
    Ok(())
}
