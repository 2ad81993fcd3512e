//! Every link layer and tunnel, hand-made (see `made`), whole, cut at each length and spoiled; and the
//! straight path against the layers.

use proptest::prelude::*;

use super::decoder::{Found, layers};
use super::made::*;
use super::{Body, Decoder, Packet, TcpFlags, Undecoded, fast};
use crate::base::{Frame, FrameRef, Limits, LinkType, Stamp, Timestamp};

fn decode(frame: &Frame<'_>, check: impl FnOnce(Result<Packet<'_>, Undecoded>)) {
    check(Decoder::new(&Limits::default()).decode(frame, 7));
}

/// A frame of a name, and what it must give: an IPv6 packet, the MAC address, inside a tunnel.
struct Case {
    name: &'static str,
    link: LinkType,
    data: Vec<u8>,
    v6: bool,
    mac: Option<[u8; 6]>,
    tunnelled: bool,
}

/// Name, link type, parts of the frame, and whether it is IPv6; MAC address.
type Link<'a> = (&'static str, LinkType, &'a [&'a [u8]], bool, Option<[u8; 6]>);

fn cases() -> Vec<Case> {
    let v4 = &ipv4(6, &tcp(TEXT))[..];
    let v6 = &ipv6(6, &tcp(TEXT))[..];
    let eth = &ethernet(0x0800, v4)[..];
    let other_mac = Some([6, 5, 4, 3, 2, 1]);
    let mut cases = Vec::new();
    let mut add = |name, link, parts: &[&[u8]], v6, mac, tunnelled| {
        cases.push(Case { name, link, data: join(parts), v6, mac, tunnelled });
    };
    let ethernet_types: &[(&str, u16, &[&[u8]], bool)] = &[
        ("plain v4", 0x0800, &[v4], false),
        ("plain v6", 0x86dd, &[v6], true),
        ("padded v4", 0x0800, &[v4, &[0; 9]], false),
        ("padded v6", 0x86dd, &[v6, &[0; 9]], true),
        ("vlan", 0x8100, &[&[0, 5, 8, 0], v4], false),
        ("vlan v6", 0x8100, &[&[0, 5, 0x86, 0xdd], v6], true),
        ("qinq", 0x88a8, &[&[0, 5, 0x81, 0, 0, 6, 8, 0], v4], false),
        ("four tags", 0x9100, &[&[0, 5, 0x81, 0, 0, 6, 0x81, 0, 0, 7, 0x81, 0, 0, 8, 0x86, 0xdd], v6], true),
        ("llc snap", 71, &[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], v4], false),
        ("vlan llc snap", 0x8100, &[&[0, 5, 0, 91, 0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd], v6], true),
        ("llc ip", 66, &[&[6, 6, 3], v4], false),
        ("mpls v4", 0x8847, &[&[0, 1, 0, 64, 0, 2, 1, 64], v4], false),
        ("mpls v6", 0x8848, &[&[0, 1, 1, 64], v6], true),
        ("mpls pseudo-wire with control word", 0x8847, &[&[0, 1, 1, 64, 0, 0, 0, 0], eth], false),
        ("mpls pseudo-wire without", 0x8847, &[&[0, 1, 1, 64], eth], false),
        ("mpls pseudo-wire whose MAC looks like IPv4", 0x8847, &[&[0, 1, 1, 64, 0x45], &eth[1..]], false),
        ("pppoe v4", 0x8864, &[&[0x11, 0, 0, 9, 0, 67, 0, 0x21], v4], false),
        ("pppoe v6", 0x8864, &[&[0x11, 0, 0, 9, 0, 87, 0, 0x57], v6], true),
        (
            "v6 with extensions",
            0x86dd,
            &[&ipv6(
                0,
                &join(&[
                    &[60, 0, 1, 4, 0, 0, 0, 0, 43, 0, 1, 4, 0, 0, 0, 0],
                    &[51, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                    &[6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1],
                    &tcp(TEXT),
                ]),
            )],
            true,
        ),
        (
            "v6 with a fragment header of a whole packet",
            0x86dd,
            &[&ipv6(44, &join(&[&[6, 0, 0, 0, 0, 0, 0, 1], &tcp(TEXT)]))],
            true,
        ),
        (
            "v4 with authentication header",
            0x0800,
            &[&ipv4(51, &join(&[&[6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1], &tcp(TEXT)]))],
            false,
        ),
        ("v4 with options", 0x0800, &[&[0x46], &[0, 0, 67], &v4[4..20], &[1, 1, 1, 0], &tcp(TEXT)], false),
        ("v4 still without length", 0x0800, &[&v4[..2], &[0, 0], &v4[4..]], false),
        ("v6 still without length", 0x86dd, &[&v6[..4], &[0, 0], &v6[6..]], true),
    ];
    for (name, ether_type, parts, v6) in ethernet_types {
        add(name, LinkType::ETHERNET, &[&ethernet(*ether_type, &parts.concat())], *v6, Some(MAC), false);
    }
    let gre = |head: &[u8], inner: &[u8]| ethernet(0x0800, &ipv4(47, &join(&[head, inner])));
    let vxlan = [8, 0, 0, 0, 0, 0, 9, 0];
    let tunnels: &[(&str, Vec<u8>, bool)] = &[
        ("gre v4", gre(&[0, 0, 8, 0], v4), false),
        ("gre v6 with all fields", gre(&[0xb0, 0, 0x86, 0xdd, 1, 1, 0, 0, 2, 2, 2, 2, 3, 3, 3, 3], v6), true),
        ("nvgre", gre(&[0x20, 0, 0x65, 0x58, 0, 0, 9, 0], eth), false),
        ("gre mpls", gre(&[0, 0, 0x88, 0x47, 0, 1, 1, 64], v4), false),
        ("erspan I", gre(&[0, 0, 0x88, 0xbe], eth), false),
        ("erspan II", gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 5, 0, 1, 0, 0, 0, 0], eth), false),
        (
            "erspan III",
            gre(&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], eth),
            false,
        ),
        (
            "erspan III with subheader",
            gre(
                &[
                    0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9,
                    9, 9,
                ],
                eth,
            ),
            false,
        ),
        (
            "pptp",
            gre(&[0x30, 0x81, 0x88, 0x0b, 0, 60, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, 0x21], v4),
            false,
        ),
        ("v4 in v4", ethernet(0x0800, &ipv4(4, v4)), false),
        ("v6 in v4", ethernet(0x0800, &ipv4(41, v6)), true),
        ("v4 in v6", ethernet(0x86dd, &ipv6(4, v4)), false),
        ("vxlan", ethernet(0x0800, &ipv4(17, &udp(4789, &join(&[&vxlan, eth])))), false),
        ("vxlan over v6", ethernet(0x86dd, &ipv6(17, &udp(8472, &join(&[&vxlan, eth])))), false),
        (
            "geneve",
            ethernet(
                0x0800,
                &ipv4(17, &udp(6081, &join(&[&[1, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 1, 1, 0], eth]))),
            ),
            false,
        ),
        (
            "geneve with v6",
            ethernet(0x0800, &ipv4(17, &udp(6081, &join(&[&[0, 0, 0x86, 0xdd, 0, 0, 9, 0], v6])))),
            true,
        ),
    ];
    for (name, data, v6) in tunnels {
        add(name, LinkType::ETHERNET, &[data], *v6, Some(MAC), true);
    }
    let snap: &[u8] = &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    let [one, two, three, four] = [[1; 6], [6, 5, 4, 3, 2, 1], [3; 6], [4; 6]];
    let cooked = &[0, 0, 0, 1, 0, 6, 6, 5, 4, 3, 2, 1, 0, 0];
    let links: &[Link<'_>] = &[
        ("cooked", LinkType::LINUX_SLL, &[cooked, &[8, 0], v4], false, other_mac),
        ("cooked vlan", LinkType::LINUX_SLL, &[cooked, &[0x81, 0, 0, 5, 0x86, 0xdd], v6], true, other_mac),
        ("cooked tun", LinkType::LINUX_SLL, &[&[0, 4, 0xff, 0xfe, 0, 0], &[0; 8], &[8, 0], v4], false, None),
        (
            "cooked 2",
            LinkType::LINUX_SLL2,
            &[&[8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 6, 5, 4, 3, 2, 1, 0, 0], v4],
            false,
            other_mac,
        ),
        ("null little-endian", LinkType::NULL, &[&[2, 0, 0, 0], v4], false, None),
        ("null big-endian macOS", LinkType::NULL, &[&[0, 0, 0, 30], v6], true, None),
        ("null Windows", LinkType::NULL, &[&[23, 0, 0, 0], v6], true, None),
        ("loop", LinkType::LOOP, &[&[0, 0, 0, 24], v6], true, None),
        ("raw v4", LinkType::RAW, &[v4], false, None),
        ("raw v6", LinkType::RAW_BSD, &[v6], true, None),
        ("raw OpenBSD", LinkType::RAW_OPENBSD, &[v6], true, None),
        ("ipv4", LinkType::IPV4, &[v4], false, None),
        ("ipv6", LinkType::IPV6, &[v6], true, None),
        ("ppp", LinkType::PPP, &[&[0, 0x21], v4], false, None),
        ("ppp framed", LinkType::PPP, &[&[0xff, 3, 0, 0x57], v6], true, None),
        ("ppp compressed", LinkType(50), &[&[0xff, 3, 0x21], v4], false, None),
        ("ppp mpls", LinkType(50), &[&[0xff, 3, 2, 0x81, 0, 1, 1, 64], v4], false, None),
        ("pppoe alone", LinkType(51), &[&[0x11, 0, 0, 9, 0, 67, 0, 0x21], v4], false, None),
        ("cisco hdlc", LinkType(104), &[&[15, 0, 0x86, 0xdd], v6], true, None),
        (
            "802.11 to the network",
            LinkType::IEEE802_11,
            &[&[8, 1, 0, 0], &one, &two, &three, &[0, 0], snap, v4],
            false,
            other_mac,
        ),
        (
            "802.11 from the network",
            LinkType::IEEE802_11,
            &[&[8, 2, 0, 0], &one, &three, &two, &[0, 0], snap, v4],
            false,
            other_mac,
        ),
        (
            "802.11 between bridges, QoS, HT",
            LinkType::IEEE802_11,
            &[&[0x88, 0x83, 0, 0], &one, &four, &three, &[0, 0], &two, &[0, 0, 0, 0, 0, 0], snap, v4],
            false,
            other_mac,
        ),
        (
            "802.11 aggregate",
            LinkType::IEEE802_11,
            &[&[0x88, 1, 0, 0], &one, &two, &three, &[0, 0, 0x80, 0], &one, &two, &[0, 75], snap, v4],
            false,
            other_mac,
        ),
        (
            "radiotap",
            LinkType::IEEE802_11_RADIOTAP,
            &[&[0, 0, 9, 0, 2, 0, 0, 0, 0x10], &[8, 1, 0, 0], &one, &two, &three, &[0, 0], snap, v4, &[9; 4]],
            false,
            other_mac,
        ),
        (
            "radiotap, padded QoS header",
            LinkType::IEEE802_11_RADIOTAP,
            &[
                &[0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x20],
                &[0x88, 1, 0, 0],
                &one,
                &two,
                &three,
                &[0, 0, 0, 0, 0, 0],
                snap,
                v4,
            ],
            false,
            other_mac,
        ),
    ];
    for (name, link, parts, v6, mac) in links {
        add(name, *link, parts, *v6, *mac, false);
    }
    cases
}

