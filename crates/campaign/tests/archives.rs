//! Tests inside of archives come to what the same tests in a folder come to, names aside.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    fs::{self, File},
    io::{Write, copy, empty},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use flate2::{Compression, write::GzEncoder};
use parallax_campaign::{
    Campaign, Progress, Selection, TestSummary, discover, engines::EngineName, file_of, statetest, test_json,
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests").canonicalize().unwrap()
}

/// The line of every case below `path`, with `x/` in place of `name`, and the sum.
fn lines(path: &Path, name: &str) -> (Vec<String>, TestSummary) {
    let files = discover(&[path.to_owned()], &mut empty()).unwrap();
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &files, selection: &selection, jobs: 2, cancel: &cancel };
    let mut lines = Vec::new();
    let mut seen = Progress::default();
    let summary = statetest(&campaign, &EngineName::Mini, |delivered, progress| {
        lines.push(test_json(delivered).replace(name, "x/"));
        assert!(progress.files == files.len() && progress.files_done >= seen.files_done);
        seen = progress;
        ControlFlow::Continue(())
    });
    (lines, summary.unwrap())
}

fn zip(from: &Path, to: &Path) {
    let mut out = GzEncoder::new(File::create(to).unwrap(), Compression::fast());
    copy(&mut File::open(from).unwrap(), &mut out).unwrap();
    out.finish().unwrap().flush().unwrap();
}

#[test]
fn an_archive_of_a_folder_comes_to_what_the_folder_does() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = fixtures();
    let (expected, sum) = lines(&fixtures, &format!("{}/", fixtures.display()));
    assert!(sum.passed > 1000 && sum.complete && expected.len() as u64 == sum.cases());
    let plain = folder.path().join("all.tar");
    let mut builder = tar::Builder::new(File::create(&plain).unwrap());
    for file in discover(std::slice::from_ref(&fixtures), &mut empty()).unwrap() {
        builder.append_path_with_name(&file, Path::new("of/tests").join(file.file_name().unwrap())).unwrap();
    }
    builder.into_inner().unwrap();
    for name in ["all.tar", "all.tar.gz", "all.tgz"] {
        let archive = folder.path().join(name);
        if archive != plain {
            zip(&plain, &archive);
        }
        let shown = format!("{}:of/tests/", archive.display());
        for part in [archive.clone(), format!("{}:of", archive.display()).into()] {
            assert_eq!(file_of(&part), archive);
            assert_eq!(lines(&part, &shown), (expected.clone(), sum), "{}", part.display());
        }
    }
}

#[test]
fn a_packed_file_and_a_member_come_to_what_the_file_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixtures().join("arithmetic.json");
    let (expected, sum) = lines(&file, file.to_str().unwrap());
    assert!(sum.passed > 10);
    let packed = folder.path().join("arithmetic.json.gz");
    zip(&file, &packed);
    // By itself, and as the one file of its folder, in which no archive counts.
    let plain = folder.path().join("all.tar");
    let mut builder = tar::Builder::new(File::create(&plain).unwrap());
    builder.append_path_with_name(fixtures().join("calls.json"), "calls.json").unwrap();
    builder.append_path_with_name(&file, "a:b.json").unwrap();
    builder.into_inner().unwrap();
    fs::create_dir(folder.path().join("pre_alloc")).unwrap();
    fs::write(folder.path().join("pre_alloc/state.json"), "{}").unwrap();
    let member = PathBuf::from(format!("{}:a:b.json", plain.display()));
    for (path, name) in [(&packed, &packed), (&folder.path().to_owned(), &packed), (&member, &member)] {
        let found = lines(path, name.to_str().unwrap());
        assert_eq!(found, (expected.clone(), sum), "{}", path.display());
    }
}

#[test]
fn a_packed_file_that_is_cut_off_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let packed = folder.path().join("a.json.gz");
    zip(&fixtures().join("arithmetic.json"), &packed);
    let bytes = fs::read(&packed).unwrap();
    for (bytes, said) in [
        (&bytes[..bytes.len() / 2], "unpacked bytes: incomplete deflate stream"),
        (b"{\"this\": \"is not packed\"}", "after 0 unpacked bytes: invalid gzip header"),
    ] {
        fs::write(&packed, bytes).unwrap();
        let (lines, sum) = lines(&packed, packed.to_str().unwrap());
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert!(sum.unreadable == 1 && line.contains("cannot read the file: damaged or cut off"), "{line}");
        assert!(line.contains(said), "{line}");
    }
}
