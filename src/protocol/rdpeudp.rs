//! Datagrams of the RDP UDP transport, versions 1 and 2, and the opening of version 3, whose later
//! packets are [`super::rdpeudp2`]'s (MS-RDPEUDP, section 2.2). Numbers are big-endian.
//!
//! Real peers differ from the document in places; each is said where it is read.

use nom::bytes::streaming::take;
use nom::combinator::rest;
use nom::number::streaming::be_u8;

use super::wire::{Parsed, be_u16, be_u32, run, wrong};
use super::{Malformed, Step};
use crate::base::{open_enum, open_flags};

#[cfg(test)]
mod tests;

open_flags! {
    /// `uFlags` (section 2.2.2.1).
    pub struct Flags(u16) {
        /// Opens the connection.
        SYN = 0x0001,
        /// Not used.
        FIN = 0x0002,
        /// Acknowledges; an ACK vector follows, save in a SYN.
        ACK = 0x0004,
        /// Carries a source or FEC payload.
        DATA = 0x0008,
        /// The payload is FEC's.
        FEC = 0x0010,
        /// The receiver saw loss.
        CN = 0x0020,
        /// The sender has answered CN.
        CWR = 0x0040,
        /// Not used.
        SACK_OPTION = 0x0080,
        /// Carries an ACK-of-ACKs.
        ACK_OF_ACKS = 0x0100,
        /// The connection asked for may lose datagrams: DTLS goes inside, else TLS.
        SYNLOSSY = 0x0200,
        /// The acknowledgement was held back, and tells nothing of the round trip.
        ACKDELAYED = 0x0400,
        /// Carries a correlation id.
        CORRELATION_ID = 0x0800,
        /// Carries a SYNDATAEX.
        SYNEX = 0x1000,
    }
}

open_enum! {
    /// `uUdpVer` (section 2.2.2.9). 0x0003 was seen offered, and answered with 2.
    pub struct UdpVersion(u16) {
        /// Version 1.
        RDPUDP_PROTOCOL_VERSION_1 = 0x0001,
        /// Version 2.
        RDPUDP_PROTOCOL_VERSION_2 = 0x0002,
        /// Version 3: after the opening, both ends speak MS-RDPEUDP2.
        RDPUDP_PROTOCOL_VERSION_3 = 0x0101,
    }
}

open_enum! {
    /// What became of the datagrams of a run (section 2.2.1.1).
    pub struct AckState(u8) {
        /// They came.
        DATAGRAM_RECEIVED = 0,
        /// Reserved.
        DATAGRAM_RESERVED_1 = 1,
        /// Reserved.
        DATAGRAM_RESERVED_2 = 2,
        /// They have not come yet.
        DATAGRAM_NOT_YET_RECEIVED = 3,
    }
}

/// `snSourceAck` of a client's SYN.
pub const NOTHING_RECEIVED: u32 = 0xFFFF_FFFF;
/// Smallest and largest MTU that a SYN may name, in bytes of UDP payload (section 2.2.2.5).
pub const MTU: std::ops::RangeInclusive<u16> = 1132..=1232;
/// Bytes of `RDPUDP_FEC_HEADER`, which every datagram begins with.
pub const HEADER_LEN: usize = 8;
/// Most elements of an ACK vector (section 2.2.2.7).
const ACK_VECTOR_MAX: u16 = 2048;

/// One datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The highest source sequence number that the sender has received; see [`NOTHING_RECEIVED`].
    pub source_ack: u32,
    /// Datagrams that the sender has room for.
    pub receive_window: u16,
    /// What it is and carries.
    pub flags: Flags,
    /// Of a SYN or SYN+ACK.
    pub syn: Option<Syn<'a>>,
    /// Of any other with the flag ACK.
    pub ack_vector: Option<AckVector<'a>>,
    /// From where on the peer may report in its ACK vectors.
    pub ack_of_acks: Option<u32>,
    /// Data, or FEC of it.
    pub payload: Option<Payload<'a>>,
    /// The field at which the capture ends though the datagram goes on; what follows it is `None` here.
    /// `offset` and `have` are the bytes that the capture has.
    pub cut: Option<Malformed>,
}

