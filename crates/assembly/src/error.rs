/// What is wrong with a piece of assembly, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct AssemblyError {
    /// Line of the source, from 1.
    pub line: usize,
    /// Character of the line, from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: Problem,
}

/// What is wrong. Quoted source is cut after 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A word that is neither an opcode nor a directive.
    #[error("unknown mnemonic {0:?}")]
    UnknownMnemonic(String),
    /// The source ends, or a line does, where an operand is due.
    #[error("{0} takes an operand")]
    MissingOperand(String),
    /// Not a decimal or hexadecimal number.
    #[error("{0:?} is no number")]
    NotANumber(String),
    /// A number that does not fit.
    #[error("{text:?} does not fit in {bytes} bytes")]
    TooLarge {
        /// The number.
        text: String,
        /// What there is room for.
        bytes: usize,
    },
    /// No immediate of DUPN, SWAPN or EXCHANGE stands for this (EIP-8024).
    #[error("{mnemonic} cannot name {text:?}")]
    NoSuchItem {
        /// The opcode.
        mnemonic: &'static str,
        /// What it was to name.
        text: String,
    },
    /// Not hexadecimal bytes.
    #[error("{0:?} is no sequence of bytes: expected 0x and an even number of hexadecimal digits")]
    NotBytes(String),
    /// A label's name is not made of letters, digits, `_` and `.`, or it starts with a digit.
    #[error("{0:?} is no name for a label")]
    BadLabel(String),
    /// A label that is there twice.
    #[error("label {0:?} is already on line {1}")]
    DuplicateLabel(String, usize),
    /// A reference to no label.
    #[error("no label {0:?}")]
    UnknownLabel(String),
    /// `@end-@start` with the end before the start.
    #[error("{0:?} is negative")]
    NegativeDistance(String),
    /// The code would be longer than this many bytes.
    #[error("code is longer than {0} bytes")]
    CodeTooLong(usize),
}
