//! The objects of a trace that is JSON as a whole, one after the other: an array of lines, objects over several lines, struct logs in an
//! answer of JSON-RPC or bare. Of the document no more is held than the object at hand.

use std::io::BufRead;

use crate::{LINE_LIMIT, ReadError, line::malformed};

/// Keys that hold what is looked for.
const HOLDERS: [&str; 3] = ["result", "structLogs", "traces"];
/// The keys around struct logs that say what came of the transaction.
const OF_THE_END: [&str; 3] = ["gas", "failed", "returnValue"];
/// Arrays and objects around an object that is looked for.
const MOST_NESTED: usize = 64;

/// Where in the document it is.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    around: Vec<Around>,
    line: u64,
    /// A space stands behind the last colon: some clients are told by that.
    is_spaced: bool,
}

/// What is around the next object.
#[derive(Debug)]
enum Around {
    Array,
    Object(Holder),
}

/// An object that holds others.
#[derive(Debug, Default)]
struct Holder {
    line: u64,
    holds_logs: bool,
    /// `gas`, `failed` and `returnValue` as they stand.
    end: [Option<String>; 3],
}

/// Whether a text begins with what is JSON as a whole, not an object on each line.
pub(crate) fn begins_document(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let next = |text: &[u8]| text.get(1..).unwrap_or_default().trim_ascii_start().first().copied();
    match text.first() {
        Some(b'[') => matches!(next(text), Some(b'{' | b']')),
        Some(b'{') => {
            let line = &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())];
            let is_alone = line.trim_ascii() == b"{";
            let has = |key: &[u8]| memchr::memmem::find(line, key).is_some();
            is_alone
                || has(b"\"structLogs\"")
                || line.starts_with(b"{\"jsonrpc\"")
                || line.starts_with(b"{\"result\"")
        }
        _ => false,
    }
}

impl Elements {
    pub(crate) fn new(line: u64) -> Self {
        Self { around: Vec::new(), line, is_spaced: false }
    }

    /// The line it has come to.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Writes the next object and says on which line it begins. Of struct logs, what stands around them comes behind them, in the words of
    /// a closing line.
    pub(crate) fn next(
        &mut self,
        input: &mut impl BufRead,
        out: &mut Vec<u8>,
    ) -> Result<Option<u64>, ReadError> {
        loop {
            out.clear();
            let Some(byte) = self.peek(input)? else {
                return match self.around.is_empty() {
                    true => Ok(None),
                    false => Err(self.wrong("the end of the file, expected the end of the JSON document")),
                };
            };
            let inside = self.around.last_mut();
            match (inside, byte) {
                (None | Some(Around::Array), b'{') => {
                    let line = self.line;
                    if self.object(input, out)? {
                        return Ok(Some(line));
                    }
                }
                (None | Some(Around::Array), b'[') => {
                    self.take(input);
                    self.enter(Around::Array)?;
                }
                (Some(_), b',') => self.take(input),
                (Some(Around::Array), b']') => {
                    self.take(input);
                    self.around.pop();
                }
                // No value begins so: none would be read, for ever.
                (Some(Around::Array), b':' | b'}') => {
                    return Err(self.wrong("expected a value, a comma or ]"));
                }
                (Some(Around::Array), _) => self.value(input, out)?,
                (Some(Around::Object(_)), b'}') => {
                    self.take(input);
                    if let Some(Around::Object(holder)) = self.around.pop()
                        && holder.holds_logs
                    {
                        out.clear();
                        holder.write(out);
                        return Ok(Some(holder.line));
                    }
                }
                (Some(Around::Object(_)), b'"') => self.entry(input, out)?,
                (Some(Around::Object(_)), _) => return Err(self.wrong("expected a key or }")),
                // Talk.
                (None, _) => self.rest_of_line(input)?,
            }
        }
    }

    /// Reads an object to its end, unless it holds others: then it is entered, and nothing is written.
    fn object(&mut self, input: &mut impl BufRead, out: &mut Vec<u8>) -> Result<bool, ReadError> {
        let mut holder = Holder { line: self.line, ..Holder::default() };
        self.take(input);
        out.push(b'{');
        loop {
            match self.peek(input)? {
                Some(b'}') => {
                    self.take(input);
                    out.push(b'}');
                    return Ok(true);
                }
                Some(b',') => {
                    self.take(input);
                    out.push(b',');
                }
                Some(b'"') => {
                    let start = out.len();
                    self.value(input, out)?;
                    let key = String::from_utf8_lossy(&out[start + 1..out.len() - 1]).into_owned();
                    if self.colon(input, &key)? {
                        holder.holds_logs = key == "structLogs";
                        self.enter(Around::Object(holder))?;
                        self.held(input)?;
                        return Ok(false);
                    }
                    out.extend_from_slice(if self.is_spaced { b": " } else { b":" });
                    let start = out.len();
                    self.value(input, out)?;
                    holder.note(&key, &out[start..]);
                }
                Some(_) => return Err(self.wrong("expected a key, a comma or }")),
                None => return Err(self.wrong("the end of the file, expected the end of the object")),
            }
        }
    }

