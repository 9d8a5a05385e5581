//! Nothing that was compared is no agreement: in text, in JSON, in reports and in the exit status.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use support::{fixture, run};

/// A folder of the test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parallax-nothing-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The chain of two blocks, seven of whose blocks are to be refused, with the blocks that `change` leaves.
    fn chain(&self, name: &str, change: impl FnOnce(&mut Vec<Value>)) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/block-tests/blocks.json");
        let tests: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let mut test = tests["a_chain_of_two/London"].clone();
        change(test["blocks"].as_array_mut().unwrap());
        self.file(name, &json!({ "chain": test }).to_string())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const NOTHING: &str = "parallax: nothing was compared: no case has anything that both sides run and tell\n";

/// Runs a comparison: the verdict in JSON and its reason, the exit status and standard error, and the text.
#[track_caller]
fn check(arguments: &[&str], verdict: &str, reason: &str, status: i32, err: &str) -> String {
    let (code, out, _) = run(&[arguments, &["--json"]].concat());
    let line: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(line["verdict"], verdict, "{out}");
    assert!(line["reason"].as_str().unwrap_or_default().contains(reason), "{out}");
    assert_eq!(code, Some(status), "{out}");
    let (code, out, told) = run(arguments);
    assert_eq!((code, told.as_str()), (Some(status), err), "{out}");
    assert_eq!(out.contains(" agree") && !out.contains("0 agree"), verdict == "agree", "{out}");
    out
}

#[test]
fn a_block_test_in_which_no_block_is_taken_is_no_agreement() {
    let folder = Folder::new("blocks");
    let none = folder.chain("none.json", Vec::clear);
    let out = check(&["diff", &none], "not_compared", "there is no block", 2, NOTHING);
    assert!(
        out.starts_with("NOT_COMPARED ") && out.contains("primary and mini: 0 agree, 1 not_compared"),
        "{out}"
    );

    // Bytes that are no block, and a block whose parent is not there: no side is asked about either.
    let of = |blocks: &mut Vec<Value>, expected: &str| {
        blocks.retain(|block| block["expectException"] == expected);
        assert_eq!(blocks.len(), 1);
    };
    let unread = folder.chain("unread.json", |blocks| {
        of(blocks, "BlockException.UNKNOWN_PARENT");
        blocks.push(json!({ "rlp": "0xc0", "expectException": "BlockException.RLP_STRUCTURES_ENCODING" }));
    });
    let reason = "there is no block that a side was asked about: 2 cannot be decoded, or have no parent";
    check(&["diff", &unread], "not_compared", reason, 2, NOTHING);

    // A header that both refuse; and a transaction, behind a block that both take.
    let refused = folder.chain("refused.json", |blocks| of(blocks, "BlockException.INVALID_BLOCK_NUMBER"));
    let out = check(&["diff", &refused], "rejected", "number", 0, "");
    assert!(out.contains("primary and mini: 0 agree, 1 rejected; 1 blocks"), "{out}");
    let behind = folder.chain("behind.json", |blocks| {
        let taken = blocks.iter().find(|block| block["expectException"].is_null()).unwrap().clone();
        of(blocks, "TransactionException.NONCE_MISMATCH_TOO_LOW");
        blocks.insert(0, taken);
    });
    check(&["diff", &behind], "agree", "", 0, "");

    // What ran before a block was refused was compared.
    let ran = folder.chain("ran.json", |blocks| of(blocks, "BlockException.INVALID_STATE_ROOT"));
    check(&["diff", &ran], "agree", "", 0, "");
}

#[test]
fn a_side_without_the_rules_is_no_agreement() {
    let arguments = ["diff", &fixture("stack.json"), "--fork", "Constantinople", "--right", "revm"];
    let out = check(&arguments, "unsupported", "Constantinople", 2, NOTHING);
    assert!(out.contains("primary and revm: 0 agree, "), "{out}");
    let of_code = ["diff", "--code", "6001", "--fork", "Constantinople", "--right", "revm"];
    check(&of_code, "unsupported", "Constantinople", 2, NOTHING);
    let sides =
        ["diff", &fixture("stack.json"), "--fork", "Constantinople", "--side", "mini", "--side", "revm"];
    check(&sides, "unsupported", "Constantinople", 2, NOTHING);
}

