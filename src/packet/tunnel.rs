//! Tunnels: GRE (RFC 2784, 2890; NVGRE, RFC 7637; ERSPAN; PPTP's, RFC 2637), VXLAN (RFC 7348), Geneve
//! (RFC 8926). What does not lead to an IP packet stays what it is outside.

use super::bytes::{Bytes, u16_of};
use super::decoder::{Context, Found, Steps, Walk};
use super::{Body, Datagram, Meta, Packet, Undecoded, link};

const VXLAN: u16 = 4789;
/// Linux's own choice from before VXLAN had a port.
const VXLAN_LINUX: u16 = 8472;
const GENEVE: u16 = 6081;

/// Ethernet in GRE and Geneve.
const TRANSPARENT_ETHERNET: u16 = 0x6558;

/// Whether datagrams to this port may be a tunnel.
#[inline]
pub(super) fn is_tunnel_port(port: u16) -> bool {
    matches!(port, VXLAN | VXLAN_LINUX | GENEVE)
}

/// The outer packet where the inside cannot be read: encrypted, compressed, or not IP.
pub(super) fn or_other(inner: Walk<'_>, protocol: u8, meta: Meta) -> Walk<'_> {
    match inner {
        Err(Undecoded::NotIp | Undecoded::Malformed | Undecoded::LinkType) => {
            Ok(Found::Packet(Packet { meta, body: Body::Other(protocol) }))
        }
        found => found,
    }
}

/// What a GRE header is followed by.
pub(super) fn gre<'a>(bytes: Bytes<'a>, context: Context, steps: &mut Steps) -> Walk<'a> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    /// Version 1 only.
    const ACKNOWLEDGEMENT: u16 = 0x0080;
    const PPTP: u16 = 0x880b;
    const ERSPAN: u16 = 0x88be;
    const ERSPAN_III: u16 = 0x22eb;

    steps.take()?;
    let context = Context { tunnelled: true, ..context };
    let (&[f0, f1, p0, p1], rest) = bytes.split::<4>()?;
    let (flags, protocol) = (u16_of(f0, f1), u16_of(p0, p1));
    let field = |flag| if flags & flag != 0 { 4 } else { 0 };
    match flags & 7 {
        0 if flags & ROUTING == 0 => {
            let rest = rest.skip(field(CHECKSUM) + field(KEY) + field(SEQUENCE))?;
            match protocol {
                // Type I has neither a sequence number nor a header of its own.
                ERSPAN if flags & SEQUENCE == 0 => link::ethernet(rest, context, steps),
                ERSPAN => link::ethernet(rest.skip(8)?, context, steps),
                ERSPAN_III => {
                    let (header, rest) = rest.split::<12>()?;
                    let subheader = if header[11] & 1 != 0 { 8 } else { 0 };
                    link::ethernet(rest.skip(subheader)?, context, steps)
                }
                _ => link::ether_type(protocol, rest, context, steps),
            }
        }
        1 if protocol == PPTP => {
            let rest = rest.skip(field(KEY) + field(SEQUENCE) + field(ACKNOWLEDGEMENT))?;
            link::ppp(rest, context, steps)
        }
        _ => Err(Undecoded::NotIp),
    }
}

/// The packet inside a datagram, if there is one.
pub(super) fn in_udp<'a>(datagram: &Datagram<'a>, context: Context, steps: &mut Steps) -> Option<Found<'a>> {
    if !is_tunnel_port(datagram.dst_port) {
        return None;
    }
    steps.take().ok()?;
    let context = Context { tunnelled: true, ..context };
    let bytes = Bytes::new(datagram.payload, datagram.payload_len as usize);
    let (&[flags, _, p0, p1, _, _, _, _], rest) = bytes.split::<8>().ok()?;
    let inner = if datagram.dst_port == GENEVE {
        // Version 0; options in units of 4 bytes.
        if flags >> 6 != 0 {
            return None;
        }
        let rest = rest.skip(usize::from(flags & 0x3f) * 4).ok()?;
        match u16_of(p0, p1) {
            TRANSPARENT_ETHERNET => link::ethernet(rest, context, steps),
            protocol @ (0x0800 | 0x86dd) => link::ether_type(protocol, rest, context, steps),
            _ => return None,
        }
    } else if flags & 0x08 != 0 {
        link::ethernet(rest, context, steps)
    } else {
        return None;
    };
    inner.ok()
}
