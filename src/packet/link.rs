//! Link layers, LINKTYPE_ values as registered at tcpdump.org.

use super::bytes::{Bytes, u16_of};
use super::decoder::{Context, Steps, Walk};
use super::{Undecoded, ip, wifi};
use crate::base::LinkType;

/// VLAN tags in a row.
const MAX_TAGS: u8 = 4;
/// MPLS labels in a row.
const MAX_LABELS: u8 = 16;

/// PPP in HDLC-like framing, and Cisco's HDLC.
const PPP_HDLC: LinkType = LinkType(50);
const PPPOE: LinkType = LinkType(51);
const CISCO_HDLC: LinkType = LinkType(104);

pub(super) fn frame<'a>(link: LinkType, bytes: Bytes<'a>, context: Context, steps: &mut Steps) -> Walk<'a> {
    match link {
        LinkType::ETHERNET => ethernet(bytes, context, steps),
        LinkType::LINUX_SLL => cooked(bytes, context, steps),
        LinkType::LINUX_SLL2 => cooked_v2(bytes, context, steps),
        LinkType::NULL | LinkType::LOOP => loopback(bytes, context, steps),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => ip::either(bytes, context, steps),
        LinkType::IPV4 => ip::v4(bytes, context, steps),
        LinkType::IPV6 => ip::v6(bytes, context, steps),
        LinkType::PPP | PPP_HDLC => ppp(bytes, context, steps),
        PPPOE => pppoe(bytes, context, steps),
        CISCO_HDLC => {
            let (&[_, _, p0, p1], rest) = bytes.split::<4>()?;
            ether_type(u16_of(p0, p1), rest, context, steps)
        }
        LinkType::IEEE802_11 => wifi::ieee802_11(bytes, false, context, steps),
        LinkType::IEEE802_11_RADIOTAP => wifi::radiotap(bytes, context, steps),
        _ => Err(Undecoded::LinkType),
    }
}

/// Ethernet II and IEEE 802.3.
pub(super) fn ethernet<'a>(bytes: Bytes<'a>, context: Context, steps: &mut Steps) -> Walk<'a> {
    let (header, rest) = bytes.split::<14>()?;
    let &[_, _, _, _, _, _, m0, m1, m2, m3, m4, m5, t0, t1] = header;
    let context = Context { src_mac: Some([m0, m1, m2, m3, m4, m5]), ..context };
    ether_type(u16_of(t0, t1), rest, context, steps)
}

/// What an EtherType announces, behind any VLAN tags; up to 1500 it is an IEEE 802.3 length.
pub(super) fn ether_type<'a>(
    mut ether_type: u16,
    mut bytes: Bytes<'a>,
    context: Context,
    steps: &mut Steps,
) -> Walk<'a> {
    steps.take()?;
    for _ in 0..=MAX_TAGS {
        return match ether_type {
            0x0800 => ip::v4(bytes, context, steps),
            0x86dd => ip::v6(bytes, context, steps),
            0x8100 | 0x88a8 | 0x9100 => {
                let (&[_, _, t0, t1], rest) = bytes.split::<4>()?;
                (ether_type, bytes) = (u16_of(t0, t1), rest);
                continue;
            }
            0x8847 | 0x8848 => mpls(bytes, context, steps),
            0x8864 => pppoe(bytes, context, steps),
            0x6558 => ethernet(bytes, context, steps),
            0..=1500 => llc(bytes, context, steps),
            _ => Err(Undecoded::NotIp),
        };
    }
    Err(Undecoded::NotIp)
}

/// IEEE 802.2 LLC: SNAP (RFC 1042) or IP by its own SAP.
pub(super) fn llc<'a>(bytes: Bytes<'a>, context: Context, steps: &mut Steps) -> Walk<'a> {
    const SNAP: [u8; 3] = [0xaa, 0xaa, 0x03];
    const IP: [u8; 3] = [0x06, 0x06, 0x03];
    match *bytes.head::<3>()? {
        SNAP => {
            let (header, rest) = bytes.split::<8>()?;
            match *header {
                // RFC 1042, and IEEE 802.1H's bridge tunnel.
                [_, _, _, 0, 0, 0 | 0xf8, t0, t1] if u16_of(t0, t1) > 1500 => {
                    ether_type(u16_of(t0, t1), rest, context, steps)
                }
                _ => Err(Undecoded::NotIp),
            }
        }
        IP => ip::v4(bytes.skip(3)?, context, steps),
        _ => Err(Undecoded::NotIp),
    }
}

/// An address of an Ethernet-like device in a cooked header.
fn cooked_mac(length: u8, address: &[u8]) -> Option<[u8; 6]> {
    if length == 6 { address.first_chunk().copied() } else { None }
}

