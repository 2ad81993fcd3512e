//! RD Gateway packets over HTTP (MS-TSGU, section 2.2.10): the tunnel's own handshake and its status codes.
//! Numbers are little-endian. Cookies and statements of health are not kept.

use nom::bytes::streaming::take;
use nom::number::streaming::{le_u8, le_u16, le_u32};

use super::Step;
use super::wire::{Parsed, run, utf16, wrong};
use crate::base::{open_enum, open_flags};

open_enum! {
    /// packetType (2.2.10.9), prefix PKT_TYPE_ dropped.
    pub struct PacketType(u16) {
        /// Handshake request, C→S.
        HANDSHAKE_REQUEST = 0x01,
        /// Handshake response, S→C.
        HANDSHAKE_RESPONSE = 0x02,
        /// Extended authentication, either way.
        EXTENDED_AUTH_MSG = 0x03,
        /// Tunnel create request, C→S.
        TUNNEL_CREATE = 0x04,
        /// Tunnel create response, S→C.
        TUNNEL_RESPONSE = 0x05,
        /// Tunnel authorization request, C→S.
        TUNNEL_AUTH = 0x06,
        /// Tunnel authorization response, S→C.
        TUNNEL_AUTH_RESPONSE = 0x07,
        /// Channel create request, C→S.
        CHANNEL_CREATE = 0x08,
        /// Channel create response, S→C.
        CHANNEL_RESPONSE = 0x09,
        /// Data of the session inside.
        DATA = 0x0A,
        /// Message of the administrator, S→C.
        SERVICE_MESSAGE = 0x0B,
        /// Reauthentication, S→C.
        REAUTH_MESSAGE = 0x0C,
        /// Keep-alive.
        KEEPALIVE = 0x0D,
        /// Channel close.
        CLOSE_CHANNEL = 0x10,
        /// Answer to a channel close.
        CLOSE_CHANNEL_RESPONSE = 0x11,
    }
}

open_flags! {
    /// HTTP_EXTENDED_AUTH (2.2.5.3.2), prefix HTTP_EXTENDED_AUTH_ dropped.
    pub struct ExtendedAuth(u16) {
        /// Smart card.
        SC = 0x01,
        /// Pluggable authentication: a cookie.
        PAA = 0x02,
        /// NTLM inside of HTTP.
        SSPI_NTLM = 0x04,
        /// Bearer token.
        BEARER = 0x08,
    }
}

open_flags! {
    /// HTTP_CAPABILITY_TYPE (2.2.5.3.3), prefix HTTP_CAPABILITY_ dropped.
    pub struct Capabilities(u32) {
        /// Quarantine with a statement of health.
        TYPE_QUAR_SOH = 0x01,
        /// Idle timeout.
        IDLE_TIMEOUT = 0x02,
        /// Consent message.
        MESSAGING_CONSENT_SIGN = 0x04,
        /// Service messages.
        MESSAGING_SERVICE_MSG = 0x08,
        /// Reauthentication.
        REAUTH = 0x10,
        /// UDP beside the tunnel.
        UDP_TRANSPORT = 0x20,
    }
}

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// Handshake request: what the client can authenticate by.
    HandshakeRequest(ExtendedAuth),
    /// Handshake response.
    HandshakeResponse {
        /// 0, or why the gateway refuses: an HRESULT or its low word.
        status: u32,
        /// What the gateway takes.
        auth: ExtendedAuth,
    },
    /// Tunnel create request.
    TunnelCreate(Capabilities),
    /// Tunnel authorization request: the client's name.
    TunnelAuth(String),
    /// Channel create request: where to.
    ChannelCreate {
        /// Name or address of the server behind the gateway, the first one asked for.
        resource: Option<String>,
        /// Its TCP port.
        port: u16,
    },
    /// A message that says how something went: type, and 0 or why not.
    Status(PacketType, u32),
    /// Idle timeout in minutes, from a tunnel authorization response without error.
    Authorized {
        /// 0 where there is none.
        idle_timeout: Option<u32>,
    },
    /// Another packet.
    Other(PacketType),
}

impl Packet {
    /// What the gateway said: type of the packet, and 0 or why not.
    pub const fn status(&self) -> Option<(PacketType, u32)> {
        match self {
            Packet::HandshakeResponse { status, .. } => Some((PacketType::HANDSHAKE_RESPONSE, *status)),
            Packet::Status(kind, status) => Some((*kind, *status)),
            Packet::Authorized { .. } => Some((PacketType::TUNNEL_AUTH_RESPONSE, 0)),
            _ => None,
        }
    }
}

