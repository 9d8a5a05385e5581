//! A divergence as a person reads it, at most 100 columns wide: where, in what, both values under each other with the first
//! difference marked, what it cost, what else differs, what was before.

use std::fmt;

use parallax_primitives::{Eip, hex};

use crate::{Detail, Divergence, Earlier, GasSplit, Place, Row, StepSide, Value};

/// Columns that a line is broken to fit into, where it can be.
const COLUMNS: usize = 100;

/// Most bytes of one value on a line.
const BYTES: usize = 32;

/// Most rows of the stack, the memory or the storage that differ besides the field.
const ROWS: usize = 4;

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary().join("\n"))
    }
}

impl Divergence {
    /// The report, line by line: the first line says where, the others are indented by two.
    pub fn summary(&self) -> Vec<String> {
        let [left, right] = &self.engines;
        let width = left.len().max(right.len()).max("messages".len());
        let mut lines = Lines { lines: vec![format!("{left} and {right} diverge {}", self.place)], width };
        lines.list("messages", self.place.path_rows());
        if let Place::Block { suspect: Some(suspect), .. } = &self.place {
            lines.add("suspect", &suspect.to_string());
        }
        lines.list("inputs", aligned(&self.inputs()));
        lines.add_broken("field", &self.field.to_string(), " at ");
        self.values([&self.left, &self.right], &mut lines);
        if let Some(detail) = &self.detail {
            lines.list("gas", gas_table(&self.engines, detail));
            self.window("state gas", &detail.state_gas_rows(), &mut lines);
            self.window("stack", &detail.stack_rows(), &mut lines);
            self.window("memory", &detail.memory_rows(), &mut lines);
            self.window("slots", &detail.slot_rows(), &mut lines);
        }
        lines.add("cause", &self.cause_and_eips());
        lines.list("before", earlier(&self.recent));
        lines.lines
    }

    /// The report in one line of at most `max` characters: where, the field, what each side has there. Where that is too long, of
    /// long values what is round the first difference, then of the field its name alone.
    pub fn one_line(&self, max: usize) -> String {
        let [left, right] = &self.engines;
        let line = |field: &str, values: [&str; 2]| {
            format!("{}, {field}: {left} {}, {right} {}", self.place, values[0], values[1])
        };
        let fits = |line: &String| line.chars().nth(max).is_none();
        let (field, name) = (self.field.to_string(), self.field.name());
        let texts = [&self.left, &self.right].map(ToString::to_string);
        let whole = line(&field, texts.each_ref().map(String::as_str));
        if fits(&whole) {
            return whole;
        }
        let cut = |field: &str| {
            let room = max.saturating_sub(line(field, [""; 2]).chars().count()) / 2;
            let marked = marked(&self.left, &self.right, room.saturating_sub(2));
            line(field, [&marked.left, &marked.right])
        };
        let cut = Some(cut(&field)).filter(fits).unwrap_or_else(|| cut(name));
        if fits(&cut) {
            cut
        } else {
            cut.chars().take(max.saturating_sub(2)).chain("..".chars()).take(max).collect()
        }
    }

    /// What kind of fault it looks like, and the EIPs that touch that rule.
    pub fn cause_and_eips(&self) -> String {
        if self.eips.is_empty() {
            return self.cause.to_string();
        }
        let eips: Vec<String> = self.eips.iter().map(|eip| format!("EIP-{eip}")).collect();
        format!("{} ({})", self.cause, eips.join(", "))
    }

    /// What the opcode took from the stack, each with its name. Empty before it has run and where no details were asked for.
    pub fn inputs(&self) -> Vec<(&'static str, Value)> {
        let (Place::Step { step, is_over: true, .. }, Some(detail)) = (&self.place, &self.detail) else {
            return Vec::new();
        };
        let inputs = step.rules.info(step.opcode).map_or(&[][..], |info| info.inputs);
        let names = inputs.iter().map(|operand| operand.name).filter(|name| !name.is_empty());
        names.zip(detail.inputs.iter().map(|input| Value::Word(*input))).collect()
    }

    fn values(&self, [left, right]: [&Value; 2], lines: &mut Lines) {
        let marked = marked(left, right, self.max_summary_length);
        lines.add(&self.engines[0], &marked.left);
        lines.add(&self.engines[1], &marked.right);
        if let Some(mark) = &marked.mark {
            lines.add("", mark);
        }
    }

