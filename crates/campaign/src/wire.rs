//! What a campaign and a worker process say to each other through the worker's standard input and output: frames, each its length
//! and so many bytes. Both ends are one program, so there is one version of it.
//!
//! The campaign says a [`Setup`], then for each unit a [`UnitSetup`], the test's text as it stands in its file, and that of the state
//! that it names, if the worker has not been told that yet. The worker says [`Said`]: before it begins a case, which, so that what ends
//! it is known to have ended that case.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{BlockTask, DiffTask, TestTask};

/// The longest frame that is read, in bytes: whoever says a longer one is out of its mind.
const MAX_FRAME: u64 = 2 << 30;

/// What a worker is told first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) task: TaskSetup,
    /// By name.
    pub(crate) fork: Option<String>,
    /// As a command has them, and as a file of rules.
    pub(crate) by: Option<(String, String)>,
    pub(crate) index: Option<[usize; 3]>,
    /// Of address space, in MiB.
    pub(crate) max_memory: u64,
}

/// What it is to do with each case.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum TaskSetup {
    Statetest(TestTask),
    Blocktest(BlockTask),
    Diff(DiffTask),
}

/// The test whose text follows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UnitSetup {
    pub(crate) file: String,
    pub(crate) name: String,
    /// Cases of it that are done already.
    pub(crate) done: usize,
    /// The state that it names, by its file.
    pub(crate) state: Option<String>,
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Said<R> {
    /// It waits for units.
    Ready,
    /// It begins the case of this number in its test.
    Began { number: usize, fork: String, fork_name: String, index: [usize; 3] },
    /// What came of the case of this number: that which it began last, or one that it could not read.
    Report { number: usize, report: R },
    /// The unit is over.
    Done,
}

/// Writes one frame.
pub(crate) fn write_bytes(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(&(bytes.len() as u64).to_le_bytes())?;
    out.write_all(bytes)
}

/// Writes a value as one frame.
pub(crate) fn write(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    write_bytes(out, &serde_json::to_vec(value)?)
}

/// Reads one frame; `None` where the other side has closed its end, or is gone.
pub(crate) fn read_bytes(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 8];
    match input.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u64::from_le_bytes(length);
    if length > MAX_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes")));
    }
    let mut bytes = Vec::new();
    // Whoever dies in the middle of a word has not said it.
    let is_whole = input.take(length).read_to_end(&mut bytes)? as u64 == length;
    Ok(is_whole.then_some(bytes))
}

/// Reads one frame as a value.
pub(crate) fn read<T: DeserializeOwned>(input: &mut impl Read) -> io::Result<Option<T>> {
    Ok(read_bytes(input)?.map(|bytes| serde_json::from_slice(&bytes)).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written_and_half_of_one_not_at_all() {
        let mut written = Vec::new();
        write(&mut written, &Said::Report { number: 1, report: "a\n\"b" }).unwrap();
        write(&mut written, &Said::<String>::Done).unwrap();
        let mut input = &written[..];
        let said = read::<Said<String>>(&mut input);
        assert!(matches!(said, Ok(Some(Said::Report { number: 1, report })) if report == "a\n\"b"));
        assert!(matches!(read(&mut input), Ok(Some(Said::<String>::Done))));
        assert!(matches!(read::<Said<String>>(&mut input), Ok(None)));
        for end in [1, 7, 8, 12] {
            assert!(matches!(read_bytes(&mut &written[..end]), Ok(None)), "{end}");
        }
        assert!(read_bytes(&mut &u64::MAX.to_le_bytes()[..]).is_err());
        assert!(read::<Said<String>>(&mut &b"\x01\0\0\0\0\0\0\0x"[..]).is_err());
    }
}
