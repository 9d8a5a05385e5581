//! Traces for people: a few lines an opcode, or a table in Markdown.
//!
//! They say what the lines of JSON say, which are made first: so what an opcode costs and how it fails is decided in one place.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    io::{self, BufWriter, Write},
    rc::Rc,
};

use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::{Address, Message, Opcode, U256, hex};
use parallax_tracer_core::Tracer;
use parallax_tracer_eip3155::Eip3155Tracer;
use serde_json::Value;

use super::arguments::{TraceForm, TraceParts};

/// Where the lines of JSON come to.
#[derive(Clone, Default)]
struct Lines(Rc<RefCell<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct TextTracer<W: Write> {
    parts: TraceParts,
    json: Eip3155Tracer<Lines>,
    lines: Lines,
    out: BufWriter<W>,
    failed: Option<io::Error>,
    /// Slots that were read or written, by account.
    storage: HashMap<Address, BTreeMap<U256, U256>>,
    /// Key and value on the stack of the SSTORE that has begun.
    written: Option<(U256, U256)>,
}

impl<W: Write> TextTracer<W> {
    pub(super) fn new(out: W, parts: TraceParts) -> Self {
        let lines = Lines::default();
        Self {
            parts,
            json: Eip3155Tracer::new(lines.clone(), parts.lines()),
            lines,
            out: BufWriter::new(out),
            failed: None,
            storage: HashMap::new(),
            written: None,
        }
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        match self.failed {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }

    /// The lines that have come since the last time.
    fn take(&mut self) -> Vec<Value> {
        self.json.flush();
        let text = self.lines.0.take();
        text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }

    fn note(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }

    /// Slots of the account as far as they are known, behind an opcode that reads or writes one.
    fn slots(&mut self, step: &StepView<'_>) -> Option<&BTreeMap<U256, U256>> {
        if !self.parts.storage {
            return None;
        }
        let written = self.written.take();
        let address = step.message.address;
        let (key, value) = match step.opcode {
            Opcode::SSTORE => written?,
            _ => {
                let (key, _) = written?;
                (key, step.journal.storage(address, key)?)
            }
        };
        let slots = self.storage.entry(address).or_default();
        slots.insert(key, value);
        Some(slots)
    }

    fn step_text(&mut self, line: &Value, slots: &str) -> io::Result<()> {
        let out = &mut self.out;
        let (gas, cost) = (number(line, "gas"), number(line, "gasCost"));
        write!(out, "{:<16}pc={:08} gas={gas} cost={cost}", word(line, "opName"), number(line, "pc"))?;
        if let Some(error) = line["error"].as_str() {
            write!(out, " ERROR: {error}")?;
        }
        writeln!(out)?;
        let stack = line["stack"].as_array().map_or(&[][..], Vec::as_slice);
        if !stack.is_empty() {
            writeln!(out, "Stack:")?;
        }
        for (index, item) in stack.iter().rev().enumerate() {
            writeln!(out, "{index:08}  {}", item.as_str().unwrap_or_default())?;
        }
        part(out, "Memory", &bytes(line, "memory"))?;
        if !slots.is_empty() {
            write!(out, "Storage:\n{slots}")?;
        }
        part(out, "ReturnData", &bytes(line, "returnData"))?;
        writeln!(out)
    }

    fn row(&mut self, line: &Value) -> io::Result<()> {
        let out = &mut self.out;
        let (cost, refund) = (number(line, "gasCost"), number(line, "refund"));
        write!(
            out,
            "| {:>4}  | {:>10}  |  {cost:>3} |{refund:>10} |",
            number(line, "pc"),
            word(line, "opName")
        )?;
        if self.parts.stack {
            let stack = line["stack"].as_array().map_or(&[][..], Vec::as_slice);
            let items: Vec<_> = stack.iter().filter_map(Value::as_str).collect();
            write!(out, "{:>10} |", format!("[{}]", items.join(",")))?;
        }
        writeln!(out)?;
        match line["error"].as_str() {
            Some(error) => writeln!(out, "Error: {error}"),
            None => Ok(()),
        }
    }

    fn head(&mut self, message: &Message) -> io::Result<()> {
        let Message { caller, address, input, gas, value, kind, .. } = message;
        let (to, data) = (if kind.is_create() { "create" } else { "to" }, digits(input));
        write!(
            self.out,
            "Pre-execution info:\n  - from: `{caller}`\n  - {to}: `{address}`\n  - data: `{data}`\n  - gas: `{gas}`\n  - value: `{value}` wei\n\n\
             |  Pc   |      Op     | Cost |   Refund  |   Stack   |\n|-------|-------------|------|-----------|-----------|\n"
        )
    }

    fn foot(&mut self, line: &Value) -> io::Result<()> {
        let output = word(line, "output");
        let output = if output.is_empty() { String::new() } else { format!("0x{output}") };
        let error = line["error"].as_str().unwrap_or("<nil>");
        writeln!(
            self.out,
            "\nPost-execution info:\n  - output: `{output}`\n  - consumed gas: `{}`\n  - error: `{error}`",
            number(line, "gasUsed")
        )
    }
}

impl<W: Write> Tracer for TextTracer<W> {
    fn start(&mut self, start: &Start<'_>) {
        self.json.start(start);
        self.storage.clear();
    }

    fn end(&mut self, end: &End<'_>) {
        self.json.end(end);
    }

    fn step(&mut self, step: &StepView<'_>) {
        self.json.step(step);
        self.written = match (step.opcode, step.stack) {
            (Opcode::SLOAD, [.., key]) => Some((*key, U256::ZERO)),
            (Opcode::SSTORE, [.., value, key]) => Some((*key, *value)),
            _ => None,
        };
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.json.step_end(step, end);
        let lines = self.take();
        let slots: String = self.slots(step).map_or_else(String::new, |slots| {
            slots.iter().map(|(key, value)| format!("{key:064x}: {value:064x}\n")).collect()
        });
        // A second line is that of an opcode that failed behind what it was charged.
        for (index, line) in lines.iter().enumerate() {
            let written = match (self.parts.form, index) {
                (TraceForm::Md, 0) => self.row(line),
                (TraceForm::Md, _) => {
                    let (pc, op, error) = (number(line, "pc"), number(line, "op"), word(line, "error"));
                    writeln!(self.out, "\nError: at pc={pc}, op={op}: {error}")
                }
                (_, 0) => self.step_text(line, &slots),
                _ => Ok(()),
            };
            self.note(written);
        }
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        let is_outermost = message.depth == 0 && self.parts.form == TraceForm::Md;
        if is_outermost && matches!(phase, MessagePhase::Before) {
            let written = self.head(message);
            self.note(written);
        }
        self.json.message(message, phase);
        let lines = self.take();
        if let (true, Some(line)) = (is_outermost, lines.last()) {
            let written = self.foot(line);
            self.note(written);
        }
    }
}

/// A number, whether it is one in JSON or hex digits.
fn number(line: &Value, key: &str) -> u64 {
    let value = &line[key];
    let from_hex = || u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok();
    value.as_u64().or_else(from_hex).unwrap_or_default()
}

fn word<'l>(line: &'l Value, key: &str) -> &'l str {
    line[key].as_str().unwrap_or_default()
}

fn bytes(line: &Value, key: &str) -> Vec<u8> {
    hex::decode(word(line, key)).unwrap_or_default()
}

/// Nothing for nothing.
fn digits(bytes: &[u8]) -> String {
    if bytes.is_empty() { String::new() } else { hex::encode_prefixed(bytes) }
}

fn part(out: &mut impl Write, title: &str, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}:")?;
    hex_dump(out, bytes)
}

/// Bytes as hex and as characters, sixteen a line.
pub(super) fn hex_dump(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    for (index, line) in bytes.chunks(16).enumerate() {
        write!(out, "{:08x} ", 16 * index)?;
        for place in 0..16 {
            let gap = if place % 8 == 0 { " " } else { "" };
            match line.get(place) {
                Some(byte) => write!(out, "{gap}{byte:02x} ")?,
                None => write!(out, "{gap}   ")?,
            }
        }
        let is_plain = |byte: &u8| (b' '..=b'~').contains(byte);
        let text: String =
            line.iter().map(|byte| if is_plain(byte) { char::from(*byte) } else { '.' }).collect();
        writeln!(out, " |{text}|")?;
    }
    Ok(())
}
