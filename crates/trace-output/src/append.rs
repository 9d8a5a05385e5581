use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

/// Opens a file to write lines behind those that are in it, if there is one.
///
/// A last line without an end, as a run leaves that was killed, is ended first: what is written begins on a line of its own.
pub fn append(path: impl AsRef<Path>) -> io::Result<File> {
    let path = path.as_ref();
    let mut file = File::options().create(true).append(true).open(path)?;
    if is_torn(path, &file)? {
        tracing::warn!(path = %path.display(), "the last line has no end: what is appended begins on the next one");
        file.write_all(b"\n")?;
    }
    Ok(file)
}

/// Pipes and devices have no last line.
fn is_torn(path: &Path, file: &File) -> io::Result<bool> {
    let kind = file.metadata()?;
    if !kind.is_file() || kind.len() == 0 {
        return Ok(false);
    }
    let (mut text, mut last) = (File::open(path)?, [0]);
    text.seek(SeekFrom::End(-1))?;
    text.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
