//! ICMP (RFC 792, RFC 1191) and ICMPv6 (RFC 4443) errors, for the flow that they quote.

use std::net::IpAddr;

use etherparse::{Ipv4HeaderSlice, Ipv6ExtensionsSlice, Ipv6HeaderSlice};

use super::bytes::{Bytes, u16_of};
use super::{Body, IcmpError, Undecoded};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// An error that quotes a TCP or UDP flow; anything else is [`Body::Other`].
pub(super) fn body(v6: bool, bytes: Bytes<'_>, from: IpAddr) -> Result<Body<'_>, Undecoded> {
    let other = Ok(Body::Other(if v6 { 58 } else { 1 }));
    if bytes.wire < 8 {
        return other;
    }
    let (header, quote) = bytes.split::<8>()?;
    let &[kind, code, _, _, a, b, c, d] = header;
    let is_error = if v6 {
        // Destination unreachable, packet too big, time exceeded, parameter problem.
        matches!(kind, 1..=4)
    } else {
        // Destination unreachable, source quench, time exceeded, parameter problem.
        matches!(kind, 3 | 4 | 11 | 12)
    };
    if !is_error {
        return other;
    }
    let mtu = match (v6, kind, code) {
        (true, 2, _) => u32::from_be_bytes([a, b, c, d]),
        (false, 3, 4) => u32::from(u16_of(c, d)),
        _ => 0,
    };
    let Some(flow) = quoted(quote.kept) else {
        return if quote.kept.len() < quote.wire { Err(Undecoded::Cut) } else { other };
    };
    Ok(Body::IcmpError(IcmpError {
        from,
        v6,
        kind,
        code,
        mtu: (mtu != 0).then_some(mtu),
        src: flow.src,
        dst: flow.dst,
        protocol: flow.protocol,
        src_port: flow.src_port,
        dst_port: flow.dst_port,
        seq: flow.seq,
    }))
}

struct Quoted {
    src: IpAddr,
    dst: IpAddr,
    protocol: u8,
    src_port: u16,
    dst_port: u16,
    seq: Option<u32>,
}

/// The quote may end after 8 bytes of the transport header, and some stacks spoil its length fields, so
/// those are not looked at.
fn quoted(quote: &[u8]) -> Option<Quoted> {
    let (src, dst, protocol, transport): (IpAddr, IpAddr, u8, &[u8]) = match quote.first()? >> 4 {
        4 => {
            let header = Ipv4HeaderSlice::from_slice(quote).ok()?;
            if header.fragments_offset().value() != 0 {
                return None;
            }
            let rest = quote.get(header.slice().len()..)?;
            (header.source_addr().into(), header.destination_addr().into(), header.protocol().0, rest)
        }
        6 => {
            let header = Ipv6HeaderSlice::from_slice(quote).ok()?;
            let rest = quote.get(header.slice().len()..)?;
            let (extensions, protocol, rest, _) =
                Ipv6ExtensionsSlice::from_slice_lax(header.next_header(), rest);
            if extensions.is_fragmenting_payload() {
                return None;
            }
            (header.source_addr().into(), header.destination_addr().into(), protocol.0, rest)
        }
        _ => return None,
    };
    let &[s0, s1, d0, d1] = transport.first_chunk()?;
    if protocol != TCP && protocol != UDP {
        return None;
    }
    let seq = match transport.get(4..8) {
        Some(&[a, b, c, d]) if protocol == TCP => Some(u32::from_be_bytes([a, b, c, d])),
        _ => None,
    };
    Some(Quoted { src, dst, protocol, src_port: u16_of(s0, s1), dst_port: u16_of(d0, d1), seq })
}

#[cfg(test)]
mod tests {
    use super::super::made::*;
    use super::super::{Body, Decoder, Undecoded};
    use super::*;
    use crate::base::{Frame, Limits, LinkType};

    fn body_of(data: &[u8], kept: usize) -> Result<Option<IcmpError>, Undecoded> {
        let frame = Frame { data: &data[..kept], ..frame(LinkType::RAW, data) };
        let mut decoder = Decoder::new(&Limits::default());
        decoder.decode(&frame, 0).map(|packet| match packet.body {
            Body::IcmpError(error) => Some(error),
            Body::Other(1 | 58) => None,
            other => panic!("{other:?}"),
        })
    }

    fn error_of(data: &[u8]) -> Option<IcmpError> {
        body_of(data, data.len()).unwrap()
    }

    #[test]
    fn administratively_prohibited_quoting_eight_bytes() {
        // Hand-made, as the vectors below.
        let quote = &ipv4(6, &tcp(TEXT))[..28];
        let data = ipv4(1, &join(&[&[3, 13, 0, 0, 0, 0, 0, 0], quote]));
        let error = error_of(&data).unwrap();
        assert_eq!((error.v6, error.kind, error.code, error.mtu), (false, 3, 13, None));
        assert_eq!((error.src, error.dst), ([10, 0, 0, 2].into(), [10, 0, 0, 1].into()));
        assert_eq!((error.protocol, error.src_port, error.dst_port, error.seq), (6, 50204, 3389, Some(7)));
        assert_eq!(error.from, IpAddr::from([10, 0, 0, 2]));
        for kept in 0..data.len() {
            let result = body_of(&data, kept);
            // With the ports, but not the whole sequence number.
            let expected =
                if kept < 52 { Err(Undecoded::Cut) } else { Ok(Some(IcmpError { seq: None, ..error })) };
            assert_eq!(result, expected, "{kept}");
        }
    }

    #[test]
    fn which_types_are_errors() {
        let quote = ipv4(17, &udp(3389, TEXT));
        for kind in 0..=255 {
            let error = error_of(&ipv4(1, &join(&[&[kind, 0, 0, 0, 0, 0, 5, 0], &quote])));
            assert_eq!(error.is_some(), [3, 4, 11, 12].contains(&kind), "{kind}");
            let error = error_of(&ipv6(58, &join(&[&[kind, 0, 0, 0, 0, 0, 5, 0], &quote])));
            assert_eq!(error.is_some(), [1, 2, 3, 4].contains(&kind), "{kind}");
        }
    }

    #[test]
    fn the_next_hop_mtu() {
        let quote = ipv4(17, &udp(3389, TEXT));
        let error = error_of(&ipv4(1, &join(&[&[3, 4, 0, 0, 0, 0, 5, 0x78], &quote]))).unwrap();
        assert_eq!((error.mtu, error.protocol, error.seq), (Some(1400), 17, None));
        assert_eq!(error_of(&ipv4(1, &join(&[&[3, 4, 0, 0, 0, 0, 0, 0], &quote]))).unwrap().mtu, None);
        assert_eq!(error_of(&ipv4(1, &join(&[&[3, 1, 0, 0, 0, 0, 5, 0x78], &quote]))).unwrap().mtu, None);
        let error = error_of(&ipv6(58, &join(&[&[2, 0, 0, 0, 0, 0, 5, 0], &ipv6(6, &tcp(TEXT))]))).unwrap();
        assert_eq!((error.mtu, error.v6, error.src_port), (Some(1280), true, 50204));
    }

    #[test]
    fn a_quoted_packet_with_extensions() {
        let inner = join(&[&[60, 0, 1, 4, 0, 0, 0, 0], &[6, 0, 1, 4, 0, 0, 0, 0], &tcp(TEXT)]);
        let error = error_of(&ipv6(58, &join(&[&[1, 4, 0, 0, 0, 0, 0, 0], &ipv6(0, &inner)]))).unwrap();
        assert_eq!((error.protocol, error.dst_port, error.seq), (6, 3389, Some(7)));
        let mut quote = ipv4(6, &tcp(TEXT));
        quote.splice(0..1, [0x46]);
        quote.splice(20..20, [1, 1, 1, 0]);
        // A length field that the host left in its own byte order.
        quote.swap(2, 3);
        let error = error_of(&ipv4(1, &join(&[&[11, 0, 0, 0, 0, 0, 0, 0], &quote]))).unwrap();
        assert_eq!((error.src_port, error.dst_port), (50204, 3389));
    }

    #[test]
    fn quotes_without_a_flow() {
        let later_fragment = ipv4_flags(6, 7, &tcp(TEXT));
        let ping = ipv4(1, &[8, 0, 0, 0, 0, 0, 0, 0]);
        for quote in
            [&later_fragment[..], &ping, &ipv4(6, &[1, 2, 3]), &[0x45], &[], &[0x70; 40], &[0x60; 39]]
        {
            assert_eq!(error_of(&ipv4(1, &join(&[&[3, 1, 0, 0, 0, 0, 0, 0], quote]))), None);
        }
        assert_eq!(error_of(&ipv4(1, &[3, 1, 0, 0])), None);
    }
}
