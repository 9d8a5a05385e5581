//! The JSON objects of a trace file, by line.

use std::{io, io::BufRead};

use crate::{
    LINE_LIMIT, ReadError,
    elements::{Elements, begins_document},
};

/// What Windows tools put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The objects of a file. What does not start with `{"`, spaces aside, is a client's talk and passed over.
pub(crate) struct Lines<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    /// The file is one JSON document, or several, whatever its lines.
    document: Option<Elements>,
    /// The first line that has a trace line behind other text.
    behind_text: Option<u64>,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, line: Vec::new(), number: 0, document: None, behind_text: None }
    }

    /// The object that was read last.
    pub(crate) fn again(&self) -> (u64, &[u8]) {
        (self.number, text_of(&self.line, self.number))
    }

    /// The next object, and its line.
    pub(crate) fn next_object(&mut self) -> Result<Option<(u64, &[u8])>, ReadError> {
        if self.number == 0 && self.document.is_none() {
            self.begin()?;
        }
        if let Some(elements) = &mut self.document {
            let found = elements.next(&mut self.input, &mut self.line)?;
            self.number = found.unwrap_or(elements.line());
            return Ok(found.map(|line| (line, &self.line[..])));
        }
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
                Ok(_) => {
                    let is_behind = memchr::memmem::find(&self.line, b"{\"pc\":").is_some();
                    self.behind_text = self.behind_text.or(is_behind.then_some(line));
                }
            }
        }
        Ok(Some(self.again()))
    }

    /// Looks at how the file begins.
    fn begin(&mut self) -> Result<(), ReadError> {
        let text = self.input.fill_buf().map_err(|error| ReadError::Io { line: 1, error })?;
        if matches!(text, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{', 0, ..] | [0, b'{', ..]) {
            return Err(ReadError::Utf16);
        }
        let mark = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        if begins_document(&text[mark..]) {
            self.input.consume(mark);
            self.document = Some(Elements::new(1));
        }
        Ok(())
    }

    /// What is wrong with a file without any line of a trace.
    pub(crate) fn not_a_trace(&self) -> ReadError {
        match self.behind_text {
            Some(line) => ReadError::BehindText { line },
            None => ReadError::NotATrace { lines: self.number },
        }
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

/// Steps that stand alike in both files, from where both are: as many as are at hand.
#[derive(Debug, Default)]
pub(crate) struct Alike {
    pub(crate) steps: u64,
    /// Line of the last step on either side.
    pub(crate) lines: [u64; 2],
    /// The last steps and their lines on the left side, oldest first.
    pub(crate) recent: Vec<(u64, Vec<u8>)>,
}

/// Passes over whole lines that both inputs have at hand, byte for byte alike, as long as they are steps or talk. What the steps say
/// is not looked into: alike, it agrees.
pub(crate) fn pass_alike<L: BufRead, R: BufRead>(
    left: &mut Lines<L>,
    right: &mut Lines<R>,
    most_recent: usize,
) -> Result<Alike, (bool, ReadError)> {
    let mut alike = Alike::default();
    // The first line may begin with a mark.
    let is_document = left.document.is_some() || right.document.is_some();
    if left.number == 0 || right.number == 0 || is_document {
        return Ok(alike);
    }
    let io_error = |line: u64| move |error| ReadError::Io { line: line + 1, error };
    let a = left.input.fill_buf().map_err(io_error(left.number)).map_err(|error| (true, error))?;
    let b = right.input.fill_buf().map_err(io_error(right.number)).map_err(|error| (false, error))?;
    let same = common_prefix(a, b);
    let (mut at, mut lines, mut steps) = (0, 0, 0);
    let mut recent = [(0u64, 0usize, 0usize); 8];
    for end in memchr::memchr_iter(b'\n', &a[..same]) {
        let line = &a[at..end];
        if line.starts_with(b"{\"pc\":") && line.ends_with(b"}") {
            recent[steps % recent.len()] = (lines, at, end);
            steps += 1;
        } else if line.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
            break;
        }
        at = end + 1;
        lines += 1;
    }
    let shown = steps.min(most_recent).min(recent.len());
    for place in (steps - shown)..steps {
        let (line, start, end) = recent[place % recent.len()];
        alike.recent.push((left.number + line + 1, a[start..end].to_vec()));
        alike.lines = [left.number + line + 1, right.number + line + 1];
    }
    alike.steps = steps as u64;
    left.input.consume(at);
    right.input.consume(at);
    left.number += lines;
    right.number += lines;
    Ok(alike)
}

/// Length of what two texts begin with alike.
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    const BLOCK: usize = 4096;
    let blocks = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK));
    let whole = blocks.take_while(|(a, b)| a == b).count() * BLOCK;
    whole + a[whole..].iter().zip(&b[whole..]).take(BLOCK).take_while(|(a, b)| a == b).count()
}
