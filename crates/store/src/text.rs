//! Texts and numbers as a file has them.

use std::io::{self, Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use sha2::{Digest, Sha256};

/// The SHA-256 of a text.
pub fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// The SHA-256 of a text, in hex.
pub fn digest(text: &str) -> String {
    hex(&sha256(text))
}

/// A digest as people read it.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text, smaller.
pub(crate) fn deflate(text: &str) -> io::Result<Vec<u8>> {
    let mut out = DeflateEncoder::new(Vec::new(), Compression::default());
    out.write_all(text.as_bytes())?;
    out.finish()
}

/// What [`deflate`] was given, of `size` bytes: no more is unpacked.
pub(crate) fn inflate(bytes: &[u8], size: u64) -> io::Result<String> {
    let mut text = String::new();
    DeflateDecoder::new(bytes).take(size + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// A list of words.
pub(crate) fn list(words: &[String]) -> String {
    // Strings always serialise.
    serde_json::to_string(words).unwrap_or_default()
}

/// Reads a list of words.
pub(crate) fn words(list: &str) -> serde_json::Result<Vec<String>> {
    serde_json::from_str(list)
}
