//! Protocol negotiation in the variable part of X.224 connection TPDUs (MS-RDPBCGR 2.2.1.1, 2.2.1.2).
//!
//! Numbers are little-endian. Nothing here fails: what can be read is given, with what is wrong.

use std::net::{Ipv4Addr, SocketAddrV4};

use nom::bytes::streaming::take;
use nom::number::streaming::{le_u8, le_u16, le_u32};

use super::wire::{Parsed, run, text};
use super::{Malformed, Step, x224};
use crate::base::{open_enum, open_flags};

/// Bytes of a cookie or token that are kept.
const TEXT_LIMIT: usize = 512;

open_flags! {
    /// Flags of RDP_NEG_REQ (2.2.1.1.1).
    pub struct RequestFlags(u8) {
        /// Credentials shall not be sent to the server.
        RESTRICTED_ADMIN_MODE_REQUIRED = 0x01,
        /// Remote Credential Guard.
        REDIRECTED_AUTHENTICATION_MODE_REQUIRED = 0x02,
        /// RDP_NEG_CORRELATION_INFO follows.
        CORRELATION_INFO_PRESENT = 0x08,
    }
}

open_flags! {
    /// Flags of RDP_NEG_RSP (2.2.1.2.1).
    pub struct ResponseFlags(u8) {
        /// The server takes the extended client data blocks.
        EXTENDED_CLIENT_DATA_SUPPORTED = 0x01,
        /// The server supports the graphics pipeline.
        DYNVC_GFX_PROTOCOL_SUPPORTED = 0x02,
        /// Reserved.
        NEGRSP_FLAG_RESERVED = 0x04,
        /// The server supports Restricted Admin.
        RESTRICTED_ADMIN_MODE_SUPPORTED = 0x08,
        /// The server supports Remote Credential Guard.
        REDIRECTED_AUTHENTICATION_MODE_SUPPORTED = 0x10,
    }
}

open_flags! {
    /// Security protocols, requested (any number) or selected (one); none set is Standard RDP Security.
    pub struct Protocols(u32) {
        /// Standard RDP Security: no bit at all.
        RDP = 0x00,
        /// TLS.
        SSL = 0x01,
        /// TLS, then CredSSP.
        HYBRID = 0x02,
        /// TLS, then RDSTLS.
        RDSTLS = 0x04,
        /// TLS, then CredSSP, then the Early User Authorization Result.
        HYBRID_EX = 0x08,
        /// TLS, then authentication by Entra ID.
        RDSAAD = 0x10,
    }
}

open_enum! {
    /// Why the server refused (failureCode of RDP_NEG_FAILURE, 2.2.1.2.2).
    pub struct FailureCode(u32) {
        /// The server insists on TLS or better.
        SSL_REQUIRED_BY_SERVER = 1,
        /// The server takes only Standard RDP Security.
        SSL_NOT_ALLOWED_BY_SERVER = 2,
        /// The server has no usable certificate.
        SSL_CERT_NOT_ON_SERVER = 3,
        /// The requested protocols contradict the security that is in place.
        INCONSISTENT_FLAGS = 4,
        /// The server insists on CredSSP.
        HYBRID_REQUIRED_BY_SERVER = 5,
        /// The server insists on TLS with a client certificate.
        SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER = 6,
    }
}

/// What a client asks for: the variable part of its connection request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionRequest {
    /// The value of `Cookie: mstshash=`, mostly the user's name cut to 9 characters.
    pub cookie: Option<String>,
    /// Another line before the negotiation, without a leading "Cookie: ": `msts=...`, `tsv://...`,
    /// `mth://...` or opaque.
    pub routing_token: Option<String>,
    /// RDP_NEG_REQ; old clients send none.
    pub negotiation: Option<NegotiationRequest>,
    /// The id of RDP_NEG_CORRELATION_INFO, which the client's RDP-UDP flows repeat.
    pub correlation_id: Option<[u8; 16]>,
    /// Bytes after all that.
    pub trailing: usize,
    /// The first thing that is wrong, offsets counted from the variable part's start (from the TPDU's
    /// for LI).
    pub malformed: Option<Malformed>,
}

/// RDP_NEG_REQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NegotiationRequest {
    /// Flags.
    pub flags: RequestFlags,
    /// Protocols that the client offers.
    pub protocols: Protocols,
}

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionConfirm {
    /// The server's reference.
    pub src_ref: u16,
    /// Old servers, and servers asked by old clients, send none.
    pub negotiation: Option<NegotiationResponse>,
    /// Bytes after it.
    pub trailing: usize,
    /// The first thing that is wrong, offsets as in [`ConnectionRequest::malformed`].
    pub malformed: Option<Malformed>,
}

