//! TLS records and alerts. Numbers are big-endian.

use nom::bytes::streaming::take;
use nom::number::streaming::{be_u8, be_u16};

use super::super::wire::{Parsed, run, wrong};
use super::super::{Malformed, Step};
use super::{AlertDescription, AlertLevel, ContentType, Version};

/// Bytes of a record's header.
pub const RECORD_HEADER_LEN: usize = 5;

/// The most that a record may carry: 2^14 bytes and 2,048 for what protection adds (RFC 5246, 6.2.3).
pub const RECORD_MAX: usize = (1 << 14) + 2048;

/// `type u8 · version u16 · length u16` (RFC 8446, section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// What the record carries, or claims to.
    pub content_type: ContentType,
    /// The record layer's version, which tells little: TLS 1.3 writes 1.2.
    pub version: Version,
    /// Bytes after the header.
    pub length: usize,
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its header.
    pub header: RecordHeader,
    /// What it carries, in clear or not.
    pub fragment: &'a [u8],
}

/// Parses the record header at the start of `input`.
pub fn parse_record_header(input: &[u8]) -> Step<RecordHeader> {
    run(input, record_header)
}

/// Parses the record at the start of `input`.
pub fn parse_record(input: &[u8]) -> Step<Record<'_>> {
    run(input, |i| {
        let (i, header) = record_header(i)?;
        let (i, fragment) = take(header.length)(i)?;
        Ok((i, Record { header, fragment }))
    })
}

fn record_header(start: &[u8]) -> Parsed<'_, RecordHeader> {
    let (at, kind) = be_u8(start)?;
    let content_type = ContentType(kind);
    if content_type.name().is_none() {
        return wrong("TLS content type", start, 22, u64::from(kind));
    }
    let (i, major) = be_u8(at)?;
    if major != 3 {
        return wrong("TLS major version", at, 3, u64::from(major));
    }
    let (at, minor) = be_u8(i)?;
    let version = Version(u16::from_be_bytes([major, minor]));
    let (i, length) = be_u16(at)?;
    if usize::from(length) > RECORD_MAX {
        return wrong("TLS record length", at, RECORD_MAX as u64, u64::from(length));
    }
    Ok((i, RecordHeader { content_type, version, length: usize::from(length) }))
}

/// An alert in clear (RFC 8446, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// How bad.
    pub level: AlertLevel,
    /// What is wrong.
    pub description: AlertDescription,
}

/// Parses the fragment of an alert record: `level u8 · description u8` and nothing else, so that an
/// encrypted alert is refused by its length.
pub fn parse_alert(fragment: &[u8]) -> Result<Alert, Malformed> {
    let length = Malformed { what: "alert length", offset: 0, need: 2, have: fragment.len() as u64 };
    match fragment {
        [level @ (1 | 2), description] => {
            Ok(Alert { level: AlertLevel(*level), description: AlertDescription(*description) })
        }
        [level, _] => Err(Malformed { what: "alert level", have: u64::from(*level), ..length }),
        _ => Err(length),
    }
}
