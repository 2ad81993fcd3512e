//! IEEE 802.11 data frames, bare or behind a radiotap header (radiotap.org). Protected frames stay shut.

use super::bytes::{Bytes, u16_of};
use super::decoder::{Context, Steps, Walk};
use super::{Undecoded, link};

/// Skips a radiotap header. Its fields are little-endian and aligned to their size.
pub(super) fn radiotap<'a>(bytes: Bytes<'a>, context: Context, steps: &mut Steps) -> Walk<'a> {
    const TIME: u32 = 1;
    const FLAGS: u32 = 1 << 1;
    const MORE_PRESENT: u32 = 1 << 31;
    /// The 802.11 header is padded to a multiple of 4 bytes.
    const DATA_PAD: u8 = 0x20;

    let &[version, _, l0, l1, ref present @ ..] = bytes.head::<8>()?;
    let length = usize::from(u16_of(l1, l0));
    if version != 0 || length < 8 {
        return Err(Undecoded::Malformed);
    }
    let rest = bytes.skip(length)?;
    let header = bytes.kept.get(..length).unwrap_or_default();
    let first = u32::from_le_bytes(*present);
    let (words, _) = header.as_chunks::<4>();
    let mut at = 8;
    if first & MORE_PRESENT != 0 {
        let further = words.iter().skip(2).take_while(|word| u32::from_le_bytes(**word) & MORE_PRESENT != 0);
        at += 4 * (further.count() + 1);
    }
    if first & TIME != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    let padded = first & FLAGS != 0 && header.get(at).is_some_and(|flags| flags & DATA_PAD != 0);
    ieee802_11(rest, padded, context, steps)
}

/// A data frame (IEEE 802.11, section 9.3.2).
pub(super) fn ieee802_11<'a>(
    bytes: Bytes<'a>,
    padded: bool,
    context: Context,
    steps: &mut Steps,
) -> Walk<'a> {
    const NO_DATA: u8 = 0x40;
    const QOS: u8 = 0x80;
    const TO_DS: u8 = 0x01;
    const FROM_DS: u8 = 0x02;
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;
    const AGGREGATE: u8 = 0x80;

    let &[kind, flags] = bytes.head()?;
    // Protocol version 0, type "data".
    if kind & 0x0f != 0x08 || kind & NO_DATA != 0 || flags & PROTECTED != 0 {
        return Err(Undecoded::NotIp);
    }
    let mut length = 24;
    // The source is the third address when the frame comes from the network, the fourth between bridges.
    let source = match (flags & TO_DS != 0, flags & FROM_DS != 0) {
        (true, true) => {
            length += 6;
            24
        }
        (false, true) => 16,
        _ => 10,
    };
    let mut aggregate = false;
    if kind & QOS != 0 {
        aggregate = bytes.skip(length)?.head::<1>()?[0] & AGGREGATE != 0;
        length += if flags & ORDER != 0 { 6 } else { 2 };
    }
    if padded {
        length = length.next_multiple_of(4);
    }
    let src_mac = bytes.kept.get(source..).and_then(|address| address.first_chunk().copied());
    let context = Context { src_mac, ..context };
    let mut body = bytes.skip(length)?;
    if aggregate {
        // Of several packets in one frame only the first is read: destination, source, length.
        body = body.skip(14)?;
    }
    link::llc(body, context, steps)
}
