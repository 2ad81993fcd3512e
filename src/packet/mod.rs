//! Frames to packets: link layers, tunnels, IP and its fragments, TCP, UDP, and ICMP errors that quote
//! a flow. Lax: what parsed is kept, checksums are noted and never obeyed.
//!
//! [`Decoder::decode`] tries the short straight path of `fast` first (plain Ethernet, IP, TCP or UDP);
//! everything else is walked layer by layer by `link`, `wifi`, `tunnel`, `ip` and `icmp`. Both give the
//! same packet wherever `fast` gives one.

mod bytes;
mod decoder;
mod fast;
mod flow;
#[cfg(test)]
mod fragment_tests;
mod fragments;
mod icmp;
mod ip;
#[cfg(test)]
mod layer_tests;
mod link;
#[cfg(test)]
mod made;
mod options;
#[cfg(test)]
mod peer_tests;
mod tunnel;
mod wifi;

use std::net::IpAddr;

pub use decoder::Decoder;
pub use flow::{Belongs, Flow, FragmentOf, flow};

use crate::base::{Stamp, open_flags};

/// One decoded packet, innermost addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The network-layer facts.
    pub meta: Meta,
    /// What it carries.
    pub body: Body<'a>,
}

/// Network-layer facts of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The frame and its time; for a reassembled datagram the frame of the last fragment.
    pub stamp: Stamp,
    /// Index of the interface in its capture.
    pub interface: u32,
    /// Innermost source address.
    pub src: IpAddr,
    /// Innermost destination address.
    pub dst: IpAddr,
    /// IPv4 TTL or IPv6 hop limit.
    pub ttl: u8,
    /// IPv4 identification; `None` for IPv6.
    pub ip_id: Option<u16>,
    /// IPv4 "don't fragment"; true for IPv6. False for what came in fragments.
    pub dont_fragment: bool,
    /// Source MAC address, where the link layer has one.
    pub src_mac: Option<[u8; 6]>,
    /// Length of the IP packet on the wire in bytes, header included. Above the link's MTU where the
    /// capturing host's offload engine had not cut it yet.
    pub ip_len: u32,
    /// Whether the packet was found inside a tunnel (GRE, IP-in-IP, VXLAN, Geneve).
    pub tunnelled: bool,
}

/// What an IP packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// A UDP datagram.
    Udp(Datagram<'a>),
    /// An ICMP or ICMPv6 error that quotes a flow.
    IcmpError(IcmpError),
    /// Another IP protocol (its number), ICMP that is no error, or a header too short to read.
    Other(u8),
}

/// One TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number; may be junk without the ACK flag.
    pub ack: u32,
    /// Flags.
    pub flags: TcpFlags,
    /// Window field, not scaled.
    pub window: u16,
    /// Checksum as it stood in the header, not verified.
    pub checksum: u16,
    /// Raw options; may be cut by the snapshot length.
    pub options: TcpOptions<'a>,
    /// The payload bytes that were kept.
    pub payload: &'a [u8],
    /// Payload length on the wire in bytes, from the IP length; at least `payload.len()`.
    pub payload_len: u32,
}

/// One UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// The payload bytes that were kept.
    pub payload: &'a [u8],
    /// Payload length on the wire in bytes; at least `payload.len()`.
    pub payload_len: u32,
}

open_flags! {
    /// TCP header flags (RFC 9293, section 3.1).
    pub struct TcpFlags(u8) {
        /// No more data from the sender.
        FIN = 0x01,
        /// Synchronize sequence numbers.
        SYN = 0x02,
        /// Reset the connection.
        RST = 0x04,
        /// Push.
        PSH = 0x08,
        /// The acknowledgement field is significant.
        ACK = 0x10,
        /// Urgent pointer is significant.
        URG = 0x20,
    }
}

/// Raw TCP options, read on demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpOptions<'a>(pub &'a [u8]);

/// An ICMP or ICMPv6 error and the flow that it quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// Who sent it.
    pub from: IpAddr,
    /// Whether it is ICMPv6.
    pub v6: bool,
    /// ICMP type.
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// Next-hop MTU in bytes, from "fragmentation needed" or "packet too big", where not 0.
    pub mtu: Option<u32>,
    /// Quoted packet: source.
    pub src: IpAddr,
    /// Quoted packet: destination.
    pub dst: IpAddr,
    /// Quoted packet: IP protocol.
    pub protocol: u8,
    /// Quoted packet: source port.
    pub src_port: u16,
    /// Quoted packet: destination port.
    pub dst_port: u16,
    /// Quoted packet: TCP sequence number.
    pub seq: Option<u32>,
}

/// Why a frame gave no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecoded {
    /// The link type is not one that is read here.
    LinkType,
    /// Not IP.
    NotIp,
    /// The capture cut it before the transport header.
    Cut,
    /// A fragment of a datagram that is not complete yet.
    Fragment,
    /// A header contradicts itself.
    Malformed,
}
