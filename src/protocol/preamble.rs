//! What may precede RDP.
/// A preamble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preamble;
impl std::fmt::Display for Preamble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("preamble")
    }
}
