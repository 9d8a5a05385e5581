//! Finds out whose a trace is, by the whole shape of its lines: which keys, in which order and form, what words an error has, and what
//! the numbers of one step and the next say of each other.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use parallax_primitives::{Class, Opcode, OpcodeInfo};

use crate::{
    Client, Field, Fields, ReadError,
    elements::begins_document,
    facts::{CostKind, Form, Key, Presence},
    line::{Entry, Kind, Line},
    lines::Lines,
    reader::Profile,
};

/// Whose a trace is, and what says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Whose it is taken for.
    pub client: Client,
    /// Others who could have written every line as well. Where it matters, their name is to be given.
    pub others: Vec<Client>,
    /// Lines that are of a trace.
    pub lines: u64,
    /// Those of them that are as the client writes them.
    pub fitting: u64,
    /// What the trace has of what is written on demand.
    pub profile: Profile,
}

impl Recognised {
    /// Those of the others whose lines would be read in other terms.
    pub fn read_otherwise(&self) -> Vec<Client> {
        let facts = self.client.facts();
        let is_other = |client: &&Client| {
            let other = client.facts();
            (other.refund, other.gas_used, other.cost, other.implied_stop)
                != (facts.refund, facts.gas_used, facts.cost, facts.implied_stop)
        };
        self.others.iter().filter(is_other).copied().collect()
    }
}

/// Finds out who wrote a trace by reading all of it: clients whose lines look alike differ in their last ones.
///
/// # Errors
///
/// Those of reading, and a trace without any step or end.
pub fn recognise(input: impl BufRead) -> Result<Recognised, ReadError> {
    let mut seen = Seen::default();
    let lines = seen.read(input)?;
    seen.recognised().ok_or_else(|| lines.not_a_trace())
}

/// Bytes from which on a file is not read whole, and those that are read of it then.
const WHOLE: u64 = 64 << 20;
const HEAD: u64 = 8 << 20;
const TAIL: u64 = 1 << 20;
/// Bytes by which a JSON document is told from lines.
const LOOKED_AT: u64 = 4096;

/// The same of a file, which is then at its beginning again. Of a large one the beginning and the end are read.
///
/// # Errors
///
/// As of [`recognise`].
pub fn recognise_file(file: &mut (impl Read + Seek)) -> Result<Recognised, ReadError> {
    let io_error = |error| ReadError::Io { line: 0, error };
    let size = file.seek(SeekFrom::End(0)).map_err(io_error)?;
    file.rewind().map_err(io_error)?;
    let mut head = Vec::new();
    file.take(LOOKED_AT).read_to_end(&mut head).map_err(io_error)?;
    file.rewind().map_err(io_error)?;
    // A document has no lines to begin in the middle with.
    let found = if size <= WHOLE || begins_document(&head) {
        recognise(BufReader::new(&mut *file))
    } else {
        recognise_ends(file, size)
    };
    file.rewind().map_err(io_error)?;
    found
}

/// By the first lines, and the last.
fn recognise_ends(file: &mut (impl Read + Seek), size: u64) -> Result<Recognised, ReadError> {
    let io_error = |error| ReadError::Io { line: 0, error };
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head).map_err(io_error)?;
    // Up to the end of a line.
    let end = memchr::memrchr(b'\n', &head).ok_or(ReadError::LineTooLong { line: 1 })?;
    let mut seen = Seen::default();
    let error = seen.read(&head[..end])?.not_a_trace();
    seen.before = None;
    file.seek(SeekFrom::Start(size - TAIL)).map_err(io_error)?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail).map_err(io_error)?;
    let start = memchr::memchr(b'\n', &tail).map_or(tail.len(), |at| at + 1);
    // A line that is wrong is told when the trace is read, by its number.
    let _ = seen.read(&tail[start..]);
    seen.recognised().ok_or(error)
}

/// Whom a trace is taken for if nothing speaks for another one.
const ORDER: [Client; 10] = [
    Client::Geth,
    Client::Eels,
    Client::Evmone,
    Client::Besu,
    Client::Nimbus,
    Client::Erigon,
    Client::Nethermind,
    Client::Revm,
    Client::Eip3155,
    Client::Struct,
];

