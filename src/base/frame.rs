//! One record of a capture, and how it is named.

use std::num::NonZeroU64;

use super::{Timestamp, open_enum};

/// A frame's name: which capture of the run, and its number there.
///
/// Numbers are 1-based and count every packet record of the capture, as Wireshark does. So none is 0, and an
/// `Option` of a frame takes no more room than the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameRef(NonZeroU64);

impl FrameRef {
    const NUMBER_BITS: u32 = 48;

    /// `capture` is the 0-based index of the capture in this run, `number` the 1-based frame number.
    pub const fn new(capture: u16, number: u64) -> Self {
        let both = ((capture as u64) << Self::NUMBER_BITS) | (number & ((1 << Self::NUMBER_BITS) - 1));
        FrameRef(match NonZeroU64::new(both) {
            Some(both) => both,
            None => NonZeroU64::MIN,
        })
    }

    /// The 0-based index of the capture in this run.
    pub const fn capture(self) -> u16 {
        (self.0.get() >> Self::NUMBER_BITS) as u16
    }

    /// The 1-based number of the frame in its capture.
    pub const fn number(self) -> u64 {
        self.0.get() & ((1 << Self::NUMBER_BITS) - 1)
    }
}

/// One captured packet, borrowed from the file or device that it came from.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Its name.
    pub at: FrameRef,
    /// When it was captured.
    pub time: Timestamp,
    /// How `data` starts.
    pub link: LinkType,
    /// Index of the interface in its capture, counted over all sections; 0 in a pcap file.
    pub interface: u32,
    /// The bytes that were kept.
    pub data: &'a [u8],
    /// How many bytes the packet had on the wire; at least `data.len()` in a sound capture.
    pub wire_len: u32,
}

open_enum! {
    /// Link-layer header type, a LINKTYPE_ value as registered at tcpdump.org.
    pub struct LinkType(u32) {
        /// BSD loopback: a 4-byte address family in the byte order of the capturing host.
        NULL = 0,
        /// Ethernet II and IEEE 802.3.
        ETHERNET = 1,
        /// PPP, as in HDLC-like framing.
        PPP = 9,
        /// Raw IP as some systems number it.
        RAW_BSD = 12,
        /// Raw IP as OpenBSD numbers it.
        RAW_OPENBSD = 14,
        /// Raw IPv4 or IPv6.
        RAW = 101,
        /// IEEE 802.11.
        IEEE802_11 = 105,
        /// OpenBSD loopback: a 4-byte address family, big-endian.
        LOOP = 108,
        /// Linux cooked capture v1.
        LINUX_SLL = 113,
        /// IEEE 802.11 behind a radiotap header.
        IEEE802_11_RADIOTAP = 127,
        /// Raw IPv4.
        IPV4 = 228,
        /// Raw IPv6.
        IPV6 = 229,
        /// Linux cooked capture v2.
        LINUX_SLL2 = 276,
    }
}
