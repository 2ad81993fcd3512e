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

impl FastPathHeader {
    /// Whether its body is encrypted under Standard RDP Security.
    pub const fn is_encrypted(&self) -> bool {
        self.flags & 2 != 0
    }

    /// Whether its MAC counts PDUs.
    pub const fn is_salted(&self) -> bool {
        self.flags & 1 != 0
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Malformed;
    use super::super::testing::hex;
    use super::*;

    #[test]
    fn reads_headers() {
        // rdp-proprietary-encryption#535: encrypted, with a checksum.
        let short = FastPathHeader { flags: 3, events: 0, length: 20, header_len: 2 };
        assert_eq!(parse_header(&hex("c0140de2")), Step::Done(short, 2));
        // rdp-proprietary-encryption#530 starts so: a length of two bytes.
        let long = FastPathHeader { flags: 3, events: 0, length: 0x1BE, header_len: 3 };
        assert_eq!(parse_header(&hex("c081be3c")), Step::Done(long, 3));
        // One input event, not encrypted.
        let input = FastPathHeader { flags: 0, events: 1, length: 4, header_len: 2 };
        assert_eq!(parse_header(&hex("04040000")), Step::Done(input, 2));
    }

    #[test]
    fn asks_for_more_and_refuses() {
        assert_eq!(parse_header(&[]), Step::Need(1));
        assert_eq!(parse_header(&hex("c0")), Step::Need(2));
        assert_eq!(parse_header(&hex("c081")), Step::Need(3));
        let action = Malformed { what: "fast-path action", offset: 0, need: 0, have: 3 };
        assert_eq!(parse_header(&hex("0300")), Step::Broken(action));
        let length = Malformed { what: "fast-path length", offset: 1, need: 2, have: 1 };
        assert_eq!(parse_header(&hex("c001")), Step::Broken(length));
        assert!(matches!(parse_header(&hex("c08002")), Step::Broken(_)));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..8)) {
            if let Step::Done(header, taken) = parse_header(&bytes) {
                prop_assert_eq!(taken, header.header_len);
                prop_assert!(header.length >= taken);
            }
        }
    }
}
