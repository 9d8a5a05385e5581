//! What a program may spend.

/// How much gas a program may be given, so that it ends soon in little memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Budget {
    /// It has loops: some 100,000 gas.
    Loops,
    /// It has none, but memory: some million.
    Memory,
    /// It has neither: all there is.
    Free,
}
