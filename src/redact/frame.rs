//! Rewrites one frame in place: addresses of every layer get substitutes, of the payload stays what was found to
//! be safe, and checksums are mended. What is not known here is not kept: such a frame is dropped, or its content
//! becomes zeros.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Kinds, Redactor};
use crate::base::LinkType;

/// Headers inside one another.
const DEPTH: u8 = 8;

/// Where a payload belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    /// A TCP segment's, from this sequence number on.
    Tcp(SocketAddr, SocketAddr, u32),
    /// A UDP datagram's, of so many bytes on the wire.
    Udp(usize),
}

/// A part that can't be kept.
pub(super) struct Drop;

type Done = Result<(), Drop>;

/// What rewrites payload in place.
pub(super) type Payload<'a> = &'a mut dyn FnMut(Carried, &mut [u8]);

pub(super) struct Walk<'a> {
    pub(super) redactor: &'a Redactor,
    pub(super) payload: Payload<'a>,
}

/// First `count` bytes, and the rest.
fn split(data: &mut [u8], count: usize) -> Result<(&mut [u8], &mut [u8]), Drop> {
    data.split_at_mut_checked(count).ok_or(Drop)
}

fn u16_at(data: &[u8], at: usize) -> u16 {
    data.get(at..at + 2).map_or(0, |bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
}

fn u32_at(data: &[u8], at: usize) -> u32 {
    u32::from(u16_at(data, at)) << 16 | u32::from(u16_at(data, at + 2))
}

fn put(data: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = data.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

fn byte(data: &[u8], at: usize) -> u8 {
    data.get(at).copied().unwrap_or_default()
}

impl Walk<'_> {
    /// A frame of this link type.
    pub(super) fn link(&mut self, link: LinkType, data: &mut [u8]) -> Done {
        match link {
            LinkType::ETHERNET => self.ethernet(data, 0),
            LinkType::LINUX_SLL => {
                let (head, rest) = split(data, 16)?;
                self.mac(head, 6);
                put(head, 12, &[0; 2]);
                self.ether_type(u16_at(head, 14), rest, 0)
            }
            LinkType::LINUX_SLL2 => {
                let (head, rest) = split(data, 20)?;
                self.mac(head, 12);
                put(head, 18, &[0; 2]);
                self.ether_type(u16_at(head, 0), rest, 0)
            }
            LinkType::NULL | LinkType::LOOP => self.ip(split(data, 4)?.1, 0),
            LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
                self.ip(data, 0)
            }
            _ => Err(Drop),
        }
    }

    fn ethernet(&mut self, data: &mut [u8], depth: u8) -> Done {
        let (head, rest) = split(data, 14)?;
        self.mac(head, 0);
        self.mac(head, 6);
        self.ether_type(u16_at(head, 12), rest, depth)
    }

    fn mac(&self, data: &mut [u8], at: usize) {
        if self.redactor.kinds().contains(Kinds::ADDRESSES)
            && let Some(mac) = data.get(at..).and_then(|rest| rest.first_chunk().copied())
        {
            put(data, at, &self.redactor.mac(mac));
        }
    }

    fn ether_type(&mut self, kind: u16, data: &mut [u8], depth: u8) -> Done {
        match kind {
            0x0800 | 0x86dd => self.ip(data, depth),
            0x8100 | 0x88a8 | 0x9100 if depth < DEPTH => {
                let (tag, rest) = split(data, 4)?;
                self.ether_type(u16_at(tag, 2), rest, depth + 1)
            }
            0x6558 if depth < DEPTH => self.ethernet(data, depth + 1),
            // Ethernet and IPv4.
            0x0806 if data.len() >= 28 && data.get(..6) == Some(&[0, 1, 8, 0, 6, 4]) => {
                for at in [8, 18] {
                    self.mac(data, at);
                    self.address(data, at + 6, 4);
                }
                split(data, 28)?.1.fill(0);
                Ok(())
            }
            _ => Err(Drop),
        }
    }

    /// An address of so many bytes.
    fn address(&self, data: &mut [u8], at: usize, length: usize) {
        if self.redactor.kinds().contains(Kinds::ADDRESSES)
            && let Some(ip) = data.get_mut(at..at + length)
        {
            self.redactor.ip_bytes(ip);
        }
    }

    fn ip(&mut self, data: &mut [u8], depth: u8) -> Done {
        if depth >= DEPTH {
            return Err(Drop);
        }
        match byte(data, 0) >> 4 {
            4 => self.ipv4(data, depth),
            6 => self.ipv6(data, depth),
            _ => Err(Drop),
        }
    }

    fn ipv4(&mut self, data: &mut [u8], depth: u8) -> Done {
        let length = usize::from(byte(data, 0) & 15) * 4;
        if length < 20 || data.len() < length {
            return Err(Drop);
        }
        let (from, to) = (Ipv4Addr::from_bits(u32_at(data, 12)), Ipv4Addr::from_bits(u32_at(data, 16)));
        let (total, fragment, protocol) = (usize::from(u16_at(data, 2)), u16_at(data, 6), byte(data, 9));
        self.address(data, 12, 4);
        self.address(data, 16, 4);
        let (head, rest) = split(data, length)?;
        // No operation.
        split(head, 20)?.1.fill(1);
        if u16_at(head, 10) != 0 {
            put(head, 10, &[0; 2]);
            let sum = finish(add(0, head));
            put(head, 10, &sum.to_be_bytes());
        }
        let wire = if total == 0 { rest.len() } else { total.saturating_sub(length) };
        let (kept, padding) = split(rest, wire.min(rest.len()))?;
        padding.fill(0);
        let pseudo = add(0, head.get(12..20).unwrap_or_default());
        let at = Place { wire, pseudo, ends: [from.into(), to.into()], depth, v6: false };
        self.carried(protocol, kept, fragment & 0x1fff != 0, fragment & 0x2000 != 0, &at)
    }

    fn ipv6(&mut self, data: &mut [u8], depth: u8) -> Done {
        let address =
            |at: usize| data.get(at..).and_then(|rest| rest.first_chunk::<16>().copied()).ok_or(Drop);
        let (from, to) = (Ipv6Addr::from(address(8)?), Ipv6Addr::from(address(24)?));
        let (length, mut protocol) = (usize::from(u16_at(data, 4)), byte(data, 6));
        self.address(data, 8, 16);
        self.address(data, 24, 16);
        // The flow label is a hash of addresses and ports in many systems, under a key of their own.
        let (head, rest) = split(data, 40)?;
        let wire = if length == 0 { rest.len() } else { length };
        let (mut kept, padding) = split(rest, wire.min(rest.len()))?;
        padding.fill(0);
        let pseudo = add(0, head.get(8..40).unwrap_or_default());
        let (mut wire, mut later, mut more) = (wire, false, false);
        for _ in 0..DEPTH {
            let extension = match protocol {
                0 | 43 | 60 => usize::from(byte(kept, 1)) * 8 + 8,
                44 => 8,
                _ => break,
            };
            let (header, rest) = split(kept, extension)?;
            if protocol == 44 {
                let offset = u16_at(header, 2);
                (later, more) = (offset & 0xfff8 != 0, offset & 1 != 0);
            } else {
                // Padding instead of any option; a routing header names addresses.
                if protocol == 43 {
                    return Err(Drop);
                }
                let options = split(header, 2)?.1;
                options.fill(0);
            }
            (protocol, kept, wire) = (byte(header, 0), rest, wire.saturating_sub(extension));
        }
        let at = Place { wire, pseudo, ends: [from.into(), to.into()], depth, v6: true };
        self.carried(protocol, kept, later, more, &at)
    }

    fn carried(&mut self, protocol: u8, data: &mut [u8], later: bool, more: bool, at: &Place) -> Done {
        if later {
            // What it continues is known of the whole datagram only.
            data.fill(0);
            return Ok(());
        }
        let whole = !more && data.len() == at.wire;
        match protocol {
            6 => self.tcp(data, at, whole),
            17 => self.udp(data, at, whole, more),
            1 if !at.v6 => self.icmp(data, at, whole),
            58 if at.v6 => self.icmp(data, at, whole),
            4 | 41 => self.ip(data, at.depth + 1),
            47 => {
                let (head, rest) = split(data, 4)?;
                if u16_at(head, 0) != 0 {
                    return Err(Drop);
                }
                self.ether_type(u16_at(head, 2), rest, at.depth + 1)
            }
            _ => Err(Drop),
        }
    }

    fn tcp(&mut self, data: &mut [u8], at: &Place, whole: bool) -> Done {
        let length = usize::from(byte(data, 12) >> 4) * 4;
        let (from, to, seq) = (u16_at(data, 0), u16_at(data, 2), u32_at(data, 4));
        let (head, payload) = split(data, length.min(data.len()))?;
        options(head);
        let [source, target] = at.ends;
        (self.payload)(
            Carried::Tcp(SocketAddr::new(source, from), SocketAddr::new(target, to), seq),
            payload,
        );
        mend(data, 16, 6, at, whole);
        Ok(())
    }

    fn udp(&mut self, data: &mut [u8], at: &Place, whole: bool, more: bool) -> Done {
        let (port, length) = (u16_at(data, 2), usize::from(u16_at(data, 4)));
        let none = u16_at(data, 6) == 0;
        let (_, payload) = split(data, 8.min(data.len()))?;
        if more {
            payload.fill(0);
        } else if matches!(port, 4789 | 8472) && payload.len() > 8 {
            self.ethernet(split(payload, 8)?.1, at.depth + 1)?;
        } else {
            let wire = if length < 8 { at.wire.saturating_sub(8) } else { length - 8 };
            let (payload, padding) = split(payload, wire.min(payload.len()))?;
            padding.fill(0);
            (self.payload)(Carried::Udp(wire), payload);
        }
        if !none {
            mend(data, 6, 17, at, whole);
        }
        Ok(())
    }

    fn icmp(&mut self, data: &mut [u8], at: &Place, whole: bool) -> Done {
        let kind = byte(data, 0);
        let is_error = if at.v6 { matches!(kind, 1..=4) } else { matches!(kind, 3 | 4 | 11 | 12) };
        let (_, quote) = split(data, 8.min(data.len()))?;
        if is_error {
            self.quote(quote)?;
        } else if at.v6 {
            // Neighbours and routers tell their addresses in many ways.
            return Err(Drop);
        } else {
            quote.fill(0);
        }
        put(data, 2, &[0; 2]);
        let pseudo = if at.v6 { at.pseudo + at.wire as u32 + 58 } else { 0 };
        let sum = if whole { finish(add(pseudo, data)) } else { 0 };
        put(data, 2, &sum.to_be_bytes());
        Ok(())
    }

    /// Of the packet that an error quotes stay its headers up to the ports and the sequence number.
    fn quote(&mut self, data: &mut [u8]) -> Done {
        let (head, protocol) = match byte(data, 0) >> 4 {
            4 => {
                let length = usize::from(byte(data, 0) & 15) * 4;
                self.address(data, 12, 4);
                self.address(data, 16, 4);
                let (head, _) = split(data, length.max(20))?;
                split(head, 20)?.1.fill(1);
                put(head, 10, &[0; 2]);
                let sum = finish(add(0, head));
                put(head, 10, &sum.to_be_bytes());
                (head.len(), byte(data, 9))
            }
            6 => {
                self.address(data, 8, 16);
                self.address(data, 24, 16);
                (40, byte(data, 6))
            }
            _ => return Err(Drop),
        };
        let (_, rest) = split(data, head)?;
        let kept = match protocol {
            6 if rest.len() >= 20 => {
                let length = (usize::from(byte(rest, 12) >> 4) * 4).min(rest.len());
                let (head, _) = split(rest, length)?;
                options(head);
                length
            }
            6 | 17 => 8.min(rest.len()),
            _ => 0,
        };
        split(rest, kept)?.1.fill(0);
        Ok(())
    }
}

