//! One self-contained page: opens from disk, asks for nothing, runs nothing but its own script.
//!
//! Invariants: what comes from outside is text and never markup, as it passes `printable::escaped`; the page's size is bounded by
//! [`PageLimits`], and a limit that was met is said.

mod divergence;
mod steps;

use std::{fmt::Write, time::Duration};

use data_encoding::BASE64;
use parallax_shadow_diff::{SideBySideRun, Verdict};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    answer::{Answer, DiffSetup},
    printable::{escaped, printable},
};
use crate::{Delivered, DiffOutcome, DiffSummary};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// How much a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimits {
    /// Divergences that are explained.
    pub divergences: usize,
    /// Cases that are neither agreement nor divergence nor rejected.
    pub others: usize,
    /// Agreeing cases that are listed, and as many rejected ones.
    pub agreeing: usize,
    /// Steps side by side, of one run; those around the divergence.
    pub steps: usize,
}

impl Default for PageLimits {
    fn default() -> Self {
        Self { divergences: 200, others: 500, agreeing: 5_000, steps: 2_000 }
    }
}

/// A page that is being gathered.
#[derive(Clone, Debug)]
pub struct HtmlReport {
    setup: DiffSetup,
    limits: PageLimits,
    /// Rows of the table of divergences.
    index: Items,
    /// The explained divergences.
    articles: String,
    /// What could not be said or run.
    others: Items,
    agreeing: Items,
    /// What both sides refuse.
    rejected: Items,
    /// That of the last agreeing case.
    file: String,
}

/// What stands for the number of a divergence until it has its place on the page. No escaped text holds it.
const NUMBER: char = '\u{1}';

/// One case on the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Piece {
    /// Its file, and its name in it.
    Agree { file: String, name: String },
    /// A row of a list.
    Rejected(String),
    /// A row of the table of divergences, and all of it, with [`NUMBER`] for its number.
    Diverge { row: String, article: String },
    /// A row of the table of what is neither.
    Other(String),
}

impl Piece {
    pub(super) fn of(answer: &Answer<'_>, command: &str) -> Self {
        match answer {
            Answer::Outcome(subject, outcome) => {
                let (title, file) = (subject.title(), subject.origin().file);
                let name = title.strip_prefix(&*printable(file)).unwrap_or(&title).trim_start();
                Self::of_verdict(
                    [file, name],
                    &title,
                    &subject.again(command),
                    &outcome.verdict,
                    outcome.aside(),
                    None,
                )
            }
            Answer::Unreadable(error) => Self::other("unreadable", "", &error.to_string(), None),
        }
    }

    /// `title` says of what the verdict is, and so do file and name; `steps` is a table of a divergence's steps.
    fn of_verdict(
        [file, name]: [&str; 2],
        title: &str,
        again: &str,
        verdict: &Verdict,
        aside: Option<String>,
        steps: Option<String>,
    ) -> Self {
        let reason = verdict.reason().unwrap_or_default();
        match verdict {
            Verdict::Agree => Piece::Agree { file: file.to_owned(), name: name.to_owned() },
            Verdict::Rejected(_) => Piece::Rejected(format!(
                "<li><span class=\"mono\">{}</span>: {}</li>\n",
                escaped(title),
                escaped(reason)
            )),
            Verdict::Diverge(divergence) => Piece::Diverge {
                row: divergence::index_row(NUMBER, title, divergence),
                article: divergence::article(NUMBER, [title, again], divergence, aside, steps),
            },
            other => Self::other(other.name(), title, reason, other.is_failure().then_some(again)),
        }
    }

    fn other(what: &str, title: &str, reason: &str, again: Option<&str>) -> Self {
        let again = again.map_or(String::new(), |again| format!("<pre>{}</pre>", escaped(again)));
        Piece::Other(format!(
            "<tr><th scope=\"row\" class=\"warn\">{what}</th><td>{}<br>{}{again}</td></tr>\n",
            escaped(title),
            escaped(reason)
        ))
    }
}

/// Pieces of one list, and how many the limit left out.
#[derive(Clone, Debug, Default)]
struct Items {
    html: String,
    count: usize,
    dropped: usize,
}

impl Items {
    /// Its number, from 1, if there is room for it.
    fn push(&mut self, limit: usize, html: impl FnOnce(usize) -> String) -> Option<usize> {
        if self.count >= limit {
            self.dropped += 1;
            return None;
        }
        self.count += 1;
        self.html.push_str(&html(self.count));
        Some(self.count)
    }

    /// What the limit left out, in words.
    fn rest(&self, what: &str) -> String {
        match self.dropped {
            0 => String::new(),
            dropped => format!(
                "<p class=\"warn\">The limit of this page was met: {dropped} more {what} are not listed.</p>\n"
            ),
        }
    }
}

