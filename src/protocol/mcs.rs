//! MCS PDUs (T.125): Connect-Initial and Connect-Response in BER, domain PDUs in aligned PER. Numbers are
//! big-endian.

use nom::bytes::streaming::take;
use nom::number::streaming::{be_u8, be_u16};

use super::Malformed;
use super::wire::{Parsed, whole, wrong};
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
        /// The channel asked for.
        channel: u16,
    },
    /// Channel Join Confirm, S→C.
    ChannelJoinConfirm {
        /// Whether it was joined.
        result: McsResult,
        /// The channel asked for.
        requested: u16,
    },
    /// Send Data Request, C→S.
    SendDataRequest {
        /// The channel.
        channel: u16,
        /// The data, cut where the bytes end.
        payload: &'a [u8],
    },
    /// Send Data Indication, S→C.
    SendDataIndication {
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

/// Parses the user data of an X.224 data TPDU.
pub fn parse(payload: &[u8]) -> Result<Pdu<'_>, Malformed> {
    whole("MCS PDU", payload, |i| match i {
        [0x7F, 0x65, ..] => connect_initial(i),
        [0x7F, 0x66, ..] => connect_response(i),
        _ => domain(i),
    })
}

fn connect_initial(i: &[u8]) -> Parsed<'_, Pdu<'_>> {
    let (i, _) = take(2_usize)(i)?;
    let (i, _) = ber_length(i)?;
    // callingDomainSelector, calledDomainSelector, upwardFlag, target, minimum and maximum parameters.
    let i = skip_elements(i, 6)?;
    let (i, user_data) = ber_element(i, 0x04)?;
    Ok((i, Pdu::ConnectInitial { user_data }))
}

fn connect_response(i: &[u8]) -> Parsed<'_, Pdu<'_>> {
    let (i, _) = take(2_usize)(i)?;
    let (i, _) = ber_length(i)?;
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
        let (rest, len) = ber_length(rest)?;
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
    let (rest, len) = ber_length(rest)?;
    take(len.min(rest.len()))(rest)
}

/// One byte below 0x80, or 0x81 or 0x82 and that many bytes.
fn ber_length(i: &[u8]) -> Parsed<'_, usize> {
    let (rest, first) = be_u8(i)?;
    match first {
        0..=0x7F => Ok((rest, usize::from(first))),
        0x81 => be_u8(rest).map(|(rest, len)| (rest, usize::from(len))),
        0x82 => be_u16(rest).map(|(rest, len)| (rest, usize::from(len))),
        _ => wrong("BER length form", i, 0x82, u64::from(first)),
    }
}

fn domain(i: &[u8]) -> Parsed<'_, Pdu<'_>> {
    let (i, first) = be_u8(i)?;
    Ok(match first >> 2 {
        1 => (i, Pdu::ErectDomainRequest),
        8 => {
            let (i, second) = be_u8(i)?;
            (i, Pdu::DisconnectProviderUltimatum { reason: DisconnectReason((first & 3) << 1 | second >> 7) })
        }
        10 => (i, Pdu::AttachUserRequest),
        11 => {
            let (i, result) = be_u8(i)?;
            let (i, user) =
                if first & 2 == 0 { (i, None) } else { be_u16(i).map(|(i, user)| (i, Some(user)))? };
            let user = user.map(|user| user.saturating_add(USER_BASE));
            (i, Pdu::AttachUserConfirm { result: McsResult(result), user })
        }
        14 => {
            let (i, _initiator) = be_u16(i)?;
            let (i, channel) = be_u16(i)?;
            (i, Pdu::ChannelJoinRequest { channel })
        }
        15 => {
            let (i, result) = be_u8(i)?;
            let (i, _initiator) = be_u16(i)?;
            let (i, requested) = be_u16(i)?;
            (i, Pdu::ChannelJoinConfirm { result: McsResult(result), requested })
        }
        choice @ (25 | 26) => {
            let (i, _initiator) = be_u16(i)?;
            let (i, channel) = be_u16(i)?;
            let (i, _priority) = be_u8(i)?;
            let (i, len) = per_length(i)?;
            let (i, payload) = take(len.min(i.len()))(i)?;
            let pdu = if choice == 25 {
                Pdu::SendDataRequest { channel, payload }
            } else {
                Pdu::SendDataIndication { channel, payload }
            };
            (i, pdu)
        }
        choice => (i, Pdu::Other(choice)),
    })
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
