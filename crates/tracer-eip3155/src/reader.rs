//! Reads trace files of any client, one line at a time, however hostile: a line has a longest length, JSON a deepest
//! nesting, and every error names its line.

use std::{borrow::Cow, io, io::BufRead};

use parallax_primitives::{Bytes, Class, Opcode, U256};
use serde::{Deserialize, Deserializer, de};

use crate::{
    Client, HaltKind, Record, Step, TraceEnd,
    client::{GasUsedKind, RefundKind},
};

/// Longest line that is read, in bytes: a full stack is 70 KB, a memory of 100 MB is 200 MB of text.
pub const LINE_LIMIT: usize = 256 << 20;

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file itself.
    #[error("line {line}: {error}")]
    Io {
        /// Where.
        line: u64,
        /// Why.
        error: io::Error,
    },
    /// A line longer than [`LINE_LIMIT`].
    #[error("line {line}: longer than {LINE_LIMIT} bytes")]
    LineTooLong {
        /// Where.
        line: u64,
    },
    /// A line that starts like a trace line and is none.
    #[error("line {line}: {reason}")]
    Malformed {
        /// Where.
        line: u64,
        /// What was expected, and the column where it was not found.
        reason: String,
    },
    /// No line of the file is a trace line.
    #[error(
        "no EIP-3155 line in {lines} lines, expected one JSON object a line such as {{\"pc\":0,\"op\":96,...}}"
    )]
    NotATrace {
        /// Lines read.
        lines: u64,
    },
}

/// What Windows tools put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The JSON objects of a trace file, by line. What does not start with `{"`, spaces aside, is a client's talk and passed over.
pub(crate) struct Lines<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, line: Vec::new(), number: 0 }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn next_object(&mut self) -> Result<Option<(u64, &[u8])>, ReadError> {
        loop {
            self.line.clear();
            self.number += 1;
            let line = self.number;
            let mut limited = io::Read::take(&mut self.input, LINE_LIMIT as u64 + 1);
            let read = limited.read_until(b'\n', &mut self.line);
            match read {
                Err(error) => return Err(ReadError::Io { line, error }),
                Ok(0) => {
                    self.number -= 1;
                    return Ok(None);
                }
                Ok(_) if self.line.len() > LINE_LIMIT => return Err(ReadError::LineTooLong { line }),
                Ok(_) if is_object(text_of(&self.line, line)) => break,
                Ok(_) => {}
            }
        }
        Ok(Some((self.number, text_of(&self.line, self.number))))
    }
}

/// A line without what stands around its text.
fn text_of(line: &[u8], number: u64) -> &[u8] {
    let text = if number == 1 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
    text.trim_ascii()
}

fn is_object(text: &[u8]) -> bool {
    text.strip_prefix(b"{").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\""))
}

/// A line's fields as they stand.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    pc: Option<Number>,
    op: Option<Number>,
    gas: Option<Number>,
    gas_cost: Option<Number>,
    mem_size: Option<Number>,
    #[serde(borrow)]
    stack: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    return_data: Option<Cow<'a, str>>,
    depth: Option<Number>,
    refund: Option<Number>,
    #[serde(borrow)]
    op_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    error: Option<Cow<'a, str>>,
    #[serde(borrow)]
    memory: Option<Cow<'a, str>>,
    reservoir: Option<Number>,
    state_gas: Option<Number>,
    state_gas_cost: Option<Number>,
    #[serde(borrow)]
    state_root: Option<Cow<'a, str>>,
    #[serde(borrow)]
    output: Option<Cow<'a, str>>,
    gas_used: Option<Number>,
    pass: Option<bool>,
    test: Option<de::IgnoredAny>,
    post_logs_hash: Option<de::IgnoredAny>,
    fork: Option<de::IgnoredAny>,
}

/// A line's fields, with what [`crate::detect`] asks about their form.
pub(crate) struct RawLine<'a> {
    pub(crate) pc: Option<u64>,
    pub(crate) memory: Option<Cow<'a, str>>,
    pub(crate) return_data: Option<Cow<'a, str>>,
    pub(crate) op_name: Option<Cow<'a, str>>,
    pub(crate) error: Option<Cow<'a, str>>,
    pub(crate) state_root: Option<Cow<'a, str>>,
    pub(crate) output: Option<Cow<'a, str>>,
    pub(crate) pass: Option<bool>,
    pub(crate) reservoir: Option<Number>,
    pub(crate) state_gas: Option<Number>,
    state_gas_cost: Option<Number>,
    pub(crate) depth_before_return_data: bool,
    pub(crate) test: bool,
    pub(crate) post_logs_hash: bool,
    pub(crate) fork: bool,
    /// Whether it begins with the state root.
    pub(crate) root_first: bool,
    number: u64,
    op: Option<Number>,
    gas: Option<Number>,
    gas_cost: Option<Number>,
    mem_size: Option<Number>,
    stack: Option<Vec<Cow<'a, str>>>,
    depth: Option<Number>,
    refund: Option<Number>,
    gas_used: Option<Number>,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// An opcode.
    Step,
    /// The end of a frame or of the transaction.
    End,
    /// Something else, which is passed over.
    Else,
}