/// Bytes of the header.
pub const HEADER_LEN: usize = 8;
/// The longest packet believed: data packets hold at most 64 KiB.
const LONGEST: u32 = 0x2_0000;
/// Characters of a name that are kept.
const NAME: usize = 256;

/// The header of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it is.
    pub kind: PacketType,
    /// Length of the packet in bytes, this header included.
    pub length: usize,
}

/// Parses only the header: `packetType u16 · reserved u16 · packetLength u32`.
pub fn parse_header(input: &[u8]) -> Step<Header> {
    run(input, header)
}

fn header(start: &[u8]) -> Parsed<'_, Header> {
    let (i, kind) = le_u16(start)?;
    if PacketType(kind).name().is_none() {
        return wrong("gateway packetType", start, 0x11, u64::from(kind));
    }
    let (at, _reserved) = le_u16(i)?;
    let (i, length) = le_u32(at)?;
    if length < HEADER_LEN as u32 || length > LONGEST {
        return wrong("gateway packetLength", at, u64::from(LONGEST), u64::from(length));
    }
    Ok((i, Header { kind: PacketType(kind), length: length as usize }))
}

/// Parses the packet at the start of `input`.
pub fn parse(input: &[u8]) -> Step<Packet> {
    run(input, |i| {
        let (i, Header { kind, length }) = header(i)?;
        let (after, fields) = take(length.saturating_sub(HEADER_LEN))(i)?;
        let packet = super::wire::inside("gateway packet", fields, after, |i| packet(kind, i))?;
        Ok((after, packet))
    })
}

/// What a data packet carries: `header · length u16 · data`. `None` where it is shorter than it says.
pub fn data(packet: &[u8]) -> Option<&[u8]> {
    let (length, data) = packet.get(HEADER_LEN..)?.split_first_chunk()?;
    data.get(..usize::from(u16::from_le_bytes(*length)))
}

/// Where the handshake response is with which a gateway begins, after random bytes of no given number (3.3.5.1).
pub fn after_seed(bytes: &[u8]) -> Option<usize> {
    /// Type, reserved, and the only length that it may have.
    const BEGIN: [u8; HEADER_LEN] = [PacketType::HANDSHAKE_RESPONSE.0 as u8, 0, 0, 0, 18, 0, 0, 0];
    bytes.windows(HEADER_LEN).position(|window| window == BEGIN)
}

fn packet(kind: PacketType, i: &[u8]) -> Parsed<'_, Packet> {
    match kind {
        PacketType::HANDSHAKE_REQUEST => {
            // Version, client version.
            let (i, _) = take(4_usize)(i)?;
            le_u16(i).map(|(i, auth)| (i, Packet::HandshakeRequest(ExtendedAuth(auth))))
        }
        PacketType::HANDSHAKE_RESPONSE => {
            let (i, status) = le_u32(i)?;
            let (i, _) = take(4_usize)(i)?;
            let (i, auth) = le_u16(i)?;
            Ok((i, Packet::HandshakeResponse { status, auth: ExtendedAuth(auth) }))
        }
        PacketType::TUNNEL_CREATE => {
            le_u32(i).map(|(i, capabilities)| (i, Packet::TunnelCreate(Capabilities(capabilities))))
        }
        PacketType::TUNNEL_RESPONSE => {
            let (i, _version) = le_u16(i)?;
            le_u32(i).map(|(i, status)| (i, Packet::Status(kind, status)))
        }
        PacketType::TUNNEL_AUTH => {
            let (i, _fields) = le_u16(i)?;
            let (i, len) = le_u16(i)?;
            let (i, name) = take(len)(i)?;
            Ok((i, Packet::TunnelAuth(utf16(name, NAME))))
        }
        PacketType::TUNNEL_AUTH_RESPONSE => authorized(i),
        PacketType::CHANNEL_CREATE => {
            let (i, resources) = le_u8(i)?;
            let (i, _alternatives) = le_u8(i)?;
            let (i, port) = le_u16(i)?;
            let (i, _protocol) = le_u16(i)?;
            if resources == 0 {
                return Ok((i, Packet::ChannelCreate { resource: None, port }));
            }
            let (i, len) = le_u16(i)?;
            let (i, name) = take(len)(i)?;
            Ok((i, Packet::ChannelCreate { resource: Some(utf16(name, NAME)), port }))
        }
        PacketType::EXTENDED_AUTH_MSG
        | PacketType::CHANNEL_RESPONSE
        | PacketType::CLOSE_CHANNEL
        | PacketType::CLOSE_CHANNEL_RESPONSE => {
            le_u32(i).map(|(i, status)| (i, Packet::Status(kind, status)))
        }
        other => Ok((i, Packet::Other(other))),
    }
}

