//! Hand-made frames for the tests: no byte of these comes from a capture.

use super::{Body, Packet, Segment, Undecoded};
use crate::base::{Frame, FrameRef, LinkType, Timestamp};

/// The source MAC address of every hand-made Ethernet header.
pub(super) const MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x17];
pub(super) const SYN: &[u8] = b"";
pub(super) const TEXT: &[u8] =
    b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x0b\x00\x00\x00";

pub(super) fn at(link: LinkType, data: &[u8], seconds: i64) -> Frame<'_> {
    Frame {
        at: FrameRef::new(0, 1),
        time: Timestamp(seconds * Timestamp::SECOND),
        link,
        interface: 0,
        data,
        wire_len: data.len() as u32,
    }
}

pub(super) fn frame(link: LinkType, data: &[u8]) -> Frame<'_> {
    at(link, data, 1)
}

pub(super) fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub(super) fn ethernet(ether_type: u16, inner: &[u8]) -> Vec<u8> {
    join(&[&[2, 0, 0, 0, 0, 1], &MAC, &ether_type.to_be_bytes(), inner])
}

/// 10.0.0.2 to 10.0.0.1, TTL 128, identification 0x1234, don't fragment.
pub(super) fn ipv4(protocol: u8, inner: &[u8]) -> Vec<u8> {
    ipv4_flags(protocol, 0x4000, inner)
}

/// The same with the field of flags and fragment offset given.
pub(super) fn ipv4_flags(protocol: u8, flags: u16, inner: &[u8]) -> Vec<u8> {
    let total = (inner.len() as u16 + 20).to_be_bytes();
    let [f0, f1] = flags.to_be_bytes();
    let header =
        [0x45, 0, total[0], total[1], 0x12, 0x34, f0, f1, 128, protocol, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1];
    join(&[&header, inner])
}

/// fd00::2 to fd00::1, hop limit 64.
pub(super) fn ipv6(next: u8, inner: &[u8]) -> Vec<u8> {
    let length = (inner.len() as u16).to_be_bytes();
    let mut header = vec![0x60, 0, 0, 0, length[0], length[1], next, 64];
    for last in [2, 1] {
        header.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    join(&[&header, inner])
}

/// Port 50204 to 3389, with a maximum segment size option.
pub(super) fn tcp(payload: &[u8]) -> Vec<u8> {
    let header = [
        0xc4, 0x1c, 0x0d, 0x3d, 0, 0, 0, 7, 0, 0, 0, 9, 0x60, 0x18, 0x04, 0x01, 0xab, 0xcd, 0, 0, 2, 4, 5,
        0xb4,
    ];
    join(&[&header, payload])
}

pub(super) fn udp(dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16 + 8).to_be_bytes();
    join(&[&50204u16.to_be_bytes(), &dst_port.to_be_bytes(), &length, &[0, 0], payload])
}

/// The TCP segment of a packet.
pub(super) fn segment<'a>(packet: &Packet<'a>) -> Segment<'a> {
    match packet.body {
        Body::Tcp(segment) => segment,
        other => panic!("no TCP: {other:?}"),
    }
}

/// Whether a failure may come from cutting a sound frame.
pub(super) fn is_cut(error: Undecoded) -> bool {
    error == Undecoded::Cut
}