/// LINKTYPE_LINUX_SLL.
fn cooked<'a>(bytes: Bytes<'a>, context: Context, steps: &mut Steps) -> Walk<'a> {
    let (header, rest) = bytes.split::<16>()?;
    let context = Context { src_mac: cooked_mac(header[5], &header[6..]), ..context };
    ether_type(u16_of(header[14], header[15]), rest, context, steps)
}

/// LINKTYPE_LINUX_SLL2.
fn cooked_v2<'a>(bytes: Bytes<'a>, context: Context, steps: &mut Steps) -> Walk<'a> {
    let (header, rest) = bytes.split::<20>()?;
    let context = Context { src_mac: cooked_mac(header[11], &header[12..]), ..context };
    ether_type(u16_of(header[0], header[1]), rest, context, steps)
}

/// LINKTYPE_NULL and LINKTYPE_LOOP: an address family, whose number for IPv6 is every system's own, in
/// either byte order.
fn loopback<'a>(bytes: Bytes<'a>, context: Context, steps: &mut Steps) -> Walk<'a> {
    let (header, rest) = bytes.split::<4>()?;
    let family = match *header {
        [0, 0, high, low] | [low, high, 0, 0] => u16_of(high, low),
        _ => return Err(Undecoded::NotIp),
    };
    match family {
        2 => ip::v4(rest, context, steps),
        // Linux; Windows; NetBSD, OpenBSD and Npcap; FreeBSD; macOS.
        10 | 23 | 24 | 28 | 30 => ip::v6(rest, context, steps),
        _ => Err(Undecoded::NotIp),
    }
}

/// PPP (RFC 1661, RFC 1662), with or without address and control field.
pub(super) fn ppp<'a>(bytes: Bytes<'a>, context: Context, steps: &mut Steps) -> Walk<'a> {
    let bytes = match bytes.head::<1>()? {
        // Address "all stations", control "unnumbered information".
        [0xff] if bytes.head::<2>()?[1] == 3 => bytes.skip(2)?,
        _ => bytes,
    };
    let first = bytes.head::<1>()?[0];
    let (protocol, rest) = if first & 1 == 1 {
        (u16::from(first), bytes.skip(1)?)
    } else {
        let (&[high, low], rest) = bytes.split::<2>()?;
        (u16_of(high, low), rest)
    };
    match protocol {
        0x0021 => ip::v4(rest, context, steps),
        0x0057 => ip::v6(rest, context, steps),
        0x0281 | 0x0283 => mpls(rest, context, steps),
        _ => Err(Undecoded::NotIp),
    }
}

/// A PPPoE session packet (RFC 2516).
fn pppoe<'a>(bytes: Bytes<'a>, context: Context, steps: &mut Steps) -> Walk<'a> {
    let (header, rest) = bytes.split::<6>()?;
    // Version 1, type 1, code 0.
    if header[..2] != [0x11, 0] {
        return Err(Undecoded::NotIp);
    }
    ppp(rest, context, steps)
}

/// An MPLS label stack (RFC 3032). What follows is not announced: IP by its version, else an Ethernet
/// pseudo-wire (RFC 4448) with or without control word.
fn mpls<'a>(mut bytes: Bytes<'a>, context: Context, steps: &mut Steps) -> Walk<'a> {
    steps.take()?;
    for _ in 0..MAX_LABELS {
        let (label, rest) = bytes.split::<4>()?;
        bytes = rest;
        if label[2] & 1 == 0 {
            continue;
        }
        let first = bytes.head::<1>()?[0] >> 4;
        let not_ip = |found: &Walk<'_>| matches!(found, Err(Undecoded::NotIp | Undecoded::Malformed));
        let guess = match first {
            4 | 6 if fits_as_ip(bytes) => ip::either(bytes, context, steps),
            0 => bytes.skip(4).and_then(|inner| ethernet(inner, context, steps)),
            _ => Err(Undecoded::NotIp),
        };
        if !not_ip(&guess) {
            return guess;
        }
        let guess = ethernet(bytes, context, steps);
        if not_ip(&guess) && matches!(first, 4 | 6) {
            return ip::either(bytes, context, steps);
        }
        return guess;
    }
    Err(Undecoded::NotIp)
}

/// Whether the length field of an IP header is one: an Ethernet address may start with 4 or 6, too.
fn fits_as_ip(bytes: Bytes<'_>) -> bool {
    match bytes.kept {
        [first, _, l0, l1, ..] if first >> 4 == 4 => {
            (20..=bytes.wire).contains(&usize::from(u16_of(*l0, *l1)))
        }
        [_, _, _, _, l0, l1, ..] => usize::from(u16_of(*l0, *l1)) + 40 <= bytes.wire,
        _ => true,
    }
}
