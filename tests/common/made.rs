//! Frames and captures made in memory, and numbers that are the same in every run.

use std::net::{Ipv4Addr, SocketAddrV4};

use rdpwhy::base::{LinkType, Timestamp};

use super::Owned;

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const PSH: u8 = 0x08;
pub const ACK: u8 = 0x10;

/// 2026-11-20T09:00:00Z.
pub const START: Timestamp = Timestamp(1_795_165_200 * Timestamp::SECOND);

/// An X.224 Connection Request with the cookie "alice" that asks for SSL, HYBRID and HYBRID_EX.
pub fn connection_request() -> Vec<u8> {
    let cookie = b"Cookie: mstshash=alice\r\n";
    let negotiation = [1, 0, 8, 0, 0x0b, 0, 0, 0];
    let li = 6 + cookie.len() + negotiation.len();
    let mut bytes = vec![3, 0, 0, li as u8 + 5, li as u8, 0xe0, 0, 0, 0, 0, 0];
    bytes.extend(cookie);
    bytes.extend(negotiation);
    bytes
}

/// An X.224 Connection Confirm that chose `protocol`.
pub fn connection_confirm(protocol: u8) -> Vec<u8> {
    vec![3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, 0, 8, 0, protocol, 0, 0, 0]
}

/// A TLS record of TLS 1.2.
pub fn record(content_type: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![content_type, 3, 3];
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

/// A TCP segment before it is made a frame.
#[derive(Clone, Copy, Debug)]
pub struct Tcp<'a> {
    pub from: SocketAddrV4,
    pub to: SocketAddrV4,
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    pub payload: &'a [u8],
    /// IPv4 identification.
    pub id: u16,
}

impl Tcp<'_> {
    /// An Ethernet frame; checksums are left 0, as offload engines leave them.
    pub fn frame(&self, time: Timestamp) -> Owned {
        let mut segment = Vec::with_capacity(20 + self.payload.len());
        segment.extend(self.from.port().to_be_bytes());
        segment.extend(self.to.port().to_be_bytes());
        segment.extend(self.seq.to_be_bytes());
        segment.extend(self.ack.to_be_bytes());
        segment.extend([0x50, self.flags, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend(self.payload);
        ipv4(*self.from.ip(), *self.to.ip(), 6, self.id, 0x4000, &segment, time)
    }
}

/// An Ethernet frame with an IPv4 packet; `flags` is the field of flags and fragment offset.
pub fn ipv4(
    from: Ipv4Addr,
    to: Ipv4Addr,
    protocol: u8,
    id: u16,
    flags: u16,
    payload: &[u8],
    time: Timestamp,
) -> Owned {
    let mut data = Vec::with_capacity(34 + payload.len());
    data.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0]);
    data.extend((20 + payload.len() as u16).to_be_bytes());
    data.extend(id.to_be_bytes());
    data.extend(flags.to_be_bytes());
    data.extend([128, protocol, 0, 0]);
    data.extend(from.octets());
    data.extend(to.octets());
    data.extend(payload);
    let wire_len = data.len() as u32;
    Owned { time, link: LinkType::ETHERNET, interface: 0, data, wire_len }
}

/// A pcap file (nanoseconds, little-endian) of frames of one link type.
pub fn pcap<'a>(frames: impl IntoIterator<Item = &'a Owned>) -> Vec<u8> {
    let mut frames = frames.into_iter().peekable();
    let link = frames.peek().map_or(1, |frame| frame.link.0);
    let mut bytes = Vec::new();
    bytes.extend(0xa1b2_3c4d_u32.to_le_bytes());
    bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(262_144_u32.to_le_bytes());
    bytes.extend(link.to_le_bytes());
    for frame in frames {
        let (seconds, rest) =
            (frame.time.0.div_euclid(1_000_000_000), frame.time.0.rem_euclid(1_000_000_000));
        for field in [seconds as u32, rest as u32, frame.data.len() as u32, frame.wire_len] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(&frame.data);
    }
    bytes
}

/// xorshift64*: the same numbers in every run.
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() >> 11) as usize % end
    }
}
