//! What is written is there, and only once: read again, merged, packed, exported, refused.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

use parallax_store::{
    Batch, CaseKey, Collected, Covered, First, Found, Kind, Limits, Merged, NewCampaign, Sort, Store,
    StoreError, Verdict, Writer, digest, verdicts_json, verdicts_parquet,
};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::RowAccessor,
};

fn campaign() -> NewCampaign {
    NewCampaign {
        kind: Kind::Fuzz,
        command: "parallax fuzz --seed 7".to_owned(),
        options: vec!["--seed=7".to_owned(), "a \"word\"".to_owned()],
        sides: vec!["primary".to_owned(), "mini".to_owned()],
        mode: "all".to_owned(),
        build: "0.1.0".to_owned(),
        seed: Some(u64::MAX),
        first: 3,
    }
}

fn create(path: &Path) -> Store {
    Store::create(path, Limits::default()).unwrap()
}

fn begin(path: &Path) -> Writer {
    create(path).begin(&campaign()).unwrap()
}

fn verdict(name: &str, outcome: &str, failed: bool) -> Verdict {
    Verdict { name: name.to_owned(), outcome: outcome.to_owned(), failed, ..Verdict::default() }
}

/// Findings of one sort, the first of them with this number and a case of its own.
fn found(place: &str, count: u64, number: u64) -> Found {
    Found {
        sort: Sort { place: place.to_owned(), outcome: "diverge".to_owned(), ..Sort::default() },
        count,
        first: Some(First {
            number,
            title: format!("case {number}"),
            mode: "per-step".to_owned(),
            command: format!("parallax fuzz --case {number}"),
            words: vec!["fuzz".to_owned(), format!("--case={number}")],
            report: "DIVERGE".to_owned(),
            case: Ok(format!("{{\"case\": {number}}}")),
        }),
    }
}

fn write(writer: &mut Writer, findings: Vec<Found>, next: u64) {
    writer.write(&Batch { findings, next: Some(next), steps: 10, ..Batch::default() }).unwrap();
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let mut writer = begin(&path);
    let verdicts =
        vec![verdict("one", "agree", false), Verdict { steps: u64::MAX, ..verdict("two", "diverge", true) }];
    writer.write(&Batch { verdicts: verdicts.clone(), steps: 5, ..Batch::default() }).unwrap();
    let coverage = |count| {
        vec![Covered { rules: "Osaka".to_owned(), opcode: "ADD".to_owned(), halt: "none".to_owned(), count }]
    };
    writer.write(&Batch { coverage: coverage(2), ..Batch::default() }).unwrap();
    writer
        .write(&Batch { coverage: coverage(3), ended: Some("time".to_owned()), ..Batch::default() })
        .unwrap();
    drop(writer);
    let store = Store::open(&path, Limits::default()).unwrap();
    store.check().unwrap();
    let [read] = &store.campaigns().unwrap()[..] else { panic!("one campaign") };
    let new = campaign();
    assert_eq!((read.kind, &read.command, &read.options), (new.kind, &new.command, &new.options));
    assert_eq!(
        (&read.sides, &read.mode, &read.build, read.seed),
        (&new.sides, &new.mode, &new.build, new.seed)
    );
    assert_eq!((read.first, read.next, read.steps), (3, 5, 5));
    assert_eq!(read.ended.as_deref(), Some("time"));
    let mut found = Vec::new();
    store
        .each_verdict(|_, number, verdict| {
            found.push((number, verdict));
            Ok::<_, StoreError>(())
        })
        .unwrap();
    let [one, two] = &verdicts[..] else { panic!("two") };
    assert_eq!(found, [(3, one.clone()), (4, two.clone())]);
    assert_eq!(store.coverage(read.id).unwrap(), coverage(5));
    let outcomes = [("agree".to_owned(), 1), ("diverge".to_owned(), 1)];
    assert_eq!(store.outcomes(read.id).unwrap(), outcomes);
    assert!(matches!(store.campaign(2), Err(StoreError::None { what: "campaign", number: 2, .. })));
}