impl<'a> RawLine<'a> {
    pub(crate) fn parse(number: u64, line: &'a [u8]) -> Result<Self, ReadError> {
        let fields: Fields<'a> = serde_json::from_slice(line).map_err(|error| ReadError::Malformed {
            line: number,
            reason: format!("{error}, expected a trace line"),
        })?;
        let place = |key: &[u8]| line.windows(key.len()).position(|window| window == key);
        // Only a step says both; searched from the front, where no value can pretend to be a key before the stack ends.
        let depth_before_return_data = fields.pc.is_some()
            && fields.return_data.is_some()
            && place(b"\"depth\":").zip(place(b"\"returnData\":")).is_some_and(|(depth, data)| depth < data)
            && fields.reservoir.is_none();
        Ok(Self {
            pc: fields.pc.map(Number::unsigned),
            memory: fields.memory,
            return_data: fields.return_data,
            op_name: fields.op_name,
            error: fields.error,
            state_root: fields.state_root,
            output: fields.output,
            pass: fields.pass,
            reservoir: fields.reservoir,
            state_gas: fields.state_gas,
            state_gas_cost: fields.state_gas_cost,
            depth_before_return_data,
            test: fields.test.is_some(),
            post_logs_hash: fields.post_logs_hash.is_some(),
            fork: fields.fork.is_some(),
            root_first: line.starts_with(b"{\"stateRoot\""),
            number,
            op: fields.op,
            gas: fields.gas,
            gas_cost: fields.gas_cost,
            mem_size: fields.mem_size,
            stack: fields.stack,
            depth: fields.depth,
            refund: fields.refund,
            gas_used: fields.gas_used,
        })
    }

    /// # Errors
    ///
    /// If it has what only steps have, but does not say where the opcode is.
    pub(crate) fn about(&self) -> Result<About, ReadError> {
        let has_step = self.op.is_some() || self.depth.is_some() || self.gas_cost.is_some();
        match self.pc {
            Some(_) => Ok(About::Step),
            None if has_step => Err(self.malformed("no pc, expected a number")),
            None if self.state_root.is_some() || self.output.is_some() || self.pass.is_some() => {
                Ok(About::End)
            }
            None => Ok(About::Else),
        }
    }

    fn malformed(&self, reason: impl Into<String>) -> ReadError {
        ReadError::Malformed { line: self.number, reason: reason.into() }
    }

    fn need(&self, value: Option<Number>, name: &str) -> Result<u64, ReadError> {
        value.map(Number::unsigned).ok_or_else(|| self.malformed(format!("no {name}, expected a number")))
    }

    fn bytes(&self, text: &str, name: &str) -> Result<Bytes, ReadError> {
        parallax_primitives::hex::decode(text)
            .map(Bytes::from)
            .map_err(|error| self.malformed(format!("{name}: {error}, expected hexadecimal bytes")))
    }

    fn end(&self, client: Client) -> Result<TraceEnd, ReadError> {
        let state_root = match &self.state_root {
            Some(text) => Some(
                text.parse()
                    .map_err(|_| self.malformed("stateRoot: expected 0x and 64 hexadecimal digits"))?,
            ),
            None => None,
        };
        let is_refused = client == Client::Geth
            && self.error.as_deref().is_some_and(|error| error != "execution reverted");
        let output = self
            .output
            .as_deref()
            .filter(|_| !is_refused)
            .map(|text| self.bytes(text, "output"))
            .transpose()?;
        let gas = self.gas_used.map(Number::unsigned);
        let [gas_used, frame_gas] = match client.gas_used_kind() {
            GasUsedKind::Transaction => [gas, None],
            GasUsedKind::Frame => [None, gas],
            GasUsedKind::Unknown => [None, None],
        };
        let line = |says: bool| if says { self.number } else { 0 };
        let lines = [line(state_root.is_some()), line(output.is_some() || gas.is_some())];
        Ok(TraceEnd { state_root, output, gas_used, frame_gas, lines })
    }

    fn step(&self, client: Client) -> Result<Step, ReadError> {
        let pc = self.pc.ok_or_else(|| self.malformed("no pc, expected a number"))?;
        let op = self.need(self.op, "op")?;
        let opcode =
            Opcode(u8::try_from(op).map_err(|_| self.malformed(format!("op is {op}, expected a byte")))?);
        let stack = match &self.stack {
            None => None,
            Some(items) => Some(items.iter().map(|item| self.word(item)).collect::<Result<Vec<_>, _>>()?),
        };
        let halt = client.halt(opcode, self.error.as_deref());
        let failed = self.error.is_some() && halt != Some(HaltKind::None);
        // One word, two meanings: the specification has the reservoir under it, revm what the frame has spent.
        let (reservoir, spent) = match client {
            Client::Eels => (self.state_gas, None),
            Client::Revm => (self.reservoir, self.state_gas),
            _ => (None, None),
        };
        // What costs nothing has no field there, and neither has what gives back.
        let is_of_two = client == Client::Eels && reservoir.is_some();
        let cost = self.state_gas_cost.map_or(0, Number::signed);
        let state_gas_cost = (is_of_two && !failed).then_some(cost);
        // Of two gases the specification's cost of a CALL lacks what is forwarded.
        let knows_gas_cost = client.knows_gas_cost(opcode, failed) && !(is_of_two && opcode == Opcode::CALL);
        Ok(Step {
            line: self.number,
            pc,
            opcode,
            depth: self.need(self.depth, "depth")?,
            gas: self.need(self.gas, "gas")?,
            gas_cost: self.gas_cost.filter(|_| knows_gas_cost).map(Number::unsigned),
            reservoir: reservoir.map(Number::unsigned),
            state_gas_spent: spent.map(Number::unsigned),
            state_gas_cost,
            memory_size: self.mem_size.map(Number::unsigned),
            memory: match self.memory.as_deref().filter(|_| client.knows_memory()) {
                Some(text) => Some(self.bytes(text, "memory")?),
                None => None,
            },
            stack,
            return_data: match self.return_data.as_deref().filter(|_| client.knows_return_data()) {
                Some(text) => Some(self.bytes(text, "returnData")?),
                None => None,
            },
            refund: self.refund.map(Number::signed),
            refund_after: None,
            halt,
        })
    }

    fn word(&self, item: &str) -> Result<U256, ReadError> {
        let digits = item.strip_prefix("0x").unwrap_or(item);
        if digits.is_empty() {
            return Err(self.malformed(format!("stack item {item:?}, expected a hexadecimal word")));
        }
        U256::from_str_radix(digits, 16).map_err(|_| {
            let shown: String = item.chars().take(80).collect();
            self.malformed(format!("stack item {shown:?}, expected a hexadecimal word of at most 32 bytes"))
        })
    }
}