#[test]
fn every_layer_leads_to_the_segment() {
    for case in cases() {
        decode(&frame(case.link, &case.data), |result| {
            let packet = result.unwrap_or_else(|error| panic!("{}: {error:?}", case.name));
            let segment = segment(&packet);
            assert_eq!(segment.payload, TEXT, "{}", case.name);
            assert_eq!(segment.payload_len as usize, TEXT.len(), "{}", case.name);
            assert_eq!((segment.src_port, segment.dst_port), (50204, 3389), "{}", case.name);
            assert_eq!((segment.seq, segment.ack, segment.window, segment.checksum), (7, 9, 0x0401, 0xabcd));
            assert_eq!(segment.flags, TcpFlags(0x18));
            assert_eq!(segment.options.mss(), Some(1460));
            let meta = packet.meta;
            assert_eq!(meta.stamp.order, 7);
            assert_eq!(meta.tunnelled, case.tunnelled, "{}", case.name);
            assert_eq!(meta.src_mac, case.mac, "{}", case.name);
            if case.v6 {
                assert_eq!((meta.src, meta.dst), ("fd00::2".parse().unwrap(), "fd00::1".parse().unwrap()));
                assert_eq!((meta.ttl, meta.ip_id, meta.dont_fragment), (64, None, true));
            } else {
                assert_eq!((meta.src, meta.dst), ([10, 0, 0, 2].into(), [10, 0, 0, 1].into()));
                assert_eq!((meta.ttl, meta.ip_id, meta.dont_fragment), (128, Some(0x1234), true));
            }
            assert_eq!(meta.ip_len, [63, 83][usize::from(case.v6)] + extra(case.name), "{}", case.name);
        });
    }
}