/// The answer to RDP_NEG_REQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NegotiationResponse {
    /// RDP_NEG_RSP.
    Response {
        /// Flags.
        flags: ResponseFlags,
        /// The one protocol that was chosen.
        selected: Protocols,
    },
    /// RDP_NEG_FAILURE.
    Failure {
        /// Why.
        code: FailureCode,
    },
    /// A structure of another type.
    Unknown {
        /// Its type.
        kind: u8,
        /// Its flags.
        flags: u8,
        /// Its number.
        value: u32,
    },
}

const TYPE_REQUEST: u8 = 0x01;
const TYPE_RESPONSE: u8 = 0x02;
const TYPE_FAILURE: u8 = 0x03;
const TYPE_CORRELATION: u8 = 0x06;

/// Reads a connection request.
pub fn request(tpdu: &x224::Connection<'_>) -> ConnectionRequest {
    let mut request = ConnectionRequest { malformed: tpdu.malformed, ..ConnectionRequest::default() };
    let all = tpdu.variable;
    let mut left = all;
    if let Some((line, tail)) = line(left) {
        if let Some(name) = line.strip_prefix(b"Cookie: mstshash=") {
            request.cookie = Some(text(name, TEXT_LIMIT));
        } else {
            let token = line.strip_prefix(b"Cookie: ").unwrap_or(line);
            request.routing_token = Some(text(token, TEXT_LIMIT));
        }
        left = tail;
    }
    if left.first() == Some(&TYPE_REQUEST) {
        let (block, tail) = negotiation(all, left, &mut request.malformed);
        request.negotiation = block.map(|block| NegotiationRequest {
            flags: RequestFlags(block.flags),
            protocols: Protocols(block.value),
        });
        left = tail;
    }
    if left.first() == Some(&TYPE_CORRELATION) {
        match run(left, correlation) {
            Step::Done(id, taken) => {
                request.correlation_id = Some(id);
                left = left.get(taken..).unwrap_or_default();
            }
            Step::Need(_) | Step::Broken(_) => {
                note(&mut request.malformed, "RDP_NEG_CORRELATION_INFO", all, left, 36);
            }
        }
    }
    request.trailing = left.len();
    request
}

/// Reads a connection confirm.
pub fn confirm(tpdu: &x224::Connection<'_>) -> ConnectionConfirm {
    let mut malformed = tpdu.malformed;
    let (block, left) = match tpdu.variable {
        [] => (None, tpdu.variable),
        variable => negotiation(variable, variable, &mut malformed),
    };
    let negotiation = block.map(|block| match block.kind {
        TYPE_RESPONSE => NegotiationResponse::Response {
            flags: ResponseFlags(block.flags),
            selected: Protocols(block.value),
        },
        TYPE_FAILURE => NegotiationResponse::Failure { code: FailureCode(block.value) },
        kind => NegotiationResponse::Unknown { kind, flags: block.flags, value: block.value },
    });
    ConnectionConfirm { src_ref: tpdu.src_ref, negotiation, trailing: left.len(), malformed }
}

/// The address in a token `msts=<ip>.<port>.0000`: decimal numbers of the bytes in reverse order.
pub fn token_address(token: &str) -> Option<SocketAddrV4> {
    let mut parts = token.strip_prefix("msts=")?.split('.');
    let ip: u32 = parts.next()?.parse().ok()?;
    let port: u16 = parts.next()?.parse().ok()?;
    let end = parts.next().is_some_and(|zeros| zeros == "0000") && parts.next().is_none();
    end.then(|| SocketAddrV4::new(Ipv4Addr::from(ip.to_le_bytes()), port.swap_bytes()))
}

/// The cookie's or token's line without its CR LF, and what follows. A negotiation block is no line.
fn line(variable: &[u8]) -> Option<(&[u8], &[u8])> {
    if matches!(variable, [TYPE_REQUEST | TYPE_CORRELATION, ..]) {
        return None;
    }
    let end = variable.windows(2).position(|pair| pair == b"\r\n")?;
    let (line, tail) = variable.split_at_checked(end)?;
    Some((line, tail.get(2..).unwrap_or_default()))
}

/// The layout that RDP_NEG_REQ, RDP_NEG_RSP and RDP_NEG_FAILURE share.
struct Block {
    kind: u8,
    flags: u8,
    value: u32,
}

