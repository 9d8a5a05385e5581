//! A library and its options, as users write them.

use std::{ffi::CString, fmt, path::PathBuf};

/// Characters that are read.
const LONGEST: usize = 4096;

/// A library and its options, as EVMC's own tools write them: `PATH[,NAME[=VALUE]]...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The file.
    pub path: PathBuf,
    /// Options in their order, name and value.
    pub options: Vec<(String, String)>,
}

impl Configuration {
    /// Reads it.
    ///
    /// ```
    /// let configuration = parallax_engine_evmc::Configuration::new("lib/libevmone.so,O=0,trace")?;
    /// assert_eq!(configuration.options[1], ("trace".to_owned(), String::new()));
    /// # Ok::<(), parallax_engine_evmc::ConfigurationError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no path, an option without a name, or a zero in it.
    pub fn new(text: &str) -> Result<Self, ConfigurationError> {
        let wrong = |reason| ConfigurationError { text: text.chars().take(64).collect(), reason };
        if text.len() > LONGEST {
            return Err(wrong("it is longer than 4096 bytes"));
        }
        if CString::new(text).is_err() {
            return Err(wrong("it has a zero in it"));
        }
        let mut parts = text.split(',');
        let path = parts.next().filter(|path| !path.is_empty()).ok_or_else(|| wrong("it has no path"))?;
        let option = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (!name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
        };
        let options: Option<Vec<_>> = parts.map(option).collect();
        let options = options.ok_or_else(|| wrong("an option has no name"))?;
        Ok(Self { path: path.into(), options })
    }
}

/// What is no library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationError {
    text: String,
    reason: &'static str,
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, reason } = self;
        write!(f, "{text:?} is no EVMC library: {reason}, expected PATH[,NAME=VALUE]...")
    }
}

impl std::error::Error for ConfigurationError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_library_is_said() {
        let bare = Configuration::new("a b/lib.so").unwrap();
        assert_eq!((bare.path, bare.options), (PathBuf::from("a b/lib.so"), Vec::new()));
        for (text, expected) in [
            ("", "it has no path"),
            (",O=0", "it has no path"),
            ("a.so,=1", "an option has no name"),
            ("a.so,", "an option has no name"),
            ("a\0.so", "it has a zero in it"),
        ] {
            let error = Configuration::new(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(Configuration::new(&"x".repeat(LONGEST + 1)).is_err());
    }
}