#[test]
fn findings_of_a_group_are_one_with_the_lowest_number() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = begin(&folder.path().join("s"));
    write(&mut writer, vec![found("ADD", 2, 9), found("MUL", 1, 4)], 10);
    write(&mut writer, vec![found("ADD", 1, 12)], 13);
    write(&mut writer, vec![found("ADD", 1, 5)], 13);
    write(&mut writer, vec![Found { first: None, ..found("ADD", 7, 0) }], 20);
    let store = writer.store();
    let findings = store.findings().unwrap();
    let told: Vec<_> =
        findings.iter().map(|f| (f.sort.place.as_str(), f.count, f.number, f.title.as_str())).collect();
    assert_eq!(told, [("ADD", 11, 5, "case 5"), ("MUL", 1, 4, "case 4")]);
    assert_eq!(store.case(&findings[0]).unwrap().as_deref(), Some("{\"case\": 5}"));
    assert_eq!(findings[0].case, CaseKey::Sha256(digest("{\"case\": 5}")));
    assert_eq!(findings[0].words, ["fuzz", "--case=5"]);
    assert_eq!(store.campaigns().unwrap()[0].steps, 40);
    assert!(matches!(store.finding(9), Err(StoreError::None { what: "finding", number: 9, .. })));
}

#[test]
fn limits_are_told_when_they_are_met() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { groups: 1, case_bytes: 12, ..Limits::default() };
    let mut writer = Store::create(folder.path().join("s"), limits).unwrap().begin(&campaign()).unwrap();
    write(&mut writer, vec![found("ADD", 2, 123_456), found("MUL", 5, 4)], 10);
    let store = writer.store();
    let [finding] = &store.findings().unwrap()[..] else { panic!("one group") };
    assert_eq!(
        finding.case,
        CaseKey::Without("its text has 16 bytes, more than the 12 that are kept".to_owned())
    );
    assert_eq!(store.case(finding).unwrap(), None);
    assert_eq!(store.campaigns().unwrap()[0].ungrouped, 5);
}

#[test]
fn a_full_store_says_so_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let limits = Limits { bytes: 1 << 20, ..Limits::default() };
    let mut writer = Store::create(&path, limits).unwrap().begin(&campaign()).unwrap();
    let batch = Batch {
        verdicts: (0..100).map(|number| verdict(&format!("{number:0200}"), "agree", false)).collect(),
        ..Batch::default()
    };
    let mut acknowledged = 0;
    let error = loop {
        match writer.write(&batch) {
            Ok(()) => acknowledged += 100,
            Err(error) => break error,
        }
        assert!(acknowledged < 10_000);
    };
    let full = "its limit of 1 MiB is met; what was acknowledged is kept";
    assert!(error.to_string().ends_with(full), "{error}");
    assert!(fs::metadata(&path).unwrap().len() <= 1 << 20);
    drop(writer);
    let store = Store::open(&path, limits).unwrap();
    store.check().unwrap();
    assert_eq!(store.outcomes(1).unwrap(), [("agree".to_owned(), acknowledged)]);
    // With more room it goes on.
    drop(store);
    let mut writer = create(&path).resume(1).unwrap();
    writer.write(&batch).unwrap();
    assert_eq!(writer.store().outcomes(1).unwrap(), [("agree".to_owned(), acknowledged + 100)]);
}

#[test]
fn a_campaign_has_one_writer_and_a_store_any_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let mut first = begin(&path);
    let mut other = begin(&path);
    write(&mut first, vec![found("ADD", 1, 3)], 4);
    write(&mut other, vec![found("ADD", 2, 3)], 5);
    let mut second = create(&path).resume(1).unwrap();
    write(&mut second, vec![found("ADD", 1, 5)], 6);
    let error = first.write(&Batch { next: Some(9), ..Batch::default() }).unwrap_err();
    assert!(matches!(error, StoreError::Taken { campaign: 1, .. }));
    assert!(
        error.to_string().ends_with("another process goes on with campaign 1, so this one ends"),
        "{error}"
    );
    let store = second.into_store();
    let counts: Vec<_> = store.findings().unwrap().iter().map(|f| (f.campaign, f.count)).collect();
    assert_eq!(counts, [(1, 2), (2, 2)]);
    assert_eq!(store.campaign(1).unwrap().next, 6);
    assert!(matches!(store.resume(7), Err(StoreError::None { .. })));
}