/// Bytes of IP options and extension headers.
fn extra(name: &str) -> u32 {
    match name {
        "v6 with extensions" => 44,
        "v6 with a fragment header of a whole packet" => 8,
        "v4 with authentication header" => 12,
        "v4 with options" => 4,
        _ => 0,
    }
}

#[test]
fn a_cut_frame_keeps_what_is_there() {
    for case in cases() {
        let length = case.data.len();
        for kept in 0..length {
            let whole = frame(case.link, &case.data);
            decode(&Frame { data: &case.data[..kept], ..whole }, |result| match result {
                Err(error) => assert!(is_cut(error), "{} at {kept}: {error:?}", case.name),
                Ok(Packet { body: Body::Tcp(segment), .. }) => {
                    assert!(TEXT.starts_with(segment.payload), "{} at {kept}", case.name);
                    assert_eq!(segment.payload_len as usize, TEXT.len(), "{} at {kept}", case.name);
                    assert_eq!(segment.window, 0x0401);
                }
                // A tunnel in UDP of which too little is left, and a pseudo-wire taken for IP.
                Ok(Packet { body: Body::Udp(_), .. }) => assert!(case.tunnelled, "{} at {kept}", case.name),
                Ok(packet) => panic!("{} at {kept}: {packet:?}", case.name),
            });
        }
    }
}

