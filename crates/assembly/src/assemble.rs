//! Text to bytes, in two passes: read the words into items, then fix the sizes of label references and write.
//!
//! Invariant: a reference gets the fewest bytes that hold its value, and sizes only ever grow while they are being fixed,
//! so that fixing ends.

use std::collections::HashMap;

use parallax_primitives::{Bytes, Class, Eip, Fork, Opcode, OpcodeDefinition, OpcodeInfo, Rules, U256, hex};

use crate::{AssemblyError, Problem, items};

/// The longest code that is assembled, in bytes: room for any init code, and a bound on what a source can ask for.
const CODE_LIMIT: usize = 1 << 24;

/// Assembles for [`Fork::LATEST`]. The README has the grammar.
pub fn assemble(source: &str) -> Result<Bytes, AssemblyError> {
    assemble_for(source, Fork::LATEST)
}

/// Assembles for `rules`: `PUSH 0` is a PUSH0 only where they have it (EIP-3855). Mnemonics of other rules are accepted: their
/// bytes are code like any other.
pub fn assemble_for(source: &str, rules: impl Into<Rules>) -> Result<Bytes, AssemblyError> {
    let mut program = Program { rules: rules.into(), items: Vec::new(), labels: HashMap::new() };
    for (line, text) in source.lines().enumerate() {
        program.read_line(line + 1, text)?;
    }
    program.write()
}

struct Program<'s> {
    rules: Rules,
    items: Vec<(Place, Item<'s>)>,
    /// Name to index in `items` and line.
    labels: HashMap<&'s str, (usize, usize)>,
}

#[derive(Clone, Copy)]
struct Place {
    line: usize,
    column: usize,
}

impl Place {
    fn error(self, message: Problem) -> AssemblyError {
        AssemblyError { line: self.line, column: self.column, message }
    }
}

enum Item<'s> {
    Bytes(Vec<u8>),
    /// A mark in the code, without a byte.
    Mark,
    /// A push of a label's offset, or of the distance from the second to the first.
    Reference {
        text: &'s str,
        to: &'s str,
        from: Option<&'s str>,
        /// Bytes of push data; grows while `fixed` is not set.
        size: usize,
        fixed: bool,
    },
}

impl Item<'_> {
    fn size(&self) -> usize {
        match self {
            Item::Bytes(bytes) => bytes.len(),
            Item::Mark => 0,
            Item::Reference { size, .. } => 1 + size,
        }
    }
}

