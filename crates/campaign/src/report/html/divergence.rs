//! One divergence on the page: everything of the terminal's report, with both sides beside each other.

use std::fmt::Write;

use parallax_primitives::hex;
use parallax_shadow_diff::{Detail, Divergence, Earlier, Place, Row, Value};

use crate::report::printable::escaped;

/// Most bytes of one value.
const BYTES: usize = 512;

/// Characters of a label beside the values.
const LABEL: usize = 32;

/// Bytes between which a line may be broken.
const GROUP: usize = 4;

/// Its row in the table of divergences; `number` stands for its number.
pub(super) fn index_row(number: char, title: &str, divergence: &Divergence) -> String {
    format!(
        "<tr><td><a href=\"#divergence-{number}\">{}</a></td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escaped(title),
        escaped(divergence.field.name()),
        divergence.cause,
        escaped(&divergence.place.to_string())
    )
}

/// All of it. `aside` is where in a trace the right side differs, or the rules that part; `steps` the table of both sides' steps.
pub(super) fn article(
    number: char,
    [title, again]: [&str; 2],
    divergence: &Divergence,
    aside: Option<String>,
    steps: Option<String>,
) -> String {
    let [left, right] = divergence.engines.each_ref().map(|name| escaped(name));
    let mut html = format!(
        "<article id=\"divergence-{number}\" aria-labelledby=\"title-{number}\">\n<h2 id=\"title-{number}\">{}</h2>\n\
         <p><strong class=\"bad\">{left} and {right} diverge {}</strong>. Cause: {}.</p>\n\
         <pre aria-label=\"The command that runs it again\">{}</pre>\n",
        escaped(title),
        escaped(&divergence.place.to_string()),
        escaped(&divergence.cause_and_eips()),
        escaped(again)
    );
    if let Some(aside) = aside {
        let _ = writeln!(html, "<p>{}.</p>", escaped(&aside));
    }
    if let Place::Block { suspect: Some(suspect), .. } = &divergence.place {
        let _ = writeln!(html, "<p>No opcode run one by one differs. Suspect: <code>{suspect}</code>.</p>");
    }
    if !divergence.place.path().is_empty() {
        html.push_str("<h3>Messages</h3>\n<ul class=\"path mono\">\n");
        for row in divergence.place.path_rows() {
            let _ = writeln!(html, "<li>{row}</li>");
        }
        html.push_str("</ul>\n");
    }
    let field = Row {
        label: divergence.field.to_string(),
        values: [Some(divergence.left.clone()), Some(divergence.right.clone())],
    };
    html.push_str("<h3>What differs</h3>\n");
    sides(&mut html, &divergence.engines, &[field]);
    let inputs = divergence.inputs();
    if !inputs.is_empty() {
        html.push_str(
            "<h3>What the opcode took from the stack</h3>\n<div class=\"box fit\"><table><tbody>\n",
        );
        for (name, value) in inputs {
            let _ = writeln!(html, "<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>");
        }
        html.push_str("</tbody></table></div>\n");
    }
    if let Some(detail) = &divergence.detail {
        gas(&mut html, &divergence.engines, detail);
    }
    earlier(&mut html, &divergence.recent);
    if let Some(detail) = &divergence.detail {
        let [left, right] = &detail.sides;
        let of = |what: &str, left: usize, right: usize| match left == right {
            true => format!("{what}: {left}"),
            false => format!("{what}: {left} and {right}"),
        };
        window(&mut html, &divergence.engines, "State gas", &detail.state_gas_rows());
        let sizes = of("Stack, the top first, items", left.stack_size, right.stack_size);
        window(&mut html, &divergence.engines, &sizes, &detail.stack_rows());
        let sizes = of("Memory, bytes", left.memory_size, right.memory_size);
        window(&mut html, &divergence.engines, &sizes, &detail.memory_rows());
        window(&mut html, &divergence.engines, "Slots touched last", &detail.slot_rows());
    }
    html.push_str(&steps.unwrap_or_default());
    html.push_str("</article>\n");
    html
}

/// A part of the state, open if something differs in it.
fn window(html: &mut String, engines: &[String; 2], title: &str, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    let open = if rows.iter().any(Row::differs) { " open" } else { "" };
    let _ = writeln!(html, "<details{open}>\n<summary>{title}</summary>");
    sides(html, engines, rows);
    html.push_str("</details>\n");
}

/// Rows of both sides.
fn sides(html: &mut String, engines: &[String; 2], rows: &[Row]) {
    let [left, right] = engines.each_ref().map(|name| escaped(name));
    let _ = writeln!(
        html,
        "<div class=\"box\"><table class=\"sides\">\n<thead><tr><th scope=\"col\"></th><th scope=\"col\">{left}</th>\
         <th scope=\"col\">{right}</th></tr></thead>\n<tbody>"
    );
    for row in rows {
        let class = if row.differs() { " class=\"differs\"" } else { "" };
        let [left, right] = pair(&row.pair());
        let label = escaped(&row.label);
        // A long one has a line of its own.
        let head = match row.label.len() > LABEL {
            true => {
                format!("<tr{class}><th colspan=\"3\" scope=\"rowgroup\">{label}</th></tr>\n<tr><td></td>")
            }
            false => format!("<tr{class}><th scope=\"row\">{label}</th>"),
        };
        let _ = writeln!(html, "{head}<td>{left}</td><td>{right}</td></tr>");
    }
    html.push_str("</tbody></table></div>\n");
}