/// How a client fares.
#[derive(Clone, Copy, Default)]
struct Score {
    /// Lines just as it writes them.
    fitting: u64,
    /// Lines that have its keys, in whatever order, and in whatever words.
    alike: u64,
    /// Lines without a key that it never writes.
    known: u64,
    /// Its numbers would be other ones.
    is_out: bool,
}

/// What is kept of the step before.
struct Before {
    opcode: Opcode,
    depth: u64,
    gas: u64,
    cost: Option<u64>,
    failed: bool,
}

#[derive(Default)]
struct Seen {
    lines: u64,
    scores: [Score; ORDER.len()],
    profile: Profile,
    before: Option<Before>,
    /// Most lines are shaped as one before them.
    known: Vec<(Shape, [Fit; ORDER.len()])>,
}

/// The fields of a line without an error in order, and how each stands: all by which it is told whose it is.
type Shape = Vec<(Field, Appearance)>;

/// Shapes that are kept.
const MOST_SHAPES: usize = 16;

/// How a line fits a client.
#[derive(Clone, Copy, Debug, Default)]
struct Fit {
    fits: bool,
    is_alike: bool,
    is_known: bool,
}

/// How a value stands on a line, as far as [`has_form`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Appearance {
    Null,
    Number,
    Hex,
    /// `0x`.
    NoHex,
    /// A string without anything in it.
    NoText,
    Text,
    Items,
    Object,
    Truth,
    Else,
}

impl Appearance {
    fn of(raw: &str) -> Self {
        match raw.as_bytes() {
            b"null" => Appearance::Null,
            b"true" | b"false" => Appearance::Truth,
            b"\"\"" => Appearance::NoText,
            b"\"0x\"" => Appearance::NoHex,
            [b'"', b'0', b'x', ..] => Appearance::Hex,
            [b'"', ..] => Appearance::Text,
            [b'[', ..] => Appearance::Items,
            [b'{', ..] => Appearance::Object,
            [b'-' | b'0'..=b'9', ..] => Appearance::Number,
            _ => Appearance::Else,
        }
    }
}

impl Seen {
    /// Looks at every line, and gives them back.
    fn read<R: BufRead>(&mut self, input: R) -> Result<Lines<R>, ReadError> {
        let mut lines = Lines::new(input);
        while let Some((number, text)) = lines.next_object()? {
            let line = Line::parse(number, text)?;
            match line.kind()? {
                Kind::Talk => {}
                kind => self.note(&line, kind),
            }
        }
        Ok(lines)
    }

    fn note(&mut self, line: &Line<'_>, kind: Kind) {
        self.lines += 1;
        if kind == Kind::Step {
            self.profile.on_steps = self.profile.on_steps.or(line.said);
            self.numbers(line);
        } else {
            self.end_of_frame(None);
        }
        let fits = self.fits(line, kind);
        for (score, fit) in self.scores.iter_mut().zip(fits) {
            score.fitting += u64::from(fit.fits);
            score.alike += u64::from(fit.is_alike);
            score.known += u64::from(fit.is_known);
        }
    }

    /// How a line fits each client.
    fn fits(&mut self, line: &Line<'_>, kind: Kind) -> [Fit; ORDER.len()] {
        let is_shape_all = kind == Kind::Step && !line.said.has(Field::Error);
        let entry = |entry: &Entry<'_>| Some((*entry.name.as_ref().ok()?, Appearance::of(entry.raw)));
        let same = |shape: &Shape| line.entries.iter().map(entry).eq(shape.iter().copied().map(Some));
        if is_shape_all && let Some((_, fits)) = self.known.iter().find(|(shape, _)| same(shape)) {
            return *fits;
        }
        let fits = ORDER.map(|client| Fit::of(line, kind, client));
        let shape = line.entries.iter().map(entry).collect::<Option<Shape>>();
        if let (true, Some(shape)) = (is_shape_all && self.known.len() < MOST_SHAPES, shape) {
            self.known.push((shape, fits));
        }
        fits
    }