impl HtmlReport {
    /// A page without cases.
    pub fn new(setup: DiffSetup) -> Self {
        let limits = PageLimits::default();
        let [index, others, agreeing, rejected] = Default::default();
        let (articles, file) = Default::default();
        Self { setup, limits, index, articles, others, agreeing, rejected, file }
    }

    /// With other limits.
    #[must_use]
    pub fn limited_to(self, limits: PageLimits) -> Self {
        Self { limits, ..self }
    }

    /// Adds one case of a campaign.
    pub fn case(&mut self, delivered: &Delivered<DiffOutcome>) {
        self.add(&Answer::of(delivered));
    }

    pub(super) fn add(&mut self, answer: &Answer<'_>) {
        self.put(&Piece::of(answer, &self.setup.command));
    }

    /// Adds a piece in its place.
    pub(super) fn put(&mut self, piece: &Piece) {
        match piece {
            Piece::Agree { file, name } => {
                self.agree(file, name);
            }
            Piece::Rejected(row) => {
                self.rejected.push(self.limits.agreeing, |_| row.clone());
            }
            Piece::Diverge { row, article } => {
                let number = |text: &str, number: usize| text.replace(NUMBER, &number.to_string());
                if let Some(count) = self.index.push(self.limits.divergences, |count| number(row, count)) {
                    self.articles.push_str(&number(article, count));
                }
            }
            Piece::Other(row) => {
                self.others.push(self.limits.others, |_| row.clone());
            }
        }
    }

    /// Adds a run with its steps side by side; `title` says of what, `again` how to run it again.
    pub fn run(&mut self, title: &str, again: &str, run: &SideBySideRun) {
        let steps = steps::section(run, self.limits.steps);
        let is_divergence = matches!(run.verdict, Verdict::Diverge(_));
        let in_article = is_divergence.then(|| steps.clone());
        self.put(&Piece::of_verdict(["", title], title, again, &run.verdict, None, in_article));
        if !is_divergence {
            let _ = write!(self.articles, "<article>\n<h2>{}</h2>\n{steps}</article>\n", escaped(title));
        }
    }

    /// Lists a case below its file.
    fn agree(&mut self, file: &str, name: &str) -> Option<usize> {
        let is_new = self.agreeing.count == 0 || self.file != file;
        let end = if self.agreeing.count > 0 && is_new { "</ul>\n" } else { "" };
        let listed = self.agreeing.push(self.limits.agreeing, |_| {
            let begin = match is_new {
                true if file.is_empty() => format!("{end}<ul class=\"cases\">\n"),
                true => format!("{end}<h3 class=\"mono\">{}</h3>\n<ul class=\"cases\">\n", escaped(file)),
                false => String::new(),
            };
            format!("{begin}<li class=\"mono\">{}</li>\n", escaped(name))
        });
        if is_new && listed.is_some() {
            self.file = file.to_owned();
        }
        listed
    }