    /// A key and its value in an object that has been entered.
    fn entry(&mut self, input: &mut impl BufRead, out: &mut Vec<u8>) -> Result<(), ReadError> {
        self.value(input, out)?;
        let key = String::from_utf8_lossy(&out[1..out.len() - 1]).into_owned();
        let holds = self.colon(input, &key)?;
        if holds {
            if let Some(Around::Object(holder)) = self.around.last_mut() {
                holder.holds_logs |= key == "structLogs";
            }
            return self.held(input);
        }
        out.clear();
        self.value(input, out)?;
        if let Some(Around::Object(holder)) = self.around.last_mut() {
            holder.note(&key, out);
        }
        Ok(())
    }

    /// Enters the array or object under a key that holds what is looked for.
    fn held(&mut self, input: &mut impl BufRead) -> Result<(), ReadError> {
        let is_array = self.peek(input)? == Some(b'[');
        let holder = Holder { line: self.line, ..Holder::default() };
        self.take(input);
        self.enter(if is_array { Around::Array } else { Around::Object(holder) })
    }

    /// The colon behind a key; whether the value holds what is looked for.
    fn colon(&mut self, input: &mut impl BufRead, key: &str) -> Result<bool, ReadError> {
        if self.peek(input)? != Some(b':') {
            return Err(self.wrong(&format!("expected a colon behind {key:?}")));
        }
        self.take(input);
        self.is_spaced = self.at_hand(input)? == Some(b' ');
        let value = self.peek(input)?;
        Ok(HOLDERS.contains(&key) && matches!(value, Some(b'[' | b'{')))
    }

    fn enter(&mut self, around: Around) -> Result<(), ReadError> {
        if self.around.len() == MOST_NESTED {
            return Err(self.wrong(&format!("more than {MOST_NESTED} arrays and objects in one another")));
        }
        self.around.push(around);
        Ok(())
    }

    /// Copies one value, whatever is in it. What it is not, its reader says.
    fn value(&mut self, input: &mut impl BufRead, out: &mut Vec<u8>) -> Result<(), ReadError> {
        let (mut depth, mut in_string, mut is_escaped) = (0u32, false, false);
        loop {
            let Some(byte) = self.at_hand(input)? else {
                return match depth == 0 && !in_string {
                    true => Ok(()),
                    false => Err(self.wrong("the end of the file, expected the end of a value")),
                };
            };
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_string => is_escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 0 => return Ok(()),
                b'}' | b']' => depth -= 1,
                b',' | b':' if depth == 0 => return Ok(()),
                byte if byte.is_ascii_whitespace() && depth == 0 => return Ok(()),
                _ => {}
            }
            out.push(byte);
            if out.len() > LINE_LIMIT {
                return Err(ReadError::LineTooLong { line: self.line });
            }
            self.take(input);
            let is_end = matches!(byte, b'"' | b'}' | b']') && !in_string && depth == 0;
            if is_end {
                return Ok(());
            }
        }
    }

    fn rest_of_line(&mut self, input: &mut impl BufRead) -> Result<(), ReadError> {
        while self.at_hand(input)?.is_some_and(|byte| byte != b'\n') {
            input.consume(1);
        }
        Ok(())
    }

    /// The next byte that is no space.
    fn peek(&mut self, input: &mut impl BufRead) -> Result<Option<u8>, ReadError> {
        while let Some(byte) = self.at_hand(input)? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.take(input);
        }
        Ok(None)
    }

    fn at_hand(&self, input: &mut impl BufRead) -> Result<Option<u8>, ReadError> {
        let text = input.fill_buf().map_err(|error| ReadError::Io { line: self.line, error })?;
        Ok(text.first().copied())
    }

    fn take(&mut self, input: &mut impl BufRead) {
        if let Ok([b'\n', ..]) = input.fill_buf() {
            self.line += 1;
        }
        input.consume(1);
    }

    fn wrong(&self, reason: &str) -> ReadError {
        malformed(self.line, reason.to_owned())
    }
}

impl Holder {
    fn note(&mut self, key: &str, raw: &[u8]) {
        if let Some(at) = OF_THE_END.iter().position(|name| *name == key) {
            self.end[at] = Some(String::from_utf8_lossy(raw).into_owned());
        }
    }

    /// A closing line of what stood around the logs.
    fn write(&self, out: &mut Vec<u8>) {
        let [gas, failed, value] = &self.end;
        let pass = failed.as_deref().map(|failed| if failed == "true" { "false" } else { "true" });
        let entries = [("gasUsed", gas.as_deref()), ("pass", pass), ("output", value.as_deref())];
        let entries = entries.iter().filter_map(|(key, value)| Some(format!("\"{key}\":{}", (*value)?)));
        out.extend_from_slice(format!("{{{}}}", entries.collect::<Vec<_>>().join(",")).as_bytes());
    }
}