/// `RDPUDP_SYNDATA_PAYLOAD` and what may follow it (sections 2.2.2.5, 2.2.2.8 and 2.2.2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syn<'a> {
    /// `snInitialSequenceNumber`; the first source and coded datagrams have the next number.
    pub initial_sequence: u32,
    /// Largest datagram that the sender will send, in bytes of UDP payload.
    pub upstream_mtu: u16,
    /// Largest datagram that it wants to receive.
    pub downstream_mtu: u16,
    /// `uCorrelationId`. Often with its last two bytes 0, whatever the TCP connection has there.
    pub correlation_id: Option<[u8; 16]>,
    /// `RDPUDP_SYNDATAEX_PAYLOAD`.
    pub extension: Option<SynEx>,
    /// What the datagram was filled up with, as far as the capture has it; zeros.
    pub padding: &'a [u8],
}

/// `RDPUDP_SYNDATAEX_PAYLOAD` (section 2.2.2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SynEx {
    /// `uSynExFlags`: 1 where the version is valid.
    pub flags: u16,
    /// `uUdpVer`: the highest that the client knows, or the one that the server chose.
    pub version: UdpVersion,
    /// SHA-256 of the security cookie. The document has it in version 3 alone; real clients also send it
    /// with version 2, and leave it 0, which is `None` here, with version 3.
    pub cookie_hash: Option<[u8; 32]>,
}

/// `RDPUDP_ACK_VECTOR_HEADER` (section 2.2.2.7): runs of datagrams that came or did not, of which the
/// newest ends at `snSourceAck`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckVector<'a> {
    /// One byte a run, as on the wire; at most 2,048.
    pub elements: &'a [u8],
}

/// One run of an ACK vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckRun {
    /// What became of these datagrams.
    pub state: AckState,
    /// How many they are: 1 to 64. The wire has one less, whatever the document's sample says.
    pub count: u8,
}

impl<'a> AckVector<'a> {
    /// The runs in the order of the wire, which is newest first as far as is known.
    pub fn runs(self) -> impl DoubleEndedIterator<Item = AckRun> + ExactSizeIterator + 'a {
        self.elements.iter().map(|element| AckRun {
            state: AckState(element >> 6),
            count: (element & 0x3F).saturating_add(1),
        })
    }
}

/// What a datagram with the flag DATA carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// `RDPUDP_SOURCE_PAYLOAD_HEADER` and data (section 2.2.2.4).
    Source {
        /// `snCoded`: grows by one with each datagram that carries a payload, repeats too.
        coded: u32,
        /// `snSourceStart`: the number of this data; a repeat keeps it.
        source: u32,
        /// What the capture has of the data.
        data: &'a [u8],
        /// Bytes of the data on the wire.
        len: usize,
    },
    /// `RDPUDP_FEC_PAYLOAD_HEADER` and the code (section 2.2.2.2).
    Fec {
        /// `snCoded`, as of source payloads.
        coded: u32,
        /// The first source datagram that it covers.
        source: u32,
        /// `uRange`: how many more it covers.
        range: u8,
        /// `uFecIndex`.
        index: u8,
        /// What the capture has of the code.
        data: &'a [u8],
        /// Bytes of the code on the wire.
        len: usize,
    },
}

impl Payload<'_> {
    /// The number of this transmission.
    pub const fn coded(&self) -> u32 {
        match self {
            Payload::Source { coded, .. } | Payload::Fec { coded, .. } => *coded,
        }
    }
}

/// Parses a UDP payload of `wire_len` bytes, of which the capture has `bytes`.
///
/// # Errors
/// A datagram that ends before its fields do, or whose ACK vector is too long: it is none of this
/// protocol, or broken. One that only the capture cut short is no error: see [`Datagram::cut`]. The
/// header must be there in any case.
pub fn parse(bytes: &[u8], wire_len: usize) -> Result<Datagram<'_>, Malformed> {
    let mut datagram = Datagram::default();
    parse_into(&mut datagram, bytes, wire_len)?;
    Ok(datagram)
}

/// [`parse`] into a [`Datagram::default`] where the caller keeps it: to move it costs as much as to parse it.
///
/// # Errors
/// Those of [`parse`].
pub fn parse_into<'a>(
    datagram: &mut Datagram<'a>,
    bytes: &'a [u8],
    wire_len: usize,
) -> Result<(), Malformed> {
    let mut part = "RDPUDP_FEC_HEADER";
    match run(bytes, |i| fields(datagram, &mut part, i, wire_len.saturating_sub(bytes.len()))) {
        Step::Done((), _) => Ok(()),
        Step::Need(need) => {
            let have = bytes.len();
            let why = Malformed { what: part, offset: have, need: need as u64, have: have as u64 };
            if need > wire_len || have < HEADER_LEN {
                return Err(why);
            }
            datagram.cut = Some(why);
            Ok(())
        }
        Step::Broken(why) => Err(why),
    }
}