/// Both values, what differs marked.
fn pair([left, right]: &[Value; 2]) -> [String; 2] {
    if left == right {
        return [left, right].map(|value| match value.to_be_bytes() {
            Some(bytes) => marked(&bytes, &bytes),
            None => escaped(&value.to_string()),
        });
    }
    match (left.to_be_bytes(), right.to_be_bytes()) {
        (Some(left), Some(right)) => [marked(&left, &right), marked(&right, &left)],
        (left_bytes, right_bytes) => {
            [(left, left_bytes), (right, right_bytes)].map(|(value, bytes)| match bytes {
                Some(bytes) => marked(&bytes, &[]),
                None => format!("<mark>{}</mark>", escaped(&value.to_string())),
            })
        }
    }
}

/// Bytes in hex, those that are not the other side's marked; of long ones a part around the first difference.
fn marked(bytes: &[u8], other: &[u8]) -> String {
    let first = bytes.iter().zip(other).position(|(byte, other)| byte != other);
    let first = first.unwrap_or(bytes.len().min(other.len()));
    let from = match bytes.len().max(other.len()) <= BYTES {
        true => 0,
        false => first.saturating_sub(BYTES / 4) / 32 * 32,
    };
    let shown = &bytes[from.min(bytes.len())..bytes.len().min(from + BYTES)];
    let mut html = String::new();
    if shown.len() < bytes.len() {
        let _ = write!(
            html,
            "<span class=\"quiet\">bytes {from} to {} of {}:</span> ",
            from + shown.len(),
            bytes.len()
        );
    }
    html.push_str("0x");
    let mut is_marked = false;
    for (at, byte) in (from..).zip(shown) {
        let differs = other.get(at) != Some(byte);
        // A place to break is where no mark is torn.
        if is_marked != differs {
            html.push_str(if differs { "<mark>" } else { "</mark>" });
            is_marked = differs;
        }
        html.push_str(&hex::encode([*byte]));
        if (at + 1) % GROUP == 0 {
            html.push_str("<wbr>");
        }
    }
    html.push_str(if is_marked { "</mark>" } else { "" });
    html
}

/// The cost of both sides by its causes.
fn gas(html: &mut String, engines: &[String; 2], detail: &Detail) {
    let [Some(left), Some(right)] = detail.sides.each_ref().map(|side| side.gas) else { return };
    let [left_name, right_name] = engines.each_ref().map(|name| escaped(name));
    let _ = writeln!(
        html,
        "<h3>Gas of the opcode, by what it is for</h3>\n<div class=\"box fit\"><table>\n<thead><tr><th scope=\"col\"></th>\
         <th scope=\"col\" class=\"number\">{left_name}</th><th scope=\"col\" class=\"number\">{right_name}</th></tr>\
         </thead>\n<tbody>"
    );
    for ((name, left), (_, right)) in left.parts().into_iter().zip(right.parts()) {
        let (class, [left, right]) = match left == right {
            true => ("", [left, right].map(|gas| gas.to_string())),
            false => (" class=\"differs\"", [left, right].map(|gas| format!("<mark>{gas}</mark>"))),
        };
        let _ = writeln!(
            html,
            "<tr{class}><th scope=\"row\">{name}</th><td class=\"number\">{left}</td><td class=\"number\">{right}</td></tr>"
        );
    }
    html.push_str("</tbody></table></div>\n");
}

/// What was before.
fn earlier(html: &mut String, recent: &[Earlier]) {
    if recent.is_empty() {
        return;
    }
    html.push_str("<h3>Before it, on both sides</h3>\n");
    let is_step = |item: &Earlier| matches!(item, Earlier::Step { .. });
    if !recent.iter().all(is_step) {
        html.push_str("<ul class=\"mono\">\n");
        for item in recent {
            let _ = writeln!(html, "<li>{}</li>", escaped(&item.to_string()));
        }
        html.push_str("</ul>\n");
        return;
    }
    html.push_str(
        "<div class=\"box fit\" tabindex=\"0\" role=\"region\" aria-label=\"Earlier steps\"><table>\n<thead><tr>\
         <th scope=\"col\" class=\"number\">step</th><th scope=\"col\" class=\"number\">depth</th>\
         <th scope=\"col\" class=\"number\">pc</th><th scope=\"col\">opcode</th>\
         <th scope=\"col\" class=\"number\">gas before</th><th scope=\"col\" class=\"number\">gas after</th>\
         <th scope=\"col\" class=\"number\">stack</th></tr></thead>\n<tbody>\n",
    );
    for item in recent {
        if let Earlier::Step { index, step } = item {
            let number = |value: &dyn std::fmt::Display| format!("<td class=\"number\">{value}</td>");
            let _ = writeln!(
                html,
                "<tr>{}{}{}<td>{}</td>{}{}{}</tr>",
                number(&(index + 1)),
                number(&(u32::from(step.depth) + 1)),
                number(&step.pc),
                step.rules.show(step.opcode),
                number(&step.gas_before),
                number(&step.gas_after),
                number(&step.stack_size)
            );
        }
    }
    html.push_str("</tbody></table></div>\n");
}
