//! Campaigns and findings as people and programs read them.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write},
};

use anyhow::{Result, bail};
use parallax_campaign::printable;
use parallax_store::{Campaign, CaseKey, Finding, Kind, Sort, Store};
use serde_json::{Value, json};

use crate::{colour, report::Status};

/// Lists all that there is.
pub(super) fn list(store: &Store, json: bool) -> Result<Status> {
    let (campaigns, findings) = (store.campaigns()?, store.findings()?);
    let mut out = io::stdout().lock();
    if json {
        for campaign in &campaigns {
            let outcomes = store.outcomes(campaign.id)?;
            let outcomes: serde_json::Map<_, _> =
                outcomes.into_iter().map(|(outcome, count)| (outcome, count.into())).collect();
            let line = typed("campaign", serde_json::to_value(campaign)?, &[("verdicts", outcomes.into())]);
            writeln!(out, "{line}")?;
        }
        for finding in &findings {
            writeln!(out, "{}", typed("finding", serde_json::to_value(finding)?, &[]))?;
        }
        return Ok(Status::Well);
    }
    for campaign in &campaigns {
        writeln!(out, "{}", told(store, campaign)?)?;
    }
    if campaigns.is_empty() {
        writeln!(out, "no campaign")?;
    }
    writeln!(out, "{}", table(&findings))?;
    Ok(Status::Well)
}

fn typed(kind: &str, value: Value, more: &[(&str, Value)]) -> Value {
    let mut line = json!({ "type": kind });
    if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), value) {
        line.extend(fields);
        line.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    }
    line
}

/// A campaign in some lines.
fn told(store: &Store, campaign: &Campaign) -> Result<String> {
    let Campaign { id, kind, sides, mode, first, next, steps, started, ended, .. } = campaign;
    let ended = ended.as_ref().map_or("not ended".to_owned(), |ended| format!("ended: {ended}"));
    let cases = match kind {
        Kind::Fuzz => format!("cases {first} to {next}, {steps} steps"),
        _ => format!("{next} verdicts"),
    };
    let mut text = format!(
        "campaign {id}: {}, {}, mode {mode}, {cases}; begun {}, {ended}\n  {}",
        kind.name(),
        sides.join(" and "),
        utc(*started),
        printable(&campaign.command),
    );
    let outcomes = store.outcomes(*id)?;
    if !outcomes.is_empty() {
        let counts: Vec<_> = outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        let _ = write!(text, "\n  {}", counts.join(", "));
    }
    for (count, what) in [
        (campaign.dropped, "verdicts were dropped by store gc"),
        (campaign.ungrouped, "findings are of groups beyond the most that are kept"),
    ] {
        if count > 0 {
            let _ = write!(text, "\n  {count} {what}");
        }
    }
    Ok(text)
}

/// Findings of all campaigns in groups: the number is that of the first in each.
fn table(findings: &[Finding]) -> String {
    let mut groups: BTreeMap<&Sort, (u64, u64, u64)> = BTreeMap::new();
    for finding in findings {
        let (id, count, campaigns) = groups.entry(&finding.sort).or_insert((finding.id, 0, 0));
        *id = (*id).min(finding.id);
        *count += finding.count;
        *campaigns += 1;
    }
    if groups.is_empty() {
        return "findings: none".to_owned();
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, (id, ..))| *id);
    let head = ["finding", "count", "campaigns", "sides", "verdict", "rules", "place", "field", "cause"];
    let mut rows = vec![head.map(str::to_owned)];
    for (Sort { sides, outcome, rules, place, field, cause }, (id, count, campaigns)) in groups {
        let words = [&sides.join(" "), outcome, rules, place, field, cause];
        let [sides, outcome, rules, place, field, cause] = words.map(|word| printable(word).into_owned());
        let numbers = [id, count, campaigns].map(|number: u64| number.to_string());
        let [id, count, campaigns] = numbers;
        rows.push([id, count, campaigns, sides, outcome, rules, place, field, cause]);
    }
    let widths: Vec<usize> =
        (0..head.len()).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0)).collect();
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Shows one finding, or its case alone.
pub(super) fn show(store: &Store, finding: &Finding, case: bool) -> Result<Status> {
    let text = store.case(finding)?;
    let mut out = io::stdout().lock();
    if case {
        let Some(text) = text else { bail!("finding {} has no case: {}", finding.id, why(finding)) };
        out.write_all(text.as_bytes())?;
        return Ok(Status::Well);
    }
    let Finding { id, campaign, sort, count, title, mode, command, report, .. } = finding;
    let Sort { sides, outcome, rules, place, field, cause } = sort;
    writeln!(
        out,
        "finding {id} of campaign {campaign}: {count} of this sort, the first is {}",
        printable(title)
    )?;
    for (name, value) in [
        ("sides", sides.join(" and ")),
        ("mode", mode.clone()),
        ("verdict", outcome.clone()),
        ("rules", rules.clone()),
        ("place", place.clone()),
        ("field", field.clone()),
        ("cause", cause.clone()),
        ("case", text.map_or_else(|| why(finding), |text| key(finding, text.len()))),
        ("again", command.clone()),
    ] {
        if !value.is_empty() {
            writeln!(out, "  {name:8}  {}", printable(&value))?;
        }
    }
    if !report.is_empty() {
        writeln!(out, "{}", colour::painted(report.clone()))?;
    }
    Ok(Status::Well)
}

fn why(finding: &Finding) -> String {
    match &finding.case {
        CaseKey::Without(why) => format!("none: {why}"),
        CaseKey::Sha256(digest) => digest.clone(),
    }
}

fn key(finding: &Finding, size: usize) -> String {
    format!("{}, {size} bytes", why(finding))
}

/// A time in the form of RFC 3339.
fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years of the proleptic Gregorian calendar begin in March here, so that the day that not all have is the last one.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + carry;
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{of_month:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_that_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_796_076_000, "2026-11-30T22:00:00Z"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }
}
