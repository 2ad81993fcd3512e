//! Initiate Multitransport Request and Response (MS-RDPBCGR, section 2.2.15): the server invites the client to
//! UDP. Numbers are little-endian.

use nom::bytes::streaming::take;
use nom::number::streaming::{le_u16, le_u32};
use sha2::{Digest, Sha256};

use super::Malformed;
use super::wire::whole;
use crate::base::open_enum;

open_enum! {
    /// requestedProtocol (2.2.15.1).
    pub struct RequestedProtocol(u16) {
        /// Reliable UDP.
        INITIATE_REQUEST_PROTOCOL_UDPFECR = 1,
        /// Lossy UDP.
        INITIATE_REQUEST_PROTOCOL_UDPFECL = 2,
    }
}

/// An invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Comes again in the tunnel's create request.
    pub request_id: u32,
    /// Reliable or lossy.
    pub protocol: RequestedProtocol,
    /// SHA-256 of the security cookie: what the client's RDP-UDP SYN shows in clear (MS-RDPEUDP, section
    /// 2.2.2.9). The cookie itself is not kept.
    pub cookie_hash: [u8; 32],
}

/// The client's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// That of the request.
    pub request_id: u32,
    /// HRESULT: 0, or why there is no tunnel.
    pub result: u32,
}

/// What stands for a security cookie.
pub fn cookie_hash(cookie: &[u8]) -> [u8; 32] {
    Sha256::digest(cookie).into()
}

/// Parses what follows the security header of a request: `requestId u32 · requestedProtocol u16 · reserved u16 ·
/// securityCookie[16]`. Newer servers add bytes.
pub fn parse_request(body: &[u8]) -> Result<Request, Malformed> {
    whole("multitransport request", body, |i| {
        let (i, request_id) = le_u32(i)?;
        let (i, protocol) = le_u16(i)?;
        let (i, _reserved) = le_u16(i)?;
        let (i, cookie) = take(16_usize)(i)?;
        let cookie_hash = cookie_hash(cookie);
        Ok((i, Request { request_id, protocol: RequestedProtocol(protocol), cookie_hash }))
    })
}

/// Parses what follows the security header of a response: `requestId u32 · hrResponse u32`.
pub fn parse_response(body: &[u8]) -> Result<Response, Malformed> {
    whole("multitransport response", body, |i| {
        let (i, request_id) = le_u32(i)?;
        let (i, result) = le_u32(i)?;
        Ok((i, Response { request_id, result }))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::super::wire;
    use super::*;

    #[test]
    fn reads_both() {
        let bytes = hex("07000000 0100 0000 00000000000000000000000000000000");
        let request = parse_request(&bytes).unwrap();
        assert_eq!(request.request_id, 7);
        assert_eq!(request.protocol.name(), Some("INITIATE_REQUEST_PROTOCOL_UDPFECR"));
        // SHA-256 of sixteen zero bytes.
        let hash = "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb";
        assert_eq!(wire::hex(&request.cookie_hash), hash);
        assert!(parse_request(&bytes[..23]).is_err());
        let response = parse_response(&hex("07000000 04400080"));
        assert_eq!(response, Ok(Response { request_id: 7, result: 0x8000_4004 }));
        assert!(parse_response(&hex("07000000 044000")).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..48)) {
            let _ = (parse_request(&bytes), parse_response(&bytes));
        }
    }
}
