//! `examples/spark` on a cluster of four workers, each a process, one of which is killed in the middle of a task.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]
#![cfg(target_os = "linux")]

#[path = "support/python.rs"]
mod python;
mod support;

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use support::run;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A cluster, which ends when its standard input does.
struct Cluster {
    process: Child,
    address: String,
    workers: Vec<u32>,
    _output: BufReader<ChildStdout>,
}

impl Cluster {
    fn start(python: &Path) -> Self {
        let mut command = Command::new(python);
        command.arg(root().join("examples/spark/cluster.py")).arg("4");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = || {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        };
        let address = line();
        let workers = (0..4).map(|_| line().parse().unwrap()).collect();
        Self { process, address, workers, _output: output }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The session of a process, by which all that a worker has started is known.
fn session(process: &str) -> Option<u32> {
    let stat = fs::read_to_string(Path::new("/proc").join(process).join("stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(3)?.parse().ok()
}

/// Kills all processes of a session.
fn kill(killed: u32) {
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if session(&name) == Some(killed) {
            Command::new("kill").args(["-9", &name]).stderr(Stdio::null()).status().unwrap();
        }
    }
}

/// A program that is `parallax`, but for the first task, which answers two items, says that it has, and is held until it is killed.
fn held_once(folder: &Path) -> PathBuf {
    let program = folder.join("parallax");
    let (binary, folder) = (env!("CARGO_BIN_EXE_parallax"), folder.display());
    let text = format!(
        "#!/bin/sh
case \"$*\" in
*--pipe*)
    if mkdir '{folder}/held' 2>/dev/null; then
        head -n 2 > '{folder}/lines'
        '{binary}' \"$@\" < '{folder}/lines'
        echo $$ > '{folder}/half' && mv '{folder}/half' '{folder}/process'
        exec sleep 600
    fi ;;
esac
exec '{binary}' \"$@\"
"
    );
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

#[test]
fn a_cluster_of_which_one_worker_is_killed_makes_the_report_of_one_process() {
    let requirement = fs::read_to_string(root().join("examples/spark/requirements.txt")).unwrap();
    let Some(python) = python::python(requirement.trim_end(), &["java"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let name = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let archive = fs::File::create(name("tests.tar.gz")).unwrap();
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(archive, flate2::Compression::fast()));
    for file in ["calls", "flow", "stack", "touches"] {
        let member = format!("tests/{file}.json");
        archive.append_path_with_name(support::fixture(&format!("{file}.json")), member).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
    let paths = [
        root().join("fixtures/block-tests").to_str().unwrap().to_owned(),
        name("tests.tar.gz"),
        root().join("fixtures/state-tests").to_str().unwrap().to_owned(),
    ];
    let paths = paths.each_ref().map(String::as_str);
    let options = ["--left-rules", "Prague", "--right-rules", "Osaka"];
    let report = format!("json={}", name("plain.json"));
    let (status, plain, _) = run(&[&["diff"], &paths[..], &options, &["--report", &report]].concat());
    assert_eq!(status, Some(1), "{plain}");

    let cluster = Cluster::start(&python);
    let mut driver = Command::new(&python);
    driver.arg(root().join("examples/spark/diff.py")).args(["--master", &cluster.address]);
    driver.args(["--tasks", "8", "--out", &name("all.json"), "--parallax"]).arg(held_once(folder.path()));
    driver.args(paths).arg("--").args(options).env("SPARK_LOCAL_IP", "127.0.0.1");
    let error = fs::File::create(name("stderr")).unwrap();
    let mut driver = driver.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(error).spawn().unwrap();
    let held = loop {
        if let Ok(process) = fs::read_to_string(name("process")) {
            break session(process.trim_end()).unwrap();
        }
        let told = || fs::read_to_string(name("stderr")).unwrap();
        assert!(driver.try_wait().unwrap().is_none(), "no task was held: {}", told());
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(cluster.workers.contains(&held), "{held} is none of {:?}", cluster.workers);
    kill(held);
    let ended = driver.wait_with_output().unwrap();
    let told = fs::read_to_string(name("stderr")).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert_eq!(fs::read(name("all.json")).unwrap(), fs::read(name("plain.json")).unwrap(), "{told}");
}
