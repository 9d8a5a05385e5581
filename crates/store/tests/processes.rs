//! Processes that write: killed at any moment, several at once, on a disk that is full. The number of kills is `STORE_KILLS`, and what is
//! drawn comes from `STORE_SEED`, which is printed.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeSet,
    env,
    hash::{BuildHasher, Hasher, RandomState},
    hint,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use parallax_store::{Batch, First, Found, Limits, NewCampaign, Sort, Store, StoreError, Verdict};

/// What a child writes to, which campaign it goes on with (0: one of its own), and how many batches.
const CHILD: &str = "STORE_OF_CHILD";

/// Is a child, where it is told so: writes batches of three verdicts and a finding, and says each that is written.
#[test]
fn child() {
    let Ok(told) = env::var(CHILD) else { return };
    let words: Vec<_> = told.split(':').collect();
    let [path, campaign, batches] = words[..] else { panic!("{told}") };
    let store = Store::create(path, Limits::default()).unwrap();
    let mut writer = match campaign.parse().unwrap() {
        0 => store.begin(&NewCampaign::default()).unwrap(),
        campaign => store.resume(campaign).unwrap(),
    };
    let id = writer.campaign();
    let begun = writer.store().campaign(id).unwrap().next;
    for batch in 0..batches.parse().unwrap() {
        let at = begun + 3 * batch;
        let verdict = |number: u64| Verdict { name: format!("{number:0300}"), ..Verdict::default() };
        let case = Ok(format!("case {at} {}", "x".repeat(2000)));
        let first = First {
            number: at,
            title: String::new(),
            mode: String::new(),
            command: String::new(),
            words: Vec::new(),
            report: String::new(),
            case,
        };
        let sort = Sort { place: format!("{}", at % 5), ..Sort::default() };
        let written = writer.write(&Batch {
            verdicts: (at..at + 3).map(verdict).collect(),
            findings: vec![Found { sort, count: 1, first: Some(first) }],
            ..Batch::default()
        });
        let mut out = std::io::stdout().lock();
        match written {
            Ok(()) => writeln!(out, "\nacknowledged {id} {}", at + 3).unwrap(),
            Err(error) => {
                writeln!(out, "\nrefused {error}").unwrap();
                break;
            }
        }
        out.flush().unwrap();
    }
}

fn spawn(path: &Path, campaign: u64, batches: u64, shell: Option<&str>) -> (Child, BufReader<ChildStdout>) {
    let program = env::current_exe().unwrap();
    let mut command = match shell {
        None => Command::new(&program),
        Some(script) => {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("{script} exec \"$0\" \"$@\"")]).arg(&program);
            command
        }
    };
    command.args(["child", "--exact", "--nocapture"]);
    command.env(CHILD, format!("{}:{campaign}:{batches}", path.display()));
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

/// What a child acknowledged: its campaign, and the number below which all is there.
fn acknowledged(line: &str) -> Option<(u64, u64)> {
    let (campaign, next) = line.strip_prefix("acknowledged ")?.split_once(' ')?;
    Some((campaign.parse().ok()?, next.parse().ok()?))
}

/// All that is acknowledged is there: verdicts without a gap, as many findings as batches.
fn check(path: &Path, campaign: u64, acknowledged: u64) {
    let store = Store::open(path, Limits::default()).unwrap();
    store.check().unwrap();
    let next = store.campaign(campaign).unwrap().next;
    assert!(next >= acknowledged, "{next} is less than {acknowledged}, which was acknowledged");
    let mut numbers = BTreeSet::new();
    store
        .each_verdict(|of, number, verdict| {
            assert_eq!(verdict.name, format!("{number:0300}"));
            assert!(of.id != campaign || numbers.insert(number));
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert!(numbers.into_iter().eq(0..next));
    let findings = store.findings().unwrap();
    let count: u64 =
        findings.iter().filter(|finding| finding.campaign == campaign).map(|finding| finding.count).sum();
    assert_eq!(count * 3, next);
    for finding in findings {
        assert!(store.case(&finding).unwrap().is_some_and(|text| text.starts_with("case ")));
    }
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

#[test]
fn what_was_acknowledged_survives_kills() {
    let seed = number("STORE_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("STORE_SEED={seed}");
    let mut state = seed;
    // SplitMix64.
    let mut drawn = |below: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let mut last = 0;
    for kill in 0..number("STORE_KILLS").unwrap_or(4) {
        let (mut child, out) = spawn(&path, u64::from(kill > 0), 1 << 20, None);
        let mut lines = out.lines().map(Result::unwrap);
        let mut next = lines.by_ref().filter_map(|line| acknowledged(&line));
        for _ in 0..=drawn(20) {
            last = next.next().unwrap().1;
        }
        // Somewhere in what it writes next.
        (0..drawn(2_000_000)).for_each(|_| hint::spin_loop());
        child.kill().unwrap();
        last = next.last().map_or(last, |(_, next)| next);
        child.wait().unwrap();
        check(&path, 1, last);
    }
}

#[test]
fn campaigns_of_several_processes_share_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    // None of them finds a store: all make it.
    let children: Vec<_> = (0..3).map(|_| spawn(&path, 0, 15, None)).collect();
    let mut campaigns = BTreeSet::new();
    for (mut child, out) in children {
        let lines: Vec<_> = out.lines().map(Result::unwrap).filter_map(|line| acknowledged(&line)).collect();
        assert!(child.wait().unwrap().success());
        let last = lines.last().unwrap();
        assert_eq!((lines.len(), last.1), (15, 45));
        assert!(campaigns.insert(last.0));
        check(&path, last.0, 45);
    }
}

#[test]
fn a_disk_without_room_is_told_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    // No file of it may have more than 512 KiB, the log neither; writing on is an error, and no signal.
    let (mut child, out) = spawn(&path, 0, 1 << 20, Some("trap '' XFSZ; ulimit -f 1024;"));
    let lines: Vec<_> = out.lines().map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success());
    let refused = lines.iter().find_map(|line| line.strip_prefix("refused ")).unwrap();
    assert!(refused.ends_with("what was acknowledged is kept"), "{refused}");
    let last = lines.iter().rev().find_map(|line| acknowledged(line)).unwrap();
    check(&path, 1, last.1);
    // With room again it goes on.
    let (mut child, out) = spawn(&path, 1, 2, None);
    let lines: Vec<_> = out.lines().map(Result::unwrap).filter_map(|line| acknowledged(&line)).collect();
    assert!(child.wait().unwrap().success());
    assert!(lines.len() == 2 && lines[1].1 >= last.1 + 6, "{lines:?}");
    check(&path, 1, lines[1].1);
}
