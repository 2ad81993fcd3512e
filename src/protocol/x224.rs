//! X.224 TPDUs of transport class 0, each the payload of one TPKT (ITU-T X.224, section 13).
//!
//! A TPDU is `LI u8 · code u8 · rest of the header · user data`; LI counts the header's bytes after
//! itself. Numbers are big-endian.

use nom::combinator::rest;
use nom::number::streaming::{be_u8, be_u16};

use super::Malformed;
use super::wire::{Parsed, whole, wrong};
use crate::base::open_enum;

open_enum! {
    /// What a TPDU is; the low four bits of its code byte are left out.
    pub struct TpduCode(u8) {
        /// Expedited data.
        ED = 0x10,
        /// Expedited data acknowledgement.
        EA = 0x20,
        /// Reject.
        RJ = 0x50,
        /// Data acknowledgement.
        AK = 0x60,
        /// Error.
        ER = 0x70,
        /// Disconnect request.
        DR = 0x80,
        /// Disconnect confirm.
        DC = 0xC0,
        /// Connection confirm.
        CC = 0xD0,
        /// Connection request.
        CR = 0xE0,
        /// Data.
        DT = 0xF0,
    }
}

/// One TPDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tpdu<'a> {
    /// Connection request (CR).
    ConnectionRequest(Connection<'a>),
    /// Connection confirm (CC).
    ConnectionConfirm(Connection<'a>),
    /// Data (DT).
    Data {
        /// Whether this TPDU ends its message (EOT).
        end: bool,
        /// The user data.
        payload: &'a [u8],
    },
    /// Disconnect request (DR).
    DisconnectRequest {
        /// Why; 0 where nothing is said.
        reason: u8,
    },
    /// A TPDU was not understood (ER).
    Error {
        /// Reject cause.
        cause: u8,
    },
    /// Another TPDU.
    Other(TpduCode),
}

/// A connection request or confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection<'a> {
    /// The receiver's reference, 0 in a request.
    pub dst_ref: u16,
    /// The sender's reference.
    pub src_ref: u16,
    /// Class and options; 0 in RDP.
    pub class: u8,
    /// All bytes after the fixed part, even those that LI leaves out.
    pub variable: &'a [u8],
    /// Where LI contradicts the number of bytes.
    pub malformed: Option<Malformed>,
}

/// LI of a connection TPDU without variable part.
const CONNECTION_LI: u8 = 6;

/// Parses the payload of a TPKT.
pub fn parse(payload: &[u8]) -> Result<Tpdu<'_>, Malformed> {
    whole("X.224 TPDU", payload, tpdu)
}

fn tpdu(start: &[u8]) -> Parsed<'_, Tpdu<'_>> {
    let (at, li) = be_u8(start)?;
    let (i, code) = be_u8(at)?;
    let available = start.len().saturating_sub(1);
    match TpduCode(code & 0xF0) {
        kind @ (TpduCode::CR | TpduCode::CC) => {
            let (i, connection) = connection(i, li, available)?;
            let tpdu = match kind {
                TpduCode::CR => Tpdu::ConnectionRequest(connection),
                _ => Tpdu::ConnectionConfirm(connection),
            };
            Ok((i, tpdu))
        }
        TpduCode::DT => {
            if li != 2 {
                return wrong("X.224 LI of DT", start, 2, u64::from(li));
            }
            let (i, number) = be_u8(i)?;
            let (i, payload) = rest(i)?;
            Ok((i, Tpdu::Data { end: number & 0x80 != 0, payload }))
        }
        TpduCode::DR => {
            let (i, _dst_ref) = be_u16(i)?;
            let (i, _src_ref) = be_u16(i)?;
            let (i, reason) = be_u8(i)?;
            Ok((i, Tpdu::DisconnectRequest { reason }))
        }
        TpduCode::ER => {
            let (i, _dst_ref) = be_u16(i)?;
            let (i, cause) = be_u8(i)?;
            Ok((i, Tpdu::Error { cause }))
        }
        other if other.name().is_none() => wrong("X.224 TPDU code", at, 0, u64::from(code)),
        _ if usize::from(li) > available => wrong("X.224 LI", start, available as u64, u64::from(li)),
        other => Ok((i, Tpdu::Other(other))),
    }
}