/// `errorCode u32 · fieldsPresent u16 · reserved u16 · [redirFlags u32] · [idleTimeout u32]`.
fn authorized(i: &[u8]) -> Parsed<'_, Packet> {
    const REDIRECTION: u16 = 1;
    const IDLE_TIMEOUT: u16 = 2;
    let (i, status) = le_u32(i)?;
    if status != 0 {
        return Ok((i, Packet::Status(PacketType::TUNNEL_AUTH_RESPONSE, status)));
    }
    let (i, present) = le_u16(i)?;
    let (i, _reserved) = le_u16(i)?;
    let (i, _) = take(if present & REDIRECTION == 0 { 0_usize } else { 4 })(i)?;
    if present & IDLE_TIMEOUT == 0 {
        return Ok((i, Packet::Authorized { idle_timeout: None }));
    }
    le_u32(i).map(|(i, minutes)| (i, Packet::Authorized { idle_timeout: Some(minutes) }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{grows, hex};
    use super::*;

    fn read(text: &str) -> Packet {
        let bytes = hex(text);
        grows(&bytes, parse);
        parse(&bytes).done().unwrap()
    }

    #[test]
    fn reads_what_the_client_asks() {
        let request = read("0100 0000 0e000000 01 00 0000 0200");
        assert_eq!(request, Packet::HandshakeRequest(ExtendedAuth::PAA));
        let create = read("0400 0000 10000000 3f000000 0000 0000");
        assert_eq!(create, Packet::TunnelCreate(Capabilities(0x3F)));
        let auth = read("0600 0000 12000000 0000 0600 570053000000");
        assert_eq!(auth, Packet::TunnelAuth("WS".to_owned()));
        let channel = read("0800 0000 16000000 01 00 3d0d 0300 0600 740073000000");
        assert_eq!(channel, Packet::ChannelCreate { resource: Some("ts".to_owned()), port: 3389 });
    }

    #[test]
    fn reads_what_the_gateway_says() {
        let response = read("0200 0000 12000000 00000000 01 00 0000 0200");
        assert_eq!(response, Packet::HandshakeResponse { status: 0, auth: ExtendedAuth::PAA });
        let refused = read("0700 0000 10000000 db590780 0000 0000");
        assert_eq!(refused.status(), Some((PacketType::TUNNEL_AUTH_RESPONSE, 0x8007_59DB)));
        let allowed = read("0700 0000 18000000 00000000 0300 0000 01000000 1e000000");
        assert_eq!(allowed, Packet::Authorized { idle_timeout: Some(30) });
        let tunnel = read("0500 0000 12000000 0000 00000000 0000 0000");
        assert_eq!(tunnel.status(), Some((PacketType::TUNNEL_RESPONSE, 0)));
        let unreachable = read("0900 0000 10000000 dd590780 0000 0000");
        assert_eq!(unreachable.status(), Some((PacketType::CHANNEL_RESPONSE, 0x8007_59DD)));
        assert_eq!(read("0d00 0000 08000000"), Packet::Other(PacketType::KEEPALIVE));
        assert_eq!(read("0d00 0000 08000000").status(), None);
    }

    #[test]
    fn finds_data_and_the_end_of_the_seed() {
        assert_eq!(data(&hex("0a00 0000 0d000000 0300 010203")), Some(&[1, 2, 3][..]));
        assert_eq!(data(&hex("0a00 0000 0b000000 0300 01")), None);
        let response = hex("0200 0000 12000000 00000000 01 00 0000 0200");
        assert_eq!(after_seed(&response), Some(0));
        assert_eq!(after_seed(&[&[2, 0, 0], response.as_slice()].concat()), Some(3));
        assert_eq!(after_seed(&[7; 100]), None);
    }

    #[test]
    fn refuses_what_is_none() {
        assert!(matches!(parse(&hex("1603 0301 00")), Step::Broken(why) if why.what == "gateway packetType"));
        let short = parse(&hex("0d00 0000 07000000"));
        assert!(matches!(short, Step::Broken(why) if why.what == "gateway packetLength"));
        // The packet ends before its fields do.
        assert!(matches!(parse(&hex("0900 0000 0a000000 0000")), Step::Broken(_)));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64), kind in 0_u8..18) {
            let _ = parse(&bytes);
            let head = [kind, 0, 0, 0, bytes.len() as u8 + 8, 0, 0, 0];
            let _ = parse(&[&head, bytes.as_slice()].concat());
        }
    }
}