#[test]
fn merging_again_changes_nothing_and_what_is_further_counts() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two, all] = ["one", "two", "all"].map(|name| folder.path().join(name));
    let mut first = begin(&one);
    write(&mut first, vec![found("ADD", 1, 3)], 4);
    let mut second = begin(&two);
    write(&mut second, vec![found("ADD", 2, 8), found("MUL", 1, 5)], 9);
    second.write(&Batch { verdicts: vec![verdict("x", "agree", false)], ..Batch::default() }).unwrap();
    let mut merged = create(&all);
    let open = |path: &Path| Store::open(path, Limits::default()).unwrap();
    let new = Merged { new: 1, ..Merged::default() };
    assert_eq!([&one, &two].map(|path| merged.merge(&open(path)).unwrap()), [new, new]);
    let told = |store: &Store| {
        let findings = store.findings().unwrap().into_iter();
        let rows =
            findings.map(|f| (f.campaign, f.sort.place.clone(), f.count, store.case(&f).unwrap().unwrap()));
        rows.collect::<Vec<_>>()
    };
    let row = |campaign, place: &str, count, number| {
        (campaign, place.to_owned(), count, format!("{{\"case\": {number}}}"))
    };
    let before = [row(1, "ADD", 1, 3), row(2, "ADD", 2, 8), row(2, "MUL", 1, 5)];
    assert_eq!(told(&merged), before);
    let known = Merged { known: 1, ..Merged::default() };
    assert_eq!([&one, &two].map(|path| merged.merge(&open(path)).unwrap()), [known, known]);
    assert_eq!(told(&merged), before);
    write(&mut first, vec![found("ADD", 4, 1), found("SUB", 1, 6)], 7);
    assert_eq!(merged.merge(&open(&one)).unwrap(), Merged { further: 1, ..Merged::default() });
    let after = [row(1, "ADD", 5, 1), row(1, "SUB", 1, 6), row(2, "ADD", 2, 8), row(2, "MUL", 1, 5)];
    assert_eq!(told(&merged), after);
    assert_eq!(merged.outcomes(2).unwrap(), [("agree".to_owned(), 1)]);
    assert_eq!(merged.campaign(1).unwrap().next, 7);
    merged.check().unwrap();
}

#[test]
fn what_agrees_is_dropped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = begin(&folder.path().join("s"));
    let agree = (0..2000).map(|number| verdict(&format!("{number:0100}"), "agree", false)).collect();
    writer.write(&Batch { verdicts: agree, ..Batch::default() }).unwrap();
    write(&mut writer, vec![found("ADD", 1, 9)], 5000);
    write(&mut writer, vec![found("ADD", 1, 3)], 5000);
    writer.write(&Batch { verdicts: vec![verdict("d", "diverge", true)], ..Batch::default() }).unwrap();
    let mut store = writer.into_store();
    let Collected { verdicts, cases, bytes: [before, after] } = store.gc().unwrap();
    // The case with the higher number is no finding's any more.
    assert_eq!((verdicts, cases), (2000, 1));
    assert!(after * 2 < before, "{before} {after}");
    assert_eq!(store.outcomes(1).unwrap(), [("diverge".to_owned(), 1)]);
    let read = store.campaign(1).unwrap();
    assert_eq!((read.dropped, read.next), (2000, 5001));
    let finding = store.finding(1).unwrap();
    assert_eq!(store.case(&finding).unwrap().as_deref(), Some("{\"case\": 3}"));
    store.check().unwrap();
}

