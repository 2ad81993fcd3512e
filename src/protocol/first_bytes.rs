//! What the first bytes of a stream look like.
/// A guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// TPKT with X.224.
    Rdp,
    /// TLS.
    Tls,
    /// Fast-path.
    FastPath,
    /// Another protocol.
    Other(&'static str),
    /// Not known.
    Unknown,
    /// Too few.
    NeedMore,
}
/// Looks at them.
pub fn recognize(_client: bool, bytes: &[u8]) -> Guess {
    match bytes {
        [3, 0, ..] => Guess::Rdp,
        [0x16, 3, ..] => Guess::Tls,
        [] => Guess::NeedMore,
        _ => Guess::Unknown,
    }
}
