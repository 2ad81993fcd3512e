//! Pure parsers, one protocol a file: bytes in, PDU out. No frames, no clock, no state.

/// What a parser makes of the bytes it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// A whole message, and how many bytes it took.
    Done(T, usize),
    /// Not whole yet: at least this many bytes are needed from the start of the message.
    Need(usize),
    /// This is not, or not a sound, message of the protocol.
    Broken(Malformed),
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset}: need {need}, have {have}")]
pub struct Malformed {
    /// The field.
    pub what: &'static str,
    /// Offset from the message's start, in bytes.
    pub offset: usize,
    /// What the field had to be, or how many bytes it needs.
    pub need: u64,
    /// What it was, or how many bytes there are.
    pub have: u64,
}