    /// What a step says of the one before it.
    fn numbers(&mut self, line: &Line<'_>) {
        let number = |field| line.number(field).ok().flatten();
        let opcode = line.raw(Field::Op).and_then(|_| crate::reader::opcode(line).ok());
        let (Some(opcode), Some(depth), Some(gas)) = (opcode, number(Field::Depth), number(Field::Gas))
        else {
            self.before = None;
            return;
        };
        self.end_of_frame(Some((depth, gas)));
        let cost = line.cost(Field::GasCost).ok().flatten();
        // Where there are two gases, what it took may be more.
        let failed = line.said.has(Field::Error) || line.said.has(Field::StateGas);
        self.before = Some(Before { opcode, depth, gas, cost, failed });
    }

    /// Looks at the step before, now that it is known what follows: a step at this depth, with so much gas, or none.
    fn end_of_frame(&mut self, next: Option<(u64, u64)>) {
        let Some(Before { opcode, depth, gas, cost, failed }) = self.before.take() else { return };
        let class = opcode.info().map(|info| info.class);
        if let Some((next_depth, next_gas)) = next
            && next_depth == depth
            && !failed
            && class.is_some_and(|class| !matches!(class, Class::Message | Class::Halt))
        {
            let took = gas.checked_sub(next_gas);
            let is_dynamic = opcode.info().is_some_and(OpcodeInfo::has_dynamic_gas);
            if cost.is_some() && took > cost && is_dynamic {
                // It took more than what stands there.
                self.put_out(|client| client.facts().cost != CostKind::Static);
            } else if grows_memory(opcode) && cost.is_some_and(|cost| cost > 3) {
                self.put_out(|client| client.facts().cost == CostKind::Static);
            }
        }
        // No frame is at depth 0.
        let is_over = next.is_none_or(|(next_depth, _)| (1..depth).contains(&next_depth));
        let may_end = matches!(class, Some(Class::Halt | Class::Message) | None);
        if is_over && !failed && !may_end {
            // Its code went on, or it failed without a word.
            self.put_out(|client| {
                let facts = client.facts();
                let says_errors = client.says_errors();
                facts.implied_stop && says_errors
            });
        }
    }

    fn put_out(&mut self, whom: impl Fn(Client) -> bool) {
        for (client, score) in ORDER.into_iter().zip(&mut self.scores) {
            score.is_out |= whom(client);
        }
    }

    fn recognised(&self) -> Option<Recognised> {
        if self.lines == 0 {
            return None;
        }
        let rank = |score: &Score| (score.fitting, !score.is_out, score.alike, score.known);
        let best = self.scores.iter().map(rank).max()?;
        let mut all = ORDER.into_iter().zip(&self.scores).filter(|(_, score)| rank(score) == best);
        let (client, score) = all.next()?;
        let others = all.map(|(client, _)| client).collect();
        Some(Recognised { client, others, lines: self.lines, fitting: score.fitting, profile: self.profile })
    }
}

impl Fit {
    fn of(line: &Line<'_>, kind: Kind, client: Client) -> Self {
        let facts = client.facts();
        let shapes: Vec<&[Key]> = match kind {
            Kind::Step => std::iter::once(facts.steps).chain(facts.others.iter().copied()).collect(),
            _ => facts.closing.to_vec(),
        };
        // Whoever passes on an answer may have sorted its keys.
        let in_any_order = client == Client::Struct;
        let is_in_shape = |keys: &&[Key]| has_keys(line, keys) && (in_any_order || is_in_order(line, keys));
        Fit {
            fits: shapes.iter().any(is_in_shape) && has_words(line, client) && has_habits(line, client),
            is_alike: shapes.iter().any(|keys| has_keys(line, keys)),
            is_known: shapes.iter().any(|keys| knows_keys(line, keys)),
        }
    }
}

fn grows_memory(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::MLOAD | Opcode::MSTORE | Opcode::MSTORE8)
}

