//! DTLS as it shows in clear: records and handshake fragments (RFC 6347; RFC 4347 for version 1.0; the
//! header of version 1.3, RFC 9147, section 4). Numbers are big-endian.
//!
//! What a handshake message says is TLS's own: see [`super::tls`].

use nom::bytes::streaming::take;
use nom::number::streaming::{be_u8, be_u16, be_u24};

use super::tls::{ContentType, HandshakeMessage, HandshakeType, RECORD_MAX, Version, parse_dtls_message};
use super::wire::{Parsed, run, wrong};
use super::{Malformed, Step};

#[cfg(test)]
mod tests;

/// Bytes of a record's header up to version 1.2.
pub const RECORD_HEADER_LEN: usize = 13;
/// Bytes of a handshake fragment's header.
pub const FRAGMENT_HEADER_LEN: usize = 12;

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it carries; version 1.3 hides that, and is `application_data` here.
    pub content_type: ContentType,
    /// The version in the header; version 1.3 has none there.
    pub version: Version,
    /// How often keys changed; 0 is in clear. Version 1.3 shows its lowest two bits.
    pub epoch: u16,
    /// Number of the record in its epoch, 48 bits; version 1.3 hides it.
    pub sequence: Option<u64>,
    /// Bytes after the header, on the wire.
    pub length: usize,
    /// Those bytes, where the capture has them all.
    pub fragment: Option<&'a [u8]>,
}

impl Record<'_> {
    /// Whether it is encrypted.
    pub const fn is_sealed(&self) -> bool {
        self.epoch > 0 || self.sequence.is_none()
    }
}

/// The records of one datagram. After a malformed one there are no more.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    bytes: &'a [u8],
    /// Bytes that the datagram has on the wire from here on.
    left: usize,
}

/// The records of a datagram that has `wire_len` bytes, of which the capture has `bytes`.
pub const fn records(bytes: &[u8], wire_len: usize) -> Records<'_> {
    Records { bytes, left: wire_len }
}

impl<'a> Records<'a> {
    /// What the capture has of the datagram after the records that were handed out.
    pub const fn rest(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 || self.bytes.is_empty() {
            return None;
        }
        let have = self.bytes.len() as u64;
        let (mut record, header_len) = match run(self.bytes, |i| header(i, self.left)) {
            Step::Done(record, header_len) => (record, header_len),
            // The capture ends here.
            Step::Need(need) if need <= self.left => {
                self.left = 0;
                return None;
            }
            Step::Need(need) => {
                self.left = 0;
                let what = "DTLS record header";
                return Some(Err(Malformed { what, offset: self.bytes.len(), need: need as u64, have }));
            }
            Step::Broken(why) => {
                self.left = 0;
                return Some(Err(why));
            }
        };
        let end = header_len.saturating_add(record.length);
        if end > self.left {
            self.left = 0;
            let what = "DTLS record length";
            return Some(Err(Malformed { what, offset: header_len, need: end as u64, have }));
        }
        record.fragment = self.bytes.get(header_len..end);
        self.bytes = self.bytes.get(end..).unwrap_or_default();
        self.left = self.left.saturating_sub(end);
        Some(Ok(record))
    }
}

/// The header of a record in a datagram of which `left` bytes are left.
fn header(start: &[u8], left: usize) -> Parsed<'_, Record<'static>> {
    let (at, kind) = be_u8(start)?;
    if kind >> 5 == 1 {
        return unified_header(start, left);
    }
    // 26 acknowledges (RFC 9147, section 7).
    if !matches!(kind, 20..=24 | 26) {
        return wrong("DTLS content type", start, 22, u64::from(kind));
    }
    let (i, version) = be_u16(at)?;
    let version = Version(version);
    if !matches!(version, Version::DTLS1_0 | Version::DTLS1_2) {
        return wrong("DTLS version", at, u64::from(Version::DTLS1_2.0), u64::from(version.0));
    }
    let (i, epoch) = be_u16(i)?;
    let (i, high) = be_u24(i)?;
    let (at, low) = be_u24(i)?;
    let (i, length) = be_u16(at)?;
    let length = usize::from(length);
    if length > RECORD_MAX {
        return wrong("DTLS record length", at, RECORD_MAX as u64, length as u64);
    }
    let sequence = Some(u64::from(high) << 24 | u64::from(low));
    Ok((i, Record { content_type: ContentType(kind), version, epoch, sequence, length, fragment: None }))
}

/// `001CSLEE · connection id if C · sequence number u8, or u16 if S · length u16 if L` (RFC 9147, section
/// 4). How long a connection id is only the peers know: what follows is then taken for one record.
fn unified_header(start: &[u8], left: usize) -> Parsed<'_, Record<'static>> {
    let (i, first) = be_u8(start)?;
    let (mut i, mut length) = (i, left.saturating_sub(1));
    if first & 0x10 == 0 {
        let sequence_len: usize = if first & 8 == 0 { 1 } else { 2 };
        (i, _) = take(sequence_len)(i)?;
        length = length.saturating_sub(sequence_len);
        if first & 4 != 0 {
            let (after, stated) = be_u16(i)?;
            (i, length) = (after, usize::from(stated));
        }
    }
    let record = Record {
        content_type: ContentType::application_data,
        version: Version::DTLS1_3,
        epoch: u16::from(first & 3),
        sequence: None,
        length,
        fragment: None,
    };
    Ok((i, record))
}

/// A part of a handshake message, or all of it (RFC 6347, section 4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// What the message is.
    pub kind: HandshakeType,
    /// Bytes of the message's body.
    pub length: usize,
    /// `message_seq`: its number among the messages of its sender; a repeat keeps it.
    pub message_seq: u16,
    /// `fragment_offset`: where in the body this part lies.
    pub offset: usize,
    /// The part.
    pub body: &'a [u8],
}

/// Parses the fragment at the start of `input`, the body of a handshake record in clear; another may
/// follow: `type u8 · length u24 · message_seq u16 · fragment_offset u24 · fragment_length u24 · part`.
pub fn parse_fragment(input: &[u8]) -> Step<Fragment<'_>> {
    run(input, |i| {
        let (i, kind) = be_u8(i)?;
        let (i, length) = be_u24(i)?;
        let (i, message_seq) = be_u16(i)?;
        let (at, offset) = be_u24(i)?;
        let (i, part) = be_u24(at)?;
        // Neither has more than 24 bits.
        if offset.saturating_add(part) > length {
            return wrong("DTLS fragment length", at, u64::from(length), u64::from(part));
        }
        let (i, body) = take(part)(i)?;
        let (length, offset) = (length as usize, offset as usize);
        Ok((i, Fragment { kind: HandshakeType(kind), length, message_seq, offset, body }))
    })
}

/// Parses the body of a handshake message whose fragments were put together.
///
/// # Errors
/// A body that does not fit its kind.
pub fn parse_message(kind: HandshakeType, body: &[u8]) -> Result<HandshakeMessage<'_>, Malformed> {
    parse_dtls_message(kind, body)
}

/// Whether a UDP payload is DTLS up to its end, or up to the capture's.
///
/// Version 1.3's header alone is no sign: an eighth of all first bytes could begin it.
pub fn looks_like_dtls(bytes: &[u8], wire_len: usize) -> bool {
    let mut plain = false;
    for record in records(bytes, wire_len) {
        match record {
            Ok(record) => plain |= record.sequence.is_some(),
            Err(_) => return false,
        }
    }
    plain
}
