//! PDUs of a multitransport tunnel, inside the TLS or DTLS of an RDP-UDP flow (MS-RDPEMT, section 2.2).
//! Numbers are little-endian. Without keys only their lengths show.

use nom::Parser;
use nom::bytes::streaming::take;
use nom::combinator::map_opt;
use nom::number::streaming::{be_u8, le_u16, le_u32};

use super::Step;
use super::wire::{Parsed, inside, run, wrong};
use crate::base::open_enum;

/// Bytes of a Tunnel Create Request PDU without subheaders.
pub const CREATE_REQUEST_LEN: usize = 28;
/// Bytes of a Tunnel Create Response PDU without subheaders.
pub const CREATE_RESPONSE_LEN: usize = 8;
/// Fewest bytes of `RDP_TUNNEL_HEADER`.
const HEADER_LEN: u8 = 4;

open_enum! {
    /// `Action` (section 2.2.1.1).
    pub struct Action(u8) {
        /// The client asks for the tunnel.
        RDPTUNNEL_ACTION_CREATEREQUEST = 0,
        /// The server answers.
        RDPTUNNEL_ACTION_CREATERESPONSE = 1,
        /// Data of a higher layer.
        RDPTUNNEL_ACTION_DATA = 2,
    }
}

open_enum! {
    /// `SubHeaderType` (section 2.2.1.1.1).
    pub struct SubHeaderType(u8) {
        /// Network auto-detection asks.
        TYPE_ID_AUTODETECT_REQUEST = 0,
        /// Network auto-detection answers.
        TYPE_ID_AUTODETECT_RESPONSE = 1,
    }
}

open_enum! {
    /// `HrResponse` (section 2.2.2.2): the tunnel is refused where the top bit is set. No document lists
    /// what servers send; these are general codes.
    pub struct HResult(u32) {
        /// The tunnel is there.
        S_OK = 0,
        /// Given up.
        E_ABORT = 0x8000_4004,
        /// Not told why.
        E_FAIL = 0x8000_4005,
        /// Not allowed.
        E_ACCESSDENIED = 0x8007_0005,
        /// No memory left.
        E_OUTOFMEMORY = 0x8007_000E,
    }
}

impl HResult {
    /// Whether it refuses the tunnel.
    pub const fn is_failure(self) -> bool {
        self.0 >> 31 == 1
    }
}

/// One PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pdu<'a> {
    /// `Flags`, four bits; 0.
    pub flags: u8,
    /// The subheaders, as on the wire: see [`Pdu::subheaders`].
    subheaders: &'a [u8],
    /// What it says.
    pub body: Body<'a>,
}

/// What a PDU says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// `RDP_TUNNEL_CREATEREQUEST`: what the server sent over TCP, sent back.
    CreateRequest {
        /// `RequestID`.
        request_id: u32,
        /// `SecurityCookie`; the SYN may carry its SHA-256.
        security_cookie: [u8; 16],
    },
    /// `RDP_TUNNEL_CREATERESPONSE`.
    CreateResponse(HResult),
    /// `RDP_TUNNEL_DATA`.
    Data(&'a [u8]),
    /// Another action.
    Other(Action, &'a [u8]),
}

impl<'a> Pdu<'a> {
    /// The subheaders, each with its data; ends where they make no sense.
    pub fn subheaders(&self) -> impl Iterator<Item = (SubHeaderType, &'a [u8])> {
        let mut left = self.subheaders;
        std::iter::from_fn(move || {
            let (rest, found) = subheader(left).ok()?;
            left = rest;
            Some(found)
        })
    }
}

/// Parses the PDU at the start of `input`: `Action:4 (low) Flags:4 · PayloadLength u16 · HeaderLength u8 ·
/// subheaders · payload`.
pub fn parse(input: &[u8]) -> Step<Pdu<'_>> {
    run(input, |start| {
        let (i, first) = be_u8(start)?;
        let (at, payload_len) = le_u16(i)?;
        let (i, header_len) = be_u8(at)?;
        let Some(subheaders_len) = header_len.checked_sub(HEADER_LEN) else {
            return wrong("HeaderLength", at, u64::from(HEADER_LEN), u64::from(header_len));
        };
        let (i, subheaders) = take(subheaders_len)(i)?;
        let (i, payload) = take(payload_len)(i)?;
        let body = match Action(first & 0xF) {
            Action::RDPTUNNEL_ACTION_CREATEREQUEST => {
                inside("RDP_TUNNEL_CREATEREQUEST", payload, i, create_request)?
            }
            Action::RDPTUNNEL_ACTION_CREATERESPONSE => {
                inside("RDP_TUNNEL_CREATERESPONSE", payload, i, |i| {
                    let (i, code) = le_u32(i)?;
                    Ok((i, Body::CreateResponse(HResult(code))))
                })?
            }
            Action::RDPTUNNEL_ACTION_DATA => Body::Data(payload),
            other => Body::Other(other, payload),
        };
        Ok((i, Pdu { flags: first >> 4, subheaders, body }))
    })
}

