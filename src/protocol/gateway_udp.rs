//! The UDP side channel of a Remote Desktop Gateway: DTLS, by default on port 3391 (MS-TSGU, section
//! 2.2.11). Numbers are little-endian. In clear are only the DTLS handshake and what a client appends to
//! its first datagram.

use nom::bytes::streaming::take;
use nom::number::streaming::{le_u16, le_u32};

use super::wire::{Parsed, run, whole, wrong};
use super::{Malformed, Step, dtls};
use crate::base::open_enum;

/// The port that gateways listen on unless they say otherwise.
pub const PORT: u16 = 3391;
/// Bytes of `UDP_CORRELATION_INFO`.
const CORRELATION_INFO_LEN: u16 = 26;

open_enum! {
    /// `UdpPktType` (section 2.2.5.4.1): what a packet inside the DTLS is.
    pub struct PacketType(u16) {
        /// The client asks for a connection.
        PKT_TYPE_CONNECT_REQ = 1,
        /// The gateway answers.
        PKT_TYPE_CONNECT_RESP = 2,
        /// Data, either way.
        PKT_TYPE_PAYLOAD = 3,
        /// The end.
        PKT_TYPE_DISCONNECT = 4,
        /// A part of what a client asks.
        PKT_TYPE_CONNECT_REQ_FRAGMENT = 5,
    }
}

/// Parses the packet at the start of `input`, a decrypted record: `type u16 · length u16 · content`.
pub fn parse_packet(input: &[u8]) -> Step<(PacketType, &[u8])> {
    run(input, |i| {
        let (i, kind) = le_u16(i)?;
        let (i, length) = le_u16(i)?;
        let (i, content) = take(length)(i)?;
        Ok((i, (PacketType(kind), content)))
    })
}

/// The correlation id that a client appended to the DTLS of its first datagram, which has `wire_len`
/// bytes (`UDP_CORRELATION_INFO`, section 2.2.11.9). The same id is in the Connection Request.
///
/// # Errors
/// Anything else after the records, or nothing.
pub fn correlation_id(bytes: &[u8], wire_len: usize) -> Result<[u8; 16], Malformed> {
    let mut records = dtls::records(bytes, wire_len);
    let mut rest = records.rest();
    while let Some(Ok(_)) = records.next() {
        rest = records.rest();
    }
    whole("UDP_CORRELATION_INFO", rest, correlation_info)
}

/// `reserved u32 = 0 · 0x1DAA u16 · id · 0xAA1D u16 · length u16`.
fn correlation_info(i: &[u8]) -> Parsed<'_, [u8; 16]> {
    const FIRST: u16 = 0x1DAA;
    const SECOND: u16 = 0xAA1D;
    let (at, _reserved) = le_u32(i)?;
    let (i, signature) = le_u16(at)?;
    if signature != FIRST {
        return wrong("uSignature1", at, u64::from(FIRST), u64::from(signature));
    }
    let (at, id) = take(16_usize)(i)?;
    let (i, signature) = le_u16(at)?;
    if signature != SECOND {
        return wrong("uSignature2", at, u64::from(SECOND), u64::from(signature));
    }
    let (rest, length) = le_u16(i)?;
    if length != CORRELATION_INFO_LEN {
        return wrong("uCbStruct", i, u64::from(CORRELATION_INFO_LEN), u64::from(length));
    }
    Ok((rest, id.try_into().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{grows, hex};
    use super::*;

    #[test]
    fn reads_packets() {
        let bytes = hex("0300 0200 aabb");
        grows(&bytes, parse_packet);
        assert_eq!(parse_packet(&bytes).done(), Some((PacketType::PKT_TYPE_PAYLOAD, &[0xAA, 0xBB][..])));
    }

    #[test]
    fn finds_the_correlation_id_after_the_hello() {
        let hello = "16feff0000000000000000 0004 01020304";
        let id = "f00102030405060708090a0b0c0d0e0f";
        let bytes = hex(&format!("{hello} 00000000 aa1d {id} 1daa 1a00"));
        assert_eq!(correlation_id(&bytes, bytes.len()).map(|id| (id[0], id[15])), Ok((0xF0, 0x0F)));
        assert!(!dtls::looks_like_dtls(&bytes, bytes.len()));
        let hello = hex(hello);
        let why = correlation_id(&hello, hello.len()).unwrap_err();
        assert_eq!((why.what, why.have), ("UDP_CORRELATION_INFO", 0));
        assert_eq!(correlation_id(&bytes[..40], 43).unwrap_err().what, "UDP_CORRELATION_INFO");
    }
}
