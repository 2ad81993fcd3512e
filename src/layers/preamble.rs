//! Steps over what precedes RDP.
use crate::base::Dir;
use crate::protocol::preamble::Preamble;
/// State.
#[derive(Debug, Default)]
pub struct Preambles;
/// Result.
#[derive(Debug)]
pub enum Stripped {
    /// Took.
    Took(Preamble, usize),
    /// Need.
    Need,
    /// Nothing.
    Nothing,
}
impl Preambles {
    /// Strips.
    pub fn strip(&mut self, _: Dir, _: &[u8]) -> Stripped {
        Stripped::Nothing
    }
}
