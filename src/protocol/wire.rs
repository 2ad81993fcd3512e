//! What the parsers share: nom's streaming parsers with [`Malformed`] as their error.
//!
//! While a parser runs, an error's `offset` counts the bytes that were left; [`run`] turns it into an
//! offset from the start, since only it knows where the message began.

use std::num::NonZeroUsize;

use nom::error::{ErrorKind, ParseError};
use nom::{Err, Needed};

use super::{Malformed, Step};

pub(super) type Parsed<'a, T> = nom::IResult<&'a [u8], T, Malformed>;

impl<'a> ParseError<&'a [u8]> for Malformed {
    fn from_error_kind(at: &'a [u8], _: ErrorKind) -> Self {
        Malformed { what: "field", offset: at.len(), need: 0, have: 0 }
    }

    fn append(_: &'a [u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// Fails: the field that starts where `at` starts had to be `need`.
pub(super) fn wrong<T>(what: &'static str, at: &[u8], need: u64, have: u64) -> Result<T, Err<Malformed>> {
    Err(Err::Error(Malformed { what, offset: at.len(), need, have }))
}

/// Parses a message at the start of a stream.
pub(super) fn run<'a, T>(input: &'a [u8], parser: impl FnOnce(&'a [u8]) -> Parsed<'a, T>) -> Step<T> {
    match parser(input) {
        Ok((rest, message)) => Step::Done(message, input.len().saturating_sub(rest.len())),
        Err(Err::Incomplete(needed)) => Step::Need(input.len().saturating_add(missing(needed))),
        Err(Err::Error(why) | Err::Failure(why)) => {
            Step::Broken(Malformed { offset: input.len().saturating_sub(why.offset), ..why })
        }
    }
}

/// Parses a message whose end is known: bytes that lack are an error, bytes left over are not.
pub(super) fn whole<'a, T>(
    what: &'static str,
    body: &'a [u8],
    parser: impl FnOnce(&'a [u8]) -> Parsed<'a, T>,
) -> Result<T, Malformed> {
    match run(body, parser) {
        Step::Done(message, _) => Ok(message),
        Step::Need(bytes) => {
            Err(Malformed { what, offset: body.len(), need: bytes as u64, have: body.len() as u64 })
        }
        Step::Broken(why) => Err(why),
    }
}

/// Parses `body`, a part with a known end inside of a message that goes on with `after`.
pub(super) fn inside<'a, T>(
    what: &'static str,
    body: &'a [u8],
    after: &[u8],
    parser: impl FnOnce(&'a [u8]) -> Parsed<'a, T>,
) -> Result<T, Err<Malformed>> {
    whole(what, body, parser).map_err(|why| {
        let left = body.len().saturating_sub(why.offset).saturating_add(after.len());
        Err::Error(Malformed { offset: left, ..why })
    })
}

/// A big-endian number of two bytes. nom's own go byte by byte, which datagram by datagram is felt.
#[inline]
pub(super) fn be_u16(i: &[u8]) -> Parsed<'_, u16> {
    number(i).map(|(i, bytes)| (i, u16::from_be_bytes(bytes)))
}

/// One of four bytes.
#[inline]
pub(super) fn be_u32(i: &[u8]) -> Parsed<'_, u32> {
    number(i).map(|(i, bytes)| (i, u32::from_be_bytes(bytes)))
}

#[inline]
fn number<const N: usize>(i: &[u8]) -> Parsed<'_, [u8; N]> {
    match i.split_first_chunk() {
        Some((bytes, rest)) => Ok((rest, *bytes)),
        None => Err(Err::Incomplete(Needed::new(N.saturating_sub(i.len())))),
    }
}

fn missing(needed: Needed) -> usize {
    match needed {
        Needed::Size(bytes) => NonZeroUsize::get(bytes),
        Needed::Unknown => 1,
    }
}

/// Text from the wire, at most `limit` bytes of it, junk replaced.
pub(super) fn text(bytes: &[u8], limit: usize) -> String {
    String::from_utf8_lossy(bytes.get(..limit).unwrap_or(bytes)).into_owned()
}

/// Text in UTF-16LE up to its first NUL, at most `limit` units of it, junk replaced.
pub(super) fn utf16(bytes: &[u8], limit: usize) -> String {
    let units = bytes
        .chunks_exact(2)
        .filter_map(|pair| <[u8; 2]>::try_from(pair).ok())
        .map(u16::from_le_bytes)
        .take_while(|&unit| unit != 0)
        .take(limit);
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The little-endian number at offset `at`, where it is there.
pub(super) fn u16_at(body: &[u8], at: usize) -> Option<u16> {
    let end = at.checked_add(2)?;
    body.get(at..end)?.try_into().ok().map(u16::from_le_bytes)
}

/// See [`u16_at`].
pub(super) fn u32_at(body: &[u8], at: usize) -> Option<u32> {
    let end = at.checked_add(4)?;
    body.get(at..end)?.try_into().ok().map(u32::from_le_bytes)
}

/// Lower-case hexadecimal digits without separators.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    text.extend(digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)));
    text
}