    /// The rows that differ, unless they only say again what the field does.
    fn window(&self, label: &str, rows: &[Row], lines: &mut Lines) {
        let field = [&self.left, &self.right];
        let is_new = |row: &&Row| row.differs() && row.pair().each_ref() != field;
        let differing: Vec<&Row> = rows.iter().filter(is_new).collect();
        for row in differing.iter().take(ROWS) {
            lines.add_broken(label, &row.label, " at ");
            self.values(row.pair().each_ref(), lines);
        }
        if differing.len() > ROWS {
            lines.add("", &format!("and {} more that differ", differing.len() - ROWS));
        }
    }
}

/// Labels on the left, text in one column.
struct Lines {
    lines: Vec<String>,
    width: usize,
}

impl Lines {
    fn add(&mut self, label: &str, text: &str) {
        let width = self.width;
        self.lines.push(format!("  {label:width$}  {text}").trim_end().to_owned());
    }

    /// Takes two lines if it is long and `break_before` is in it: a slot of an account, or what a message was.
    fn add_broken(&mut self, label: &str, text: &str, break_before: &str) {
        match text.split_once(break_before) {
            Some((first, rest)) if self.width + text.len() + 6 > COLUMNS => {
                self.add(label, first);
                self.add("", &format!("  {}{rest}", break_before.trim_start_matches([' ', ','])));
            }
            _ => self.add(label, text),
        }
    }

    /// The label stands before the first line only.
    fn list(&mut self, label: &str, texts: impl IntoIterator<Item = String>) {
        for (number, text) in texts.into_iter().enumerate() {
            self.add_broken(if number == 0 { label } else { "" }, &text, ", gas ");
        }
    }
}

impl fmt::Display for crate::PathItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {} {:#x}", self.index, self.kind.name(), self.address)
    }
}

/// Steps, block entries and depths are told as traces number them (EIP-3155): from 1.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Step { index, step, is_over, .. } => {
                let what = if *is_over { "after" } else { "before" };
                write!(
                    f,
                    "{what} step {} at depth {}, pc {}, {}",
                    index + 1,
                    u32::from(step.depth) + 1,
                    step.pc,
                    step.rules.show(step.opcode)
                )
            }
            Place::Block { index, pc, path, .. } => {
                write!(f, "at block entry {} at depth {}, pc {pc}", index + 1, path.len())
            }
            Place::Message { index, is_over, path } => {
                let what = if *is_over { "in the outcome of" } else { "in" };
                write!(f, "{what} message #{index} at depth {}", path.len())
            }
            Place::Transaction => f.write_str("in the outcome of the transaction"),
            Place::PostState => f.write_str("in the state after the transaction"),
            Place::BlockRules => f.write_str("in the rules of the block"),
        }
    }
}

fn aligned(inputs: &[(&str, Value)]) -> Vec<String> {
    let width = inputs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    inputs.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect()
}

impl GasSplit {
    /// Its parts and their sum, each with its name; behind them the state gas, where the rules have any.
    pub fn parts(&self) -> Vec<(&'static str, i128)> {
        let parts = [
            ("static", self.static_gas),
            ("memory", self.memory),
            ("access", self.access),
            ("forwarded", self.forwarded),
            ("total", self.total()),
        ];
        let parts = parts.into_iter().map(|(name, gas)| (name, gas.into()));
        parts.chain(self.state.map(|gas| ("state", gas.into()))).collect()
    }
}

/// A row a side, and arrows below the columns that differ. Empty where the opcode has not run.
fn gas_table(engines: &[String; 2], detail: &Detail) -> Vec<String> {
    let [Some(left), Some(right)] = detail.sides.each_ref().map(|side| side.gas) else { return Vec::new() };
    let (left, right) = (left.parts(), right.parts());
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(left.iter().map(|(name, _)| (*name).to_owned()));
    for (engine, parts) in engines.iter().zip([&left, &right]) {
        let mut row = vec![engine.clone()];
        row.extend(parts.iter().map(|(_, gas)| gas.to_string()));
        rows.push(row);
    }
    if left != right {
        let arrow = |(l, r)| if l == r { String::new() } else { "^".to_owned() };
        rows.push([String::new()].into_iter().chain(left.iter().zip(&right).map(arrow)).collect());
    }
    table(&rows, |column| column > 0)
}