/// Whether it has the keys that are always there, and no others than those of the shape, each in its form.
fn has_keys(line: &Line<'_>, keys: &[Key]) -> bool {
    let all =
        line.entries.iter().filter_map(|entry| entry.name.as_ref().ok().map(|field| (*field, entry.raw)));
    let fits = |(field, raw): (Field, &str)| {
        Appearance::of(raw) == Appearance::Null
            || keys.iter().any(|key| key.field == field && has_form(raw, key))
    };
    let is_there = |key: &Key| match key.presence {
        Presence::Always => line.said.has(key.field),
        Presence::UnlessFailing => line.said.has(key.field) || line.said.has(Field::Error),
        _ => true,
    };
    line.entries.iter().all(|entry| entry.name.is_ok())
        && all.into_iter().all(fits)
        && keys.iter().all(is_there)
}

/// Whether all keys are of the shape.
fn knows_keys(line: &Line<'_>, keys: &[Key]) -> bool {
    let is_known = |field: &Field| keys.iter().any(|key| key.field == *field);
    line.entries.iter().all(|entry| entry.name.as_ref().is_ok_and(is_known))
}

/// Whether the keys stand in the order of the shape.
fn is_in_order(line: &Line<'_>, keys: &[Key]) -> bool {
    let places = line.entries.iter().filter_map(|entry| {
        let field = *entry.name.as_ref().ok()?;
        keys.iter().position(|key| key.field == field)
    });
    places.is_sorted()
}

fn has_form(raw: &str, key: &Key) -> bool {
    let look = Appearance::of(raw);
    let is_empty = matches!(look, Appearance::NoText | Appearance::NoHex);
    if is_empty && matches!(key.presence, Presence::NotEmpty | Presence::OnDemandNotEmpty) {
        return false;
    }
    match key.form {
        Form::Number => look == Appearance::Number,
        Form::Hex => matches!(look, Appearance::Hex | Appearance::NoHex),
        Form::Digits => matches!(look, Appearance::Text | Appearance::NoText),
        Form::Text => {
            matches!(look, Appearance::Text | Appearance::NoText | Appearance::Hex | Appearance::NoHex)
        }
        Form::Items => look == Appearance::Items,
        Form::Object => look == Appearance::Object,
        Form::Truth => look == Appearance::Truth,
    }
}

/// Whether the line's error is in words of the client.
fn has_words(line: &Line<'_>, client: Client) -> bool {
    let Ok(Some(text)) = line.string(Field::Error) else { return true };
    let is_word =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"()".contains(&byte));
    let begins_small = text.starts_with(|c: char| c.is_ascii_lowercase());
    match client {
        Client::Eels => {
            is_word
                && (text.ends_with("Error")
                    || matches!(
                        &*text,
                        "InvalidOpcode"
                            | "OutOfBoundsRead"
                            | "Revert"
                            | "InvalidParameter"
                            | "InvalidContractPrefix"
                            | "AddressCollision"
                            | "StackDepthLimitError"
                    ))
        }
        Client::Nimbus => text.starts_with("Opcode Dispatch Error") || text.contains("Error:"),
        Client::Geth | Client::Erigon => begins_small,
        Client::Besu => !begins_small && (!is_word || text.starts_with("0x") || text == "None"),
        Client::Nethermind => is_word && !text.ends_with("Error"),
        Client::Revm | Client::Eip3155 => is_word,
        Client::Evmone | Client::Struct => true,
    }
}

/// Whether the root has a space before it, or not, as the client writes it; and what it writes for memory that there is none of.
fn has_habits(line: &Line<'_>, client: Client) -> bool {
    if line.said.without(Fields::of(&[Field::StateRoot])).is_empty() && line.said.has(Field::StateRoot) {
        let is_spaced = memchr::memmem::find(line.text(), b"\"stateRoot\": ").is_some();
        return is_spaced == matches!(client, Client::Geth | Client::Eels | Client::Erigon);
    }
    // Erigon never shows any.
    client != Client::Erigon || line.raw(Field::Memory).is_none_or(|raw| raw == "\"0x\"")
}
