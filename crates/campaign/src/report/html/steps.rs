//! The steps of two engines beside each other, those around the divergence where there are more than the page holds.

use std::fmt::Write;

use parallax_shadow_diff::{Mismatch, SideBySideRun, SideBySideStep, StepSide};

use crate::report::printable::escaped;

/// The totals of a run and a table of its steps, at most `limit`.
pub(super) fn section(run: &SideBySideRun, limit: usize) -> String {
    let [left, right] = run.engines.each_ref().map(|name| escaped(name));
    let mut html =
        "<h3>Both runs</h3>\n<div class=\"box fit\"><table>\n<thead><tr><th scope=\"col\"></th>".to_owned();
    let _ = writeln!(
        html,
        "<th scope=\"col\" class=\"number\">{left}</th><th scope=\"col\" class=\"number\">{right}</th></tr></thead>\n<tbody>"
    );
    let mut row = |name: &str, [left, right]: [String; 2]| {
        let (class, values) = match left == right || name == "time" {
            true => ("", [left, right]),
            false => (" class=\"differs\"", [left, right].map(|value| format!("<mark>{value}</mark>"))),
        };
        let [left, right] = values;
        let _ = writeln!(
            html,
            "<tr{class}><th scope=\"row\">{name}</th><td class=\"number\">{left}</td><td class=\"number\">{right}</td></tr>"
        );
    };
    row("steps", run.total_steps.map(|steps| steps.to_string()));
    row(
        "ended",
        run.outcomes.each_ref().map(|outcome| {
            outcome
                .as_ref()
                .map_or("without an outcome".to_owned(), |outcome| escaped(&outcome.status.to_string()))
        }),
    );
    row("gas used", run.gas_used.map(|gas| gas.map_or("-".to_owned(), |gas| gas.to_string())));
    row("time", run.times.map(|time| format!("{:.1} ms", time.as_secs_f64() * 1e3)));
    html.push_str("</tbody></table></div>\n");
    table(&mut html, [&left, &right], run, limit);
    html
}

fn table(html: &mut String, [left, right]: [&str; 2], run: &SideBySideRun, limit: usize) {
    let (steps, total) = (&run.steps, run.steps.len());
    if steps.is_empty() || limit == 0 {
        return;
    }
    let at = run.diverged_at.map_or(0, |index| steps.partition_point(|step| step.index < index));
    let from = at.saturating_sub(limit / 4 * 3).min(total.saturating_sub(limit));
    let shown = &steps[from..total.min(from + limit)];
    let open = if total <= 100 { " open" } else { "" };
    let _ = writeln!(html, "<details{open}>\n<summary>Steps side by side: {}</summary>", shown.len());
    if shown.len() < total {
        let _ = writeln!(
            html,
            "<p class=\"warn\">The limit of this page was met: {} of the {total} recorded steps are shown.</p>",
            shown.len()
        );
    }
    if run.steps_dropped > 0 {
        let _ = writeln!(
            html,
            "<p class=\"warn\">The limit of the record was met: {} more steps were compared and not kept.</p>",
            run.steps_dropped
        );
    }
    let heads = "<th scope=\"col\" class=\"number\">depth</th><th scope=\"col\" class=\"number\">pc</th>\
                 <th scope=\"col\">opcode</th><th scope=\"col\" class=\"number\">gas before</th>\
                 <th scope=\"col\" class=\"number\">gas after</th><th scope=\"col\" class=\"number\">stack</th>";
    let _ = writeln!(
        html,
        "<div class=\"box\" tabindex=\"0\" role=\"region\" aria-label=\"Steps side by side\"><table>\n<thead><tr>\
         <th scope=\"col\" rowspan=\"2\">step</th><th scope=\"colgroup\" colspan=\"6\">{left}</th>\
         <th scope=\"colgroup\" colspan=\"6\">{right}</th><th scope=\"col\" rowspan=\"2\">what differs</th></tr>\
         <tr>{heads}{heads}</tr></thead>\n<tbody>"
    );
    for step in shown {
        let SideBySideStep { index, left, right, mismatch, is_carried } = step;
        let class = if mismatch.is_some() { " class=\"differs\"" } else { "" };
        let _ = writeln!(
            html,
            "<tr{class}><th scope=\"row\" class=\"number\">{}</th>{}{}{}</tr>",
            index + 1,
            side(left.as_ref(), right.as_ref()),
            side(right.as_ref(), left.as_ref()),
            mismatch.as_ref().map_or("<td></td>".to_owned(), |mismatch| what(mismatch, *is_carried))
        );
    }
    html.push_str("</tbody></table></div>\n</details>\n");
}

/// The cells of one side; those that differ from the other's are marked.
fn side(side: Option<&StepSide>, other: Option<&StepSide>) -> String {
    let Some(side) = side else { return "<td colspan=\"6\" class=\"quiet\">over</td>".to_owned() };
    let cells = cells(side);
    let others = other.map(self::cells);
    let mut html = String::new();
    for (at, cell) in cells.iter().enumerate() {
        let class = if at == 2 { "" } else { " class=\"number\"" };
        match others.as_ref().is_some_and(|others| others[at] == *cell) {
            true => html.push_str(&format!("<td{class}>{cell}</td>")),
            false => html.push_str(&format!("<td{class}><mark>{cell}</mark></td>")),
        }
    }
    html
}

/// What differs at a step, in one cell: what is only carried on stands back.
fn what(mismatch: &Mismatch, is_carried: bool) -> String {
    let Mismatch { field, left, right } = mismatch;
    let values = [left, right].map(|value| {
        let mut text = value.to_string();
        // A word is shown whole.
        if let Some((end, _)) = text.char_indices().nth(66) {
            text.truncate(end);
            text.push_str("...");
        }
        escaped(&text)
    });
    let [class, carried] = if is_carried { [" class=\"quiet\"", ", carried on"] } else { ["", ""] };
    format!("<td{class}>{field}: {} / {}{carried}</td>", values[0], values[1])
}

fn cells(side: &StepSide) -> [String; 6] {
    [
        (u32::from(side.depth) + 1).to_string(),
        side.pc.to_string(),
        side.rules.show(side.opcode).to_string(),
        side.gas_before.to_string(),
        side.gas_after.to_string(),
        side.stack_size.to_string(),
    ]
}
