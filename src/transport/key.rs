//! What names a connection: two addresses and two ports, the same for both directions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The lower end (`a`) and the higher end (`b`) of a connection, on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    V4(FlowV4),
    V6(FlowV6),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FlowV4 {
    a: u32,
    b: u32,
    ports: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FlowV6 {
    a: u128,
    b: u128,
    ports: u32,
}

const fn join(a: u16, b: u16) -> u32 {
    (a as u32) << 16 | b as u32
}

const fn split(ports: u32) -> (u16, u16) {
    ((ports >> 16) as u16, ports as u16)
}

const fn to_v6(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

impl Flow {
    /// The connection of a packet, and whether the lower end sent it.
    #[inline(always)]
    pub(super) fn of(src: &IpAddr, src_port: u16, dst: &IpAddr, dst_port: u16) -> (Flow, bool) {
        if let (IpAddr::V4(src), IpAddr::V4(dst)) = (src, dst) {
            // Sorted without a branch, since which end sends is hard to foresee.
            let end = |ip: &Ipv4Addr, port: u16| u64::from(ip.to_bits()) << 16 | u64::from(port);
            let (src, dst) = (end(src, src_port), end(dst, dst_port));
            let (from_a, a, b) = (src <= dst, src.min(dst), src.max(dst));
            let flow = FlowV4 { a: (a >> 16) as u32, b: (b >> 16) as u32, ports: join(a as u16, b as u16) };
            return (Flow::V4(flow), from_a);
        }
        Flow::of_v6(src, src_port, dst, dst_port)
    }

    /// Apart, so that nobody reads the sixteen bytes of an address where four were written: a processor waits
    /// until all it wrote before is in its cache.
    #[inline(never)]
    fn of_v6(src: &IpAddr, src_port: u16, dst: &IpAddr, dst_port: u16) -> (Flow, bool) {
        let (src, dst) = (to_v6(*src), to_v6(*dst));
        let from_a = (src, src_port) <= (dst, dst_port);
        let flow = if from_a {
            FlowV6 { a: src, b: dst, ports: join(src_port, dst_port) }
        } else {
            FlowV6 { a: dst, b: src, ports: join(dst_port, src_port) }
        };
        (Flow::V6(flow), from_a)
    }

    pub(super) fn hash(&self, state: &ahash::RandomState) -> u32 {
        let hash = match self {
            Flow::V4(flow) => state.hash_one((u64::from(flow.a) << 32 | u64::from(flow.b), flow.ports)),
            Flow::V6(flow) => state.hash_one(flow),
        };
        hash as u32
    }
}

/// A [`Flow`] at rest: 16 bytes for IPv4, which is the common case.
#[derive(Clone, Debug)]
pub(super) enum Key {
    V4(FlowV4),
    V6(Box<FlowV6>),
}

impl From<Flow> for Key {
    fn from(flow: Flow) -> Self {
        match flow {
            Flow::V4(flow) => Key::V4(flow),
            Flow::V6(flow) => Key::V6(Box::new(flow)),
        }
    }
}

impl Key {
    pub(super) fn is(&self, flow: &Flow) -> bool {
        match (self, flow) {
            (Key::V4(this), Flow::V4(flow)) => this == flow,
            (Key::V6(this), Flow::V6(flow)) => **this == *flow,
            _ => false,
        }
    }

    pub(super) fn flow(&self) -> Flow {
        match self {
            Key::V4(flow) => Flow::V4(*flow),
            Key::V6(flow) => Flow::V6(**flow),
        }
    }

    /// The lower and the higher port.
    pub(super) fn ports(&self) -> (u16, u16) {
        match self {
            Key::V4(flow) => split(flow.ports),
            Key::V6(flow) => split(flow.ports),
        }
    }

    /// The lower and the higher end.
    pub(super) fn ends(&self) -> (SocketAddr, SocketAddr) {
        let (port_a, port_b) = self.ports();
        let (a, b) = match self {
            Key::V4(flow) => (Ipv4Addr::from_bits(flow.a).into(), Ipv4Addr::from_bits(flow.b).into()),
            Key::V6(flow) => (Ipv6Addr::from_bits(flow.a).into(), Ipv6Addr::from_bits(flow.b).into()),
        };
        (SocketAddr::new(a, port_a), SocketAddr::new(b, port_b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_have_one_key() {
        for (x, y) in [("10.0.0.1", "10.0.0.2"), ("fe80::1", "2001:db8::2"), ("10.0.0.1", "10.0.0.1")] {
            let (x, y): (IpAddr, IpAddr) = (x.parse().unwrap(), y.parse().unwrap());
            let (one, from_a) = Flow::of(&x, 50000, &y, 3389);
            let (other, from_a_too) = Flow::of(&y, 3389, &x, 50000);
            assert_eq!(one, other);
            assert_ne!(from_a, from_a_too);
            let key = Key::from(one);
            assert!(key.is(&other));
            let (a, b) = key.ends();
            let (src, dst) = if from_a { (a, b) } else { (b, a) };
            assert_eq!((src, dst), (SocketAddr::new(x, 50000), SocketAddr::new(y, 3389)));
            let (reused, _) = Flow::of(&x, 50001, &y, 3389);
            assert!(!key.is(&reused));
        }
    }

    #[test]
    fn a_key_at_rest_is_small() {
        assert!(size_of::<Key>() <= 16);
    }
}