/// A column of steps: its name, and what stands there.
type Column = (&'static str, fn(u64, &StepSide) -> String);

/// What was before, as a table where it was steps.
fn earlier(recent: &[Earlier]) -> Vec<String> {
    let step = |item: &Earlier| match item {
        Earlier::Step { index, step } => Some((*index, *step)),
        Earlier::Message(_) => None,
    };
    let Some(steps) = recent.iter().map(step).collect::<Option<Vec<_>>>().filter(|steps| !steps.is_empty())
    else {
        return recent.iter().map(ToString::to_string).collect();
    };
    let have_run = steps.iter().any(|(_, step)| step.gas_before != step.gas_after);
    let has_state_gas = steps.iter().any(|(_, step)| step.rules.has(Eip::StateGas8037));
    let mut columns: Vec<Column> = vec![
        ("step", |index, _| (index + 1).to_string()),
        ("depth", |_, step| (u32::from(step.depth) + 1).to_string()),
        ("pc", |_, step| step.pc.to_string()),
        ("opcode", |_, step| step.rules.show(step.opcode).to_string()),
        ("gas", |_, step| step.gas_before.to_string()),
        ("cost", |_, step| step.gas_cost.to_string()),
        ("reservoir", |_, step| step.state_gas.reservoir.to_string()),
        ("state cost", |_, step| step.state_gas_cost.to_string()),
        ("stack", |_, step| step.stack_size.to_string()),
    ];
    // At entries of blocks what a cost would be is not known.
    columns.retain(|(name, _)| match *name {
        "cost" => have_run,
        "reservoir" => has_state_gas,
        "state cost" => has_state_gas && have_run,
        _ => true,
    });
    let mut rows: Vec<Vec<String>> = vec![columns.iter().map(|(name, _)| (*name).to_owned()).collect()];
    rows.extend(
        steps.iter().map(|(index, step)| columns.iter().map(|(_, cell)| cell(*index, step)).collect()),
    );
    table(&rows, |column| column != 3)
}

/// Columns under each other, two spaces apart.
fn table(rows: &[Vec<String>], is_number: impl Fn(usize) -> bool) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let text = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if is_number(column) { format!("{cell:>width$}") } else { format!("{cell:width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(text).collect()
}

/// Two values as text, and what is said or marked below them.
struct Marked {
    left: String,
    right: String,
    mark: Option<String>,
}

fn marked(left: &Value, right: &Value, max: usize) -> Marked {
    let apart = match (left, right) {
        (Value::Count(l), Value::Count(r)) => Some(l.abs_diff(*r)),
        (Value::Signed(l), Value::Signed(r)) => Some(l.abs_diff(*r)),
        _ => None,
    };
    if let Some(apart) = apart {
        let mark = Some(format!("apart by {apart}"));
        return Marked { left: left.to_string(), right: right.to_string(), mark };
    }
    match (left.to_be_bytes(), right.to_be_bytes()) {
        (Some(l), Some(r)) => {
            let sized = [left, right].iter().any(|value| matches!(value, Value::Bytes(_)));
            marked_bytes(&l, &r, sized, max)
        }
        _ => Marked {
            left: shorten(left.to_string(), max),
            right: shorten(right.to_string(), max),
            mark: None,
        },
    }
}

/// Both in hex from the same offset on, so that equal bytes stand under each other. Where they are too long, the window
/// begins a little before the first difference.
fn marked_bytes(left: &[u8], right: &[u8], sized: bool, max: usize) -> Marked {
    let first = left.iter().zip(right).position(|(l, r)| l != r).unwrap_or(left.len().min(right.len()));
    // Two digits a byte, and what stands around them.
    let room = (max.saturating_sub(24) / 2).clamp(1, BYTES);
    let from = if left.len().max(right.len()) <= room { 0 } else { first.saturating_sub(room / 4) };
    let text = |bytes: &[u8]| {
        let shown = &bytes[from.min(bytes.len())..bytes.len().min(from + room)];
        let before = if from > 0 { "0x.." } else { "0x" };
        let after = if from + room < bytes.len() { ".." } else { "" };
        let size = if sized { format!(" ({} bytes)", bytes.len()) } else { String::new() };
        format!("{before}{}{after}{size}", hex::encode(shown))
    };
    let indent = (if from > 0 { 4 } else { 2 }) + 2 * (first - from);
    let byte = |bytes: &[u8]| bytes.get(first).map_or("end".to_owned(), |byte| format!("{byte:#04x}"));
    let what = format!("byte {first}: {}, {}", byte(left), byte(right));
    // What stands far on the right is explained on its left.
    let mark = match indent > BYTES {
        true => format!("{what:>width$} ^^", width = indent - 1),
        false => format!("{:indent$}^^ {what}", ""),
    };
    Marked { left: text(left), right: text(right), mark: Some(mark) }
}

fn shorten(text: String, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text,
    }
}