/// A number, written as JSON number or as hexadecimal string. A string of more than 64 bits saturates (costs beyond what
/// any gas pays for).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number(i128);

impl Number {
    fn unsigned(self) -> u64 {
        u64::try_from(self.0.max(0)).unwrap_or(u64::MAX)
    }

    /// A counter that may be negative, or has wrapped round 64 bits.
    fn signed(self) -> i64 {
        i64::try_from(self.0).unwrap_or_else(|_| self.unsigned().cast_signed())
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Number;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number or a hexadecimal string such as \"0x1\"")
            }
            fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
                Ok(Number(i128::from(value)))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
                Ok(Number(i128::from(value)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                let digits = text.strip_prefix("0x").unwrap_or(text);
                let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                if !valid {
                    return Err(E::invalid_value(de::Unexpected::Str(text), &self));
                }
                Ok(Number(i128::from(u64::from_str_radix(digits, 16).unwrap_or(u64::MAX))))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The records of a trace file, in order.
pub struct TraceReader<R> {
    lines: Lines<R>,
    client: Client,
    /// Read ahead, to join the two lines that geth and Nimbus write for an opcode that fails inside.
    next: Option<Record>,
    refunds: Refunds,
    /// Nothing has been read yet.
    is_empty: bool,
}

impl<R: BufRead> TraceReader<R> {
    /// Reads `input` as a trace of `client`; [`crate::detect`] finds out which.
    pub fn new(input: R, client: Client) -> Self {
        Self { lines: Lines::new(input), client, next: None, refunds: Refunds::new(client), is_empty: true }
    }

    /// Whose trace it is.
    pub fn client(&self) -> Client {
        self.client
    }

    fn read(&mut self) -> Result<Option<Record>, ReadError> {
        while let Some((number, line)) = self.lines.next_object()? {
            let raw = RawLine::parse(number, line)?;
            return Ok(Some(match raw.about()? {
                About::Step => Record::Step(raw.step(self.client)?),
                About::End
                    if self.client == Client::Geth && raw.state_root.is_none() && raw.pass.is_none() =>
                {
                    Record::FrameExit(raw.end(self.client)?)
                }
                About::End => Record::End(raw.end(self.client)?),
                About::Else => continue,
            }));
        }
        Ok(None)
    }

    fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        let first = match self.next.take() {
            Some(record) => Some(record),
            None => self.read()?,
        };
        let Some(Record::Step(mut step)) = first else { return Ok(first) };
        self.next = self.read()?;
        if let Some(Record::Step(again)) = &self.next
            && (again.pc, again.depth, again.gas, again.opcode)
                == (step.pc, step.depth, step.gas, step.opcode)
            && again.halt != Some(HaltKind::None)
            && step.halt != again.halt
        {
            step.halt = again.halt;
            step.gas_cost = None;
            self.next = None;
        }
        if let (Client::Revm, Some(Record::Step(next))) = (self.client, &self.next) {
            take_out_moved(&mut step, next);
        }
        self.refunds.convert(&mut step);
        Ok(Some(Record::Step(step)))
    }
}

/// revm's cost is by how much less execution gas there is, so what an opcode took from it for state gas, or gave back, is in it: the
/// next step of the frame tells how much that was, unless a message came between.
fn take_out_moved(step: &mut Step, next: &Step) {
    let sends = step.opcode.info().is_some_and(|info| info.class == Class::Message);
    let (Some(cost), false, true) = (step.gas_cost, sends, step.depth == next.depth) else { return };
    let gained = |of: fn(&Step) -> Option<u64>| Some(i128::from(of(next)?) - i128::from(of(step)?));
    let both = gained(|step| step.state_gas_spent).zip(gained(|step| step.reservoir));
    let Some((spent, reserved)) = both else { return };
    let moved = spent + reserved;
    // More that came back than it cost shows as nothing.
    let is_known = moved >= 0 || cost != 0;
    step.gas_cost = u64::try_from(i128::from(cost) - moved).ok().filter(|_| is_known);
}

impl<R: BufRead> Iterator for TraceReader<R> {
    type Item = Result<Record, ReadError>;

    /// A file without any record is no trace, and that is an error.
    fn next(&mut self) -> Option<Self::Item> {
        let record = self.next_record().transpose();
        if record.is_none() && self.is_empty {
            self.is_empty = false;
            return Some(Err(ReadError::NotATrace { lines: self.lines.number() }));
        }
        self.is_empty = false;
        record
    }
}

/// Turns every client's refund counter into the transaction's before the opcode, and after it where it is that.
struct Refunds {
    client: Client,
    /// What the last line at each depth said, outermost first.
    frames: Vec<i64>,
    last_failed: bool,
}

impl Refunds {
    fn new(client: Client) -> Self {
        Self { client, frames: Vec::new(), last_failed: false }
    }

    fn convert(&mut self, step: &mut Step) {
        let Some(said) = step.refund else { return };
        let depth = usize::try_from(step.depth).unwrap_or(usize::MAX).min(1025);
        let returned = depth < self.frames.len();
        let failed = !matches!(step.halt, None | Some(HaltKind::None));
        step.refund_after = (self.client.refund_kind() == RefundKind::After && !failed).then_some(said);
        step.refund = match self.client.refund_kind() {
            RefundKind::Before => Some(said),
            // The line before said what this opcode found, unless a frame ended in between: it may have been undone.
            RefundKind::After if returned || self.last_failed => None,
            RefundKind::After => Some(self.frames.last().copied().unwrap_or(0)),
            RefundKind::Frame => {
                let outer: i64 = self.frames.iter().take(depth.saturating_sub(1)).sum();
                Some(outer.saturating_add(said))
            }
        };
        let leaves = step.opcode != Opcode::STOP
            && step.opcode.info().is_some_and(|info| matches!(info.class, Class::Message | Class::Halt));
        let unknown_call = !self.client.refund_of_calls_is_known() && leaves;
        let keep = self.frames.get(depth.saturating_sub(1)).copied();
        if unknown_call {
            step.refund = None;
        }
        self.frames.truncate(depth.saturating_sub(1));
        // A trace that begins below the top, or skips a depth, still has a place for every frame.
        self.frames.resize(depth.saturating_sub(1), 0);
        self.frames.push(if unknown_call { keep.unwrap_or(0) } else { said });
        self.last_failed = failed;
    }
}
