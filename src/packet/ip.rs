//! IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200), TCP and UDP headers.

use etherparse::{Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice, err};

use super::bytes::{Bytes, u16_of};
use super::decoder::{Context, Found, MAX_NESTING, Steps, Walk};
use super::fragments::{Fragment, Key};
use super::{Body, Datagram, Meta, Packet, Segment, TcpFlags, TcpOptions, Undecoded, icmp, tunnel};

/// IP protocol numbers.
mod number {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const ICMP: u8 = 1;
    pub(super) const IPV4: u8 = 4;
    pub(super) const TCP: u8 = 6;
    pub(super) const UDP: u8 = 17;
    pub(super) const IPV6: u8 = 41;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const GRE: u8 = 47;
    pub(super) const AUTHENTICATION: u8 = 51;
    pub(super) const ICMPV6: u8 = 58;
    pub(super) const DESTINATION_OPTIONS: u8 = 60;
}

/// An IP packet of either version.
pub(super) fn either<'a>(bytes: Bytes<'a>, context: Context, steps: &mut Steps) -> Walk<'a> {
    match bytes.head::<1>()?[0] >> 4 {
        4 => v4(bytes, context, steps),
        6 => v6(bytes, context, steps),
        _ => Err(Undecoded::NotIp),
    }
}

pub(super) fn v4<'a>(bytes: Bytes<'a>, context: Context, steps: &mut Steps) -> Walk<'a> {
    let context = deeper(context, steps)?;
    let header = Ipv4HeaderSlice::from_slice(bytes.kept).map_err(|error| match error {
        err::ipv4::HeaderSliceError::Len(_) => bytes.short(),
        err::ipv4::HeaderSliceError::Content(_) => Undecoded::Malformed,
    })?;
    let header_len = header.slice().len();
    // 0 where the capturing host's offload engine was still to fill it in.
    let ip_len = match usize::from(header.total_len()) {
        0 => bytes.wire,
        total => total,
    };
    if ip_len < header_len {
        return Err(Undecoded::Malformed);
    }
    let inner = bytes.limit(ip_len).skip(header_len)?;
    let protocol = header.protocol().0;
    let meta = Meta {
        stamp: context.stamp,
        interface: context.interface,
        src: header.source_addr().into(),
        dst: header.destination_addr().into(),
        ttl: header.ttl(),
        ip_id: Some(header.identification()),
        dont_fragment: header.dont_fragment(),
        src_mac: context.src_mac,
        ip_len: ip_len as u32,
        tunnelled: context.tunnelled,
    };
    if header.is_fragmenting_payload() {
        let id = u32::from(header.identification());
        let key = Key { src: meta.src, dst: meta.dst, id, protocol };
        let offset = usize::from(header.fragments_offset().byte_offset());
        let more = header.more_fragments();
        return Ok(Found::Fragment(Fragment { key, offset, more, protocol, bytes: inner, meta, context }));
    }
    payload(protocol, inner, meta, context, steps)
}

pub(super) fn v6<'a>(bytes: Bytes<'a>, context: Context, steps: &mut Steps) -> Walk<'a> {
    let context = deeper(context, steps)?;
    let header = Ipv6HeaderSlice::from_slice(bytes.kept).map_err(|error| match error {
        err::ipv6::HeaderSliceError::Len(_) => bytes.short(),
        err::ipv6::HeaderSliceError::Content(_) => Undecoded::Malformed,
    })?;
    let header_len = header.slice().len();
    // 0 also in a jumbogram (RFC 2675), whose length is that of the frame.
    let ip_len = match usize::from(header.payload_length()) {
        0 => bytes.wire,
        length => length + header_len,
    };
    let meta = Meta {
        stamp: context.stamp,
        interface: context.interface,
        src: header.source_addr().into(),
        dst: header.destination_addr().into(),
        ttl: header.hop_limit(),
        ip_id: None,
        dont_fragment: true,
        src_mac: context.src_mac,
        ip_len: ip_len as u32,
        tunnelled: context.tunnelled,
    };
    payload(header.next_header().0, bytes.limit(ip_len).skip(header_len)?, meta, context, steps)
}

fn deeper(context: Context, steps: &mut Steps) -> Result<Context, Undecoded> {
    steps.take()?;
    if context.nesting >= MAX_NESTING {
        return Err(Undecoded::Malformed);
    }
    Ok(Context { nesting: context.nesting + 1, ..context })
}

