//! MCS PDUs (T.125): Connect-Initial and Connect-Response in BER, domain PDUs in aligned PER. Numbers are
//! big-endian.

use nom::bytes::streaming::take;
use nom::number::streaming::{be_u8, be_u16};

use super::wire::{Parsed, whole, wrong};
use super::{Malformed, der};
use crate::base::open_enum;

open_enum! {
    /// Result of a Connect-Response, Attach User Confirm or Channel Join Confirm (T.125, section 7).
    pub struct McsResult(u8) {
        /// Done.
        RT_SUCCESSFUL = 0,
        /// The domains are merging.
        RT_DOMAIN_MERGING = 1,
        /// The domain is not hierarchical.
        RT_DOMAIN_NOT_HIERARCHICAL = 2,
        /// There is no such channel.
        RT_NO_SUCH_CHANNEL = 3,
        /// There is no such domain.
        RT_NO_SUCH_DOMAIN = 4,
        /// There is no such user.
        RT_NO_SUCH_USER = 5,
        /// The user may not join.
        RT_NOT_ADMITTED = 6,
        /// The user id is another's.
        RT_OTHER_USER_ID = 7,
        /// The domain parameters are not acceptable.
        RT_PARAMETERS_UNACCEPTABLE = 8,
        /// The token is not free.
        RT_TOKEN_NOT_AVAILABLE = 9,
        /// The token is another's.
        RT_TOKEN_NOT_POSSESSED = 10,
        /// Too many channels.
        RT_TOO_MANY_CHANNELS = 11,
        /// Too many tokens.
        RT_TOO_MANY_TOKENS = 12,
        /// Too many users.
        RT_TOO_MANY_USERS = 13,
        /// No reason given.
        RT_UNSPECIFIED_FAILURE = 14,
        /// The other user refused.
        RT_USER_REJECTED = 15,
    }
}

open_enum! {
    /// Reason of a Disconnect Provider Ultimatum (T.125, section 7).
    pub struct DisconnectReason(u8) {
        /// The domain was left.
        RN_DOMAIN_DISCONNECTED = 0,
        /// The provider ended it.
        RN_PROVIDER_INITIATED = 1,
        /// A token was taken away.
        RN_TOKEN_PURGED = 2,
        /// The user asked for it.
        RN_USER_REQUESTED = 3,
        /// A channel was taken away.
        RN_CHANNEL_PURGED = 4,
    }
}

/// One MCS PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pdu<'a> {
    /// Connect-Initial, C→S.
    ConnectInitial {
        /// The GCC Conference Create Request.
        user_data: &'a [u8],
    },
    /// Connect-Response, S→C.
    ConnectResponse {
        /// Whether the server took the connection.
        result: McsResult,
        /// The GCC Conference Create Response.
        user_data: &'a [u8],
    },
    /// Erect Domain Request, C→S.
    ErectDomainRequest,
    /// Attach User Request, C→S.
    AttachUserRequest,
    /// Attach User Confirm, S→C.
    AttachUserConfirm {
        /// Whether the user may join.
        result: McsResult,
        /// The id given, where one was.
        user: Option<u16>,
    },
    /// Channel Join Request, C→S.
    ChannelJoinRequest {
        /// The client's user id.
        initiator: u16,
        /// The channel asked for.
        channel: u16,
    },
    /// Channel Join Confirm, S→C.
    ChannelJoinConfirm {
        /// Whether it was joined.
        result: McsResult,
        /// The client's user id.
        initiator: u16,
        /// The channel asked for.
        requested: u16,
        /// The channel joined, where one was.
        channel: Option<u16>,
    },
    /// Send Data Request, C→S.
    SendDataRequest {
        /// The sender's user id.
        initiator: u16,
        /// The channel.
        channel: u16,
        /// The data, cut where the bytes end.
        payload: &'a [u8],
    },
    /// Send Data Indication, S→C.
    SendDataIndication {
        /// The sender's user id.
        initiator: u16,
        /// The channel.
        channel: u16,
        /// The data, cut where the bytes end.
        payload: &'a [u8],
    },
    /// Disconnect Provider Ultimatum, either way.
    DisconnectProviderUltimatum {
        /// Why.
        reason: DisconnectReason,
    },
    /// Another domain PDU; its choice number.
    Other(u8),
}

/// User ids are sent with this much taken off (T.125, section 7).
const USER_BASE: u16 = 1001;

/// The highest choice number of a domain PDU, that of tokenTestConfirm (T.125, section 7).
const LAST_CHOICE: u8 = 42;

/// Parses the user data of an X.224 data TPDU.
pub fn parse(payload: &[u8]) -> Result<Pdu<'_>, Malformed> {
    whole("MCS PDU", payload, |i| match i {
        [0x7F, 0x65, ..] => connect_initial(i),
        [0x7F, 0x66, ..] => connect_response(i),
        [0x7F] => Err(nom::Err::Incomplete(nom::Needed::new(1))),
        _ => domain(i),
    })
}

