//! The pcap format (draft-ietf-opsawg-pcap): a 24-byte header, then records of a 16-byte header and
//! the packet's bytes.

use super::bytes::Order;
use super::input::Input;
use super::interface::{Interface, Resolution};
use super::reader::{Found, MAX_CAPTURED, Step};
use crate::base::{LinkType, Timestamp};

/// Length of the file header in bytes.
pub(super) const FILE_HEADER: usize = 24;

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// Alexey Kuznetzov's variant: records have an interface index, protocol and packet type more.
const MODIFIED: u32 = 0xa1b2_cd34;

/// What the file header says.
#[derive(Debug)]
pub(super) struct Pcap {
    order: Order,
    /// Nanoseconds that the second half of a time counts.
    unit: u64,
    /// Length of a record header in bytes.
    header: usize,
    /// Written by a version before 2.4, some of which stored the two lengths the other way round.
    old: bool,
    link: LinkType,
    snaplen: u32,
}

/// The byte order that these first four bytes of a file stand for, and the magic number.
fn magic(head: [u8; 4]) -> Option<(Order, u32)> {
    let known = |number| matches!(number, MICROSECONDS | NANOSECONDS | MODIFIED);
    let (little, big) = (u32::from_le_bytes(head), u32::from_be_bytes(head));
    if known(little) {
        Some((Order { big: false }, little))
    } else if known(big) {
        Some((Order { big: true }, big))
    } else {
        None
    }
}

/// Whether a file that starts so is a pcap file.
pub(super) fn is_magic(head: [u8; 4]) -> bool {
    magic(head).is_some()
}

impl Pcap {
    /// Reads the file header; an error says what is wrong with it.
    pub(super) fn new(header: &[u8; FILE_HEADER]) -> Result<Self, String> {
        let start = header.first_chunk().copied().unwrap_or_default();
        let Some((order, number)) = magic(start) else { return Err("magic number is not pcap's".into()) };
        let (major, minor) = (order.u16(header, 4), order.u16(header, 6));
        // 543.0 is what one old system wrote.
        if major != 2 && major != 543 {
            return Err(format!("pcap version {major}.{minor} is unknown, 2.4 is usual"));
        }
        Ok(Pcap {
            order,
            unit: if number == NANOSECONDS { 1 } else { 1000 },
            header: if number == MODIFIED { 24 } else { 16 },
            old: major != 2 || minor < 4,
            // The upper half has the length of the frame check sequence.
            link: LinkType(order.u32(header, 20) & 0xffff),
            snaplen: order.u32(header, 16),
        })
    }

    /// The one interface that the header describes.
    pub(super) fn interface(&self) -> Interface {
        let resolution = if self.unit == 1 { Resolution::NANOSECONDS } else { Resolution::MICROSECONDS };
        Interface { snaplen: self.snaplen, ..Interface::new(self.link, resolution) }
    }

    /// How long the record at the start of `bytes` claims to be, unchecked.
    #[inline]
    pub(super) fn length(&self, bytes: &[u8]) -> usize {
        self.header.saturating_add(self.order.u32(bytes, 8) as usize)
    }

    /// The packet at the start of `window`, where its record is sound and whole.
    #[inline(always)]
    pub(super) fn plain(&self, window: &[u8]) -> Option<Found> {
        let head = window.first_chunk::<16>()?;
        let (captured, wire_len) = self.lengths(head);
        let len = captured as usize;
        let record = self.header.saturating_add(len);
        if captured > MAX_CAPTURED || record > window.len() {
            return None;
        }
        let seconds = u64::from(self.order.u32(head, 0));
        let fraction = u64::from(self.order.u32(head, 4));
        // At most 2^32 * 10^9 + 2^32 * 1000, below 2^63.
        let time = Timestamp((seconds * 1_000_000_000 + fraction * self.unit) as i64);
        Some(Found {
            start: self.header,
            len,
            record,
            time,
            timed: true,
            link: self.link,
            interface: 0,
            wire_len,
        })
    }

    /// Captured bytes, and bytes on the wire.
    #[inline]
    fn lengths(&self, head: &[u8; 16]) -> (u32, u32) {
        let (captured, wire_len) = (self.order.u32(head, 8), self.order.u32(head, 12));
        if captured > wire_len && self.old { (wire_len, captured) } else { (captured, wire_len) }
    }

    /// Finds the record at the current offset, or says why there is none.
    pub(super) fn step(&self, input: &mut Input) -> Step {
        let have = input.fill(self.header);
        if have == 0 {
            return Step::End;
        }
        let Some(head) = input.window().first_chunk().filter(|_| have >= self.header) else {
            return Step::Cut { at: input.offset(), need: self.header as u64, have: have as u64 };
        };
        let (captured, _) = self.lengths(head);
        if captured > MAX_CAPTURED {
            return Step::Damaged {
                at: input.offset(),
                why: format!("record claims {captured} captured bytes, at most {MAX_CAPTURED} can be"),
            };
        }
        let record = self.header + captured as usize;
        let have = input.fill(record);
        let cut = Step::Cut { at: input.offset(), need: record as u64, have: have as u64 };
        self.plain(input.window()).map_or(cut, Step::Packet)
    }
}