/// What the layers below tell of a payload.
struct Place {
    wire: usize,
    /// Sum of the addresses.
    pseudo: u32,
    /// As they were.
    ends: [std::net::IpAddr; 2],
    depth: u8,
    v6: bool,
}

/// Of TCP's options stay those that name nobody.
fn options(head: &mut [u8]) {
    let Some(mut rest) = head.get_mut(20..) else { return };
    loop {
        match byte(rest, 0) {
            0 => return rest.fill(0),
            1 => rest = rest.get_mut(1..).unwrap_or_default(),
            kind => {
                let length = usize::from(byte(rest, 1));
                if length < 2 || length > rest.len() {
                    return rest.fill(0);
                }
                let (option, after) = rest.split_at_mut(length);
                // Segment size, window scale, selective acknowledgement, timestamps.
                if !matches!(kind, 2..=5 | 8) {
                    option.fill(1);
                }
                rest = after;
            }
        }
        if rest.is_empty() {
            return;
        }
    }
}

/// Ones' complement sum (RFC 1071).
fn add(sum: u32, data: &[u8]) -> u32 {
    data.chunks(2).fold(sum, |sum, pair| {
        let sum = sum + u32::from(u16::from_be_bytes([byte(pair, 0), byte(pair, 1)]));
        (sum & 0xffff) + (sum >> 16)
    })
}

fn finish(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    !(((sum & 0xffff) + (sum >> 16)) as u16)
}

/// Where the capture has only a part, no sum can be right: it becomes 0.
fn mend(data: &mut [u8], at: usize, protocol: u32, place: &Place, whole: bool) {
    put(data, at, &[0; 2]);
    if whole {
        let length = data.len() as u32;
        let sum = finish(add(place.pseudo + protocol + (length & 0xffff) + (length >> 16), data));
        // 0 would say that UDP has none.
        let sum = if sum == 0 { 0xffff } else { sum };
        put(data, at, &sum.to_be_bytes());
    }
}