fn connect_initial(i: &[u8]) -> Parsed<'_, Pdu<'_>> {
    let (i, _) = take(2_usize)(i)?;
    let (i, _) = der::length(i)?;
    // callingDomainSelector, calledDomainSelector, upwardFlag, target, minimum and maximum parameters.
    let i = skip_elements(i, 6)?;
    let (i, user_data) = ber_element(i, 0x04)?;
    Ok((i, Pdu::ConnectInitial { user_data }))
}

fn connect_response(i: &[u8]) -> Parsed<'_, Pdu<'_>> {
    let (i, _) = take(2_usize)(i)?;
    let (i, _) = der::length(i)?;
    let (i, result) = ber_element(i, 0x0A)?;
    // calledConnectId, domainParameters.
    let i = skip_elements(i, 2)?;
    let (i, user_data) = ber_element(i, 0x04)?;
    let result = McsResult(result.last().copied().unwrap_or(u8::MAX));
    Ok((i, Pdu::ConnectResponse { result, user_data }))
}

fn skip_elements(mut i: &[u8], count: usize) -> Result<&[u8], nom::Err<Malformed>> {
    for _ in 0..count {
        let (rest, _tag) = be_u8(i)?;
        let (rest, len) = der::length(rest)?;
        i = take(len)(rest)?.0;
    }
    Ok(i)
}

/// The element with `tag`; its content may be cut where the bytes end, since what is missing is mostly
/// the last settings block's tail.
fn ber_element(i: &[u8], tag: u8) -> Parsed<'_, &[u8]> {
    let (rest, have) = be_u8(i)?;
    if have != tag {
        return wrong("BER tag", i, u64::from(tag), u64::from(have));
    }
    let (rest, len) = der::length(rest)?;
    take(len.min(rest.len()))(rest)
}

fn domain(start: &[u8]) -> Parsed<'_, Pdu<'_>> {
    let (i, first) = be_u8(start)?;
    Ok(match first >> 2 {
        1 => (i, Pdu::ErectDomainRequest),
        8 => {
            let (i, second) = be_u8(i)?;
            (i, Pdu::DisconnectProviderUltimatum { reason: DisconnectReason((first & 3) << 1 | second >> 7) })
        }
        10 => (i, Pdu::AttachUserRequest),
        11 => {
            let (i, result) = be_u8(i)?;
            let (i, user) = optional(first, i, user_id)?;
            (i, Pdu::AttachUserConfirm { result: McsResult(result), user })
        }
        14 => {
            let (i, initiator) = user_id(i)?;
            let (i, channel) = be_u16(i)?;
            (i, Pdu::ChannelJoinRequest { initiator, channel })
        }
        15 => {
            let (i, result) = be_u8(i)?;
            let (i, initiator) = user_id(i)?;
            let (i, requested) = be_u16(i)?;
            let (i, channel) = optional(first, i, be_u16)?;
            (i, Pdu::ChannelJoinConfirm { result: McsResult(result), initiator, requested, channel })
        }
        choice @ (25 | 26) => {
            let (i, initiator) = user_id(i)?;
            let (i, channel) = be_u16(i)?;
            let (i, _priority) = be_u8(i)?;
            let (i, len) = per_length(i)?;
            let (i, payload) = take(len.min(i.len()))(i)?;
            let pdu = if choice == 25 {
                Pdu::SendDataRequest { initiator, channel, payload }
            } else {
                Pdu::SendDataIndication { initiator, channel, payload }
            };
            (i, pdu)
        }
        choice if choice > LAST_CHOICE => {
            return wrong("MCS choice", start, u64::from(LAST_CHOICE), u64::from(choice));
        }
        choice => (i, Pdu::Other(choice)),
    })
}

/// A user id, sent with [`USER_BASE`] taken off.
fn user_id(i: &[u8]) -> Parsed<'_, u16> {
    be_u16(i).map(|(i, id): (_, u16)| (i, id.saturating_add(USER_BASE)))
}

/// The last field of a confirm, there if bit 1 of its first byte says so.
fn optional<'a>(
    first: u8,
    i: &'a [u8],
    field: impl Fn(&'a [u8]) -> Parsed<'a, u16>,
) -> Parsed<'a, Option<u16>> {
    if first & 2 == 0 { Ok((i, None)) } else { field(i).map(|(i, value)| (i, Some(value))) }
}