#[test]
fn a_wrong_wire_length_is_tolerated() {
    let data = ethernet(0x0800, &ipv4(6, &tcp(TEXT)));
    for wire_len in [0, 20, 10_000] {
        decode(&Frame { wire_len, ..frame(LinkType::ETHERNET, &data) }, |result| {
            assert_eq!(segment(&result.unwrap()).payload_len as usize, TEXT.len());
        });
    }
    // The length of the IP header counts even where the capture says that there was no more.
    decode(&frame(LinkType::ETHERNET, &data[..60]), |result| {
        let packet = result.unwrap();
        assert_eq!((segment(&packet).payload_len as usize, segment(&packet).payload.len()), (TEXT.len(), 2));
    });
}

#[test]
fn headers_that_contradict_themselves() {
    let damaged = |at: usize, byte: u8| {
        let mut data = ethernet(0x0800, &ipv4(6, &tcp(TEXT)));
        data[at] = byte;
        data
    };
    let cases = [
        ("IPv4 version 5", damaged(14, 0x55)),
        ("IPv4 header of 16 bytes", damaged(14, 0x44)),
        ("IPv4 length below its header", damaged(17, 19)),
        ("TCP header of 16 bytes", damaged(46, 0x40)),
        ("TCP header beyond the packet", damaged(46, 0xf0)),
    ];
    for (name, data) in cases {
        decode(&frame(LinkType::ETHERNET, &data), |result| {
            assert_eq!(result, Err(Undecoded::Malformed), "{name}");
        });
    }
    // Too short for a TCP header, and nothing cut.
    decode(&frame(LinkType::ETHERNET, &ethernet(0x0800, &ipv4(6, &tcp(SYN)[..19]))), |result| {
        assert_eq!(result.unwrap().body, Body::Other(6));
    });
}

