//! The plain case in one straight line: Ethernet, at most one VLAN tag, IPv4 without options or IPv6
//! without extension headers, no fragment, TCP or UDP with a whole header. `None` leaves the frame to
//! the layers, which give the same packet wherever this gives one.

use super::bytes::u16_of;
use super::tunnel::is_tunnel_port;
use super::{Body, Datagram, Meta, Packet, Segment, TcpFlags, TcpOptions};
use crate::base::{Frame, LinkType, Stamp};

const TCP: u8 = 6;
const UDP: u8 = 17;

#[inline(always)]
pub(super) fn decode<'a>(frame: &Frame<'a>, stamp: Stamp) -> Option<Packet<'a>> {
    if frame.link != LinkType::ETHERNET {
        return None;
    }
    let (ethernet, mut rest) = frame.data.split_first_chunk::<14>()?;
    let mut ether_type = u16_of(ethernet[12], ethernet[13]);
    if ether_type == 0x8100 {
        let (tag, inner) = rest.split_first_chunk::<4>()?;
        ether_type = u16_of(tag[2], tag[3]);
        rest = inner;
    }
    let src_mac = ethernet[6..].first_chunk::<6>().copied();
    match ether_type {
        0x0800 => {
            let (ip, rest) = rest.split_first_chunk::<20>()?;
            let total = u16_of(ip[2], ip[3]);
            let flags = u16_of(ip[6], ip[7]);
            if ip[0] != 0x45 || total < 20 || flags & 0x3fff != 0 {
                return None;
            }
            transport(ip[9], rest, usize::from(total) - 20, || Meta {
                stamp,
                interface: frame.interface,
                src: [ip[12], ip[13], ip[14], ip[15]].into(),
                dst: [ip[16], ip[17], ip[18], ip[19]].into(),
                ttl: ip[8],
                ip_id: Some(u16_of(ip[4], ip[5])),
                dont_fragment: flags & 0x4000 != 0,
                src_mac,
                ip_len: u32::from(total),
                tunnelled: false,
            })
        }
        0x86dd => {
            let (ip, rest) = rest.split_first_chunk::<40>()?;
            let length = u16_of(ip[4], ip[5]);
            if ip[0] >> 4 != 6 || length == 0 {
                return None;
            }
            let (addresses, _) = ip[8..].as_chunks::<16>();
            let &[src, dst] = addresses else { return None };
            transport(ip[6], rest, usize::from(length), || Meta {
                stamp,
                interface: frame.interface,
                src: src.into(),
                dst: dst.into(),
                ttl: ip[7],
                ip_id: None,
                dont_fragment: true,
                src_mac,
                ip_len: u32::from(length) + 40,
                tunnelled: false,
            })
        }
        _ => None,
    }
}

/// `length` is that of the IP payload on the wire. A packet is made in one piece, since moving it costs as much
/// as the rest.
#[inline(always)]
fn transport(protocol: u8, bytes: &[u8], length: usize, meta: impl FnOnce() -> Meta) -> Option<Packet<'_>> {
    let kept = bytes.get(..length).unwrap_or(bytes);
    match protocol {
        TCP => {
            let (header, rest) = kept.split_first_chunk::<20>()?;
            let header_len = usize::from(header[12] >> 4) * 4;
            let (options, payload) = rest.split_at_checked(header_len.checked_sub(20)?)?;
            let body = Body::Tcp(Segment {
                src_port: u16_of(header[0], header[1]),
                dst_port: u16_of(header[2], header[3]),
                seq: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
                ack: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
                flags: TcpFlags(header[13]),
                window: u16_of(header[14], header[15]),
                checksum: u16_of(header[16], header[17]),
                options: TcpOptions(options),
                payload,
                payload_len: (length - header_len) as u32,
            });
            Some(Packet { meta: meta(), body })
        }
        UDP => {
            let (header, rest) = kept.split_first_chunk::<8>()?;
            let dst_port = u16_of(header[2], header[3]);
            let payload_len = usize::from(u16_of(header[4], header[5])).checked_sub(8)?;
            if payload_len > length - 8 || is_tunnel_port(dst_port) {
                return None;
            }
            let body = Body::Udp(Datagram {
                src_port: u16_of(header[0], header[1]),
                dst_port,
                payload: rest.get(..payload_len).unwrap_or(rest),
                payload_len: payload_len as u32,
            });
            Some(Packet { meta: meta(), body })
        }
        _ => None,
    }
}