/// One byte below 0x80, else 14 bits in two bytes (X.691, section 11.9).
pub(super) fn per_length(i: &[u8]) -> Parsed<'_, usize> {
    let (rest, first) = be_u8(i)?;
    if first & 0x80 == 0 {
        return Ok((rest, usize::from(first)));
    }
    let (rest, second) = be_u8(rest)?;
    Ok((rest, usize::from(first & 0x3F) << 8 | usize::from(second)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    /// rdp-proprietary-encryption#15, up to its user data, which is cut to a few bytes.
    const RESPONSE: &str = "7f6682014b 0a0100 020100 301a 020122020103020100020101020100020101020300fff8020102 \
         0404 00050014";

    #[test]
    fn reads_connect_pdus() {
        // ndpi-rdp3#6, cut after the first bytes of its user data.
        let initial = hex("7f65820190 040101 040101 0101ff \
             3019 0201220201020201000201010201000201010202ffff020102 \
             3019 02010102010102010102010102010002010102020420020102 \
             301c 0202ffff0202fc170202ffff0201010201000201010202ffff020102 0482012f 000500147c0001");
        let want = hex("000500147c0001");
        assert_eq!(parse(&initial), Ok(Pdu::ConnectInitial { user_data: &want }));
        let want = hex("00050014");
        let result = McsResult::RT_SUCCESSFUL;
        assert_eq!(parse(&hex(RESPONSE)), Ok(Pdu::ConnectResponse { result, user_data: &want }));
        let refused = RESPONSE.replacen("0a0100", "0a010e", 1);
        let result = McsResult::RT_UNSPECIFIED_FAILURE;
        assert_eq!(parse(&hex(&refused)), Ok(Pdu::ConnectResponse { result, user_data: &want }));
    }

    /// Those of rdp-proprietary-encryption#16 to #36 and #538.
    #[test]
    fn reads_domain_pdus() {
        let result = McsResult::RT_SUCCESSFUL;
        let initiator = 1008;
        assert_eq!(parse(&hex("0401000100")), Ok(Pdu::ErectDomainRequest));
        assert_eq!(parse(&hex("28")), Ok(Pdu::AttachUserRequest));
        let attached = Pdu::AttachUserConfirm { result, user: Some(1008) };
        assert_eq!(parse(&hex("2e000007")), Ok(attached));
        let join = Pdu::ChannelJoinRequest { initiator, channel: 1008 };
        assert_eq!(parse(&hex("38000703f0")), Ok(join));
        let joined = Pdu::ChannelJoinConfirm { result, initiator, requested: 1008, channel: Some(1008) };
        assert_eq!(parse(&hex("3e00000703f003f0")), Ok(joined));
        let sent = Pdu::SendDataRequest { initiator, channel: 1003, payload: &[1, 2, 3] };
        assert_eq!(parse(&hex("64000703eb7003010203")), Ok(sent));
        let long = hex(&format!("68000103eb708096{}", "aa".repeat(150)));
        let sent = Pdu::SendDataIndication { initiator: 1002, channel: 1003, payload: &[0xAA; 150] };
        assert_eq!(parse(&long), Ok(sent));
    }

    #[test]
    fn reads_refusals_and_ends() {
        let refused = Pdu::AttachUserConfirm { result: McsResult::RT_TOO_MANY_USERS, user: None };
        assert_eq!(parse(&hex("2c0d")), Ok(refused));
        let result = McsResult::RT_NO_SUCH_CHANNEL;
        let refused = Pdu::ChannelJoinConfirm { result, initiator: 1008, requested: 1003, channel: None };
        assert_eq!(parse(&hex("3c03000703eb")), Ok(refused));
        for (bytes, reason) in [
            ("2180", DisconnectReason::RN_USER_REQUESTED),
            ("2080", DisconnectReason::RN_PROVIDER_INITIATED),
            ("2200", DisconnectReason::RN_CHANNEL_PURGED),
            ("2380", DisconnectReason(7)),
        ] {
            assert_eq!(parse(&hex(bytes)), Ok(Pdu::DisconnectProviderUltimatum { reason }));
        }
        assert_eq!(parse(&hex("0c00")), Ok(Pdu::Other(3)));
        let choice = Malformed { what: "MCS choice", offset: 0, need: 42, have: 63 };
        assert_eq!(parse(&hex("ff00")), Err(choice));
    }

    #[test]
    fn every_cut_is_an_error() {
        // Up to where the user data or payload starts, which may be cut.
        let response = hex(RESPONSE);
        for cut in 0..response.len() - 4 {
            assert!(parse(&response[..cut]).is_err(), "cut at {cut}");
        }
        for whole in ["2e000007", "38000703f0", "3e00000703f003f0", "64000703eb7003", "2180"] {
            let bytes = hex(whole);
            for cut in 0..bytes.len() {
                assert!(parse(&bytes[..cut]).is_err(), "{whole} cut at {cut}");
            }
        }
        let tag = Malformed { what: "BER tag", offset: 5, need: 0x0A, have: 2 };
        assert_eq!(parse(&hex("7f6682014b 020100")), Err(tag));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..96)) {
            let _ = parse(&bytes);
            for head in [0x65, 0x66] {
                let _ = parse(&[&[0x7F, head], bytes.as_slice()].concat());
            }
        }
    }
}