/// What an IP packet carries, behind any extension headers.
pub(super) fn payload<'a>(
    mut protocol: u8,
    mut bytes: Bytes<'a>,
    meta: Meta,
    context: Context,
    steps: &mut Steps,
) -> Walk<'a> {
    let is_v6 = meta.src.is_ipv6();
    loop {
        let body = match protocol {
            number::TCP => tcp(bytes)?,
            number::UDP => {
                let body = udp(bytes)?;
                if let Body::Udp(datagram) = &body
                    && let Some(inner) = tunnel::in_udp(datagram, context, steps)
                {
                    return Ok(inner);
                }
                body
            }
            number::ICMP | number::ICMPV6 => icmp::body(protocol == number::ICMPV6, bytes, meta.src)?,
            number::IPV4 | number::IPV6 => {
                let context = Context { tunnelled: true, ..context };
                let inner = if protocol == number::IPV4 {
                    v4(bytes, context, steps)
                } else {
                    v6(bytes, context, steps)
                };
                return tunnel::or_other(inner, protocol, meta);
            }
            number::GRE => return tunnel::or_other(tunnel::gre(bytes, context, steps), protocol, meta),
            number::HOP_BY_HOP | number::ROUTING | number::DESTINATION_OPTIONS if is_v6 => {
                steps.take()?;
                let &[next, units] = bytes.head()?;
                (protocol, bytes) = (next, bytes.skip(usize::from(units) * 8 + 8)?);
                continue;
            }
            number::AUTHENTICATION => {
                steps.take()?;
                let &[next, units] = bytes.head()?;
                (protocol, bytes) = (next, bytes.skip(usize::from(units) * 4 + 8)?);
                continue;
            }
            number::FRAGMENT if is_v6 => {
                steps.take()?;
                let header = Ipv6FragmentHeaderSlice::from_slice(bytes.kept).map_err(|_| bytes.short())?;
                (protocol, bytes) = (header.next_header().0, bytes.skip(header.slice().len())?);
                if !header.is_fragmenting_payload() {
                    continue;
                }
                // Only the first fragment's next header counts (RFC 8200, section 4.5).
                let key = Key { src: meta.src, dst: meta.dst, id: header.identification(), protocol: 0 };
                let offset = usize::from(header.fragment_offset().byte_offset());
                let more = header.more_fragments();
                return Ok(Found::Fragment(Fragment { key, offset, more, protocol, bytes, meta, context }));
            }
            other => Body::Other(other),
        };
        return Ok(Found::Packet(Packet { meta, body }));
    }
}

/// RFC 9293, section 3.1. A header that the capture cut is read if its window field is still there: a
/// window taken for 0 would tell a false story.
fn tcp(bytes: Bytes<'_>) -> Result<Body<'_>, Undecoded> {
    if bytes.wire < 20 {
        return Ok(Body::Other(number::TCP));
    }
    let header: &[u8; 16] = bytes.head()?;
    let header_len = usize::from(header[12] >> 4) * 4;
    if header_len < 20 || header_len > bytes.wire {
        return Err(Undecoded::Malformed);
    }
    let (header_kept, payload) = bytes.kept.split_at(header_len.min(bytes.kept.len()));
    let checksum = header_kept.get(16..18).map_or(0, |field| u16_of(field[0], field[1]));
    Ok(Body::Tcp(Segment {
        src_port: u16_of(header[0], header[1]),
        dst_port: u16_of(header[2], header[3]),
        seq: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        ack: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
        flags: TcpFlags(header[13]),
        window: u16_of(header[14], header[15]),
        checksum,
        options: TcpOptions(header_kept.get(20..).unwrap_or_default()),
        payload,
        payload_len: (bytes.wire - header_len) as u32,
    }))
}

/// RFC 768. The length field counts where it is smaller than the IP payload; 0 is a jumbogram or an
/// offload engine's business.
fn udp(bytes: Bytes<'_>) -> Result<Body<'_>, Undecoded> {
    if bytes.wire < 8 {
        return Ok(Body::Other(number::UDP));
    }
    let (header, rest) = bytes.split::<8>()?;
    let rest = match usize::from(u16_of(header[4], header[5])) {
        0 => rest,
        1..8 => return Err(Undecoded::Malformed),
        length => rest.limit((length - 8).min(rest.wire)),
    };
    Ok(Body::Udp(Datagram {
        src_port: u16_of(header[0], header[1]),
        dst_port: u16_of(header[2], header[3]),
        payload: rest.kept,
        payload_len: rest.wire as u32,
    }))
}