/// `type u8 · flags u8 · length u16 = 8 · value u32`.
fn block(i: &[u8]) -> Parsed<'_, (Block, u16)> {
    let (i, kind) = le_u8(i)?;
    let (i, flags) = le_u8(i)?;
    let (i, length) = le_u16(i)?;
    let (i, value) = le_u32(i)?;
    Ok((i, (Block { kind, flags, value }, length)))
}

/// Reads the block at the start of `left`, a part of `all`; a wrong length is noted and not followed.
fn negotiation<'a>(
    all: &[u8],
    left: &'a [u8],
    malformed: &mut Option<Malformed>,
) -> (Option<Block>, &'a [u8]) {
    let Step::Done((block, length), taken) = run(left, block) else {
        note(malformed, "negotiation structure", all, left, 8);
        return (None, left);
    };
    if length != 8 {
        let offset = all.len().saturating_sub(left.len()).saturating_add(2);
        let wrong = Malformed { what: "negotiation length", offset, need: 8, have: u64::from(length) };
        malformed.get_or_insert(wrong);
    }
    (Some(block), left.get(taken..).unwrap_or_default())
}

/// `type u8 · flags u8 = 0 · length u16 = 36 · correlationId 16 bytes · reserved 16 bytes` (2.2.1.1.2).
fn correlation(i: &[u8]) -> Parsed<'_, [u8; 16]> {
    let (i, _head) = le_u32(i)?;
    let (i, id) = take(16_usize)(i)?;
    let (i, _reserved) = take(16_usize)(i)?;
    Ok((i, <[u8; 16]>::try_from(id).unwrap_or_default()))
}

