//! Payload of a stream, as one folder hands it to the next.

use super::Stamp;

/// In-order payload of one direction.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Offset of the first byte in the direction's stream.
    pub offset: u64,
    /// The bytes that the capture kept.
    pub data: &'a [u8],
    /// How many bytes the chunk has on the wire: more than `data.len()` where the snapshot length cut it;
    /// the next chunk starts at `offset + len`.
    pub len: u64,
    /// The packet that carried it.
    pub stamp: Stamp,
}

/// Bytes of a direction that the capture lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Offset of the first missing byte.
    pub offset: u64,
    /// How many are missing.
    pub len: u64,
    /// Whether the other end acknowledged them, so that the capture lacks them for sure. Without that, they
    /// were passed by, or lost on their way and never repaired.
    pub acknowledged: bool,
    /// The packet after which the hole was known.
    pub stamp: Stamp,
}