#[test]
fn what_is_not_ip_and_what_is_not_known() {
    let arp = ethernet(0x0806, &[0; 28]);
    decode(&frame(LinkType::ETHERNET, &arp), |result| assert_eq!(result, Err(Undecoded::NotIp)));
    let five_tags =
        ethernet(0x8100, &join(&[&[0, 1, 0x81, 0].repeat(4), &[0, 1, 8, 0], &ipv4(6, &tcp(TEXT))]));
    decode(&frame(LinkType::ETHERNET, &five_tags), |result| assert_eq!(result, Err(Undecoded::NotIp)));
    decode(&frame(LinkType(147), &arp), |result| assert_eq!(result, Err(Undecoded::LinkType)));
    let protected = [&[8, 0x41, 0, 0][..], &[0; 60]].concat();
    decode(&frame(LinkType::IEEE802_11, &protected), |result| assert_eq!(result, Err(Undecoded::NotIp)));
    let beacon = [0x80; 60];
    decode(&frame(LinkType::IEEE802_11, &beacon), |result| assert_eq!(result, Err(Undecoded::NotIp)));
    for (protocol, payload) in
        [(1, &[8, 0, 0, 0, 0, 0, 0, 0][..]), (50, &[1; 30]), (47, &[0, 0, 8, 6, 1]), (4, &[0; 30])]
    {
        decode(&frame(LinkType::RAW, &ipv4(protocol, payload)), |result| {
            let packet = result.unwrap();
            assert_eq!(packet.body, Body::Other(protocol));
            assert!(!packet.meta.tunnelled);
        });
    }
    decode(&frame(LinkType::RAW, &ipv6(59, &[])), |result| assert_eq!(result.unwrap().body, Body::Other(59)));
}

#[test]
fn udp_lengths() {
    let cases: [(u16, Option<&[u8]>); 4] =
        [(12, Some(&TEXT[..4])), (0, Some(TEXT)), (9000, Some(TEXT)), (7, None)];
    for (field, expected) in cases {
        let mut datagram = udp(3389, TEXT);
        datagram[4..6].copy_from_slice(&field.to_be_bytes());
        decode(
            &frame(LinkType::ETHERNET, &ethernet(0x0800, &ipv4(17, &datagram))),
            |result| match expected {
                None => assert_eq!(result, Err(Undecoded::Malformed)),
                Some(payload) => match result.unwrap().body {
                    Body::Udp(datagram) => {
                        assert_eq!(datagram.payload, payload);
                        assert_eq!(datagram.payload_len as usize, payload.len());
                    }
                    other => panic!("{other:?}"),
                },
            },
        );
    }
}

#[test]
fn a_datagram_to_a_tunnel_port_that_is_no_tunnel() {
    for port in [4789, 8472, 6081] {
        let data = ethernet(0x0800, &ipv4(17, &udp(port, TEXT)));
        decode(&frame(LinkType::ETHERNET, &data), |result| {
            let packet = result.unwrap();
            assert!(!packet.meta.tunnelled);
            assert!(matches!(packet.body, Body::Udp(datagram) if datagram.payload == TEXT));
        });
    }
}

#[test]
fn nesting_is_bounded() {
    let mut data = ipv4(6, &tcp(TEXT));
    for depth in 1..200 {
        data = ipv4(4, &data);
        decode(&frame(LinkType::RAW, &data), |result| {
            let expected_inner = depth < 8;
            assert_eq!(matches!(result.unwrap().body, Body::Tcp(_)), expected_inner, "depth {depth}");
        });
    }
    let labels = join(&[&[0, 1, 0, 64].repeat(300), &[0, 1, 1, 64]]);
    decode(&frame(LinkType::ETHERNET, &ethernet(0x8847, &labels)), |result| assert!(result.is_err()));
}