/// Notes that `left`, a part of `all`, is too short for `what`.
fn note(malformed: &mut Option<Malformed>, what: &'static str, all: &[u8], left: &[u8], need: u64) {
    let offset = all.len().saturating_sub(left.len());
    malformed.get_or_insert(Malformed { what, offset, need, have: left.len() as u64 });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::super::tpkt;
    use super::*;

    fn connection(bytes: &[u8]) -> x224::Tpdu<'_> {
        let Step::Done(packet, _) = tpkt::parse(bytes) else { panic!("no TPKT") };
        x224::parse(packet.payload).unwrap()
    }

    fn request_of(bytes: &[u8]) -> ConnectionRequest {
        let x224::Tpdu::ConnectionRequest(tpdu) = connection(bytes) else { panic!("no CR") };
        request(&tpdu)
    }

    fn confirm_of(bytes: &[u8]) -> ConnectionConfirm {
        let x224::Tpdu::ConnectionConfirm(tpdu) = connection(bytes) else { panic!("no CC") };
        confirm(&tpdu)
    }

    fn variable(bytes: &[u8]) -> x224::Connection<'_> {
        x224::Connection { dst_ref: 0, src_ref: 0, class: 0, variable: bytes, malformed: None }
    }

    #[test]
    fn reads_requests() {
        // rdp-proprietary-encryption#4.
        let mut bytes = hex("0300002f 2ae00000000000");
        bytes.extend_from_slice(b"Cookie: mstshash=FTBCO\\A70\r\n");
        bytes.extend_from_slice(&hex("0100080001000000"));
        let seen = request_of(&bytes);
        assert_eq!(seen.cookie.as_deref(), Some("FTBCO\\A70"));
        assert_eq!(seen.negotiation.unwrap().protocols, Protocols::SSL);
        assert_eq!((seen.routing_token, seen.trailing, seen.malformed), (None, 0, None));

        // ndpi-rdp#4: no cookie.
        let seen = request_of(&hex("030000130ee00000000000 010008000b000000"));
        let names = seen.negotiation.unwrap().protocols.names();
        assert_eq!(names, ["SSL", "HYBRID", "HYBRID_EX"]);
        assert_eq!(seen.cookie, None);

        // ndpi-rdp3#4: cookie, no negotiation.
        let mut bytes = hex("0300002722e00000000000");
        bytes.extend_from_slice(b"Cookie: mstshash=Administr\r\n");
        let seen = request_of(&bytes);
        assert_eq!((seen.cookie.as_deref(), seen.negotiation), (Some("Administr"), None));
    }

    #[test]
    fn reads_tokens() {
        let seen = request(&variable(b"Cookie: msts=3640205228.15629.0000\r\n\x01\x00\x08\x00\x03\0\0\0"));
        assert_eq!(seen.routing_token.as_deref(), Some("msts=3640205228.15629.0000"));
        assert_eq!(seen.negotiation.unwrap().protocols, Protocols(3));
        let seen = request(&variable(b"tsv://MS Terminal Services Plugin.1.Farm\r\n"));
        assert_eq!(seen.routing_token.as_deref(), Some("tsv://MS Terminal Services Plugin.1.Farm"));
        let address = token_address("msts=3640205228.15629.0000");
        assert_eq!(address, Some("172.31.249.216:3389".parse().unwrap()));
        assert_eq!(token_address("msts=1.2.3"), None);
        assert_eq!(token_address("tsv://x"), None);
    }

    #[test]
    fn reads_correlation() {
        let mut bytes = hex("0108080001000000 06002400");
        bytes.extend(1..=16);
        bytes.extend([0; 16]);
        let seen = request(&variable(&bytes));
        assert_eq!(seen.correlation_id.unwrap()[15], 16);
        assert_eq!(seen.negotiation.unwrap().flags, RequestFlags::CORRELATION_INFO_PRESENT);
        assert_eq!((seen.trailing, seen.malformed), (0, None));
        let seen = request(&variable(&bytes[..20]));
        assert_eq!(seen.correlation_id, None);
        assert_eq!(seen.malformed.unwrap().have, 12);
    }

    #[test]
    fn reads_confirms() {
        // ndpi-rdp#5.
        let seen = confirm_of(&hex("030000130ed00000123400 021f080008000000"));
        let Some(NegotiationResponse::Response { flags, selected }) = seen.negotiation else { panic!() };
        assert_eq!((flags.0, selected, seen.src_ref), (0x1F, Protocols::HYBRID_EX, 0x1234));
        // rdp-proprietary-encryption#5.
        let seen = confirm_of(&hex("030000130ed00000123400 0300080002000000"));
        let refused = NegotiationResponse::Failure { code: FailureCode::SSL_NOT_ALLOWED_BY_SERVER };
        assert_eq!((seen.negotiation, seen.malformed), (Some(refused), None));
        // ndpi-rdp3#5.
        let seen = confirm_of(&hex("0300000b06d00000123400"));
        assert_eq!((seen.negotiation, seen.malformed), (None, None));
        // A code and a type that nobody named yet.
        let seen = confirm_of(&hex("030000130ed00000123400 0300080063000000"));
        assert_eq!(seen.negotiation, Some(NegotiationResponse::Failure { code: FailureCode(0x63) }));
        let seen = confirm_of(&hex("030000130ed00000123400 0900080063000000"));
        assert!(matches!(seen.negotiation, Some(NegotiationResponse::Unknown { kind: 9, .. })));
    }

    #[test]
    fn reads_what_it_can_of_broken_lengths() {
        // rdp-invalid-length#5: the length is 0.
        let seen = confirm_of(&hex("030000130ed00000123400 0203000001000002"));
        let Some(NegotiationResponse::Response { selected, .. }) = seen.negotiation else { panic!() };
        assert_eq!(selected, Protocols(0x0200_0001));
        let wrong = Malformed { what: "negotiation length", offset: 2, need: 8, have: 0 };
        assert_eq!(seen.malformed, Some(wrong));
        // As in rdp-invalid-length#7: junk after the cookie.
        let seen = request(&variable(b"Cookie: mstshash=JOHN-PC  \r\n\x01\x00Packe\xb0\xb0"));
        assert_eq!(seen.cookie.as_deref(), Some("JOHN-PC  "));
        assert_eq!(seen.malformed.map(|m| (m.offset, m.have)), Some((30, 0x6150)));
        assert_eq!((seen.negotiation.is_some(), seen.trailing), (true, 1));
    }

    #[test]
    fn every_cut_is_read() {
        let bytes = b"Cookie: mstshash=\xff\x00\r\n\x01\x00\x08\x00\x03\0\0\0";
        for cut in 0..bytes.len() {
            assert_eq!(request(&variable(&bytes[..cut])).negotiation, None);
        }
        assert_eq!(request(&variable(bytes)).cookie.as_deref(), Some("\u{FFFD}\0"));
        assert_eq!(confirm(&variable(&bytes[21..24])).malformed.map(|m| m.have), Some(3));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..96), head in any::<bool>()) {
            let mut bytes = bytes;
            if head { bytes.splice(0..0, *b"Cookie: mstshash="); }
            prop_assert!(request(&variable(&bytes)).trailing <= bytes.len());
            prop_assert!(confirm(&variable(&bytes)).trailing <= bytes.len());
        }
    }
}
