//! Every bound of the engine, with its default and its reason.

use super::Timestamp;

/// Bounds on memory and on waiting. Passing one makes a gap and a caveat in the report, never growth.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections and datagram flows kept at a time; the longest idle one goes first. A scan of a
    /// million sources fits.
    pub flows: usize,
    /// Connections kept in full, with a reader, at a time: those that are RDP, may become it, or are on an
    /// RDP port and were opened. Beyond a large session host's users.
    pub watched: usize,
    /// RDP-UDP flows followed at a time: two for each user of a large session host.
    pub udp_flows: usize,
    /// Out-of-order bytes kept for one direction of one connection. A full receive window of a LAN
    /// session before a hole is repaired.
    pub out_of_order_bytes: usize,
    /// Out-of-order segments kept for one direction.
    pub out_of_order_segments: usize,
    /// Bytes kept for all flows' reassembly together.
    pub reassembly_bytes: usize,
    /// Bytes of one unfinished message kept by a layer: a TLS record is at most 16 KiB + 2 KiB, a TLS
    /// handshake message with a long certificate chain fits in 64 KiB.
    pub message_bytes: usize,
    /// Bytes of a direction that may be looked at before it is decided what protocol it is.
    pub sniff_bytes: usize,
    /// IP fragments: datagrams under reassembly at a time, and how long one may take.
    pub fragment_datagrams: usize,
    /// Nanoseconds after which an unfinished IP datagram is dropped (RFC 8200, section 4.5: 60 s).
    pub fragment_timeout: i64,
    /// Nanoseconds of silence after which a connection that never carried payload is over. Longer
    /// than the last SYN retry of common stacks (Linux: 1, 2, 4, 8, 16, 32 s, then 64 s of waiting).
    pub half_open_idle: i64,
    /// Nanoseconds of silence after which a connection that is not RDP is forgotten.
    pub other_idle: i64,
    /// Nanoseconds of silence after which a connection that has not got beyond the RDP negotiation is over:
    /// servers give up on such a one after one or two minutes.
    pub setup_idle: i64,
    /// Nanoseconds of silence after which an RDP session is over; beyond TCP keep-alive's two hours.
    pub session_idle: i64,
    /// Nanoseconds after both ends closed (or a RST) during which late packets still belong to the
    /// connection. Below the two seconds within which a live verdict is due.
    pub linger: i64,
    /// Nanoseconds within which two sightings of one packet may lie.
    pub sighting: i64,
    /// Entries of one session's timeline; the middle is counted.
    pub timeline: usize,
    /// Sessions that ended before TLS listed one by one, for each server and code.
    pub listed: usize,
    /// Conversations counted for captures without RDP.
    pub conversations: usize,
}

impl Limits {
    /// Bounds for an engine that is to keep no more than about `bytes`, with shares as connections usually need
    /// them. What single ones may hold beyond that only a caller knows who counts, and who then calls
    /// `Analyzer::give_up`.
    pub fn within(bytes: usize) -> Self {
        /// A connection without payload: its slot and its place in the index.
        const HALF_OPEN: usize = 192;
        /// One kept in full, before it has said much.
        const WATCHED: usize = 4 * 1024;
        /// The same of RDP-UDP.
        const UDP_FLOW: usize = 2 * 1024;
        /// The largest IP datagram.
        const DATAGRAM: usize = 64 * 1024;
        Limits {
            // A table grows by doubling: a power of two leaves no half of it unused.
            flows: at_most_power_of_two((bytes / 4 / HALF_OPEN).max(1024)),
            watched: (bytes / 2 / WATCHED).max(256),
            udp_flows: (bytes / 16 / UDP_FLOW).max(64),
            reassembly_bytes: bytes / 8,
            fragment_datagrams: (bytes / 16 / DATAGRAM).max(8),
            ..Limits::default()
        }
    }
}

/// The largest power of two that is not above `n`, which is not 0.
const fn at_most_power_of_two(n: usize) -> usize {
    1 << n.ilog2()
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            flows: 1_000_000,
            watched: 16_384,
            udp_flows: 8192,
            out_of_order_bytes: 256 * 1024,
            out_of_order_segments: 256,
            reassembly_bytes: 64 * 1024 * 1024,
            message_bytes: 64 * 1024,
            sniff_bytes: 4096,
            fragment_datagrams: 256,
            fragment_timeout: 60 * Timestamp::SECOND,
            half_open_idle: 75 * Timestamp::SECOND,
            other_idle: 300 * Timestamp::SECOND,
            setup_idle: 180 * Timestamp::SECOND,
            session_idle: 3 * 3600 * Timestamp::SECOND,
            linger: 1750 * Timestamp::MILLISECOND,
            sighting: 5 * Timestamp::MILLISECOND,
            timeline: 256,
            listed: 1000,
            conversations: 4096,
        }
    }
}