fn stamp() -> Stamp {
    Stamp { at: FrameRef::new(0, 1), time: Timestamp(0), order: 0 }
}

/// The straight path and the layers must not differ.
fn agree(frame: &Frame<'_>) -> Result<(), TestCaseError> {
    if let Some(packet) = fast::decode(frame, stamp()) {
        match layers(frame, stamp()) {
            Ok(Found::Packet(other)) => prop_assert_eq!(packet, other),
            other => return Err(TestCaseError::fail(format!("{packet:?} against {other:?}"))),
        }
    }
    Ok(())
}

/// Plain Ethernet frames, sound but for what the arguments spoil.
fn plain() -> impl Strategy<Value = Vec<u8>> {
    let transport = (any::<bool>(), 0..=10usize, proptest::collection::vec(any::<u8>(), 0..80)).prop_map(
        |(is_tcp, words, payload)| {
            if !is_tcp {
                return (17, udp(3389, &payload));
            }
            let mut segment = join(&[&tcp(b"")[..20], &vec![1; words * 4], &payload]);
            segment[12] = ((words as u8) + 5) << 4;
            (6, segment)
        },
    );
    (transport, any::<bool>(), any::<bool>(), 0..20usize).prop_map(|((protocol, inner), v6, tag, padding)| {
        let (ether_type, ip) =
            if v6 { (0x86dd, ipv6(protocol, &inner)) } else { (0x0800, ipv4(protocol, &inner)) };
        let ip = join(&[&ip, &vec![0; padding]]);
        if tag {
            ethernet(0x8100, &join(&[&[0, 3], &u16::to_be_bytes(ether_type), &ip]))
        } else {
            ethernet(ether_type, &ip)
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn plain_frames_take_the_straight_path(data in plain()) {
        let frame = frame(LinkType::ETHERNET, &data);
        prop_assert!(fast::decode(&frame, stamp()).is_some());
        agree(&frame)?;
    }

    #[test]
    fn spoiled_frames_are_read_alike(
        data in plain(),
        spoil in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        keep in any::<prop::sample::Index>(),
        cut in any::<bool>(),
        wire_len in prop_oneof![Just(0u32), 0..200u32, any::<u32>()],
    ) {
        let mut data = data;
        for (at, byte) in spoil {
            let at = at.index(data.len().min(80));
            data[at] = byte;
        }
        if cut {
            data.truncate(keep.index(data.len() + 1));
        }
        agree(&Frame { wire_len, ..frame(LinkType::ETHERNET, &data) })?;
    }

    #[test]
    fn random_bytes_on_any_link(data in proptest::collection::vec(any::<u8>(), 0..200), wire_len in any::<u32>()) {
        for link in LINKS {
            let frame = Frame { wire_len, ..frame(LinkType(link), &data) };
            let mut decoder = Decoder::new(&Limits::default());
            if let Ok(packet) = decoder.decode(&frame, 0) {
                sound(&packet);
            }
        }
    }

    #[test]
    fn spoiled_layers(
        which in any::<prop::sample::Index>(),
        spoil in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        wire_len in any::<u32>(),
    ) {
        let cases = cases();
        let mut case = which.get(&cases).data.clone();
        for (at, byte) in spoil {
            let at = at.index(case.len());
            case[at] = byte;
        }
        let frame = Frame { wire_len, ..frame(which.get(&cases).link, &case) };
        let mut decoder = Decoder::new(&Limits::default());
        if let Ok(packet) = decoder.decode(&frame, 0) {
            sound(&packet);
        }
    }
}

const LINKS: [u32; 18] =
    [0, 1, 9, 12, 14, 50, 51, 101, 104, 105, 108, 113, 127, 147, 228, 229, 276, u32::MAX];

fn sound(packet: &Packet<'_>) {
    match packet.body {
        Body::Tcp(segment) => assert!(segment.payload_len as usize >= segment.payload.len()),
        Body::Udp(datagram) => assert!(datagram.payload_len as usize >= datagram.payload.len()),
        Body::IcmpError(_) | Body::Other(_) => {}
    }
}
