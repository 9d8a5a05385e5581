//! The page of dialects is made of the table: `UPDATE_PAGES=1 cargo test -p parallax-tracer-eip3155 --test page` writes it again.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{env, fmt::Write, fs, path::Path};

use parallax_tracer_eip3155::{Client, CostKind, Field, FrameExits, GasUsedKind, Key, PassKind, RefundKind};

const HEAD: &str = "\
# What each client writes

This page is made from the table that Parallax writes, reads, recognises and compares traces by (`crates/tracer-eip3155/src/table.rs`).

A key that is *always* written and is missing on a line is a difference. One that is written *on demand* is on every step of a trace or on
none; what a trace does not have is unknown, differs from nothing, and is named. *If not empty*, an absent key means that it is empty;
*on failure*, that nothing failed. Two traces of one client are compared key by key; of two clients, what both say in the same terms.

";

fn table(page: &mut String, keys_of: impl Fn(Client) -> Vec<&'static Key>) {
    let named: Vec<_> = Field::ALL
        .into_iter()
        .filter(|field| {
            Client::ALL.iter().any(|client| keys_of(*client).iter().any(|key| key.field == *field))
        })
        .collect();
    row(page, "key", |client| client.name().to_owned());
    row(page, "---", |_| "---".to_owned());
    for field in named {
        row(page, &format!("`{field}`"), |client| {
            let keys = keys_of(client);
            keys.iter()
                .find(|key| key.field == field)
                .map_or("-".to_owned(), |key| format!("{}, {}", key.form.words(), key.presence.words()))
        });
    }
}

fn row(page: &mut String, first: &str, cell: impl Fn(Client) -> String) {
    let cells: Vec<_> = Client::ALL.into_iter().map(cell).collect();
    writeln!(page, "| {first} | {} |", cells.join(" | ")).unwrap();
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    page += "## Steps\n\n";
    table(&mut page, |client| client.facts().steps.iter().collect());
    page += "\n## Behind the steps\n\n";
    table(&mut page, |client| client.facts().closing.iter().copied().flatten().collect());
    page += "\n## In which terms\n\n";
    row(&mut page, "what", |client| client.name().to_owned());
    row(&mut page, "---", |_| "---".to_owned());
    row(&mut page, "order of a step's keys", |client| {
        client.facts().steps.iter().map(|key| key.field.name()).collect::<Vec<_>>().join(" ")
    });
    row(&mut page, "lines at the end of frames", |client| {
        match client.facts().exits {
            FrameExits::None => "none",
            FrameExits::Outermost => "of the transaction's own",
            FrameExits::Every => "of every one",
        }
        .to_owned()
    });
    row(&mut page, "closing lines", |client| {
        match client.facts().may_lack_closing {
            true => "on demand",
            false => "always",
        }
        .to_owned()
    });
    row(&mut page, "STOP at the end of code", |client| {
        match client.facts().implied_stop {
            true => "a line",
            false => "none",
        }
        .to_owned()
    });
    row(&mut page, "lines of an opcode that fails inside", |client| {
        match client.facts().second_lines {
            true => "2",
            false => "1",
        }
        .to_owned()
    });
    row(&mut page, "`refund`", |client| {
        match client.facts().refund {
            RefundKind::Before => "transaction's, before the opcode",
            RefundKind::After => "transaction's, behind the opcode",
            RefundKind::Frame => "frame's, before the opcode",
        }
        .to_owned()
    });
    row(&mut page, "`gasCost`", |client| {
        match client.facts().cost {
            CostKind::Whole => "whole; a call's with, a creation's without what it forwards",
            CostKind::WithCreation => "whole, and what is forwarded",
            CostKind::Static => "the static part",
        }
        .to_owned()
    });
    row(&mut page, "`gasUsed`", |client| {
        match client.facts().gas_used {
            GasUsedKind::Transaction => "transaction's, refunds taken off",
            GasUsedKind::Frame => "frame's",
            GasUsedKind::Unknown => "transaction's, the floor of EIP-7623 in it or not",
        }
        .to_owned()
    });
    row(&mut page, "`pass`", |client| {
        match (client.facts().closing_key(Field::Pass), client.facts().pass) {
            (None, _) => "-",
            (_, PassKind::Transaction) => "whether the transaction succeeded",
            (_, PassKind::Test) => "whether the test passed",
        }
        .to_owned()
    });
    page
}

#[test]
fn the_page_of_dialects_is_made_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/dialects.md");
    if env::var_os("UPDATE_PAGES").is_some() {
        fs::write(&path, page()).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == page(),
        "docs/dialects.md is not what the table says: UPDATE_PAGES=1 cargo test -p parallax-tracer-eip3155 --test page"
    );
}
