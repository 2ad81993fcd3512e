//! What a TCP connection showed, apart from its payload; and how payload is handed on.

use std::net::SocketAddr;

use super::path::{PathFacts, TooBig};
use super::series::Series;
use crate::base::{Chunk, Dir, Gap, PerDir, Seen, Span, Stamp, Timestamp};
use crate::packet::IcmpError;

/// What few connections have: to the others it is a pointer.
pub type Rare<T> = Option<Box<T>>;

/// A packet that came one or more times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeats {
    /// The first of them.
    pub first: Stamp,
    /// The last of them.
    pub last: Stamp,
    /// How many, sightings of one packet counted once.
    pub count: u32,
}

impl Repeats {
    /// A packet that came once.
    pub const fn once(stamp: Stamp) -> Self {
        Repeats { first: stamp, last: stamp, count: 1 }
    }
}

/// Everything known of one TCP connection but its payload.
#[derive(Clone, Debug)]
pub struct TcpFacts {
    /// The end that opened the connection, as far as known.
    pub client: SocketAddr,
    /// The other end.
    pub server: SocketAddr,
    /// First packet.
    pub first: Stamp,
    /// Last packet.
    pub last: Stamp,
    /// The client's SYNs with one initial sequence number.
    pub syn: Option<Repeats>,
    /// The server's SYN-ACKs.
    pub syn_ack: Option<Repeats>,
    /// The client's first packet that acknowledges the SYN-ACK.
    pub handshake_ack: Option<Stamp>,
    /// A RST from the server that answers a SYN before any SYN-ACK (the last of them, with their count).
    pub refused: Rare<Repeats>,
    /// The first ICMP error that quotes this connection, [`TcpFacts::too_big`] apart.
    pub icmp: Rare<Seen<IcmpError>>,
    /// The last of those errors, where there were several.
    pub last_icmp: Rare<Seen<IcmpError>>,
    /// The first ICMP error that calls a packet of this connection too big.
    pub too_big: Rare<TooBig>,
    /// The longest time in which no packet of the connection came, where that was ten seconds or more.
    pub pause: Rare<Span>,
    /// What each end sent.
    pub dir: PerDir<DirFacts>,
    /// Which end closed first: the first FIN or RST of the connection, handshake refusals apart.
    pub closing: Option<Closing>,
    /// Round trip in nanoseconds between the capture point and the server: SYN to SYN-ACK, neither repeated.
    pub rtt_server: Option<i64>,
    /// Round trip in nanoseconds between the capture point and the client: SYN-ACK to its acknowledgement.
    pub rtt_client: Option<i64>,
    /// Why nothing more came.
    pub ended: Ended,
    /// Until when the capture would have shown more of this connection: the capture's highest time when
    /// it ended, or, where it ended by [`Ended::Idle`] or [`Ended::Closed`], the moment its idle time was
    /// over, so that it does not depend on when that was noticed.
    pub observed_until: Timestamp,
}

impl TcpFacts {
    /// Round trip in nanoseconds between the capture point and who sends in `dir`.
    #[inline]
    pub(super) fn rtt_to_sender(&self, dir: Dir) -> Option<i64> {
        match dir {
            Dir::ClientToServer => self.rtt_client,
            Dir::ServerToClient => self.rtt_server,
        }
    }

    /// Of a connection of which only the first packet's place is known.
    pub fn new(client: SocketAddr, server: SocketAddr, first: Stamp) -> Self {
        TcpFacts {
            client,
            server,
            first,
            last: first,
            syn: None,
            syn_ack: None,
            handshake_ack: None,
            refused: None,
            icmp: None,
            last_icmp: None,
            too_big: None,
            pause: None,
            dir: PerDir::default(),
            closing: None,
            rtt_server: None,
            rtt_client: None,
            ended: Ended::CaptureEnded,
            observed_until: first.time,
        }
    }
}

/// What one end of a connection sent.
#[derive(Clone, Debug, Default)]
pub struct DirFacts {
    /// Packets, sightings of one packet counted once.
    pub packets: u64,
    /// Packets with payload, repeats included; keep-alives and zero-window probes apart.
    pub segments: u64,
    /// Payload bytes of the stream, each counted once.
    pub bytes: u64,
    /// Segments that repeated bytes sent before; keep-alives and zero-window probes apart.
    pub retransmitted: u64,
    /// Segments that had to be sent again: retransmissions of bytes not yet acknowledged, and holes
    /// filled later by a retransmission. A repeat that the acknowledgement shows to have been needless
    /// (RFC 2883 duplicate SACK, an older timestamp echo, or an answer sooner than the path allows) is
    /// taken out again.
    pub lost: u64,
    /// Segments that arrived after later ones and were no retransmission.
    pub out_of_order: u64,
    /// Further sightings of a packet.
    pub duplicate_frames: u64,
    /// Times the receive window was closed (from open to 0).
    pub zero_window: u64,
    /// Holes of the capture: bytes acknowledged by the peer (or passed by) and never seen.
    pub gaps: u64,
    /// Holes that were still open when the connection ended and that the other end never acknowledged:
    /// lost before the capture point and never repaired.
    pub holes: u64,
    /// Bytes in those holes.
    pub hole_bytes: u64,
    /// Maximum segment size offered.
    pub mss: Option<u16>,
    /// Whether the SYN offered selective acknowledgements.
    pub sack: bool,
    /// TTL of the first packet.
    pub ttl: Option<u8>,
    /// First packet with payload.
    pub first_data: Option<Stamp>,
    /// Last packet with payload that the other end had not been sent before.
    pub last_data: Option<Stamp>,
    /// Last packet of any kind.
    pub last_packet: Option<Stamp>,
    /// Stream offset after the highest payload byte sent.
    pub sent: u64,
    /// Highest stream offset that the other end acknowledged, which may lie beyond `sent` where the
    /// capture lacks packets.
    pub acked: u64,
    /// Where the other end's highest acknowledgement of payload came.
    pub acked_at: Option<Stamp>,
    /// The packets that carried the oldest byte still unacknowledged: the first sending, the last, and how
    /// many (1: sent once). `None` where everything was acknowledged. Filled in when the connection ends.
    pub unanswered: Rare<Repeats>,
    /// IP packet length in bytes of the last packet in `unanswered`; above the MTU where offload was not
    /// done yet.
    pub unanswered_ip_len: u32,
    /// Largest IP packet length in bytes whose payload was acknowledged; the same remark.
    pub largest_acked: u32,
    /// First FIN.
    pub fin: Option<Stamp>,
    /// First RST.
    pub rst: Rare<Rst>,
    /// RSTs, sightings of one packet counted once.
    pub rsts: u32,
    /// Packets with payload that this end sent after its first RST, repeats of older bytes included.
    pub data_after_rst: Rare<Repeats>,
    /// The first of them whose payload starts at or beyond the RST's sequence number and that does not
    /// look merely reordered: its sender had not sent that RST.
    pub beyond_rst: Rare<Stamp>,
    /// The last packet, RSTs apart.
    pub marks: Option<Marks>,
    /// What it shows of the path.
    pub path: PathFacts,
    /// How it fared over time; only of a connection that went beyond the RDP negotiation and has a course.
    pub series: Rare<Series>,
}