#[test]
fn verdicts_leave_as_lines_and_as_parquet() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = begin(&folder.path().join("s"));
    let long = Verdict {
        file: "a/b.json".to_owned(),
        rules: "Osaka".to_owned(),
        steps: 12,
        ..verdict("one", "agree", false)
    };
    let short =
        Verdict { sha256: Some([0xab; 32]), place: "ADD".to_owned(), ..verdict("two", "diverge", true) };
    writer.write(&Batch { verdicts: vec![long, short], ..Batch::default() }).unwrap();
    let store = writer.into_store();
    let (mut lines, path) = (Vec::new(), folder.path().join("p"));
    assert_eq!(verdicts_json(&store, &mut lines).unwrap(), 2);
    let uid = &store.campaigns().unwrap()[0].uid;
    let expected = format!(
        "{{\"campaign\":\"{uid}\",\"number\":3,\"sides\":\"primary mini\",\"mode\":\"all\",\"file\":\"a/b.json\",\
         \"test\":\"one\",\"rules\":\"Osaka\",\"outcome\":\"agree\",\"failed\":false,\"steps\":12}}\n"
    );
    assert!(String::from_utf8(lines).unwrap().starts_with(&expected));
    assert_eq!(verdicts_parquet(&store, fs::File::create(&path).unwrap()).unwrap(), 2);
    let reader = SerializedFileReader::new(fs::File::open(&path).unwrap()).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].get_long(1).unwrap(), rows[0].get_long(10).unwrap()), (3, 12));
    assert_eq!(
        (rows[0].get_string(5).unwrap().as_str(), rows[1].get_string(11).unwrap().as_str()),
        ("one", "ADD")
    );
    assert_eq!((rows[0].get_bool(9).unwrap(), rows[1].get_bool(9).unwrap()), (false, true));
    assert!(rows[0].get_string(11).is_err(), "an empty text is null");
    assert_eq!(rows[1].get_string(15).unwrap(), &"ab".repeat(32));
}

#[test]
fn what_is_no_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let told = |result: Result<Store, StoreError>| result.unwrap_err().to_string();
    let open = |name: &str| Store::open(path(name), Limits::default());
    assert!(told(open("none")).ends_with("none: no such store"));
    assert!(!path("none").exists());
    fs::write(path("text"), "a text that is longer than the header of a database".repeat(100)).unwrap();
    for result in [open("text"), Store::create(path("text"), Limits::default())] {
        assert!(told(result).contains("text: no store of parallax, expected a file that"));
    }
    let other = rusqlite::Connection::open(path("other")).unwrap();
    other.execute_batch("CREATE TABLE t (a)").unwrap();
    let before = fs::read(path("other")).unwrap();
    assert!(told(Store::create(path("other"), Limits::default())).contains("other: no store of parallax"));
    assert_eq!(fs::read(path("other")).unwrap(), before);
    drop(begin(&path("newer")));
    rusqlite::Connection::open(path("newer")).unwrap().pragma_update(None, "user_version", 2).unwrap();
    assert!(
        told(open("newer"))
            .ends_with("newer: a store of version 2, expected 1: it was written by a newer parallax")
    );
    fs::write(path("empty"), "").unwrap();
    assert!(told(open("empty")).contains("empty: no store of parallax"));
    begin(&path("empty")).store().check().unwrap();
    assert!(told(Store::create(path("no/folder"), Limits::default())).contains("no/folder: unable to open"));
}

#[test]
fn a_damaged_case_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let mut writer = begin(&path);
    write(&mut writer, vec![found("ADD", 1, 3)], 4);
    let finding = writer.store().finding(1).unwrap();
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute("UPDATE cases SET deflated = x'00'", []).unwrap();
    let error = writer.store().case(&finding).unwrap_err().to_string();
    assert!(error.contains("damaged: case "), "{error}");
    raw.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM cases").unwrap();
    let error = writer.store().check().unwrap_err().to_string();
    assert!(error.ends_with("damaged: a row of findings names one that is not there"), "{error}");
}