impl<'s> Program<'s> {
    fn read_line(&mut self, line: usize, text: &'s str) -> Result<(), AssemblyError> {
        let code = text.split([';', '#']).next().unwrap_or_default();
        let mut words = words(line, code).peekable();
        while let Some((place, word)) = words.next() {
            let upper = word.to_ascii_uppercase();
            let mut operand = || words.next().ok_or_else(|| place.error(Problem::MissingOperand(cut(word))));
            match upper.as_str() {
                "PUSH" => {
                    let (place, text) = operand()?;
                    self.push(place, text, None)?;
                }
                "DB" | ".BYTES" => {
                    let (place, text) = operand()?;
                    self.items.push((place, Item::Bytes(bytes(place, text)?)));
                    while let Some((place, text)) = words.next_if(|(_, text)| text.starts_with("0x")) {
                        self.items.push((place, Item::Bytes(bytes(place, text)?)));
                    }
                }
                ".MARK" => {
                    let (place, name) = operand()?;
                    self.label(place, name)?;
                    self.items.push((place, Item::Mark));
                }
                _ if word.starts_with('@') => self.push(place, word, None)?,
                _ if word.ends_with(':') => {
                    self.label(place, &word[..word.len() - 1])?;
                    self.items.push((place, Item::Bytes(vec![Opcode::JUMPDEST.0])));
                }
                _ => {
                    let own = || {
                        self.rules.custom_opcodes().map(OpcodeDefinition::info).find(|own| own.name == upper)
                    };
                    let info = Opcode::from_name(&upper).and_then(Opcode::info).or_else(own);
                    let info = info.ok_or_else(|| place.error(Problem::UnknownMnemonic(cut(word))))?;
                    match (info.immediate, info.class) {
                        (0, _) => self.items.push((place, Item::Bytes(vec![info.opcode.0]))),
                        (_, Class::Deep) => {
                            let (place, text) = operand()?;
                            let second = (info.opcode == Opcode::EXCHANGE).then(operand).transpose()?;
                            let text = second.map_or(text.into(), |(_, second)| format!("{text} {second}"));
                            self.items.push((place, Item::Bytes(deep(place, info, &text)?)));
                        }
                        (size, Class::Push) => {
                            let (place, text) = operand()?;
                            self.push(place, text, Some(size.into()))?;
                        }
                        (size, _) => {
                            let (place, text) = operand()?;
                            let data = sized(place, text, size.into())?;
                            self.items.push((place, Item::Bytes([&[info.opcode.0], &data[..]].concat())));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn label(&mut self, place: Place, name: &'s str) -> Result<(), AssemblyError> {
        if !is_label(name) {
            return Err(place.error(Problem::BadLabel(cut(name))));
        }
        match self.labels.insert(name, (self.items.len(), place.line)) {
            Some((_, line)) => Err(place.error(Problem::DuplicateLabel(cut(name), line))),
            None => Ok(()),
        }
    }

    /// A push of `text`, a number or a reference, with `size` bytes of data or the fewest.
    fn push(&mut self, place: Place, text: &'s str, size: Option<usize>) -> Result<(), AssemblyError> {
        let item = match text.strip_prefix('@') {
            None => {
                let value = number(place, text)?;
                let least = value.bit_len().div_ceil(8);
                let size =
                    size.unwrap_or(if self.rules.has(Eip::PushZero3855) { least } else { least.max(1) });
                if size < least {
                    return Err(place.error(Problem::TooLarge { text: cut(text), bytes: size }));
                }
                Item::Bytes(push(&value, size))
            }
            Some(reference) => {
                let (to, from) = match reference.split_once("-@") {
                    Some((to, from)) => (to, Some(from)),
                    None => (reference, None),
                };
                Item::Reference { text, to, from, size: size.unwrap_or(1), fixed: size.is_some() }
            }
        };
        self.items.push((place, item));
        Ok(())
    }

    fn write(mut self) -> Result<Bytes, AssemblyError> {
        let values = loop {
            let offsets = self.offsets()?;
            let values = self.values(&offsets)?;
            let mut grew = false;
            for ((place, item), value) in self.items.iter_mut().zip(&values) {
                let Item::Reference { text, size, fixed, .. } = item else { continue };
                let least = value.bit_len().div_ceil(8);
                if least > *size {
                    if *fixed {
                        return Err(place.error(Problem::TooLarge { text: cut(text), bytes: *size }));
                    }
                    *size = least;
                    grew = true;
                }
            }
            if !grew {
                break values;
            }
        };
        let mut code = Vec::new();
        for ((_, item), value) in self.items.iter().zip(&values) {
            match item {
                Item::Bytes(bytes) => code.extend_from_slice(bytes),
                Item::Mark => {}
                Item::Reference { size, .. } => code.extend_from_slice(&push(value, *size)),
            }
        }
        Ok(code.into())
    }

    /// Where each item starts.
    fn offsets(&self) -> Result<Vec<usize>, AssemblyError> {
        let mut offset = 0;
        self.items
            .iter()
            .map(|(place, item)| {
                let start = offset;
                offset += item.size();
                if offset > CODE_LIMIT {
                    return Err(place.error(Problem::CodeTooLong(CODE_LIMIT)));
                }
                Ok(start)
            })
            .collect()
    }

    /// What each item pushes; zero for those that are no reference.
    fn values(&self, offsets: &[usize]) -> Result<Vec<U256>, AssemblyError> {
        let offset = |place: Place, name: &str| match self.labels.get(name) {
            Some((item, _)) => Ok(offsets[*item]),
            None => Err(place.error(Problem::UnknownLabel(cut(name)))),
        };
        self.items
            .iter()
            .map(|(place, item)| {
                let Item::Reference { text, to, from, .. } = item else { return Ok(U256::ZERO) };
                let start = match from {
                    Some(from) => offset(*place, from)?,
                    None => 0,
                };
                offset(*place, to)?
                    .checked_sub(start)
                    .map(U256::from)
                    .ok_or_else(|| place.error(Problem::NegativeDistance(cut(text))))
            })
            .collect()
    }
}

/// The words of a line and where they stand.
fn words(line: usize, text: &str) -> impl Iterator<Item = (Place, &str)> {
    let mut column = 1;
    text.split_inclusive(char::is_whitespace).filter_map(move |piece| {
        let place = Place { line, column };
        column += piece.chars().count();
        let word = piece.trim();
        (!word.is_empty()).then_some((place, word))
    })
}

fn is_label(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
}

fn number(place: Place, text: &str) -> Result<U256, AssemblyError> {
    let (negative, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (digits, radix) = match magnitude.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (magnitude, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(place.error(Problem::NotANumber(cut(text))));
    }
    // The digits are right, so what can still fail is the size.
    let value = U256::from_str_radix(digits, u64::from(radix))
        .map_err(|_| place.error(Problem::TooLarge { text: cut(text), bytes: 32 }))?;
    Ok(if negative { value.wrapping_neg() } else { value })
}

fn bytes(place: Place, text: &str) -> Result<Vec<u8>, AssemblyError> {
    text.strip_prefix("0x")
        .and_then(|digits| hex::decode(digits).ok())
        .ok_or_else(|| place.error(Problem::NotBytes(cut(text))))
}

/// DUPN, SWAPN or EXCHANGE with the byte that names its items.
fn deep(place: Place, info: &OpcodeInfo, text: &str) -> Result<Vec<u8>, AssemblyError> {
    let mut numbers = text.split(' ').map(|word| number(place, word).map(|number| u8::try_from(number).ok()));
    let (first, second) = (numbers.next().transpose()?.flatten(), numbers.next().transpose()?);
    let wanted = match (first, second) {
        (Some(first), None) => Some((first, None)),
        (Some(first), Some(Some(second))) => Some((first, Some(second))),
        _ => None,
    };
    let immediate = wanted.and_then(|wanted| items::immediate(info.opcode, wanted));
    let problem = || place.error(Problem::NoSuchItem { mnemonic: info.name, text: cut(text) });
    Ok(vec![info.opcode.0, immediate.ok_or_else(problem)?])
}

/// A number in so many bytes.
fn sized(place: Place, text: &str, size: usize) -> Result<Vec<u8>, AssemblyError> {
    let value = number(place, text)?;
    if value.bit_len().div_ceil(8) > size {
        return Err(place.error(Problem::TooLarge { text: cut(text), bytes: size }));
    }
    Ok(value.to_be_bytes::<32>()[32 - size..].to_vec())
}

/// PUSH0 to PUSH32. The caller has checked that `value` fits in `size` bytes and that `size` is at most 32.
fn push(value: &U256, size: usize) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, reason = "at most 32")]
    let mut bytes = vec![Opcode::PUSH0.0 + size as u8];
    bytes.extend_from_slice(&value.to_be_bytes::<32>()[32 - size..]);
    bytes
}

/// What an error quotes of the source.
fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}