impl DirFacts {
    /// A segment had to be sent again.
    pub(super) fn count_lost(&mut self, at: Timestamp) {
        self.lost += 1;
        if let Some(series) = &mut self.series {
            series.lost(at);
        }
    }

    /// What was counted as lost at `at` was not.
    pub(super) fn uncount_lost(&mut self, at: Timestamp) {
        self.lost = self.lost.saturating_sub(1);
        if let Some(series) = &mut self.series {
            series.not_lost(at);
        }
    }
}

/// What a sender's packets look like, to tell a forged one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The packet.
    pub stamp: Stamp,
    /// TTL.
    pub ttl: u8,
    /// IPv4 identification.
    pub ip_id: Option<u16>,
    /// Window field, not scaled.
    pub window: u16,
    /// Whether it carries TCP timestamps.
    pub timestamps: bool,
    /// Interface of the capture; TTLs compare only within one.
    pub interface: u16,
}

/// A RST as it stood on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Rst {
    /// The packet.
    pub stamp: Stamp,
    /// Sequence number.
    pub seq: u32,
    /// Where that lies in its sender's stream; `None` where the stream is not known, negative before it.
    pub offset: Option<i64>,
    /// Its sender's `sent` at that time: a genuine RST has no lower offset.
    pub sent: u64,
    /// Acknowledgement number, where the ACK flag was set.
    pub ack: Option<u32>,
    /// TTL.
    pub ttl: u8,
    /// IPv4 identification.
    pub ip_id: Option<u16>,
    /// Window field.
    pub window: u16,
    /// How the packet looks.
    pub marks: Marks,
    /// How its sender's last packet before it looked.
    pub prior: Option<Marks>,
    /// The other end's last new payload before it, and the stream offset behind that.
    pub heard: Option<(Stamp, u64)>,
    /// Where `ack` lies in the other end's stream.
    pub acknowledged: Option<i64>,
    /// Whether its sender had sent FIN before.
    pub after_own_fin: bool,
    /// Whether the other end had sent FIN before.
    pub after_peer_fin: bool,
}

/// The packet that began the end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// Sent by the sender of this direction.
    pub dir: Dir,
    /// RST rather than FIN.
    pub reset: bool,
    /// The packet.
    pub stamp: Stamp,
}

/// Why a connection was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Both ends closed, or one reset it.
    Closed,
    /// Its ports were used for another connection.
    PortsReused,
    /// Nothing came for longer than its idle time.
    Idle,
    /// The capture ended.
    CaptureEnded,
    /// Room was needed ([`crate::base::Limits::flows`]).
    Evicted,
}

/// Connections and flows that were given up before they were over, since room was needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenUp {
    /// Connections that had not carried payload.
    pub half_open: u64,
    /// Connections that were not RDP, or of which that was not known.
    pub other: u64,
    /// RDP, in negotiation or in the TLS handshake.
    pub begun: u64,
    /// RDP whose security was up.
    pub secured: u64,
    /// RDP-UDP flows.
    pub udp: u64,
}

impl GivenUp {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.half_open + self.other + self.begun + self.secured + self.udp
    }
}

/// What the reader of a connection wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Go on.
    Watch,
    /// Go on, and give it up last where room is needed: its security is up.
    WatchSecured,
    /// Go on, but what it is has only begun: it is over sooner where nothing more comes
    /// ([`crate::base::Limits::setup_idle`]).
    WatchSetup,
    /// This is not RDP: spend nothing more on it.
    Ignore,
}

/// Reads the payload of one connection. Made when the first payload byte (or gap) of the connection comes,
/// which may wait for earlier bytes before it is handed on. Away from RDP's ports a gap alone makes none, so
/// the first chunk of a direction may have an offset above 0 without a gap before it.
pub trait Reader {
    /// Takes the next bytes of a direction. `tcp` holds the connection's facts up to this packet.
    fn data(&mut self, tcp: &TcpFacts, dir: Dir, chunk: Chunk<'_>) -> Interest;
    /// Bytes are missing; the next chunk of this direction starts at `gap.offset + gap.len`.
    fn gap(&mut self, tcp: &TcpFacts, dir: Dir, gap: Gap) -> Interest;
}