    /// The page, with the sum and the time it took, if that is of interest.
    pub fn render(&self, summary: &DiffSummary, time: Option<Duration>) -> String {
        let [left, right] = self.setup.engines.each_ref().map(|name| escaped(name));
        let heading = match (summary.diverged, summary.is_success()) {
            (0, true) if summary.agreed > 0 && summary.is_fast_compared() => {
                format!("{left} and {right} agree")
            }
            (0, _) => format!("{left} and {right}: not all is known to agree"),
            (1, _) => format!("{left} and {right} diverge on one case"),
            (count, _) => format!("{left} and {right} diverge on {count} cases"),
        };
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
            source(STYLE),
            source(SCRIPT)
        );
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>{heading} - Parallax</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <header>\n<h1>{heading}</h1>\n</header>\n<main>\n"
        );
        page.push_str(&self.summary(summary, time));
        if self.index.count + self.index.dropped > 1 {
            let _ = writeln!(
                page,
                "<section aria-labelledby=\"divergences\">\n<h2 id=\"divergences\">Divergences</h2>\n\
                 <div class=\"box\" tabindex=\"0\" role=\"region\" aria-labelledby=\"divergences\"><table class=\"index\">\n<thead><tr>\
                 <th scope=\"col\">case</th><th scope=\"col\">field</th><th scope=\"col\">cause</th>\
                 <th scope=\"col\">where</th></tr></thead>\n<tbody>\n{}</tbody></table></div>\n{}</section>",
                self.index.html,
                self.index.rest("divergences")
            );
        }
        page.push_str(&self.articles);
        if self.others.count > 0 {
            let _ = writeln!(
                page,
                "<section>\n<h2>Neither agreement nor divergence</h2>\n<div class=\"box\"><table><tbody>\n{}</tbody>\
                 </table></div>\n{}</section>",
                self.others.html,
                self.others.rest("cases")
            );
        }
        if self.rejected.count > 0 {
            let _ = writeln!(
                page,
                "<section>\n<h2>Rejected by both</h2>\n<ul class=\"cases\">\n{}</ul>\n{}</section>",
                self.rejected.html,
                self.rejected.rest("rejected cases")
            );
        }
        if self.agreeing.count > 0 {
            let _ = writeln!(
                page,
                "<section>\n<h2>Agreeing cases</h2>\n<p hidden><label>Filter <input id=\"filter\" type=\"search\" \
                 autocomplete=\"off\" spellcheck=\"false\"></label> <span id=\"filtered\" class=\"quiet\" role=\"status\">\
                 </span></p>\n<div id=\"agreeing\">\n{}</ul>\n</div>\n{}</section>",
                self.agreeing.html,
                self.agreeing.rest("agreeing cases")
            );
        }
        let _ = writeln!(page, "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>");
        page
    }

    /// The table of totals, and what was asked for.
    fn summary(&self, summary: &DiffSummary, time: Option<Duration>) -> String {
        let totals = summary.counts().into_iter().chain([("unreadable", summary.unreadable)]);
        let mut html = "<section aria-label=\"Summary\">\n<table class=\"narrow\"><tbody>\n".to_owned();
        let is_one_run = summary.cases() == 1;
        for (name, count) in totals {
            // What hardly ever comes is no row of its own where it did not.
            let is_always_told = !is_one_run && ["agree", "rejected", "diverge", "poisoned"].contains(&name);
            let class = match name {
                _ if count == 0 && !is_always_told => continue,
                _ if count == 0 => "quiet",
                "agree" | "rejected" => "good",
                "diverge" | "crashed" | "timed_out" => "bad",
                _ => "warn",
            };
            let _ = writeln!(
                html,
                "<tr><th scope=\"row\">{name}</th><td class=\"number {class}\">{count}</td></tr>"
            );
        }
        let mut row = |name: &str, value: &str| {
            let _ = writeln!(
                html,
                "<tr><th scope=\"row\">{name}</th><td class=\"number\">{}</td></tr>",
                escaped(value)
            );
        };
        row("left", &self.setup.engines[0]);
        row("right", &self.setup.engines[1]);
        row("compared", self.setup.mode.name());
        if let Some(fast) = &summary.fast_text() {
            row("fast form", fast.trim_start_matches("fast form: "));
        }
        if let Some(time) = time {
            row("time", &format!("{:.1} s", time.as_secs_f64()));
        }
        html.push_str("</tbody></table>\n");
        if !summary.complete {
            html.push_str("<p class=\"warn\">Stopped before the end: this is what was done so far.</p>\n");
        }
        if !self.setup.command.is_empty() {
            let _ = writeln!(html, "<pre>{}</pre>", escaped(&self.setup.command));
        }
        match self.setup.tolerances.as_slice() {
            [] => html.push_str("<p class=\"quiet\">Nothing is tolerated.</p>\n"),
            tolerances => {
                let _ =
                    write!(html, "<details>\n<summary>Not compared: {}</summary>\n<ul>\n", tolerances.len());
                for tolerance in tolerances {
                    let _ = writeln!(html, "<li>{}</li>", escaped(tolerance));
                }
                html.push_str("</ul>\n</details>\n");
            }
        }
        html.push_str("</section>\n");
        html
    }
}

/// The page of one run with its steps side by side: `title` says of what, `again` how to run it again.
pub fn html_of_run(
    setup: DiffSetup,
    title: &str,
    again: &str,
    run: &SideBySideRun,
    limits: PageLimits,
) -> String {
    // The run has its own command.
    let setup = DiffSetup { command: String::new(), ..setup };
    let mut page = HtmlReport::new(setup).limited_to(limits);
    page.run(title, again, run);
    let count = |is: bool| u64::from(is);
    let summary = DiffSummary {
        agreed: count(run.verdict == Verdict::Agree),
        diverged: count(matches!(run.verdict, Verdict::Diverge(_))),
        poisoned: count(matches!(run.verdict, Verdict::Poisoned(_))),
        complete: true,
        ..DiffSummary::default()
    };
    page.render(&summary, None)
}

/// What a content security policy calls exactly this text.
fn source(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(&Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_the_digest_in_base_64() {
        assert_eq!(source(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn nothing_ends_style_or_script_early() {
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</"));
    }
}
