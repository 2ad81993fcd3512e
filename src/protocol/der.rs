//! The little of BER and DER (X.690) that RDP's messages need: tags below 31, definite lengths.

use nom::bytes::streaming::take;
use nom::number::streaming::{be_u8, be_u16, be_u24, be_u32};

use super::wire::{Parsed, wrong};

/// Tag of an INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// Tag of an OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;
/// Tag of an OBJECT IDENTIFIER.
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
/// Tag of an ENUMERATED.
pub(super) const ENUMERATED: u8 = 0x0A;
/// Tag of a GeneralString.
pub(super) const GENERAL_STRING: u8 = 0x1B;
/// Tag of a SEQUENCE or SEQUENCE OF.
pub(super) const SEQUENCE: u8 = 0x30;

/// Tag of a field `[number]`, explicitly tagged.
pub(super) const fn field(number: u8) -> u8 {
    0xA0 | number
}

/// One byte below 0x80, or 0x81 to 0x84 and that many bytes.
pub(super) fn length(i: &[u8]) -> Parsed<'_, usize> {
    let (rest, first) = be_u8(i)?;
    match first {
        0..=0x7F => Ok((rest, usize::from(first))),
        0x81 => be_u8(rest).map(|(rest, len)| (rest, usize::from(len))),
        0x82 => be_u16(rest).map(|(rest, len)| (rest, usize::from(len))),
        0x83 => be_u24(rest).map(|(rest, len): (_, u32)| (rest, len as usize)),
        0x84 => be_u32(rest).map(|(rest, len)| (rest, len as usize)),
        _ => wrong("BER length form", i, 0x84, u64::from(first)),
    }
}

/// One element: its tag and its content.
pub(super) fn element(i: &[u8]) -> Parsed<'_, (u8, &[u8])> {
    let (i, tag) = be_u8(i)?;
    let (i, len) = length(i)?;
    let (i, content) = take(len)(i)?;
    Ok((i, (tag, content)))
}

/// The elements of a constructed one, up to the first that is not sound.
pub(super) fn elements(content: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut left = content;
    std::iter::from_fn(move || {
        let (rest, found) = element(left).ok()?;
        left = rest;
        Some(found)
    })
}

/// Content of the first element with `tag`.
pub(super) fn find(content: &[u8], tag: u8) -> Option<&[u8]> {
    elements(content).find(|(have, _)| *have == tag).map(|(_, content)| content)
}

/// Content of the element with `tag` inside of the field `[number]`.
pub(super) fn in_field(content: &[u8], number: u8, tag: u8) -> Option<&[u8]> {
    find(find(content, field(number))?, tag)
}

/// The lowest 32 bits of an INTEGER or ENUMERATED; a negative one gives its two's complement.
pub(super) fn number(content: &[u8]) -> Option<u32> {
    let negative = content.first()? & 0x80 != 0;
    let start = if negative { u32::MAX } else { 0 };
    Some(content.iter().fold(start, |value, &byte| value << 8 | u32::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::hex;
    use super::*;

    #[test]
    fn reads_elements() {
        let bytes = hex("3008 0201 05 0a01 02 0400 02");
        let (rest, (tag, content)) = element(&bytes).unwrap();
        assert_eq!((tag, rest), (SEQUENCE, &[2][..]));
        let all: Vec<_> = elements(content).collect();
        assert_eq!(all, [(INTEGER, &[5][..]), (ENUMERATED, &[2][..]), (OCTET_STRING, &[][..])]);
        assert_eq!(find(content, ENUMERATED), Some(&[2][..]));
        assert_eq!(in_field(&hex("a003 020106"), 0, INTEGER), Some(&[6][..]));
        assert_eq!(elements(&hex("0201 05 0405 00")).count(), 1);
    }

    #[test]
    fn reads_lengths_and_numbers() {
        for (bytes, want) in [("7f", 127), ("8180", 128), ("820100", 256), ("83010000", 65536)] {
            assert_eq!(length(&hex(bytes)).unwrap().1, want);
        }
        assert!(length(&hex("80")).is_err() && length(&hex("85")).is_err());
        // An NTSTATUS comes with or without a leading zero.
        assert_eq!(number(&hex("c000006d")), Some(0xC000_006D));
        assert_eq!(number(&hex("00c000006d")), Some(0xC000_006D));
        assert_eq!((number(&hex("ff")), number(&hex("06")), number(&[])), (Some(u32::MAX), Some(6), None));
    }
}