/// Fills `datagram` as far as the bytes go; `part` is what is being read, `missing` what the capture lacks
/// of the datagram's end.
#[inline(always)]
fn fields<'a>(
    datagram: &mut Datagram<'a>,
    part: &mut &'static str,
    i: &'a [u8],
    missing: usize,
) -> Parsed<'a, ()> {
    let (i, source_ack) = be_u32(i)?;
    let (i, receive_window) = be_u16(i)?;
    let (i, flags) = be_u16(i)?;
    let flags = Flags(flags);
    (datagram.source_ack, datagram.receive_window, datagram.flags) = (source_ack, receive_window, flags);
    if flags.contains(Flags::SYN) {
        return syn(&mut datagram.syn, part, flags, i, missing);
    }
    let mut i = i;
    if flags.contains(Flags::ACK) {
        *part = "RDPUDP_ACK_VECTOR_HEADER";
        let (after, vector) = ack_vector(i)?;
        datagram.ack_vector = Some(vector);
        i = after;
    }
    if flags.contains(Flags::ACK_OF_ACKS) {
        *part = "RDPUDP_ACK_OF_ACKVECTOR_HEADER";
        let (after, number) = be_u32(i)?;
        datagram.ack_of_acks = Some(number);
        i = after;
    }
    if flags.contains(Flags::DATA) {
        let fec = flags.contains(Flags::FEC);
        *part = if fec { "RDPUDP_FEC_PAYLOAD_HEADER" } else { "RDPUDP_SOURCE_PAYLOAD_HEADER" };
        let (after, payload) = payload(fec, i, missing)?;
        datagram.payload = Some(payload);
        i = after;
    }
    Ok((i, ()))
}

/// The sender of a SYN+ACK sends neither correlation id nor cookie hash.
fn syn<'a>(
    found: &mut Option<Syn<'a>>,
    part: &mut &'static str,
    flags: Flags,
    i: &'a [u8],
    missing: usize,
) -> Parsed<'a, ()> {
    const HASH: usize = 32;
    *part = "RDPUDP_SYNDATA_PAYLOAD";
    let (i, initial_sequence) = be_u32(i)?;
    let (i, upstream_mtu) = be_u16(i)?;
    let (mut i, downstream_mtu) = be_u16(i)?;
    let syn = found.insert(Syn {
        initial_sequence,
        upstream_mtu,
        downstream_mtu,
        correlation_id: None,
        extension: None,
        padding: &[],
    });
    if flags.contains(Flags::CORRELATION_ID) {
        *part = "RDPUDP_CORRELATION_ID_PAYLOAD";
        let (after, id) = take(16_usize)(i)?;
        let (after, _reserved) = take(16_usize)(after)?;
        syn.correlation_id = id.try_into().ok();
        i = after;
    }
    if flags.contains(Flags::SYNEX) {
        *part = "RDPUDP_SYNDATAEX_PAYLOAD";
        let (after, ex_flags) = be_u16(i)?;
        let (after, version) = be_u16(after)?;
        i = after;
        let mut extension = SynEx { flags: ex_flags, version: UdpVersion(version), cookie_hash: None };
        if !flags.contains(Flags::ACK) && i.len().saturating_add(missing) >= HASH {
            // Without the hash the version still tells.
            syn.extension = Some(extension);
            let (after, hash) = take(HASH)(i)?;
            extension.cookie_hash = hash.try_into().ok().filter(|hash| *hash != [0; HASH]);
            i = after;
        }
        syn.extension = Some(extension);
    }
    let (i, padding) = rest(i)?;
    syn.padding = padding;
    Ok((i, ()))
}

/// `uAckVectorSize u16 · elements · padding`: all together whole DWORDs. Real padding is junk.
#[inline(always)]
fn ack_vector(start: &[u8]) -> Parsed<'_, AckVector<'_>> {
    let (i, size) = be_u16(start)?;
    if size > ACK_VECTOR_MAX {
        return wrong("uAckVectorSize", start, u64::from(ACK_VECTOR_MAX), u64::from(size));
    }
    let (i, elements) = take(size)(i)?;
    let padding = 3_u16.wrapping_sub(size.wrapping_add(1)) & 3;
    let (i, _junk) = take(padding)(i)?;
    Ok((i, AckVector { elements }))
}

