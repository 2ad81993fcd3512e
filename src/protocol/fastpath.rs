//! Fast-path PDU headers (MS-RDPBCGR, sections 2.2.8.1.2 and 2.2.9.1.2). Lengths are big-endian.

use nom::number::streaming::be_u8;

use super::Step;
use super::wire::{Parsed, run, wrong};

/// The header of a fast-path PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FastPathHeader {
    /// Bits 6 and 7 of the first byte: 1 secure checksum, 2 encrypted.
    pub flags: u8,
    /// Bits 2 to 5 of the first byte: number of events (input only).
    pub events: u8,
    /// Length of the whole PDU in bytes, this header included.
    pub length: usize,
    /// Length of this header in bytes: 2 or 3.
    pub header_len: usize,
}

/// Parses the header at the start of `input`.
pub fn parse_header(input: &[u8]) -> Step<FastPathHeader> {
    run(input, header)
}

/// `action:2 events:4 flags:2 · length1 u8 [· length2 u8]`: two length bytes where the first has its top
/// bit set.
fn header(i: &[u8]) -> Parsed<'_, FastPathHeader> {
    let (at, first) = be_u8(i)?;
    if first & 3 != 0 {
        return wrong("fast-path action", i, 0, u64::from(first & 3));
    }
    let (mut rest, length1) = be_u8(at)?;
    let (mut length, mut header_len) = (usize::from(length1), 2);
    if length1 & 0x80 != 0 {
        let (after, length2) = be_u8(rest)?;
        rest = after;
        length = usize::from(length1 & 0x7F) << 8 | usize::from(length2);
        header_len = 3;
    }
    if length < header_len {
        return wrong("fast-path length", at, header_len as u64, length as u64);
    }
    Ok((rest, FastPathHeader { flags: first >> 6, events: first >> 2 & 0xF, length, header_len }))
}