fn create_request(i: &[u8]) -> Parsed<'_, Body<'static>> {
    let (i, request_id) = le_u32(i)?;
    let (i, _reserved) = le_u32(i)?;
    let (i, security_cookie) = map_opt(take(16_usize), |cookie: &[u8]| cookie.try_into().ok()).parse(i)?;
    Ok((i, Body::CreateRequest { request_id, security_cookie }))
}

/// `SubHeaderLength u8, itself and the type included · SubHeaderType u8 · data`.
fn subheader(start: &[u8]) -> Parsed<'_, (SubHeaderType, &[u8])> {
    let (i, length) = be_u8(start)?;
    let (i, kind) = be_u8(i)?;
    let Some(data_len) = length.checked_sub(2) else {
        return wrong("SubHeaderLength", start, 2, u64::from(length));
    };
    let (i, data) = take(data_len)(i)?;
    Ok((i, (SubHeaderType(kind), data)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{grows, hex};
    use super::*;

    #[test]
    fn reads_a_create_request_and_its_answers() {
        let cookie = "000102030405060708090a0b0c0d0e0f";
        let bytes = hex(&format!("00180004 07000000 00000000 {cookie}"));
        assert_eq!(bytes.len(), CREATE_REQUEST_LEN);
        grows(&bytes, parse);
        let security_cookie = std::array::from_fn(|at| at as u8);
        let body = Body::CreateRequest { request_id: 7, security_cookie };
        assert_eq!(parse(&bytes).done().map(|pdu| pdu.body), Some(body));
        let answer = |code: &str| match parse(&hex(&format!("01040004 {code}"))) {
            Step::Done(Pdu { body: Body::CreateResponse(code), .. }, CREATE_RESPONSE_LEN) => code,
            other => panic!("{other:?}"),
        };
        assert_eq!((answer("00000000"), answer("00000000").is_failure()), (HResult::S_OK, false));
        assert_eq!((answer("05400080"), answer("05400080").is_failure()), (HResult::E_FAIL, true));
        assert!(matches!(
            parse(&hex("01020004 0000")),
            Step::Broken(super::super::Malformed { need: 4, have: 2, .. })
        ));
    }

    #[test]
    fn reads_data_with_subheaders() {
        let bytes = hex("02 0300 0b 0401aabb 0300cc ddeeff");
        let pdu = parse(&bytes).done().unwrap();
        assert_eq!(pdu.body, Body::Data(&[0xDD, 0xEE, 0xFF]));
        let subheaders: Vec<_> = pdu.subheaders().collect();
        let (request, response) =
            (SubHeaderType::TYPE_ID_AUTODETECT_REQUEST, SubHeaderType::TYPE_ID_AUTODETECT_RESPONSE);
        assert_eq!(subheaders, [(response, &[0xAA, 0xBB][..]), (request, &[0xCC][..])]);
        let broken = hex("02 0000 06 0001");
        assert_eq!(parse(&broken).done().map(|pdu| pdu.subheaders().count()), Some(0));
        assert!(matches!(parse(&hex("02000003")), Step::Broken(_)));
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Step::Done(pdu, used) = parse(&bytes) {
                prop_assert!(used <= bytes.len());
                prop_assert!(pdu.subheaders().count() <= bytes.len() / 2);
            }
        }
    }
}