#[inline(always)]
fn payload(fec: bool, i: &[u8], missing: usize) -> Parsed<'_, Payload<'_>> {
    let (i, coded) = be_u32(i)?;
    let (i, source) = be_u32(i)?;
    if !fec {
        let (i, data) = rest(i)?;
        return Ok((i, Payload::Source { coded, source, data, len: data.len().saturating_add(missing) }));
    }
    let (i, range) = be_u8(i)?;
    let (i, index) = be_u8(i)?;
    let (i, _padding) = be_u16(i)?;
    let (i, data) = rest(i)?;
    Ok((i, Payload::Fec { coded, source, range, index, data, len: data.len().saturating_add(missing) }))
}

/// Whether a UDP payload is a client's SYN, in every field that can tell.
///
/// Queries of the Source engine, for one, also begin with `ff ff ff ff` and have the bits of SYN and ACK.
pub fn looks_like_syn(bytes: &[u8], wire_len: usize) -> bool {
    const MAY: u16 = Flags::SYN.0 | Flags::SYNLOSSY.0 | Flags::CORRELATION_ID.0 | Flags::SYNEX.0;
    opens(bytes, wire_len, MAY)
        .is_some_and(|datagram| datagram.source_ack == NOTHING_RECEIVED && datagram.receive_window > 0)
}

/// Whether a UDP payload is a server's SYN+ACK, in every field that can tell. It must also name the
/// client's initial sequence number in `source_ack`, which the caller knows.
pub fn looks_like_syn_ack(bytes: &[u8], wire_len: usize) -> bool {
    const MAY: u16 = Flags::SYN.0 | Flags::ACK.0 | Flags::SYNLOSSY.0 | Flags::SYNEX.0;
    opens(bytes, wire_len, MAY)
        .is_some_and(|datagram| datagram.flags.contains(Flags::ACK) && datagram.receive_window > 0)
}

/// A sound SYN with no flag beside those of `may`.
fn opens(bytes: &[u8], wire_len: usize, may: u16) -> Option<Datagram<'_>> {
    // Most datagrams are told by this one byte.
    let [_, _, _, _, _, _, high, low, ..] = bytes else { return None };
    let flags = u16::from_be_bytes([*high, *low]);
    if flags & 1 == 0 || flags & !may != 0 || !MTU.contains(&u16::try_from(wire_len).ok()?) {
        return None;
    }
    let datagram = parse(bytes, wire_len).ok()?;
    let syn = datagram.syn?;
    let sound = MTU.contains(&syn.upstream_mtu)
        && MTU.contains(&syn.downstream_mtu)
        && syn.extension.is_none_or(|extension| extension.flags <= 1)
        && syn.padding.iter().all(|&byte| byte == 0);
    sound.then_some(datagram)
}

/// Whether a UDP payload may be a later datagram of version 1 or 2. Weak alone: a flow whose opening is
/// not in the capture needs several, both ways, whose numbers agree.
pub fn looks_like_data_v1(bytes: &[u8], wire_len: usize) -> bool {
    const MAY: u16 = 0x05FE & !Flags::FIN.0;
    /// Windows uses 200 and 1,024.
    const WINDOW_MAX: u16 = 4096;
    let [_, _, _, _, _, _, high, low, ..] = bytes else { return false };
    let flags = Flags(u16::from_be_bytes([*high, *low]));
    let fec_alone = flags.contains(Flags::FEC) && !flags.contains(Flags::DATA);
    if flags.0 & !MAY != 0 || !flags.contains(Flags::ACK) || fec_alone {
        return false;
    }
    let Ok(datagram) = parse(bytes, wire_len) else { return false };
    let Some(vector) = datagram.ack_vector else { return false };
    let reserved = |run: AckRun| matches!(run.state.0, 1 | 2);
    if !(1..=WINDOW_MAX).contains(&datagram.receive_window) || vector.runs().any(reserved) {
        return false;
    }
    match datagram.payload {
        // Every source datagram is a coded one too, so the coded number is never behind.
        Some(Payload::Source { coded, source, len, .. } | Payload::Fec { coded, source, len, .. }) => {
            len > 0 && is_at_or_after(coded, source)
        }
        None => datagram.cut.is_some() || ends_with_acknowledgements(&datagram, wire_len),
    }
}

/// Whether nothing follows the acknowledgements.
fn ends_with_acknowledgements(datagram: &Datagram<'_>, wire_len: usize) -> bool {
    let vector = datagram.ack_vector.map_or(0, |vector| vector.elements.len().saturating_add(2));
    let of_acks = if datagram.ack_of_acks.is_some() { 4 } else { 0 };
    HEADER_LEN.saturating_add(vector.next_multiple_of(4)).saturating_add(of_acks) == wire_len
}

/// Whether sequence number `a` is `b` or comes after it, numbers wrapping around.
const fn is_at_or_after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) < 1 << 31
}