/// `dst-ref u16 · src-ref u16 · class u8 · variable part`.
fn connection(i: &[u8], li: u8, available: usize) -> Parsed<'_, Connection<'_>> {
    let (i, dst_ref) = be_u16(i)?;
    let (i, src_ref) = be_u16(i)?;
    let (i, class) = be_u8(i)?;
    let (i, variable) = rest(i)?;
    let sound = li >= CONNECTION_LI && usize::from(li) == available;
    let malformed = Malformed { what: "X.224 LI", offset: 0, need: available as u64, have: u64::from(li) };
    let malformed = (!sound).then_some(malformed);
    Ok((i, Connection { dst_ref, src_ref, class, variable, malformed }))
}

/// Whether a variable part is a list of TPDU parameters (`code u8 · length u8 · value`; X.224, section
/// 13.3.4), as S7comm, MMS and other ISO-on-TCP protocols send and RDP never does.
pub fn has_parameters(variable: &[u8]) -> bool {
    let mut left = variable;
    while let [code, len, tail @ ..] = left {
        let known = matches!(code, 0x85..=0x8B | 0xC0..=0xC7 | 0xF0);
        match tail.get(usize::from(*len)..) {
            Some(next) if known => left = next,
            _ => return false,
        }
    }
    left.is_empty() && !variable.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    #[test]
    fn reads_connection_tpdus() {
        // ndpi-rdp#5.
        let bytes = hex("0e d0 0000 1234 00 021f080008000000");
        let Ok(Tpdu::ConnectionConfirm(confirm)) = parse(&bytes) else { panic!("no CC") };
        assert_eq!((confirm.dst_ref, confirm.src_ref, confirm.class), (0, 0x1234, 0));
        assert_eq!(confirm.variable, hex("021f080008000000"));
        assert_eq!(confirm.malformed, None);
        // ndpi-rdp3#5.
        let bytes = hex("06d00000123400");
        assert!(matches!(parse(&bytes), Ok(Tpdu::ConnectionConfirm(c)) if c.variable.is_empty()));
    }

    #[test]
    fn keeps_a_connection_with_a_wrong_li() {
        let bytes = hex("06 e0 0000 0000 00 0100080003000000");
        let Ok(Tpdu::ConnectionRequest(request)) = parse(&bytes) else { panic!("no CR") };
        assert_eq!(request.variable.len(), 8);
        assert_eq!(request.malformed, Some(Malformed { what: "X.224 LI", offset: 0, need: 14, have: 6 }));
    }

    #[test]
    fn reads_the_others() {
        assert_eq!(parse(&hex("02f0800401")), Ok(Tpdu::Data { end: true, payload: &[4, 1] }));
        assert_eq!(parse(&hex("0680 0000 1234 80")), Ok(Tpdu::DisconnectRequest { reason: 0x80 }));
        assert_eq!(parse(&hex("0470 1234 02")), Ok(Tpdu::Error { cause: 2 }));
        assert_eq!(parse(&hex("04c0 1234 02")), Ok(Tpdu::Other(TpduCode::DC)));
        let li = Malformed { what: "X.224 LI of DT", offset: 0, need: 2, have: 3 };
        assert_eq!(parse(&hex("03f08000")), Err(li));
        assert_eq!(parse(&hex("0960ff")), Err(Malformed { what: "X.224 LI", offset: 0, need: 2, have: 9 }));
        assert!(parse(&hex("0230ff")).is_err());
    }

    #[test]
    fn every_cut_is_an_error() {
        for whole in ["0ed0000012", "068000001234", "047012", "02f0", ""] {
            let bytes = hex(whole);
            for cut in 0..=bytes.len() {
                assert!(parse(&bytes[..cut]).is_err(), "{whole} cut at {cut}");
            }
        }
    }

    #[test]
    fn tells_iso_on_tcp_apart() {
        // A typical S7comm request: TPDU size, calling and called TSAP.
        assert!(has_parameters(&hex("c0010a c1020100 c2020102")));
        assert!(!has_parameters(&hex("0100080003000000")));
        assert!(!has_parameters(b"Cookie: mstshash=a\r\n"));
        assert!(!has_parameters(&hex("c0010a c102")));
        assert!(!has_parameters(&[]));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&bytes);
            let _ = has_parameters(&bytes);
        }
    }
}
