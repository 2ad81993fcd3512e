//! Which flow a frame belongs to, told by the frame itself: for those who read a capture again to take a flow
//! out of it.

use std::net::{IpAddr, SocketAddr};

use super::decoder::{Found, Steps, layers};
use super::fragments::Key;
use super::{Body, Packet, TcpFlags, ip};
use crate::base::{Frame, Stamp};

/// IP's numbers of TCP and UDP.
const TCP: u8 = 6;
const UDP: u8 = 17;

/// A frame of a flow, or about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// UDP rather than TCP.
    pub udp: bool,
    /// Who sent it, or the packet that it quotes.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// A SYN without ACK, which may begin another connection of the same ends.
    pub opens: bool,
}

/// What an IP fragment is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FragmentOf(Key);

impl FragmentOf {
    /// Addresses of its packet.
    pub const fn ends(&self) -> (IpAddr, IpAddr) {
        (self.0.src, self.0.dst)
    }
}

/// What one frame tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belongs {
    /// A packet of this flow, or an ICMP error that quotes one.
    Flow(Flow),
    /// A fragment; the one that comes first in its datagram knows the flow.
    Fragment(FragmentOf, Option<Flow>),
    /// Of no flow that is read here.
    Nowhere,
}

/// Looks at a frame.
pub fn flow(frame: &Frame<'_>) -> Belongs {
    let stamp = Stamp { at: frame.at, time: frame.time, order: 0 };
    match layers(frame, stamp) {
        Ok(Found::Packet(packet)) => of(&packet).map_or(Belongs::Nowhere, Belongs::Flow),
        Ok(Found::Fragment(fragment)) => {
            let inside = (fragment.offset == 0).then(|| {
                let mut steps = Steps::default();
                ip::payload(fragment.protocol, fragment.bytes, fragment.meta, fragment.context, &mut steps)
            });
            let flow = match inside {
                Some(Ok(Found::Packet(packet))) => of(&packet),
                _ => None,
            };
            Belongs::Fragment(FragmentOf(fragment.key), flow)
        }
        Err(_) => Belongs::Nowhere,
    }
}

fn of(packet: &Packet<'_>) -> Option<Flow> {
    let (udp, from, to, opens) = match packet.body {
        Body::Tcp(segment) => {
            let opens = segment.flags.contains(TcpFlags::SYN) && !segment.flags.contains(TcpFlags::ACK);
            (false, segment.src_port, segment.dst_port, opens)
        }
        Body::Udp(datagram) => (true, datagram.src_port, datagram.dst_port, false),
        Body::IcmpError(error) => {
            let udp = match error.protocol {
                TCP => false,
                UDP => true,
                _ => return None,
            };
            let (from, to) =
                (SocketAddr::new(error.src, error.src_port), SocketAddr::new(error.dst, error.dst_port));
            return Some(Flow { udp, from, to, opens: false });
        }
        Body::Other(_) => return None,
    };
    let (from, to) = (SocketAddr::new(packet.meta.src, from), SocketAddr::new(packet.meta.dst, to));
    Some(Flow { udp, from, to, opens })
}
