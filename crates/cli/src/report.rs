//! What a command leaves behind besides its results: complaints on standard error, and its exit status.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

/// How a command ended, the stronger one winning where there are several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// All well.
    Well,
    /// A failure or a divergence was found.
    Failure,
    /// The command or its input was wrong.
    WrongInput,
    /// Interrupted; what was done so far has been printed.
    Interrupted,
}

impl Status {
    /// The exit status of the process.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Status::Well => 0,
            Status::Failure => 1,
            Status::WrongInput => 2,
            Status::Interrupted => 130,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        status.code().into()
    }
}

/// One line on standard error. If that is closed too, the exit status has to do.
pub(crate) fn complain(message: &dyn Display) {
    let message = one_line(message);
    let _ = writeln!(io::stderr().lock(), "parallax: {message}");
}

/// A message in one line.
pub(crate) fn one_line(message: &dyn Display) -> String {
    message.to_string().replace('\n', " ")
}
