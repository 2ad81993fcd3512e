//! TPKT, the packets of a class 0 transport over TCP (ITU-T T.123, section 8; RFC 1006, section 6).

use nom::bytes::streaming::take;
use nom::number::streaming::{be_u8, be_u16};

use super::Step;
use super::wire::{Parsed, run, wrong};

/// The first byte of every TPKT.
pub const VERSION: u8 = 3;

/// Bytes of the header.
pub const HEADER_LEN: usize = 4;

/// The shortest packet there may be: a header and a data TPDU without payload.
pub const MIN_LEN: usize = 7;

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tpkt<'a> {
    /// What it carries: one X.224 TPDU.
    pub payload: &'a [u8],
}

/// Parses the packet at the start of `input`.
pub fn parse(input: &[u8]) -> Step<Tpkt<'_>> {
    run(input, |i| {
        let (i, len) = header(i)?;
        let (i, payload) = take(len.saturating_sub(HEADER_LEN))(i)?;
        Ok((i, Tpkt { payload }))
    })
}

/// Parses only the header: the packet's length in bytes, header included.
pub fn parse_header(input: &[u8]) -> Step<usize> {
    run(input, header)
}

/// `version u8 = 3 · reserved u8 · length u16`, big-endian; the length counts the header.
fn header(i: &[u8]) -> Parsed<'_, usize> {
    let (rest, version) = be_u8(i)?;
    if version != VERSION {
        return wrong("TPKT version", i, u64::from(VERSION), u64::from(version));
    }
    let (at, _reserved) = be_u8(rest)?;
    let (rest, len) = be_u16(at)?;
    if usize::from(len) < MIN_LEN {
        return wrong("TPKT length", at, MIN_LEN as u64, u64::from(len));
    }
    Ok((rest, usize::from(len)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Malformed;
    use super::super::testing::{grows, hex};
    use super::*;

    /// rdp-proprietary-encryption#5.
    const CONFIRM: &str = "03000013 0ed00000123400 0300080002000000";

    #[test]
    fn takes_one_packet() {
        let mut bytes = hex(CONFIRM);
        grows(&bytes, parse);
        bytes.extend_from_slice(&[3, 0]);
        let Step::Done(packet, taken) = parse(&bytes) else { panic!("not done") };
        assert_eq!((packet.payload, taken), (&bytes[4..19], 19));
        assert_eq!(parse_header(&bytes), Step::Done(19, 4));
    }

    #[test]
    fn says_what_is_wrong() {
        let version = Malformed { what: "TPKT version", offset: 0, need: 3, have: 5 };
        // rdp-invalid-length#6 starts like this.
        assert_eq!(parse(&hex("050000130ed0")), Step::Broken(version));
        let length = Malformed { what: "TPKT length", offset: 2, need: 7, have: 6 };
        assert_eq!(parse(&hex("03000006")), Step::Broken(length));
        assert_eq!(parse(&[]), Step::Need(1));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Step::Done(packet, taken) = parse(&bytes) {
                prop_assert_eq!(packet.payload.len() + HEADER_LEN, taken);
            }
        }
    }
}
