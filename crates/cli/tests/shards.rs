//! Parts of a comparison in processes of their own, and their reports put together.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use support::run;

/// A folder of one test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("parallax-shards-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn fixtures(folder: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(folder);
    path.canonicalize().unwrap().to_str().unwrap().to_owned()
}

/// A comparison of state tests and block tests, in which some part.
fn comparison(report: &str, shard: Option<&str>) -> Vec<String> {
    let mut words = vec!["diff".to_owned(), fixtures("block-tests"), fixtures("state-tests")];
    let options = "--left-rules Prague --right-rules Osaka --filter [ck]a -j 1 --report";
    words.extend(options.split(' ').map(str::to_owned));
    words.push(format!("json={report}"));
    words.extend(shard.iter().flat_map(|shard| ["--shard".to_owned(), (*shard).to_owned()]));
    words
}

fn told(words: &[String]) -> (Option<i32>, String, String) {
    run(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn shards_make_the_report_of_one_process() {
    let folder = Folder::new("four");
    let (status, plain, _) = told(&comparison(&folder.path("plain.json"), None));
    assert_eq!(status, Some(1), "{plain}");
    let files = [1, 2, 3, 4].map(|number| folder.path(&format!("{number}.json")));
    for (number, file) in (1..).zip(&files) {
        told(&comparison(file, Some(&format!("{number}/4"))));
    }
    let [one, two, three, four] = files.each_ref().map(String::as_str);
    let (status, out, err) =
        run(&["report", "merge", four, two, one, three, "--out", &folder.path("all.json")]);
    assert_eq!((status, err.as_str()), (Some(1), ""), "{out}");
    assert_eq!(folder.read("all.json"), folder.read("plain.json"));
    assert!(plain.contains(&out), "{out} is not in {plain}");
    // The same through standard output, of one file that holds all of them.
    let together: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    fs::write(folder.0.join("together.json"), together).unwrap();
    let (_, out, err) = run(&["report", "merge", &folder.path("together.json"), "--out", "-"]);
    assert_eq!(out, folder.read("plain.json"));
    assert!(err.contains("agree"), "{err}");
}

#[test]
fn shards_of_other_tests_make_no_report() {
    let folder = Folder::new("others");
    let [one, two] = [1, 2].map(|number| folder.path(&format!("{number}.json")));
    told(&comparison(&one, Some("1/2")));
    let mut other = comparison(&two, Some("2/2"));
    let filter = other.iter().position(|word| word == "[ck]a").unwrap();
    other[filter] = "[ck]al".to_owned();
    told(&other);
    let (status, _, err) = run(&["report", "merge", &one, &two, "--out", &folder.path("all.json")]);
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("2.json are not of the same tests: ") && err.lines().count() == 1, "{err}");
    assert!(!Path::new(&folder.path("all.json")).exists());
}

/// What a pod of `examples/kubernetes/job.yaml` runs.
#[cfg(unix)]
fn pod(index: usize, reports: &Path) -> Child {
    use std::os::unix::process::CommandExt;
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/kubernetes/job.yaml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let (before, script) = manifest.split_once("- |\n").unwrap();
    assert!(before.contains("command: [\"sh\", \"-c\"]") && before.contains("completions: 4"));
    let (script, _) = script.split_once("          env:\n").unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_parallax"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).env("PATH", path).env("JOB_COMPLETION_INDEX", index.to_string());
    shell.env("SHARDS", "4").env("TESTS", fixtures("state-tests")).env("REPORTS", reports);
    shell.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().unwrap()
}

#[cfg(unix)]
#[test]
fn pods_share_a_comparison_and_one_that_is_killed_is_started_again_by_its_index() {
    let folder = Folder::new("pods");
    let plain = folder.path("plain");
    let (status, _, _) = run(&["diff", &fixtures("state-tests"), "--report", &format!("json={plain}")]);
    assert_eq!(status, Some(0));
    let file = |index: usize| folder.path(&format!("{index}.json"));
    let mut pods: Vec<_> = (0..4).map(|index| pod(index, &folder.0)).collect();
    // Killed when it has answered a case, and, but on the fastest of machines, not all.
    let has_case = || fs::read_to_string(file(2)).is_ok_and(|text| text.contains("{\"at\":"));
    while !has_case() && pods[2].try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let group = format!("-{}", pods[2].id());
    Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status().unwrap();
    let ended: Vec<_> = pods.iter_mut().map(|pod| pod.wait().unwrap().code()).collect();
    assert_eq!([ended[0], ended[1], ended[3]], [Some(0); 3]);
    let files = [0, 1, 2, 3].map(file);
    let merge = || {
        let mut words = vec!["report", "merge"];
        words.extend(files.iter().map(String::as_str));
        let all = folder.path("all");
        words.extend(["--out", &all]);
        run(&words)
    };
    if ended[2].is_none() {
        let (status, _, err) = merge();
        let expected = "2.json: the report that begins at line 1 was not finished, run its shard again\n";
        assert_eq!((status, err.ends_with(expected)), (Some(2), true), "{err}");
        assert!(!folder.0.join("all").exists());
    }
    assert_eq!(pod(2, &folder.0).wait().unwrap().code(), Some(0));
    let (status, out, err) = merge();
    assert_eq!(status, Some(0), "{out}{err}");
    assert_eq!(folder.read("all"), folder.read("plain"));
}

#[test]
fn what_makes_no_whole_is_told() {
    let folder = Folder::new("wrong");
    let [one, two, three] = ["1.json", "2.json", "3.json"].map(|name| folder.path(name));
    for (file, shard) in [(&one, "1/3"), (&two, "2/3"), (&three, "3/3")] {
        told(&comparison(file, Some(shard)));
    }
    let out = folder.path("all.json");
    fs::write(folder.0.join("empty.json"), "").unwrap();
    let wrong = |files: &[&str], expected: &str| {
        let words = [&["report", "merge"], files, &["--out", &out]].concat();
        let (status, _, err) = run(&words);
        assert_eq!(status, Some(2), "{err}");
        assert!(err.contains(expected), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    };
    wrong(&[&one, &three], "2 of 3 shards are there: the first that is not is 2/3");
    wrong(&[&one, &two], "the first that is not is 3/3");
    wrong(&[&one, &two, &one, &three], "shard 1/3 is in ");
    let other = folder.path("other.json");
    run(&["diff", &fixtures("block-tests"), "--shard", "2/3", "--report", &format!("json={other}")]);
    wrong(
        &[&one, &other],
        "were not asked for alike: \"parallax diff --mode all --left primary --right mini",
    );
    run(&["diff", &fixtures("block-tests"), "--report", &format!("json={other}")]);
    wrong(&[&other], "expected a report of a shard, as --shard I/N asks for");
    fs::write(&other, "{\"cases\":[\nno\n").unwrap();
    wrong(&[&other], "was not finished");
    fs::write(&other, "[]").unwrap();
    wrong(&[&other], "other.json: line 1: expected a report, as --report json=FILE writes it");
    fs::write(&other, folder.read("2.json").replace("{\"at\":", "{\"ad\":")).unwrap();
    wrong(&[&one, &other, &three], "expected a case of a shard, with the number of its test");
    fs::write(&other, folder.read("2.json").replace("\"complete\":true", "\"complete\":false")).unwrap();
    wrong(&[&one, &other, &three], "shard 2/3 was stopped before its end, run it again");
    wrong(&[&folder.path("absent.json")], "absent.json: ");
    wrong(&[&folder.path("empty.json")], "empty.json: line 1: expected a report");
    let (status, _, err) = run(&["report", "merge", &one, &two, &three, "--out", &two]);
    assert_eq!((status, err.contains("written over what is read")), (Some(2), true), "{err}");
    let (status, _, err) = run(&["diff", "-", "--shard", "1/2"]);
    assert_eq!((status, err.contains("--shard: expected paths")), (Some(2), true), "{err}");
    let (status, _, err) = run(&["statetest", &fixtures("state-tests"), "--shard", "3/2"]);
    assert_eq!((status, err.contains("expected I/N, the I-th of N shards")), (Some(2), true), "{err}");
}

#[test]
fn shards_of_other_commands_share_the_tests_too() {
    let blocks = fixtures("block-tests");
    let counts = |command: &str, path: &str| {
        let count = |shard: &[&str]| {
            let (status, out, err) = run(&[&[command, path, "--json"], shard].concat());
            assert_eq!(status, Some(0), "{err}");
            let mut lines: Vec<_> = out.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let mut parts = [count(&["--shard", "1/2"]), count(&["--shard", "2/2"])].concat();
        parts.sort();
        assert_eq!(parts, count(&[]));
    };
    counts("blocktest", &blocks);
    counts("statetest", &fixtures("state-tests"));
    // More shards than tests: some have none, which is nobody's fault.
    let (status, _, err) = run(&["blocktest", &blocks, "--shard", "99/99"]);
    assert_eq!(
        (status, err.contains("no case that this command runs is in shard 99/99")),
        (Some(0), true),
        "{err}"
    );
}