#[test]
fn no_case_is_no_agreement() {
    let folder = Folder::new("cases");
    let test: Value = serde_json::from_str(&fs::read_to_string(fixture("stack.json")).unwrap()).unwrap();
    let (name, mut test) =
        test.as_object().unwrap().iter().next().map(|(a, b)| (a.clone(), b.clone())).unwrap();
    test["post"] = json!({});
    let no_post = folder.file("post.json", &json!({ name: test }).to_string());
    let empty = folder.file("empty.json", "{}");
    for (file, told) in [(&no_post, ".post: "), (&empty, "empty.json")] {
        let (status, out, err) = run(&["diff", file]);
        assert!(status == Some(2) && out.starts_with("primary and mini: 0 agree, 1 unreadable"), "{out}");
        assert!(err.contains(told), "{err}");
    }
    let stack = fixture("stack.json");
    for arguments in [
        &["diff", &stack, "--only-fork", "BPO5"][..],
        &["diff", &stack, "--filter", "no such test"],
        &["diff", &stack, "--index", "9,9,9"],
    ] {
        let (status, out, err) = run(arguments);
        assert_eq!(status, Some(2), "{arguments:?} {out}");
        assert!(out.starts_with("primary and mini: 0 agree\n"), "{arguments:?} {out}");
        assert!(err.contains("no case selected"), "{arguments:?} {err}");
        let page = folder.0.join("page.html");
        let report = format!("html={}", page.to_str().unwrap());
        run(&[arguments, &["--report", &report]].concat());
        let page = fs::read_to_string(page).unwrap();
        assert!(page.contains("<h1>primary and mini: not all is known to agree</h1>"), "{arguments:?}");
    }
}

#[test]
fn traces_that_say_nothing_of_what_is_asked_for_are_no_agreement() {
    let folder = Folder::new("traces");
    let file = fixture("state_gas.json");
    let case = [&*file, "--filter", "both_gases_pay_for", "--only-fork", "Amsterdam"];
    let trace = folder.0.join("trace.jsonl");
    let trace = trace.to_str().unwrap();
    let traced =
        [&["statetest"], &case[..], &["--trace", "eip3155", "--dialect", "geth", "--trace-out", trace]];
    assert_eq!(run(&traced.concat()).0, Some(0));

    // Geth's lines have no memory here, and no line says the error of a validation.
    for only in ["memory", "validationError", "memory,validationError"] {
        let arguments = ["compare", trace, trace, "--only", only];
        let (status, out, _) = run(&arguments);
        assert_eq!(status, Some(2), "{out}");
        assert!(out.starts_with("nothing was compared on "), "{out}");
        let (status, out, _) = run(&[&arguments[..], &["--json"]].concat());
        assert!(status == Some(2) && out.contains(r#""verdict":"nothing compared""#), "{out}");
    }
    // One of two is enough.
    let (status, out, _) = run(&["compare", trace, trace, "--only", "memory,gas"]);
    assert!(status == Some(0) && out.contains(" steps agree (geth and geth)"), "{out}");
    let all = "depth,pc,op,opName,gas,gasCost,stack,memSize,refund,output,gasUsed,error,stateRoot,pass,fork,test,d,g,v,time";
    let (status, out, _) = run(&["compare", trace, trace, "--ignore", all]);
    assert!(status == Some(2) && out.starts_with("nothing was compared on "), "{out}");

    let beside = [&["diff"], &case[..], &["--right-trace", trace, "--right-client", "geth"]].concat();
    check(&beside, "agree", "", 0, "");
    let reason = "the trace says nothing of what is to be compared";
    check(&[&beside[..], &["--only", "memory"]].concat(), "not_compared", reason, 2, NOTHING);
}
